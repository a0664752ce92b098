//! The first stage: what finds candidates.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{BoxError, Passage, Query, Ranking, TieBreak};

/// Finds the passages most worth reading for a query.
pub trait Retriever: Send + Sync + fmt::Debug {
    /// The best `request.depth` passages, after `request.filter`.
    ///
    /// # Errors
    /// Whatever keeps the retriever from answering, a filter that it cannot apply included.
    fn retrieve(&self, request: &RetrieveRequest) -> Result<Ranking<Candidate>, BoxError>;

    /// Byte ranges of `text` that match words of the query, in order and apart. Called for final hits only.
    fn highlight(&self, request: &RetrieveRequest, text: &str) -> Vec<Range<usize>> {
        let _ = (request, text);
        Vec::new()
    }

    /// How the first-stage score of a passage came about; `None` when the retriever cannot tell.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    fn explain(
        &self,
        request: &RetrieveRequest,
        passage: &Passage,
    ) -> Result<Option<Bm25Explanation>, BoxError> {
        let _ = (request, passage);
        Ok(None)
    }

    /// What the person who asked may want to know of the query. By default nothing.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    fn advise(&self, request: &RetrieveRequest) -> Result<Advice, BoxError> {
        let _ = request;
        Ok(Advice::default())
    }
}

/// What a retriever has to say of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Advice {
    /// Words that occur nowhere, with the likeliest of those that do.
    pub corrections: Vec<Correction>,
    /// Phrases and words in fields that were asked for and that no passage has; the search went on without them.
    pub dropped: Vec<String>,
}

/// A word that occurs nowhere and one that does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// The word of the query.
    pub word: String,
    /// The most frequent of the indexed words that are nearest to it.
    pub instead: String,
    /// Whether the search used it.
    pub used: bool,
}

impl Advice {
    /// A query with the corrections that the search used: what was asked in effect. Only whole words are replaced.
    pub fn applied_to(&self, query: &str) -> String {
        let used = self.corrections.iter().filter(|correction| correction.used);
        used.fold(query.to_owned(), |query, Correction { word, instead, .. }| {
            let mut corrected = String::with_capacity(query.len());
            let mut rest = 0;
            for (at, _) in query.match_indices(word.as_str()) {
                let end = at + word.len();
                let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                if !joined(query[..at].chars().next_back()) && !joined(query[end..].chars().next())
                {
                    corrected.push_str(&query[rest..at]);
                    corrected.push_str(instead);
                    rest = end;
                }
            }
            corrected.push_str(&query[rest..]);
            corrected
        })
    }
}

/// A retriever can be shared between engines.
impl<R: Retriever + ?Sized> Retriever for Arc<R> {
    fn retrieve(&self, request: &RetrieveRequest) -> Result<Ranking<Candidate>, BoxError> {
        (**self).retrieve(request)
    }

    fn highlight(&self, request: &RetrieveRequest, text: &str) -> Vec<Range<usize>> {
        (**self).highlight(request, text)
    }

    fn explain(
        &self,
        request: &RetrieveRequest,
        passage: &Passage,
    ) -> Result<Option<Bm25Explanation>, BoxError> {
        (**self).explain(request, passage)
    }

    fn advise(&self, request: &RetrieveRequest) -> Result<Advice, BoxError> {
        (**self).advise(request)
    }
}

/// A passage that the first stage found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The passage.
    pub passage: Passage,
}

impl Candidate {
    /// Makes a candidate of a passage.
    pub fn new(passage: Passage) -> Self {
        Self { passage }
    }
}

impl TieBreak for Candidate {
    fn tie_break(&self) -> (&str, u32) {
        (&self.passage.doc_id, self.passage.ordinal)
    }
}

/// What a retriever is asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RetrieveRequest {
    /// The question, as the user typed it.
    pub query: String,
    /// How to read it.
    pub syntax: QuerySyntax,
    /// How many candidates at most.
    pub depth: NonZeroUsize,
    /// Which passages may be candidates at all.
    pub filter: Filter,
}

impl RetrieveRequest {
    /// Asks for at most `depth` candidates for a plain-text query.
    pub fn new(query: impl Into<String>, depth: NonZeroUsize) -> Self {
        Self { query: query.into(), syntax: QuerySyntax::Text, depth, filter: Filter::default() }
    }

    /// The query told apart; without operators unless the syntax has them.
    pub fn parsed(&self) -> Query {
        match self.syntax {
            QuerySyntax::Text => Query::parse(&self.query),
            _ => Query::words(&self.query),
        }
    }
}

/// How a query is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum QuerySyntax {
    /// Any text is a valid query. Its words are searched for; phrases in quotes, `-word` and `field:word` are what
    /// [`Query`] says.
    #[default]
    Text,
    /// Any text is a valid query, and nothing in it is an operator.
    Words,
    /// The retriever's own query language, whose syntax errors are errors.
    Native,
}

/// Restricts which passages may be candidates. Applied before the cut at depth, never after. The default lets all pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Filter {
    /// Globs of which the document's path must match at least one (`**`, `*`, `?`, `[a-z]`, `{a,b}`).
    pub paths: Vec<String>,
    /// File extensions, without dot, of which the document's must be one; case does not matter.
    pub extensions: Vec<String>,
    /// Pairs of metadata name and value that must all match.
    pub metadata: Vec<(String, String)>,
    /// Changed at this second since 1970 or later.
    pub modified_from: Option<i64>,
    /// Changed before this second since 1970.
    pub modified_until: Option<i64>,
}

impl Filter {
    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds a glob for the path; a passage must match one of them.
    pub fn with_path(mut self, glob: impl Into<String>) -> Self {
        self.paths.push(glob.into());
        self
    }

    /// Adds an extension; a passage must have one of them.
    pub fn with_extension(mut self, extension: impl Into<String>) -> Self {
        self.extensions.push(extension.into());
        self
    }

    /// Adds a name and value that must match.
    pub fn with_metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((name.into(), value.into()));
        self
    }

    /// Restricts the time of the last change to `[from, until)`, in seconds since 1970; `None` leaves an end open.
    pub fn with_modified(mut self, from: Option<i64>, until: Option<i64>) -> Self {
        (self.modified_from, self.modified_until) = (from, until);
        self
    }
}

/// How a BM25 score is made up: the sum of its terms' contributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bm25Explanation {
    /// Saturation of term frequency.
    pub k1: f32,
    /// Weight of length normalisation.
    pub b: f32,
    /// Length of the passage in indexed words, as stored (exact up to 40, then rounded down to steps).
    pub length: u32,
    /// Mean length over the index.
    pub average_length: f32,
    /// One entry per query term that the passage contains, in query order.
    pub terms: Vec<Bm25Term>,
}

impl Bm25Explanation {
    /// Collects the parts of a score.
    pub fn new(k1: f32, b: f32, length: u32, average_length: f32, terms: Vec<Bm25Term>) -> Self {
        Self { k1, b, length, average_length, terms }
    }
}

/// What one query term adds to a BM25 score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bm25Term {
    /// The field that it was found in.
    pub field: String,
    /// The term as indexed (lower case, stemmed).
    pub term: String,
    /// What it counts for: how often it occurs in the query, or the weight that feedback gave it.
    pub query_weight: f32,
    /// How often it occurs in the passage.
    pub frequency: u32,
    /// How many passages contain it.
    pub passages: u64,
    /// Its inverse document frequency.
    pub idf: f32,
    /// What it adds to the score.
    pub score: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_replaces_whole_words_that_the_search_replaced() {
        let correction = |word: &str, instead: &str, used| Correction {
            word: word.to_owned(),
            instead: instead.to_owned(),
            used,
        };
        let mut advice = Advice::default();
        assert_eq!(advice.applied_to("teh dog"), "teh dog");
        advice.corrections = vec![correction("teh", "the", true), correction("dgo", "dog", false)];
        assert_eq!(
            advice.applied_to("teh tehran dgo, \"teh\" énteh"),
            "the tehran dgo, \"the\" énteh"
        );
    }
}
