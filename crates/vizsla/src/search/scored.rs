//! Candidates with the scores of both stages, before they become hits.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use vizsla_core::{
    Candidate, Fusion, FusionPolicy, NonFiniteScore, Ranked, Ranking, RerankScore, StageScores,
    TieBreak,
};

use super::copies::PassageCopy;
use super::stages::Stages;

/// The two stages' results for a query, before fusion. One scoring can be fused in several ways.
#[derive(Debug, Clone)]
pub struct ScoredCandidates {
    /// In first-stage order; there may be more than there are scores.
    pub(super) candidates: Arc<[Candidate]>,
    /// The copies of each candidate; empty where they were not looked for.
    pub(super) copies: Arc<[Vec<PassageCopy>]>,
    /// The part of each candidate that the second stage was given; `None` for all of it.
    pub(super) parts: Arc<[Option<Range<usize>>]>,
    pub(super) scores: Vec<StageScores>,
    pub(super) fusion: FusionPolicy,
    pub(super) query_words: usize,
    pub(super) degraded: Option<String>,
    pub(super) stages: Stages,
}

/// A candidate by its position in the list.
#[derive(Debug, Clone)]
pub(super) struct Slot<'a> {
    pub(super) index: usize,
    pub(super) candidate: &'a Candidate,
}

impl TieBreak for Slot<'_> {
    fn tie_break(&self) -> (&str, &str, u32) {
        self.candidate.tie_break()
    }
}

impl ScoredCandidates {
    /// The candidates in first-stage order, with the scores of both stages.
    pub fn iter(&self) -> impl Iterator<Item = (&Candidate, &StageScores)> {
        self.candidates.iter().zip(&self.scores)
    }

    /// The same with only the first `depth` candidates, as if no more had been requested. Cost: linear in the scores;
    /// the candidates are shared.
    pub fn prefix(&self, depth: usize) -> Self {
        let mut prefix = self.clone();
        prefix.scores.truncate(depth);
        // Their order stays; the ranks close up.
        let ranks = prefix.scores.iter().enumerate();
        let mut ranks: Vec<(u32, usize)> =
            ranks.filter_map(|(i, scores)| Some((scores.rerank?.1, i))).collect();
        ranks.sort_unstable();
        for (rank, (_, i)) in (1..).zip(ranks) {
            if let Some((_, known)) = &mut prefix.scores[i].rerank {
                *known = rank;
            }
        }
        prefix
    }

    /// What each stage did and how long it took; fusion has not happened yet.
    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    /// Document ids with fused scores, best first: a document has the score of its best passage (`MaxP`; Dai and
    /// Callan, SIGIR 2019). Of documents from different files with the same id, only the best is listed.
    pub fn documents(&self, fusion: impl Into<FusionPolicy>) -> Vec<(&str, f32)> {
        // Fusing finite scores gives finite scores.
        let ranked = self.collapse(fusion.into()).unwrap_or_default();
        let mut seen = HashSet::new();
        let named = ranked
            .into_iter()
            .map(|slot| (slot.item.candidate.passage.doc_id.as_str(), slot.score));
        named.filter(|(id, _)| seen.insert(*id)).collect()
    }

    /// The best passage of each document, best first.
    pub(super) fn collapse(
        &self,
        fusion: FusionPolicy,
    ) -> Result<Vec<Ranked<Slot<'_>>>, NonFiniteScore> {
        let fused = fusion.resolve(self.query_words).fuse(&self.scores);
        let slots = fused.into_iter().zip(self.slots());
        let mut seen = HashSet::new();
        let ranking = Ranking::new(slots)?;
        Ok(ranking
            .into_iter()
            .filter(|slot| seen.insert(slot.item.candidate.passage.document()))
            .collect())
    }

    /// How many documents the candidates belong to.
    pub(super) fn document_count(&self) -> usize {
        self.iter().map(|(candidate, _)| candidate.passage.document()).collect::<HashSet<_>>().len()
    }

    /// Records the reranker's scores, ranked among themselves.
    pub(super) fn enter(&mut self, scores: &[Option<RerankScore>]) -> Result<(), NonFiniteScore> {
        let read = self.slots().zip(scores).filter_map(|(slot, score)| Some(((*score)?, slot)));
        let ranking = Ranking::new(read.map(|(score, slot)| (score.logit, slot)))?;
        let order: Vec<usize> = ranking.into_iter().map(|ranked| ranked.item.index).collect();
        for (rank, index) in (1..).zip(order) {
            if let (Some(entry), Some(Some(score))) =
                (self.scores.get_mut(index), scores.get(index))
            {
                *entry = entry.with_rerank(*score, rank);
            }
        }
        Ok(())
    }

    /// The part of a candidate that the second stage was given; `None` for all of it.
    pub(super) fn part(&self, index: usize) -> Option<&Range<usize>> {
        self.parts.get(index)?.as_ref()
    }

    pub(super) fn degrade(&mut self, reason: String) {
        self.degraded = Some(reason);
        self.fusion = Fusion::Retrieval.into();
    }

    fn slots(&self) -> impl Iterator<Item = Slot<'_>> {
        let scored = self.candidates.iter().take(self.scores.len());
        scored.enumerate().map(|(index, candidate)| Slot { index, candidate })
    }
}
