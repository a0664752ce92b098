//! Rows of activations as integers: each has its own scale and zero point, as in ONNX's `DynamicQuantizeLinear`.

use std::arch::x86_64::*;

use super::simd::{
    floats, larger, largest, load, multiply, multiply_add, round, smaller, splat, store,
    store_bytes, store_pairs,
};
use crate::encoder::kernels::Firsts;

/// Rows of integers: a number is `(byte - zero) * scale`. With `BYTES` an item holds four bytes; otherwise two 16-bit
/// numbers, bytes less the zero point.
///
/// A sequence's first row, `[CLS]`, has another row before it, for the remainder of its own bytes. All other rows attend
/// to it, so its rounding error does not average out as theirs does: half of the logit's squared error from rounding
/// activations came from this one row. One extra row in a hundred removes it.
#[derive(Default)]
pub(in crate::encoder) struct Rows<const BYTES: bool> {
    /// Rows of each sequence, not counting the one before the first.
    pub(in crate::encoder) tokens: usize,
    /// How many rows are before the first of a sequence: one, or none where these are later rows.
    pub(in crate::encoder) before: usize,
    /// Items of a row.
    width: usize,
    items: Vec<i32>,
    pub(in crate::encoder) scales: Vec<f32>,
    pub(in crate::encoder) zeros: Vec<i32>,
    remainder: Vec<f32>,
}

impl<const BYTES: bool> Rows<BYTES> {
    pub(in crate::encoder) fn sequences(&self) -> usize {
        self.scales.len() / (self.tokens + self.before)
    }

    #[inline]
    pub(in crate::encoder) fn row(&self, row: usize) -> &[i32] {
        &self.items[row * self.width..][..self.width]
    }

    /// Quantises rows of `width` numbers, a multiple of 16.
    #[target_feature(enable = "avx2,fma")]
    pub(in crate::encoder) fn quantize(&mut self, values: &[f32], width: usize, firsts: Firsts) {
        let (tokens, before) = match firsts {
            Firsts::Every(tokens) => (tokens, 1),
            Firsts::None => (values.len() / width, 0),
        };
        (self.tokens, self.before) = (tokens, before);
        self.width = if BYTES { width / 4 } else { width / 2 };
        let sequences = values.chunks_exact(width * tokens);
        let of_sequence = (tokens + before) * self.width;
        if self.items.len() < sequences.len() * of_sequence {
            self.items.resize(sequences.len() * of_sequence, 0);
        }
        self.scales.clear();
        self.zeros.clear();
        self.remainder.resize(width, 0.0);
        for (rows, items) in sequences.zip(self.items.chunks_exact_mut(of_sequence)) {
            let mut push = |Quantization { scale, zero }: Quantization| {
                self.scales.push(scale);
                self.zeros.push(zero as i32);
            };
            let (first, items) = items.split_at_mut(before * 2 * self.width);
            if before == 1 {
                let (before, items) = first.split_at_mut(self.width);
                let row = &rows[..width];
                let quantization = Quantization::of(row);
                quantization.write::<BYTES>(row, items);
                quantization.write_remainder(row, &mut self.remainder);
                let of_remainder = Quantization::of(&self.remainder);
                of_remainder.write::<BYTES>(&self.remainder, before);
                push(of_remainder);
                push(quantization);
            }
            let others = rows.chunks_exact(width).skip(before);
            for (row, items) in others.zip(items.chunks_exact_mut(self.width)) {
                let quantization = Quantization::of(row);
                quantization.write::<BYTES>(row, items);
                push(quantization);
            }
        }
    }
}

/// What a row's bytes mean.
struct Quantization {
    scale: f32,
    zero: f32,
}

impl Quantization {
    /// Bytes from the row's least to its greatest number, 0 among them.
    #[target_feature(enable = "avx2,fma")]
    fn of(row: &[f32]) -> Self {
        let (mut low, mut high) = (splat(0.0), splat(0.0));
        for values in row.as_chunks::<16>().0 {
            let values = load(values);
            (low, high) = (smaller(low, values), larger(high, values));
        }
        let (low, high) = (-largest(multiply(low, splat(-1.0))), largest(high));
        // A row of zeros has no range; any scale will do.
        let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
        Self { scale, zero: (-low / scale).round_ties_even() }
    }

    /// Bytes of sixteen numbers.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn bytes(&self, inverse: f32, values: &[f32; 16]) -> [__m256i; 2] {
        let scaled = multiply_add(load(values), splat(inverse), splat(self.zero));
        let [low, high] = round(scaled);
        [to_byte(low), to_byte(high)]
    }

    #[target_feature(enable = "avx2,fma")]
    fn write<const BYTES: bool>(&self, row: &[f32], items: &mut [i32]) {
        let inverse = 1.0 / self.scale;
        let (row, _) = row.as_chunks::<16>();
        if BYTES {
            for (values, items) in row.iter().zip(items.as_chunks_mut().0) {
                store_bytes(items, self.bytes(inverse, values));
            }
        } else {
            let zero = _mm256_set1_epi32(self.zero as i32);
            for (values, items) in row.iter().zip(items.as_chunks_mut().0) {
                let [low, high] = self.bytes(inverse, values);
                store_pairs(items, [_mm256_sub_epi32(low, zero), _mm256_sub_epi32(high, zero)]);
            }
        }
    }

    /// What the bytes leave of each number.
    #[target_feature(enable = "avx2,fma")]
    fn write_remainder(&self, row: &[f32], remainder: &mut [f32]) {
        let (inverse, zero) = (1.0 / self.scale, _mm256_set1_epi32(self.zero as i32));
        let (row, _) = row.as_chunks::<16>();
        for (values, left) in row.iter().zip(remainder.as_chunks_mut().0) {
            let [low, high] = self.bytes(inverse, values);
            let whole = [_mm256_sub_epi32(low, zero), _mm256_sub_epi32(high, zero)];
            store(left, multiply_add(floats(whole), splat(-self.scale), load(values)));
        }
    }
}

/// The nearest integers from 0 to 255.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn to_byte(integers: __m256i) -> __m256i {
    let least = _mm256_max_epi32(integers, _mm256_setzero_si256());
    _mm256_min_epi32(least, _mm256_set1_epi32(255))
}
