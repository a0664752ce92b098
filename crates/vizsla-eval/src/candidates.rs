//! The first stages that an evaluation takes candidates from.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use vizsla::{
    BoxError, Candidate, Explanation, Index, IndexRetriever, Matched, Metadata, QueryNotes,
    Ranking, Retrieval, RetrieveRequest, Retriever,
};

use crate::corpus::index_failed;
use crate::error::{Error, ErrorKind, Result};

/// Where candidates come from.
#[derive(Debug)]
#[non_exhaustive]
pub enum CandidateSource {
    /// BM25 over an index.
    Index(Box<IndexRetriever>),
    /// Another first stage.
    Other(Arc<dyn Retriever>),
    /// An existing ranking of passages of this index, which says which words of the query are in them.
    Given(Ranking<Candidate>, Box<IndexRetriever>),
}

impl CandidateSource {
    /// The passages of a given ranking of documents, each with its document's score. Cost: reading them.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] names a document that the index does not have, [`ErrorKind::InvalidInput`] says that a score
    /// is not finite.
    pub fn given(index: &Index, documents: &[(String, f32)]) -> Result<Self> {
        let ids: Vec<&str> = documents.iter().map(|(id, _)| id.as_str()).collect();
        let scores: BTreeMap<&str, f32> =
            documents.iter().map(|(id, score)| (id.as_str(), *score)).collect();
        let retriever = index.retriever();
        let passages = retriever.passages(&ids).map_err(index_failed)?;
        let found: HashSet<&str> = passages.iter().map(|passage| passage.doc_id.as_str()).collect();
        if let Some(id) = ids.iter().find(|id| !found.contains(*id)) {
            let message = format!("the candidate {id} is not in the corpus");
            return Err(Error::new(ErrorKind::Mismatch, message));
        }
        let candidates = passages
            .into_iter()
            .map(|passage| (scores[passage.doc_id.as_str()], Candidate::new(passage)));
        let ranking = Ranking::new(candidates).map_err(|error| {
            let message = "the candidates cannot be ranked";
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        })?;
        Ok(Self::Given(ranking, Box::new(retriever)))
    }
}

/// A first stage without the document that is the query itself.
#[derive(Debug)]
pub(crate) struct WithoutQueryDocument {
    pub(crate) source: CandidateSource,
    pub(crate) dropped: Option<String>,
}

impl Retriever for WithoutQueryDocument {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> std::result::Result<Box<dyn Retrieval + 'a>, BoxError> {
        let mut deeper = request.clone();
        // Room for the passages of the document that is dropped.
        deeper.depth = request.depth.saturating_add(if self.dropped.is_some() { 20 } else { 0 });
        let (retrieval, given) = match &self.source {
            CandidateSource::Index(retriever) => (retriever.prepare(&deeper)?, None),
            CandidateSource::Other(retriever) => (retriever.prepare(&deeper)?, None),
            CandidateSource::Given(ranking, retriever) => {
                (retriever.prepare(&deeper)?, Some(ranking))
            }
        };
        let (dropped, depth) = (self.dropped.as_ref(), request.depth.get());
        Ok(Box::new(Without { retrieval, given, dropped, depth }))
    }
}

/// One query to [`WithoutQueryDocument`].
struct Without<'a> {
    retrieval: Box<dyn Retrieval + 'a>,
    /// Taken instead of what the retrieval finds.
    given: Option<&'a Ranking<Candidate>>,
    dropped: Option<&'a String>,
    depth: usize,
}

impl Retrieval for Without<'_> {
    fn candidates(&mut self) -> std::result::Result<Ranking<Candidate>, BoxError> {
        let found = match self.given {
            Some(ranking) => ranking.clone(),
            None => self.retrieval.candidates()?,
        };
        let kept =
            found.into_iter().filter(|ranked| Some(&ranked.item.passage.doc_id) != self.dropped);
        let mut ranking = Ranking::new(kept.map(|ranked| (ranked.score, ranked.item)))?;
        ranking.truncate(self.depth);
        Ok(ranking)
    }

    fn matched(&self) -> Option<Matched> {
        self.retrieval.matched()
    }

    fn degraded(&self) -> Option<String> {
        self.retrieval.degraded()
    }

    fn engine_time(&self) -> Option<Duration> {
        self.retrieval.engine_time()
    }

    fn prefetch(&mut self, candidates: &[&Candidate]) {
        self.retrieval.prefetch(candidates);
    }

    fn query(&self) -> Option<&str> {
        self.retrieval.query()
    }

    fn notes(&mut self) -> std::result::Result<QueryNotes, BoxError> {
        self.retrieval.notes()
    }

    fn highlight(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        self.retrieval.highlight(candidate)
    }

    fn words_in(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        self.retrieval.words_in(candidate)
    }

    fn metadata(&mut self, candidate: &Candidate) -> std::result::Result<Arc<Metadata>, BoxError> {
        self.retrieval.metadata(candidate)
    }

    fn explain(
        &mut self,
        candidate: &Candidate,
    ) -> std::result::Result<Option<Explanation>, BoxError> {
        self.retrieval.explain(candidate)
    }
}
