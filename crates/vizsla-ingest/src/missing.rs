//! Indexed files that are gone.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use vizsla::CollectionWriter;

use crate::file::INCOMPLETE;
use crate::observer::{Change, Observer};
use crate::problem::{Problem, ProblemKind};
use crate::report::Report;
use crate::sources::Found;

/// Files that are gone, and whose documents go too.
#[derive(Debug, Default)]
pub(crate) struct Missing(Vec<String>);

#[derive(Default)]
struct Counts {
    known: usize,
    missing: usize,
}

impl Missing {
    /// Looks for the known files of all roots among those found; one walk up its path finds the roots of a file. Files
    /// are kept if their root looks like an unmounted folder or their folder could not be read.
    pub(crate) fn find(known: &[String], found: &Found, prune: bool, report: &mut Report) -> Self {
        let present: HashSet<&Path> = found.files.iter().map(AsRef::as_ref).collect();
        let roots: HashSet<&Path> = found.roots.iter().map(AsRef::as_ref).collect();
        let roots_of = |file: &'_ str| {
            Path::new(file)
                .ancestors()
                .filter_map(|above| roots.get(above).copied())
                .collect::<Vec<_>>()
        };
        let mut counts: HashMap<&Path, Counts> = HashMap::new();
        let mut missing = Vec::new();
        for file in known {
            let is_missing = !present.contains(Path::new(file));
            let roots = roots_of(file);
            for root in &roots {
                let counts = counts.entry(root).or_default();
                counts.known += 1;
                counts.missing += usize::from(is_missing);
            }
            if is_missing && !roots.is_empty() && !is_unreadable(file, found) {
                missing.push((file, roots));
            }
        }
        let emptied = |root: &Path| {
            let counts = &counts[root];
            !prune && counts.known == counts.missing && root.is_dir()
        };
        for root in
            found.roots.iter().filter(|root| counts.contains_key(root.as_path()) && emptied(root))
        {
            let count = counts[root.as_path()].known;
            let reason = format!(
                "no longer holds any files, but {count} were indexed; they are kept, as it may not be mounted"
            );
            report.problems.push(Problem::new(
                ProblemKind::Emptied,
                root.display().to_string(),
                reason,
            ));
        }
        let goes = |roots: &[&Path]| roots.iter().any(|root| !emptied(root));
        Self(
            missing
                .into_iter()
                .filter(|(_, roots)| goes(roots))
                .map(|(file, _)| file.clone())
                .collect(),
        )
    }

    /// The number of deleted files by content: a new one with the same content has been renamed.
    pub(crate) fn by_content(&self, writer: &dyn CollectionWriter) -> HashMap<[u8; 32], usize> {
        let mut counts = HashMap::new();
        let records = self.0.iter().filter_map(|path| writer.file(path));
        for record in records.filter(|record| record.hash != INCOMPLETE) {
            *counts.entry(record.hash).or_default() += 1;
        }
        counts
    }

    pub(crate) fn remove(
        &self,
        writer: &dyn CollectionWriter,
        observer: &dyn Observer,
        report: &mut Report,
    ) {
        for path in &self.0 {
            writer.delete_file(path);
            observer.file(path, 0, Change::Removed);
        }
        report.removed = (self.0.len() as u64).saturating_sub(report.renamed);
    }
}

fn is_unreadable(file: &str, found: &Found) -> bool {
    !found.unreadable.is_empty()
        && Path::new(file).ancestors().any(|above| found.unreadable.contains(above))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn found(roots: &[&str], files: &[&str], unreadable: &[&str]) -> Found {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        Found {
            roots: paths(roots),
            files: paths(files),
            unreadable: paths(unreadable).into_iter().collect(),
            ..Found::default()
        }
    }

    #[test]
    fn files_are_missed_only_within_the_roots_that_could_be_read() {
        let known = ["/a/x", "/a/y", "/a/locked/z", "/b/x", "/ab/x"].map(str::to_owned);
        let found = found(&["/a"], &["/a/x"], &["/a/locked"]);
        let missing = Missing::find(&known, &found, false, &mut Report::default());
        assert_eq!(missing.0, ["/a/y"]);
    }

    #[test]
    fn a_folder_without_any_file_keeps_its_documents_until_pruned() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_str().unwrap();
        let known = [format!("{root}/x")];
        let (found, mut report) = (found(&[root], &[], &[]), Report::default());
        assert!(Missing::find(&known, &found, false, &mut report).0.is_empty());
        assert_eq!(report.problems.len(), 1);
        assert_eq!(Missing::find(&known, &found, true, &mut report).0, known);
    }

    #[test]
    fn many_roots_and_files_are_no_more_work_than_their_sum() {
        let names: Vec<String> = (0..50_000).map(|i| format!("/r/{i}")).collect();
        let roots: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = found(&roots, &roots[1..], &[]);
        let missing = Missing::find(&names, &found, false, &mut Report::default());
        assert_eq!(missing.0, ["/r/0"]);
    }
}
