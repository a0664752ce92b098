//! The first stage over a foreign tantivy index: the caller's reader and fields, and the caller's query or ours.
//!
//! The only module with tantivy types in its interface; [`tantivy`] is re-exported so that versions match.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use tantivy;
use tantivy::collector::TopDocs;
use tantivy::query::Query;
use tantivy::schema::{Field, FieldType, OwnedValue};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocAddress, IndexReader, Searcher, SegmentReader, TantivyDocument};
use vizsla_core::{
    BoxError, Candidate, Matched, Metadata, MetadataValue, Passage, Query as ParsedQuery,
    QueryField, QueryNotes, Ranking, Retrieval, RetrieveRequest, Retriever,
};

use super::clauses::ClauseFilter;
use super::segments::best_of_all;
use super::top_k;
use super::{Bm25Query, WeightedField, terms_of};
use crate::analysis::{
    Language, highlight, plain_analyzer, single_groups, single_slots, terms_of_groups,
};
use crate::error::{Error, ErrorKind, Result};
use crate::index::Bm25Params;

/// Builds a query from what the user typed.
type BuildQuery = dyn Fn(&str) -> std::result::Result<Box<dyn Query>, BoxError> + Send + Sync;

/// Finds documents in an index that another program created and maintains. Each document is one passage.
///
/// By default the words of the query are scored by BM25 over the given text fields, each with its own analyzer; with
/// [`with_query`](Self::with_query) the caller's own query is used. Filters are not supported and are rejected: put
/// them into the query.
#[derive(Clone)]
pub struct TantivyRetriever {
    reader: IndexReader,
    id: Field,
    title: Option<Field>,
    text: Vec<WeightedField>,
    bm25: Bm25Params,
    query: Option<Arc<BuildQuery>>,
}

impl fmt::Debug for TantivyRetriever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TantivyRetriever")
            .field("id", &self.id)
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}

impl TantivyRetriever {
    /// Searches through `reader`. The stored field `id` identifies documents; the stored fields `text` are searched,
    /// and their concatenation is what the reranker reads.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when a field does not exist, is not stored or, for text, is not indexed with
    /// frequencies.
    pub fn new(reader: IndexReader, id: &str, text: &[&str]) -> Result<Self> {
        let searcher = reader.searcher();
        if text.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a foreign index needs at least one text field to search",
            ));
        }
        let id = stored_field(&searcher, id)?;
        let text = text.iter().map(|name| text_field(&searcher, name)).collect::<Result<_>>()?;
        Ok(Self { reader, id, title: None, text, bm25: Bm25Params::default(), query: None })
    }

    /// The stored field that holds titles; they are shown, and the reranker reads them before the text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when it does not exist or is not stored.
    pub fn with_title(mut self, name: &str) -> Result<Self> {
        self.title = Some(stored_field(&self.reader.searcher(), name)?);
        Ok(self)
    }

    /// Sets the weight of the score in the text field `name`; 1 by default.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when it is not one of the text fields.
    pub fn with_boost(mut self, name: &str, weight: f32) -> Result<Self> {
        let field = stored_field(&self.reader.searcher(), name)?;
        let text = self.text.iter_mut().find(|text| text.field == field).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("{name:?} is not one of the text fields that are searched"),
            )
        })?;
        text.weight = weight;
        Ok(self)
    }

    /// Uses BM25 parameters other than 0.9 and 0.4.
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

    /// How this crate's own index turns text into terms with [`Analysis::Plain`](crate::Analysis::Plain), for foreign
    /// indexes to use as well: register it with their tokenizers under any name. It needs no further filters.
    pub fn analyzer(language: Language) -> TextAnalyzer {
        plain_analyzer(language)
    }

    fn analyzed_fields(
        &self,
        searcher: &Searcher,
    ) -> tantivy::Result<Vec<(WeightedField, TextAnalyzer)>> {
        self.text
            .iter()
            .map(|text| Ok((*text, searcher.index().tokenizer_for_field(text.field)?)))
            .collect()
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
        passage.metadata = Arc::new(self.metadata(searcher, &document));
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

impl Retriever for TantivyRetriever {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> std::result::Result<Box<dyn Retrieval + 'a>, BoxError> {
        if !request.filter.is_empty() {
            let message = "filters do not work on a foreign index, whose fields have their own meaning: put the condition \
                           into the query with `TantivyRetriever::with_query`";
            return Err(Error::new(ErrorKind::Unsupported, message).into());
        }
        let searcher = self.reader.searcher();
        let fields = self.analyzed_fields(&searcher)?;
        let parsed = request.parsed();
        let own = self.query.as_ref().map(|build| build(&request.query)).transpose()?;
        let first = fields.first().map(|(first, analyzer)| (first.field, analyzer));
        let terms = match (&own, first) {
            (Some(query), Some((field, _))) => terms_of(&**query, field),
            (None, Some((_, analyzer))) => terms_of_groups(&single_groups(analyzer, &parsed.text)),
            (_, None) => HashSet::new(),
        };
        let clauses = match own {
            Some(_) => None,
            None => self.clauses(&searcher, &parsed, &fields)?,
        };
        let depth = request.depth.get();
        Ok(Box::new(TantivyRetrieval {
            retriever: self,
            searcher,
            fields,
            parsed,
            own,
            clauses,
            terms,
            depth,
            matched: None,
        }))
    }
}

/// Documents with their scores.
type Scored = Vec<(f32, DocAddress)>;

/// One query against one snapshot of the index.
struct TantivyRetrieval<'a> {
    retriever: &'a TantivyRetriever,
    searcher: Searcher,
    fields: Vec<(WeightedField, TextAnalyzer)>,
    parsed: ParsedQuery,
    /// The caller's own query.
    own: Option<Box<dyn Query>>,
    clauses: Option<ClauseFilter>,
    terms: HashSet<String>,
    depth: usize,
    matched: Option<Matched>,
}

impl TantivyRetriever {
    fn clauses(
        &self,
        searcher: &Searcher,
        parsed: &ParsedQuery,
        fields: &[(WeightedField, TextAnalyzer)],
    ) -> tantivy::Result<Option<ClauseFilter>> {
        ClauseFilter::new(searcher, parsed, |clause| {
            let title = clause.field == Some(QueryField::Title);
            let wanted = |field: Field| !title || Some(field) == self.title;
            let fields = fields.iter().filter(|(text, _)| wanted(text.field));
            Ok(fields
                .map(|(text, analyzer)| vec![(text.field, single_slots(analyzer, &clause.words))])
                .collect())
        })
    }
}

impl TantivyRetrieval<'_> {
    fn best(&self) -> tantivy::Result<(Scored, Option<Matched>)> {
        let depth = self.depth.min(self.searcher.num_docs() as usize).max(1);
        if let Some(own) = &self.own {
            let best = TopDocs::with_limit(depth).order_by_score();
            return Ok((self.searcher.search(own, &best)?, None));
        }
        let fields = self
            .fields
            .iter()
            .map(|(weighted, analyzer)| (*weighted, single_groups(analyzer, &self.parsed.text)));
        let query = Bm25Query::prepare(&self.searcher, fields.collect(), self.retriever.bm25)?;
        let passing = |segment: &SegmentReader| {
            let Some(clauses) = &self.clauses else { return Ok(None) };
            let mut passing = vec![true; segment.max_doc() as usize];
            clauses.apply(segment, &mut passing);
            Ok(Some(passing))
        };
        let (best, matched) =
            best_of_all(&self.searcher, depth, passing, |segment, shared, passes| {
                top_k::best(&query, segment, depth, shared, passes, |doc| doc)
            })?;
        Ok((best, Some(matched)))
    }
}

impl Retrieval for TantivyRetrieval<'_> {
    fn candidates(&mut self) -> std::result::Result<Ranking<Candidate>, BoxError> {
        let mut candidates = Vec::new();
        let (best, matched) = self.best()?;
        self.matched = matched;
        for (score, address) in best {
            let passage = self.retriever.passage(&self.searcher, address)?;
            candidates.push((score, Candidate::new(passage)));
        }
        let mut ranking = Ranking::new(candidates)?;
        ranking.truncate(self.depth);
        Ok(ranking)
    }

    fn matched(&self) -> Option<Matched> {
        self.matched
    }

    fn query(&self) -> Option<&str> {
        self.own.is_none().then_some(self.parsed.text.as_str())
    }

    fn notes(&mut self) -> std::result::Result<QueryNotes, BoxError> {
        let mut notes = QueryNotes::default();
        if let Some(clauses) = &self.clauses {
            notes.dropped.clone_from(&clauses.dropped);
            notes.excluded = self.parsed.excluded.iter().map(ToString::to_string).collect();
        }
        Ok(notes)
    }

    fn highlight(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        let Some((_, analyzer)) = self.fields.first() else { return Vec::new() };
        highlight(&mut analyzer.clone(), &self.terms, &candidate.passage.text)
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
            "the index's field {name:?} is not text indexed with frequencies and lengths, which BM25 needs"
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
