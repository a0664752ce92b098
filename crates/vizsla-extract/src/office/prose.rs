//! Puts a text together from lines, each with the place that it comes from. In: lines with what separates them. Out: a
//! text, its sections and its places.

use vizsla_core::{Document, Location, Locations};

use crate::output::{Output, TITLE_BYTES, shorten};
use crate::text::headings::{Heading, sections};

/// What separates a line from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Gap {
    /// Nothing yet.
    #[default]
    None,
    /// The next cell of a row.
    Cell,
    /// The next row, list item or line.
    Line,
    /// The next paragraph.
    Paragraph,
}

/// A paragraph, or the part of one that is in one cell.
#[derive(Debug, Default, Clone)]
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) gap: Gap,
    /// Its level if it is a heading, 1 for the outermost.
    pub(crate) level: Option<usize>,
    /// Whether it is the title of the document or slide.
    pub(crate) is_title: bool,
}

impl Line {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), gap: Gap::Paragraph, ..Self::default() }
    }
}

/// A text that grows.
#[derive(Default)]
pub(crate) struct Prose {
    text: String,
    headings: Vec<Heading>,
    places: Vec<(usize, Location)>,
    /// The first heading or title.
    pub(crate) first_heading: Option<String>,
}

impl Prose {
    /// Begins a part of the text that is under no heading but this one, or under none.
    pub(crate) fn begin(&mut self, heading: &str) {
        let start = self.text.len();
        self.headings.push(Heading { start, level: 0, text: heading.to_owned() });
    }

    /// Adds a line. Lines without text are left out.
    pub(crate) fn push(&mut self, line: &Line, place: Location) {
        let text = line.text.trim();
        if text.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str(match line.gap {
                Gap::None => " ",
                Gap::Cell => "\t",
                Gap::Line => "\n",
                Gap::Paragraph => "\n\n",
            });
        }
        let start = self.text.len();
        if line.level.is_some() || line.is_title {
            let mut heading = text.split_whitespace().collect::<Vec<_>>().join(" ");
            shorten(&mut heading, TITLE_BYTES);
            if self.first_heading.is_none() {
                self.first_heading = Some(heading.clone());
            }
            if let Some(level) = line.level {
                self.headings.push(Heading { start, level, text: heading });
            }
        }
        if self.places.last().is_none_or(|(_, last)| *last != place) {
            self.places.push((start, place));
        }
        self.text.push_str(text);
    }

    /// Adds lines, each of which is a paragraph with a number; those without text are not counted.
    pub(crate) fn paragraphs(&mut self, lines: &[Line], part: Option<&str>) {
        let full = lines.iter().filter(|line| !line.text.trim().is_empty());
        for (number, line) in (1..).zip(full) {
            let part = part.map(str::to_owned);
            self.push(line, Location::Paragraphs { first: number, last: number, part });
        }
    }

    /// The text as a document; the caller gives it a title.
    pub(crate) fn document(self, id: &str, output: &mut Output<'_>) -> Document {
        let mut sections = sections(self.headings, output);
        for section in &mut sections {
            section.headings.retain(|heading| !heading.is_empty());
        }
        Document::new(id, self.text)
            .with_sections(sections)
            .with_locations(Locations::Spans(self.places))
    }
}

#[cfg(test)]
mod tests {
    use vizsla_core::Limits;

    use super::*;
    use crate::Extracted;

    #[test]
    fn lines_become_a_text_with_sections_and_places() {
        let line = |text: &str, gap, level| Line { gap, level, ..Line::new(text) };
        let mut prose = Prose::default();
        let body = [
            line("Top", Gap::Paragraph, Some(1)),
            line(" ", Gap::Paragraph, None),
            line("a", Gap::Line, None),
            line("b", Gap::Cell, None),
        ];
        prose.paragraphs(&body, None);
        prose.begin("");
        prose.paragraphs(&[Line::new("note")], Some("footnotes"));
        assert_eq!(prose.first_heading.as_deref(), Some("Top"));
        let (limits, mut found) = (Limits::default(), Extracted::default());
        let document =
            prose.document("d", &mut Output::new("d", &limits, &crate::format::All, &mut found));
        assert_eq!(document.text, "Top\na\tb\n\nnote");
        let paths: Vec<_> = document.sections.iter().map(|s| s.headings.join("/")).collect();
        assert_eq!(paths, ["Top", ""]);
        let Locations::Spans(places) = &document.locations else { panic!("places") };
        let shown: Vec<_> = places.iter().map(|(at, place)| format!("{at} {place}")).collect();
        assert_eq!(
            shown,
            ["0 paragraph 1", "4 paragraph 2", "6 paragraph 3", "9 footnotes, paragraph 1"]
        );
    }
}
