//! The pipeline: the only place that sees every stage.
//!
//! A request goes in; retrieve, rerank, fuse and collapse happen in this order; a response comes out.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use vizsla_core::{
    Advice, CancelHandle, Candidate, Filter, Fusion, QuerySyntax, RerankScore, Reranker,
    RetrieveRequest, Retriever, StageScores, TimeLimits,
};

use crate::error::{Error, ErrorKind, Result};
use crate::response::{RerankStage, RetrieveStage, SearchResponse, Stages, build_hits};
use crate::scored::ScoredCandidates;

/// What to search for, and how.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SearchRequest {
    pub(crate) retrieve: RetrieveRequest,
    pub(crate) limit: usize,
    pub(crate) fusion: Option<Fusion>,
    pub(crate) explain: bool,
    pub(crate) bm25_fallback: bool,
    pub(crate) min_probability: Option<f32>,
    pub(crate) budget: Option<Duration>,
    pub(crate) cancel: Option<CancelHandle>,
}

impl SearchRequest {
    /// How many hits unless told otherwise.
    pub const DEFAULT_LIMIT: usize = 10;
    /// How many candidates unless told otherwise.
    pub const DEFAULT_DEPTH: usize = 50;

    /// Asks for the 10 best documents, read from 50 candidates. Any text is a valid query, but an empty one.
    pub fn new(query: impl Into<String>) -> Self {
        let depth = NonZeroUsize::new(Self::DEFAULT_DEPTH).unwrap_or(NonZeroUsize::MIN);
        Self {
            retrieve: RetrieveRequest::new(query, depth),
            limit: Self::DEFAULT_LIMIT,
            fusion: None,
            explain: false,
            bm25_fallback: false,
            min_probability: None,
            budget: None,
            cancel: None,
        }
    }

    /// How many hits at most.
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// How many passages the first stage hands to the second; at least 1. The second stage's cost grows with it.
    pub fn with_depth(mut self, depth: usize) -> Self {
        self.retrieve.depth = NonZeroUsize::new(depth).unwrap_or(NonZeroUsize::MIN);
        self
    }

    /// How the two rankings become one, instead of the engine's own way.
    pub fn with_fusion(mut self, fusion: Fusion) -> Self {
        self.fusion = Some(fusion);
        self
    }

    /// Which passages may be candidates.
    pub fn with_filter(mut self, filter: Filter) -> Self {
        self.retrieve.filter = filter;
        self
    }

    /// How the query is read.
    pub fn with_syntax(mut self, syntax: QuerySyntax) -> Self {
        self.retrieve.syntax = syntax;
        self
    }

    /// Asks for how each first-stage score came about.
    pub fn with_explanation(mut self) -> Self {
        self.explain = true;
        self
    }

    /// Accepts the first stage's ranking, marked as degraded, when the second stage cannot be had.
    pub fn with_bm25_fallback(mut self) -> Self {
        self.bm25_fallback = true;
        self
    }

    /// Leaves out hits that the reranker gives a lower probability than this, from 0 to 1. What the reranker did not
    /// read is left out too.
    pub fn with_min_probability(mut self, probability: f32) -> Self {
        self.min_probability = Some(probability);
        self
    }

    /// How long retrieving and reranking may take together. Candidates are then read best first, and those for which
    /// there is no time come below all that were read, in first-stage order; the response says how many. A reranker
    /// that keeps to limits overruns by less than one passage takes.
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Lets another thread end the search, which then fails with [`ErrorKind::Cancelled`] before the next passage.
    pub fn with_cancel(mut self, cancel: CancelHandle) -> Self {
        self.cancel = Some(cancel);
        self
    }

    fn limits(&self, start: Instant) -> TimeLimits {
        let mut limits = TimeLimits::default();
        limits.deadline = self.budget.and_then(|budget| start.checked_add(budget));
        limits.cancel.clone_from(&self.cancel);
        limits
    }
}

/// A two-stage search engine: a retriever, perhaps a reranker, and the way to combine them.
///
/// `Send + Sync`: share it by reference or in an `Arc` and search from as many threads as you like.
#[derive(Debug)]
pub struct Engine {
    retriever: Box<dyn Retriever>,
    reranker: Option<Box<dyn Reranker>>,
    fusion: Fusion,
}

impl Engine {
    /// An engine without a second stage; searches then need [`Fusion::Bm25`] or
    /// [`with_bm25_fallback`](SearchRequest::with_bm25_fallback).
    pub fn new(retriever: impl Retriever + 'static) -> Self {
        Self { retriever: Box::new(retriever), reranker: None, fusion: Fusion::default() }
    }

    /// Adds the second stage.
    pub fn with_reranker(mut self, reranker: impl Reranker + 'static) -> Self {
        self.reranker = Some(Box::new(reranker));
        self
    }

    /// Sets how the rankings are combined unless a search says otherwise.
    pub fn with_fusion(mut self, fusion: Fusion) -> Self {
        self.fusion = fusion;
        self
    }

    /// Retrieves, reranks, fuses, and keeps the best passage of each document.
    ///
    /// Cost: the first stage takes milliseconds; the second some milliseconds per candidate and core.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`], [`ErrorKind::NoReranker`], [`ErrorKind::Retrieve`], [`ErrorKind::Rerank`] or
    /// [`ErrorKind::Cancelled`].
    pub fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        let mut scored = self.score(request)?;
        let start = Instant::now();
        let advice = match scored.advice.take() {
            Some(advice) => advice,
            None => self.advise(request)?,
        };
        let ranked = scored.collapse(scored.fusion);
        let read_as = as_read(request, &advice);
        let hits = build_hits(&scored, ranked, request, &read_as, &*self.retriever)?;
        Ok(SearchResponse::new(request, scored, advice, hits, start.elapsed()))
    }

    /// The first two stages: candidates with the scores of both, to be fused in one way or in several.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn score(&self, request: &SearchRequest) -> Result<ScoredCandidates> {
        if request.retrieve.query.trim().is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                "the query is empty: give at least one word",
            ));
        }
        let fusion = request.fusion.unwrap_or(self.fusion);
        let reranker = self.reranker.as_deref().filter(|_| fusion.needs_rerank());
        if fusion.needs_rerank() && reranker.is_none() && !request.bm25_fallback {
            return Err(no_reranker(fusion));
        }
        let start = Instant::now();
        let ranking = self.retriever.retrieve(&request.retrieve).map_err(retrieve_failed)?;
        let candidates: Vec<_> =
            ranking.into_iter().map(|ranked| (ranked.score, ranked.item)).collect();
        let mut scored = ScoredCandidates {
            scores: (1..)
                .zip(&candidates)
                .map(|(rank, (score, _))| StageScores::new(*score, rank))
                .collect(),
            candidates: candidates.into_iter().map(|(_, candidate)| candidate).collect(),
            fusion,
            query_words: request.retrieve.query.split_whitespace().count(),
            advice: None,
            degraded: None,
            stages: Stages::default(),
        };
        scored.stages.retrieve = RetrieveStage::new(start.elapsed(), scored.candidates.len());
        match reranker {
            Some(reranker) => match self.rerank(reranker, request, start, &mut scored) {
                Err(error) if request.bm25_fallback && error.kind() != ErrorKind::Cancelled => {
                    scored.degrade(with_sources(&error));
                }
                done => done?,
            },
            None if fusion.needs_rerank() => {
                scored.degrade("the engine has no reranker".to_owned());
            }
            None => {}
        }
        Ok(scored)
    }

    fn advise(&self, request: &SearchRequest) -> Result<Advice> {
        self.retriever.advise(&request.retrieve).map_err(retrieve_failed)
    }

    fn rerank(
        &self,
        reranker: &dyn Reranker,
        request: &SearchRequest,
        begin: Instant,
        scored: &mut ScoredCandidates,
    ) -> Result<()> {
        let start = Instant::now();
        let limits = request.limits(begin);
        let texts: Vec<String> =
            scored.candidates.iter().map(|candidate| candidate.passage.full_text()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        // The reranker judges by the words that the retriever searched for.
        let advice = scored.advice.insert(self.advise(request)?);
        let query = as_read(request, advice).parsed().text;
        let scores = reranker.score_with_limits(&query, &texts, &limits).map_err(|error| {
            Error::new(ErrorKind::Rerank, format!("the reranker {} failed", reranker.name()))
                .with_source(error)
        })?;
        if limits.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "the search was cancelled"));
        }
        let broken = |what: String| {
            Error::new(ErrorKind::Rerank, format!("the reranker {} {what}", reranker.name()))
        };
        if scores.len() != texts.len() {
            return Err(broken(format!(
                "gave {} scores for {} passages",
                scores.len(),
                texts.len()
            )));
        }
        if let Some(score) = scores.iter().flatten().find(|score| !score.logit.is_finite()) {
            return Err(broken(format!("gave the score {}, which cannot be ranked", score.logit)));
        }
        for (rank, (i, score)) in (1..).zip(best_first(&scores, &scored.candidates)) {
            scored.scores[i] = scored.scores[i].with_rerank(score, rank);
        }
        scored.stages.rerank = Some(RerankStage::new(reranker.name(), start.elapsed(), &scores));
        Ok(())
    }
}

/// The request with the words that the retriever searched for instead.
fn as_read(request: &SearchRequest, advice: &Advice) -> RetrieveRequest {
    let mut read_as = request.retrieve.clone();
    read_as.query = advice.applied_to(&read_as.query);
    read_as
}

/// The candidates that were read by logit; ties as everywhere.
fn best_first(
    scores: &[Option<RerankScore>],
    candidates: &[Candidate],
) -> Vec<(usize, RerankScore)> {
    let mut order: Vec<(usize, RerankScore)> =
        scores.iter().enumerate().filter_map(|(i, score)| Some((i, (*score)?))).collect();
    let key = |i: usize| (&candidates[i].passage.doc_id, candidates[i].passage.ordinal);
    order.sort_by(|(a, x), (b, y)| y.logit.total_cmp(&x.logit).then_with(|| key(*a).cmp(&key(*b))));
    order
}

fn no_reranker(fusion: Fusion) -> Error {
    Error::new(
        ErrorKind::NoReranker,
        format!(
            "the search asks for the fusion {fusion:?} and the engine has no reranker: give it one, ask for the fusion bm25, or \
             accept a degraded answer"
        ),
    )
}

/// An error of this crate that came through the trait is handed on as it is.
fn retrieve_failed(error: vizsla_core::BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(other) => Error::new(ErrorKind::Retrieve, format!("the retriever failed: {other}"))
            .with_source(other),
    }
}

fn with_sources(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
