//! The encoding that a file says it has: in HTML, XML, CSS, programs, and TeX.

use crate::text::charset::Charset;

/// Declarations are at the top.
const HEAD_BYTES: usize = 4096;

/// The declared encoding, if it is known.
pub(crate) fn charset(bytes: &[u8]) -> Option<Charset> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]);
    let head = head.to_ascii_lowercase();
    // `charset=` in HTML and in headers as of mail, `encoding=` in XML, `@charset "..."` in CSS.
    let after = |key: &str| head.split(key).skip(1).find_map(label);
    // PEP 263 and Emacs have it on one of the first two lines.
    let coding =
        || head.lines().take(2).find_map(|line| line.split("coding").skip(1).find_map(label));
    after("charset").or_else(coding).or_else(|| tex(&head))
}

/// The encoding whose name follows, after `=`, `:`, white space and quotes.
fn label(text: &str) -> Option<Charset> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || "=:\"'".contains(c));
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
    let name = &text[..end.unwrap_or(text.len())];
    // As Emacs writes it.
    let name =
        ["-unix", "-dos", "-mac"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    // A number alone is more likely to be anything else.
    Charset::named(name).filter(|_| name.contains(|c: char| c.is_ascii_alphabetic()))
}

/// `\\usepackage[latin1]{inputenc}`.
fn tex(head: &str) -> Option<Charset> {
    let (before, _) = head.split_once("]{inputenc}")?;
    let (_, name) = before.rsplit_once('[')?;
    Charset::named(name)
}
