//! Writes into the [`Cache`]: content under its hash, and links to it under its names in a revision.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::cache::{Cache, Repository};
use crate::error::{Error, ErrorKind};
use crate::hash;

impl Cache {
    pub(crate) fn blobs(&self, repository: &Repository) -> PathBuf {
        self.root().join(repository.folder()).join("blobs")
    }

    pub(crate) fn lock_file(&self, repository: &Repository, hash: &str) -> PathBuf {
        self.root().join(".locks").join(repository.folder()).join(format!("{hash}.lock"))
    }

    /// Links a blob as `path` in a revision, and returns where.
    pub(crate) fn link(
        &self,
        repository: &Repository,
        commit: &str,
        path: &str,
        hash: &str,
    ) -> Result<PathBuf, Error> {
        let blob = self.blobs(repository).join(hash);
        let file = self.root().join(repository.folder()).join("snapshots").join(commit).join(path);
        let folder = file.parent().unwrap_or(self.root());
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        if fs::canonicalize(&file)
            .is_ok_and(|found| fs::canonicalize(&blob).is_ok_and(|b| b == found))
        {
            return Ok(file);
        }
        let up = "../".repeat(1 + Path::new(path).components().count());
        let target = Path::new(&up).join("blobs").join(hash);
        // Under another name first: whatever is in the way, perhaps just put there by another process, is replaced.
        tempfile::Builder::new()
            .prefix(".link-")
            .make_in(folder, |scratch| point(&target, &blob, scratch))
            .map_err(|error| Error::io("create a link in", folder, error))?
            .into_temp_path()
            .persist(&file)
            .map_err(|error| Error::io("link", &file, error.error))?;
        Ok(file)
    }

    /// Records which commit a branch or tag resolved to.
    pub(crate) fn write_ref(&self, repository: &Repository, commit: &str) -> Result<(), Error> {
        if repository.revision() == commit {
            return Ok(());
        }
        let file = self.root().join(repository.folder()).join("refs").join(repository.revision());
        let folder = file.parent().unwrap_or(self.root());
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        fs::write(&file, commit).map_err(|error| Error::io("write", &file, error))
    }

    /// Adds files fetched by other means as the content of a revision. They are copied.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when one cannot be read or written, [`ErrorKind::InvalidName`] when a path leads out of
    /// the repository.
    pub fn import(
        &self,
        repository: &Repository,
        files: &[(PathBuf, String)],
    ) -> Result<PathBuf, Error> {
        for (from, path) in files {
            if !is_inside(path) {
                return Err(Error::new(
                    ErrorKind::InvalidName,
                    format!("{path} is not a path within a repository"),
                ));
            }
            let hash = hash::sha256(from)?;
            let blobs = self.blobs(repository);
            fs::create_dir_all(&blobs).map_err(|error| Error::io("create", &blobs, error))?;
            // Under a temporary name until it is complete.
            let scratch = tempfile::Builder::new()
                .prefix(".import-")
                .tempfile_in(&blobs)
                .map_err(|error| Error::io("create a file in", &blobs, error))?;
            fs::copy(from, scratch.path()).map_err(|error| Error::io("copy", from, error))?;
            let blob = blobs.join(&hash);
            scratch.persist(&blob).map_err(|error| Error::io("write", &blob, error.error))?;
            self.link(repository, repository.revision(), path, &hash)?;
        }
        self.snapshot(repository).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "there was nothing to import".to_owned())
        })
    }
}

/// Whether a path from a server stays within the folder it is joined to.
pub(crate) fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.contains('\\')
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(unix)]
fn point(relative: &Path, _blob: &Path, file: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(relative, file)
}

/// Links need a privilege on Windows; the other libraries copy there too.
#[cfg(not(unix))]
fn point(_relative: &Path, blob: &Path, file: &Path) -> io::Result<()> {
    fs::copy(blob, file).map(drop)
}
