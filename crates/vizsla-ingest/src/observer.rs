//! Observes the progress of a run.

use crate::problem::Problem;

/// Receives the progress of a run, from several threads at once. Every method does nothing by default, and none should
/// take long. `()` ignores everything.
pub trait Observer: Send + std::marker::Sync {
    /// The sources have been walked, and hold this many files of this many bytes in all.
    fn found(&self, files: u64, bytes: u64) {
        let _ = (files, bytes);
    }

    /// A file is new or has changed, and is being read.
    fn reading(&self, path: &str) {
        let _ = path;
    }

    /// A file of this many bytes has been processed.
    fn file(&self, path: &str, bytes: u64, change: Change) {
        let _ = (path, bytes, change);
    }

    /// Something could not be read.
    fn problem(&self, problem: &Problem) {
        let _ = problem;
    }

    /// A document has been added.
    fn progress(&self, progress: Progress) {
        let _ = progress;
    }
}

impl Observer for () {}

/// The outcome for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It is new.
    Added,
    /// It was known and has been reread.
    Changed,
    /// It has the content of a file that is gone: it was renamed.
    Renamed,
    /// It is unchanged and was not reread.
    Unchanged,
    /// It is gone, and so are its documents.
    Removed,
    /// It could not be read or is too large.
    Failed,
}

/// Progress of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Documents added so far.
    pub documents: u64,
    /// Passages added so far.
    pub passages: u64,
}
