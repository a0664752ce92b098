//! The first stage over an index of this crate.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;
use tantivy::query::{EnableScoring, Query, QueryParser};
use tantivy::schema::Field;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocAddress, DocId, Searcher, SegmentReader, Term};
use vizsla_core::{
    Advice, Bm25Explanation, BoxError, Candidate, Clause, Correction, Passage, QueryField,
    QuerySyntax, Ranking, RetrieveRequest, Retriever,
};

use crate::bm25::{Bm25Params, Bm25Query, FieldWeights, WeightedField, query_terms};
use crate::error::{Error, ErrorKind, Result};
use crate::feedback::{self, Feedback};
use crate::filter::PreparedFilter;
use crate::index::{Index, guarded};
use crate::manifest::IndexSettings;
use crate::restriction::Restriction;
use crate::top_k::{self, OrderedScore, Threshold};
use crate::{analysis, correction, schema};

/// Finds passages by BM25 over title, headings and text, or over fields with weights of their own. Cheap to clone.
#[derive(Debug, Clone)]
pub struct IndexRetriever {
    index: Index,
    bm25: Bm25Params,
    weights: FieldWeights,
    feedback: Option<Feedback>,
    corrects: bool,
}

impl IndexRetriever {
    pub(crate) fn new(index: Index) -> Self {
        let IndexSettings { bm25, weights, .. } = index.settings;
        Self { bm25, weights, feedback: None, corrects: false, index }
    }

    /// Uses other parameters than those of the index.
    pub fn with_bm25(mut self, bm25: Bm25Params) -> Self {
        self.bm25 = bm25;
        self
    }

    /// Uses other field weights than those of the index.
    pub fn with_weights(mut self, weights: FieldWeights) -> Self {
        self.weights = weights;
        self
    }

    /// Adds words of the best passages to each query. Costs a second retrieval.
    pub fn with_feedback(mut self, feedback: Feedback) -> Self {
        self.feedback = Some(feedback);
        self
    }

    /// Looks for the nearest word instead of one that no passage has; [`Retriever::advise`] says which, and the reranker and
    /// highlights of an engine go by it too.
    pub fn with_correction(mut self) -> Self {
        self.corrects = true;
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
        let prepared = self.prepare(searcher, request)?;
        self.ranking(searcher, request, &prepared, request.depth.get())
    }

    /// Where the best passages over all segments are; more than `depth` when several are equal at the cut.
    fn find(
        &self,
        searcher: &Searcher,
        request: &RetrieveRequest,
        prepared: &Prepared,
        depth: usize,
    ) -> Result<Vec<(f32, DocAddress)>> {
        let filter = PreparedFilter::new(&request.filter, self.index.fields)?;
        let segments: Vec<(u32, &SegmentReader)> = (0..).zip(searcher.segment_readers()).collect();
        let threshold = Threshold::new();
        let best = segments
            .par_iter()
            .map(|(ord, segment)| {
                let mut passing =
                    filter.as_ref().map(|filter| filter.passing(segment)).transpose()?;
                if let Some(restriction) = &prepared.restriction {
                    let passing =
                        passing.get_or_insert_with(|| vec![true; segment.max_doc() as usize]);
                    restriction.apply(segment, passing)?;
                }
                let passes = |doc: DocId| {
                    !segment.is_deleted(doc)
                        && passing.as_ref().is_none_or(|passing| passing[doc as usize])
                };
                let best = prepared.query.best(segment, depth, &threshold, passes)?;
                let address = |(doc, score)| (score, DocAddress::new(*ord, doc));
                Ok(best.into_iter().map(address).collect::<Vec<_>>())
            })
            .collect::<tantivy::Result<Vec<_>>>()
            .map_err(|error| self.index.failed("search", error))?;
        let mut found = best.concat();
        found.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
        if let Some((least, _)) = found.get(depth - 1).copied() {
            found.truncate(found.partition_point(|(score, _)| *score >= least));
        }
        Ok(found)
    }

    /// The best passages, read.
    fn ranking(
        &self,
        searcher: &Searcher,
        request: &RetrieveRequest,
        prepared: &Prepared,
        depth: usize,
    ) -> Result<Ranking<Candidate>> {
        let found = self.find(searcher, request, prepared, depth)?;
        let read = found
            .into_iter()
            .map(|(score, address)| Ok((score, Candidate::new(self.load(searcher, address)?))))
            .collect::<Result<Vec<_>>>()?;
        let mut ranking = Ranking::new(read).map_err(|error| {
            Error::new(
                ErrorKind::Corrupt,
                "BM25 gave a score that is not finite; rebuild the index",
            )
            .with_source(error)
        })?;
        ranking.truncate(depth);
        Ok(ranking)
    }

    fn prepare(&self, searcher: &Searcher, request: &RetrieveRequest) -> Result<Prepared> {
        if request.syntax == QuerySyntax::Native {
            let query = self.parse(&request.query)?;
            let weight = query.weight(EnableScoring::enabled_from_searcher(searcher));
            let query = weight
                .map(PreparedQuery::Native)
                .map_err(|error| self.index.failed("search", error))?;
            return Ok(Prepared { query, restriction: None });
        }
        let parsed = request.parsed();
        let restriction = Restriction::new(searcher, &parsed, |clause| self.clause_fields(clause))
            .map_err(|error| self.index.failed("search", error))?;
        let mut terms = query_terms(&self.analyzer(), &parsed.text);
        if self.corrects {
            for Unknown { term, instead, .. } in self.corrections(searcher, &parsed.text)? {
                if let Some(place) = terms.iter_mut().find(|(known, _)| *known == term) {
                    place.0 = instead;
                }
            }
        }
        let query = self.bm25_query(searcher, &terms)?;
        let prepared = Prepared { query: PreparedQuery::Bm25(query), restriction };
        match self.feedback {
            None => Ok(prepared),
            Some(feedback) => self.expanded(searcher, request, prepared, &terms, feedback),
        }
    }

    /// A query with the words of its own best passages.
    fn expanded(
        &self,
        searcher: &Searcher,
        request: &RetrieveRequest,
        prepared: Prepared,
        terms: &[(String, f32)],
        feedback: Feedback,
    ) -> Result<Prepared> {
        let best = self.ranking(searcher, request, &prepared, feedback.passages)?;
        let best: Vec<_> =
            best.into_iter().map(|best| (best.score, best.item.passage.full_text())).collect();
        let count = searcher.num_docs().max(1) as f64;
        let frequency = |term: &str| {
            let term = Term::from_field_text(self.index.fields.content, term);
            Ok(searcher.doc_freq(&term)? as f64 / count)
        };
        let expanded = feedback::expand(terms, &best, feedback, &self.analyzer(), frequency)
            .map_err(|error| self.index.failed("search", error))?;
        let query = PreparedQuery::Bm25(self.bm25_query(searcher, &expanded)?);
        Ok(Prepared { query, ..prepared })
    }

    fn bm25_query(&self, searcher: &Searcher, terms: &[(String, f32)]) -> Result<Bm25Query> {
        let (weights, fields) = (self.weights, self.index.fields);
        if weights.body > 0.0 && !self.index.settings.separate_body {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the index has no field for texts without title and headings: make it with a separate body to weigh it",
            ));
        }
        let weighted = [
            (fields.content, weights.content),
            (fields.title, weights.title),
            (fields.headings, weights.headings),
            (fields.path_words, weights.path),
            (fields.body, weights.body),
        ];
        let scored = weighted.into_iter().filter(|(_, weight)| *weight > 0.0);
        let scored: Vec<_> = scored
            .map(|(field, weight)| (WeightedField { field, weight }, terms.to_vec()))
            .collect();
        Bm25Query::prepare(searcher, scored, self.bm25)
            .map_err(|error| self.index.failed("search", error))
    }

    fn analyzer(&self) -> TextAnalyzer {
        analysis::analyzer(self.index.settings.language)
    }

    fn clause_fields(&self, clause: &Clause) -> Vec<(Field, TextAnalyzer)> {
        let fields = self.index.fields;
        let field = match clause.field {
            Some(QueryField::Title) => fields.title,
            Some(QueryField::Headings) => fields.headings,
            Some(QueryField::Path) => fields.path_words,
            // Phrases need positions, which the separate body has none of.
            _ => fields.content,
        };
        vec![(field, self.analyzer())]
    }

    /// Terms of a text that no passage has, each with the word it came from and the nearest that one has.
    fn corrections(&self, searcher: &Searcher, text: &str) -> Result<Vec<Unknown>> {
        let content = self.index.fields.content;
        let analyzer = self.analyzer();
        let failed = |error| self.index.failed("search", error);
        let mut corrections = Vec::new();
        for (term, _) in query_terms(&analyzer, text) {
            let known = Term::from_field_text(content, &term);
            if searcher.doc_freq(&known).map_err(failed)? > 0 {
                continue;
            }
            let place = highlight(&analyzer, std::slice::from_ref(&term), text);
            let word = place.first().map_or(term.clone(), |place| text[place.clone()].to_owned());
            let nearest = correction::nearest(searcher, content, &analyzer, &word, &term);
            if let Some(instead) = nearest.map_err(failed)? {
                corrections.push(Unknown { term, word, instead });
            }
        }
        Ok(corrections)
    }

    /// A word as some passage writes it whose term is `term`.
    fn as_written(&self, searcher: &Searcher, term: &str) -> Result<Option<String>> {
        let query = PreparedQuery::Bm25(self.bm25_query(searcher, &[(term.to_owned(), 1.0)])?);
        let request = RetrieveRequest::new(term, NonZeroUsize::MIN);
        let found = self.find(searcher, &request, &Prepared { query, restriction: None }, 1)?;
        let Some((_, address)) = found.first() else { return Ok(None) };
        let text = self.load(searcher, *address)?.full_text();
        let place = highlight(&self.analyzer(), &[term.to_owned()], &text).into_iter().next();
        Ok(place.map(|place| text[place].to_lowercase()))
    }

    fn parse(&self, query: &str) -> Result<Box<dyn Query>> {
        QueryParser::for_index(&self.index.engine, vec![self.index.fields.content])
            .parse_query(query)
            .map_err(|error| {
                Error::new(ErrorKind::InvalidQuery, format!("cannot read the query {query:?}"))
                    .with_source(error)
            })
    }
}

impl Retriever for IndexRetriever {
    fn retrieve(
        &self,
        request: &RetrieveRequest,
    ) -> std::result::Result<Ranking<Candidate>, BoxError> {
        let at = self.index.dir().unwrap_or(Path::new("memory"));
        Ok(guarded(at, || self.retrieve_from(&self.index.reader.searcher(), request))??)
    }

    fn highlight(&self, request: &RetrieveRequest, text: &str) -> Vec<Range<usize>> {
        let analyzer = self.analyzer();
        let terms = match request.syntax {
            QuerySyntax::Native => {
                self.parse(&request.query).map(|query| terms_of(&*query, self.index.fields.content))
            }
            _ => Ok(query_terms(&analyzer, &request.parsed().text)
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
        let searcher = self.index.reader.searcher();
        let PreparedQuery::Bm25(query) = self.prepare(&searcher, request)?.query else {
            return Ok(None);
        };
        for address in self.addresses(&searcher, &passage.doc_id)? {
            let segment = searcher.segment_reader(address.segment_ord);
            let ordinal = segment.fast_fields().u64(schema::ORDINAL)?.first(address.doc_id);
            if ordinal == Some(u64::from(passage.ordinal)) {
                return Ok(query.explain(segment, address.doc_id)?);
            }
        }
        Ok(None)
    }

    fn advise(&self, request: &RetrieveRequest) -> std::result::Result<Advice, BoxError> {
        let mut advice = Advice::default();
        if request.syntax == QuerySyntax::Native {
            return Ok(advice);
        }
        let searcher = self.index.reader.searcher();
        let parsed = request.parsed();
        let restriction =
            Restriction::new(&searcher, &parsed, |clause| self.clause_fields(clause))?;
        advice.dropped = restriction.map(|restriction| restriction.dropped).unwrap_or_default();
        for Unknown { word, instead, .. } in self.corrections(&searcher, &parsed.text)? {
            let instead = self.as_written(&searcher, &instead)?.unwrap_or(instead);
            advice.corrections.push(Correction { word, instead, used: self.corrects });
        }
        Ok(advice)
    }
}

/// A term that no passage has.
struct Unknown {
    term: String,
    /// As the query writes it.
    word: String,
    /// The term that was likeliest meant.
    instead: String,
}

/// A query made ready for one state of the index.
struct Prepared {
    query: PreparedQuery,
    restriction: Option<Restriction>,
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
        threshold: &Threshold,
        passes: impl Fn(DocId) -> bool,
    ) -> tantivy::Result<Vec<(DocId, f32)>> {
        let ids = segment.fast_fields().str(schema::DOC_ID)?;
        let ordinals = segment.fast_fields().u64(schema::ORDINAL)?;
        // Within a segment, ids are numbered in their own order.
        let tie_break =
            |doc| (ids.as_ref().and_then(|ids| ids.ords().first(doc)), ordinals.first(doc));
        match self {
            Self::Bm25(query) => top_k::best(query, segment, depth, threshold, passes, tie_break),
            Self::Native(weight) => {
                let mut matching = Vec::new();
                weight.for_each(segment, &mut |doc, score| {
                    if passes(doc) {
                        matching.push((doc, OrderedScore(score)));
                    }
                })?;
                let best = top_k::cut(matching, depth, tie_break);
                Ok(best.into_iter().map(|(doc, score)| (doc, score.0)).collect())
            }
        }
    }
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
