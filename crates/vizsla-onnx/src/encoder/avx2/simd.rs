//! Loads, stores and elementwise functions on sixteen numbers in two vectors of eight.

use std::arch::x86_64::*;

use crate::encoder::approximation::{ERF, ERF_LIMIT, EXP2};

/// Sixteen floats.
pub(in crate::encoder) type Floats = [__m256; 2];
/// Sixteen 32-bit integers.
pub(in crate::encoder) type Integers = [__m256i; 2];

/// Reads sixteen floats.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code, reason = "the array is as long as what is read")]
pub(in crate::encoder) fn load(from: &[f32; 16]) -> Floats {
    // SAFETY: 64 readable bytes; the instruction needs no alignment.
    unsafe { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from[8..].as_ptr())] }
}

/// Writes sixteen floats.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code, reason = "the array is as long as what is written")]
pub(in crate::encoder) fn store(to: &mut [f32; 16], [low, high]: Floats) {
    // SAFETY: 64 writable bytes; the instruction needs no alignment.
    unsafe {
        _mm256_storeu_ps(to.as_mut_ptr(), low);
        _mm256_storeu_ps(to[8..].as_mut_ptr(), high);
    }
}

/// Reads sixteen 32-bit integers.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code, reason = "the array is as long as what is read")]
pub(in crate::encoder) fn load_i32(from: &[i32; 16]) -> Integers {
    // SAFETY: 64 readable bytes; the instruction needs no alignment.
    unsafe {
        [_mm256_loadu_si256(from.as_ptr().cast()), _mm256_loadu_si256(from[8..].as_ptr().cast())]
    }
}

/// Reads 32 bytes as 16-bit integers.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code, reason = "the array is as long as what is read")]
pub(in crate::encoder) fn widen(from: &[i8; 32]) -> Integers {
    // SAFETY: 32 readable bytes; the instruction needs no alignment.
    let halves = unsafe {
        [_mm_loadu_si128(from.as_ptr().cast()), _mm_loadu_si128(from[16..].as_ptr().cast())]
    };
    [_mm256_cvtepi8_epi16(halves[0]), _mm256_cvtepi8_epi16(halves[1])]
}

/// Writes sixteen 32-bit integers.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code, reason = "the array is as long as what is written")]
pub(in crate::encoder) fn store_i32(to: &mut [i32; 16], [low, high]: Integers) {
    // SAFETY: 64 writable bytes; the instruction needs no alignment.
    unsafe {
        _mm256_storeu_si256(to.as_mut_ptr().cast(), low);
        _mm256_storeu_si256(to[8..].as_mut_ptr().cast(), high);
    }
}

/// Writes sixteen integers that fit into 16 bits, two to an item.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code, reason = "the array is as long as what is written")]
pub(in crate::encoder) fn store_pairs(to: &mut [i32; 8], integers: Integers) {
    // SAFETY: 32 writable bytes; the instruction needs no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), pairs(integers)) }
}

/// Writes sixteen integers from 0 to 255, four to an item.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code, reason = "the array is as long as what is written")]
pub(in crate::encoder) fn store_bytes(to: &mut [i32; 4], integers: Integers) {
    let pairs = pairs(integers);
    let low = _mm256_castsi256_si128(pairs);
    let high = _mm256_extracti128_si256::<1>(pairs);
    // SAFETY: 16 writable bytes; the instruction needs no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), _mm_packus_epi16(low, high)) }
}

/// Sixteen integers as 16 bits each, in order.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn pairs([low, high]: Integers) -> __m256i {
    // The instruction packs within each half of its operands.
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high))
}

/// The same number sixteen times.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn splat(value: f32) -> Floats {
    [_mm256_set1_ps(value); 2]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn add(a: Floats, b: Floats) -> Floats {
    [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn subtract(a: Floats, b: Floats) -> Floats {
    [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn multiply(a: Floats, b: Floats) -> Floats {
    [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])]
}

/// `a * b + c`, rounded once.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn multiply_add(a: Floats, b: Floats, c: Floats) -> Floats {
    [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn smaller(a: Floats, b: Floats) -> Floats {
    [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn larger(a: Floats, b: Floats) -> Floats {
    [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])]
}

/// The magnitudes.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn absolute(a: Floats) -> Floats {
    let sign = _mm256_set1_ps(-0.0);
    [_mm256_andnot_ps(sign, a[0]), _mm256_andnot_ps(sign, a[1])]
}

/// The nearest integers, ties to even.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn round(a: Floats) -> Integers {
    [_mm256_cvtps_epi32(a[0]), _mm256_cvtps_epi32(a[1])]
}

/// Integers as floats.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn floats(a: Integers) -> Floats {
    [_mm256_cvtepi32_ps(a[0]), _mm256_cvtepi32_ps(a[1])]
}

/// The sum of sixteen numbers, added in pairs: the first half to the second.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn sum([low, high]: Floats) -> f32 {
    let sums = _mm256_add_ps(low, high);
    let sums = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps::<1>(sums));
    let sums = _mm_add_ps(sums, _mm_movehl_ps(sums, sums));
    _mm_cvtss_f32(_mm_add_ss(sums, _mm_movehdup_ps(sums)))
}

/// The largest of sixteen numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn largest([low, high]: Floats) -> f32 {
    let most = _mm256_max_ps(low, high);
    let most = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps::<1>(most));
    let most = _mm_max_ps(most, _mm_movehl_ps(most, most));
    _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)))
}

/// 2^x, as [`exp2`](crate::encoder::approximation::exp2) has it.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn exp2(x: Floats) -> Floats {
    let [low, high] = larger(x, splat(-126.0));
    [exp2_of_eight(low), exp2_of_eight(high)]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn exp2_of_eight(x: __m256) -> __m256 {
    let whole = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
    let rest = _mm256_sub_ps(x, whole);
    let mut power = _mm256_set1_ps(EXP2[0]);
    for i in 1..EXP2.len() {
        power = _mm256_fmadd_ps(power, rest, _mm256_set1_ps(EXP2[i]));
    }
    let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127));
    _mm256_mul_ps(power, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
}

/// x·Φ(x), as [`gelu`](crate::encoder::approximation::gelu) has it.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn gelu(x: Floats) -> Floats {
    let limited = smaller(larger(x, splat(-ERF_LIMIT)), splat(ERF_LIMIT));
    let scale = splat(2.0 / (ERF_LIMIT * ERF_LIMIT));
    let square = multiply_add(multiply(limited, limited), scale, splat(-1.0));
    let mut polynomial = splat(ERF[0]);
    for i in 1..ERF.len() {
        polynomial = multiply_add(polynomial, square, splat(ERF[i]));
    }
    let erf = multiply(limited, polynomial);
    let erf = smaller(larger(erf, splat(-1.0)), splat(1.0));
    let half = multiply(x, splat(0.5));
    multiply_add(half, erf, half)
}
