//! Every format passes its documents through here: limits are enforced in one place for all formats, before a document
//! reaches the caller's sink.

use std::ops::ControlFlow;

use vizsla_core::{Document, Limits, Location, Metadata, MetadataValue};

use crate::sink::{Problem, ProblemKind, Sink};

/// Maximum bytes of a title or of one heading. Both are repeated in every passage below them.
pub(crate) const TITLE_BYTES: usize = 2048;
/// Bytes of text that a streamed file may yield per byte read, on top of the fixed limit.
const TEXT_PER_BYTE: usize = 16;

pub(crate) struct Output<'a> {
    /// Name of the file.
    pub(crate) name: &'a str,
    pub(crate) limits: &'a Limits,
    /// Bytes of text that the file may still yield.
    text_left: usize,
    /// Whether text over the limit has been reported.
    is_full: bool,
    sink: &'a mut dyn Sink,
}

impl<'a> Output<'a> {
    pub(crate) fn new(name: &'a str, limits: &'a Limits, sink: &'a mut dyn Sink) -> Self {
        Self { name, limits, text_left: limits.text_bytes, is_full: false, sink }
    }

    /// Extends the limit for this many more bytes of a streamed file.
    pub(crate) fn has_read(&mut self, bytes: usize) {
        self.text_left = self.text_left.saturating_add(bytes.saturating_mul(TEXT_PER_BYTE));
    }

    pub(crate) fn text_left(&self) -> usize {
        self.text_left
    }

    pub(crate) fn problem(
        &mut self,
        kind: ProblemKind,
        location: Option<Location>,
        message: impl Into<String>,
    ) {
        self.sink.problem(Problem { kind, location, message: message.into() });
    }

    /// Reports that a document has more text than allowed. Only the first such report is made.
    pub(crate) fn text_left_out(&mut self, id: &str) {
        if std::mem::replace(&mut self.is_full, true) {
            return;
        }
        let limit = self.limits.text_bytes;
        let message = format!(
            "the document {id:?} exceeds the {limit} bytes of text allowed; the rest of the file is cut to fit"
        );
        self.problem(ProblemKind::TooLarge, None, message);
    }

    /// Passes a document on, cut to the limits.
    pub(crate) fn document(&mut self, mut document: Document) -> ControlFlow<()> {
        if document.text.len() > self.text_left {
            document.text.truncate(document.text.floor_char_boundary(self.text_left));
            self.text_left_out(&shown(&document.id));
        }
        self.text_left -= document.text.len();
        if shorten(&mut document.title, TITLE_BYTES) {
            let message = format!(
                "the title of {:?} is longer than {TITLE_BYTES} bytes; the rest is left out",
                shown(&document.id)
            );
            self.problem(ProblemKind::TooLarge, None, message);
        }
        for problem in fit_metadata(&mut document.metadata, self.limits.metadata_bytes) {
            let message = format!("metadata of {:?}: {problem}", shown(&document.id));
            self.problem(ProblemKind::Metadata, None, message);
        }
        let is_lost = document.text.is_empty() && document.title.is_empty();
        if self.is_full && is_lost {
            return ControlFlow::Continue(());
        }
        self.sink.document(document.with_path(self.name))
    }
}

/// An id as shown in messages: ids can be as long as a file.
fn shown(id: &str) -> String {
    let mut shown = id.to_owned();
    if shorten(&mut shown, 80) {
        shown.push('…');
    }
    shown
}

/// The last component of a path: the name of a document without a title.
pub(crate) fn file_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// Truncates a text to at most `bytes`; returns whether there was more.
pub(crate) fn shorten(text: &mut String, bytes: usize) -> bool {
    let too_long = text.len() > bytes;
    if too_long {
        text.truncate(text.floor_char_boundary(bytes));
    }
    too_long
}

/// Drops values that cannot be stored, then the largest until the rest fits; reports what was dropped.
fn fit_metadata(metadata: &mut Metadata, limit: usize) -> Vec<String> {
    let mut problems = Vec::new();
    if !metadata.values().all(MetadataValue::is_finite) {
        metadata.retain(|_, value| value.is_finite());
        problems.push("numbers that are not finite are left out".to_owned());
    }
    let mut sizes: Vec<(usize, String)> =
        metadata.iter().map(|(name, value)| (name.len() + value.size(), name.clone())).collect();
    let mut total: usize = sizes.iter().map(|(size, _)| *size).sum();
    if total <= limit {
        return problems;
    }
    sizes.sort_unstable();
    let mut dropped = Vec::new();
    while total > limit
        && let Some((size, name)) = sizes.pop()
    {
        metadata.remove(&name);
        total -= size;
        dropped.push(shown(&name));
    }
    let more =
        if dropped.len() > 3 { format!(" and {} more", dropped.len() - 3) } else { String::new() };
    dropped.truncate(3);
    problems.push(format!(
        "{}{more} left out, as it is over the limit of {limit} bytes",
        dropped.join(", ")
    ));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Extracted;

    fn pass(document: Document, limits: &Limits) -> (Document, Vec<Problem>) {
        let mut found = Extracted::default();
        assert!(Output::new("f", limits, &mut found).document(document).is_continue());
        (found.documents.remove(0), found.problems)
    }

    #[test]
    fn text_and_title_are_cut_on_a_character_and_the_cut_is_named() {
        let limits = Limits::default().with_text_bytes(4);
        let (document, problems) =
            pass(Document::new("d", "aéé").with_title("x".repeat(TITLE_BYTES + 1)), &limits);
        assert_eq!((document.text.as_str(), document.title.len()), ("aé", TITLE_BYTES));
        assert_eq!(problems.len(), 2);
        assert!(problems.iter().all(Problem::loses_text));
    }

    #[test]
    fn the_largest_metadata_goes_first_and_infinite_numbers_always() {
        let limits = Limits::default().with_metadata_bytes(30);
        let document = Document::new("d", "t")
            .with_metadata("year", 2024)
            .with_metadata("big", "x".repeat(100))
            .with_metadata("nan", MetadataValue::Float(f64::NAN));
        let (document, problems) = pass(document, &limits);
        assert_eq!(document.metadata.keys().collect::<Vec<_>>(), ["year"]);
        assert!(problems[1].message.contains("big"), "{problems:?}");
        assert!(!problems[1].loses_text());
    }
}
