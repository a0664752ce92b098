//! What a database has found: everything about the candidates comes with them.

use std::ops::Range;
use std::sync::Arc;

use vizsla::{
    BoxError, Candidate, Error, Explanation, Passage, Query, QueryNotes, Ranking, Retrieval,
};

/// A row of a result.
pub(super) struct Row {
    pub(super) score: f32,
    pub(super) passage: Passage,
    /// The searched text with marks around words of the query.
    pub(super) marked: Option<String>,
}

/// Marks around words: characters that no text has.
pub(super) const MARKS: [&str; 2] = ["\u{E000}\u{E001}", "\u{E001}\u{E000}"];

/// One question to one table. `find` is asked with the required clauses to leave out.
pub(super) struct SqlRetrieval<F> {
    query: Query,
    /// How the table is ranked, which is all that a database tells of a score.
    ranking: String,
    find: F,
    dropped: Vec<String>,
}

impl<F: FnMut(&Query) -> Result<Vec<Row>, Error> + Send> SqlRetrieval<F> {
    pub(super) fn new(query: Query, ranking: String, find: F) -> Self {
        Self { query, ranking, find, dropped: Vec::new() }
    }

    /// Searches, and without the required clauses that no passage has if there is nothing with them.
    fn rows(&mut self) -> Result<Vec<Row>, Error> {
        let rows = (self.find)(&self.query)?;
        if !rows.is_empty() || self.query.required.is_empty() {
            return Ok(rows);
        }
        let mut query = self.query.clone();
        for clause in std::mem::take(&mut query.required) {
            let mut alone = Query::words(&clause.words);
            alone.required = vec![clause.clone()];
            if (self.find)(&alone)?.is_empty() {
                self.dropped.push(clause.words);
            } else {
                query.required.push(clause);
            }
        }
        if self.dropped.is_empty() { Ok(rows) } else { (self.find)(&query) }
    }
}

impl<F: FnMut(&Query) -> Result<Vec<Row>, Error> + Send> Retrieval for SqlRetrieval<F> {
    fn candidates(&mut self) -> Result<Ranking<Candidate>, BoxError> {
        let candidate = |row: Row| {
            let ranges =
                row.marked.map(|marked| highlights(&marked, &row.passage)).unwrap_or_default();
            (row.score, Candidate::new(row.passage).with_highlights(ranges))
        };
        Ok(Ranking::new(self.rows()?.into_iter().map(candidate))?)
    }

    fn query(&self) -> Option<&str> {
        Some(&self.query.text)
    }

    fn notes(&mut self) -> Result<QueryNotes, BoxError> {
        let mut notes = QueryNotes::default();
        notes.dropped.clone_from(&self.dropped);
        notes.excluded = self.query.excluded.iter().map(ToString::to_string).collect();
        Ok(notes)
    }

    fn metadata(&mut self, candidate: &Candidate) -> Result<Arc<vizsla::Metadata>, BoxError> {
        Ok(Arc::clone(&candidate.passage.metadata))
    }

    fn explain(&mut self, _: &Candidate) -> Result<Option<Explanation>, BoxError> {
        Ok(Some(Explanation::Other(self.ranking.clone())))
    }
}

/// The marks that lie in the passage's text, which is the end of what was searched.
fn highlights(marked: &str, passage: &Passage) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut plain, mut rest) = (String::with_capacity(marked.len()), marked);
    while let Some((before, after)) = rest.split_once(MARKS[0]) {
        let Some((word, after)) = after.split_once(MARKS[1]) else { return Vec::new() };
        plain.push_str(before);
        ranges.push(plain.len()..plain.len() + word.len());
        plain.push_str(word);
        rest = after;
    }
    plain.push_str(rest);
    let Some(head) = plain.strip_suffix(passage.text.as_str()) else { return Vec::new() };
    let inside = ranges.into_iter().filter(|range| range.start >= head.len());
    inside.map(|range| range.start - head.len()..range.end - head.len()).collect()
}
