//! Checks that a model's files are what they should be.

use std::path::Path;

use crate::cache::Cache;
use crate::catalogue::File;
use crate::error::{Error, ErrorKind};
use crate::hash;
use crate::model::files_below;

/// What [`verify`] found about one file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Its path in the folder, with slashes.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// The hash it should have, if it differs.
    pub expected: Option<String>,
    /// Whether there was any hash to compare with.
    pub is_known: bool,
}

/// Reads all files in a model's folder and checks them against the hash under which the cache stores them, and the
/// catalogue's. Cost: reading them.
///
/// # Errors
/// [`ErrorKind::Io`] when one cannot be read, [`ErrorKind::NotFound`] when there is none.
pub fn verify(dir: &Path, pinned: &[File]) -> Result<Vec<Checked>, Error> {
    let check = |path: String| {
        let file = dir.join(&path);
        let io = |error| Error::io("read", &file, error);
        let sha256 = hash::sha256(&file)?;
        let pin = pinned.iter().find(|pin| pin.path == path).and_then(|pin| pin.sha256.clone());
        let filed = Cache::recorded_hash(&file);
        let found = match &filed {
            Some(hash) => hash::content_hash(&file, hash.len())?,
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
        return Err(Error::new(ErrorKind::NotFound, format!("{} has no files", dir.display())));
    }
    files.into_iter().map(check).collect()
}
