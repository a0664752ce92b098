//! Encodings whose bytes are all ASCII: marks or escape sequences say which of them stand for other characters.

use encoding_rs::{EUC_KR, Encoding, GBK};
use memchr::memmem;

/// HZ (RFC 1843): pairs of bytes between `~{` and `~}`, which end with the line at the latest, are characters of GB 2312.
pub(super) fn hz(bytes: &[u8]) -> String {
    let mut plain = Vec::with_capacity(bytes.len());
    let (mut rest, mut is_chinese) = (bytes, false);
    loop {
        rest = match rest {
            [b'~', b'{', rest @ ..] if !is_chinese => {
                is_chinese = true;
                rest
            }
            [b'~', b'}', rest @ ..] if is_chinese => {
                is_chinese = false;
                rest
            }
            [b'~', b'~', rest @ ..] if !is_chinese => {
                plain.push(b'~');
                rest
            }
            [b'~', b'\n', rest @ ..] if !is_chinese => rest,
            [high @ 0x21..=0x77, low @ 0x21..=0x7e, rest @ ..] if is_chinese => {
                plain.extend([high | 0x80, low | 0x80]);
                rest
            }
            [byte, rest @ ..] => {
                is_chinese &= *byte != b'\n';
                plain.push(*byte);
                rest
            }
            [] => return GBK.decode_without_bom_handling(&plain).0.into_owned(),
        };
    }
}

/// UTF-7 (RFC 2152): UTF-16 in Base64 between `+` and `-`, or whatever else is not Base64.
pub(super) fn utf_7(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let Some(plus) = memchr::memchr(b'+', rest) {
        text.push_str(&String::from_utf8_lossy(&rest[..plus]));
        let inner = &rest[plus + 1..];
        let length = inner.iter().take_while(|byte| sextet(**byte).is_some()).count();
        let (word, after) = inner.split_at(length);
        let is_closed = after.starts_with(b"-");
        match word {
            [] if is_closed => text.push('+'),
            [] => text.push(char::REPLACEMENT_CHARACTER),
            _ => text.push_str(&utf_16_of_base64(word)),
        }
        rest = &after[usize::from(is_closed)..];
    }
    text.push_str(&String::from_utf8_lossy(rest));
    text
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// What is left over of the last unit has to be zero.
fn utf_16_of_base64(word: &[u8]) -> String {
    let (mut units, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for value in word.iter().copied().filter_map(sextet) {
        bits = bits << 6 | value;
        held += 6;
        if held >= 16 {
            held -= 16;
            units.push((bits >> held) as u16);
            bits &= (1 << held) - 1;
        }
    }
    let mut text = String::from_utf16_lossy(&units);
    if bits != 0 || held >= 6 {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

/// ISO 2022 of Korea and China: bytes between two control characters stand for characters of the set that an escape
/// sequence names.
pub(crate) fn iso_2022(bytes: &[u8]) -> Option<String> {
    const SETS: [(&[u8], &Encoding); 2] = [(b"\x1b$)C", EUC_KR), (b"\x1b$)A", GBK)];
    if !bytes.contains(&0x0e) {
        return None;
    }
    let (name, set) = SETS.into_iter().find(|(name, _)| memmem::find(bytes, name).is_some())?;
    let mut is_shifted = false;
    let plain = bytes.iter().filter_map(|byte| match byte {
        0x0e | 0x0f => {
            is_shifted = *byte == 0x0e;
            None
        }
        0x21..=0x7e if is_shifted => Some(byte | 0x80),
        _ => Some(*byte),
    });
    let plain: Vec<u8> = plain.collect();
    let name = std::str::from_utf8(name).ok()?;
    Some(set.decode_without_bom_handling(&plain).0.replace(name, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_say_what_is_chinese() {
        assert_eq!(
            hz(b"This is ~{<:Ky2;S{#,NpJ)l6HK!#~}~~ Bye.\n"),
            "This is 己所不欲，勿施於人。~ Bye.\n"
        );
        assert_eq!(hz(b"one~\ntwo ~{<:\nplain"), "onetwo 己\nplain");
    }

    #[test]
    fn words_in_base64_are_unicode() {
        assert_eq!(utf_7(b"Hi Mom -+Jjo--!"), "Hi Mom -☺-!");
        assert_eq!(utf_7(b"A+ImIDkQ. 1 +- 1, +2D3eAA-"), "A≢Α. 1 + 1, 😀");
        for wrong in [&b"C++"[..], b"1+1=2", b"a+b", b"+AGE", b"\xff+AOQ-"] {
            let is_right = !utf_7(wrong).contains('\u{fffd}');
            assert_eq!(is_right, wrong == b"+AGE", "{wrong:?}");
        }
    }

    #[test]
    fn escape_sequences_name_a_set() {
        assert_eq!(iso_2022(b"\x1b$)C\x0eGQ1[\x0f text").unwrap(), "한글 text");
        assert_eq!(iso_2022(b"\x1b$)A\x0e<:Ky\x0f text").unwrap(), "己所 text");
        assert_eq!(iso_2022(b"\x1b$)C text"), None);
    }
}
