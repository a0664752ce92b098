//! Search and what belongs to it, as JSON, and what says how the server is.

mod body;
mod document;
mod documents;
mod health;
mod index;
mod openapi;
mod request;
mod search;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use self::body::{JsonObject, read as read_body};
pub(crate) use self::documents::write;
pub(crate) use self::index::facets_of;
pub(crate) use self::request::{SearchQuery, globs};
pub(crate) use self::search::{Prepared, run as run_search};
pub(crate) use self::stream::event;
use crate::state::State;

pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/api/search", get(search::by_url).post(search::by_body))
        .route("/api/search/stream", get(stream::stream))
        .route("/api/documents", post(documents::add).delete(documents::delete))
        .route("/api/document", get(document::document))
        .route("/api/facets", get(index::facets))
        .route("/api/suggest", get(index::suggest))
        .route("/api/index", get(index::describe))
        .route("/openapi.json", get(openapi::description))
        .route("/health", get(health::health))
        .route("/ping", get(health::health))
        .route("/live", get(async || ()))
        .route("/metrics", get(health::metrics))
}
