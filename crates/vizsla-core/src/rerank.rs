//! The second stage: reads the query together with each passage.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{BoxError, TimeLimits};

/// Scores passages for a query. It neither sorts nor combines: [`Ranking`](crate::Ranking) sorts and
/// [`Fusion`](crate::Fusion) combines.
pub trait Reranker: Send + Sync + fmt::Debug {
    /// The model's name in reports.
    fn name(&self) -> &str;

    /// One score per passage, in the order given. A score must not depend on the other passages of the call.
    ///
    /// # Errors
    /// Whatever prevents the model from scoring; the engine reports it and returns no partial ranking.
    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError>;

    /// As [`score`](Self::score), but stops when `limits` require it; passages are given best first, and those that
    /// were not reached have no score. A reranker that does not implement this scores all of them regardless of the
    /// limits.
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

/// A reranker's verdict on one passage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RerankScore {
    /// The raw output of the model; any finite number, higher is better. Ranking uses this.
    pub logit: f32,
    /// How many tokens the model read (query, passage and special tokens), when the reranker counts them.
    pub tokens: Option<u32>,
    /// The number of overlapping windows in which a passage longer than the model's limit was read; the score is the
    /// best of theirs (MaxP; Dai and Callan, SIGIR 2019). 1 when it was read whole.
    pub windows: u32,
    /// Whether the input was truncated to fit the model.
    pub truncated: bool,
    /// Whether the score was cached from an earlier call rather than computed in this one.
    pub cached: bool,
}

impl RerankScore {
    /// A score with only the logit known.
    pub fn new(logit: f32) -> Self {
        Self { logit, tokens: None, windows: 1, truncated: false, cached: false }
    }

    /// Adds how many tokens were read and whether the input was truncated.
    pub fn with_tokens(mut self, tokens: u32, truncated: bool) -> Self {
        self.tokens = Some(tokens);
        self.truncated = truncated;
        self
    }

    /// Adds the number of windows in which the passage was read.
    pub fn with_windows(mut self, windows: u32) -> Self {
        self.windows = windows;
        self
    }

    /// Marks the score as cached from an earlier call.
    pub fn with_cached(mut self, cached: bool) -> Self {
        self.cached = cached;
        self
    }

    /// The logistic sigmoid of the logit, `1 / (1 + exp(-logit))`: the probability of relevance for a model trained
    /// with binary cross-entropy. For display only: it saturates far from zero, so ranking by it would create ties.
    pub fn probability(self) -> f32 {
        // In f64, so that a logit of -90 gives a small value rather than zero.
        (1.0 / (1.0 + (-f64::from(self.logit)).exp())) as f32
    }
}
