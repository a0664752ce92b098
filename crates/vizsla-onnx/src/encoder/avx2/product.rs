//! The inner loop of linear layers and of attention: rows of 16-bit integers times columns of them.

use std::arch::x86_64::*;

use super::simd::{Integers, load_i32, widen};

/// How many columns are multiplied at a time: two vectors of eight.
pub(in crate::encoder) const COLUMNS: usize = 16;

/// Two bytes for each of 16 columns.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(in crate::encoder) struct ByteColumns(pub(in crate::encoder) [i8; 2 * COLUMNS]);

/// The sums of `R` rows' products with 16 columns. An item holds two 16-bit integers, of a row or of a column.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn product<const R: usize>(
    rows: &[&[i32]; R],
    columns: &[[i32; COLUMNS]],
) -> [Integers; R] {
    let items = cut(rows, columns.len());
    let mut sums = [[_mm256_setzero_si256(); 2]; R];
    for k in 0..columns.len() {
        add_products(&mut sums, &items, k, load_i32(&columns[k]));
    }
    sums
}

/// The same with columns of bytes, which take half the room and hardly more time.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::encoder) fn product_of_bytes<const R: usize>(
    rows: &[&[i32]; R],
    columns: &[ByteColumns],
) -> [Integers; R] {
    let items = cut(rows, columns.len());
    let mut sums = [[_mm256_setzero_si256(); 2]; R];
    for k in 0..columns.len() {
        add_products(&mut sums, &items, k, widen(&columns[k].0));
    }
    sums
}

/// Rows of exactly this length, so that the loops over them need no checks.
#[inline]
pub(in crate::encoder) fn cut<'a, const R: usize>(
    rows: &[&'a [i32]; R],
    len: usize,
) -> [&'a [i32]; R] {
    let mut cut = *rows;
    for r in 0..R {
        cut[r] = &rows[r][..len];
    }
    cut
}

/// Loops of fixed length over arrays become straight code with the sums in registers at every level of optimisation;
/// chains of iterators do not.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_products<const R: usize>(
    sums: &mut [Integers; R],
    rows: &[&[i32]; R],
    k: usize,
    columns: Integers,
) {
    for r in 0..R {
        let item = _mm256_set1_epi32(rows[r][k]);
        sums[r][0] = _mm256_add_epi32(sums[r][0], _mm256_madd_epi16(item, columns[0]));
        sums[r][1] = _mm256_add_epi32(sums[r][1], _mm256_madd_epi16(item, columns[1]));
    }
}
