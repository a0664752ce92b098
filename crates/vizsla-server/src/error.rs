//! What can go wrong when a server starts, and the answer that a request gets when it fails.

use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use vizsla::BoxError;

/// An error of starting or running a server.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<BoxError>,
}

/// The category of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address cannot be listened on.
    Address,
    /// Options that would be unsafe together or cannot be used.
    InvalidInput,
    /// The operating system refused what the server needs to run.
    Io,
}

/// The result of starting or running a server.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The category.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// An answer that says what is wrong with a request. One flat body serves all clients: those of TEI read `error` and
/// `error_type`, Cohere's `message`, Jina's `detail`.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    /// TEI's name for the kind.
    kind: &'static str,
    text: String,
    retry_after: Option<u64>,
}

/// The body of every failed request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ErrorBody {
    /// What is wrong and what would be right.
    error: String,
    /// The kind: `Empty`, `Validation`, `Tokenizer`, `Backend`, `Overloaded`, `Unhealthy`, `Timeout`, `NotFound`,
    /// `Unauthorized` or `Forbidden`.
    error_type: &'static str,
    /// As `error`.
    message: String,
    /// As `error`.
    detail: String,
}

/// What may be answered to any request.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "documents what `ApiError` answers")]
pub(crate) enum Refusing {
    /// A token is needed
    #[response(status = 401)]
    Unauthorized(ErrorBody),
    /// Not from this origin, or not to this host
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// A bug
    #[response(status = 500)]
    Internal(ErrorBody),
}

/// What may be answered to a request that asks something of an index or of the model.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "documents what `ApiError` answers")]
pub(crate) enum Asking {
    /// Not understood
    #[response(status = 400)]
    Malformed(ErrorBody),
    /// A token is needed
    #[response(status = 401)]
    Unauthorized(ErrorBody),
    /// Not from this origin, not to this host, or not on this server
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// No such index or document
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// Over a limit, or what cannot be used
    #[response(status = 422)]
    OverLimit(ErrorBody),
    /// The model is missing or failed
    #[response(status = 424)]
    Backend(ErrorBody),
    /// More is waiting than can be read soon
    #[response(status = 429)]
    Overloaded(ErrorBody),
    /// The index is damaged, or a bug
    #[response(status = 500)]
    Internal(ErrorBody),
    /// Not ready, or somebody else is writing
    #[response(status = 503)]
    Unhealthy(ErrorBody),
    /// Not in time
    #[response(status = 504)]
    TimedOut(ErrorBody),
}

/// What may be answered, besides, to a request with a body.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "documents what `ApiError` answers")]
pub(crate) enum Sending {
    /// Too large
    #[response(status = 413)]
    TooLarge(ErrorBody),
    /// Not JSON
    #[response(status = 415)]
    MediaType(ErrorBody),
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, text: impl Into<String>) -> Self {
        Self { status, kind, text: text.into(), retry_after: None }
    }

    /// What was sent cannot be understood.
    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Validation", text)
    }

    /// Something that must not be empty is.
    pub(crate) fn empty(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Empty", text)
    }

    /// What was sent is understood and over a limit.
    pub(crate) fn over_limit(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Validation", text)
    }

    pub(crate) fn too_large(text: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Validation", text)
    }

    pub(crate) fn media_type() -> Self {
        let text = "send JSON, with the header Content-Type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Validation", text)
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", text)
    }

    /// There is no such path.
    pub(crate) fn nowhere() -> Self {
        Self::not_found("there is nothing at this path; see /openapi.json")
    }

    pub(crate) fn method_not_allowed() -> Self {
        let text = "this path does not take this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Validation", text)
    }

    pub(crate) fn unauthorized() -> Self {
        let text = "a token is needed: send the header Authorization: Bearer TOKEN";
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", text)
    }

    pub(crate) fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", text)
    }

    /// More work is waiting than can be done soon.
    pub(crate) fn overloaded(seconds: u64) -> Self {
        let text = "the server has more to read than it can read soon; try again later";
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "Overloaded", text);
        error.retry_after = Some(seconds.max(1));
        error
    }

    /// The server cannot answer yet, or no more.
    pub(crate) fn unhealthy(text: impl Into<String>) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "Unhealthy", text);
        error.retry_after = Some(1);
        error
    }

    pub(crate) fn timed_out() -> Self {
        let text = "the request took longer than the server allows; ask for less, or raise --request-timeout";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", text)
    }

    /// The model failed.
    pub(crate) fn backend(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FAILED_DEPENDENCY, "Backend", text)
    }

    pub(crate) fn internal() -> Self {
        let text = "this is a bug in the server; the request was not answered";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Backend", text)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// After how many seconds to try again.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The label under which TEI counts such failures.
    pub(crate) fn label(&self) -> &'static str {
        match self.kind {
            "Empty" | "Validation" => "validation",
            "Overloaded" => "overloaded",
            _ => "inference",
        }
    }
}

impl From<vizsla::Error> for ApiError {
    fn from(error: vizsla::Error) -> Self {
        use vizsla::ErrorKind;
        let text = chain(&error);
        match error.kind() {
            ErrorKind::InvalidQuery => Self::malformed(text),
            ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::Ambiguous => {
                Self::over_limit(text)
            }
            ErrorKind::NoReranker | ErrorKind::Rerank => Self::backend(text),
            ErrorKind::TimedOut | ErrorKind::Cancelled => Self::timed_out(),
            ErrorKind::Unavailable | ErrorKind::Locked => Self::unhealthy(text),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Backend", text),
        }
    }
}

/// An error with what caused it.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: self.text.clone(),
            error_type: self.kind,
            message: self.text.clone(),
            detail: self.text,
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // For programs, and for browsers, which ask people for a name and a password.
            for scheme in ["Bearer", "Basic realm=\"vizsla\""] {
                let scheme = HeaderValue::from_static(scheme);
                response.headers_mut().append(header::WWW_AUTHENTICATE, scheme);
            }
        }
        response
    }
}
