//! The part of Elasticsearch's interface that searching and filling an index takes, so that its clients work: `_search`,
//! `_count`, `_bulk`, `_doc` and what they ask before. In: their requests. Out: their answers; what is not supported is an
//! error in their form, never left out silently.

pub(crate) mod bulk;
mod documents;
mod error;
mod highlight;
mod query;
pub(crate) mod search;
mod source;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Path, Request, State as Shared};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, head, post};
use serde_json::{Map, Value, json};

use self::error::ElasticError;
use crate::api::body;
use crate::error::ApiError;
use crate::state::{Searchable, State};

/// The version whose interface this is a part of.
const VERSION: &str = "8.15.0";
/// The types of body that clients send.
const JSON: [&str; 2] = ["application/json", "application/vnd.elasticsearch+json"];

pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/_search", get(search::search_first).post(search::search_first))
        .route("/_count", get(search::count_first).post(search::count_first))
        .route("/_bulk", post(bulk::bulk_first).put(bulk::bulk_first))
        .route("/_refresh", post(refresh_all).get(refresh_all))
        .route("/_cluster/health", get(health))
        .route("/{index}", head(exists).fallback(nothing))
        .route("/{index}/_search", get(search::search).post(search::search))
        .route("/{index}/_count", get(search::count).post(search::count))
        .route("/{index}/_bulk", post(bulk::bulk).put(bulk::bulk))
        .route("/{index}/_refresh", post(refresh).get(refresh))
        .route("/{index}/_doc", post(documents::add))
        .route(
            "/{index}/_doc/{id}",
            get(documents::get).put(documents::put).post(documents::put).delete(documents::delete),
        )
        .route("/{index}/{*rest}", any(unsupported))
        .layer(from_fn(named))
}

/// The official clients talk to nothing that does not go by this name.
async fn named(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let name = HeaderName::from_static("x-elastic-product");
    response.headers_mut().insert(name, HeaderValue::from_static("Elasticsearch"));
    response
}

/// What this is, as clients ask first.
pub(crate) fn information(state: &State) -> Response {
    let about = json!({
        "name": "vizsla",
        "cluster_name": "vizsla",
        "cluster_uuid": "vizsla",
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "vizsla",
            "build_hash": env!("CARGO_PKG_VERSION"),
            "build_date": "2026-01-01T00:00:00.000000000Z",
            "build_snapshot": false,
            "lucene_version": "9.11.1",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
        "vizsla": {"version": env!("CARGO_PKG_VERSION"), "model": state.model()},
    });
    let name = HeaderName::from_static("x-elastic-product");
    ([(name, HeaderValue::from_static("Elasticsearch"))], Json(about)).into_response()
}

async fn health(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let status = if state.readiness().is_ok() { "green" } else { "red" };
    Json(
        json!({"cluster_name": "vizsla", "status": status, "timed_out": false, "number_of_nodes": 1}),
    )
}

async fn exists(Shared(state): Shared<Arc<State>>, Path(index): Path<String>) -> StatusCode {
    let is_there = state.indexes.iter().any(|known| known.name == index);
    if is_there { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

async fn refresh(
    Shared(state): Shared<Arc<State>>,
    Path(index): Path<String>,
) -> Result<Json<Value>, ElasticError> {
    renew(find(&state, &index)?)?;
    Ok(Json(json!({"_shards": shards()})))
}

async fn refresh_all(Shared(state): Shared<Arc<State>>) -> Result<Json<Value>, ElasticError> {
    for searchable in &state.indexes {
        renew(searchable)?;
    }
    Ok(Json(json!({"_shards": shards()})))
}

/// Shows what was committed since; another engine does so itself.
fn renew(searchable: &Searchable) -> Result<(), ApiError> {
    searchable.index.index().map_or(Ok(()), vizsla::Index::refresh)?;
    Ok(())
}

async fn nothing() -> ApiError {
    ApiError::nowhere()
}

/// Elasticsearch's own paths begin with an underscore.
async fn unsupported(Path((_, rest)): Path<(String, String)>, request: Request) -> Response {
    if !rest.starts_with('_') {
        return ApiError::nowhere().into_response();
    }
    let (method, path) = (request.method(), request.uri().path());
    let known = "_search, _count, _bulk, _doc, _refresh";
    ElasticError::unsupported(format!(
        "{method} {path} is not among what this server has of Elasticsearch: {known}"
    ))
    .into_response()
}

/// The index of this name.
fn find<'a>(state: &'a State, name: &str) -> Result<&'a Searchable, ElasticError> {
    let known = state.indexes.iter().find(|index| index.name == name);
    known.ok_or_else(|| ElasticError::no_index(name))
}

/// The name of the first index.
fn first(state: &State) -> Result<String, ElasticError> {
    let first = state.indexes.first().map(|index| index.name.clone());
    first.ok_or_else(|| ElasticError::no_index("_all"))
}

/// What every answer says of shards.
fn shards() -> Value {
    json!({"total": 1, "successful": 1, "skipped": 0, "failed": 0})
}

/// The JSON object that was sent; an empty one if nothing was.
async fn object(request: Request, state: &State) -> Result<Map<String, Value>, ElasticError> {
    use axum::http::header;
    let length = request.headers().get(header::CONTENT_LENGTH);
    let has_body = length.is_none_or(|length| length != "0") && has_type(&request);
    if !has_body {
        return Ok(Map::new());
    }
    let bytes = body::read(request, state, &JSON).await?;
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ElasticError::parsing("the body must be a JSON object")),
        Err(error) => Err(ElasticError::parsing(format!("the body is not JSON: {error}"))),
    }
}

fn has_type(request: &Request) -> bool {
    use axum::http::{Method, header};
    // A request to read may come without a body, and then without a type.
    request.method() != Method::GET || request.headers().contains_key(header::CONTENT_TYPE)
}

/// The parameters of a URL, of which only these are known.
fn parameters(request: &Request, known: &[&str]) -> Result<Vec<(String, String)>, ElasticError> {
    // Clients add these to anything.
    const ANYWHERE: [&str; 3] = ["pretty", "human", "error_trace"];
    let query = request.uri().query().unwrap_or_default();
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|error| ElasticError::parsing(format!("the URL cannot be read: {error}")))?;
    let unknown = |(name, _): &&(String, String)| {
        !known.contains(&name.as_str()) && !ANYWHERE.contains(&name.as_str())
    };
    match pairs.iter().find(unknown) {
        Some((name, _)) => Err(ElasticError::argument(format!(
            "request [{}] contains unrecognized parameter: [{name}]",
            request.uri().path()
        ))),
        None => Ok(pairs),
    }
}
