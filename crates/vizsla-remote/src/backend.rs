//! What an engine must be able to do to be written to. Everything else about writing is the same for all of them, in
//! [`writer`](crate::writer).

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;

use vizsla::{DocumentKey, FileRecord, IndexSettings, Passage, Refusal, Result};

/// A change to the passages of an engine.
#[derive(Debug)]
pub(crate) enum Change {
    /// Adds a passage, or replaces the one of the same file, document and ordinal.
    Put(Box<Passage>),
    /// Removes the passage of this file, document and ordinal, if there is one.
    Remove(String, String, u32),
}

/// An engine that holds passages and, beside them, what is remembered of files.
pub(crate) trait Backend: Send + Sync + fmt::Debug {
    /// How the index was made.
    fn settings(&self) -> IndexSettings;

    /// How it ranks, in words.
    fn ranking(&self) -> String {
        format!("BM25, {}", self.settings().bm25)
    }

    /// Keeps other writers out until what is returned is dropped, and makes visible what earlier ones have written.
    fn begin(&self, run: &str) -> Result<Box<dyn Turn>>;

    /// Whether a writer that ends without a commit leaves nothing.
    fn is_atomic(&self) -> bool {
        false
    }

    /// What is remembered of all files.
    fn records(&self) -> Result<BTreeMap<String, FileRecord>>;

    /// What the program that keeps the index in sync has stored.
    fn state(&self) -> Result<Option<String>>;

    /// Remembers files.
    fn put_records(&self, records: &[(String, FileRecord)]) -> Result<()>;

    /// Forgets files.
    fn forget(&self, paths: &[String]) -> Result<()>;

    /// Makes changes, in order. Returns the documents that the engine did not take.
    fn change(&self, run: &str, changes: &[Change]) -> Result<Vec<Refusal>>;

    /// Removes the passages of files, but not those that `run` has written.
    fn remove_files(&self, paths: &[String], run: &str) -> Result<()>;

    /// Removes the passages of documents that are of no file, but not those that `run` has written.
    fn remove_documents(&self, ids: &[String], run: &str) -> Result<()>;

    /// Makes everything visible and durable.
    fn commit(&self, state: Option<&str>) -> Result<()>;

    /// How many documents and passages there are.
    fn counts(&self) -> Result<(u64, u64)>;

    /// All passages of a document, in order and with its metadata.
    fn document(&self, key: DocumentKey<'_>) -> Result<Vec<Passage>>;

    /// The ids of the first `limit` documents of a file.
    fn documents_of(&self, path: &str, limit: usize) -> Result<Vec<String>>;

    /// The files that have a document with this id.
    fn files_with(&self, id: &str) -> Result<Vec<String>>;
}

/// The right to write. Dropping it gives it back.
pub(crate) trait Turn: Any + Send + Sync {
    /// That nobody else has taken it meanwhile.
    fn check(&self) -> Result<()>;
}
