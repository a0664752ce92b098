//! `vizsla model import`: a model's folder that came by other means, into the cache.

use std::path::PathBuf;

use anyhow::{Context, bail};
use vizsla_hub::Cache;

use super::repository;
use crate::args::ModelImportArgs;
use crate::{Outcome, output};

pub(crate) fn run(args: &ModelImportArgs) -> anyhow::Result<Outcome> {
    let (repository, entry) = repository(&args.name)?;
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for (folder, prefix) in [(args.dir.clone(), ""), (args.dir.join("onnx"), "onnx/")] {
        if !folder.is_dir() {
            continue;
        }
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_part = ["json", "onnx", "txt"]
                .iter()
                .any(|extension| path.extension().is_some_and(|found| found == *extension));
            if path.is_file() && is_part {
                files.push((path, format!("{prefix}{name}")));
            }
        }
    }
    for needed in ["config.json", "tokenizer.json"] {
        if !files.iter().any(|(_, path)| path == needed) {
            bail!("{} has no {needed}: give the folder of a whole model", args.dir.display());
        }
    }
    if !files.iter().any(|(_, path)| path.ends_with(".onnx")) {
        bail!("{} has no ONNX file: give the folder of a whole model", args.dir.display());
    }
    // Nothing is copied before all is known to be what it should be.
    let pinned = entry.map(|entry| entry.files).unwrap_or_default();
    if let Some(wrong) = vizsla_hub::verify(&args.dir, &pinned)?
        .into_iter()
        .find(|file| pinned.iter().any(|pin| pin.path == file.path) && file.expected.is_some())
    {
        bail!(
            "{} has the SHA-256 {}, and {repository} has another: nothing was imported",
            args.dir.join(wrong.path).display(),
            wrong.sha256
        );
    }
    let snapshot = Cache::from_env()?.import(&repository, &files)?;
    output::line(&format!(
        "{}\n{} files imported; use it with --model {}",
        snapshot.display(),
        files.len(),
        args.name
    ))?;
    Ok(Outcome::Success)
}
