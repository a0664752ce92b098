//! The shared library of ONNX Runtime in this process. In: a path. Out: a handle that is required to open a model.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use ::ort::environment::Environment;
use vizsla_core::BoxError;

use crate::error::{Error, ErrorKind};

/// ONNX Runtime, loaded into this process. Needed to open a [`CrossEncoder`](crate::CrossEncoder).
#[derive(Debug, Clone, Copy)]
pub struct Runtime(&'static Loaded);

struct Loaded {
    path: PathBuf,
    environment: Environment,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Loads the shared library at `path` (`libonnxruntime.so`, `onnxruntime.dll`, `libonnxruntime.dylib`; version 1.24
    /// or later) and switches its telemetry off. Official builds of 1.29 and later for Linux and macOS say what machine and
    /// program they are in before that can be done, and keep an identifier in the user's cache folder; they send nothing
    /// where `ORT_DISABLE_TELEMETRY=1` is in the environment, which a program that loads one of them should set before it
    /// starts threads. The version that `vizsla setup` fetches has none of this.
    ///
    /// A process holds one: once a library has been loaded, later calls return it, whatever path they name. A failed call
    /// leaves nothing behind, so another path can be tried afterwards. Cost: some ten milliseconds, once.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] when the file is missing, is a different library or is too old.
    pub fn load(path: &Path) -> Result<Self, Error> {
        static LOADED: OnceLock<Loaded> = OnceLock::new();
        static LOADING: Mutex<()> = Mutex::new(());
        // Only one thread at a time may try: the binding keeps the first library that it manages to load.
        let _loading = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = LOADED.get() {
            return Ok(Self(loaded));
        }
        let environment = load(path).map_err(|error| {
            let message = format!("cannot load ONNX Runtime from {}", path.display());
            Error::new(ErrorKind::Runtime, message).with_source(error)
        })?;
        Ok(Self(LOADED.get_or_init(|| Loaded { path: path.to_owned(), environment })))
    }

    /// The file that was loaded.
    pub fn path(self) -> &'static Path {
        &self.0.path
    }

    pub(super) fn environment(self) -> &'static Environment {
        &self.0.environment
    }
}

fn load(path: &Path) -> Result<Environment, BoxError> {
    Ok(::ort::init_from(path)?.with_name("vizsla").with_telemetry(false).build()?)
}

#[cfg(test)]
mod tests {
    use crate::testing::{runtime, runtime_error_before};

    #[test]
    fn a_wrong_path_does_not_spoil_later_calls() {
        let error = runtime_error_before();
        assert!(error.contains("cannot load ONNX Runtime from"), "{error}");
        assert!(error.contains("nothing-here.so"), "{error}");
        assert!(runtime().path().is_file());
    }
}
