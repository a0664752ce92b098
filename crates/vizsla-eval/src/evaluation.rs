//! Ranks every query of a collection, and measures the rankings.

use vizsla::{BoxError, Engine, QuerySyntax, SearchRequest, Stages};

use crate::collection::{Collection, JudgedQuery};
use crate::error::{Error, ErrorKind, Result};
use crate::measured::{Latency, Measured};
use crate::metrics::{Measure, Run};

/// How deep a ranking goes, for recall and MAP: trec_eval's customary run length.
pub(crate) const RUN_DEPTH: usize = 1000;

/// Ranks documents for queries, in one way or in several at once. A [`vizsla::Engine`] is one, with its hits of up to 1000
/// documents as its ranking; implement it for anything else that searches.
pub trait Ranker {
    /// The names of the rankings, in the order in which [`rank`](Self::rank) returns them.
    fn names(&self) -> Vec<String>;

    /// The rankings for a non-empty query: one for each name. A failure ends the evaluation.
    fn rank(&self, query: &JudgedQuery) -> std::result::Result<RankedQuery, BoxError>;
}

/// What a [`Ranker`] returns for one query.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RankedQuery {
    /// Document ids with scores, best first and without repeats: one list for each name of the ranker.
    pub rankings: Vec<Vec<(String, f32)>>,
    /// What the search cost.
    pub cost: Cost,
}

impl RankedQuery {
    /// Rankings, and what they cost.
    pub fn new(rankings: Vec<Vec<(String, f32)>>, cost: Cost) -> Self {
        Self { rankings, cost }
    }
}

/// What a search cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct Cost {
    /// Time, in milliseconds.
    pub ms: f64,
    /// How many candidates the reranker read.
    pub read: usize,
    /// How many candidates there were.
    pub candidates: usize,
    /// How many tokens the reranker read.
    pub tokens: u64,
}

impl Cost {
    /// Milliseconds, and how many of the candidates were read.
    pub fn new(ms: f64, read: usize, candidates: usize) -> Self {
        Self { ms, read, candidates, tokens: 0 }
    }

    /// What the stages of a search report.
    pub(crate) fn of(stages: &Stages) -> Self {
        let rerank = stages.rerank.as_ref();
        Self {
            ms: stages.retrieve.ms + rerank.map_or(0.0, |stage| stage.ms),
            read: rerank.map_or(0, |stage| stage.passages),
            candidates: stages.retrieve.candidates,
            tokens: rerank.map_or(0, |stage| stage.tokens),
        }
    }
}

impl Ranker for Engine {
    fn names(&self) -> Vec<String> {
        vec!["engine".to_owned()]
    }

    fn rank(&self, query: &JudgedQuery) -> std::result::Result<RankedQuery, BoxError> {
        let request =
            SearchRequest::new(&query.text).with_syntax(QuerySyntax::Words).with_limit(RUN_DEPTH);
        let response = self.search(&request)?;
        let cost = Cost::of(&response.stages);
        let ranking = response.hits.into_iter().map(|hit| (hit.doc_id, hit.score)).collect();
        Ok(RankedQuery::new(vec![ranking], cost))
    }
}

/// Observes long-running work. The methods do nothing unless implemented.
pub trait Observer {
    /// Work on `total` `unit`s is about to begin.
    fn begin(&self, total: u64, unit: &str) {
        let _ = (total, unit);
    }

    /// One of them is done.
    fn advance(&self) {}

    /// All of them are done.
    fn end(&self) {}
}

/// No observer.
impl Observer for () {}

/// The rankings of a collection's queries, measured.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Evaluation {
    /// The values of every ranking, measure and query.
    pub measured: Measured,
    /// The rankings by their names.
    pub runs: Vec<(String, Run)>,
    /// What each query cost, except for those without text.
    pub costs: Vec<Cost>,
    /// The ids of queries without text: nothing can be searched for, so they count as an empty ranking.
    pub empty_queries: Vec<String>,
}

impl Evaluation {
    /// How long queries took.
    pub fn latency(&self) -> Latency {
        Latency::of(self.costs.iter().map(|cost| cost.ms).collect())
    }

    /// Mean number of tokens that the reranker read for a query.
    pub fn mean_tokens(&self) -> f64 {
        let total: u64 = self.costs.iter().map(|cost| cost.tokens).sum();
        total as f64 / self.costs.len().max(1) as f64
    }

    /// The share of all candidates that the reranker read, from 0 to 1.
    pub fn share_read(&self) -> f64 {
        let total = |of: fn(&Cost) -> usize| self.costs.iter().map(of).sum::<usize>() as f64;
        total(|cost| cost.read) / total(|cost| cost.candidates).max(1.0)
    }
}

/// Ranks all queries, one after another, and measures the rankings. Cost: the searches; measuring takes milliseconds.
///
/// # Errors
/// [`ErrorKind::Search`] names the query that could not be ranked; the source says why.
pub fn evaluate(
    collection: &Collection,
    ranker: &dyn Ranker,
    measures: &[Measure],
    observer: &dyn Observer,
) -> Result<Evaluation> {
    let mut runs: Vec<(String, Run)> =
        ranker.names().into_iter().map(|name| (name, Run::new())).collect();
    let (mut costs, mut empty_queries) = (Vec::new(), Vec::new());
    observer.begin(collection.queries.len() as u64, "queries");
    for query in &collection.queries {
        if query.text.trim().is_empty() {
            empty_queries.push(query.id.clone());
        } else {
            let ranked = ranker.rank(query).map_err(|error| search_failed(&query.id, error))?;
            costs.push(ranked.cost);
            for ((_, run), ranking) in runs.iter_mut().zip(ranked.rankings) {
                run.insert(query.id.clone(), ranking);
            }
        }
        observer.advance();
    }
    observer.end();
    let named: Vec<(&str, &Run)> = runs.iter().map(|(name, run)| (name.as_str(), run)).collect();
    let measured = Measured::of(measures, &collection.query_ids(), &collection.qrels, &named);
    Ok(Evaluation { measured, runs, costs, empty_queries })
}

pub(crate) fn search_failed(query: &str, error: BoxError) -> Error {
    Error::new(ErrorKind::Search, format!("cannot rank the query {query}")).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Qrels;

    /// Finds the document that has the query's name, unless the query is `fail`.
    struct ByName;

    impl Ranker for ByName {
        fn names(&self) -> Vec<String> {
            vec!["right".to_owned(), "wrong".to_owned()]
        }

        fn rank(&self, query: &JudgedQuery) -> std::result::Result<RankedQuery, BoxError> {
            if query.text == "fail" {
                return Err("the disk is gone".into());
            }
            let found = |id: &str| vec![(id.to_owned(), 1.0)];
            Ok(RankedQuery::new(vec![found(&query.text), found("other")], Cost::new(2.0, 3, 4)))
        }
    }

    fn collection(texts: &[&str]) -> Collection {
        let ids = (1..).map(|i| format!("q{i}"));
        let queries: Vec<_> =
            ids.zip(texts).map(|(id, text)| JudgedQuery::new(id, *text)).collect();
        let grades = |text: &str| [(text.to_owned(), 1)].into();
        let qrels: Qrels = queries.iter().map(|q| (q.id.clone(), grades(&q.text))).collect();
        Collection::new(queries, qrels)
    }

    #[test]
    fn a_query_without_text_counts_as_an_empty_ranking() {
        let collection = collection(&["a", " ", "c", "d"]);
        let evaluation = evaluate(&collection, &ByName, &[Measure::Rr(None)], &()).unwrap();
        assert_eq!(evaluation.empty_queries, ["q2"]);
        assert_eq!(evaluation.measured.values(0, 0), [1.0, 0.0, 1.0, 1.0]);
        assert_eq!(evaluation.measured.values(1, 0), [0.0; 4]);
        assert_eq!((evaluation.costs.len(), evaluation.share_read()), (3, 0.75));
        assert!((evaluation.latency().p50_ms - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_query_that_cannot_be_ranked_is_named() {
        let error = evaluate(&collection(&["a", "fail"]), &ByName, &[], &()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Search);
        assert!(error.to_string().contains("q2"), "{error}");
        let reason = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(reason, "the disk is gone");
    }
}
