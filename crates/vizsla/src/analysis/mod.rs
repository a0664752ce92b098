//! Turns text into terms, identically for passages, queries and highlights.
//!
//! The analysis of an index is one of its settings: [`Analysis::Variants`] finds a word however it is written,
//! [`Analysis::Plain`] is what published baselines use. `units` says what is a word, `stream` what the index stores of it,
//! `query` what a query looks for.

mod fold;
mod highlight;
mod language;
mod normal;
mod numbers;
mod plain;
mod query;
mod segment;
mod stream;
mod units;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tantivy::tokenizer::{RawTokenizer, TextAnalyzer};

pub(crate) use self::highlight::{QueryWords, highlight, terms_of_groups};
pub use self::language::{Language, UnknownLanguage};
pub(crate) use self::plain::analyzer as plain_analyzer;
pub(crate) use self::query::{OTHER_SPELLING, Slot, WordGroup};
pub(crate) use self::stream::DERIVED;
use self::stream::Words;

/// How texts become terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Analysis {
    /// A word is found however it is written: with or without marks, ligatures, hyphens and invisible characters, in
    /// any width, as one word or as a compound of several; the spelling asked for ranks first. Stop words are indexed,
    /// and looked for when nothing else is asked and in phrases.
    #[default]
    Variants,
    /// Words by Unicode's rules, lower-cased, without stop words, stemmed: the analysis of Anserini's baselines.
    Plain,
}

impl Analysis {
    /// What an index was made with that does not say so.
    pub(crate) fn before_it_was_stored() -> Self {
        Self::Plain
    }

    /// The name under which its analyzer is registered with an index; the language is in the index's settings.
    pub(crate) fn tokenizer(self) -> &'static str {
        match self {
            Self::Variants => "vizsla_3",
            Self::Plain => "vizsla_2",
        }
    }
}

/// The name in lower case.
impl fmt::Display for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Variants => "variants",
            Self::Plain => "plain",
        })
    }
}

impl FromStr for Analysis {
    type Err = UnknownAnalysis;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "variants" => Ok(Self::Variants),
            "plain" | "anserini" => Ok(Self::Plain),
            _ => Err(UnknownAnalysis(text.to_owned())),
        }
    }
}

/// A text that does not name an analysis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAnalysis(String);

impl fmt::Display for UnknownAnalysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a known analysis: use variants or plain", self.0)
    }
}

impl std::error::Error for UnknownAnalysis {}

/// The analysis of an index in a language. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Analyzer {
    analysis: Analysis,
    terms: TextAnalyzer,
    words: Words,
    /// Gives nothing for a stop word.
    stop_words: TextAnalyzer,
}

impl Analyzer {
    pub(crate) fn new(analysis: Analysis, language: Language) -> Self {
        let words = Words::new(language);
        let terms = match analysis {
            Analysis::Variants => TextAnalyzer::from(words.clone()),
            Analysis::Plain => plain::analyzer(language),
        };
        let stop_words = TextAnalyzer::builder(RawTokenizer::default())
            .filter(language.stop_word_filter())
            .build();
        Self { analysis, terms, words, stop_words }
    }

    /// What the index's engine calls for the terms of a text.
    pub(crate) fn terms(&self) -> &TextAnalyzer {
        &self.terms
    }

    /// The words of a query, without stop words unless there is nothing else.
    pub(crate) fn groups(&self, text: &str) -> Vec<WordGroup> {
        match self.analysis {
            Analysis::Variants => query::groups(&self.words, text, |word| self.is_stop_word(word)),
            Analysis::Plain => single_groups(&self.terms, text),
        }
    }

    /// Whether a query has nothing but stop words.
    pub(crate) fn only_stop_words(&self, text: &str) -> bool {
        let units = self.words.units(text);
        self.analysis == Analysis::Variants
            && !units.is_empty()
            && units.iter().all(|unit| self.is_stop_word(&unit.exact))
    }

    /// The ways in which a phrase may be written, each as its places from the first word on.
    pub(crate) fn phrases(&self, text: &str) -> Vec<Vec<Slot>> {
        match self.analysis {
            Analysis::Variants => query::phrases(&self.words, text),
            Analysis::Plain => vec![single_slots(&self.terms, text)],
        }
    }

    /// The terms of a passage that say what it is about, with how often each occurs: no stop words, and no word twice
    /// for being written in two ways.
    pub(crate) fn topical(&self, text: &str) -> Vec<(String, f32)> {
        if self.analysis == Analysis::Plain {
            return counted(plain_terms(&self.terms, text));
        }
        let units = self.words.units(text).into_iter();
        let units = units.filter(|unit| !unit.exact.is_empty() && !self.is_stop_word(&unit.exact));
        counted(units.map(|unit| self.words.stem(&unit.exact).into_owned()))
    }

    /// The term of a single word in lower case.
    pub(crate) fn term(&self, word: &str) -> String {
        self.words.stem(word).into_owned()
    }

    /// A word in lower case, as written and without marks: terms begin with either.
    pub(crate) fn beginning(&self, word: &str) -> (String, String) {
        query::beginning(&self.words, word)
    }

    /// A word without a shorter one that has lost its vowel before it, as `homme` of `l'homme`.
    pub(crate) fn without_elision<'t>(&self, word: &'t str) -> &'t str {
        let elided = word.split_once(['\'', '’']);
        let rest = elided.filter(|(short, _)| self.words.rules.elides(short)).map(|(_, rest)| rest);
        rest.unwrap_or(word)
    }

    /// A single word and the ways to write it.
    pub(crate) fn word(&self, word: &str) -> WordGroup {
        match self.analysis {
            Analysis::Variants => query::word(&self.words, word),
            Analysis::Plain => WordGroup::of(self.term(word)),
        }
    }

    /// The stems, shorter than `letters`, of words that may begin with them: `run` for `runn`, `comput` for `computati`.
    pub(crate) fn shorter_stems(&self, letters: &str) -> Vec<String> {
        let is_shorter = |stem: &String| stem.len() < letters.len() && !stem.is_empty();
        let words = self.words.rules.endings().map(|ending| format!("{letters}{ending}"));
        let stems = words.map(|word| self.words.stem(&word).into_owned()).filter(is_shorter);
        let mut stems: Vec<String> = stems.collect();
        stems.sort_unstable();
        stems.dedup();
        stems
    }

    fn is_stop_word(&self, word: &str) -> bool {
        !word.is_empty() && !self.stop_words.clone().token_stream(word).advance()
    }
}

/// The terms of a text, each a group of its own, by an analyzer that knows no variants.
pub(crate) fn single_groups(analyzer: &TextAnalyzer, text: &str) -> Vec<WordGroup> {
    let mut groups: Vec<WordGroup> = Vec::new();
    analyzer.clone().token_stream(text).process(&mut |token| match groups
        .iter_mut()
        .find(|group| group.term() == token.text)
    {
        Some(group) => group.frequency += 1.0,
        None => groups.push(WordGroup {
            range: token.offset_from..token.offset_to,
            ..WordGroup::of(token.text.clone())
        }),
    });
    groups
}

/// The places of a phrase by an analyzer that knows no variants.
pub(crate) fn single_slots(analyzer: &TextAnalyzer, text: &str) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    analyzer.clone().token_stream(text).process(&mut |token| {
        slots.push((token.position, vec![token.text.clone()]));
    });
    let first = slots.first().map_or(0, |(first, _)| *first);
    slots.iter_mut().for_each(|(position, _)| *position -= first);
    slots
}

fn plain_terms(analyzer: &TextAnalyzer, text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    analyzer.clone().token_stream(text).process(&mut |token| terms.push(token.text.clone()));
    terms
}

/// Terms with how often each occurs, in order of first occurrence.
fn counted(terms: impl IntoIterator<Item = String>) -> Vec<(String, f32)> {
    let mut counted: Vec<(String, f32)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for term in terms {
        let place = *places.entry(term.clone()).or_insert(counted.len());
        match counted.get_mut(place) {
            Some((_, count)) => *count += 1.0,
            None => counted.push((term, 1.0)),
        }
    }
    counted
}
