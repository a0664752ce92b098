//! Multi-head attention over one sequence, on 16-bit integers: their rounding error is far below that of the 8-bit
//! layers around them, and they multiply twice as fast as floats.

use std::arch::x86_64::*;
use std::f32::consts::LOG2_E;

use super::simd::{exp2, load, load_i32, store, store_i32, store_pairs};
use crate::encoder::kernels::{PROBABILITY_ONE, Sequence, largest_factor};

/// How many queries are processed at a time.
const ROWS: usize = 6;
/// Keys are padded to a multiple of this: two vectors.
const KEYS: usize = 32;

/// Per-thread scratch buffers.
#[derive(Default)]
pub(in crate::encoder) struct Scratch {
    /// Queries, two dimensions per item, row by row.
    queries: Vec<i32>,
    /// One key, two dimensions per item.
    key: Vec<i32>,
    /// For every 16 keys and every two dimensions, the two numbers of each key.
    keys: Vec<[i32; 16]>,
    /// For every two values and every 16 dimensions, the two numbers of each dimension.
    values: Vec<[i32; 16]>,
    scores: Vec<f32>,
    /// Two keys' probabilities per item.
    probabilities: Vec<i32>,
}

/// Writes for each query softmax(q·k / √d)·v (Vaswani et al., "Attention Is All You Need", 2017, equation 1), head by
/// head. `VECTORS` is a head's size divided by 16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) fn attend<const VECTORS: usize>(
    sequence: &Sequence<'_>,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let size = VECTORS * 16;
    let limit = largest_factor(size) as f32;
    for head in 0..sequence.width / size {
        let of_head = |rows: &'_ [f32]| Head {
            start: head * size,
            width: sequence.width,
            len: rows.len() / sequence.width,
        };
        let (queries, keys) = (of_head(sequence.queries), of_head(sequence.keys));
        let query_scale = scratch.pack_queries::<VECTORS>(sequence.queries, queries, limit);
        let key_scale = scratch.pack_keys::<VECTORS>(sequence.keys, keys, limit);
        let value_scale = scratch.pack_values::<VECTORS>(sequence.values, keys);
        // Powers of two are cheaper than powers of e, so the scores are in units of ln 2.
        let scale = query_scale * key_scale * LOG2_E / (size as f32).sqrt();
        let mut first = 0;
        while first < queries.len {
            let rows = (queries.len - first).min(ROWS);
            scratch.score::<VECTORS>(first, keys.len, scale);
            let sums = scratch.mix::<VECTORS>(keys.len);
            for (row, sums) in sums.into_iter().take(rows).enumerate() {
                let at = (first + row) * sequence.width + head * size;
                let (out, _) = out[at..at + size].as_chunks_mut::<16>();
                let scale = _mm512_set1_ps(value_scale / PROBABILITY_ONE);
                for (out, sum) in out.iter_mut().zip(sums) {
                    store(out, _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale));
                }
            }
            first += ROWS;
        }
    }
}

/// The location of one head's numbers within the rows.
#[derive(Clone, Copy)]
struct Head {
    start: usize,
    width: usize,
    len: usize,
}

impl Head {
    fn row<'a, const VECTORS: usize>(&self, rows: &'a [f32], row: usize) -> &'a [[f32; 16]] {
        rows[row * self.width + self.start..][..VECTORS * 16].as_chunks().0
    }

    /// The largest magnitude in the head divided by `limit`: the value of one unit.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn scale<const VECTORS: usize>(&self, rows: &[f32], limit: f32) -> f32 {
        let mut most = _mm512_setzero_ps();
        for row in 0..self.len {
            for values in self.row::<VECTORS>(rows, row) {
                most = _mm512_max_ps(most, _mm512_abs_ps(load(values)));
            }
        }
        let most = _mm512_reduce_max_ps(most);
        if most > 0.0 { most / limit } else { 1.0 }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn round(values: &[f32; 16], inverse: __m512) -> __m512i {
    _mm512_cvtps_epi32(_mm512_mul_ps(load(values), inverse))
}

impl Scratch {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn pack_queries<const VECTORS: usize>(&mut self, rows: &[f32], head: Head, limit: f32) -> f32 {
        let scale = head.scale::<VECTORS>(rows, limit);
        let inverse = _mm512_set1_ps(1.0 / scale);
        // Rows missing from the last block read leftover data; their results are not used.
        self.queries.resize(head.len.next_multiple_of(ROWS) * VECTORS * 8, 0);
        let (items, _) = self.queries.as_chunks_mut::<8>();
        for row in 0..head.len {
            let items = &mut items[row * VECTORS..][..VECTORS];
            for (item, values) in items.iter_mut().zip(head.row::<VECTORS>(rows, row)) {
                store_pairs(item, _mm512_cvtepi32_epi16(round(values, inverse)));
            }
        }
        scale
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn pack_keys<const VECTORS: usize>(&mut self, rows: &[f32], head: Head, limit: f32) -> f32 {
        let scale = head.scale::<VECTORS>(rows, limit);
        let inverse = _mm512_set1_ps(1.0 / scale);
        self.key.resize(VECTORS * 8, 0);
        self.keys.resize(head.len.next_multiple_of(KEYS) / 16 * VECTORS * 8, [0; 16]);
        for row in 0..head.len {
            let (items, _) = self.key.as_chunks_mut::<8>();
            for (item, values) in items.iter_mut().zip(head.row::<VECTORS>(rows, row)) {
                store_pairs(item, _mm512_cvtepi32_epi16(round(values, inverse)));
            }
            let group = &mut self.keys[row / 16 * VECTORS * 8..][..VECTORS * 8];
            for (column, item) in group.iter_mut().zip(&self.key) {
                column[row % 16] = *item;
            }
        }
        scale
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn pack_values<const VECTORS: usize>(&mut self, rows: &[f32], head: Head) -> f32 {
        let scale = head.scale::<VECTORS>(rows, PROBABILITY_ONE);
        let inverse = _mm512_set1_ps(1.0 / scale);
        self.values.resize(head.len.div_ceil(2) * VECTORS, [0; 16]);
        for (pair, items) in self.values.chunks_exact_mut(VECTORS).enumerate() {
            let low = head.row::<VECTORS>(rows, pair * 2);
            let high = (pair * 2 + 1 < head.len).then(|| head.row::<VECTORS>(rows, pair * 2 + 1));
            for (j, item) in items.iter_mut().enumerate() {
                let low = _mm512_and_si512(round(&low[j], inverse), _mm512_set1_epi32(0xffff));
                let high = high.map_or(_mm512_setzero_si512(), |high| round(&high[j], inverse));
                store_i32(item, _mm512_or_si512(low, _mm512_slli_epi32::<16>(high)));
            }
        }
        scale
    }

    /// Powers of two of the scores of a block of queries against all keys, minus each query's highest score; and their
    /// sums.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn score<const VECTORS: usize>(&mut self, first: usize, keys: usize, scale: f32) {
        let items = VECTORS * 8;
        let padded = keys.next_multiple_of(KEYS);
        self.scores.resize(ROWS * padded, 0.0);
        let scale = _mm512_set1_ps(scale);
        let mut queries: [&[i32]; ROWS] = [&[]; ROWS];
        for (r, query) in queries.iter_mut().enumerate() {
            *query = &self.queries[(first + r) * items..][..items];
        }
        let mut most = [_mm512_set1_ps(f32::NEG_INFINITY); ROWS];
        for (pair, groups) in self.keys.chunks_exact(2 * items).enumerate() {
            let (left, right) = groups.split_at(items);
            let mut sums = [[_mm512_setzero_si512(); 2]; ROWS];
            for (i, (left, right)) in left.iter().zip(right).enumerate() {
                let keys = [load_i32(left), load_i32(right)];
                for (sums, query) in sums.iter_mut().zip(queries) {
                    let query = _mm512_set1_epi32(query[i]);
                    for (sum, keys) in sums.iter_mut().zip(keys) {
                        *sum = _mm512_dpwssd_epi32(*sum, query, keys);
                    }
                }
            }
            for (r, (sums, most)) in sums.into_iter().zip(&mut most).enumerate() {
                let (out, _) = self.scores[r * padded + pair * KEYS..][..KEYS].as_chunks_mut();
                for (j, (out, sum)) in out.iter_mut().zip(sums).enumerate() {
                    let scores = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale);
                    // Nothing past the last key is scored.
                    let known = keys.saturating_sub(pair * KEYS + j * 16).min(16);
                    let none = _mm512_set1_ps(f32::NEG_INFINITY);
                    let mask = ((1u32 << known) - 1) as u16;
                    let scores = _mm512_mask_blend_ps(mask, none, scores);
                    *most = _mm512_max_ps(*most, scores);
                    store(out, scores);
                }
            }
        }
        self.softmax(padded, &most);
    }

    /// Turns scores into probabilities, all rows of the block interleaved so that none stalls on its sum.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn softmax(&mut self, padded: usize, most: &[__m512; ROWS]) {
        self.probabilities.resize(ROWS * padded / 2, 0);
        let mut sums = [_mm512_setzero_ps(); ROWS];
        for ((scores, most), sum) in self.scores.chunks_exact_mut(padded).zip(most).zip(&mut sums) {
            let most = _mm512_set1_ps(_mm512_reduce_max_ps(*most));
            for scores in scores.as_chunks_mut::<16>().0 {
                let power = exp2(_mm512_sub_ps(load(scores), most));
                *sum = _mm512_add_ps(*sum, power);
                store(scores, power);
            }
        }
        for ((scores, items), sum) in self
            .scores
            .chunks_exact(padded)
            .zip(self.probabilities.chunks_exact_mut(padded / 2))
            .zip(sums)
        {
            let scale = _mm512_set1_ps(PROBABILITY_ONE / _mm512_reduce_add_ps(sum));
            let items = items.as_chunks_mut::<8>().0;
            for (scores, item) in scores.as_chunks::<16>().0.iter().zip(items) {
                store_pairs(item, _mm512_cvtepi32_epi16(round(scores, scale)));
            }
        }
    }

    /// The sum of all keys' values, each weighted by its probability.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn mix<const VECTORS: usize>(&self, keys: usize) -> [[__m512i; VECTORS]; ROWS] {
        let width = keys.next_multiple_of(KEYS) / 2;
        let (values, _) = self.values.as_chunks::<VECTORS>();
        let mut probabilities: [&[i32]; ROWS] = [&[]; ROWS];
        for (r, row) in probabilities.iter_mut().enumerate() {
            *row = &self.probabilities[r * width..][..values.len()];
        }
        let mut sums = [[_mm512_setzero_si512(); VECTORS]; ROWS];
        for (i, values) in values.iter().enumerate() {
            for (sums, row) in sums.iter_mut().zip(probabilities) {
                let probability = _mm512_set1_epi32(row[i]);
                for (sum, values) in sums.iter_mut().zip(values) {
                    *sum = _mm512_dpwssd_epi32(*sum, probability, load_i32(values));
                }
            }
        }
        sums
    }
}
