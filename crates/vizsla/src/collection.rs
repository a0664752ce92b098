//! What sources are kept in sync with and read back from: an index of this crate, or one that an engine elsewhere holds.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use vizsla_core::{Document, DocumentKey, Filter, Passage};

use crate::error::Result;
use crate::index::{
    AddOutcome, FileRecord, Index, IndexSettings, IndexStats, IndexWriter, WriterOptions,
    path_globs,
};

/// Documents that are searched, and the files that they are of.
pub trait Collection: Send + Sync + fmt::Debug {
    /// The index of this crate that it is, if it is one.
    fn index(&self) -> Option<&Index> {
        None
    }

    /// The folder that it is in, if it is in one.
    fn dir(&self) -> Option<&Path> {
        None
    }

    /// How it was made.
    fn settings(&self) -> IndexSettings;

    /// How its passages are ranked by the first stage, in words.
    fn ranking(&self) -> String {
        format!("BM25, {}", self.settings().bm25)
    }

    /// What the program that keeps it in sync with its sources has stored.
    ///
    /// # Errors
    /// Those of reading it.
    fn sync_state(&self) -> Result<Option<String>>;

    /// Opens a writer, of which there is one at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`](crate::ErrorKind::Locked) when there is another one.
    fn writer<'a>(&'a self, options: &WriterOptions) -> Result<Box<dyn CollectionWriter + 'a>>;

    /// Whether no passage can be found in it.
    ///
    /// # Errors
    /// Those of reading it.
    fn is_empty(&self) -> Result<bool>;

    /// Counts what is in it.
    ///
    /// # Errors
    /// Those of reading it.
    fn stats(&self) -> Result<IndexStats>;

    /// All passages of a document, in order and with its metadata.
    ///
    /// # Errors
    /// Those of reading it.
    fn document(&self, key: DocumentKey<'_>) -> Result<Vec<Passage>>;

    /// The ids of the first `limit` documents that were read from a file.
    ///
    /// # Errors
    /// Those of reading it.
    fn documents_of(&self, path: &str, limit: usize) -> Result<Vec<String>>;

    /// The files that have a document with this id; an empty name means no file.
    ///
    /// # Errors
    /// Those of reading it.
    fn files_with(&self, id: &str) -> Result<Vec<String>>;

    /// What is known about the files that match a filter's globs for paths and names.
    ///
    /// # Errors
    /// Those of reading it, and of a glob that is invalid.
    fn file_records(&self, filter: &Filter) -> Result<BTreeMap<String, FileRecord>>;

    /// The files that match a filter's globs for paths and names, in order.
    ///
    /// # Errors
    /// As [`file_records`](Self::file_records).
    fn files(&self, filter: &Filter) -> Result<Vec<String>> {
        Ok(self.file_records(filter)?.into_keys().collect())
    }
}

/// Adds and removes documents. Documents may be added from many threads at once; those of one file are added before the
/// file is recorded.
pub trait CollectionWriter: Send + Sync {
    /// Adds a document, replacing the one from the same file with the same id.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for what cannot be stored or found again.
    fn add(&self, document: &Document) -> Result<AddOutcome>;

    /// What is known about a file.
    fn file(&self, path: &str) -> Option<FileRecord>;

    /// The known files, in order.
    fn files(&self) -> Vec<String>;

    /// Remembers a file whose documents were added.
    ///
    /// # Errors
    /// Those of writing.
    fn record_file(&self, path: &str, record: FileRecord) -> Result<()>;

    /// Removes all documents read from a file, and forgets the file. Returns whether it was known.
    fn delete_file(&self, path: &str) -> bool;

    /// Stores what the program that keeps it in sync with its sources has to remember.
    fn set_sync_state(&self, state: Option<String>);

    /// Makes everything visible and durable, and says what was refused.
    ///
    /// # Errors
    /// Those of writing.
    fn commit(self: Box<Self>) -> Result<Vec<Refusal>>;

    /// Ends without more. Returns what is to be said about what is there now.
    ///
    /// # Errors
    /// Those of writing.
    fn abandon(self: Box<Self>) -> Result<&'static str>;
}

/// Whether a path matches the globs of a filter for paths and names.
///
/// # Errors
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when a glob is invalid.
pub fn path_filter(filter: &Filter) -> Result<impl Fn(&str) -> bool + use<>> {
    let globs = [path_globs(&filter.paths)?, path_globs(&filter.names)?];
    Ok(move |path: &str| globs.iter().flatten().all(|globs| globs.is_match(path)))
}

/// A document that the collection did not take after it had been added.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The file it was read from; empty for one from no file.
    pub path: String,
    /// Its id.
    pub id: String,
    /// Why, in the words of whoever refused.
    pub reason: String,
}

impl Refusal {
    /// A refused document.
    pub fn new(path: impl Into<String>, id: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), id: id.into(), reason: reason.into() }
    }
}

impl Collection for Index {
    fn index(&self) -> Option<&Index> {
        Some(self)
    }

    fn dir(&self) -> Option<&Path> {
        self.dir()
    }

    fn settings(&self) -> IndexSettings {
        self.settings()
    }

    fn sync_state(&self) -> Result<Option<String>> {
        self.sync_state()
    }

    fn writer<'a>(&'a self, options: &WriterOptions) -> Result<Box<dyn CollectionWriter + 'a>> {
        Ok(Box::new(self.writer(options)?))
    }

    fn is_empty(&self) -> Result<bool> {
        Ok(self.is_empty())
    }

    fn stats(&self) -> Result<IndexStats> {
        self.stats()
    }

    fn document(&self, key: DocumentKey<'_>) -> Result<Vec<Passage>> {
        self.document(key)
    }

    fn documents_of(&self, path: &str, limit: usize) -> Result<Vec<String>> {
        self.documents_of(path, limit)
    }

    fn files_with(&self, id: &str) -> Result<Vec<String>> {
        self.files_with(id)
    }

    fn file_records(&self, filter: &Filter) -> Result<BTreeMap<String, FileRecord>> {
        self.file_records(filter)
    }
}

impl CollectionWriter for IndexWriter {
    fn add(&self, document: &Document) -> Result<AddOutcome> {
        self.add(document)
    }

    fn file(&self, path: &str) -> Option<FileRecord> {
        self.file(path)
    }

    fn files(&self) -> Vec<String> {
        self.files()
    }

    fn record_file(&self, path: &str, record: FileRecord) -> Result<()> {
        self.record_file(path, record);
        Ok(())
    }

    fn delete_file(&self, path: &str) -> bool {
        self.delete_file(path)
    }

    fn set_sync_state(&self, state: Option<String>) {
        self.set_sync_state(state);
    }

    fn commit(self: Box<Self>) -> Result<Vec<Refusal>> {
        let mut writer = *self;
        writer.commit()?;
        writer.finish()?;
        Ok(Vec::new())
    }

    fn abandon(self: Box<Self>) -> Result<&'static str> {
        let mut writer = *self;
        writer.rollback()?;
        Ok("the index is as it was before")
    }
}
