//! Cross-encoders in ONNX form as a [`Reranker`](vizsla_core::Reranker).
//!
//! ```
//! use vizsla_core::Reranker;
//! use vizsla_onnx::CrossEncoder;
//!
//! # #[cfg(feature = "bundled")]
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! // Needs the feature `bundled`; `CrossEncoder::open` takes any other model.
//! let reranker = CrossEncoder::bundled()?;
//! let scores = reranker.score(
//!     "how many people live in Berlin?",
//!     &["Berlin is well known for its museums.", "Berlin had a population of 3,520,031 in 2016."],
//! )?;
//! assert!(scores[1].logit > scores[0].logit);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "bundled"))]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! - `bundled`: adds [`CrossEncoder::bundled`], the compact model that ships with Vizsla (adds 23 MB to the program).
//! - `cuda`, `coreml`, `directml`: [devices](Device) other than the processor.

#[cfg(feature = "bundled")]
mod bundled;
mod cache;
mod cpu;
mod cross_encoder;
mod device;
mod encoder;
mod error;
mod execution;
mod graph;
mod model_bytes;
mod model_config;
mod model_dir;
mod options;
mod ort;
mod pair;
mod scorer;
#[cfg(test)]
mod testing;

pub use self::cpu::{InstructionSet, processor_features};
pub use self::cross_encoder::CrossEncoder;
pub use self::device::{Device, ParseDeviceError};
pub use self::error::{Error, ErrorKind};
pub use self::execution::{Execution, ExecutionMethod};
pub use self::graph::{GraphOptimization, QuantizedModel, quantize};
pub use self::model_bytes::ModelBytes;
pub use self::model_dir::{best_file, fp32_file};
pub use self::options::CrossEncoderOptions;
pub use self::ort::Runtime;

/// What fuzz targets reach and nobody else does.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    use crate::device::Device;
    use crate::graph::{GraphOptimization, PreparedGraph, Target};

    /// Plans how to run the graph of an ONNX file.
    pub fn plan(bytes: &[u8]) {
        let target = Target::new(Device::Cpu, GraphOptimization::Full);
        let _ = PreparedGraph::new("fuzz".to_owned(), bytes.to_vec().into(), None, target);
        let _ = crate::quantize(bytes.to_vec());
    }
}
