//! Encodings by the numbers that RTF gives them: character sets of fonts and Windows code pages.
//!
//! The numbers are in the "Rich Text Format (RTF) Specification" 1.9.1, font table and character set.

use encoding_rs::{self as known, Encoding};

/// The encoding of a font's character set; `None` where it has none of its own, as with symbols.
pub(super) fn of_charset(number: i32) -> Option<&'static Encoding> {
    of_code_page(match number {
        0 => 1252,
        77 => 10_000,
        78 | 128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}

/// The encoding of a code page.
pub(super) fn of_code_page(number: i32) -> Option<&'static Encoding> {
    Some(match number {
        866 => known::IBM866,
        874 => known::WINDOWS_874,
        932 => known::SHIFT_JIS,
        936 => known::GBK,
        949 => known::EUC_KR,
        950 => known::BIG5,
        1250 => known::WINDOWS_1250,
        1251 => known::WINDOWS_1251,
        1252 | 28_591 => known::WINDOWS_1252,
        1253 => known::WINDOWS_1253,
        1254 => known::WINDOWS_1254,
        1255 => known::WINDOWS_1255,
        1256 => known::WINDOWS_1256,
        1257 => known::WINDOWS_1257,
        1258 => known::WINDOWS_1258,
        10_000 => known::MACINTOSH,
        10_007 => known::X_MAC_CYRILLIC,
        20_866 => known::KOI8_R,
        28_592 => known::ISO_8859_2,
        54_936 => known::GB18030,
        65_001 => known::UTF_8,
        _ => return None,
    })
}
