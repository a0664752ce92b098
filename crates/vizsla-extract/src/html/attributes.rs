//! Bounds the attributes of HTML tags: the tokenizer compares each with all others of its tag, which takes hours for a
//! tag with a million. Nothing here reads attributes, so surplus ones are blanked before the tokenizer sees them.

use std::borrow::Cow;

/// More than any real page has.
const MOST: usize = 256;

/// The page without the attributes of any tag beyond the first few hundred. Lines stay where they are.
pub(crate) fn bounded(page: &str) -> Cow<'_, str> {
    let bytes = page.as_bytes();
    let mut surplus = Vec::new();
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'<', &bytes[at..]) {
        at += offset;
        if bytes.get(at + 1).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'/') {
            let tag = Tag::scan(bytes, at);
            surplus.extend(tag.surplus);
            at = tag.end;
        } else {
            at += 1;
        }
    }
    if surplus.is_empty() {
        return Cow::Borrowed(page);
    }
    let mut kept = String::with_capacity(page.len());
    let mut from = 0;
    for (start, end) in surplus {
        kept.push_str(&page[from..start]);
        kept.extend(page[start..end].chars().filter(|c| *c == '\n'));
        from = end;
    }
    kept.push_str(&page[from..]);
    Cow::Owned(kept)
}

struct Tag {
    /// Just past the tag.
    end: usize,
    /// The surplus attributes.
    surplus: Option<(usize, usize)>,
}

impl Tag {
    /// Scans the tag that begins at `start`. A quoted value may hold anything but its quote.
    fn scan(bytes: &[u8], start: usize) -> Self {
        let (mut at, mut names) = (start + 1, 0);
        let (mut in_name, mut takes_value) = (true, false);
        let (mut surplus, mut last_open) = (None, None);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'>' => break,
                b'=' if takes_value => {
                    at = value_end(bytes, at + 1);
                    (in_name, takes_value) = (false, false);
                    continue;
                }
                b'<' => last_open = Some(at),
                _ => {}
            }
            let separates = byte.is_ascii_whitespace() || *byte == b'/';
            if !separates && !in_name {
                (names, takes_value) = (names + 1, true);
                if names == MOST {
                    surplus = Some(at);
                }
            }
            in_name = !separates;
            at += 1;
        }
        let surplus = surplus.map(|from| {
            // What looks like a tag may be text in a script or a comment, whose end markers must stay.
            let dashes =
                bytes[from..at].iter().rev().take_while(|byte| matches!(byte, b'-' | b'!'));
            (from, last_open.filter(|open| *open > from).unwrap_or(at - dashes.count()))
        });
        Self { end: at, surplus }
    }
}

/// Where a value ends, possibly after leading white space and a quote.
fn value_end(bytes: &[u8], start: usize) -> usize {
    let spaces = bytes[start..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let at = start + spaces;
    if let Some(quote @ (b'"' | b'\'')) = bytes.get(at) {
        return memchr::memchr(*quote, &bytes[at + 1..]).map_or(bytes.len(), |end| at + 2 + end);
    }
    let value = bytes[at..].iter();
    at + value.take_while(|byte| !byte.is_ascii_whitespace() && **byte != b'>').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_pages_stay_as_they_are() {
        let page = "<!-- <a b --><a href='>' x = \"y>\" z>text</a> 1 < 2 <br/><script>if (i<n) a='<';</script>";
        assert!(matches!(bounded(page), Cow::Borrowed(_)));
    }

    #[test]
    fn surplus_attributes_go_and_their_lines_stay() {
        let many: String = (0..1_000).map(|i| format!("a{i}='>'\n")).collect();
        let page = format!("<p {many}>text");
        let kept = bounded(&page);
        assert_eq!(kept.matches('=').count(), MOST - 1);
        assert_eq!(kept.matches('\n').count(), 1_000);
        assert!(kept.ends_with(">text"));
    }

    #[test]
    fn what_only_looks_like_a_tag_does_not_hide_the_end_of_what_holds_it() {
        let page = format!("<script>i<n {}</script><p>text", "w ".repeat(1_000));
        assert!(bounded(&page).ends_with("</script><p>text"));
        let page = format!("<!-- <b {}--><p>text", "w ".repeat(1_000));
        assert!(bounded(&page).ends_with("--><p>text"));
    }
}
