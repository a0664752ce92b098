//! Evaluates the required and excluded clauses of a query: for one segment, the set of passages that pass.

use std::collections::HashMap;

use tantivy::index::SegmentId;
use tantivy::schema::Field;
use tantivy::{DocId, Searcher, SegmentReader};
use vizsla_core::{Clause, Query};

use super::phrase::passages_with;
use crate::analysis::Slot;

/// Where a clause is looked for, and what it is made of there.
pub(crate) type Places = Vec<(Field, Vec<Slot>)>;

/// The passages that have a clause, by segment.
type Having = HashMap<SegmentId, Vec<DocId>>;

/// Clauses evaluated in one snapshot of the index.
pub(crate) struct ClauseFilter {
    required: Vec<Having>,
    excluded: Vec<Having>,
    /// Required clauses that occur nowhere; these do not restrict.
    pub(crate) dropped: Vec<String>,
}

impl ClauseFilter {
    /// `None` when the query restricts nothing. `places` says where to look for a clause; a match in one is enough.
    pub(crate) fn new(
        searcher: &Searcher,
        query: &Query,
        places: impl Fn(&Clause) -> Places,
    ) -> tantivy::Result<Option<Self>> {
        if !query.has_operators() {
            return Ok(None);
        }
        let mut clauses = Self { required: Vec::new(), excluded: Vec::new(), dropped: Vec::new() };
        for clause in &query.required {
            match having(searcher, &places(clause))? {
                Some(having) if having.is_empty() => clauses.dropped.push(clause.words.clone()),
                Some(having) => clauses.required.push(having),
                None => {}
            }
        }
        for clause in &query.excluded {
            clauses.excluded.extend(having(searcher, &places(clause))?);
        }
        Ok(Some(clauses))
    }

    /// Requires a phrase too, if any passage has it.
    pub(crate) fn prefer(
        clauses: Option<Self>,
        searcher: &Searcher,
        places: &Places,
    ) -> tantivy::Result<Option<Self>> {
        let Some(having) = having(searcher, places)?.filter(|having| !having.is_empty()) else {
            return Ok(clauses);
        };
        let none = Self { required: Vec::new(), excluded: Vec::new(), dropped: Vec::new() };
        let mut clauses = clauses.unwrap_or(none);
        clauses.required.push(having);
        Ok(Some(clauses))
    }

    /// Clears the passages of a segment that do not pass.
    pub(crate) fn apply(&self, segment: &SegmentReader, passing: &mut [bool]) {
        for (clauses, keep) in [(&self.required, true), (&self.excluded, false)] {
            for having in clauses {
                let mut matches = vec![false; passing.len()];
                for doc in having.get(&segment.segment_id()).into_iter().flatten() {
                    matches[*doc as usize] = true;
                }
                passing
                    .iter_mut()
                    .zip(matches)
                    .for_each(|(pass, matches)| *pass &= matches == keep);
            }
        }
    }
}

/// The live passages that have a clause; `None` when nothing in the clause is indexed, as with stop words that are not.
fn having(searcher: &Searcher, places: &Places) -> tantivy::Result<Option<Having>> {
    let places: Vec<_> = places.iter().filter(|(_, slots)| !slots.is_empty()).collect();
    if places.is_empty() {
        return Ok(None);
    }
    let mut having = Having::new();
    for segment in searcher.segment_readers() {
        let mut docs = Vec::new();
        for (field, slots) in &places {
            docs.extend(passages_with(segment, *field, slots)?);
        }
        docs.retain(|doc| !segment.is_deleted(*doc));
        if !docs.is_empty() {
            having.insert(segment.segment_id(), docs);
        }
    }
    Ok(Some(having))
}
