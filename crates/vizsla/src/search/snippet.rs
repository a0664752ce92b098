//! The part of a passage worth showing: where most of its matches are.

use serde::{Deserialize, Serialize};

/// About how many bytes are shown.
const LENGTH: usize = 480;
/// About how many bytes are shown before the first match.
const LEAD: usize = 60;

/// A part of a passage, cut at word boundaries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Snippet {
    /// The text.
    pub text: String,
    /// Byte ranges of `text`, `[start, end)`, that match words of the query.
    pub highlights: Vec<[usize; 2]>,
    /// Offset of its first byte in the passage.
    pub start: usize,
    /// Offset just past its last byte in the passage.
    pub end: usize,
}

impl Snippet {
    /// The part of `text` with most of `highlights`, byte ranges in order and disjoint. Cost: linear in the text and in
    /// the highlights.
    pub(super) fn of(text: &str, highlights: &[[usize; 2]]) -> Self {
        let (start, end) = window(text, highlights);
        let inside = highlights.iter().filter(|[from, to]| *from >= start && *to <= end);
        Self {
            text: text[start..end].to_owned(),
            highlights: inside.map(|[from, to]| [from - start, to - start]).collect(),
            start,
            end,
        }
    }
}

/// Begins at the word before the match that is followed by the most matches within the window.
fn window(text: &str, highlights: &[[usize; 2]]) -> (usize, usize) {
    if text.len() <= LENGTH {
        return (0, text.len());
    }
    let best = densest(highlights);
    let context = text.ceil_char_boundary(best.saturating_sub(LEAD));
    let start = if context == 0 {
        0
    } else {
        text[context..].find(char::is_whitespace).map_or(best, |at| (context + at + 1).min(best))
    };
    let start = text.floor_char_boundary(start);
    let limit = text.ceil_char_boundary((start + LENGTH).min(text.len()));
    let end = if limit == text.len() {
        limit
    } else {
        text[start..limit].rfind(char::is_whitespace).map_or(limit, |at| start + at)
    };
    (start, end)
}

/// The start of the first match that is followed by the most matches within the window; 0 without matches.
fn densest(highlights: &[[usize; 2]]) -> usize {
    let (mut best, mut most, mut end) = (0, 0, 0);
    for (first, [start, _]) in highlights.iter().enumerate() {
        while highlights.get(end).is_some_and(|[_, to]| *to <= start + LENGTH) {
            end += 1;
        }
        if end.saturating_sub(first) > most {
            (best, most) = (*start, end - first);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_passage_is_shown_whole() {
        let snippet = Snippet::of("a dog barks", &[[2, 5]]);
        assert_eq!((snippet.text.as_str(), snippet.start, snippet.end), ("a dog barks", 0, 11));
        assert_eq!(snippet.highlights, [[2, 5]]);
    }

    #[test]
    fn the_part_with_most_matches_is_shown() {
        let text = format!("dog {}two dog dog dog here", "filler ".repeat(200));
        let at = |from: usize| text[from..].find("dog").map(|at| from + at).unwrap();
        let mut highlights = vec![[0, 3]];
        let mut from = 4;
        for _ in 0..3 {
            let start = at(from);
            highlights.push([start, start + 3]);
            from = start + 3;
        }
        let snippet = Snippet::of(&text, &highlights);
        assert_eq!(snippet.highlights.len(), 3);
        assert!(snippet.text.ends_with("two dog dog dog here"));
        for [from, to] in snippet.highlights {
            assert_eq!(&snippet.text[from..to], "dog");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_cut_at_characters(text in "[a é水]{0,900}", from in 0usize..900) {
            let from = text.floor_char_boundary(from.min(text.len()));
            let to = text.ceil_char_boundary((from + 1).min(text.len()));
            let snippet = Snippet::of(&text, &[[from, to]]);
            prop_assert_eq!(&text[snippet.start..snippet.end], snippet.text);
        }
    }
}
