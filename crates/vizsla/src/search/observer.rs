//! Who wants to know how far a search has come.

use vizsla_core::{Candidate, Ranking};

use super::response::SearchResponse;

/// Told how far a search has come, from the thread that searches. Every method does nothing unless implemented.
pub trait SearchObserver {
    /// The first stage is done.
    fn retrieved(&mut self, candidates: &Ranking<Candidate>) {
        let _ = candidates;
    }

    /// The second stage has scored `read` of `total` candidates.
    fn reranked(&mut self, read: usize, total: usize) {
        let _ = (read, total);
    }

    /// The answer is complete.
    fn done(&mut self, response: &SearchResponse) {
        let _ = response;
    }

    /// How many candidates the second stage scores between two reports; 0 for no reports. Fewer are told sooner and cost
    /// some time, because cores may idle at the end of each group.
    fn step(&self) -> usize {
        8
    }
}

/// Wants to know nothing.
pub(super) struct Nobody;

impl SearchObserver for Nobody {
    fn step(&self) -> usize {
        0
    }
}
