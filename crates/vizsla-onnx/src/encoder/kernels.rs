//! What an encoder needs from a processor: the four steps of a layer. One implementation per instruction set, each in
//! its own folder; a step works on whole matrices, so the call overhead is negligible. All give the same result as the
//! portable one, to the last bit.

use super::{IntegerWeights, Norm};

/// All sizes but a head's must be multiples of this.
pub(super) const MULTIPLE: usize = 64;
/// The supported head sizes.
pub(super) const HEAD_SIZES: [usize; 2] = [32, 64];
/// The most inputs of a linear layer: as many products of a byte less its zero point, at most 255 in magnitude, and a
/// weight, at most 128, fit into 32 bits.
pub(super) const MOST_INPUTS: usize = 1 << 16;
/// Probabilities of attention are multiples of 1 / this.
pub(super) const PROBABILITY_ONE: f32 = 32_767.0;

/// The largest magnitude of queries and keys: the largest integer for which `size` of its squares still add up to at
/// most `i32::MAX`. In integer arithmetic: as a float, `i32::MAX / 32` rounds up to a square whose root is one too large.
pub(super) fn largest_factor(size: usize) -> u32 {
    (i32::MAX as u32 / size as u32).isqrt()
}

/// How many rows a linear layer multiplies at a time: their sums fill three quarters of the registers.
pub(super) const ROWS: usize = 6;

/// Calls `block::<R, GELU>` for [`ROWS`] rows at a time and then for those that are left, `first` being the block's first. A
/// macro, since each caller is compiled for instructions of its own, and the number of rows is part of the function.
macro_rules! in_blocks {
    ($rows:expr, |$first:ident| $linear:ident.$block:ident::<_, $gelu:ident>($($argument:expr),*)) => {{
        let rows = $rows;
        let mut $first = 0;
        while rows - $first >= $crate::encoder::kernels::ROWS {
            $linear.$block::<{ $crate::encoder::kernels::ROWS }, $gelu>($($argument),*);
            $first += $crate::encoder::kernels::ROWS;
        }
        match rows - $first {
            5 => $linear.$block::<5, $gelu>($($argument),*),
            4 => $linear.$block::<4, $gelu>($($argument),*),
            3 => $linear.$block::<3, $gelu>($($argument),*),
            2 => $linear.$block::<2, $gelu>($($argument),*),
            1 => $linear.$block::<1, $gelu>($($argument),*),
            _ => {}
        }
    }};
}
pub(super) use in_blocks;

/// The steps of a layer. A value is proof of the processor's instructions: it exists only where they do.
pub(super) trait Kernels: Send + Sync + 'static {
    /// A linear layer, with its weights in the order in which they are read.
    type Linear: Send + Sync;
    /// Quantised rows.
    type Rows: Default + Send;
    /// Per-thread scratch buffers of attention.
    type Attention: Default + Send;

    /// How many rows at most go through the second half of a layer at a time, so that what is in between stays in the
    /// cache. The result does not depend on it.
    const FEED_FORWARD_ROWS: usize;

    /// Packs weights, whose sizes the caller has checked.
    fn pack(&self, weights: IntegerWeights) -> Self::Linear;

    /// Quantises rows of `width` numbers, each individually, the first of a sequence to 16 bits.
    fn quantize(&self, rows: &mut Self::Rows, values: &[f32], width: usize, firsts: Firsts);

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

/// Which of several rows are the first of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Firsts {
    /// The first of every so many rows.
    Every(usize),
    /// None: these are later rows of a sequence.
    None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_over_a_head_fit_32_bits() {
        for size in HEAD_SIZES {
            let fits = |factor: u32| i32::try_from(size as u64 * u64::from(factor).pow(2)).is_ok();
            let factor = largest_factor(size);
            assert!(fits(factor) && !fits(factor + 1), "heads of {size}: {factor}");
        }
    }

    #[test]
    fn products_over_a_row_fit_32_bits() {
        assert!(i32::try_from(MOST_INPUTS as u64 * 255 * 128).is_ok());
    }
}
