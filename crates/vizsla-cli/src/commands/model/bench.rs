//! `vizsla model bench`: how fast a model's files are on this machine, and which of them to use.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;
use vizsla_models::timing::{FileTimings, TimedFile, Work, latencies_ms};

use crate::args::ModelBenchArgs;
use crate::settings::{BUNDLED, encoder_options, model, models};
use crate::{Outcome, output};

/// How long each way to run a model is timed, at least.
const LEAST: Duration = Duration::from_millis(700);

pub(crate) fn run(args: &ModelBenchArgs) -> anyhow::Result<Outcome> {
    match &args.workload {
        Some(workload) => time_workload(args, workload),
        None => time_files(args),
    }
}

/// One line of JSON, for scripts that compare programs.
fn time_workload(args: &ModelBenchArgs, workload: &Path) -> anyhow::Result<Outcome> {
    let work = read_workload(workload, args.queries.map(|queries| queries + 1))?;
    // Cached scores would be timed instead of the model.
    let options = encoder_options(&args.model).with_cache(0);
    let reranker = models(&args.model).open(&model(&args.model)?, &options)?;
    let latencies = latencies_ms(&reranker, &work)?;
    // The first query warms up.
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

/// Times every file of the model, and the ways to run the best of them.
fn time_files(args: &ModelBenchArgs) -> anyhow::Result<Outcome> {
    let models = models(&args.model);
    let options = encoder_options(&args.model);
    let timings = models.time_files(&model(&args.model)?, &options, LEAST)?;
    print_table(&timings.timed)?;
    let (Some(dir), Some(file)) = (&timings.dir, &timings.best().file) else {
        return Ok(Outcome::Success);
    };
    let kept = models.remember_file(dir, file)?;
    output::line(&verdict(&timings, file, kept))?;
    Ok(Outcome::Success)
}

fn print_table(timed: &[TimedFile]) -> anyhow::Result<()> {
    output::line(&format!(
        "{:<34} {:>8} {:>9} {:>11}  run by",
        "file", "pairs/s", "load", "like fp32"
    ))?;
    for way in timed {
        output::line(&format!(
            "{:<34} {:>8.1} {:>6.0} ms {:>11}  {}",
            way.file.as_deref().unwrap_or(BUNDLED),
            way.pairs_per_second,
            way.load.as_secs_f64() * 1e3,
            way.agreement.map_or_else(|| "-".to_owned(), |agreement| format!("ρ {agreement:.3}")),
            way.execution,
        ))?;
    }
    Ok(())
}

fn verdict(timings: &FileTimings, file: &str, kept: Option<&Path>) -> String {
    let speed = timings.best().pairs_per_second;
    let mut text = format!("{file} is chosen: the fastest with {speed:.1} pairs per second");
    let disagreeing = timings.disagreeing();
    if disagreeing > 0 {
        text.push_str(&format!(" of those that rank like fp32 ({disagreeing} do not)"));
    }
    if let Some(path) = kept {
        text.push_str(&format!("; remembered in {}", path.display()));
    }
    text
}
