//! What a search can be narrowed to. In: a search, or an index. Out: kinds of files and folders, each with how many
//! documents it would leave.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use serde::Serialize;
use vizsla::{Collection, Filter, RetrieveRequest};

use crate::api::request::SearchQuery;
use crate::error::ApiError;
use crate::folders::{below, common_folder};
use crate::state::Searchable;

/// At most so many of each are offered, the most frequent.
const OFFERED: usize = 16;

/// Kinds of files and folders.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Facets {
    pub(crate) ext: Vec<Count>,
    pub(crate) folder: Vec<Count>,
    /// The folder that all of them are in.
    pub(crate) base: String,
}

/// How much there is of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    pub(crate) value: String,
    pub(crate) count: u64,
}

impl Facets {
    /// What a search matches, by its words. Each kind is counted as if nothing of that kind were chosen, so that the
    /// counts of the others say what choosing them would add.
    pub(crate) fn matching(searchable: &Searchable, query: &SearchQuery) -> Result<Self, ApiError> {
        let counts = |filter: Filter| -> Result<BTreeMap<String, u64>, ApiError> {
            let request = RetrieveRequest::new(&query.q, NonZeroUsize::MIN)
                .with_syntax(query.query_syntax())
                .with_filter(filter);
            Ok(searchable.counts(&request)?.unwrap_or_default().files)
        };
        let filter = query.filter()?;
        let (mut any_kind, mut any_folder) = (filter.clone(), filter);
        any_kind.extensions.clear();
        any_folder.paths.clear();
        let of_any_kind = counts(any_kind)?;
        if query.ext.is_empty() && query.path.is_empty() {
            return Ok(Self::of(&of_any_kind, &of_any_kind));
        }
        Ok(Self::of(&of_any_kind, &counts(any_folder)?))
    }

    /// All files of an index.
    pub(crate) fn all(index: &dyn Collection) -> Result<Self, ApiError> {
        let files = index.files(&Filter::default())?.into_iter().map(|file| (file, 1)).collect();
        Ok(Self::of(&files, &files))
    }

    fn of(of_any_kind: &BTreeMap<String, u64>, of_any_folder: &BTreeMap<String, u64>) -> Self {
        let folder = most_frequent(folders(of_any_folder));
        let base =
            folder.first().and_then(|first| Some(first.value.rsplit_once('/')?.0.to_owned()));
        Self { ext: most_frequent(extensions(of_any_kind)), folder, base: base.unwrap_or_default() }
    }
}

/// How much there is of each extension.
fn extensions(files: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (file, count) in files {
        if let Some(extension) = Path::new(file).extension() {
            *counts.entry(extension.to_string_lossy().to_lowercase()).or_default() += count;
        }
    }
    counts
}

/// How much there is below each folder of the level at which the files' paths part.
fn folders(files: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let named = || files.iter().filter(|(file, _)| !file.is_empty());
    let paths = || named().map(|(file, _)| file.as_str());
    let common = common_folder(paths()).unwrap_or(Path::new(""));
    let counts = below(common, named().map(|(file, count)| (file.as_str(), *count)));
    counts
        .into_iter()
        .map(|(name, count)| (common.join(name).display().to_string(), count))
        .collect()
}

fn most_frequent(counts: BTreeMap<String, u64>) -> Vec<Count> {
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.truncate(OFFERED);
    counts.into_iter().map(|(value, count)| Count { value, count }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files<const N: usize>(files: [(&str, u64); N]) -> BTreeMap<String, u64> {
        files.into_iter().map(|(file, count)| (file.to_owned(), count)).collect()
    }

    #[test]
    fn folders_are_counted_where_paths_part() {
        let files = files([
            ("/a/b/x/1.md", 1),
            ("/a/b/x/y/2.MD", 3),
            ("/a/b/z/3.rs", 1),
            ("/a/b/4.rs", 1),
            ("", 9),
        ]);
        let found: Vec<_> = folders(&files).into_iter().collect();
        assert_eq!(found, [("/a/b/x".to_owned(), 4), ("/a/b/z".to_owned(), 1)]);
        let found: Vec<_> = extensions(&files).into_iter().collect();
        assert_eq!(found, [("md".to_owned(), 4), ("rs".to_owned(), 2)]);
        assert!(folders(&BTreeMap::new()).is_empty());
    }

    #[test]
    fn the_most_frequent_come_first() {
        let files = files([("/a/x/1.md", 1), ("/a/y/2.rs", 1), ("/a/y/3.rs", 1)]);
        let facets = Facets::of(&files, &files);
        let count = |value: &str, count| Count { value: value.to_owned(), count };
        assert_eq!(facets.ext, [count("rs", 2), count("md", 1)]);
        assert_eq!(facets.folder, [count("/a/y", 2), count("/a/x", 1)]);
        assert_eq!(facets.base, "/a");
    }
}
