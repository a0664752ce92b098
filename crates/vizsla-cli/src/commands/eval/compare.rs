//! `vizsla eval score` and `vizsla eval compare`: runs that are there already.

use std::path::Path;

use anyhow::bail;
use serde::Serialize;

use super::dataset::{Dataset, read_run};
use super::measured::Measured;
use super::statistics::{Summary, randomisation_test};
use crate::args::{CompareArgs, JudgedArgs, ReportArgs, ScoreArgs};
use crate::{Outcome, output};

pub(crate) fn score(args: &ScoreArgs) -> anyhow::Result<Outcome> {
    let runs: Vec<&Path> = args.runs.iter().map(std::path::PathBuf::as_path).collect();
    let (_, measured) = measure(&args.judged, &args.report, &runs)?;
    if args.report.json {
        output::json(&measured.summaries())?;
    } else {
        output::raw(&measured.table())?;
    }
    Ok(Outcome::Success)
}

/// What a comparison found.
#[derive(Debug, Serialize)]
struct Comparison {
    /// By measure, how much B has more than A.
    measures: Vec<Difference>,
    /// The queries that the first measure changed most in, the largest first.
    queries: Vec<Changed>,
}

#[derive(Debug, Serialize)]
struct Difference {
    measure: String,
    a: f64,
    b: f64,
    change: Summary,
    /// Of the paired randomisation test.
    p: f64,
    better: usize,
    worse: usize,
}

#[derive(Debug, Serialize)]
struct Changed {
    query: String,
    text: String,
    a: f64,
    b: f64,
}

pub(crate) fn compare(args: &CompareArgs) -> anyhow::Result<Outcome> {
    let (dataset, measured) = measure(&args.judged, &args.report, &[&args.a, &args.b])?;
    let difference = |(at, measure): (usize, &vizsla::metrics::Measure)| {
        let differences = measured.differences(1, 0, at);
        Difference {
            measure: measure.to_string(),
            a: Summary::of(measured.values(0, at)).mean,
            b: Summary::of(measured.values(1, at)).mean,
            change: Summary::of(&differences),
            p: randomisation_test(&differences),
            better: differences.iter().filter(|d| **d > 1e-9).count(),
            worse: differences.iter().filter(|d| **d < -1e-9).count(),
        }
    };
    let measures = measured.measures.iter().enumerate().map(difference).collect();
    let differences = measured.differences(1, 0, 0);
    let mut order: Vec<usize> = (0..differences.len()).collect();
    order.sort_by(|a, b| differences[*b].abs().total_cmp(&differences[*a].abs()));
    let changed = order.into_iter().filter(|i| differences[*i].abs() > 1e-9).take(args.show);
    let queries = changed.map(|i| Changed {
        query: measured.queries[i].clone(),
        text: dataset.queries[i].1.clone(),
        a: measured.values(0, 0)[i],
        b: measured.values(1, 0)[i],
    });
    let comparison = Comparison { measures, queries: queries.collect() };
    if args.report.json {
        output::json(&comparison)?;
    } else {
        output::raw(&comparison.text(args, measured.queries.len()))?;
    }
    Ok(Outcome::Success)
}

fn measure(
    judged: &JudgedArgs,
    report: &ReportArgs,
    paths: &[&Path],
) -> anyhow::Result<(Dataset, Measured)> {
    let dataset = Dataset::open(judged)?;
    let mut runs = Vec::new();
    for path in paths {
        let mut run = read_run(path)?;
        if !dataset.queries.iter().any(|(id, _)| run.contains_key(id)) {
            bail!(
                "{} has none of the judged queries: is it a run of this collection?",
                path.display()
            );
        }
        if judged.drop_query_document {
            run.iter_mut().for_each(|(query, ranked)| ranked.retain(|(id, _)| id != query));
        }
        runs.push((path.display().to_string(), run));
    }
    let ids: Vec<String> = dataset.queries.iter().map(|(id, _)| id.clone()).collect();
    let runs: Vec<_> = runs.iter().map(|(name, run)| (name.as_str(), run)).collect();
    let measured = Measured::of(&report.measures, &ids, &dataset.qrels, &runs);
    measured.write_queries(report)?;
    Ok((dataset, measured))
}

impl Comparison {
    fn text(&self, args: &CompareArgs, queries: usize) -> String {
        use std::fmt::Write;
        let mut text = format!(
            "A {}\nB {}\n{queries} queries; difference with 95 % bootstrap interval, p of the paired randomisation test\n\n",
            args.a.display(),
            args.b.display()
        );
        let _ = writeln!(
            text,
            "{:<12}{:<8}{:<8}{:<28}{:<10}queries better, worse",
            "", "A", "B", "B - A", "p"
        );
        for d in &self.measures {
            let change =
                format!("{:+.4} [{:+.4}, {:+.4}]", d.change.mean, d.change.low, d.change.high);
            let _ = writeln!(
                text,
                "{:<12}{:<8.4}{:<8.4}{change:<28}{:<10.5}{}, {}",
                d.measure, d.a, d.b, d.p, d.better, d.worse
            );
        }
        if let Some(first) = self.measures.first().filter(|_| !self.queries.is_empty()) {
            let _ = writeln!(text, "\nqueries that changed most in {}", first.measure);
            for changed in &self.queries {
                let _ = writeln!(
                    text,
                    "  {:+.4} ({:.4} to {:.4})  {}  {}",
                    changed.b - changed.a,
                    changed.a,
                    changed.b,
                    changed.query,
                    shortened(&changed.text)
                );
            }
        }
        text
    }
}

/// A line's worth of a query.
fn shortened(text: &str) -> String {
    const LENGTH: usize = 100;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LENGTH {
        return line;
    }
    line.chars().take(LENGTH).chain(['…']).collect()
}
