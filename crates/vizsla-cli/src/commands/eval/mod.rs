//! `vizsla eval`: search in a loop, then metrics.

mod compare;
pub(crate) mod corpus;
pub(crate) mod dataset;
pub(crate) mod measured;
pub(crate) mod statistics;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Serialize;
use vizsla::metrics::{Measure, Run};
use vizsla::{Engine, Fusion, Index, QuerySyntax, Reranker, SearchRequest, trec};

use self::corpus::{Corpus, Dropping, FirstStage};
use self::dataset::{Dataset, read_run};
use self::measured::{Latency, Measured};
use self::statistics::Summary;
use crate::args::{EvalArgs, EvalCommand, JudgedArgs};
use crate::settings::{self, open_reranker};
use crate::{Outcome, output, progress};

/// How deep BM25's own ranking goes, for recall and MAP: trec_eval's customary run length.
const RUN_DEPTH: usize = 1000;

pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<Outcome> {
    match (&args.command, &args.judged) {
        (Some(EvalCommand::Score(args)), _) => compare::score(args),
        (Some(EvalCommand::Compare(args)), _) => compare::compare(args),
        (None, Some(judged)) => evaluate(args, judged),
        (None, None) => bail!("name a judged collection with --dataset DIR"),
    }
}

fn evaluate(args: &EvalArgs, judged: &JudgedArgs) -> anyhow::Result<Outcome> {
    let dataset = Dataset::open(judged)?;
    let ranking = settings::Ranking::of(&args.ranking)?;
    let corpus = Corpus::index(&judged.dataset, args.index.as_deref(), &args.corpus)?;
    let search = Search {
        ranking: &ranking,
        index: &corpus.index,
        reranker: match ranking.fusion {
            Fusion::Bm25 => None,
            _ => Some(Arc::new(open_reranker(&args.ranking.model)?)),
        },
        candidates: args.candidates.as_deref().map(read_run).transpose()?,
        drop_query_document: judged.drop_query_document,
    };
    let runs = search.rank(&dataset)?;
    if let Some(dir) = &args.runs {
        write_runs(dir, &runs)?;
    }
    let ids: Vec<String> = dataset.queries.iter().map(|(id, _)| id.clone()).collect();
    let measured = Measured::of(&args.report.measures, &ids, &dataset.qrels, &runs.named());
    measured.write_queries(&args.report)?;
    let evaluation = Evaluation::of(judged, &ranking, &measured, &runs.cost);
    if args.report.json {
        output::json(&evaluation)?;
    } else {
        output::raw(&evaluation.text(measured.measures[0]))?;
    }
    Ok(Outcome::Success)
}

/// The rankings of every query: one without a reranker, three with it.
struct Runs {
    runs: Vec<Run>,
    cost: Vec<Cost>,
}

const NAMES: [&str; 3] = ["bm25", "rerank", "fused"];

impl Runs {
    fn named(&self) -> Vec<(&'static str, &Run)> {
        NAMES.into_iter().zip(&self.runs).collect()
    }
}

/// What a search took.
struct Cost {
    ms: f64,
    read: usize,
    candidates: usize,
}

/// What is the same for all queries.
struct Search<'a> {
    ranking: &'a settings::Ranking,
    index: &'a Index,
    /// `None` when BM25 alone is measured.
    reranker: Option<Arc<dyn Reranker>>,
    candidates: Option<Run>,
    drop_query_document: bool,
}

type Ranked = Vec<(String, f32)>;

impl Search<'_> {
    fn rank(&self, dataset: &Dataset) -> anyhow::Result<Runs> {
        let bar = progress::bar(dataset.queries.len() as u64, "queries");
        let count = if self.reranker.is_some() { NAMES.len() } else { 1 };
        let mut runs = Runs { runs: vec![Run::new(); count], cost: Vec::new() };
        for (id, text) in &dataset.queries {
            let (ranked, cost) = self.rank_query(id, text)?;
            runs.cost.push(cost);
            for (run, ranked) in runs.runs.iter_mut().zip(ranked) {
                run.insert(id.clone(), ranked);
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(runs)
    }

    fn rank_query(&self, id: &str, text: &str) -> anyhow::Result<(Vec<Ranked>, Cost)> {
        let ranking = self.ranking;
        let first_stage = match &self.candidates {
            Some(run) => {
                FirstStage::given(self.index, run.get(id).map(Vec::as_slice).unwrap_or_default())?
            }
            None => FirstStage::Bm25(Box::new(ranking.retriever(self.index)?)),
        };
        let dropped = self.drop_query_document.then(|| id.to_owned());
        let mut engine = Engine::new(Dropping { first_stage, dropped });
        if let Some(reranker) = &self.reranker {
            engine = engine.with_reranker(reranker.clone());
        }
        let request = |depth| {
            SearchRequest::new(text)
                .with_syntax(QuerySyntax::Words)
                .with_depth(depth)
                .with_fusion(Fusion::Bm25)
        };
        let all = engine.score(&request(ranking.depth.max(RUN_DEPTH)))?;
        let bm25: Ranked = owned(&all.documents(Fusion::Bm25));
        let mut reranked = request(ranking.depth).with_fusion(ranking.fusion);
        if let Some(budget) = ranking.budget {
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
        if self.reranker.is_none() {
            return Ok((vec![bm25], cost));
        }
        let rerank = below(owned(&scored.documents(Fusion::Rerank)), &bm25);
        let fused = below(owned(&scored.documents(ranking.fusion)), &bm25);
        Ok((vec![bm25, rerank, fused], cost))
    }
}

/// What the second stage did not read stays below what it did, in first-stage order.
fn below(mut read: Ranked, bm25: &Ranked) -> Ranked {
    let known: HashSet<String> = read.iter().map(|(id, _)| id.clone()).collect();
    let mut lowest = read.last().map_or(0.0, |(_, score)| *score);
    for (id, _) in bm25.iter().filter(|(id, _)| !known.contains(id)) {
        lowest -= 1.0;
        read.push((id.clone(), lowest));
    }
    read
}

fn owned(documents: &[(&str, f32)]) -> Ranked {
    documents.iter().map(|(id, score)| ((*id).to_owned(), *score)).collect()
}

fn write_runs(dir: &Path, runs: &Runs) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    for (name, run) in runs.named() {
        let path = dir.join(format!("{name}.run"));
        fs::write(&path, trec::format_run(run, &format!("vizsla-{name}")))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The measured quality of the three rankings.
#[derive(Debug, Serialize)]
struct Evaluation<'a> {
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
    /// By ranking, then by measure.
    runs: BTreeMap<&'a str, BTreeMap<String, Summary>>,
    /// Mean differences in the first measure over the queries, paired.
    differences: BTreeMap<&'static str, Summary>,
    #[serde(skip)]
    table: String,
}

impl<'a> Evaluation<'a> {
    fn of(
        judged: &JudgedArgs,
        ranking: &settings::Ranking,
        measured: &'a Measured,
        cost: &[Cost],
    ) -> Self {
        let total = |of: fn(&Cost) -> usize| cost.iter().map(of).sum::<usize>() as f64;
        let [bm25, rerank, fused] = [0, 1, 2];
        let difference = |more, less| Summary::of(&measured.differences(more, less, 0));
        let differences = match ranking.fusion {
            Fusion::Bm25 => BTreeMap::new(),
            _ => [
                ("fused - bm25", difference(fused, bm25)),
                ("fused - rerank", difference(fused, rerank)),
            ]
            .into(),
        };
        Self {
            dataset: judged.dataset.clone(),
            queries: measured.queries.len(),
            depth: ranking.depth,
            fusion: ranking.fusion.to_string(),
            budget_ms: ranking.budget.map(|budget| budget.as_secs_f64() * 1e3),
            latency: Latency::of(cost.iter().map(|cost| cost.ms).collect()),
            read: total(|cost| cost.read) / total(|cost| cost.candidates).max(1.0),
            runs: measured.summaries(),
            differences,
            table: measured.table(),
        }
    }

    fn text(&self, measure: Measure) -> String {
        use std::fmt::Write;
        let mut text = format!(
            "{} ({} queries, depth {}, fusion {}); mean [95 % bootstrap interval]\n\n{}\n",
            self.dataset.display(),
            self.queries,
            self.depth,
            self.fusion,
            self.table
        );
        for (name, summary) in &self.differences {
            let _ = writeln!(text, "{measure} {name}: {summary}");
        }
        let Latency { p50_ms, p95_ms } = self.latency;
        let _ = writeln!(
            text,
            "a query took: median {p50_ms:.1} ms, 95th percentile {p95_ms:.1} ms; {:.1} % of its candidates were read by the reranker",
            self.read * 100.0
        );
        text
    }
}
