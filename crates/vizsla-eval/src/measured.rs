//! Measured runs, by run, measure and query: as a table, as JSON and as lines.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::metrics::{Measure, Qrels, Run};
use crate::statistics::Summary;

/// The values of runs: for each measure, one value per query, in the order of the queries.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Measured {
    /// What was measured.
    pub measures: Vec<Measure>,
    /// The ids of the queries.
    pub queries: Vec<String>,
    /// By run, then as `measures`, then as `queries`.
    runs: Vec<(String, Vec<Vec<f64>>)>,
}

impl Measured {
    /// Measures runs over the given queries; one missing from a run counts as an empty ranking, and
    /// one without judgments as having no relevant document. Cost: each ranking once per measure.
    pub fn of(
        measures: &[Measure],
        queries: &[String],
        qrels: &Qrels,
        runs: &[(&str, &Run)],
    ) -> Self {
        let unjudged = BTreeMap::new();
        let values = |run: &Run, measure: Measure| {
            let of_query = |query: &String| {
                let ranked = run.get(query).map(Vec::as_slice).unwrap_or_default();
                let ids: Vec<&str> = ranked.iter().map(|(id, _)| id.as_str()).collect();
                measure.of(&ids, qrels.get(query).unwrap_or(&unjudged))
            };
            queries.iter().map(of_query).collect()
        };
        let measured = |run: &Run| measures.iter().map(|measure| values(run, *measure)).collect();
        Self {
            measures: measures.to_vec(),
            queries: queries.to_vec(),
            runs: runs.iter().map(|(name, run)| ((*name).to_owned(), measured(run))).collect(),
        }
    }

    /// The values of a run by query, in one measure; runs and measures count from 0.
    ///
    /// # Panics
    /// When there is no such run or measure.
    pub fn values(&self, run: usize, measure: usize) -> &[f64] {
        &self.runs[run].1[measure]
    }

    /// The difference between one run and another, by query.
    pub fn differences(&self, more: usize, less: usize, measure: usize) -> Vec<f64> {
        let pairs = self.values(more, measure).iter().zip(self.values(less, measure));
        pairs.map(|(more, less)| more - less).collect()
    }

    /// Means with intervals, by run and then by measure.
    pub fn summaries(&self) -> BTreeMap<&str, BTreeMap<String, Summary>> {
        let summaries = |values: &Vec<Vec<f64>>| {
            let pairs = self.measures.iter().zip(values);
            pairs.map(|(measure, values)| (measure.to_string(), Summary::of(values))).collect()
        };
        self.runs.iter().map(|(name, values)| (name.as_str(), summaries(values))).collect()
    }

    /// A table with a row for each run and a column for each measure.
    pub fn table(&self) -> String {
        let width = self.runs.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
        let mut text = format!("{:<width$}", "");
        for measure in &self.measures {
            let _ = write!(text, "{:<24}", measure.to_string());
        }
        for (name, values) in &self.runs {
            let _ = write!(text, "\n{name:<width$}");
            for values in values {
                let _ = write!(text, "{:<24}", Summary::of(values).to_string());
            }
        }
        text.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }

    /// The value of each query as tab-separated lines of `query`, `run`, `measure` and `value`, under a header line.
    pub fn by_query(&self) -> String {
        let mut text = "query\trun\tmeasure\tvalue\n".to_owned();
        for (i, query) in self.queries.iter().enumerate() {
            for (name, values) in &self.runs {
                for (measure, values) in self.measures.iter().zip(values) {
                    let _ = writeln!(text, "{query}\t{name}\t{measure}\t{:.6}", values[i]);
                }
            }
        }
        text
    }
}

/// How long queries took, as percentiles.
#[derive(Debug, Clone, Copy, Serialize)]
#[non_exhaustive]
pub struct Latency {
    /// Half of the queries took at most this, in milliseconds.
    pub p50_ms: f64,
    /// 95 in 100 took at most this.
    pub p95_ms: f64,
}

impl Latency {
    /// From times in milliseconds; zero if there are none.
    pub fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at =
            |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or(0.0);
        Self { p50_ms: at(0.5), p95_ms: at(0.95) }
    }
}
