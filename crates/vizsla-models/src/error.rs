//! What can go wrong on the way from a name to a model.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

use vizsla_core::BoxError;

use crate::model_ref::{ModelRef, ParseModelRefError};

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of this crate. The message says what was being done and to what; the remedy depends on the program, which
/// can tell from the [kind](Self::kind) and the [model](Self::model).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    model: Option<ModelRef>,
    source: Option<BoxError>,
}

/// The kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No model has this name.
    UnknownModel,
    /// The model is known but not on this machine.
    NotHere,
    /// The bundled model is part of the program, so there is no folder or file of it.
    Bundled,
    /// The model lacks a file that it needs, or has none that can run here.
    Incomplete,
    /// A file is not the one that the catalogue pins.
    Verification,
    /// ONNX Runtime is missing or cannot be used.
    Runtime,
    /// The model cannot be opened.
    Open,
    /// The model failed while scoring.
    Scoring,
    /// The hub or the cache of models failed; the source says how.
    Hub,
    /// A file could not be read or written.
    Io,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), model: None, source: None }
    }

    pub(crate) fn about(mut self, model: &ModelRef) -> Self {
        self.model = Some(model.clone());
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {doing} {}", path.display())).with_source(source)
    }

    /// An error of the hub crate, with what was being done.
    pub(crate) fn hub(doing: impl Into<String>, source: vizsla_hub::Error) -> Self {
        let kind = match source.kind() {
            vizsla_hub::ErrorKind::InvalidName => ErrorKind::UnknownModel,
            vizsla_hub::ErrorKind::NotInstalled => ErrorKind::Runtime,
            _ => ErrorKind::Hub,
        };
        Self::new(kind, doing).with_source(source)
    }

    /// An error of the cross-encoder, with what was being done.
    pub(crate) fn onnx(doing: impl Into<String>, source: vizsla_onnx::Error) -> Self {
        let kind = match source.kind() {
            vizsla_onnx::ErrorKind::Runtime => ErrorKind::Runtime,
            vizsla_onnx::ErrorKind::Inference => ErrorKind::Scoring,
            _ => ErrorKind::Open,
        };
        Self::new(kind, doing).with_source(source)
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The model concerned, if any.
    pub fn model(&self) -> Option<&ModelRef> {
        self.model.as_ref()
    }
}

impl From<ParseModelRefError> for Error {
    fn from(source: ParseModelRefError) -> Self {
        Self::new(ErrorKind::UnknownModel, source.to_string())
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
