//! The pipeline: retrieve, rerank, fuse and collapse, in this order, over any retriever and reranker. The only place that
//! sees every stage.

mod copies;
mod effort;
mod excerpt;
mod hits;
mod likelihood;
mod link;
mod merged_retriever;
mod observer;
mod passage_retriever;
mod reading;
mod request;
mod response;
mod scored;
mod sentence;
mod snippet;
mod stages;

use std::sync::Arc;
use std::time::Instant;

use vizsla_core::{
    BoxError, Fusion, FusionPolicy, Limits, QueryNotes, Ranking, Reranker, Retrieval, Retriever,
    StageScores,
};

pub use self::copies::PassageCopy;
pub use self::effort::{Effort, ParseEffortError};
pub use self::likelihood::Likelihood;
pub use self::link::file_url;
pub use self::merged_retriever::MergedRetriever;
use self::observer::Nobody;
pub use self::observer::SearchObserver;
pub use self::passage_retriever::PassageRetriever;
use self::reading::{Reading, cancelled};
pub use self::request::SearchRequest;
pub use self::response::{Hit, HitPassage, HitScores, SearchResponse};
pub use self::scored::ScoredCandidates;
pub use self::snippet::Snippet;
use self::stages::milliseconds;
pub use self::stages::{FuseStage, RerankStage, RetrieveStage, Stages};
use crate::error::{Error, ErrorKind, Result};

/// A two-stage search engine: a retriever, an optional reranker, and a way to combine them.
///
/// `Send + Sync`: share it by reference or in an `Arc` and search from as many threads as you like.
#[derive(Debug)]
pub struct Engine {
    retriever: Box<dyn Retriever>,
    reranker: Option<Box<dyn Reranker>>,
    fusion: FusionPolicy,
    effort: Effort,
    limits: Limits,
}

impl Engine {
    /// An engine without a second stage; searches then need [`Fusion::Retrieval`](vizsla_core::Fusion::Retrieval) or
    /// [`with_retrieval_fallback`](SearchRequest::with_retrieval_fallback).
    pub fn new(retriever: impl Retriever + 'static) -> Self {
        Self {
            retriever: Box::new(retriever),
            reranker: None,
            fusion: FusionPolicy::default(),
            effort: Effort::default(),
            limits: Limits::default(),
        }
    }

    /// Adds the second stage.
    pub fn with_reranker(mut self, reranker: impl Reranker + 'static) -> Self {
        self.reranker = Some(Box::new(reranker));
        self
    }

    /// Sets how the rankings are combined unless a search overrides it.
    pub fn with_fusion(mut self, fusion: impl Into<FusionPolicy>) -> Self {
        self.fusion = fusion.into();
        self
    }

    /// Sets how much the second stage reads unless a search overrides it.
    pub fn with_effort(mut self, effort: Effort) -> Self {
        self.effort = effort;
        self
    }

    /// Sets limits on requests.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Retrieves, reranks, fuses, and keeps the best passage of each document.
    ///
    /// Cost: the first stage takes milliseconds; the second a few milliseconds per candidate and core.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidQuery`], [`ErrorKind::InvalidInput`], [`ErrorKind::NoReranker`], [`ErrorKind::Rerank`],
    /// [`ErrorKind::Cancelled`], or the retriever's.
    pub fn search(&self, request: &SearchRequest) -> Result<SearchResponse> {
        self.search_with(request, &mut Nobody)
    }

    /// As [`search`](Self::search), reporting progress to an observer.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn search_with(
        &self,
        request: &SearchRequest,
        observer: &mut dyn SearchObserver,
    ) -> Result<SearchResponse> {
        let (scored, mut retrieval) = self.run_stages(request, observer, true)?;
        let response = answer(&scored, scored.fusion, request, &mut *retrieval)?;
        observer.done(&response);
        Ok(response)
    }

    /// The first two stages: candidates with the scores of both, ready to be fused in one or several ways.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn score(&self, request: &SearchRequest) -> Result<ScoredCandidates> {
        Ok(self.run_stages(request, &mut Nobody, false)?.0)
    }

    /// `for_hits` is whether hits will be built of the candidates.
    fn run_stages(
        &self,
        request: &SearchRequest,
        observer: &mut dyn SearchObserver,
        for_hits: bool,
    ) -> Result<(ScoredCandidates, Box<dyn Retrieval + '_>)> {
        request.check(&self.limits)?;
        let fusion = request.fusion().unwrap_or(self.fusion);
        let reranker = self.reranker.as_deref().filter(|_| fusion.needs_rerank());
        let lacks_reranker = fusion.needs_rerank() && reranker.is_none();
        if lacks_reranker && !request.accepts_retrieval_alone() {
            return Err(no_reranker(fusion));
        }
        let start = Instant::now();
        let asked = request.to_retrieve(start);
        let mut retrieval = self.retriever.prepare(&asked).map_err(retriever_failed)?;
        let ranking = retrieval.candidates().map_err(retriever_failed)?;
        if asked.time.is_cancelled() {
            return Err(cancelled());
        }
        let (ranking, copies) = if request.folds_copies() {
            let query = retrieval.query().unwrap_or(request.query());
            let folded = copies::fold(ranking, query, request.depth()).map_err(|error| {
                Error::new(ErrorKind::Retrieve, "the retriever gave a score that is not finite")
                    .with_source(error)
            })?;
            (folded.ranking, folded.copies)
        } else {
            (ranking, Vec::new())
        };
        observer.retrieved(&ranking);
        let mut scored = to_be_scored(ranking, fusion, request);
        scored.copies = copies.into();
        scored.degraded = retrieval.degraded();
        scored.stages.retrieve =
            RetrieveStage::new(start.elapsed(), scored.scores.len(), retrieval.engine_time());
        if observer.wants_first() {
            let request = request.clone().with_any_probability();
            observer.first(&answer(&scored, Fusion::Retrieval.into(), &request, &mut *retrieval)?);
        }
        if let Some(reranker) = reranker {
            if for_hits {
                retrieval.prefetch(&scored.candidates.iter().collect::<Vec<_>>());
            }
            let query = retrieval.query().unwrap_or(request.query()).to_owned();
            let reading = Reading {
                reranker,
                effort: request.effort().unwrap_or(self.effort),
                limit: request.limit(),
                time: &asked.time,
            };
            match reading.read(&query, &mut scored, &*retrieval, observer) {
                Err(error)
                    if request.accepts_retrieval_alone()
                        && error.kind() != ErrorKind::Cancelled =>
                {
                    scored.degrade(with_sources(&error));
                }
                done => done?,
            }
        } else if lacks_reranker {
            scored.degrade("the engine has no reranker".to_owned());
        }
        Ok((scored, retrieval))
    }
}

/// The answer as the scores so far give it.
fn answer(
    scored: &ScoredCandidates,
    fusion: FusionPolicy,
    request: &SearchRequest,
    retrieval: &mut dyn Retrieval,
) -> Result<SearchResponse> {
    let start = Instant::now();
    let ranked = scored.collapse(fusion).map_err(|error| {
        Error::new(ErrorKind::Internal, "the fusion gave a score that cannot be ranked")
            .with_source(error)
    })?;
    let hits = hits::build(scored, ranked, request, retrieval).map_err(retriever_failed)?;
    let notes = if request.wants_notes() {
        retrieval.notes().map_err(retriever_failed)?
    } else {
        QueryNotes::default()
    };
    let mut stages = scored.stages.clone();
    stages.fuse =
        FuseStage { ms: milliseconds(start.elapsed()), documents: scored.document_count() };
    Ok(SearchResponse {
        query: request.query().to_owned(),
        degraded: scored.degraded.clone(),
        fusion,
        matched: retrieval.matched(),
        notes,
        stages,
        hits,
    })
}

fn to_be_scored(
    ranking: Ranking<vizsla_core::Candidate>,
    fusion: FusionPolicy,
    request: &SearchRequest,
) -> ScoredCandidates {
    let scores = (1..).zip(&ranking).map(|(rank, found)| StageScores::new(found.score, rank));
    ScoredCandidates {
        scores: scores.collect(),
        candidates: ranking.into_iter().map(|ranked| ranked.item).collect(),
        copies: Arc::default(),
        parts: Arc::default(),
        fusion,
        query_words: request.query().split_whitespace().count(),
        degraded: None,
        stages: Stages::default(),
    }
}

fn no_reranker(fusion: FusionPolicy) -> Error {
    Error::new(
        ErrorKind::NoReranker,
        format!(
            "the search asks for the fusion {fusion} and the engine has no reranker: give it one, ask for the fusion \
             retrieval, or accept a degraded answer"
        ),
    )
}

/// An error of this crate that came through the trait is passed on unchanged.
fn retriever_failed(error: BoxError) -> Error {
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
