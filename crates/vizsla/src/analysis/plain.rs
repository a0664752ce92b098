//! The plain analysis, with which published baselines are compared: words as they are written, each as one term.
//!
//! Words by Unicode's rules (UAX #29), lower-cased, stop words removed, stemmed by the language's Snowball stemmer; for
//! English also the possessive `'s` is removed and Lucene's 33 stop words are used: the analysis behind Anserini's
//! published BM25 baselines, except for its older Porter stemmer. A compound such as `snake_case`, `camelCase`,
//! `example.com` or `v1.2` is indexed both whole and in parts. Chinese, Japanese and Korean are indexed as overlapping
//! pairs of characters, whatever the language (as Lucene's `CJKBigramFilter` does).

use std::iter::Peekable;

use tantivy::tokenizer::{Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer};

use super::language::Language;
use super::segment::{WordIndices, starts_unseparated, without_possessive};

pub(crate) fn analyzer(language: Language) -> TextAnalyzer {
    let words = Words { english: language == Language::English, ..Words::default() };
    let Some(snowball) = language.snowball() else {
        return TextAnalyzer::from(words);
    };
    let stop_words = language.stop_word_filter();
    TextAnalyzer::builder(words).filter(stop_words).filter(Stemmer::new(snowball)).build()
}

/// Words longer than this are noise such as encoded data; the engine could not store the longest anyway.
const MAX_WORD_BYTES: usize = 255;

#[derive(Clone, Default)]
struct Words {
    english: bool,
    token: Token,
}

struct WordStream<'a> {
    text: &'a str,
    words: Peekable<WordIndices<'a>>,
    english: bool,
    /// The compound whose parts are still to be emitted, and where the next part may begin.
    compound: Option<(usize, &'a str, usize)>,
    /// The run of characters still to be emitted as bigrams.
    pairs: Option<(usize, usize)>,
    token: &'a mut Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream {
            text,
            words: WordIndices::new(text).peekable(),
            english: self.english,
            compound: None,
            pairs: None,
            token: &mut self.token,
        }
    }
}

impl<'a> WordStream<'a> {
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
            // A single letter carries no meaning, and the whole word has already been emitted.
            if end - start > 1 && end - start < word.len() {
                self.set(offset + start, &word[start..end]);
                return true;
            }
        }
        false
    }

    /// The next two characters of a run, or its only one.
    fn advance_pair(&mut self) -> bool {
        let Some((from, end)) = self.pairs else { return false };
        let run = &self.text[from..end];
        let mut ends = run.char_indices().map(|(at, c)| at + c.len_utf8());
        let (first, second) = (ends.next().unwrap_or(run.len()), ends.next());
        // The last character was already emitted as the second of a pair, unless it is the whole run.
        self.pairs =
            (second.is_some_and(|second| second < run.len())).then_some((from + first, end));
        self.token.position = self.token.position.wrapping_add(1);
        self.set(from, &run[..second.unwrap_or(first)]);
        true
    }

    /// A run of characters without white space in a script that does not separate words.
    fn begin_run(&mut self, offset: usize, word: &'a str) {
        let mut end = offset + word.len();
        while let Some((_, next)) =
            self.words.next_if(|(start, next)| *start == end && starts_unseparated(next))
        {
            end += next.len();
        }
        self.pairs = Some((offset, end));
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        if self.advance_part() || self.advance_pair() {
            return true;
        }
        while let Some((offset, word)) = self.words.next() {
            if starts_unseparated(word) {
                self.begin_run(offset, word);
                return self.advance_pair();
            }
            let word = if self.english { without_possessive(word) } else { word };
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

/// Whether a word has inner punctuation between letters, or an upper-case letter after a lower-case one. Numbers such
/// as `3.14` are not compounds.
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

    fn terms_in(language: Language, text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        analyzer(language).token_stream(text).process(&mut |token| terms.push(token.text.clone()));
        terms
    }

    fn terms(text: &str) -> Vec<String> {
        terms_in(Language::English, text)
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
    fn other_languages_have_their_own_stemmers() {
        assert_eq!(terms_in(Language::German, "die Häuser und Gärten"), ["haus", "gart"]);
        assert_eq!(terms_in(Language::French, "les chevaux"), ["cheval"]);
        assert_eq!(terms_in(Language::Other, "the Houses"), ["the", "houses"]);
        for language in Language::ALL {
            assert_eq!(language.to_string().parse(), Ok(language));
            assert!(!terms_in(language, "Qwertyx").is_empty());
        }
        assert!("klingon".parse::<Language>().unwrap_err().to_string().contains("german"));
    }

    #[test]
    fn scripts_without_spaces_are_emitted_in_pairs() {
        assert_eq!(terms("東京都 tokyo"), ["東京", "京都", "tokyo"]);
        assert_eq!(terms("水"), ["水"]);
        assert_eq!(terms("検索エンジン"), ["検索", "索エ", "エン", "ンジ", "ジン"]);
        assert_eq!(terms("한국어"), ["한국", "국어"]);
    }

    #[test]
    fn offsets_point_at_the_word_as_written() {
        let text = "Die Größe: fooBar 日本語";
        let mut analyzer = analyzer(Language::English);
        let mut stream = analyzer.token_stream(text);
        let mut seen = Vec::new();
        while let Some(token) = stream.next() {
            seen.push((&text[token.offset_from..token.offset_to], token.position));
        }
        let words = [("Die", 0), ("Größe", 1), ("fooBar", 2), ("foo", 2), ("Bar", 2)];
        assert_eq!(seen[..5], words);
        assert_eq!(seen[5..], [("日本", 3), ("本語", 4)]);
    }
}
