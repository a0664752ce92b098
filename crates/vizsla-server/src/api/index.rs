//! What is in an index, what a search could be narrowed to, and how words continue.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State as Shared};
use serde_json::{Value, json};
use vizsla::Fusion;

use super::request::SearchQuery;
use crate::error::{ApiError, Asking, Refusing};
use crate::facets::Facets;
use crate::state::{State, Work};

/// The indexes, with the extensions and folders of their files.
#[utoipa::path(
    get,
    path = "/api/index",
    responses(
        (status = 200, description = "Each index with its counts and facets", body = Object),
        Refusing,
    )
)]
pub(crate) async fn describe(Shared(state): Shared<Arc<State>>) -> Result<Json<Value>, ApiError> {
    let work = Work::within(state.options.request_timeout);
    let state = Arc::clone(&state);
    work.run(move || {
        let all = state.indexes.iter().map(|served| {
            Ok(json!({
                "name": served.name,
                "stats": served.index.stats()?,
                "facets": Facets::all(&*served.index)?,
            }))
        });
        let all = all.collect::<Result<Vec<_>, ApiError>>()?;
        Ok(Json(json!({"model": state.model(), "indexes": all})))
    })
    .await
}

/// What a search could be narrowed to, with how many documents that would leave.
#[utoipa::path(
    get,
    path = "/api/facets",
    params(SearchQuery),
    responses(
        (status = 200, description = "Kinds of files and folders, each with a count", body = Object),
        Asking,
    )
)]
pub(crate) async fn facets(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Facets>, ApiError> {
    let query = SearchQuery::from_url(query.as_deref().unwrap_or_default())?;
    facets_of(&state, &query).await.map(Json)
}

/// The facets of a search, or of the whole index when nothing is asked.
pub(crate) async fn facets_of(state: &Arc<State>, query: &SearchQuery) -> Result<Facets, ApiError> {
    state.searchable(query.index.as_deref())?;
    let work = Work::within(state.options.request_timeout);
    let (state, query) = (Arc::clone(state), query.clone());
    work.run(move || {
        let searchable = state.searchable(query.index.as_deref())?;
        if query.q.trim().is_empty() {
            return Facets::all(&*searchable.index);
        }
        Facets::matching(searchable, &query)
    })
    .await
}

/// Words and titles that begin as the last word of the question does.
#[utoipa::path(
    get,
    path = "/api/suggest",
    params(SearchQuery),
    responses(
        (status = 200, description = "Titles that fit, and words that were perhaps meant", body = Object),
        Asking,
    )
)]
pub(crate) async fn suggest(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let mut query = SearchQuery::from_url(query.as_deref().unwrap_or_default())?;
    let name = state.searchable(query.index.as_deref())?.name.clone();
    let asked = query.q.clone();
    if asked.chars().last().is_some_and(char::is_alphanumeric) {
        query.q.push('*');
    }
    let request = query.request(&state)?.with_fusion(Fusion::Retrieval);
    let work = Work::within(state.options.request_timeout);
    let state = Arc::clone(&state);
    work.run(move || {
        let response = state.searchable(Some(&name))?.engine.search(&request)?;
        let mut titles: Vec<String> = Vec::new();
        for hit in response.hits {
            let title = if hit.title.is_empty() { hit.doc_id } else { hit.title };
            if !titles.contains(&title) {
                titles.push(title);
            }
        }
        Ok(Json(json!({"query": asked, "titles": titles, "words": response.notes.suggestions})))
    })
    .await
}
