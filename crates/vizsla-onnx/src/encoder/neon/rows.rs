//! Rows of activations as bytes: each has its own scale and zero point, as in ONNX's `DynamicQuantizeLinear`.

use super::simd::{
    Integers, LANES, floats, larger, largest, limited, load, multiply_add, round, smaller,
    smallest, splat, splat_i32, store, store_i8, subtract_i32,
};
use crate::encoder::kernels::Firsts;

/// What makes an unsigned byte a signed one, which is what the instructions multiply.
const MIDDLE: i32 = 128;

/// Rows of signed bytes: a number is `(byte + offset) * scale`.
///
/// A sequence's first row, `[CLS]`, has another row before it, for the remainder of its own bytes: all other rows attend
/// to it, so its rounding error does not average out as theirs does.
#[derive(Default)]
pub(in crate::encoder) struct Rows {
    /// Rows of each sequence, not counting the one before the first.
    pub(super) tokens: usize,
    /// How many rows are before the first of a sequence: one, or none where these are later rows.
    pub(super) before: usize,
    /// Vectors of a row.
    width: usize,
    bytes: Vec<[i8; LANES]>,
    pub(super) scales: Vec<f32>,
    pub(super) offsets: Vec<i32>,
    remainder: Vec<[f32; LANES]>,
}

impl Rows {
    pub(super) fn sequences(&self) -> usize {
        self.scales.len() / (self.tokens + self.before)
    }

    #[inline]
    pub(super) fn row(&self, row: usize) -> &[[i8; LANES]] {
        &self.bytes[row * self.width..][..self.width]
    }

    /// Quantises rows of `width` numbers, a multiple of 16.
    #[target_feature(enable = "neon")]
    pub(super) fn quantize(&mut self, values: &[f32], width: usize, firsts: Firsts) {
        let rows = values.len() / width;
        let (tokens, before) = match firsts {
            Firsts::Every(tokens) => (tokens, 1),
            Firsts::None => (rows, 0),
        };
        (self.tokens, self.before, self.width) = (tokens, before, width / LANES);
        let count = rows + rows / tokens * before;
        if self.bytes.len() < count * self.width {
            self.bytes.resize(count * self.width, [0; LANES]);
        }
        self.scales.clear();
        self.offsets.clear();
        let mut remainder = std::mem::take(&mut self.remainder);
        remainder.resize(self.width, [0.0; LANES]);
        for (i, row) in values.chunks_exact(width).enumerate() {
            let (row, _) = row.as_chunks();
            let quantization = Quantization::of(row);
            if before == 1 && i.is_multiple_of(tokens) {
                for (values, left) in row.iter().zip(&mut remainder) {
                    quantization.write_remainder(values, left);
                }
                self.push(&remainder, &Quantization::of(&remainder));
            }
            self.push(row, &quantization);
        }
        self.remainder = remainder;
    }

    #[target_feature(enable = "neon")]
    fn push(&mut self, row: &[[f32; LANES]], quantization: &Quantization) {
        let bytes = &mut self.bytes[self.scales.len() * self.width..][..self.width];
        for (values, bytes) in row.iter().zip(bytes) {
            store_i8(bytes, subtract_i32(quantization.bytes(values), splat_i32(MIDDLE)));
        }
        self.scales.push(quantization.scale);
        self.offsets.push(MIDDLE - quantization.zero as i32);
    }
}

/// What a row's bytes mean.
struct Quantization {
    scale: f32,
    inverse: f32,
    zero: f32,
}

impl Quantization {
    /// Bytes from the row's least to its greatest number, 0 among them.
    #[target_feature(enable = "neon")]
    fn of(row: &[[f32; LANES]]) -> Self {
        let (mut low, mut high) = (splat(0.0), splat(0.0));
        for values in row {
            let values = load(values);
            (low, high) = (smaller(low, values), larger(high, values));
        }
        let (low, high) = (smallest(low), largest(high));
        // A row of zeros has no range; any scale will do.
        let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
        Self { scale, inverse: 1.0 / scale, zero: (-low / scale).round_ties_even() }
    }

    /// Bytes of sixteen numbers.
    #[inline]
    #[target_feature(enable = "neon")]
    fn bytes(&self, values: &[f32; LANES]) -> Integers {
        let scaled = multiply_add(load(values), splat(self.inverse), splat(self.zero));
        limited(round(scaled), 0, 255)
    }

    /// What the bytes leave of each number.
    #[target_feature(enable = "neon")]
    fn write_remainder(&self, values: &[f32; LANES], left: &mut [f32; LANES]) {
        let whole = subtract_i32(self.bytes(values), splat_i32(self.zero as i32));
        store(left, multiply_add(floats(whole), splat(-self.scale), load(values)));
    }
}
