//! `vizsla eval`: search in a loop, then metrics.

mod dataset;
mod statistics;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Serialize;
use vizsla::metrics::{Qrels, Run};
use vizsla::{
    BoxError, Candidate, Engine, Fusion, Index, IndexRetriever, Ranking, Reranker, RetrieveRequest,
    Retriever, SearchRequest, trec,
};

use self::dataset::Dataset;
use self::statistics::{Metric, Summary};
use crate::args::{Cli, Command, EvalArgs};
use crate::settings::open_reranker;
use crate::{Outcome, output, progress};

/// How deep BM25's own ranking goes, for recall and MAP: trec_eval's customary run length.
const RUN_DEPTH: usize = 1000;

pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<Outcome> {
    let dataset = Dataset::open(args)?;
    let scratch;
    let index_dir = if let Some(dir) = &args.index {
        dir.clone()
    } else {
        scratch = ScratchDir::new()?;
        scratch.0.join("index")
    };
    let index = build_index(&args.dataset.join("corpus.jsonl"), &index_dir)?;
    let runs = rank(args, &dataset, &index)?;
    if let Some(dir) = &args.runs {
        write_runs(dir, &runs)?;
    }
    let evaluation = Evaluation::of(args, &dataset.qrels, &runs);
    if args.json {
        output::json(&evaluation)?;
    } else {
        output::raw(&evaluation.table())?;
    }
    Ok(Outcome::Success)
}

/// Builds or updates the index of a corpus, as `vizsla index` does.
fn build_index(corpus: &Path, dir: &Path) -> anyhow::Result<Index> {
    let typed = [
        "vizsla".as_ref(),
        "index".as_ref(),
        corpus.as_os_str(),
        "--index".as_ref(),
        dir.as_os_str(),
    ];
    let Command::Index(args) = <Cli as clap::Parser>::try_parse_from(typed)?.command else {
        bail!("not an index command")
    };
    let report = super::index::update(&args)?;
    if let Some(problem) = report.first_problem() {
        bail!("the corpus cannot be evaluated while part of it is unreadable: {problem}");
    }
    Ok(Index::open(dir)?)
}

/// The three rankings of every query.
struct Runs {
    bm25: Run,
    rerank: Run,
    fused: Run,
    cost: Vec<Cost>,
}

/// What a search took.
struct Cost {
    ms: f64,
    read: usize,
    candidates: usize,
}

fn rank(args: &EvalArgs, dataset: &Dataset, index: &Index) -> anyhow::Result<Runs> {
    let candidates = args.candidates.as_deref().map(read_run).transpose()?;
    let reranker: Arc<dyn Reranker> = Arc::new(open_reranker(&args.ranking.model)?);
    let bar = progress::bar(dataset.queries.len() as u64, "queries");
    let mut runs =
        Runs { bm25: Run::new(), rerank: Run::new(), fused: Run::new(), cost: Vec::new() };
    for (id, text) in &dataset.queries {
        let first_stage = match &candidates {
            Some(run) => {
                FirstStage::given(index, run.get(id).map(Vec::as_slice).unwrap_or_default())?
            }
            None => FirstStage::Bm25(Box::new(index.retriever())),
        };
        let dropped = args.drop_query_document.then_some(id.as_str());
        let ([bm25, rerank, fused], cost) =
            rank_query(args, first_stage, &reranker, text, dropped)?;
        runs.cost.push(cost);
        runs.bm25.insert(id.clone(), bm25);
        runs.rerank.insert(id.clone(), rerank);
        runs.fused.insert(id.clone(), fused);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(runs)
}

type Ranked = Vec<(String, f32)>;

fn rank_query(
    args: &EvalArgs,
    first_stage: FirstStage,
    reranker: &Arc<dyn Reranker>,
    text: &str,
    dropped: Option<&str>,
) -> anyhow::Result<([Ranked; 3], Cost)> {
    let first_stage = Arc::new(Dropping { first_stage, dropped: dropped.map(str::to_owned) });
    let engine = Engine::new(first_stage.clone()).with_reranker(reranker.clone());
    let request = |depth| SearchRequest::new(text).with_depth(depth).with_fusion(Fusion::Bm25);
    let all = engine.score(&request(args.ranking.depth.max(RUN_DEPTH)))?;
    let bm25: Ranked = owned(&all.documents(Fusion::Bm25));
    let mut reranked = request(args.ranking.depth).with_fusion(args.ranking.fusion_or_rerank());
    if let Some(budget) = args.ranking.budget {
        reranked = reranked.with_budget(budget);
    }
    let scored = engine.score(&reranked)?;
    let stages = scored.stages();
    let rerank = stages.rerank.as_ref();
    let cost = Cost {
        ms: stages.retrieve.ms + rerank.map_or(0.0, |stage| stage.ms),
        read: rerank.map_or(0, |stage| stage.passages),
        candidates: stages.retrieve.candidates,
    };
    // What the second stage did not read stays below what it did, in first-stage order.
    let below = |mut read: Ranked| {
        let mut lowest = read.last().map_or(0.0, |(_, score)| *score);
        let rest: Vec<_> = bm25
            .iter()
            .filter(|(id, _)| !read.iter().any(|(other, _)| other == id))
            .cloned()
            .collect();
        for (id, _) in rest {
            lowest -= 1.0;
            read.push((id, lowest));
        }
        read
    };
    let rerank = below(owned(&scored.documents(Fusion::Rerank)));
    let fused = below(owned(&scored.documents(args.ranking.fusion)));
    Ok(([bm25, rerank, fused], cost))
}

fn owned(documents: &[(&str, f32)]) -> Ranked {
    documents.iter().map(|(id, score)| ((*id).to_owned(), *score)).collect()
}

/// Where candidates come from.
#[derive(Debug)]
enum FirstStage {
    Bm25(Box<IndexRetriever>),
    Given(Ranking<Candidate>),
}

impl FirstStage {
    /// The passages of a given ranking of documents, each with its document's score.
    fn given(index: &Index, documents: &[(String, f32)]) -> anyhow::Result<Self> {
        let ids: Vec<&str> = documents.iter().map(|(id, _)| id.as_str()).collect();
        let scores: BTreeMap<&str, f32> =
            documents.iter().map(|(id, score)| (id.as_str(), *score)).collect();
        let passages = index.retriever().passages(&ids)?;
        if let (false, Some(id)) = (
            ids.is_empty(),
            ids.iter().find(|id| !passages.iter().any(|passage| passage.doc_id == **id)),
        ) {
            bail!("the candidate {id} is not in the corpus");
        }
        let candidates = passages
            .into_iter()
            .map(|passage| (scores[passage.doc_id.as_str()], Candidate::new(passage)));
        Ok(Self::Given(Ranking::new(candidates)?))
    }
}

/// A first stage without the document that is the query itself.
#[derive(Debug)]
struct Dropping {
    first_stage: FirstStage,
    dropped: Option<String>,
}

impl Retriever for Dropping {
    fn retrieve(&self, request: &RetrieveRequest) -> Result<Ranking<Candidate>, BoxError> {
        let depth = request.depth.get();
        let found = match &self.first_stage {
            FirstStage::Bm25(retriever) => {
                let mut deeper = request.clone();
                // Room for the passages of the document that is dropped.
                deeper.depth =
                    request.depth.saturating_add(if self.dropped.is_some() { 20 } else { 0 });
                retriever.retrieve(&deeper)?
            }
            FirstStage::Given(ranking) => ranking.clone(),
        };
        let kept = found
            .into_iter()
            .filter(|ranked| Some(&ranked.item.passage.doc_id) != self.dropped.as_ref());
        let mut ranking = Ranking::new(kept.map(|ranked| (ranked.score, ranked.item)))?;
        ranking.truncate(depth);
        Ok(ranking)
    }
}

fn read_run(path: &Path) -> anyhow::Result<Run> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the run {}", path.display()))?;
    trec::parse_run(&text).with_context(|| format!("cannot read the run {}", path.display()))
}

fn write_runs(dir: &Path, runs: &Runs) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    for (name, run) in [("bm25", &runs.bm25), ("rerank", &runs.rerank), ("fused", &runs.fused)] {
        let path = dir.join(format!("{name}.run"));
        fs::write(&path, trec::format_run(run, &format!("vizsla-{name}")))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// A folder that goes away with the program.
struct ScratchDir(PathBuf);

impl ScratchDir {
    fn new() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("vizsla-eval-{}", std::process::id()));
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How long queries took, as percentiles.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
}

impl Latency {
    /// Of at least one time in milliseconds; of none, zero.
    pub(crate) fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at =
            |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or(0.0);
        Self { p50_ms: at(0.5), p95_ms: at(0.95) }
    }
}

/// The measured quality of the three rankings.
#[derive(Debug, Serialize)]
struct Evaluation {
    dataset: PathBuf,
    queries: usize,
    depth: usize,
    fusion: String,
    /// The most that a search was given, in milliseconds.
    budget_ms: Option<f64>,
    /// What retrieving and reranking took for a query, in milliseconds.
    latency: Latency,
    /// The part of all candidates for which there was time.
    read: f64,
    /// By ranking, then by metric.
    runs: BTreeMap<&'static str, BTreeMap<&'static str, Summary>>,
    /// Mean differences in nDCG@10 over the queries, paired.
    differences: BTreeMap<&'static str, Summary>,
}

impl Evaluation {
    fn of(args: &EvalArgs, qrels: &Qrels, runs: &Runs) -> Self {
        let all = [("bm25", &runs.bm25), ("rerank", &runs.rerank), ("fused", &runs.fused)];
        let values = |run: &Run, metric: &Metric| -> Vec<f64> {
            run.iter().map(|(id, ranked)| metric.of(ranked, &qrels[id])).collect()
        };
        let summaries = |run: &Run| {
            Metric::ALL
                .iter()
                .map(|metric| (metric.name(), Summary::of(&values(run, metric))))
                .collect()
        };
        let difference = |a: &Run, b: &Run| {
            let pairs = values(a, &Metric::Ndcg10).into_iter().zip(values(b, &Metric::Ndcg10));
            Summary::of(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>())
        };
        let total = |of: fn(&Cost) -> usize| runs.cost.iter().map(of).sum::<usize>() as f64;
        Self {
            dataset: args.dataset.clone(),
            queries: runs.bm25.len(),
            depth: args.ranking.depth,
            fusion: args.ranking.fusion.to_string(),
            budget_ms: args.ranking.budget.map(|budget| budget.as_secs_f64() * 1e3),
            latency: Latency::of(runs.cost.iter().map(|cost| cost.ms).collect()),
            read: total(|cost| cost.read) / total(|cost| cost.candidates).max(1.0),
            runs: all.map(|(name, run)| (name, summaries(run))).into(),
            differences: [
                ("fused - bm25", difference(&runs.fused, &runs.bm25)),
                ("fused - rerank", difference(&runs.fused, &runs.rerank)),
            ]
            .into(),
        }
    }

    fn table(&self) -> String {
        use std::fmt::Write;
        let mut text = format!(
            "{} ({} queries, depth {}, fusion {}); mean [95 % bootstrap interval]\n\n{:<8}",
            self.dataset.display(),
            self.queries,
            self.depth,
            self.fusion,
            ""
        );
        for metric in Metric::ALL {
            let _ = write!(text, "{:<24}", metric.name());
        }
        for name in ["bm25", "rerank", "fused"] {
            let _ = write!(text, "\n{name:<8}");
            for metric in Metric::ALL {
                let _ = write!(text, "{:<24}", self.runs[name][metric.name()].to_string());
            }
        }
        text.push_str("\n\n");
        for (name, summary) in &self.differences {
            let _ = writeln!(text, "nDCG@10 {name}: {summary}");
        }
        let Latency { p50_ms, p95_ms } = self.latency;
        let _ = writeln!(
            text,
            "BM25 and reranking a query: median {p50_ms:.1} ms, 95th percentile {p95_ms:.1} ms; {:.1} % of candidates read",
            self.read * 100.0
        );
        text.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }
}
