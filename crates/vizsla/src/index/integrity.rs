//! Finds what is damaged in an index on disk, and mends what can be mended.
//!
//! Every file of a segment ends with a checksum, and so does the manifest. Settings are kept twice, in `vizsla.json` and with each
//! commit, and so is the list of segments, with its hash. What is lost with a damaged segment are the passages in it: the files that
//! they came from are marked, so that they are read again. A repair holds the writer's lock from before it looks until it is done.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tantivy::Directory;
use tantivy::directory::INDEX_WRITER_LOCK;
use tantivy::directory::error::LockError;

use super::directory::{META, SegmentsCopy};
use super::durable::write_whole;
use super::manifest::{FileRecord, Manifest, Payload};
use super::{Index, SEGMENTS_DIR, not_an_index, schema, settings};
use crate::error::{Error, ErrorKind, Result};

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct CheckReport {
    /// What is wrong, each with the file; empty when nothing is.
    pub problems: Vec<String>,
    /// Passages that can be found.
    pub passages: u64,
    /// Bytes whose checksum was verified.
    pub bytes: u64,
}

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RepairReport {
    /// What was wrong.
    pub problems: Vec<String>,
    /// Parts of the index that could not be saved.
    pub segments_dropped: usize,
    /// Passages that were in them.
    pub passages_lost: u64,
    /// Files of which something was lost; indexing them again brings it back.
    pub files: Vec<String>,
}

/// The parts of a segment; some have deletions besides.
const EXTENSIONS: [&str; 6] = ["fast", "fieldnorm", "idx", "pos", "store", "term"];
/// The engine's list of files that it may remove when they are no longer used.
const MANAGED: &str = ".managed.json";

impl Index {
    /// Verifies every checksum of the index in a folder. Cost: reads all of it.
    ///
    /// # Errors
    /// [`ErrorKind::NotAnIndex`] and [`ErrorKind::NotFound`]; damage is no error but the result.
    pub fn check(dir: &Path) -> Result<CheckReport> {
        let damage = Damage::find_beside_writers(dir)?;
        let mut report =
            CheckReport { problems: damage.problems, bytes: damage.bytes, passages: 0 };
        if report.problems.is_empty() {
            match Self::open(dir).and_then(|index| index.stats()) {
                Ok(stats) => report.passages = stats.passages,
                Err(error) => report.problems.push(error.to_string()),
            }
        }
        Ok(report)
    }

    /// Mends an index: restores settings and lists from their copies, drops parts that are damaged, and marks the files that
    /// they came from as changed, so that indexing the sources again brings everything back. An index without damage is
    /// left as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] while somebody writes; [`ErrorKind::Corrupt`] when the list of segments and its copy are both lost.
    pub fn repair(dir: &Path) -> Result<RepairReport> {
        check_is_index(dir)?;
        let segments = dir.join(SEGMENTS_DIR);
        // Before anything is looked at: what a writer commits meanwhile would be taken for damage, or be overwritten.
        let _lock = lock(dir, &segments)?;
        let mut damage = Damage::find(dir)?;
        if damage.managed {
            // Nothing else could be verified until this is mended.
            let problems = std::mem::take(&mut damage.problems);
            write_managed(&segments)?;
            damage = Damage::find(dir)?;
            damage.problems.splice(0..0, problems);
        }
        let mut report = RepairReport { problems: damage.problems.clone(), ..Default::default() };
        if damage.problems.is_empty() {
            return Ok(report);
        }
        let Some(mut meta) = damage.meta.take() else {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "the list of segments in {} and its copy are both damaged: delete the index and rebuild it from its sources",
                    segments.join(META).display()
                ),
            ));
        };
        drop_segments(&mut meta, &damage.segments, &mut report);
        if report.segments_dropped > 0 && !damage.manifest {
            // Should the repair be cut off after this, everything is read again instead of something never.
            Manifest::read_numbered(dir, payload(&meta)?.manifest)?
                .with_all_changed()
                .write(dir)?;
        }
        if damage.meta_restored || report.segments_dropped > 0 {
            write_meta(&segments, &meta)?;
        } else if damage.copy {
            keep_copy(&segments)?;
        }
        mend_settings_and_manifest(dir, &meta, &damage, &mut report)?;
        Ok(report)
    }
}

fn mend_settings_and_manifest(
    dir: &Path,
    meta: &Value,
    damage: &Damage,
    report: &mut RepairReport,
) -> Result<()> {
    let payload = payload(meta)?;
    if damage.settings {
        settings::write_settings(dir, payload.settings)?;
    }
    let index = Index::open(dir)?;
    let mut manifest = damage.read_manifest.clone().unwrap_or_else(|| Manifest {
        // How the sources are read is worth keeping from the commit before.
        sync_state: Manifest::read_newest(dir).and_then(|manifest| manifest.sync_state),
        ..Manifest::default()
    });
    manifest.sequence = payload.manifest;
    if damage.manifest || report.segments_dropped > 0 {
        report.files = mark_lost(&index, &mut manifest)?;
        manifest.write(dir)?;
    }
    Ok(())
}

/// The lock that writers hold. A folder that cannot be written to cannot be repaired either.
fn lock(dir: &Path, segments: &Path) -> Result<tantivy::directory::DirectoryLock> {
    let failed = |message: &str| Error::new(ErrorKind::Io, format!("{message} {}", dir.display()));
    let directory = tantivy::directory::MmapDirectory::open(segments)
        .map_err(|error| failed("cannot open the segments of the index at").with_source(error))?;
    directory.acquire_lock(&INDEX_WRITER_LOCK).map_err(|error| match error {
        LockError::IoError(_) => {
            failed("cannot write to the folder of the index at").with_source(error)
        }
        LockError::LockBusy => Error::new(
            ErrorKind::Locked,
            format!(
                "cannot repair the index at {} while another writer has it open",
                dir.display()
            ),
        )
        .with_source(error),
    })
}

fn check_is_index(dir: &Path) -> Result<()> {
    if !dir.exists() {
        let message = format!("there is no index at {}", dir.display());
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    if !settings::is_index(dir) && !dir.join(SEGMENTS_DIR).is_dir() {
        return Err(not_an_index(dir));
    }
    Ok(())
}

/// Whether something is wrong with the files of an index. Cost: reads all of them.
pub(crate) fn is_damaged(dir: &Path) -> bool {
    Damage::find_beside_writers(dir).is_ok_and(|damage| !damage.problems.is_empty())
}

/// What is damaged.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a file that is damaged or not")]
struct Damage {
    problems: Vec<String>,
    settings: bool,
    managed: bool,
    manifest: bool,
    /// The manifest, unless it is damaged.
    read_manifest: Option<Manifest>,
    /// The copy of the list of segments.
    copy: bool,
    /// Ids of the segments.
    segments: BTreeSet<String>,
    /// The list of segments, from its copy when it is itself damaged.
    meta: Option<Value>,
    meta_restored: bool,
    bytes: u64,
}

impl Damage {
    /// As [`find`](Self::find), but looks again when a writer changed the list of segments meanwhile, since it also
    /// removes files.
    fn find_beside_writers(dir: &Path) -> Result<Self> {
        let list = dir.join(SEGMENTS_DIR).join(META);
        let mut tries = 5;
        loop {
            let before = fs::read(&list).ok();
            let damage = Self::find(dir)?;
            tries -= 1;
            if damage.problems.is_empty() || tries == 0 || before == fs::read(&list).ok() {
                return Ok(damage);
            }
        }
    }

    fn find(dir: &Path) -> Result<Self> {
        check_is_index(dir)?;
        let segments = dir.join(SEGMENTS_DIR);
        let mut damage = Self::default();
        if let Err(error) = settings::read_settings(dir) {
            if error.kind() == ErrorKind::FormatVersion {
                return Err(error);
            }
            damage.settings = true;
            damage.problems.push(error.to_string());
        }
        let managed = segments.join(MANAGED);
        if let Ok(bytes) = fs::read(&managed)
            && serde_json::from_slice::<Vec<PathBuf>>(&bytes).is_err()
        {
            damage.managed = true;
            let message = format!(
                "{}: cannot be understood; the rest is verified once it is mended",
                managed.display()
            );
            damage.problems.push(message);
            return Ok(damage);
        }
        damage.read_meta(&segments);
        damage.check_segments(&segments);
        damage.check_manifest(dir);
        Ok(damage)
    }

    /// The list of segments as it is, unless its copy shows that it is damaged.
    fn read_meta(&mut self, segments: &Path) {
        let path = segments.join(META);
        let copy = SegmentsCopy::read(segments);
        if let Err(what) = &copy {
            self.copy = true;
            self.problems.push(what.clone());
        }
        let copy = copy.ok();
        let parse_copy = || parse_meta(copy.as_ref()?.list().as_bytes()).ok();
        let bytes = fs::read(&path).map_err(|error| error.to_string());
        let own = bytes.as_ref().map_err(Clone::clone).and_then(|bytes| parse_meta(bytes));
        match (own, bytes) {
            (Ok(own), Ok(bytes)) => {
                let unaccounted = copy.as_ref().is_some_and(|copy| !copy.accounts_for(&bytes));
                // A list of other segments that are all whole was not made by damage, whatever the copy says.
                let restored = parse_copy().filter(|copy| {
                    unaccounted && (same_segments(copy, &own) || !all_there(segments, &own))
                });
                self.meta_restored = restored.is_some();
                if unaccounted {
                    self.copy = true;
                    self.problems.push(format!("{}: differs from its copy", path.display()));
                }
                self.meta = Some(restored.unwrap_or(own));
            }
            (own, _) => {
                let what = own.err().unwrap_or_default();
                self.problems.push(format!("{}: {what}", path.display()));
                self.meta_restored = true;
                self.meta = parse_copy();
            }
        }
    }

    fn check_segments(&mut self, dir: &Path) {
        for (id, deletes, max_doc) in self.meta.as_ref().map(segments_of).unwrap_or_default() {
            let before = self.problems.len();
            for file in segment_files(dir, &id, deletes) {
                match verify(&file) {
                    Ok(bytes) => self.bytes += bytes,
                    Err(what) => self.problems.push(format!("{}: {what}", file.display())),
                }
            }
            if self.problems.len() == before && max_doc == 0 {
                self.problems.push(format!("{}: segment {id} has no passage", dir.display()));
            }
            if self.problems.len() > before {
                self.segments.insert(id);
            }
        }
    }

    fn check_manifest(&mut self, dir: &Path) {
        let Some(meta) = &self.meta else { return };
        let read = payload(meta).and_then(|payload| Manifest::read_numbered(dir, payload.manifest));
        match read {
            Ok(manifest) => self.read_manifest = Some(manifest),
            // An index that nothing was committed to has none.
            Err(_) if !meta["payload"].is_string() => {
                self.read_manifest = Some(Manifest::default());
            }
            Err(error) => {
                self.manifest = true;
                self.problems.push(error.to_string());
            }
        }
    }
}

fn parse_meta(bytes: &[u8]) -> std::result::Result<Value, String> {
    let meta: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("cannot be parsed ({error})"))?;
    let whole =
        meta["segments"].is_array() && meta["schema"].is_array() && meta["opstamp"].is_u64();
    let named = segments_of(&meta).len() == meta["segments"].as_array().map_or(0, Vec::len);
    if whole && named { Ok(meta) } else { Err("lacks what it must have".to_owned()) }
}

/// Id, stamp of the deletions and number of passages of each segment.
fn segments_of(meta: &Value) -> Vec<(String, Option<u64>, u64)> {
    let segments = meta["segments"].as_array().map(Vec::as_slice).unwrap_or_default();
    segments
        .iter()
        .filter_map(|segment| {
            let id = segment["segment_id"].as_str()?;
            Some((
                id.to_owned(),
                segment["deletes"]["opstamp"].as_u64(),
                segment["max_doc"].as_u64()?,
            ))
        })
        .collect()
}

/// Whether two lists name the same segments.
fn same_segments(a: &Value, b: &Value) -> bool {
    let ids =
        |meta: &Value| segments_of(meta).into_iter().map(|(id, ..)| id).collect::<BTreeSet<_>>();
    ids(a) == ids(b)
}

/// Whether the files of every segment in a list exist.
fn all_there(dir: &Path, meta: &Value) -> bool {
    segments_of(meta)
        .iter()
        .all(|(id, deletes, _)| segment_files(dir, id, *deletes).iter().all(|file| file.is_file()))
}

fn segment_files(dir: &Path, id: &str, deletes: Option<u64>) -> Vec<PathBuf> {
    let prefix = id.replace('-', "");
    let file = |extension: &str| dir.join(format!("{prefix}.{extension}"));
    let mut files: Vec<PathBuf> = EXTENSIONS.iter().map(|extension| file(extension)).collect();
    files.extend(deletes.map(|opstamp| file(&format!("{opstamp}.del"))));
    files
}

/// Checks a file against the checksum at its end; gives back its size.
fn verify(path: &Path) -> std::result::Result<u64, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err("has no name".to_owned());
    };
    // The engine takes a file apart on trust, and a damaged one may lead it anywhere.
    let verified = catch_unwind(AssertUnwindSafe(|| {
        let directory =
            tantivy::directory::MmapDirectory::open(folder).map_err(|e| e.to_string())?;
        let directory = tantivy::directory::ManagedDirectory::wrap(Box::new(directory))
            .map_err(|e| e.to_string())?;
        directory.validate_checksum(Path::new(name)).map_err(|error| error.to_string())
    }));
    match verified {
        Ok(Ok(true)) => Ok(size),
        Ok(Ok(false)) | Err(_) => Err("its checksum does not fit: the file is damaged".to_owned()),
        Ok(Err(what)) => Err(what),
    }
}

fn drop_segments(meta: &mut Value, damaged: &BTreeSet<String>, report: &mut RepairReport) {
    let Some(segments) = meta["segments"].as_array_mut() else { return };
    segments.retain(|segment| {
        let broken = segment["segment_id"].as_str().is_some_and(|id| damaged.contains(id));
        if broken {
            report.segments_dropped += 1;
            let deleted = segment["deletes"]["num_deleted_docs"].as_u64().unwrap_or(0);
            report.passages_lost +=
                segment["max_doc"].as_u64().unwrap_or(0).saturating_sub(deleted);
        }
        !broken
    });
}

fn write_managed(segments: &Path) -> Result<()> {
    let path = segments.join(MANAGED);
    let entries = fs::read_dir(segments).map_err(|error| Error::io("read", segments, error))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    let json = serde_json::to_vec(&names).expect("texts are always JSON");
    write_whole(&path, &json).map_err(|error| Error::io("write", &path, error))
}

fn write_meta(segments: &Path, meta: &Value) -> Result<()> {
    let path = segments.join(META);
    let json = serde_json::to_vec_pretty(meta).expect("a JSON value is always JSON");
    SegmentsCopy::write(segments, &json)
        .and_then(|()| write_whole(&path, &json))
        .map_err(|error| Error::io("write", &path, error))
}

fn keep_copy(segments: &Path) -> Result<()> {
    let path = segments.join(META);
    fs::read(&path)
        .and_then(|list| SegmentsCopy::write(segments, &list))
        .map_err(|error| Error::io("copy", &path, error))
}

fn payload(meta: &Value) -> Result<Payload> {
    Payload::parse(meta["payload"].as_str())
}

/// Takes the hash from each file of which not all documents are there, so that it counts as changed. A file that the
/// manifest does not know any more is put into it.
fn mark_lost(index: &Index, manifest: &mut Manifest) -> Result<Vec<String>> {
    let mut found: HashMap<String, u64> = HashMap::new();
    let failed = |error: tantivy::TantivyError| index.failed("read", error);
    for segment in index.reader.searcher().segment_readers() {
        let ordinals = segment.fast_fields().u64(schema::ORDINAL).map_err(failed)?;
        let Some(paths) = segment.fast_fields().str(schema::PATH).map_err(failed)? else {
            continue;
        };
        for doc in segment.doc_ids_alive() {
            let Some(ord) = paths.ords().first(doc) else { continue };
            let mut path = String::new();
            paths.ord_to_str(ord, &mut path).map_err(|error| failed(error.into()))?;
            if path.is_empty() {
                // Documents that came from no file cannot be read again.
                continue;
            }
            *found.entry(path).or_default() += u64::from(ordinals.first(doc) == Some(0));
        }
    }
    let mut lost = Vec::new();
    for (path, record) in &mut manifest.files {
        if found.remove(path).unwrap_or(0) < record.documents {
            (record.hash, record.modified) = ([0; 32], None);
            lost.push(path.clone());
        }
    }
    for (path, documents) in found {
        manifest.files.insert(path.clone(), FileRecord::new([0; 32], 0, documents));
        lost.push(path);
    }
    lost.sort();
    Ok(lost)
}
