//! Hides messages inside a message from the parser, which would follow them to any depth in memory and on the stack.
//! They are files inside the message, and read as such, one level at a time and within the limits.
//!
//! The names of two media types are replaced by others as long, so that every offset stays as it is.

use std::borrow::Cow;

use memchr::memchr_iter;

/// What is hidden, and what stands in its place.
const TYPES: &[(&[u8], &[u8])] = &[
    (b"message/rfc822", MESSAGE.as_bytes()),
    (b"message/global", MESSAGE.as_bytes()),
    (b"multipart/digest", DIGEST.as_bytes()),
];
/// The type of a hidden message.
const MESSAGE: &str = "message/hidden";
/// The type of a part whose parts are messages unless they say otherwise.
const DIGEST: &str = "multipart/hidden";
/// The second half of it.
pub(super) const DIGEST_SUBTYPE: &str = "hidden";

/// The message with the types hidden where they follow the name of the header.
pub(super) fn hide(message: &[u8]) -> Cow<'_, [u8]> {
    let mut hidden = Cow::Borrowed(message);
    for slash in memchr_iter(b'/', message) {
        for (name, replacement) in TYPES {
            let before = name.iter().position(|byte| *byte == b'/').unwrap_or_default();
            let Some(start) = slash.checked_sub(before) else { continue };
            let range = start..start + name.len();
            let is_type =
                message.get(range.clone()).is_some_and(|found| found.eq_ignore_ascii_case(name));
            if is_type && follows_header(&message[..start]) {
                hidden.to_mut()[range].copy_from_slice(replacement);
            }
        }
    }
    hidden
}

/// A text in which the types are shown again: it may be about messages.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    if text.contains(MESSAGE) || text.contains(DIGEST) {
        Cow::Owned(text.replace(MESSAGE, "message/rfc822").replace(DIGEST, "multipart/digest"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether the text ends in `Content-Type:` and white space.
fn follows_header(text: &[u8]) -> bool {
    const NAME: &[u8] = b"content-type:";
    // More white space than this is not written, and would be searched again and again.
    let tail = &text[text.len().saturating_sub(NAME.len() + 80)..];
    let tail = tail.trim_ascii_end();
    tail.len() >= NAME.len() && tail[tail.len() - NAME.len()..].eq_ignore_ascii_case(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_hidden_where_they_are_types() {
        let message = b"Content-Type: Message/RFC822\nContent-Type:\n\tmultipart/digest; b=x\n\nA message/rfc822 part.";
        let hidden = hide(message);
        assert_eq!(hidden.len(), message.len());
        let text = std::str::from_utf8(&hidden).unwrap();
        assert!(
            text.starts_with("Content-Type: message/hidden\nContent-Type:\n\tmultipart/hidden;")
        );
        assert!(text.ends_with("A message/rfc822 part."));
        assert_eq!(shown("Content-Type: message/hidden"), "Content-Type: message/rfc822");
    }
}
