//! A linear layer on 8-bit integers: rows are quantised individually, so that no row's result depends on another row.

use super::product::{Product, Step};
use super::rows::Rows;
use super::simd::{
    LANES, floats, gelu, load, load_i32, multiply, multiply_add, multiply_add_i32, splat,
    splat_i32, store,
};
use crate::encoder::IntegerWeights;
use crate::encoder::kernels::{grow, in_blocks};

/// A linear layer, with its weights in the order in which they are read.
pub(in crate::encoder) struct Linear {
    inputs: usize,
    outputs: usize,
    /// For every 16 outputs and every 16 inputs, their weights.
    panels: Vec<Step>,
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
    weights: &'a [Step],
}

impl Linear {
    /// Both sizes are multiples of 64, as checked by the caller. `place` is that of [`Product`].
    pub(super) fn pack(
        weights: IntegerWeights,
        place: impl Fn(usize, usize) -> [usize; 2],
    ) -> Self {
        let sums = weights.sums();
        let IntegerWeights { inputs, outputs, values, scales, bias } = weights;
        let mut panels = Vec::with_capacity(inputs / LANES * (outputs / LANES));
        for first in (0..outputs).step_by(LANES) {
            for rows in values.chunks_exact(LANES * outputs) {
                let mut step = Step::default();
                for (input, row) in rows.chunks_exact(outputs).enumerate() {
                    for (output, weight) in row[first..][..LANES].iter().enumerate() {
                        let [vector, byte] = place(input, output);
                        step.0[vector][byte] = *weight;
                    }
                }
                panels.push(step);
            }
        }
        Self { inputs, outputs, panels, scales, bias, sums }
    }

    /// Multiplies every row, and writes to `out` the result, or its `gelu` if `GELU`.
    #[target_feature(enable = "neon")]
    pub(super) fn apply<P: Product, const GELU: bool>(
        &self,
        product: &P,
        rows: &Rows,
        out: &mut Vec<f32>,
    ) {
        let of_sequence = rows.tokens * self.outputs;
        grow(out, rows.sequences() * of_sequence);
        for (panel, weights) in self.panels.chunks_exact(self.inputs / LANES).enumerate() {
            let sequences = out.chunks_exact_mut(of_sequence).take(rows.sequences());
            for (sequence, out) in sequences.enumerate() {
                let part = Part { sequence, panel, weights };
                let layer = Applied { layer: self, product };
                in_blocks!(rows.tokens + rows.before, |first| layer
                    .block::<_, GELU>(rows, first, part, out));
            }
        }
    }
}

/// A layer and the instructions that it multiplies with.
struct Applied<'a, P> {
    layer: &'a Linear,
    product: &'a P,
}

impl<P: Product> Applied<'_, P> {
    #[inline]
    #[target_feature(enable = "neon")]
    fn block<const R: usize, const GELU: bool>(
        &self,
        rows: &Rows,
        first: usize,
        Part { sequence, panel, weights }: Part<'_>,
        out: &mut [f32],
    ) {
        let start = sequence * (rows.tokens + rows.before) + first;
        let mut inputs: [&[[i8; LANES]]; R] = [&[]; R];
        for r in 0..R {
            inputs[r] = &rows.row(start + r)[..weights.len()];
        }
        let sums = self.product.of(&inputs, weights);
        let Linear { outputs, scales, bias, sums: of_weights, .. } = self.layer;
        let scales = load(&scales.as_chunks().0[panel]);
        let of_weights = load_i32(&of_weights.as_chunks().0[panel]);
        let bias = load(&bias.as_chunks().0[panel]);
        // Added to a row's products: the bias and, for a sequence's first row, the products of its remainder.
        let mut added = bias;
        for r in 0..R {
            let offset = splat_i32(rows.offsets[start + r]);
            let sums = floats(multiply_add_i32(offset, of_weights, sums[r]));
            let scale = multiply(splat(rows.scales[start + r]), scales);
            let values = multiply_add(sums, scale, added);
            if first + r < rows.before {
                added = values;
                continue;
            }
            added = bias;
            let row = (first + r - rows.before) * outputs;
            let (out, _) = out[row..row + outputs].as_chunks_mut();
            store(&mut out[panel], if GELU { gelu(values) } else { values });
        }
    }
}
