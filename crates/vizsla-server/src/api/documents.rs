//! Adds and removes documents. An answer is given when what was asked for is on disk and can be found.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State as Shared};
use serde::Deserialize;
use serde_json::{Value, json};
use vizsla::{Document, Index, IndexWriter, Metadata, WriterOptions};

use super::body::JsonObject;
use crate::error::{ApiError, Asking, Sending};
use crate::state::{State, Work};

/// The smallest memory that a writer takes; requests are small.
const WRITER_MEMORY: usize = 32 << 20;

/// Documents to add.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(crate) struct Addition {
    /// The name of the index; the first one by default.
    index: Option<String>,
    /// The documents. One that is there already, with the same id, is replaced.
    documents: Vec<NewDocument>,
}

/// A document to add.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(crate) struct NewDocument {
    /// Its id.
    id: String,
    /// Its title.
    #[serde(default)]
    title: String,
    /// Its text.
    text: String,
    /// Texts, numbers, truth values, and lists of them, by name.
    #[serde(default)]
    #[schema(value_type = Object)]
    metadata: Metadata,
}

/// Adds documents and commits.
#[utoipa::path(
    post,
    path = "/api/documents",
    request_body(content = Addition, content_type = "application/json"),
    responses(
        (status = 200, description = "How many documents and passages were added; they are on disk", body = Object),
        Asking,
        Sending,
    )
)]
pub(crate) async fn add(
    Shared(state): Shared<Arc<State>>,
    JsonObject(body): JsonObject,
) -> Result<Json<Value>, ApiError> {
    let addition: Addition = serde_path_to_error::deserialize(Value::Object(body))
        .map_err(|error| ApiError::malformed(format!("`{}`: {}", error.path(), error.inner())))?;
    write(&state, addition.index, move |writer| {
        let mut passages = 0;
        for new in &addition.documents {
            let mut document = Document::new(&new.id, &new.text).with_title(&new.title);
            document.metadata = new.metadata.clone();
            passages += writer.add(&document)?.passages;
        }
        Ok(json!({"added": addition.documents.len(), "passages": passages}))
    })
    .await
    .map(Json)
}

/// Removes documents by their ids and commits.
#[utoipa::path(
    delete,
    path = "/api/documents",
    params(
        ("id" = Vec<String>, Query, description = "The id of a document; may be repeated"),
        ("index" = Option<String>, Query, description = "The name of the index; the first one by default"),
    ),
    responses(
        (status = 200, description = "How many were removed, and which ids there were not", body = Object),
        Asking,
    )
)]
pub(crate) async fn delete(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(query.as_deref().unwrap_or_default())
            .map_err(|error| ApiError::malformed(format!("the URL cannot be read: {error}")))?;
    let of = |wanted: &str| {
        let found = pairs.iter().filter(|(name, value)| name == wanted && !value.is_empty());
        found.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let ids = of("id");
    if ids.is_empty() {
        return Err(ApiError::empty("`id` is missing: name the documents to remove"));
    }
    write(&state, of("index").pop(), move |writer| {
        let mut unknown = Vec::new();
        for id in &ids {
            if !writer.delete(id)? {
                unknown.push(id.as_str());
            }
        }
        Ok(json!({"deleted": ids.len() - unknown.len(), "unknown": unknown}))
    })
    .await
    .map(Json)
}

/// Opens a writer, changes the index, and commits. Requests that write take turns.
pub(crate) async fn write<T: Send + 'static>(
    state: &Arc<State>,
    index: Option<String>,
    change: impl FnOnce(&IndexWriter) -> Result<T, vizsla::Error> + Send + 'static,
) -> Result<T, ApiError> {
    if !state.options.writable {
        return Err(ApiError::forbidden("this server only reads: start it with --writable"));
    }
    let served = &state.searchable(index.as_deref())?.index;
    let index: Index = served.index().cloned().ok_or_else(|| {
        ApiError::forbidden(
            "an engine elsewhere is not written to by requests: `vizsla index` does",
        )
    })?;
    let turn = Arc::clone(&state.writing).lock_owned().await;
    // Not cancelled when the client leaves: what it sent is committed all the same, or not at all.
    let work = Work::within(state.options.request_timeout);
    work.run(move || {
        let _turn = turn;
        let options = WriterOptions::default().with_threads(1).with_memory(WRITER_MEMORY);
        let mut writer = index.writer(&options)?;
        let report = change(&writer)?;
        writer.commit()?;
        // Found by the next request, as well.
        index.refresh()?;
        Ok(report)
    })
    .await
}
