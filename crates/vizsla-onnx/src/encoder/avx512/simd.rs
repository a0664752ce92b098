//! Loads, stores and elementwise functions on vectors of sixteen numbers.

use std::arch::x86_64::*;

use crate::encoder::approximation::{ERF, ERF_LIMIT, EXP2};

/// Reads sixteen floats.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the array is as long as what is read")]
pub(super) fn load(from: &[f32; 16]) -> __m512 {
    // SAFETY: 64 readable bytes; the instruction needs no alignment.
    unsafe { _mm512_loadu_ps(from.as_ptr()) }
}

/// Writes sixteen floats.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the array is as long as what is written")]
pub(super) fn store(to: &mut [f32; 16], values: __m512) {
    // SAFETY: 64 writable bytes; the instruction needs no alignment.
    unsafe { _mm512_storeu_ps(to.as_mut_ptr(), values) }
}

/// Reads sixteen 32-bit integers.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the array is as long as what is read")]
pub(in crate::encoder) fn load_i32(from: &[i32; 16]) -> __m512i {
    // SAFETY: 64 readable bytes; the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

/// Writes sixteen 32-bit integers.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the array is as long as what is written")]
pub(super) fn store_i32(to: &mut [i32; 16], values: __m512i) {
    // SAFETY: 64 writable bytes; the instruction needs no alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), values) }
}

/// Writes sixteen bytes, four to an item.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the array is as long as what is written")]
pub(super) fn store_bytes(to: &mut [i32; 4], values: __m128i) {
    // SAFETY: 16 writable bytes; the instruction needs no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), values) }
}

/// Reads sixteen bytes, four to an item, as integers.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the array is as long as what is read")]
pub(super) fn load_bytes(from: &[i32; 4]) -> __m512i {
    // SAFETY: 16 readable bytes; the instruction needs no alignment.
    _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(from.as_ptr().cast()) })
}

/// Writes sixteen 16-bit integers, two to an item.
#[inline]
#[target_feature(enable = "avx512f")]
#[allow(unsafe_code, reason = "the array is as long as what is written")]
pub(super) fn store_pairs(to: &mut [i32; 8], values: __m256i) {
    // SAFETY: 32 writable bytes; the instruction needs no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), values) }
}

/// 2^x, as [`exp2`](crate::encoder::approximation::exp2) has it; 0 for minus infinity.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn exp2(x: __m512) -> __m512 {
    let whole = _mm512_roundscale_ps::<0>(x);
    let rest = _mm512_sub_ps(x, whole);
    let mut power = _mm512_set1_ps(EXP2[0]);
    for i in 1..EXP2.len() {
        power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(EXP2[i]));
    }
    _mm512_scalef_ps(power, whole)
}

/// x·Φ(x), as [`gelu`](crate::encoder::approximation::gelu) has it.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn gelu(x: __m512) -> __m512 {
    let one = _mm512_set1_ps(1.0);
    let limited =
        _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-ERF_LIMIT)), _mm512_set1_ps(ERF_LIMIT));
    // x² mapped to [-1, 1], where the polynomial is well conditioned.
    let square = _mm512_fmsub_ps(
        _mm512_mul_ps(limited, limited),
        _mm512_set1_ps(2.0 / (ERF_LIMIT * ERF_LIMIT)),
        one,
    );
    let mut polynomial = _mm512_set1_ps(ERF[0]);
    for i in 1..ERF.len() {
        polynomial = _mm512_fmadd_ps(polynomial, square, _mm512_set1_ps(ERF[i]));
    }
    let erf = _mm512_mul_ps(limited, polynomial);
    let erf = _mm512_min_ps(_mm512_max_ps(erf, _mm512_set1_ps(-1.0)), one);
    let half = _mm512_mul_ps(x, _mm512_set1_ps(0.5));
    _mm512_fmadd_ps(half, erf, half)
}
