//! What can go wrong while finding and fetching.

use std::error::Error as StdError;
use std::fmt;
#[cfg(feature = "fetch")]
use std::path::Path;

/// An error of this crate. The message says what was being done and to what; the remedy depends on the
/// program, which can tell from the [kind](Self::kind).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// ONNX Runtime is not on this machine, or not where a setting says that it is.
    NotInstalled,
    /// The user has no home folder, and no setting says what to use instead.
    NoHome,
    /// ONNX Runtime has no build for this platform.
    UnsupportedPlatform,
    /// The hub, or the folder named, has nothing by that name.
    NotFound,
    /// The hub requires a token, or the token does not give access.
    Unauthorized,
    /// It would have to be fetched, but the environment forbids connections.
    Offline,
    /// The text is not a valid name.
    InvalidName,
    /// It could not be fetched.
    Fetch,
    /// What was fetched is not what was requested.
    Verification,
    /// A file could not be read or written.
    Io,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    #[cfg(feature = "fetch")]
    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    #[cfg(feature = "fetch")]
    pub(crate) fn io(
        doing: &str,
        path: &Path,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
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
