//! Layer normalisation of rows of floats.

use std::arch::x86_64::*;

use super::simd::{load, store};
use crate::encoder::Norm;

/// Adds `other` and normalises each row to mean 0 and variance 1 before scaling and shifting it: Ba et al., "Layer
/// Normalization" (2016), equation 4.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(super) fn add_and_normalize(rows: &mut [f32], other: &[f32], norm: &Norm) {
    let width = norm.weight.len();
    for (row, other) in rows.chunks_exact_mut(width).zip(other.chunks_exact(width)) {
        let (row, _) = row.as_chunks_mut::<16>();
        let mut sum = _mm512_setzero_ps();
        for (values, other) in row.iter_mut().zip(other.as_chunks::<16>().0) {
            let added = _mm512_add_ps(load(values), load(other));
            sum = _mm512_add_ps(sum, added);
            store(values, added);
        }
        let mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum) / width as f32);
        let mut squares = _mm512_setzero_ps();
        for values in &*row {
            let difference = _mm512_sub_ps(load(values), mean);
            squares = _mm512_fmadd_ps(difference, difference, squares);
        }
        let variance = _mm512_reduce_add_ps(squares) / width as f32;
        let factor = _mm512_set1_ps(1.0 / (variance + norm.epsilon).sqrt());
        let (weight, _) = norm.weight.as_chunks::<16>();
        let (bias, _) = norm.bias.as_chunks::<16>();
        for ((values, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
            let normal = _mm512_mul_ps(_mm512_sub_ps(load(values), mean), factor);
            store(values, _mm512_fmadd_ps(normal, load(weight), load(bias)));
        }
    }
}
