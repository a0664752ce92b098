//! Loads, stores and elementwise functions on sixteen numbers in four vectors. These instructions are part of every
//! 64-bit ARM processor.

use std::arch::aarch64::*;

use crate::encoder::approximation::{ERF, ERF_LIMIT, EXP2};

/// How many numbers are handled at a time.
pub(in crate::encoder) const LANES: usize = 16;
/// Sixteen floats.
pub(in crate::encoder) type Floats = [float32x4_t; 4];
/// Sixteen 32-bit integers.
pub(in crate::encoder) type Integers = [int32x4_t; 4];

/// Reads sixteen floats.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn load(from: &[f32; LANES]) -> Floats {
    // SAFETY: 64 readable bytes; the instruction needs no alignment.
    unsafe { from.as_ptr().cast::<Floats>().read_unaligned() }
}

/// Writes sixteen floats.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn store(to: &mut [f32; LANES], floats: Floats) {
    // SAFETY: 64 writable bytes; the instruction needs no alignment.
    unsafe { to.as_mut_ptr().cast::<Floats>().write_unaligned(floats) }
}

/// Reads sixteen 32-bit integers.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn load_i32(from: &[i32; LANES]) -> Integers {
    // SAFETY: 64 readable bytes; the instruction needs no alignment.
    unsafe { from.as_ptr().cast::<Integers>().read_unaligned() }
}

/// Reads sixteen 16-bit integers.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn load_i16(from: &[i16; LANES]) -> [int16x8_t; 2] {
    // SAFETY: 32 readable bytes; the instruction needs no alignment.
    unsafe { from.as_ptr().cast::<[int16x8_t; 2]>().read_unaligned() }
}

/// Reads sixteen bytes.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn load_i8(from: &[i8; LANES]) -> int8x16_t {
    // SAFETY: 16 readable bytes; the instruction needs no alignment.
    unsafe { vld1q_s8(from.as_ptr()) }
}

/// Reads eight bytes of one row and eight of another.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn load_beside(low: &[i8; LANES / 2], high: &[i8; LANES / 2]) -> int8x16_t {
    // SAFETY: 8 readable bytes each; the instruction needs no alignment.
    unsafe { vcombine_s8(vld1_s8(low.as_ptr()), vld1_s8(high.as_ptr())) }
}

/// Writes sixteen integers that fit into 16 bits.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn store_i16(to: &mut [i16; LANES], integers: Integers) {
    let [low, high] = narrow(integers);
    // SAFETY: 32 writable bytes; the instruction needs no alignment.
    unsafe { to.as_mut_ptr().cast::<[int16x8_t; 2]>().write_unaligned([low, high]) }
}

/// Writes sixteen integers that fit into 8 bits.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn store_i8(to: &mut [i8; LANES], integers: Integers) {
    let [low, high] = narrow(integers);
    // SAFETY: 16 writable bytes; the instruction needs no alignment.
    unsafe { vst1q_s8(to.as_mut_ptr(), vcombine_s8(vmovn_s16(low), vmovn_s16(high))) }
}

/// Sixteen integers as 16 bits each.
#[inline]
#[target_feature(enable = "neon")]
fn narrow([a, b, c, d]: Integers) -> [int16x8_t; 2] {
    [vcombine_s16(vmovn_s32(a), vmovn_s32(b)), vcombine_s16(vmovn_s32(c), vmovn_s32(d))]
}

/// Sixteen zeros.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn zeros() -> Integers {
    [vdupq_n_s32(0); 4]
}

#[inline]
#[target_feature(enable = "neon")]
fn each<A: Copy, B>(a: [A; 4], f: impl Fn(A) -> B) -> [B; 4] {
    [f(a[0]), f(a[1]), f(a[2]), f(a[3])]
}

#[inline]
#[target_feature(enable = "neon")]
fn pairs<A: Copy, B>(a: [A; 4], b: [A; 4], f: impl Fn(A, A) -> B) -> [B; 4] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

/// The same number sixteen times.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn splat(value: f32) -> Floats {
    [vdupq_n_f32(value); 4]
}

/// The same integer sixteen times.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn splat_i32(value: i32) -> Integers {
    [vdupq_n_s32(value); 4]
}

#[inline]
#[target_feature(enable = "neon")]
pub(super) fn add(a: Floats, b: Floats) -> Floats {
    pairs(a, b, |a, b| vaddq_f32(a, b))
}

#[inline]
#[target_feature(enable = "neon")]
pub(super) fn subtract(a: Floats, b: Floats) -> Floats {
    pairs(a, b, |a, b| vsubq_f32(a, b))
}

#[inline]
#[target_feature(enable = "neon")]
pub(super) fn multiply(a: Floats, b: Floats) -> Floats {
    pairs(a, b, |a, b| vmulq_f32(a, b))
}

/// `a * b + c`, rounded once.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn multiply_add(a: Floats, b: Floats, c: Floats) -> Floats {
    [
        vfmaq_f32(c[0], a[0], b[0]),
        vfmaq_f32(c[1], a[1], b[1]),
        vfmaq_f32(c[2], a[2], b[2]),
        vfmaq_f32(c[3], a[3], b[3]),
    ]
}

/// `a * b + c` of integers, of which only the result has to fit.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn multiply_add_i32(a: Integers, b: Integers, c: Integers) -> Integers {
    [
        vmlaq_s32(c[0], a[0], b[0]),
        vmlaq_s32(c[1], a[1], b[1]),
        vmlaq_s32(c[2], a[2], b[2]),
        vmlaq_s32(c[3], a[3], b[3]),
    ]
}

#[inline]
#[target_feature(enable = "neon")]
pub(super) fn subtract_i32(a: Integers, b: Integers) -> Integers {
    pairs(a, b, |a, b| vsubq_s32(a, b))
}

#[inline]
#[target_feature(enable = "neon")]
pub(super) fn smaller(a: Floats, b: Floats) -> Floats {
    pairs(a, b, |a, b| vminnmq_f32(a, b))
}

#[inline]
#[target_feature(enable = "neon")]
pub(super) fn larger(a: Floats, b: Floats) -> Floats {
    pairs(a, b, |a, b| vmaxnmq_f32(a, b))
}

/// The magnitudes.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn absolute(a: Floats) -> Floats {
    each(a, |a| vabsq_f32(a))
}

/// The nearest integers, ties to even.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn round(a: Floats) -> Integers {
    each(a, |a| vcvtnq_s32_f32(a))
}

/// Integers as floats.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn floats(a: Integers) -> Floats {
    each(a, |a| vcvtq_f32_s32(a))
}

/// The nearest integers from `low` to `high`.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn limited(a: Integers, low: i32, high: i32) -> Integers {
    each(a, |a| vminq_s32(vmaxq_s32(a, vdupq_n_s32(low)), vdupq_n_s32(high)))
}

/// The sum of sixteen numbers, added in pairs: the first half to the second.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn sum([a, b, c, d]: Floats) -> f32 {
    let sums = vaddq_f32(vaddq_f32(a, c), vaddq_f32(b, d));
    let sums = vadd_f32(vget_low_f32(sums), vget_high_f32(sums));
    vget_lane_f32::<0>(vpadd_f32(sums, sums))
}

/// The least of sixteen numbers.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn smallest([a, b, c, d]: Floats) -> f32 {
    vminnmvq_f32(vminnmq_f32(vminnmq_f32(a, c), vminnmq_f32(b, d)))
}

/// The largest of sixteen numbers.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn largest([a, b, c, d]: Floats) -> f32 {
    vmaxnmvq_f32(vmaxnmq_f32(vmaxnmq_f32(a, c), vmaxnmq_f32(b, d)))
}

/// 2^x, as [`exp2`](crate::encoder::approximation::exp2) has it.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn exp2(x: Floats) -> Floats {
    each(larger(x, splat(-126.0)), |x| {
        let whole = vrndnq_f32(x);
        let rest = vsubq_f32(x, whole);
        let mut power = vdupq_n_f32(EXP2[0]);
        for coefficient in &EXP2[1..] {
            power = vfmaq_f32(vdupq_n_f32(*coefficient), power, rest);
        }
        let exponent = vaddq_s32(vcvtnq_s32_f32(whole), vdupq_n_s32(127));
        vmulq_f32(power, vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent)))
    })
}

/// x·Φ(x), as [`gelu`](crate::encoder::approximation::gelu) has it.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn gelu(x: Floats) -> Floats {
    let limited = smaller(larger(x, splat(-ERF_LIMIT)), splat(ERF_LIMIT));
    let scale = splat(2.0 / (ERF_LIMIT * ERF_LIMIT));
    let square = multiply_add(multiply(limited, limited), scale, splat(-1.0));
    let mut polynomial = splat(ERF[0]);
    for coefficient in &ERF[1..] {
        polynomial = multiply_add(polynomial, square, splat(*coefficient));
    }
    let erf = multiply(limited, polynomial);
    let erf = smaller(larger(erf, splat(-1.0)), splat(1.0));
    let half = multiply(x, splat(0.5));
    multiply_add(half, erf, half)
}
