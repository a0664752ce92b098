//! The kernels in plain scalar Rust: the reference that tests compare the fast ones with, and what they test on a
//! processor without fast ones.

use super::kernels::{Activation, Kernels, Sequence, grow};
use super::{IntegerWeights, Norm};

pub(super) struct Portable;

/// Rows of unsigned bytes: a number is `(byte - zero) * scale`.
#[derive(Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
}

struct Row {
    bytes: Vec<u8>,
    scale: f32,
    zero: f32,
    /// The remainder of a sequence's first row after its bytes.
    remainder: Option<Box<Row>>,
}

impl Row {
    fn of(values: &[f32], is_first: bool) -> Self {
        let low = values.iter().copied().fold(0.0, f32::min);
        let high = values.iter().copied().fold(0.0, f32::max);
        let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
        let zero = (-low / scale).round_ties_even();
        let byte = |value: &f32| (value / scale + zero).round_ties_even().clamp(0.0, 255.0) as u8;
        let bytes: Vec<u8> = values.iter().map(byte).collect();
        let remainder = is_first.then(|| {
            let left = |(value, byte): (&f32, &u8)| value - (f32::from(*byte) - zero) * scale;
            let left: Vec<f32> = values.iter().zip(&bytes).map(left).collect();
            Box::new(Self::of(&left, false))
        });
        Self { bytes, scale, zero, remainder }
    }

    /// The product with one output's weights, without the bias.
    fn product(&self, linear: &IntegerWeights, output: usize) -> f32 {
        let weights = linear.values.iter().skip(output).step_by(linear.outputs);
        let terms = self.bytes.iter().zip(weights);
        let sum: i32 = terms.map(|(b, w)| (i32::from(*b) - self.zero as i32) * i32::from(*w)).sum();
        let rest = self.remainder.as_ref().map_or(0.0, |row| row.product(linear, output));
        sum as f32 * self.scale * linear.scales[output] + rest
    }
}

impl Kernels for Portable {
    type Linear = IntegerWeights;
    type Rows = Rows;
    type Attention = ();

    const MULTIPLE: usize = 64;
    const HEAD_SIZES: &'static [usize] = &[32, 64];

    fn pack(&self, weights: IntegerWeights) -> IntegerWeights {
        weights
    }

    fn quantize(&self, rows: &mut Rows, values: &[f32], width: usize, tokens: usize) {
        let values = values.chunks_exact(width).enumerate();
        rows.rows = values.map(|(i, values)| Row::of(values, i.is_multiple_of(tokens))).collect();
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
                let value = row.product(linear, output) + linear.bias[output];
                *out = if activation == Activation::Gelu { gelu(value) } else { value };
            }
        }
    }

    fn attend(&self, sequence: &Sequence<'_>, head_size: usize, (): &mut (), out: &mut [f32]) {
        let width = sequence.width;
        for (query, out) in sequence.queries.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            for first in (0..width).step_by(head_size) {
                let head = first..first + head_size;
                let score = |key: &[f32]| -> f32 {
                    let terms = query[head.clone()].iter().zip(&key[head.clone()]);
                    terms.map(|(q, k)| q * k).sum::<f32>() / (head_size as f32).sqrt()
                };
                let scores: Vec<f32> = sequence.keys.chunks_exact(width).map(score).collect();
                let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
                let sum: f32 = powers.iter().sum();
                out[head.clone()].fill(0.0);
                for (power, value) in powers.iter().zip(sequence.values.chunks_exact(width)) {
                    for (out, value) in out[head.clone()].iter_mut().zip(&value[head.clone()]) {
                        *out += power / sum * value;
                    }
                }
            }
        }
    }

    fn add_and_normalize(&self, rows: &mut [f32], other: &[f32], norm: &Norm) {
        let width = norm.weight.len();
        for (row, other) in rows.chunks_exact_mut(width).zip(other.chunks_exact(width)) {
            row.iter_mut().zip(other).for_each(|(value, other)| *value += other);
            let mean = row.iter().sum::<f32>() / width as f32;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / width as f32;
            let factor = 1.0 / (variance + norm.epsilon).sqrt();
            for ((value, weight), bias) in row.iter_mut().zip(&norm.weight).zip(&norm.bias) {
                *value = (*value - mean) * factor * weight + bias;
            }
        }
    }
}

/// Uses the error function of Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), formula 7.1.26, whose
/// error is at most 0.00000015.
fn gelu(x: f32) -> f32 {
    let x = f64::from(x);
    let z = x.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let coefficients =
        [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let polynomial = coefficients.iter().fold(0.0, |sum, c| sum * t + c) * t;
    let erf = (1.0 - polynomial * (-z * z).exp()).copysign(x);
    (0.5 * x * (1.0 + erf)) as f32
}
