//! The languages of texts: which words are stop words, how words are stemmed, which short words are elided.

use std::fmt;
use std::str::FromStr;

use frostem::Algorithm;
use serde::{Deserialize, Serialize};
use tantivy::tokenizer::{
    Language as Snowball, RawTokenizer, StopWordFilter, TextAnalyzer, TokenStream as _,
};

/// The language of the texts: which words are stop words, and how words are stemmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[allow(missing_docs, reason = "a language is its name")]
pub enum Language {
    Arabic,
    Catalan,
    Danish,
    Dutch,
    #[default]
    English,
    Finnish,
    French,
    German,
    Greek,
    Hungarian,
    Italian,
    Norwegian,
    Portuguese,
    Romanian,
    Russian,
    Spanish,
    Swedish,
    Tamil,
    Turkish,
    /// Any other, or several: no stemming and no stop words.
    Other,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Arabic,
        Self::Catalan,
        Self::Danish,
        Self::Dutch,
        Self::English,
        Self::Finnish,
        Self::French,
        Self::German,
        Self::Greek,
        Self::Hungarian,
        Self::Italian,
        Self::Norwegian,
        Self::Portuguese,
        Self::Romanian,
        Self::Russian,
        Self::Spanish,
        Self::Swedish,
        Self::Tamil,
        Self::Turkish,
        Self::Other,
    ];

    pub(super) fn snowball(self) -> Option<Snowball> {
        Some(match self {
            Self::Arabic => Snowball::Arabic,
            Self::Danish => Snowball::Danish,
            Self::Dutch => Snowball::Dutch,
            Self::English => Snowball::English,
            Self::Finnish => Snowball::Finnish,
            Self::French => Snowball::French,
            Self::German => Snowball::German,
            Self::Greek => Snowball::Greek,
            Self::Hungarian => Snowball::Hungarian,
            Self::Italian => Snowball::Italian,
            Self::Norwegian => Snowball::Norwegian,
            Self::Portuguese => Snowball::Portuguese,
            Self::Romanian => Snowball::Romanian,
            Self::Russian => Snowball::Russian,
            Self::Spanish => Snowball::Spanish,
            Self::Swedish => Snowball::Swedish,
            Self::Tamil => Snowball::Tamil,
            Self::Turkish => Snowball::Turkish,
            // The engine has no filters for Catalan, which is stemmed by `algorithm` alone.
            Self::Catalan | Self::Other => return None,
        })
    }
}

/// The name in lower case.
impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|language| language.to_string() == text);
        found.ok_or_else(|| UnknownLanguage(text.to_owned()))
    }
}

/// A text that does not name a language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLanguage(String);

impl fmt::Display for UnknownLanguage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Language::ALL.map(|language| language.to_string()).join(", ");
        write!(f, "{:?} is not a known language: use one of {names}", self.0)
    }
}

impl std::error::Error for UnknownLanguage {}

impl Language {
    /// The Snowball algorithm of the language, for words that are stemmed outside of a token stream.
    pub(super) fn algorithm(self) -> Option<Algorithm> {
        Some(match self {
            Self::Arabic => Algorithm::Arabic,
            Self::Catalan => Algorithm::Catalan,
            Self::Danish => Algorithm::Danish,
            Self::Dutch => Algorithm::Dutch,
            Self::English => Algorithm::English,
            Self::Finnish => Algorithm::Finnish,
            Self::French => Algorithm::French,
            Self::German => Algorithm::German,
            Self::Greek => Algorithm::Greek,
            Self::Hungarian => Algorithm::Hungarian,
            Self::Italian => Algorithm::Italian,
            Self::Norwegian => Algorithm::Norwegian,
            Self::Portuguese => Algorithm::Portuguese,
            Self::Romanian => Algorithm::Romanian,
            Self::Russian => Algorithm::Russian,
            Self::Spanish => Algorithm::Spanish,
            Self::Swedish => Algorithm::Swedish,
            Self::Tamil => Algorithm::Tamil,
            Self::Turkish => Algorithm::Turkish,
            Self::Other => return None,
        })
    }

    /// Removes the language's stop words; English ones are Lucene's.
    pub(super) fn stop_word_filter(self) -> StopWordFilter {
        match (self, self.snowball()) {
            (Self::English, _) => StopWordFilter::remove(ENGLISH_STOP_WORDS.map(String::from)),
            // Not every language has a list of them.
            (_, Some(snowball)) => {
                StopWordFilter::new(snowball).unwrap_or_else(|| StopWordFilter::remove([]))
            }
            (_, None) => StopWordFilter::remove([]),
        }
    }

    /// A text without the language's stop words, for an engine that knows none of them; as it is if it has no other words.
    ///
    /// ```
    /// let english = vizsla::Language::English;
    /// assert_eq!(english.without_stop_words("Is the heron at home?"), "heron home?");
    /// assert_eq!(english.without_stop_words("To be or not to be"), "To be or not to be");
    /// ```
    pub fn without_stop_words(self, text: &str) -> String {
        let mut filter =
            TextAnalyzer::builder(RawTokenizer::default()).filter(self.stop_word_filter()).build();
        let mut tells = |word: &&str| {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
            !bare.is_empty() && filter.token_stream(&bare).advance()
        };
        let words: Vec<&str> = text.split_whitespace().filter(&mut tells).collect();
        if words.is_empty() { text.to_owned() } else { words.join(" ") }
    }

    /// The words that lose their vowel before another and are written with it: those of Lucene's `ElisionFilter` for
    /// Catalan, French and Italian.
    pub(super) fn elided(self) -> &'static [&'static str] {
        match self {
            Self::Catalan => &["d", "l", "m", "n", "s", "t"],
            Self::French => &[
                "l", "m", "t", "qu", "n", "s", "j", "d", "c", "jusqu", "quoiqu", "lorsqu", "puisqu",
            ],
            Self::Italian => &[
                "c", "l", "all", "dall", "dell", "nell", "sull", "coll", "pell", "gl", "agl",
                "dagl", "degl", "negl", "sugl", "un", "m", "t", "s", "v", "d",
            ],
            _ => &[],
        }
    }
}

/// The 33 words that Lucene's `EnglishAnalyzer` drops.
const ENGLISH_STOP_WORDS: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it",
    "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these",
    "they", "this", "to", "was", "will", "with",
];
