//! The text of a document, put together from its passages. In: all passages, in order. Out: one text, in which lines, pages
//! and the like can be found again.

use std::ops::Range;

use vizsla::{Location, Passage};

/// A document's text, put together from its passages. Its offsets are the same in every answer while the document is.
pub(crate) struct WholeText {
    pub(crate) text: String,
    parts: Vec<Part>,
}

/// What one passage is of a text.
struct Part {
    range: Range<usize>,
    /// First and last line, page or the like.
    places: Option<[u32; 2]>,
    /// Whether the places are lines, each of which is a line of the text.
    exact: bool,
    unit: &'static str,
}

impl WholeText {
    pub(crate) fn of(passages: &[Passage]) -> Self {
        let mut text = String::new();
        let mut parts: Vec<Part> = Vec::new();
        let mut before: Option<&Passage> = None;
        for passage in passages {
            let (places, unit) = places(&passage.location);
            if let (Some(before), Some(part)) = (before, parts.last()) {
                text.push_str(&gap(before, passage, part, places));
            }
            let start = text.len();
            text.push_str(&passage.text);
            let lines = passage.text.matches('\n').count() as u32;
            let exact = unit == "line" && places.is_some_and(|[first, last]| last - first == lines);
            parts.push(Part { range: start..text.len(), places, exact, unit });
            before = Some(passage);
        }
        Self { text, parts }
    }

    /// The number of the line at an offset, where the lines of the text are those of the source.
    fn line(&self, at: usize) -> Option<u32> {
        let after = self.parts.partition_point(|part| part.range.start <= at);
        let part = &self.parts[after.checked_sub(1)?];
        let breaks = self.text[part.range.start..at].matches('\n').count() as u32;
        part.places.filter(|_| part.exact).map(|[first, _]| first + breaks)
    }

    pub(crate) fn lines(&self, range: &Range<usize>) -> Option<[u32; 2]> {
        let last = self.text[..range.end].trim_end().len().max(range.start);
        Some([self.line(range.start)?, self.line(last)?])
    }

    /// The part of the text that was on these lines, pages or the like.
    pub(crate) fn places(&self, first: u32, last: u32) -> Option<Range<usize>> {
        let asked = first..=last;
        let mut found: Option<Range<usize>> = None;
        let mut add = |range: Range<usize>| {
            let start = found.as_ref().map_or(range.start, |found| found.start);
            found = Some(start..range.end);
        };
        for part in &self.parts {
            let Some([begin, end]) =
                part.places.filter(|[begin, end]| *begin <= last && *end >= first)
            else {
                continue;
            };
            if !part.exact {
                add(part.range.clone());
                continue;
            }
            let mut at = part.range.start;
            for (number, line) in (begin..=end).zip(self.text[part.range.clone()].split('\n')) {
                if asked.contains(&number) {
                    add(at..at + line.len());
                }
                at += line.len() + 1;
            }
        }
        found
    }

    /// What there is to ask for.
    pub(crate) fn extent(&self) -> String {
        let places = |part: &Part| part.places;
        match (self.parts.iter().find_map(places), self.parts.iter().rev().find_map(places)) {
            (Some([first, _]), Some([_, last])) => {
                format!("has {}s {first}-{last}", self.parts[0].unit)
            }
            _ => "has no lines or pages; leave them out".to_owned(),
        }
    }

    pub(crate) fn shown(&self, range: &Range<usize>, numbered: bool) -> String {
        let text = &self.text[range.clone()];
        if !numbered {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(text.len() * 5 / 4);
        let mut at = range.start;
        for line in text.split_inclusive('\n') {
            if let Some(number) = self.line(at) {
                shown.push_str(&format!("{number}\t"));
            }
            shown.push_str(line);
            at += line.len();
        }
        shown
    }
}

/// The white space between two passages, which the index does not have.
fn gap(before: &Passage, after: &Passage, part: &Part, places: Option<[u32; 2]>) -> String {
    if after.start_byte <= before.end_byte {
        return String::new();
    }
    if let (true, Some([_, last]), Some([first, _])) = (part.exact, part.places, places) {
        // Exactly as many lines; but where a text has a desert, a few show it as well.
        return match first.saturating_sub(last) {
            0 => " ".to_owned(),
            lines => "\n".repeat(lines.min(3) as usize),
        };
    }
    if after.start_byte - before.end_byte == 1 { "\n" } else { "\n\n" }.to_owned()
}

/// The numbers of a place, and what is counted.
fn places(location: &Location) -> (Option<[u32; 2]>, &'static str) {
    match location {
        Location::Lines { first, last } => (Some([*first, *last]), "line"),
        Location::Pages { first, last, .. } => (Some([*first, *last]), "page"),
        Location::Rows { first, last, .. } => (Some([*first, *last]), "row"),
        Location::Cells { first, last } => (Some([*first, *last]), "cell"),
        Location::Slide { first, last, .. } => (Some([*first, *last]), "slide"),
        Location::Paragraphs { first, last, .. } => (Some([*first, *last]), "paragraph"),
        Location::Member { at, .. } => places(at),
        _ => (None, ""),
    }
}

#[cfg(test)]
mod tests {
    use vizsla::{Document, SplitOptions, split};

    use super::*;

    fn text(source: &str) -> WholeText {
        WholeText::of(&split(
            &Document::new("d", source),
            &SplitOptions::default().with_max_tokens(16),
        ))
    }

    #[test]
    fn a_text_is_put_together_as_it_was() {
        let source =
            (1..100).map(|n| format!("Line number {n} of the text.\n")).collect::<String>();
        let text = text(&source);
        assert!(text.parts.len() > 10);
        assert_eq!(text.text, source.trim_end());
        let range = text.places(40, 42).unwrap();
        assert_eq!(text.lines(&range), Some([40, 42]));
        let shown = text.shown(&range, true);
        assert!(
            shown.starts_with("40\tLine number 40 of") && shown.ends_with("42 of the text."),
            "{shown}"
        );
        assert_eq!(shown.lines().count(), 3);
        assert!(text.places(200, 300).is_none());
        assert_eq!(text.extent(), "has lines 1-99");
    }

    #[test]
    fn blank_lines_and_long_lines_keep_their_numbers() {
        let long = "One sentence of a few words in a row. ".repeat(20);
        let source = format!("# Title\n\n{long}\n\n\n\n\n\nThe end.\n");
        let text = text(&source);
        let end = text.text.find("The end.").unwrap();
        assert_eq!(text.line(end), Some(9));
        assert_eq!(text.line(text.text.find("One").unwrap()), Some(3));
        assert_eq!(text.line(text.text.rfind("One").unwrap()), Some(3));
        assert_eq!(&text.text[text.places(9, 9).unwrap()], "The end.");
    }
}
