//! Repairs the headers of a message that old or careless programs wrote, so that nothing of it is lost.

use std::borrow::Cow;

use super::words;
use crate::mail::message::has_old_line_ends;
use crate::text::decode;

/// The message with its headers in UTF-8 where they are in another encoding without saying so, or in one that the parser
/// does not know, and with the empty line that ends them where it is missing.
pub(super) fn repaired(message: &[u8]) -> Cow<'_, [u8]> {
    let (headers, is_ended) = header_bytes(message);
    let rest = &message[headers.len()..];
    let readable = match readable(headers) {
        Cow::Borrowed(headers) => words::in_utf8(headers),
        Cow::Owned(headers) => Cow::Owned(words::in_utf8(&headers).into_owned()),
    };
    if is_ended && matches!(readable, Cow::Borrowed(_)) {
        return Cow::Borrowed(message);
    }
    let mut repaired = readable.into_owned();
    if !is_ended {
        repaired.push(b'\n');
    }
    repaired.extend_from_slice(rest);
    Cow::Owned(repaired)
}

/// The message with CRLF at the end of each line, if it is one whose lines end in CR alone.
pub(super) fn with_line_ends(message: &[u8]) -> Cow<'_, [u8]> {
    if !has_old_line_ends(message) {
        return Cow::Borrowed(message);
    }
    let mut repaired = Vec::with_capacity(message.len() + message.len() / 16);
    let mut lines = message.split_inclusive(|byte| *byte == b'\r').peekable();
    while let Some(line) = lines.next() {
        repaired.extend_from_slice(line);
        let is_whole = lines.peek().is_some_and(|next| next.starts_with(b"\n"));
        if line.ends_with(b"\r") && !is_whole {
            repaired.push(b'\n');
        }
    }
    Cow::Owned(repaired)
}

/// The headers, and whether an empty line follows them.
fn header_bytes(message: &[u8]) -> (&[u8], bool) {
    let mut length = 0;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        let is_continued = length > 0 && line.starts_with(b" ") || line.starts_with(b"\t");
        if line.trim_ascii().is_empty() {
            return (&message[..length], true);
        }
        if !is_continued && !is_header(line) {
            return (&message[..length], false);
        }
        length += line.len();
    }
    (message, true)
}

fn is_header(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let name = name.trim_ascii_end();
    name.len() < line.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
        // The line that precedes a message in a mailbox.
        || line.starts_with(b"From ")
        || line.starts_with(b">From ")
}

/// Lines that name their encoding are left to the parser, even if they do not keep to it.
fn readable(headers: &[u8]) -> Cow<'_, [u8]> {
    let is_readable = |line: &&[u8]| {
        std::str::from_utf8(line).is_ok() || memchr::memmem::find(line, b"=?").is_some()
    };
    let lines: Vec<&[u8]> = headers.split(|byte| *byte == b'\n').collect();
    let unreadable: Vec<&[u8]> = lines.iter().copied().filter(|line| !is_readable(line)).collect();
    if unreadable.is_empty() {
        return Cow::Borrowed(headers);
    }
    // Guessed together, as a single name is too little to tell an encoding.
    let decoded = decode::decode_text(&unreadable.join(&b'\n'));
    let mut decoded = decoded.split('\n');
    let repaired = lines.iter().map(|line| {
        let text = if is_readable(line) { None } else { decoded.next() };
        text.map_or(Cow::Borrowed(*line), |text| Cow::Owned(text.as_bytes().to_vec()))
    });
    Cow::Owned(repaired.collect::<Vec<_>>().join(&b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_empty_line_is_added() {
        assert_eq!(&*repaired(b"A: b\nno header\nmore"), b"A: b\n\nno header\nmore");
        assert_eq!(&*repaired(b"no header at all"), b"\nno header at all");
        for whole in
            [&b"A: b\r\n c\r\n\r\nbody"[..], b"A: b\n\n\xff", b"A: b", b"", b"From a\nA: b\n\nx"]
        {
            assert_eq!(&*repaired(whole), whole);
        }
    }

    #[test]
    fn lines_that_end_in_cr_alone_end_in_crlf() {
        let old = b"A: b\rC: d\r\rone\rtwo\r\nthree\r";
        assert_eq!(&*with_line_ends(old), b"A: b\r\nC: d\r\n\r\none\r\ntwo\r\nthree\r\n");
        for same in [&b"A: b\r\n\r\nx\ry"[..], b"A: b\n\nx\ry", b"A: b\r\r\nC: d", b"A: b\r", b""] {
            assert_eq!(&*with_line_ends(same), same);
        }
    }

    #[test]
    fn headers_in_another_encoding_are_decoded_unless_they_name_it() {
        let message =
            b"Subject: Gr\xfc\xdfe aus M\xfcnchen\nTo: =?iso-8859-1?Q?M\xfcller?= <a@b>\n\n\xfc";
        let expected = "Subject: Grüße aus München\nTo: =?iso-8859-1?Q?M".as_bytes();
        assert!(repaired(message).starts_with(expected));
        assert!(repaired(message).ends_with(b"M\xfcller?= <a@b>\n\n\xfc"));
    }
}
