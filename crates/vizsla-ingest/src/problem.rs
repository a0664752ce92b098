//! What is wrong with a source or a file, and what of it is remembered.

use serde::{Deserialize, Serialize};
use vizsla::{FileProblem, FileRecord, Location};

/// Problems of one file that are reported and remembered; one more says how many there were.
const MOST_PROBLEMS: usize = 32;
/// Bytes of a remembered reason.
const REASON_BYTES: usize = 1024;

/// Something that could not be read, or only in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The kind of problem.
    pub kind: ProblemKind,
    /// The source or file.
    pub path: String,
    /// Where in it, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// What is wrong, its place in the file included.
    pub reason: String,
    /// Whether it was found by an earlier run, and the file has not been read again.
    pub known: bool,
}

/// The kinds of problems, so that a program can suggest a remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// A source, folder or file cannot be read. This is never remembered.
    Unreadable,
    /// A source is neither a file nor a folder.
    Special,
    /// A source is gone, or a folder that no longer holds any file; its documents are kept unless it is pruned.
    Emptied,
    /// Everything in a source is hidden or excluded by ignore files.
    AllIgnored,
    /// A file or part of one is over a limit.
    TooLarge,
    /// A file or part of one is invalid in its format.
    Malformed,
    /// Metadata is over a limit or cannot be stored.
    Metadata,
    /// Nothing is lost, but the content does not match the file's name.
    OtherFormat,
    /// A file or part of one needs a password.
    Protected,
    /// A file or part of one is of a format that is known but not read.
    Unsupported,
    /// A file or page has no text, such as a scan.
    NoText,
    /// A file or page has text whose characters cannot be told.
    UnreadableText,
    /// Nothing that could be read is lost: files inside the file are not text.
    NotText,
    /// Nothing is lost, but text was read from pictures and may have mistakes.
    ReadByOcr,
    /// Reading took longer than allowed.
    TimedOut,
    /// The reader failed on the file, or its process died.
    Died,
    /// A file is neither text nor of a known format. A run counts such files instead.
    Binary,
}

impl ProblemKind {
    /// Whether text of the file is missing from its documents.
    pub fn loses_text(self) -> bool {
        !self.is_note() && !matches!(self, Self::Metadata | Self::OtherFormat)
    }

    /// Whether nothing went wrong, and it is merely said what was done.
    pub fn is_note(self) -> bool {
        matches!(self, Self::NotText | Self::ReadByOcr)
    }

    /// The name as stored and as in JSON.
    fn name(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|name| name.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// A kind that only a newer version knows is taken for damage.
    fn named(name: &str) -> Self {
        serde_json::from_value(name.into()).unwrap_or(Self::Malformed)
    }
}

impl From<vizsla_extract::ProblemKind> for ProblemKind {
    fn from(kind: vizsla_extract::ProblemKind) -> Self {
        use vizsla_extract::ProblemKind as Part;
        match kind {
            Part::TooLarge => Self::TooLarge,
            Part::Metadata => Self::Metadata,
            Part::OtherFormat => Self::OtherFormat,
            Part::Protected => Self::Protected,
            Part::Unsupported => Self::Unsupported,
            Part::NoText => Self::NoText,
            Part::UnreadableText => Self::UnreadableText,
            Part::TimedOut => Self::TimedOut,
            Part::NotText => Self::NotText,
            Part::ReadByOcr => Self::ReadByOcr,
            _ => Self::Malformed,
        }
    }
}

impl From<vizsla_extract::ErrorKind> for ProblemKind {
    fn from(kind: vizsla_extract::ErrorKind) -> Self {
        use vizsla_extract::ErrorKind as Whole;
        match kind {
            Whole::Binary => Self::Binary,
            Whole::TooLarge => Self::TooLarge,
            Whole::Io => Self::Unreadable,
            Whole::Protected => Self::Protected,
            Whole::Unsupported => Self::Unsupported,
            Whole::TimedOut => Self::TimedOut,
            _ => Self::Malformed,
        }
    }
}

impl Problem {
    pub(crate) fn new(
        kind: ProblemKind,
        path: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self { kind, path: path.into(), location: None, reason: reason.into(), known: false }
    }

    /// A problem that a reader has met in a file.
    pub fn in_file(path: impl Into<String>, problem: &vizsla_extract::Problem) -> Self {
        let mut found = Self::new(problem.kind.into(), path, problem.to_string());
        found.location.clone_from(&problem.location);
        found
    }

    /// The problems that an index remembers of a file.
    pub fn remembered<'a>(
        path: &'a str,
        record: &'a FileRecord,
    ) -> impl Iterator<Item = Self> + use<'a> {
        record.problems.iter().map(move |stored| Self {
            kind: ProblemKind::named(&stored.kind),
            path: path.to_owned(),
            location: stored.location.clone(),
            reason: stored.reason.clone(),
            known: true,
        })
    }
}

/// What went wrong with one file, in bounded room.
#[derive(Debug, Default)]
pub(crate) struct FileProblems {
    kept: Vec<Problem>,
    left_out: usize,
}

impl FileProblems {
    /// Adds a problem; returns whether there was room for it, so that it should be reported.
    pub(crate) fn add(&mut self, problem: &Problem) -> bool {
        let has_room = self.kept.len() < MOST_PROBLEMS;
        if has_room {
            self.kept.push(problem.clone());
        } else {
            self.left_out += 1;
        }
        has_room
    }

    /// Says, if some were left out, how many.
    pub(crate) fn finish(&mut self) -> Option<Problem> {
        let last = self.kept.last().filter(|_| self.left_out > 0)?;
        let reason = format!("{} more problems in this file", self.left_out);
        let more = Problem::new(last.kind, last.path.clone(), reason);
        self.kept.push(more.clone());
        Some(more)
    }

    /// Whether the file should be read again next time, whatever it says then.
    pub(crate) fn must_retry(&self) -> bool {
        self.kept.iter().any(|problem| problem.kind == ProblemKind::Unreadable)
    }

    pub(crate) fn into_stored(self) -> Vec<FileProblem> {
        let store = |problem: Problem| {
            let mut reason = problem.reason;
            reason.truncate(reason.floor_char_boundary(REASON_BYTES));
            FileProblem::new(problem.kind.name(), problem.location, reason)
        };
        self.kept.into_iter().map(store).collect()
    }
}

/// What a file has yielded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Yield {
    /// All of its text.
    Whole,
    /// It has no text to be read, such as a scan, or only on some of its pages.
    NoText,
    /// Some of its text.
    Part,
    /// Nothing.
    Nothing,
}

impl Yield {
    pub(crate) fn of(record: &FileRecord) -> Self {
        let kinds = record.problems.iter().map(|problem| ProblemKind::named(&problem.kind));
        let mut lost = kinds.filter(|kind| kind.loses_text()).peekable();
        if lost.peek().is_none() {
            Self::Whole
        } else if lost.all(|kind| kind == ProblemKind::NoText) {
            Self::NoText
        } else if record.documents > 0 {
            Self::Part
        } else {
            Self::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_stored_by_name_and_unknown_ones_read() {
        for kind in [ProblemKind::Protected, ProblemKind::NoText, ProblemKind::Died] {
            assert_eq!(ProblemKind::named(&kind.name()), kind);
        }
        assert_eq!(ProblemKind::NoText.name(), "no_text");
        assert_eq!(ProblemKind::named("of the future"), ProblemKind::Malformed);
    }

    #[test]
    fn the_problems_of_a_file_are_bounded_and_their_number_is_told() {
        let mut problems = FileProblems::default();
        let long = "é".repeat(REASON_BYTES);
        let reported = (0..MOST_PROBLEMS + 5)
            .filter(|_| problems.add(&Problem::new(ProblemKind::Malformed, "f", long.as_str())));
        assert_eq!(reported.count(), MOST_PROBLEMS);
        assert!(problems.finish().unwrap().reason.starts_with("5 more"));
        let stored = problems.into_stored();
        assert_eq!(stored.len(), MOST_PROBLEMS + 1);
        assert!(stored.iter().all(|problem| problem.reason.len() <= REASON_BYTES));
    }

    #[test]
    fn what_a_file_has_yielded_is_told_by_its_problems() {
        let record = |documents, kinds: &[ProblemKind]| {
            let stored = kinds.iter().map(|kind| FileProblem::new(kind.name(), None, "x"));
            FileRecord::new([1; 32], 1, documents).with_problems(stored.collect())
        };
        assert_eq!(Yield::of(&record(1, &[])), Yield::Whole);
        assert_eq!(Yield::of(&record(1, &[ProblemKind::OtherFormat])), Yield::Whole);
        assert_eq!(Yield::of(&record(1, &[ProblemKind::NoText])), Yield::NoText);
        assert_eq!(Yield::of(&record(1, &[ProblemKind::Malformed])), Yield::Part);
        let both = [ProblemKind::NoText, ProblemKind::Protected];
        assert_eq!(Yield::of(&record(0, &both)), Yield::Nothing);
    }
}
