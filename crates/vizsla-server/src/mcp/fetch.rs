//! The tool `fetch`. In: the name of a document, and how much of it. Out: its text as the index has it, with its metadata,
//! and where to go on.

use std::ops::Range;

use serde_json::{Map, Value, json};
use vizsla::{Metadata, Passage};

use super::arguments::Arguments;
use super::fit;
use super::search::{MAX_TOKENS, MIN_TOKENS, cut, own_url, title};
use crate::error::ApiError;
use crate::names::{self, Named};
use crate::state::State;
use crate::whole_text::WholeText;

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
        let text = WholeText::of(&passages);
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
        text: &WholeText,
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
