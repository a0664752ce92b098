//! A document, or a passage of it with its neighbours, as the index has it. In: its name. Out: passages in order.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State as Shared};
use serde::Deserialize;
use serde_json::{Value, json};
use vizsla::Passage;

use crate::error::{ApiError, Asking};
use crate::names;
use crate::state::{State, Work};

/// Which passages are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The id of a hit; or a path, or the end of one, where it is the only document of that name.
    id: String,
    /// The path of a hit, where several files have documents of that id.
    #[serde(default)]
    path: Option<String>,
    /// The name of the index; the first one by default.
    #[serde(default)]
    index: Option<String>,
    /// A passage of the document, from 0; all of them by default.
    #[serde(default)]
    ordinal: Option<u32>,
    /// How many passages before and after it.
    #[serde(default)]
    context: Option<u32>,
}

/// A document, or some of its passages.
#[utoipa::path(
    get,
    path = "/api/document",
    params(Wanted),
    responses((status = 200, description = "Passages in order, with the document's metadata", body = Object), Asking)
)]
pub(crate) async fn document(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let wanted: Wanted = serde_urlencoded::from_str(query.as_deref().unwrap_or_default())
        .map_err(|error| ApiError::malformed(format!("the URL cannot be read: {error}")))?;
    let work = Work::within(state.options.request_timeout);
    let state = Arc::clone(&state);
    work.run(move || read(&state, &wanted)).await.map(Json)
}

fn read(state: &State, wanted: &Wanted) -> Result<Value, ApiError> {
    let searchable = state.searchable(wanted.index.as_deref())?;
    let passages = if let Some(path) = &wanted.path {
        searchable.index.document((path, &wanted.id))?
    } else {
        let named = names::find(state, Some(&searchable.name), &wanted.id)?;
        searchable.index.document((&named.path, &named.id))?
    };
    let Some(first) = passages.first() else {
        return Err(ApiError::not_found(format!("the index has no document {:?}", wanted.id)));
    };
    let near = |passage: &&Passage| {
        wanted.ordinal.is_none_or(|wanted_ordinal| {
            passage.ordinal.abs_diff(wanted_ordinal) <= wanted.context.unwrap_or_default()
        })
    };
    let shown: Vec<Value> = passages.iter().filter(near).map(one).collect();
    if shown.is_empty() {
        let count = passages.len();
        return Err(ApiError::not_found(format!("the document has passages 0 to {}", count - 1)));
    }
    Ok(json!({
        "doc_id": first.doc_id,
        "path": first.path,
        "title": first.title,
        "metadata": *first.metadata,
        "count": passages.len(),
        "passages": shown,
    }))
}

fn one(passage: &Passage) -> Value {
    json!({
        "ordinal": passage.ordinal,
        "text": passage.text,
        "headings": passage.headings,
        "place": passage.location.to_string(),
        "location": passage.location,
        "start_byte": passage.start_byte,
        "end_byte": passage.end_byte,
    })
}
