//! Rows quantised individually, so that no row's result depends on another row.

use std::arch::x86_64::*;

use super::simd::{load, load_bytes, store, store_bytes};
use crate::encoder::kernels::Firsts;

/// There is room for a multiple of this many rows.
const BLOCK: usize = 16;

/// Rows of unsigned bytes, each with its own scale and zero point: a number is `(byte - zero) * scale`, as in ONNX's
/// `DynamicQuantizeLinear`.
///
/// A sequence's first row, `[CLS]`, has another row of bytes before it, for the remainder of its own bytes. All other
/// rows attend to it, so its rounding error does not average out as theirs does: half of the logit's squared error from
/// rounding activations came from this one row. One extra row in a hundred removes it.
#[derive(Default)]
pub(in crate::encoder) struct Rows {
    /// Rows of each sequence, not counting the one before the first.
    pub(in crate::encoder) tokens: usize,
    /// How many rows are before the first of a sequence: one, or none where these are later rows.
    pub(in crate::encoder) before: usize,
    /// Bytes in groups of four.
    width: usize,
    bytes: Vec<i32>,
    scales: Vec<f32>,
    zeros: Vec<i32>,
    remainder: Vec<f32>,
}

impl Rows {
    /// All rows, those before the first of a sequence included.
    pub(in crate::encoder) fn len(&self) -> usize {
        self.scales.len()
    }

    pub(in crate::encoder) fn sequences(&self) -> usize {
        self.len() / (self.tokens + self.before)
    }

    pub(super) fn row(&self, row: usize) -> &[i32] {
        &self.bytes[row * self.width..][..self.width]
    }

    /// A row's scale and zero point.
    #[inline]
    pub(in crate::encoder) fn unit(&self, row: usize) -> (f32, i32) {
        (self.scales[row], self.zeros[row])
    }

    /// All rows in blocks of [`BLOCK`]. What the last holds beyond the last row has no meaning.
    pub(in crate::encoder) fn blocks(&self) -> impl Iterator<Item = &[i32]> {
        let blocks = self.len().div_ceil(BLOCK);
        self.bytes.chunks_exact(BLOCK * self.width).take(blocks)
    }

    /// Quantises rows of `width` numbers, a multiple of 16, in sequences of `tokens` rows.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    pub(super) fn quantize(&mut self, values: &[f32], width: usize, firsts: Firsts) {
        let (tokens, before) = match firsts {
            Firsts::Every(tokens) => (tokens, 1),
            Firsts::None => (values.len() / width, 0),
        };
        (self.tokens, self.before, self.width) = (tokens, before, width / 4);
        let sequences = values.chunks_exact(width * tokens);
        let bytes = (sequences.len() * (tokens + before)).next_multiple_of(BLOCK) * self.width;
        if self.bytes.len() < bytes {
            self.bytes.resize(bytes, 0);
        }
        self.scales.clear();
        self.zeros.clear();
        self.remainder.resize(width, 0.0);
        let of_sequence = (tokens + before) * self.width;
        for (rows, bytes) in sequences.zip(self.bytes.chunks_exact_mut(of_sequence)) {
            let mut push = |(scale, zero): (f32, i32)| {
                self.scales.push(scale);
                self.zeros.push(zero);
            };
            let (first, bytes) = bytes.split_at_mut(before * 2 * self.width);
            if before == 1 {
                let (before, bytes) = first.split_at_mut(self.width);
                let (row, _) = rows[..width].as_chunks::<16>();
                let of_first = quantize_row(row, bytes.as_chunks_mut::<4>().0);
                write_remainder(row, bytes, of_first, &mut self.remainder);
                let (remainder, _) = self.remainder.as_chunks::<16>();
                push(quantize_row(remainder, before.as_chunks_mut::<4>().0));
                push(of_first);
            }
            let others = rows.chunks_exact(width).skip(before);
            for (row, bytes) in others.zip(bytes.chunks_exact_mut(self.width)) {
                push(quantize_row(row.as_chunks::<16>().0, bytes.as_chunks_mut::<4>().0));
            }
        }
    }
}

/// What the bytes leave of each number.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn write_remainder(row: &[[f32; 16]], bytes: &[i32], (scale, zero): (f32, i32), left: &mut [f32]) {
    let bytes = bytes.as_chunks::<4>().0;
    for ((left, values), bytes) in left.as_chunks_mut::<16>().0.iter_mut().zip(row).zip(bytes) {
        let whole = _mm512_sub_epi32(load_bytes(bytes), _mm512_set1_epi32(zero));
        let whole = _mm512_cvtepi32_ps(whole);
        store(left, _mm512_fnmadd_ps(whole, _mm512_set1_ps(scale), load(values)));
    }
}

/// Writes a row's bytes, and returns its scale and its zero point.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn quantize_row(row: &[[f32; 16]], bytes: &mut [[i32; 4]]) -> (f32, i32) {
    let (mut low, mut high) = (_mm512_setzero_ps(), _mm512_setzero_ps());
    for values in row {
        low = _mm512_min_ps(low, load(values));
        high = _mm512_max_ps(high, load(values));
    }
    let (low, high) = (_mm512_reduce_min_ps(low), _mm512_reduce_max_ps(high));
    // A row of zeros has no range; any scale will do.
    let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
    let zero = (-low / scale).round_ties_even();
    let inverse = _mm512_set1_ps(1.0 / scale);
    let shift = _mm512_set1_ps(zero);
    for (values, bytes) in row.iter().zip(bytes) {
        let scaled = _mm512_fmadd_ps(load(values), inverse, shift);
        let whole = _mm512_max_epi32(_mm512_cvtps_epi32(scaled), _mm512_setzero_si512());
        store_bytes(bytes, _mm512_cvtusepi32_epi8(whole));
    }
    (scale, zero as i32)
}
