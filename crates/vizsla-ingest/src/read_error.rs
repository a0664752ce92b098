//! Why reading a file ended before its end.

use serde::{Deserialize, Serialize};

use crate::problem::{Problem, ProblemKind};

/// Also what a worker process says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadError {
    pub(crate) kind: ProblemKind,
    pub(crate) message: String,
}

impl ReadError {
    pub(crate) fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn of(self, path: &str) -> Problem {
        Problem::new(self.kind, path, self.message)
    }
}

impl From<vizsla_extract::Error> for ReadError {
    fn from(error: vizsla_extract::Error) -> Self {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self::new(error.kind().into(), message)
    }
}
