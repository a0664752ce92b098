//! The part of a passage that the reranker reads: the run of sentences in which the query's words are. In: a text and where
//! words of the query are in it. Out: a byte range.

use std::ops::Range;

use vizsla_core::estimated_tokens;

use super::sentence;

/// How soon further occurrences of a word stop counting; `k1` of BM25.
const SATURATION: f64 = 0.9;
/// A longer sentence is taken in pieces of at most so many tokens.
const PIECE: usize = 32;

/// A word of the query in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Match {
    /// Where it is.
    pub(super) range: Range<usize>,
    /// Which word it is, as an index into the weights.
    pub(super) word: usize,
}

/// The run of sentences of at most `max_tokens` tokens, as [`estimated_tokens`] counts them, that has the most of the query's
/// words: the sum of `weights[word] · n / (n + k1)` over the words, `n` being how often each is there. The first of equals;
/// what room is left is filled with the sentences after it, then before it. All of a text that fits. `matches` are in
/// order. Cost: linear in the text.
pub(super) fn excerpt(
    text: &str,
    matches: &[Match],
    weights: &[f64],
    max_tokens: usize,
) -> Range<usize> {
    // A token has at least one byte.
    if text.len() <= max_tokens || estimated_tokens(text) <= max_tokens {
        return 0..text.len();
    }
    let pieces = pieces(text, matches);
    let mut best = best_run(&pieces, weights, max_tokens);
    // What explains a sentence comes after it more often than before.
    best.start +=
        pieces[best.clone()].iter().position(|piece| !piece.words.is_empty()).unwrap_or(0);
    let Range { start, end } = widened(&pieces, best, max_tokens);
    match (pieces.get(start), pieces[..end].last()) {
        (Some(first), Some(last)) => first.range.start..last.range.end,
        _ => 0..text.len(),
    }
}

/// A sentence or part of one.
struct Piece {
    range: Range<usize>,
    tokens: usize,
    /// The words of the query in it, once for each time.
    words: Vec<usize>,
}

fn pieces(text: &str, matches: &[Match]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for sentence in sentence::sentences(text) {
        let mut piece = sentence.start..sentence.start;
        let mut tokens = 0;
        for word in text[sentence].split_inclusive(char::is_whitespace) {
            let cost = estimated_tokens(word);
            if tokens > 0 && tokens + cost > PIECE {
                pieces.push(Piece { range: piece.clone(), tokens, words: Vec::new() });
                (piece.start, tokens) = (piece.end, 0);
            }
            piece.end += word.len();
            tokens += cost;
        }
        pieces.push(Piece { range: piece, tokens, words: Vec::new() });
    }
    let mut matches = matches.iter().peekable();
    for piece in &mut pieces {
        while let Some(found) = matches.next_if(|found| found.range.start < piece.range.end) {
            piece.words.push(found.word);
        }
    }
    pieces
}

/// The first run with the highest score among those that fit; a piece that does not fit by itself is a run of one.
fn best_run(pieces: &[Piece], weights: &[f64], max_tokens: usize) -> Range<usize> {
    let mut run = Run { counts: vec![0; weights.len()], tokens: 0, score: 0.0 };
    let (mut best, mut most, mut start) = (0..0, f64::NEG_INFINITY, 0);
    for (last, piece) in pieces.iter().enumerate() {
        run.add(piece, weights);
        while run.tokens > max_tokens && start < last {
            run.remove(&pieces[start], weights);
            start += 1;
        }
        // Adding and removing leaves rounding errors, which decide nothing.
        if run.score > most + 1e-9 {
            (best, most) = (start..last + 1, run.score);
        }
    }
    best
}

struct Run {
    counts: Vec<u32>,
    tokens: usize,
    score: f64,
}

impl Run {
    fn add(&mut self, piece: &Piece, weights: &[f64]) {
        self.tokens += piece.tokens;
        for &word in &piece.words {
            let count = self.counts[word];
            self.counts[word] = count + 1;
            self.score += weights[word] * (saturated(count + 1) - saturated(count));
        }
    }

    fn remove(&mut self, piece: &Piece, weights: &[f64]) {
        self.tokens -= piece.tokens;
        for &word in &piece.words {
            let count = self.counts[word];
            self.counts[word] = count - 1;
            self.score -= weights[word] * (saturated(count) - saturated(count - 1));
        }
    }
}

fn saturated(count: u32) -> f64 {
    f64::from(count) / (f64::from(count) + SATURATION)
}

/// The run with as many pieces after it, then before it, as there is room for.
fn widened(pieces: &[Piece], mut run: Range<usize>, max_tokens: usize) -> Range<usize> {
    let mut tokens: usize = pieces[run.clone()].iter().map(|piece| piece.tokens).sum();
    while let Some(next) = pieces.get(run.end).filter(|next| tokens + next.tokens <= max_tokens) {
        tokens += next.tokens;
        run.end += 1;
    }
    while let Some(previous) =
        pieces[..run.start].last().filter(|previous| tokens + previous.tokens <= max_tokens)
    {
        tokens += previous.tokens;
        run.start -= 1;
    }
    run
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Matches of whole words, each with the weight given.
    fn read<'a>(text: &'a str, words: &[(&str, f64)], max_tokens: usize) -> &'a str {
        let mut matches: Vec<Match> = Vec::new();
        for (word, (letters, _)) in words.iter().enumerate() {
            let found = text.match_indices(letters);
            matches.extend(found.map(|(at, found)| Match { range: at..at + found.len(), word }));
        }
        matches.sort_by_key(|found| found.range.start);
        let weights: Vec<f64> = words.iter().map(|(_, weight)| *weight).collect();
        &text[excerpt(text, &matches, &weights, max_tokens)]
    }

    const TEXT: &str = "Dogs bark. Cats purr at night. Owls hunt mice. Mice eat corn. Cats hunt mice at night. The end comes.";

    #[test]
    fn the_sentences_with_most_of_the_words_are_read() {
        assert_eq!(read(TEXT, &[("hunt", 1.0), ("Cats", 1.0)], 6), "Cats hunt mice at night.");
        // A rare word counts more than two common ones.
        assert_eq!(read(TEXT, &[("corn", 3.0), ("hunt", 1.0), ("Cats", 1.0)], 4), "Mice eat corn.");
        // Nothing to go by: the beginning.
        assert_eq!(read(TEXT, &[], 3), "Dogs bark.");
        assert_eq!(read(TEXT, &[], 1000), TEXT);
    }

    #[test]
    fn room_that_is_left_is_filled() {
        let words = [("corn", 1.0)];
        assert_eq!(read(TEXT, &words, 10), "Mice eat corn. Cats hunt mice at night.");
        let text = "Dogs bark. Cats purr. Mice eat corn.";
        assert_eq!(read(text, &words, 7), "Cats purr. Mice eat corn.");
    }

    #[test]
    fn a_long_sentence_is_read_in_part() {
        let text = format!("{}the answer is here {}", "filler ".repeat(100), "more ".repeat(100));
        let part = read(&text, &[("answer", 1.0)], 40);
        assert!(part.contains("answer") && part.len() < 300, "{part}");
    }

    proptest! {
        #[test]
        fn any_text_is_cut_at_characters_and_within_the_limit(
            text in "[a é水.!\n]{0,400}", at in 0usize..400, max_tokens in 33usize..90
        ) {
            let from = text.floor_char_boundary(at.min(text.len()));
            let to = text.ceil_char_boundary((from + 1).min(text.len()));
            let matches = [Match { range: from..to, word: 0 }];
            let range = excerpt(&text, &matches, &[1.0], max_tokens);
            let part = text.get(range).expect("at characters");
            let whole_word = part.split_whitespace().map(estimated_tokens).max().unwrap_or(0);
            prop_assert!(estimated_tokens(part) <= max_tokens.max(whole_word + PIECE));
        }
    }
}
