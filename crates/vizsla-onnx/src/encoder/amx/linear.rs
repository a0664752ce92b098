//! A linear layer on tiles of 8-bit integers.

use super::tiles::{ROWS, Sums, Tiles};
use crate::encoder::IntegerWeights;
use crate::encoder::avx512::linear::{self, panels_mut};
use crate::encoder::avx512::rows::Rows;
use crate::encoder::avx512::simd::load_i32;
use crate::encoder::kernels::grow;

/// A linear layer. Its weights are in the order of AVX-512's, of which sixteen steps are four tiles.
pub(in crate::encoder) struct Linear(linear::Linear);

impl Linear {
    /// Both sizes are multiples of 64, as checked by the caller.
    pub(super) fn pack(weights: IntegerWeights) -> Self {
        Self(linear::Linear::pack(weights))
    }

    /// Multiplies every row, and writes to `out` the result, or its `gelu` if `GELU`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    pub(super) fn apply<const GELU: bool>(&self, rows: &Rows, out: &mut Vec<f32>) {
        let Self(linear) = self;
        grow(out, rows.sequences() * rows.tokens * linear.outputs);
        // SAFETY: this is called only where an `Amx` is.
        let tiles = unsafe { Tiles::configure() };
        let mut sums = Sums::default();
        for (panel, steps) in linear.panels().enumerate() {
            let columns = linear.columns(panel);
            let mut added = columns.bias();
            let mut out = out.chunks_exact_mut(linear.outputs);
            // Of a row within its sequence.
            let mut place = 0;
            for (block, first) in rows.blocks().zip((0..).step_by(ROWS)) {
                tiles.multiply(block, steps, &mut sums);
                for (sums, row) in sums.rows().zip(first..rows.len()) {
                    let sums = [
                        load_i32(&sums[0]),
                        load_i32(&sums[1]),
                        load_i32(&sums[2]),
                        load_i32(&sums[3]),
                    ];
                    let is_before = place < rows.before;
                    let out = if is_before { None } else { out.next() };
                    let out = out.map(|out| &mut panels_mut(out)[panel]);
                    columns.finish::<GELU>(sums, rows.unit(row), &mut added, out);
                    place += 1;
                    if place == rows.tokens + rows.before {
                        place = 0;
                    }
                }
            }
        }
    }
}
