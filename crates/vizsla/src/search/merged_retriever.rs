//! Queries several retrievers and merges their rankings by reciprocal rank.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;
use vizsla_core::{
    BoxError, Candidate, CandidateKey, Explanation, Fusion, Metadata, QueryNotes, Ranking,
    Retrieval, RetrieveRequest, Retriever,
};

/// Sends the same request to several retrievers and merges their results: a passage's score is the sum of
/// `1 / (60 + rank)` over the retrievers that found it (reciprocal rank fusion; Cormack, Clarke and Büttcher, SIGIR
/// 2009), so scores on different scales need not be compared. If one fails, the whole request fails.
///
/// A passage found by several is taken from the first of them. The reranker reads the query as the first retriever
/// understood it.
#[derive(Debug)]
pub struct MergedRetriever {
    retrievers: Vec<Box<dyn Retriever>>,
}

impl MergedRetriever {
    /// Merges `first` with those that are [added](Self::with).
    pub fn new(first: impl Retriever + 'static) -> Self {
        Self { retrievers: vec![Box::new(first)] }
    }

    /// Adds a retriever.
    pub fn with(mut self, retriever: impl Retriever + 'static) -> Self {
        self.retrievers.push(Box::new(retriever));
        self
    }
}

impl Retriever for MergedRetriever {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> Result<Box<dyn Retrieval + 'a>, BoxError> {
        let parts = self.retrievers.iter().map(|retriever| retriever.prepare(request));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(MergedRetrieval {
            parts,
            depth: request.depth.get(),
            found_by: HashMap::new(),
        }))
    }
}

struct MergedRetrieval<'a> {
    parts: Vec<Box<dyn Retrieval + 'a>>,
    depth: usize,
    /// Which retrieval each candidate came from.
    found_by: HashMap<CandidateKey, usize>,
}

impl MergedRetrieval<'_> {
    fn part_of(&mut self, candidate: &Candidate) -> Option<&mut (dyn Retrieval + '_)> {
        let part = *self.found_by.get(&candidate.key())?;
        Some(&mut **self.parts.get_mut(part)?)
    }
}

impl Retrieval for MergedRetrieval<'_> {
    fn candidates(&mut self) -> Result<Ranking<Candidate>, BoxError> {
        let rankings = self.parts.par_iter_mut().map(|part| part.candidates());
        let rankings = rankings.collect::<Result<Vec<_>, BoxError>>()?;
        let mut merged: HashMap<CandidateKey, (f32, Candidate)> = HashMap::new();
        for (part, ranking) in rankings.into_iter().enumerate() {
            for (rank, found) in (1..).zip(ranking) {
                let share = 1.0 / (Fusion::DEFAULT_RRF_K + rank as f32);
                let key = found.item.key();
                self.found_by.entry(key.clone()).or_insert(part);
                merged.entry(key).or_insert((0.0, found.item)).0 += share;
            }
        }
        let mut ranking = Ranking::new(merged.into_values())?;
        ranking.truncate(self.depth);
        Ok(ranking)
    }

    fn degraded(&self) -> Option<String> {
        let parts: Vec<String> = self.parts.iter().filter_map(|part| part.degraded()).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    fn engine_time(&self) -> Option<Duration> {
        self.parts.iter().filter_map(|part| part.engine_time()).max()
    }

    fn prefetch(&mut self, candidates: &[&Candidate]) {
        for (number, part) in self.parts.iter_mut().enumerate() {
            let is_of_part =
                |candidate: &&Candidate| self.found_by.get(&candidate.key()) == Some(&number);
            let of_part: Vec<&Candidate> = candidates.iter().copied().filter(is_of_part).collect();
            part.prefetch(&of_part);
        }
    }

    fn query(&self) -> Option<&str> {
        self.parts.first()?.query()
    }

    fn notes(&mut self) -> Result<QueryNotes, BoxError> {
        self.parts.first_mut().map_or_else(|| Ok(QueryNotes::default()), |part| part.notes())
    }

    fn highlight(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        let part = self.found_by.get(&candidate.key()).and_then(|part| self.parts.get(*part));
        part.map_or_else(Vec::new, |part| part.highlight(candidate))
    }

    fn metadata(&mut self, candidate: &Candidate) -> Result<Arc<Metadata>, BoxError> {
        match self.part_of(candidate) {
            Some(part) => part.metadata(candidate),
            None => Ok(Arc::clone(&candidate.passage.metadata)),
        }
    }

    fn explain(&mut self, candidate: &Candidate) -> Result<Option<Explanation>, BoxError> {
        match self.part_of(candidate) {
            Some(part) => part.explain(candidate),
            None => Ok(None),
        }
    }
}
