//! The encoding that a file says it has: in HTML, XML, CSS, programs, and TeX.

use encoding_rs::Encoding;

/// Declarations are at the top.
const HEAD_BYTES: usize = 4096;

/// The declared encoding, if it is known.
pub(crate) fn encoding(bytes: &[u8]) -> Option<&'static Encoding> {
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
fn label(text: &str) -> Option<&'static Encoding> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || "=:\"'".contains(c));
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
    let name = &text[..end.unwrap_or(text.len())];
    // As Emacs writes it.
    let name =
        ["-unix", "-dos", "-mac"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let name = name.replace("latin-", "latin");
    Encoding::for_label(name.as_bytes()).filter(|encoding| *encoding != encoding_rs::REPLACEMENT)
}

/// `\\usepackage[latin1]{inputenc}`.
fn tex(head: &str) -> Option<&'static Encoding> {
    let (before, _) = head.split_once("]{inputenc}")?;
    let (_, name) = before.rsplit_once('[')?;
    let name = match name.trim() {
        "ansinew" | "cp1252" => "windows-1252",
        "applemac" => "macintosh",
        "latin9" => "iso-8859-15",
        name => name,
    };
    Encoding::for_label(name.as_bytes())
}
