//! The second stage: what reads a query together with each passage.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::BoxError;

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
    /// As [`score`](Self::score); running into a limit is none.
    fn score_within(
        &self,
        query: &str,
        passages: &[&str],
        limits: &RerankLimits,
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

    fn score_within(
        &self,
        query: &str,
        passages: &[&str],
        limits: &RerankLimits,
    ) -> Result<Vec<Option<RerankScore>>, BoxError> {
        (**self).score_within(query, passages, limits)
    }
}

/// When a reranker is to stop, though it has not read everything. By default never.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RerankLimits {
    /// No passage should be begun that cannot be expected to be finished by then.
    pub deadline: Option<Instant>,
    /// No passage should be begun after this was cancelled.
    pub cancel: Option<CancelHandle>,
}

impl RerankLimits {
    /// Stops at a point in time.
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Stops when told to.
    pub fn with_cancel(mut self, cancel: CancelHandle) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Whether the caller no longer wants the answer.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(CancelHandle::is_cancelled)
    }
}

/// Lets one thread end what another is waiting for. Clones are the same handle.
#[derive(Debug, Clone, Default)]
pub struct CancelHandle(Arc<AtomicBool>);

impl CancelHandle {
    /// A handle that nobody has used yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that the answer is no longer wanted. For good: the next search needs another handle.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether it is the same handle.
impl PartialEq for CancelHandle {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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
}

impl RerankScore {
    /// A score of which only the logit is known.
    pub fn new(logit: f32) -> Self {
        Self { logit, tokens: None, windows: 1, truncated: false }
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

    /// The logistic sigmoid of the logit, `1 / (1 + exp(-logit))`: the probability of relevance for a model trained
    /// with binary cross-entropy. For reading only: far from zero it saturates, so ranking by it would make ties.
    pub fn probability(self) -> f32 {
        // In f64, so that a logit of -90 is small rather than zero.
        (1.0 / (1.0 + (-f64::from(self.logit)).exp())) as f32
    }
}
