//! Observes the progress of a search.

use vizsla_core::{Candidate, Ranking};

use super::response::SearchResponse;

/// Receives the progress of a search, on the searching thread. Every method does nothing by default.
pub trait SearchObserver {
    /// The first stage is done.
    fn retrieved(&mut self, candidates: &Ranking<Candidate>) {
        let _ = candidates;
    }

    /// Whether to hand out the answer of the first stage alone before the second one begins. Its hits, with highlights and
    /// explanations, are then made twice; nothing is retrieved twice.
    fn wants_first(&self) -> bool {
        false
    }

    /// The answer as the first stage alone gives it, whatever the least probability asked for.
    fn first(&mut self, response: &SearchResponse) {
        let _ = response;
    }

    /// The second stage has scored `read` of `total` candidates.
    fn reranked(&mut self, read: usize, total: usize) {
        let _ = (read, total);
    }

    /// The answer is complete.
    fn done(&mut self, response: &SearchResponse) {
        let _ = response;
    }

    /// How many candidates the second stage scores between two reports; 0 for no reports. Smaller groups report sooner
    /// but cost some time, because cores may idle at the end of each.
    fn step(&self) -> usize {
        8
    }
}

/// Ignores everything.
pub(super) struct Nobody;

impl SearchObserver for Nobody {
    fn step(&self) -> usize {
        0
    }
}
