//! Ranks by each of the two stages alone, and by both.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use vizsla::{
    BoxError, Engine, Fusion, FusionPolicy, QuerySyntax, Reranker, SearchRequest, SearchSettings,
};

use crate::collection::JudgedQuery;
use crate::evaluation::{Cost, RUN_DEPTH, RankedQuery, Ranker};
use crate::testbed::Testbed;

type Documents = Vec<(String, f32)>;

/// Ranks the documents of a [`Testbed`] in three ways at once: `bm25`, the first stage alone down to 1000 documents; `rerank`, by
/// the reranker alone; and `fused`, as a search with the same settings does. Below what the reranker read comes the rest of the
/// first stage, in its order. Without a reranker there is only `bm25`.
pub struct TwoStages<'a> {
    testbed: &'a Testbed,
    settings: SearchSettings,
    reranker: Option<Arc<dyn Reranker>>,
}

impl fmt::Debug for TwoStages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TwoStages");
        debug.field("testbed", &self.testbed.name).field("settings", &self.settings);
        debug.finish_non_exhaustive()
    }
}

impl<'a> TwoStages<'a> {
    /// The first stage alone.
    pub fn new(testbed: &'a Testbed, settings: SearchSettings) -> Self {
        Self { testbed, settings, reranker: None }
    }

    /// Adds the second stage.
    pub fn with_reranker(mut self, reranker: Arc<dyn Reranker>) -> Self {
        self.reranker = Some(reranker);
        self
    }
}

impl Ranker for TwoStages<'_> {
    fn names(&self) -> Vec<String> {
        let names: &[&str] =
            if self.reranker.is_some() { &["bm25", "rerank", "fused"] } else { &["bm25"] };
        names.iter().map(ToString::to_string).collect()
    }

    fn rank(&self, query: &JudgedQuery) -> Result<RankedQuery, BoxError> {
        let settings = &self.settings;
        let index = self.testbed.corpus.index();
        let first_stage = self.testbed.first_stage(&query.id, || settings.retriever(index))?;
        let mut engine = Engine::new(first_stage);
        if let Some(reranker) = &self.reranker {
            engine = engine.with_reranker(reranker.clone());
        }
        let request = |depth, fusion: FusionPolicy| {
            SearchRequest::new(&query.text)
                .with_syntax(QuerySyntax::Words)
                .with_depth(depth)
                .with_fusion(fusion)
        };
        let all =
            engine.score(&request(settings.depth().max(RUN_DEPTH), Fusion::Retrieval.into()))?;
        let bm25 = owned(&all.documents(Fusion::Retrieval));
        let retrieval = FusionPolicy::from(Fusion::Retrieval);
        let fusion = if self.reranker.is_some() { settings.fusion() } else { retrieval };
        let mut reranked = request(settings.depth(), fusion).with_effort(settings.effort());
        if let Some(budget) = settings.budget() {
            reranked = reranked.with_budget(budget);
        }
        let scored = engine.score(&reranked)?;
        let cost = Cost::of(scored.stages());
        if self.reranker.is_none() {
            return Ok(RankedQuery::new(vec![bm25], cost));
        }
        let rerank = with_rest(owned(&scored.documents(Fusion::Rerank)), &bm25);
        let fused = with_rest(owned(&scored.documents(fusion)), &bm25);
        Ok(RankedQuery::new(vec![bm25, rerank, fused], cost))
    }
}

/// What the second stage did not read stays below what it did, in first-stage order.
fn with_rest(mut read: Documents, bm25: &Documents) -> Documents {
    let known: HashSet<String> = read.iter().map(|(id, _)| id.clone()).collect();
    let mut lowest = read.last().map_or(0.0, |(_, score)| *score);
    for (id, _) in bm25.iter().filter(|(id, _)| !known.contains(id)) {
        lowest -= 1.0;
        read.push((id.clone(), lowest));
    }
    read
}

fn owned(documents: &[(&str, f32)]) -> Documents {
    documents.iter().map(|(id, score)| ((*id).to_owned(), *score)).collect()
}
