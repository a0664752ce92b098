//! BM25 over the engine's postings, with configurable parameters.
//!
//! Robertson et al., "Okapi at TREC-3" (1994), in the form with a positive idf that Lucene and tantivy use:
//! `score = Σ qtf · idf · tf·(k1+1) / (tf + k1·(1 − b + b·length/average))` with
//! `idf = ln(1 + (N − df + 0.5)/(df + 0.5))`. tantivy fixes k1 = 1.2 and b = 0.75; the published baselines of Anserini
//! use 0.9 and 0.4, which is the default here. Statistics are those of the whole index, so scores do not depend on how
//! it is split into segments. In: words with their weights. Out: a query that `top_k` runs.

mod clauses;
mod filter;
mod index_retrieval;
mod index_retriever;
mod rm3;
mod segments;
mod spelling;
mod tantivy_retriever;
mod top_k;

use std::collections::HashMap;
use std::ops::Range;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::query::{Bm25StatisticsProvider, Query};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocId, DocSet, Searcher, SegmentReader, Term};
use vizsla_core::{Bm25Explanation, Bm25Term};

pub use self::index_retriever::IndexRetriever;
pub use self::rm3::Rm3;
pub use self::tantivy_retriever::{TantivyRetriever, tantivy};
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
    pub(crate) terms: Vec<QueryTerm>,
}

pub(crate) struct QueryTerm {
    pub(crate) term: Term,
    text: String,
    query_weight: f32,
    passages: u64,
    idf: f32,
    /// `field weight · query weight · idf · (k1+1)`: an upper bound on what any passage can score for the term.
    pub(crate) weight: f32,
}

impl FieldQuery {
    /// What `frequency` occurrences of a term add to the score of a passage whose length code is `norm`.
    #[inline]
    pub(crate) fn score(&self, weight: f32, frequency: u32, norm: u8) -> f32 {
        let frequency = frequency as f32;
        weight * frequency / (frequency + self.length_part[usize::from(norm)])
    }
}

impl Bm25Query {
    /// A query that matches nothing.
    pub(crate) fn empty(params: Bm25Params) -> Self {
        Self { params, fields: Vec::new() }
    }

    /// Looks up the statistics of the terms of each field. Terms that occur nowhere are omitted.
    pub(crate) fn prepare(
        searcher: &Searcher,
        fields: Vec<(WeightedField, Vec<(String, f32)>)>,
        params: Bm25Params,
    ) -> tantivy::Result<Self> {
        let count = searcher.total_num_docs()?;
        let mut prepared = Vec::with_capacity(fields.len());
        for (weighted, query_terms) in fields {
            let average_length =
                searcher.total_num_tokens(weighted.field)? as f32 / (count as f32).max(1.0);
            let mut terms = Vec::new();
            for (text, frequency) in query_terms {
                let query_weight = params.query_weight(frequency);
                let term = Term::from_field_text(weighted.field, &text);
                let passages = searcher.doc_freq(&term)?;
                if passages == 0 {
                    continue;
                }
                let idf = (((count - passages) as f32 + 0.5) / (passages as f32 + 0.5)).ln_1p();
                let weight = weighted.weight * query_weight * idf * (params.k1() + 1.0);
                terms.push(QueryTerm { term, text, query_weight, passages, idf, weight });
            }
            let length_part = std::array::from_fn(|id| {
                let length = FieldNormReader::id_to_fieldnorm(id as u8) as f32;
                let (k1, b) = (params.k1(), params.b());
                k1 * (1.0 - b + b * length / average_length.max(f32::MIN_POSITIVE))
            });
            prepared.push(FieldQuery { field: weighted.field, average_length, length_part, terms });
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
            let inverted = segment.inverted_index(query.field)?;
            let norm = segment.get_fieldnorms_reader(query.field)?.fieldnorm_id(doc);
            for term in &query.terms {
                let Some(mut postings) =
                    inverted.read_postings(&term.term, IndexRecordOption::WithFreqs)?
                else {
                    continue;
                };
                if postings.doc() < doc {
                    postings.seek(doc);
                }
                if postings.doc() != doc {
                    continue;
                }
                let frequency = postings.term_freq();
                terms.push(Bm25Term {
                    field: segment.schema().get_field_name(query.field).to_owned(),
                    term: term.text.clone(),
                    query_weight: term.query_weight,
                    frequency,
                    passages: term.passages,
                    idf: term.idf,
                    score: query.score(term.weight, frequency, norm),
                });
            }
        }
        let norm = segment.get_fieldnorms_reader(first.field)?.fieldnorm_id(doc);
        let length = FieldNormReader::id_to_fieldnorm(norm);
        let (k1, b) = (self.params.k1(), self.params.b());
        Ok(Some(Bm25Explanation::new(k1, b, length, first.average_length, terms)))
    }
}

/// The terms of a text with how often each occurs, in order of first occurrence.
pub(crate) fn query_terms(analyzer: &TextAnalyzer, text: &str) -> Vec<(String, f32)> {
    let mut terms: Vec<(String, f32)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut analyzer = analyzer.clone();
    analyzer.token_stream(text).process(&mut |token| {
        if let Some(place) = places.get(&token.text) {
            terms[*place].1 += 1.0;
        } else {
            places.insert(token.text.clone(), terms.len());
            terms.push((token.text.clone(), 1.0));
        }
    });
    terms
}

/// The terms of a parsed query that are searched for in `field`.
pub(crate) fn terms_of(query: &dyn Query, field: Field) -> Vec<String> {
    let mut terms = Vec::new();
    query.query_terms(&mut |term, _| {
        if term.field() == field
            && let Some(text) = term.value().as_str()
        {
            terms.push(text.to_owned());
        }
    });
    terms
}

/// Ranges of the words in `text` that `analyzer` turns into one of `terms`, in order and disjoint.
pub(crate) fn highlight(
    analyzer: &TextAnalyzer,
    terms: &[String],
    text: &str,
) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut analyzer = analyzer.clone();
    analyzer.token_stream(text).process(&mut |token| {
        // A compound comes before its parts, so what overlaps the last range lies within it.
        let free = ranges.last().is_none_or(|last| token.offset_from >= last.end);
        if free && terms.contains(&token.text) {
            ranges.push(token.offset_from..token.offset_to);
        }
    });
    ranges
}
