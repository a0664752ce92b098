//! One file or stream: decides whether it must be read, and adds its documents to the index.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::BufRead;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vizsla::{CancelHandle, CollectionWriter, Document, FileRecord, Location, Locations};
use vizsla_extract::{Format, Input, Reader, Sink};

use crate::content::Opened;
use crate::error::{Error, Result};
use crate::file_reader::FileReader;
use crate::in_process;
use crate::memory::Memory;
use crate::observer::{Change, Observer, Progress};
use crate::options::SyncOptions;
use crate::problem::{FileProblems, Problem, ProblemKind, Yield};
use crate::read_error::ReadError;
use crate::report::{Report, SkipReason};

/// Marks a file whose documents are not all in the index, so that it is read again next time.
pub(crate) const INCOMPLETE: [u8; 32] = [0; 32];
/// A file that changed less than this long ago may change again without a new modification time.
const SETTLED: Duration = Duration::from_secs(2);

/// One run over the files, shared by all threads.
pub(crate) struct FileIndexer<'a> {
    pub(crate) options: &'a SyncOptions,
    pub(crate) reader: &'a FileReader,
    /// Whether files that could not be read, or only in part, are read again.
    pub(crate) retries: bool,
    pub(crate) writer: &'a dyn CollectionWriter,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) cancel: &'a CancelHandle,
    pub(crate) memory: Memory,
    /// The number of deleted files by content.
    pub(crate) moved_from: Mutex<HashMap<[u8; 32], usize>>,
    pub(crate) report: Mutex<Report>,
    pub(crate) documents: AtomicU64,
    pub(crate) passages: AtomicU64,
}

/// Why a file failed: alone, or with the whole run.
enum Failure {
    File(ReadError),
    Run(Error),
}

impl<E: Into<ReadError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::File(error.into())
    }
}

impl FileIndexer<'_> {
    pub(crate) fn finish(self) -> Report {
        let mut report = self.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.documents = self.documents.into_inner();
        report.passages = self.passages.into_inner();
        report
    }

    /// Indexes one file unless it is unchanged. Only errors of the index end the run; errors of the file are reported.
    pub(crate) fn file(&self, path: &Path) -> Result<()> {
        if self.cancel.is_cancelled() {
            return Ok(());
        }
        let Some(name) = path.to_str() else {
            let name = path.display().to_string();
            self.note(|report| report.count(Yield::Nothing));
            self.problem(Problem::new(
                ProblemKind::Unreadable,
                name.as_str(),
                "its name is not valid UTF-8",
            ));
            self.observer.file(&name, 0, Change::Failed);
            return Ok(());
        };
        let metadata = fs::metadata(name);
        let bytes = metadata.as_ref().map_or(0, fs::Metadata::len);
        let updated = metadata.map_err(Failure::from).and_then(|data| self.update(name, &data));
        match updated {
            Ok(change) => {
                self.note(|report| match change {
                    Change::Added => report.added += 1,
                    Change::Changed => report.changed += 1,
                    Change::Renamed => report.renamed += 1,
                    Change::Unchanged => report.unchanged += 1,
                    Change::Removed | Change::Failed => {}
                });
                self.observer.file(name, bytes, change);
            }
            Err(Failure::File(error)) => {
                self.note(|report| report.count(Yield::Nothing));
                self.problem(error.of(name));
                self.observer.file(name, bytes, Change::Failed);
            }
            Err(Failure::Run(error)) => return Err(error),
        }
        Ok(())
    }

    /// Adds the documents of a stream, which belong to no file.
    pub(crate) fn stream(&self, name: &str, reader: &mut dyn BufRead) -> Result<()> {
        let input = Input::reader(name, reader).with_format(Format::JSON_LINES);
        let mut sink = Adding::new(self, name);
        sink.is_stream = true;
        let read = in_process::read(input, self.reader.limits(), &mut sink);
        if let Some(error) = sink.failed {
            return Err(error);
        }
        if let Err(error) = read {
            sink.report(&error.of(name));
        }
        self.report_left_out(&mut sink.problems);
        Ok(())
    }

    fn update(&self, name: &str, metadata: &fs::Metadata) -> std::result::Result<Change, Failure> {
        let known = self.writer.file(name);
        if let Some(record) = &known
            && self.looks_unchanged(name, record, metadata)
        {
            return Ok(self.unchanged(name, record));
        }
        self.observer.reading(name);
        let format = Format::of(name);
        // The text of a file and its documents take about as much as its bytes, a parsed JSON value several times that.
        let factor = if format == Format::JSON { 16 } else { 4 };
        let limit = self.reader.limits().file_bytes;
        // What is read record by record is never in memory as a whole, and what is over the limit never read whole.
        let bytes = if format.is_streamed() { 0 } else { metadata.len().min(limit) };
        let _held = self.memory.take(bytes.saturating_mul(factor));
        let opened = Opened::open(Path::new(name), self.reader.limits());
        let opened = opened.map_err(|error| self.refused(name, known.is_some(), error))?;
        self.read(name, known, metadata, opened)
    }

    /// A file over the limit keeps its former content.
    fn refused(&self, name: &str, is_known: bool, mut error: ReadError) -> ReadError {
        if error.kind == ProblemKind::TooLarge {
            self.note(|report| report.skip(SkipReason::TooLarge, name, None));
            if is_known {
                error.message.push_str("; its former content is kept");
            }
        }
        error
    }

    /// Whether size and modification time show the file to be unchanged, so that it need not be read.
    fn looks_unchanged(&self, name: &str, record: &FileRecord, metadata: &fs::Metadata) -> bool {
        !self.options.rehash
            && record.modified.is_some()
            && record.modified == modified_nanoseconds(metadata)
            && record.bytes == metadata.len()
            && record.hash != INCOMPLETE
            && !self.retries(record)
            && self.is_read_by_present_reader(name, record)
    }

    fn is_read_by_present_reader(&self, name: &str, record: &FileRecord) -> bool {
        let Some((reader, version)) = &record.reader else { return false };
        // Without OCR pictures are binary files.
        let is_new = reader == Reader::BINARY.name
            && self.reader.has_ocr()
            && Format::of(name) == Format::PICTURE;
        !is_new && Reader::is_current(name, reader, *version)
    }

    fn retries(&self, record: &FileRecord) -> bool {
        self.retries && Yield::of(record) != Yield::Whole
    }

    /// A binary file is reported each time, since it is never in the index, and so is what could not be read.
    fn unchanged(&self, name: &str, record: &FileRecord) -> Change {
        if record.reader.as_ref().is_some_and(|(reader, _)| reader == Reader::BINARY.name) {
            self.note(|report| report.skip(SkipReason::Binary, name, None));
        }
        self.note(|report| report.count(Yield::of(record)));
        Problem::remembered(name, record).for_each(|problem| self.problem(problem));
        Change::Unchanged
    }

    fn record(&self, name: &str, record: FileRecord) -> std::result::Result<(), Failure> {
        self.writer.record_file(name, record).map_err(|error| Failure::Run(error.into()))
    }

    fn read(
        &self,
        name: &str,
        known: Option<FileRecord>,
        metadata: &fs::Metadata,
        opened: Opened,
    ) -> std::result::Result<Change, Failure> {
        let (is_known, hash) = (known.is_some(), opened.hash);
        if let Some(mut record) = known.filter(|record| record.hash == hash) {
            // Manually deleted documents return when everything is read again.
            let restores = self.options.rehash && record.deleted || self.retries(&record);
            if self.is_read_by_present_reader(name, &record) && !restores {
                record.modified = settled(metadata);
                let change = self.unchanged(name, &record);
                self.record(name, record)?;
                return Ok(change);
            }
        }
        if is_known {
            self.writer.delete_file(name);
        }
        let record = self.add_all(name, metadata, opened)?;
        self.note(|report| report.count(Yield::of(&record)));
        self.record(name, record)?;
        Ok(match is_known {
            true => Change::Changed,
            false if self.was_moved(hash) => Change::Renamed,
            false => Change::Added,
        })
    }

    /// Adds all documents of a file; returns the record to remember it by.
    fn add_all(
        &self,
        name: &str,
        metadata: &fs::Metadata,
        opened: Opened,
    ) -> std::result::Result<FileRecord, Failure> {
        let Opened { format, mut hash, mut content } = opened;
        let mut sink = Adding::new(self, name);
        sink.modified = modified(metadata).map(|since| since.as_secs() as i64);
        let mut reader = Reader::of(format);
        let read = self.reader.read_content(name, format, &mut content, &mut sink, self.cancel);
        if let Some(error) = sink.failed {
            return Err(Failure::Run(error));
        }
        match read {
            Ok(()) => {}
            Err(error) if error.kind == ProblemKind::Binary => {
                reader = Reader::BINARY;
                self.note(|report| report.skip(SkipReason::Binary, name, None));
            }
            Err(error) => sink.report(&error.of(name)),
        }
        self.report_left_out(&mut sink.problems);
        if sink.problems.must_retry() {
            hash = INCOMPLETE;
        }
        let mut record = FileRecord::new(hash, metadata.len(), sink.count)
            .with_reader(reader.name, reader.version)
            .with_problems(sink.problems.into_stored());
        record.modified = settled(metadata);
        Ok(record)
    }

    fn report_left_out(&self, problems: &mut FileProblems) {
        problems.finish().into_iter().for_each(|problem| self.problem(problem));
    }

    /// Whether a file with this content is gone and not yet matched to a new name.
    fn was_moved(&self, hash: [u8; 32]) -> bool {
        let mut moved = self.moved_from.lock().unwrap_or_else(PoisonError::into_inner);
        moved.get_mut(&hash).filter(|count| **count > 0).map(|count| *count -= 1).is_some()
    }

    fn note(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn problem(&self, problem: Problem) {
        self.observer.problem(&problem);
        self.note(|report| report.problems.push(problem));
    }
}

fn modified(metadata: &fs::Metadata) -> Option<Duration> {
    metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()
}

fn modified_nanoseconds(metadata: &fs::Metadata) -> Option<i64> {
    i64::try_from(modified(metadata)?.as_nanos()).ok()
}

/// When the file changed, if a later change would be visible in that.
fn settled(metadata: &fs::Metadata) -> Option<i64> {
    let age = SystemTime::now().duration_since(metadata.modified().ok()?).ok()?;
    modified_nanoseconds(metadata).filter(|_| age > SETTLED)
}

/// Adds the documents of one file to the index as they are found.
struct Adding<'a> {
    run: &'a FileIndexer<'a>,
    name: &'a str,
    modified: Option<i64>,
    is_stream: bool,
    /// Documents added.
    count: u64,
    /// Hashes of the ids that records of the file give themselves.
    ids: HashSet<u64>,
    problems: FileProblems,
    /// Why the whole run has to stop.
    failed: Option<Error>,
}

impl<'a> Adding<'a> {
    fn new(run: &'a FileIndexer<'a>, name: &'a str) -> Self {
        Self {
            run,
            name,
            modified: None,
            is_stream: false,
            count: 0,
            ids: HashSet::new(),
            problems: FileProblems::default(),
            failed: None,
        }
    }

    fn report(&mut self, problem: &Problem) {
        if self.problems.add(problem) {
            self.run.problem(problem.clone());
        }
    }

    fn added(&mut self, document: &Document, outcome: vizsla::AddOutcome) {
        self.count += 1;
        let run = self.run;
        let passages = outcome.passages as u64;
        let progress = Progress {
            documents: run.documents.fetch_add(1, Ordering::Relaxed) + 1,
            passages: run.passages.fetch_add(passages, Ordering::Relaxed) + passages,
        };
        run.observer.progress(progress);
        if passages == 0 {
            let id = Some(document.id.as_str()).filter(|id| *id != self.name);
            run.note(|report| report.skip(SkipReason::Empty, self.name, id));
        }
        if outcome.repeated {
            run.note(|report| report.collide(self.name, &document.id));
        }
    }

    /// Gives a record with the id of an earlier one of the same file an id of its own: rows of one order have its number,
    /// and all of them are to be found.
    fn make_unique(&mut self, document: &mut Document) {
        // The others are numbered by their reader.
        let is_given = !document.id.starts_with(self.name);
        if !is_given || self.ids.insert(hash_of(&document.id)) {
            return;
        }
        self.run.note(|report| report.collide(self.name, &document.id));
        let line = match document.locations {
            Locations::Fixed(Location::Lines { first, .. }) => Some(u64::from(first)),
            _ => None,
        };
        let mut ids = line
            .into_iter()
            .chain(self.count + 1..)
            .map(|number| format!("{}#{number}", document.id));
        if let Some(id) = ids.find(|id| self.ids.insert(hash_of(id))) {
            document.id = id;
        }
    }
}

fn hash_of(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

impl Sink for Adding<'_> {
    fn document(&mut self, mut document: Document) -> ControlFlow<()> {
        if self.run.cancel.is_cancelled() {
            return ControlFlow::Break(());
        }
        document.modified = self.modified;
        if self.is_stream {
            document.path = None;
            document.locations = Locations::OwnLines;
        } else {
            self.make_unique(&mut document);
        }
        match self.run.writer.add(&document) {
            Ok(outcome) => self.added(&document, outcome),
            Err(error) if error.kind() == vizsla::ErrorKind::InvalidInput => {
                self.report(&Problem::new(ProblemKind::Malformed, self.name, error.to_string()));
            }
            Err(error) => {
                self.failed = Some(error.into());
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: vizsla_extract::Problem) {
        self.report(&Problem::in_file(self.name, &problem));
    }
}
