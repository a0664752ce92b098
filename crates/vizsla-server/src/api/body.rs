//! The body of a request: JSON, within the limit, in time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde_json::{Map, Value};
use tokio_stream::StreamExt as _;

use crate::error::ApiError;
use crate::state::State;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of a body beyond its limit is read and thrown away: most clients read no answer before they have sent all.
const DISCARDED_BYTES: usize = 64 << 20;

/// A JSON object that was sent.
#[derive(Debug)]
pub(crate) struct JsonObject(pub(crate) Map<String, Value>);

impl FromRequest<Arc<State>> for JsonObject {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, ApiError> {
        let bytes = read(request, state, &["application/json"]).await?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(_) => Err(ApiError::malformed("the body must be a JSON object")),
            Err(error) => Err(ApiError::malformed(format!("the body is not JSON: {error}"))),
        }
    }
}

/// The bytes of a body of one of these types. A form of a foreign page cannot send such types, so that none is taken for a
/// request.
pub(crate) async fn read(
    request: Request,
    state: &State,
    types: &[&str],
) -> Result<Bytes, ApiError> {
    let of = request.headers().get(header::CONTENT_TYPE).and_then(|of| of.to_str().ok());
    let of = of.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !types.iter().any(|known| of.eq_ignore_ascii_case(known)) {
        return Err(ApiError::media_type());
    }
    let read = within(request.into_body(), state.options.body_bytes);
    tokio::time::timeout(BODY_TIMEOUT, read).await.map_err(|_| ApiError::timed_out())?
}

/// A whole body of at most so many bytes.
async fn within(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut seen = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ApiError::malformed("the body did not arrive whole"))?;
        seen += chunk.len();
        if seen <= limit {
            bytes.extend_from_slice(&chunk);
        } else if seen > limit.saturating_add(DISCARDED_BYTES) {
            break;
        }
    }
    if seen > limit {
        let text = format!("the body has more than the {limit} bytes allowed");
        return Err(ApiError::too_large(text));
    }
    Ok(bytes.into())
}
