//! The Python package `onnxruntime`, fetched with pip, for networks where only a package mirror is reachable.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::VERSION;
use super::build::{Build, check};
use crate::error::{Error, ErrorKind};
use crate::hash;
use crate::http::Progress;

/// Fetches the wheel into `scratch`. Nothing in the caller's working folder is run: `python -m` puts the working folder
/// first on the module path, so pip is started in `scratch`, and fully isolated (`-I`) unless that hides pip itself, as
/// with a per-user installation.
pub(super) fn from_pip(scratch: &Path, progress: &dyn Progress) -> Result<PathBuf, Error> {
    let build = Build::for_this_platform()?;
    let mut reasons = Vec::new();
    for python in ["python3", "python"] {
        for isolation in [&["-I"][..], &[]] {
            match pip_download(python, isolation, build, scratch, progress) {
                Ok(output) if output.status.success() => return wheel(scratch, build),
                Ok(output) => {
                    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                    let last = said.lines().last().unwrap_or("failed");
                    if !isolation.is_empty() && said.contains("No module named pip") {
                        continue;
                    }
                    reasons.push(format!("{python} -m pip: {last}"));
                }
                Err(error) => reasons.push(format!("{python}: {error}")),
            }
            break;
        }
    }
    let reasons = reasons.join("; ");
    let message = format!("cannot fetch the Python package onnxruntime {VERSION} ({reasons})");
    Err(Error::new(ErrorKind::Fetch, message))
}

fn pip_download(
    python: &str,
    isolation: &[&str],
    build: &Build,
    scratch: &Path,
    progress: &dyn Progress,
) -> std::io::Result<Output> {
    let is_visible = progress.is_visible();
    Command::new(python)
        .args(isolation)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
        .args(["--disable-pip-version-check", "--implementation", "cp"])
        .args(["--python-version", "3.12", "--platform", build.wheel_platform])
        .args(if is_visible { &[][..] } else { &["--quiet", "--progress-bar", "off"] })
        .arg("--dest")
        .arg(scratch)
        .arg(format!("onnxruntime=={VERSION}"))
        .current_dir(scratch)
        .stdin(Stdio::null())
        .stdout(if is_visible { Stdio::from(std::io::stderr()) } else { Stdio::null() })
        .output()
}

fn wheel(folder: &Path, build: &Build) -> Result<PathBuf, Error> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io("read", folder, error))?;
    let wheel = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|e| e == "whl"));
    let wheel = wheel
        .ok_or_else(|| Error::new(ErrorKind::Fetch, "pip reported success but left no wheel"))?;
    check(
        &wheel.file_name().unwrap_or_default().to_string_lossy(),
        build.wheel_sha256,
        &hash::sha256(&wheel)?,
    )?;
    Ok(wheel)
}
