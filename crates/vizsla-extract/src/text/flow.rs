//! Text that is written anew from a source with commands: paragraphs, lines and headings, each with its source line.

use vizsla_core::{Document, Locations};

use crate::output::{Output, TITLE_BYTES};
use crate::text::headings::{Heading, sections};

/// What separates the next words from the last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    None,
    Space,
    Line,
    Paragraph,
}

/// The text so far.
pub(crate) struct Flow {
    pub(crate) text: String,
    /// For each line of the text, the source line that it came from.
    lines: Vec<u32>,
    pub(crate) headings: Vec<Heading>,
    gap: Gap,
}

impl Flow {
    pub(crate) fn new() -> Self {
        Self { text: String::new(), lines: Vec::new(), headings: Vec::new(), gap: Gap::None }
    }

    /// Whatever comes next is separated at least so.
    pub(crate) fn separate(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Adds words; white space at the ends, and within, is a space.
    pub(crate) fn words(&mut self, text: &str, line: u32) {
        if text.starts_with(char::is_whitespace) {
            self.separate(Gap::Space);
        }
        for word in text.split_whitespace() {
            self.begin(line);
            self.text.push_str(word);
            self.gap = Gap::Space;
        }
        if !text.is_empty() && !text.ends_with(char::is_whitespace) {
            self.gap = Gap::None;
        }
    }

    /// Adds a line as it is; an empty one marks a paragraph.
    pub(crate) fn verbatim(&mut self, text: &str, line: u32) {
        let text = text.trim_end();
        if text.is_empty() {
            self.separate(Gap::Paragraph);
            return;
        }
        self.separate(Gap::Line);
        self.begin(line);
        self.text.push_str(text);
        self.gap = Gap::Line;
    }

    /// Adds a heading.
    pub(crate) fn heading(&mut self, level: usize, text: &str, line: u32) {
        let text = &text[..text.floor_char_boundary(2 * TITLE_BYTES)];
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.separate(Gap::Paragraph);
        if text.is_empty() {
            return;
        }
        self.begin(line);
        self.headings.push(Heading { start: self.text.len(), level, text: text.clone() });
        self.text.push_str(&text);
        self.separate(Gap::Paragraph);
    }

    fn begin(&mut self, line: u32) {
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        if self.text.is_empty() {
            self.lines.push(line);
            return;
        }
        match gap {
            Gap::None => {}
            Gap::Space => self.text.push(' '),
            Gap::Line | Gap::Paragraph => {
                let breaks = if gap == Gap::Line { 1 } else { 2 };
                self.text.extend(std::iter::repeat_n('\n', breaks));
                self.lines.extend(std::iter::repeat_n(line, breaks));
            }
        }
    }

    /// The document of the whole file. Its title is `title`, else the first heading of the highest level, else the name
    /// of the file.
    pub(crate) fn document(self, title: Option<String>, output: &mut Output<'_>) -> Document {
        let first = self.headings.iter().min_by_key(|heading| heading.level);
        let title = title.filter(|title| !title.trim().is_empty());
        let title = title.or_else(|| first.map(|heading| heading.text.clone()));
        let title = title.unwrap_or_else(|| crate::output::file_name(&output.name).to_owned());
        Document::new(&output.name, self.text)
            .with_title(title)
            .with_sections(sections(self.headings, output))
            .with_locations(Locations::LineMap(self.lines))
    }
}
