//! The tool `fetch`. In: the name of a document, and how much of it. Out: its text as the index has it, with its metadata,
//! and where to go on.

use std::ops::Range;

use serde_json::{Map, Value, json};
use vizsla::{Location, Metadata, Passage};

use super::arguments::Arguments;
use super::fit;
use super::names::{self, Named};
use super::search::{MAX_TOKENS, MIN_TOKENS, cut, own_url, title};
use crate::error::ApiError;
use crate::state::State;

pub(super) const DEFAULT_TOKENS: usize = 5_000;
/// Most of a title, in bytes.
const TITLE: usize = 160;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Page {
    name: String,
    offset: usize,
    room: usize,
    numbered: bool,
    index: Option<String>,
}

impl Page {
    pub(super) fn new(mut given: Arguments, several: bool) -> Result<Self, ApiError> {
        let name = given.required("id")?;
        let tokens = given.integer("max_tokens", MIN_TOKENS..=MAX_TOKENS)?;
        let room = fit::bytes(tokens.unwrap_or(DEFAULT_TOKENS));
        let offset = given.integer("offset", 0..=u64::MAX)?.unwrap_or(0);
        let numbered = given.flag("line_numbers")?;
        let index = if several { given.text("index")? } else { None };
        given.finish()?;
        Ok(Self { name, offset, room, numbered, index })
    }

    /// The whole document, up to what any answer may have.
    pub(super) fn first(name: impl Into<String>) -> Self {
        let room = fit::bytes(MAX_TOKENS as usize);
        Self { name: name.into(), offset: 0, room, numbered: false, index: None }
    }

    /// Reads the document; blocks.
    pub(super) fn answer(&self, state: &State) -> Result<Value, ApiError> {
        let named = names::find(state, self.index.as_deref(), &self.name)?;
        let passages = named.searchable.index.document((&named.path, &named.id))?;
        let text = Text::of(&passages);
        let asked = match named.places {
            None => 0..text.text.len(),
            Some([first, last]) => text.places(first, last).ok_or_else(|| {
                ApiError::not_found(format!(
                    "the document has nothing at {first}-{last}: it {}",
                    text.extent()
                ))
            })?,
        };
        let start = text.text.floor_char_boundary(self.offset.max(asked.start));
        if start > asked.end || start == asked.end && self.offset > 0 {
            return Err(ApiError::over_limit(format!(
                "offset is {}; the text ends at {}",
                self.offset, asked.end
            )));
        }
        let metadata = metadata(passages.first(), self.room / 4);
        let answer = fit::largest(self.room, |size| {
            let end = asked.end.min(fit::end(&text.text[..asked.end], start, size));
            self.page(&named, &passages, &text, (start..end, asked.end), &metadata)
        });
        answer.filter(|answer| answer["next"] != start).ok_or_else(|| {
            ApiError::over_limit("no text fits beside the document's metadata: raise max_tokens")
        })
    }

    fn page(
        &self,
        named: &Named<'_>,
        passages: &[Passage],
        text: &Text,
        (shown, end): (Range<usize>, usize),
        (metadata, left_out): &(Map<String, Value>, usize),
    ) -> Value {
        let Some(first) = passages.first() else { return Value::Null };
        let path = first.path.as_deref();
        let mut page = Map::new();
        let mut add = |name: &str, value: Value| page.insert(name.to_owned(), value);
        add("id", names::public_id(path, &named.id).into());
        add("title", cut(title(&first.title, &named.id), TITLE).into());
        add("text", text.shown(&shown, self.numbered).into());
        add(
            "url",
            own_url(&first.metadata)
                .or_else(|| path.and_then(|path| vizsla::file_url(path, &first.location)))
                .unwrap_or_default()
                .into(),
        );
        if let Some(path) = path {
            add("path", path.into());
        }
        if let Some(lines) = text.lines(&shown) {
            add("lines", json!(lines));
        }
        add("metadata", metadata.clone().into());
        if *left_out > 0 {
            add("metadata_left_out", (*left_out).into());
        }
        if shown.end < end {
            add("next", shown.end.into());
            add(
                "hint",
                format!("{} bytes follow: fetch again with offset {}", end - shown.end, shown.end)
                    .into(),
            );
        }
        Value::Object(page)
    }
}

/// The metadata that fits, and how many values do not.
fn metadata(first: Option<&Passage>, room: usize) -> (Map<String, Value>, usize) {
    let none = Metadata::new();
    let all = first.map_or(&none, |passage| &*passage.metadata);
    let mut shown = Map::new();
    let mut left = room;
    for (name, value) in all {
        let Ok(value) = serde_json::to_value(value) else { continue };
        let size = name.len() + value.to_string().len() + 8;
        if size <= left {
            left -= size;
            shown.insert(name.clone(), value);
        }
    }
    let left_out = all.len() - shown.len();
    (shown, left_out)
}

/// A document's text, put together from its passages. Its offsets are the same in every answer while the document is.
struct Text {
    text: String,
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

impl Text {
    fn of(passages: &[Passage]) -> Self {
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

    fn lines(&self, range: &Range<usize>) -> Option<[u32; 2]> {
        let last = self.text[..range.end].trim_end().len().max(range.start);
        Some([self.line(range.start)?, self.line(last)?])
    }

    /// The part of the text that was on these lines, pages or the like.
    fn places(&self, first: u32, last: u32) -> Option<Range<usize>> {
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
    fn extent(&self) -> String {
        let places = |part: &Part| part.places;
        match (self.parts.iter().find_map(places), self.parts.iter().rev().find_map(places)) {
            (Some([first, _]), Some([_, last])) => {
                format!("has {}s {first}-{last}", self.parts[0].unit)
            }
            _ => "has no lines or pages; leave them out".to_owned(),
        }
    }

    fn shown(&self, range: &Range<usize>, numbered: bool) -> String {
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

    fn text(source: &str) -> Text {
        Text::of(&split(&Document::new("d", source), &SplitOptions::default().with_max_tokens(16)))
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
