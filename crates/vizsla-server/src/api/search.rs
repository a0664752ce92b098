//! One search, answered whole: the object that `vizsla search --json` prints.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{RawQuery, State as Shared};
use vizsla::SearchResponse;

use super::{JsonObject, SearchQuery};
use crate::error::ApiError;
use crate::metrics::Kind;
use crate::state::{State, Work, tokens_of_search};

/// Searches; the question is in the URL.
#[utoipa::path(
    get,
    path = "/api/search",
    params(SearchQuery),
    responses(
        (status = 200, description = "Hits, best first", body = Object),
        (status = 400, description = "Not understood", body = crate::error::ErrorBody),
        (status = 401, description = "No token", body = crate::error::ErrorBody),
        (status = 403, description = "Not from here", body = crate::error::ErrorBody),
        (status = 404, description = "No such index", body = crate::error::ErrorBody),
        (status = 422, description = "Over a limit", body = crate::error::ErrorBody),
        (status = 429, description = "Overloaded", body = crate::error::ErrorBody),
        (status = 500, description = "The index is damaged", body = crate::error::ErrorBody),
        (status = 504, description = "Not in time", body = crate::error::ErrorBody),
    )
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
    responses(
        (status = 200, description = "Hits, best first", body = Object),
        (status = 400, description = "Not understood", body = crate::error::ErrorBody),
        (status = 401, description = "No token", body = crate::error::ErrorBody),
        (status = 403, description = "Not from here", body = crate::error::ErrorBody),
        (status = 404, description = "No such index", body = crate::error::ErrorBody),
        (status = 413, description = "Too large", body = crate::error::ErrorBody),
        (status = 415, description = "Not JSON", body = crate::error::ErrorBody),
        (status = 422, description = "Over a limit", body = crate::error::ErrorBody),
        (status = 429, description = "Overloaded", body = crate::error::ErrorBody),
        (status = 500, description = "The index is damaged", body = crate::error::ErrorBody),
        (status = 504, description = "Not in time", body = crate::error::ErrorBody),
    )
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
    let result = search(state, query).await;
    state.metrics.ended(Kind::Search, start, &result);
    result
}

async fn search(state: &Arc<State>, query: &SearchQuery) -> Result<SearchResponse, ApiError> {
    let name = state.searchable(query.index.as_deref())?.name.clone();
    let request = query.request(state)?;
    let admitted = if query.needs_model(state)? {
        Some(state.admission.admit(tokens_of_search(request.depth()))?)
    } else {
        None
    };
    let work = Work::within(state.options.request_timeout);
    let request = request.with_cancel(work.cancel_handle());
    let state = Arc::clone(state);
    work.run(move || {
        let _admitted = admitted;
        let response = state.searchable(Some(&name))?.engine.search(&request)?;
        let read = response.stages.rerank.as_ref().map_or(0, |stage| stage.tokens);
        state.metrics.read(read);
        Ok(response)
    })
    .await
}
