//! What can go wrong in an index or a search.

use std::error::Error as StdError;
use std::path::Path;
use std::{fmt, io};

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenReadError};
use vizsla_core::BoxError;

/// An error of this crate. The message says what was being done, to what, and what helps.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<BoxError>,
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no index where one was expected.
    NotFound,
    /// What is there is no index of this crate, or one is there that was to be made.
    NotAnIndex,
    /// The index has another format version.
    FormatVersion,
    /// Another writer holds the index.
    Locked,
    /// The index is damaged.
    Corrupt,
    /// No room is left where the index lies.
    NoSpace,
    /// A file could not be read or written.
    Io,
    /// A document, a filter or a setting that cannot be used.
    InvalidInput,
    /// The query is empty, or breaks the syntax that was asked for.
    InvalidQuery,
    /// The search asked for reranking and there is no reranker.
    NoReranker,
    /// The retriever failed.
    Retrieve,
    /// The reranker failed.
    Rerank,
    /// The caller no longer wanted the answer.
    Cancelled,
}

/// What functions of this crate give back.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        Self::new(io_kind(&source), format!("cannot {doing} {}", path.display()))
            .with_source(source)
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// An error of the index engine, with what was being done to which index.
    pub(crate) fn engine(doing: &str, at: &str, source: TantivyError) -> Self {
        let kind = match &source {
            TantivyError::LockFailure(LockError::IoError(error), _) => {
                let message =
                    format!("cannot {doing} the index at {at}: its folder cannot be written to");
                return Self::new(io_kind(error), message).with_source(source);
            }
            TantivyError::LockFailure(..) => {
                let message = format!(
                    "cannot {doing} the index at {at}: another process or writer has it open for writing; wait until it \
                     is done (searching goes on meanwhile)"
                );
                return Self::new(ErrorKind::Locked, message).with_source(source);
            }
            TantivyError::DataCorruption(_)
            | TantivyError::DeserializeError(_)
            | TantivyError::IncompatibleIndex(_)
            | TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_)) => ErrorKind::Corrupt,
            other => root_io_kind(other).unwrap_or(ErrorKind::Io),
        };
        let remedy = match kind {
            ErrorKind::Corrupt => {
                "; the index is damaged: `vizsla check` says where, and `vizsla repair` mends it"
            }
            ErrorKind::NoSpace => {
                "; no room is left on the device: free some and run it again, the last commit is intact"
            }
            _ if !denied(&source) => {
                "; `vizsla check` says whether it is damaged, and `vizsla repair` mends it"
            }
            _ => "",
        };
        Self::new(kind, format!("cannot {doing} the index at {at}{remedy}")).with_source(source)
    }
}

/// Whether the system refused access, which no repair would change.
fn denied(error: &TantivyError) -> bool {
    format!("{error:?}").contains("PermissionDenied")
}

fn io_kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorKind::NoSpace
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}

/// The kind of the I/O error at the root of an engine error. The engine's worker threads pass errors on as text, so
/// there the operating system's own words decide.
fn root_io_kind(error: &TantivyError) -> Option<ErrorKind> {
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io_kind(io));
        }
        source = error.source();
    }
    let text = format!("{error:?}");
    let kinds = ["StorageFull", "FileTooLarge", "QuotaExceeded"];
    // ENOSPC, EFBIG and EDQUOT, as every Unix numbers the first two and Linux the third.
    let numbers = ["os error 28)", "os error 27)", "os error 122)"];
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    (says(&kinds) || (cfg!(unix) && says(&numbers))).then_some(ErrorKind::NoSpace)
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
