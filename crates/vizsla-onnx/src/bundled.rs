//! The model that ships with Vizsla, opened in one call (feature `bundled`).

use crate::cross_encoder::CrossEncoder;
use crate::error::{Error, ErrorKind};
use crate::model_bytes::ModelBytes;
use crate::options::CrossEncoderOptions;
use crate::ort::Runtime;

impl CrossEncoder {
    /// Opens the compact cross-encoder embedded in the program, with default options: see
    /// [`bundled_with`](Self::bundled_with).
    ///
    /// # Errors
    /// As [`bundled_with`](Self::bundled_with).
    pub fn bundled() -> Result<Self, Error> {
        Self::bundled_with(&CrossEncoderOptions::default())
    }

    /// Opens the compact cross-encoder embedded in the program. ONNX Runtime is the one already loaded in this process;
    /// otherwise it is searched for where `vizsla_hub::runtime::locate` looks: the path in `ORT_DYLIB_PATH`, beside the
    /// program, in the user's data folder, in the system's library folders. Nothing is downloaded. Cost: some 100 ms;
    /// the model's 23 MB are not copied.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when ONNX Runtime cannot be found or loaded; else as
    /// [`from_bytes`](Self::from_bytes).
    pub fn bundled_with(options: &CrossEncoderOptions) -> Result<Self, Error> {
        use vizsla_bundled::{CONFIG, NAME, ONNX, TOKENIZER};
        let library = vizsla_hub::runtime::locate(None).map_err(|error| {
            Error::new(ErrorKind::Runtime, "cannot find ONNX Runtime").with_source(error)
        })?;
        let runtime = Runtime::load(&library)?;
        let model = ModelBytes::from_static(NAME, ONNX, TOKENIZER, CONFIG);
        Self::from_bytes(runtime, model, options)
    }
}
