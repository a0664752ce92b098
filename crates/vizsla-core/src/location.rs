//! Where a passage is found in its source file: lines, pages, rows and the like.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A place within a source, in the unit that people use for that kind of file. Numbers start at 1, and `last` is
/// inclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Location {
    /// Lines of a text file.
    Lines {
        /// First line.
        first: u32,
        /// Last line.
        last: u32,
    },
    /// Pages of a document.
    Pages {
        /// First page.
        first: u32,
        /// Last page.
        last: u32,
        /// The document's own label for the first page, such as `iv`, where it differs from the number.
        label: Option<String>,
    },
    /// Rows of a sheet of a workbook.
    Rows {
        /// Name of the sheet.
        sheet: Option<String>,
        /// First row.
        first: u32,
        /// Last row.
        last: u32,
        /// First and last column.
        columns: Option<(u32, u32)>,
    },
    /// Cells of a notebook.
    Cells {
        /// First cell.
        first: u32,
        /// Last cell.
        last: u32,
    },
    /// A chapter of a book.
    Chapter {
        /// The file within the book, with a fragment if there is one.
        href: String,
        /// Its title.
        title: Option<String>,
    },
    /// Slides of a presentation.
    Slide {
        /// First slide.
        first: u32,
        /// Last slide.
        last: u32,
    },
    /// A message of a mailbox.
    Message {
        /// Number of the message in the file.
        number: u32,
        /// The MIME part, as IMAP numbers it (`1.2`); the body when there is none.
        part: Option<String>,
    },
}

impl Location {
    /// From the beginning of `self` to the end of `end`; just `self` when they share no range, as with two chapters.
    pub fn through(&self, end: &Self) -> Self {
        let mut whole = self.clone();
        match (&mut whole, end) {
            (Self::Lines { last, .. }, Self::Lines { last: end, .. })
            | (Self::Pages { last, .. }, Self::Pages { last: end, .. })
            | (Self::Cells { last, .. }, Self::Cells { last: end, .. })
            | (Self::Slide { last, .. }, Self::Slide { last: end, .. }) => *last = *end,
            (
                Self::Rows { sheet, last, columns, .. },
                Self::Rows { sheet: other, last: end, columns: others, .. },
            ) if sheet == other => {
                *last = *end;
                *columns = match (*columns, *others) {
                    (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
                    _ => None,
                };
            }
            _ => {}
        }
        whole
    }
}

/// Line 1, for texts whose place in the source is unknown.
impl Default for Location {
    fn default() -> Self {
        Self::Lines { first: 1, last: 1 }
    }
}

/// As people write it: `lines 3-9`, `page iv`, `Sheet1 rows 2-9`, `chapter Two`.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |f: &mut fmt::Formatter<'_>, unit: &str, first: u32, last: u32| {
            if first == last {
                write!(f, "{unit} {first}")
            } else {
                write!(f, "{unit}s {first}-{last}")
            }
        };
        match self {
            Self::Lines { first, last } => range(f, "line", *first, *last),
            Self::Pages { first, last, label: Some(label) } if first == last => {
                write!(f, "page {label}")
            }
            Self::Pages { first, last, .. } => range(f, "page", *first, *last),
            Self::Rows { sheet, first, last, .. } => {
                if let Some(sheet) = sheet {
                    write!(f, "{sheet} ")?;
                }
                range(f, "row", *first, *last)
            }
            Self::Cells { first, last } => range(f, "cell", *first, *last),
            Self::Chapter { href, title } => {
                write!(f, "chapter {}", title.as_deref().unwrap_or(href))
            }
            Self::Slide { first, last } => range(f, "slide", *first, *last),
            Self::Message { number, part: None } => write!(f, "message {number}"),
            Self::Message { number, part: Some(part) } => write!(f, "message {number} part {part}"),
        }
    }
}

/// Maps places in a document's text to places in its source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Locations {
    /// The text is the source: its lines are the source's lines.
    #[default]
    OwnLines,
    /// The whole text has one location, as a record does.
    Fixed(Location),
    /// Line `i` of the text (from 0) came from line `map[i]` of the source, as with text extracted from HTML.
    LineMap(Vec<u32>),
    /// Byte offsets in order, each with the location of the text from there on.
    Spans(Vec<(usize, Location)>),
}

impl Locations {
    /// The location of the bytes `range` of the text, whose first byte is on line `first` and whose last is on line
    /// `last` (both from 0).
    pub(crate) fn resolve(&self, range: &Range<usize>, first: usize, last: usize) -> Location {
        match self {
            Self::OwnLines => Location::Lines { first: first as u32 + 1, last: last as u32 + 1 },
            Self::Fixed(location) => location.clone(),
            Self::LineMap(map) => {
                let line = |index: usize| map.get(index).or(map.last()).copied().unwrap_or(1);
                Location::Lines { first: line(first), last: line(last) }
            }
            Self::Spans(spans) => {
                let at = |offset: usize| {
                    let next = spans.partition_point(|(start, _)| *start <= offset);
                    spans.get(next.saturating_sub(1)).map(|(_, location)| location)
                };
                let end = range.end.saturating_sub(1).max(range.start);
                match (at(range.start), at(end)) {
                    (Some(first), Some(last)) => first.through(last),
                    _ => Location::default(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32) -> Location {
        Location::Pages { first: number, last: number, label: None }
    }

    #[test]
    fn spans_give_the_range_that_a_passage_touches() {
        let spans = Locations::Spans(vec![(0, page(1)), (10, page(2)), (20, page(3))]);
        let found = |range| spans.resolve(&range, 0, 0);
        assert_eq!(found(0..10), page(1));
        assert_eq!(found(5..11), Location::Pages { first: 1, last: 2, label: None });
        assert_eq!(found(25..99), page(3));
        assert_eq!(Locations::Spans(Vec::new()).resolve(&(0..1), 0, 0), Location::default());
    }

    #[test]
    fn places_without_a_common_range_give_the_first() {
        let chapter = |href: &str| Location::Chapter { href: href.to_owned(), title: None };
        assert_eq!(chapter("a").through(&chapter("b")), chapter("a"));
        assert_eq!(page(1).through(&Location::default()), page(1));
        let rows = |sheet: &str, row| Location::Rows {
            sheet: Some(sheet.to_owned()),
            first: row,
            last: row,
            columns: Some((1, row)),
        };
        assert_eq!(rows("a", 2).through(&rows("b", 5)), rows("a", 2));
        assert_eq!(rows("a", 2).through(&rows("a", 5)).to_string(), "a rows 2-5");
    }

    #[test]
    fn places_are_written_as_people_write_them() {
        assert_eq!(Location::Lines { first: 3, last: 9 }.to_string(), "lines 3-9");
        let label = Some("iv".to_owned());
        assert_eq!(Location::Pages { first: 4, last: 4, label }.to_string(), "page iv");
        assert_eq!(
            Location::Message { number: 2, part: Some("1.2".into()) }.to_string(),
            "message 2 part 1.2"
        );
    }
}
