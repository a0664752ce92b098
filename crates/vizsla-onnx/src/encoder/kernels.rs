//! What an encoder needs from a processor: the four steps of a layer. One implementation per instruction set, each in
//! its own folder; a step works on whole matrices, so the call overhead is negligible.

use super::{IntegerWeights, Norm};

/// The steps of a layer. A value is proof of the processor's instructions: it exists only where they do.
pub(super) trait Kernels: Send + Sync + 'static {
    /// A linear layer, with its weights in the order in which they are read.
    type Linear: Send + Sync;
    /// Quantised rows.
    type Rows: Default + Send;
    /// Per-thread scratch buffers of attention.
    type Attention: Default + Send;

    /// All sizes but a head's must be multiples of this.
    const MULTIPLE: usize;
    /// The supported head sizes.
    const HEAD_SIZES: &'static [usize];

    /// Packs weights, whose sizes the caller has checked.
    fn pack(&self, weights: IntegerWeights) -> Self::Linear;

    /// Quantises rows of `width` numbers, in sequences of `tokens` rows: each row individually, the first of a sequence
    /// to 16 bits.
    fn quantize(&self, rows: &mut Self::Rows, values: &[f32], width: usize, tokens: usize);

    /// Multiplies all rows, adds the bias and applies the activation. `out` grows as needed; anything it holds beyond
    /// the result is left there.
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

    /// Adds `other` and normalises each row to mean 0 and variance 1 before scaling and shifting it: Ba et al., "Layer
    /// Normalization" (2016), equation 4.
    fn add_and_normalize(&self, rows: &mut [f32], other: &[f32], norm: &Norm);
}

/// The activation applied to the outputs of a linear layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    None,
    /// x·Φ(x), where Φ is the cumulative normal distribution: Hendrycks and Gimpel, "Gaussian Error Linear Units"
    /// (2016).
    Gelu,
}

/// Query, key and value rows of one sequence, `width` numbers each, all heads side by side.
pub(super) struct Sequence<'a> {
    pub(super) queries: &'a [f32],
    pub(super) keys: &'a [f32],
    pub(super) values: &'a [f32],
    pub(super) width: usize,
}

/// Makes room for this many numbers; anything the vector holds beyond them is left.
pub(super) fn grow(numbers: &mut Vec<f32>, len: usize) {
    if numbers.len() < len {
        numbers.resize(len, 0.0);
    }
}
