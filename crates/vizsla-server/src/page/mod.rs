//! The page: `/` searches, `/document` shows what was found in its document, `/assets/` has its style and its script. All
//! of it comes from the index and from this program; nothing is read from the file system.

mod document;
mod facets;
mod hit;
mod html;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use vizsla::Filter;

use self::document::render_document;
use self::facets::Facets;
use self::view::{Outcome, View, render};
use crate::api::{SearchQuery, run_search};
use crate::error::ApiError;
use crate::state::{State, Work};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("app.js");

pub(crate) fn routes() -> Router<Arc<State>> {
    let asset = |kind: &'static str, content: &'static str| {
        get(async move || ([(header::CONTENT_TYPE, kind)], content))
    };
    Router::new()
        .route("/", get(search))
        .route("/document", get(show_document))
        .route("/assets/style.css", asset("text/css; charset=utf-8", STYLE))
        .route("/assets/app.js", asset("text/javascript; charset=utf-8", SCRIPT))
}

/// The page of a search. Whatever goes wrong is said on it.
async fn search(Shared(state): Shared<Arc<State>>, RawQuery(query): RawQuery) -> Response {
    let (query, malformed) = match SearchQuery::from_url(query.as_deref().unwrap_or_default()) {
        Ok(query) => (query, None),
        Err(error) => (SearchQuery::default(), Some(error)),
    };
    let facets = facets(&state, &query).await;
    let (mut status, mut outcome) = (StatusCode::OK, Outcome::Nothing);
    let asked = !query.q.trim().is_empty();
    let answer = match (malformed, &facets) {
        (Some(error), _) => Some(Err(error)),
        (None, Err(error)) if !state.indexes.is_empty() => Some(Err(error.clone())),
        _ if asked => {
            let explained = SearchQuery { explain: true, ..query.clone() };
            Some(run_search(&state, &explained).await)
        }
        _ => None,
    };
    match answer {
        None => {}
        Some(Ok(response)) => outcome = Outcome::Answer(Box::new(response)),
        Some(Err(error)) => {
            status = error.status();
            outcome = Outcome::Failed(error.text().to_owned());
        }
    }
    let view = View {
        query,
        indexes: state.indexes.iter().map(|served| served.name.clone()).collect(),
        model: state.reranker.as_ref().map(|_| state.model().to_owned()),
        facets: facets.unwrap_or_default(),
        outcome,
    };
    (status, Html(render(&view))).into_response()
}

async fn facets(state: &Arc<State>, query: &SearchQuery) -> Result<Facets, ApiError> {
    let index = state.searchable(query.index.as_deref())?.index.clone();
    let work = Work::within(state.options.request_timeout);
    work.run(move || Ok(Facets::of(&index.files(&Filter::default())?))).await
}

/// Which document is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    index: String,
    path: String,
    id: String,
    ordinal: u32,
}

async fn show_document(Shared(state): Shared<Arc<State>>, RawQuery(query): RawQuery) -> Response {
    match document(&state, query.as_deref().unwrap_or_default()).await {
        Ok(page) => Html(page).into_response(),
        Err(error) => {
            let view = View {
                query: SearchQuery::default(),
                indexes: state.indexes.iter().map(|served| served.name.clone()).collect(),
                model: None,
                facets: Facets::default(),
                outcome: Outcome::Failed(error.text().to_owned()),
            };
            (error.status(), Html(render(&view))).into_response()
        }
    }
}

async fn document(state: &Arc<State>, query: &str) -> Result<String, ApiError> {
    let wanted: Wanted = serde_urlencoded::from_str(query)
        .map_err(|error| ApiError::malformed(format!("the URL cannot be read: {error}")))?;
    let index = state.searchable(Some(&wanted.index))?.index.clone();
    let work = Work::within(state.options.request_timeout);
    work.run(move || {
        let passages = index.document((&wanted.path, &wanted.id))?;
        if passages.is_empty() {
            let named = format!("the index has no document {:?} of {:?}", wanted.id, wanted.path);
            return Err(ApiError::not_found(format!("{named}; it may have been removed")));
        }
        Ok(render_document(&wanted.index, &passages, wanted.ordinal))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_comes_from_here_alone() {
        assert!(STYLE.len() + SCRIPT.len() <= 50_000);
        for asset in [STYLE, SCRIPT] {
            assert!(
                !asset.contains("//cdn") && !asset.contains("http:") && !asset.contains("https:")
            );
        }
        for makes_markup in
            ["innerHTML", "insertAdjacentHTML", "document.write", "eval(", "parseFromString"]
        {
            assert!(!SCRIPT.contains(makes_markup), "{makes_markup}");
        }
    }
}
