//! The settings fixed when an index is created, in `vizsla.json`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use vizsla_core::SplitOptions;

use super::durable::write_whole;
use super::parameters::{Bm25Params, FieldWeights};
use crate::analysis::{Analysis, Language};
use crate::error::{Error, ErrorKind, Result};

/// The version of everything this crate writes. Raised when older programs could no longer read it.
pub const FORMAT_VERSION: u32 = 3;

pub(super) const SETTINGS_FILE: &str = "vizsla.json";

/// The settings fixed when an index is created.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IndexSettings {
    /// How large passages are.
    pub split: SplitOptions,
    /// BM25 parameters, unless a search supplies its own.
    pub bm25: Bm25Params,
    /// The language of the texts.
    pub language: Language,
    /// How texts become terms.
    #[serde(default = "Analysis::before_it_was_stored")]
    pub analysis: Analysis,
    /// Field weights, unless a search supplies its own.
    pub weights: FieldWeights,
    /// Whether texts are also indexed without title and headings, so that [`FieldWeights::body`] can be used. Adds
    /// about a quarter to indexing time and size.
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

    /// Sets how texts become terms.
    pub fn with_analysis(mut self, analysis: Analysis) -> Self {
        self.analysis = analysis;
        self
    }

    /// Sets the field weights.
    pub fn with_weights(mut self, weights: FieldWeights) -> Self {
        self.weights = weights;
        self
    }

    /// Also indexes texts without title and headings.
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
    /// The bytes as stored, over which the checksum is, so that a field added by a later version is not damage.
    settings: Box<RawValue>,
    /// BLAKE3 of the settings, so that no damaged number passes for a deliberate one.
    checksum: String,
}

fn checksum_of(settings: &RawValue) -> String {
    blake3::hash(settings.get().as_bytes()).to_hex().to_string()
}

/// Whether the folder holds an index of this crate, of any version.
pub(crate) fn is_index(dir: &Path) -> bool {
    dir.join(SETTINGS_FILE).is_file()
}

/// Explains why a folder is not an index.
pub(crate) fn not_an_index(dir: &Path) -> Error {
    let what = if dir.join(super::directory::META).is_file() {
        "a tantivy index that another program made: search it through `TantivyRetriever`, or give another folder"
    } else if dir.is_dir() {
        "not a Vizsla index: it holds other files; give a folder that is new or empty"
    } else {
        "not a folder"
    };
    Error::new(ErrorKind::NotAnIndex, format!("{} is {what}", dir.display()))
}

pub(crate) fn write_settings(dir: &Path, settings: IndexSettings) -> Result<()> {
    let path = dir.join(SETTINGS_FILE);
    let settings = serde_json::value::to_raw_value(&settings).expect("numbers are always JSON");
    let checksum = checksum_of(&settings);
    let file = SettingsFile { format: FORMAT_VERSION, settings, checksum };
    let json = serde_json::to_vec(&file).expect("numbers are always JSON");
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
        Error::new(ErrorKind::Corrupt, format!("{} is damaged and needs repair", path.display()))
    };
    let corrupt = |error: serde_json::Error| damaged().with_source(error);
    let Format { format } = serde_json::from_slice(&json).map_err(corrupt)?;
    if format != FORMAT_VERSION {
        return Err(Error::new(
            ErrorKind::FormatVersion,
            format!(
                "the index at {} has format version {format}, this program reads version {FORMAT_VERSION}: delete the folder \
                 and index the sources again, or use the program that made it",
                dir.display()
            ),
        ));
    }
    let file: SettingsFile = serde_json::from_slice(&json).map_err(corrupt)?;
    if file.checksum != checksum_of(&file.settings) {
        return Err(damaged());
    }
    serde_json::from_str(file.settings.get()).map_err(corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_a_later_version_is_not_damage() {
        let dir = tempfile::tempdir().unwrap();
        write_settings(dir.path(), IndexSettings::default()).unwrap();
        let known = serde_json::to_string(&IndexSettings::default()).unwrap();
        let settings = format!("{},\"later\":1}}", known.strip_suffix('}').unwrap());
        let checksum = blake3::hash(settings.as_bytes()).to_hex();
        let file = format!(
            "{{\"format\":{FORMAT_VERSION},\"settings\":{settings},\"checksum\":\"{checksum}\"}}"
        );
        std::fs::write(dir.path().join(SETTINGS_FILE), &file).unwrap();
        assert_eq!(read_settings(dir.path()).unwrap(), IndexSettings::default());
        std::fs::write(dir.path().join(SETTINGS_FILE), file.replace("400", "401")).unwrap();
        assert_eq!(read_settings(dir.path()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
