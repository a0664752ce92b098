//! A reranker that opens while the server already listens. In: how to open it. Out: a [`Reranker`] that waits for it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use vizsla::{BoxError, RerankScore, Reranker, TimeLimits};

use crate::error::chain;

/// A reranker that is opened on a thread of its own. A call waits until it is open; when opening fails, each call fails
/// with the reason.
pub struct LazyReranker {
    /// Its name until it is open and has one of its own.
    name: String,
    opening: Arc<Opening>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Opening {
    outcome: OnceLock<Result<Arc<dyn Reranker>, String>>,
    waiting: Mutex<()>,
    done: Condvar,
}

impl fmt::Debug for LazyReranker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyReranker").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl LazyReranker {
    /// Begins to open a reranker; `name` is that of its model.
    pub fn open<R: Reranker + 'static>(
        name: impl Into<String>,
        open: impl FnOnce() -> Result<R, BoxError> + Send + 'static,
    ) -> Self {
        let opening = Arc::new(Opening::default());
        let shared = Arc::clone(&opening);
        let thread = std::thread::spawn(move || {
            let outcome = match catch_unwind(AssertUnwindSafe(open)) {
                Ok(Ok(reranker)) => Ok(Arc::new(reranker) as Arc<dyn Reranker>),
                Ok(Err(error)) => Err(chain(&*error)),
                Err(_) => Err("opening the model failed because of a bug".to_owned()),
            };
            let _ = shared.outcome.set(outcome);
            drop(shared.waiting.lock());
            shared.done.notify_all();
        });
        Self { name: name.into(), opening, thread: Mutex::new(Some(thread)) }
    }

    /// Waits until it is open or will never be. A process that ends while a library is being loaded may crash.
    pub(crate) fn settle(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Its panics are caught within.
            let _ = thread.join();
        }
    }

    /// Whether it is open; `Err` says why it will never be.
    pub(crate) fn is_ready(&self) -> Result<bool, &str> {
        match self.opening.outcome.get() {
            None => Ok(false),
            Some(Ok(_)) => Ok(true),
            Some(Err(why)) => Err(why),
        }
    }

    /// The open reranker, or nothing when time runs out first.
    fn wait(&self, limits: &TimeLimits) -> Result<Option<&Arc<dyn Reranker>>, BoxError> {
        let mut waiting = self.opening.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match self.opening.outcome.get() {
                Some(Ok(reranker)) => return Ok(Some(reranker)),
                Some(Err(why)) => return Err(why.as_str().into()),
                None if limits.is_cancelled() || limits.is_past_deadline() => return Ok(None),
                None => {}
            }
            // Short, since nobody wakes this up when the caller leaves.
            let pause = Duration::from_millis(50);
            let left = limits.deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let pause = left.map_or(pause, |left| left.min(pause));
            let woken = self.opening.done.wait_timeout(waiting, pause);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A server that is refused, as for want of a token, ends before anybody has waited.
impl Drop for LazyReranker {
    fn drop(&mut self) {
        self.settle();
    }
}

impl Reranker for LazyReranker {
    fn name(&self) -> &str {
        match self.opening.outcome.get() {
            Some(Ok(reranker)) => reranker.name(),
            _ => &self.name,
        }
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        match self.wait(&TimeLimits::default())? {
            Some(reranker) => reranker.score(query, passages),
            None => Err("the model is not open yet".into()),
        }
    }

    fn score_with_limits(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, BoxError> {
        match self.wait(limits)? {
            Some(reranker) => reranker.score_with_limits(query, passages, limits),
            None => Ok(vec![None; passages.len()]),
        }
    }
}
