//! The description of the interface that programs can read.

use axum::Json;
use utoipa::OpenApi;

use super::{documents, health, index, search, stream};
use crate::rerank;

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
        documents::add,
        documents::delete,
        index::suggest,
        index::describe,
        rerank::handle,
        rerank::info,
        health::health,
        health::metrics,
    )
)]
struct Interface;

/// The description.
pub(crate) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Interface::openapi())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_description_is_current() {
        let current = Interface::openapi().to_pretty_json().unwrap() + "\n";
        let committed = include_str!("../../openapi.json");
        assert!(current == committed, "crates/vizsla-server/openapi.json must be:\n{current}");
    }
}
