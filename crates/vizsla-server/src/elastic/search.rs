//! `_search` and `_count`. In: a body in Elasticsearch's language. Out: hits, one for each document, or how many there are.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Path, Request, State as Shared};
use serde_json::{Map, Value, json};
use vizsla::{Fusion, Hit, RetrieveRequest, SearchRequest, SearchResponse};

use super::error::{ElasticError, ElasticErrorBody};
use super::highlight::Highlight;
use super::query::Query;
use super::source::{self, Wanted};
use super::{find, first, object, parameters, shards};
use crate::api::search::Prepared;
use crate::error::Refusing;
use crate::integer::integer;
use crate::metrics::Kind;
use crate::names::public_id;
use crate::state::{Searchable, State, Work};

type Result<T> = std::result::Result<T, ElasticError>;

/// How far a result may be from the first one; Elasticsearch calls it `index.max_result_window`.
const WINDOW: usize = 1_000;

/// Searches in Elasticsearch's language.
#[utoipa::path(
    post,
    path = "/{index}/_search",
    description = "A part of Elasticsearch's `_search`: match, multi_match, match_phrase, match_all, bool with filter and must_not, the \
        retrievers standard and text_similarity_reranker, highlight, _source, from and size. What is not supported is an error.",
    params(("index" = String, Path, description = "The name of an index", example = "notes")),
    request_body(content = Object, content_type = "application/json"),
    responses(
        (status = 200, description = "Hits, one for each document", body = Object),
        (status = 400, description = "Not understood, or not supported", body = ElasticErrorBody),
        (status = 404, description = "No such index", body = ElasticErrorBody),
        (status = 413, description = "Too large", body = ElasticErrorBody),
        (status = 415, description = "Not JSON", body = ElasticErrorBody),
        (status = 422, description = "Over a limit", body = ElasticErrorBody),
        (status = 429, description = "Overloaded", body = ElasticErrorBody),
        (status = 503, description = "Not ready", body = ElasticErrorBody),
        (status = 504, description = "Not in time", body = ElasticErrorBody),
        Refusing,
    )
)]
pub(crate) async fn search(
    Shared(state): Shared<Arc<State>>,
    Path(index): Path<String>,
    request: Request,
) -> Result<Json<Value>> {
    answer(&state, index, request).await
}

pub(super) async fn search_first(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Json<Value>> {
    let index = first(&state)?;
    answer(&state, index, request).await
}

/// Counts documents in Elasticsearch's language.
#[utoipa::path(
    post,
    path = "/{index}/_count",
    params(("index" = String, Path, description = "The name of an index", example = "notes")),
    request_body(content = Object, content_type = "application/json"),
    responses(
        (status = 200, description = "How many documents match", body = Object),
        (status = 400, description = "Not understood, or not supported", body = ElasticErrorBody),
        (status = 404, description = "No such index", body = ElasticErrorBody),
        (status = 413, description = "Too large", body = ElasticErrorBody),
        (status = 415, description = "Not JSON", body = ElasticErrorBody),
        (status = 422, description = "Over a limit", body = ElasticErrorBody),
        (status = 504, description = "Not in time", body = ElasticErrorBody),
        Refusing,
    )
)]
pub(crate) async fn count(
    Shared(state): Shared<Arc<State>>,
    Path(index): Path<String>,
    request: Request,
) -> Result<Json<Value>> {
    count_in(&state, index, request).await
}

pub(super) async fn count_first(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Json<Value>> {
    let index = first(&state)?;
    count_in(&state, index, request).await
}

async fn count_in(state: &Arc<State>, index: String, request: Request) -> Result<Json<Value>> {
    find(state, &index)?;
    parameters(&request, &["ignore_unavailable", "allow_no_indices"])?;
    let body = object(request, state).await?;
    if let Some(key) = body.keys().find(|key| *key != "query") {
        return Err(ElasticError::parsing(format!("request does not support [{key}]")));
    }
    let query = Query::read(body.get("query"))?;
    let work = Work::within(state.options.request_timeout);
    let state = Arc::clone(state);
    let counted = work.run(move || {
        let searchable = state.searchable(Some(&index))?;
        Ok(documents(searchable, &query)?)
    });
    let count = counted.await?.ok_or_else(|| {
        ElasticError::unsupported("the index is held by another engine: ask that one to count")
    })?;
    Ok(Json(json!({"count": count, "_shards": shards()})))
}

/// How many documents match; `None` where the index is elsewhere.
fn documents(searchable: &Searchable, query: &Query) -> vizsla::Result<Option<u64>> {
    let (text, syntax) = query.text();
    let request = RetrieveRequest::new(text, NonZeroUsize::MIN);
    let request = request.with_syntax(syntax).with_filter(query.filter.clone());
    Ok(searchable.counts(&request)?.map(|counts| counts.documents))
}

/// What a search asks for.
#[derive(Debug)]
struct Asked {
    query: Query,
    /// How many passages the model reads, and the least score, when it alone is to rank.
    reranked: Option<(Option<usize>, Option<f64>)>,
    from: usize,
    size: usize,
    counts: bool,
    wanted: Wanted,
    highlight: Option<Highlight>,
}

impl Asked {
    fn read(body: &Map<String, Value>, url: &[(String, String)]) -> Result<Self> {
        let (mut query, mut reranked, mut counts) = (Query::default(), None, true);
        let (mut wanted, mut highlight) = (Wanted::default(), None);
        for (name, value) in body {
            match name.as_str() {
                "query" => query = Query::read(Some(value))?,
                "retriever" => (query, reranked) = retriever(value)?,
                "_source" => wanted = Wanted::read(value)?,
                "highlight" => highlight = Some(Highlight::read(value)?),
                "track_total_hits" => counts = *value != false,
                "from" | "size" | "timeout" | "track_scores" => {}
                "sort" if *value == json!(["_score"]) || value == "_score" => {}
                name => {
                    let reason = format!("[{name}] is not supported in _search");
                    return Err(ElasticError::unsupported(reason));
                }
            }
        }
        if body.contains_key("query") && body.contains_key("retriever") {
            return Err(ElasticError::parsing("[query] and [retriever] cannot be used together"));
        }
        for (name, value) in
            url.iter().filter(|(name, _)| name == "_source" || name == "track_total_hits")
        {
            match (name.as_str(), value.as_str()) {
                ("track_total_hits", value) => counts = value != "false",
                (_, "true") => {}
                (_, "false") => wanted = Wanted::read(&json!(false))?,
                (_, names) => wanted = Wanted::read(&json!(names.split(',').collect::<Vec<_>>()))?,
            }
        }
        let number = |name: &str, usual: usize| {
            let given = url.iter().find(|(key, _)| key == name).map(|(_, value)| json!(value));
            let Some(value) = given.as_ref().or_else(|| body.get(name)) else { return Ok(usual) };
            integer(value).and_then(|number| usize::try_from(number).ok()).ok_or_else(|| {
                ElasticError::argument(format!(
                    "[{name}] must be a whole number, 0 or more, but was [{value}]"
                ))
            })
        };
        let (from, size) = (number("from", 0)?, number("size", 10)?);
        if from.saturating_add(size) > WINDOW {
            return Err(ElasticError::argument(format!(
                "Result window is too large, from + size must be less than or equal to: [{WINDOW}] but was [{}]",
                from.saturating_add(size)
            )));
        }
        Ok(Self { query, reranked, from, size, counts, wanted, highlight })
    }

    fn request(&self, state: &State) -> SearchRequest {
        let (text, syntax) = self.query.text();
        let most = state.options.request_timeout;
        let mut request = SearchRequest::new(text)
            .with_syntax(syntax)
            .with_filter(self.query.filter.clone())
            .with_limit((self.from + self.size).max(1))
            .with_depth(state.options.depth)
            .with_budget(state.options.budget.unwrap_or(most).min(most));
        if let Some((depth, least)) = self.reranked {
            request = request.with_fusion(Fusion::Rerank);
            request = depth.map_or(request.clone(), |depth| request.with_depth(depth));
            return least
                .map_or(request.clone(), |least| request.with_min_probability(least as f32));
        }
        request = request.with_retrieval_fallback();
        if self.query.is_everything() {
            // Documents may have several passages, of which one is shown.
            request = request.with_fusion(Fusion::Retrieval).with_depth(WINDOW);
        }
        request
    }
}

type Reranked = Option<(Option<usize>, Option<f64>)>;

/// Reads the value of `retriever`.
fn retriever(value: &Value) -> Result<(Query, Reranked)> {
    let wrong = |reason: &str| ElasticError::parsing(format!("[retriever] {reason}"));
    let one = value.as_object().filter(|one| one.len() == 1).and_then(|one| one.iter().next());
    let (kind, options) =
        one.ok_or_else(|| wrong("must be an object with one kind of retriever"))?;
    let options = options.as_object().ok_or_else(|| wrong("must be an object"))?;
    let unknown = |known: &[&str]| {
        options.keys().find(|key| !known.contains(&key.as_str())).map(|key| {
            ElasticError::unsupported(format!("[retriever] [{kind}] with [{key}] is not supported"))
        })
    };
    match kind.as_str() {
        "standard" => {
            if let Some(error) = unknown(&["query", "filter", "_name"]) {
                return Err(error);
            }
            let filter = options.get("filter").cloned().unwrap_or(json!([]));
            let query = options.get("query").cloned().unwrap_or(json!({"match_all": {}}));
            Ok((Query::read(Some(&json!({"bool": {"must": query, "filter": filter}})))?, None))
        }
        "text_similarity_reranker" => {
            if let Some(error) = unknown(&RERANKER_OPTIONS) {
                return Err(error);
            }
            reranker(options)
        }
        kind => Err(ElasticError::unsupported(format!(
            "[retriever] [{kind}] is not supported; supported are standard and text_similarity_reranker"
        ))),
    }
}

const RERANKER_OPTIONS: [&str; 7] = [
    "retriever",
    "field",
    "inference_id",
    "inference_text",
    "rank_window_size",
    "min_score",
    "_name",
];

/// Reads the options of a `text_similarity_reranker`.
fn reranker(options: &Map<String, Value>) -> Result<(Query, Reranked)> {
    let wrong = |reason: &str| ElasticError::parsing(format!("[retriever] {reason}"));
    let inner = options.get("retriever").ok_or_else(|| wrong("needs [retriever]"))?;
    let (query, None) = retriever(inner)? else {
        return Err(wrong("cannot rerank what is reranked already"));
    };
    let text = options.get("inference_text").and_then(Value::as_str);
    if text.is_some_and(|text| text.trim() != query.words().trim()) {
        return Err(ElasticError::unsupported(
            "[retriever] [inference_text] must be the text of the query, which the model reads",
        ));
    }
    if query.is_everything() {
        return Err(wrong("has nothing to rerank by: its query has no text"));
    }
    let window = options.get("rank_window_size").map(|value| {
        integer(value)
            .map(|window| window as usize)
            .filter(|window| *window > 0)
            .ok_or_else(|| wrong("[rank_window_size] must be a whole number above 0"))
    });
    let least = options.get("min_score").map(|value| {
        value
            .as_f64()
            .filter(|least| (0.0..=1.0).contains(least))
            .ok_or_else(|| wrong("[min_score] must be from 0 to 1"))
    });
    Ok((query, Some((window.transpose()?, least.transpose()?))))
}

async fn answer(state: &Arc<State>, index: String, request: Request) -> Result<Json<Value>> {
    find(state, &index)?;
    let known = [
        "from",
        "size",
        "_source",
        "track_total_hits",
        "typed_keys",
        "ignore_unavailable",
        "allow_no_indices",
        "timeout",
        "request_cache",
        "preference",
    ];
    let url = parameters(&request, &known)?;
    let body = object(request, state).await?;
    state.metrics.started(Kind::Search);
    let start = Instant::now();
    let result = run(state, index, &body, &url).await;
    let counted = result.as_ref().map_err(ElasticError::as_counted);
    state.metrics.ended(Kind::Search, start, &counted.map(|_| ()));
    let mut answer = result?;
    answer["took"] = (start.elapsed().as_millis() as u64).into();
    Ok(Json(answer))
}

async fn run(
    state: &Arc<State>,
    index: String,
    body: &Map<String, Value>,
    url: &[(String, String)],
) -> Result<Value> {
    let asked = Asked::read(body, url)?;
    let response = Prepared::of(state, Some(&index), asked.request(state))?.run().await?;
    let work = Work::within(state.options.request_timeout);
    let state = Arc::clone(state);
    let written = work.run(move || {
        let searchable = state.searchable(Some(&index))?;
        Ok(written(searchable, &asked, &response)?)
    });
    Ok(written.await?)
}

/// The answer in Elasticsearch's form.
fn written(
    searchable: &Searchable,
    asked: &Asked,
    response: &SearchResponse,
) -> vizsla::Result<Value> {
    let score = |hit: &Hit| match asked.reranked {
        Some(_) => hit.scores.rerank_probability.unwrap_or_default(),
        None => hit.score,
    };
    let shown = response.hits.iter().skip(asked.from).take(asked.size);
    let hits = shown.map(|hit| one(searchable, asked, hit, score(hit)));
    let hits = hits.collect::<vizsla::Result<Vec<_>>>()?;
    let best = response.hits.first().map(|hit| f64::from(score(hit)));
    let mut all = json!({"max_score": best, "hits": hits});
    if asked.counts {
        let (least, relation) = match documents(searchable, &asked.query)? {
            Some(documents) => (documents, "eq"),
            None => (response.hits.len() as u64, "gte"),
        };
        all["total"] = json!({"value": least, "relation": relation});
    }
    let unread = response.stages.rerank.as_ref().map_or(0, |stage| stage.unread);
    Ok(json!({"took": 0, "timed_out": unread > 0, "_shards": shards(), "hits": all}))
}

fn one(searchable: &Searchable, asked: &Asked, hit: &Hit, score: f32) -> vizsla::Result<Value> {
    let path = hit.path.as_deref();
    let mut one = json!({
        "_index": searchable.name, "_id": public_id(path, &hit.doc_id), "_score": f64::from(score),
    });
    if !asked.wanted.is_nothing() {
        let passages = searchable.index.document((path.unwrap_or_default(), &hit.doc_id))?;
        one["_source"] = Value::Object(asked.wanted.of(source::source(&passages)));
    }
    if let Some(highlight) = &asked.highlight {
        let found = highlight.of(&hit.passage.snippet);
        if !found.is_empty() {
            one["highlight"] = Value::Object(found);
        }
    }
    Ok(one)
}
