//! Where a passage is found in its source file: lines, pages, rows and the like.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize, de};

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
        /// Title of the first slide.
        title: Option<String>,
    },
    /// A message of a mailbox.
    Message {
        /// Number of the message in the file.
        number: u32,
        /// The MIME part, as IMAP numbers it (`1.2`); the body when there is none.
        part: Option<String>,
    },
    /// Paragraphs of a document without fixed pages, such as one of a word processor.
    Paragraphs {
        /// First paragraph.
        first: u32,
        /// Last paragraph.
        last: u32,
        /// The part they belong to, such as `footnotes` or `comments`; the body when there is none.
        part: Option<String>,
    },
    /// A stretch of time, as in subtitles. Unlike other numbers, times start at 0.
    Times {
        /// Where it begins, in milliseconds from the start.
        first: u64,
        /// Where it ends, in milliseconds from the start.
        last: u64,
    },
    /// A place within a file that is inside another one, such as a member of an archive or an attachment.
    Member {
        /// Path of the inner file within the outer one; `!` separates the levels of nested containers.
        path: String,
        /// The place within the inner file.
        #[serde(deserialize_with = "inner")]
        at: Box<Location>,
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
            (Self::Times { last, .. }, Self::Times { last: end, .. }) => *last = *end,
            (
                Self::Paragraphs { last, part, .. },
                Self::Paragraphs { last: end, part: other, .. },
            ) if part == other => *last = *end,
            (Self::Member { path, at }, Self::Member { path: other, at: end }) if path == other => {
                **at = at.through(end);
            }
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

    /// The place of lines `first` to `last` (from 0) out of the `count` lines of the text that is here. Where lines of the
    /// text are not lines of the source one by one, as with text extracted from HTML, nothing nearer is known, and
    /// likewise for other units.
    pub fn of_lines(&self, first: u32, last: u32, count: u32) -> Self {
        match self {
            Self::Lines { first: begin, last: end }
                if end.checked_sub(*begin).is_some_and(|span| span + 1 == count) =>
            {
                Self::Lines { first: begin + first, last: begin + last }
            }
            Self::Member { path, at } => {
                let at = Box::new(at.of_lines(first, last, count));
                Self::Member { path: path.clone(), at }
            }
            other => other.clone(),
        }
    }

    /// What follows `#` in a link to the file that opens it at this place, for the kinds of files whose viewers
    /// understand that: `page=12` ([RFC 8118](https://www.rfc-editor.org/rfc/rfc8118)), `t=75`
    /// ([Media Fragments](https://www.w3.org/TR/media-frags/)).
    pub fn fragment(&self) -> Option<String> {
        match self {
            Self::Pages { first, .. } => Some(format!("page={first}")),
            Self::Times { first, .. } => Some(format!("t={}", first / 1000)),
            _ => None,
        }
    }
}

/// A column of a sheet as its header names it: `A` is 1, `AA` is 27.
fn column(number: u32) -> String {
    let (mut left, mut name) = (number, Vec::new());
    while left > 0 {
        left -= 1;
        name.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    name.iter().rev().collect()
}

/// `00:12:03`.
fn clock(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Line 1, for texts whose place in the source is unknown.
impl Default for Location {
    fn default() -> Self {
        Self::Lines { first: 1, last: 1 }
    }
}

/// As people write it: `lines 3-9`, `page 4 (iv)`, `Sheet1!A2:F9`, `chapter Two`, `inner/report.pdf, page 3`.
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
                write!(f, "page {first} ({label})")
            }
            Self::Pages { first, last, .. } => range(f, "page", *first, *last),
            Self::Rows { sheet, first, last, columns: Some((left, right)) } => {
                if let Some(sheet) = sheet {
                    write!(f, "{sheet}!")?;
                }
                write!(f, "{}{first}", column(*left))?;
                if (first, left) == (last, right) {
                    return Ok(());
                }
                write!(f, ":{}{last}", column(*right))
            }
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
            Self::Slide { first, last, title: Some(title) } if first == last => {
                write!(f, "slide {first} \"{title}\"")
            }
            Self::Slide { first, last, .. } => range(f, "slide", *first, *last),
            Self::Message { number, part: None } => write!(f, "message {number}"),
            Self::Message { number, part: Some(part) } => write!(f, "message {number} part {part}"),
            Self::Paragraphs { first, last, part } => {
                if let Some(part) = part {
                    write!(f, "{part}, ")?;
                }
                range(f, "paragraph", *first, *last)
            }
            Self::Times { first, .. } => f.write_str(&clock(*first)),
            Self::Member { path, at } => write!(f, "{path}, {at}"),
        }
    }
}

/// Maps places in a document's text to places in its source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
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
    /// The places of a file that is inside another one, at this path.
    Member(String, #[serde(deserialize_with = "inner")] Box<Locations>),
}

/// Levels of places within places that are read. One path has all levels of containers, so there is one; more would
/// let damaged bytes exhaust the stack.
const MOST_LEVELS: u32 = 8;

thread_local! {
    static LEVEL: Cell<u32> = const { Cell::new(0) };
}

fn inner<'de, T: Deserialize<'de>, D: Deserializer<'de>>(source: D) -> Result<Box<T>, D::Error> {
    let outer = LEVEL.get();
    if outer == MOST_LEVELS {
        return Err(de::Error::custom("a place is within too many others"));
    }
    LEVEL.set(outer + 1);
    let read = T::deserialize(source);
    LEVEL.set(outer);
    read.map(Box::new)
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
                let (first, last) = (line(first), line(last));
                // What a page says in its head may stand below what it says first.
                Location::Lines { first: first.min(last), last: last.max(first) }
            }
            Self::Spans(spans) => {
                // Between the first and the last may be places of other parts, which the range does not cover.
                let mut touched = touched(spans, range).iter().map(|(_, location)| location);
                let first = touched.next().cloned();
                first
                    .map(|first| touched.fold(first, |all, next| all.through(next)))
                    .unwrap_or_default()
            }
            Self::Member(path, locations) => Location::Member {
                path: path.clone(),
                at: Box::new(locations.resolve(range, first, last)),
            },
        }
    }

    /// The locations of the bytes `range` of the text, on lines `first` to `last` (from 0), as of a text of their own; those
    /// of its own lines where all of it has one location, or none is known more closely.
    pub(crate) fn part(&self, range: &Range<usize>, first: usize, last: usize) -> Self {
        match self {
            Self::OwnLines | Self::Fixed(_) => Self::OwnLines,
            Self::LineMap(map) => {
                let lines = map.get(first..=last).unwrap_or_default();
                let follows =
                    |step: u32| lines.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(step));
                if follows(0) || follows(1) {
                    Self::OwnLines
                } else {
                    Self::LineMap(lines.to_vec())
                }
            }
            Self::Spans(spans) => {
                let touched = touched(spans, range);
                if touched.len() < 2 {
                    return Self::OwnLines;
                }
                let shifted = touched
                    .iter()
                    .map(|(start, location)| (start.saturating_sub(range.start), location.clone()));
                Self::Spans(shifted.collect())
            }
            Self::Member(path, locations) => match locations.part(range, first, last) {
                Self::OwnLines => Self::OwnLines,
                part => Self::Member(path.clone(), Box::new(part)),
            },
        }
    }

    /// Whether the text at two offsets is on different slides.
    pub(crate) fn are_other_slides(&self, one: usize, other: usize) -> bool {
        match self {
            Self::Spans(spans) => {
                let slide = |offset| match spans.get(begun(spans, offset).checked_sub(1)?)? {
                    (_, Location::Slide { first, .. }) => Some(*first),
                    _ => None,
                };
                slide(one) != slide(other)
            }
            Self::Member(_, locations) => locations.are_other_slides(one, other),
            Self::OwnLines | Self::Fixed(_) | Self::LineMap(_) => false,
        }
    }
}

/// The spans that a range has bytes of.
fn touched<'s>(spans: &'s [(usize, Location)], range: &Range<usize>) -> &'s [(usize, Location)] {
    let last = range.end.saturating_sub(1).max(range.start);
    let begin = begun(spans, range.start).saturating_sub(1);
    spans.get(begin..begun(spans, last)).unwrap_or_default()
}

/// How many spans begin at an offset or before it.
fn begun(spans: &[(usize, Location)], offset: usize) -> usize {
    spans.partition_point(|(start, _)| *start <= offset)
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
        let note = |number| Location::Paragraphs { first: number, last: number, part: None };
        let part = Location::Paragraphs { first: 1, last: 1, part: Some("footnotes".into()) };
        let mixed = Locations::Spans(vec![(0, note(1)), (5, note(2)), (9, part)]);
        assert_eq!(mixed.resolve(&(0..12), 0, 0).to_string(), "paragraphs 1-2");
        assert_eq!(Locations::Spans(Vec::new()).resolve(&(0..1), 0, 0), Location::default());
    }

    #[test]
    fn a_part_of_a_text_has_the_places_of_its_own() {
        let spans = Locations::Spans(vec![(0, page(1)), (10, page(2)), (20, page(3))]);
        let inside = Locations::Member("a.zip".into(), Box::new(spans.clone()));
        let part = Locations::Spans(vec![(0, page(1)), (5, page(2))]);
        assert_eq!(spans.part(&(5..20), 0, 0), part);
        assert_eq!(inside.part(&(5..20), 0, 0), Locations::Member("a.zip".into(), Box::new(part)));
        assert_eq!(spans.part(&(12..20), 0, 0), Locations::OwnLines);
        let map = Locations::LineMap(vec![3, 4, 5, 9, 9]);
        assert_eq!(map.part(&(0..9), 0, 2), Locations::OwnLines);
        assert_eq!(map.part(&(0..9), 1, 3), Locations::LineMap(vec![4, 5, 9]));
        assert_eq!(map.part(&(0..9), 3, 4), Locations::OwnLines);
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
        assert_eq!(rows("a", 2).through(&rows("a", 5)).to_string(), "a!A2:E5");
    }

    #[test]
    fn lines_within_a_place_are_known_where_the_text_is_the_source() {
        let lines = |first, last| Location::Lines { first, last };
        assert_eq!(lines(10, 14).of_lines(1, 2, 5), lines(11, 12));
        assert_eq!(lines(10, 30).of_lines(1, 2, 5), lines(10, 30), "extracted from something else");
        assert_eq!(page(3).of_lines(1, 2, 5), page(3));
        let inside = |at| Location::Member { path: "a.txt".into(), at: Box::new(at) };
        assert_eq!(inside(lines(1, 5)).of_lines(4, 4, 5), inside(lines(5, 5)));
    }

    #[test]
    fn places_are_written_as_people_write_them() {
        assert_eq!(Location::Lines { first: 3, last: 9 }.to_string(), "lines 3-9");
        let label = Some("iv".to_owned());
        assert_eq!(Location::Pages { first: 4, last: 4, label }.to_string(), "page 4 (iv)");
        assert_eq!(
            Location::Message { number: 2, part: Some("1.2".into()) }.to_string(),
            "message 2 part 1.2"
        );
        let cell = |row, columns| Location::Rows { sheet: None, first: row, last: row, columns };
        assert_eq!(cell(3, Some((28, 28))).to_string(), "AB3");
        assert_eq!(cell(3, None).to_string(), "row 3");
        assert_eq!(Location::Times { first: 723_400, last: 730_000 }.to_string(), "00:12:03");
        let member = Location::Member { path: "b.zip!c.pdf".into(), at: Box::new(page(3)) };
        assert_eq!(member.to_string(), "b.zip!c.pdf, page 3");
    }
}
