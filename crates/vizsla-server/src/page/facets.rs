//! What a search can be narrowed to. In: the paths of an index's files. Out: kinds of files and folders, with counts.

use std::collections::BTreeMap;

use crate::api::{extensions, folders};

/// At most so many of each are offered, the most frequent.
const OFFERED: usize = 16;

/// Kinds of files and folders.
#[derive(Debug, Default)]
pub(super) struct Facets {
    pub(super) extensions: Vec<Count>,
    pub(super) folders: Vec<Count>,
    /// The folder that all of `folders` are in.
    pub(super) base: String,
}

/// How many files have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) value: String,
    /// `None` for a value that the user came up with.
    pub(super) files: Option<usize>,
}

impl Facets {
    pub(super) fn of(files: &[String]) -> Self {
        let folders = most_frequent(folders(files));
        let base =
            folders.first().and_then(|first| Some(first.value.rsplit_once('/')?.0.to_owned()));
        Self {
            extensions: most_frequent(extensions(files)),
            folders,
            base: base.unwrap_or_default(),
        }
    }
}

fn most_frequent(counts: BTreeMap<String, usize>) -> Vec<Count> {
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, files)| std::cmp::Reverse(*files));
    counts.truncate(OFFERED);
    counts.into_iter().map(|(value, files)| Count { value, files: Some(files) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_come_first() {
        let files = ["/a/x/1.md", "/a/y/2.rs", "/a/y/3.rs"].map(str::to_owned);
        let facets = Facets::of(&files);
        let count = |value: &str, files| Count { value: value.to_owned(), files: Some(files) };
        assert_eq!(facets.extensions, [count("rs", 2), count("md", 1)]);
        assert_eq!(facets.folders, [count("/a/y", 2), count("/a/x", 1)]);
        assert_eq!(facets.base, "/a");
    }
}
