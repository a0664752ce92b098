//! The store: an index on disk or in memory, created, opened, described, written and repaired. It does not know how it
//! is searched.

mod codec;
mod damage;
mod directory;
mod documents;
mod durable;
mod manifest;
mod merging;
mod metadata;
mod parameters;
mod paths;
mod repair;
pub(crate) mod schema;
mod settings;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::collector::DocSetCollector;
use tantivy::directory::DirectoryLock;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, IndexReader, ReloadPolicy, Searcher, TantivyError, Term};
use vizsla_core::{Filter, Metadata, Passage};

use self::directory::{IndexFolder, OpenGate, SEGMENTS_DIR};
use self::manifest::Manifest;
pub use self::manifest::{FileProblem, FileRecord, content_hash};
pub use self::parameters::{Bm25Params, FieldWeights, ParseWeightsError};
pub(crate) use self::paths::{PathGlobs, path_globs};
pub use self::repair::{CheckReport, RepairReport};
use self::schema::Fields;
pub use self::settings::{FORMAT_VERSION, IndexSettings};
pub use self::writer::{AddOutcome, IndexWriter, WriterOptions, check_document};
use crate::analysis::Analyzer;
use crate::error::{Error, ErrorKind, Result, panic_message};

/// An index of passages. Cheap to clone; clones share everything.
///
/// Many threads and processes may search while one writes; each search sees the last commit as a whole.
#[derive(Clone)]
pub struct Index {
    pub(crate) engine: tantivy::Index,
    pub(crate) reader: IndexReader,
    pub(crate) fields: Fields,
    pub(crate) settings: IndexSettings,
    /// How texts become terms.
    pub(crate) analyzer: Analyzer,
    folder: IndexFolder,
    /// Its folder; `None` when in memory.
    pub(crate) dir: Option<PathBuf>,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("dir", &self.dir)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Sizes of an index.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct IndexStats {
    /// Documents that can be found.
    pub documents: u64,
    /// Passages that can be found.
    pub passages: u64,
    /// Source files; documents added by content have none.
    pub files: u64,
    /// Segments in which the engine stores the index.
    pub segments: u64,
    /// Size on disk in bytes; 0 in memory.
    pub bytes: u64,
    /// Version of the format.
    pub format: u32,
}

impl IndexStats {
    /// Counts of a collection that is elsewhere, and whose segments and bytes are its own affair.
    pub fn new(documents: u64, passages: u64, files: u64) -> Self {
        Self { documents, passages, files, segments: 0, bytes: 0, format: FORMAT_VERSION }
    }
}

impl Index {
    /// Creates an empty index in a folder that does not exist yet or is empty.
    ///
    /// # Errors
    /// [`ErrorKind::NotAnIndex`] when the folder holds something, an index included; [`ErrorKind::Locked`] while another
    /// process creates it.
    pub fn create(dir: impl AsRef<Path>, settings: IndexSettings) -> Result<Self> {
        let dir = dir.as_ref();
        if settings::is_index(dir) {
            return Err(Error::new(
                ErrorKind::NotAnIndex,
                format!("there is already an index at {}: open it", dir.display()),
            ));
        }
        // It may have become an index meanwhile, by another process; the lock tells.
        if dir.exists() && !holds_nothing_else(dir)? && !settings::is_index(dir) {
            return Err(settings::not_an_index(dir));
        }
        let segments = dir.join(SEGMENTS_DIR);
        fs::create_dir_all(&segments).map_err(|error| Error::io("create", &segments, error))?;
        // Of two processes that create the same index, the slower would overwrite what the faster has committed.
        let folder = open_folder(dir, "create")?;
        let failed = |error| engine_error("create", Some(dir), &folder, error);
        let _lock = lock_for_writing("create", Some(dir), &folder)?;
        if settings::is_index(dir) {
            return Self::open(dir);
        }
        let (schema, fields) = schema::build(settings.analysis);
        let engine = if segments.join(directory::META).is_file() {
            // An earlier attempt was killed before it finished.
            tantivy::Index::open(folder.clone()).map_err(failed)?
        } else {
            let settings = tantivy::IndexSettings::default();
            tantivy::Index::create(folder.clone(), schema, settings).map_err(failed)?
        };
        if !engine.searchable_segment_ids().map_err(failed)?.is_empty() {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!("the index at {} lacks its settings and needs repair", dir.display()),
            ));
        }
        // Last, so that a folder with this file in it is an index.
        settings::write_settings(dir, settings)?;
        Self::finish(engine, fields, settings, Some(dir), folder)
    }

    /// Opens the index in a folder. Cost: a few milliseconds, whatever its size.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::NotAnIndex`], [`ErrorKind::FormatVersion`] or [`ErrorKind::Corrupt`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        damage::check_is_index(dir)?;
        if !settings::is_index(dir) {
            return Err(settings::not_an_index(dir));
        }
        let settings = settings::read_settings(dir)?;
        let folder = open_folder(dir, "open")?;
        let engine = catch_panics(Some(dir), || tantivy::Index::open(folder.clone()))?
            .map_err(|error| engine_error("open", Some(dir), &folder, error))?;
        let (schema, fields) = schema::build(settings.analysis);
        if engine.schema() != schema {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "the index at {} does not have the fields of its format version; delete it and index the sources again",
                    dir.display()
                ),
            ));
        }
        Self::finish(engine, fields, settings, Some(dir), folder)
    }

    /// Opens the index in a folder, or creates one if there is none; `settings` apply to a new one.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(dir: impl AsRef<Path>, settings: IndexSettings) -> Result<Self> {
        let dir = dir.as_ref();
        if settings::is_index(dir) { Self::open(dir) } else { Self::create(dir, settings) }
    }

    /// Creates an empty index in memory.
    pub fn in_memory(settings: IndexSettings) -> Result<Self> {
        let (schema, fields) = schema::build(settings.analysis);
        let folder = IndexFolder::in_memory();
        let engine = tantivy::IndexSettings::default();
        let engine = tantivy::Index::create(folder.clone(), schema, engine)
            .map_err(|error| engine_error("create", None, &folder, error))?;
        Self::finish(engine, fields, settings, None, folder)
    }

    fn finish(
        engine: tantivy::Index,
        fields: Fields,
        settings: IndexSettings,
        dir: Option<&Path>,
        folder: IndexFolder,
    ) -> Result<Self> {
        let analyzer = Analyzer::new(settings.analysis, settings.language);
        engine.tokenizers().register(settings.analysis.tokenizer(), analyzer.terms().clone());
        let reader = catch_panics(dir, || {
            engine.reader_builder().reload_policy(ReloadPolicy::OnCommitWithDelay).try_into()
        })?;
        let reader = reader.map_err(|error| engine_error("open", dir, &folder, error))?;
        let dir = dir.map(Path::to_owned);
        Ok(Self { engine, reader, fields, settings, analyzer, folder, dir })
    }

    /// The engine as a writer uses it: opened anew, so that it knows what other writers have left, and unable to change
    /// anything once the gate is closed.
    fn engine_for_writing(&self) -> Result<(tantivy::Index, OpenGate)> {
        let (folder, gate) = self.folder.for_writing();
        let dir = self.dir.as_deref();
        let engine = catch_panics(dir, || tantivy::Index::open(folder))?
            .map_err(|error| self.failed("write to", error))?;
        let terms = self.analyzer.terms().clone();
        engine.tokenizers().register(self.settings.analysis.tokenizer(), terms);
        Ok((engine, gate))
    }

    /// The settings it was created with.
    pub fn settings(&self) -> IndexSettings {
        self.settings
    }

    /// Its folder; `None` when in memory.
    pub fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Makes commits of other processes visible immediately; without this call it takes up to a second.
    pub fn refresh(&self) -> Result<()> {
        self.reader.reload().map_err(|error| self.failed("refresh", error))
    }

    /// Whether no passage can be found in it. Cost: negligible.
    pub fn is_empty(&self) -> bool {
        self.reader.searcher().num_docs() == 0
    }

    /// Counts what is in it. Cost: reads one small column of the index.
    pub fn stats(&self) -> Result<IndexStats> {
        let searcher = self.reader.searcher();
        let mut stats = IndexStats {
            documents: 0,
            passages: searcher.num_docs(),
            files: self.manifest()?.files.len() as u64,
            segments: searcher.segment_readers().len() as u64,
            bytes: self.dir.as_deref().map_or(0, size_of_dir),
            format: FORMAT_VERSION,
        };
        for segment in searcher.segment_readers() {
            let ordinals = segment
                .fast_fields()
                .u64(schema::ORDINAL)
                .map_err(|error| self.failed("read", error))?;
            let firsts = segment.doc_ids_alive().filter(|doc| ordinals.first(*doc) == Some(0));
            stats.documents += firsts.count() as u64;
        }
        Ok(stats)
    }

    /// The indexed files that match a filter's globs for paths and names, in order.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a glob is invalid.
    pub fn files(&self, filter: &Filter) -> Result<Vec<String>> {
        Ok(self.file_records(filter)?.into_keys().collect())
    }

    /// What is known about the indexed files that match a filter's globs for paths and names.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a glob is invalid.
    pub fn file_records(&self, filter: &Filter) -> Result<BTreeMap<String, FileRecord>> {
        let globs = [path_globs(&filter.paths)?, path_globs(&filter.names)?];
        let mut files = self.manifest()?.files;
        files.retain(|path, _| globs.iter().flatten().all(|globs| globs.is_match(path)));
        Ok(files)
    }

    /// The state given to [`IndexWriter::set_sync_state`] before the last commit.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn sync_state(&self) -> Result<Option<String>> {
        Ok(self.manifest()?.sync_state)
    }

    /// The passage at an address, without metadata.
    pub(crate) fn load(&self, searcher: &Searcher, address: DocAddress) -> Result<Passage> {
        let document = searcher.doc(address).map_err(|error| self.failed("read", error))?;
        self.fields.decode(&document)
    }

    /// The metadata of the document whose passage `ordinal` is at `address`: a document's passages are adjacent, and
    /// the first has it.
    pub(crate) fn load_metadata(
        &self,
        searcher: &Searcher,
        address: DocAddress,
        ordinal: u32,
    ) -> Result<Arc<Metadata>> {
        let damaged = || {
            let message =
                "a document's first passage is missing; the index is damaged and needs repair";
            Error::new(ErrorKind::Corrupt, message)
        };
        let first = address.doc_id.checked_sub(ordinal).ok_or_else(damaged)?;
        let address = DocAddress::new(address.segment_ord, first);
        let document = searcher.doc(address).map_err(|error| self.failed("read", error))?;
        self.fields.decode_metadata(&document)
    }

    pub(crate) fn manifest(&self) -> Result<Manifest> {
        let Some(dir) = &self.dir else { return Ok(Manifest::default()) };
        let read = || {
            let meta = self.engine.load_metas().map_err(|error| self.failed("read", error))?;
            Manifest::read(dir, meta.payload.as_deref())
        };
        // A writer may commit twice between the two reads and remove the manifest that the first one names.
        read().or_else(|_| read())
    }

    pub(crate) fn failed(&self, doing: &str, error: TantivyError) -> Error {
        engine_error(doing, self.dir.as_deref(), &self.folder, error)
    }
}

fn open_folder(dir: &Path, doing: &str) -> Result<IndexFolder> {
    IndexFolder::open(&dir.join(SEGMENTS_DIR))
        .map_err(|error| Error::engine(doing, &display(Some(dir)), None, error))
}

/// Takes the lock that writers hold, for as long as the value lives.
fn lock_for_writing(
    doing: &str,
    dir: Option<&Path>,
    folder: &IndexFolder,
) -> Result<DirectoryLock> {
    folder.lock_for_writing().map_err(|error| {
        let error = TantivyError::LockFailure(error, None);
        Error::engine(doing, &display(dir), None, error)
    })
}

/// An error of the engine. One without an obvious cause is damage if the files are damaged, else a bug of ours.
fn engine_error(
    doing: &str,
    dir: Option<&Path>,
    folder: &IndexFolder,
    error: TantivyError,
) -> Error {
    let at = display(dir);
    let error = Error::engine(doing, &at, folder.failure().kind(), error);
    match dir {
        Some(dir) if error.kind() == ErrorKind::Internal && damage::is_damaged(dir) => {
            damaged(dir).with_source(error)
        }
        _ => error,
    }
}

fn damaged(dir: &Path) -> Error {
    let message = format!("the index at {} is damaged and needs repair", dir.display());
    Error::new(ErrorKind::Corrupt, message)
}

/// Runs code that reads the engine's files. The engine trusts them, so a damaged one may make it panic; a panic on
/// intact files is a bug of ours, and is reported as such.
pub(crate) fn catch_panics<T>(dir: Option<&Path>, read: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|panic| match dir {
        Some(dir) if damage::is_damaged(dir) => damaged(dir),
        _ => {
            let what = panic_message(&*panic);
            let message = format!(
                "searching the index at {} failed because of a bug in this program, not because of the index: {what}",
                display(dir)
            );
            Error::new(ErrorKind::Internal, message)
        }
    })
}

/// Addresses of the passages that have a term.
pub(crate) fn addresses(searcher: &Searcher, term: Term) -> tantivy::Result<Vec<DocAddress>> {
    let query = TermQuery::new(term, IndexRecordOption::Basic);
    Ok(searcher.search(&query, &DocSetCollector)?.into_iter().collect())
}

fn display(dir: Option<&Path>) -> String {
    dir.map_or_else(|| "memory".to_owned(), |dir| dir.display().to_string())
}

/// Whether the folder contains nothing but parts of an index.
fn holds_nothing_else(dir: &Path) -> Result<bool> {
    let entries = fs::read_dir(dir).map_err(|error| Error::io("use", dir, error))?;
    let ours = |name: &str| {
        name == SEGMENTS_DIR
            || directory::is_copy(name)
            || name.starts_with("manifest-")
            || name.ends_with(".tmp")
    };
    if !entries.flatten().all(|entry| entry.file_name().to_str().is_some_and(ours)) {
        return Ok(false);
    }
    let Ok(segments) = fs::read_dir(dir.join(SEGMENTS_DIR)) else { return Ok(true) };
    let of_engine = |name: &str| {
        let stem = name.split('.').next().unwrap_or_default();
        let is_id = stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id || name == directory::META || name.starts_with('.') || name.ends_with(".tmp")
    };
    Ok(segments.flatten().all(|entry| entry.file_name().to_str().is_some_and(of_engine)))
}

fn size_of_dir(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of_dir(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
