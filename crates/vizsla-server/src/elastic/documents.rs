//! `_doc`: one document by its id. In: an id, and perhaps a document. Out: the document, or what became of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State as Shared};
use axum::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::bulk::{Action, Kind, perform};
use super::error::ElasticError;
use super::{find, object, parameters, source};
use crate::names;
use crate::state::{State, Work};

type Answer = Result<(StatusCode, Json<Value>), ElasticError>;

pub(super) async fn get(
    Shared(state): Shared<Arc<State>>,
    Path((index, id)): Path<(String, String)>,
    request: Request,
) -> Answer {
    find(&state, &index)?;
    parameters(&request, &["_source", "realtime", "refresh", "preference"])?;
    let work = Work::within(state.options.request_timeout);
    let (name, asked) = (index.clone(), id.clone());
    let found = work.run(move || {
        let named = match names::find(&state, Some(&name), &asked) {
            Ok(named) => named,
            Err(error) if error.status() == StatusCode::NOT_FOUND => return Ok(None),
            Err(error) => return Err(error),
        };
        let passages = named.searchable.index.document((&named.path, &named.id))?;
        Ok(Some(source::source(&passages)))
    });
    Ok(if let Some(source) = found.await? {
        let found = json!({"_index": index, "_id": id, "_version": 1, "_seq_no": 0, "_primary_term": 1, "found": true,
            "_source": source});
        (StatusCode::OK, Json(found))
    } else {
        let missing = json!({"_index": index, "_id": id, "found": false});
        (StatusCode::NOT_FOUND, Json(missing))
    })
}

pub(super) async fn put(
    Shared(state): Shared<Arc<State>>,
    Path((index, id)): Path<(String, String)>,
    request: Request,
) -> Answer {
    one(&state, (Kind::Index, index, Some(id)), request).await
}

pub(super) async fn add(
    Shared(state): Shared<Arc<State>>,
    Path(index): Path<String>,
    request: Request,
) -> Answer {
    one(&state, (Kind::Index, index, None), request).await
}

pub(super) async fn delete(
    Shared(state): Shared<Arc<State>>,
    Path((index, id)): Path<(String, String)>,
    request: Request,
) -> Answer {
    one(&state, (Kind::Delete, index, Some(id)), request).await
}

async fn one(
    state: &Arc<State>,
    (kind, index, id): (Kind, String, Option<String>),
    request: Request,
) -> Answer {
    find(state, &index)?;
    parameters(&request, &["refresh", "timeout", "wait_for_active_shards"])?;
    let sent: Option<Map<String, Value>> = match *request.method() {
        Method::DELETE => None,
        _ => Some(object(request, state).await?),
    };
    let action = Action::new(kind, index, id, sent.as_ref());
    let items = perform(state, vec![action]).await?;
    let item = items.into_iter().next().unwrap_or_default();
    let item = item.as_object().and_then(|item| item.values().next()).cloned().unwrap_or_default();
    let status = item["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default();
    if let Some(error) = item.get("error") {
        let cause =
            json!({"root_cause": [error], "type": error["type"], "reason": error["reason"]});
        return Ok((status, Json(json!({"error": cause, "status": status.as_u16()}))));
    }
    Ok((status, Json(item)))
}
