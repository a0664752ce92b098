//! The shared library of ONNX Runtime: where it is, and (feature `fetch`) how it gets there.

#[cfg(feature = "fetch")]
mod build;
#[cfg(feature = "fetch")]
mod install;
#[cfg(feature = "fetch")]
mod pip;

use std::path::{Path, PathBuf};

#[cfg(feature = "fetch")]
pub use self::install::{Installed, Source, install, install_into};
use crate::environment;
use crate::error::{Error, ErrorKind};

/// The version that `install` fetches: the last whose builds for Linux and macOS send nothing to their maker. Those from 1.29
/// on describe the machine and the program to it whenever they are loaded, unless `ORT_DISABLE_TELEMETRY` is set.
pub const VERSION: &str = "1.28.0";

/// The library's file name on this system.
pub const FILE_NAME: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime.dylib"
} else {
    "libonnxruntime.so"
};

/// The user's home folder, if there is one.
pub fn home_dir() -> Option<PathBuf> {
    dirs::home_dir()
}

/// Where Vizsla keeps what it fetches: `VIZSLA_DATA_DIR`, else `vizsla` in the user's data folder.
///
/// # Errors
/// [`ErrorKind::NoHome`] when the user has no home folder and the variable is not set.
pub fn data_dir() -> Result<PathBuf, Error> {
    let set = environment::path("VIZSLA_DATA_DIR");
    set.or_else(|| dirs::data_dir().map(|dir| dir.join("vizsla"))).ok_or_else(|| {
        Error::new(
            ErrorKind::NoHome,
            "this user has no home folder; set VIZSLA_DATA_DIR to a folder for Vizsla's data",
        )
    })
}

/// The library's path in a data folder.
fn installed_path(data_dir: &Path) -> PathBuf {
    data_dir.join("onnxruntime").join(VERSION).join(FILE_NAME)
}

/// Finds the library: `explicit` if given, else `ORT_DYLIB_PATH`, else beside the program, in the data folder or in the
/// system's library folders. The first two must exist if set.
///
/// # Errors
/// [`ErrorKind::NotInstalled`] when it is in none of these places.
pub fn locate(explicit: Option<&Path>) -> Result<PathBuf, Error> {
    let variable = environment::path("ORT_DYLIB_PATH");
    let settings = [("the path given", explicit.map(Path::to_owned)), ("ORT_DYLIB_PATH", variable)];
    for (name, path) in settings {
        if let Some(path) = path {
            return if path.is_file() {
                Ok(path)
            } else {
                let message = format!("{name} names {}, which is not a file", path.display());
                Err(Error::new(ErrorKind::NotInstalled, message))
            };
        }
    }
    let beside_program =
        std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(FILE_NAME)));
    let system = system_dirs().into_iter().map(|dir| dir.join(FILE_NAME));
    beside_program.into_iter().chain(data_dir().ok().map(|dir| installed_path(&dir))).chain(system).find(|path| path.is_file()).ok_or_else(|| {
        Error::new(
            ErrorKind::NotInstalled,
            "ONNX Runtime, which runs the reranker, is not installed, and ORT_DYLIB_PATH does not point to it",
        )
    })
}

fn system_dirs() -> Vec<PathBuf> {
    let triple = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let dirs: &[&str] = if cfg!(target_os = "macos") {
        &["/opt/homebrew/lib", "/usr/local/lib"]
    } else if cfg!(unix) {
        &["/usr/local/lib", &triple, "/usr/lib64", "/usr/lib"]
    } else {
        &[]
    };
    dirs.iter().map(PathBuf::from).collect()
}
