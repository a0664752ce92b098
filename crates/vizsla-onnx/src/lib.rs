//! Cross-encoders in ONNX form as a [`Reranker`](vizsla_core::Reranker).
//!
//! ```
//! use vizsla_core::Reranker;
//! use vizsla_onnx::{CrossEncoder, CrossEncoderOptions, ModelBytes, Runtime};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let runtime = Runtime::load(&vizsla_hub::runtime::locate(None)?)?;
//! # use vizsla_bundled as bundled;
//! let model = ModelBytes::new(bundled::NAME, bundled::ONNX, bundled::TOKENIZER, bundled::CONFIG);
//! let reranker = CrossEncoder::from_bytes(runtime, model, &CrossEncoderOptions::default())?;
//! let scores = reranker.score(
//!     "how many people live in Berlin?",
//!     &["Berlin is well known for its museums.", "Berlin had a population of 3,520,031 in 2016."],
//! )?;
//! assert!(scores[1].logit > scores[0].logit);
//! # Ok(())
//! # }
//! ```

mod cache;
mod cross_encoder;
mod device;
#[cfg_attr(not(target_arch = "x86_64"), path = "encoder/elsewhere.rs")]
mod encoder;
mod error;
mod graph;
mod model_dir;
mod pair;
mod reader;
mod session;

pub use cross_encoder::{CrossEncoder, CrossEncoderOptions};
pub use device::{Device, ParseDeviceError};
pub use error::{Error, ErrorKind};
pub use graph::{QuantizedModel, Rewrite, quantize};
pub use model_dir::{ModelBytes, best_file, fp32_file};
pub use session::Runtime;
