//! What of the sources of an index is deliberately not in it, told without reading a file.

use std::fs;

use vizsla::{Collection, Filter};
use vizsla_extract::Reader;

use crate::error::{Error, ErrorKind, Result};
use crate::report::{Report, SkipReason, Skipped};
use crate::sources::{Source, Walker};
use crate::sync::Sync;

/// Walks the sources of an index with the options that they were read with, and names what those leave out: the first
/// thousand for each reason. What is in a folder that is left out by default is not named one by one.
///
/// # Errors
/// Those of reading the index.
pub fn skipped(index: &dyn Collection) -> Result<Vec<Skipped>> {
    let mut report = Report::default();
    let own = index.dir().and_then(|dir| fs::canonicalize(dir).ok());
    for (sync, roots) in Sync::remembered(index)? {
        let options = sync.options().clone().with_ignored_listed(true);
        let walker = Walker { options: &options, index: own.as_deref(), lenient: true };
        let found = walker.find(roots.into_iter().map(Source::Path).collect(), &mut report)?;
        for path in found.files.iter().filter(|path| path.to_str().is_none()) {
            report.skip(SkipReason::Name, &path.display().to_string(), None);
        }
    }
    let records = index.file_records(&Filter::default()).map_err(|error| {
        Error::new(ErrorKind::Index, "the index cannot say which files it knows").with_source(error)
    })?;
    for (path, record) in &records {
        let binary = record.reader.as_ref().is_some_and(|(name, _)| name == Reader::BINARY.name);
        if binary {
            report.skip(SkipReason::Binary, path, None);
        } else if record.documents == 0 && record.problems.is_empty() {
            report.skip(SkipReason::Empty, path, None);
        }
    }
    report.sort();
    Ok(report.skipped)
}
