//! Evaluates the required and excluded clauses of a query: for one segment, the set of passages that pass.

use std::collections::HashMap;

use tantivy::index::SegmentId;
use tantivy::schema::Field;
use tantivy::{DocId, Searcher, SegmentReader};
use vizsla_core::{Clause, Query, QueryField};

use super::phrase::passages_with;
use super::prefix;
use crate::analysis::{Analyzer, Slot};
use crate::index::schema::Fields;

/// The ways in which a passage may have a clause: all fields of one have what they must.
pub(crate) type Places = Vec<Vec<(Field, Vec<Slot>)>>;

/// Where words stand side by side in a field.
pub(crate) fn phrase(field: Field, analyzer: &Analyzer, words: &str) -> Places {
    analyzer.phrases(words).into_iter().map(|slots| vec![(field, slots)]).collect()
}

/// Where a clause is looked for.
pub(crate) fn places(
    searcher: &Searcher,
    fields: Fields,
    analyzer: &Analyzer,
    clause: &Clause,
) -> tantivy::Result<Places> {
    let field = match clause.field {
        Some(QueryField::Title) => fields.title,
        Some(QueryField::Headings) => fields.headings,
        Some(QueryField::Path) => fields.path_words,
        // Phrases need positions, which the separate body does not have.
        _ => fields.content,
    };
    if let Some(letters) = clause.prefix() {
        let terms = prefix::terms(searcher, field, analyzer, letters)?;
        return Ok(vec![vec![(field, vec![(0, terms)])]]);
    }
    let mut places = phrase(field, analyzer, &clause.words);
    // The words of a path are without the extension of the file, which a clause may name.
    let file = clause.words.rsplit_once('.').filter(|_| clause.field == Some(QueryField::Path));
    if let Some((name, extension)) = file {
        let extension = (fields.extension, vec![(0, vec![extension.to_lowercase()])]);
        let named = phrase(field, analyzer, name).into_iter();
        places.extend(named.map(|mut place| {
            place.push(extension.clone());
            place
        }));
    }
    Ok(places)
}

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
        places: impl Fn(&Clause) -> tantivy::Result<Places>,
    ) -> tantivy::Result<Option<Self>> {
        if !query.has_operators() {
            return Ok(None);
        }
        let mut clauses = Self { required: Vec::new(), excluded: Vec::new(), dropped: Vec::new() };
        for clause in &query.required {
            match having(searcher, &places(clause)?)? {
                Some(having) if having.is_empty() => clauses.dropped.push(clause.to_string()),
                Some(having) => clauses.required.push(having),
                None => {}
            }
        }
        for clause in &query.excluded {
            clauses.excluded.extend(having(searcher, &places(clause)?)?);
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
    let is_indexed =
        |place: &&Vec<(Field, Vec<Slot>)>| place.iter().all(|(_, slots)| !slots.is_empty());
    let places: Vec<_> = places.iter().filter(is_indexed).collect();
    if places.is_empty() {
        return Ok(None);
    }
    let mut having = Having::new();
    for segment in searcher.segment_readers() {
        let mut docs = Vec::new();
        for place in &places {
            docs.extend(passages_with_all(segment, place)?);
        }
        docs.retain(|doc| !segment.is_deleted(*doc));
        if !docs.is_empty() {
            having.insert(segment.segment_id(), docs);
        }
    }
    Ok(Some(having))
}

fn passages_with_all(
    segment: &SegmentReader,
    place: &[(Field, Vec<Slot>)],
) -> tantivy::Result<Vec<DocId>> {
    let Some(((field, slots), others)) = place.split_first() else { return Ok(Vec::new()) };
    let mut docs = passages_with(segment, *field, slots)?;
    for (field, slots) in others {
        let also = passages_with(segment, *field, slots)?;
        docs.retain(|doc| also.binary_search(doc).is_ok());
    }
    Ok(docs)
}
