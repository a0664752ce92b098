//! Errors of the libraries as exceptions: built-in ones where Python has a fitting one.

use std::error::Error as StdError;

use pyo3::exceptions::{
    PyFileNotFoundError, PyOSError, PyRuntimeError, PyTimeoutError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::{create_exception, exceptions::PyException};

create_exception!(vizsla, Error, PyRuntimeError, "What has no built-in exception.");
create_exception!(vizsla, Cancelled, PyException, "Somebody else ended the work.");

/// What kind of exception an error becomes.
enum Class {
    Value,
    NotFound,
    Os,
    TimedOut,
    Cancelled,
    Other,
}

/// An error that can be raised.
pub(crate) trait Raise: StdError + Send + Sync + 'static {
    /// The exception with the error's causes in one line; what Python code raised on the way is raised again.
    fn raise(self) -> PyErr;
}

macro_rules! raise {
    ($error:ty, $kind:ty, $($pattern:pat => $class:ident),+) => {
        impl Raise for $error {
            fn raise(self) -> PyErr {
                let class = match self.kind() {
                    $($pattern => Class::$class,)+
                    _ => Class::Other,
                };
                exception(&class, &self)
            }
        }
    };
}

type Search = vizsla::ErrorKind;
raise!(vizsla::Error, Search,
    Search::NotFound => NotFound,
    Search::InvalidInput | Search::InvalidQuery | Search::Ambiguous | Search::Unsupported => Value,
    Search::Io | Search::NoSpace => Os,
    Search::TimedOut => TimedOut,
    Search::Cancelled => Cancelled);

type Ingest = vizsla_ingest::ErrorKind;
raise!(vizsla_ingest::Error, Ingest,
    Ingest::Source => NotFound,
    Ingest::Cancelled => Cancelled);

type Model = vizsla_models::ErrorKind;
raise!(vizsla_models::Error, Model,
    Model::UnknownModel => Value,
    Model::NotHere => NotFound,
    Model::Io => Os);

type Eval = vizsla_eval::ErrorKind;
raise!(vizsla_eval::Error, Eval,
    Eval::MissingPart => NotFound,
    Eval::Malformed | Eval::Mismatch | Eval::InvalidInput => Value,
    Eval::Io => Os);

/// A [`ValueError`](PyValueError) about an argument.
pub(crate) fn invalid(argument: &str, why: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(format!("{argument}: {why}"))
}

/// As [`Raise::raise`], for errors of which nothing else is known.
pub(crate) fn other(error: &(dyn StdError + 'static)) -> PyErr {
    exception(&Class::Other, error)
}

fn exception(class: &Class, error: &(dyn StdError + 'static)) -> PyErr {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(raised) = inner.downcast_ref::<PyErr>() {
            return Python::attach(|py| raised.clone_ref(py));
        }
        message.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    match class {
        Class::Value => PyValueError::new_err(message),
        Class::NotFound => PyFileNotFoundError::new_err(message),
        Class::Os => PyOSError::new_err(message),
        Class::TimedOut => PyTimeoutError::new_err(message),
        Class::Cancelled => Cancelled::new_err(message),
        Class::Other => Error::new_err(message),
    }
}
