//! Finds, fetches and verifies what Vizsla needs at run time.
//!
//! [`runtime`] is about the shared library of ONNX Runtime. Models come from a [`Hub`] into the [`Cache`] that the Hugging
//! Face libraries share; [`catalogue`] names the ones worth knowing. This is the only crate of the project that opens
//! connections, and only [`runtime::install`], [`Hub::files`] and [`Hub::pull`] do.

mod archive;
mod cache;
pub mod catalogue;
mod error;
mod fetch;
mod hub;
mod model;
pub mod runtime;

pub use cache::{Cache, Repository};
pub use error::{Error, ErrorKind};
pub use fetch::Progress;
pub use hub::{Hub, Listing, Pulled};
pub use model::{Checked, find, verify};
