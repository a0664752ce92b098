//! Copies a model's folder, obtained by other means, into the cache.

use std::fs;
use std::path::{Path, PathBuf};

use vizsla_hub::catalogue::File;

use crate::error::{Error, ErrorKind, Result};
use crate::model_ref::ModelRef;
use crate::pull::REQUIRED;
use crate::resolve::Models;

/// What [`Models::import`] did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Imported {
    /// The folder in the cache.
    pub dir: PathBuf,
    /// How many files were copied.
    pub files: usize,
}

/// The extensions of files that belong to a model.
const EXTENSIONS: [&str; 3] = ["json", "onnx", "txt"];

impl Models {
    /// Copies the model in `dir` into the cache, as the content of the repository that `model` names. Nothing is copied
    /// unless the folder has all that a model needs, and the files that the catalogue pins match exactly.
    /// Cost: reading the files twice and writing them.
    ///
    /// # Errors
    /// Those of [`repository`](Self::repository), [`ErrorKind::Incomplete`], [`ErrorKind::Verification`] when a file is not
    /// the one that is pinned, [`ErrorKind::Io`] and [`ErrorKind::Hub`].
    pub fn import(&self, dir: &Path, model: &ModelRef) -> Result<Imported> {
        let (repository, entry) = self.repository(model)?;
        let files = model_files(dir)?;
        let pinned = entry.map(|entry| entry.files).unwrap_or_default();
        check_pinned(dir, &pinned, model)?;
        let failed = |error| Error::hub(format!("cannot import {}", dir.display()), error);
        let snapshot = self.cache()?.import(&repository, &files).map_err(failed)?;
        Ok(Imported { dir: snapshot, files: files.len() })
    }
}

/// The files of a complete model, each with its path in a repository.
fn model_files(dir: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for (folder, prefix) in [(dir.to_owned(), ""), (dir.join("onnx"), "onnx/")] {
        if !folder.is_dir() {
            continue;
        }
        let unreadable = |error| Error::io("read", &folder, error);
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let extension = path.extension().unwrap_or_default();
            if path.is_file() && EXTENSIONS.iter().any(|known| extension == *known) {
                files.push((path, format!("{prefix}{name}")));
            }
        }
    }
    files.sort();
    let incomplete = |what: &str| {
        let message =
            format!("{} has no {what}: give the folder of a complete model", dir.display());
        Error::new(ErrorKind::Incomplete, message)
    };
    for needed in REQUIRED {
        if !files.iter().any(|(_, path)| path == needed) {
            return Err(incomplete(needed));
        }
    }
    if !files.iter().any(|(_, path)| path.ends_with(".onnx")) {
        return Err(incomplete("ONNX file"));
    }
    Ok(files)
}

fn check_pinned(dir: &Path, pinned: &[File], model: &ModelRef) -> Result<()> {
    let failed = |error| Error::hub(format!("cannot verify {}", dir.display()), error);
    let checked = vizsla_hub::verify(dir, pinned).map_err(failed)?;
    let is_pinned = |path: &str| pinned.iter().any(|pin| pin.path == path);
    let wrong = checked.into_iter().find(|file| is_pinned(&file.path) && file.expected.is_some());
    wrong.map_or(Ok(()), |file| {
        let message = format!(
            "{} has the SHA-256 {}, but {model} has another: nothing was imported",
            dir.join(file.path).display(),
            file.sha256
        );
        Err(Error::new(ErrorKind::Verification, message).about(model))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_model_is_imported() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, cache) = (folder.path().join("model"), folder.path().join("cache"));
        fs::create_dir_all(dir.join("onnx")).unwrap();
        let models = Models::new(&cache);
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let model: ModelRef = format!("org/mine@{commit}").parse().unwrap();
        for part in ["config.json", "tokenizer.json", "onnx/model.onnx"] {
            let error = models.import(&dir, &model).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
            assert!(!cache.exists());
            fs::write(dir.join(part), part).unwrap();
        }
        fs::write(dir.join("notes.pdf"), "not part of a model").unwrap();
        let imported = models.import(&dir, &model).unwrap();
        assert_eq!(imported.files, 3);
        assert_eq!(models.dir(&model).unwrap(), imported.dir);
        // The catalogue pins a different file.
        let pinned: ModelRef = vizsla_hub::catalogue::DEFAULT.parse().unwrap();
        let kind = models.import(&dir, &pinned).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::Verification);
    }
}
