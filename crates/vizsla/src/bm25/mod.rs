//! BM25 over the engine's postings, with configurable parameters.
//!
//! Robertson et al., "Okapi at TREC-3" (1994), in the form with a positive idf that Lucene and tantivy use:
//! `score = Σ qtf · idf · tf·(k1+1) / (tf + k1·(1 − b + b·length/average))` with
//! `idf = ln(1 + (N − df + 0.5)/(df + 0.5))`. tantivy fixes k1 = 1.2 and b = 0.75; the published baselines of Anserini
//! use 0.9 and 0.4, which is the default here. Statistics are those of the whole index, so scores do not depend on how
//! it is split into segments. In: words with their weights. Out: a query that `top_k` runs.
//!
//! A word of a query is a group of terms, one for each way to write it, scored as one pseudo-term: `tf` is the sum of
//! theirs, each times its weight, and `df` the largest of theirs (as in Lucene's `SynonymQuery`; the sum of frequencies is
//! that of BM25F, Robertson, Zaragoza and Taylor, CIKM 2004). So further spellings add occurrences, and no idf.

mod clauses;
#[cfg(test)]
mod completing;
mod counts;
mod filter;
mod index_retrieval;
mod index_retriever;
#[cfg(test)]
mod matching;
mod names;
mod phrase;
mod prefix;
mod rm3;
mod segments;
mod spelling;
mod tantivy_retriever;
mod top_k;

use std::collections::HashSet;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::query::{Bm25StatisticsProvider, Query};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Searcher, SegmentReader, Term};
use vizsla_core::{Bm25Explanation, Bm25Term};

pub use self::counts::MatchCounts;
pub use self::index_retriever::IndexRetriever;
pub use self::rm3::Rm3;
pub use self::tantivy_retriever::{TantivyRetriever, tantivy};
use crate::analysis::{DERIVED, WordGroup};
use crate::index::Bm25Params;

/// A field to score, and the weight of its score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightedField {
    pub(crate) field: Field,
    pub(crate) weight: f32,
}

/// A query prepared for one snapshot of the index.
pub(crate) struct Bm25Query {
    params: Bm25Params,
    pub(crate) fields: Vec<FieldQuery>,
}

pub(crate) struct FieldQuery {
    pub(crate) field: Field,
    average_length: f32,
    /// `k1·(1 − b + b·length/average)` for each of the 256 lengths that the engine distinguishes.
    length_part: [f32; 256],
    pub(crate) groups: Vec<QueryGroup>,
}

/// A word of the query, with the statistics of the terms it stands for.
pub(crate) struct QueryGroup {
    pub(crate) terms: Vec<GroupTerm>,
    query_weight: f32,
    passages: u64,
    idf: f32,
    /// `field weight · query weight · idf · (k1+1)`: an upper bound on what any passage can score for the group.
    pub(crate) weight: f32,
}

/// A term of a group, and what an occurrence of it counts.
pub(crate) struct GroupTerm {
    pub(crate) term: Term,
    text: String,
    pub(crate) share: f32,
}

impl FieldQuery {
    /// What `frequency` occurrences add to the score of a passage whose length code is `norm`.
    #[inline]
    pub(crate) fn score(&self, weight: f32, frequency: f32, norm: u8) -> f32 {
        weight * frequency / (frequency + self.length_part[usize::from(norm)])
    }
}

impl Bm25Query {
    /// A query that matches nothing.
    pub(crate) fn empty(params: Bm25Params) -> Self {
        Self { params, fields: Vec::new() }
    }

    /// Looks up the statistics of the words of each field. Terms that occur nowhere are omitted.
    pub(crate) fn prepare(
        searcher: &Searcher,
        fields: Vec<(WeightedField, Vec<WordGroup>)>,
        params: Bm25Params,
    ) -> tantivy::Result<Self> {
        let count = searcher.total_num_docs()?;
        let mut prepared = Vec::with_capacity(fields.len());
        for (weighted, words) in fields {
            let average_length =
                searcher.total_num_tokens(weighted.field)? as f32 / (count as f32).max(1.0);
            let mut groups = Vec::new();
            for word in words {
                groups.extend(query_group(searcher, weighted, word, params, count)?);
            }
            let length_part = std::array::from_fn(|id| {
                let length = FieldNormReader::id_to_fieldnorm(id as u8) as f32;
                let (k1, b) = (params.k1(), params.b());
                k1 * (1.0 - b + b * length / average_length.max(f32::MIN_POSITIVE))
            });
            let field = weighted.field;
            prepared.push(FieldQuery { field, average_length, length_part, groups });
        }
        Ok(Self { params, fields: prepared })
    }

    /// How the score of one passage is computed. Length and average length are those of the first field.
    pub(crate) fn explain(
        &self,
        segment: &SegmentReader,
        doc: DocId,
    ) -> tantivy::Result<Option<Bm25Explanation>> {
        let Some(first) = self.fields.first() else { return Ok(None) };
        let mut terms = Vec::new();
        for query in &self.fields {
            let norm = segment.get_fieldnorms_reader(query.field)?.fieldnorm_id(doc);
            for group in &query.groups {
                let (frequency, written) = group.occurrences(segment, doc)?;
                if frequency == 0.0 {
                    continue;
                }
                terms.push(Bm25Term {
                    field: segment.schema().get_field_name(query.field).to_owned(),
                    term: written,
                    query_weight: group.query_weight,
                    frequency,
                    passages: group.passages,
                    idf: group.idf,
                    score: query.score(group.weight, frequency, norm),
                });
            }
        }
        let norm = segment.get_fieldnorms_reader(first.field)?.fieldnorm_id(doc);
        let length = FieldNormReader::id_to_fieldnorm(norm);
        let (k1, b) = (self.params.k1(), self.params.b());
        Ok(Some(Bm25Explanation::new(k1, b, length, first.average_length, terms)))
    }
}

impl QueryGroup {
    /// How often its terms occur in a passage, each times what it counts; and which do.
    fn occurrences(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<(f32, String)> {
        let mut frequency = 0.0;
        let mut written: Vec<&str> = Vec::new();
        for GroupTerm { term, text, share } in &self.terms {
            let inverted = segment.inverted_index(term.field())?;
            let postings = inverted.read_postings(term, IndexRecordOption::WithFreqs)?;
            let Some(mut postings) = postings else { continue };
            if postings.doc() < doc {
                postings.seek(doc);
            }
            if postings.doc() == doc {
                frequency += share * postings.term_freq() as f32;
                let text = text.trim_start_matches(DERIVED);
                if !written.contains(&text) {
                    written.push(text);
                }
            }
        }
        Ok((frequency, written.join("|")))
    }
}

/// `None` when no passage has any of its terms.
fn query_group(
    searcher: &Searcher,
    weighted: WeightedField,
    word: WordGroup,
    params: Bm25Params,
    count: u64,
) -> tantivy::Result<Option<QueryGroup>> {
    let query_weight = params.query_weight(word.frequency) * word.share;
    let mut terms = Vec::new();
    let mut passages = 0;
    for (text, share) in word.terms {
        let term = Term::from_field_text(weighted.field, &text);
        let having = searcher.doc_freq(&term)?;
        if having > 0 {
            passages = passages.max(having);
            terms.push(GroupTerm { term, text, share });
        }
    }
    if terms.is_empty() {
        return Ok(None);
    }
    let idf = (((count - passages) as f32 + 0.5) / (passages as f32 + 0.5)).ln_1p();
    let weight = weighted.weight * query_weight * idf * (params.k1() + 1.0);
    Ok(Some(QueryGroup { terms, query_weight, passages, idf, weight }))
}

/// The terms of a parsed query that are searched for in `field`.
pub(crate) fn terms_of(query: &dyn Query, field: Field) -> HashSet<String> {
    let mut terms = HashSet::new();
    query.query_terms(&mut |term, _| {
        if term.field() == field
            && let Some(text) = term.value().as_str()
        {
            terms.insert(text.to_owned());
        }
    });
    terms
}
