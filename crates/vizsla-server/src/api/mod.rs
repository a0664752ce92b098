//! Search and what belongs to it, as JSON, and what says how the server is.

pub(crate) mod body;
pub(crate) mod document;
pub(crate) mod documents;
pub(crate) mod health;
pub(crate) mod index;
pub(crate) mod request;
pub(crate) mod search;
pub(crate) mod stream;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

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
        .route("/health", get(health::health))
        .route("/ping", get(health::health))
        .route("/live", get(async || ()))
        .route("/metrics", get(health::metrics))
}
