//! The chapters of a page of a book that holds several. In: its source, and the anchors at which they begin. Out: the text of
//! each, with its headings.
//!
//! Marks of characters that no text has are put before the elements with the anchors, and found again in what the page says.

use std::collections::HashMap;

use quick_xml::events::attributes::Attributes;
use vizsla_core::Limits;

use crate::html::Page;
use crate::text::headings::Heading;

/// Before and behind the number of an anchor: two of the code points that are never characters.
const MARK: char = '\u{fdd0}';
const MARK_END: char = '\u{fdd1}';

/// Bytes of text above the first chapter of a page that belong to it.
const MOST_ABOVE: usize = 200;

/// Elements without content.
const VOID: &[&str] = &["img", "image", "br", "hr", "wbr", "input", "col"];

/// A chapter, or what comes before the first one.
pub(super) struct Piece {
    /// Which of the anchors it begins at.
    pub(super) anchor: Option<usize>,
    pub(super) text: String,
    pub(super) headings: Vec<Heading>,
}

/// The pieces of a page that have text, and its title. Another chapter may have gone before it.
pub(super) fn read(
    source: &str,
    anchors: &[&str],
    has_before: bool,
    limits: &Limits,
) -> (Vec<Piece>, String) {
    let mut page = if anchors.is_empty() {
        crate::html::chapter(source, limits)
    } else {
        crate::html::chapter(&marked(source, anchors), limits)
    };
    let title = std::mem::take(&mut page.title);
    (joined(cut(page), has_before), title)
}

/// The source with a mark before each element that has an anchor, or before those around it that begin with it.
fn marked(source: &str, anchors: &[&str]) -> String {
    let mut wanted: HashMap<&str, usize> = HashMap::new();
    for (number, anchor) in anchors.iter().enumerate() {
        wanted.entry(anchor).or_insert(number);
    }
    let (mut marked, mut copied) = (String::with_capacity(source.len()), 0);
    // Where the elements begin that have just been opened, and where the last of their tags ends.
    let mut opened: Option<(usize, usize)> = None;
    let mut at = source.find("<body").unwrap_or(0);
    while let Some(start) = memchr::memchr(b'<', &source.as_bytes()[at..]).map(|next| at + next) {
        let Some(end) = tag_end(source, start) else { break };
        at = end;
        let tag = source.get(start + 1..end - 1).unwrap_or_default();
        if !tag.starts_with(|c: char| c.is_ascii_alphabetic()) {
            opened = None;
            continue;
        }
        let first = match opened {
            Some((first, last)) if source[last..start].trim().is_empty() => first,
            _ => start,
        };
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        let is_void = tag.ends_with('/') || VOID.contains(&name);
        opened = Some((first, end)).filter(|_| !is_void);
        if let Some(number) = anchor(tag, name).and_then(|id| wanted.remove(&*id)) {
            // Text between the rows or cells of a table would be moved above it.
            let place = if source[first..].starts_with("<tr") {
                cell(source, tag_end(source, first).unwrap_or(first))
            } else if first == start && matches!(name, "td" | "th") {
                end
            } else {
                first
            };
            let place = place.max(copied);
            marked.push_str(&source[copied..place]);
            marked.push_str(&format!("{MARK}{number}{MARK_END}"));
            copied = place;
            at = at.max(place);
        }
    }
    marked + &source[copied..]
}

/// Where the content of the first cell of a row begins, whose tag ends at `row`.
fn cell(source: &str, row: usize) -> usize {
    let start = row + source[row..].len() - source[row..].trim_start().len();
    let is_cell = ["<td", "<th"].iter().any(|cell| source[start..].starts_with(cell));
    tag_end(source, start).filter(|_| is_cell).unwrap_or(row)
}

/// Where a tag or comment that begins at `start` ends.
fn tag_end(source: &str, start: usize) -> Option<usize> {
    let rest = &source[start..];
    if rest.starts_with("<!--") {
        return Some(start + rest.find("-->")? + 3);
    }
    if !rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        return Some(start + 1);
    }
    let bytes = source.as_bytes();
    let mut at = start;
    loop {
        at += memchr::memchr3(b'>', b'"', b'\'', &bytes[at..])?;
        let quote = bytes[at];
        at += 1;
        if quote == b'>' {
            return Some(at);
        }
        at += memchr::memchr(quote, &bytes[at..])? + 1;
    }
}

/// The anchor of an element; links had names before elements had ids.
fn anchor(tag: &str, name: &str) -> Option<String> {
    let mut attributes = Attributes::html(tag, name.len());
    let is_anchor = |key: &str| matches!(key, "id" | "xml:id") || (key == "name" && name == "a");
    let found = attributes.with_checks(false).flatten().find(|one| is_anchor(one.key.0))?;
    Some(found.value.into_owned())
}

/// Joins what stands above the first chapter to it, if it is no more than a picture, an ornament or a motto. A sentence may
/// be the last of the chapter before.
fn joined(mut pieces: Vec<Piece>, has_before: bool) -> Vec<Piece> {
    if let [above, first, ..] = pieces.as_mut_slice()
        && above.anchor.is_none()
        && above.text.len() <= MOST_ABOVE
        && !(has_before && goes_on(above))
    {
        above.text.push_str("\n\n");
        for heading in &mut first.headings {
            heading.start += above.text.len();
        }
        first.headings.splice(0..0, above.headings.drain(..));
        first.text.insert_str(0, &above.text);
        pieces.remove(0);
    }
    pieces
}

fn goes_on(piece: &Piece) -> bool {
    let begins_anew = piece.headings.first().is_some_and(|heading| heading.start == 0);
    let is_closing =
        |c: char| matches!(c, '"' | '\'' | '”' | '’' | '“' | '»' | '«' | '」' | '』' | ')');
    let last = piece.text.trim_end_matches(is_closing).chars().next_back();
    !begins_anew && last.is_some_and(|c| matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？'))
}

/// Cuts the text at the lines with marks, and takes the marks out.
fn cut(page: Page) -> Vec<Piece> {
    let mut text = String::with_capacity(page.text.len());
    let mut starts = vec![(0, None)];
    // Where each mark ends, and how many bytes of marks there are up to it.
    let mut marks = Vec::new();
    let (mut rest, mut line) = (page.text.as_str(), 0);
    while let Some((before, after)) = rest.split_once(MARK) {
        line = before.rfind('\n').map_or(line, |at| text.len() + at + 1);
        text.push_str(before);
        let (number, after) = after.split_once(MARK_END).unwrap_or(("", after));
        starts.push((line, number.parse().ok()));
        let end = page.text.len() - after.len();
        marks.push((end, end - text.len()));
        rest = after;
    }
    text.push_str(rest);
    let mut headings =
        page.headings.into_iter().map(|heading| without_marks(heading, &marks)).peekable();
    let ends: Vec<usize> =
        starts.iter().skip(1).map(|(start, _)| *start).chain([text.len()]).collect();
    let mut pieces = Vec::new();
    for ((start, anchor), end) in starts.into_iter().zip(ends) {
        let piece = text.get(start..end).unwrap_or_default();
        let start = start + piece.len() - piece.trim_start().len();
        let mut of_piece = Vec::new();
        while let Some(mut heading) = headings.next_if(|heading| heading.start < end) {
            heading.start = heading.start.saturating_sub(start);
            of_piece.push(heading);
        }
        if !piece.trim().is_empty() {
            pieces.push(Piece { anchor, text: piece.trim().to_owned(), headings: of_piece });
        }
    }
    pieces
}

fn without_marks(mut heading: Heading, marks: &[(usize, usize)]) -> Heading {
    let before = marks.partition_point(|(end, _)| *end <= heading.start);
    let removed = before.checked_sub(1).and_then(|last| marks.get(last));
    heading.start -= removed.map_or(0, |(_, bytes)| *bytes);
    while let Some(at) = heading.text.find(MARK) {
        let end = heading.text[at..]
            .find(MARK_END)
            .map_or(heading.text.len(), |end| at + end + MARK_END.len_utf8());
        heading.text.replace_range(at..end, "");
    }
    heading
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(source: &str, anchors: &[&str]) -> Vec<(Option<usize>, String, String)> {
        let shown = |piece: Piece| {
            let headings = piece.headings.iter().map(|heading| {
                assert!(piece.text[heading.start..].starts_with(&heading.text), "{heading:?}");
                heading.text.clone()
            });
            (piece.anchor, piece.text.clone(), headings.collect::<Vec<_>>().join("/"))
        };
        read(source, anchors, true, &Limits::default()).0.into_iter().map(shown).collect()
    }

    #[test]
    fn chapters_begin_with_the_element_that_begins_with_their_anchor() {
        let before = ["before"; 40].join(" ");
        let source = "<html><head><title id='a'>t</title></head><body><p>{before}</p>\n<!-- <p id='a'> -->\n\
            <div class='chapter'>\n <h2><a id='a'/><img alt='Pictured'/></h2><p>one</p></div>\
            <h2>CHAPTER II. <a name=\"b\"></a>Two</h2><p>three &lt; <b>four</b></p><p id=c>five</p></body></html>";
        let source = source.replace("{before}", &before);
        let piece =
            |anchor, text: &str, headings: &str| (anchor, text.to_owned(), headings.to_owned());
        assert_eq!(
            pieces(&source, &["a", "b", "c", "none"]),
            [
                piece(None, &before, ""),
                piece(Some(0), "Pictured\n\none", "Pictured"),
                piece(Some(1), "CHAPTER II. Two\n\nthree < four", "CHAPTER II. Two"),
                piece(Some(2), "five", ""),
            ]
        );
        assert_eq!(pieces(&source, &[]).len(), 1);
        let above = "<body><h6>No. 7</h6><h2 id='x'>T</h2><p>t</p></body>";
        assert_eq!(pieces(above, &["x"]), [piece(Some(0), "No. 7\n\nT\n\nt", "No. 7/T")]);
        let table = "<body><h1 id='x'>T</h1><table><tr id='y'><td>1</td></tr></table></body>";
        assert_eq!(pieces(table, &["x", "y"]).len(), 2);
        let rows = "<body><table><tr id='x'><td>1</td></tr>\n<tr id='y'>\n<td>2</td></tr><tr><td id='z'>z</td></tr></table><p>3</p></body>";
        assert_eq!(
            pieces(rows, &["x", "y", "z"]),
            [piece(Some(0), "1", ""), piece(Some(1), "2", ""), piece(Some(2), "z\n\n3", "")]
        );
    }

    #[test]
    fn anchors_of_cells_and_of_what_begins_them_are_one_place() {
        for rows in [
            "<tr><td>1</td><td id='x'><p id='y'>2</p></td></tr>",
            "<tr id='x'><td id='y'><p id='z'>2</p></td></tr>",
            "<tr><td>1</td></tr><tr id='x'><p id='y'>2</p><td id='z'></tr>",
            "<tr><td><a id='x'></a><b id='y'>2</b></td></tr>",
        ] {
            let source = format!("<body><table>{rows}</table></body>");
            let found = pieces(&source, &["x", "y", "z"]);
            assert!(
                found.iter().any(|(anchor, text, _)| anchor.is_some() && text.contains('2')),
                "{rows}"
            );
        }
    }

    #[test]
    fn a_sentence_above_the_first_chapter_goes_on_from_the_page_before() {
        let source = "<body><p>And so it ended.</p><h2 id='x'>T</h2><p>t</p></body>";
        let shown: Vec<_> = pieces(source, &["x"]).into_iter().map(|(_, text, _)| text).collect();
        assert_eq!(shown, ["And so it ended.", "T\n\nt"]);
        assert_eq!(read(source, &["x"], false, &Limits::default()).0.len(), 1);
        let picture = source.replace("And so it ended.", "<img alt='Ornament'/>");
        assert_eq!(pieces(&picture, &["x"]).len(), 1);
    }

    #[test]
    fn what_is_broken_ends() {
        for source in
            ["<body><p id='a", "<", "<body><p id='a'><p id=\"b", "\u{fdd0}<p id='a'>x\u{fdd1}"]
        {
            assert!(pieces(source, &["a", "b"]).len() <= 2);
        }
        let hostile = format!("<body>{}", "x<a id='a'></a>".repeat(50_000));
        let anchors: Vec<&str> = std::iter::repeat_n("a", 9).collect();
        assert_eq!(pieces(&hostile, &anchors).len(), 1);
    }
}
