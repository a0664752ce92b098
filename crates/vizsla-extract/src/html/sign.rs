//! Whether a text that nothing else indicates to be HTML is: a page, or a piece of one.

use crate::sample::Sample;

/// What begins a page, after comments and the declaration of XML.
const OF_PAGES: &[&str] = &["!doctype html", "html", "head", "body"];
/// Elements that begin a piece of a page.
#[rustfmt::skip]
const OF_PIECES: &[&str] = &[
    "address", "article", "aside", "blockquote", "center", "dd", "details", "div", "dl", "dt", "figure", "font", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "link", "main", "meta", "nav", "ol", "p", "pre",
    "script", "section", "span", "style", "table", "tbody", "td", "th", "title", "tr", "ul",
];
/// Ends of elements that a piece of a page has at least.
const LEAST_ENDS: usize = 3;

pub(super) fn is_page(sample: &Sample<'_>) -> bool {
    let Some(tag) = first_tag(sample.head()) else { return false };
    has_name(tag, OF_PAGES) || has_name(tag, OF_PIECES) && is_piece(&sample.whole())
}

/// What follows the bracket of the first tag.
fn first_tag(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start().strip_prefix('<')?;
        let end = if rest.starts_with("!--") {
            "-->"
        } else if rest.starts_with("?xml") {
            "?>"
        } else {
            return Some(rest);
        };
        rest = rest.split_once(end)?.1;
    }
}

fn has_name(tag: &str, names: &[&str]) -> bool {
    let is_it = |name: &&str| {
        let found = tag.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        found && !tag[name.len()..].starts_with(|c: char| c.is_alphanumeric() || "-_:".contains(c))
    };
    names.iter().any(is_it)
}

/// Whether a text is marked up to its end by HTML alone: the Markdown of a README may begin with HTML.
fn is_piece(text: &str) -> bool {
    let has_markdown = text.lines().any(|line| {
        line.starts_with("# ")
            || line.starts_with("## ")
            || line.starts_with("```")
            || line.contains("](")
    });
    let ends = text.matches("</").take(LEAST_ENDS).count();
    text.trim_end().ends_with('>') && ends == LEAST_ENDS && !has_markdown
}
