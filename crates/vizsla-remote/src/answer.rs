//! What an engine answers to a search: hits with scores, and what of the answer is missing.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use serde_json::{Map, Value};
use vizsla::{Error, ErrorKind, Matched};

/// Marks around words in highlighted text: characters that no text has.
pub(crate) const MARKS: [&str; 2] = ["\u{E000}\u{E001}", "\u{E001}\u{E000}"];

/// Longer texts are not highlighted: engines refuse to.
pub(crate) const HIGHLIGHTED_CHARACTERS: usize = 900_000;

/// What an engine knows a document by: its index and its id.
pub(crate) type Key = (String, String);

#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) key: Key,
    pub(crate) score: f32,
    pub(crate) source: Map<String, Value>,
    pub(crate) highlight: Map<String, Value>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) hits: Vec<Hit>,
    pub(crate) matched: Option<Matched>,
    /// What did not answer, or not in time.
    pub(crate) missing: Option<String>,
    /// The engine's own account of its time.
    pub(crate) took: Option<Duration>,
}

/// The milliseconds at this place of an answer.
pub(crate) fn took(body: &Value, place: &str) -> Option<Duration> {
    body.pointer(place).and_then(Value::as_u64).map(Duration::from_millis)
}

/// That an answer is not one to a search.
pub(crate) fn broken(what: &str) -> Error {
    let message = format!("the engine answered a search with something else: {what}");
    Error::new(ErrorKind::Retrieve, message)
}

/// The byte ranges between marks, if the text without them is `text`.
pub(crate) fn highlights(marked: &str, text: &str) -> Option<Vec<Range<usize>>> {
    let mut ranges = Vec::new();
    let (mut plain, mut rest) = (String::with_capacity(text.len()), marked);
    while let Some((before, after)) = rest.split_once(MARKS[0]) {
        let (word, after) = after.split_once(MARKS[1])?;
        plain.push_str(before);
        ranges.push(plain.len()..plain.len() + word.len());
        plain.push_str(word);
        rest = after;
    }
    plain.push_str(rest);
    (plain == text).then_some(ranges)
}

/// Where words of a query stand in a text as they are, in any case: highlights for an engine that has none.
pub(crate) fn words_of(query: &str, text: &str) -> Vec<Range<usize>> {
    let words =
        |of: &str| of.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
    let wanted: BTreeSet<String> = words(query);
    let mut ranges = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if wanted.contains(&word.to_lowercase()) {
            let from = word.as_ptr() as usize - text.as_ptr() as usize;
            ranges.push(from..from + word.len());
        }
    }
    ranges
}

/// The engine's account of a score, a line a part.
pub(crate) fn told(tree: &Value, depth: usize) -> String {
    let value = tree.get("value").and_then(Value::as_f64).unwrap_or(0.0);
    let what = tree.get("description").and_then(Value::as_str).unwrap_or_default();
    let mut text = format!("{}{value} {what}\n", "  ".repeat(depth));
    for part in tree.get("details").and_then(Value::as_array).into_iter().flatten() {
        text.push_str(&told(part, depth + 1));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_they_stand() {
        assert_eq!(words_of("Döge cat's x", "a döge, and a CAT"), [2..7, 15..18]);
        assert!(words_of("?", "a b").is_empty());
    }

    #[test]
    fn marks_become_ranges_of_the_text_they_are_of() {
        let [a, b] = MARKS;
        let marked = format!("a {a}dög{b} and {a}cat{b}");
        assert_eq!(highlights(&marked, "a dög and cat").unwrap(), [2..6, 11..14]);
        assert_eq!(highlights(&marked, "a dog and cat"), None);
        assert_eq!(highlights(&format!("x {a}y"), "x y"), None);
    }
}
