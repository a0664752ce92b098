//! How a first-stage score was computed, in human-readable form.

use serde::{Deserialize, Serialize};

/// How a first-stage score was computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Explanation {
    /// The parts of a BM25 score.
    Bm25(Bm25Explanation),
    /// Another engine's own account of its score.
    Other(String),
}

/// The parts of a BM25 score: the sum of its terms' contributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bm25Explanation {
    /// Saturation of term frequency.
    pub k1: f32,
    /// Strength of length normalisation.
    pub b: f32,
    /// Length of the passage in indexed words, as stored (exact up to 40, then rounded down to the nearest step).
    pub length: u32,
    /// Mean length over the index.
    pub average_length: f32,
    /// One entry per query term that the passage contains, in query order.
    pub terms: Vec<Bm25Term>,
}

impl Bm25Explanation {
    /// Assembles the parts of a score.
    pub fn new(k1: f32, b: f32, length: u32, average_length: f32, terms: Vec<Bm25Term>) -> Self {
        Self { k1, b, length, average_length, terms }
    }
}

/// What one query term adds to a BM25 score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bm25Term {
    /// The field it was found in.
    pub field: String,
    /// The term as indexed (lower case, stemmed); several with bars between them when the word stands in the passage
    /// in several spellings.
    pub term: String,
    /// Its weight: how often it occurs in the query, or the weight that feedback gave it.
    pub query_weight: f32,
    /// How often it occurs in the passage; an occurrence in another spelling counts less than one.
    pub frequency: f32,
    /// How many passages contain it in its most frequent spelling.
    pub passages: u64,
    /// Its inverse document frequency.
    pub idf: f32,
    /// What it adds to the score.
    pub score: f32,
}
