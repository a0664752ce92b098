//! A linear layer on 16-bit integers: bytes less their zero point times weights of 8 bits. Rows are quantised
//! individually, so that no row's result depends on another row.
//!
//! The instruction for bytes (`vpmaddubsw`) cuts off the sum of two products at 16 bits, so that activations would have
//! to be limited to 7 bits, which doubles their error; and it needs a second multiplication to widen the sums. The one for
//! 16-bit integers (`vpmaddwd`) is exact, and two of them do the same work in the same time.

use super::product::{ByteColumns, COLUMNS, product_of_bytes};
use super::rows::Rows;
use super::simd::{floats, gelu, load, multiply, multiply_add, splat, store};
use crate::encoder::IntegerWeights;
use crate::encoder::kernels::{grow, in_blocks};

/// A linear layer, with its weights in the order in which they are read.
pub(in crate::encoder) struct Linear {
    inputs: usize,
    outputs: usize,
    /// For every 16 outputs and every two inputs, the two weights of each output.
    panels: Vec<ByteColumns>,
    scales: Vec<f32>,
    bias: Vec<f32>,
}

/// One block's work: one sequence's rows and the outputs of one panel.
#[derive(Clone, Copy)]
struct Part<'a> {
    sequence: usize,
    panel: usize,
    weights: &'a [ByteColumns],
}

impl Linear {
    /// Both sizes are multiples of 64, as checked by the caller.
    pub(super) fn pack(weights: IntegerWeights) -> Self {
        let IntegerWeights { inputs, outputs, values, scales, bias } = weights;
        let mut panels = Vec::with_capacity(inputs / 2 * (outputs / COLUMNS));
        for first in (0..outputs).step_by(COLUMNS) {
            for pair in values.chunks_exact(2 * outputs) {
                panels.push(ByteColumns(std::array::from_fn(|i| {
                    pair[i % 2 * outputs + first + i / 2]
                })));
            }
        }
        Self { inputs, outputs, panels, scales, bias }
    }

    /// Multiplies every row, and writes to `out` the result, or its `gelu` if `GELU`.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn apply<const GELU: bool>(&self, rows: &Rows<false>, out: &mut Vec<f32>) {
        let of_sequence = rows.tokens * self.outputs;
        grow(out, rows.sequences() * of_sequence);
        for (panel, weights) in self.panels.chunks_exact(self.inputs / 2).enumerate() {
            let sequences = out.chunks_exact_mut(of_sequence).take(rows.sequences());
            for (sequence, out) in sequences.enumerate() {
                let part = Part { sequence, panel, weights };
                in_blocks!(rows.tokens + rows.before, |first| self
                    .block::<_, GELU>(rows, first, part, out));
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn block<const R: usize, const GELU: bool>(
        &self,
        rows: &Rows<false>,
        first: usize,
        Part { sequence, panel, weights }: Part<'_>,
        out: &mut [f32],
    ) {
        let start = sequence * (rows.tokens + rows.before) + first;
        let mut inputs: [&[i32]; R] = [&[]; R];
        for r in 0..R {
            inputs[r] = rows.row(start + r);
        }
        let sums = product_of_bytes(&inputs, weights);
        let scales = load(&self.scales.as_chunks().0[panel]);
        let bias = load(&self.bias.as_chunks().0[panel]);
        // Added to a row's products: the bias and, for a sequence's first row, the products of its remainder.
        let mut added = bias;
        for r in 0..R {
            let scale = multiply(splat(rows.scales[start + r]), scales);
            let values = multiply_add(floats(sums[r]), scale, added);
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
