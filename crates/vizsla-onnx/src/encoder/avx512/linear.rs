//! A linear layer on 8-bit integers: rows are quantised individually, so that no row's result depends on another row.

use std::arch::x86_64::*;

use super::simd::{gelu, load, load_bytes, load_i32, store, store_bytes};
use crate::encoder::IntegerWeights;
use crate::encoder::kernels::{Firsts, grow, in_blocks};

/// How many columns are multiplied at a time: four vectors of sixteen.
const PANEL: usize = 64;

/// One block's work: one sequence's rows and 64 outputs.
#[derive(Clone, Copy)]
struct Part<'a> {
    sequence: usize,
    panel: usize,
    steps: &'a [Step],
}

/// Four weights for each of 64 outputs: the input of one inner-loop step.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Step([[i32; 16]; 4]);

/// A linear layer, with its weights in the order in which they are read.
pub(in crate::encoder) struct Linear {
    inputs: usize,
    outputs: usize,
    /// For every 64 outputs, `inputs / 4` steps.
    panels: Vec<Step>,
    scales: Vec<f32>,
    bias: Vec<f32>,
    /// The sum of each output's weights, used to subtract a row's zero point.
    sums: Vec<i32>,
}

impl Linear {
    /// Both sizes are multiples of 64, as checked by the caller.
    pub(super) fn pack(weights: IntegerWeights) -> Self {
        let sums = weights.sums();
        let IntegerWeights { inputs, outputs, .. } = weights;
        let mut panels = Vec::with_capacity(inputs / 4 * (outputs / PANEL));
        for first in (0..outputs).step_by(PANEL) {
            for input in (0..inputs).step_by(4) {
                let mut step = Step([[0; 16]; 4]);
                for (column, item) in step.0.as_flattened_mut().iter_mut().enumerate() {
                    let byte = |k: usize| {
                        weights.values[(input + k) * outputs + first + column].cast_unsigned()
                    };
                    *item = i32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)]);
                }
                panels.push(step);
            }
        }
        Self { inputs, outputs, panels, scales: weights.scales, bias: weights.bias, sums }
    }

    /// Multiplies every row, and writes to `out` the result, or its `gelu` if `GELU`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    pub(super) fn apply<const GELU: bool>(&self, rows: &Rows, out: &mut Vec<f32>) {
        let of_sequence = rows.tokens * self.outputs;
        grow(out, rows.sequences() * of_sequence);
        for (panel, steps) in self.panels.chunks_exact(self.inputs / 4).enumerate() {
            for (sequence, out) in
                out.chunks_exact_mut(of_sequence).take(rows.sequences()).enumerate()
            {
                let part = Part { sequence, panel, steps };
                in_blocks!(rows.tokens + rows.before, |first| self
                    .block::<_, GELU>(rows, first, part, out));
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn block<const R: usize, const GELU: bool>(
        &self,
        rows: &Rows,
        first: usize,
        Part { sequence, panel, steps }: Part<'_>,
        out: &mut [f32],
    ) {
        let start = sequence * (rows.tokens + rows.before) + first;
        let mut inputs: [&[i32]; R] = [&[]; R];
        for (r, input) in inputs.iter_mut().enumerate() {
            *input = &rows.row(start + r)[..steps.len()];
        }
        let sums = multiply(&inputs, steps);
        let columns = panel * PANEL..(panel + 1) * PANEL;
        let (scales, _) = self.scales[columns.clone()].as_chunks::<16>();
        let (weights, _) = self.sums[columns.clone()].as_chunks::<16>();
        let (bias, _) = self.bias[columns.clone()].as_chunks::<16>();
        // Added to a row's products: the bias and, for a sequence's first row, the products of its remainder.
        let bias: [__m512; 4] = std::array::from_fn(|j| load(&bias[j]));
        let mut added = bias;
        for (r, sums) in sums.into_iter().enumerate() {
            let scale = _mm512_set1_ps(rows.scales[start + r]);
            let zero = _mm512_set1_epi32(rows.zeros[start + r]);
            let mut values = added;
            for (j, sum) in sums.into_iter().enumerate() {
                let offset = _mm512_mullo_epi32(zero, load_i32(&weights[j]));
                let sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, offset));
                let scale = _mm512_mul_ps(scale, load(&scales[j]));
                values[j] = _mm512_fmadd_ps(sum, scale, values[j]);
            }
            if first + r < rows.before {
                added = values;
                continue;
            }
            added = bias;
            let row = (first + r - rows.before) * self.outputs;
            let (out, _) = out[row..][columns.clone()].as_chunks_mut::<16>();
            for (out, value) in out.iter_mut().zip(values) {
                store(out, if GELU { gelu(value) } else { value });
            }
        }
    }
}

/// The inner loop: `R` rows times 64 columns.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn multiply<const R: usize>(rows: &[&[i32]; R], steps: &[Step]) -> [[__m512i; 4]; R] {
    let mut sums = [[_mm512_setzero_si512(); 4]; R];
    for k in 0..steps.len() {
        let Step(weights) = &steps[k];
        let weights = [
            load_i32(&weights[0]),
            load_i32(&weights[1]),
            load_i32(&weights[2]),
            load_i32(&weights[3]),
        ];
        for r in 0..R {
            let input = _mm512_set1_epi32(rows[r][k]);
            for c in 0..4 {
                sums[r][c] = _mm512_dpbusd_epi32(sums[r][c], input, weights[c]);
            }
        }
    }
    sums
}

/// Rows of unsigned bytes, each with its own scale and zero point: a number is `(byte - zero) * scale`, as in ONNX's
/// `DynamicQuantizeLinear`.
///
/// A sequence's first row, `[CLS]`, has another row of bytes before it, for the remainder of its own bytes. All other
/// rows attend to it, so its rounding error does not average out as theirs does: half of the logit's squared error from
/// rounding activations came from this one row. One extra row in a hundred removes it.
#[derive(Default)]
pub(in crate::encoder) struct Rows {
    /// Rows of each sequence, not counting the one before the first.
    tokens: usize,
    /// How many rows are before the first of a sequence: one, or none where these are later rows.
    before: usize,
    /// Bytes in groups of four.
    width: usize,
    bytes: Vec<i32>,
    scales: Vec<f32>,
    zeros: Vec<i32>,
    remainder: Vec<f32>,
}

impl Rows {
    fn sequences(&self) -> usize {
        self.scales.len() / (self.tokens + self.before)
    }

    fn row(&self, row: usize) -> &[i32] {
        &self.bytes[row * self.width..][..self.width]
    }

    /// Quantises rows of `width` numbers, a multiple of 16, in sequences of `tokens` rows.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    pub(super) fn quantize(&mut self, values: &[f32], width: usize, firsts: Firsts) {
        let (tokens, before) = match firsts {
            Firsts::Every(tokens) => (tokens, 1),
            Firsts::None => (values.len() / width, 0),
        };
        (self.tokens, self.before, self.width) = (tokens, before, width / 4);
        let sequences = values.chunks_exact(width * tokens);
        let bytes = sequences.len() * (tokens + before) * self.width;
        if self.bytes.len() < bytes {
            self.bytes.resize(bytes, 0);
        }
        self.scales.clear();
        self.zeros.clear();
        self.remainder.resize(width, 0.0);
        let of_sequence = (tokens + before) * self.width;
        for (rows, bytes) in sequences.zip(self.bytes.chunks_exact_mut(of_sequence)) {
            let mut push = |(scale, zero): (f32, i32)| {
                self.scales.push(scale);
                self.zeros.push(zero);
            };
            let (first, bytes) = bytes.split_at_mut(before * 2 * self.width);
            if before == 1 {
                let (before, bytes) = first.split_at_mut(self.width);
                let (row, _) = rows[..width].as_chunks::<16>();
                let of_first = quantize_row(row, bytes.as_chunks_mut::<4>().0);
                write_remainder(row, bytes, of_first, &mut self.remainder);
                let (remainder, _) = self.remainder.as_chunks::<16>();
                push(quantize_row(remainder, before.as_chunks_mut::<4>().0));
                push(of_first);
            }
            let others = rows.chunks_exact(width).skip(before);
            for (row, bytes) in others.zip(bytes.chunks_exact_mut(self.width)) {
                push(quantize_row(row.as_chunks::<16>().0, bytes.as_chunks_mut::<4>().0));
            }
        }
    }
}

/// What the bytes leave of each number.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn write_remainder(row: &[[f32; 16]], bytes: &[i32], (scale, zero): (f32, i32), left: &mut [f32]) {
    let bytes = bytes.as_chunks::<4>().0;
    for ((left, values), bytes) in left.as_chunks_mut::<16>().0.iter_mut().zip(row).zip(bytes) {
        let whole = _mm512_sub_epi32(load_bytes(bytes), _mm512_set1_epi32(zero));
        let whole = _mm512_cvtepi32_ps(whole);
        store(left, _mm512_fnmadd_ps(whole, _mm512_set1_ps(scale), load(values)));
    }
}

/// Writes a row's bytes, and returns its scale and its zero point.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn quantize_row(row: &[[f32; 16]], bytes: &mut [[i32; 4]]) -> (f32, i32) {
    let (mut low, mut high) = (_mm512_setzero_ps(), _mm512_setzero_ps());
    for values in row {
        low = _mm512_min_ps(low, load(values));
        high = _mm512_max_ps(high, load(values));
    }
    let (low, high) = (_mm512_reduce_min_ps(low), _mm512_reduce_max_ps(high));
    // A row of zeros has no range; any scale will do.
    let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
    let zero = (-low / scale).round_ties_even();
    let inverse = _mm512_set1_ps(1.0 / scale);
    let shift = _mm512_set1_ps(zero);
    for (values, bytes) in row.iter().zip(bytes) {
        let scaled = _mm512_fmadd_ps(load(values), inverse, shift);
        let whole = _mm512_max_epi32(_mm512_cvtps_epi32(scaled), _mm512_setzero_si512());
        store_bytes(bytes, _mm512_cvtusepi32_epi8(whole));
    }
    (scale, zero as i32)
}
