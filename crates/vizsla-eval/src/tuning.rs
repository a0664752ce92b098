//! Chooses settings by trying them on judged collections.
//!
//! First k1, b and the weight of titles are chosen by BM25's own nDCG@10; then, after one scoring of the candidates, depth and
//! fusion by that of the fused ranking. [`Trials`] says how reliable each choice is.

use std::sync::Arc;

use serde::Serialize;
use vizsla::{
    Engine, FieldWeights, Fusion, FusionPolicy, QuerySyntax, Reranker, ScoredCandidates,
    SearchRequest, SearchSettings,
};

use crate::collection::JudgedQuery;
use crate::error::{Error, ErrorKind, Result};
use crate::evaluation::{Observer, search_failed};
use crate::metrics::{Qrels, ndcg};
use crate::testbed::Testbed;
use crate::trials::Trials;

const K1: [f32; 6] = [0.4, 0.6, 0.9, 1.2, 1.6, 2.0];
const B: [f32; 6] = [0.2, 0.3, 0.4, 0.55, 0.75, 0.9];
const TITLE: [f32; 5] = [0.0, 0.25, 0.5, 1.0, 2.0];
const DEPTHS: [usize; 7] = [10, 20, 30, 50, 75, 100, 200];
const WEIGHTS: [f32; 11] = [0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9];
/// Enough first-stage candidates for ten documents of several passages each.
const FIRST_STAGE_DEPTH: usize = 30;

/// Parameters of BM25.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FirstSetting {
    /// How soon further occurrences of a word stop counting.
    pub k1: f32,
    /// How much long passages are penalised.
    pub b: f32,
    /// The additional weight of a match in the title.
    pub title: f32,
}

impl FirstSetting {
    const DEFAULT: Self = Self { k1: 0.9, b: 0.4, title: 0.0 };

    fn settings(self) -> SearchSettings {
        let weights = FieldWeights::default().with_title(self.title);
        let mut settings = SearchSettings::default();
        settings.k1 = Some(self.k1);
        settings.b = Some(self.b);
        settings.field_weights = Some(weights);
        settings
    }
}

/// Depth and fusion.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SecondSetting {
    /// How many candidates are read.
    pub depth: usize,
    /// How the rankings are combined.
    pub fusion: FusionPolicy,
}

impl SecondSetting {
    /// A depth and a fusion.
    pub fn new(depth: usize, fusion: impl Into<FusionPolicy>) -> Self {
        Self { depth, fusion: fusion.into() }
    }
}

/// What [`tune_second_stage`] found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SecondStage {
    /// Every depth with every fusion.
    pub trials: Trials<SecondSetting>,
    /// By depth, the median query time in milliseconds: BM25, and the share of the reranking time that the candidates have
    /// in the tokens that were read.
    pub milliseconds: Vec<(usize, f64)>,
}

/// The settings that tuning chose for both stages.
pub fn tuned_settings(first: &Trials<FirstSetting>, second: &SecondStage) -> SearchSettings {
    let SecondSetting { depth, fusion } = second.trials.selected();
    let mut settings = first.selected().settings();
    settings.depth = Some(depth);
    settings.fusion = Some(fusion);
    settings
}

/// Tries 180 settings of BM25. Cost: a search for each of them and each query.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] without collections, [`ErrorKind::Search`] when a query cannot be ranked.
pub fn tune_first_stage(
    testbeds: &[Testbed],
    observer: &dyn Observer,
) -> Result<Trials<FirstSetting>> {
    let mut settings = Vec::new();
    for k1 in K1 {
        for b in B {
            settings.extend(TITLE.map(|title| FirstSetting { k1, b, title }));
        }
    }
    let queries = count_queries(testbeds)?;
    observer.begin(settings.len() as u64 * queries, "BM25 searches");
    let mut values = Vec::new();
    for setting in &settings {
        let mut by_collection = Vec::new();
        for testbed in testbeds {
            let mut by_query = Vec::new();
            for query in &testbed.collection.queries {
                let scored = score(testbed, *setting, None, query, FIRST_STAGE_DEPTH)?;
                by_query.push(ndcg10(scored.as_ref(), Fusion::Retrieval, testbed, query));
                observer.advance();
            }
            by_collection.push(by_query);
        }
        values.push(by_collection);
    }
    observer.end();
    Ok(Trials::judge(settings, values, names(testbeds), FirstSetting::DEFAULT))
}

/// Tries fusions at depths up to `max_depth`, over the candidates of one BM25 setting. Cost: reading `max_depth` candidates per
/// query, once.
///
/// # Errors
/// As [`tune_first_stage`].
pub fn tune_second_stage(
    testbeds: &[Testbed],
    first: FirstSetting,
    reranker: &Arc<dyn Reranker>,
    max_depth: usize,
    observer: &dyn Observer,
) -> Result<SecondStage> {
    let max_depth = max_depth.max(1);
    let depths: Vec<usize> =
        DEPTHS.into_iter().filter(|depth| *depth < max_depth).chain([max_depth]).collect();
    let (settings, default) = second_settings(&depths, max_depth);
    observer.begin(count_queries(testbeds)?, "queries");
    let mut values = vec![vec![Vec::new(); testbeds.len()]; settings.len()];
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); depths.len()];
    for (c, testbed) in testbeds.iter().enumerate() {
        for query in &testbed.collection.queries {
            let parts =
                Parts::of(score(testbed, first, Some(reranker), query, max_depth)?, &depths);
            for (times, ms) in times.iter_mut().zip(parts.milliseconds()) {
                times.push(ms);
            }
            for (setting, values) in settings.iter().zip(&mut values) {
                let scored = parts.at(setting.depth);
                values[c].push(ndcg10(scored, setting.fusion, testbed, query));
            }
            observer.advance();
        }
    }
    observer.end();
    let milliseconds = depths.into_iter().zip(times.into_iter().map(median)).collect();
    let trials = Trials::judge(settings, values, names(testbeds), default);
    Ok(SecondStage { trials, milliseconds })
}

/// One scoring of a query's candidates, as if only so many of them had been read; nothing for a query without text.
struct Parts {
    all: Option<ScoredCandidates>,
    /// By depth.
    parts: Vec<(usize, ScoredCandidates)>,
}

impl Parts {
    fn of(all: Option<ScoredCandidates>, depths: &[usize]) -> Self {
        let part = |depth: &usize| Some((*depth, all.as_ref()?.prefix(*depth)));
        let parts = depths.iter().filter_map(part).collect();
        Self { all, parts }
    }

    fn at(&self, depth: usize) -> Option<&ScoredCandidates> {
        let part = self.parts.iter().find(|(known, _)| *known == depth);
        part.map(|(_, part)| part).or(self.all.as_ref())
    }

    /// The query's time at each depth: reranking counts in proportion to the tokens.
    fn milliseconds(&self) -> Vec<f64> {
        let Some(all) = &self.all else { return Vec::new() };
        let tokens = |scored: &ScoredCandidates| -> f64 {
            let read = scored.iter().filter_map(|(_, scores)| scores.rerank);
            read.map(|(score, _)| f64::from(score.tokens.unwrap_or(1))).sum()
        };
        let rerank = all.stages().rerank.as_ref().map_or(0.0, |stage| stage.ms);
        let per_token = rerank / tokens(all).max(1.0);
        self.parts
            .iter()
            .map(|(_, part)| all.stages().retrieve.ms + per_token * tokens(part))
            .collect()
    }
}

/// Every depth with every fusion, and which of them is the default.
fn second_settings(depths: &[usize], max_depth: usize) -> (Vec<SecondSetting>, SecondSetting) {
    let at_depth = |depth: &usize| {
        let depth = *depth;
        fusions().into_iter().map(move |fusion| SecondSetting { depth, fusion })
    };
    let mut settings: Vec<SecondSetting> = depths.iter().flat_map(at_depth).collect();
    let default =
        SecondSetting::new(SearchRequest::DEFAULT_DEPTH.min(max_depth), Fusion::default());
    if !settings.contains(&default) {
        settings.push(default);
    }
    (settings, default)
}

fn fusions() -> Vec<FusionPolicy> {
    let mut fusions = vec![Fusion::Rerank, Fusion::PositionAware];
    fusions.extend([10.0, 30.0, 60.0].map(|k| Fusion::Rrf { k }));
    let weights = [0.5, 0.75, 1.0, 1.25, 1.5, 2.0];
    fusions.extend(weights.map(|retrieval_weight| Fusion::LogOdds { retrieval_weight }));
    for rerank_weight in WEIGHTS {
        fusions.extend([
            Fusion::Linear { rerank_weight },
            Fusion::ZScore { rerank_weight },
            Fusion::RankBiased { rerank_weight },
            Fusion::Calibrated { rerank_weight },
        ]);
    }
    fusions.into_iter().map(Into::into).chain([FusionPolicy::Auto]).collect()
}

/// The candidates of a query with the scores of both stages; `None` for a query without text.
fn score(
    testbed: &Testbed,
    first: FirstSetting,
    reranker: Option<&Arc<dyn Reranker>>,
    query: &JudgedQuery,
    depth: usize,
) -> Result<Option<ScoredCandidates>> {
    if query.text.trim().is_empty() {
        return Ok(None);
    }
    let settings = first.settings();
    let retriever = || settings.retriever(testbed.corpus.index());
    let mut engine = Engine::new(testbed.first_stage(&query.id, retriever)?);
    let mut fusion = Fusion::Retrieval;
    if let Some(reranker) = reranker {
        engine = engine.with_reranker(reranker.clone());
        fusion = Fusion::Rerank;
    }
    let request = SearchRequest::new(&query.text)
        .with_syntax(QuerySyntax::Words)
        .with_depth(depth)
        .with_fusion(fusion);
    let scored = engine.score(&request).map_err(|error| search_failed(&query.id, error.into()))?;
    Ok(Some(scored))
}

fn ndcg10(
    scored: Option<&ScoredCandidates>,
    fusion: impl Into<FusionPolicy>,
    testbed: &Testbed,
    query: &JudgedQuery,
) -> f64 {
    let qrels: &Qrels = &testbed.collection.qrels;
    let Some((scored, grades)) = scored.zip(qrels.get(&query.id)) else { return 0.0 };
    let documents = scored.documents(fusion);
    let ids: Vec<&str> = documents.iter().map(|(id, _)| *id).collect();
    ndcg(&ids, grades, 10)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

fn count_queries(testbeds: &[Testbed]) -> Result<u64> {
    if testbeds.is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, "there is no collection to tune on"));
    }
    Ok(testbeds.iter().map(|testbed| testbed.collection.queries.len() as u64).sum())
}

fn names(testbeds: &[Testbed]) -> Vec<String> {
    testbeds.iter().map(|testbed| testbed.name.clone()).collect()
}
