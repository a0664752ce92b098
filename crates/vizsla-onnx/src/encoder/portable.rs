//! The kernels in plain scalar Rust: the reference that all others equal to the last bit, on any machine. They say which
//! integers are multiplied and in which order floats are added: in sixteen partial sums, as a vector of sixteen does.

use std::f32::consts::LOG2_E;

use super::approximation::{exp2, gelu};
use super::kernels::{
    Activation, Firsts, Kernels, PROBABILITY_ONE, Sequence, grow, largest_factor,
};
use super::{IntegerWeights, Norm};

/// How many partial sums.
const LANES: usize = 16;

pub(super) struct Portable;

/// Rows of unsigned bytes: a number is `(byte - zero) * scale`.
#[derive(Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
}

struct Row {
    /// Less the zero point.
    bytes: Vec<i32>,
    scale: f32,
    /// The remainder of a sequence's first row after its bytes.
    remainder: Option<Box<Row>>,
}

impl Row {
    fn of(values: &[f32], is_first: bool) -> Self {
        let low = values.iter().copied().fold(0.0, f32::min);
        let high = values.iter().copied().fold(0.0, f32::max);
        let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
        let zero = (-low / scale).round_ties_even();
        let inverse = 1.0 / scale;
        let byte = |value: &f32| value.mul_add(inverse, zero).round_ties_even().clamp(0.0, 255.0);
        let bytes: Vec<i32> = values.iter().map(|value| (byte(value) - zero) as i32).collect();
        let remainder = is_first.then(|| {
            let left = |(value, byte): (&f32, &i32)| (*byte as f32).mul_add(-scale, *value);
            let left: Vec<f32> = values.iter().zip(&bytes).map(left).collect();
            Box::new(Self::of(&left, false))
        });
        Self { bytes, scale, remainder }
    }

    /// The product with one output's weights, plus the bias.
    fn product(&self, linear: &IntegerWeights, output: usize) -> f32 {
        let rest = self.remainder.as_ref();
        let added = rest.map_or(linear.bias[output], |row| row.product(linear, output));
        let weights = linear.values.iter().skip(output).step_by(linear.outputs);
        let sum: i32 = self.bytes.iter().zip(weights).map(|(b, w)| b * i32::from(*w)).sum();
        (sum as f32).mul_add(self.scale * linear.scales[output], added)
    }
}

impl Kernels for Portable {
    type Linear = IntegerWeights;
    type Rows = Rows;
    type Attention = ();

    const FEED_FORWARD_ROWS: usize = 1;

    fn pack(&self, weights: IntegerWeights) -> IntegerWeights {
        weights
    }

    fn quantize(&self, rows: &mut Rows, values: &[f32], width: usize, firsts: Firsts) {
        let is_first = |i: usize| match firsts {
            Firsts::Every(tokens) => i.is_multiple_of(tokens),
            Firsts::None => false,
        };
        let values = values.chunks_exact(width).enumerate();
        rows.rows = values.map(|(i, values)| Row::of(values, is_first(i))).collect();
    }

    fn multiply(
        &self,
        linear: &IntegerWeights,
        rows: &Rows,
        activation: Activation,
        out: &mut Vec<f32>,
    ) {
        grow(out, rows.rows.len() * linear.outputs);
        for (row, out) in rows.rows.iter().zip(out.chunks_exact_mut(linear.outputs)) {
            for (output, out) in out.iter_mut().enumerate() {
                let value = row.product(linear, output);
                *out = if activation == Activation::Gelu { gelu(value) } else { value };
            }
        }
    }

    fn attend(&self, sequence: &Sequence<'_>, head_size: usize, (): &mut (), out: &mut [f32]) {
        let limit = largest_factor(head_size) as f32;
        for first in (0..sequence.width).step_by(head_size) {
            let head = |rows, limit| Head::of(rows, sequence.width, first, head_size, limit);
            let queries = head(sequence.queries, limit);
            let keys = head(sequence.keys, limit);
            let values = head(sequence.values, PROBABILITY_ONE);
            let scale = queries.scale * keys.scale * LOG2_E / (head_size as f32).sqrt();
            let value_scale = values.scale / PROBABILITY_ONE;
            for (query, out) in queries.rows.iter().zip(out.chunks_exact_mut(sequence.width)) {
                let probabilities = softmax(query, &keys.rows, scale);
                for (i, out) in out[first..][..head_size].iter_mut().enumerate() {
                    let terms = probabilities.iter().zip(&values.rows);
                    let sum: i32 = terms.map(|(probability, value)| probability * value[i]).sum();
                    *out = sum as f32 * value_scale;
                }
            }
        }
    }

    fn add_and_normalize(&self, rows: &mut [f32], other: &[f32], norm: &Norm) {
        let width = norm.weight.len();
        for (row, other) in rows.chunks_exact_mut(width).zip(other.chunks_exact(width)) {
            row.iter_mut().zip(other).for_each(|(value, other)| *value += other);
            let mean = sum_in_lanes(row, |sum, x| sum + x) / width as f32;
            let square = |sum: f32, x: f32| (x - mean).mul_add(x - mean, sum);
            let variance = sum_in_lanes(row, square) / width as f32;
            let factor = 1.0 / (variance + norm.epsilon).sqrt();
            for ((value, weight), bias) in row.iter_mut().zip(&norm.weight).zip(&norm.bias) {
                *value = ((*value - mean) * factor).mul_add(*weight, *bias);
            }
        }
    }
}

/// The integers of one head: a number is `integer * scale`.
struct Head {
    rows: Vec<Vec<i32>>,
    scale: f32,
}

impl Head {
    /// Rounds columns `first..first + size` so that the largest magnitude becomes `limit`.
    fn of(rows: &[f32], width: usize, first: usize, size: usize, limit: f32) -> Self {
        let rows = || rows.chunks_exact(width).map(|row| &row[first..first + size]);
        let most = rows().flatten().fold(0.0, |most: f32, value| most.max(value.abs()));
        let scale = if most > 0.0 { most / limit } else { 1.0 };
        let inverse = 1.0 / scale;
        let round = |value: &f32| (value * inverse).round_ties_even() as i32;
        Self { rows: rows().map(|row| row.iter().map(round).collect()).collect(), scale }
    }
}

/// The probabilities of all keys for one query, in units of 1 / [`PROBABILITY_ONE`]. With `scale`, products are in units
/// of ln 2.
fn softmax(query: &[i32], keys: &[Vec<i32>], scale: f32) -> Vec<i32> {
    let score = |key: &Vec<i32>| {
        let product: i32 = query.iter().zip(key).map(|(q, k)| q * k).sum();
        product as f32 * scale
    };
    let mut scores: Vec<f32> = keys.iter().map(score).collect();
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|score| *score = exp2(*score - most));
    let scale = PROBABILITY_ONE / sum_in_lanes(&scores, |sum, x| sum + x);
    scores.iter().map(|power| (power * scale).round_ties_even() as i32).collect()
}

/// Adds numbers to partial sums, and these in pairs: the first half to the second.
fn sum_in_lanes(values: &[f32], add: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    for values in values.chunks(LANES) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = add(*sum, *value);
        }
    }
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}
