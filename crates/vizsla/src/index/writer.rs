//! Adds and removes documents; nothing is visible before it is committed.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tantivy::Term;
use tantivy::directory::DirectoryLock;
use tantivy::indexer::{IndexWriterOptions, UserOperation};
use tantivy::query::{BooleanQuery, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use vizsla_core::{Document, DocumentKey, Limits, Passage, split};

use super::directory::{OpenGate, SEGMENTS_DIR};
use super::manifest::{FileRecord, Manifest, Payload};
use super::merging::{self, WithinMemory};
use super::{Index, lock_for_writing};
use crate::error::{Error, ErrorKind, Result};

/// Options for writing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WriterOptions {
    memory: usize,
    threads: usize,
    limits: Limits,
}

impl WriterOptions {
    /// Sets the memory to write with, in bytes; at least 38 MB per thread. Two fifths are for data not yet on disk, a quarter
    /// for merging segments, the rest for writing them and for knowing which documents were added: ten to twenty bytes each
    /// until they are committed. So ten million documents in one commit stay within the default, a hundred million do not.
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// The memory to write with.
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// The limits on a document.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sets how many threads build the index.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Sets the limits on a document; only [`Limits::metadata_bytes`] applies here.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// 512 MB, and one thread for each core up to 8.
impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            memory: 512 << 20,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8),
            limits: Limits::default(),
        }
    }
}

const KEY_GROUPS: usize = 64;
const MIN_MEMORY_PER_THREAD: usize = 15 << 20;
/// The engine drops longer terms, so longer ids and paths could not be found again.
const MAX_ID_BYTES: usize = 32_000;

/// Writes to an index. Documents may be added from many threads at once. Anything uncommitted when the writer is
/// dropped, or the process killed, is lost, and the last commit stays.
pub struct IndexWriter {
    index: Index,
    options: WriterOptions,
    // Dropped in this order: when the lock is given back, nothing of this writer can change the index any more.
    engine: tantivy::IndexWriter,
    gate: OpenGate,
    lock: DirectoryLock,
    pending: Mutex<Pending>,
    /// Hashes of the documents added since the last commit, in groups that are locked apart: ten to twenty bytes for each
    /// document. A hash collision only costs a needless lookup.
    added: [Mutex<HashSet<u64>>; KEY_GROUPS],
}

struct Pending {
    manifest: Manifest,
    /// The highest number given to a manifest, including that of a failed commit, which may be on disk after all.
    last_sequence: u64,
    /// Hashes of committed documents deleted since the last commit, so that none counts twice.
    deleted: HashSet<u64>,
    /// Whether the last commit holds nothing.
    fresh: bool,
}

impl Pending {
    fn new(index: &Index) -> Result<Self> {
        let manifest = index.manifest()?;
        let fresh = index.reader.searcher().num_docs() == 0;
        Ok(Self { last_sequence: manifest.sequence, manifest, deleted: HashSet::new(), fresh })
    }
}

impl fmt::Debug for IndexWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexWriter").field("index", &self.index).finish_non_exhaustive()
    }
}

/// The outcome of adding a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddOutcome {
    /// How many passages it was split into; 0 when it has neither title nor text.
    pub passages: usize,
    /// Whether a document of the same file with the same id was added since the last commit and is now replaced.
    pub repeated: bool,
}

impl AddOutcome {
    /// What came of a document.
    pub fn new(passages: usize, repeated: bool) -> Self {
        Self { passages, repeated }
    }
}

impl Index {
    /// Opens a writer. There can be only one at a time, across all processes.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] when there is another one.
    pub fn writer(&self, options: &WriterOptions) -> Result<IndexWriter> {
        IndexWriter::new(self.clone(), options.clone())
    }
}

impl IndexWriter {
    fn new(index: Index, options: WriterOptions) -> Result<Self> {
        let lock = lock_for_writing("write to", index.dir(), &index.folder)?;
        index.folder.failure().clear();
        remove_scratch_files(index.dir());
        let (engine, gate) = open_engine(&index, &options)?;
        // Leftovers of a killed writer would collide with new files of the same names.
        engine.garbage_collect_files().wait().map_err(|e| index.failed("clean up", e))?;
        index.refresh()?;
        let pending = Mutex::new(Pending::new(&index)?);
        let added = std::array::from_fn(|_| Mutex::default());
        Ok(Self { index, options, engine, gate, lock, pending, added })
    }

    /// Adds a document, replacing the one from the same file with the same id.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for what cannot be stored or retrieved: an id that is empty or longer than 32,000
    /// bytes, metadata with a number that is not finite, or more metadata than the limit.
    pub fn add(&self, document: &Document) -> Result<AddOutcome> {
        check_document(document, &self.options.limits)?;
        let passages = split(document, &self.index.settings.split);
        let count = passages.len();
        let with_body = self.index.settings.separate_body;
        let encode = |passage: Passage| {
            Ok(UserOperation::Add(self.index.fields.encode(passage, with_body)?))
        };
        let operations = passages.into_iter().map(encode).collect::<Result<Vec<_>>>()?;
        let key = (document.path.as_deref().unwrap_or_default(), document.id.as_str());
        // Held while the operations are queued, so that of two documents added concurrently under one key, the later
        // wins entirely. Documents with other keys need not wait while the engine's queue is full.
        let hash = hash_of(key);
        let mut added = self.added(hash);
        let repeated = !added.insert(hash);
        let fresh = {
            let mut pending = self.pending();
            pending.manifest.without_file |= document.path.is_none();
            pending.fresh
        };
        if repeated || (!fresh && self.is_committed(key)?) {
            self.delete_document(key)?;
        }
        self.engine.run(operations).map_err(|error| self.index.failed("write to", error))?;
        Ok(AddOutcome { passages: count, repeated })
    }

    /// Whether the last commit contains the document.
    fn is_committed(&self, key: DocumentKey<'_>) -> Result<bool> {
        let searcher = self.index.reader.searcher();
        let failed = |error| self.index.failed("read", error);
        let [_, id] = self.key_terms(key);
        if searcher.doc_freq(&id).map_err(failed)? == 0 {
            return Ok(false);
        }
        Ok(self.key_query(key).count(&searcher).map_err(failed)? > 0)
    }

    fn delete_document(&self, key: DocumentKey<'_>) -> Result<()> {
        let query = Box::new(self.key_query(key));
        self.engine.delete_query(query).map_err(|error| self.index.failed("write to", error))?;
        Ok(())
    }

    fn key_terms(&self, (path, id): DocumentKey<'_>) -> [Term; 2] {
        let fields = self.index.fields;
        [Term::from_field_text(fields.path, path), Term::from_field_text(fields.doc_id, id)]
    }

    fn key_query(&self, key: DocumentKey<'_>) -> BooleanQuery {
        let query =
            |term| -> Box<dyn Query> { Box::new(TermQuery::new(term, IndexRecordOption::Basic)) };
        BooleanQuery::intersection(self.key_terms(key).into_iter().map(query).collect())
    }

    /// The files that have a document with this id in the last commit, in order; an empty name means no file.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn files_with(&self, id: &str) -> Result<Vec<String>> {
        self.index.files_with(id)
    }

    /// Removes the document with this id, whichever file it came from. Returns whether there was one. Its file is still
    /// remembered: the document returns when the file is read again, because it changed or on request. An uncommitted
    /// document that came from a file is found only by [`delete_from`](Self::delete_from).
    ///
    /// # Errors
    /// [`ErrorKind::Ambiguous`] when several files have a document with this id; [`delete_from`](Self::delete_from) removes
    /// one of them.
    pub fn delete(&self, id: &str) -> Result<bool> {
        let files = self.files_with(id)?;
        match files.as_slice() {
            [] => self.delete_from("", id),
            [file] => self.delete_from(file, id),
            files => Err(Error::new(
                ErrorKind::Ambiguous,
                format!("{} sources have a document {id:?}: {}", files.len(), named(files)),
            )),
        }
    }

    /// Removes the document of a file with this id; `file` is empty for a document without a file. Otherwise as
    /// [`delete`](Self::delete).
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn delete_from(&self, file: &str, id: &str) -> Result<bool> {
        let committed = self.is_committed((file, id))?;
        let hash = hash_of((file, id));
        let mut added = self.added(hash);
        let was_added = added.remove(&hash);
        let mut pending = self.pending();
        let removed = was_added | (committed && pending.deleted.insert(hash));
        self.delete_document((file, id))?;
        if let (true, Some(record)) = (removed, pending.manifest.files.get_mut(file)) {
            record.documents = record.documents.saturating_sub(1);
            record.deleted = true;
        }
        Ok(removed)
    }

    /// Removes all documents read from a file, and forgets the file. Returns whether it was known.
    pub fn delete_file(&self, path: &str) -> bool {
        let mut pending = self.pending();
        self.engine.delete_term(Term::from_field_text(self.index.fields.path, path));
        pending.manifest.files.remove(path).is_some()
    }

    /// Removes all documents read from a file, but remembers the file as it is, so that they return only when it
    /// changes or is read again on request. Returns whether it was known.
    pub fn delete_documents_of(&self, path: &str) -> bool {
        let mut pending = self.pending();
        self.engine.delete_term(Term::from_field_text(self.index.fields.path, path));
        let Some(record) = pending.manifest.files.get_mut(path) else { return false };
        (record.documents, record.deleted) = (0, true);
        true
    }

    /// Remembers a file whose documents were added, so that a later run can tell whether it has changed.
    pub fn record_file(&self, path: impl Into<String>, record: FileRecord) {
        self.pending().manifest.files.insert(path.into(), record);
    }

    /// What is known about a file.
    pub fn file(&self, path: &str) -> Option<FileRecord> {
        self.pending().manifest.files.get(path).cloned()
    }

    /// The known files, in order.
    pub fn files(&self) -> Vec<String> {
        self.pending().manifest.files.keys().cloned().collect()
    }

    /// Stores, with the next commit, the state of the program that keeps the index in sync with its sources, in that
    /// program's own format.
    pub fn set_sync_state(&self, state: Option<String>) {
        self.pending().manifest.sync_state = state;
    }

    /// Makes everything since the last commit visible and durable, atomically.
    ///
    /// # Errors
    /// Those of writing; the last commit then stays as it was, and the additions can be committed again.
    pub fn commit(&mut self) -> Result<()> {
        let (manifest, previous) = {
            let mut pending = self.pending();
            // A number is never reused: a failed commit may have reached the disk, and would then name it.
            pending.last_sequence += 1;
            let mut manifest = pending.manifest.clone();
            manifest.sequence = pending.last_sequence;
            (manifest, pending.manifest.sequence)
        };
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
        self.pending().manifest.sequence = manifest.sequence;
        if let Some(dir) = &self.index.dir {
            manifest.remove_others(dir, previous);
        }
        self.index.folder.failure().clear();
        self.index.refresh()?;
        // From here on the index itself has the added documents.
        self.forget_added();
        let mut pending = self.pending();
        pending.deleted.clear();
        pending.fresh = self.index.is_empty();
        Ok(())
    }

    /// Discards everything since the last commit.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn rollback(&mut self) -> Result<()> {
        self.gate.close();
        (self.engine, self.gate) = open_engine(&self.index, &self.options)?;
        self.index.folder.failure().clear();
        self.forget_added();
        let last_sequence = self.pending().last_sequence;
        let pending = Pending::new(&self.index)?;
        *self.pending() =
            Pending { last_sequence: last_sequence.max(pending.last_sequence), ..pending };
        Ok(())
    }

    /// Waits for running merges to finish, and closes the writer. Dropping it instead is safe and leaves merging to the
    /// next writer.
    ///
    /// # Errors
    /// Those of merging; what was committed stays as it is.
    pub fn finish(self) -> Result<()> {
        let Self { index, engine, gate, lock, .. } = self;
        let merged = engine.wait_merging_threads();
        drop(gate);
        drop(lock);
        merged.map_err(|error| index.failed("merge", error))?;
        index.refresh()
    }

    /// The group of added documents that one with this hash belongs to.
    fn added(&self, hash: u64) -> MutexGuard<'_, HashSet<u64>> {
        self.added[hash as usize % KEY_GROUPS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets which documents were added.
    fn forget_added(&mut self) {
        for group in &mut self.added {
            *group.get_mut().unwrap_or_else(PoisonError::into_inner) = HashSet::new();
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    /// The files that have a document with this id in the last commit, in order; an empty name means no file.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn files_with(&self, id: &str) -> Result<Vec<String>> {
        let searcher = self.reader.searcher();
        let term = Term::from_field_text(self.fields.doc_id, id);
        let mut files = HashSet::new();
        for address in super::addresses(&searcher, term).map_err(|e| self.failed("read", e))? {
            let document = searcher.doc(address).map_err(|error| self.failed("read", error))?;
            files.insert(self.fields.decode(&document)?.path.unwrap_or_default());
        }
        let mut files: Vec<String> = files.into_iter().collect();
        files.sort();
        Ok(files)
    }
}

fn open_engine(index: &Index, options: &WriterOptions) -> Result<(tantivy::IndexWriter, OpenGate)> {
    let (engine, gate) = index.engine_for_writing()?;
    let memory = (options.memory / 5 * 2).max(options.threads * MIN_MEMORY_PER_THREAD);
    let writing = IndexWriterOptions::builder()
        .num_worker_threads(options.threads)
        .memory_budget_per_thread(memory / options.threads)
        .num_merge_threads(merging::AT_ONCE)
        .build();
    let engine =
        engine.writer_with_options(writing).map_err(|error| index.failed("write to", error))?;
    engine.set_merge_policy(Box::new(WithinMemory::new(options.memory)));
    Ok((engine, gate))
}

/// Whether a document can be stored and found again.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] for an id that is empty or longer than 32,000 bytes, metadata with a number that is not
/// finite, or more metadata than the limit.
pub fn check_document(document: &Document, limits: &Limits) -> Result<()> {
    let unfit = |what: String| Err(Error::new(ErrorKind::InvalidInput, what));
    let (id, path) = (&document.id, document.path.as_deref().unwrap_or_default());
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        let bytes = id.len();
        return unfit(format!("a document id has {bytes} bytes; it must have 1 to {MAX_ID_BYTES}"));
    }
    if path.len() > MAX_ID_BYTES {
        let bytes = path.len();
        return unfit(format!(
            "the path of document {id:?} has {bytes} bytes, more than {MAX_ID_BYTES}"
        ));
    }
    if let Some((name, _)) = document.metadata.iter().find(|(_, value)| !value.is_finite()) {
        return unfit(format!(
            "document {id:?} has a number in its metadata {name:?} that is not finite and cannot be stored"
        ));
    }
    let sizes = document.metadata.iter().map(|(name, value)| name.len() + value.size());
    let (bytes, limit) = (sizes.sum::<usize>(), limits.metadata_bytes);
    if bytes > limit {
        return unfit(format!(
            "document {id:?} has {bytes} bytes of metadata, more than the limit of {limit}"
        ));
    }
    Ok(())
}

/// Removes what killed writers were writing. Only whoever holds the writer's lock may do so.
fn remove_scratch_files(dir: Option<&Path>) {
    let entries = dir.and_then(|dir| fs::read_dir(dir.join(SEGMENTS_DIR)).ok());
    for entry in entries.into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(".tmp") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The names of files, of which an empty one means documents without a file.
fn named(files: &[String]) -> String {
    let name = |file: &String| if file.is_empty() { "no file".to_owned() } else { file.clone() };
    files.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn hash_of(key: DocumentKey<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
