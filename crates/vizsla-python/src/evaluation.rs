//! Judged collections: rankings, their measures, and whether one is better than another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use pyo3::prelude::*;
use serde::Serialize;
use serde_json::json;
use vizsla::{BoxError, CancelHandle, Reranker};
use vizsla_eval::metrics::{Measure, Run};
use vizsla_eval::{
    Collection, CollectionOptions, Comparison, Corpus, CorpusOptions, Cost, Evaluation,
    JudgedQuery, Latency, Measured, RankedQuery, Ranker, Summary, Testbed, TwoStages,
};

use crate::engine::{read_settings, reranker};
use crate::error::{Raise, invalid};
use crate::interrupt::interruptible;

/// What a judged collection is and what is measured on it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Judged {
    dataset: PathBuf,
    qrels: String,
    first: Option<usize>,
    measures: Vec<String>,
}

impl Judged {
    fn collection(&self) -> PyResult<Collection> {
        let mut options = CollectionOptions::default().with_qrels(&self.qrels);
        options.first = self.first;
        Collection::open(&self.dataset, &options).map_err(Raise::raise)
    }

    fn measures(&self) -> PyResult<Vec<Measure>> {
        let parse = |name: &String| name.parse().map_err(|error| invalid("measures", error));
        self.measures.iter().map(parse).collect()
    }
}

/// Ranks the queries of a collection by both stages, or with functions by name, and measures the rankings: JSON.
#[pyfunction]
pub(crate) fn evaluate(
    py: Python<'_>,
    judged: Judged,
    settings: &str,
    index: Option<PathBuf>,
    reranker: Option<Bound<'_, PyAny>>,
    rankers: Vec<(String, Py<PyAny>)>,
) -> PyResult<String> {
    let (collection, measures) = (judged.collection()?, judged.measures()?);
    let (dataset, settings) = (judged.dataset.as_path(), read_settings(settings)?);
    let reranker = reranker.as_ref().map(self::reranker);
    let done = interruptible(py, |cancel| -> PyResult<Evaluation> {
        if !rankers.is_empty() {
            let ranker = Interruptible { inner: &PythonRankers(&rankers), cancel };
            return vizsla_eval::evaluate(&collection, &ranker, &measures, &())
                .map_err(Raise::raise);
        }
        let corpus = corpus(dataset, index.as_deref())?;
        let testbed = Testbed::new(dataset.display().to_string(), collection, corpus);
        let mut stages = TwoStages::new(&testbed, settings);
        if let Some(reranker) = reranker as Option<Arc<dyn Reranker>> {
            stages = stages.with_reranker(reranker);
        }
        let ranker = Interruptible { inner: &stages, cancel };
        vizsla_eval::evaluate(testbed.collection(), &ranker, &measures, &()).map_err(Raise::raise)
    })??;
    let runs: BTreeMap<&str, &Run> =
        done.runs.iter().map(|(name, run)| (name.as_str(), run)).collect();
    let names: Vec<&str> = done.runs.iter().map(|(name, _)| name.as_str()).collect();
    crate::index::json(&Measurement {
        values: values(&done.measured, &names),
        measures: done.measured.measures.iter().map(ToString::to_string).collect(),
        queries: &done.measured.queries,
        summaries: done.measured.summaries(),
        names,
        runs,
        latency: Some(done.latency()),
        empty_queries: &done.empty_queries,
    })
}

/// Measures rankings by name: JSON, as [`evaluate`]'s without them.
#[pyfunction]
pub(crate) fn measure(
    py: Python<'_>,
    judged: Judged,
    runs: Vec<(String, Run)>,
) -> PyResult<String> {
    let (collection, measures) = (judged.collection()?, judged.measures()?);
    let measured = py.detach(|| measured(&collection, &measures, &runs));
    let names: Vec<&str> = runs.iter().map(|(name, _)| name.as_str()).collect();
    crate::index::json(&Measurement {
        values: values(&measured, &names),
        measures: measured.measures.iter().map(ToString::to_string).collect(),
        queries: &measured.queries,
        summaries: measured.summaries(),
        names,
        runs: BTreeMap::new(),
        latency: None,
        empty_queries: &[],
    })
}

/// Compares two rankings: JSON.
#[pyfunction]
pub(crate) fn compare(
    py: Python<'_>,
    judged: Judged,
    a: Run,
    b: Run,
    limit: usize,
) -> PyResult<String> {
    let (collection, measures) = (judged.collection()?, judged.measures()?);
    if measures.is_empty() {
        return Err(invalid("measures", "name at least one"));
    }
    let runs = [("a".to_owned(), a), ("b".to_owned(), b)];
    let comparison = py.detach(|| {
        let measured = measured(&collection, &measures, &runs);
        Comparison::of(&measured, &collection, limit)
    });
    crate::index::json(&json!(comparison))
}

#[derive(Serialize)]
struct Measurement<'a> {
    measures: Vec<String>,
    names: Vec<&'a str>,
    queries: &'a [String],
    /// By run, measure and query.
    values: Vec<Vec<&'a [f64]>>,
    summaries: BTreeMap<&'a str, BTreeMap<String, Summary>>,
    runs: BTreeMap<&'a str, &'a Run>,
    latency: Option<Latency>,
    empty_queries: &'a [String],
}

fn values<'a>(measured: &'a Measured, names: &[&str]) -> Vec<Vec<&'a [f64]>> {
    let of_run = |run| (0..measured.measures.len()).map(move |at| measured.values(run, at));
    (0..names.len()).map(|run| of_run(run).collect()).collect()
}

fn measured(collection: &Collection, measures: &[Measure], runs: &[(String, Run)]) -> Measured {
    let runs: Vec<(&str, &Run)> = runs.iter().map(|(name, run)| (name.as_str(), run)).collect();
    Measured::of(measures, &collection.query_ids(), &collection.qrels, &runs)
}

fn corpus(dataset: &Path, index: Option<&Path>) -> PyResult<Corpus> {
    let options = CorpusOptions::default();
    let corpus = match index {
        Some(dir) => Corpus::index_in(dataset, dir, &options),
        None => Corpus::index_temporarily(dataset, &options),
    };
    corpus.map_err(Raise::raise)
}

/// Stops between two queries.
struct Interruptible<'a> {
    inner: &'a dyn Ranker,
    cancel: &'a CancelHandle,
}

impl Ranker for Interruptible<'_> {
    fn names(&self) -> Vec<String> {
        self.inner.names()
    }

    fn rank(&self, query: &JudgedQuery) -> Result<RankedQuery, BoxError> {
        if self.cancel.is_cancelled() {
            return Err("interrupted".into());
        }
        self.inner.rank(query)
    }
}

/// Functions from a query to documents with scores.
struct PythonRankers<'a>(&'a [(String, Py<PyAny>)]);

impl Ranker for PythonRankers<'_> {
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    fn rank(&self, query: &JudgedQuery) -> Result<RankedQuery, BoxError> {
        let start = Instant::now();
        let rankings = Python::attach(|py| {
            let rank = |(_, ranker): &(String, Py<PyAny>)| {
                ranker.call1(py, (&query.id, &query.text))?.extract(py)
            };
            self.0.iter().map(rank).collect::<PyResult<Vec<Vec<(String, f32)>>>>()
        })?;
        let ms = start.elapsed().as_secs_f64() * 1e3;
        Ok(RankedQuery::new(rankings, Cost::new(ms, 0, 0)))
    }
}
