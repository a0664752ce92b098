//! Where documents go as they are found, and what is said of those that could not be.

use std::fmt;
use std::ops::ControlFlow;

use vizsla_core::{Document, Location};

/// Takes the documents of a file one by one, in the order of the file.
pub trait Sink {
    /// Takes a document, and says whether to go on.
    fn document(&mut self, document: Document) -> ControlFlow<()>;

    /// Takes note of something that was left out or read differently; everything else of the file is read.
    fn problem(&mut self, problem: Problem) {
        let _ = problem;
    }
}

/// A part of a file that is not in the documents as it is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem.
    pub kind: ProblemKind,
    /// Where in the file, when that is known.
    pub location: Option<Location>,
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
}

impl Problem {
    /// Whether the file has text or records that are in no document.
    pub fn loses_text(&self) -> bool {
        matches!(self.kind, ProblemKind::Malformed | ProblemKind::TooLarge)
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

/// What kind of thing is wrong with a part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A record that breaks the rules of its format and was skipped.
    Malformed,
    /// A record, text or heading over a limit; what is over was left out.
    TooLarge,
    /// Metadata that is over the limit or cannot be stored, and was left out.
    Metadata,
    /// Nothing is lost, but the content is not what the name of the file promises.
    OtherFormat,
}

/// Everything found in a file, collected.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Extracted {
    /// The documents, in the order of the file.
    pub documents: Vec<Document>,
    /// What was left out or read differently.
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
