//! The first stage: finds candidates.
//!
//! A [`Retriever`] prepares a query once; the [`Retrieval`] it returns answers everything about that query from one
//! snapshot of the collection.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    BoxError, Explanation, Filter, Metadata, Passage, Query, QueryNotes, Ranking, TieBreak,
    TimeLimits,
};

/// Finds the passages most worth reading for a query.
pub trait Retriever: Send + Sync + fmt::Debug {
    /// Parses and analyses a query against the current state of the collection. A request that cannot be answered, such
    /// as one with an unsupported filter, is rejected here or by [`Retrieval::candidates`].
    ///
    /// # Errors
    /// Whatever prevents the retriever from answering.
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> Result<Box<dyn Retrieval + 'a>, BoxError>;

    /// The candidates alone, for callers that need nothing else about the query.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare) and [`Retrieval::candidates`].
    fn retrieve(&self, request: &RetrieveRequest) -> Result<Ranking<Candidate>, BoxError> {
        self.prepare(request)?.candidates()
    }
}

/// A retriever can be shared between engines.
impl<R: Retriever + ?Sized> Retriever for Arc<R> {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> Result<Box<dyn Retrieval + 'a>, BoxError> {
        (**self).prepare(request)
    }
}

impl<R: Retriever + ?Sized> Retriever for Box<R> {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> Result<Box<dyn Retrieval + 'a>, BoxError> {
        (**self).prepare(request)
    }
}

/// One query against one snapshot of the collection: parsed, analysed and corrected once. Only
/// [`candidates`](Self::candidates) has to be implemented; the other methods are called only when their answer is
/// needed, [`highlight`](Self::highlight), [`metadata`](Self::metadata) and [`explain`](Self::explain) only for hits.
pub trait Retrieval: Send {
    /// The best `request.depth` passages that pass `request.filter`. Called once.
    ///
    /// # Errors
    /// Whatever prevents the retriever from answering, including running out of `request.time` with nothing to return.
    fn candidates(&mut self) -> Result<Ranking<Candidate>, BoxError>;

    /// How many passages the query matched, whatever the depth; known after [`candidates`](Self::candidates). `None`
    /// when the retriever does not count them.
    fn matched(&self) -> Option<Matched> {
        None
    }

    /// Why the candidates are not all that there should be, such as a part of the collection that did not answer; known
    /// after [`candidates`](Self::candidates). `None` when nothing is missing.
    fn degraded(&self) -> Option<String> {
        None
    }

    /// How long the engine that was asked says that it took, without the way to it and back; known after
    /// [`candidates`](Self::candidates). `None` when no other program was asked, or it does not say.
    fn engine_time(&self) -> Option<Duration> {
        None
    }

    /// These candidates may become hits: what [`highlight`](Self::highlight) and [`metadata`](Self::metadata) need of
    /// another program can be fetched while they are read. Must not wait for it.
    fn prefetch(&mut self, candidates: &[&Candidate]) {
        let _ = candidates;
    }

    /// What a reranker should read as the query, such as the words without operators and with the corrections that the
    /// retriever searched for; `None` for the query as given.
    fn query(&self) -> Option<&str> {
        None
    }

    /// What the user may want to know about how the query was interpreted. May cost as much as
    /// [`candidates`](Self::candidates).
    ///
    /// # Errors
    /// As [`candidates`](Self::candidates).
    fn notes(&mut self) -> Result<QueryNotes, BoxError> {
        Ok(QueryNotes::default())
    }

    /// Byte ranges of the candidate's text that match words of the query, in order and disjoint. By default, those
    /// supplied with the candidate.
    fn highlight(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        candidate.highlights.clone()
    }

    /// As [`highlight`](Self::highlight), for any candidate, to choose which part of it is read: another program must not
    /// be asked for it, so it may be empty. By default, the same.
    fn words_in(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        self.highlight(candidate)
    }

    /// Metadata of the candidate's document. By default, the passage's own.
    ///
    /// # Errors
    /// As [`candidates`](Self::candidates).
    fn metadata(&mut self, candidate: &Candidate) -> Result<Arc<Metadata>, BoxError> {
        Ok(Arc::clone(&candidate.passage.metadata))
    }

    /// How the candidate's score was computed; `None` when the retriever cannot tell. By default, what was supplied
    /// with the candidate.
    ///
    /// # Errors
    /// As [`candidates`](Self::candidates).
    fn explain(&mut self, candidate: &Candidate) -> Result<Option<Explanation>, BoxError> {
        Ok(candidate.explanation.clone())
    }
}

/// How many passages a query matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Matched {
    /// Passages with at least one word of the query that pass the filter and the query's operators.
    pub passages: u64,
    /// Whether that is all of them; otherwise there are at least so many.
    pub exact: bool,
}

impl Matched {
    /// All of them if `exact`, else a lower bound.
    pub fn new(passages: u64, exact: bool) -> Self {
        Self { passages, exact }
    }
}

/// A passage found by the first stage, with whatever the retriever supplied along with it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The passage.
    pub passage: Passage,
    /// Byte ranges of the passage's text that match words of the query, if the retriever finds them while searching.
    pub highlights: Vec<Range<usize>>,
    /// How the score was computed, if the retriever reports it while searching.
    pub explanation: Option<Explanation>,
}

impl Candidate {
    /// Wraps a passage as a candidate.
    pub fn new(passage: Passage) -> Self {
        Self { passage, highlights: Vec::new(), explanation: None }
    }

    /// What distinguishes it from all others of a retrieval, for retrievals that keep something for each.
    pub fn key(&self) -> CandidateKey {
        let (id, path, ordinal) = self.tie_break();
        (id.to_owned(), path.to_owned(), ordinal)
    }

    /// Adds the byte ranges of the passage's text that match words of the query.
    pub fn with_highlights(mut self, ranges: Vec<Range<usize>>) -> Self {
        self.highlights = ranges;
        self
    }

    /// Adds how the score was computed.
    pub fn with_explanation(mut self, explanation: Explanation) -> Self {
        self.explanation = Some(explanation);
        self
    }
}

/// What distinguishes a candidate from all others of a retrieval: document id, file and ordinal.
pub type CandidateKey = (String, String, u32);

impl TieBreak for Candidate {
    fn tie_break(&self) -> (&str, &str, u32) {
        self.passage.tie_break()
    }
}

/// A request to a retriever.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RetrieveRequest {
    /// The query as the user typed it.
    pub query: String,
    /// How to read it.
    pub syntax: QuerySyntax,
    /// The maximum number of candidates.
    pub depth: NonZeroUsize,
    /// Which passages may be candidates.
    pub filter: Filter,
    /// How long the answer may take.
    pub time: TimeLimits,
}

impl RetrieveRequest {
    /// Asks for at most `depth` candidates for a plain-text query.
    pub fn new(query: impl Into<String>, depth: NonZeroUsize) -> Self {
        Self {
            query: query.into(),
            syntax: QuerySyntax::Text,
            depth,
            filter: Filter::default(),
            time: TimeLimits::default(),
        }
    }

    /// Restricts which passages may be candidates.
    pub fn with_filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Sets how the query is read.
    pub fn with_syntax(mut self, syntax: QuerySyntax) -> Self {
        self.syntax = syntax;
        self
    }

    /// Sets how long the answer may take.
    pub fn with_time(mut self, time: TimeLimits) -> Self {
        self.time = time;
        self
    }

    /// The parsed query; without operators unless the syntax has them.
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
    /// Any text is a valid query. Its words are searched for; phrases in quotes, `-word` and `field:word` work as
    /// [`Query`] describes.
    #[default]
    Text,
    /// Any text is a valid query, and nothing in it is an operator.
    Words,
    /// The retriever's own query language, whose syntax errors are errors.
    Native,
}
