//! Models on disk, in the layout that the Hugging Face libraries share:
//! `models--ORG--NAME/{blobs/HASH, refs/BRANCH, snapshots/COMMIT/PATH -> ../../blobs/HASH}`.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::error::{Error, ErrorKind};
use crate::fetch;

/// A repository on the hub and one of its revisions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    name: String,
    revision: String,
}

impl Repository {
    /// `organisation/name`, at a commit, branch or tag.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidName`] when either could not be part of a URL and of a path.
    pub fn new(name: &str, revision: &str) -> Result<Self, Error> {
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && !part.contains("--")
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        let valid = name.split('/').count() == 2 && name.split('/').all(plain) && plain(revision);
        valid.then(|| Self { name: name.to_owned(), revision: revision.to_owned() }).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidName,
                format!("{name}@{revision} names no model: write organisation/name or organisation/name@revision"),
            )
        })
    }

    /// `organisation/name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The commit, branch or tag.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    fn folder(&self) -> String {
        format!("models--{}", self.name.replace('/', "--"))
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.revision)
    }
}

/// `organisation/name`, perhaps with `@revision`; the branch `main` without.
impl FromStr for Repository {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, revision) = text.split_once('@').unwrap_or((text, "main"));
        Self::new(name, revision)
    }
}

/// The folder in which all repositories lie.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// A cache in this folder, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The cache that all of the user's programs share: `HF_HUB_CACHE` (or `HUGGINGFACE_HUB_CACHE`), else `hub` in
    /// `HF_HOME`, else in `huggingface` in `XDG_CACHE_HOME` or `~/.cache`.
    ///
    /// # Errors
    /// [`ErrorKind::NotInstalled`] when none is set and the user has no home folder.
    pub fn from_env() -> Result<Self, Error> {
        let direct =
            path_variable("HF_HUB_CACHE").or_else(|| path_variable("HUGGINGFACE_HUB_CACHE"));
        let root = direct.or_else(|| hugging_face_home().map(|home| home.join("hub")));
        root.map(Self::new).ok_or_else(|| {
            Error::new(
                ErrorKind::NotInstalled,
                "this user has no home folder; set HF_HOME to a folder for models",
            )
        })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a revision's files, if any of them are here.
    pub fn snapshot(&self, repository: &Repository) -> Option<PathBuf> {
        let folder = self.root.join(repository.folder());
        let pointed = fs::read_to_string(folder.join("refs").join(&repository.revision)).ok();
        let commit = pointed.as_deref().map_or(repository.revision.as_str(), str::trim);
        let snapshot = folder.join("snapshots").join(commit);
        snapshot.is_dir().then_some(snapshot)
    }

    /// The folders of all revisions of which files are here, in no order that matters.
    pub fn snapshots(&self, repository: &Repository) -> Vec<PathBuf> {
        let folder = self.root.join(repository.folder()).join("snapshots");
        let mut found: Vec<PathBuf> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.is_dir())
            .collect();
        found.sort();
        found
    }

    /// What a file's content hashes to, if that is known without reading it: content is filed under its hash.
    pub fn recorded_hash(file: &Path) -> Option<String> {
        let target = fs::canonicalize(file).ok()?;
        let is_blob = target.parent()?.file_name()? == "blobs";
        is_blob.then(|| target.file_name().map(|name| name.to_string_lossy().into_owned()))?
    }

    pub(crate) fn blobs(&self, repository: &Repository) -> PathBuf {
        self.root.join(repository.folder()).join("blobs")
    }

    pub(crate) fn lock_file(&self, repository: &Repository, hash: &str) -> PathBuf {
        self.root.join(".locks").join(repository.folder()).join(format!("{hash}.lock"))
    }

    /// Makes a blob appear as `path` in a revision, and gives back where.
    pub(crate) fn link(
        &self,
        repository: &Repository,
        commit: &str,
        path: &str,
        hash: &str,
    ) -> Result<PathBuf, Error> {
        let blob = self.blobs(repository).join(hash);
        let file = self.root.join(repository.folder()).join("snapshots").join(commit).join(path);
        let folder = file.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        if fs::canonicalize(&file)
            .is_ok_and(|found| fs::canonicalize(&blob).is_ok_and(|b| b == found))
        {
            return Ok(file);
        }
        let up = "../".repeat(1 + Path::new(path).components().count());
        let target = Path::new(&up).join("blobs").join(hash);
        // Under another name first: whatever is in the way, perhaps just now put there by another process, is replaced.
        tempfile::Builder::new()
            .prefix(".link-")
            .make_in(folder, |scratch| point(&target, &blob, scratch))
            .map_err(|error| Error::io("create a link in", folder, error))?
            .into_temp_path()
            .persist(&file)
            .map_err(|error| Error::io("link", &file, error.error))?;
        Ok(file)
    }

    /// Remembers which commit a branch or tag stood for.
    pub(crate) fn write_ref(&self, repository: &Repository, commit: &str) -> Result<(), Error> {
        if repository.revision == commit {
            return Ok(());
        }
        let file = self.root.join(repository.folder()).join("refs").join(&repository.revision);
        let folder = file.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
        fs::write(&file, commit).map_err(|error| Error::io("write", &file, error))
    }

    /// Takes over files that were fetched by other means, as the content of a revision. They are copied.
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
                    format!("{path} is no path within a repository"),
                ));
            }
            let hash = fetch::sha256(from)?;
            let blobs = self.blobs(repository);
            fs::create_dir_all(&blobs).map_err(|error| Error::io("create", &blobs, error))?;
            // Under a name of its own until it is whole.
            let scratch = tempfile::Builder::new()
                .prefix(".import-")
                .tempfile_in(&blobs)
                .map_err(|error| Error::io("create a file in", &blobs, error))?;
            fs::copy(from, scratch.path()).map_err(|error| Error::io("copy", from, error))?;
            let blob = blobs.join(&hash);
            scratch.persist(&blob).map_err(|error| Error::io("write", &blob, error.error))?;
            self.link(repository, &repository.revision, path, &hash)?;
        }
        self.snapshot(repository).ok_or_else(|| {
            Error::new(ErrorKind::NotInstalled, "there was nothing to import".to_owned())
        })
    }
}

/// Whether a path that a server gave stays within the folder it is joined to.
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

pub(crate) fn path_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// `HF_HOME`, else its default.
pub(crate) fn hugging_face_home() -> Option<PathBuf> {
    path_variable("HF_HOME").or_else(|| {
        let cache = path_variable("XDG_CACHE_HOME")
            .or_else(|| dirs::home_dir().map(|home| home.join(".cache")))?;
        Some(cache.join("huggingface"))
    })
}
