//! Why a file yielded no documents.

use std::fmt;

/// An error of this crate. The message says what is wrong with the content, and where.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The category of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Not text.
    Binary,
    /// The content is not valid in its format.
    Malformed,
    /// The file is larger, or a record longer, than allowed.
    TooLarge,
    /// The content could not be read.
    Io,
    /// The file needs a password.
    Protected,
    /// The format is known but not read; the message names the remedy.
    Unsupported,
    /// Reading took longer than [`Limits::file_milliseconds`](vizsla_core::Limits::file_milliseconds).
    TimedOut,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The category of an error.
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
