//! Installs the shared library of ONNX Runtime. In: the sources to try, in order. Out: the library in the data
//! folder, complete and verified against a hash, or nothing.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::build::{Build, check};
use super::pip::from_pip;
use super::{FILE_NAME, VERSION, data_dir, installed_path};
use crate::archive::extract_largest;
use crate::error::{Error, ErrorKind};
use crate::hash;
use crate::http::{self, Progress};

/// Where [`install`] gets the library from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Source {
    /// A library file, or an archive (`.tgz`, `.zip`, `.whl`) that contains one.
    Path(PathBuf),
    /// The archive of the official release, verified against the SHA-256 published with it.
    Release {
        /// The base URL of the archives, which are at `ADDRESS/vVERSION/ARCHIVE`.
        downloads: String,
        /// The base URL of the release descriptions, which are at `ADDRESS/vVERSION` in GitHub's format.
        api: String,
    },
    /// The Python package `onnxruntime`, through `pip download`, verified against a SHA-256 known in advance.
    Pip,
}

impl Source {
    /// The official release.
    pub fn release() -> Self {
        Self::Release {
            downloads: "https://github.com/microsoft/onnxruntime/releases/download".into(),
            api: "https://api.github.com/repos/microsoft/onnxruntime/releases/tags".into(),
        }
    }

    /// What is tried by default: the official release, then the Python package.
    pub fn defaults() -> Vec<Self> {
        vec![Self::release(), Self::Pip]
    }

    fn describe(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Release { downloads, .. } => format!("the release at {downloads}"),
            Self::Pip => format!("the Python package onnxruntime {VERSION}"),
        }
    }
}

/// The record of what is installed, kept beside the library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Installed {
    /// The library's path.
    pub path: PathBuf,
    /// Where it came from.
    pub source: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Whether it was already installed and intact.
    #[serde(skip)]
    pub was_there: bool,
}

/// Installs the library in the data folder from the first source that works. An installed one that still has its
/// recorded hash is kept, unless a path is given. The file appears complete or not at all.
///
/// # Errors
/// The last source's error, when none works; [`ErrorKind::Verification`] when a hash differs, which stops the search.
pub fn install(sources: &[Source], progress: &dyn Progress) -> Result<Installed, Error> {
    install_into(&data_dir()?, sources, progress)
}

/// Like [`install`], but into another data folder.
///
/// # Errors
/// As [`install`].
pub fn install_into(
    data_dir: &Path,
    sources: &[Source],
    progress: &dyn Progress,
) -> Result<Installed, Error> {
    let target = installed_path(data_dir);
    let record = target.with_file_name("installed.json");
    let asked_for_path = matches!(sources, [Source::Path(_)]);
    if !asked_for_path && let Some(installed) = whole(&record) {
        return Ok(installed);
    }
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    // Beside the target, so that the last step is a rename within one file system.
    let scratch = tempfile::Builder::new()
        .prefix(".fetch-")
        .tempdir_in(folder)
        .map_err(|error| Error::io("create a folder in", folder, error))?;
    let (library, source) = fetch_first(sources, scratch.path(), progress)?;
    let installed =
        Installed { sha256: hash::sha256(&library)?, path: target, source, was_there: false };
    let json = serde_json::to_vec_pretty(&installed).expect("a record of strings is always JSON");
    fs::rename(&library, &installed.path)
        .map_err(|error| Error::io("put the library at", &installed.path, error))?;
    fs::write(&record, json).map_err(|error| Error::io("write", &record, error))?;
    Ok(installed)
}

fn whole(record: &Path) -> Option<Installed> {
    let installed: Installed = serde_json::from_slice(&fs::read(record).ok()?).ok()?;
    let intact = hash::sha256(&installed.path).ok()? == installed.sha256;
    intact.then_some(Installed { was_there: true, ..installed })
}

fn fetch_first(
    sources: &[Source],
    scratch: &Path,
    progress: &dyn Progress,
) -> Result<(PathBuf, String), Error> {
    let mut last = Error::new(ErrorKind::Fetch, "no source for ONNX Runtime was given");
    for (i, source) in sources.iter().enumerate() {
        let scratch = scratch.join(i.to_string());
        fs::create_dir(&scratch).map_err(|error| Error::io("create", &scratch, error))?;
        match fetch_from(source, &scratch, progress) {
            Ok(library) => return Ok((library, source.describe())),
            Err(error) if error.kind() == ErrorKind::Verification => return Err(error),
            Err(error) => {
                if i + 1 < sources.len() {
                    progress.failed(&error);
                }
                last = error;
            }
        }
    }
    Err(last)
}

fn fetch_from(source: &Source, scratch: &Path, progress: &dyn Progress) -> Result<PathBuf, Error> {
    let library = scratch.join(FILE_NAME);
    match source {
        Source::Path(path)
            if is_library(&path.file_name().unwrap_or_default().to_string_lossy()) =>
        {
            fs::copy(path, &library).map_err(|error| Error::io("copy", path, error))?;
        }
        Source::Path(path) => extract_largest(path, is_library, &library)?,
        Source::Release { downloads, api } => {
            let archive = from_release(downloads, api, scratch, progress)?;
            extract_largest(&archive, is_library, &library)?;
        }
        Source::Pip => extract_largest(&from_pip(scratch, progress)?, is_library, &library)?,
    }
    Ok(library)
}

/// `libonnxruntime.so.1.31.1` and the like, but not the execution provider libraries beside it.
fn is_library(name: &str) -> bool {
    let stem = if cfg!(windows) { "onnxruntime.dll" } else { "libonnxruntime." };
    name.starts_with(stem)
        && (name.contains(".so") || name.contains(".dylib") || name.ends_with(".dll"))
}

fn from_release(
    downloads: &str,
    api: &str,
    scratch: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    let name = Build::for_this_platform()?.archive_name();
    let agent = http::agent();
    let release = http::get_json(&agent, &format!("{api}/v{VERSION}"))?;
    let assets = release["assets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let digest = assets
        .iter()
        .find(|asset| asset["name"] == name.as_str())
        .and_then(|asset| asset["digest"].as_str());
    let Some(expected) = digest.and_then(|digest| digest.strip_prefix("sha256:")) else {
        return Err(Error::new(
            ErrorKind::Fetch,
            format!("{api}/v{VERSION} states no SHA-256 for {name}"),
        ));
    };
    let archive = scratch.join(&name);
    let found =
        http::download(&agent, &format!("{downloads}/v{VERSION}/{name}"), &archive, progress)?;
    check(&name, expected, &found)?;
    Ok(archive)
}
