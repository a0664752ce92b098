//! One file or stream: decides whether it must be read, and adds its documents to the index.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vizsla::{CancelHandle, Document, FileRecord, IndexWriter, Locations, content_hash};
use vizsla_extract::{ErrorKind as ExtractKind, Format, Input, Reader, Sink, extract};

use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::observer::{Change, Observer, Progress};
use crate::options::SyncOptions;
use crate::report::{Problem, ProblemKind, Report, SkipReason};

/// Marks the content of a file with missing parts, so that it is read again next time.
pub(crate) const INCOMPLETE: [u8; 32] = [0; 32];
/// A file that changed less than this long ago may change again without a new modification time.
const SETTLED: Duration = Duration::from_secs(2);
const BUFFER_BYTES: usize = 1 << 20;

/// One run over the files, shared by all threads.
pub(crate) struct FileIndexer<'a> {
    pub(crate) options: &'a SyncOptions,
    pub(crate) writer: &'a IndexWriter,
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
    File(ProblemKind, String),
    Run(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::File(ProblemKind::Unreadable, format!("cannot be read: {error}"))
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
            self.problem(Problem::new(
                ProblemKind::Unreadable,
                name.as_str(),
                "its name is not valid UTF-8",
            ));
            self.observer.file(&name, Change::Failed);
            return Ok(());
        };
        match self.update(name) {
            Ok(change) => {
                self.note(|report| match change {
                    Change::Added => report.added += 1,
                    Change::Changed => report.changed += 1,
                    Change::Renamed => report.renamed += 1,
                    Change::Unchanged => report.unchanged += 1,
                    Change::Removed | Change::Failed => {}
                });
                self.observer.file(name, change);
            }
            Err(Failure::File(kind, reason)) => {
                self.problem(Problem::new(kind, name, reason));
                self.observer.file(name, Change::Failed);
            }
            Err(Failure::Run(error)) => return Err(error),
        }
        Ok(())
    }

    /// Adds the documents of a stream, which belong to no file.
    pub(crate) fn stream(&self, name: &str, reader: &mut dyn BufRead) -> Result<()> {
        let input = Input::reader(name, reader).with_format(Format::JsonLines);
        let mut sink = Adding::new(self, name);
        sink.is_stream = true;
        let read = extract(input, &self.options.limits, &mut sink);
        if let Some(error) = sink.failed {
            return Err(error);
        }
        if let Err(error) = read {
            self.problem(Problem::new(ProblemKind::Content, name, with_causes(&error)));
        }
        Ok(())
    }

    fn update(&self, name: &str) -> std::result::Result<Change, Failure> {
        let metadata = fs::metadata(name)?;
        let known = self.writer.file(name);
        if let Some(record) = &known
            && self.looks_unchanged(name, record, &metadata)
        {
            return Ok(self.unchanged(name, record));
        }
        let format = Format::of(name);
        if format.is_streamed() {
            let hash = content_hash(File::open(name)?)?;
            let mut reader = BufReader::with_capacity(BUFFER_BYTES, File::open(name)?);
            return self.read(name, known, &metadata, hash, Input::reader(name, &mut reader));
        }
        let limit = self.options.limits.file_bytes;
        if metadata.len() > limit {
            self.note(|report| report.skip(SkipReason::TooLarge, name, None));
            let bytes = metadata.len();
            let kept = if known.is_some() { "; its former content is kept" } else { "" };
            let reason = format!("has {bytes} bytes, more than the limit of {limit}{kept}");
            return Err(Failure::File(ProblemKind::TooLarge, reason));
        }
        // The text of a file and its documents take about as much as its bytes, a parsed JSON value several times that.
        let factor = if format == Format::Json { 16 } else { 4 };
        let _held = self.memory.take(metadata.len().saturating_mul(factor));
        let bytes = fs::read(name)?;
        let hash = content_hash(bytes.as_slice())?;
        self.read(name, known, &metadata, hash, Input::bytes(name, &bytes))
    }

    /// Whether size and modification time show the file to be unchanged, so that it need not be read.
    fn looks_unchanged(&self, name: &str, record: &FileRecord, metadata: &fs::Metadata) -> bool {
        !self.options.rehash
            && record.modified.is_some()
            && record.modified == modified_nanoseconds(metadata)
            && record.bytes == metadata.len()
            && record.hash != INCOMPLETE
            && is_read_by_present_reader(name, record)
    }

    /// A binary file is reported each time, since it is never in the index.
    fn unchanged(&self, name: &str, record: &FileRecord) -> Change {
        if record.reader.as_ref().is_some_and(|(reader, _)| reader == Reader::BINARY.name) {
            self.note(|report| report.skip(SkipReason::Binary, name, None));
        }
        Change::Unchanged
    }

    fn read(
        &self,
        name: &str,
        known: Option<FileRecord>,
        metadata: &fs::Metadata,
        hash: [u8; 32],
        input: Input<'_>,
    ) -> std::result::Result<Change, Failure> {
        let is_known = known.is_some();
        if let Some(mut record) = known.filter(|record| record.hash == hash) {
            // Manually deleted documents return when everything is read again.
            let restores = self.options.rehash && record.deleted;
            if is_read_by_present_reader(name, &record) && !restores {
                record.modified = settled(metadata);
                let change = self.unchanged(name, &record);
                self.writer.record_file(name, record);
                return Ok(change);
            }
        }
        if is_known {
            self.writer.delete_file(name);
        }
        let record = self.add_all(name, metadata, hash, input)?;
        self.writer.record_file(name, record);
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
        hash: [u8; 32],
        input: Input<'_>,
    ) -> std::result::Result<FileRecord, Failure> {
        let mut sink = Adding::new(self, name);
        sink.modified = modified(metadata).map(|since| since.as_secs() as i64);
        let mut reader = Reader::of(Format::of(name));
        let read = extract(input, &self.options.limits, &mut sink);
        if let Some(error) = sink.failed {
            return Err(Failure::Run(error));
        }
        match read {
            Ok(()) => {}
            Err(error) if error.kind() == ExtractKind::Binary => {
                reader = Reader::BINARY;
                self.note(|report| report.skip(SkipReason::Binary, name, None));
            }
            Err(error) => {
                sink.is_whole = false;
                self.problem(Problem::new(ProblemKind::Content, name, with_causes(&error)));
            }
        }
        // A file with missing parts is read again next time, and reported again.
        let hash = if sink.is_whole { hash } else { INCOMPLETE };
        let mut record = FileRecord::new(hash, metadata.len(), sink.count)
            .with_reader(reader.name, reader.version);
        record.modified = settled(metadata);
        Ok(record)
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

fn is_read_by_present_reader(name: &str, record: &FileRecord) -> bool {
    let reader = record.reader.as_ref();
    reader.is_some_and(|(reader, version)| Reader::is_current(name, reader, *version))
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

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    message
}

/// Adds the documents of one file to the index as they are found.
struct Adding<'a> {
    run: &'a FileIndexer<'a>,
    name: &'a str,
    modified: Option<i64>,
    is_stream: bool,
    /// Documents added.
    count: u64,
    /// Whether every record of the file was read and added.
    is_whole: bool,
    /// Why the whole run has to stop.
    failed: Option<Error>,
}

impl<'a> Adding<'a> {
    fn new(run: &'a FileIndexer<'a>, name: &'a str) -> Self {
        Self { run, name, modified: None, is_stream: false, count: 0, is_whole: true, failed: None }
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
        if passages == 0 || outcome.repeated {
            let id = Some(document.id.as_str()).filter(|id| *id != self.name);
            run.note(|report| {
                if passages == 0 {
                    report.skip(SkipReason::Empty, self.name, id);
                }
                if outcome.repeated {
                    report.collide(self.name, &document.id);
                }
            });
        }
    }
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
        }
        match self.run.writer.add(&document) {
            Ok(outcome) => self.added(&document, outcome),
            Err(error) if error.kind() == vizsla::ErrorKind::InvalidInput => {
                self.is_whole = false;
                self.run.problem(Problem::new(ProblemKind::Content, self.name, error.to_string()));
            }
            Err(error) => {
                self.failed = Some(error.into());
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: vizsla_extract::Problem) {
        self.is_whole &= !problem.loses_text();
        let mut reported = Problem::new(ProblemKind::Content, self.name, problem.to_string());
        reported.location = problem.location;
        self.run.problem(reported);
    }
}
