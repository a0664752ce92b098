//! Candidates with the scores of both stages, on their way to become hits.

use std::collections::HashSet;

use vizsla_core::{Advice, Candidate, Fusion, Ranked, Ranking, StageScores, TieBreak};

use crate::response::Stages;

/// What the two stages made of a query, before fusion. One scoring can be fused in several ways.
#[derive(Debug, Clone)]
pub struct ScoredCandidates {
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) scores: Vec<StageScores>,
    pub(crate) fusion: Fusion,
    pub(crate) query_words: usize,
    /// Asked for when there is a second stage, which reads the query with its corrections.
    pub(crate) advice: Option<Advice>,
    pub(crate) degraded: Option<String>,
    pub(crate) stages: Stages,
}

/// A candidate by its place in the list.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    pub(crate) index: usize,
    candidate: &'a Candidate,
}

impl TieBreak for Place<'_> {
    fn tie_break(&self) -> (&str, u32) {
        self.candidate.tie_break()
    }
}

impl ScoredCandidates {
    /// The candidates in first-stage order, with what both stages said.
    pub fn iter(&self) -> impl Iterator<Item = (&Candidate, &StageScores)> {
        self.candidates.iter().zip(&self.scores)
    }

    /// The same with the first `depth` candidates alone, as if no more had been asked for.
    pub fn prefix(&self, depth: usize) -> Self {
        let mut prefix = self.clone();
        prefix.candidates.truncate(depth);
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

    /// What each stage did and how long it took; the fusion has not happened yet.
    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    /// Document ids with fused scores, best first: a document has the score of its best passage (`MaxP`; Dai and Callan,
    /// SIGIR 2019).
    pub fn documents(&self, fusion: Fusion) -> Vec<(&str, f32)> {
        self.collapse(fusion)
            .into_iter()
            .map(|place| (place.item.candidate.passage.doc_id.as_str(), place.score))
            .collect()
    }

    /// The best passage of each document, best first.
    pub(crate) fn collapse(&self, fusion: Fusion) -> Vec<Ranked<Place<'_>>> {
        let fused = fusion.for_query(self.query_words).fuse(&self.scores);
        let places = self
            .candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| (fused[index], Place { index, candidate }));
        let ranking = Ranking::new(places).expect("fusing finite scores gives finite scores");
        let mut seen = HashSet::new();
        ranking
            .into_iter()
            .filter(|place| seen.insert(&place.item.candidate.passage.doc_id))
            .collect()
    }

    pub(crate) fn degrade(&mut self, reason: String) {
        self.degraded = Some(reason);
        self.fusion = Fusion::Bm25;
    }
}
