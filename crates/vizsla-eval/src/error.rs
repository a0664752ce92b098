//! What can go wrong in an evaluation.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

use vizsla::BoxError;

use crate::metrics::UnknownMeasure;
use crate::trec::ParseTrecError;

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of this crate. The message says what was being done and to what, with the line of a file or the id of a query.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<BoxError>,
}

/// The kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file could not be read or written.
    Io,
    /// A file breaks the rules of its format.
    Malformed,
    /// The collection lacks a part: the corpus, the judgments, the queries or one of them.
    MissingPart,
    /// Things that do not belong together: a run of another collection, an index made with other options.
    Mismatch,
    /// A setting that cannot be used.
    InvalidInput,
    /// The corpus could not be indexed or read.
    Index,
    /// A query could not be ranked.
    Search,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {doing} {}", path.display())).with_source(source)
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<UnknownMeasure> for Error {
    fn from(error: UnknownMeasure) -> Self {
        Self::new(ErrorKind::InvalidInput, error.to_string()).with_source(error)
    }
}

impl From<ParseTrecError> for Error {
    fn from(error: ParseTrecError) -> Self {
        Self::new(ErrorKind::Malformed, error.to_string()).with_source(error)
    }
}
