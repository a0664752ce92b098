//! Tree to text: blocks, lines and cells apart, with headings and the source line of each line.

use super::Page;
use super::content::Content;
use super::formula;
use super::parse::LINK;
use super::ruby;
use super::tree::{Id, Kind, ROOT, Tree};
use crate::output::TITLE_BYTES;
use crate::text::headings::Heading;

/// Empty cells side by side that are kept.
const MOST_EMPTY: usize = 10;

/// What separates the next word from the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Cell,
    Line,
    Paragraph,
}

/// Writes the text of a page.
pub(crate) fn render(tree: &Tree, content: &Content, page: &mut Page) {
    let mut writer = Writer {
        tree,
        content,
        page,
        gap: Gap::None,
        blank_lines: 0,
        preformatted: 0,
        rows: 0,
        row: Row::default(),
        has_heads: false,
        heading: None,
        pictures: String::new(),
    };
    let mut at = tree.node(ROOT).first;
    while at != ROOT {
        if !content.leaves_out(at) {
            writer.enter(at);
            let first = tree.node(at).first;
            if first != ROOT {
                at = first;
                continue;
            }
            writer.leave(at);
        }
        while tree.node(at).next == ROOT && at != ROOT {
            at = tree.node(at).parent;
            if at != ROOT {
                writer.leave(at);
            }
        }
        at = tree.node(at).next;
    }
    writer.trim(0);
}

struct Writer<'a> {
    tree: &'a Tree,
    content: &'a Content,
    page: &'a mut Page,
    gap: Gap,
    /// Line ends of preformatted text that are written when more follows.
    blank_lines: usize,
    /// How many open elements keep white space.
    preformatted: usize,
    /// How many open rows are lines.
    rows: usize,
    row: Row,
    /// Whether the table has had the heading of a column or row.
    has_heads: bool,
    /// The heading that is open: its level, and where its text begins.
    heading: Option<(usize, Option<usize>)>,
    /// What the pictures in it show, which is its text if there is no other.
    pictures: String,
}

/// Cells of the row that is open.
#[derive(Default)]
struct Row {
    /// How many have begun.
    cells: usize,
    /// How many there were up to the last one that has words.
    filled: usize,
}

impl Writer<'_> {
    fn enter(&mut self, id: Id) {
        let (tree, node) = (self.tree, self.tree.node(id));
        for sign in formula::before(tree, id).into_iter().flatten() {
            self.write(sign, node.line);
        }
        if let Kind::Text(text) = &node.kind {
            let is_blank = text.trim().is_empty();
            let above = tree.node(node.parent).name();
            if is_blank && (formula::is_arranged(above) || above == "ruby") {
                return;
            }
            self.write(text, node.line);
            return;
        }
        let name = node.name();
        if let Some(level) = node.heading_level()
            && self.heading.is_none()
        {
            self.separate(Gap::Paragraph);
            self.heading = Some((level, None));
            return;
        }
        match name {
            "pre" | "listing" | "xmp" | "plaintext" | "textarea" => {
                self.separate(Gap::Paragraph);
                self.preformatted += 1;
            }
            "tr" => {
                self.separate(Gap::Line);
                self.rows += usize::from(self.content.is_data(id));
                self.row = Row::default();
            }
            "td" | "th" => {
                self.separate(Gap::Cell);
                self.row.cells += 1;
                self.has_heads |= name == "th";
            }
            "table" => {
                self.separate(Gap::Paragraph);
                self.has_heads = false;
            }
            "img" => {
                let alt = node.attribute("alt").unwrap_or_default().trim();
                if self.heading.is_some() {
                    self.pictures = alt.to_owned();
                    return;
                }
                self.separate(Gap::Space);
                self.write(alt, node.line);
                self.separate(Gap::Space);
            }
            LINK if is_link_before(tree, id) || is_mark_of_note(tree, id) => {
                self.separate(Gap::Space);
            }
            _ => self.separate(gap(name)),
        }
    }

    fn leave(&mut self, id: Id) {
        let node = self.tree.node(id);
        if let Some((level, start)) = self.heading
            && node.heading_level() == Some(level)
        {
            let pictures = std::mem::take(&mut self.pictures);
            if start.is_none() {
                self.write(&pictures, node.line);
            }
            let start = self.heading.take().and_then(|(_, start)| start);
            self.end_heading(level, start);
            self.separate(Gap::Paragraph);
            return;
        }
        if formula::is_in_brackets(self.tree, id) {
            self.gap = Gap::None;
            self.write(")", node.line);
        }
        match node.name() {
            "pre" | "listing" | "xmp" | "plaintext" | "textarea" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.blank_lines = 0;
                self.separate(Gap::Paragraph);
            }
            "tr" => {
                self.rows -= usize::from(self.content.is_data(id));
                self.separate(Gap::Line);
            }
            "br" => {}
            "ruby" => self.write_reading(&ruby::reading(self.tree, id), node.line),
            name if formula::has_limits(name) => self.separate(Gap::Space),
            name => self.separate(gap(name)),
        }
    }

    fn write_reading(&mut self, reading: &str, line: u32) {
        if reading.is_empty() {
            return;
        }
        if self.gap == Gap::Space {
            self.gap = Gap::None;
        }
        for part in ["(", reading, ")"] {
            self.write(part, line);
        }
    }

    fn end_heading(&mut self, level: usize, start: Option<usize>) {
        let Some(start) = start.filter(|start| *start < self.page.text.len()) else { return };
        // Marks to copy a link from.
        let marks = |c: char| matches!(c, '¶' | '§' | '🔗') || c.is_whitespace();
        let text = self.page.text[start..].trim_end_matches(marks);
        let shown = &text[..text.floor_char_boundary(TITLE_BYTES)];
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        if !shown.is_empty() {
            self.page.text.truncate(start + text.len());
            self.page.headings.push(Heading { start, level, text: shown });
        }
    }

    /// Within a heading or a cell, what are lines elsewhere are words.
    fn separate(&mut self, gap: Gap) {
        let is_line = self.heading.is_some() || self.rows > 0;
        let gap = if is_line && gap > Gap::Cell { Gap::Space } else { gap };
        self.gap = self.gap.max(gap);
    }

    fn write(&mut self, text: &str, line: u32) {
        let mut line = line;
        for c in text.chars() {
            match c {
                '\n' if self.preformatted > 0 && self.rows == 0 => self.blank_lines += 1,
                '\u{ad}' | '\u{200b}' | '\u{feff}' | '\0' | '\r' => {}
                ' ' | '\t' if self.preformatted > 0 && self.is_in_line() => {
                    self.begin(line);
                    self.page.text.push(c);
                }
                _ if c.is_whitespace() => {
                    self.gap = self.gap.max(Gap::Space);
                }
                _ => {
                    self.begin(line);
                    self.page.text.push(c);
                }
            }
            line += u32::from(c == '\n');
        }
    }

    /// Whether white space before the next word may be kept as it is.
    fn is_in_line(&self) -> bool {
        self.rows == 0 && self.heading.is_none()
    }

    /// Writes what separates the next character, which comes from this source line, from the last.
    fn begin(&mut self, line: u32) {
        let breaks = std::mem::take(&mut self.blank_lines);
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        if self.page.text.is_empty() {
            self.page.lines.push(line);
        } else if breaks > 0 && gap < Gap::Line {
            self.break_lines(breaks, line, line.saturating_sub(breaks as u32));
        } else {
            match gap {
                Gap::None => {}
                Gap::Space => self.page.text.push(' '),
                Gap::Cell => self.page.text.push('\t'),
                Gap::Line => self.break_lines(1, line, line),
                // An empty line between blocks marks a paragraph.
                Gap::Paragraph => self.break_lines(2, line, line),
            }
        }
        let before = std::mem::replace(&mut self.row.filled, self.row.cells);
        let empty = self.row.cells.saturating_sub(before + 1);
        // Empty cells stay, so that values are below their heads; at the start of a row they may be there for its looks.
        if self.rows > 0 && (self.has_heads || before > 0) {
            self.page.text.extend(std::iter::repeat_n('\t', empty.min(MOST_EMPTY)));
        }
        if let Some((_, start)) = &mut self.heading {
            start.get_or_insert(self.page.text.len());
        }
    }

    /// Ends the line, and begins the one from `line`; those between are counted from `first`.
    fn break_lines(&mut self, breaks: usize, line: u32, first: u32) {
        self.trim(self.page.headings.last().map_or(0, |heading| heading.start));
        for i in 1..=breaks {
            self.page.text.push('\n');
            let between = if first == line { line } else { (first + i as u32).min(line) };
            self.page.lines.push(between.max(1));
        }
    }

    /// Removes white space at the end, but for line ends.
    fn trim(&mut self, from: usize) {
        let kept = self.page.text[from..].trim_end_matches([' ', '\t']).len();
        self.page.text.truncate(from + kept);
    }
}

/// Links one after the other are set apart by their style.
fn is_link_before(tree: &Tree, id: Id) -> bool {
    let before = tree.previous(id);
    before != ROOT && tree.node(before).name() == LINK
}

/// Whether a link is the number or sign of a note, which stands behind a word without a space.
fn is_mark_of_note(tree: &Tree, id: Id) -> bool {
    /// Bytes of a mark; links within words are longer.
    const MARK: usize = 4;
    let link = tree.node(id);
    let attribute = |name| link.attribute(name).unwrap_or_default();
    let is = |name, word: &str| attribute(name).split_whitespace().any(|part| part == word);
    let Some((_, anchor)) = attribute("href").split_once('#') else { return false };
    let leads_to_note = is("epub:type", "noteref")
        || is("role", "doc-noteref")
        || is("class", "noteref")
        || ["fn", "footnote", "note", "endnote"].iter().any(|start| anchor.starts_with(start));
    let is_raised = |id: Id| tree.node(id).name() == "sup";
    if !leads_to_note && !is_raised(link.parent) && !is_raised(link.first) {
        return false;
    }
    let below = std::iter::successors(tree.following(id, true), |id| tree.following(*id, true));
    let mark = below.take(MARK).find_map(|id| tree.node(id).text());
    mark.is_some_and(|mark| mark.len() <= MARK && mark.starts_with(|c: char| !"[(".contains(c)))
}

fn gap(name: &str) -> Gap {
    match name {
        "br" | "li" | "dt" | "dd" | "option" | "summary" | "caption" | "figcaption" | "address"
        | "legend" | "svg:title" => Gap::Line,
        "td" | "th" => Gap::Cell,
        "button" | "input" | "svg:text" | "math:cell" | "math" | "noscript" => Gap::Space,
        "html" | "body" | "p" | "div" | "hr" | "section" | "article" | "main" | "nav"
        | "header" | "footer" | "aside" | "form" | "fieldset" | "ul" | "ol" | "dl" | "menu"
        | "dir" | "table" | "thead" | "tbody" | "tfoot" | "blockquote" | "center" | "figure"
        | "details" | "dialog" | "hgroup" | "search" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6"
        | "frameset" => Gap::Paragraph,
        _ => Gap::None,
    }
}
