//! Cuts a document into the passages that are indexed, scored and shown.
//!
//! A cross-encoder reads a few hundred tokens; what does not fit is lost. So a text is cut beforehand, at the best
//! place near an even share: between sections, else paragraphs, else lines, sentences, words. The pieces cover the
//! whole text: only white space between them is omitted, and they do not overlap.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Document, Passage, Section};

/// How large passages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SplitOptions {
    /// Maximum number of tokens in a passage, as estimated from its characters.
    pub max_tokens: usize,
}

impl SplitOptions {
    /// The smallest limit in tokens; lower ones are raised to it.
    pub const MIN_MAX_TOKENS: usize = 16;
    /// The default limit in tokens: with title and query it fits a model that reads 512.
    pub const DEFAULT_MAX_TOKENS: usize = 400;

    /// Sets the maximum number of tokens in a passage; at least [`MIN_MAX_TOKENS`](Self::MIN_MAX_TOKENS).
    pub fn with_max_tokens(mut self, tokens: usize) -> Self {
        self.max_tokens = tokens.max(Self::MIN_MAX_TOKENS);
        self
    }
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { max_tokens: Self::DEFAULT_MAX_TOKENS }
    }
}

/// Cuts a document into passages. A document with a title but no text yields one empty passage, so that its title can
/// be found; one with neither yields none. Cost: linear in the text.
pub fn split(document: &Document, options: &SplitOptions) -> Vec<Passage> {
    let text = &document.text;
    let max_tokens = options.max_tokens.max(SplitOptions::MIN_MAX_TOKENS);
    let mut pieces = Vec::new();
    for (range, headings) in sections(document) {
        cut(text, range, max_tokens, |piece| pieces.push((piece, headings)));
    }
    let mut pieces = merge_small(document, pieces, max_tokens);
    if pieces.is_empty() && !document.title.trim().is_empty() {
        pieces.push((0..0, &[], Vec::new()));
    }
    let mut lines = LineCounter::new(text);
    let metadata = Arc::new(document.metadata.clone());
    pieces
        .into_iter()
        .enumerate()
        .map(|(ordinal, (range, headings, subheadings))| {
            let first = lines.line_of(range.start);
            let last = lines.line_of(range.end.saturating_sub(1).max(range.start));
            Passage {
                doc_id: document.id.clone(),
                ordinal: ordinal as u32,
                title: document.title.clone(),
                headings: headings.to_vec(),
                subheadings,
                text: text[range.clone()].to_owned(),
                location: document.locations.resolve(&range, first, last),
                places: document.locations.part(&range, first, last),
                start_byte: range.start as u64,
                end_byte: range.end as u64,
                path: document.path.clone(),
                modified: document.modified,
                metadata: Arc::clone(&metadata),
            }
        })
        .collect()
}

type Piece<'a> = (Range<usize>, &'a [String]);

/// The ranges of text under each heading; offsets that are not on a character boundary are moved back to one.
fn sections(document: &Document) -> Vec<Piece<'_>> {
    let text = &document.text;
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut begin = 0;
    let mut headings: &[String] = &[];
    for Section { start, headings: next } in &document.sections {
        let start = text.floor_char_boundary(*start).max(begin);
        pieces.push((begin..start, headings));
        (begin, headings) = (start, next);
    }
    pieces.push((begin..text.len(), headings));
    pieces
}

/// A piece, and the headings of those that were merged into it.
type Merged<'a> = (Range<usize>, &'a [String], Vec<String>);

/// Merges neighbours while they are small, so that a page of one-line sections does not become a crowd of tiny
/// passages. A piece is merged into the one before it only under the same heading or one below it. Each slide stands by
/// itself: people look for a slide, and one without a title is above none of the others.
fn merge_small<'a>(
    document: &Document,
    pieces: Vec<Piece<'a>>,
    max_tokens: usize,
) -> Vec<Merged<'a>> {
    let several = pieces.len() > 1;
    let mut merged: Vec<(Merged<'a>, usize)> = Vec::new();
    for (range, headings) in pieces {
        let tokens = if several { estimated_tokens(&document.text[range.clone()]) } else { 0 };
        if let Some(((last, above, below), sum)) = merged.last_mut()
            && *sum + tokens <= max_tokens / 2
            && let Some(own) = headings.strip_prefix(*above)
            && !document.locations.are_other_slides(last.start, range.start)
        {
            last.end = range.end;
            *sum += tokens;
            for heading in own {
                if !below.contains(heading) {
                    below.push(heading.clone());
                }
            }
        } else {
            merged.push(((range, headings, Vec::new()), tokens));
        }
    }
    merged.into_iter().map(|(piece, _)| piece).collect()
}

/// Cuts `range` into pieces of roughly equal size and at most `max` tokens, without surrounding white space.
fn cut(text: &str, range: Range<usize>, max: usize, mut emit: impl FnMut(Range<usize>)) {
    let range = trim(text, range);
    if range.is_empty() {
        return;
    }
    // Fast path: most texts are short and need no word scan. A token has at least one byte.
    if range.len() <= max || estimated_tokens(&text[range.clone()]) <= max {
        emit(range);
        return;
    }
    let mut words = words(&text[range.clone()], max);
    let total: usize = words.iter().map(|word| word.tokens).sum();
    let pieces = total.div_ceil(max);
    // The last word of the text ends a piece whatever follows it.
    if let Some(last) = words.last_mut() {
        last.boundary = Boundary::Paragraph;
    }
    let (mut first, mut used) = (0, 0);
    for piece in 0..pieces {
        if first >= words.len() {
            break;
        }
        let share = (total - used).div_ceil(pieces - piece);
        let end = best_end(&words, first, share, max);
        used += words[first..=end].iter().map(|word| word.tokens).sum::<usize>();
        emit(range.start + words[first].start..range.start + words[end].end);
        first = end + 1;
    }
    // Good boundaries can make pieces shorter than their share; the remainder then needs more pieces.
    while first < words.len() {
        let end = best_end(&words, first, max, max);
        emit(range.start + words[first].start..range.start + words[end].end);
        first = end + 1;
    }
}

/// The last word of the piece that begins at word `first`: the strongest boundary between three quarters of the fair
/// share and the limit, the one nearest the share when several are equally strong.
fn best_end(words: &[Word], first: usize, share: usize, max: usize) -> usize {
    let mut sum = 0;
    let mut best = (first, Boundary::Word, usize::MAX);
    for (i, word) in words.iter().enumerate().skip(first) {
        sum += word.tokens;
        if sum > max && i > first {
            break;
        }
        if i + 1 == words.len() && sum <= share {
            return i;
        }
        let distance = sum.abs_diff(share);
        let near = sum * 4 >= share * 3;
        let rank = if near { word.boundary } else { Boundary::Word };
        if (rank, std::cmp::Reverse(distance)) >= (best.1, std::cmp::Reverse(best.2)) {
            best = (i, rank, distance);
        }
    }
    best.0
}

/// How good a place to cut is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Boundary {
    Word,
    Sentence,
    Line,
    Paragraph,
}

struct Word {
    start: usize,
    end: usize,
    tokens: usize,
    /// What follows the word.
    boundary: Boundary,
}

/// Words with estimated token counts; a run without white space that exceeds `max` tokens is cut into several.
fn words(text: &str, max: usize) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut rest = 0;
    while let Some(offset) = text[rest..].find(|c: char| !c.is_whitespace()) {
        let start = rest + offset;
        let end =
            text[start..].find(char::is_whitespace).map_or(text.len(), |offset| start + offset);
        let gap_end = text[end..]
            .find(|c: char| !c.is_whitespace())
            .map_or(text.len(), |offset| end + offset);
        let boundary = match text[end..gap_end].bytes().filter(|byte| *byte == b'\n').count() {
            0 if text[start..end]
                .trim_end_matches(['"', '\'', ')', '”', '’'])
                .ends_with(['.', '!', '?', '。']) =>
            {
                Boundary::Sentence
            }
            0 => Boundary::Word,
            1 => Boundary::Line,
            _ => Boundary::Paragraph,
        };
        push_word(&mut words, text, start..end, max, boundary);
        rest = end;
    }
    words
}

fn push_word(
    words: &mut Vec<Word>,
    text: &str,
    range: Range<usize>,
    max: usize,
    boundary: Boundary,
) {
    let tokens_here = estimated_tokens(&text[range.clone()]);
    if tokens_here <= max {
        words.push(Word { start: range.start, end: range.end, tokens: tokens_here, boundary });
        return;
    }
    // A blob without white space: cut it in proportion to its bytes.
    let middle = text.floor_char_boundary(usize::midpoint(range.start, range.end));
    push_word(words, text, range.start..middle, max, Boundary::Word);
    push_word(words, text, middle..range.end, max, boundary);
}

/// Approximate number of WordPiece tokens in a text: one per eight letters of a word or part thereof, one per
/// punctuation mark, one per ideograph or syllable. Only a rule of thumb: the model's own tokenizer has the last word,
/// and reports when a pair had to be truncated.
pub fn estimated_tokens(text: &str) -> usize {
    let (mut tokens, mut letters) = (0, 0usize);
    if text.is_ascii() {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() {
                // The first of every eight letters begins a token.
                tokens += usize::from(letters.is_multiple_of(8));
                letters += 1;
            } else {
                letters = 0;
                tokens += usize::from(!byte.is_ascii_whitespace() && byte != 0x0b);
            }
        }
        return tokens;
    }
    for c in text.chars() {
        if c.is_alphanumeric() && c < '\u{2e80}' {
            letters += 1;
        } else {
            tokens += letters.div_ceil(8);
            letters = 0;
            tokens += usize::from(!c.is_whitespace());
        }
    }
    tokens + letters.div_ceil(8)
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    start..start + slice.trim().len()
}

/// Counts lines up to increasing offsets, so that a document is scanned only once.
struct LineCounter<'a> {
    text: &'a [u8],
    offset: usize,
    line: usize,
}

impl<'a> LineCounter<'a> {
    fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), offset: 0, line: 0 }
    }

    fn line_of(&mut self, offset: usize) -> usize {
        let newlines = self.text[self.offset..offset].iter().filter(|byte| **byte == b'\n').count();
        self.line += newlines;
        self.offset = offset;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Location, Locations};

    fn passages(text: &str, max_tokens: usize) -> Vec<Passage> {
        split(&Document::new("d", text), &SplitOptions::default().with_max_tokens(max_tokens))
    }

    fn first_line(passage: &Passage) -> u32 {
        let Location::Lines { first, .. } = passage.location else { panic!("{passage:?}") };
        first
    }

    #[test]
    fn a_limit_of_no_tokens_is_raised() {
        let options = SplitOptions { max_tokens: 0 };
        assert!(split(&Document::new("d", "x".repeat(4000)), &options).len() > 1);
    }

    #[test]
    fn a_short_text_is_one_passage() {
        let all = passages("\n\n  One line.\nAnother.\n\n", 400);
        assert_eq!(all.len(), 1);
        assert_eq!(
            (all[0].text.as_str(), &all[0].location),
            ("One line.\nAnother.", &Location::Lines { first: 3, last: 4 })
        );
        assert_eq!((all[0].start_byte, all[0].end_byte), (4, 22));
    }

    #[test]
    fn paragraphs_are_kept_whole_where_possible() {
        let paragraph = "word ".repeat(30);
        let text = [paragraph.trim(); 3].join("\n\n");
        let all = passages(&text, 64);
        assert_eq!(all.iter().map(first_line).collect::<Vec<_>>(), [1, 5]);
    }

    #[test]
    fn a_small_section_joins_its_parent_and_a_sibling_does_not() {
        let text = "# A\nintro\n## B\nshort\n# C\nother\n";
        let at = |needle| text.find(needle).unwrap();
        let document = Document::new("d", text).with_sections(vec![
            Section::new(0, vec!["A".into()]),
            Section::new(at("## B"), vec!["A".into(), "B".into()]),
            Section::new(at("# C"), vec!["C".into()]),
        ]);
        let all = split(&document, &SplitOptions::default());
        assert_eq!(all.iter().map(|p| p.headings.join("/")).collect::<Vec<_>>(), ["A", "C"]);
        assert_eq!(
            (all[0].subheadings.as_slice(), all[1].subheadings.len()),
            (&["B".into()][..], 0)
        );
        assert_eq!(all[1].text, "# C\nother");
        assert_eq!(all[1].full_text(), "# C\nother");
    }

    #[test]
    fn each_slide_is_a_passage_whether_it_has_a_title_or_not() {
        let slide = |number| Location::Slide { first: number, last: number, title: None };
        let document = Document::new("d", "a\nb\nc\nd")
            .with_sections(vec![
                Section::new(0, Vec::new()),
                Section::new(2, Vec::new()),
                Section::new(4, vec!["T".into()]),
                Section::new(6, vec!["T".into()]),
            ])
            .with_locations(Locations::Spans(
                (1..).map(|i| (2 * i as usize - 2, slide(i))).take(4).collect(),
            ));
        let within = Locations::Member("a.pptx".into(), Box::new(document.locations.clone()));
        for document in [document.clone(), document.with_locations(within)] {
            let all = split(&document, &SplitOptions::default());
            let texts: Vec<_> = all.iter().map(|passage| passage.text.as_str()).collect();
            assert_eq!(texts, ["a", "b", "c", "d"]);
        }
    }

    #[test]
    fn a_title_alone_can_be_found_and_nothing_is_nothing() {
        assert_eq!(
            split(&Document::new("d", " ").with_title("T"), &SplitOptions::default()).len(),
            1
        );
        assert!(split(&Document::new("d", " \n"), &SplitOptions::default()).is_empty());
    }

    #[test]
    fn source_lines_come_from_the_map() {
        let document =
            Document::new("d", "a\nb\nc").with_locations(Locations::LineMap(vec![10, 20, 30]));
        let all = split(&document, &SplitOptions::default());
        assert_eq!(all[0].location, Location::Lines { first: 10, last: 30 });
    }

    proptest! {
        #[test]
        fn passages_cover_the_text_in_order_and_keep_the_limit(
            text in "([a-z]{1,12}[ .\n]{0,3}|[日本é#]{1,4}|[0-9a-f]{200}){0,120}", max in 16usize..80
        ) {
            let all = passages(&text, max);
            let mut covered = 0;
            for passage in &all {
                let (start, end) = (passage.start_byte as usize, passage.end_byte as usize);
                prop_assert!(text[covered..start].trim().is_empty());
                prop_assert_eq!(&text[start..end], &passage.text);
                prop_assert_eq!(first_line(passage) as usize, 1 + text[..start].matches('\n').count());
                prop_assert!(estimated_tokens(&passage.text) <= max, "{} > {}", estimated_tokens(&passage.text), max);
                covered = end;
            }
            prop_assert!(text[covered..].trim().is_empty());
        }
    }
}
