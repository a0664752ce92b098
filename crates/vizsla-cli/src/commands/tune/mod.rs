//! `vizsla tune`: the parameters that suit judged collections, and how sure that is.
//!
//! First k1, b and the weight of titles are chosen by BM25's own nDCG@10; then, with one reading of the candidates, depth and
//! fusion by that of the fused ranking. Each choice is judged by cross-validation: what is best for four fifths of the queries (or for
//! the other collections, when there are several) is measured on the rest.

mod report;
mod trials;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Serialize;
use vizsla::metrics::{Qrels, Run, ndcg};
use vizsla::{
    Bm25Params, Engine, FieldWeights, Fusion, QuerySyntax, Reranker, ScoredCandidates,
    SearchRequest,
};

use self::trials::Trials;
use super::eval::corpus::{Corpus, Dropping, FirstStage};
use super::eval::dataset::{Dataset, read_run};
use crate::args::{CorpusArgs, JudgedArgs, TuneArgs};
use crate::settings::{RankingFile, open_reranker};
use crate::{Outcome, output, progress};

const K1: [f32; 6] = [0.4, 0.6, 0.9, 1.2, 1.6, 2.0];
const B: [f32; 6] = [0.2, 0.3, 0.4, 0.55, 0.75, 0.9];
const TITLE: [f32; 5] = [0.0, 0.25, 0.5, 1.0, 2.0];
const DEPTHS: [usize; 7] = [10, 20, 30, 50, 75, 100, 200];
const WEIGHTS: [f32; 11] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9];

pub(crate) fn run(args: &TuneArgs) -> anyhow::Result<Outcome> {
    let collections = Collection::open_all(args)?;
    let first = tune_first_stage(&collections)?;
    let settings = first.chosen_setting();
    let second = tune_second_stage(args, &collections, settings)?;
    let file = write_settings(args, settings, &second)?;
    let tuned = Tuned { first, second };
    output::raw(&tuned.text())?;
    if let Some(path) = &args.html {
        let html = report::html(&tuned, &file)?;
        fs::write(path, html).with_context(|| format!("cannot write {}", path.display()))?;
        output::line(&format!("report: {}", path.display()))?;
    }
    output::line(&format!(
        "settings: {} (use them with --settings {})",
        args.output.display(),
        args.output.display()
    ))?;
    Ok(Outcome::Success)
}

/// A judged collection, indexed.
struct Collection {
    name: String,
    dataset: Dataset,
    corpus: Corpus,
    candidates: Option<Run>,
    drop_query_document: bool,
}

impl Collection {
    fn open_all(args: &TuneArgs) -> anyhow::Result<Vec<Self>> {
        if args.candidates.len() > args.datasets.len() {
            bail!("there are more --candidates than --dataset");
        }
        let open = |(i, dir): (usize, &std::path::PathBuf)| {
            let name = dir.file_name().map_or_else(
                || dir.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            );
            let drop_query_document = args.drop_query_document.contains(&name);
            let judged = JudgedArgs {
                dataset: dir.clone(),
                qrels: args.split.clone(),
                topics: None,
                drop_query_document,
                queries: args.queries,
            };
            let corpus = CorpusArgs { language: None, separate_body: false, passage_tokens: None };
            let index = args.indexes.as_ref().map(|indexes| indexes.join(&name));
            let given = args.candidates.get(i).filter(|run| *run != Path::new("-"));
            Ok(Self {
                dataset: Dataset::open(&judged)?,
                corpus: Corpus::index(dir, index.as_deref(), &corpus)?,
                candidates: given.map(|run| read_run(run)).transpose()?,
                drop_query_document,
                name,
            })
        };
        args.datasets.iter().enumerate().map(open).collect()
    }

    fn first_stage(&self, query: &str, setting: FirstSetting) -> anyhow::Result<Dropping> {
        let first_stage = match &self.candidates {
            Some(run) => FirstStage::given(
                &self.corpus.index,
                run.get(query).map(Vec::as_slice).unwrap_or_default(),
            )?,
            None => FirstStage::Bm25(Box::new(
                self.corpus
                    .index
                    .retriever()
                    .with_bm25(Bm25Params::new(setting.k1, setting.b))
                    .with_weights(setting.weights()),
            )),
        };
        let dropped = self.drop_query_document.then(|| query.to_owned());
        Ok(Dropping { first_stage, dropped })
    }
}

fn request(text: &str, depth: usize) -> SearchRequest {
    SearchRequest::new(text).with_syntax(QuerySyntax::Words).with_depth(depth)
}

fn ndcg10(documents: &[(&str, f32)], qrels: &Qrels, query: &str) -> f64 {
    let ids: Vec<&str> = documents.iter().map(|(id, _)| *id).collect();
    ndcg(&ids, &qrels[query], 10)
}

/// Parameters of BM25.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct FirstSetting {
    k1: f32,
    b: f32,
    title: f32,
}

impl FirstSetting {
    const DEFAULT: Self = Self { k1: 0.9, b: 0.4, title: 0.0 };

    fn weights(self) -> FieldWeights {
        let mut weights = FieldWeights::default();
        weights.title = self.title;
        weights
    }

    fn name(self) -> String {
        format!("k1 {}, b {}, title {}", self.k1, self.b, self.title)
    }
}

/// Depth and fusion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct SecondSetting {
    depth: usize,
    #[serde(skip)]
    fusion: Fusion,
}

impl SecondSetting {
    fn default_of(max_depth: usize) -> Self {
        Self { depth: SearchRequest::DEFAULT_DEPTH.min(max_depth), fusion: Fusion::default() }
    }

    fn name(self) -> String {
        format!("{} at depth {}", self.fusion, self.depth)
    }
}

fn fusions() -> Vec<Fusion> {
    let mut fusions = vec![Fusion::Rerank, Fusion::PositionAware, Fusion::Auto];
    fusions.extend([10.0, 30.0, 60.0].map(|k| Fusion::Rrf { k }));
    for rerank_weight in WEIGHTS {
        fusions.extend([
            Fusion::Linear { rerank_weight },
            Fusion::ZScore { rerank_weight },
            Fusion::RankBiased { rerank_weight },
            Fusion::Calibrated { rerank_weight },
        ]);
    }
    fusions
}

fn tune_first_stage(collections: &[Collection]) -> anyhow::Result<Trials<FirstSetting>> {
    let mut settings = Vec::new();
    for k1 in K1 {
        for b in B {
            settings.extend(TITLE.map(|title| FirstSetting { k1, b, title }));
        }
    }
    let queries: usize = collections.iter().map(|c| c.dataset.queries.len()).sum();
    let bar = progress::bar((settings.len() * queries) as u64, "BM25 searches");
    let mut values = Vec::new();
    for setting in &settings {
        let mut by_collection = Vec::new();
        for collection in collections {
            let mut by_query = Vec::new();
            for (id, text) in &collection.dataset.queries {
                // Enough for ten documents of several passages each.
                let engine = Engine::new(collection.first_stage(id, *setting)?);
                let scored = engine.score(&request(text, 30).with_fusion(Fusion::Bm25))?;
                by_query.push(ndcg10(
                    &scored.documents(Fusion::Bm25),
                    &collection.dataset.qrels,
                    id,
                ));
                bar.inc(1);
            }
            by_collection.push(by_query);
        }
        values.push(by_collection);
    }
    bar.finish_and_clear();
    let names = collections.iter().map(|c| c.name.clone()).collect();
    Ok(Trials::judge(settings, values, names, FirstSetting::DEFAULT))
}

/// Depth and fusion, with what a plot needs besides.
struct SecondStage {
    trials: Trials<SecondSetting>,
    /// Median time of a query by depth: BM25, and reranking by the tokens of the candidates.
    milliseconds: Vec<(usize, f64)>,
}

fn tune_second_stage(
    args: &TuneArgs,
    collections: &[Collection],
    first: FirstSetting,
) -> anyhow::Result<SecondStage> {
    let reranker: Arc<dyn Reranker> = Arc::new(open_reranker(&args.model)?);
    let depths: Vec<usize> = DEPTHS
        .into_iter()
        .filter(|depth| *depth < args.max_depth)
        .chain([args.max_depth])
        .collect();
    let mut settings = Vec::new();
    for depth in &depths {
        settings
            .extend(fusions().into_iter().map(|fusion| SecondSetting { depth: *depth, fusion }));
    }
    let default = SecondSetting::default_of(args.max_depth);
    if !settings.contains(&default) {
        settings.push(default);
    }
    let queries: usize = collections.iter().map(|c| c.dataset.queries.len()).sum();
    let bar = progress::bar(queries as u64, "queries");
    let mut values = vec![vec![Vec::new(); collections.len()]; settings.len()];
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); depths.len()];
    for (c, collection) in collections.iter().enumerate() {
        for (id, text) in &collection.dataset.queries {
            let engine =
                Engine::new(collection.first_stage(id, first)?).with_reranker(reranker.clone());
            let scored =
                engine.score(&request(text, args.max_depth).with_fusion(Fusion::Rerank))?;
            let prefixes: Vec<ScoredCandidates> =
                depths.iter().map(|depth| scored.prefix(*depth)).collect();
            for (times, prefix) in times.iter_mut().zip(&prefixes) {
                times.push(milliseconds(&scored, prefix));
            }
            for (setting, values) in settings.iter().zip(&mut values) {
                let at = depths.iter().position(|depth| *depth == setting.depth);
                let documents = match at {
                    Some(at) => prefixes[at].documents(setting.fusion),
                    None => scored.documents(setting.fusion),
                };
                values[c].push(ndcg10(&documents, &collection.dataset.qrels, id));
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(0.0)
    };
    let milliseconds = depths.into_iter().zip(times.into_iter().map(median)).collect();
    let names = collections.iter().map(|c| c.name.clone()).collect();
    Ok(SecondStage { trials: Trials::judge(settings, values, names, default), milliseconds })
}

/// What a query takes when only a part of its candidates is read: of the time of reranking, the part of the tokens.
fn milliseconds(all: &ScoredCandidates, part: &ScoredCandidates) -> f64 {
    let tokens = |scored: &ScoredCandidates| -> f64 {
        let read = scored.iter().filter_map(|(_, scores)| scores.rerank);
        read.map(|(score, _)| f64::from(score.tokens.unwrap_or(1))).sum()
    };
    let rerank = all.stages().rerank.as_ref().map_or(0.0, |stage| stage.ms);
    all.stages().retrieve.ms + rerank * tokens(part) / tokens(all).max(1.0)
}

fn write_settings(
    args: &TuneArgs,
    first: FirstSetting,
    second: &SecondStage,
) -> anyhow::Result<RankingFile> {
    let SecondSetting { depth, fusion } = second.trials.chosen_setting();
    let file = RankingFile {
        depth: Some(depth),
        fusion: Some(fusion.to_string()),
        k1: Some(first.k1),
        b: Some(first.b),
        k3: None,
        field_weights: Some(first.weights().to_string()),
    };
    fs::write(&args.output, serde_json::to_string_pretty(&file)? + "\n")
        .with_context(|| format!("cannot write {}", args.output.display()))?;
    Ok(file)
}

/// All that was found out.
struct Tuned {
    first: Trials<FirstSetting>,
    second: SecondStage,
}

impl Tuned {
    fn text(&self) -> String {
        let mut text = self.first.text("BM25", FirstSetting::name);
        text.push('\n');
        text.push_str(&self.second.trials.text("depth and fusion", SecondSetting::name));
        text.push('\n');
        text
    }
}
