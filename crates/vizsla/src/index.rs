//! An index on disk or in memory: made, opened, described.

use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tantivy::{IndexReader, ReloadPolicy};
use vizsla_core::Filter;

use crate::analysis;
use crate::directory::IndexFolder;
use crate::error::{Error, ErrorKind, Result};
use crate::filter;
use crate::manifest::{self, IndexSettings, Manifest};
use crate::retrieve::IndexRetriever;
use crate::schema::{self, Fields};
use crate::writer::{IndexWriter, WriterOptions};

pub(crate) const SEGMENTS_DIR: &str = "segments";

/// An index of passages. Cheap to clone; clones share everything.
///
/// Many threads and processes may search while one writes; each search sees the last commit as a whole.
#[derive(Clone)]
pub struct Index {
    pub(crate) engine: tantivy::Index,
    pub(crate) reader: IndexReader,
    pub(crate) fields: Fields,
    pub(crate) settings: IndexSettings,
    /// Where it lies; `None` when in memory.
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
    /// Files that they came from; documents added by content have none.
    pub files: u64,
    /// Parts that the engine keeps the index in.
    pub segments: u64,
    /// Size on disk in bytes; 0 in memory.
    pub bytes: u64,
    /// Version of the format.
    pub format: u32,
}

impl Index {
    /// Makes an empty index in a folder that does not exist yet or is empty.
    ///
    /// # Errors
    /// [`ErrorKind::NotAnIndex`] when the folder holds something, an index included.
    pub fn create(dir: &Path, settings: IndexSettings) -> Result<Self> {
        if manifest::is_index(dir) {
            return Err(Error::new(
                ErrorKind::NotAnIndex,
                format!("there is an index at {} already: open it", dir.display()),
            ));
        }
        let occupied = dir.exists()
            && fs::read_dir(dir).map_err(|error| Error::io("use", dir, error))?.next().is_some();
        if occupied {
            return Err(not_an_index(dir));
        }
        let segments = dir.join(SEGMENTS_DIR);
        fs::create_dir_all(&segments).map_err(|error| Error::io("create", &segments, error))?;
        let failed = |error| Error::engine("create", &dir.display().to_string(), error);
        let directory = IndexFolder::open(&segments).map_err(failed)?;
        let (schema, fields) = schema::build();
        let engine = tantivy::Index::create(directory, schema, tantivy::IndexSettings::default())
            .map_err(failed)?;
        // Last, so that a folder with this file in it is an index.
        manifest::write_settings(dir, settings)?;
        Self::finish(engine, fields, settings, Some(dir.to_owned()))
    }

    /// Opens the index in a folder. Cost: some milliseconds, whatever its size.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::NotAnIndex`], [`ErrorKind::FormatVersion`] or [`ErrorKind::Corrupt`].
    pub fn open(dir: &Path) -> Result<Self> {
        if !dir.exists() {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no index at {}", dir.display()),
            ));
        }
        if !manifest::is_index(dir) {
            return Err(not_an_index(dir));
        }
        let settings = manifest::read_settings(dir)?;
        let failed = |error| Error::engine("open", &dir.display().to_string(), error);
        let directory = IndexFolder::open(&dir.join(SEGMENTS_DIR)).map_err(failed)?;
        let engine = guarded(dir, || tantivy::Index::open(directory))?.map_err(failed)?;
        let (schema, fields) = schema::build();
        if engine.schema() != schema {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "the index at {} has other fields than its format version says: rebuild it",
                    dir.display()
                ),
            ));
        }
        Self::finish(engine, fields, settings, Some(dir.to_owned()))
    }

    /// Opens the index in a folder, or makes one there if there is none; `settings` are for a new one.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`create`](Self::create).
    pub fn open_or_create(dir: &Path, settings: IndexSettings) -> Result<Self> {
        if manifest::is_index(dir) { Self::open(dir) } else { Self::create(dir, settings) }
    }

    /// Makes an empty index that lives in memory.
    pub fn in_memory(settings: IndexSettings) -> Result<Self> {
        let (schema, fields) = schema::build();
        Self::finish(tantivy::Index::create_in_ram(schema), fields, settings, None)
    }

    fn finish(
        engine: tantivy::Index,
        fields: Fields,
        settings: IndexSettings,
        dir: Option<PathBuf>,
    ) -> Result<Self> {
        engine.tokenizers().register(analysis::ANALYZER, analysis::analyzer(settings.language));
        let at = display(dir.as_deref());
        let reader = guarded(Path::new(&at), || {
            engine.reader_builder().reload_policy(ReloadPolicy::OnCommitWithDelay).try_into()
        })?;
        let reader = reader.map_err(|error| Error::engine("open", &at, error))?;
        Ok(Self { engine, reader, fields, settings, dir })
    }

    /// The settings that it was made with.
    pub fn settings(&self) -> IndexSettings {
        self.settings
    }

    /// Where it lies; `None` when in memory.
    pub fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Finds passages in this index.
    pub fn retriever(&self) -> IndexRetriever {
        IndexRetriever::new(self.clone())
    }

    /// Begins to write. There can be one writer at a time, over all processes.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] when there is another one.
    pub fn writer(&self, options: &WriterOptions) -> Result<IndexWriter> {
        IndexWriter::new(self.clone(), options)
    }

    /// Makes commits of other processes visible now; without this call that takes up to a second.
    pub fn refresh(&self) -> Result<()> {
        self.reader.reload().map_err(|error| self.failed("refresh", error))
    }

    /// Whether no passage can be found in it. Cost: none to speak of.
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
            format: manifest::FORMAT_VERSION,
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

    /// The files that the index was made from and that a filter's path globs match, in order.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a glob cannot be read.
    pub fn files(&self, filter: &Filter) -> Result<Vec<String>> {
        let globs = filter::path_globs(&filter.paths)?;
        Ok(self
            .manifest()?
            .files
            .into_keys()
            .filter(|path| globs.as_ref().is_none_or(|globs| globs.is_match(path)))
            .collect())
    }

    /// Keeps what a repair would need.
    pub(crate) fn keep_copy(&self) -> Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        manifest::keep_copy(dir, &dir.join(SEGMENTS_DIR).join("meta.json"))
    }

    pub(crate) fn manifest(&self) -> Result<Manifest> {
        let Some(dir) = &self.dir else { return Ok(Manifest::default()) };
        let meta = self.engine.load_metas().map_err(|error| self.failed("read", error))?;
        Manifest::read(dir, meta.payload.as_deref())
    }

    pub(crate) fn failed(&self, doing: &str, error: tantivy::TantivyError) -> Error {
        Error::engine(doing, &display(self.dir.as_deref()), error)
    }
}

/// Runs what reads the engine's files, which it takes apart on trust: where a damaged one leads it astray, that is an error.
pub(crate) fn guarded<T>(dir: &Path, read: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "the index at {} is damaged: `vizsla check` says where, and `vizsla repair` mends it",
                dir.display()
            ),
        )
    })
}

fn display(dir: Option<&Path>) -> String {
    dir.map_or_else(|| "memory".to_owned(), |dir| dir.display().to_string())
}

pub(crate) fn not_an_index(dir: &Path) -> Error {
    let what = if dir.join("meta.json").is_file() {
        "an index of tantivy that another program made: search it through `ExistingIndex`, or give another folder"
    } else if dir.is_dir() {
        "no index of Vizsla: it holds other files; give a folder that is new or empty"
    } else {
        "no folder"
    };
    Error::new(ErrorKind::NotAnIndex, format!("{} is {what}", dir.display()))
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
