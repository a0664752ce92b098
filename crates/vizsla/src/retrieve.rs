//! The first stage over an index of this crate.

use std::ops::Range;

use rayon::prelude::*;
use tantivy::query::{EnableScoring, Query, QueryParser};
use tantivy::schema::Field;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocAddress, DocId, Searcher, SegmentReader, Term};
use vizsla_core::{
    Bm25Explanation, BoxError, Candidate, Passage, QuerySyntax, Ranking, RetrieveRequest,
    Retriever, TieBreak,
};

use crate::analysis;
use crate::bm25::{Bm25Params, Bm25Query, WeightedField, query_terms, select_best};
use crate::error::{Error, ErrorKind, Result};
use crate::filter::PreparedFilter;
use crate::index::Index;
use crate::schema;

/// Finds passages by BM25 over title, headings and text.
#[derive(Debug, Clone)]
pub struct IndexRetriever {
    index: Index,
    bm25: Bm25Params,
}

impl IndexRetriever {
    pub(crate) fn new(index: Index) -> Self {
        Self { bm25: index.settings.bm25, index }
    }

    /// Uses other parameters than those of the index.
    pub fn with_bm25(mut self, bm25: Bm25Params) -> Self {
        self.bm25 = bm25;
        self
    }

    /// All passages of the documents with these ids, in order of id and ordinal. Ids that the index does not have are
    /// left out.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn passages(&self, ids: &[&str]) -> Result<Vec<Passage>> {
        let searcher = self.index.reader.searcher();
        let mut passages = Vec::new();
        for id in ids {
            for address in
                self.addresses(&searcher, id).map_err(|error| self.index.failed("read", error))?
            {
                passages.push(self.load(&searcher, address)?);
            }
        }
        passages.sort_by(|a, b| (&a.doc_id, a.ordinal).cmp(&(&b.doc_id, b.ordinal)));
        Ok(passages)
    }

    fn addresses(&self, searcher: &Searcher, id: &str) -> tantivy::Result<Vec<DocAddress>> {
        let term = Term::from_field_text(self.index.fields.doc_id, id);
        let query = tantivy::query::TermQuery::new(term, tantivy::schema::IndexRecordOption::Basic);
        Ok(searcher.search(&query, &tantivy::collector::DocSetCollector)?.into_iter().collect())
    }

    fn load(&self, searcher: &Searcher, address: DocAddress) -> Result<Passage> {
        let document = searcher.doc(address).map_err(|error| self.index.failed("read", error))?;
        self.index.fields.decode(&document)
    }

    fn retrieve_from(
        &self,
        searcher: &Searcher,
        request: &RetrieveRequest,
    ) -> Result<Ranking<Candidate>> {
        let query = self.prepare(searcher, request)?;
        let filter = PreparedFilter::new(&request.filter, self.index.fields)?;
        let depth = request.depth.get();
        let segments: Vec<(u32, &SegmentReader)> = (0..).zip(searcher.segment_readers()).collect();
        let best = segments
            .par_iter()
            .map(|(ord, segment)| {
                let passing = filter.as_ref().map(|filter| filter.passing(segment)).transpose()?;
                let passes = |doc: DocId| {
                    !segment.is_deleted(doc)
                        && passing.as_ref().is_none_or(|passing| passing[doc as usize])
                };
                let best = query.best(segment, depth, passes)?;
                keyed(*ord, segment, best)
            })
            .collect::<tantivy::Result<Vec<_>>>()
            .map_err(|error| self.index.failed("search", error))?;
        let keyed = best.into_iter().flatten().map(|found| (found.score, found));
        let mut ranking = Ranking::new(keyed).map_err(|error| {
            Error::new(
                ErrorKind::Corrupt,
                "BM25 gave a score that is not finite; rebuild the index",
            )
            .with_source(error)
        })?;
        ranking.truncate(depth);
        let loaded = ranking
            .into_iter()
            .map(|found| {
                Ok((found.score, Candidate::new(self.load(searcher, found.item.address)?)))
            })
            .collect::<Result<Vec<_>>>()?;
        Ranking::new(loaded).map_err(|error| Error::new(ErrorKind::Corrupt, error.to_string()))
    }

    fn prepare(&self, searcher: &Searcher, request: &RetrieveRequest) -> Result<PreparedQuery> {
        match request.syntax {
            QuerySyntax::Native => {
                let query = self.parse(&request.query)?;
                let weight = query.weight(EnableScoring::enabled_from_searcher(searcher));
                weight
                    .map(PreparedQuery::Native)
                    .map_err(|error| self.index.failed("search", error))
            }
            _ => self.bm25_query(searcher, &request.query).map(PreparedQuery::Bm25),
        }
    }

    fn bm25_query(&self, searcher: &Searcher, text: &str) -> Result<Bm25Query> {
        let content = WeightedField { field: self.index.fields.content, weight: 1.0 };
        Bm25Query::prepare(searcher, text, &[(content, analysis::english())], self.bm25)
            .map_err(|error| self.index.failed("search", error))
    }

    fn parse(&self, query: &str) -> Result<Box<dyn Query>> {
        QueryParser::for_index(&self.index.engine, vec![self.index.fields.content])
            .parse_query(query)
            .map_err(|error| {
                Error::new(
                    ErrorKind::InvalidQuery,
                    format!("cannot read the query {query:?}: {error}"),
                )
                .with_source(error)
            })
    }
}

impl Retriever for IndexRetriever {
    fn retrieve(
        &self,
        request: &RetrieveRequest,
    ) -> std::result::Result<Ranking<Candidate>, BoxError> {
        Ok(self.retrieve_from(&self.index.reader.searcher(), request)?)
    }

    fn highlight(&self, request: &RetrieveRequest, text: &str) -> Vec<Range<usize>> {
        let analyzer = analysis::english();
        let terms = match request.syntax {
            QuerySyntax::Native => {
                self.parse(&request.query).map(|query| terms_of(&*query, self.index.fields.content))
            }
            _ => Ok(query_terms(&analyzer, &request.query)
                .into_iter()
                .map(|(term, _)| term)
                .collect()),
        };
        highlight(&analyzer, &terms.unwrap_or_default(), text)
    }

    fn explain(
        &self,
        request: &RetrieveRequest,
        passage: &Passage,
    ) -> std::result::Result<Option<Bm25Explanation>, BoxError> {
        if request.syntax == QuerySyntax::Native {
            return Ok(None);
        }
        let searcher = self.index.reader.searcher();
        let query = self.bm25_query(&searcher, &request.query)?;
        for address in self.addresses(&searcher, &passage.doc_id)? {
            let segment = searcher.segment_reader(address.segment_ord);
            let ordinal = segment.fast_fields().u64(schema::ORDINAL)?.first(address.doc_id);
            if ordinal == Some(u64::from(passage.ordinal)) {
                return Ok(query.explain(segment, address.doc_id)?);
            }
        }
        Ok(None)
    }
}

enum PreparedQuery {
    Bm25(Bm25Query),
    Native(Box<dyn tantivy::query::Weight>),
}

impl PreparedQuery {
    /// The best passages of a segment; equal scores at the cut by document id and ordinal.
    fn best(
        &self,
        segment: &SegmentReader,
        depth: usize,
        passes: impl Fn(DocId) -> bool + Copy,
    ) -> tantivy::Result<Vec<(DocId, f32)>> {
        let ids = segment.fast_fields().str(schema::DOC_ID)?;
        let ordinals = segment.fast_fields().u64(schema::ORDINAL)?;
        // Within a segment, ids are numbered in their own order.
        let tie_break =
            |doc| (ids.as_ref().and_then(|ids| ids.ords().first(doc)), ordinals.first(doc));
        match self {
            Self::Bm25(query) => {
                let scores = query.score_segment(segment)?;
                let scored = scores.iter().enumerate().map(|(doc, score)| (doc as DocId, *score));
                let matching = scored.filter(|(doc, score)| *score > 0.0 && passes(*doc));
                Ok(select_best(matching, depth, tie_break))
            }
            Self::Native(weight) => {
                let mut matching = Vec::new();
                weight.for_each(segment, &mut |doc, score| {
                    if passes(doc) {
                        matching.push((doc, score));
                    }
                })?;
                Ok(select_best(matching.iter().copied(), depth, tie_break))
            }
        }
    }
}

/// A passage that was found but not read yet.
struct Found {
    score: f32,
    address: DocAddress,
    doc_id: String,
    ordinal: u32,
}

impl TieBreak for Found {
    fn tie_break(&self) -> (&str, u32) {
        (&self.doc_id, self.ordinal)
    }
}

fn keyed(
    segment_ord: u32,
    segment: &SegmentReader,
    best: Vec<(DocId, f32)>,
) -> tantivy::Result<Vec<Found>> {
    let ids = segment.fast_fields().str(schema::DOC_ID)?;
    let ordinals = segment.fast_fields().u64(schema::ORDINAL)?;
    best.into_iter()
        .map(|(doc, score)| {
            let mut doc_id = String::new();
            if let Some(ids) = &ids
                && let Some(ord) = ids.ords().first(doc)
            {
                ids.ord_to_str(ord, &mut doc_id)?;
            }
            let ordinal = ordinals.first(doc).unwrap_or(0) as u32;
            Ok(Found { score, address: DocAddress::new(segment_ord, doc), doc_id, ordinal })
        })
        .collect()
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

/// Where the words of `text` are that `analyzer` turns into one of `terms`; ranges in order and apart.
pub(crate) fn highlight(
    analyzer: &TextAnalyzer,
    terms: &[String],
    text: &str,
) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut analyzer = analyzer.clone();
    analyzer.token_stream(text).process(&mut |token| {
        // A compound is told before its parts, so what overlaps the last range lies within it.
        let free = ranges.last().is_none_or(|last| token.offset_from >= last.end);
        if free && terms.contains(&token.text) {
            ranges.push(token.offset_from..token.offset_to);
        }
    });
    ranges
}
