//! The folders of an index's files. In: paths. Out: the folder that all are in, and how much is below each one in it.

use std::collections::BTreeMap;
use std::path::Path;

/// The deepest folder that all files are in.
pub(crate) fn common_folder<'a>(mut files: impl Iterator<Item = &'a str>) -> Option<&'a Path> {
    let mut common = Path::new(files.next()?).parent()?;
    for file in files {
        while !Path::new(file).starts_with(common) {
            common = common.parent()?;
        }
    }
    Some(common)
}

/// How much is below each folder in this one, by the folder's name. Files in the folder itself are not counted.
pub(crate) fn below<'a>(
    common: &Path,
    files: impl Iterator<Item = (&'a str, u64)>,
) -> BTreeMap<&'a Path, u64> {
    let mut counts = BTreeMap::new();
    for (file, count) in files {
        let rest = Path::new(file).strip_prefix(common).unwrap_or(Path::new(file));
        let mut parts = rest.iter();
        if let (Some(first), Some(_)) = (parts.next(), parts.next()) {
            *counts.entry(Path::new(first)).or_default() += count;
        }
    }
    counts
}
