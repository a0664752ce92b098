//! Scores the pairs of a call. In: a call and a reranker. Out: every score, best first, or none.

use std::collections::HashMap;

use vizsla::{Ranking, RerankScore, Reranker, TieBreak, TimeLimits};

use super::request::{Call, Dialect};
use crate::error::ApiError;
use crate::lazy_reranker::LazyReranker;

/// A text of the call with its score.
#[derive(Debug)]
pub(super) struct Scored {
    pub(super) index: usize,
    pub(super) score: RerankScore,
}

impl TieBreak for Scored {
    fn tie_break(&self) -> (&str, &str, u32) {
        ("", "", self.index as u32)
    }
}

/// Scores every pair, in input order for pairs and otherwise best first, as many as were asked for.
pub(super) fn score(
    reranker: &LazyReranker,
    call: &Call,
    limits: &TimeLimits,
) -> Result<Vec<Scored>, ApiError> {
    let mut of_query: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, (query, _)) in call.pairs.iter().enumerate() {
        of_query.entry(query).or_default().push(index);
    }
    let mut all = Vec::with_capacity(call.pairs.len());
    for (query, indices) in of_query {
        let texts: Vec<&str> = indices.iter().map(|index| call.pairs[*index].1.as_str()).collect();
        let scores = reranker
            .score_with_limits(query, &texts, limits)
            .map_err(|error| ApiError::backend(crate::error::chain(&*error)))?;
        for (index, score) in indices.into_iter().zip(scores) {
            // A part of the scores would look to clients like all of them.
            all.push(Scored { index, score: score.ok_or_else(ApiError::timed_out)? });
        }
    }
    if matches!(call.dialect, Dialect::Predict(_) | Dialect::Score) {
        all.sort_by_key(|scored| scored.index);
        return Ok(all);
    }
    // By logit, so that probabilities which round to 1 keep their order.
    let ranking = Ranking::new(all.into_iter().map(|scored| (scored.score.logit, scored)))
        .map_err(|_| ApiError::backend("the model gave a score that is not a number"))?;
    let top = call.top_n.unwrap_or(usize::MAX);
    Ok(ranking.into_iter().take(top).map(|ranked| ranked.item).collect())
}
