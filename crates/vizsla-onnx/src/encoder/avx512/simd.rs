//! Loads, stores and elementwise functions on vectors of sixteen numbers.

use std::arch::x86_64::*;

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
pub(super) fn load_i32(from: &[i32; 16]) -> __m512i {
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

/// 2^x for finite x, with a relative error of at most 0.000003: the integer part of x goes into the exponent, and the
/// remainder, at most a half in magnitude, through a degree-four polynomial fitted for minimal relative error.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn exp2(x: __m512) -> __m512 {
    const COEFFICIENTS: [f32; 4] = [0.055_917_86, 0.240_247_44, 0.693_121_8, 0.999_999_3];
    let whole = _mm512_roundscale_ps::<0>(x);
    let rest = _mm512_sub_ps(x, whole);
    let mut power = _mm512_set1_ps(0.009_570_102);
    for coefficient in COEFFICIENTS {
        power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(coefficient));
    }
    _mm512_scalef_ps(power, whole)
}

/// x·Φ(x), the exact (not the tanh) form of Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), within 0.0001:
/// a 150th of the step size to which the result is quantised. The error function of x/√2 is x times a polynomial in x²,
/// fitted by least squares on |x| ≤ 4.2, and ±1 beyond.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
pub(super) fn gelu(x: __m512) -> __m512 {
    const LIMIT: f32 = 4.2;
    const COEFFICIENTS: [f32; 8] = [
        -0.010_973_586,
        0.017_337_145,
        -0.028_237_557,
        0.049_540_11,
        -0.077_586_1,
        0.111_684_64,
        -0.162_992_12,
        0.335_711_48,
    ];
    let one = _mm512_set1_ps(1.0);
    let limited = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-LIMIT)), _mm512_set1_ps(LIMIT));
    // x² mapped to [-1, 1], where the polynomial is well conditioned.
    let square = _mm512_fmsub_ps(
        _mm512_mul_ps(limited, limited),
        _mm512_set1_ps(2.0 / (LIMIT * LIMIT)),
        one,
    );
    let mut polynomial = _mm512_set1_ps(0.003_606_434_2);
    for coefficient in COEFFICIENTS {
        polynomial = _mm512_fmadd_ps(polynomial, square, _mm512_set1_ps(coefficient));
    }
    let erf = _mm512_mul_ps(limited, polynomial);
    let erf = _mm512_min_ps(_mm512_max_ps(erf, _mm512_set1_ps(-1.0)), one);
    let half = _mm512_mul_ps(x, _mm512_set1_ps(0.5));
    _mm512_fmadd_ps(half, erf, half)
}
