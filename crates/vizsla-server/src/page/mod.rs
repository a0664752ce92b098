//! The page: `/` searches, `/document` shows what was found in its document, `/assets/` has its style and its script. All
//! of it comes from the index and from this program; nothing is read from the file system.

mod document;
mod hit;
mod html;
mod stream;
mod view;

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use vizsla::{Candidate, Passage, RetrieveRequest, Retriever};

use self::document::{Wanted, render_document};
use self::view::{Outcome, View, render};
use crate::api::index::facets_of;
use crate::api::request::SearchQuery;
use crate::api::search;
use crate::elastic;
use crate::error::ApiError;
use crate::facets::Facets;
use crate::state::{Searchable, State, Work};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("app.js");

pub(crate) fn routes() -> Router<Arc<State>> {
    let asset = |kind: &'static str, content: &'static str| {
        get(async move || ([(header::CONTENT_TYPE, kind)], content))
    };
    Router::new()
        .route("/", get(search))
        .route("/stream", get(stream::stream))
        .route("/filters", get(stream::filters))
        .route("/document", get(show_document))
        .route("/assets/style.css", asset("text/css; charset=utf-8", STYLE))
        .route("/assets/app.js", asset("text/javascript; charset=utf-8", SCRIPT))
}

/// The page of a search, for browsers. Whatever goes wrong is said on it. Clients of Elasticsearch ask at the same path
/// what this is.
async fn search(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepts.is_none_or(|accept| !accept.contains("text/html")) {
        return elastic::information(&state);
    }
    let (query, malformed) = match SearchQuery::from_url(query.as_deref().unwrap_or_default()) {
        Ok(query) => (query, None),
        Err(error) => (SearchQuery::default(), Some(error)),
    };
    let explained = SearchQuery { explain: true, ..query.clone() };
    let answer = async {
        match malformed {
            Some(error) => Some(Err(error)),
            None if query.q.trim().is_empty() => None,
            None => Some(search::run(&state, &explained).await),
        }
    };
    let (answer, facets) = tokio::join!(answer, facets_of(&state, &query));
    let mut view = view(&state, query);
    let mut status = StatusCode::OK;
    let mut failed = |error: ApiError| {
        status = error.status();
        Outcome::Failed(error.text().to_owned())
    };
    view.outcome = match (answer, &facets) {
        (Some(Ok(response)), _) => Outcome::Answer(Box::new(response)),
        (Some(Err(error)), _) => failed(error),
        (None, Err(error)) if !state.indexes.is_empty() => failed(error.clone()),
        (None, _) => Outcome::Nothing,
    };
    view.facets = facets.unwrap_or_default();
    (status, Html(render(&view))).into_response()
}

/// A view of nothing yet.
fn view(state: &State, query: SearchQuery) -> View {
    View {
        query,
        indexes: state.indexes.iter().map(|served| served.name.clone()).collect(),
        model: state.reranker.as_ref().map(|_| state.model().to_owned()),
        facets: Facets::default(),
        outcome: Outcome::Nothing,
    }
}

async fn show_document(Shared(state): Shared<Arc<State>>, RawQuery(query): RawQuery) -> Response {
    match document(&state, query.as_deref().unwrap_or_default()).await {
        Ok(page) => Html(page).into_response(),
        Err(error) => {
            let mut view = view(&state, SearchQuery::default());
            view.outcome = Outcome::Failed(error.text().to_owned());
            (error.status(), Html(render(&view))).into_response()
        }
    }
}

async fn document(state: &Arc<State>, query: &str) -> Result<String, ApiError> {
    let wanted: Wanted = serde_urlencoded::from_str(query)
        .map_err(|error| ApiError::malformed(format!("the URL cannot be read: {error}")))?;
    let work = Work::within(state.options.request_timeout);
    let state = Arc::clone(state);
    work.run(move || {
        let searchable = state.searchable(Some(&wanted.index))?;
        let passages = searchable.index.document((&wanted.path, &wanted.id))?;
        if passages.is_empty() {
            let named = format!("the index has no document {:?} of {:?}", wanted.id, wanted.path);
            return Err(ApiError::not_found(format!("{named}; it may have been removed")));
        }
        Ok(render_document(&wanted, &marked(searchable, &wanted.q, passages)))
    })
    .await
}

/// The passages with the byte ranges of the words that were asked for.
fn marked(
    searchable: &Searchable,
    query: &str,
    passages: Vec<Passage>,
) -> Vec<(Passage, Vec<[usize; 2]>)> {
    let asked = RetrieveRequest::new(query, NonZeroUsize::MIN);
    let prepared = Some(query).filter(|query| !query.trim().is_empty());
    // Marks are no reason not to show a document.
    let prepared = prepared.and_then(|_| searchable.retriever.prepare(&asked).ok());
    let one = |passage: Passage| {
        let candidate = Candidate::new(passage);
        let found = prepared.as_ref().map(|found| found.highlight(&candidate)).unwrap_or_default();
        let ranges = found.into_iter().map(|range| [range.start, range.end]).collect();
        (candidate.passage, ranges)
    };
    passages.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_comes_from_here_alone() {
        assert!(STYLE.len() + SCRIPT.len() <= 40_000);
        for asset in [STYLE, SCRIPT] {
            assert!(
                !asset.contains("//cdn") && !asset.contains("http:") && !asset.contains("https:")
            );
        }
        for makes_markup in
            ["innerHTML", "insertAdjacentHTML", "document.write", "eval(", "setHTMLUnsafe"]
        {
            assert!(!SCRIPT.contains(makes_markup), "{makes_markup}");
        }
        // In one place, of what the server has written.
        assert_eq!(SCRIPT.matches("parseFromString").count(), 1);
    }
}
