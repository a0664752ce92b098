//! A judged collection with its corpus indexed: what two-stage searches are evaluated and tuned on.

use std::sync::Arc;

use vizsla::{IndexRetriever, Retriever};

use crate::candidates::{CandidateSource, WithoutQueryDocument};
use crate::collection::Collection;
use crate::corpus::Corpus;
use crate::error::Result;
use crate::metrics::Run;

/// A judged collection, its corpus, and where candidates come from.
#[derive(Debug)]
pub struct Testbed {
    pub(crate) name: String,
    pub(crate) collection: Collection,
    pub(crate) corpus: Corpus,
    candidates: Option<Run>,
    first_stage: Option<Arc<dyn Retriever>>,
    drops_query_document: bool,
}

impl Testbed {
    /// A collection with a name for reports, and its corpus. Candidates come from BM25.
    pub fn new(name: impl Into<String>, collection: Collection, corpus: impl Into<Corpus>) -> Self {
        Self {
            name: name.into(),
            collection,
            corpus: corpus.into(),
            candidates: None,
            first_stage: None,
            drops_query_document: false,
        }
    }

    /// Takes the candidates of each query from a run instead. A query missing from it gets none.
    pub fn with_candidates(mut self, run: Run) -> Self {
        self.candidates = Some(run);
        self
    }

    /// Takes the candidates from another first stage, whose documents must have the ids that the judgments use.
    pub fn with_first_stage(mut self, retriever: Arc<dyn Retriever>) -> Self {
        self.first_stage = Some(retriever);
        self
    }

    /// Leaves out the document whose id is the query's, as is usual for `ArguAna`: its queries are documents of the corpus.
    pub fn without_query_documents(mut self) -> Self {
        self.drops_query_document = true;
        self
    }

    /// The collection.
    pub fn collection(&self) -> &Collection {
        &self.collection
    }

    /// The first stage for a query: `retriever`, unless candidates were given.
    pub(crate) fn first_stage(
        &self,
        query: &str,
        retriever: impl FnOnce() -> IndexRetriever,
    ) -> Result<WithoutQueryDocument> {
        let source = match (&self.candidates, &self.first_stage) {
            (Some(run), _) => {
                let documents = run.get(query).map(Vec::as_slice).unwrap_or_default();
                CandidateSource::given(self.corpus.index(), documents)?
            }
            (None, Some(other)) => CandidateSource::Other(Arc::clone(other)),
            (None, None) => CandidateSource::Index(Box::new(retriever())),
        };
        let dropped = self.drops_query_document.then(|| query.to_owned());
        Ok(WithoutQueryDocument { source, dropped })
    }
}
