//! Kernels for x86 processors that multiply tiles of 8-bit numbers (AMX), as servers do since about 2023: sixteen rows at
//! a time. Linear layers are their own; the rest is that of AVX-512, which these processors have too. All unsafe code of
//! this folder is the tile instructions, and the call into what is compiled for AVX-512.

#![allow(unsafe_code, reason = "an `Amx` exists only where the processor has the instructions")]

mod linear;
mod tiles;

use self::linear::Linear;
use super::avx512::Avx512;
use super::kernels::{Activation, Firsts, Kernels, Sequence};
use super::{IntegerWeights, Norm};
use crate::cpu::InstructionSet;

/// Proof that the processor has AMX for 8-bit integers besides AVX-512, and that the system lets this process use tiles.
pub(super) struct Amx(Avx512);

impl Amx {
    /// `None` where they cannot be used.
    pub(super) fn new() -> Option<Self> {
        Avx512::new().filter(|_| InstructionSet::Amx.is_available()).map(Self)
    }
}

impl Kernels for Amx {
    type Linear = Linear;
    type Rows = <Avx512 as Kernels>::Rows;
    type Attention = <Avx512 as Kernels>::Attention;

    const FEED_FORWARD_ROWS: usize = Avx512::FEED_FORWARD_ROWS;

    fn pack(&self, weights: IntegerWeights) -> Linear {
        Linear::pack(weights)
    }

    fn quantize(&self, rows: &mut Self::Rows, values: &[f32], width: usize, firsts: Firsts) {
        self.0.quantize(rows, values, width, firsts);
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
        scratch: &mut Self::Attention,
        out: &mut [f32],
    ) {
        self.0.attend(sequence, head_size, scratch, out);
    }

    fn add_and_normalize(&self, rows: &mut [f32], other: &[f32], norm: &Norm) {
        self.0.add_and_normalize(rows, other, norm);
    }
}
