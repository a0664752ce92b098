//! What to search for, and how.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use vizsla_core::{
    CancelHandle, Filter, FusionPolicy, Limits, QuerySyntax, RetrieveRequest, TimeLimits,
};

use super::effort::Effort;
use crate::error::{Error, ErrorKind, Result};

/// What to search for, and how.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each can be asked for by itself")]
pub struct SearchRequest {
    query: String,
    syntax: QuerySyntax,
    depth: usize,
    /// The default unless set.
    limit: Option<usize>,
    filter: Filter,
    fusion: Option<FusionPolicy>,
    effort: Option<Effort>,
    explain: bool,
    notes: bool,
    fold_copies: bool,
    retrieval_fallback: bool,
    min_probability: Option<f32>,
    budget: Option<Duration>,
    cancel: Option<CancelHandle>,
}

impl SearchRequest {
    /// How many hits by default.
    pub const DEFAULT_LIMIT: usize = 10;
    /// How many candidates by default.
    pub const DEFAULT_DEPTH: usize = 50;

    /// Asks for the 10 best documents out of 50 candidates. Any non-empty text is a valid query.
    pub fn new(query: impl Into<String>) -> Self {
        Self {
            query: query.into(),
            syntax: QuerySyntax::Text,
            depth: Self::DEFAULT_DEPTH,
            limit: None,
            filter: Filter::default(),
            fusion: None,
            effort: None,
            explain: false,
            notes: false,
            fold_copies: false,
            retrieval_fallback: false,
            min_probability: None,
            budget: None,
            cancel: None,
        }
    }

    /// Sets the maximum number of hits; there are at least so many candidates.
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets how many passages the first stage passes to the second; at least 1. The second stage's cost grows with it.
    pub fn with_depth(mut self, depth: usize) -> Self {
        self.depth = depth.max(1);
        self
    }

    /// Sets how the two rankings are combined, instead of the engine's default.
    pub fn with_fusion(mut self, fusion: impl Into<FusionPolicy>) -> Self {
        self.fusion = Some(fusion.into());
        self
    }

    /// Sets how much of the candidates the second stage reads, instead of the engine's default.
    pub fn with_effort(mut self, effort: Effort) -> Self {
        self.effort = Some(effort);
        self
    }

    /// Which passages may be candidates.
    pub fn with_filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// How the query is read.
    pub fn with_syntax(mut self, syntax: QuerySyntax) -> Self {
        self.syntax = syntax;
        self
    }

    /// Asks for an explanation of each first-stage score.
    pub fn with_explanation(mut self) -> Self {
        self.explain = true;
        self
    }

    /// Asks for notes about the query, such as words that no passage has and the nearest ones that occur. Costs a few
    /// milliseconds for each such word.
    pub fn with_notes(mut self) -> Self {
        self.notes = true;
        self
    }

    /// Lets passages that say the same, word for word or nearly, take one place: the best of them is read and shown, and
    /// its hit lists the others. The first stage is asked for twice as many candidates, so that copies cost no depth.
    pub fn with_folded_copies(mut self) -> Self {
        self.fold_copies = true;
        self
    }

    /// Accepts the first stage's ranking, marked as degraded, when reranking is unavailable.
    pub fn with_retrieval_fallback(mut self) -> Self {
        self.retrieval_fallback = true;
        self
    }

    /// Omits hits to which the reranker gives a probability below this, from 0 to 1. Hits the reranker did not read are
    /// omitted too.
    pub fn with_min_probability(mut self, probability: f32) -> Self {
        self.min_probability = Some(probability);
        self
    }

    /// How long retrieving and reranking may take together. Candidates are then read best first, and those for which
    /// time runs out come below all that were read, in first-stage order; the response says how many. A reranker that
    /// respects limits overruns by less than the time for one passage.
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Lets another thread end the search, which then fails with [`ErrorKind::Cancelled`] before the next passage.
    pub fn with_cancel(mut self, cancel: CancelHandle) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// The query, as given.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The number of candidates requested, which is not less than that of hits asked for.
    pub fn depth(&self) -> usize {
        self.depth.max(self.limit.unwrap_or_default())
    }

    /// The number of hits requested.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(Self::DEFAULT_LIMIT)
    }

    /// Which passages may be candidates.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// How the two rankings are combined, if not by the engine's default.
    pub fn fusion(&self) -> Option<FusionPolicy> {
        self.fusion
    }

    /// How much of the candidates the second stage reads, if not the engine's default.
    pub fn effort(&self) -> Option<Effort> {
        self.effort
    }

    /// How long retrieving and reranking may take together.
    pub fn budget(&self) -> Option<Duration> {
        self.budget
    }

    /// The same without a least probability.
    pub(super) fn with_any_probability(mut self) -> Self {
        self.min_probability = None;
        self
    }

    pub(super) fn wants_explanation(&self) -> bool {
        self.explain
    }

    pub(super) fn wants_notes(&self) -> bool {
        self.notes
    }

    pub(super) fn folds_copies(&self) -> bool {
        self.fold_copies
    }

    pub(super) fn accepts_retrieval_alone(&self) -> bool {
        self.retrieval_fallback
    }

    /// Whether a hit with this probability is wanted; `None` for one that was not read.
    pub(super) fn wants_probability(&self, probability: Option<f32>) -> bool {
        self.min_probability.is_none_or(|least| probability.is_some_and(|found| found >= least))
    }

    /// Rejects requests that cannot be answered or would exceed the limits.
    pub(super) fn check(&self, limits: &Limits) -> Result<()> {
        let refuse = |kind, what: String| Err(Error::new(kind, what));
        if self.query.trim().is_empty() {
            return refuse(
                ErrorKind::InvalidQuery,
                "the query is empty: give at least one word".to_owned(),
            );
        }
        for (what, asked, limit) in [
            ("the query has", self.query.len(), limits.query_bytes),
            ("the depth is", self.depth(), limits.depth),
            ("the limit of hits is", self.limit(), limits.hits),
            ("the number of filter values is", self.filter.values(), limits.filter_values),
        ] {
            if asked > limit {
                let unit = if what == "the query has" { " bytes" } else { "" };
                return refuse(
                    ErrorKind::InvalidInput,
                    format!("{what} {asked}{unit}, more than the {limit} allowed"),
                );
            }
        }
        if let Some(least) = self.min_probability.filter(|least| !(0.0..=1.0).contains(least)) {
            return refuse(
                ErrorKind::InvalidInput,
                format!("the minimum probability is {least}; it must be from 0 to 1"),
            );
        }
        if let Some(fusion) = self.fusion.filter(|fusion| !fusion.is_valid()) {
            return refuse(
                ErrorKind::InvalidInput,
                format!("the parameters of the fusion {fusion} are out of range"),
            );
        }
        Ok(())
    }

    /// The first stage's request for a search that began at `start`.
    pub(super) fn to_retrieve(&self, start: Instant) -> RetrieveRequest {
        let mut time = TimeLimits::default();
        time.deadline = self.budget.and_then(|budget| start.checked_add(budget));
        time.cancel.clone_from(&self.cancel);
        let depth = if self.fold_copies { self.depth().saturating_mul(2) } else { self.depth() };
        let depth = NonZeroUsize::new(depth).unwrap_or(NonZeroUsize::MIN);
        RetrieveRequest::new(&self.query, depth)
            .with_syntax(self.syntax)
            .with_filter(self.filter.clone())
            .with_time(time)
    }
}
