//! A linear layer on 8-bit integers: rows are quantised one by one, so that no row's result depends on another row.

use std::arch::x86_64::*;

use super::IntegerWeights;
use super::simd::{gelu, load, load_i32, store, store_bytes};

/// How many columns are multiplied at a time: four vectors of sixteen.
pub(super) const PANEL: usize = 64;
/// How many rows are multiplied at a time: six times four accumulators fill three quarters of the registers.
const ROWS: usize = 6;

/// Four weights of each of 64 outputs: what one step of the inner loop reads.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Step([[i32; 16]; 4]);

/// A linear layer, its weights in the order in which they are read.
pub(super) struct Linear {
    inputs: usize,
    outputs: usize,
    /// For each 64 outputs, `inputs / 4` steps.
    panels: Vec<Step>,
    scales: Vec<f32>,
    bias: Vec<f32>,
    /// For each output the sum of its weights, by which the zero point of a row is taken out.
    sums: Vec<i32>,
}

impl Linear {
    /// Both sizes are multiples of 64; the caller has checked.
    pub(super) fn pack(weights: IntegerWeights) -> Self {
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
        let mut sums = vec![0; outputs];
        for row in weights.values.chunks_exact(outputs) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += i32::from(*value);
            }
        }
        Self { inputs, outputs, panels, scales: weights.scales, bias: weights.bias, sums }
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Multiplies every row, and puts `gelu` of the result into `out` if `GELU`, else the result.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    pub(super) fn apply<const GELU: bool>(&self, rows: &Rows, out: &mut Vec<f32>) {
        grow(out, rows.len() * self.outputs);
        for (panel, steps) in self.panels.chunks_exact(self.inputs / 4).enumerate() {
            let mut first = 0;
            while rows.len() - first >= ROWS {
                self.block::<ROWS, GELU>(rows, first, panel, steps, out);
                first += ROWS;
            }
            match rows.len() - first {
                5 => self.block::<5, GELU>(rows, first, panel, steps, out),
                4 => self.block::<4, GELU>(rows, first, panel, steps, out),
                3 => self.block::<3, GELU>(rows, first, panel, steps, out),
                2 => self.block::<2, GELU>(rows, first, panel, steps, out),
                1 => self.block::<1, GELU>(rows, first, panel, steps, out),
                _ => {}
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn block<const R: usize, const GELU: bool>(
        &self,
        rows: &Rows,
        first: usize,
        panel: usize,
        steps: &[Step],
        out: &mut [f32],
    ) {
        let mut inputs: [&[i32]; R] = [&[]; R];
        for (r, input) in inputs.iter_mut().enumerate() {
            *input = &rows.row(first + r)[..steps.len()];
        }
        let sums = multiply(&inputs, steps);
        for (r, sums) in sums.into_iter().enumerate() {
            let row = first + r;
            let scale = _mm512_set1_ps(rows.scales[row]);
            let zero = _mm512_set1_epi32(rows.zeros[row]);
            let at = panel * PANEL;
            let out = &mut out[row * self.outputs + at..][..PANEL];
            let columns = at..at + PANEL;
            let (out, _) = out.as_chunks_mut::<16>();
            let (scales, _) = self.scales[columns.clone()].as_chunks::<16>();
            let (bias, _) = self.bias[columns.clone()].as_chunks::<16>();
            let (weights, _) = self.sums[columns].as_chunks::<16>();
            for (j, sum) in sums.into_iter().enumerate() {
                let offset = _mm512_mullo_epi32(zero, load_i32(&weights[j]));
                let sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, offset));
                let scale = _mm512_mul_ps(scale, load(&scales[j]));
                let value = _mm512_fmadd_ps(sum, scale, load(&bias[j]));
                store(&mut out[j], if GELU { gelu(value) } else { value });
            }
        }
    }
}

/// The inner loop: `R` rows times 64 columns.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn multiply<const R: usize>(rows: &[&[i32]; R], steps: &[Step]) -> [[__m512i; 4]; R] {
    let mut sums = [[_mm512_setzero_si512(); 4]; R];
    for (k, Step(weights)) in steps.iter().enumerate() {
        let weights = [
            load_i32(&weights[0]),
            load_i32(&weights[1]),
            load_i32(&weights[2]),
            load_i32(&weights[3]),
        ];
        for (sums, row) in sums.iter_mut().zip(rows) {
            let input = _mm512_set1_epi32(row[k]);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = _mm512_dpbusd_epi32(*sum, input, weights);
            }
        }
    }
    sums
}

/// Makes room for so many numbers; what the vector holds beyond them is left.
pub(super) fn grow(numbers: &mut Vec<f32>, len: usize) {
    if numbers.len() < len {
        numbers.resize(len, 0.0);
    }
}

/// Rows of unsigned bytes, each with a scale and a zero point of its own:
/// a number is `(byte - zero) * scale`, as in ONNX's `DynamicQuantizeLinear`.
#[derive(Default)]
pub(super) struct Rows {
    /// Bytes in fours.
    width: usize,
    bytes: Vec<i32>,
    scales: Vec<f32>,
    zeros: Vec<i32>,
}

impl Rows {
    fn len(&self) -> usize {
        self.scales.len()
    }

    fn row(&self, row: usize) -> &[i32] {
        &self.bytes[row * self.width..][..self.width]
    }

    /// Quantises rows of `width` numbers, a multiple of 16.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    pub(super) fn quantize(&mut self, values: &[f32], width: usize) {
        self.width = width / 4;
        if self.bytes.len() < values.len() / 4 {
            self.bytes.resize(values.len() / 4, 0);
        }
        self.scales.clear();
        self.zeros.clear();
        for (row, bytes) in values.chunks_exact(width).zip(self.bytes.chunks_exact_mut(width / 4)) {
            let (row, _) = row.as_chunks::<16>();
            let (mut low, mut high) = (_mm512_setzero_ps(), _mm512_setzero_ps());
            for values in row {
                low = _mm512_min_ps(low, load(values));
                high = _mm512_max_ps(high, load(values));
            }
            let (low, high) = (_mm512_reduce_min_ps(low), _mm512_reduce_max_ps(high));
            // A row of zeros has no range; any scale stands for it.
            let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
            let zero = (-low / scale).round_ties_even();
            let inverse = _mm512_set1_ps(1.0 / scale);
            let shift = _mm512_set1_ps(zero);
            for (values, bytes) in row.iter().zip(bytes.as_chunks_mut::<4>().0) {
                let scaled = _mm512_fmadd_ps(load(values), inverse, shift);
                let whole = _mm512_max_epi32(_mm512_cvtps_epi32(scaled), _mm512_setzero_si512());
                store_bytes(bytes, _mm512_cvtusepi32_epi8(whole));
            }
            self.scales.push(scale);
            self.zeros.push(zero as i32);
        }
    }
}
