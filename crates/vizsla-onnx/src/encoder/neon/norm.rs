//! Layer normalisation of rows of floats.

use super::simd::{add, load, multiply, multiply_add, splat, store, subtract, sum};
use crate::encoder::Norm;

/// As [`Kernels::add_and_normalize`](crate::encoder::kernels::Kernels::add_and_normalize).
#[target_feature(enable = "neon")]
pub(super) fn add_and_normalize(rows: &mut [f32], other: &[f32], norm: &Norm) {
    let width = norm.weight.len();
    for (row, other) in rows.chunks_exact_mut(width).zip(other.chunks_exact(width)) {
        let (row, _) = row.as_chunks_mut();
        let mut sums = splat(0.0);
        for (values, other) in row.iter_mut().zip(other.as_chunks().0) {
            let added = add(load(values), load(other));
            sums = add(sums, added);
            store(values, added);
        }
        let mean = splat(sum(sums) / width as f32);
        let mut squares = splat(0.0);
        for values in &*row {
            let difference = subtract(load(values), mean);
            squares = multiply_add(difference, difference, squares);
        }
        let variance = sum(squares) / width as f32;
        let factor = splat(1.0 / (variance + norm.epsilon).sqrt());
        let (weight, _) = norm.weight.as_chunks();
        let (bias, _) = norm.bias.as_chunks();
        for ((values, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
            let normal = multiply(subtract(load(values), mean), factor);
            store(values, multiply_add(normal, load(weight), load(bias)));
        }
    }
}
