//! The first stage over somebody's own tantivy index: their reader, their fields, their query or ours.
//!
//! The only module whose interface has types of tantivy; [`tantivy`] is re-exported for the version to match.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use tantivy;
use tantivy::collector::TopDocs;
use tantivy::query::Query;
use tantivy::schema::{Field, FieldType, OwnedValue};
use tantivy::{DocAddress, IndexReader, Searcher, TantivyDocument};
use vizsla_core::{
    BoxError, Candidate, Metadata, MetadataValue, Passage, QueryField, Ranking, RetrieveRequest,
    Retriever,
};

use crate::analysis::{self, Language};
use crate::bm25::{Bm25Params, Bm25Query, WeightedField, query_terms};
use crate::error::{Error, ErrorKind, Result};
use crate::restriction::Restriction;
use crate::retrieve::{highlight, terms_of};
use crate::top_k::{self, Threshold};

/// Makes a query of what the user typed.
type BuildQuery = dyn Fn(&str) -> std::result::Result<Box<dyn Query>, BoxError> + Send + Sync;

/// Finds documents in an index that another program made and keeps. Each document is one passage.
///
/// By default the words of the query are scored by BM25 over the text fields given, each with its own analyzer; with
/// [`with_query`](Self::with_query) the caller's own query decides. Filters are not supported and are refused: put them
/// into the query.
#[derive(Clone)]
pub struct ExistingIndex {
    reader: IndexReader,
    id: Field,
    title: Option<Field>,
    text: Vec<WeightedField>,
    bm25: Bm25Params,
    query: Option<Arc<BuildQuery>>,
}

impl fmt::Debug for ExistingIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExistingIndex")
            .field("id", &self.id)
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}

impl ExistingIndex {
    /// Searches through `reader`. The stored field `id` identifies documents; the stored fields `text` are searched, and
    /// joined they are what the reranker reads.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a field does not exist, is not stored or, for text, not indexed with frequencies.
    pub fn new(reader: IndexReader, id: &str, text: &[&str]) -> Result<Self> {
        let searcher = reader.searcher();
        if text.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "an existing index needs at least one text field to search",
            ));
        }
        let id = stored_field(&searcher, id)?;
        let text = text.iter().map(|name| text_field(&searcher, name)).collect::<Result<_>>()?;
        Ok(Self { reader, id, title: None, text, bm25: Bm25Params::default(), query: None })
    }

    /// The stored field that holds titles; they are shown, and read by the reranker before the text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when it does not exist or is not stored.
    pub fn with_title(mut self, name: &str) -> Result<Self> {
        self.title = Some(stored_field(&self.reader.searcher(), name)?);
        Ok(self)
    }

    /// What the score in the text field `name` counts for; 1 unless set.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when it is none of the text fields.
    pub fn with_boost(mut self, name: &str, weight: f32) -> Result<Self> {
        let field = stored_field(&self.reader.searcher(), name)?;
        let text = self.text.iter_mut().find(|text| text.field == field).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("{name:?} is none of the text fields that are searched"),
            )
        })?;
        text.weight = weight;
        Ok(self)
    }

    /// Uses other parameters of BM25 than 0.9 and 0.4.
    pub fn with_bm25(mut self, bm25: Bm25Params) -> Self {
        self.bm25 = bm25;
        self
    }

    /// Uses the caller's own query, scored as tantivy scores it.
    pub fn with_query<F>(mut self, build: F) -> Self
    where
        F: Fn(&str) -> std::result::Result<Box<dyn Query>, BoxError> + Send + Sync + 'static,
    {
        self.query = Some(Arc::new(build));
        self
    }

    /// How this crate's own index turns text into terms, for indexes that want it too: register it with their tokenizers
    /// under a name of your choice. It needs no filter behind it.
    pub fn analyzer(language: Language) -> tantivy::tokenizer::TextAnalyzer {
        analysis::analyzer(language)
    }

    fn analyzed_fields(
        &self,
        searcher: &Searcher,
    ) -> tantivy::Result<Vec<(WeightedField, tantivy::tokenizer::TextAnalyzer)>> {
        self.text
            .iter()
            .map(|text| Ok((*text, searcher.index().tokenizer_for_field(text.field)?)))
            .collect()
    }

    fn best(
        &self,
        searcher: &Searcher,
        request: &RetrieveRequest,
    ) -> std::result::Result<Vec<(f32, DocAddress)>, BoxError> {
        let depth = request.depth.get();
        if let Some(build) = &self.query {
            return Ok(searcher
                .search(&*build(&request.query)?, &TopDocs::with_limit(depth).order_by_score())?);
        }
        let parsed = request.parsed();
        let fields = self.analyzed_fields(searcher)?;
        let restriction = Restriction::new(searcher, &parsed, |clause| {
            let title = clause.field == Some(QueryField::Title);
            let wanted = |field: Field| !title || Some(field) == self.title;
            let fields = fields.iter().filter(|(text, _)| wanted(text.field));
            fields.map(|(text, analyzer)| (text.field, analyzer.clone())).collect()
        })?;
        let fields = fields
            .into_iter()
            .map(|(weighted, analyzer)| (weighted, query_terms(&analyzer, &parsed.text)))
            .collect();
        let query = Bm25Query::prepare(searcher, fields, self.bm25)?;
        let (mut best, threshold) = (Vec::new(), Threshold::new());
        for (ord, segment) in (0..).zip(searcher.segment_readers()) {
            let mut passing = vec![true; segment.max_doc() as usize];
            if let Some(restriction) = &restriction {
                restriction.apply(segment, &mut passing)?;
            }
            let passes = |doc: u32| !segment.is_deleted(doc) && passing[doc as usize];
            let found = top_k::best(&query, segment, depth, &threshold, passes, |doc| doc)?;
            best.extend(found.into_iter().map(|(doc, score)| (score, DocAddress::new(ord, doc))));
        }
        Ok(best)
    }

    fn passage(&self, searcher: &Searcher, address: DocAddress) -> tantivy::Result<Passage> {
        let document: TantivyDocument = searcher.doc(address)?;
        let values = |field: Field| {
            document
                .get_all(field)
                .map(|value| plain(&OwnedValue::from(value)))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let text: Vec<String> = self
            .text
            .iter()
            .filter(|text| Some(text.field) != self.title)
            .map(|text| values(text.field))
            .collect();
        let mut passage = Passage::new(values(self.id), 0, text.join("\n"));
        passage.title = self.title.map(values).unwrap_or_default();
        passage.metadata = self.metadata(searcher, &document);
        Ok(passage)
    }

    /// The stored fields that have no other role.
    fn metadata(&self, searcher: &Searcher, document: &TantivyDocument) -> Metadata {
        let known = |field: Field| {
            field == self.id
                || Some(field) == self.title
                || self.text.iter().any(|text| text.field == field)
        };
        let mut metadata = Metadata::new();
        for (field, value) in document.field_values().filter(|(field, _)| !known(*field)) {
            let name = searcher.schema().get_field_name(field).to_owned();
            metadata.insert(name, MetadataValue::Text(plain(&OwnedValue::from(value))));
        }
        metadata
    }
}

impl Retriever for ExistingIndex {
    fn retrieve(
        &self,
        request: &RetrieveRequest,
    ) -> std::result::Result<Ranking<Candidate>, BoxError> {
        if !request.filter.is_empty() {
            let message = "filters do not work on an existing index, whose fields have their own meaning: put the \
                           condition into the query with `ExistingIndex::with_query`";
            return Err(Error::new(ErrorKind::InvalidInput, message).into());
        }
        let searcher = self.reader.searcher();
        let mut candidates = Vec::new();
        for (score, address) in self.best(&searcher, request)? {
            candidates.push((score, Candidate::new(self.passage(&searcher, address)?)));
        }
        let mut ranking = Ranking::new(candidates)?;
        ranking.truncate(request.depth.get());
        Ok(ranking)
    }

    fn highlight(&self, request: &RetrieveRequest, text: &str) -> Vec<Range<usize>> {
        let searcher = self.reader.searcher();
        let Ok(fields) = self.analyzed_fields(&searcher) else { return Vec::new() };
        let Some((first, analyzer)) = fields.first() else { return Vec::new() };
        let terms = match &self.query {
            Some(build) => build(&request.query)
                .map(|query| terms_of(&*query, first.field))
                .unwrap_or_default(),
            None => query_terms(analyzer, &request.parsed().text)
                .into_iter()
                .map(|(term, _)| term)
                .collect(),
        };
        highlight(analyzer, &terms, text)
    }
}

fn stored_field(searcher: &Searcher, name: &str) -> Result<Field> {
    let schema = searcher.schema();
    let unfit = |what: &str| {
        let names: Vec<_> = schema.fields().map(|(_, entry)| entry.name()).collect();
        Error::new(
            ErrorKind::InvalidInput,
            format!("the index's field {name:?} {what}; its fields are {}", names.join(", ")),
        )
    };
    let field = schema.get_field(name).map_err(|_| unfit("does not exist"))?;
    if schema.get_field_entry(field).is_stored() { Ok(field) } else { Err(unfit("is not stored")) }
}

fn text_field(searcher: &Searcher, name: &str) -> Result<WeightedField> {
    let field = stored_field(searcher, name)?;
    let entry = searcher.schema().get_field_entry(field);
    let has_frequencies = match entry.field_type() {
        FieldType::Str(options) => options
            .get_indexing_options()
            .is_some_and(|indexing| indexing.index_option().has_freq() && indexing.fieldnorms()),
        _ => false,
    };
    if has_frequencies {
        return Ok(WeightedField { field, weight: 1.0 });
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!(
            "the index's field {name:?} is no text indexed with frequencies and lengths, which BM25 needs"
        ),
    ))
}

/// A stored value as text.
fn plain(value: &OwnedValue) -> String {
    match value {
        OwnedValue::Str(text) => text.clone(),
        OwnedValue::U64(number) => number.to_string(),
        OwnedValue::I64(number) => number.to_string(),
        OwnedValue::F64(number) => number.to_string(),
        OwnedValue::Bool(value) => value.to_string(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}
