//! Which fusion a search uses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Fusion, ParseFusionError};

/// Which fusion a search uses: always the same one, or one chosen for the query.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum FusionPolicy {
    /// The same for every query.
    Fixed(Fusion),
    /// [`Fusion::LogOdds`] with a weight of the first stage that grows with the query: 1 up to 10 words, a tenth of their
    /// number beyond, and 2 from 20 on. Cross-encoders are trained on short questions, and the more words a query has,
    /// the more BM25 has to go by. docs/quality.md says what it gains and where it does not.
    Auto,
}

impl FusionPolicy {
    /// The fusion for a query of this many words.
    pub fn resolve(self, words: usize) -> Fusion {
        match self {
            Self::Fixed(fusion) => fusion,
            Self::Auto => {
                Fusion::LogOdds { retrieval_weight: (words as f32 / 10.0).clamp(1.0, 2.0) }
            }
        }
    }

    /// Whether the result depends on the cross-encoder at all.
    pub fn needs_rerank(self) -> bool {
        match self {
            Self::Fixed(fusion) => fusion.needs_rerank(),
            Self::Auto => true,
        }
    }

    /// Whether the fusion's parameters are in range.
    pub fn is_valid(self) -> bool {
        match self {
            Self::Fixed(fusion) => fusion.is_valid(),
            Self::Auto => true,
        }
    }
}

impl Default for FusionPolicy {
    fn default() -> Self {
        Self::Fixed(Fusion::default())
    }
}

impl From<Fusion> for FusionPolicy {
    fn from(fusion: Fusion) -> Self {
        Self::Fixed(fusion)
    }
}

/// `auto`, or any text that [`Fusion`] parses.
impl FromStr for FusionPolicy {
    type Err = ParseFusionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::Fixed) }
    }
}

impl fmt::Display for FusionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(fusion) => fusion.fmt(f),
            Self::Auto => f.write_str("auto"),
        }
    }
}

/// The text that [`FromStr`] parses.
impl Serialize for FusionPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FusionPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
