//! Why a run ended without a commit.

use std::fmt;

/// An error of this crate. The index is then as it was before the run.
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
    /// None of the sources can be read.
    Source,
    /// Another writer holds the index.
    Locked,
    /// The index could not be read or written for a reason that may be temporary, such as a full disk.
    Io,
    /// The index cannot be used as it is; the source of the error is that of `vizsla`.
    Index,
    /// The run was cancelled.
    Cancelled,
    /// The system cannot start threads.
    Threads,
    /// The options ask for what only workers can do, and there are none.
    NoWorkers,
    /// The system does not report changes of a source.
    Watch,
}

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

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

    /// Whether the same run may succeed later without intervention.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Locked | ErrorKind::Io | ErrorKind::Source)
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

impl From<vizsla::Error> for Error {
    fn from(error: vizsla::Error) -> Self {
        let kind = match error.kind() {
            vizsla::ErrorKind::Locked => ErrorKind::Locked,
            vizsla::ErrorKind::Io
            | vizsla::ErrorKind::NoSpace
            | vizsla::ErrorKind::Unavailable
            | vizsla::ErrorKind::TimedOut => ErrorKind::Io,
            _ => ErrorKind::Index,
        };
        Self::new(kind, "cannot update the index").with_source(error)
    }
}
