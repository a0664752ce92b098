//! The model that ships with Vizsla, opened in one call (feature `bundled`).

use std::path::Path;

use crate::cross_encoder::{CrossEncoder, Prepared};
use crate::device::Device;
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
    /// program, in the user's data folder, in the system's library folders. Nothing is downloaded. Cost: as
    /// [`bundled_on`](Self::bundled_on).
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when ONNX Runtime cannot be found or loaded; else as
    /// [`from_bytes`](Self::from_bytes).
    pub fn bundled_with(options: &CrossEncoderOptions) -> Result<Self, Error> {
        let library = vizsla_hub::runtime::locate(None).map_err(|error| {
            Error::new(ErrorKind::Runtime, "cannot find ONNX Runtime").with_source(error)
        })?;
        Self::bundled_on(&library, options)
    }

    /// Opens the compact cross-encoder embedded in the program on this file of ONNX Runtime, or on the one already loaded in
    /// this process. Cost: some 80 ms, or 50 when it is loaded: the model is prepared in the meantime, and its 23 MB are not copied.
    ///
    /// # Errors
    /// As [`Runtime::load`] and [`from_bytes`](Self::from_bytes).
    pub fn bundled_on(library: &Path, options: &CrossEncoderOptions) -> Result<Self, Error> {
        use vizsla_bundled::{CONFIG, NAME, ONNX, TOKENIZER};
        let model = ModelBytes::from_static(NAME, ONNX, TOKENIZER, CONFIG);
        if !options.device.is_surely_processor() {
            return Self::from_bytes(Runtime::load(library)?, model, options);
        }
        std::thread::scope(|scope| {
            let load = || Runtime::load(library);
            let loading = std::thread::Builder::new().spawn_scoped(scope, load).ok();
            let prepared = Prepared::of(&model, Device::Cpu, options);
            // Where no thread could be had, it is loaded now.
            let loaded = loading.and_then(|loading| loading.join().ok());
            prepared?.open(loaded.unwrap_or_else(load)?, options)
        })
    }
}
