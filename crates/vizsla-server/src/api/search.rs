//! One search, answered whole: the object that `vizsla search --json` prints.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{RawQuery, State as Shared};
use vizsla::{SearchObserver, SearchRequest, SearchResponse};

use super::body::JsonObject;
use super::request::SearchQuery;
use crate::admission::Admitted;
use crate::error::{ApiError, Asking, Sending};
use crate::metrics::Kind;
use crate::state::{State, Work, tokens_of_search};

/// Searches; the question is in the URL.
#[utoipa::path(
    get,
    path = "/api/search",
    params(SearchQuery),
    responses((status = 200, description = "Hits, best first", body = Object), Asking)
)]
pub(crate) async fn by_url(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<Json<SearchResponse>, ApiError> {
    run(&state, &SearchQuery::from_url(query.as_deref().unwrap_or_default())?).await.map(Json)
}

/// Searches; the question is in the body.
#[utoipa::path(
    post,
    path = "/api/search",
    request_body(content = SearchQuery, content_type = "application/json"),
    responses((status = 200, description = "Hits, best first", body = Object), Asking, Sending)
)]
pub(crate) async fn by_body(
    Shared(state): Shared<Arc<State>>,
    JsonObject(body): JsonObject,
) -> Result<Json<SearchResponse>, ApiError> {
    run(&state, &SearchQuery::from_object(body)?).await.map(Json)
}

/// Runs a search and counts it.
pub(crate) async fn run(
    state: &Arc<State>,
    query: &SearchQuery,
) -> Result<SearchResponse, ApiError> {
    state.metrics.started(Kind::Search);
    let start = Instant::now();
    let result = match Prepared::new(state, query) {
        Ok(prepared) => prepared.run().await,
        Err(error) => Err(error),
    };
    state.metrics.ended(Kind::Search, start, &result);
    result
}

/// A search that may begin.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) state: Arc<State>,
    pub(crate) needs_model: bool,
    /// Cancels the search when the last of those who hold it lets go.
    pub(crate) work: Arc<Work>,
    index: String,
    request: SearchRequest,
    /// Held until the search ends.
    _admitted: Option<Admitted>,
}

impl Prepared {
    /// Checks what is asked for and takes a share of the waiting room if the model takes part.
    pub(crate) fn new(state: &Arc<State>, query: &SearchQuery) -> Result<Self, ApiError> {
        let index = query.index.as_deref();
        Self::of(state, index, query.request(state)?)
    }

    /// The same for a request that is made already.
    pub(crate) fn of(
        state: &Arc<State>,
        index: Option<&str>,
        request: SearchRequest,
    ) -> Result<Self, ApiError> {
        let index = state.searchable(index)?.name.clone();
        let fusion = request.fusion().unwrap_or(state.options.fusion);
        let needs_model = fusion.needs_rerank() && state.reranker.is_some();
        let tokens = needs_model.then(|| tokens_of_search(request.depth()));
        let admitted = tokens.map(|tokens| state.admission.admit(tokens)).transpose()?;
        let work = Work::within(state.options.request_timeout);
        let request = request.with_cancel(work.cancel_handle());
        let state = Arc::clone(state);
        Ok(Self { state, needs_model, work: Arc::new(work), index, request, _admitted: admitted })
    }

    /// Searches on a thread for what blocks.
    pub(crate) async fn run(self) -> Result<SearchResponse, ApiError> {
        let work = Arc::clone(&self.work);
        let _leaving = work.leaving();
        work.run(move || self.run_with(&mut Silent)).await
    }

    /// Searches on this thread.
    pub(crate) fn run_with(
        self,
        observer: &mut dyn SearchObserver,
    ) -> Result<SearchResponse, ApiError> {
        let engine = &self.state.searchable(Some(&self.index))?.engine;
        let response = engine.search_with(&self.request, observer)?;
        let read = response.stages.rerank.as_ref().map_or(0, |stage| stage.tokens);
        self.state.metrics.read(read);
        Ok(response)
    }
}

/// Wants no reports, so that the model gets all candidates at once.
struct Silent;

impl SearchObserver for Silent {
    fn step(&self) -> usize {
        0
    }
}
