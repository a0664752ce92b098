//! Documents go in and out; nothing is seen before it is committed.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tantivy::indexer::{LogMergePolicy, UserOperation};
use tantivy::{TantivyDocument, Term};
use vizsla_core::{Document, Passage, split};

use crate::error::{Error, ErrorKind, Result};
use crate::index::Index;
use crate::manifest::{FileRecord, Manifest, Payload};

/// How to write.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WriterOptions {
    /// Memory for what is not on disk yet, over all threads, in bytes; at least 15 MB a thread.
    pub memory: usize,
    /// Threads that build the index.
    pub threads: usize,
}

impl WriterOptions {
    /// Sets the memory for what is not on disk yet, in bytes.
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Sets how many threads build the index.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }
}

/// 256 MB, and one thread for each core up to 8.
impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8),
        }
    }
}

const MIN_MEMORY_PER_THREAD: usize = 15 << 20;
/// Longer ids could not be found again: the engine drops longer terms.
const MAX_ID_BYTES: usize = 32_000;

/// Writes to an index. Documents may be added from many threads at once. What is not committed when the writer is
/// dropped, or the process killed, is gone, and the last commit stays.
pub struct IndexWriter {
    index: Index,
    engine: tantivy::IndexWriter,
    pending: Mutex<Pending>,
}

struct Pending {
    manifest: Manifest,
    /// Hashes of the ids added since the writer was opened: a million ids take some megabytes. Two ids of one hash only
    /// make for a needless look for a former document.
    added: HashSet<u64>,
    /// Whether the index held nothing when the writer was opened.
    fresh: bool,
}

impl fmt::Debug for IndexWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexWriter").field("index", &self.index).finish_non_exhaustive()
    }
}

fn hash_of(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// What became of a document that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Added {
    /// How many passages it was cut into; none when it has neither title nor text.
    pub passages: usize,
    /// Whether a document with the same id was added earlier through this writer and has been replaced.
    pub repeated: bool,
}

impl IndexWriter {
    pub(crate) fn new(index: Index, options: &WriterOptions) -> Result<Self> {
        let memory = options.memory.max(options.threads * MIN_MEMORY_PER_THREAD);
        let engine = index
            .engine
            .writer_with_num_threads(options.threads, memory)
            .map_err(|e| index.failed("write to", e))?;
        let mut merging = LogMergePolicy::default();
        // What was deleted takes room and time until its segment is written anew.
        merging.set_del_docs_ratio_before_merge(0.3);
        engine.set_merge_policy(Box::new(merging));
        // What a killed writer left half done would be in the way of files that want the same names.
        engine.garbage_collect_files().wait().map_err(|e| index.failed("clean up", e))?;
        index.refresh()?;
        let fresh = index.reader.searcher().num_docs() == 0;
        let pending =
            Mutex::new(Pending { manifest: index.manifest()?, added: HashSet::new(), fresh });
        Ok(Self { index, engine, pending })
    }

    /// Adds a document, in place of any with the same id.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the id is empty or longer than 32,000 bytes.
    pub fn add(&self, document: &Document) -> Result<Added> {
        if document.id.is_empty() || document.id.len() > MAX_ID_BYTES {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "a document id has {} bytes; it must have 1 to {MAX_ID_BYTES}",
                    document.id.len()
                ),
            ));
        }
        let passages = split(document, &self.index.settings.split);
        let added = passages.len();
        let with_body = self.index.settings.separate_body;
        let encode = |passage: Passage| self.index.fields.encode(passage, with_body);
        let passages = passages.into_iter().map(encode).collect::<Result<Vec<_>>>()?;
        // Held while the operations are queued, so that of two documents with one id added at once the later wins whole.
        let mut pending = self.pending();
        let repeated = !pending.added.insert(hash_of(&document.id));
        let delete =
            (repeated || !pending.fresh).then(|| UserOperation::Delete(self.id_term(&document.id)));
        let operations: Vec<UserOperation<TantivyDocument>> =
            delete.into_iter().chain(passages.into_iter().map(UserOperation::Add)).collect();
        self.engine.run(operations).map_err(|error| self.index.failed("write to", error))?;
        Ok(Added { passages: added, repeated })
    }

    /// Removes the document with this id. Gives back whether the last commit has it or it was added since.
    pub fn delete(&self, id: &str) -> Result<bool> {
        let term = self.id_term(id);
        let frequency = self
            .index
            .reader
            .searcher()
            .doc_freq(&term)
            .map_err(|error| self.index.failed("read", error))?;
        let mut pending = self.pending();
        let added = pending.added.remove(&hash_of(id));
        self.engine.delete_term(term);
        Ok(added || frequency > 0)
    }

    /// Removes all documents that were read from a file, and forgets the file. Gives back whether it was known.
    pub fn delete_file(&self, path: &str) -> bool {
        self.engine.delete_term(Term::from_field_text(self.index.fields.path, path));
        self.pending().manifest.files.remove(path).is_some()
    }

    /// Remembers a file whose documents were added, so that a later run can tell whether it has changed.
    pub fn record_file(&self, path: impl Into<String>, record: FileRecord) {
        self.pending().manifest.files.insert(path.into(), record);
    }

    /// What is known of a file.
    pub fn file(&self, path: &str) -> Option<FileRecord> {
        self.pending().manifest.files.get(path).cloned()
    }

    /// The files that are known, in order.
    pub fn files(&self) -> Vec<String> {
        self.pending().manifest.files.keys().cloned().collect()
    }

    /// Makes everything since the last commit visible and durable, all of it or nothing.
    ///
    /// # Errors
    /// Those of writing; the last commit then stays as it was.
    pub fn commit(&mut self) -> Result<()> {
        let mut manifest = self.pending().manifest.clone();
        manifest.sequence += 1;
        if let Some(dir) = &self.index.dir {
            manifest.write(dir)?;
        }
        let payload =
            Payload { manifest: manifest.sequence, settings: self.index.settings }.to_json();
        let mut commit = || {
            let mut prepared = self.engine.prepare_commit()?;
            prepared.set_payload(&payload);
            prepared.commit()
        };
        commit().map_err(|error| self.index.failed("commit to", error))?;
        if let Some(dir) = &self.index.dir {
            manifest.remove_others(dir);
        }
        self.index.keep_copy()?;
        self.pending().manifest.sequence = manifest.sequence;
        self.index.refresh()
    }

    /// Forgets everything since the last commit.
    pub fn rollback(&mut self) -> Result<()> {
        self.engine.rollback().map_err(|error| self.index.failed("roll back", error))?;
        let manifest = self.index.manifest()?;
        let mut pending = self.pending();
        pending.manifest = manifest;
        pending.added.clear();
        pending.fresh = self.index.reader.searcher().num_docs() == 0;
        Ok(())
    }

    /// Waits until parts of the index that are being merged are done, and closes the writer. Dropping it instead is
    /// safe and leaves the merging to the next writer.
    pub fn finish(self) -> Result<()> {
        let Self { index, engine, .. } = self;
        engine.wait_merging_threads().map_err(|error| index.failed("merge", error))?;
        index.keep_copy()?;
        index.refresh()
    }

    fn id_term(&self, id: &str) -> Term {
        Term::from_field_text(self.index.fields.doc_id, id)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
