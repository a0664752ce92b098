//! The description of the interface that programs can read.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi;

use crate::api::{document, documents, health, index, search, stream};
use crate::state::State;
use crate::{elastic, rerank};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vizsla",
        description = "Two-stage search: BM25 finds, a cross-encoder reads, both rank."
    ),
    paths(
        search::by_url,
        search::by_body,
        stream::stream,
        document::document,
        documents::add,
        documents::delete,
        index::facets,
        index::suggest,
        index::describe,
        elastic::search::search,
        elastic::search::count,
        elastic::bulk::bulk,
        rerank::handle,
        rerank::info,
        health::health,
        health::metrics,
    )
)]
struct Interface;

pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new().route("/openapi.json", get(description))
}

async fn description() -> Json<utoipa::openapi::OpenApi> {
    Json(Interface::openapi())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_description_is_current() {
        let current = Interface::openapi().to_pretty_json().unwrap() + "\n";
        let committed = include_str!("../openapi.json");
        assert!(current == committed, "crates/vizsla-server/openapi.json must be:\n{current}");
    }
}
