//! Which of the files in the cache are a model, and whether they are what they should be.

use std::path::{Path, PathBuf};

use crate::cache::{Cache, Repository};
use crate::catalogue::{Entry, File};
use crate::error::{Error, ErrorKind};
use crate::fetch;

/// The folder of a catalogued model in the cache: the pinned revision, else another one that has an ONNX file known by
/// its hash, so that what other programs fetched is found too.
pub fn find(cache: &Cache, entry: &Entry) -> Option<PathBuf> {
    let repository =
        Repository::new(&entry.repository, entry.revision.as_deref().unwrap_or("main")).ok()?;
    if let Some(snapshot) = cache.snapshot(&repository).filter(|dir| is_whole(dir)) {
        return Some(snapshot);
    }
    let known = |path: &Path| {
        let hash = Cache::recorded_hash(path);
        entry.files.iter().any(|file| file.sha256.is_some() && file.sha256 == hash)
    };
    cache
        .snapshots(&repository)
        .into_iter()
        .filter(|dir| is_whole(dir))
        .find(|dir| onnx_files(dir).iter().any(|path| known(path)))
}

/// Whether a folder has what a cross-encoder needs.
fn is_whole(dir: &Path) -> bool {
    ["config.json", "tokenizer.json"].iter().all(|name| dir.join(name).is_file())
        && !onnx_files(dir).is_empty()
}

fn onnx_files(dir: &Path) -> Vec<PathBuf> {
    files_below(dir)
        .into_iter()
        .map(|path| dir.join(path))
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .collect()
}

/// What [`verify`] found of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Its path in the folder, with slashes.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// What it should hash to, if it does not.
    pub expected: Option<String>,
    /// Whether there was any hash to compare with.
    pub is_known: bool,
}

/// Reads all files of a model's folder and compares them with the hash under which the cache files them, and with the
/// catalogue's. Cost: reading them.
///
/// # Errors
/// [`ErrorKind::Io`] when one cannot be read, [`ErrorKind::NotInstalled`] when there is none.
pub fn verify(dir: &Path, pinned: &[File]) -> Result<Vec<Checked>, Error> {
    let check = |path: String| {
        let file = dir.join(&path);
        let io = |error| Error::io("read", &file, error);
        let sha256 = fetch::sha256(&file)?;
        let pin = pinned.iter().find(|pin| pin.path == path).and_then(|pin| pin.sha256.clone());
        let filed = Cache::recorded_hash(&file);
        let found = match &filed {
            Some(hash) => fetch::content_hash(&file, hash.len())?,
            None => String::new(),
        };
        let is_known = pin.is_some() || filed.is_some();
        let expected =
            pin.filter(|pin| *pin != sha256).or_else(|| filed.filter(|hash| *hash != found));
        let bytes = file.metadata().map_err(io)?.len();
        Ok(Checked { path, bytes, sha256, expected, is_known })
    };
    let files = files_below(dir);
    if files.is_empty() {
        return Err(Error::new(ErrorKind::NotInstalled, format!("{} has no files", dir.display())));
    }
    files.into_iter().map(check).collect()
}

/// All files of a folder and of the folders in it, by their paths with slashes, sorted.
fn files_below(dir: &Path) -> Vec<String> {
    fn walk(dir: &Path, prefix: &str, files: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            // Through links: that is what a snapshot is made of.
            if entry.path().is_dir() {
                walk(&entry.path(), &format!("{name}/"), files);
            } else {
                files.push(name);
            }
        }
    }
    let mut files = Vec::new();
    walk(dir, "", &mut files);
    files.sort();
    files
}
