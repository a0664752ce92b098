//! Kernels for 64-bit ARM processors that multiply 8-bit integers: vectors of them (dot products), or matrices (I8MM).
//! All unsafe code of this folder is vector loads and stores, and instructions that the compiler has no stable functions
//! for.

#![allow(clippy::wildcard_imports, reason = "intrinsics are many and clearly named")]
#![allow(
    clippy::needless_range_loop,
    reason = "loops of fixed length stay in registers; chains of iterators need not"
)]
#![allow(unsafe_code, reason = "a `Neon` exists only where the processor has the instructions")]

mod attention;
mod linear;
mod norm;
pub(super) mod product;
mod rows;
mod simd;

use self::linear::Linear;
use self::product::{DotProducts, Matrices, Product};
use self::rows::Rows;
use super::kernels::{Activation, Firsts, Kernels, Sequence};
use super::{IntegerWeights, Norm};

/// Kernels whose linear layers multiply by these instructions, of which it is proof that the processor has them.
pub(super) struct Neon<P>(P);

impl Neon<DotProducts> {
    /// `None` on a processor without them.
    pub(super) fn with_dot_products() -> Option<Self> {
        DotProducts::new().map(Self)
    }
}

impl Neon<Matrices> {
    /// `None` on a processor without them.
    pub(super) fn with_matrices() -> Option<Self> {
        Matrices::new().map(Self)
    }
}

impl<P: Product> Kernels for Neon<P> {
    type Linear = Linear;
    type Rows = Rows;
    type Attention = attention::Scratch;

    /// With rows of 1,536 numbers some 450 KB.
    const FEED_FORWARD_ROWS: usize = 48;

    fn pack(&self, weights: IntegerWeights) -> Linear {
        Linear::pack(weights, P::place)
    }

    fn quantize(&self, rows: &mut Rows, values: &[f32], width: usize, firsts: Firsts) {
        // SAFETY: `self` exists only where the processor has the instructions.
        unsafe { rows.quantize(values, width, firsts) }
    }

    fn multiply(&self, linear: &Linear, rows: &Rows, activation: Activation, out: &mut Vec<f32>) {
        // SAFETY: `self` exists only where the processor has the instructions.
        unsafe {
            match activation {
                Activation::None => linear.apply::<P, false>(&self.0, rows, out),
                Activation::Gelu => linear.apply::<P, true>(&self.0, rows, out),
            }
        }
    }

    fn attend(
        &self,
        sequence: &Sequence<'_>,
        head_size: usize,
        scratch: &mut attention::Scratch,
        out: &mut [f32],
    ) {
        // SAFETY: `self` exists only where the processor has the instructions.
        unsafe { attention::attend(sequence, head_size, scratch, out) }
    }

    fn add_and_normalize(&self, rows: &mut [f32], other: &[f32], norm: &Norm) {
        // SAFETY: `self` exists only where the processor has the instructions.
        unsafe { norm::add_and_normalize(rows, other, norm) }
    }
}
