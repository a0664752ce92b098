//! BM25 over the engine's postings, with parameters of one's own.
//!
//! Robertson et al., "Okapi at TREC-3" (1994), in the form with a positive idf that Lucene and tantivy use:
//! `score = Σ qtf · idf · tf·(k1+1) / (tf + k1·(1 − b + b·length/average))` with
//! `idf = ln(1 + (N − df + 0.5)/(df + 0.5))`. tantivy fixes k1 = 1.2 and b = 0.75; the published baselines of Anserini
//! use 0.9 and 0.4, which is the default here. Statistics are of the whole index, so that a score does not depend on how
//! it is cut into segments. In: words with their weights. Out: a query that `top_k` runs.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

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
    /// How soon further occurrences of a word in the query stop to count: `qtf` occurrences count `(k3+1)·qtf / (k3+qtf)`
    /// times (Okapi at TREC-3). `None` counts each in full, as Lucene does.
    #[serde(default)]
    pub k3: Option<f32>,
}

impl Bm25Params {
    /// Parameters with `k1` brought to 0 or more and `b` to 0..=1.
    pub fn new(k1: f32, b: f32) -> Self {
        Self { k1: k1.max(0.0), b: b.clamp(0.0, 1.0), k3: None }
    }

    /// Sets how soon repeated words of the query stop to count; 0 or more.
    pub fn with_k3(mut self, k3: f32) -> Self {
        self.k3 = Some(k3.max(0.0));
        self
    }

    fn query_weight(self, frequency: f32) -> f32 {
        self.k3.map_or(frequency, |k3| (k3 + 1.0) * frequency / (k3 + frequency))
    }
}

/// k1 = 0.9, b = 0.4, as Anserini has them.
impl Default for Bm25Params {
    fn default() -> Self {
        Self::new(0.9, 0.4)
    }
}

/// What a match in each field of an index counts for: the score of a passage is the sum of the BM25 scores of its fields, each
/// times its weight. Fields with weight 0 cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldWeights {
    /// Title, headings and text as one field, as Anserini's flat baseline has them; 1 unless set.
    pub content: f32,
    /// The title; 0 unless set, like those below.
    pub title: f32,
    /// The headings that a passage stands under.
    pub headings: f32,
    /// The words of the file's path.
    pub path: f32,
    /// The text without title and headings; needs [`IndexSettings::separate_body`](crate::IndexSettings::separate_body).
    pub body: f32,
}

impl Default for FieldWeights {
    fn default() -> Self {
        Self { content: 1.0, title: 0.0, headings: 0.0, path: 0.0, body: 0.0 }
    }
}

/// `content=1,title=0.5`: weights by name; what is not named is 0.
impl FromStr for FieldWeights {
    type Err = ParseWeightsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut weights = Self { content: 0.0, ..Self::default() };
        for part in text.split(',') {
            let error = || ParseWeightsError(part.trim().to_owned());
            let (name, weight) = part.split_once('=').ok_or_else(error)?;
            let weight: f32 = weight.trim().parse().map_err(|_| error())?;
            if !weight.is_finite() || weight < 0.0 {
                return Err(error());
            }
            *(match name.trim() {
                "content" => &mut weights.content,
                "title" => &mut weights.title,
                "headings" => &mut weights.headings,
                "path" => &mut weights.path,
                "body" => &mut weights.body,
                _ => return Err(error()),
            }) = weight;
        }
        Ok(weights)
    }
}

impl fmt::Display for FieldWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            ("content", self.content),
            ("title", self.title),
            ("headings", self.headings),
            ("path", self.path),
            ("body", self.body),
        ];
        let set = named.iter().filter(|(_, weight)| *weight > 0.0);
        if set.clone().next().is_none() {
            return f.write_str("content=0");
        }
        f.write_str(
            &set.map(|(name, weight)| format!("{name}={weight}")).collect::<Vec<_>>().join(","),
        )
    }
}

/// A text that gives no weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseWeightsError(String);

impl fmt::Display for ParseWeightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no field's weight: give NAME=WEIGHT with content, title, headings, path or body and a number from 0, \
             several with commas",
            self.0
        )
    }
}

impl std::error::Error for ParseWeightsError {}

/// A field to be scored and what its score counts for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightedField {
    pub(crate) field: Field,
    pub(crate) weight: f32,
}

/// A query made ready for one state of the index.
pub(crate) struct Bm25Query {
    params: Bm25Params,
    pub(crate) fields: Vec<FieldQuery>,
}

pub(crate) struct FieldQuery {
    pub(crate) field: Field,
    average_length: f32,
    /// `k1·(1 − b + b·length/average)` for each of the 256 lengths that the engine tells apart.
    length_part: [f32; 256],
    pub(crate) terms: Vec<QueryTerm>,
}

pub(crate) struct QueryTerm {
    pub(crate) term: Term,
    text: String,
    query_weight: f32,
    passages: u64,
    idf: f32,
    /// `field weight · query weight · idf · (k1+1)`: more than any passage can get for the term.
    pub(crate) weight: f32,
}

impl FieldQuery {
    /// What `frequency` occurrences of a term add to the score of a passage whose length has the number `norm`.
    #[inline]
    pub(crate) fn score(&self, weight: f32, frequency: u32, norm: u8) -> f32 {
        let frequency = frequency as f32;
        weight * frequency / (frequency + self.length_part[usize::from(norm)])
    }
}

impl Bm25Query {
    /// Looks up the statistics of the terms of each field. Terms that occur nowhere are left out.
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
                let weight = weighted.weight * query_weight * idf * (params.k1 + 1.0);
                terms.push(QueryTerm { term, text, query_weight, passages, idf, weight });
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

    /// How the score of one passage comes about. Length and average length are those of the first field.
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
        let Bm25Params { k1, b, .. } = self.params;
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
