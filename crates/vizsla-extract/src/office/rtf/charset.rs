//! Encodings by the numbers that RTF gives the character sets of fonts.
//!
//! The numbers are in the "Rich Text Format (RTF) Specification" 1.9.1, font table and character set.

use crate::text::charset::Charset;

/// The encoding of a font's character set; `None` where it has none of its own, as with symbols.
pub(super) fn of_charset(number: i32) -> Option<Charset> {
    Charset::of_code_page(match number {
        0 => 1252,
        77 => 10_000,
        78 | 128 => 932,
        79 | 129 => 949,
        80 | 134 => 936,
        81 | 136 => 950,
        85 => 10_006,
        86 => 10_081,
        87 | 222 => 874,
        88 => 10_029,
        89 => 10_007,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        238 => 1250,
        254 => 437,
        255 => 850,
        _ => return None,
    })
}

/// The encoding of a code page.
pub(super) fn of_code_page(number: i32) -> Option<Charset> {
    u32::try_from(number).ok().and_then(Charset::of_code_page)
}
