//! Finds the parts of documents that answer a query, as Cohere's `relevant_spans`: the model reads the sentences of each
//! document once more, a few at a time. Costs about as much as the reranking itself, for the documents that are returned.

use serde::Serialize;
use vizsla::{Document, Reranker, SplitOptions, TimeLimits, split};

use super::request::{Call, Spans};
use super::score::Scored;
use crate::error::ApiError;
use crate::lazy_reranker::LazyReranker;

/// About how many tokens a span has.
const TOKENS: usize = 48;

/// A part of a document, in characters from its beginning.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Span {
    start: usize,
    end: usize,
    score: f64,
}

/// The spans of each document, best first, and how many tokens were read to find them.
pub(super) fn find(
    reranker: &LazyReranker,
    call: &Call,
    scored: &[Scored],
    (spans, limits): (Spans, &TimeLimits),
) -> Result<(Vec<Vec<Span>>, u64), ApiError> {
    let mut tokens = 0;
    let mut all = Vec::with_capacity(scored.len());
    for scored in scored {
        let (found, read) = of_document(reranker, &call.pairs[scored.index], spans, limits)?;
        all.push(found);
        tokens += read;
    }
    Ok((all, tokens))
}

fn of_document(
    reranker: &LazyReranker,
    (query, text): &(String, String),
    spans: Spans,
    limits: &TimeLimits,
) -> Result<(Vec<Span>, u64), ApiError> {
    let options = SplitOptions::default().with_max_tokens(TOKENS);
    let pieces = split(&Document::new("document", text.as_str()), &options);
    let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
    let scores = reranker
        .score_with_limits(query, &texts, limits)
        .map_err(|error| ApiError::backend(crate::error::chain(&*error)))?;
    let (mut found, mut tokens) = (Vec::new(), 0);
    // Pieces come in order, so that the text is counted once.
    let (mut byte, mut character) = (0, 0);
    let mut characters = |to: u64| {
        character += text.get(byte..to as usize)?.chars().count();
        byte = to as usize;
        Some(character)
    };
    for (piece, score) in pieces.iter().zip(scores) {
        let score = score.ok_or_else(ApiError::timed_out)?;
        tokens += u64::from(score.tokens.unwrap_or(0));
        let score = score.probability();
        if score < spans.threshold {
            continue;
        }
        if let (Some(start), Some(end)) = (characters(piece.start_byte), characters(piece.end_byte))
        {
            found.push(Span { start, end, score: f64::from(score) });
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.start.cmp(&b.start)));
    found.truncate(spans.max);
    Ok((found, tokens))
}
