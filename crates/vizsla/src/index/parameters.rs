//! The scoring parameters that an index stores as its defaults.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The two parameters of BM25.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bm25Params {
    k1: f32,
    b: f32,
    #[serde(default)]
    k3: Option<f32>,
}

impl Bm25Params {
    /// The largest `k1` and `k3`; larger values would change no ranking but overflow sums.
    pub const MAX_SATURATION: f32 = 1e4;

    /// Parameters with `k1` clamped to `0..=1e4` and `b` to `0..=1`; NaN becomes the default.
    ///
    /// `k1` controls term-frequency saturation: 0 ignores how often a term occurs. `b` controls length normalisation,
    /// from 0 (none) to 1 (full).
    pub fn new(k1: f32, b: f32) -> Self {
        Self {
            k1: in_range(k1, Self::MAX_SATURATION, Self::DEFAULT.k1),
            b: in_range(b, 1.0, Self::DEFAULT.b),
            k3: None,
        }
    }

    /// Sets the saturation of query term frequency: `qtf` occurrences count `(k3+1)·qtf / (k3+qtf)` times (Okapi at
    /// TREC-3). Without it each counts in full, as in Lucene.
    pub fn with_k3(mut self, k3: f32) -> Self {
        self.k3 = Some(in_range(k3, Self::MAX_SATURATION, Self::MAX_SATURATION));
        self
    }

    /// Saturation of term frequency.
    pub fn k1(self) -> f32 {
        self.k1
    }

    /// Strength of length normalisation.
    pub fn b(self) -> f32 {
        self.b
    }

    /// Saturation of query term frequency, if any.
    pub fn k3(self) -> Option<f32> {
        self.k3
    }

    const DEFAULT: Self = Self { k1: 0.9, b: 0.4, k3: None };

    pub(crate) fn query_weight(self, frequency: f32) -> f32 {
        self.k3.map_or(frequency, |k3| (k3 + 1.0) * frequency / (k3 + frequency))
    }
}

/// `value` clamped to `0..=max`, or `default` when it is NaN.
fn in_range(value: f32, max: f32, default: f32) -> f32 {
    if value.is_nan() { default } else { value.clamp(0.0, max) }
}

impl fmt::Display for Bm25Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k1 {}, b {}", self.k1, self.b)
    }
}

/// k1 = 0.9, b = 0.4, as in Anserini.
impl Default for Bm25Params {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The weight of each field of an index: a passage's score is the sum of the BM25 scores of its fields, each times its
/// weight. Fields with weight 0 cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FieldWeights {
    content: f32,
    title: f32,
    headings: f32,
    path: f32,
    body: f32,
}

impl FieldWeights {
    /// The largest weight; weights are relative, so larger ones are never needed.
    pub const MAX: f32 = 1e4;

    /// Title, headings and text as one field and nothing else, as published baselines are made.
    pub const CONTENT: Self =
        Self { content: 1.0, title: 0.0, headings: 0.0, path: 0.0, body: 0.0 };

    /// Sets the weight of title, headings and text as one field, as in Anserini's flat baseline; 1 by default. Like
    /// those below, a weight is clamped to `0..=1e4`, and NaN becomes 0.
    pub fn with_content(mut self, weight: f32) -> Self {
        self.content = in_range(weight, Self::MAX, 0.0);
        self
    }

    /// Sets the weight of the title; 0 by default, like those below.
    pub fn with_title(mut self, weight: f32) -> Self {
        self.title = in_range(weight, Self::MAX, 0.0);
        self
    }

    /// Sets the weight of the headings that a passage is under.
    pub fn with_headings(mut self, weight: f32) -> Self {
        self.headings = in_range(weight, Self::MAX, 0.0);
        self
    }

    /// Sets the weight of the words of the file's name and of its folders; 0.25 by default, so that a file can be found
    /// by its name.
    pub fn with_path(mut self, weight: f32) -> Self {
        self.path = in_range(weight, Self::MAX, 0.0);
        self
    }

    /// Sets the weight of the text without title and headings; needs
    /// [`IndexSettings::with_separate_body`](crate::IndexSettings::with_separate_body).
    pub fn with_body(mut self, weight: f32) -> Self {
        self.body = in_range(weight, Self::MAX, 0.0);
        self
    }

    /// The weight of title, headings and text as one field.
    pub fn content(self) -> f32 {
        self.content
    }

    /// The weight of the title.
    pub fn title(self) -> f32 {
        self.title
    }

    /// The weight of the headings.
    pub fn headings(self) -> f32 {
        self.headings
    }

    /// The weight of the words of the file's path.
    pub fn path(self) -> f32 {
        self.path
    }

    /// The weight of the text without title and headings.
    pub fn body(self) -> f32 {
        self.body
    }
}

impl Default for FieldWeights {
    fn default() -> Self {
        Self { path: 0.25, ..Self::CONTENT }
    }
}

/// `content=1,title=0.5`: weights by name; unnamed ones are 0.
impl FromStr for FieldWeights {
    type Err = ParseWeightsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut weights = Self { content: 0.0, ..Self::CONTENT };
        for part in text.split(',') {
            let error = || ParseWeightsError(part.trim().to_owned());
            let (name, weight) = part.split_once('=').ok_or_else(error)?;
            let weight: f32 = weight.trim().parse().map_err(|_| error())?;
            if !(0.0..=Self::MAX).contains(&weight) {
                return Err(error());
            }
            *(match name.trim() {
                "content" => &mut weights.content,
                "title" => &mut weights.title,
                "headings" => &mut weights.headings,
                "path" => &mut weights.path,
                "body" => &mut weights.body,
                _ => return Err(error()),
            }) = weight;
        }
        Ok(weights)
    }
}

impl fmt::Display for FieldWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            ("content", self.content),
            ("title", self.title),
            ("headings", self.headings),
            ("path", self.path),
            ("body", self.body),
        ];
        let any = named.iter().any(|(_, weight)| *weight > 0.0);
        // When all weights are 0, one is still named, so that the text can be parsed again.
        let set =
            named.iter().filter(|(name, weight)| *weight > 0.0 || (!any && *name == "content"));
        f.write_str(
            &set.map(|(name, weight)| format!("{name}={weight}")).collect::<Vec<_>>().join(","),
        )
    }
}

/// A text that is not a valid field weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseWeightsError(String);

impl fmt::Display for ParseWeightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not the weight of a field: give NAME=WEIGHT with content, title, headings, path or body and a number \
             from 0 to 10000, several with commas",
            self.0
        )
    }
}

impl std::error::Error for ParseWeightsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_leaves_its_range() {
        assert_eq!(Bm25Params::new(f32::NAN, f32::NAN), Bm25Params::default());
        let params = Bm25Params::new(1e30, -3.0).with_k3(f32::INFINITY);
        assert_eq!((params.k1(), params.b(), params.k3()), (1e4, 0.0, Some(1e4)));
        let weights = FieldWeights::default().with_content(1e30).with_title(f32::NAN);
        assert_eq!((weights.content(), weights.title()), (1e4, 0.0));
        for wrong in ["content=1e30", "content=nan", "content=-1", "content"] {
            assert!(wrong.parse::<FieldWeights>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn weights_survive_a_round_trip() {
        for text in ["content=1", "content=0", "title=0.5,body=2"] {
            let weights: FieldWeights = text.parse().unwrap();
            assert_eq!(weights.to_string().parse(), Ok(weights), "{text}");
        }
    }
}
