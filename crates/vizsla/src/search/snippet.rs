//! The part of a passage worth showing: the sentence that answers best, with what stands around it.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use vizsla_core::Location;

/// About how many bytes of a sentence are shown.
const LENGTH: usize = 480;
/// About how many bytes of a longer sentence are shown before the first match.
const LEAD: usize = 60;
/// How many bytes a line around the sentence may have.
const LINE: usize = 160;

/// The sentence of a passage that answers best, with what stands around it; cut at word boundaries.
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
    /// Byte range of `text` that is the sentence.
    #[serde(default)]
    pub sentence: [usize; 2],
    /// Where the sentence is in the source: its line, page, cell and so on where they are known, else where the passage is.
    #[serde(default)]
    pub location: Location,
}

impl Snippet {
    /// How many lines around the sentence are shown by default.
    pub const DEFAULT_CONTEXT: usize = 1;

    /// A sentence of a passage, with the rest of its lines and `context` lines before and after; of one that is too long to
    /// be shown whole, a part alone. `highlights` are byte ranges of the text, in order and disjoint, `place` tells where a
    /// range of it is. Cost: linear in the text and in the highlights.
    pub(super) fn of(
        text: &str,
        highlights: &[[usize; 2]],
        sentence: Range<usize>,
        place: impl FnOnce(Range<usize>) -> Location,
        context: usize,
    ) -> Self {
        let shown = window(text, highlights, sentence.clone());
        let Range { start, end } =
            if shown == sentence { around(text, &shown, context) } else { shown.clone() };
        // White space at the end is not shown.
        let end = start + text[start..end].trim_end().len();
        let shown = shown.start..shown.end.min(end);
        let inside = highlights.iter().filter(|[from, to]| *from >= start && *to <= end);
        Self {
            text: text[start..end].to_owned(),
            highlights: inside.map(|[from, to]| [from - start, to - start]).collect(),
            start,
            end,
            sentence: [shown.start - start, shown.end - start],
            location: place(shown),
        }
    }
}

/// The part of a sentence to show, which begins at the word before the match that is followed by the most matches.
fn window(text: &str, highlights: &[[usize; 2]], sentence: Range<usize>) -> Range<usize> {
    if sentence.len() <= LENGTH {
        return sentence;
    }
    let inside =
        highlights.iter().filter(|[from, to]| *from >= sentence.start && *to <= sentence.end);
    let inside: Vec<[usize; 2]> = inside.copied().collect();
    let best = densest(&inside).unwrap_or(sentence.start);
    let start = word_start(text, best.saturating_sub(LEAD).max(sentence.start)..best);
    word_end(text, start..(start + LENGTH).min(sentence.end))
}

/// The start of the first match that is followed by the most matches within the length shown.
fn densest(highlights: &[[usize; 2]]) -> Option<usize> {
    let (mut best, mut most, mut end) = (None, 0, 0);
    for (first, [start, _]) in highlights.iter().enumerate() {
        while highlights.get(end).is_some_and(|[_, to]| *to <= start + LENGTH) {
            end += 1;
        }
        if end.saturating_sub(first) > most {
            (best, most) = (Some(*start), end - first);
        }
    }
    best
}

/// From the first word that begins in the range, unless it begins with one.
fn word_start(text: &str, range: Range<usize>) -> usize {
    let start = text.floor_char_boundary(range.start);
    if text[..start].chars().next_back().is_none_or(char::is_whitespace) {
        return start;
    }
    text[start..range.end].find(char::is_whitespace).map_or(start, |at| {
        let rest = &text[start + at..];
        (start + at + rest.len() - rest.trim_start().len()).min(range.end)
    })
}

/// Up to the last word that ends in the range.
fn word_end(text: &str, range: Range<usize>) -> Range<usize> {
    let end = text.ceil_char_boundary(range.end);
    let whole = text[end..].chars().next().is_none_or(char::is_whitespace);
    let cut = if whole { None } else { text[range.start..end].rfind(char::is_whitespace) };
    range.start..cut.map_or(end, |at| range.start + at)
}

/// The range with the rest of its lines and so many lines before and after; blank lines do not count.
fn around(text: &str, range: &Range<usize>, context: usize) -> Range<usize> {
    let room = LINE.saturating_mul(context.saturating_add(1));
    let first = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let last = text[range.end..].find('\n').map_or(text.len(), |at| range.end + at + 1);
    let start = first - reach(text[..first].split_inclusive('\n').rev(), context);
    let end = last + reach(text[last..].split_inclusive('\n'), context);
    let start = if range.start - start > room {
        word_start(text, range.start - room..range.start)
    } else {
        start
    };
    let end = if end - range.end > room {
        word_end(text, range.end..range.end.saturating_add(room)).end
    } else {
        end
    };
    start..end
}

/// How many bytes so many lines have, and the blank ones between them.
fn reach<'a>(lines: impl Iterator<Item = &'a str>, count: usize) -> usize {
    let (mut length, mut reached, mut left) = (0, 0, count);
    for line in lines {
        if left == 0 {
            break;
        }
        length += line.len();
        if !line.trim().is_empty() {
            (reached, left) = (length, left - 1);
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vizsla_core::Passage;

    use super::super::sentence;
    use super::*;

    fn snippet(text: &str, highlights: &[[usize; 2]], context: usize) -> Snippet {
        let lines = text.matches('\n').count() as u32;
        let mut passage = Passage::new("d", 0, text);
        passage.location = Location::Lines { first: 11, last: 11 + lines };
        let sentence = sentence::best(text, highlights, &[], "dog");
        Snippet::of(text, highlights, sentence, |part| passage.location_of(part), context)
    }

    fn every(text: &str, word: &str) -> Vec<[usize; 2]> {
        text.match_indices(word).map(|(at, word)| [at, at + word.len()]).collect()
    }

    #[test]
    fn the_sentence_is_shown_with_the_lines_around_it() {
        let text = "one\ntwo\n\nA cat. A dog barks. It eats.\n\n  four\nfive\n";
        let shown = |context| {
            let snippet = snippet(text, &every(text, "dog"), context);
            let [from, to] = snippet.sentence;
            assert_eq!(&snippet.text[from..to], "A dog barks.");
            assert_eq!(snippet.location, Location::Lines { first: 14, last: 14 });
            let [from, to] = snippet.highlights[0];
            assert_eq!(&snippet.text[from..to], "dog");
            snippet.text
        };
        assert_eq!(shown(0), "A cat. A dog barks. It eats.");
        assert_eq!(shown(1), "two\n\nA cat. A dog barks. It eats.\n\n  four");
        assert_eq!(shown(9), text.trim_end());
    }

    #[test]
    fn a_long_line_is_cut_around_the_sentence_and_a_long_sentence_around_its_matches() {
        let text = format!("{}A dog barks. {}", "Filler is here. ".repeat(90), "More. ".repeat(90));
        let found = snippet(&text, &every(&text, "dog"), 1);
        assert!(found.text.len() < 700 && found.text.starts_with(['F', 'i', 'h']), "{found:?}");
        let text = format!("dog {}two dog dog dog here", "filler ".repeat(200));
        let found = snippet(&text, &every(&text, "dog"), 0);
        assert_eq!(found.highlights.len(), 3);
        assert!(found.text.ends_with("two dog dog dog here"));
        for [from, to] in found.highlights {
            assert_eq!(&found.text[from..to], "dog");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_cut_at_characters(text in "[a é水.\n]{0,1900}", from in 0usize..1900, context in 0usize..4) {
            let from = text.floor_char_boundary(from.min(text.len()));
            let to = text.ceil_char_boundary((from + 1).min(text.len()));
            let found = snippet(&text, &[[from, to]], context);
            prop_assert_eq!(&text[found.start..found.end], &found.text);
            let [from, to] = found.sentence;
            prop_assert!(found.text.get(from..to).is_some());
        }
    }
    #[test]
    fn a_text_of_white_space_has_an_empty_sentence() {
        let found = snippet("  \n ", &[], 0);
        assert_eq!((found.text.as_str(), found.sentence), ("", [0, 0]));
    }
}
