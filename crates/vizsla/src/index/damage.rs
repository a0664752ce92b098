//! Finds damage in the files of an index, without opening it.
//!
//! Every file of a segment ends with a checksum, and so does the manifest. Settings are kept twice, in `vizsla.json` and with
//! each commit, and so is the list of segments, with its hash.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::directory::{META, SEGMENTS_DIR, SegmentsCopy};
use super::manifest::{Manifest, Payload};
use super::settings;
use crate::error::{Error, ErrorKind, Result};

/// The files of a segment; some also have deletions.
const EXTENSIONS: [&str; 6] = ["fast", "fieldnorm", "idx", "pos", "store", "term"];
/// The engine's list of files that it may remove when they are no longer used.
pub(super) const MANAGED: &str = ".managed.json";

/// What is damaged.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a file that is damaged or not")]
pub(super) struct Damage {
    pub(super) problems: Vec<String>,
    pub(super) settings: bool,
    pub(super) managed: bool,
    pub(super) manifest: bool,
    /// The manifest, unless it is damaged.
    pub(super) read_manifest: Option<Manifest>,
    /// The copy of the list of segments.
    pub(super) copy: bool,
    /// Ids of the segments.
    pub(super) segments: BTreeSet<String>,
    /// The list of segments, from its copy when it is itself damaged.
    pub(super) meta: Option<Value>,
    pub(super) meta_restored: bool,
    pub(super) bytes: u64,
}

impl Damage {
    /// As [`find`](Self::find), but retries when a writer changed the list of segments in the meantime, since it also
    /// removes files.
    pub(super) fn find_beside_writers(dir: &Path) -> Result<Self> {
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

    pub(super) fn find(dir: &Path) -> Result<Self> {
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
                "{}: cannot be parsed; the rest is verified once it is repaired",
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
                // Of two lists whose files are all there, the later stands; of the same commit, the copy, whose hash is right.
                let is_intact = is_consistent(segments, &own);
                let restored = parse_copy().filter(|copy| {
                    let is_later = is_intact && age(&own) > age(copy);
                    let is_other =
                        is_intact && age(&own) == age(copy) && !same_segments(copy, &own);
                    unaccounted && !is_later && !is_other && is_consistent(segments, copy)
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
            // An index without a commit has none.
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
    if whole && named { Ok(meta) } else { Err("lacks required fields".to_owned()) }
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

/// Whether the files that a list names exist, its manifest included.
fn is_consistent(segments: &Path, meta: &Value) -> bool {
    let dir = segments.parent().unwrap_or(segments);
    let manifest = || Manifest::read_numbered(dir, payload(meta).ok()?.manifest).ok();
    all_there(segments, meta) && (!meta["payload"].is_string() || manifest().is_some())
}

/// What grows from commit to commit, the number of the manifest before the engine's own.
fn age(meta: &Value) -> (u64, Option<u64>) {
    (payload(meta).map_or(0, |payload| payload.manifest), meta["opstamp"].as_u64())
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

/// Checks a file against the checksum at its end; returns its size.
fn verify(path: &Path) -> std::result::Result<u64, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err("has no name".to_owned());
    };
    // The engine parses files without validation, so a damaged one may make it do anything.
    let verified = catch_unwind(AssertUnwindSafe(|| {
        let directory =
            tantivy::directory::MmapDirectory::open(folder).map_err(|e| e.to_string())?;
        let directory = tantivy::directory::ManagedDirectory::wrap(Box::new(directory))
            .map_err(|e| e.to_string())?;
        // The engine's own words are those of its data structures.
        directory
            .validate_checksum(Path::new(name))
            .map_err(|_| "cannot be verified: the file is damaged".to_owned())
    }));
    match verified {
        Ok(Ok(true)) => Ok(size),
        Ok(Ok(false)) | Err(_) => {
            Err("its checksum does not match: the file is damaged".to_owned())
        }
        Ok(Err(what)) => Err(what),
    }
}

/// Whether there is something to open, verify or repair.
pub(super) fn check_is_index(dir: &Path) -> Result<()> {
    if !dir.exists() {
        let message = format!("there is no index at {}", dir.display());
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    match (dir.join(SEGMENTS_DIR).is_dir(), settings::is_index(dir)) {
        (true, _) => Ok(()),
        (false, false) => Err(settings::not_an_index(dir)),
        (false, true) => Err(Error::new(
            ErrorKind::NotAnIndex,
            format!(
                "{} has the settings of an index and none of its segments, so that nothing can be repaired: delete {} and \
                 index the sources again",
                dir.display(),
                dir.join(settings::SETTINGS_FILE).display()
            ),
        )),
    }
}

/// Whether something is wrong with the files of an index. Cost: reads all of them.
pub(super) fn is_damaged(dir: &Path) -> bool {
    Damage::find_beside_writers(dir).is_ok_and(|damage| !damage.problems.is_empty())
}

pub(super) fn payload(meta: &Value) -> Result<Payload> {
    Payload::parse(meta["payload"].as_str())
}
