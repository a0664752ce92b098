//! The second stage: which candidates the reranker reads, in which order, and which part of each. In: candidates with the
//! scores of the first stage. Out: the same with the scores of both.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use vizsla_core::{
    Candidate, NonFiniteScore, RerankScore, Reranker, Retrieval, TimeLimits, estimated_tokens,
};

use super::effort::Effort;
use super::excerpt::{Match, excerpt};
use super::observer::SearchObserver;
use super::scored::ScoredCandidates;
use super::stages::RerankStage;
use crate::analysis::QueryWords;
use crate::error::{Error, ErrorKind, Result, panic_message};

/// So many candidates are read before it is asked whether more are worth it. No fewer: cores may idle at the end of a group.
const GROUP: usize = 8;

/// How a reranker reads candidates.
pub(super) struct Reading<'a> {
    pub(super) reranker: &'a dyn Reranker,
    pub(super) effort: Effort,
    /// How many hits are wanted.
    pub(super) limit: usize,
    pub(super) time: &'a TimeLimits,
}

impl Reading<'_> {
    /// Reads candidates best first and enters their scores. The query, the words of which are looked for in the candidates,
    /// is the retrieval's.
    pub(super) fn read(
        &self,
        query: &str,
        scored: &mut ScoredCandidates,
        retrieval: &dyn Retrieval,
        observer: &mut dyn SearchObserver,
    ) -> Result<()> {
        let start = Instant::now();
        let mut parts = self.parts(query, scored, retrieval);
        let texts: Vec<String> = scored
            .candidates
            .iter()
            .zip(&parts)
            .map(|(candidate, part)| text(candidate, part.as_ref()))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut scores: Vec<Option<RerankScore>> = Vec::with_capacity(texts.len());
        for group in texts.chunks(self.step(observer, texts.len())) {
            let before = scores.len();
            scores.extend(self.score(query, group)?);
            observer.reranked(scores.iter().flatten().count(), texts.len());
            if self.effort.stops() && self.is_enough(scored, &scores, before)? {
                break;
            }
        }
        let left_out = texts.len() - scores.len();
        if self.effort.rereads() {
            self.read_hits(query, scored, &mut scores, &mut parts)?;
        }
        self.enter(scored, &scores)?;
        let excerpts = parts[..scores.len()].iter().flatten().count();
        scored.parts = parts.into();
        scored.stages.rerank = Some(
            RerankStage::new(self.reranker.name(), start.elapsed(), &scores)
                .with_plan(left_out, excerpts),
        );
        Ok(())
    }

    /// Reads the whole of those that would be the hits and of which only a part was read.
    fn read_hits(
        &self,
        query: &str,
        scored: &mut ScoredCandidates,
        scores: &mut [Option<RerankScore>],
        parts: &mut [Option<Range<usize>>],
    ) -> Result<()> {
        self.enter(scored, scores)?;
        let mut hits = self.hits(scored)?;
        hits.retain(|index| parts[*index].is_some() && scores[*index].is_some());
        let texts: Vec<String> =
            hits.iter().map(|index| text(&scored.candidates[*index], None)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for (index, whole) in hits.into_iter().zip(self.score(query, &texts)?) {
            if let (Some(score), Some(whole)) = (&mut scores[index], whole) {
                *score = both(*score, whole);
                parts[index] = None;
            }
        }
        Ok(())
    }

    /// The candidates that would be the hits, best first.
    fn hits(&self, scored: &ScoredCandidates) -> Result<Vec<usize>> {
        let ranked = scored.collapse(scored.fusion).map_err(|error| self.unrankable(error))?;
        Ok(ranked.iter().take(self.limit).map(|slot| slot.item.index).collect())
    }

    fn enter(&self, scored: &mut ScoredCandidates, scores: &[Option<RerankScore>]) -> Result<()> {
        scored.enter(scores).map_err(|error| self.unrankable(error))
    }

    fn unrankable(&self, error: NonFiniteScore) -> Error {
        self.broken("gave a score that cannot be ranked").with_source(error)
    }

    fn step(&self, observer: &dyn SearchObserver, total: usize) -> usize {
        let reported = if observer.step() == 0 { total } else { observer.step() };
        if self.effort.stops() { reported.min(GROUP) } else { reported }.max(1)
    }

    fn score(&self, query: &str, group: &[&str]) -> Result<Vec<Option<RerankScore>>> {
        // A panic in a third-party model becomes an error of this search, not the end of the caller's thread.
        let read = catch_unwind(AssertUnwindSafe(|| {
            self.reranker.score_with_limits(query, group, self.time)
        }))
        .map_err(|panic| self.broken(&format!("panicked: {}", panic_message(&*panic))))?
        .map_err(|error| self.broken("failed").with_source(error))?;
        if self.time.is_cancelled() {
            return Err(cancelled());
        }
        if read.len() != group.len() {
            let what = format!("gave {} scores for {} passages", read.len(), group.len());
            return Err(self.broken(&what));
        }
        Ok(read)
    }

    /// Whether there are enough hits and the group that begins at `from` brought none of them.
    fn is_enough(
        &self,
        scored: &mut ScoredCandidates,
        scores: &[Option<RerankScore>],
        from: usize,
    ) -> Result<bool> {
        // Where time has run out, the stage says so.
        if scores.iter().any(Option::is_none) {
            return Ok(false);
        }
        self.enter(scored, scores)?;
        let hits = self.hits(scored)?;
        let read = hits.iter().filter(|index| **index < scores.len()).count();
        Ok(read == self.limit && hits.iter().all(|index| *index < from))
    }

    /// The part of each candidate that is read; `None` for all of it.
    fn parts(
        &self,
        query: &str,
        scored: &ScoredCandidates,
        retrieval: &dyn Retrieval,
    ) -> Vec<Option<Range<usize>>> {
        let candidates = &scored.candidates[..scored.scores.len()];
        let Some(max_tokens) = self.effort.excerpt_tokens(estimated_tokens(query)) else {
            return vec![None; candidates.len()];
        };
        let mut words = Words::default();
        // Foreign retrievers may not say where the query's words are.
        let own = LazyCell::new(|| QueryWords::of(query));
        let matches: Vec<Vec<Match>> = candidates
            .iter()
            .map(|candidate| {
                let text = &candidate.passage.text;
                let known = retrieval.words_in(candidate);
                let known = if known.is_empty() { own.found_in(text) } else { known };
                words.found_in(text, known)
            })
            .collect();
        let weights = words.weights(candidates.len());
        let part = |(candidate, matches): (&Candidate, &Vec<Match>)| {
            let text = &candidate.passage.text;
            // Where none of the words are, any part may be the one.
            let part = (!matches.is_empty()).then(|| excerpt(text, matches, &weights, max_tokens));
            part.filter(|part| part.len() < text.len())
        };
        candidates.iter().zip(&matches).map(part).collect()
    }

    fn broken(&self, what: &str) -> Error {
        Error::new(ErrorKind::Rerank, format!("the reranker {} {what}", self.reranker.name()))
    }
}

pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the search was cancelled")
}

/// What the reranker reads of a candidate.
fn text(candidate: &Candidate, part: Option<&Range<usize>>) -> String {
    let passage = &candidate.passage;
    part.map_or_else(
        || passage.full_text(),
        |part| passage.full_text_of(&passage.text[part.clone()]),
    )
}

/// The score of a passage of which first a part was read and then all.
fn both(part: RerankScore, whole: RerankScore) -> RerankScore {
    let tokens = part.tokens.unwrap_or_default() + whole.tokens.unwrap_or_default();
    RerankScore::new(f32::midpoint(part.logit, whole.logit))
        .with_tokens(tokens, part.truncated || whole.truncated)
        .with_windows(whole.windows)
        .with_cached(part.cached && whole.cached)
}

/// The words that matched, and in how many candidates each is.
#[derive(Default)]
struct Words {
    numbers: HashMap<String, usize>,
    candidates: Vec<u32>,
}

impl Words {
    fn found_in(&mut self, text: &str, highlights: Vec<Range<usize>>) -> Vec<Match> {
        let matches: Vec<Match> = highlights
            .into_iter()
            .map(|range| {
                let number = self.numbers.len();
                let word =
                    *self.numbers.entry(text[range.clone()].to_lowercase()).or_insert(number);
                Match { range, word }
            })
            .collect();
        self.candidates.resize(self.numbers.len(), 0);
        let mut distinct: Vec<usize> = matches.iter().map(|found| found.word).collect();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.into_iter().for_each(|word| self.candidates[word] += 1);
        matches
    }

    /// A word counts the more, the fewer of the candidates have it: BM25's idf over them.
    fn weights(&self, total: usize) -> Vec<f64> {
        let idf = |count: &u32| {
            let count = f64::from(*count);
            (1.0 + (total as f64 - count + 0.5) / (count + 0.5)).ln()
        };
        self.candidates.iter().map(idf).collect()
    }
}
