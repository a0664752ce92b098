//! Receives documents as they are found, and problems with what could not be read.

use std::fmt;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use vizsla_core::{Document, Location};

use crate::error::{Error, ErrorKind};

/// Receives the documents of a file one by one, in the order of the file.
pub trait Sink {
    /// Receives a document, and returns whether to continue.
    fn document(&mut self, document: Document) -> ControlFlow<()>;

    /// Receives a note of something that was omitted or read differently; the rest of the file is read.
    fn problem(&mut self, problem: Problem) {
        let _ = problem;
    }
}

/// A part of a file that the documents do not represent faithfully.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// The kind of problem.
    pub kind: ProblemKind,
    /// Where in the file, when known.
    pub location: Option<Location>,
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
}

impl Problem {
    /// Whether the file has text or records that are missing from the documents.
    pub fn loses_text(&self) -> bool {
        !matches!(
            self.kind,
            ProblemKind::Metadata
                | ProblemKind::OtherFormat
                | ProblemKind::NotText
                | ProblemKind::ReadByOcr
        )
    }
}

/// `line 3: is not valid JSON`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// The kinds of problems with part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// A record that is invalid in its format and was skipped.
    Malformed,
    /// A record, text or heading over a limit; the excess was omitted.
    TooLarge,
    /// Metadata that is over the limit or cannot be stored, and was omitted.
    Metadata,
    /// Nothing is lost, but the content does not match the file's name.
    OtherFormat,
    /// A part, such as a member of an archive, needs a password.
    Protected,
    /// A part is of a format that is not read.
    Unsupported,
    /// A file or page has no readable text, such as a scan.
    NoText,
    /// Reading took longer than allowed, and the rest was left out.
    TimedOut,
    /// A file or page has text whose characters cannot be told, such as a PDF whose fonts lack a character map.
    UnreadableText,
    /// Nothing that could be read is lost: files inside the file are not text, such as pictures in a message.
    NotText,
    /// Nothing is lost, but text was read from pictures and may have mistakes.
    ReadByOcr,
}

impl ProblemKind {
    /// What an error of the whole is when it concerns a part.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Binary | ErrorKind::Unsupported => Self::Unsupported,
            ErrorKind::TooLarge => Self::TooLarge,
            ErrorKind::Protected => Self::Protected,
            ErrorKind::TimedOut => Self::TimedOut,
            ErrorKind::Malformed | ErrorKind::Io => Self::Malformed,
        }
    }
}

/// Everything found in a file, collected.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Extracted {
    /// The documents, in the order of the file.
    pub documents: Vec<Document>,
    /// What was omitted or read differently.
    pub problems: Vec<Problem>,
}

impl Sink for Extracted {
    fn document(&mut self, document: Document) -> ControlFlow<()> {
        self.documents.push(document);
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}
