//! How fast a model's files are on this machine, and which of them to use.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use vizsla_core::Reranker;
use vizsla_onnx::{CrossEncoder, CrossEncoderOptions, GraphOptimization, best_file};

use crate::error::{Error, ErrorKind, Result};
use crate::model_ref::ModelRef;
use crate::resolve::Models;

/// A file whose ranking agrees less than this with the fp32 file's (Spearman's ρ of the logits) is not chosen.
pub const AGREEMENT: f64 = 0.95;

/// A query and the passages to score with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Work {
    /// The query.
    pub query: String,
    /// The passages.
    pub passages: Vec<String>,
}

impl Work {
    /// A query with passages.
    pub fn new(query: impl Into<String>, passages: Vec<String>) -> Self {
        Self { query: query.into(), passages }
    }

    /// Two questions, each with 24 passages of 25 to 160 words: what [`Models::time_files`] times by default.
    pub fn built_in() -> Vec<Self> {
        let words: Vec<&str> = include_str!("timing.txt").split_whitespace().collect();
        let passages: Vec<String> = (0..24)
            .map(|i| {
                let length = 25 + i * 37 % 136;
                let start = i * 61 % (words.len() - length);
                words[start..start + length].join(" ")
            })
            .collect();
        let queries = [
            "how does a pointing dog show where the birds are",
            "why do ships carry lime or lemon juice",
        ];
        queries.map(|query| Self::new(query, passages.clone())).into()
    }

    /// Scores the pairs and returns their logits.
    ///
    /// # Errors
    /// [`ErrorKind::Scoring`] when the model fails.
    pub fn score(&self, model: &CrossEncoder) -> Result<Vec<f32>> {
        let passages: Vec<&str> = self.passages.iter().map(String::as_str).collect();
        let scores = model.score(&self.query, &passages).map_err(|error| {
            Error::new(ErrorKind::Scoring, "cannot score the pairs to be timed").with_source(error)
        })?;
        Ok(scores.into_iter().map(|score| score.logit).collect())
    }
}

/// How long each query of `work` takes, in milliseconds. Cached scores would be timed instead of the model, so it
/// is best opened [without a cache](CrossEncoderOptions::with_cache).
///
/// # Errors
/// [`ErrorKind::Scoring`] when the model fails.
pub fn latencies_ms(model: &CrossEncoder, work: &[Work]) -> Result<Vec<f64>> {
    let time = |item: &Work| {
        let start = Instant::now();
        item.score(model)?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    work.iter().map(time).collect()
}

/// One way to run a model, timed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TimedFile {
    /// The ONNX file, relative to the model's folder; `None` for the bundled model.
    pub file: Option<String>,
    /// How much of the graph could be replaced.
    pub rewrite: GraphOptimization,
    /// How it was run.
    pub execution: String,
    /// Pairs of query and passage per second.
    pub pairs_per_second: f64,
    /// How long it took to open.
    pub load: Duration,
    /// Spearman's rank correlation of its logits with the fp32 file's, where there is one.
    pub agreement: Option<f64>,
    logits: Vec<f32>,
}

impl TimedFile {
    /// Whether it ranks as the fp32 file does, as far as that can be known.
    pub fn agrees(&self) -> bool {
        self.agreement.is_none_or(|agreement| agreement >= AGREEMENT)
    }
}

/// What [`Models::time_files`] found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FileTimings {
    /// The model's folder; `None` for the bundled model.
    pub dir: Option<PathBuf>,
    /// Every file, then the best of them with less of its graph replaced.
    pub timed: Vec<TimedFile>,
    /// Which of `timed` to use: the fastest that agrees with the fp32 file.
    pub best: usize,
}

impl FileTimings {
    /// The one to use.
    pub fn best(&self) -> &TimedFile {
        &self.timed[self.best]
    }

    /// How many of the files do not rank as the fp32 file does.
    pub fn disagreeing(&self) -> usize {
        self.timed
            .iter()
            .filter(|way| way.rewrite == GraphOptimization::Full && !way.agrees())
            .count()
    }
}

impl Models {
    /// Times every file of a model that can run on a CPU, and then the best of them in its slower modes; each for at least
    /// `least`. Nothing is remembered: see [`remember_file`](Self::remember_file). The options' file, graph optimization and cache
    /// are not used.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and [`ErrorKind::Incomplete`] when no file can be used.
    pub fn time_files(
        &self,
        model: &ModelRef,
        options: &CrossEncoderOptions,
        least: Duration,
    ) -> Result<FileTimings> {
        let dir = if *model == ModelRef::Bundled { None } else { Some(self.dir(model)?) };
        let files = match &dir {
            None => vec![None],
            Some(dir) => usable_files(dir)?.into_iter().map(Some).collect(),
        };
        let work = Work::built_in();
        let time = |file: &Option<String>, rewrite| {
            let mut options = options.clone().with_cache(0).with_optimization(rewrite);
            if let Some(file) = file {
                options = options.with_file(file);
            }
            let start = Instant::now();
            let encoder = self.open(model, &options)?;
            time_model(&encoder, file.as_deref(), rewrite, start.elapsed(), (&work, least))
        };
        let mut timed = Vec::new();
        for file in &files {
            timed.push(time(file, GraphOptimization::Full)?);
        }
        let best = choose(&mut timed).ok_or_else(|| {
            let message = "none of the files gives the ranking of the fp32 file";
            Error::new(ErrorKind::Incomplete, message).about(model)
        })?;
        // Where the speed comes from.
        let file = timed[best].file.clone();
        for rewrite in [GraphOptimization::Simplify, GraphOptimization::None] {
            let mut way = time(&file, rewrite)?;
            way.agreement = fp32(&timed).map(|reference| spearman(reference, &way.logits));
            timed.push(way);
        }
        Ok(FileTimings { dir, timed, best })
    }
}

fn time_model(
    model: &CrossEncoder,
    file: Option<&str>,
    rewrite: GraphOptimization,
    load: Duration,
    (work, least): (&[Work], Duration),
) -> Result<TimedFile> {
    let mut logits = Vec::new();
    for item in work {
        logits.extend(item.score(model)?);
    }
    let (start, mut pairs) = (Instant::now(), 0);
    while pairs == 0 || start.elapsed() < least {
        for item in work {
            pairs += item.score(model)?.len();
        }
    }
    Ok(TimedFile {
        file: file.map(str::to_owned),
        rewrite,
        execution: model.execution().to_string(),
        pairs_per_second: pairs as f64 / start.elapsed().as_secs_f64(),
        load,
        agreement: None,
        logits,
    })
}

/// The logits of the fp32 file, if it is one of those timed.
fn fp32(timed: &[TimedFile]) -> Option<&[f32]> {
    let is_fp32 = |way: &&TimedFile| way.file.as_deref().is_some_and(|f| f.ends_with("model.onnx"));
    timed.iter().find(is_fp32).map(|way| way.logits.as_slice())
}

/// Compares all with the fp32 file, and returns the fastest of those that agree with it.
fn choose(timed: &mut [TimedFile]) -> Option<usize> {
    let reference = fp32(timed).map(<[f32]>::to_vec);
    for way in &mut *timed {
        way.agreement = reference.as_ref().map(|reference| spearman(reference, &way.logits));
    }
    let fastest = |a: &(usize, &TimedFile), b: &(usize, &TimedFile)| {
        a.1.pairs_per_second.total_cmp(&b.1.pairs_per_second)
    };
    let agreeing = timed.iter().enumerate().filter(|(_, way)| way.agrees());
    agreeing.max_by(fastest).map(|(at, _)| at)
}

/// The ONNX files of a folder that may run on a CPU, by their paths in it.
fn usable_files(dir: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for (folder, prefix) in [(dir.to_owned(), ""), (dir.join("onnx"), "onnx/")] {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.map_err(|error| Error::io("read", &folder, error))?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if path.ends_with(".onnx") && best_file(&[&path]).is_some() {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        let message = format!("{} has no ONNX file that can run on a CPU", dir.display());
        return Err(Error::new(ErrorKind::Incomplete, message));
    }
    files.sort();
    Ok(files)
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
        let work = Work::built_in();
        let lengths: std::collections::BTreeSet<usize> =
            work[0].passages.iter().map(|text| text.split(' ').count()).collect();
        assert!(lengths.len() > 15 && work.len() == 2);
    }

    #[test]
    fn the_fastest_file_is_chosen_unless_it_ranks_otherwise() {
        let way = |file: &str, pairs_per_second: f64, logits: [f32; 3]| TimedFile {
            file: Some(file.to_owned()),
            rewrite: GraphOptimization::Full,
            execution: String::new(),
            pairs_per_second,
            load: Duration::ZERO,
            agreement: None,
            logits: logits.into(),
        };
        let mut timed = [
            way("onnx/model.onnx", 10.0, [1.0, 2.0, 3.0]),
            way("onnx/int8.onnx", 30.0, [1.1, 2.1, 3.1]),
            way("onnx/broken.onnx", 90.0, [3.0, 2.0, 1.0]),
        ];
        assert_eq!(choose(&mut timed), Some(1));
        assert_eq!(timed[2].agreement, Some(-1.0));
        // With nothing to compare with, the speed alone decides.
        assert_eq!(choose(&mut timed[1..]), Some(1));
    }
}
