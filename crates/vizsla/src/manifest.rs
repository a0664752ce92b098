//! What lies beside the engine's own files: the settings of an index, and which files it was made from.
//!
//! `vizsla.json` names the format version and the settings, and is written once. Each commit has a manifest of its own,
//! `manifest-N.bin`, which is on disk before the commit that names it: whichever commit is found, its manifest fits.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vizsla_core::SplitOptions;

use crate::analysis::Language;
use crate::bm25::{Bm25Params, FieldWeights};
use crate::encoding;
use crate::error::{Error, ErrorKind, Result};

/// The version of everything that this crate writes. Raised when an older program could no longer read it.
pub const FORMAT_VERSION: u32 = 2;

const SETTINGS_FILE: &str = "vizsla.json";
const COPY_FILE: &str = "segments-copy.json";

/// What is fixed when an index is made.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IndexSettings {
    /// How large passages are.
    pub split: SplitOptions,
    /// Parameters of BM25 unless a search brings its own.
    pub bm25: Bm25Params,
    /// The language of the texts.
    pub language: Language,
    /// What a match in each field counts for, unless a search says otherwise.
    pub weights: FieldWeights,
    /// Whether texts are indexed once more without title and headings, so that [`FieldWeights::body`] can be used. Costs
    /// about a quarter of the time of indexing and of the size.
    pub separate_body: bool,
}

impl IndexSettings {
    /// Sets how large passages are.
    pub fn with_split(mut self, split: SplitOptions) -> Self {
        self.split = split;
        self
    }

    /// Sets the language of the texts.
    pub fn with_language(mut self, language: Language) -> Self {
        self.language = language;
        self
    }

    /// Sets what a match in each field counts for.
    pub fn with_weights(mut self, weights: FieldWeights) -> Self {
        self.weights = weights;
        self
    }

    /// Indexes texts once more without title and headings.
    pub fn with_separate_body(mut self) -> Self {
        self.separate_body = true;
        self
    }

    /// Sets the parameters of BM25.
    pub fn with_bm25(mut self, bm25: Bm25Params) -> Self {
        self.bm25 = bm25;
        self
    }
}

#[derive(Serialize, Deserialize)]
struct SettingsFile {
    format: u32,
    #[serde(flatten)]
    settings: IndexSettings,
    /// BLAKE3 of the settings as compact JSON, so that no damaged number passes for one that was chosen.
    checksum: String,
}

fn checksum_of(settings: &IndexSettings) -> String {
    let json = serde_json::to_vec(settings).expect("numbers are always JSON");
    blake3::hash(&json).to_hex().to_string()
}

/// What a commit carries besides its segments: which manifest is its own, and the settings once more.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) manifest: u64,
    pub(crate) settings: IndexSettings,
}

impl Payload {
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers are always JSON")
    }

    /// An index to which nothing was committed yet has none.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self> {
        let Some(text) = text else { return Ok(Self::default()) };
        serde_json::from_str(text).map_err(|error| {
            let message = "the last commit does not say which manifest is its own; `vizsla repair` may mend it";
            Error::new(ErrorKind::Corrupt, message).with_source(error)
        })
    }
}

/// Whether the folder holds an index of this crate, of whatever version.
pub(crate) fn is_index(dir: &Path) -> bool {
    dir.join(SETTINGS_FILE).is_file()
}

pub(crate) fn write_settings(dir: &Path, settings: IndexSettings) -> Result<()> {
    let path = dir.join(SETTINGS_FILE);
    let checksum = checksum_of(&settings);
    let file = SettingsFile { format: FORMAT_VERSION, settings, checksum };
    let json = serde_json::to_vec_pretty(&file).expect("numbers are always JSON");
    write_whole(&path, &json).map_err(|error| Error::io("write", &path, error))
}

pub(crate) fn read_settings(dir: &Path) -> Result<IndexSettings> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let path = dir.join(SETTINGS_FILE);
    let json = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
    let damaged = || {
        Error::new(
            ErrorKind::Corrupt,
            format!("{} is damaged; `vizsla repair` restores it", path.display()),
        )
    };
    let corrupt = |error: serde_json::Error| damaged().with_source(error);
    let Format { format } = serde_json::from_slice(&json).map_err(corrupt)?;
    if format != FORMAT_VERSION {
        return Err(Error::new(
            ErrorKind::FormatVersion,
            format!(
                "the index at {} has format version {format}, this program reads version {FORMAT_VERSION}: rebuild the index, \
                 or use the program that made it",
                dir.display()
            ),
        ));
    }
    let file: SettingsFile = serde_json::from_slice(&json).map_err(corrupt)?;
    if file.checksum != checksum_of(&file.settings) {
        return Err(damaged());
    }
    Ok(file.settings)
}

/// What is known of a file that was indexed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileRecord {
    /// BLAKE3 of its content.
    pub hash: [u8; 32],
    /// Its size in bytes.
    pub bytes: u64,
    /// How many documents it gave.
    pub documents: u64,
    /// When it was last changed, in nanoseconds since 1970, if that together with its size tells a later change apart.
    pub modified: Option<i64>,
}

impl FileRecord {
    /// A record of a file; see [`content_hash`] for the hash.
    pub fn new(hash: [u8; 32], bytes: u64, documents: u64) -> Self {
        Self { hash, bytes, documents, modified: None }
    }

    /// Adds when the file was last changed, in nanoseconds since 1970. Only for a file that could not have been changed
    /// again within the same tick of its clock.
    pub fn with_modified(mut self, nanoseconds: i64) -> Self {
        self.modified = Some(nanoseconds);
        self
    }
}

/// The hash that tells whether a file has changed: BLAKE3 over all that `content` gives, read in pieces.
///
/// # Errors
/// Those of reading.
pub fn content_hash(mut content: impl io::Read) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut content, &mut hasher)?;
    Ok(*hasher.finalize().as_bytes())
}

/// The files of an index by path.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) sequence: u64,
    pub(crate) files: BTreeMap<String, FileRecord>,
}

fn manifest_path(dir: &Path, sequence: u64) -> PathBuf {
    dir.join(format!("manifest-{sequence}.bin"))
}

impl Manifest {
    /// Writes the manifest, durably, under its own number. A BLAKE3 of the rest stands at its end.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        let path = manifest_path(dir, self.sequence);
        let mut bytes = encoding::encode(self, 160 * self.files.len() + 64)
            .expect("a map of numbers can be encoded");
        let hash = blake3::hash(&bytes);
        bytes.extend(hash.as_bytes());
        write_whole(&path, &bytes).map_err(|error| Error::io("write", &path, error))
    }

    /// Reads the manifest that a commit names with its payload; an index without one has none yet.
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
                format!("{} {what}: `vizsla repair` makes it anew", path.display()),
            )
        };
        let bytes =
            fs::read(&path).map_err(|error| corrupt("cannot be read").with_source(error))?;
        let (content, hash) = bytes.split_at(bytes.len().saturating_sub(blake3::OUT_LEN));
        if blake3::hash(content).as_bytes() != hash {
            return Err(corrupt("is damaged"));
        }
        encoding::decode(content)
            .map_err(|error| corrupt("cannot be understood").with_source(error))
    }

    /// Removes the manifests of other commits. What cannot be removed is only clutter.
    pub(crate) fn remove_others(&self, dir: &Path) {
        let own = manifest_path(dir, self.sequence);
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("manifest-") && entry.path() != own {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Keeps a copy of the engine's list of segments, for the case that it is damaged.
pub(crate) fn keep_copy(dir: &Path, list: &Path) -> Result<()> {
    let copy = dir.join(COPY_FILE);
    let bytes = fs::read(list).map_err(|error| Error::io("read", list, error))?;
    write_whole(&copy, &bytes).map_err(|error| Error::io("write", &copy, error))
}

/// The copy, if there is one that can be understood.
pub(crate) fn read_copy(dir: &Path) -> Option<serde_json::Value> {
    serde_json::from_slice(&fs::read(dir.join(COPY_FILE)).ok()?).ok()
}

/// Writes a file that is there whole and durably, or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let scratch = path.with_extension("tmp");
    let write = || {
        let mut file = File::create(&scratch)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&scratch, path)?;
        // The new name is durable once its folder is.
        if let (true, Some(folder)) = (cfg!(unix), path.parent()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&scratch);
    })
}
