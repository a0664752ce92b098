//! References to models. In: what somebody wrote. Out: one of four kinds of reference, without looking at the disk.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use vizsla_hub::{Repository, catalogue};

/// A reference to a model. As text, and in JSON, it is a single string:
///
/// | text | means |
/// |---|---|
/// | `bundled`, or the bundled model's own name | the model that ships with Vizsla |
/// | a name or repository in [`catalogue`], optionally with `@revision` | that entry, at its pinned revision unless one is given |
/// | `organisation/name`, optionally with `@revision` | that repository on the hub, at the branch `main` unless one is given |
/// | an absolute path, or one that begins with `.` | that folder |
///
/// An existing folder of exactly that name takes precedence over the catalogue and the hub when the model is
/// [opened](crate::Models::open).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum ModelRef {
    /// The model that ships with Vizsla.
    #[default]
    Bundled,
    /// A name from the catalogue, or an unknown one.
    Named(String),
    /// A repository on the hub at a revision.
    Repository(Repository),
    /// A folder with `config.json`, `tokenizer.json` and `onnx/model*.onnx`.
    Dir(PathBuf),
}

/// A short name for the bundled model, whatever its version.
const BUNDLED: &str = "bundled";

impl ModelRef {
    /// The folder that this would name if it were a path.
    pub(crate) fn as_folder(&self) -> Option<PathBuf> {
        match self {
            Self::Bundled => None,
            Self::Dir(dir) => Some(dir.clone()),
            Self::Named(_) | Self::Repository(_) => {
                let path = PathBuf::from(self.to_string());
                path.is_dir().then_some(path)
            }
        }
    }
}

impl FromStr for ModelRef {
    type Err = ParseModelRefError;

    /// # Errors
    /// [`ParseModelRefError`] for text without a name.
    fn from_str(text: &str) -> Result<Self, ParseModelRefError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ParseModelRefError);
        }
        if text == BUNDLED || text == vizsla_bundled::NAME {
            return Ok(Self::Bundled);
        }
        if Path::new(text).is_absolute() || text.starts_with('.') {
            return Ok(Self::Dir(text.into()));
        }
        let plain = text.split_once('@').map_or(text, |(plain, _)| plain);
        if catalogue::find(plain).is_some() {
            return Ok(Self::Named(text.to_owned()));
        }
        if !text.contains(['/', '\\']) {
            return Ok(Self::Named(text.to_owned()));
        }
        Ok(text.parse().map_or_else(|_| Self::Dir(text.into()), Self::Repository))
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled => f.write_str(vizsla_bundled::NAME),
            Self::Named(name) => f.write_str(name),
            Self::Repository(repository) if repository.revision() == "main" => {
                f.write_str(repository.name())
            }
            Self::Repository(repository) => repository.fmt(f),
            Self::Dir(dir) => {
                let text = dir.display().to_string();
                let is_plain = dir.is_absolute() || text.starts_with('.');
                write!(f, "{}{text}", if is_plain { "" } else { "./" })
            }
        }
    }
}

impl From<ModelRef> for String {
    fn from(model: ModelRef) -> Self {
        model.to_string()
    }
}

impl TryFrom<String> for ModelRef {
    type Error = ParseModelRefError;

    fn try_from(text: String) -> Result<Self, ParseModelRefError> {
        text.parse()
    }
}

/// Text that does not name a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseModelRefError;

impl fmt::Display for ParseModelRefError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the model's name is empty")
    }
}

impl std::error::Error for ParseModelRefError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ModelRef {
        text.parse().unwrap()
    }

    #[test]
    fn each_kind_of_name_is_recognised() {
        assert_eq!(parsed("bundled"), ModelRef::Bundled);
        assert_eq!(parsed(vizsla_bundled::NAME), ModelRef::Bundled);
        assert_eq!(parsed(catalogue::DEFAULT), ModelRef::Named(catalogue::DEFAULT.into()));
        let repository = &catalogue::find(catalogue::DEFAULT).unwrap().repository;
        assert_eq!(parsed(repository), ModelRef::Named(repository.clone()));
        assert_eq!(parsed("org/tiny"), ModelRef::Repository("org/tiny".parse().unwrap()));
        assert_eq!(parsed("org/tiny@v2"), ModelRef::Repository("org/tiny@v2".parse().unwrap()));
        for dir in ["./model", "../x", "/models/x", "a/b/c"] {
            assert_eq!(parsed(dir), ModelRef::Dir(dir.into()));
        }
        assert!("  ".parse::<ModelRef>().is_err());
    }

    #[test]
    fn text_and_json_survive_a_round_trip() {
        for text in ["bundled", "nothing-known", "org/tiny", "org/tiny@v2", "./model", "/x/y"] {
            let model = parsed(text);
            assert_eq!(parsed(&model.to_string()), model);
            let json = serde_json::to_string(&model).unwrap();
            assert_eq!(serde_json::from_str::<ModelRef>(&json).unwrap(), model);
        }
        let relative = ModelRef::Dir("model".into());
        assert_eq!(relative.to_string(), "./model");
    }
}
