//! A search as the page's script shows it: pieces of the page, in the order in which they become known. In: what the form
//! asks. Out: server-sent events, `retrieved` and `done` with a line and markup, `reranked` with figures, `error` with the
//! reason; and the filters with their counts, as markup.

use std::sync::Arc;

use axum::extract::{RawQuery, State as Shared};
use axum::response::sse::Event;
use serde_json::{Value, json};
use vizsla::SearchResponse;

use super::html::Html;
use super::view::{Outcome, View, put_filters, put_main, status};
use crate::api::index::facets_of;
use crate::api::request::SearchQuery;
use crate::api::stream::event;
use crate::error::ApiError;
use crate::live::{self, Events, Progress};
use crate::state::State;

/// Searches, and sends what belongs on the page.
pub(super) async fn stream(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<Events, ApiError> {
    let query = SearchQuery::from_url(query.as_deref().unwrap_or_default())?;
    let explained = SearchQuery { explain: true, ..query.clone() };
    let view = super::view(&state, query.clone());
    live::search(&state, &explained, move |progress| match progress {
        Progress::Retrieved(response) => event("retrieved", &answer(&view, response)),
        Progress::Reranked { read, total } => {
            event("reranked", &json!({"read": read, "total": total}))
        }
        Progress::Done(response) => event("done", &answer(&view, response)),
        Progress::Failed(error) => failed(&view, error),
    })
}

/// The filters for what the form asks, as markup.
pub(super) async fn filters(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<axum::response::Html<String>, ApiError> {
    let query = SearchQuery::from_url(query.as_deref().unwrap_or_default())?;
    let facets = facets_of(&state, &query).await?;
    let view = View { facets, ..super::view(&state, query) };
    let mut html = Html::default();
    put_filters(&mut html, &view);
    Ok(axum::response::Html(html.into_string()))
}

fn answer(view: &View, response: &SearchResponse) -> Value {
    let view = View { outcome: Outcome::Answer(Box::new(response.clone())), ..view.clone() };
    json!({"status": status(&view), "main": main(&view), "hits": response.hits.len()})
}

fn failed(view: &View, error: &ApiError) -> Event {
    let view = View { outcome: Outcome::Failed(error.text().to_owned()), ..view.clone() };
    event("error", &json!({"error": error.text(), "main": main(&view)}))
}

fn main(view: &View) -> String {
    let mut html = Html::default();
    put_main(&mut html, view);
    html.into_string()
}
