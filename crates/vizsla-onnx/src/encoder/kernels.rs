//! What an encoder needs of a processor: the four steps of which a layer is made. One implementation per instruction
//! set, each in a folder of its own; a step works on whole matrices, so a call costs nothing beside it.

use super::{IntegerWeights, Norm};

/// The steps of a layer. A value stands for the processor's instructions: it exists only where they do.
pub(super) trait Kernels: Send + Sync + 'static {
    /// A linear layer, its weights in the order in which they are read.
    type Linear: Send + Sync;
    /// Quantised rows.
    type Rows: Default + Send;
    /// Per-thread scratch buffers of attention.
    type Attention: Default + Send;

    /// All sizes but a head's must be multiples of this.
    const MULTIPLE: usize;
    /// The sizes that a head may have.
    const HEAD_SIZES: &'static [usize];

    /// Puts weights, whose sizes the caller has checked, in order.
    fn pack(&self, weights: IntegerWeights) -> Self::Linear;

    /// Quantises rows of `width` numbers, in sequences of `tokens` rows: each row by itself, the first of a sequence
    /// to 16 bits.
    fn quantize(&self, rows: &mut Self::Rows, values: &[f32], width: usize, tokens: usize);

    /// Multiplies all rows, adds the bias and applies the activation. `out` grows as needed; what it holds beyond the
    /// result is left there.
    fn multiply(
        &self,
        linear: &Self::Linear,
        rows: &Self::Rows,
        activation: Activation,
        out: &mut Vec<f32>,
    );

    /// Writes for each query softmax(q·k / √d)·v (Vaswani et al., "Attention Is All You Need", 2017, equation 1), head
    /// by head.
    fn attend(
        &self,
        sequence: &Sequence<'_>,
        head_size: usize,
        scratch: &mut Self::Attention,
        out: &mut [f32],
    );

    /// Adds `other` and brings each row to mean 0 and variance 1 before it is scaled and shifted: Ba et al., "Layer
    /// Normalization" (2016), equation 4.
    fn add_and_normalize(&self, rows: &mut [f32], other: &[f32], norm: &Norm);
}

/// What is applied to the outputs of a linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    None,
    /// x·Φ(x), of which Φ is the normal distribution's: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016).
    Gelu,
}

/// Query, key and value rows of one sequence, `width` numbers each, all heads side by side.
pub(super) struct Sequence<'a> {
    pub(super) queries: &'a [f32],
    pub(super) keys: &'a [f32],
    pub(super) values: &'a [f32],
    pub(super) width: usize,
}

/// Makes room for so many numbers; what the vector holds beyond them is left.
pub(super) fn grow(numbers: &mut Vec<f32>, len: usize) {
    if numbers.len() < len {
        numbers.resize(len, 0.0);
    }
}
