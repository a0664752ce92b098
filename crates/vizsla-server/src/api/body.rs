//! The body of a request: JSON, within the limit, in time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::state::State;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

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
    let limit = state.options.body_bytes;
    let read = axum::body::to_bytes(request.into_body(), limit);
    let bytes =
        tokio::time::timeout(BODY_TIMEOUT, read).await.map_err(|_| ApiError::timed_out())?;
    bytes.map_err(|_| {
        ApiError::too_large(format!("the body has more than the {limit} bytes allowed"))
    })
}
