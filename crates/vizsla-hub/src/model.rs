//! Which files in the cache make up a model.

use std::path::{Path, PathBuf};

use crate::cache::{Cache, Repository};
use crate::catalogue::Entry;

/// The folder of a catalogued model in the cache: the pinned revision, else another with an ONNX file recognised by
/// its hash, so that files fetched by other programs are found too.
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

/// All files in a folder and its subfolders, as sorted paths with slashes. Links are followed, since a snapshot
/// consists of them; one that leads back to a parent folder is left out.
pub(crate) fn files_below(dir: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(dir).follow_links(true).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.file_type().is_file());
    let slashed = |entry: walkdir::DirEntry| {
        let parts = entry.path().strip_prefix(dir).ok()?.components();
        let parts: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
        Some(parts.join("/"))
    };
    let mut files: Vec<String> = files.filter_map(slashed).collect();
    files.sort();
    files
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_loops_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("blobs")).unwrap();
        std::fs::create_dir_all(path("model/onnx")).unwrap();
        std::fs::write(path("blobs/content"), "x").unwrap();
        std::os::unix::fs::symlink(path("blobs/content"), path("model/onnx/model.onnx")).unwrap();
        for name in ["model/up", "model/onnx/up"] {
            std::os::unix::fs::symlink(path("model"), path(name)).unwrap();
        }
        assert_eq!(files_below(&path("model")), ["onnx/model.onnx"]);
    }
}
