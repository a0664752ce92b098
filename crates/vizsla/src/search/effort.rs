//! How much of the candidates the reranker reads.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How much of the candidates the reranker reads, which is nearly all that a search costs. docs/reading.md has what each
/// costs in quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum Effort {
    /// Shorter parts than [`Balanced`](Self::Balanced), and only until eight candidates in a row have not come among the
    /// hits.
    Quick,
    /// The part of each candidate in which most of the query's words are.
    #[default]
    Balanced,
    /// As [`Balanced`](Self::Balanced), and then also the whole of those that would be the hits, whose logits become the
    /// mean of both.
    Thorough,
    /// The whole of every candidate, once.
    Full,
}

impl Effort {
    /// All of them, least first.
    pub const ALL: [Self; 4] = [Self::Quick, Self::Balanced, Self::Thorough, Self::Full];

    /// Its name, as options and settings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Balanced => "balanced",
            Self::Thorough => "thorough",
            Self::Full => "full",
        }
    }

    /// The longest part of a candidate that is read, in tokens; `None` for all of it. A question of so many tokens is read
    /// with each part, so that parts much shorter than it would save little.
    pub(super) fn excerpt_tokens(self, question: usize) -> Option<usize> {
        let tokens = match self {
            Self::Quick => 80,
            Self::Balanced | Self::Thorough => 96,
            Self::Full => return None,
        };
        Some(question.max(tokens))
    }

    /// Whether reading ends when further candidates hardly change the hits.
    pub(super) fn stops(self) -> bool {
        self == Self::Quick
    }

    /// Whether what would be the hits is read again, as a whole.
    pub(super) fn rereads(self) -> bool {
        self == Self::Thorough
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Effort {
    type Err = ParseEffortError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|effort| effort.as_str() == text);
        named.ok_or_else(|| ParseEffortError { text: text.to_owned() })
    }
}

impl Serialize for Effort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Effort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that does not name an effort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseEffortError {
    text: String,
}

impl fmt::Display for ParseEffortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not an effort: use quick, balanced, thorough or full", self.text)
    }
}

impl std::error::Error for ParseEffortError {}
