//! `vizsla model bench`: how fast a model's files are on this machine, and which of them to use.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::json;
use vizsla::Reranker;
use vizsla::onnx::{CrossEncoder, GraphOptimization, best_file};

use crate::args::{ModelArgs, ModelBenchArgs};
use crate::settings::{BUNDLED, Remembered, model_dir, open_model, open_reranker};
use crate::{Outcome, output};

/// How long each way to run a model is timed, at least.
const LEAST: Duration = Duration::from_millis(700);
/// A file whose ranking agrees less than this with the fp32 file's (Spearman's ρ) is not chosen.
const AGREEMENT: f64 = 0.95;

/// A query and what to read with it.
#[derive(Deserialize)]
struct Work {
    query: String,
    passages: Vec<String>,
}

/// One way to run a model, timed.
struct Timed {
    file: Option<String>,
    execution: String,
    optimization: GraphOptimization,
    pairs_per_second: f64,
    load: Duration,
    logits: Vec<f32>,
}

pub(crate) fn run(args: &ModelBenchArgs) -> anyhow::Result<Outcome> {
    match &args.workload {
        Some(workload) => time_workload(args, workload),
        None => compare(args),
    }
}

/// One line of JSON, for scripts that compare programs.
fn time_workload(args: &ModelBenchArgs, workload: &Path) -> anyhow::Result<Outcome> {
    let work = read_workload(workload, args.queries.map(|queries| queries + 1))?;
    let reranker = open_reranker(&without_cache(args))?;
    let mut latencies = Vec::with_capacity(work.len());
    for item in &work {
        let start = Instant::now();
        score(&reranker, item)?;
        latencies.push(start.elapsed().as_secs_f64() * 1e3);
    }
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
fn compare(args: &ModelBenchArgs) -> anyhow::Result<Outcome> {
    let dir = match args.model.model.as_deref() {
        None | Some(BUNDLED) => None,
        Some(name) => Some(model_dir(name)?),
    };
    let files: Vec<Option<String>> = match &dir {
        None => vec![None],
        Some(dir) => usable_files(dir)?.into_iter().map(Some).collect(),
    };
    let mut timed = Vec::new();
    for file in &files {
        timed.push(time(args, dir.as_deref(), file.clone(), GraphOptimization::Full)?);
    }
    let reference = timed
        .iter()
        .find(|way| way.file.as_deref().is_some_and(|file| file.ends_with("model.onnx")))
        .map(|way| way.logits.clone());
    let agreement = |way: &Timed| reference.as_ref().map(|logits| spearman(logits, &way.logits));
    let best = timed
        .iter()
        .filter(|way| agreement(way).is_none_or(|agreement| agreement >= AGREEMENT))
        .max_by(|a, b| a.pairs_per_second.total_cmp(&b.pairs_per_second))
        .context("none of the files gives the ranking of the fp32 file")?;
    let (best, fastest) = (best.file.clone(), best.pairs_per_second);
    // What the parts of the speed come from.
    for optimization in [GraphOptimization::Simplify, GraphOptimization::None] {
        timed.push(time(args, dir.as_deref(), best.clone(), optimization)?);
    }
    output::line(&format!(
        "{:<34} {:>8} {:>9} {:>11}  run by",
        "file", "pairs/s", "load", "like fp32"
    ))?;
    for way in &timed {
        output::line(&format!(
            "{:<34} {:>8.1} {:>6.0} ms {:>11}  {}",
            way.file.as_deref().unwrap_or(BUNDLED),
            way.pairs_per_second,
            way.load.as_secs_f64() * 1e3,
            agreement(way).map_or_else(|| "-".to_owned(), |agreement| format!("ρ {agreement:.3}")),
            way.execution,
        ))?;
    }
    let (Some(dir), Some(best)) = (&dir, &best) else { return Ok(Outcome::Success) };
    let path = Remembered::load().save(dir, best)?;
    let unsafe_ones = timed
        .iter()
        .filter(|way| {
            way.optimization == GraphOptimization::Full
                && agreement(way).is_some_and(|a| a < AGREEMENT)
        })
        .count();
    output::line(&format!(
        "{best} is chosen: the fastest with {fastest:.1} pairs a second{}; remembered in {}",
        if unsafe_ones > 0 {
            format!(" of those that rank like fp32 ({unsafe_ones} do not)")
        } else {
            String::new()
        },
        path.display()
    ))?;
    Ok(Outcome::Success)
}

/// The ONNX files of a folder that may run on a CPU, by their paths in it.
fn usable_files(dir: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in [PathBuf::new(), PathBuf::from("onnx")] {
        let Ok(entries) = std::fs::read_dir(dir.join(&folder)) else { continue };
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let path = if folder.as_os_str().is_empty() { name } else { format!("onnx/{name}") };
            if path.ends_with(".onnx") && best_file(&[&path]).is_some() {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        bail!("{} has no ONNX file that can run on a CPU", dir.display());
    }
    files.sort();
    Ok(files)
}

fn time(
    args: &ModelBenchArgs,
    dir: Option<&Path>,
    file: Option<String>,
    optimization: GraphOptimization,
) -> anyhow::Result<Timed> {
    let start = Instant::now();
    let model = open_model(&without_cache(args), dir, file.clone(), optimization)?;
    let load = start.elapsed();
    let work = built_in_workload();
    let mut logits = Vec::new();
    for item in &work {
        logits.extend(score(&model, item)?);
    }
    let (start, mut pairs) = (Instant::now(), 0);
    while start.elapsed() < LEAST {
        for item in &work {
            pairs += score(&model, item)?.len();
        }
    }
    Ok(Timed {
        file,
        execution: model.execution().to_string(),
        optimization,
        pairs_per_second: pairs as f64 / start.elapsed().as_secs_f64(),
        load,
        logits,
    })
}

/// What is remembered would be timed instead of the model.
fn without_cache(args: &ModelBenchArgs) -> ModelArgs {
    ModelArgs { no_score_cache: true, ..args.model.clone() }
}

fn score(model: &CrossEncoder, work: &Work) -> anyhow::Result<Vec<f32>> {
    let passages: Vec<&str> = work.passages.iter().map(String::as_str).collect();
    let scores = model.score(&work.query, &passages).map_err(anyhow::Error::from_boxed)?;
    Ok(scores.into_iter().map(|score| score.logit).collect())
}

/// Two questions, and passages of 25 to 160 words.
fn built_in_workload() -> Vec<Work> {
    let words: Vec<&str> = include_str!("bench.txt").split_whitespace().collect();
    let passages: Vec<String> = (0..24)
        .map(|i| {
            let length = 25 + i * 37 % 136;
            let start = i * 61 % (words.len() - length);
            words[start..start + length].join(" ")
        })
        .collect();
    ["how does a pointing dog show where the birds are", "why do ships carry lime or lemon juice"]
        .map(|query| Work { query: query.to_owned(), passages: passages.clone() })
        .into()
}

/// Spearman's rank correlation: Pearson's of the ranks.
fn spearman(a: &[f32], b: &[f32]) -> f64 {
    let ranks = |values: &[f32]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|i, j| values[*i].total_cmp(&values[*j]));
        let mut ranks = vec![0.0; values.len()];
        for (rank, i) in order.into_iter().enumerate() {
            ranks[i] = rank as f64;
        }
        ranks
    };
    let (a, b) = (ranks(a), ranks(b));
    let squares: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
    let n = a.len() as f64;
    1.0 - 6.0 * squares / (n * (n * n - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spearman_is_one_for_the_same_order_and_minus_one_for_the_reverse() {
        let a = [0.1, 5.0, 2.0, 3.0];
        assert!((spearman(&a, &[1.0, 40.0, 20.0, 30.0]) - 1.0).abs() < 1e-9);
        assert!((spearman(&a, &[9.0, 1.0, 7.0, 5.0]) + 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_workload_has_passages_of_many_lengths() {
        let work = built_in_workload();
        let lengths: std::collections::BTreeSet<usize> =
            work[0].passages.iter().map(|text| text.split(' ').count()).collect();
        assert!(lengths.len() > 15 && work.len() == 2);
    }
}
