//! `_bulk`. In: lines of JSON, each an action or a document. Out: what became of each; what was acknowledged is on disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Path, Request, State as Shared};
use serde_json::{Map, Value, json};
use vizsla::{Document, IndexWriter};

use super::error::{ElasticError, ElasticErrorBody};
use super::{find, first, parameters, shards, source};
use crate::api::{body, documents};
use crate::error::Refusing;
use crate::state::State;

/// The types of body that clients send.
const LINES: [&str; 4] = [
    "application/x-ndjson",
    "application/json",
    "application/vnd.elasticsearch+x-ndjson",
    "application/vnd.elasticsearch+json",
];

/// Something to do with a document.
#[derive(Debug)]
pub(super) struct Action {
    kind: Kind,
    index: String,
    id: String,
    document: Option<Document>,
    failed: Option<ElasticError>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Index,
    Create,
    Delete,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
            Self::Delete => "delete",
        }
    }
}

/// Adds, replaces and removes documents.
#[utoipa::path(
    post,
    path = "/{index}/_bulk",
    description = "Elasticsearch's `_bulk` with index, create and delete. The answer comes when all of it is on disk.",
    params(("index" = String, Path, description = "The name of an index")),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses(
        (status = 200, description = "What became of each document", body = Object),
        (status = 400, description = "Not understood, or not supported", body = ElasticErrorBody),
        (status = 404, description = "No such index", body = ElasticErrorBody),
        (status = 413, description = "Too large", body = ElasticErrorBody),
        (status = 415, description = "Not lines of JSON", body = ElasticErrorBody),
        (status = 422, description = "What cannot be stored", body = ElasticErrorBody),
        (status = 503, description = "Another program is writing", body = ElasticErrorBody),
        (status = 504, description = "Not in time", body = ElasticErrorBody),
        Refusing,
    )
)]
pub(crate) async fn bulk(
    Shared(state): Shared<Arc<State>>,
    Path(index): Path<String>,
    request: Request,
) -> Result<Json<Value>, ElasticError> {
    run(&state, index, request).await
}

pub(super) async fn bulk_first(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Json<Value>, ElasticError> {
    let index = first(&state)?;
    run(&state, index, request).await
}

async fn run(
    state: &Arc<State>,
    index: String,
    request: Request,
) -> Result<Json<Value>, ElasticError> {
    find(state, &index)?;
    let start = Instant::now();
    parameters(&request, &["refresh", "timeout", "wait_for_active_shards"])?;
    let bytes = body::read(request, state, &LINES).await?;
    let actions = read(&bytes, &index)?;
    let items = perform(state, actions).await?;
    let errors = items.iter().any(|item| {
        item.as_object().is_some_and(|item| item.values().any(|one| one.get("error").is_some()))
    });
    let took = start.elapsed().as_millis() as u64;
    Ok(Json(json!({"took": took, "errors": errors, "items": items})))
}

/// Reads the lines. What is wrong with one document fails that one; what is wrong with the lines fails all.
fn read(bytes: &[u8], index: &str) -> Result<Vec<Action>, ElasticError> {
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let mut actions = Vec::new();
    while let Some(line) = lines.next() {
        let at = actions.len() + 1;
        let wrong =
            |reason: String| ElasticError::argument(format!("action {at} of the bulk: {reason}"));
        let action: Map<String, Value> =
            serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
        let mut parts = action.into_iter();
        let (Some((kind, about)), None) = (parts.next(), parts.next()) else {
            return Err(wrong("must be an object with one action".to_owned()));
        };
        let kind = match kind.as_str() {
            "index" => Kind::Index,
            "create" => Kind::Create,
            "delete" => Kind::Delete,
            kind => {
                return Err(wrong(format!(
                    "[{kind}] is not supported; index, create and delete are"
                )));
            }
        };
        let text = |name: &str| about.get(name).and_then(Value::as_str).map(str::to_owned);
        let index = text("_index").unwrap_or_else(|| index.to_owned());
        let id = match (text("_id"), kind) {
            (Some(id), _) => id,
            (None, Kind::Delete) => return Err(wrong("a delete needs an _id".to_owned())),
            (None, _) => crate::guard::new_id(),
        };
        let mut action = Action { kind, index, id, document: None, failed: None };
        if kind != Kind::Delete {
            let line = lines.next().ok_or_else(|| wrong("its document is missing".to_owned()))?;
            let source: Map<String, Value> =
                serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
            action.fill(&source);
        }
        actions.push(action);
    }
    if actions.is_empty() {
        return Err(ElasticError::argument("the bulk has no actions"));
    }
    Ok(actions)
}

impl Action {
    /// An action on one document.
    pub(super) fn new(
        kind: Kind,
        index: String,
        id: Option<String>,
        source: Option<&Map<String, Value>>,
    ) -> Self {
        let id = id.unwrap_or_else(crate::guard::new_id);
        let mut action = Self { kind, index, id, document: None, failed: None };
        if let Some(source) = source {
            action.fill(source);
        }
        action
    }

    fn fill(&mut self, source: &Map<String, Value>) {
        match source::document(&self.id, source) {
            Ok(document) => self.document = Some(document),
            Err(error) => self.failed = Some(error),
        }
    }

    fn item(&self, status: u16, result: &str) -> Value {
        json!({self.kind.name(): {
            "_index": self.index, "_id": self.id, "_version": 1, "result": result, "_shards": shards(), "_seq_no": 0,
            "_primary_term": 1, "status": status,
        }})
    }

    fn failure(&self, error: &ElasticError) -> Value {
        json!({self.kind.name(): {
            "_index": self.index, "_id": self.id, "status": error.status(), "error": error.as_part(),
        }})
    }

    /// Does it, short of the commit.
    fn perform(&self, writer: &IndexWriter, exists: bool) -> Result<Value, vizsla::Error> {
        if let Some(error) = &self.failed {
            return Ok(self.failure(error));
        }
        Ok(match (&self.document, self.kind) {
            (Some(_), Kind::Create) if exists => {
                let reason = format!("[{}]: version conflict, document already exists", self.id);
                self.failure(&ElasticError::conflict(reason))
            }
            (Some(document), _) => match writer.add(document) {
                Ok(_) if exists => self.item(200, "updated"),
                Ok(_) => self.item(201, "created"),
                Err(error) if error.kind() == vizsla::ErrorKind::InvalidInput => {
                    self.failure(&error.into())
                }
                Err(error) => return Err(error),
            },
            (None, _) if writer.delete_from("", &self.id)? => self.item(200, "deleted"),
            (None, _) => self.item(404, "not_found"),
        })
    }
}

/// Performs actions, those of each index with one commit, and says what became of each.
pub(super) async fn perform(
    state: &Arc<State>,
    actions: Vec<Action>,
) -> Result<Vec<Value>, ElasticError> {
    let mut of_index: BTreeMap<String, Vec<(usize, Action)>> = BTreeMap::new();
    for (at, action) in actions.into_iter().enumerate() {
        of_index.entry(action.index.clone()).or_default().push((at, action));
    }
    let mut done: Vec<(usize, Value)> = Vec::new();
    for (name, actions) in of_index {
        if let Err(error) = find(state, &name) {
            done.extend(actions.iter().map(|(at, action)| (*at, action.failure(&error))));
            continue;
        }
        let index = state.searchable(Some(&name))?.index.clone();
        let performed = documents::write(state, Some(name), move |writer| {
            let mut known = BTreeMap::new();
            let perform = |(at, action): (usize, Action)| {
                let exists = match known.get(&action.id) {
                    Some(exists) => *exists,
                    None => !index.document(("", &action.id))?.is_empty(),
                };
                let item = action.perform(writer, exists)?;
                if action.failed.is_none() {
                    known.insert(action.id.clone(), action.kind != Kind::Delete);
                }
                Ok((at, item))
            };
            actions.into_iter().map(perform).collect::<Result<Vec<_>, vizsla::Error>>()
        });
        done.extend(performed.await?);
    }
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, item)| item).collect())
}
