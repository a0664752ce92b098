//! The unit that is indexed, scored and shown.

use std::ops::Range;
use std::sync::Arc;

use crate::{Location, Locations, Metadata, TieBreak};

/// A piece of a document: the unit that is indexed, scored and shown.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Passage {
    /// Id of its document.
    pub doc_id: String,
    /// Which piece of the document it is, from 0.
    pub ordinal: u32,
    /// Title of its document.
    pub title: String,
    /// The headings it is under, outermost first.
    pub headings: Vec<String>,
    /// Headings within the text, below those; known while a document is indexed, not of what a search has found.
    pub subheadings: Vec<String>,
    /// The text.
    pub text: String,
    /// Where it is found in the source.
    pub location: Location,
    /// Where the parts of its text are, if that is known more closely than by `location`.
    pub places: Locations,
    /// Offset of its first byte in the document's text.
    pub start_byte: u64,
    /// Offset just past its last byte in the document's text.
    pub end_byte: u64,
    /// The file its document was read from.
    pub path: Option<String>,
    /// Last change of its document, in seconds since 1970.
    pub modified: Option<i64>,
    /// Metadata of its document, shared by the document's passages.
    pub metadata: Arc<Metadata>,
}

/// What identifies a document within its collection: the file it came from (empty when there is none) and its id.
pub type DocumentKey<'a> = (&'a str, &'a str);

impl Passage {
    /// A passage with an id and a text, for retrievers that supply their own.
    pub fn new(doc_id: impl Into<String>, ordinal: u32, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            doc_id: doc_id.into(),
            ordinal,
            end_byte: text.len() as u64,
            text,
            ..Self::default()
        }
    }

    /// Sets the title.
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the path.
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Where a part of its text, a range of bytes, is found in the source. Cost: linear in the text.
    pub fn location_of(&self, part: Range<usize>) -> Location {
        let text = &self.text;
        let start = text.floor_char_boundary(part.start);
        let end = text.floor_char_boundary(part.end).max(start);
        let lines = |part: &str| part.matches('\n').count();
        let first = lines(&text[..start]);
        let last = first + lines(&text[start..end]);
        match &self.places {
            Locations::OwnLines => {
                self.location.of_lines(first as u32, last as u32, lines(text) as u32 + 1)
            }
            places => places.resolve(&(start..end), first, last),
        }
    }

    /// The document that it belongs to.
    pub fn document(&self) -> DocumentKey<'_> {
        (self.path.as_deref().unwrap_or_default(), &self.doc_id)
    }

    /// The text that is searched and that the cross-encoder reads: title and headings (each omitted when the text
    /// already begins with it), then the text.
    pub fn full_text(&self) -> String {
        self.full_text_of(&self.text)
    }

    /// The same with only a part of the text.
    pub fn full_text_of(&self, part: &str) -> String {
        let mut full = String::with_capacity(self.title.len() + part.len() + 32);
        let text = part.trim_start_matches(['#', '=', ' ']);
        let mut last = "";
        for name in std::iter::once(&self.title).chain(&self.headings) {
            if !name.is_empty() && name != last && !begins_with(text, name) {
                full.push_str(name);
                full.push('\n');
            }
            last = name;
        }
        full.push_str(part);
        full
    }
}

impl TieBreak for Passage {
    fn tie_break(&self) -> (&str, &str, u32) {
        (&self.doc_id, self.path.as_deref().unwrap_or_default(), self.ordinal)
    }
}

/// Whether `text` begins with `part` as whole words: "Java" does not begin "JavaScript is".
fn begins_with(text: &str, part: &str) -> bool {
    let joined = |next: char| next.is_alphanumeric() && part.ends_with(char::is_alphanumeric);
    text.strip_prefix(part).is_some_and(|rest| !rest.chars().next().is_some_and(joined))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_and_headings_are_read_with_the_text() {
        let mut passage = Passage::new("d", 0, "The text.").with_title("Title");
        passage.headings = vec!["Title".into(), "Part".into()];
        assert_eq!(passage.full_text(), "Title\nPart\nThe text.");
    }

    #[test]
    fn a_title_that_only_begins_the_first_word_is_kept() {
        let passage = Passage::new("d", 0, "JavaScript is a language.").with_title("Java");
        assert_eq!(passage.full_text(), "Java\nJavaScript is a language.");
        let passage = Passage::new("d", 0, "Java, the island.").with_title("Java");
        assert_eq!(passage.full_text(), "Java, the island.");
    }
}
