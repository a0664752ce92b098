//! BM25 over the engine's postings, with parameters of one's own.
//!
//! Robertson et al., "Okapi at TREC-3" (1994), in the form with a positive idf that Lucene and tantivy use:
//! `score = Σ qtf · idf · tf·(k1+1) / (tf + k1·(1 − b + b·length/average))` with
//! `idf = ln(1 + (N − df + 0.5)/(df + 0.5))`. tantivy fixes k1 = 1.2 and b = 0.75; the published baselines of Anserini
//! use 0.9 and 0.4, which is the default here. Statistics are of the whole index, so that a score does not depend on how
//! it is cut into segments.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocId, DocSet, Searcher, SegmentReader, Term};
use vizsla_core::{Bm25Explanation, Bm25Term};

/// The two parameters of BM25.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bm25Params {
    /// How soon further occurrences of a term stop to count; 0 ignores how often it occurs.
    pub k1: f32,
    /// How much long passages are held back, from 0 (not) to 1 (in full).
    pub b: f32,
}

impl Bm25Params {
    /// Parameters with `k1` brought to 0 or more and `b` to 0..=1.
    pub fn new(k1: f32, b: f32) -> Self {
        Self { k1: k1.max(0.0), b: b.clamp(0.0, 1.0) }
    }
}

/// k1 = 0.9, b = 0.4, as Anserini has them.
impl Default for Bm25Params {
    fn default() -> Self {
        Self { k1: 0.9, b: 0.4 }
    }
}

/// A field to be scored and what its score counts for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightedField {
    pub(crate) field: Field,
    pub(crate) weight: f32,
}

/// A query made ready for one state of the index.
pub(crate) struct Bm25Query {
    params: Bm25Params,
    fields: Vec<FieldQuery>,
}

struct FieldQuery {
    field: Field,
    average_length: f32,
    /// `k1·(1 − b + b·length/average)` for each of the 256 lengths that the engine tells apart.
    length_part: [f32; 256],
    terms: Vec<QueryTerm>,
}

struct QueryTerm {
    term: Term,
    text: String,
    query_frequency: u32,
    passages: u64,
    idf: f32,
    /// `field weight · qtf · idf · (k1+1)`.
    weight: f32,
}

impl Bm25Query {
    /// Analyzes `text` for each field and looks up the statistics. Terms that occur nowhere are left out.
    pub(crate) fn prepare(
        searcher: &Searcher,
        text: &str,
        fields: &[(WeightedField, TextAnalyzer)],
        params: Bm25Params,
    ) -> tantivy::Result<Self> {
        let count = searcher.total_num_docs()?;
        let mut prepared = Vec::with_capacity(fields.len());
        for (weighted, analyzer) in fields {
            let average_length =
                searcher.total_num_tokens(weighted.field)? as f32 / (count as f32).max(1.0);
            let mut terms = Vec::new();
            for (text, query_frequency) in query_terms(analyzer, text) {
                let term = Term::from_field_text(weighted.field, &text);
                let passages = searcher.doc_freq(&term)?;
                if passages == 0 {
                    continue;
                }
                let idf = (((count - passages) as f32 + 0.5) / (passages as f32 + 0.5)).ln_1p();
                let weight = weighted.weight * query_frequency as f32 * idf * (params.k1 + 1.0);
                terms.push(QueryTerm { term, text, query_frequency, passages, idf, weight });
            }
            let length_part = std::array::from_fn(|id| {
                let length = FieldNormReader::id_to_fieldnorm(id as u8) as f32;
                params.k1
                    * (1.0 - params.b + params.b * length / average_length.max(f32::MIN_POSITIVE))
            });
            prepared.push(FieldQuery { field: weighted.field, average_length, length_part, terms });
        }
        Ok(Self { params, fields: prepared })
    }

    /// Scores of all passages of a segment, by passage number; 0 for those without any term. Term at a time: every
    /// posting is read once, in order. Terms are added in query order, so sums are the same in any segment.
    pub(crate) fn score_segment(&self, segment: &SegmentReader) -> tantivy::Result<Vec<f32>> {
        let mut scores = vec![0.0f32; segment.max_doc() as usize];
        for query in &self.fields {
            let inverted = segment.inverted_index(query.field)?;
            let norms = segment.get_fieldnorms_reader(query.field)?;
            for term in &query.terms {
                let Some(mut postings) =
                    inverted.read_block_postings(&term.term, IndexRecordOption::WithFreqs)?
                else {
                    continue;
                };
                while postings.block_len() > 0 {
                    for (&doc, &frequency) in postings.docs().iter().zip(postings.freqs()) {
                        let frequency = frequency as f32;
                        let length_part = query.length_part[usize::from(norms.fieldnorm_id(doc))];
                        scores[doc as usize] += term.weight * frequency / (frequency + length_part);
                    }
                    postings.advance();
                }
            }
        }
        Ok(scores)
    }

    /// How the score of one passage in the first field comes about.
    pub(crate) fn explain(
        &self,
        segment: &SegmentReader,
        doc: DocId,
    ) -> tantivy::Result<Option<Bm25Explanation>> {
        let Some(query) = self.fields.first() else { return Ok(None) };
        let inverted = segment.inverted_index(query.field)?;
        let norm = segment.get_fieldnorms_reader(query.field)?.fieldnorm_id(doc);
        let mut terms = Vec::new();
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
                term: term.text.clone(),
                query_frequency: term.query_frequency,
                frequency,
                passages: term.passages,
                idf: term.idf,
                score: term.weight * frequency as f32
                    / (frequency as f32 + query.length_part[usize::from(norm)]),
            });
        }
        let length = FieldNormReader::id_to_fieldnorm(norm);
        Ok(Some(Bm25Explanation::new(
            self.params.k1,
            self.params.b,
            length,
            query.average_length,
            terms,
        )))
    }
}

/// The terms of a text with how often each occurs, in order of first occurrence.
pub(crate) fn query_terms(analyzer: &TextAnalyzer, text: &str) -> Vec<(String, u32)> {
    let mut terms: Vec<(String, u32)> = Vec::new();
    let mut analyzer = analyzer.clone();
    analyzer.token_stream(text).process(&mut |token| match terms
        .iter_mut()
        .find(|(term, _)| *term == token.text)
    {
        Some((_, frequency)) => *frequency += 1,
        None => terms.push((token.text.clone(), 1)),
    });
    terms
}

/// The best `depth` of `scored`, in no particular order. Which of several equal scores at the cut are kept is decided by
/// `tie_break`, the smallest first; it is asked for those only.
pub(crate) fn select_best<K: Ord>(
    scored: impl Iterator<Item = (DocId, f32)> + Clone,
    depth: usize,
    tie_break: impl Fn(DocId) -> K,
) -> Vec<(DocId, f32)> {
    let mut heap: BinaryHeap<Reverse<OrderedScore>> = BinaryHeap::with_capacity(depth + 1);
    let mut threshold = f32::NEG_INFINITY;
    for (_, score) in scored.clone() {
        if heap.len() < depth {
            heap.push(Reverse(OrderedScore(score)));
        } else if score > threshold
            && let Some(mut lowest) = heap.peek_mut()
        {
            *lowest = Reverse(OrderedScore(score));
        } else {
            continue;
        }
        if heap.len() == depth {
            threshold = heap.peek().map_or(threshold, |Reverse(OrderedScore(lowest))| *lowest);
        }
    }
    let (mut best, mut tied): (Vec<_>, Vec<_>) =
        scored.filter(|(_, score)| *score >= threshold).partition(|(_, score)| *score > threshold);
    let room = depth - best.len();
    if tied.len() > room {
        tied.sort_by_cached_key(|(doc, _)| tie_break(*doc));
        tied.truncate(room);
    }
    best.append(&mut tied);
    best
}

#[derive(PartialEq)]
struct OrderedScore(f32);

impl Eq for OrderedScore {}

impl PartialOrd for OrderedScore {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OrderedScore {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_best_are_those_of_a_full_sort(scores in prop::collection::vec(0u8..6, 0..60), depth in 1usize..20) {
            let scored: Vec<_> = scores.iter().enumerate().map(|(doc, score)| (doc as DocId, f32::from(*score))).collect();
            let mut expected = scored.clone();
            expected.sort_by_key(|(doc, score)| (Reverse(*score as u8), *doc));
            expected.truncate(depth);
            let mut best = select_best(scored.iter().copied(), depth, |doc| doc);
            best.sort_by_key(|(doc, score)| (Reverse(*score as u8), *doc));
            prop_assert_eq!(best, expected);
        }
    }
}
