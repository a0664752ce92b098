//! A message in HTML as text, in which lines that it quotes have the mark that they have in plain text, so that both are
//! folded alike.
//!
//! Marks of characters that no text has are put around what is quoted, and found again in what the page says.

use memchr::{memchr, memchr2, memmem};
use vizsla_core::Limits;

/// Where a quotation begins and ends: two of the code points that are never characters.
const START: char = '\u{fdd0}';
const END: char = '\u{fdd1}';

/// What a message says.
pub(super) fn text(html: &str, limits: &Limits) -> String {
    match marked(html) {
        Some(marked) => with_marks_of_lines(&crate::html::page(&marked, limits).text),
        None => crate::html::page(html, limits).text,
    }
}

/// The source with marks around what is quoted, if anything is.
fn marked(html: &str) -> Option<String> {
    let (mut marked, mut copied) = (String::new(), 0);
    // For each open element of these kinds, whether it is a quotation.
    let (mut quotes, mut divisions) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(start) = memchr(b'<', &html.as_bytes()[at..]).map(|next| at + next) {
        let rest = &html[start..];
        at = start + 1;
        if rest.starts_with("<!--") {
            at = memmem::find(rest.as_bytes(), b"-->").map_or(html.len(), |end| start + end);
            continue;
        }
        let is_end = rest.starts_with("</");
        let name = &rest[1 + usize::from(is_end)..];
        let open = match name.as_bytes().first() {
            Some(b'b' | b'B') if is_named(name, "blockquote") => &mut quotes,
            Some(b'd' | b'D') if is_named(name, "div") => &mut divisions,
            _ => continue,
        };
        if is_end {
            if open.pop() == Some(true) {
                marked.push_str(&html[copied..start]);
                marked.push(END);
                copied = start;
            }
            continue;
        }
        // A tag with a bracket in an attribute says nothing about quotations.
        let end = memchr2(b'<', b'>', &rest.as_bytes()[1..]).map_or(rest.len(), |end| end + 1);
        let is_quotation = rest[end..].starts_with('>') && is_quotation(&rest[..end]);
        open.push(is_quotation);
        at = start + end;
        if is_quotation {
            marked.push_str(&html[copied..=at]);
            marked.push(START);
            copied = at + 1;
        }
    }
    (copied > 0).then(|| marked + &html[copied..])
}

/// Whether a tag, from its name on, is one of this element.
fn is_named(tag: &str, name: &str) -> bool {
    tag.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name))
        && tag[name.len()..].starts_with(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))
}

/// Whether an element holds another message, by what mail programs say of it: Thunderbird and Apple Mail its type, web
/// mail its class, Outlook Express a line to its left.
fn is_quotation(tag: &str) -> bool {
    let tag = tag.to_ascii_lowercase();
    if tag.starts_with("<div") {
        return tag.contains("yahoo_quoted");
    }
    let is_cited = ["type=cite", "type=\"cite", "type='cite"].iter().any(|kind| tag.contains(kind));
    is_cited || tag["<blockquote".len()..].contains("quote") || tag.contains("border-left:")
}

/// The text with `> ` before each line between marks, in place of them.
fn with_marks_of_lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut depth = 0usize;
    for piece in text.split_inclusive([START, END]) {
        let words = piece.trim_end_matches([START, END]).trim_matches('\n');
        if !words.trim().is_empty() {
            lines.push_str(if lines.is_empty() { "" } else { "\n\n" });
            for (i, line) in words.lines().enumerate() {
                lines.push_str(if i > 0 { "\n" } else { "" });
                lines.push_str(if depth > 0 && !line.is_empty() { "> " } else { "" });
                lines.push_str(line);
            }
        }
        match piece.chars().next_back() {
            Some(START) => depth += 1,
            Some(END) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(html: &str) -> String {
        text(html, &Limits::default())
    }

    #[test]
    fn what_mail_programs_quote_has_marks() {
        for quote in [
            "<blockquote type=\"cite\" cite=\"mid:1@x\">",
            "<BLOCKQUOTE TYPE=CITE>",
            "<blockquote class='gmail_quote' style='margin:0 0 0 .8ex'>",
            "<blockquote style='padding-left: 5px; BORDER-LEFT: #000 2px solid'>",
            "<div id='x_yahoo_quoted_1'><blockquote>",
        ] {
            let name = &quote[1..4];
            let end = if name == "div" { "</blockquote></div>" } else { "</blockquote>" };
            let page = format!(
                "<p>New.</p><div>Ada wrote:</div>{quote}<div>Old<br>words.</div><p>More.</p>{end}PS"
            );
            assert_eq!(
                read(&page),
                "New.\n\nAda wrote:\n\n> Old\n> words.\n\n> More.\n\nPS",
                "{quote}"
            );
        }
    }

    #[test]
    fn quotes_within_quotes_end_with_their_own() {
        let page = "a<blockquote type=cite>b<blockquote type=cite>c</blockquote>d<div>e</div></blockquote>f";
        assert_eq!(read(page), "a\n\n> b\n\n> c\n\n> d\n\n> e\n\nf");
    }

    #[test]
    fn other_parts_are_as_they_are() {
        for page in [
            "<blockquote>Indented</blockquote>",
            "<!-- <blockquote type=cite> -->a</blockquote>",
            "<div class=quoted>a</div>",
            "<blockquotes type=cite>a",
        ] {
            assert_eq!(read(page), crate::html::page(page, &Limits::default()).text);
        }
    }

    #[test]
    fn hostile_pages_take_linear_time() {
        for part in ["<blockquote \"", "<blockquote type=cite>", "</div>", "<!--", "<div ", "<"] {
            let _ = marked(&part.repeat(100_000));
        }
    }
}
