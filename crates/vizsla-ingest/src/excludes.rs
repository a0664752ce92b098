//! What is left out by name. In: an entry of a folder. Out: why it is left out, if it is.
//!
//! Left out by default is what programs have made from what people wrote, or fetched for it, and can make again: build
//! folders, caches, installed packages, minified files and lock files. Folders with an everyday name count as one of
//! these only beside or around the file that shows it.

use std::fs;
use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::error::{Error, ErrorKind, Result};
use crate::options::SyncOptions;
use crate::report::SkipReason;

/// Folders that hold fetched packages and caches, whatever is around them.
const FOLDERS: [&str; 12] = [
    "node_modules",
    "bower_components",
    "__pycache__",
    "site-packages",
    ".venv",
    ".tox",
    ".nox",
    ".gradle",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".ipynb_checkpoints",
];

/// Build folders, each with a file beside it that shows that it is one.
const BESIDE: [(&str, &str); 10] = [
    ("target", "Cargo.toml"),
    ("target", "pom.xml"),
    ("target", "build.sbt"),
    ("build", "build.gradle"),
    ("build", "build.gradle.kts"),
    ("build", "setup.py"),
    ("dist", "package.json"),
    ("dist", "pyproject.toml"),
    ("dist", "setup.py"),
    ("_build", "mix.exs"),
];

/// Files that only build folders, virtual environments and caches have in them.
const WITHIN: [&str; 3] = ["CMakeCache.txt", "pyvenv.cfg", "CACHEDIR.TAG"];

/// Endings of files made for browsers out of others.
const ENDINGS: [&str; 6] = [".min.js", ".min.mjs", ".min.css", ".js.map", ".mjs.map", ".css.map"];

/// Lists of the exact versions of packages.
const LOCKS: [&str; 20] = [
    "Cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "deno.lock",
    "composer.lock",
    "Gemfile.lock",
    "poetry.lock",
    "Pipfile.lock",
    "uv.lock",
    "pdm.lock",
    "mix.lock",
    "pubspec.lock",
    "flake.lock",
    "go.sum",
    "Podfile.lock",
    "packages.lock.json",
    "gradle.lockfile",
];

/// The rules for one root.
pub(crate) struct Excludes {
    globs: Gitignore,
    defaults: bool,
}

impl Excludes {
    /// # Errors
    /// [`ErrorKind::Source`] for a glob that is none.
    pub(crate) fn new(root: &Path, options: &SyncOptions) -> Result<Self> {
        let mut builder = GitignoreBuilder::new(root);
        // What is typed is meant; git reads such a bracket as text.
        builder.allow_unclosed_class(false);
        let unfit = |error: ignore::Error| {
            Error::new(ErrorKind::Source, format!("cannot read what to exclude: {error}"))
                .with_source(error)
        };
        for glob in &options.exclude {
            builder.add_line(None, glob).map_err(unfit)?;
        }
        let globs = builder.build().map_err(unfit)?;
        Ok(Self { globs, defaults: options.default_excludes })
    }

    pub(crate) fn reason(&self, path: &Path, is_dir: bool) -> Option<SkipReason> {
        match self.globs.matched(path, is_dir) {
            Match::Ignore(_) => Some(SkipReason::Excluded),
            Match::Whitelist(_) => None,
            Match::None => {
                (self.defaults && is_generated(path, is_dir)).then_some(SkipReason::Generated)
            }
        }
    }
}

fn is_generated(path: &Path, is_dir: bool) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    if !is_dir {
        return LOCKS.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending));
    }
    let beside = |file: &str| path.with_file_name(file).is_file();
    FOLDERS.contains(&name)
        || BESIDE.iter().any(|(folder, file)| *folder == name && beside(file))
        || WITHIN.iter().any(|file| fs::symlink_metadata(path.join(file)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyday_names_count_only_where_a_file_shows_what_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(&path).unwrap();
            path
        };
        let reason = |options: &SyncOptions, path: &Path| {
            Excludes::new(dir.path(), options).unwrap().reason(path, path.is_dir())
        };
        let options = SyncOptions::default();
        for name in ["target", "dist", "build", "docs"] {
            assert_eq!(reason(&options, &folder(name)), None, "{name}");
        }
        fs::write(dir.path().join("Cargo.toml"), "").unwrap();
        fs::write(folder("venv").join("pyvenv.cfg"), "").unwrap();
        for name in ["target", "venv", "a/node_modules"] {
            assert_eq!(reason(&options, &folder(name)), Some(SkipReason::Generated), "{name}");
        }
        for name in ["a/x.min.js", "Cargo.lock"] {
            assert_eq!(reason(&options, Path::new(name)), Some(SkipReason::Generated), "{name}");
        }
        for name in ["lock.md", "admin.js", "maps.js", "node_modules.md"] {
            assert_eq!(reason(&options, Path::new(name)), None, "{name}");
        }
        assert_eq!(reason(&options.with_default_excludes(false), &folder("target")), None);
    }

    #[test]
    fn globs_exclude_or_take_back() {
        let options = SyncOptions::default().with_exclude("drafts/").with_exclude("!Cargo.lock");
        let excludes = Excludes::new(Path::new("/r"), &options).unwrap();
        assert_eq!(excludes.reason(Path::new("/r/a/drafts"), true), Some(SkipReason::Excluded));
        assert_eq!(excludes.reason(Path::new("/r/a/drafts"), false), None);
        assert_eq!(excludes.reason(Path::new("/r/Cargo.lock"), false), None);
        let broken = SyncOptions::default().with_exclude("a[");
        assert!(Excludes::new(Path::new("/r"), &broken).is_err());
    }
}
