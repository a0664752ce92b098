//! Completes a message whose multiparts are not closed, as it was cut off or a careless program left their last lines
//! out: the parser would leave a part without an end undecoded, and take all that follows for a part of it.

use std::borrow::Cow;

use mail_parser::{ContentType, Encoding, MessageParser, MimeHeaders};
use memchr::memmem;

/// Multiparts inside each other that are completed: as many as any program writes.
const DEPTH: usize = 64;

/// A multipart whose last line has not been seen.
struct Open {
    boundary: Vec<u8>,
    /// Where its content begins.
    start: usize,
    has_parts: bool,
}

impl Open {
    /// The line that ends it, without the line end.
    fn last_line(&self) -> Vec<u8> {
        [b"--", self.boundary.as_slice(), b"--"].concat()
    }
}

struct Scan<'a> {
    message: &'a [u8],
    /// The multiparts around the line that is read.
    open: Vec<Open>,
    /// The lines that are missing, and before which byte.
    missing: Vec<(usize, Vec<u8>)>,
    /// Where the headers that are read begin.
    headers: Option<usize>,
    /// Where the content that is read begins, and how it is encoded.
    content: (usize, Encoding),
    is_multipart: bool,
}

/// The message with every multipart closed, and whether its end is missing.
pub(super) fn completed(message: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut scan = Scan {
        message,
        open: Vec::new(),
        missing: Vec::new(),
        headers: Some(0),
        content: (message.len(), Encoding::None),
        is_multipart: false,
    };
    let mut start = 0;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        scan.line(start, line);
        start += line.len();
        // What follows a whole message is no part of it.
        if scan.headers.is_none() && scan.open.is_empty() {
            break;
        }
    }
    let within = scan.missing.len();
    let end = scan.end();
    scan.close(0, end);
    let is_unclosed = scan.missing.len() > within;
    let is_cut = is_unclosed || !scan.is_multipart && scan.is_cut_within_encoding();
    if scan.missing.is_empty() {
        return (Cow::Borrowed(message), is_cut);
    }
    let mut completed = Vec::with_capacity(message.len() + 128);
    let mut copied = 0;
    for (i, (at, line)) in scan.missing.iter().enumerate() {
        completed.extend_from_slice(&message[copied..*at]);
        copied = *at;
        // Behind headers, the line would be one of them.
        if i >= within && scan.headers.is_some_and(|start| start < end) {
            completed.push(b'\n');
        }
        completed.push(b'\n');
        completed.extend_from_slice(line);
        completed.push(b'\n');
    }
    if !is_unclosed {
        completed.extend_from_slice(&message[copied..]);
    }
    (Cow::Owned(completed), is_cut)
}

impl Scan<'_> {
    fn line(&mut self, start: usize, line: &[u8]) {
        let after = start + line.len();
        if let Some(begins_part) = self.delimiter(start, line) {
            self.headers = begins_part.then_some(after);
            self.content = (after, Encoding::None);
        } else if let Some(headers) = self.headers
            && line.trim_ascii().is_empty()
        {
            self.part(headers, after);
            self.headers = None;
        }
    }

    /// Whether a line begins a part or ends a multipart; nothing if it does neither.
    fn delimiter(&mut self, start: usize, line: &[u8]) -> Option<bool> {
        let rest = line.strip_prefix(b"--")?.trim_ascii_end();
        for i in (0..self.open.len()).rev() {
            let Some(rest) = rest.strip_prefix(self.open[i].boundary.as_slice()) else { continue };
            let is_end = rest.starts_with(b"--");
            if !rest.is_empty() && !is_end {
                continue;
            }
            self.close(i + 1, start);
            self.open[i].has_parts = true;
            if is_end {
                self.open.pop();
            }
            return Some(!is_end);
        }
        None
    }

    /// Begins the part that has these headers.
    fn part(&mut self, headers: usize, start: usize) {
        let parser = MessageParser::new().with_mime_headers();
        let Some(parsed) = parser.parse_headers(&self.message[headers..start]) else { return };
        self.content = (start, encoding(parsed.content_transfer_encoding()));
        let boundary = parsed.content_type().and_then(boundary);
        if let Some(boundary) = boundary.filter(|_| self.open.len() < DEPTH) {
            self.is_multipart = true;
            self.open.push(Open { boundary: boundary.into(), start, has_parts: false });
        }
    }

    /// Closes the multiparts inside `depth` others before the byte `at`. The parser finds the end of one in the middle of
    /// a line too.
    fn close(&mut self, depth: usize, at: usize) {
        for open in self.open.drain(depth..).rev() {
            let line = open.last_line();
            let content = self.message.get(open.start..at).unwrap_or_default();
            if open.has_parts && memmem::find(content, &line).is_none() {
                self.missing.push((at, line));
            }
        }
    }

    /// Where the message ends, without the beginning of a line between parts and of an encoded character that are cut
    /// off.
    fn end(&self) -> usize {
        let message = self.message;
        let line = memchr::memrchr(b'\n', message).map_or(0, |end| end + 1);
        let begins = |open: &Open| open.last_line().starts_with(&message[line..]);
        if message.len() > line + 2 && self.open.iter().any(begins) {
            line
        } else if self.content.1 == Encoding::QuotedPrintable {
            message.len() - unfinished(&message[self.content.0..])
        } else {
            message.len()
        }
    }

    /// Whether a message without parts ends within a group of characters that belong together.
    fn is_cut_within_encoding(&self) -> bool {
        let content = &self.message[self.content.0..];
        let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        match self.content.1 {
            Encoding::None => false,
            Encoding::QuotedPrintable => unfinished(content) > 0,
            Encoding::Base64 => {
                content.iter().all(|byte| is_digit(byte) || byte.is_ascii_whitespace())
                    && content.iter().filter(|byte| is_digit(byte)).count() % 4 != 0
            }
        }
    }
}

fn boundary(media: &ContentType<'_>) -> Option<String> {
    let is_multipart = media.ctype().eq_ignore_ascii_case("multipart");
    let boundary = media.attribute("boundary").filter(|boundary| !boundary.is_empty());
    boundary.filter(|_| is_multipart).map(str::to_owned)
}

fn encoding(name: Option<&str>) -> Encoding {
    match name.unwrap_or_default().to_ascii_lowercase().as_str() {
        "base64" => Encoding::Base64,
        "quoted-printable" => Encoding::QuotedPrintable,
        _ => Encoding::None,
    }
}

/// The length of the encoded character that the end of a text cuts: `=` or `=C` of `=C3`.
fn unfinished(text: &[u8]) -> usize {
    match text {
        [.., b'='] => 1,
        [.., b'=', digit] if digit.is_ascii_hexdigit() => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "From: a@b\nContent-Type: multipart/mixed; boundary=\"T\"\n\n";

    fn complete(message: &str) -> (String, bool) {
        let (completed, is_cut) = completed(message.as_bytes());
        (String::from_utf8(completed.into_owned()).unwrap(), is_cut)
    }

    #[test]
    fn what_is_whole_stays_as_it_is() {
        for body in [
            "--T\n\na\n--T--\n",
            "--T\n\na\n--T-- \n\n--T\nepilogue",
            "--T\n\na--T--",
            "--T\nContent-Type: multipart/mixed;\n boundary=T2\n\n--T2\n\na\n--T2--\n--T--\n",
            "no part",
            "",
        ] {
            let message = format!("{HEAD}{body}");
            assert_eq!(complete(&message), (message, false));
        }
    }

    #[test]
    fn missing_ends_are_added() {
        let inner = "--T\nContent-Type: multipart/mixed; boundary=I\n\n--I\n\na";
        for (body, expected, is_cut) in [
            ("--T\n\na", "--T\n\na\n--T--\n", true),
            ("--T\n\na\n--T-", "--T\n\na\n\n--T--\n", true),
            ("--T\n\na\n--T", "--T\n\na\n\n--T--\n", true),
            ("--T\nContent-Ty", "--T\nContent-Ty\n\n--T--\n", true),
            (inner, &format!("{inner}\n--I--\n\n--T--\n"), true),
            (&format!("{inner}\n--T--\n"), &format!("{inner}\n\n--I--\n--T--\n"), false),
            (&format!("{inner}\n--T\n\nb"), &format!("{inner}\n\n--I--\n--T\n\nb\n--T--\n"), true),
        ] {
            let found = complete(&format!("{HEAD}{body}"));
            assert_eq!(found, (format!("{HEAD}{expected}"), is_cut), "{body}");
        }
    }

    #[test]
    fn a_single_part_is_cut_within_its_encoding() {
        for (encoding, body, is_cut) in [
            ("base64", "YWJj\nZA==\n", false),
            ("base64", "YWJj\nZGV", true),
            ("base64", "not base64!", false),
            ("quoted-printable", "a=C3=B6", false),
            ("quoted-printable", "a=C3=B", true),
            ("8bit", "a=", false),
        ] {
            let message = format!("From: a\nContent-Transfer-Encoding: {encoding}\n\n{body}");
            assert_eq!(complete(&message), (message, is_cut), "{body}");
        }
    }
}
