//! Stands for the encoder on processors that it is not written for: there is none.

#[allow(dead_code, reason = "nothing here reads what a file holds")]
#[path = "weights.rs"]
mod weights;

pub(crate) use self::weights::{IntegerWeights, LayerWeights, Norm};

/// Cannot be made here.
pub(crate) enum Encoder {}

/// Not needed here.
#[derive(Default)]
pub(crate) struct Scratch;

impl Encoder {
    pub(crate) fn new(
        _layers: Vec<LayerWeights>,
        _head_size: usize,
        _first_row_only: bool,
    ) -> Result<Self, &'static str> {
        Err("this processor has no AVX-512 VNNI")
    }

    pub(crate) fn width(&self) -> usize {
        match *self {}
    }

    pub(crate) fn first_row_only(&self) -> bool {
        match *self {}
    }

    pub(crate) fn run<'a>(
        &self,
        _embeddings: &[f32],
        _tokens: usize,
        _scratch: &'a mut Scratch,
    ) -> &'a [f32] {
        match *self {}
    }
}
