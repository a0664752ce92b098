//! A model, and scores of pairs.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use pyo3::exceptions::PyFileNotFoundError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyByteArray;
use vizsla::onnx::{self, CrossEncoderOptions};
use vizsla::{BoxError, CancelHandle, RerankScore, Reranker, TimeLimits};
use vizsla_models::{ModelRef, Models};

use crate::error::{Raise, invalid, other};
use crate::interrupt::interruptible;

/// An open model.
#[pyclass(frozen, module = "vizsla._native")]
pub(crate) struct CrossEncoder {
    pub(crate) model: Arc<onnx::CrossEncoder>,
    config: String,
}

#[pymethods]
impl CrossEncoder {
    #[new]
    #[pyo3(signature = (model, *, threads, device, max_tokens, file, cache, runtime))]
    #[expect(clippy::too_many_arguments, reason = "these are the arguments of a Python class")]
    fn new(
        py: Python<'_>,
        model: &str,
        threads: Option<usize>,
        device: &str,
        max_tokens: Option<usize>,
        file: Option<String>,
        cache: usize,
        runtime: Option<PathBuf>,
    ) -> PyResult<Self> {
        let model: ModelRef = model.parse().map_err(|error| invalid("model", error))?;
        if let ModelRef::Dir(dir) = &model
            && !dir.is_dir()
        {
            let why = format!("there is no folder {}", dir.display());
            return Err(PyFileNotFoundError::new_err(why));
        }
        let device = device.parse().map_err(|error| invalid("device", error))?;
        let mut options = CrossEncoderOptions::default().with_device(device).with_cache(cache);
        if let Some(threads) = threads {
            options = options.with_threads(threads);
        }
        if let Some(tokens) = max_tokens {
            options = options.with_max_tokens(tokens);
        }
        if let Some(file) = file {
            options = options.with_file(file);
        }
        let models = match runtime {
            Some(library) => Models::from_env().with_runtime(library),
            None => Models::from_env(),
        };
        let opened = py.detach(|| models.open(&model, &options)).map_err(Raise::raise)?;
        let config = config(&models, &model)?;
        Ok(Self { model: Arc::new(opened), config })
    }

    /// The name in reports.
    #[getter]
    fn name(&self) -> &str {
        self.model.name()
    }

    #[getter]
    fn threads(&self) -> usize {
        self.model.threads()
    }

    #[getter]
    fn max_tokens(&self) -> usize {
        self.model.max_tokens()
    }

    /// How the model is run, in words.
    #[getter]
    fn execution(&self) -> String {
        self.model.execution().to_string()
    }

    /// The text of `config.json`.
    #[getter]
    fn config(&self) -> &str {
        &self.config
    }

    /// Scores pairs of a query and a document: the bytes of one f32 a pair, in their order.
    fn score<'py>(
        &self,
        py: Python<'py>,
        queries: Vec<PyBackedStr>,
        documents: Vec<PyBackedStr>,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let scores = interruptible(py, |cancel| self.score_pairs(&queries, &documents, cancel))?;
        let scores = scores.map_err(|error| other(&*error))?;
        let bytes: Vec<u8> = scores.iter().flat_map(|score| score.logit.to_ne_bytes()).collect();
        Ok(PyByteArray::new(py, &bytes))
    }
}

/// Logits as probabilities, both as the bytes of f32.
#[pyfunction]
pub(crate) fn probabilities<'py>(
    py: Python<'py>,
    logits: Bound<'py, PyByteArray>,
) -> Bound<'py, PyByteArray> {
    let logits = logits.to_vec();
    let logits = logits.as_chunks::<4>().0.iter().copied().map(f32::from_ne_bytes);
    let scores = logits.map(|logit| RerankScore::new(logit).probability());
    PyByteArray::new(py, &scores.flat_map(f32::to_ne_bytes).collect::<Vec<u8>>())
}

impl CrossEncoder {
    /// Queries are scored side by side: one with few documents would leave threads idle.
    fn score_pairs(
        &self,
        queries: &[PyBackedStr],
        documents: &[PyBackedStr],
        cancel: &CancelHandle,
    ) -> Result<Vec<RerankScore>, BoxError> {
        let groups = by_query(queries);
        let scores = Mutex::new(vec![RerankScore::new(0.0); documents.len()]);
        let (next, failure) = (AtomicUsize::new(0), Mutex::new(None));
        let work = || {
            while let Some((query, pairs)) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                let texts: Vec<&str> = pairs.iter().map(|pair| &*documents[*pair]).collect();
                let limits = TimeLimits::default().with_cancel(cancel.clone());
                match self.model.score_with_limits(query, &texts, &limits) {
                    Ok(found) => {
                        let mut scores = scores.lock().unwrap_or_else(PoisonError::into_inner);
                        for (pair, score) in pairs.iter().zip(found) {
                            // One that is missing was cancelled, and then nobody wants any.
                            scores[*pair] = score.unwrap_or(scores[*pair]);
                        }
                    }
                    Err(error) => {
                        *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        return;
                    }
                }
            }
        };
        let callers = self.model.threads().min(groups.len());
        if callers > 1 {
            // Twice as many as score, so that there always is a pair to go on with.
            thread::scope(|scope| (0..callers * 2).for_each(|_| drop(scope.spawn(work))));
        } else {
            work();
        }
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(scores.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

/// The places of each query's pairs, in the order of their first.
fn by_query(queries: &[PyBackedStr]) -> Vec<(&str, Vec<usize>)> {
    let (mut groups, mut known) = (Vec::<(&str, Vec<usize>)>::new(), HashMap::new());
    for (pair, query) in queries.iter().enumerate() {
        let group = *known.entry(&**query).or_insert_with(|| {
            groups.push((query, Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(pair);
    }
    groups
}

fn config(models: &Models, model: &ModelRef) -> PyResult<String> {
    if *model == ModelRef::Bundled {
        return Ok(String::from_utf8_lossy(vizsla_bundled::CONFIG).into_owned());
    }
    let path = models.dir(model).map_err(Raise::raise)?.join("config.json");
    Ok(std::fs::read_to_string(path)?)
}
