//! Encoded words of headers (RFC 2047) in encodings that the parser does not know, such as those of DOS, become words in
//! UTF-8.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT};
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use memchr::memmem;

use crate::text::charset::Charset;

/// Characters of an encoded word in UTF-8: it is not to get too long for the parser.
const WORD_CHARACTERS: usize = 400;

/// Bytes of an encoded word, which has 75 by the standard: a line of many is not searched to its end for each.
const LONGEST_WORD: usize = 16 << 10;

/// The encoding of this name if the parser, which knows those of the web, does not know it.
pub(super) fn other_charset(name: &str) -> Option<Charset> {
    let of_web = Encoding::for_label(name.trim().as_bytes());
    if of_web.is_some_and(|known| known != REPLACEMENT) { None } else { Charset::named(name) }
}

/// The headers with those words in UTF-8.
pub(super) fn in_utf8(headers: &[u8]) -> Cow<'_, [u8]> {
    let mut changed = Vec::new();
    let mut copied = 0;
    for start in memmem::find_iter(headers, b"=?") {
        if start < copied {
            continue;
        }
        if let Some((text, length)) = word(&headers[start..]) {
            changed.extend_from_slice(&headers[copied..start]);
            changed.extend(encoded(&text));
            copied = start + length;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(headers);
    }
    changed.extend_from_slice(&headers[copied..]);
    Cow::Owned(changed)
}

/// The text and the length of the encoded word that begins here, if it is in another encoding: `=?IBM850?Q?M=81ller?=`.
fn word(bytes: &[u8]) -> Option<(String, usize)> {
    let bytes = &bytes[..bytes.len().min(LONGEST_WORD)];
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let mut parts = bytes[2..end].splitn(3, |byte| *byte == b'?');
    let (charset, method, rest) = (parts.next()?, parts.next()?, parts.next()?);
    // RFC 2231 lets the language follow the name.
    let charset = charset.split(|byte| *byte == b'*').next()?;
    let charset = other_charset(std::str::from_utf8(charset).ok()?)?;
    let data = &rest[..memmem::find(rest, b"?=")?];
    let decoded = match method {
        b"Q" | b"q" => {
            let byte = |byte: &u8| match byte {
                // A space at the end of a line would be none.
                b'_' | b' ' => b"=20".to_vec(),
                other => vec![*other],
            };
            quoted_printable_decode(&data.iter().flat_map(byte).collect::<Vec<_>>())?
        }
        b"B" | b"b" => base64_decode(data)?,
        _ => return None,
    };
    let head = 2 + (bytes[2..end].len() - rest.len());
    Some((charset.decode_exactly(&decoded)?, head + data.len() + 2))
}

/// Words in a row are read without the space between them.
fn encoded(text: &str) -> Vec<u8> {
    let mut words = Vec::new();
    for (i, c) in text.chars().enumerate() {
        words.extend_from_slice(match i % WORD_CHARACTERS {
            0 if i > 0 => b"?= =?utf-8?Q?",
            0 => b"=?utf-8?Q?",
            _ => b"",
        });
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            words.extend(format!("={byte:02X}").bytes());
        }
    }
    if !words.is_empty() {
        words.extend_from_slice(b"?=");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_other_encodings_are_in_utf8() {
        let headers = b"Subject: =?IBM850?Q?M=81ller_?= a\n =?hz-gb-2312?B?fns8Okt5fn0=?=\nTo: =?iso-8859-1?Q?=FC?=";
        let expected = b"Subject: =?utf-8?Q?=4D=C3=BC=6C=6C=65=72=20?= a\n =?utf-8?Q?=E5=B7=B1=E6=89=80?=\nTo: =?iso-8859-1?Q?=FC?=";
        assert_eq!(&*in_utf8(headers), expected);
        for same in [
            &b"=?"[..],
            b"=?x-none?Q?a?=",
            b"=?IBM850?Q?open",
            b"=?IBM850?X?a?=",
            b"=?IBM850?Q\n?a?=",
        ] {
            assert_eq!(&*in_utf8(same), same);
        }
    }

    #[test]
    fn a_long_word_becomes_several_and_stays_one() {
        let words = "=FC".repeat(1000);
        let mail = format!("Subject: =?IBM850?Q?a{words}?=\n\nText");
        let found = crate::collect(crate::Input::bytes("a.eml", mail.as_bytes())).unwrap();
        assert_eq!(found.documents[0].title, format!("a{}", "³".repeat(1000)));
    }
}
