//! A linear layer on 8-bit integers. No row's result depends on another row, except a first row's on its remainder.

use std::arch::x86_64::*;

use super::rows::Rows;
use super::simd::{gelu, load, load_i32, store};
use crate::encoder::IntegerWeights;
use crate::encoder::kernels::{grow, in_blocks};

/// How many columns are multiplied at a time: four vectors of sixteen.
pub(in crate::encoder) const PANEL: usize = 64;

/// A number for each column of a panel.
pub(in crate::encoder) type Panel<T> = [[T; 16]; 4];

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
pub(in crate::encoder) struct Step(Panel<i32>);

/// A linear layer, with its weights in the order in which they are read.
pub(in crate::encoder) struct Linear {
    inputs: usize,
    pub(in crate::encoder) outputs: usize,
    /// For every 64 outputs, `inputs / 4` steps.
    panels: Vec<Step>,
    scales: Vec<f32>,
    bias: Vec<f32>,
    /// The sum of each output's weights, used to subtract a row's zero point.
    sums: Vec<i32>,
}

impl Linear {
    /// Both sizes are multiples of 64, as checked by the caller.
    pub(in crate::encoder) fn pack(weights: IntegerWeights) -> Self {
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
        for (panel, steps) in self.panels().enumerate() {
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
        let columns = self.columns(panel);
        let mut added = columns.bias();
        for (r, sums) in multiply(&inputs, steps).into_iter().enumerate() {
            let out = (first + r)
                .checked_sub(rows.before)
                .map(|row| &mut panels_mut(&mut out[row * self.outputs..])[panel]);
            columns.finish::<GELU>(sums, rows.unit(start + r), &mut added, out);
        }
    }

    /// The weights of each panel, `inputs / 4` steps.
    pub(in crate::encoder) fn panels(&self) -> impl Iterator<Item = &[Step]> {
        self.panels.chunks_exact(self.inputs / 4)
    }

    /// What a panel's sums of products become.
    #[inline]
    pub(in crate::encoder) fn columns(&self, panel: usize) -> Columns<'_> {
        Columns {
            scales: &panels(&self.scales)[panel],
            sums: &panels(&self.sums)[panel],
            bias: &panels(&self.bias)[panel],
        }
    }
}

/// One panel's columns, but for their weights.
pub(in crate::encoder) struct Columns<'a> {
    scales: &'a Panel<f32>,
    sums: &'a Panel<i32>,
    bias: &'a Panel<f32>,
}

impl Columns<'_> {
    /// What is added to a row's products, unless it is the first of a sequence.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(in crate::encoder) fn bias(&self) -> [__m512; 4] {
        std::array::from_fn(|j| load(&self.bias[j]))
    }

    /// Writes a row's result, or its `gelu` if `GELU`, of its sums of products. The remainder of a first row has none of
    /// its own: it is left in `added`, for the row after it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    pub(in crate::encoder) fn finish<const GELU: bool>(
        &self,
        sums: [__m512i; 4],
        (scale, zero): (f32, i32),
        added: &mut [__m512; 4],
        out: Option<&mut Panel<f32>>,
    ) {
        let scale = _mm512_set1_ps(scale);
        let zero = _mm512_set1_epi32(zero);
        for j in 0..4 {
            let offset = _mm512_mullo_epi32(zero, load_i32(&self.sums[j]));
            let sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums[j], offset));
            let scale = _mm512_mul_ps(scale, load(&self.scales[j]));
            added[j] = _mm512_fmadd_ps(sum, scale, added[j]);
        }
        if let Some(out) = out {
            for j in 0..4 {
                store(&mut out[j], if GELU { gelu(added[j]) } else { added[j] });
            }
            *added = self.bias();
        }
    }
}

/// The numbers of each panel.
fn panels<T>(numbers: &[T]) -> &[Panel<T>] {
    numbers.as_chunks().0.as_chunks().0
}

/// The numbers of each panel, to be written.
pub(in crate::encoder) fn panels_mut(numbers: &mut [f32]) -> &mut [Panel<f32>] {
    numbers.as_chunks_mut().0.as_chunks_mut().0
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
