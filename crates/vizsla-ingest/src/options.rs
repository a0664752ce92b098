//! How sources are read.

use serde::{Deserialize, Serialize};
use vizsla::Limits;

use crate::limits;

/// How sources are walked and read, and the resources to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[non_exhaustive]
pub struct SyncOptions {
    /// Bounds on files, records, texts and metadata.
    #[serde(with = "limits")]
    pub limits: Limits,
    /// Whether hidden files are read too; never the contents of a `.git` or `.vizsla`.
    pub hidden: bool,
    /// Whether `.gitignore` and `.ignore` files are obeyed. Those above a source count only within a git work tree.
    pub ignore_rules: bool,
    /// Globs of what is left out, relative to each source and in the syntax of `.gitignore`; `!` takes back.
    pub exclude: Vec<String>,
    /// Whether build folders, caches, folders of packages, minified files and lock files are left out.
    pub default_excludes: bool,
    /// Whether symbolic links are followed.
    pub follow: bool,
    /// Whether a folder that no longer holds any file loses all its documents. Otherwise they are kept and the folder
    /// is reported, since it may merely be unmounted.
    pub prune: bool,
    /// Languages of pictures of text, such as scanned pages, as the program that reads them names them; they are not
    /// read when `None`. Only workers read them ([`Sync::with_workers`](crate::Sync::with_workers)).
    pub ocr: Option<String>,
    /// Whether files that could not be read, or only in part, are read again even when they are unchanged.
    pub retry_failed: bool,
    /// Whether files are read even when their size and time are unchanged, and manually deleted documents are restored.
    pub rehash: bool,
    /// Whether [`Report::skipped`](crate::Report::skipped) names hidden and ignored files, which takes a second walk.
    pub list_ignored: bool,
    /// Threads that read files; all cores when `None`.
    pub threads: Option<usize>,
    /// Bytes of memory to write the index with: see [`vizsla::WriterOptions::with_memory`].
    pub memory: usize,
    /// Bytes that files may take in memory at once, over all threads. A file counts as four times its size, for its
    /// text and documents, and a JSON file as sixteen times; one that counts for more than this is read alone.
    pub read_memory: u64,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            hidden: false,
            ignore_rules: true,
            exclude: Vec::new(),
            default_excludes: true,
            follow: false,
            prune: false,
            ocr: None,
            retry_failed: false,
            rehash: false,
            list_ignored: false,
            threads: None,
            memory: 512 << 20,
            read_memory: 128 << 20,
        }
    }
}

impl SyncOptions {
    /// Sets the bounds on files, records, texts and metadata.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets whether hidden files are read.
    pub fn with_hidden(mut self, hidden: bool) -> Self {
        self.hidden = hidden;
        self
    }

    /// Sets whether `.gitignore` and `.ignore` files are obeyed.
    pub fn with_ignore_rules(mut self, obeyed: bool) -> Self {
        self.ignore_rules = obeyed;
        self
    }

    /// Adds a glob of what is left out.
    pub fn with_exclude(mut self, glob: impl Into<String>) -> Self {
        self.exclude.push(glob.into());
        self
    }

    /// Sets whether what programs have made is left out.
    pub fn with_default_excludes(mut self, left_out: bool) -> Self {
        self.default_excludes = left_out;
        self
    }

    /// Sets whether symbolic links are followed.
    pub fn with_follow(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }

    /// Sets whether a folder that no longer holds any file loses all its documents.
    pub fn with_prune(mut self, prune: bool) -> Self {
        self.prune = prune;
        self
    }

    /// Sets the languages of pictures of text.
    pub fn with_ocr(mut self, languages: impl Into<String>) -> Self {
        self.ocr = Some(languages.into());
        self
    }

    /// Sets whether files that could not be read, or only in part, are read again even when they are unchanged.
    pub fn with_retry_failed(mut self, retry: bool) -> Self {
        self.retry_failed = retry;
        self
    }

    /// Sets whether files are read even when they seem unchanged.
    pub fn with_rehash(mut self, rehash: bool) -> Self {
        self.rehash = rehash;
        self
    }

    /// Sets whether the report names hidden and ignored files.
    pub fn with_ignored_listed(mut self, listed: bool) -> Self {
        self.list_ignored = listed;
        self
    }

    /// Sets how many threads read files; at least one.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// Sets how many bytes of memory to write the index with: see [`vizsla::WriterOptions::with_memory`].
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// What is stored for later runs: the options that decide which documents a source yields, not how one run
    /// proceeds.
    pub(crate) fn to_remember(&self) -> Self {
        Self {
            limits: self.limits,
            hidden: self.hidden,
            ignore_rules: self.ignore_rules,
            exclude: self.exclude.clone(),
            default_excludes: self.default_excludes,
            follow: self.follow,
            ocr: self.ocr.clone(),
            ..Self::default()
        }
    }

    /// Whether these options may read what others could not.
    pub(crate) fn reads_unlike(&self, other: &Self) -> bool {
        self.limits != other.limits || self.ocr != other.ocr
    }

    pub(crate) fn thread_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or_else(cores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_stored_and_what_is_missing_has_its_default() {
        let mut limits = Limits::default().with_file_bytes(7).with_metadata_bytes(9);
        limits.members = 5;
        let options = SyncOptions::default().with_limits(limits).with_hidden(true).with_threads(3);
        let json = serde_json::to_string(&options).unwrap();
        assert_eq!(serde_json::from_str::<SyncOptions>(&json).unwrap(), options);
        let read: SyncOptions = serde_json::from_str("{\"follow\": true}").unwrap();
        assert_eq!(read, SyncOptions::default().with_follow(true));
    }

    #[test]
    fn what_concerns_one_run_is_not_remembered() {
        let options = SyncOptions::default().with_prune(true).with_rehash(true).with_threads(1);
        assert_eq!(options.to_remember(), SyncOptions::default());
    }
}
