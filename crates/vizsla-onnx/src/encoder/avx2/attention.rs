//! Multi-head attention over one sequence, on 16-bit integers: their rounding error is far below that of the 8-bit
//! layers around them.

use std::arch::x86_64::*;
use std::f32::consts::LOG2_E;

use super::product::{COLUMNS, product};
use super::simd::{
    Floats, absolute, add, exp2, floats, larger, largest, load, multiply, round, splat, store,
    store_i32, store_pairs, subtract, sum,
};
use crate::encoder::kernels::{PROBABILITY_ONE, ROWS, Sequence, largest_factor};

/// Per-thread scratch buffers.
#[derive(Default)]
pub(in crate::encoder) struct Scratch {
    /// Queries, two dimensions per item, row by row.
    queries: Vec<i32>,
    /// One key, two dimensions per item.
    key: Vec<i32>,
    /// For every 16 keys and every two dimensions, the two numbers of each key.
    keys: Vec<[i32; COLUMNS]>,
    /// For every 16 dimensions and every two values, the two numbers of each dimension.
    values: Vec<[i32; COLUMNS]>,
    scores: Vec<f32>,
    /// Two keys' probabilities per item.
    probabilities: Vec<i32>,
}

/// As [`Kernels::attend`](crate::encoder::kernels::Kernels::attend).
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn attend(
    sequence: &Sequence<'_>,
    size: usize,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let limit = largest_factor(size) as f32;
    for start in (0..sequence.width).step_by(size) {
        let head = |rows| Head { rows, width: sequence.width, start, size };
        let (queries, keys) = (head(sequence.queries), head(sequence.keys));
        let query_scale = scratch.pack_queries(queries, limit);
        let key_scale = scratch.pack_keys(keys, limit);
        let value_scale = scratch.pack_values(head(sequence.values));
        // Powers of two are cheaper than powers of e, so the scores are in units of ln 2.
        let scale = query_scale * key_scale * LOG2_E / (size as f32).sqrt();
        let value_scale = splat(value_scale / PROBABILITY_ONE);
        for first in (0..queries.len()).step_by(ROWS) {
            let rows = (queries.len() - first).min(ROWS);
            scratch.score(first, size, keys.len(), scale);
            let pairs = keys.len().div_ceil(2);
            for (group, values) in scratch.values.chunks_exact(pairs).enumerate() {
                let sums = scratch.mix(values, keys.len());
                for r in 0..rows {
                    let at = (first + r) * sequence.width + start;
                    let (out, _) = out[at..at + size].as_chunks_mut();
                    store(&mut out[group], multiply(floats(sums[r]), value_scale));
                }
            }
        }
    }
}

/// One head's numbers within rows.
#[derive(Clone, Copy)]
struct Head<'a> {
    rows: &'a [f32],
    width: usize,
    start: usize,
    size: usize,
}

impl<'a> Head<'a> {
    fn len(&self) -> usize {
        self.rows.len() / self.width
    }

    fn row(&self, row: usize) -> &'a [[f32; 16]] {
        self.rows[row * self.width + self.start..][..self.size].as_chunks().0
    }

    /// The largest magnitude in the head divided by `limit`: the value of one unit.
    #[target_feature(enable = "avx2,fma")]
    fn scale(&self, limit: f32) -> f32 {
        let mut most = splat(0.0);
        for row in 0..self.len() {
            for values in self.row(row) {
                most = larger(most, absolute(load(values)));
            }
        }
        let most = largest(most);
        if most > 0.0 { most / limit } else { 1.0 }
    }
}

/// Sixteen numbers in units of 1 / `inverse`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn units(values: &[f32; 16], inverse: Floats) -> [__m256i; 2] {
    round(multiply(load(values), inverse))
}

impl Scratch {
    #[target_feature(enable = "avx2,fma")]
    fn pack_queries(&mut self, head: Head<'_>, limit: f32) -> f32 {
        let scale = head.scale(limit);
        let inverse = splat(1.0 / scale);
        // Rows missing from the last block read leftover data; their results are not used.
        self.queries.resize(head.len().next_multiple_of(ROWS) * head.size / 2, 0);
        for (row, items) in
            self.queries.chunks_exact_mut(head.size / 2).take(head.len()).enumerate()
        {
            for (item, values) in items.as_chunks_mut().0.iter_mut().zip(head.row(row)) {
                store_pairs(item, units(values, inverse));
            }
        }
        scale
    }

    #[target_feature(enable = "avx2,fma")]
    fn pack_keys(&mut self, head: Head<'_>, limit: f32) -> f32 {
        let scale = head.scale(limit);
        let inverse = splat(1.0 / scale);
        let items = head.size / 2;
        self.key.resize(items, 0);
        self.keys.resize(head.len().div_ceil(COLUMNS) * items, [0; COLUMNS]);
        for row in 0..head.len() {
            for (item, values) in self.key.as_chunks_mut().0.iter_mut().zip(head.row(row)) {
                store_pairs(item, units(values, inverse));
            }
            let group = &mut self.keys[row / COLUMNS * items..][..items];
            for (column, item) in group.iter_mut().zip(&self.key) {
                column[row % COLUMNS] = *item;
            }
        }
        scale
    }

    #[target_feature(enable = "avx2,fma")]
    fn pack_values(&mut self, head: Head<'_>) -> f32 {
        let scale = head.scale(PROBABILITY_ONE);
        let inverse = splat(1.0 / scale);
        let pairs = head.len().div_ceil(2);
        self.values.resize(pairs * head.size / COLUMNS, [0; COLUMNS]);
        for pair in 0..pairs {
            let low = head.row(pair * 2);
            let high = (pair * 2 + 1 < head.len()).then(|| head.row(pair * 2 + 1));
            for (group, low) in low.iter().enumerate() {
                let low = units(low, inverse);
                let high =
                    high.map_or([_mm256_setzero_si256(); 2], |high| units(&high[group], inverse));
                let mut both = low;
                for i in 0..2 {
                    // Bits of odd 16-bit numbers come from the second operand.
                    let high = _mm256_slli_epi32::<16>(high[i]);
                    both[i] = _mm256_blend_epi16::<0b1010_1010>(low[i], high);
                }
                store_i32(&mut self.values[group * pairs + pair], both);
            }
        }
        scale
    }

    /// Probabilities of all keys for a block of queries.
    #[target_feature(enable = "avx2,fma")]
    fn score(&mut self, first: usize, size: usize, keys: usize, scale: f32) {
        let items = size / 2;
        let padded = keys.next_multiple_of(COLUMNS);
        self.scores.resize(ROWS * padded, 0.0);
        let scale = splat(scale);
        let mut queries: [&[i32]; ROWS] = [&[]; ROWS];
        for r in 0..ROWS {
            queries[r] = &self.queries[(first + r) * items..][..items];
        }
        let mut most = [splat(f32::NEG_INFINITY); ROWS];
        for (group, columns) in self.keys.chunks_exact(items).enumerate() {
            let sums = product(&queries, columns);
            for r in 0..ROWS {
                let scores = multiply(floats(sums[r]), scale);
                let scores = known(scores, keys - group * COLUMNS);
                most[r] = larger(most[r], scores);
                store(&mut self.scores[r * padded..].as_chunks_mut().0[group], scores);
            }
        }
        self.softmax(padded, &most);
    }

    /// Turns scores into probabilities, all rows of the block interleaved so that none stalls on its sum.
    #[target_feature(enable = "avx2,fma")]
    fn softmax(&mut self, padded: usize, most: &[Floats; ROWS]) {
        self.probabilities.resize(ROWS * padded / 2, 0);
        let mut sums = [splat(0.0); ROWS];
        for (r, scores) in self.scores.chunks_exact_mut(padded).enumerate() {
            let most = splat(largest(most[r]));
            let mut sum = splat(0.0);
            for scores in scores.as_chunks_mut::<16>().0 {
                let power = exp2(subtract(load(scores), most));
                sum = add(sum, power);
                store(scores, power);
            }
            sums[r] = sum;
        }
        let rows = self.scores.chunks_exact(padded);
        let rows = rows.zip(self.probabilities.chunks_exact_mut(padded / 2));
        for (r, (scores, items)) in rows.enumerate() {
            let scale = splat(PROBABILITY_ONE / sum(sums[r]));
            for (scores, item) in scores.as_chunks().0.iter().zip(items.as_chunks_mut().0) {
                store_pairs(item, units(scores, scale));
            }
        }
    }

    /// The sums of all keys' values in 16 dimensions, each weighted by its probability.
    #[target_feature(enable = "avx2,fma")]
    fn mix(&self, values: &[[i32; COLUMNS]], keys: usize) -> [[__m256i; 2]; ROWS] {
        let width = keys.next_multiple_of(COLUMNS) / 2;
        let mut probabilities: [&[i32]; ROWS] = [&[]; ROWS];
        for r in 0..ROWS {
            probabilities[r] = &self.probabilities[r * width..][..values.len()];
        }
        product(&probabilities, values)
    }
}

/// The first `count` scores; minus infinity for the rest, past the last key.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn known(scores: Floats, count: usize) -> Floats {
    if count >= COLUMNS {
        return scores;
    }
    let count = _mm256_set1_epi32(count as i32);
    let places = [
        _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
        _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15),
    ];
    let mut known = splat(f32::NEG_INFINITY);
    for i in 0..2 {
        let is_known = _mm256_castsi256_ps(_mm256_cmpgt_epi32(count, places[i]));
        known[i] = _mm256_blendv_ps(known[i], scores[i], is_known);
    }
    known
}
