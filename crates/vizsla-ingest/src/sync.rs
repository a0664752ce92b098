//! One run: walk, compare, read what has changed, commit.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use rayon::prelude::*;
use vizsla::{CancelHandle, Collection, CollectionWriter, Refusal, WriterOptions};

use crate::error::{Error, ErrorKind, Result};
use crate::file::FileIndexer;
use crate::file_reader::FileReader;
use crate::memory::Memory;
use crate::missing::Missing;
use crate::observer::Observer;
use crate::options::SyncOptions;
use crate::problem::{Problem, ProblemKind};
use crate::report::Report;
use crate::sources::{Found, Source, Walker};
use crate::state::State;
use crate::worker::WorkerCommand;

/// More threads than this only contend with each other when writing.
const MOST_WRITING_THREADS: usize = 8;

/// Brings an index in line with its sources.
#[derive(Debug, Clone, Default)]
pub struct Sync {
    options: SyncOptions,
    /// Whether a missing source is reported as a problem instead of an error.
    lenient: bool,
    workers: Option<WorkerCommand>,
}

impl Sync {
    /// Reads sources with these options.
    pub fn new(options: SyncOptions) -> Self {
        Self { options, lenient: false, workers: None }
    }

    /// Reports a missing source as a problem and continues with the others, instead of failing. Its documents stay in
    /// the index.
    pub fn with_missing_sources_reported(mut self) -> Self {
        self.lenient = true;
        self
    }

    /// Reads foreign formats in workers. Without them, everything is read in this process, and a hostile file may end it
    /// ([`FileReader`]).
    pub fn with_workers(mut self, command: WorkerCommand) -> Self {
        self.workers = Some(command);
        self
    }

    /// Reads again what could not be read, or only in part
    /// ([`SyncOptions::retry_failed`](SyncOptions::retry_failed)).
    pub fn with_retry_failed(mut self, retry: bool) -> Self {
        self.options.retry_failed = retry;
        self
    }

    /// The options.
    pub fn options(&self) -> &SyncOptions {
        &self.options
    }

    /// The syncs that bring an index up to date: the roots of all earlier runs, grouped by the options they were read
    /// with.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn remembered(index: &dyn Collection) -> Result<Vec<(Self, Vec<PathBuf>)>> {
        let groups = State::of(index)?.groups().into_iter();
        Ok(groups
            .map(|(options, roots)| (Self { lenient: true, ..Self::new(options) }, roots))
            .collect())
    }

    /// Brings an index up to date with its sources. Changed files are read again, and documents of files that are gone
    /// are removed; either all of it is applied or nothing. Paths are stored in canonical form, along with the options
    /// for [`remembered`](Self::remembered).
    ///
    /// Cost: one metadata lookup per file, plus reading those that changed. An index in memory remembers no files
    /// between runs, so each run reads all of them.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] for a source that does not exist, [`ErrorKind::Cancelled`], and those of the index.
    pub fn run(
        &self,
        index: &dyn Collection,
        sources: Vec<Source>,
        observer: &dyn Observer,
        cancel: &CancelHandle,
    ) -> Result<Report> {
        let mut report = Report::default();
        let own = index.dir().and_then(|dir| fs::canonicalize(dir).ok());
        let walker =
            Walker { options: &self.options, index: own.as_deref(), lenient: self.lenient };
        let found = walker.find(sources, &mut report)?;
        report.problems.iter().for_each(|problem| observer.problem(problem));
        let mut state = State::of(index)?;
        let reads_unlike = found
            .roots
            .iter()
            .filter_map(|root| state.options_of(root))
            .any(|former| self.options.reads_unlike(former));
        state.remember(&found.roots, &self.options);
        state.forget(&found.gone);
        let retries = self.options.retry_failed || reads_unlike;
        let reader = self.reader(&self.options)?;
        let run = Run { options: &self.options, reader, retries, index, observer, cancel };
        run.update(found, report, Some(&state))
    }

    fn reader(&self, options: &SyncOptions) -> Result<FileReader> {
        let reader = FileReader::new(options.limits);
        match &self.workers {
            Some(command) => Ok(reader.with_workers(command.clone(), options.ocr.clone())),
            None if options.ocr.is_some() => {
                let message = "pictures of text are read by workers alone, and there are none";
                Err(Error::new(ErrorKind::NoWorkers, message))
            }
            None => Ok(reader),
        }
    }

    /// Rereads files that an index has lost, under the names it knew them by and with the options of their roots, as
    /// needed after a repair. Other files are left alone.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`], and those of the index.
    pub fn reread(
        &self,
        index: &dyn Collection,
        files: &[String],
        observer: &dyn Observer,
        cancel: &CancelHandle,
    ) -> Result<Report> {
        let mut report = Report::default();
        for (options, files) in State::of(index)?.group_files(files) {
            let reader = self.reader(&options)?;
            let run = Run { options: &options, reader, retries: false, index, observer, cancel };
            let found = Found { files, ..Found::default() };
            report.merge(run.update(found, Report::default(), None)?);
        }
        Ok(report)
    }
}

struct Run<'a> {
    options: &'a SyncOptions,
    reader: FileReader,
    retries: bool,
    index: &'a dyn Collection,
    observer: &'a dyn Observer,
    cancel: &'a CancelHandle,
}

impl Run<'_> {
    fn update(&self, found: Found, mut report: Report, state: Option<&State>) -> Result<Report> {
        let start = Instant::now();
        let threads = self.options.thread_count();
        let options = WriterOptions::default()
            .with_threads(threads.min(MOST_WRITING_THREADS))
            .with_memory(self.options.memory)
            .with_limits(self.options.limits);
        let writer = self.index.writer(&options)?;
        let reported = report.problems.len();
        let missing = Missing::find(&writer.files(), &found, self.options.prune, &mut report);
        report.problems[reported..].iter().for_each(|problem| self.observer.problem(problem));
        self.observer.found(found.files.len() as u64, found.bytes);
        let mut report = self.read(found, &*writer, &missing, report)?;
        missing.remove(&*writer, self.observer, &mut report);
        if self.cancel.is_cancelled() {
            let left = writer.abandon()?;
            return Err(Error::new(ErrorKind::Cancelled, format!("cancelled: {left}")));
        }
        if let Some(state) = state {
            writer.set_sync_state(state.to_json());
        }
        for refusal in writer.commit()? {
            let problem = refused(&refusal);
            self.observer.problem(&problem);
            report.problems.push(problem);
        }
        report.seconds = start.elapsed().as_secs_f64();
        report.sort();
        Ok(report)
    }

    /// Reads all files, then the streams.
    fn read(
        &self,
        found: Found,
        writer: &dyn CollectionWriter,
        missing: &Missing,
        report: Report,
    ) -> Result<Report> {
        let files = FileIndexer {
            options: self.options,
            reader: &self.reader,
            retries: self.retries,
            writer,
            observer: self.observer,
            cancel: self.cancel,
            memory: Memory::new(self.options.read_memory),
            moved_from: Mutex::new(missing.by_content(writer)),
            report: Mutex::new(report),
            documents: AtomicU64::new(0),
            passages: AtomicU64::new(0),
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.options.thread_count()).build();
        let pool = pool.map_err(|error| {
            Error::new(ErrorKind::Threads, "cannot start threads").with_source(error)
        })?;
        pool.install(|| found.files.par_iter().try_for_each(|path| files.file(path)))?;
        for (name, mut reader) in found.streams {
            files.stream(&name, reader.as_mut())?;
        }
        Ok(files.finish())
    }
}

/// A document that was read and not taken.
fn refused(refusal: &Refusal) -> Problem {
    let Refusal { path, id, reason, .. } = refusal;
    let source = if path.is_empty() { "-" } else { path };
    let what = if id == path { "it".to_owned() } else { format!("the document {id:?}") };
    Problem::new(
        ProblemKind::Malformed,
        source,
        format!("the engine did not take {what}: {reason}"),
    )
}
