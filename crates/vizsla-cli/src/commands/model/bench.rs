//! `vizsla model bench`: how fast a model is on this machine.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::json;
use vizsla::Reranker;

use crate::Outcome;
use crate::args::BenchArgs;
use crate::output;
use crate::settings::open_reranker;

#[derive(Deserialize)]
struct Work {
    query: String,
    passages: Vec<String>,
}

pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<Outcome> {
    let workload = args.workload.as_deref().context("give --workload")?;
    let work = read_workload(workload, args.queries.map(|queries| queries + 1))?;
    let reranker = open_reranker(&args.model)?;
    let mut latencies = Vec::with_capacity(work.len());
    for item in &work {
        let passages: Vec<&str> = item.passages.iter().map(String::as_str).collect();
        let start = Instant::now();
        reranker.score(&item.query, &passages).map_err(anyhow::Error::from_boxed)?;
        latencies.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let (timed, latencies) = (&work[1..], &latencies[1..]);
    output::json_line(&json!({
        "pairs": timed.iter().map(|item| item.passages.len()).sum::<usize>(),
        "seconds": latencies.iter().sum::<f64>() / 1e3,
        "latencies_ms": latencies,
    }))?;
    Ok(Outcome::Success)
}

fn read_workload(path: &Path, limit: Option<usize>) -> anyhow::Result<Vec<Work>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut work = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(file).lines()).take(limit.unwrap_or(usize::MAX))
    {
        let place = || format!("{}, line {number}", path.display());
        let line = line.with_context(place)?;
        work.push(serde_json::from_str(&line).with_context(|| {
            format!("{}: not {{\"query\": \"...\", \"passages\": [\"...\"]}}", place())
        })?);
    }
    if work.len() < 2 {
        bail!("{} has fewer than two queries; the first only warms up", path.display());
    }
    Ok(work)
}
