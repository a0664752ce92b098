//! Multi-head attention over one sequence, on 16-bit integers: their rounding error is far below that of the 8-bit
//! layers around them.

use std::f32::consts::LOG2_E;

use super::product::products_of_words;
use super::simd::{
    Floats, Integers, LANES, absolute, add, exp2, floats, larger, largest, load, multiply, round,
    splat, store, store_i16, subtract, sum,
};
use crate::encoder::kernels::{PROBABILITY_ONE, ROWS, Sequence, largest_factor};

/// Per-thread scratch buffers.
#[derive(Default)]
pub(in crate::encoder) struct Scratch {
    /// Queries, row by row.
    queries: Vec<i16>,
    /// For every 16 keys and every dimension, the number of each key.
    keys: Vec<[i16; LANES]>,
    /// For every 16 dimensions and every value, the number of each dimension.
    values: Vec<[i16; LANES]>,
    scores: Vec<[f32; LANES]>,
    probabilities: Vec<[i16; LANES]>,
}

/// As [`Kernels::attend`](crate::encoder::kernels::Kernels::attend).
#[target_feature(enable = "neon")]
pub(super) fn attend(sequence: &Sequence<'_>, size: usize, scratch: &mut Scratch, out: &mut [f32]) {
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
            scratch.score(first, size, keys.len(), scale);
            for (group, values) in scratch.values.chunks_exact(keys.len()).enumerate() {
                let sums = products_of_words(&scratch.probabilities(), values);
                let rows = out.chunks_exact_mut(sequence.width).skip(first);
                for (out, sums) in rows.zip(sums) {
                    let (out, _) = out[start..][..size].as_chunks_mut();
                    store(&mut out[group], multiply(floats(sums), value_scale));
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

    fn rows(&self) -> impl Iterator<Item = &'a [[f32; LANES]]> {
        let (start, size) = (self.start, self.size);
        self.rows.chunks_exact(self.width).map(move |row| row[start..][..size].as_chunks().0)
    }

    /// The largest magnitude in the head divided by `limit`: the value of one unit.
    #[target_feature(enable = "neon")]
    fn scale(&self, limit: f32) -> f32 {
        let mut most = splat(0.0);
        for values in self.rows().flatten() {
            most = larger(most, absolute(load(values)));
        }
        let most = largest(most);
        if most > 0.0 { most / limit } else { 1.0 }
    }
}

/// Sixteen numbers in units of 1 / `inverse`.
#[inline]
#[target_feature(enable = "neon")]
fn units(values: &[f32; LANES], inverse: Floats) -> Integers {
    round(multiply(load(values), inverse))
}

impl Scratch {
    #[target_feature(enable = "neon")]
    fn pack_queries(&mut self, head: Head<'_>, limit: f32) -> f32 {
        let scale = head.scale(limit);
        let inverse = splat(1.0 / scale);
        // Rows missing from the last block read leftover data; their results are not used.
        self.queries.resize(head.len().next_multiple_of(ROWS) * head.size, 0);
        for (units_of_row, row) in self.queries.chunks_exact_mut(head.size).zip(head.rows()) {
            for (item, values) in units_of_row.as_chunks_mut().0.iter_mut().zip(row) {
                store_i16(item, units(values, inverse));
            }
        }
        scale
    }

    #[target_feature(enable = "neon")]
    fn pack_keys(&mut self, head: Head<'_>, limit: f32) -> f32 {
        let scale = head.scale(limit);
        let inverse = splat(1.0 / scale);
        self.keys.resize(head.len().div_ceil(LANES) * head.size, [0; LANES]);
        for (key, row) in head.rows().enumerate() {
            let group = &mut self.keys[key / LANES * head.size..][..head.size];
            for (columns, values) in group.as_chunks_mut::<LANES>().0.iter_mut().zip(row) {
                let mut numbers = [0; LANES];
                store_i16(&mut numbers, units(values, inverse));
                for (column, number) in columns.iter_mut().zip(numbers) {
                    column[key % LANES] = number;
                }
            }
        }
        scale
    }

    #[target_feature(enable = "neon")]
    fn pack_values(&mut self, head: Head<'_>) -> f32 {
        let scale = head.scale(PROBABILITY_ONE);
        let inverse = splat(1.0 / scale);
        self.values.resize(head.len() * head.size / LANES, [0; LANES]);
        for (i, row) in head.rows().enumerate() {
            for (group, values) in row.iter().enumerate() {
                store_i16(&mut self.values[group * head.len() + i], units(values, inverse));
            }
        }
        scale
    }

    /// Probabilities of all keys for a block of queries.
    #[target_feature(enable = "neon")]
    fn score(&mut self, first: usize, size: usize, keys: usize, scale: f32) {
        let groups = keys.div_ceil(LANES);
        self.scores.resize(ROWS * groups, [0.0; LANES]);
        let mut queries: [&[i16]; ROWS] = [&[]; ROWS];
        for r in 0..ROWS {
            queries[r] = &self.queries[(first + r) * size..][..size];
        }
        let scale = splat(scale);
        let mut most = [splat(f32::NEG_INFINITY); ROWS];
        for (group, columns) in self.keys.chunks_exact(size).enumerate() {
            let sums = products_of_words(&queries, columns);
            for r in 0..ROWS {
                let scores = &mut self.scores[r * groups + group];
                store(scores, multiply(floats(sums[r]), scale));
                // Past the last key.
                let known = keys - group * LANES;
                if known < LANES {
                    scores[known..].fill(f32::NEG_INFINITY);
                }
                most[r] = larger(most[r], load(scores));
            }
        }
        self.softmax(groups, &most);
    }

    /// Turns scores into probabilities.
    #[target_feature(enable = "neon")]
    fn softmax(&mut self, groups: usize, most: &[Floats; ROWS]) {
        self.probabilities.resize(ROWS * groups, [0; LANES]);
        let rows = self.scores.chunks_exact_mut(groups);
        let rows = rows.zip(self.probabilities.chunks_exact_mut(groups));
        for ((scores, probabilities), most) in rows.zip(most) {
            let most = splat(largest(*most));
            let mut sums = splat(0.0);
            for scores in scores.iter_mut() {
                let power = exp2(subtract(load(scores), most));
                sums = add(sums, power);
                store(scores, power);
            }
            let scale = splat(PROBABILITY_ONE / sum(sums));
            for (scores, probabilities) in scores.iter().zip(probabilities) {
                store_i16(probabilities, units(scores, scale));
            }
        }
    }

    /// The rows of a block.
    fn probabilities(&self) -> [&[i16]; ROWS] {
        let numbers = self.probabilities.as_flattened();
        let width = numbers.len() / ROWS;
        std::array::from_fn(|r| &numbers[r * width..][..width])
    }
}
