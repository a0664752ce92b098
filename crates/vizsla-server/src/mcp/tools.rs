//! The tools that agents see. In: nothing, and the name of one with its arguments. Out: the list, and the answer of a call.
//!
//! Clients put the list before every conversation, so each byte of it costs every user, every time. Schemas are written by
//! hand: derived ones say `["integer", "null"]`, which makes some clients send strings.

use std::sync::Arc;
use std::time::Instant;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;
use vizsla::CancelHandle;

use super::arguments::Arguments;
use super::search::{self, Question, Report};
use super::{fetch, status};
use crate::error::ApiError;
use crate::metrics::Kind;
use crate::state::{State, Work};

/// The tools; with several indexes, arguments to choose one.
pub(super) fn list(state: &State) -> Vec<Tool> {
    let tokens = |default: usize| json!({ "type": "integer", "minimum": search::MIN_TOKENS, "maximum": search::MAX_TOKENS, "default": default });
    let strings =
        |what: &str| json!({ "type": "array", "items": { "type": "string" }, "description": what });
    let searching = json!({
        "query": { "type": "string", "description": "A full question; \"phrase\" requires, -word excludes" },
        "limit": { "type": "integer", "minimum": 1, "maximum": search::MAX_LIMIT, "default": search::DEFAULT_LIMIT },
        "path": strings("Files, folders or globs"),
        "ext": strings("Such as md"),
        "max_tokens": tokens(search::DEFAULT_TOKENS),
        "min_probability": { "type": "number", "minimum": 0, "maximum": 1 },
    });
    let fetching = json!({
        "id": { "type": "string", "description": "From search, or path, or path:120-160" },
        "max_tokens": tokens(fetch::DEFAULT_TOKENS),
        "offset": { "type": "integer", "minimum": 0, "description": "The next of the answer before" },
        "line_numbers": { "type": "boolean" },
    });
    let of = |name, what, properties, required| tool(state, name, what, (properties, required));
    vec![
        of(
            "search",
            "Searches the indexed documents: the best passages, read and ranked by a model",
            searching,
            json!(["query"]),
        ),
        of("fetch", "Reads an indexed document, or lines of it", fetching, json!(["id"])),
        of("status", "What is indexed, and whether ranking works", json!({}), json!([])),
    ]
}

fn tool(
    state: &State,
    name: &'static str,
    description: &'static str,
    (mut properties, required): (Value, Value),
) -> Tool {
    if state.indexes.len() > 1 && name != "status" {
        properties["index"] = json!({ "type": "string", "description": "A name from status" });
    }
    let mut schema = JsonObject::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties);
    if required != json!([]) {
        schema.insert("required".to_owned(), required);
    }
    let hints = ToolAnnotations::new().read_only(true).open_world(false);
    Tool::new(name, description, Arc::new(schema)).with_annotations(hints)
}

/// Answers a call; `None` when there is no tool of this name.
pub(super) async fn call(
    state: &Arc<State>,
    (name, given): (&str, Option<Map<String, Value>>),
    reports: Option<UnboundedSender<Report>>,
) -> Option<Result<Value, ApiError>> {
    let arguments = Arguments::new(given);
    let several = state.indexes.len() > 1;
    Some(match name {
        "search" => {
            state.metrics.started(Kind::Search);
            let start = Instant::now();
            let answer = match Question::new(arguments, several) {
                Ok(question) => search(state, question, reports).await,
                Err(error) => Err(error),
            };
            state.metrics.ended(Kind::Search, start, &answer);
            answer
        }
        "fetch" => match fetch::Page::new(arguments, several) {
            Ok(page) => run(state, move |state, _| page.answer(state)).await,
            Err(error) => Err(error),
        },
        "status" => match arguments.finish() {
            Ok(()) => run(state, |state, _| status::answer(state)).await,
            Err(error) => Err(error),
        },
        _ => return None,
    })
}

async fn search(
    state: &Arc<State>,
    question: Question,
    reports: Option<UnboundedSender<Report>>,
) -> Result<Value, ApiError> {
    let admitted = match &state.reranker {
        Some(_) => {
            Some(state.admission.admit(crate::state::tokens_of_search(state.options.depth))?)
        }
        None => None,
    };
    run(state, move |state, cancel| {
        let _admitted = admitted;
        question.answer(state, cancel, reports)
    })
    .await
}

/// The beginning of a document, as a resource.
pub(super) async fn read(state: &Arc<State>, uri: &str) -> Result<Value, ApiError> {
    let page = fetch::Page::first(uri);
    run(state, move |state, _| page.answer(state)).await
}

/// Runs what blocks where it may, until its time is over or its client has left.
async fn run(
    state: &Arc<State>,
    answer: impl FnOnce(&State, CancelHandle) -> Result<Value, ApiError> + Send + 'static,
) -> Result<Value, ApiError> {
    let work = Work::within(state.options.request_timeout);
    let (state, cancel) = (Arc::clone(state), work.cancel_handle());
    work.run(move || answer(&state, cancel)).await
}
