//! `vizsla eval`: how good searches are on a judged collection.

mod compare;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Serialize;
use vizsla::{Effort, FieldWeights, Index, SearchSettings};
use vizsla_eval::metrics::Measure;
use vizsla_eval::{
    Collection, CollectionOptions, Corpus, CorpusOptions, Evaluation, Latency, Measured, Summary,
    Testbed, TwoStages, corpus_file, evaluate, read_run, trec,
};

use crate::args::{CorpusArgs, EvalArgs, EvalCommand, JudgedArgs, ReportArgs};
use crate::progress::WorkProgress;
use crate::settings::{open_reranker, search_settings};
use crate::{Outcome, engines, output};

pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<Outcome> {
    match (&args.command, &args.judged) {
        (Some(EvalCommand::Score(args)), _) => compare::score(args),
        (Some(EvalCommand::Compare(args)), _) => compare::compare(args),
        (None, Some(judged)) => evaluate_searches(args, judged),
        (None, None) => bail!("name a judged collection with --dataset DIR"),
    }
}

fn evaluate_searches(args: &EvalArgs, judged: &JudgedArgs) -> anyhow::Result<Outcome> {
    corpus_file(&judged.dataset).context("see `vizsla eval --help` for its layout")?;
    let settings = search_settings(&args.ranking)?;
    let testbed = testbed(args, judged)?;
    let mut ranker = TwoStages::new(&testbed, settings);
    if settings.fusion().needs_rerank() {
        ranker = ranker.with_reranker(Arc::new(open_reranker(&args.ranking.model)?));
    }
    let progress = WorkProgress::default();
    let evaluation = evaluate(testbed.collection(), &ranker, &args.report.measures, &progress)?;
    if let Some(dir) = &args.runs {
        write_runs(dir, &evaluation)?;
    }
    write_queries(&evaluation.measured, &args.report)?;
    note_empty(&evaluation.empty_queries);
    let report = Report::of(&judged.dataset, &settings, &evaluation);
    if args.report.json {
        output::json(&report)?;
    } else {
        output::raw(&report.text(evaluation.measured.measures[0]))?;
    }
    Ok(Outcome::Success)
}

fn testbed(args: &EvalArgs, judged: &JudgedArgs) -> anyhow::Result<Testbed> {
    let dataset = &judged.dataset;
    let collection = Collection::open(dataset, &collection_options(judged))?;
    let candidates = args.candidates.as_deref().map(read_run).transpose()?;
    let options = corpus_options(&args.corpus);
    let corpus = match &args.index {
        _ if !args.engine.is_empty() => {
            Corpus::from(Index::in_memory(vizsla::IndexSettings::default())?)
        }
        Some(dir) => Corpus::index_in(dataset, dir, &options)?,
        None => Corpus::index_temporarily(dataset, &options)?,
    };
    // Where the corpus lies says nothing about its documents.
    let mut settings = search_settings(&args.ranking)?;
    settings.field_weights = settings.field_weights.or(Some(FieldWeights::CONTENT));
    let mut testbed = Testbed::new(dataset.display().to_string(), collection, corpus);
    if !args.engine.is_empty() {
        let retriever = engines::retriever(&args.engine, &settings, None)?;
        testbed = testbed.with_first_stage(Arc::from(retriever));
    }
    if let Some(run) = candidates {
        testbed = testbed.with_candidates(run);
    }
    Ok(if judged.drop_query_document { testbed.without_query_documents() } else { testbed })
}

fn collection_options(args: &JudgedArgs) -> CollectionOptions {
    let mut options = CollectionOptions::default().with_qrels(&args.qrels);
    options.topics.clone_from(&args.topics);
    options.first = args.queries;
    options
}

fn corpus_options(args: &CorpusArgs) -> CorpusOptions {
    let mut options = CorpusOptions::default();
    options.language = args.language;
    options.analysis = args.analysis;
    options.passage_tokens = args.passage_tokens.map(|tokens| tokens as usize);
    options.separate_body = args.separate_body;
    options
}

/// Names the queries that had nothing to search for.
fn note_empty(queries: &[String]) {
    if !queries.is_empty() {
        output::note(&format!(
            "{} as an empty ranking: {}",
            output::counted(
                queries.len(),
                "query has no text and counts",
                "queries have no text and count"
            ),
            queries.join(", ")
        ));
    }
}

fn write_runs(dir: &Path, evaluation: &Evaluation) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    for (name, run) in &evaluation.runs {
        let path = dir.join(format!("{name}.run"));
        fs::write(&path, trec::format_run(run, &format!("vizsla-{name}")))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Writes the value of each query if requested.
fn write_queries(measured: &Measured, args: &ReportArgs) -> anyhow::Result<()> {
    let Some(path) = &args.per_query else { return Ok(()) };
    fs::write(path, measured.by_query()).with_context(|| format!("cannot write {}", path.display()))
}

/// The measured quality of the three rankings, as it is printed.
#[derive(Debug, Serialize)]
struct Report<'a> {
    dataset: PathBuf,
    queries: usize,
    /// The ids of queries without text.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    empty_queries: &'a [String],
    depth: usize,
    fusion: String,
    effort: Effort,
    /// The time limit of a search, in milliseconds.
    budget_ms: Option<f64>,
    /// The time of retrieving and reranking a query, in milliseconds.
    latency: Latency,
    /// The share of all candidates that were read.
    read: f64,
    /// Mean number of tokens that the reranker read for a query.
    tokens: f64,
    /// By ranking, then by measure.
    runs: BTreeMap<&'a str, BTreeMap<String, Summary>>,
    /// Mean differences in the first measure over the queries, paired.
    differences: BTreeMap<&'static str, Summary>,
    #[serde(skip)]
    table: String,
}

impl<'a> Report<'a> {
    fn of(dataset: &Path, settings: &SearchSettings, evaluation: &'a Evaluation) -> Self {
        let measured = &evaluation.measured;
        let [bm25, rerank, fused] = [0, 1, 2];
        let difference = |more, less| Summary::of(&measured.differences(more, less, 0));
        let differences = if settings.fusion().needs_rerank() {
            [
                ("fused - bm25", difference(fused, bm25)),
                ("fused - rerank", difference(fused, rerank)),
            ]
            .into()
        } else {
            BTreeMap::new()
        };
        Self {
            dataset: dataset.to_owned(),
            queries: measured.queries.len(),
            empty_queries: &evaluation.empty_queries,
            depth: settings.depth(),
            fusion: settings.fusion().to_string(),
            effort: settings.effort(),
            budget_ms: settings.budget_ms,
            latency: evaluation.latency(),
            read: evaluation.share_read(),
            tokens: evaluation.mean_tokens(),
            runs: measured.summaries(),
            differences,
            table: measured.table(),
        }
    }

    fn text(&self, measure: Measure) -> String {
        use std::fmt::Write;
        let mut text = format!(
            "{} ({} queries, depth {}, fusion {}, effort {}); mean [95 % bootstrap interval]\n\n{}\n",
            self.dataset.display(),
            self.queries,
            self.depth,
            self.fusion,
            self.effort,
            self.table
        );
        for (name, summary) in &self.differences {
            let _ = writeln!(text, "{measure} {name}: {summary}");
        }
        let Latency { p50_ms, p95_ms, .. } = self.latency;
        let _ = writeln!(
            text,
            "query time: median {p50_ms:.1} ms, 95th percentile {p95_ms:.1} ms; {:.1} % of its candidates and {:.0} tokens were read by the reranker",
            self.read * 100.0,
            self.tokens
        );
        text
    }
}
