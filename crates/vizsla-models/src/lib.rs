//! From a model's name to an open cross-encoder.
//!
//! ```
//! use vizsla_core::Reranker;
//!
//! let model = vizsla_models::open("bundled")?;
//! let scores = model.score(
//!     "how many people live in Berlin?",
//!     &["Berlin is well known for its museums.", "Berlin had a population of 3,520,031 in 2016."],
//! )?;
//! assert!(scores[1].logit > scores[0].logit);
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```
//!
//! A [`ModelRef`] says which model is meant; [`Models`] knows where models and ONNX Runtime are on this machine, and opens
//! it with the ONNX file that fits this processor. Opening a model never opens a connection; [`Models::pull`] does.
//!
//! # Features
//! - `fetch` (on by default): pulls models from a hub and imports folders.
//! - `cuda`, `coreml`, `directml`: devices other than the processor.

#![forbid(unsafe_code)]

mod error;
mod file_choices;
#[cfg(feature = "fetch")]
mod import;
mod model_ref;
#[cfg(feature = "fetch")]
mod pull;
mod remembering;
mod resolve;
mod score_file;
pub mod timing;

pub use error::{Error, ErrorKind, Result};
pub use file_choices::FileChoices;
#[cfg(feature = "fetch")]
pub use import::Imported;
pub use model_ref::{ModelRef, ParseModelRefError};
#[cfg(feature = "fetch")]
pub use pull::{PulledModel, choose_files};
pub use remembering::RememberingReranker;
pub use resolve::Models;
use vizsla_onnx::{CrossEncoder, CrossEncoderOptions};

/// Opens a model with the environment's settings and defaults for everything else: see [`Models::from_env`],
/// [`ModelRef`] for what `name` may be, and [`Models::open`] for errors and cost.
pub fn open(name: &str) -> Result<CrossEncoder> {
    Models::from_env().open(&name.parse()?, &CrossEncoderOptions::default())
}
