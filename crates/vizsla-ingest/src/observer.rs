//! Who watches a run.

use crate::report::Problem;

/// Is told how a run goes on, from several threads at once. Every method does nothing unless it is implemented, and
/// none should take long. `()` is an observer that looks away.
pub trait Observer: Send + std::marker::Sync {
    /// The sources have been walked, and hold so many files.
    fn found(&self, files: u64) {
        let _ = files;
    }

    /// A file has been dealt with.
    fn file(&self, path: &str, change: Change) {
        let _ = (path, change);
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

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It is new.
    Added,
    /// It was known and has been read again.
    Changed,
    /// It has the content of a file that is gone.
    Renamed,
    /// It is as it was and has not been read again.
    Unchanged,
    /// It is gone, and its documents too.
    Removed,
    /// It could not be read or is too large.
    Failed,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Documents added so far.
    pub documents: u64,
    /// Passages added so far.
    pub passages: u64,
}
