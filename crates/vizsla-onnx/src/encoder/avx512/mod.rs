//! Kernels for x86 processors that multiply vectors of 64 8-bit numbers (AVX-512 VNNI). All unsafe code of this folder
//! is vector loads and stores, and the calls into functions compiled for these instructions.

#![allow(clippy::wildcard_imports, reason = "intrinsics are many and clearly named")]
#![allow(
    clippy::needless_range_loop,
    reason = "loops of fixed length stay in registers; chains of iterators need not"
)]
#![allow(unsafe_code, reason = "an `Avx512` exists only where the processor has the instructions")]

mod attention;
pub(super) mod linear;
mod norm;
pub(super) mod rows;
pub(super) mod simd;

use self::linear::Linear;
use self::rows::Rows;
use super::kernels::{Activation, Firsts, Kernels, Sequence};
use super::{IntegerWeights, Norm};
use crate::cpu::InstructionSet;

/// Proof that the processor has AVX-512 F, BW, VL, DQ and VNNI.
pub(super) struct Avx512(());

impl Avx512 {
    /// `None` on a processor without them.
    pub(super) fn new() -> Option<Self> {
        InstructionSet::Avx512Vnni.is_available().then_some(Self(()))
    }
}

impl Kernels for Avx512 {
    type Linear = Linear;
    type Rows = Rows;
    type Attention = attention::Scratch;

    /// All: these processors have larger caches, and read weights four times as fast.
    const FEED_FORWARD_ROWS: usize = usize::MAX;

    fn pack(&self, weights: IntegerWeights) -> Linear {
        Linear::pack(weights)
    }

    fn quantize(&self, rows: &mut Rows, values: &[f32], width: usize, firsts: Firsts) {
        // SAFETY: `self` exists only where the processor has the instructions.
        unsafe { rows.quantize(values, width, firsts) }
    }

    fn multiply(&self, linear: &Linear, rows: &Rows, activation: Activation, out: &mut Vec<f32>) {
        // SAFETY: `self` exists only where the processor has the instructions.
        unsafe {
            match activation {
                Activation::None => linear.apply::<false>(rows, out),
                Activation::Gelu => linear.apply::<true>(rows, out),
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
        unsafe {
            if head_size == 32 {
                attention::attend::<2>(sequence, scratch, out);
            } else {
                attention::attend::<4>(sequence, scratch, out);
            }
        }
    }

    fn add_and_normalize(&self, rows: &mut [f32], other: &[f32], norm: &Norm) {
        // SAFETY: `self` exists only where the processor has the instructions.
        unsafe { norm::add_and_normalize(rows, other, norm) }
    }
}
