//! A search engine of two stages, either of which may be written in Python.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vizsla::{
    Effort, Filter, FusionPolicy, MergedRetriever, QuerySyntax, Reranker, Retriever, SearchRequest,
    SearchSettings,
};

use crate::cross_encoder::CrossEncoder;
use crate::error::{Raise, invalid};
use crate::index::{Index, json};
use crate::interrupt::interruptible;
use crate::stages::{PythonReranker, PythonRetriever};

/// The two stages.
#[pyclass(frozen, module = "vizsla._native")]
pub(crate) struct Engine {
    engine: vizsla::Engine,
    settings: SearchSettings,
}

/// Asks for something besides hits.
type With = fn(SearchRequest) -> SearchRequest;

/// A search, as Python asks for it.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each can be asked for by itself")]
struct Asked {
    limit: usize,
    depth: Option<usize>,
    effort: Option<Effort>,
    fusion: Option<String>,
    budget: Option<f64>,
    min_probability: Option<f32>,
    syntax: String,
    explain: bool,
    notes: bool,
    fold_copies: bool,
    fallback: bool,
    paths: Vec<String>,
    extensions: Vec<String>,
    metadata: Vec<(String, String)>,
    modified_from: Option<i64>,
    modified_until: Option<i64>,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            limit: SearchRequest::DEFAULT_LIMIT,
            depth: None,
            effort: None,
            fusion: None,
            budget: None,
            min_probability: None,
            syntax: "text".to_owned(),
            explain: false,
            notes: true,
            fold_copies: true,
            fallback: false,
            paths: Vec::new(),
            extensions: Vec::new(),
            metadata: Vec::new(),
            modified_from: None,
            modified_until: None,
        }
    }
}

#[pymethods]
impl Engine {
    /// `retrievers` are indexes or objects with `retrieve`; the reranker is a cross-encoder, an object with `score`, or
    /// nothing; `settings` is JSON.
    #[new]
    fn new(
        retrievers: Vec<Bound<'_, PyAny>>,
        reranker: Option<Bound<'_, PyAny>>,
        settings: &str,
    ) -> PyResult<Self> {
        let settings = read_settings(settings)?;
        let retriever = merged(&retrievers, &settings)
            .ok_or_else(|| invalid("retriever", "the list is empty"))?;
        let mut engine = vizsla::Engine::new(retriever)
            .with_fusion(settings.fusion())
            .with_effort(settings.effort());
        if let Some(reranker) = reranker {
            engine = engine.with_reranker(self::reranker(&reranker));
        }
        Ok(Self { engine, settings })
    }

    /// The answer as JSON; `asked` is JSON.
    fn search(&self, py: Python<'_>, query: &str, asked: &str) -> PyResult<String> {
        let asked: Asked = read("search", asked)?;
        let request = self.request(query, asked)?;
        let response =
            interruptible(py, |cancel| self.engine.search(&request.with_cancel(cancel.clone())))?;
        json(&response.map_err(Raise::raise)?)
    }
}

impl Engine {
    fn request(&self, query: &str, asked: Asked) -> PyResult<SearchRequest> {
        let mut filter = Filter::default().with_modified(asked.modified_from, asked.modified_until);
        filter.paths = asked.paths;
        filter.extensions = asked.extensions;
        filter.metadata = asked.metadata;
        let mut request = SearchRequest::new(query)
            .with_limit(asked.limit)
            .with_depth(asked.depth.unwrap_or(self.settings.depth()))
            .with_syntax(match asked.syntax.as_str() {
                "text" => QuerySyntax::Text,
                "words" => QuerySyntax::Words,
                "native" => QuerySyntax::Native,
                _ => return Err(invalid("syntax", "must be \"text\", \"words\" or \"native\"")),
            })
            .with_filter(filter);
        if let Some(effort) = asked.effort {
            request = request.with_effort(effort);
        }
        if let Some(fusion) = asked.fusion {
            let fusion: FusionPolicy = fusion.parse().map_err(|error| invalid("fusion", error))?;
            request = request.with_fusion(fusion);
        }
        let budget = match asked.budget {
            Some(seconds) => Some(
                Duration::try_from_secs_f64(seconds).map_err(|error| invalid("budget", error))?,
            ),
            None => self.settings.budget(),
        };
        if let Some(budget) = budget {
            request = request.with_budget(budget);
        }
        if let Some(least) = asked.min_probability {
            request = request.with_min_probability(least);
        }
        let wanted: [(bool, With); 4] = [
            (asked.explain, SearchRequest::with_explanation),
            (asked.notes, SearchRequest::with_notes),
            (asked.fold_copies, SearchRequest::with_folded_copies),
            (asked.fallback, SearchRequest::with_retrieval_fallback),
        ];
        let wanted = wanted.into_iter().filter(|(asked, _)| *asked);
        Ok(wanted.fold(request, |request, (_, with)| with(request)))
    }
}

pub(crate) fn read_settings(settings: &str) -> PyResult<SearchSettings> {
    read("settings", settings)
}

/// Reads JSON that Python made. By way of a value, so that errors name no line and column of what nobody sees.
fn read<T: DeserializeOwned>(name: &str, json: &str) -> PyResult<T> {
    let value = serde_json::from_str::<Value>(json).and_then(serde_json::from_value);
    value.map_err(|error| invalid(name, error))
}

/// What scores passages: a model of ours, or an object of Python.
pub(crate) fn reranker(given: &Bound<'_, PyAny>) -> Arc<dyn Reranker> {
    if let Ok(own) = given.cast::<CrossEncoder>() {
        return own.get().model.clone();
    }
    let name = given.getattr("name").and_then(|name| name.extract());
    let class = || given.get_type().name().and_then(|name| name.extract());
    let name = name.or_else(|_| class()).unwrap_or_else(|_| "reranker".to_owned());
    Arc::new(PythonReranker { reranker: given.clone().unbind(), name })
}

fn merged(given: &[Bound<'_, PyAny>], settings: &SearchSettings) -> Option<Box<dyn Retriever>> {
    let open = |given: &Bound<'_, PyAny>| -> Box<dyn Retriever> {
        match given.cast::<Index>() {
            Ok(own) => Box::new(settings.retriever(&own.get().index)),
            Err(_) => Box::new(PythonRetriever(given.clone().unbind())),
        }
    };
    let (first, others) = given.split_first()?;
    if others.is_empty() {
        return Some(open(first));
    }
    let merged = MergedRetriever::new(open(first));
    Some(Box::new(others.iter().fold(merged, |merged, other| merged.with(open(other)))))
}
