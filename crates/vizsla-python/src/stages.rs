//! Stages that are written in Python.

use std::fmt;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use vizsla::{
    BoxError, Candidate, Filter, Passage, Ranking, RerankScore, Reranker, Retrieval,
    RetrieveRequest, Retriever,
};

/// A retriever with a method `retrieve(query, depth, filter)`, which returns tuples of id, text, score, title, path and
/// metadata as JSON.
pub(crate) struct PythonRetriever(pub(crate) Py<PyAny>);

impl fmt::Debug for PythonRetriever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PythonRetriever")
    }
}

impl Retriever for PythonRetriever {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> Result<Box<dyn Retrieval + 'a>, BoxError> {
        Ok(Box::new(PythonRetrieval { retriever: &self.0, request: request.clone() }))
    }
}

struct PythonRetrieval<'a> {
    retriever: &'a Py<PyAny>,
    request: RetrieveRequest,
}

type Found = (String, String, f32, String, Option<String>, Option<String>);

impl Retrieval for PythonRetrieval<'_> {
    fn candidates(&mut self) -> Result<Ranking<Candidate>, BoxError> {
        let RetrieveRequest { query, depth, filter: wanted, .. } = &self.request;
        let found: Vec<Found> = Python::attach(|py| {
            let wanted = filter(py, wanted)?;
            let found =
                self.retriever.call_method1(py, "retrieve", (query, depth.get(), wanted))?;
            found.extract(py)
        })?;
        let mut scored = Vec::with_capacity(found.len());
        for (id, text, score, title, path, metadata) in found {
            let mut passage = Passage::new(id, 0, text).with_title(title);
            passage.path = path;
            if let Some(metadata) = metadata {
                passage.metadata = serde_json::from_str::<vizsla::Metadata>(&metadata)?.into();
            }
            scored.push((score, Candidate::new(passage)));
        }
        let mut ranking = Ranking::new(scored)?;
        ranking.truncate(depth.get());
        Ok(ranking)
    }
}

/// The restrictions, by name.
fn filter<'py>(py: Python<'py>, filter: &Filter) -> PyResult<Bound<'py, PyDict>> {
    let restrictions = PyDict::new(py);
    restrictions.set_item("paths", &filter.paths)?;
    restrictions.set_item("names", &filter.names)?;
    restrictions.set_item("extensions", &filter.extensions)?;
    restrictions.set_item("metadata", &filter.metadata)?;
    restrictions.set_item("modified_from", filter.modified_from)?;
    restrictions.set_item("modified_until", filter.modified_until)?;
    Ok(restrictions)
}

/// A reranker with a method `score(query, passages)`, which returns a number for each passage.
pub(crate) struct PythonReranker {
    pub(crate) reranker: Py<PyAny>,
    pub(crate) name: String,
}

impl fmt::Debug for PythonReranker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PythonReranker").field(&self.name).finish()
    }
}

impl Reranker for PythonReranker {
    fn name(&self) -> &str {
        &self.name
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        let scores = Python::attach(|py| {
            let texts = PyList::new(py, passages)?;
            let scores = self.reranker.bind(py).call_method1("score", (query, texts))?;
            let scores: Vec<f32> = scores
                .try_iter()
                .and_then(|scores| scores.map(|score| score?.extract()).collect())
                .map_err(|error| {
                    let why = format!("{}.score must return one number a passage", self.name);
                    let raised = PyTypeError::new_err(why);
                    raised.set_cause(py, Some(error));
                    raised
                })?;
            if scores.len() != passages.len() {
                return Err(PyValueError::new_err(format!(
                    "{}.score returned {} scores for {} passages",
                    self.name,
                    scores.len(),
                    passages.len()
                )));
            }
            Ok(scores)
        })?;
        Ok(scores.into_iter().map(RerankScore::new).collect())
    }
}
