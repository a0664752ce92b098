//! The report of a run.

use serde::Serialize;

use crate::problem::{Problem, Yield};

/// Names that a report keeps of each kind; its counts include all.
const MOST_NAMES: usize = 1_000;

/// The outcome of a run.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// New files.
    pub added: u64,
    /// Known files that were reread.
    pub changed: u64,
    /// Files whose name has changed.
    pub renamed: u64,
    /// Files that are gone.
    pub removed: u64,
    /// Files that were not reread.
    pub unchanged: u64,
    /// Documents added.
    pub documents: u64,
    /// Passages added.
    pub passages: u64,
    /// Documents with neither title nor text.
    pub empty: u64,
    /// Records with the id of an earlier one: of the same file, where their line is appended to it; of a stream, where they
    /// replace the earlier one.
    pub repeated_ids: u64,
    /// Files that are not text.
    pub binary: u64,
    /// Files over the size limit.
    pub too_large: u64,
    /// Files of which nothing could be read, those known from earlier runs included.
    pub unread: u64,
    /// Files of which only a part could be read, likewise.
    pub read_in_part: u64,
    /// Files without readable text on some or all of their pages, such as scans, likewise.
    pub without_text: u64,
    /// Symbolic links that were not followed.
    pub links_not_followed: u64,
    /// Hidden and ignored files, if requested.
    pub ignored: u64,
    /// Files and folders excluded on request; what is in such a folder is not counted.
    pub excluded: u64,
    /// Files and folders left out by default because programs have made them, counted likewise.
    pub generated: u64,
    /// FIFOs, sockets and devices within folders.
    pub special: u64,
    /// How long it took.
    pub seconds: f64,
    /// What was deliberately not indexed: the first thousand for each reason.
    pub skipped: Vec<Skipped>,
    /// The first thousand of the repeated ids.
    pub collisions: Vec<Collision>,
    /// Sources, files and records that could not be read, or only in part; for each file its first ones.
    pub problems: Vec<Problem>,
}

/// Something that was not indexed on purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Skipped {
    /// Why.
    pub reason: SkipReason,
    /// The file.
    pub path: String,
    /// The document, if not the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Why something was not indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipReason {
    /// It is not text.
    Binary,
    /// It is over the size limit.
    TooLarge,
    /// It has neither title nor text.
    Empty,
    /// It is a symbolic link, and links are not followed.
    Link,
    /// It is hidden, or excluded by an ignore file.
    Ignored,
    /// It is excluded on request.
    Excluded,
    /// It is a build folder, a cache, a folder of packages, a minified file or a lock file, left out by default.
    Generated,
    /// It is a FIFO, a socket or a device.
    Special,
    /// Its name is not valid UTF-8.
    Name,
}

/// An id shared by several documents of one file; the last of them is in the index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Collision {
    /// The file.
    pub path: String,
    /// The id.
    pub id: String,
}

impl Report {
    /// Whether the run changed the index or encountered a problem that was not known.
    pub fn has_changes(&self) -> bool {
        self.added + self.changed + self.renamed + self.removed > 0
            || self.problems.iter().any(|problem| !problem.known)
    }

    /// The names skipped for a given reason.
    pub fn skipped_for(&self, reason: SkipReason) -> impl Iterator<Item = &Skipped> {
        self.skipped.iter().filter(move |skipped| skipped.reason == reason)
    }

    /// Merges the results of another run into this one.
    pub fn merge(&mut self, other: Self) {
        self.added += other.added;
        self.changed += other.changed;
        self.renamed += other.renamed;
        self.removed += other.removed;
        self.unchanged += other.unchanged;
        self.documents += other.documents;
        self.passages += other.passages;
        self.empty += other.empty;
        self.repeated_ids += other.repeated_ids;
        self.binary += other.binary;
        self.too_large += other.too_large;
        self.unread += other.unread;
        self.read_in_part += other.read_in_part;
        self.without_text += other.without_text;
        self.links_not_followed += other.links_not_followed;
        self.ignored += other.ignored;
        self.excluded += other.excluded;
        self.generated += other.generated;
        self.special += other.special;
        self.seconds += other.seconds;
        self.skipped.extend(other.skipped);
        self.collisions.extend(other.collisions);
        self.problems.extend(other.problems);
        self.sort();
    }

    pub(crate) fn skip(&mut self, reason: SkipReason, path: &str, id: Option<&str>) {
        let count = match reason {
            SkipReason::Binary => &mut self.binary,
            SkipReason::TooLarge => &mut self.too_large,
            SkipReason::Empty => &mut self.empty,
            SkipReason::Link => &mut self.links_not_followed,
            SkipReason::Ignored => &mut self.ignored,
            SkipReason::Excluded => &mut self.excluded,
            SkipReason::Generated => &mut self.generated,
            SkipReason::Special => &mut self.special,
            SkipReason::Name => &mut self.unread,
        };
        *count += 1;
        if *count <= MOST_NAMES as u64 {
            let id = id.map(str::to_owned);
            self.skipped.push(Skipped { reason, path: path.to_owned(), id });
        }
    }

    /// Counts what a file has yielded.
    pub(crate) fn count(&mut self, of: Yield) {
        match of {
            Yield::Whole => {}
            Yield::NoText => self.without_text += 1,
            Yield::Part => self.read_in_part += 1,
            Yield::Nothing => self.unread += 1,
        }
    }

    pub(crate) fn collide(&mut self, path: &str, id: &str) {
        self.repeated_ids += 1;
        if self.collisions.len() < MOST_NAMES {
            self.collisions.push(Collision { path: path.to_owned(), id: id.to_owned() });
        }
    }

    /// Threads report in any order; sorting makes reports deterministic.
    pub(crate) fn sort(&mut self) {
        self.problems.sort_by(|a, b| a.path.cmp(&b.path));
        self.skipped.sort();
        self.collisions.sort();
        self.collisions.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_counts_are_not() {
        let mut report = Report::default();
        (0..MOST_NAMES + 5).for_each(|i| report.skip(SkipReason::Binary, &i.to_string(), None));
        report.skip(SkipReason::Empty, "f", Some("id"));
        assert_eq!(report.binary, MOST_NAMES as u64 + 5);
        assert_eq!(report.skipped_for(SkipReason::Binary).count(), MOST_NAMES);
        assert_eq!(report.skipped_for(SkipReason::Empty).count(), 1);
    }
}
