//! Models on disk, in the layout that the Hugging Face libraries share:
//! `models--ORG--NAME/{blobs/HASH, refs/BRANCH, snapshots/COMMIT/PATH -> ../../blobs/HASH}`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::environment;
use crate::error::{Error, ErrorKind};

/// A repository on the hub and one of its revisions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    name: String,
    revision: String,
}

impl Repository {
    /// The repository `organisation/name`, at a commit, branch or tag.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidName`] when either is unfit for a URL or a path.
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
                format!("{name}@{revision} is not the name of a model: write organisation/name or organisation/name@revision"),
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

    /// The name of its folder in a cache.
    pub(crate) fn folder(&self) -> String {
        format!("models--{}", self.name.replace('/', "--"))
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.revision)
    }
}

/// `organisation/name`, optionally with `@revision`; without it, the branch `main`.
impl FromStr for Repository {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, revision) = text.split_once('@').unwrap_or((text, "main"));
        Self::new(name, revision)
    }
}

/// The folder that holds all repositories.
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
    /// [`ErrorKind::NoHome`] when none is set and the user has no home folder.
    pub fn from_env() -> Result<Self, Error> {
        let direct = environment::path("HF_HUB_CACHE")
            .or_else(|| environment::path("HUGGINGFACE_HUB_CACHE"));
        let root = direct.or_else(|| hugging_face_home().map(|home| home.join("hub")));
        root.map(Self::new).ok_or_else(|| {
            Error::new(
                ErrorKind::NoHome,
                "this user has no home folder; set HF_HOME to a folder for models",
            )
        })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a revision's files, if any of them are cached.
    pub fn snapshot(&self, repository: &Repository) -> Option<PathBuf> {
        let folder = self.root.join(repository.folder());
        let pointed = fs::read_to_string(folder.join("refs").join(&repository.revision)).ok();
        let commit = pointed.as_deref().map_or(repository.revision.as_str(), str::trim);
        let snapshot = folder.join("snapshots").join(commit);
        snapshot.is_dir().then_some(snapshot)
    }

    /// The folders of all revisions with cached files, in no particular order.
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

    /// The hash of a file's content, if known without reading it: content is stored under its hash.
    pub fn recorded_hash(file: &Path) -> Option<String> {
        let target = fs::canonicalize(file).ok()?;
        let is_blob = target.parent()?.file_name()? == "blobs";
        is_blob.then(|| target.file_name().map(|name| name.to_string_lossy().into_owned()))?
    }
}

/// `HF_HOME`, else its default.
pub(crate) fn hugging_face_home() -> Option<PathBuf> {
    environment::path("HF_HOME").or_else(|| {
        let cache = environment::path("XDG_CACHE_HOME")
            .or_else(|| dirs::home_dir().map(|home| home.join(".cache")))?;
        Some(cache.join("huggingface"))
    })
}
