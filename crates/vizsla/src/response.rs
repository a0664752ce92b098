//! What a search gives back; serialized, it is the JSON of the command line.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vizsla_core::{
    Advice, Bm25Explanation, Metadata, Ranked, RerankScore, RetrieveRequest, Retriever,
};

use crate::engine::SearchRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::scored::{Place, ScoredCandidates};

/// The answer to a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchResponse {
    /// The query, as given.
    pub query: String,
    /// Why the second stage is missing from this answer; `None` when nothing is.
    pub degraded: Option<String>,
    /// How the rankings were combined, in the form that [`Fusion`](vizsla_core::Fusion) parses.
    pub fusion: String,
    /// Words that no passage has, and parts of the query that had to be left out.
    #[serde(default)]
    pub advice: Advice,
    /// What each stage did.
    pub stages: Stages,
    /// The hits, best first, one a document.
    pub hits: Vec<Hit>,
}

/// What each stage did and how long it took.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stages {
    /// BM25.
    pub retrieve: RetrieveStage,
    /// The cross-encoder; `None` when it was not asked for or could not be had.
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
}

/// What the second stage did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RerankStage {
    /// The model.
    pub model: String,
    /// Wall time in milliseconds.
    pub ms: f64,
    /// Passages read.
    pub passages: usize,
    /// Tokens read, where the reranker counts them.
    pub tokens: u64,
    /// Candidates for which there was no time: they come below all that were read.
    pub unread: usize,
    /// Passages that were longer than the model's limit and so read in several windows.
    pub windowed: usize,
    /// Passages of which something had to be cut.
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

/// A document that was found, with its best passage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Hit {
    /// Place in the answer, from 1.
    pub rank: usize,
    /// Id of the document.
    pub doc_id: String,
    /// The file it was read from.
    pub path: Option<String>,
    /// Its title; empty when it has none.
    pub title: String,
    /// The fused score. Its scale is the fusion's own; it does not compare between queries.
    pub score: f32,
    /// The scores and ranks of both stages.
    pub scores: HitScores,
    /// The best passage.
    pub passage: HitPassage,
    /// The document's metadata.
    pub metadata: Metadata,
    /// How the first-stage score came about, when asked for and known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Bm25Explanation>,
}

/// The scores and ranks of both stages for the passage shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HitScores {
    /// First-stage score.
    pub bm25: f32,
    /// Rank among the candidate passages by the first stage, from 1.
    pub bm25_rank: u32,
    /// The cross-encoder's raw output.
    pub rerank_logit: Option<f32>,
    /// Sigmoid of the logit.
    pub rerank_probability: Option<f32>,
    /// Rank among the candidate passages by the cross-encoder, from 1.
    pub rerank_rank: Option<u32>,
    /// Tokens that the cross-encoder read, where it counts them.
    pub rerank_tokens: Option<u32>,
    /// In how many windows the cross-encoder read the passage; the logit is the best of theirs.
    pub rerank_windows: Option<u32>,
}

/// The passage shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HitPassage {
    /// Its text.
    pub text: String,
    /// The headings it stands under, outermost first.
    pub headings: Vec<String>,
    /// Which passage of the document it is, from 0.
    pub ordinal: u32,
    /// First line in the source, from 1.
    pub start_line: u32,
    /// Last line in the source.
    pub end_line: u32,
    /// Offset of its first byte in the document's text.
    pub start_byte: u64,
    /// Offset behind its last byte.
    pub end_byte: u64,
    /// Byte ranges of `text`, `[start, end)`, that match words of the query.
    pub highlights: Vec<[usize; 2]>,
    /// Whether the cross-encoder could not read all of it.
    pub truncated: bool,
}

impl SearchResponse {
    pub(crate) fn new(
        request: &SearchRequest,
        scored: ScoredCandidates,
        advice: Advice,
        hits: Vec<Hit>,
        fuse: Duration,
    ) -> Self {
        let mut stages = scored.stages;
        let ids: std::collections::HashSet<_> =
            scored.candidates.iter().map(|c| &c.passage.doc_id).collect();
        stages.fuse = FuseStage { ms: milliseconds(fuse), documents: ids.len() };
        Self {
            query: request.retrieve.query.clone(),
            degraded: scored.degraded,
            fusion: scored.fusion.to_string(),
            advice,
            stages,
            hits,
        }
    }
}

impl RetrieveStage {
    pub(crate) fn new(time: Duration, candidates: usize) -> Self {
        Self { ms: milliseconds(time), candidates }
    }
}

impl RerankStage {
    pub(crate) fn new(model: &str, time: Duration, scores: &[Option<RerankScore>]) -> Self {
        let read = || scores.iter().flatten();
        Self {
            model: model.to_owned(),
            ms: milliseconds(time),
            passages: read().count(),
            tokens: read().filter_map(|score| score.tokens).map(u64::from).sum(),
            unread: scores.len() - read().count(),
            windowed: read().filter(|score| score.windows > 1).count(),
            truncated: read().filter(|score| score.truncated).count(),
        }
    }
}

/// To a microsecond: more would be noise.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

/// The hits of a ranking of documents, down to the limit and the least probability asked for.
pub(crate) fn build_hits(
    scored: &ScoredCandidates,
    ranked: Vec<Ranked<Place<'_>>>,
    request: &SearchRequest,
    read_as: &RetrieveRequest,
    retriever: &dyn Retriever,
) -> Result<Vec<Hit>> {
    let probable = |place: &Ranked<Place<'_>>| {
        let rerank = scored.scores[place.item.index].rerank;
        request
            .min_probability
            .is_none_or(|least| rerank.is_some_and(|(score, _)| score.probability() >= least))
    };
    let best = ranked.into_iter().filter(probable).take(request.limit);
    (1..)
        .zip(best)
        .map(|(rank, place)| build_hit(scored, rank, &place, request, read_as, retriever))
        .collect()
}

fn build_hit(
    scored: &ScoredCandidates,
    rank: usize,
    place: &Ranked<Place<'_>>,
    request: &SearchRequest,
    read_as: &RetrieveRequest,
    retriever: &dyn Retriever,
) -> Result<Hit> {
    let passage = &scored.candidates[place.item.index].passage;
    let scores = &scored.scores[place.item.index];
    let rerank = scores.rerank.map(|(score, _)| score);
    let explanation = if request.explain {
        retriever.explain(&request.retrieve, passage).map_err(|error| {
            Error::new(
                ErrorKind::Retrieve,
                format!("cannot explain the score of {}", passage.doc_id),
            )
            .with_source(error)
        })?
    } else {
        None
    };
    let highlights = retriever.highlight(read_as, &passage.text);
    Ok(Hit {
        rank,
        doc_id: passage.doc_id.clone(),
        path: passage.path.clone(),
        title: passage.title.clone(),
        score: place.score,
        scores: HitScores {
            bm25: scores.bm25,
            bm25_rank: scores.bm25_rank,
            rerank_logit: rerank.map(|score| score.logit),
            rerank_probability: rerank.map(RerankScore::probability),
            rerank_rank: scores.rerank.map(|(_, rank)| rank),
            rerank_tokens: rerank.and_then(|score| score.tokens),
            rerank_windows: rerank.map(|score| score.windows),
        },
        passage: HitPassage {
            text: passage.text.clone(),
            headings: passage.headings.clone(),
            ordinal: passage.ordinal,
            start_line: passage.start_line,
            end_line: passage.end_line,
            start_byte: passage.start_byte,
            end_byte: passage.end_byte,
            highlights: highlights.into_iter().map(|range| [range.start, range.end]).collect(),
            truncated: rerank.is_some_and(|score| score.truncated),
        },
        metadata: passage.metadata.clone(),
        explanation,
    })
}
