//! How likely a passage answers, in words. In: the model's probability. Out: a word that programs and pages show.

use std::fmt;

use super::response::HitScores;

/// How likely a passage answers: the model's probability is not how often it is right, so figures would say more than is
/// known. docs/quality.md says how often each word is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Likelihood {
    /// At most one passage in eight was judged relevant.
    Unlikely,
    /// Between the two others.
    Perhaps,
    /// At least two passages in five were judged relevant in the collections that this was chosen on.
    Likely,
}

impl Likelihood {
    /// From this probability on, an answer is likely.
    const LIKELY: f32 = 0.985;
    /// From this probability on, an answer is possible.
    const PERHAPS: f32 = 0.8;

    /// The word for a probability.
    pub fn of(probability: f32) -> Self {
        match probability {
            Self::LIKELY.. => Self::Likely,
            Self::PERHAPS.. => Self::Perhaps,
            _ => Self::Unlikely,
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unlikely => "unlikely",
            Self::Perhaps => "perhaps",
            Self::Likely => "likely",
        }
    }
}

impl fmt::Display for Likelihood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl HitScores {
    /// How likely the passage answers; `None` when the second stage did not read it.
    pub fn likelihood(&self) -> Option<Likelihood> {
        self.rerank_probability.map(Likelihood::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_said_in_words() {
        assert_eq!(
            [0.99, 0.985, 0.8, 0.7, 0.0].map(|p| Likelihood::of(p).as_str()),
            ["likely", "likely", "perhaps", "unlikely", "unlikely"]
        );
    }
}
