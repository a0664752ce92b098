//! Turns a ranking of documents into hits.

use vizsla_core::{BoxError, Candidate, Ranked, RerankScore, Retrieval};

use super::link::file_url;
use super::request::SearchRequest;
use super::response::{Hit, HitPassage, HitScores};
use super::scored::{ScoredCandidates, Slot};
use super::sentence;
use super::snippet::Snippet;

/// The hits of a ranking of documents, up to the requested limit and down to the requested minimum probability.
pub(super) fn build(
    scored: &ScoredCandidates,
    ranked: Vec<Ranked<Slot<'_>>>,
    request: &SearchRequest,
    retrieval: &mut dyn Retrieval,
) -> Result<Vec<Hit>, BoxError> {
    let probable = |slot: &Ranked<Slot<'_>>| {
        let rerank = scored.scores[slot.item.index].rerank;
        request.wants_probability(rerank.map(|(score, _)| score.probability()))
    };
    let best: Vec<_> = ranked.into_iter().filter(probable).take(request.limit()).collect();
    let candidates: Vec<&Candidate> = best.iter().map(|slot| slot.item.candidate).collect();
    retrieval.prefetch(&candidates);
    (1..).zip(best).map(|(rank, slot)| build_one(scored, rank, &slot, request, retrieval)).collect()
}

fn build_one(
    scored: &ScoredCandidates,
    rank: usize,
    slot: &Ranked<Slot<'_>>,
    request: &SearchRequest,
    retrieval: &mut dyn Retrieval,
) -> Result<Hit, BoxError> {
    let candidate = slot.item.candidate;
    let passage = &candidate.passage;
    let scores = &scored.scores[slot.item.index];
    let rerank = scores.rerank.map(|(score, _)| score);
    let explanation =
        if request.wants_explanation() { retrieval.explain(candidate)? } else { None };
    let highlights: Vec<[usize; 2]> =
        retrieval.highlight(candidate).into_iter().map(|range| [range.start, range.end]).collect();
    let sentence = sentence::best(&passage.text, &highlights, &passage.headings, request.query());
    let place = |part| passage.location_of(part);
    let snippet =
        Snippet::of(&passage.text, &highlights, sentence, place, Snippet::DEFAULT_CONTEXT);
    Ok(Hit {
        rank,
        doc_id: passage.doc_id.clone(),
        path: passage.path.clone(),
        place: passage.location.to_string(),
        link: passage.path.as_deref().and_then(|path| file_url(path, &snippet.location)),
        title: passage.title.clone(),
        score: slot.score,
        scores: HitScores {
            retrieval: scores.retrieval,
            retrieval_rank: scores.retrieval_rank,
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
            location: passage.location.clone(),
            start_byte: passage.start_byte,
            end_byte: passage.end_byte,
            snippet,
            highlights,
            read: scored.part(slot.item.index).map(|part| [part.start, part.end]),
            truncated: rerank.is_some_and(|score| score.truncated),
        },
        copies: scored.copies.get(slot.item.index).cloned().unwrap_or_default(),
        metadata: retrieval.metadata(candidate)?,
        explanation,
    })
}
