//! How a text becomes terms, the same for passages, queries and highlights.
//!
//! Words after Unicode's rules (UAX #29), possessive `'s` removed, lower case, English stop words removed, English
//! stemmer: the analysis behind the published BM25 baselines of Anserini, but for its older Porter stemmer. A compound
//! such as `snake_case`, `camelCase` or `example.com` is indexed whole and in parts.

use tantivy::tokenizer::{
    Language, Stemmer, StopWordFilter, TextAnalyzer, Token, TokenStream, Tokenizer,
};
use unicode_segmentation::{UnicodeSegmentation, UnicodeWordIndices};

/// The name under which the analyzer is known to the index.
pub(crate) const ENGLISH: &str = "vizsla_english_1";

/// The 33 words that Lucene's `EnglishAnalyzer` drops.
const STOP_WORDS: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it",
    "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these",
    "they", "this", "to", "was", "will", "with",
];

pub(crate) fn english() -> TextAnalyzer {
    TextAnalyzer::builder(Words::default())
        .filter(StopWordFilter::remove(STOP_WORDS.map(String::from)))
        .filter(Stemmer::new(Language::English))
        .build()
}

/// Words longer than this are noise such as encoded data; the engine could not hold the longest anyway.
const MAX_WORD_BYTES: usize = 255;

#[derive(Clone, Default)]
struct Words {
    token: Token,
}

struct WordStream<'a> {
    words: UnicodeWordIndices<'a>,
    /// The word whose parts are still to be told, and where the next part may begin.
    compound: Option<(usize, &'a str, usize)>,
    token: &'a mut Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream { words: text.unicode_word_indices(), compound: None, token: &mut self.token }
    }
}

impl WordStream<'_> {
    fn set(&mut self, offset: usize, text: &str) {
        self.token.offset_from = offset;
        self.token.offset_to = offset + text.len();
        self.token.text.clear();
        if text.is_ascii() {
            self.token.text.push_str(text);
            self.token.text.make_ascii_lowercase();
        } else {
            self.token.text.extend(text.chars().flat_map(char::to_lowercase));
        }
    }

    /// The next part of the current compound, at the same position as the compound itself.
    fn advance_part(&mut self) -> bool {
        while let Some((offset, word, from)) = self.compound {
            let Some((start, end)) = next_part(word, from) else {
                self.compound = None;
                return false;
            };
            self.compound = Some((offset, word, end));
            // A single letter says nothing, and the whole word has been told already.
            if end - start > 1 && end - start < word.len() {
                self.set(offset + start, &word[start..end]);
                return true;
            }
        }
        false
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        if self.advance_part() {
            return true;
        }
        for (offset, word) in self.words.by_ref() {
            let word = word
                .strip_suffix("'s")
                .or_else(|| word.strip_suffix("’s"))
                .or_else(|| word.strip_suffix("'S"))
                .unwrap_or(word);
            self.token.position = self.token.position.wrapping_add(1);
            if word.len() > MAX_WORD_BYTES {
                continue;
            }
            self.set(offset, word);
            if is_compound(word) {
                self.compound = Some((offset, word, 0));
            }
            return true;
        }
        false
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// Whether a word has inner punctuation between letters, or a capital after a small letter. Numbers such as `3.14` are
/// no compounds.
fn is_compound(word: &str) -> bool {
    let bytes = word.as_bytes();
    word.is_ascii()
        && bytes.iter().any(u8::is_ascii_alphabetic)
        && (bytes.iter().any(|byte| matches!(byte, b'_' | b'.' | b':'))
            || bytes.windows(2).any(is_hump))
}

fn is_hump(pair: &[u8]) -> bool {
    pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()
}

/// The first part of an ASCII word at or after `from`.
fn next_part(word: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = word.as_bytes();
    let start = from + bytes[from..].iter().position(u8::is_ascii_alphanumeric)?;
    let length = (start + 1..bytes.len())
        .find(|i| !bytes[*i].is_ascii_alphanumeric() || is_hump(&bytes[i - 1..=*i]))
        .map_or(bytes.len() - start, |end| end - start);
    Some((start, start + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        english().token_stream(text).process(&mut |token| terms.push(token.text.clone()));
        terms
    }

    #[test]
    fn english_is_stemmed_and_stripped() {
        assert_eq!(terms("The dog's runs, and RUNNING cats!"), ["dog", "run", "run", "cat"]);
        assert_eq!(terms("what is it to be"), ["what"]);
    }

    #[test]
    fn compounds_are_found_whole_and_in_parts() {
        assert_eq!(terms("getUserName"), ["getusernam", "get", "user", "name"]);
        assert_eq!(terms("snake_case_x"), ["snake_case_x", "snake", "case"]);
        assert_eq!(terms("docs.rs 3.14 v1.2"), ["docs.r", "doc", "rs", "3.14", "v1.2", "v1"]);
    }

    #[test]
    fn offsets_point_at_the_word_as_written() {
        let text = "Die Größe: fooBar";
        let mut analyzer = english();
        let mut stream = analyzer.token_stream(text);
        let mut seen = Vec::new();
        while let Some(token) = stream.next() {
            seen.push((&text[token.offset_from..token.offset_to], token.position));
        }
        assert_eq!(seen, [("Die", 0), ("Größe", 1), ("fooBar", 2), ("foo", 2), ("Bar", 2)]);
    }
}
