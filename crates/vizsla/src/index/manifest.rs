//! Which files an index was built from, and what else belongs to each commit.
//!
//! Each commit has a manifest of its own, `manifest-N.bin`, which is on disk before the commit that names it, so any
//! commit found has its matching manifest.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vizsla_core::{BoxError, Location};

use super::codec;
use super::durable::write_whole;
use super::settings::IndexSettings;
use crate::error::{Error, ErrorKind, Result};

/// What a commit carries besides its segments: which manifest belongs to it, and a copy of the settings.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) manifest: u64,
    pub(crate) settings: IndexSettings,
}

impl Payload {
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers are always JSON")
    }

    /// An index without a commit has none yet.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self> {
        let Some(text) = text else { return Ok(Self::default()) };
        serde_json::from_str(text).map_err(|error| {
            let message = "the last commit does not name its manifest; the index needs repair";
            Error::new(ErrorKind::Corrupt, message).with_source(error)
        })
    }
}

/// What is known about an indexed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileRecord {
    /// BLAKE3 of its content.
    pub hash: [u8; 32],
    /// Its size in bytes.
    pub bytes: u64,
    /// How many documents it yielded.
    pub documents: u64,
    /// When it was last changed, in nanoseconds since 1970, if a later change would be visible there or in its size.
    pub modified: Option<i64>,
    /// Name and version of the reader that produced its documents, so that a newer reader reads it again.
    pub reader: Option<(String, u32)>,
    /// Whether some of its documents were deleted since it was read; reading it again brings them back.
    pub deleted: bool,
    /// What of it could not be read.
    #[serde(skip)]
    pub problems: Vec<FileProblem>,
}

/// Something in a file that could not be read, as the program that reads files puts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileProblem {
    /// The kind of problem, in that program's terms.
    pub kind: String,
    /// Where in the file, when known.
    pub location: Option<Location>,
    /// What is wrong.
    pub reason: String,
}

impl FileProblem {
    /// A problem of this kind.
    pub fn new(
        kind: impl Into<String>,
        location: Option<Location>,
        reason: impl Into<String>,
    ) -> Self {
        Self { kind: kind.into(), location, reason: reason.into() }
    }
}

impl FileRecord {
    /// A record of a file; see [`content_hash`] for the hash.
    pub fn new(hash: [u8; 32], bytes: u64, documents: u64) -> Self {
        Self {
            hash,
            bytes,
            documents,
            modified: None,
            reader: None,
            deleted: false,
            problems: Vec::new(),
        }
    }

    /// Adds when the file was last changed, in nanoseconds since 1970. Only for a file that could not have been changed
    /// again within the same tick of its clock.
    pub fn with_modified(mut self, nanoseconds: i64) -> Self {
        self.modified = Some(nanoseconds);
        self
    }

    /// Adds name and version of the reader that produced the file's documents.
    pub fn with_reader(mut self, name: impl Into<String>, version: u32) -> Self {
        self.reader = Some((name.into(), version));
        self
    }

    /// Adds what of the file could not be read.
    pub fn with_problems(mut self, problems: Vec<FileProblem>) -> Self {
        self.problems = problems;
        self
    }
}

/// The hash that tells whether a file has changed: BLAKE3 over all of `content`, read in chunks.
///
/// # Errors
/// Those of reading the content.
pub fn content_hash(mut content: impl io::Read) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut content, &mut hasher)?;
    Ok(*hasher.finalize().as_bytes())
}

/// The files of an index by path. The problems of those that have any are stored after the rest, where a manifest of
/// an earlier release ends.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The number of the commit. Numbers are never reused, even after failed commits.
    pub(crate) sequence: u64,
    /// Whether documents without a file were ever added.
    pub(crate) without_file: bool,
    /// State of the program that keeps the index in sync with its sources, in that program's own format.
    pub(crate) sync_state: Option<String>,
    pub(crate) files: BTreeMap<String, FileRecord>,
}

fn manifest_path(dir: &Path, sequence: u64) -> PathBuf {
    dir.join(format!("manifest-{sequence}.bin"))
}

impl Manifest {
    /// Writes the manifest, durably, under its own number. It ends with a BLAKE3 hash of the rest.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        let path = manifest_path(dir, self.sequence);
        let mut bytes = codec::encode(self, 160 * self.files.len() + 64)
            .and_then(|mut bytes| {
                codec::encode_into(&self.problems(), &mut bytes)?;
                Ok(bytes)
            })
            .expect("texts and numbers can be encoded");
        let hash = blake3::hash(&bytes);
        bytes.extend(hash.as_bytes());
        write_whole(&path, &bytes).map_err(|error| Error::io("write", &path, error))
    }

    fn problems(&self) -> BTreeMap<&str, &[FileProblem]> {
        let with_any = self.files.iter().filter(|(_, record)| !record.problems.is_empty());
        with_any.map(|(path, record)| (path.as_str(), record.problems.as_slice())).collect()
    }

    fn decode(bytes: &[u8]) -> std::result::Result<Self, BoxError> {
        let (mut manifest, rest): (Self, _) = codec::decode_manifest(bytes)?;
        if !rest.is_empty() {
            let (problems, _): (BTreeMap<String, Vec<FileProblem>>, _) =
                codec::decode_manifest(rest)?;
            for (path, problems) in problems {
                if let Some(record) = manifest.files.get_mut(&path) {
                    record.problems = problems;
                }
            }
        }
        Ok(manifest)
    }

    /// Reads the manifest named in a commit's payload; an index without a payload has none yet.
    pub(crate) fn read(dir: &Path, payload: Option<&str>) -> Result<Self> {
        match payload {
            None => Ok(Self::default()),
            payload => Self::read_numbered(dir, Payload::parse(payload)?.manifest),
        }
    }

    pub(crate) fn read_numbered(dir: &Path, sequence: u64) -> Result<Self> {
        let path = manifest_path(dir, sequence);
        let corrupt = |what: &str| {
            Error::new(
                ErrorKind::Corrupt,
                format!("{} {what}; a repair restores it", path.display()),
            )
        };
        let bytes =
            fs::read(&path).map_err(|error| corrupt("cannot be read").with_source(error))?;
        let (content, hash) = bytes.split_at(bytes.len().saturating_sub(blake3::OUT_LEN));
        if blake3::hash(content).as_bytes() != hash {
            return Err(corrupt("is damaged"));
        }
        Self::decode(content).map_err(|error| corrupt("cannot be parsed").with_source(error))
    }

    /// The newest readable manifest in the folder, whichever commit it belongs to.
    pub(crate) fn read_newest(dir: &Path) -> Option<Self> {
        let names = fs::read_dir(dir)
            .ok()?
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let number =
            |name: &str| name.strip_prefix("manifest-")?.strip_suffix(".bin")?.parse().ok();
        let mut numbers: Vec<u64> = names.filter_map(|name| number(&name)).collect();
        numbers.sort_unstable();
        numbers.into_iter().rev().find_map(|number| Self::read_numbered(dir, number).ok())
    }

    /// The same with every file marked as changed, so that each is read again.
    pub(crate) fn with_all_changed(mut self) -> Self {
        for record in self.files.values_mut() {
            (record.hash, record.modified) = ([0; 32], None);
        }
        self
    }

    /// Removes the manifests of commits other than this one and `previous`, which a reader may just have looked up.
    /// Failure to remove one only leaves clutter.
    pub(crate) fn remove_others(&self, dir: &Path, previous: u64) {
        let kept = [manifest_path(dir, self.sequence), manifest_path(dir, previous)];
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("manifest-") && !kept.contains(&entry.path()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
