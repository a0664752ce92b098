//! Messages as they are sent (RFC 5322, MIME): `.eml`, Apple Mail's `.emlx`, and web pages saved as one file (MHTML).

use crate::definition::{Definition, Read, Recognise};

/// Messages, recognised by their headers.
pub(crate) static FORMAT: Definition = Definition {
    name: "message",
    title: "e-mail",
    version: 7,
    extensions: &[],
    recognise: Recognise::Bytes(is_message),
    is_foreign: true,
    read: READ,
};

/// Messages by name: some have fewer headers than it takes to be sure.
pub(crate) static NAMED: Definition = Definition {
    name: "named_message",
    title: "e-mail",
    version: 7,
    extensions: &["eml", "emlx"],
    recognise: Recognise::No,
    is_foreign: true,
    read: READ,
};

/// Web pages.
pub(crate) static WEB_ARCHIVE: Definition = Definition {
    name: "mhtml",
    title: "MHTML",
    version: 7,
    extensions: &["mht", "mhtml"],
    recognise: Recognise::Bytes(is_web_archive),
    is_foreign: true,
    read: WEB_READ,
};

#[cfg(feature = "mail")]
const READ: Read = Read::Whole(|bytes, output| {
    super::body::read(without_length(bytes), None, output);
    Ok(())
});
#[cfg(feature = "mail")]
const WEB_READ: Read = Read::Whole(super::body::read_web_archive);
#[cfg(not(feature = "mail"))]
const READ: Read = super::MISSING;
#[cfg(not(feature = "mail"))]
const WEB_READ: Read = super::MISSING;

/// Bytes in which the headers are looked for: those of mailing lists can be long.
const HEAD_BYTES: usize = 64 << 10;

/// The name and the value (its first line) of each header at the beginning of a file; nothing if anything else comes
/// before the empty line that ends them.
pub(super) fn header_lines(bytes: &[u8]) -> Vec<(String, &[u8])> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let mut found: Vec<(String, &[u8])> = Vec::new();
    let line_end = if has_old_line_ends(head) { b'\r' } else { b'\n' };
    for line in head.split(|byte| *byte == line_end) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if found.is_empty() {
                return Vec::new();
            }
            continue;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            // The last line may be cut off.
            if line.as_ptr_range().end == head.as_ptr_range().end && head.len() == HEAD_BYTES {
                break;
            }
            return Vec::new();
        };
        let (name, value) = line.split_at(colon);
        let is_name = |byte: &u8| byte.is_ascii_graphic();
        if name.is_empty() || name.len() > 76 || !name.iter().all(is_name) {
            return Vec::new();
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        found.push((name, value[1..].trim_ascii()));
    }
    found
}

/// Whether the headers end their lines in CR alone, as programs of old Macs wrote them.
pub(super) fn has_old_line_ends(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let head = &head[..memchr::memmem::find(head, b"\r\r").unwrap_or(head.len())];
    // The last one may be half of a line end.
    let head = head.strip_suffix(b"\r").unwrap_or(head);
    head.contains(&b'\r') && !head.contains(&b'\n')
}

/// Headers that programs write and people do not.
const WRITTEN_BY_PROGRAMS: &[&str] = &[
    "received",
    "message-id",
    "mime-version",
    "return-path",
    "delivered-to",
    "x-mailer",
    "x-original-to",
    "dkim-signature",
    "list-id",
    "content-transfer-encoding",
    "user-agent",
    "x-mozilla-status",
    "x-gmail-labels",
    "newsgroups",
    "x-received",
    "in-reply-to",
    "references",
];
/// Headers that tell what the message is.
const OF_MESSAGES: &[&str] =
    &["from", "to", "cc", "subject", "date", "sender", "reply-to", "received", "return-path"];

/// Whether a file begins with the headers of a message. A letter that begins with `From:` and `To:`, the front matter
/// of a page and the headers of a web server do not count.
pub(super) fn is_message(bytes: &[u8]) -> bool {
    let bytes = without_length(bytes);
    // Cheap, as this runs on every file.
    if !bytes.iter().take(80).any(|byte| *byte == b':') {
        return false;
    }
    let headers = header_lines(bytes);
    let has =
        |names: &[&str]| headers.iter().filter(|(name, _)| names.contains(&name.as_str())).count();
    has(WRITTEN_BY_PROGRAMS) > 0
        && has(OF_MESSAGES) > 1
        && has(&["from", "received", "return-path", "subject"]) > 0
}

/// A page as browsers and Word save it: parts that belong together, of which no mail program says anything.
fn is_web_archive(bytes: &[u8]) -> bool {
    let headers = header_lines(bytes);
    let value = |wanted: &str| {
        let header = headers.iter().find(|(name, _)| name == wanted);
        header.map(|(_, value)| String::from_utf8_lossy(value).to_ascii_lowercase())
    };
    let is_related =
        value("content-type").is_some_and(|value| value.starts_with("multipart/related"));
    let says_so = |from: String| from.trim_start_matches([' ', '<', '"']).starts_with("saved by ");
    let is_saved = value("from").is_none_or(says_so)
        || value("snapshot-content-location").is_some()
        || value("x-mimeole").is_some_and(|program| program.contains("mhtml"));
    value("mime-version").is_some()
        && (is_related || value("snapshot-content-location").is_some())
        && is_saved
        && value("received").is_none()
}

/// Apple Mail writes the length of the message on a line before it, and a property list behind it.
fn without_length(bytes: &[u8]) -> &[u8] {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let length = bytes.get(..digits).filter(|_| (1..=10).contains(&digits));
    let length = length.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
    let Some(length) = length else { return bytes };
    let rest = &bytes[digits..];
    let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    match rest[blank..].strip_prefix(b"\n") {
        Some(message) => &message[..message.len().min(length)],
        None => bytes,
    }
}
