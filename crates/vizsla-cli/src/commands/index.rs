//! `vizsla index`: walks the sources, and makes the index say what they say.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde::Serialize;
use vizsla::{
    Document, FileRecord, Index, IndexSettings, IndexWriter, SourceLines, SplitOptions,
    WriterOptions, content_hash,
};
use vizsla_extract::{ErrorKind, Format, JsonLines};

use crate::args::IndexArgs;
use crate::interrupt::{self, Interrupted};
use crate::{Outcome, output, progress};

pub(crate) fn run(args: &IndexArgs) -> anyhow::Result<Outcome> {
    interrupt::listen()?;
    let report = update(args)?;
    if args.json {
        output::json(&report)?;
    } else {
        report.print()?;
    }
    Ok(if report.problems.is_empty() { Outcome::Success } else { Outcome::Partial })
}

/// What became of the sources.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    added: u64,
    changed: u64,
    /// Files that are there under another name than before.
    renamed: u64,
    removed: u64,
    unchanged: u64,
    documents: u64,
    passages: u64,
    /// Documents without title and text.
    empty: u64,
    /// Documents whose id another one of this run had; the last one counts.
    repeated_ids: u64,
    binary: u64,
    links_not_followed: u64,
    seconds: f64,
    /// Files, or lines of files, that could not be read.
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    path: String,
    reason: String,
}

impl Report {
    /// Whether there is anything to tell.
    pub(crate) fn has_changes(&self) -> bool {
        self.added + self.changed + self.renamed + self.removed > 0 || !self.problems.is_empty()
    }

    pub(crate) fn print(&self) -> io::Result<()> {
        let rate = self.passages as f64 / self.seconds.max(0.001);
        output::line(&format!(
            "{} added, {} changed, {} renamed, {} removed, {} unchanged: {} documents in {} passages, {:.1} s ({rate:.0} passages/s)",
            self.added,
            self.changed,
            self.renamed,
            self.removed,
            self.unchanged,
            self.documents,
            self.passages,
            self.seconds
        ))?;
        let mut notes = Vec::new();
        for (count, what) in [
            (self.binary, "binary files skipped"),
            (self.links_not_followed, "symbolic links not followed (--follow follows them)"),
            (self.empty, "documents without any text"),
            (self.repeated_ids, "documents replaced by a later one with the same id"),
        ] {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        }
        if !notes.is_empty() {
            output::line(&notes.join(", "))?;
        }
        for problem in &self.problems {
            output::note(&format!("could not read {}: {}", problem.path, problem.reason));
        }
        if !self.problems.is_empty() {
            output::note(&format!("{} problems; everything else is indexed", self.problems.len()));
        }
        Ok(())
    }
}

/// Brings the index up to date with the sources; nothing is changed unless all of it is.
pub(crate) fn update(args: &IndexArgs) -> anyhow::Result<Report> {
    let start = std::time::Instant::now();
    let mut report = Report::default();
    let sources = Sources::find(args, &mut report)?;
    let index = open(args)?;
    let threads = args.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        |n| n as usize,
    );
    let options = WriterOptions::default().with_threads(threads.min(8));
    let mut writer = index.writer(&options.with_memory(args.memory as usize))?;
    let missing = Missing::find(&sources, &writer, args, &mut report);
    let job = Job {
        args,
        writer: &writer,
        moved_from: missing.by_content(&writer),
        report: Mutex::new(report),
        bar: progress::bar(sources.files.len() as u64, "files"),
        documents: AtomicU64::new(0),
        passages: AtomicU64::new(0),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    pool.install(|| sources.files.par_iter().try_for_each(|path| job.file(path)))?;
    if sources.standard_input {
        job.standard_input()?;
    }
    let mut report = job.finish();
    missing.remove(&writer, &mut report);
    if interrupt::asked() {
        writer.rollback()?;
        return Err(Interrupted(format!(
            "interrupted: nothing of this run is in the index at {}, which is as it was before",
            args.index.index.display()
        ))
        .into());
    }
    writer.commit()?;
    writer.finish()?;
    report.seconds = start.elapsed().as_secs_f64();
    report.problems.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(report)
}

/// Stands for the content of a file of which something was missing, so that it is read again next time.
const INCOMPLETE: [u8; 32] = [0; 32];
/// A file changed later than this before now may change again without its time telling.
const SETTLED: Duration = Duration::from_secs(2);

fn modified_nanoseconds(metadata: &fs::Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}

fn record_of(hash: [u8; 32], metadata: &fs::Metadata, documents: u64) -> FileRecord {
    let record = FileRecord::new(hash, metadata.len(), documents);
    let age = metadata.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    match modified_nanoseconds(metadata) {
        Some(modified) if age.is_some_and(|age| age > SETTLED) => record.with_modified(modified),
        _ => record,
    }
}

/// What is to be indexed.
#[derive(Default)]
struct Sources {
    /// Absolute paths of the files and folders named.
    roots: Vec<PathBuf>,
    /// The files in them, in order.
    files: Vec<PathBuf>,
    standard_input: bool,
}

impl Sources {
    fn find(args: &IndexArgs, report: &mut Report) -> anyhow::Result<Self> {
        let mut sources = Self::default();
        let index = fs::canonicalize(&args.index.index).ok();
        for source in &args.sources {
            if source.as_os_str() == "-" {
                sources.standard_input = true;
                continue;
            }
            let root = fs::canonicalize(source)
                .with_context(|| format!("cannot read the source {}", source.display()))?;
            sources.walk(&root, args, index.as_deref(), report);
            sources.roots.push(root);
        }
        sources.files.sort();
        sources.files.dedup();
        Ok(sources)
    }

    fn walk(&mut self, root: &Path, args: &IndexArgs, index: Option<&Path>, report: &mut Report) {
        let walk = ignore::WalkBuilder::new(root)
            .hidden(!args.hidden)
            .ignore(!args.no_ignore)
            .git_ignore(!args.no_ignore)
            .git_global(false)
            .git_exclude(!args.no_ignore)
            .require_git(false)
            .follow_links(args.follow)
            .build();
        for entry in walk {
            match entry {
                Ok(entry) if index.is_some_and(|index| entry.path().starts_with(index)) => {}
                Ok(entry) if entry.path_is_symlink() && !args.follow => {
                    report.links_not_followed += 1;
                }
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    self.files.push(entry.into_path());
                }
                Ok(_) => {}
                Err(error) if is_loop(&error) => {}
                Err(error) => report
                    .problems
                    .push(Problem { path: root.display().to_string(), reason: error.to_string() }),
            }
        }
    }
}

/// A link to a folder above it holds nothing that is not found elsewhere.
fn is_loop(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::Loop { .. } => true,
        ignore::Error::WithPath { err, .. }
        | ignore::Error::WithDepth { err, .. }
        | ignore::Error::WithLineNumber { err, .. } => is_loop(err),
        _ => false,
    }
}

/// Opens the index, or makes it with the settings asked for; an index that is there keeps its own.
fn open(args: &IndexArgs) -> anyhow::Result<Index> {
    let mut settings = IndexSettings::default();
    if let Some(tokens) = args.passage_tokens {
        settings = settings.with_split(SplitOptions::default().with_max_tokens(tokens as usize));
    }
    if let Some(language) = args.language {
        settings = settings.with_language(language);
    }
    if args.separate_body {
        settings = settings.with_separate_body();
    }
    let index = Index::open_or_create(&args.index.index, settings)?;
    let made = index.settings();
    for (flag, given, same) in [
        ("--passage-tokens", args.passage_tokens.is_some(), made.split == settings.split),
        ("--language", args.language.is_some(), made.language == settings.language),
        ("--separate-body", args.separate_body, made.separate_body),
    ] {
        if given && !same {
            anyhow::bail!(
                "the index at {} was made with another {flag}: make a new one to change it",
                args.index.index.display()
            );
        }
    }
    Ok(index)
}

/// Files that the index was made from and that are gone.
struct Missing(Vec<String>);

impl Missing {
    /// Documents of files that are gone go too, but not those of a source that looks like a folder that is not mounted.
    fn find(
        sources: &Sources,
        writer: &IndexWriter,
        args: &IndexArgs,
        report: &mut Report,
    ) -> Self {
        let present: HashSet<&str> =
            sources.files.iter().filter_map(|path| path.to_str()).collect();
        let all_known = writer.files();
        let mut all_missing = Vec::new();
        for root in &sources.roots {
            let known: Vec<&String> =
                all_known.iter().filter(|path| Path::new(path).starts_with(root)).collect();
            let missing: Vec<&String> =
                known.iter().copied().filter(|path| !present.contains(path.as_str())).collect();
            if !args.prune && !missing.is_empty() && missing.len() == known.len() && root.is_dir() {
                report.problems.push(Problem {
                    path: root.display().to_string(),
                    reason: format!("holds no file any more, where {} were indexed; they are kept: is it mounted? --prune removes them", known.len()),
                });
                continue;
            }
            all_missing.extend(missing.into_iter().cloned());
        }
        all_missing.sort();
        all_missing.dedup();
        Self(all_missing)
    }

    /// How many files of each content are gone: a new one with that content has been renamed.
    fn by_content(&self, writer: &IndexWriter) -> Mutex<HashMap<[u8; 32], usize>> {
        let mut counts = HashMap::new();
        let records = self.0.iter().filter_map(|path| writer.file(path));
        for record in records.filter(|record| record.hash != INCOMPLETE) {
            *counts.entry(record.hash).or_default() += 1;
        }
        Mutex::new(counts)
    }

    fn remove(&self, writer: &IndexWriter, report: &mut Report) {
        for path in &self.0 {
            writer.delete_file(path);
        }
        report.removed = self.0.len() as u64 - report.renamed;
    }
}

/// One run over the files, shared by all threads.
struct Job<'a> {
    args: &'a IndexArgs,
    writer: &'a IndexWriter,
    moved_from: Mutex<HashMap<[u8; 32], usize>>,
    report: Mutex<Report>,
    bar: ProgressBar,
    documents: AtomicU64,
    passages: AtomicU64,
}

impl Job<'_> {
    fn finish(self) -> Report {
        self.bar.finish_and_clear();
        let mut report = self.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.documents = self.documents.into_inner();
        report.passages = self.passages.into_inner();
        report
    }

    fn note(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn problem(&self, path: &str, reason: String) {
        self.note(|report| report.problems.push(Problem { path: path.to_owned(), reason }));
    }

    /// Indexes one file unless it is unchanged. Only errors of the index end the run; those of the file are noted.
    fn file(&self, path: &Path) -> anyhow::Result<()> {
        if interrupt::asked() {
            return Ok(());
        }
        let Some(name) = path.to_str() else {
            self.problem(&path.display().to_string(), "its name is not valid UTF-8".to_owned());
            return Ok(());
        };
        let indexed = fs::metadata(path).map_err(anyhow::Error::from).and_then(|metadata| {
            if self.looks_unchanged(name, &metadata) {
                self.note(|report| report.unchanged += 1);
                return Ok(());
            }
            if Format::of(name) == Format::JsonLines {
                self.json_lines_file(name, &metadata)
            } else {
                self.whole_file(name, &metadata)
            }
        });
        self.bar.inc(1);
        match indexed {
            Err(error) if error.is::<io::Error>() || error.is::<vizsla_extract::Error>() => {
                self.problem(name, format!("{error:#}"));
                Ok(())
            }
            other => other,
        }
    }

    fn whole_file(&self, name: &str, metadata: &fs::Metadata) -> anyhow::Result<()> {
        if metadata.len() > self.args.max_file_size {
            let (size, limit) = (
                indicatif::HumanBytes(metadata.len()),
                indicatif::HumanBytes(self.args.max_file_size),
            );
            self.problem(
                name,
                format!("it has {size}, more than the limit of {limit}; --max-file-size raises it"),
            );
            return Ok(());
        }
        let bytes = fs::read(name)?;
        let hash = content_hash(bytes.as_slice())?;
        let Some(known) = self.changed(name, hash, metadata) else { return Ok(()) };
        let documents = match vizsla_extract::extract(name, &bytes) {
            Err(error) if error.kind() == ErrorKind::Binary => {
                self.note(|report| report.binary += 1);
                Vec::new()
            }
            documents => documents?,
        };
        drop(bytes);
        self.replace(name, known, metadata, hash, documents.into_iter().map(Ok))
    }

    fn json_lines_file(&self, name: &str, metadata: &fs::Metadata) -> anyhow::Result<()> {
        let hash = content_hash(File::open(name)?)?;
        let Some(known) = self.changed(name, hash, metadata) else { return Ok(()) };
        let lines = JsonLines::new(name, BufReader::with_capacity(1 << 20, File::open(name)?));
        self.replace(
            name,
            known,
            metadata,
            hash,
            lines.with_max_bytes(self.args.max_file_size as usize),
        )
    }

    /// Whether size and time say that the file is as it was, so that it need not be read.
    fn looks_unchanged(&self, name: &str, metadata: &fs::Metadata) -> bool {
        !self.args.rehash
            && self.writer.file(name).is_some_and(|record| {
                record.modified.is_some()
                    && record.modified == modified_nanoseconds(metadata)
                    && record.bytes == metadata.len()
                    && record.hash != INCOMPLETE
            })
    }

    /// Whether the file was known before, or `None` when it is unchanged.
    fn changed(&self, name: &str, hash: [u8; 32], metadata: &fs::Metadata) -> Option<bool> {
        match self.writer.file(name) {
            Some(record) if record.hash == hash => {
                self.note(|report| report.unchanged += 1);
                self.writer.record_file(name, record_of(hash, metadata, record.documents));
                None
            }
            record => Some(record.is_some()),
        }
    }

    fn replace(
        &self,
        name: &str,
        known: bool,
        metadata: &fs::Metadata,
        hash: [u8; 32],
        documents: impl Iterator<Item = Result<Document, vizsla_extract::Error>>,
    ) -> anyhow::Result<()> {
        if known {
            self.writer.delete_file(name);
        }
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs() as i64));
        let (added, whole) = self.add_all(name, documents, modified)?;
        // A file of which something was missing is read again next time, and reported again.
        let hash = if whole { hash } else { INCOMPLETE };
        self.writer.record_file(name, record_of(hash, metadata, added));
        let renamed = !known && self.was_moved(hash);
        self.note(|report| match (known, renamed) {
            (true, _) => report.changed += 1,
            (_, true) => report.renamed += 1,
            _ => report.added += 1,
        });
        Ok(())
    }

    /// Whether a file with this content is gone, and not yet taken for the former name of another one.
    fn was_moved(&self, hash: [u8; 32]) -> bool {
        let mut moved = self.moved_from.lock().unwrap_or_else(PoisonError::into_inner);
        moved.get_mut(&hash).filter(|count| **count > 0).map(|count| *count -= 1).is_some()
    }

    fn standard_input(&self) -> anyhow::Result<()> {
        let lines = JsonLines::new("-", io::stdin().lock())
            .with_max_bytes(self.args.max_file_size as usize);
        let documents = lines.map(|document| {
            document.map(|mut document| {
                document.path = None;
                document.with_lines(SourceLines::SameAsText)
            })
        });
        self.add_all("standard input", documents, None)?;
        Ok(())
    }

    /// Adds documents; gives back how many, and whether none was missing.
    fn add_all(
        &self,
        name: &str,
        documents: impl Iterator<Item = Result<Document, vizsla_extract::Error>>,
        modified: Option<i64>,
    ) -> anyhow::Result<(u64, bool)> {
        let (mut count, mut whole) = (0, true);
        for document in documents {
            if interrupt::asked() {
                break;
            }
            let mut document = match document {
                Ok(document) => document,
                Err(error) => {
                    whole = false;
                    self.problem(name, format!("{:#}", anyhow::Error::from(error)));
                    continue;
                }
            };
            document.modified = modified;
            let added = match self.writer.add(&document) {
                Err(error) if error.kind() == vizsla::ErrorKind::InvalidInput => {
                    whole = false;
                    self.problem(name, error.to_string());
                    continue;
                }
                added => added?,
            };
            count += 1;
            self.documents.fetch_add(1, Ordering::Relaxed);
            self.passages.fetch_add(added.passages as u64, Ordering::Relaxed);
            if added.passages == 0 || added.repeated {
                self.note(|report| {
                    report.empty += u64::from(added.passages == 0);
                    report.repeated_ids += u64::from(added.repeated);
                });
            }
        }
        Ok((count, whole))
    }
}
