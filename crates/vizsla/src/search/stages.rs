//! What each stage of a search did and how long it took.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vizsla_core::RerankScore;

/// What each stage did and how long it took.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stages {
    /// The first stage.
    pub retrieve: RetrieveStage,
    /// The cross-encoder; `None` when it was not requested or was unavailable.
    pub rerank: Option<RerankStage>,
    /// Fusion, collapse, highlights and explanations.
    pub fuse: FuseStage,
}

/// What the first stage did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RetrieveStage {
    /// Wall time in milliseconds.
    pub ms: f64,
    /// Passages found.
    pub candidates: usize,
    /// Milliseconds of it that a remote engine says it took, where one was asked and says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_ms: Option<f64>,
}

/// What the second stage did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RerankStage {
    /// The model.
    pub model: String,
    /// Wall time in milliseconds.
    pub ms: f64,
    /// Passages read in this search.
    pub passages: usize,
    /// Passages whose score was cached from an earlier search.
    #[serde(default)]
    pub cached: usize,
    /// Tokens read in this search, where the reranker counts them.
    pub tokens: u64,
    /// Passages of which only the part with most of the query's words was read.
    #[serde(default)]
    pub excerpts: usize,
    /// Candidates left unread because they would hardly have changed the hits.
    #[serde(default)]
    pub left_out: usize,
    /// Candidates left unread for lack of time: they rank below all that were read.
    pub unread: usize,
    /// Passages longer than the model's limit, and therefore read in several windows.
    pub windowed: usize,
    /// Passages that had to be truncated.
    pub truncated: usize,
}

/// What the last stage did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FuseStage {
    /// Wall time in milliseconds.
    pub ms: f64,
    /// Documents among the candidates.
    pub documents: usize,
}

impl RetrieveStage {
    pub(super) fn new(time: Duration, candidates: usize, of_engine: Option<Duration>) -> Self {
        Self { ms: milliseconds(time), candidates, engine_ms: of_engine.map(milliseconds) }
    }
}

impl RerankStage {
    pub(super) fn new(model: &str, time: Duration, scores: &[Option<RerankScore>]) -> Self {
        let scored = || scores.iter().flatten();
        let read = || scored().filter(|score| !score.cached);
        Self {
            model: model.to_owned(),
            ms: milliseconds(time),
            passages: read().count(),
            tokens: read().filter_map(|score| score.tokens).map(u64::from).sum(),
            cached: scored().filter(|score| score.cached).count(),
            unread: scores.len() - scored().count(),
            windowed: scored().filter(|score| score.windows > 1).count(),
            truncated: scored().filter(|score| score.truncated).count(),
            excerpts: 0,
            left_out: 0,
        }
    }

    pub(super) fn with_plan(mut self, left_out: usize, excerpts: usize) -> Self {
        self.left_out = left_out;
        self.excerpts = excerpts;
        self
    }
}

/// Rounded to a microsecond: more digits would be noise.
pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
