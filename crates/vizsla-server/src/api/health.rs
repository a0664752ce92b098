//! How the server is, for whoever watches it.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::error::{ApiError, Refusing};
use crate::state::State;

/// Whether requests can be answered.
#[utoipa::path(
    get,
    path = "/health",
    responses(
        (status = 200, description = "Ready"),
        (status = 503, description = "Not yet, or no more", body = crate::error::ErrorBody),
    )
)]
pub(crate) async fn health(Shared(state): Shared<Arc<State>>) -> Result<(), ApiError> {
    state.readiness().map_err(ApiError::unhealthy)
}

/// What has been counted, for Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Counters and histograms", body = String, content_type = "text/plain"), Refusing))]
pub(crate) async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    let of = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (of, state.metrics.text(state.admission.waiting())).into_response()
}
