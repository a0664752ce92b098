//! The threads that score, one session each, and the queue from which they take work. In: a call and its pieces. Out:
//! its scores, once complete or a limit is reached.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use vizsla_core::RerankScore;

use super::batch::Batch;
use super::call::{Call, Part};
use super::pace::Pace;
use super::schedule::{CallId, Piece, Schedule};
use crate::error::{Error, ErrorKind};
use crate::ort::Session;
use crate::pair::{Pair, PairTokenizer};

/// What scores pairs on one thread.
pub(super) trait Model: Send + 'static {
    /// The logit of each pair, all finite.
    fn logits(&mut self, pairs: &[&Pair]) -> Result<Vec<f32>, Error>;
}

impl Model for Session {
    fn logits(&mut self, pairs: &[&Pair]) -> Result<Vec<f32>, Error> {
        self.run(pairs)
    }
}

/// What a worker does without switching to another call.
pub(super) enum Work {
    /// One passage, read window by window.
    Passage { passage: usize, text: Box<str> },
    /// Pairs of one call, run together.
    Batch(Batch),
}

/// Long-lived threads that all calls share. Dropping it ends them, once each finishes its current piece.
pub(super) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    tokenizer: Arc<PairTokenizer>,
    queue: Mutex<Queue>,
    /// Signals work or shutdown. Only idle workers wait on it.
    work: Condvar,
    pace: Pace,
}

struct Queue {
    schedule: Schedule<Arc<Call>, Work>,
    is_closed: bool,
}

impl Pool {
    /// Starts a thread for each model.
    pub(super) fn start<M: Model>(
        tokenizer: Arc<PairTokenizer>,
        models: Vec<M>,
    ) -> Result<Self, Error> {
        let queue = Mutex::new(Queue { schedule: Schedule::new(), is_closed: false });
        let shared = Shared { tokenizer, queue, work: Condvar::new(), pace: Pace::default() };
        let mut pool = Self { shared: Arc::new(shared), workers: Vec::with_capacity(models.len()) };
        for (i, mut model) in models.into_iter().enumerate() {
            let shared = Arc::clone(&pool.shared);
            let worker = std::thread::Builder::new()
                .name(format!("rerank-{i}"))
                .spawn(move || shared.work_until_closed(&mut model))
                .map_err(|error| {
                    Error::new(ErrorKind::Runtime, "cannot start the reranker's threads")
                        .with_source(error)
                })?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// Queues a call's work and waits until it is done or a limit is reached.
    pub(super) fn run(
        &self,
        call: Call,
        pieces: Vec<Piece<Work>>,
    ) -> Result<Vec<Option<RerankScore>>, Error> {
        let call = Arc::new(call);
        let count = pieces.len();
        let id = {
            let mut queue = self.shared.queue();
            queue.schedule.add(Arc::clone(&call), call.limits.deadline, pieces)
        };
        if count == 1 {
            self.shared.work.notify_one();
        } else {
            self.shared.work.notify_all();
        }
        call.wait(|| self.shared.queue().schedule.withdraw(id))
    }

    /// How many calls have work that no worker has started.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.shared.queue().schedule.calls()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.queue().is_closed = true;
        self.shared.work.notify_all();
        for worker in self.workers.drain(..) {
            // A worker's panic is caught and reported to the call it worked for.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_until_closed<M: Model>(&self, model: &mut M) {
        while let Some((id, call, work)) = self.next() {
            let scored = catch_unwind(AssertUnwindSafe(|| self.score(model, &call, &work)));
            match scored {
                Ok(Ok(Some(parts))) => call.done(&parts),
                // A limit is reached, so the rest of the call must not be started either.
                Ok(Ok(None)) => {
                    let others = self.queue().schedule.withdraw(id);
                    call.dropped(others + 1);
                }
                Ok(Err(error)) => call.failed(error),
                Err(panic) => call.failed(panicked(panic.as_ref())),
            }
        }
    }

    /// Waits for the next piece of work; `None` when the pool is being dropped.
    fn next(&self) -> Option<(CallId, Arc<Call>, Work)> {
        let mut queue = self.queue();
        loop {
            if queue.is_closed {
                return None;
            }
            if let Some(next) = queue.schedule.next() {
                return Some(next);
            }
            queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Scores one piece of work, unless a limit is reached before it is complete.
    fn score(
        &self,
        model: &mut impl Model,
        call: &Call,
        work: &Work,
    ) -> Result<Option<Vec<Part>>, Error> {
        if self.pace.should_stop(0, Instant::now(), &call.limits) {
            return Ok(None);
        }
        match work {
            Work::Passage { passage, text } => {
                let part = self.score_passage(model, call, *passage, text)?;
                Ok(part.map(|part| vec![part]))
            }
            Work::Batch(batch) => {
                let pairs = batch.pairs();
                let logits = self.timed(batch.tokens(), call, || model.logits(&pairs))?;
                Ok(logits.map(|logits| batch.parts(&logits)))
            }
        }
    }

    /// The best of a passage's windows.
    fn score_passage(
        &self,
        model: &mut impl Model,
        call: &Call,
        passage: usize,
        text: &str,
    ) -> Result<Option<Part>, Error> {
        let windows = self.tokenizer.windows(&call.query, &self.tokenizer.tokenize(text)?);
        let (mut best, mut tokens) = (f32::NEG_INFINITY, 0);
        for pair in &windows.pairs {
            let length = pair.ids.len();
            let Some(logits) = self.timed(length, call, || model.logits(&[pair]))? else {
                return Ok(None);
            };
            best = logits.into_iter().fold(best, f32::max);
            tokens += length as u32;
        }
        let count = windows.pairs.len() as u32;
        let truncated = windows.truncated;
        Ok(Some(Part { passage, best, tokens, windows: count, of: count, truncated }))
    }

    /// Runs work on this many tokens and learns from its duration, unless it would end too late.
    fn timed<T>(
        &self,
        tokens: usize,
        call: &Call,
        run: impl FnOnce() -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let start = Instant::now();
        if self.pace.should_stop(tokens, start, &call.limits) {
            return Ok(None);
        }
        let result = run()?;
        self.pace.learn(tokens, start.elapsed());
        Ok(Some(result))
    }
}

/// The error of a call whose passage made a worker panic. The worker continues with other work.
fn panicked(panic: &(dyn std::any::Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::new(ErrorKind::Inference, format!("scoring a passage panicked: {message}"))
}
