//! Writes documents and what is remembered of their files to an engine, in batches.
//!
//! An engine has no transactions over many documents, so the order of writes is what keeps it right whenever a run is
//! cut short: a file is first remembered as incomplete, then its passages are written, then passages that an earlier run
//! has left of it are removed, and only then is the file remembered as it is. Passages have ids made of file, document
//! and ordinal, so that writing them again replaces them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vizsla::{
    AddOutcome, CollectionWriter, Document, Error, ErrorKind, FileRecord, Limits, Refusal, Result,
    SplitOptions, WriterOptions, check_document, split,
};

use crate::address::Address;
use crate::backend::{Backend, Change, Turn};

/// Bytes of text that are sent together.
const BATCH_BYTES: usize = 4 << 20;
/// Passages that are sent together.
const BATCH_PASSAGES: usize = 4_000;
/// Files that are sent together: small ones have few passages.
const BATCH_FILES: usize = 500;
/// The hash of a file that is not all there, so that it is read again.
const INCOMPLETE: [u8; 32] = [0; 32];

pub(crate) struct Writer<'a> {
    backend: &'a dyn Backend,
    split: SplitOptions,
    limits: Limits,
    /// Distinguishes what this run has written.
    run: String,
    turn: Box<dyn Turn>,
    batch_bytes: usize,
    records: Mutex<BTreeMap<String, FileRecord>>,
    queue: Mutex<Queue>,
    state: Mutex<Option<String>>,
}

/// What is to be written next.
#[derive(Default)]
struct Queue {
    bytes: usize,
    /// Files of which passages are written for the first time in this run.
    begun: BTreeSet<String>,
    begins: Vec<String>,
    changes: Vec<Change>,
    /// Documents of no file.
    loose: Vec<String>,
    /// Files whose passages are all in the queue, and whether an earlier run has written others.
    finished: Vec<(String, FileRecord, bool)>,
    /// Files whose documents are to go, unless they are recorded anew.
    gone: BTreeSet<String>,
    /// How many passages each document has that was added in this run, by a hash of its key.
    added: HashMap<u64, u32>,
    refused: Vec<Refusal>,
}

impl<'a> Writer<'a> {
    pub(crate) fn open(backend: &'a dyn Backend, options: &WriterOptions) -> Result<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let run = format!("{:x}-{:x}", since.as_nanos(), std::process::id());
        let turn = backend.begin(&run)?;
        Ok(Self {
            split: backend.settings().split,
            limits: *options.limits(),
            records: Mutex::new(backend.records()?),
            state: Mutex::new(backend.state()?),
            batch_bytes: BATCH_BYTES.min(options.memory() / 4).max(1 << 16),
            queue: Mutex::default(),
            backend,
            run,
            turn,
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<String, FileRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush_if_full(&self, queue: &mut Queue) -> Result<()> {
        let full = queue.bytes >= self.batch_bytes
            || queue.changes.len() >= BATCH_PASSAGES
            || queue.finished.len() >= BATCH_FILES;
        if full { self.flush(queue) } else { Ok(()) }
    }

    /// Writes what is queued, in the order that keeps the engine right.
    fn flush(&self, queue: &mut Queue) -> Result<()> {
        self.turn.check()?;
        let begins = std::mem::take(&mut queue.begins);
        let incomplete = |path: String| (path, FileRecord::new(INCOMPLETE, 0, 0));
        self.put_records(&begins.into_iter().map(incomplete).collect::<Vec<_>>())?;
        queue.bytes = 0;
        let changes = std::mem::take(&mut queue.changes);
        if !changes.is_empty() {
            queue.refused.extend(self.backend.change(&self.run, &changes)?);
        }
        let loose = std::mem::take(&mut queue.loose);
        if !loose.is_empty() {
            self.backend.remove_documents(&loose, &self.run)?;
        }
        let finished = std::mem::take(&mut queue.finished);
        let stale = finished.iter().filter(|(.., stale)| *stale).map(|(path, ..)| path.clone());
        let stale: Vec<String> = stale.collect();
        if !stale.is_empty() {
            self.backend.remove_files(&stale, &self.run)?;
        }
        let recorded = finished.into_iter().map(|(path, mut record, _)| {
            if queue.refused.iter().any(|refusal| refusal.path == path) {
                record.hash = INCOMPLETE;
            }
            (path, record)
        });
        self.put_records(&recorded.collect::<Vec<_>>())
    }

    fn put_records(&self, records: &[(String, FileRecord)]) -> Result<()> {
        if records.is_empty() { Ok(()) } else { self.backend.put_records(records) }
    }
}

impl CollectionWriter for Writer<'_> {
    fn add(&self, document: &Document) -> Result<AddOutcome> {
        check_document(document, &self.limits)?;
        let passages = split(document, &self.split);
        let count = passages.len();
        let path = document.path.as_deref().unwrap_or_default();
        let hash = hash_of(path, &document.id);
        let mut queue = self.queue();
        let before = queue.added.insert(hash, count as u32);
        if path.is_empty() {
            queue.loose.push(document.id.clone());
        } else if queue.begun.insert(path.to_owned()) {
            queue.begins.push(path.to_owned());
        }
        for passage in passages {
            queue.bytes += passage.text.len() + passage.title.len() + 256;
            queue.changes.push(Change::Put(Box::new(passage)));
        }
        // Of two documents of one id, what only the longer one has must not stay.
        for ordinal in count as u32..before.unwrap_or(0) {
            queue.changes.push(Change::Remove(path.to_owned(), document.id.clone(), ordinal));
        }
        self.flush_if_full(&mut queue)?;
        Ok(AddOutcome::new(count, before.is_some()))
    }

    fn file(&self, path: &str) -> Option<FileRecord> {
        self.records().get(path).cloned()
    }

    fn files(&self) -> Vec<String> {
        self.records().keys().cloned().collect()
    }

    fn record_file(&self, path: &str, record: FileRecord) -> Result<()> {
        self.records().insert(path.to_owned(), record.clone());
        let mut queue = self.queue();
        let stale = queue.gone.remove(path);
        queue.finished.push((path.to_owned(), record, stale));
        self.flush_if_full(&mut queue)
    }

    fn delete_file(&self, path: &str) -> bool {
        self.queue().gone.insert(path.to_owned());
        self.records().remove(path).is_some()
    }

    fn set_sync_state(&self, state: Option<String>) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn commit(self: Box<Self>) -> Result<Vec<Refusal>> {
        let mut queue = self.queue();
        self.flush(&mut queue)?;
        let gone: Vec<String> = std::mem::take(&mut queue.gone).into_iter().collect();
        for paths in gone.chunks(BATCH_FILES) {
            self.backend.remove_files(paths, &self.run)?;
            self.backend.forget(paths)?;
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.turn.check()?;
        self.backend.commit(state.as_deref())?;
        Ok(std::mem::take(&mut queue.refused))
    }

    fn abandon(self: Box<Self>) -> Result<&'static str> {
        Ok(if self.backend.is_atomic() {
            "the database is as it was before"
        } else {
            "the engine has what was written so far, and the next run goes on with the rest"
        })
    }
}

fn hash_of(path: &str, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (path, id).hash(&mut hasher);
    hasher.finish()
}

/// Whether a file was remembered before all of it was written.
pub(crate) fn is_incomplete(record: &FileRecord) -> bool {
    record.hash == INCOMPLETE
}

/// Tries of what a busy engine refuses.
const TRIES: u32 = 10;

/// Waits, longer each time, until an engine may have less to do.
pub(crate) struct Patience {
    pause: Duration,
    tries: u32,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { pause: Duration::from_millis(100), tries: 0 }
    }

    /// Waits once more, or says that the engine stayed too busy.
    pub(crate) fn pause(&mut self, address: &Address) -> Result<()> {
        self.tries += 1;
        if self.tries == TRIES {
            let message = format!("the engine at {address} stayed too busy to take more");
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        thread::sleep(self.pause);
        self.pause = (self.pause * 2).min(Duration::from_secs(10));
        Ok(())
    }
}

/// What an engine refused, by its place among the changes and with the reason, as documents; each once.
pub(crate) fn refusals(changes: &[Change], refused: Vec<(usize, String)>) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = Vec::new();
    for (place, reason) in refused {
        if let Some(Change::Put(passage)) = changes.get(place) {
            let path = passage.path.as_deref().unwrap_or_default();
            if !refusals.iter().any(|known| known.path == path && known.id == passage.doc_id) {
                refusals.push(Refusal::new(path, &*passage.doc_id, reason));
            }
        }
    }
    refusals
}

/// As an error of a batch that the engine took in parts.
pub(crate) fn not_written(what: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the engine did not take everything: {what}"))
}
