//! One search, answered as it goes, as server-sent events: `retrieved` with BM25's hits at once, `reranked` with how many
//! passages the model has read, and `done` with the answer, or `error`.

use std::sync::Arc;

use axum::extract::{RawQuery, State as Shared};
use axum::response::sse::Event;
use serde::Serialize;
use serde_json::json;

use super::request::SearchQuery;
use crate::error::{ApiError, Asking};
use crate::live::{self, Events, Progress};
use crate::state::State;

/// Searches, and reports as it goes.
#[utoipa::path(
    get,
    path = "/api/search/stream",
    params(SearchQuery),
    responses(
        (status = 200, description = "The events retrieved, reranked, done and error", body = String, content_type = "text/event-stream"),
        Asking,
    )
)]
pub(crate) async fn stream(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<Events, ApiError> {
    let query = SearchQuery::from_url(query.as_deref().unwrap_or_default())?;
    live::search(&state, &query, |progress| match progress {
        Progress::Retrieved(response) => event("retrieved", response),
        Progress::Reranked { read, total } => {
            event("reranked", &json!({"read": read, "total": total}))
        }
        Progress::Done(response) => event("done", response),
        Progress::Failed(error) => {
            event("error", &json!({"error": error.text(), "status": error.status().as_u16()}))
        }
    })
}

/// An event with JSON, which has no line breaks.
pub(crate) fn event(name: &str, data: &impl Serialize) -> Event {
    let event = Event::default().event(name);
    event.json_data(data).unwrap_or_else(|_| Event::default().event("error"))
}
