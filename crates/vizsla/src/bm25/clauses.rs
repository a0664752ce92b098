//! Evaluates the required and excluded clauses of a query: for one segment, the set of passages that pass.

use tantivy::query::{
    BooleanQuery, EnableScoring, Occur, PhraseQuery, Query as EngineQuery, TermQuery, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocSet, Searcher, SegmentReader, TERMINATED, Term};
use vizsla_core::{Clause, Query};

/// Clauses prepared for one snapshot of the index.
pub(crate) struct ClauseFilter {
    required: Vec<Box<dyn Weight>>,
    excluded: Vec<Box<dyn Weight>>,
    /// Required clauses that occur nowhere; these do not restrict.
    pub(crate) dropped: Vec<String>,
}

impl ClauseFilter {
    /// `None` when the query restricts nothing. `fields` says where to look for a clause; a match in one is enough.
    pub(crate) fn new(
        searcher: &Searcher,
        query: &Query,
        fields: impl Fn(&Clause) -> Vec<(Field, TextAnalyzer)>,
    ) -> tantivy::Result<Option<Self>> {
        if !query.has_operators() {
            return Ok(None);
        }
        let mut clauses = Self { required: Vec::new(), excluded: Vec::new(), dropped: Vec::new() };
        for clause in &query.required {
            let Some(found) = engine_query(clause, &fields(clause)) else { continue };
            if found.count(searcher)? == 0 {
                clauses.dropped.push(clause.words.clone());
            } else {
                clauses.required.push(weight(searcher, &*found)?);
            }
        }
        for clause in &query.excluded {
            if let Some(found) = engine_query(clause, &fields(clause)) {
                clauses.excluded.push(weight(searcher, &*found)?);
            }
        }
        Ok(Some(clauses))
    }

    /// Clears the passages of a segment that do not pass.
    pub(crate) fn apply(
        &self,
        segment: &SegmentReader,
        passing: &mut [bool],
    ) -> tantivy::Result<()> {
        for (weights, keep) in [(&self.required, true), (&self.excluded, false)] {
            for weight in weights {
                let mut matches = vec![false; passing.len()];
                let mut scorer = weight.scorer(segment, 1.0)?;
                while scorer.doc() != TERMINATED {
                    matches[scorer.doc() as usize] = true;
                    scorer.advance();
                }
                passing
                    .iter_mut()
                    .zip(matches)
                    .for_each(|(pass, matches)| *pass &= matches == keep);
            }
        }
        Ok(())
    }
}

fn weight(searcher: &Searcher, query: &dyn EngineQuery) -> tantivy::Result<Box<dyn Weight>> {
    query.weight(EnableScoring::disabled_from_searcher(searcher))
}

/// `None` when nothing in the clause is indexed, as with stop words alone.
fn engine_query(clause: &Clause, fields: &[(Field, TextAnalyzer)]) -> Option<Box<dyn EngineQuery>> {
    let anywhere: Vec<_> = fields
        .iter()
        .filter_map(|(field, analyzer)| {
            Some((Occur::Should, in_field(&clause.words, *field, analyzer)?))
        })
        .collect();
    if anywhere.is_empty() { None } else { Some(Box::new(BooleanQuery::new(anywhere))) }
}

fn in_field(words: &str, field: Field, analyzer: &TextAnalyzer) -> Option<Box<dyn EngineQuery>> {
    let mut terms = Vec::new();
    analyzer.clone().token_stream(words).process(&mut |token| {
        terms.push((token.position, Term::from_field_text(field, &token.text)));
    });
    let first = terms.first()?.0;
    if let [(_, term)] = terms.as_slice() {
        return Some(Box::new(TermQuery::new(term.clone(), IndexRecordOption::Basic)));
    }
    let placed = terms.into_iter().map(|(position, term)| (position - first, term)).collect();
    Some(Box::new(PhraseQuery::new_with_offset(placed)))
}
