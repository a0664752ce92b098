//! Finds, fetches and verifies what Vizsla needs at run time.
//!
//! [`runtime`] handles the shared library of ONNX Runtime. Models come from a `Hub` into the [`Cache`] that the Hugging
//! Face libraries share; [`catalogue`] names the ones worth knowing.
//!
//! # Features
//! - `fetch` (on by default): everything that downloads, unpacks, hashes and stores: `Hub`, `verify`, `Cache::import` and
//!   `runtime::install`. Only `runtime::install`, `Hub::files` and `Hub::pull` open connections. Without the feature this
//!   crate only looks for what is on the machine, and builds neither an HTTP client nor archive formats.

#![forbid(unsafe_code)]

#[cfg(feature = "fetch")]
mod archive;
mod cache;
pub mod catalogue;
mod environment;
mod error;
#[cfg(feature = "fetch")]
mod hash;
#[cfg(feature = "fetch")]
mod http;
#[cfg(feature = "fetch")]
mod hub;
mod model;
pub mod runtime;
#[cfg(feature = "fetch")]
mod store;
#[cfg(feature = "fetch")]
mod verify;

pub use cache::{Cache, Repository};
pub use error::{Error, ErrorKind};
#[cfg(feature = "fetch")]
pub use http::Progress;
#[cfg(feature = "fetch")]
pub use hub::{Hub, Listing, Pulled};
pub use model::find;
#[cfg(feature = "fetch")]
pub use verify::{Checked, verify};
