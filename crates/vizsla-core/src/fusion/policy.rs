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
    /// [`Fusion::Linear`] with a weight that decreases with query length: 0.8 up to 25 words, and beyond that
    /// `0.8 - 0.4 · log10(words / 25)` down to 0.4. Cross-encoders are trained on short questions, not on pages of
    /// text. Of the signals tried, query length is the only one that helped on collections it was not chosen on.
    Auto,
}

impl FusionPolicy {
    /// The fusion for a query of this many words.
    pub fn resolve(self, words: usize) -> Fusion {
        match self {
            Self::Fixed(fusion) => fusion,
            Self::Auto => {
                let times_longer = words.max(25) as f32 / 25.0;
                Fusion::Linear { rerank_weight: (0.8 - 0.4 * times_longer.log10()).max(0.4) }
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
