//! Kernels for x86 processors that multiply tiles of 8-bit numbers (AMX), as servers do since about 2023: sixteen rows at
//! a time. Linear layers are their own; the rest is that of AVX-512, which these processors have too. All unsafe code of
//! this folder is the tile instructions, and the calls into functions compiled for AVX-512.

#![allow(clippy::wildcard_imports, reason = "intrinsics are many and clearly named")]
#![allow(unsafe_code, reason = "an `Amx` exists only where the processor has the instructions")]

mod linear;
mod tiles;

use self::linear::Linear;
use super::avx512::rows::Rows;
use super::avx512::{attention, norm};
use super::kernels::{Activation, Firsts, Kernels, Sequence};
use super::{IntegerWeights, Norm};
use crate::cpu::InstructionSet;

/// Proof that the processor has AMX for 8-bit integers and AVX-512 with VNNI, and that the system lets this process use
/// tiles.
pub(super) struct Amx(());

impl Amx {
    /// `None` where they cannot be used.
    pub(super) fn new() -> Option<Self> {
        InstructionSet::Amx.is_available().then_some(Self(()))
    }
}

impl Kernels for Amx {
    type Linear = Linear;
    type Rows = Rows;
    type Attention = attention::Scratch;

    /// As for AVX-512 alone.
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
