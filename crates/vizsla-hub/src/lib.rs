//! Finds, fetches and verifies what Vizsla needs at run time.
//!
//! Today that is the shared library of ONNX Runtime, which [`runtime::locate`] finds and [`runtime::install`] fetches.
//! This is the only crate of the project that opens connections, and only `install` does.

mod archive;
mod error;
mod fetch;
pub mod runtime;

pub use error::{Error, ErrorKind};
pub use fetch::Progress;
