//! One caller's request in progress: what is known so far, and the caller waiting for the rest.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use vizsla_core::{RerankScore, TimeLimits};

use crate::error::Error;

/// How often a waiting caller checks for cancellation: nothing wakes it for that.
const CANCEL_INTERVAL: Duration = Duration::from_millis(5);

/// A request, shared by the caller and the workers. It owns what it needs, since a cancelled caller leaves while a
/// worker may still be busy on its behalf.
pub(super) struct Call {
    /// Tokens of the query.
    pub(super) query: Vec<u32>,
    pub(super) limits: TimeLimits,
    progress: Mutex<Progress>,
    /// Everything is done, or it failed.
    ended: Condvar,
}

struct Progress {
    passages: Vec<Tally>,
    /// Pieces of work that are neither done nor withdrawn.
    open: usize,
    failure: Option<Error>,
}

/// What is known about one passage.
#[derive(Clone, Copy, Default)]
struct Tally {
    best: f32,
    tokens: u32,
    windows: u32,
    /// How many windows there are; 0 while nothing is known.
    of: u32,
    truncated: bool,
}

/// Some or all windows of one passage, scored.
pub(super) struct Part {
    pub(super) passage: usize,
    /// The best logit of these windows.
    pub(super) best: f32,
    pub(super) tokens: u32,
    pub(super) windows: u32,
    /// How many windows the passage has.
    pub(super) of: u32,
    /// Whether the query was truncated to leave room for the passage.
    pub(super) truncated: bool,
}

impl Tally {
    fn add(&mut self, part: &Part) {
        let before = if self.of == 0 { f32::NEG_INFINITY } else { self.best };
        self.best = before.max(part.best);
        self.tokens += part.tokens;
        self.windows += part.windows;
        (self.of, self.truncated) = (part.of, part.truncated);
    }

    /// The score, once every window has been read.
    fn score(self) -> Option<RerankScore> {
        let is_complete = self.of > 0 && self.windows == self.of;
        is_complete.then(|| {
            RerankScore::new(self.best)
                .with_tokens(self.tokens, self.truncated)
                .with_windows(self.windows)
        })
    }
}

impl Call {
    /// A request for this many passages, whose work comes in this many pieces.
    pub(super) fn new(
        query: Vec<u32>,
        limits: &TimeLimits,
        passages: usize,
        pieces: usize,
    ) -> Self {
        let progress =
            Progress { passages: vec![Tally::default(); passages], open: pieces, failure: None };
        Self {
            query,
            limits: limits.clone(),
            progress: Mutex::new(progress),
            ended: Condvar::new(),
        }
    }

    /// Records that a piece of work is done.
    pub(super) fn done(&self, parts: &[Part]) {
        let mut progress = self.progress();
        for part in parts {
            progress.passages[part.passage].add(part);
        }
        self.close(progress, 1);
    }

    /// Records that pieces of work will not be done.
    pub(super) fn dropped(&self, pieces: usize) {
        self.close(self.progress(), pieces);
    }

    /// Records that a piece of work failed, and with it the request; the first reason counts.
    pub(super) fn failed(&self, error: Error) {
        self.progress().failure.get_or_insert(error);
        self.ended.notify_all();
    }

    fn close(&self, mut progress: MutexGuard<'_, Progress>, pieces: usize) {
        progress.open = progress.open.saturating_sub(pieces);
        if progress.open == 0 {
            self.ended.notify_all();
        }
    }

    /// Waits until everything is done, the request fails or a limit is reached; `withdraw` removes what no worker has
    /// started, and returns the number of pieces. After the deadline it still waits for passages in progress, which
    /// were expected to finish in time; a cancelled caller waits for nothing.
    pub(super) fn wait(
        &self,
        withdraw: impl Fn() -> usize,
    ) -> Result<Vec<Option<RerankScore>>, Error> {
        let mut progress = self.progress();
        let mut deadline = self.limits.deadline;
        while progress.open > 0 {
            let is_cancelled = self.limits.is_cancelled();
            let is_late = deadline.is_some_and(|by| Instant::now() >= by);
            if progress.failure.is_some() || is_cancelled || is_late {
                // Workers hold the queue's lock or this one, never both.
                drop(progress);
                let withdrawn = withdraw();
                progress = self.progress();
                progress.open = progress.open.saturating_sub(withdrawn);
                if progress.failure.is_some() || is_cancelled {
                    break;
                }
                deadline = None;
                continue;
            }
            progress = self.sleep(progress, deadline);
        }
        match progress.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(progress.passages.iter().map(|tally| tally.score()).collect()),
        }
    }

    /// Sleeps until a piece ends or a limit must be checked.
    fn sleep<'a>(
        &self,
        progress: MutexGuard<'a, Progress>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'a, Progress> {
        let until = deadline.map(|by| by.saturating_duration_since(Instant::now()));
        let look = self.limits.cancel.as_ref().map(|_| CANCEL_INTERVAL);
        match until.into_iter().chain(look).min() {
            Some(time) => {
                let woken = self.ended.wait_timeout(progress, time);
                woken.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.ended.wait(progress).unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
