//! The second stage: what reads a query together with each passage.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{BoxError, TimeLimits};

/// Scores passages for a query. It neither sorts nor combines: sorting is [`Ranking`](crate::Ranking)'s,
/// combining is [`Fusion`](crate::Fusion)'s.
pub trait Reranker: Send + Sync + fmt::Debug {
    /// What to call the model in reports.
    fn name(&self) -> &str;

    /// One score per passage, in the order given. A score must not depend on the other passages of the call.
    ///
    /// # Errors
    /// Whatever keeps the model from scoring; the engine reports it and returns no partial ranking.
    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError>;

    /// As [`score`](Self::score), but stops when `limits` say so; passages come best first, and those that were not
    /// reached have no score. A reranker that does not implement this reads all of them whatever the limits.
    ///
    /// # Errors
    /// As [`score`](Self::score); hitting a limit is not an error.
    fn score_with_limits(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, BoxError> {
        let _ = limits;
        Ok(self.score(query, passages)?.into_iter().map(Some).collect())
    }
}

/// A reranker can be shared between engines.
impl<R: Reranker + ?Sized> Reranker for Arc<R> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        (**self).score(query, passages)
    }

    fn score_with_limits(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, BoxError> {
        (**self).score_with_limits(query, passages, limits)
    }
}

/// What a reranker says of one passage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RerankScore {
    /// The raw output of the model; any finite number, higher is better. Ranking uses this.
    pub logit: f32,
    /// How many tokens the model read (query, passage and special tokens), when the reranker counts them.
    pub tokens: Option<u32>,
    /// In how many overlapping parts a passage was read that is longer than the model's limit; the score is the best of
    /// them (MaxP; Dai and Callan, SIGIR 2019). 1 when it was read as a whole.
    pub windows: u32,
    /// Whether something had to be cut to fit the model, and so was not read.
    pub truncated: bool,
    /// Whether the score was remembered from an earlier call instead of being computed in this one.
    pub cached: bool,
}

impl RerankScore {
    /// A score of which only the logit is known.
    pub fn new(logit: f32) -> Self {
        Self { logit, tokens: None, windows: 1, truncated: false, cached: false }
    }

    /// Adds how many tokens were read and whether something was cut.
    pub fn with_tokens(mut self, tokens: u32, truncated: bool) -> Self {
        self.tokens = Some(tokens);
        self.truncated = truncated;
        self
    }

    /// Adds in how many parts the passage was read.
    pub fn with_windows(mut self, windows: u32) -> Self {
        self.windows = windows;
        self
    }

    /// Marks the score as remembered from an earlier call.
    pub fn with_cached(mut self, cached: bool) -> Self {
        self.cached = cached;
        self
    }

    /// The logistic sigmoid of the logit, `1 / (1 + exp(-logit))`: the probability of relevance for a model trained
    /// with binary cross-entropy. For reading only: far from zero it saturates, so ranking by it would make ties.
    pub fn probability(self) -> f32 {
        // In f64, so that a logit of -90 is small rather than zero.
        (1.0 / (1.0 + (-f64::from(self.logit)).exp())) as f32
    }
}
