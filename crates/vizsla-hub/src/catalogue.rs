//! The models known by a short name. The list is data, in `catalogue.json`: a new model is a new entry.

use serde::{Deserialize, Serialize};

/// A model on the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Its short name.
    pub name: String,
    /// `organisation/name` on the hub.
    pub repository: String,
    /// The pinned commit; without one, whatever the branch `main` holds when fetched.
    #[serde(default)]
    pub revision: Option<String>,
    /// The terms under which it may be used, where known.
    #[serde(default)]
    pub licence: Option<String>,
    /// The languages it reads.
    pub languages: String,
    /// Maximum number of tokens, query and passage together.
    pub max_tokens: u32,
    /// Its number of weights.
    #[serde(default)]
    pub parameters: Option<String>,
    /// Published quality, with its source.
    pub quality: String,
    /// Its files, where they are known; else the hub is asked.
    #[serde(default)]
    pub files: Vec<File>,
}

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct File {
    /// Its path in the repository.
    pub path: String,
    /// Its size.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Its SHA-256 in hexadecimal.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// The model to fetch unless another is named.
pub const DEFAULT: &str = "ms-marco-MiniLM-L6-v2";

/// All entries.
pub fn entries() -> Vec<Entry> {
    serde_json::from_str(include_str!("catalogue.json")).expect("a test reads the catalogue")
}

/// The entry with this name (whatever its case), or of this repository.
pub fn find(name: &str) -> Option<Entry> {
    entries().into_iter().find(|entry| {
        entry.name.eq_ignore_ascii_case(name) || entry.repository.eq_ignore_ascii_case(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_whole_and_their_names_distinct() {
        let entries = entries();
        assert!(find(DEFAULT).is_some_and(|entry| entry.revision.is_some()));
        for (i, entry) in entries.iter().enumerate() {
            assert_eq!(entry.repository.split('/').count(), 2, "{}", entry.repository);
            assert!(entries[..i].iter().all(|other| other.name != entry.name), "{}", entry.name);
            for hash in entry.files.iter().filter_map(|file| file.sha256.as_ref()) {
                assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
            }
        }
    }
}
