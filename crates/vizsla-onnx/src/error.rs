//! What can go wrong with a model.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

use vizsla_core::BoxError;

/// An error of this crate. The message says what was being done and to what.
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
    /// ONNX Runtime could not be loaded.
    Runtime,
    /// A file of the model is missing or cannot be read.
    ModelFile,
    /// The model is complete but not a cross-encoder that this crate can run.
    UnsupportedModel,
    /// The model failed while scoring.
    Inference,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn reading(path: &Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::ModelFile, format!("cannot read {}", path.display()))
            .with_source(source)
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

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
