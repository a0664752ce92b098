//! The inner loops of linear layers, rows of bytes times sixteen columns of them, and of attention, where the numbers
//! have 16 bits.

use std::arch::aarch64::*;
use std::arch::asm;

use super::simd::{Integers, LANES, load_beside, load_i8, load_i16, zeros};
use crate::cpu::InstructionSet;
use crate::encoder::kernels::ROWS;

/// The weights of 16 inputs and 16 outputs, in the order in which a product reads them.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
pub(in crate::encoder) struct Step(pub(super) [[i8; LANES]; LANES]);

/// How bytes are multiplied. A value is proof of the processor's instructions: it exists only where they are.
pub(in crate::encoder) trait Product: Send + Sync + 'static {
    /// Where the weight from an input to an output lies in a [`Step`]: the vector, and the byte in it.
    fn place(input: usize, output: usize) -> [usize; 2];

    /// The sums of `R` rows' products with the columns, a step for every 16 numbers of a row.
    fn of<const R: usize>(&self, rows: &[&[[i8; LANES]]; R], steps: &[Step]) -> [Integers; R];
}

/// `SDOT` of the feature `dotprod`: four sums of four products each.
pub(in crate::encoder) struct DotProducts(());

impl DotProducts {
    /// `None` on a processor without it.
    pub(super) fn new() -> Option<Self> {
        InstructionSet::NeonDotProduct.is_available().then_some(Self(()))
    }
}

impl Product for DotProducts {
    /// A vector has four inputs of four outputs.
    fn place(input: usize, output: usize) -> [usize; 2] {
        [input / 4 * 4 + output / 4, output % 4 * 4 + input % 4]
    }

    #[inline]
    fn of<const R: usize>(&self, rows: &[&[[i8; LANES]]; R], steps: &[Step]) -> [Integers; R] {
        // SAFETY: `self` exists only where the processor has the instruction.
        unsafe { dot_products(rows, steps) }
    }
}

#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot_products<const R: usize>(rows: &[&[[i8; LANES]]; R], steps: &[Step]) -> [Integers; R] {
    let mut sums = [zeros(); R];
    for k in 0..steps.len() {
        let weights = &steps[k].0;
        let mut bytes = [vdupq_n_s8(0); R];
        for r in 0..R {
            bytes[r] = load_i8(&rows[r][k]);
        }
        add_dots::<0, R>(&mut sums, weights, &bytes);
        add_dots::<1, R>(&mut sums, weights, &bytes);
        add_dots::<2, R>(&mut sums, weights, &bytes);
        add_dots::<3, R>(&mut sums, weights, &bytes);
    }
    sums
}

/// Adds the products of the four numbers in a lane of each row. Written out, so that the sums stay in registers.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_dots<const LANE: usize, const R: usize>(
    sums: &mut [Integers; R],
    weights: &[[i8; LANES]; LANES],
    rows: &[int8x16_t; R],
) {
    let vector = |column: usize| load_i8(&weights[4 * LANE + column]);
    let weights = [vector(0), vector(1), vector(2), vector(3)];
    for r in 0..R {
        dot::<LANE>(&mut sums[r][0], weights[0], rows[r]);
        dot::<LANE>(&mut sums[r][1], weights[1], rows[r]);
        dot::<LANE>(&mut sums[r][2], weights[2], rows[r]);
        dot::<LANE>(&mut sums[r][3], weights[3], rows[r]);
    }
}

/// Adds the products of four weights each with the four bytes of a lane.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot<const LANE: usize>(sums: &mut int32x4_t, weights: int8x16_t, row: int8x16_t) {
    // SAFETY: the instruction touches these registers alone.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {weights:v}.16b, {row:v}.4b[{lane}]",
            sums = inout(vreg) *sums,
            weights = in(vreg) weights,
            row = in(vreg) row,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
}

/// `SMMLA` of the feature `i8mm`: two rows of eight bytes times two columns of eight.
pub(in crate::encoder) struct Matrices(());

impl Matrices {
    /// `None` on a processor without it.
    pub(super) fn new() -> Option<Self> {
        InstructionSet::NeonMatrix.is_available().then_some(Self(()))
    }
}

impl Product for Matrices {
    /// A vector has eight inputs of two outputs.
    fn place(input: usize, output: usize) -> [usize; 2] {
        [input / 8 * 8 + output / 2, output % 2 * 8 + input % 8]
    }

    #[inline]
    fn of<const R: usize>(&self, rows: &[&[[i8; LANES]]; R], steps: &[Step]) -> [Integers; R] {
        // SAFETY: `self` exists only where the processor has the instruction.
        unsafe {
            match R {
                1 | 2 => matrix_products::<1, R>(rows, steps),
                3 | 4 => matrix_products::<2, R>(rows, steps),
                _ => matrix_products::<3, R>(rows, steps),
            }
        }
    }
}

/// The products of `PAIRS` pairs of rows. The partner of the last of an odd number of rows is itself.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn matrix_products<const PAIRS: usize, const R: usize>(
    rows: &[&[[i8; LANES]]; R],
    steps: &[Step],
) -> [Integers; R] {
    let mut pairs: [[&[[i8; LANES]]; 2]; PAIRS] = [[&[]; 2]; PAIRS];
    for p in 0..PAIRS {
        let second = (2 * p + 1).min(R - 1);
        pairs[p] = [&rows[2 * p][..steps.len()], &rows[second][..steps.len()]];
    }
    let mut sums = [[vdupq_n_s32(0); 8]; PAIRS];
    for k in 0..steps.len() {
        let weights = &steps[k].0;
        for half in 0..2 {
            let mut bytes = [vdupq_n_s8(0); PAIRS];
            for p in 0..PAIRS {
                let [first, second] = pairs[p];
                let (first, second) = (first[k].as_chunks().0, second[k].as_chunks().0);
                bytes[p] = load_beside(&first[half], &second[half]);
            }
            for column in 0..8 {
                let weights = load_i8(&weights[half * 8 + column]);
                for p in 0..PAIRS {
                    multiply(&mut sums[p][column], bytes[p], weights);
                }
            }
        }
    }
    let mut out = [zeros(); R];
    for r in 0..R {
        let sums = &sums[r / 2];
        for i in 0..4 {
            let [a, b] = [sums[2 * i], sums[2 * i + 1]].map(|sums| vreinterpretq_s64_s32(sums));
            let row = if r % 2 == 0 { vzip1q_s64(a, b) } else { vzip2q_s64(a, b) };
            out[r][i] = vreinterpretq_s32_s64(row);
        }
    }
    out
}

/// Adds the products of two rows with two columns.
#[inline]
#[target_feature(enable = "neon,i8mm")]
fn multiply(sums: &mut int32x4_t, rows: int8x16_t, columns: int8x16_t) {
    // SAFETY: the instruction touches these registers alone.
    unsafe {
        asm!(
            "smmla {sums:v}.4s, {rows:v}.16b, {columns:v}.16b",
            sums = inout(vreg) *sums,
            rows = in(vreg) rows,
            columns = in(vreg) columns,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
}

/// The sums of rows' products with 16 columns, of 16-bit integers. Whatever a row has beyond the columns is left out.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn products_of_words(
    rows: &[&[i16]; ROWS],
    columns: &[[i16; LANES]],
) -> [Integers; ROWS] {
    let mut cut = *rows;
    for r in 0..ROWS {
        cut[r] = &rows[r][..columns.len()];
    }
    let mut sums = [zeros(); ROWS];
    for k in 0..columns.len() {
        let [low, high] = load_i16(&columns[k]);
        for r in 0..ROWS {
            let number = vdupq_n_s16(cut[r][k]);
            let sums = &mut sums[r];
            sums[0] = vmlal_s16(sums[0], vget_low_s16(low), vget_low_s16(number));
            sums[1] = vmlal_high_s16(sums[1], low, number);
            sums[2] = vmlal_s16(sums[2], vget_low_s16(high), vget_low_s16(number));
            sums[3] = vmlal_high_s16(sums[3], high, number);
        }
    }
    sums
}
