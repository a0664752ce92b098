//! Walks the sources for files, and reports what is left out.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, FileType};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};

use ignore::{DirEntry, Walk, WalkBuilder};

use crate::error::{Error, ErrorKind, Result};
use crate::excludes::Excludes;
use crate::options::SyncOptions;
use crate::problem::{Problem, ProblemKind};
use crate::report::{Report, SkipReason};

/// What git and this program keep in a folder; neither is a document, hidden files included or not.
const NEVER_READ: [&str; 2] = [".git", ".vizsla"];

/// Where documents come from.
pub enum Source {
    /// A file, or a folder with all its contents.
    Path(PathBuf),
    /// A stream of JSON Lines. Its documents belong to no file: a later stream replaces those with the same ids, and
    /// none is removed for being absent from a stream.
    JsonLines {
        /// Its name in problem reports, and the prefix of ids for records without one (`name#line`).
        name: String,
        /// Read to its end, after the files.
        reader: Box<dyn BufRead + Send>,
    },
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::JsonLines { name, .. } => {
                f.debug_struct("JsonLines").field("name", name).finish_non_exhaustive()
            }
        }
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

/// What the sources hold.
#[derive(Default)]
pub(crate) struct Found {
    /// Absolute paths of the given files and folders.
    pub(crate) roots: Vec<PathBuf>,
    /// Those of them that are not there any more, and are to be forgotten.
    pub(crate) gone: Vec<PathBuf>,
    /// The files in them, in order.
    pub(crate) files: Vec<PathBuf>,
    /// The bytes of all files in them; a file in two of the roots counts twice.
    pub(crate) bytes: u64,
    /// Folders that could not be read: their known files are not gone.
    pub(crate) unreadable: HashSet<PathBuf>,
    pub(crate) streams: Vec<(String, Box<dyn BufRead + Send>)>,
}

/// Walks sources for an index located at `index`, which is itself skipped.
pub(crate) struct Walker<'a> {
    pub(crate) options: &'a SyncOptions,
    pub(crate) index: Option<&'a Path>,
    /// Whether a missing source is reported as a problem instead of an error.
    pub(crate) lenient: bool,
}

impl Walker<'_> {
    pub(crate) fn find(&self, sources: Vec<Source>, report: &mut Report) -> Result<Found> {
        let mut found = Found::default();
        for source in sources {
            match source {
                Source::JsonLines { name, reader } => found.streams.push((name, reader)),
                Source::Path(path) => match fs::canonicalize(&path) {
                    Ok(root) => self.root(root, &mut found, report)?,
                    Err(error) if self.lenient => self.unread(path, &error, &mut found, report),
                    Err(error) => {
                        let message = format!("cannot read the source {}", path.display());
                        return Err(Error::new(ErrorKind::Source, message).with_source(error));
                    }
                },
            }
        }
        found.files.sort();
        found.files.dedup();
        Ok(found)
    }

    /// Reports a source that cannot be read, or has it forgotten when it is gone and that was asked for.
    fn unread(&self, path: PathBuf, error: &io::Error, found: &mut Found, report: &mut Report) {
        let is_gone = error.kind() == io::ErrorKind::NotFound;
        if is_gone && self.options.prune {
            found.roots.push(path.clone());
            found.gone.push(path);
            return;
        }
        let (kind, reason) = if is_gone {
            let reason = "is no longer there; the documents that were read from it are kept";
            (ProblemKind::Emptied, reason.to_owned())
        } else {
            (ProblemKind::Unreadable, format!("cannot be read: {error}"))
        };
        report.problems.push(Problem::new(kind, path.display().to_string(), reason));
    }

    fn root(&self, root: PathBuf, found: &mut Found, report: &mut Report) -> Result<()> {
        if let Some(kind) = fs::metadata(&root).ok().and_then(|data| special(data.file_type())) {
            let reason = format!("is {kind}, not a file or folder");
            report.problems.push(Problem::new(
                ProblemKind::Special,
                root.display().to_string(),
                reason,
            ));
            return Ok(());
        }
        let before = found.files.len();
        let (excluded, noted) = channel();
        let walk =
            self.walk(&root, (self.options.hidden, self.options.ignore_rules), Some(excluded))?;
        for entry in walk {
            match entry {
                Ok(entry) => self.entry(entry, found, report),
                Err(error) if is_loop(&error) => {}
                Err(error) => {
                    let path = path_of(&error).unwrap_or(&root).to_owned();
                    let reason = cause_of(&error).to_string();
                    report.problems.push(Problem::new(
                        ProblemKind::Unreadable,
                        path.display().to_string(),
                        reason,
                    ));
                    found.unreadable.insert(path);
                }
            }
        }
        for (reason, path) in noted {
            report.skip(reason, &path.display().to_string(), None);
        }
        self.left_out(&root, &found.files[before..], report)?;
        found.roots.push(root);
        Ok(())
    }

    fn entry(&self, entry: DirEntry, found: &mut Found, report: &mut Report) {
        let kind = entry.file_type();
        let name = || entry.path().display().to_string();
        if entry.path_is_symlink() && !self.options.follow {
            report.skip(SkipReason::Link, &name(), None);
        } else if kind.is_some_and(|kind| kind.is_file()) {
            found.bytes += entry.metadata().map_or(0, |metadata| metadata.len());
            found.files.push(entry.into_path());
        } else if kind.and_then(special).is_some() {
            report.skip(SkipReason::Special, &name(), None);
        }
    }

    /// Reports what the ignore rules left out, when that is everything or was requested.
    fn left_out(&self, root: &Path, files: &[PathBuf], report: &mut Report) -> Result<()> {
        let all_read = self.options.hidden && !self.options.ignore_rules;
        if all_read || !(files.is_empty() || self.options.list_ignored) {
            return Ok(());
        }
        let read: HashSet<&Path> = files.iter().map(PathBuf::as_path).collect();
        let ignored = self
            .walk(root, (true, false), None)?
            .filter_map(std::result::Result::ok)
            .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
            .map(DirEntry::into_path)
            .filter(|path| !read.contains(path.as_path()));
        let mut first = None;
        for path in ignored {
            let name = path.display().to_string();
            if self.options.list_ignored {
                report.skip(SkipReason::Ignored, &name, None);
            }
            if first.is_none() {
                first = Some(name);
                if !self.options.list_ignored {
                    break;
                }
            }
        }
        if let (true, Some(first)) = (files.is_empty(), first) {
            let reason =
                format!("all its files are hidden or excluded by an ignore file, {first} for one");
            report.problems.push(Problem::new(
                ProblemKind::AllIgnored,
                root.display().to_string(),
                reason,
            ));
        }
        Ok(())
    }

    /// Walks a root, with hidden files and with ignore rules or without; tells what the excludes leave out.
    fn walk(
        &self,
        root: &Path,
        (hidden, ignore_rules): (bool, bool),
        excluded: Option<Sender<(SkipReason, PathBuf)>>,
    ) -> Result<Walk> {
        let excludes = Excludes::new(root, self.options)?;
        let index = self.index.map(Path::to_owned);
        // An ignore file in the home folder does not apply to what is not in a repository there.
        let in_work_tree = root.ancestors().any(|above| above.join(".git").exists());
        Ok(WalkBuilder::new(root)
            .hidden(!hidden)
            .ignore(ignore_rules)
            .git_ignore(ignore_rules)
            .git_global(false)
            .git_exclude(ignore_rules)
            .require_git(false)
            .parents(ignore_rules && in_work_tree)
            .follow_links(self.options.follow)
            .filter_entry(move |entry| {
                let in_index =
                    index.as_deref().is_some_and(|index| entry.path().starts_with(index));
                if entry.depth() > 0
                    && !in_index
                    && let Some(reason) = excludes.reason(entry.path(), is_dir(entry))
                {
                    // Nobody listens when a walk is not the one that is reported.
                    let _ = excluded.as_ref().map(|to| to.send((reason, entry.path().to_owned())));
                    return false;
                }
                !in_index
                    && (entry.depth() == 0
                        || !NEVER_READ.iter().any(|name| entry.file_name() == *name))
            })
            .build())
    }
}

fn is_dir(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_dir())
}

/// The type of a special file that must not be read: reading a FIFO waits for a writer.
fn special(kind: FileType) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a FIFO");
        } else if kind.is_socket() {
            return Some("a socket");
        } else if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
    }
    (!kind.is_file() && !kind.is_dir() && !kind.is_symlink()).then_some("neither")
}

/// A link to one of its parent folders holds nothing that is not found elsewhere.
fn is_loop(error: &ignore::Error) -> bool {
    matches!(cause_of(error), ignore::Error::Loop { .. })
}

/// What went wrong, without the path.
fn cause_of(error: &ignore::Error) -> &ignore::Error {
    match error {
        ignore::Error::WithPath { err, .. }
        | ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => cause_of(err),
        other => other,
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(root: &Path, options: &SyncOptions) -> (Vec<String>, Report) {
        let mut report = Report::default();
        let walker = Walker { options, index: None, lenient: false };
        let found = walker.find(vec![Source::Path(root.to_owned())], &mut report).unwrap();
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        (found.files.iter().map(name).collect(), report)
    }

    #[test]
    fn ignore_files_above_a_source_count_only_within_a_work_tree() {
        let dir = tempfile::tempdir().unwrap();
        let docs = dir.path().join("docs");
        fs::create_dir(&docs).unwrap();
        fs::write(dir.path().join(".gitignore"), "*\n").unwrap();
        fs::write(docs.join("a.txt"), "alpha").unwrap();
        let options = SyncOptions::default();
        assert_eq!(find(&docs, &options).0, ["a.txt"]);
        fs::create_dir(dir.path().join(".git")).unwrap();
        let (files, report) = find(&docs, &options);
        assert!(files.is_empty());
        assert!(report.problems[0].reason.contains("a.txt"), "{report:?}");
        let options = options.with_ignored_listed(true);
        assert_eq!(find(&docs, &options).1.ignored, 1);
    }

    #[test]
    fn hidden_files_never_include_those_of_git_or_of_an_index() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("docs/.vizsla")).unwrap();
        fs::write(dir.path().join("docs/.vizsla/vizsla.json"), "{}").unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join(".git/config"), "x").unwrap();
        fs::write(dir.path().join(".env"), "x").unwrap();
        assert_eq!(find(dir.path(), &SyncOptions::default().with_hidden(true)).0, [".env"]);
    }

    #[test]
    fn a_source_that_is_gone_is_an_error_or_a_problem() {
        let options = SyncOptions::default();
        let gone = || vec![Source::Path("/nowhere/at/all".into())];
        let walker = Walker { options: &options, index: None, lenient: false };
        let error = walker.find(gone(), &mut Report::default()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Source);
        let mut report = Report::default();
        assert!(Walker { lenient: true, ..walker }.find(gone(), &mut report).is_ok());
        assert_eq!(report.problems[0].path, "/nowhere/at/all");
        let options = SyncOptions::default().with_prune(true);
        let walker = Walker { options: &options, index: None, lenient: true };
        let found = walker.find(gone(), &mut Report::default()).unwrap();
        assert_eq!((found.gone.len(), found.roots), (1, found.gone));
    }
}
