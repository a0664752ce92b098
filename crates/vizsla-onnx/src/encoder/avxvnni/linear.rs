//! A linear layer on 8-bit integers: rows are quantised individually, so that no row's result depends on another row.

use std::arch::x86_64::*;

use crate::encoder::IntegerWeights;
use crate::encoder::avx2::product::{COLUMNS, cut};
use crate::encoder::avx2::rows::Rows;
use crate::encoder::avx2::simd::{
    Integers, floats, gelu, load, load_i32, multiply, multiply_add, splat, store,
};
use crate::encoder::kernels::{grow, in_blocks};

/// A linear layer, with its weights in the order in which they are read.
pub(in crate::encoder) struct Linear {
    inputs: usize,
    outputs: usize,
    /// For every 16 outputs and every four inputs, the four weights of each output.
    panels: Vec<[i32; COLUMNS]>,
    scales: Vec<f32>,
    bias: Vec<f32>,
    /// The sum of each output's weights, used to subtract a row's zero point.
    sums: Vec<i32>,
}

/// One block's work: one sequence's rows and the outputs of one panel.
#[derive(Clone, Copy)]
struct Part<'a> {
    sequence: usize,
    panel: usize,
    weights: &'a [[i32; COLUMNS]],
}

impl Linear {
    /// Both sizes are multiples of 64, as checked by the caller.
    pub(super) fn pack(weights: IntegerWeights) -> Self {
        let sums = weights.sums();
        let IntegerWeights { inputs, outputs, values, scales, bias } = weights;
        let mut panels = Vec::with_capacity(inputs / 4 * (outputs / COLUMNS));
        for first in (0..outputs).step_by(COLUMNS) {
            for rows in values.chunks_exact(4 * outputs) {
                let byte = |k: usize, column: usize| rows[k * outputs + first + column] as u8;
                panels.push(std::array::from_fn(|column| {
                    i32::from_le_bytes(std::array::from_fn(|k| byte(k, column)))
                }));
            }
        }
        Self { inputs, outputs, panels, scales, bias, sums }
    }

    /// Multiplies every row, and writes to `out` the result, or its `gelu` if `GELU`.
    #[target_feature(enable = "avx2,fma,avxvnni")]
    pub(super) fn apply<const GELU: bool>(&self, rows: &Rows<true>, out: &mut Vec<f32>) {
        let of_sequence = rows.tokens * self.outputs;
        grow(out, rows.sequences() * of_sequence);
        for (panel, weights) in self.panels.chunks_exact(self.inputs / 4).enumerate() {
            let sequences = out.chunks_exact_mut(of_sequence).take(rows.sequences());
            for (sequence, out) in sequences.enumerate() {
                let part = Part { sequence, panel, weights };
                in_blocks!(rows.tokens + rows.before, |first| self
                    .block::<_, GELU>(rows, first, part, out));
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,avxvnni")]
    fn block<const R: usize, const GELU: bool>(
        &self,
        rows: &Rows<true>,
        first: usize,
        Part { sequence, panel, weights }: Part<'_>,
        out: &mut [f32],
    ) {
        let start = sequence * (rows.tokens + rows.before) + first;
        let mut inputs: [&[i32]; R] = [&[]; R];
        for r in 0..R {
            inputs[r] = rows.row(start + r);
        }
        let sums = product(&inputs, weights);
        let scales = load(&self.scales.as_chunks().0[panel]);
        let of_weights = load_i32(&self.sums.as_chunks().0[panel]);
        let bias = load(&self.bias.as_chunks().0[panel]);
        // Added to a row's products: the bias and, for a sequence's first row, the products of its remainder.
        let mut added = bias;
        for r in 0..R {
            let zero = _mm256_set1_epi32(rows.zeros[start + r]);
            let sums = [
                _mm256_sub_epi32(sums[r][0], _mm256_mullo_epi32(zero, of_weights[0])),
                _mm256_sub_epi32(sums[r][1], _mm256_mullo_epi32(zero, of_weights[1])),
            ];
            let scale = multiply(splat(rows.scales[start + r]), scales);
            let values = multiply_add(floats(sums), scale, added);
            if first + r < rows.before {
                added = values;
                continue;
            }
            added = bias;
            let row = (first + r - rows.before) * self.outputs;
            let (out, _) = out[row..row + self.outputs].as_chunks_mut();
            store(&mut out[panel], if GELU { gelu(values) } else { values });
        }
    }
}

/// The sums of `R` rows' products with 16 columns. An item holds four bytes, unsigned of a row, signed of a column.
#[inline]
#[target_feature(enable = "avx2,fma,avxvnni")]
fn product<const R: usize>(rows: &[&[i32]; R], columns: &[[i32; COLUMNS]]) -> [Integers; R] {
    let rows = cut(rows, columns.len());
    let mut sums = [[_mm256_setzero_si256(); 2]; R];
    for k in 0..columns.len() {
        let columns = load_i32(&columns[k]);
        for r in 0..R {
            let item = _mm256_set1_epi32(rows[r][k]);
            sums[r][0] = _mm256_dpbusd_avx_epi32(sums[r][0], item, columns[0]);
            sums[r][1] = _mm256_dpbusd_avx_epi32(sums[r][1], item, columns[1]);
        }
    }
    sums
}
