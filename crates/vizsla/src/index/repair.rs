//! Checks and repairs an index on disk.
//!
//! A damaged segment loses its passages: the files they came from are marked, so that they are read again. A repair
//! holds the writer's lock from before its diagnosis until it is done.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::damage::{Damage, MANAGED, check_is_index, payload};
use super::directory::{META, SEGMENTS_DIR, SegmentsCopy};
use super::durable::write_whole;
use super::manifest::{FileRecord, Manifest};
use super::{Index, lock_for_writing, open_folder, schema, settings};
use crate::error::{Error, ErrorKind, Result};

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct CheckReport {
    /// The problems, each with its file; empty when there are none.
    pub problems: Vec<String>,
    /// Passages that can be found.
    pub passages: u64,
    /// Bytes whose checksum was verified.
    pub bytes: u64,
}

/// The result of a repair.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RepairReport {
    /// The problems found.
    pub problems: Vec<String>,
    /// Segments that could not be saved.
    pub segments_dropped: usize,
    /// Passages that were in them.
    pub passages_lost: u64,
    /// Whether some of these passages may belong to documents without a file, which no reading of files brings back.
    pub without_file: bool,
    /// Files with lost passages; indexing them again restores the passages.
    pub files: Vec<String>,
}

impl Index {
    /// Verifies every checksum of the index in a folder. Cost: reads all of it.
    ///
    /// # Errors
    /// [`ErrorKind::NotAnIndex`] and [`ErrorKind::NotFound`]; damage is not an error but the result.
    pub fn check(dir: impl AsRef<Path>) -> Result<CheckReport> {
        let dir = dir.as_ref();
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

    /// Repairs an index: restores settings and lists from their copies, drops damaged segments, and marks the files
    /// they came from as changed, so that indexing the sources again restores everything. An undamaged index is left
    /// alone.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] while another writer has it open; [`ErrorKind::Corrupt`] when the list of segments and its
    /// copy are both lost.
    pub fn repair(dir: impl AsRef<Path>) -> Result<RepairReport> {
        let dir = dir.as_ref();
        check_is_index(dir)?;
        let segments = dir.join(SEGMENTS_DIR);
        // Before anything is inspected: a concurrent commit would be mistaken for damage, or overwritten.
        let _lock = lock_for_writing("repair", Some(dir), &open_folder(dir, "repair")?)?;
        let mut damage = Damage::find(dir)?;
        if damage.managed {
            // Nothing else can be verified until this is repaired.
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
            // If the repair is interrupted after this, everything is read again rather than something never.
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
    let mut manifest = damage.read_manifest.clone().unwrap_or_else(|| {
        let newest = Manifest::read_newest(dir);
        Manifest {
            without_file: newest.as_ref().is_none_or(|newest| newest.without_file),
            // How the sources are read is worth keeping from the previous commit.
            sync_state: newest.and_then(|newest| newest.sync_state),
            ..Manifest::default()
        }
    });
    report.without_file = report.passages_lost > 0 && manifest.without_file;
    manifest.sequence = payload.manifest;
    if damage.manifest || report.segments_dropped > 0 {
        report.files = mark_lost(&index, &mut manifest)?;
        manifest.write(dir)?;
    }
    Ok(())
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

/// Clears the hash of each file with missing documents, so that it counts as changed. Files missing from the manifest
/// are added to it.
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
