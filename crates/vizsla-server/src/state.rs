//! What all requests share: the indexes, the reranker, the limits, and what is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use vizsla::{
    CancelHandle, Collection, Engine, IndexRetriever, Limits, MatchCounts, Reranker,
    RetrieveRequest, Retriever, TimeLimits,
};

use crate::admission::Admission;
use crate::error::ApiError;
use crate::lazy_reranker::LazyReranker;
use crate::metrics::Metrics;
use crate::options::ServerOptions;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) indexes: Vec<Searchable>,
    pub(crate) reranker: Option<Arc<LazyReranker>>,
    pub(crate) admission: Admission,
    pub(crate) metrics: Metrics,
    pub(crate) stopping: AtomicBool,
    /// Held by the request that writes.
    pub(crate) writing: Arc<tokio::sync::Mutex<()>>,
    pub(crate) options: ServerOptions,
}

/// An index with the engine that searches it.
#[derive(Debug)]
pub(crate) struct Searchable {
    pub(crate) name: String,
    pub(crate) index: Arc<dyn Collection>,
    pub(crate) retriever: Arc<dyn Retriever>,
    pub(crate) engine: Engine,
    counting: Option<IndexRetriever>,
}

impl Searchable {
    /// How much a query matches; `None` where the index is elsewhere.
    pub(crate) fn counts(&self, request: &RetrieveRequest) -> vizsla::Result<Option<MatchCounts>> {
        self.counting.as_ref().map(|retriever| retriever.counts(request)).transpose()
    }
}

impl State {
    pub(crate) fn new(mut options: ServerOptions) -> Self {
        let reranker = options.reranker.take().map(Arc::new);
        let limits =
            Limits::default().with_query_bytes(32 << 10).with_depth(1_000).with_hits(1_000);
        let searchable = |served: crate::ServedIndex| {
            let engine = Engine::new(Arc::clone(&served.retriever))
                .with_fusion(options.fusion)
                .with_effort(options.effort)
                .with_limits(limits);
            let engine = match &reranker {
                Some(reranker) => engine.with_reranker(Arc::clone(reranker)),
                None => engine,
            };
            Searchable {
                name: served.name,
                index: served.index,
                retriever: served.retriever,
                engine,
                counting: served.counting,
            }
        };
        let indexes = std::mem::take(&mut options.indexes).into_iter().map(searchable).collect();
        Self {
            indexes,
            reranker,
            admission: Admission::new(options.waiting_tokens),
            metrics: Metrics::default(),
            stopping: AtomicBool::new(false),
            writing: Arc::default(),
            options,
        }
    }

    /// The index of this name, or the first one.
    pub(crate) fn searchable(&self, name: Option<&str>) -> Result<&Searchable, ApiError> {
        match name.filter(|name| !name.is_empty()) {
            None => self.indexes.first().ok_or_else(|| {
                ApiError::not_found("this server has no index: start it with --index DIR")
            }),
            Some(name) => self.indexes.iter().find(|index| index.name == name).ok_or_else(|| {
                let names: Vec<&str> = self.indexes.iter().map(|i| i.name.as_str()).collect();
                ApiError::not_found(format!(
                    "there is no index {name:?}; there are: {}",
                    names.join(", ")
                ))
            }),
        }
    }

    pub(crate) fn model(&self) -> &str {
        self.reranker.as_ref().map_or("none", |reranker| reranker.name())
    }

    /// Waits for what must not be cut off by the end of the process.
    pub(crate) fn settle(&self) {
        if let Some(reranker) = &self.reranker {
            reranker.settle();
        }
    }

    /// Whether requests can be answered; the reason when not.
    pub(crate) fn readiness(&self) -> Result<(), String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err("the server is stopping".to_owned());
        }
        match self.reranker.as_ref().map(|reranker| reranker.is_ready()) {
            Some(Ok(false)) => Err("the model is being opened".to_owned()),
            // An index can be searched without it.
            Some(Err(why)) if self.indexes.is_empty() => Err(why.to_owned()),
            _ => Ok(()),
        }
    }
}

/// About how many tokens the model reads for a search of this depth.
pub(crate) fn tokens_of_search(depth: usize) -> usize {
    depth.saturating_mul(vizsla::SplitOptions::DEFAULT_MAX_TOKENS / 2)
}

/// Cancels the work for a request whose client has left: the future that holds it is then dropped.
#[derive(Debug)]
pub(crate) struct Work {
    cancel: CancelHandle,
    deadline: Instant,
}

impl Work {
    pub(crate) fn within(timeout: Duration) -> Self {
        Self { cancel: CancelHandle::new(), deadline: Instant::now() + timeout }
    }

    pub(crate) fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// Cancels the work when this is dropped, whoever else holds the work.
    pub(crate) fn leaving(&self) -> Leaving {
        Leaving(self.cancel.clone())
    }

    pub(crate) fn limits(&self) -> TimeLimits {
        TimeLimits::default().with_deadline(self.deadline).with_cancel(self.cancel.clone())
    }

    /// Runs something that blocks on a thread for such things, until the deadline.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        // A little later than the deadline, so that work which looks at the clock itself can say what it has done.
        let late = tokio::time::Instant::from_std(self.deadline) + Duration::from_millis(500);
        match tokio::time::timeout_at(late, tokio::task::spawn_blocking(work)).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => Err(ApiError::internal()),
            Err(_elapsed) => Err(ApiError::timed_out()),
        }
    }
}

/// Cancels when it is dropped.
#[derive(Debug)]
pub(crate) struct Leaving(CancelHandle);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
