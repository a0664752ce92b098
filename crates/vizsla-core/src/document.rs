//! What goes into an index: a document, its text, and where that text came from.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Locations;

/// Everything known about a document besides its title and text, by name.
pub type Metadata = BTreeMap<String, MetadataValue>;

/// A document to be indexed. Its identity is the file that it came from together with its id: adding a document replaces
/// the one of the same file with the same id, so records of different files never replace each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Document {
    /// Identifies the document among those of its file.
    pub id: String,
    /// The title; empty when there is none.
    pub title: String,
    /// The whole text, headings included.
    pub text: String,
    /// Where each section of `text` begins, in order; empty when the text has no headings.
    pub sections: Vec<Section>,
    /// Where parts of `text` are found in the source.
    pub locations: Locations,
    /// The file that the document was read from; `None` when it came from no file.
    pub path: Option<String>,
    /// Last change, in seconds since 1970-01-01T00:00:00Z.
    pub modified: Option<i64>,
    /// Any other metadata.
    pub metadata: Metadata,
}

impl Document {
    /// A document with an id and a text, and nothing else.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            title: String::new(),
            text: text.into(),
            sections: Vec::new(),
            locations: Locations::OwnLines,
            path: None,
            modified: None,
            metadata: Metadata::new(),
        }
    }

    /// Sets the title, which is searched and read together with every passage.
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Adds one piece of metadata, which results show and filters match.
    pub fn with_metadata(
        mut self,
        name: impl Into<String>,
        value: impl Into<MetadataValue>,
    ) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// Sets where each section of the text begins.
    pub fn with_sections(mut self, sections: Vec<Section>) -> Self {
        self.sections = sections;
        self
    }

    /// Sets where parts of the text are found in the source.
    pub fn with_locations(mut self, locations: Locations) -> Self {
        self.locations = locations;
        self
    }

    /// Sets the file that the document was read from.
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the time of the last change, in seconds since 1970-01-01T00:00:00Z.
    pub fn with_modified(mut self, seconds: i64) -> Self {
        self.modified = Some(seconds);
        self
    }
}

/// The part of a text under one heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Byte offset in the document's text at which the section (its heading included) begins.
    pub start: usize,
    /// The headings that lead here, outermost first.
    pub headings: Vec<String>,
}

impl Section {
    /// A section that begins at byte `start` under `headings`, outermost first.
    pub fn new(start: usize, headings: Vec<String>) -> Self {
        Self { start, headings }
    }
}

/// A metadata value: any JSON value except null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MetadataValue {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
    /// Several values; a filter matches when one of them does.
    List(Vec<MetadataValue>),
    /// Named values.
    Map(Metadata),
}

impl MetadataValue {
    /// Whether every number in the value is finite, so that it can be stored as JSON.
    pub fn is_finite(&self) -> bool {
        match self {
            Self::Float(number) => number.is_finite(),
            Self::List(values) => values.iter().all(Self::is_finite),
            Self::Map(values) => values.values().all(Self::is_finite),
            Self::Bool(_) | Self::Integer(_) | Self::Text(_) => true,
        }
    }

    /// Approximate size in bytes, names included.
    pub fn size(&self) -> usize {
        match self {
            Self::Bool(_) | Self::Integer(_) | Self::Float(_) => 8,
            Self::Text(text) => text.len(),
            Self::List(values) => values.iter().map(|value| value.size() + 2).sum(),
            Self::Map(values) => {
                values.iter().map(|(name, value)| name.len() + value.size() + 4).sum()
            }
        }
    }
}

/// The text that a filter compares with: the value itself, without quotes.
impl fmt::Display for MetadataValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
            Self::List(values) => {
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    value.fmt(f)?;
                }
                Ok(())
            }
            Self::Map(values) => {
                for (i, (name, value)) in values.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{name}: {value}")?;
                }
                Ok(())
            }
        }
    }
}

impl From<&str> for MetadataValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for MetadataValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<i64> for MetadataValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for MetadataValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
