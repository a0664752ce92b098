//! An index, its writer, and keeping it in step with folders.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use serde::Serialize;
use serde_json::Value;
use vizsla::{
    CancelHandle, Document, Filter, IndexSettings, IndexWriter, Metadata, SplitOptions,
    WriterOptions,
};
use vizsla_ingest::{Change, Observer, Problem, Report, Source, Sync, SyncOptions, WorkerCommand};

use crate::error::{Error, Raise, invalid};
use crate::interrupt::interruptible;

/// The JSON of a value of ours.
pub(crate) fn json(value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|error| Error::new_err(error.to_string()))
}

/// An open index.
#[pyclass(frozen, module = "vizsla._native")]
pub(crate) struct Index {
    pub(crate) index: vizsla::Index,
}

#[pymethods]
impl Index {
    /// Opens an index, or makes one where there is none if told how. Without a folder, it is in memory.
    #[staticmethod]
    fn open(dir: Option<PathBuf>) -> PyResult<Self> {
        let index = match dir {
            Some(dir) => vizsla::Index::open(dir),
            None => vizsla::Index::in_memory(IndexSettings::default()),
        };
        Ok(Self { index: index.map_err(Raise::raise)? })
    }

    /// Makes an index.
    #[staticmethod]
    fn create(
        dir: Option<PathBuf>,
        language: Option<&str>,
        passage_tokens: Option<usize>,
        exist_ok: bool,
    ) -> PyResult<Self> {
        let mut settings = IndexSettings::default();
        if let Some(language) = language {
            let language = language.parse().map_err(|error| invalid("language", error))?;
            settings = settings.with_language(language);
        }
        if let Some(tokens) = passage_tokens {
            settings = settings.with_split(SplitOptions::default().with_max_tokens(tokens));
        }
        let index = match dir {
            None => vizsla::Index::in_memory(settings),
            Some(dir) if exist_ok => vizsla::Index::open_or_create(dir, settings),
            Some(dir) => vizsla::Index::create(dir, settings),
        };
        let index = index.map_err(Raise::raise)?;
        let made = index.settings();
        if (language.is_some() && made.language != settings.language)
            || (passage_tokens.is_some() && made.split != settings.split)
        {
            return Err(invalid("language, passage_tokens", "the index was made with others"));
        }
        Ok(Self { index })
    }

    #[getter]
    fn dir(&self) -> Option<PathBuf> {
        self.index.dir().map(Into::into)
    }

    #[getter]
    fn settings(&self) -> PyResult<String> {
        json(&self.index.settings())
    }

    fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.index.refresh()).map_err(Raise::raise)
    }

    fn stats(&self, py: Python<'_>) -> PyResult<String> {
        json(&py.detach(|| self.index.stats()).map_err(Raise::raise)?)
    }

    fn files(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        py.detach(|| self.index.files(&Filter::default())).map_err(Raise::raise)
    }

    fn writer(&self, threads: Option<usize>, memory: Option<usize>) -> PyResult<Writer> {
        let mut options = WriterOptions::default();
        if let Some(threads) = threads {
            options = options.with_threads(threads);
        }
        if let Some(bytes) = memory {
            options = options.with_memory(bytes);
        }
        let writer = self.index.writer(&options).map_err(Raise::raise)?;
        Ok(Writer { writer: Mutex::new(Some(writer)) })
    }

    /// Brings the index in line with folders and files; with none, with those of earlier runs. `options` is JSON, `worker` how to
    /// start a process that reads foreign formats, `progress` is called with the events below.
    fn sync(
        &self,
        py: Python<'_>,
        sources: Vec<PathBuf>,
        options: &str,
        worker: Vec<OsString>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<String> {
        let given: Value =
            serde_json::from_str(options).map_err(|error| invalid("options", error))?;
        let observer = Events { progress, failure: Mutex::default(), cancel: CancelHandle::new() };
        let run = |cancel: &CancelHandle| -> PyResult<Report> {
            let runs = if sources.is_empty() {
                self.remembered(given)?
            } else {
                let options =
                    serde_json::from_value(given).map_err(|error| invalid("options", error))?;
                vec![(Sync::new(options), sources)]
            };
            let mut report = Report::default();
            for (sync, sources) in runs {
                let sync = match worker.split_first() {
                    Some((program, args)) => {
                        let command = WorkerCommand::new(program);
                        sync.with_workers(args.iter().fold(command, WorkerCommand::with_arg))
                    }
                    None => sync,
                };
                let sources = sources.into_iter().map(Source::Path).collect();
                let watched = Watched { events: &observer, cancel };
                let run = sync.run(&self.index, sources, &watched, cancel);
                report.merge(run.map_err(Raise::raise)?);
            }
            Ok(report)
        };
        let report = interruptible(py, run)?;
        match observer.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(raised) => Err(raised),
            None => json(&report?),
        }
    }
}

impl Index {
    /// The runs that read the sources of earlier ones again, with what is given now.
    fn remembered(&self, given: Value) -> PyResult<Vec<(Sync, Vec<PathBuf>)>> {
        let remembered = Sync::remembered(&self.index).map_err(Raise::raise)?;
        if remembered.is_empty() {
            return Err(invalid("sources", "the index remembers none; name folders or files"));
        }
        let again = |(sync, roots): (Sync, Vec<PathBuf>)| {
            let mut options = serde_json::to_value(sync.options()).unwrap_or_default();
            if let (Some(options), Value::Object(given)) = (options.as_object_mut(), &given) {
                options.extend(given.clone());
            }
            let options: SyncOptions =
                serde_json::from_value(options).map_err(|error| invalid("options", error))?;
            Ok((Sync::new(options).with_missing_sources_reported(), roots))
        };
        remembered.into_iter().map(again).collect()
    }
}

/// Hands events to a Python function. What that raises ends the run.
struct Events {
    progress: Option<Py<PyAny>>,
    failure: Mutex<Option<PyErr>>,
    cancel: CancelHandle,
}

struct Watched<'a> {
    events: &'a Events,
    cancel: &'a CancelHandle,
}

impl Watched<'_> {
    fn call(&self, kind: &str, path: &str, number: u64, text: &str) {
        let Some(progress) = &self.events.progress else { return };
        if self.events.cancel.is_cancelled() {
            return;
        }
        let called = Python::attach(|py| progress.call1(py, (kind, path, number, text)).map(drop));
        if let Err(raised) = called {
            self.events.cancel.cancel();
            self.cancel.cancel();
            *self.events.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
        }
    }
}

impl Observer for Watched<'_> {
    fn found(&self, files: u64, _: u64) {
        self.call("found", "", files, "");
    }

    fn file(&self, path: &str, bytes: u64, change: Change) {
        let change = match change {
            Change::Added => "added",
            Change::Changed => "changed",
            Change::Renamed => "renamed",
            Change::Unchanged => "unchanged",
            Change::Removed => "removed",
            _ => "failed",
        };
        self.call("file", path, bytes, change);
    }

    fn problem(&self, problem: &Problem) {
        self.call("problem", &problem.path, 0, &problem.reason);
    }
}

/// The one writer of an index.
#[pyclass(frozen, module = "vizsla._native")]
pub(crate) struct Writer {
    writer: Mutex<Option<IndexWriter>>,
}

#[pymethods]
impl Writer {
    /// Adds a document; `metadata` is JSON. How many passages it became.
    #[expect(clippy::too_many_arguments, reason = "these are the parts of a document")]
    fn add(
        &self,
        py: Python<'_>,
        id: String,
        text: String,
        title: Option<String>,
        path: Option<String>,
        modified: Option<i64>,
        metadata: Option<&str>,
    ) -> PyResult<usize> {
        let mut document = Document::new(id, text).with_title(title.unwrap_or_default());
        document.path = path;
        document.modified = modified;
        if let Some(metadata) = metadata {
            let metadata: Metadata = serde_json::from_str(metadata).map_err(|_| {
                invalid("metadata", "null and numbers beyond 64 bits have no place in it")
            })?;
            document.metadata = metadata;
        }
        py.detach(|| {
            let writer = self.open();
            let writer = writer.as_ref().ok_or_else(closed)?;
            writer.add(&document).map(|added| added.passages).map_err(Raise::raise)
        })
    }

    fn delete(&self, py: Python<'_>, id: &str) -> PyResult<bool> {
        py.detach(|| self.open().as_ref().ok_or_else(closed)?.delete(id).map_err(Raise::raise))
    }

    fn commit(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.open().as_mut().ok_or_else(closed)?.commit().map_err(Raise::raise))
    }

    fn rollback(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.open().as_mut().ok_or_else(closed)?.rollback().map_err(Raise::raise))
    }

    /// Waits for what goes on in the background, and lets others write.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| match self.open().take() {
            Some(writer) => writer.finish().map_err(Raise::raise),
            None => Ok(()),
        })
    }
}

impl Writer {
    fn open(&self) -> MutexGuard<'_, Option<IndexWriter>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed() -> PyErr {
    Error::new_err("the writer is closed")
}
