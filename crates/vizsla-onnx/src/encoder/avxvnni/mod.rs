//! Kernels for x86 processors that multiply vectors of 32 8-bit numbers (AVX-VNNI), as recent ones without AVX-512 do.
//! Linear layers are their own; the rest is that of AVX2, which these processors have too. All unsafe code of this folder
//! is the calls into functions compiled for these instructions.

#![allow(clippy::wildcard_imports, reason = "intrinsics are many and clearly named")]
#![allow(
    clippy::needless_range_loop,
    reason = "loops of fixed length stay in registers; chains of iterators need not"
)]
#![allow(unsafe_code, reason = "an `AvxVnni` exists only where the processor has the instructions")]

mod linear;

use self::linear::Linear;
use super::avx2::rows::Rows;
use super::avx2::{attention, norm};
use super::kernels::{Activation, Firsts, Kernels, Sequence};
use super::{IntegerWeights, Norm};
use crate::cpu::InstructionSet;

/// Proof that the processor has AVX-VNNI, AVX2 and FMA.
pub(super) struct AvxVnni(());

impl AvxVnni {
    /// `None` on a processor without them.
    pub(super) fn new() -> Option<Self> {
        InstructionSet::AvxVnni.is_available().then_some(Self(()))
    }
}

impl Kernels for AvxVnni {
    type Linear = Linear;
    type Rows = Rows<true>;
    type Attention = attention::Scratch;

    /// With rows of 1,536 numbers some 450 KB.
    const FEED_FORWARD_ROWS: usize = 48;

    fn pack(&self, weights: IntegerWeights) -> Linear {
        Linear::pack(weights)
    }

    fn quantize(&self, rows: &mut Self::Rows, values: &[f32], width: usize, firsts: Firsts) {
        // SAFETY: `self` exists only where the processor has the instructions.
        unsafe { rows.quantize(values, width, firsts) }
    }

    fn multiply(
        &self,
        linear: &Linear,
        rows: &Self::Rows,
        activation: Activation,
        out: &mut Vec<f32>,
    ) {
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
        unsafe { attention::attend(sequence, head_size, scratch, out) }
    }

    fn add_and_normalize(&self, rows: &mut [f32], other: &[f32], norm: &Norm) {
        // SAFETY: `self` exists only where the processor has the instructions.
        unsafe { norm::add_and_normalize(rows, other, norm) }
    }
}
