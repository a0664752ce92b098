//! Errors in Elasticsearch's form. In: what is wrong. Out: a body whose `error` has a type and a reason.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::ApiError;

/// What is wrong with a request.
#[derive(Debug, Clone)]
pub(crate) struct ElasticError {
    status: StatusCode,
    kind: &'static str,
    reason: String,
    retry_after: Option<u64>,
}

/// The body of a failed request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ElasticErrorBody {
    error: ErrorCause,
    status: u16,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ErrorCause {
    root_cause: Vec<Cause>,
    r#type: &'static str,
    reason: String,
}

#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct Cause {
    r#type: &'static str,
    reason: String,
}

impl ElasticError {
    fn new(status: StatusCode, kind: &'static str, reason: impl Into<String>) -> Self {
        Self { status, kind, reason: reason.into(), retry_after: None }
    }

    pub(super) fn parsing(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "parsing_exception", reason)
    }

    pub(super) fn argument(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "illegal_argument_exception", reason)
    }

    /// Something that Elasticsearch has and this server has not.
    pub(super) fn unsupported(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unsupported_operation_exception", reason)
    }

    pub(super) fn no_index(name: &str) -> Self {
        let reason = format!("no such index [{name}]");
        Self::new(StatusCode::NOT_FOUND, "index_not_found_exception", reason)
    }

    pub(super) fn conflict(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "version_conflict_engine_exception", reason)
    }

    /// The same for whoever counts failures.
    pub(super) fn as_counted(&self) -> ApiError {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => ApiError::overloaded(1),
            status if status.is_client_error() => ApiError::malformed(self.reason.clone()),
            _ => ApiError::internal(),
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The same as part of an answer about several things.
    pub(super) fn as_part(&self) -> serde_json::Value {
        serde_json::json!({"type": self.kind, "reason": self.reason})
    }
}

impl From<ApiError> for ElasticError {
    fn from(error: ApiError) -> Self {
        let status = error.status();
        let kind = match status {
            StatusCode::BAD_REQUEST => "parsing_exception",
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "security_exception",
            StatusCode::NOT_FOUND => "index_not_found_exception",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "media_type_header_exception",
            StatusCode::TOO_MANY_REQUESTS => "es_rejected_execution_exception",
            StatusCode::GATEWAY_TIMEOUT => "timeout_exception",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable_shards_exception",
            status if status.is_client_error() => "illegal_argument_exception",
            _ => "search_phase_execution_exception",
        };
        Self { status, kind, reason: error.text().to_owned(), retry_after: error.retry_after() }
    }
}

impl From<vizsla::Error> for ElasticError {
    fn from(error: vizsla::Error) -> Self {
        ApiError::from(error).into()
    }
}

impl IntoResponse for ElasticError {
    fn into_response(self) -> Response {
        let cause = Cause { r#type: self.kind, reason: self.reason.clone() };
        let error = ErrorCause { root_cause: vec![cause], r#type: self.kind, reason: self.reason };
        let body = ElasticErrorBody { error, status: self.status.as_u16() };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
