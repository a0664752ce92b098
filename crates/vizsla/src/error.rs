//! What can go wrong in an index or a search.

use std::any::Any;
use std::error::Error as StdError;
use std::path::Path;
use std::{fmt, io};

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use vizsla_core::BoxError;

/// An error of this crate. The message says what was being done and to what; the kind hints at the remedy.
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
    /// There is no index where one was expected.
    NotFound,
    /// The folder holds something else, or already holds an index where one was to be created.
    NotAnIndex,
    /// The index has another format version.
    FormatVersion,
    /// Another writer holds the index.
    Locked,
    /// The index is damaged.
    Corrupt,
    /// The device that holds the index is full.
    NoSpace,
    /// A file could not be read or written.
    Io,
    /// A document, a filter or a setting that cannot be used.
    InvalidInput,
    /// The query is empty, or invalid in the requested syntax.
    InvalidQuery,
    /// The search asked for reranking and there is no reranker.
    NoReranker,
    /// Several documents match where one was meant.
    Ambiguous,
    /// The retriever or reranker does not support the request, such as a kind of filter.
    Unsupported,
    /// A service or file that the retriever needs is currently unavailable; retrying later may help.
    Unavailable,
    /// A service refuses the credentials, or its certificate is not to be trusted.
    Denied,
    /// The deadline passed before there was anything to answer with.
    TimedOut,
    /// The retriever failed.
    Retrieve,
    /// The reranker failed.
    Rerank,
    /// The caller no longer wanted the answer.
    Cancelled,
    /// A bug in this program and nothing else; the index is unchanged.
    Internal,
}

/// What a full disk means, after what could not be done.
const NO_ROOM: &str = ": no room is left on the device; free some and run it again; what was committed before is unchanged";

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error for retrievers and rerankers written elsewhere: an engine passes on its kind and message unchanged.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Attaches the cause of the error.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        let kind = io_kind(source.kind());
        let remedy = if kind == ErrorKind::NoSpace { NO_ROOM } else { "" };
        Self::new(kind, format!("cannot {doing} {}{remedy}", path.display())).with_source(source)
    }

    /// The category of an error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// An error of the index engine, with what was being done to which index. `failure` is the kind of the last write
    /// error, if there was one: the engine's threads do not pass it on.
    pub(crate) fn engine(
        doing: &str,
        at: &str,
        failure: Option<io::ErrorKind>,
        source: TantivyError,
    ) -> Self {
        let kind = match &source {
            TantivyError::LockFailure(LockError::IoError(error), _) => {
                let message =
                    format!("cannot {doing} the index at {at}: its folder cannot be written to");
                return Self::new(io_kind(error.kind()), message).with_source(source);
            }
            TantivyError::LockFailure(..) => {
                let message = format!(
                    "cannot {doing} the index at {at}: another process or writer has it open for writing; wait until it \
                     is done (searching goes on meanwhile)"
                );
                // The engine's own words tell people to delete the lock.
                return Self::new(ErrorKind::Locked, message);
            }
            TantivyError::DataCorruption(_)
            | TantivyError::DeserializeError(_)
            | TantivyError::IncompatibleIndex(_)
            | TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_)) => ErrorKind::Corrupt,
            other => {
                // The engine says "other" of versions and types in its files that it does not know.
                let root = root_io(other).filter(|kind| *kind != io::ErrorKind::Other);
                let kind = root.or(failure).map(io_kind);
                kind.unwrap_or(ErrorKind::Internal)
            }
        };
        let what = match kind {
            ErrorKind::Corrupt => ": it is damaged and needs repair",
            ErrorKind::NoSpace => NO_ROOM,
            _ => "",
        };
        Self::new(kind, format!("cannot {doing} the index at {at}{what}")).with_source(source)
    }
}

fn io_kind(kind: io::ErrorKind) -> ErrorKind {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorKind::NoSpace
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}

/// The I/O error at the root of an engine error, if the engine passed it on.
fn root_io(error: &TantivyError) -> Option<io::ErrorKind> {
    match error {
        TantivyError::IoError(error) => return Some(error.kind()),
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. })
        | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error, .. }) => {
            return Some(io_error.kind());
        }
        TantivyError::OpenDirectoryError(OpenDirectoryError::IoError {
            io_error: error, ..
        }) => {
            return Some(error.kind());
        }
        _ => {}
    }
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        source = error.source();
    }
    None
}

/// The message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or(panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked")
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
