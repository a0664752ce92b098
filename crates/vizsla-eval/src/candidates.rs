//! The corpus of a judged collection as an index, and the first stages that an evaluation takes candidates from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, bail};
use vizsla::{
    Advice, BoxError, Candidate, Index, IndexRetriever, Ranking, RetrieveRequest, Retriever,
};

use crate::args::{CorpusArgs, IndexArgs};
use crate::commands;

/// An indexed corpus.
pub(crate) struct Corpus {
    pub(crate) index: Index,
    /// Keeps a temporary folder as long as the index is used.
    _scratch: Option<ScratchDir>,
}

impl Corpus {
    /// Indexes the corpus of a collection in `dir`, or in a folder that goes away with it.
    pub(crate) fn index(
        dataset: &Path,
        dir: Option<&Path>,
        args: &CorpusArgs,
    ) -> anyhow::Result<Self> {
        let scratch = if dir.is_none() { Some(ScratchDir::new()?) } else { None };
        let dir = match (dir, &scratch) {
            (Some(dir), _) => dir.to_owned(),
            (None, Some(scratch)) => scratch.0.join("index"),
            (None, None) => bail!("there is no folder for the index"),
        };
        let index = build_index(&dataset.join("corpus.jsonl"), &dir, args)?;
        Ok(Self { index, _scratch: scratch })
    }
}

/// Builds or updates the index of a corpus, as `vizsla index` does.
fn build_index(corpus: &Path, dir: &Path, args: &CorpusArgs) -> anyhow::Result<Index> {
    let mut typed: Vec<OsString> =
        [corpus.as_os_str(), "--index".as_ref(), dir.as_os_str()].map(ToOwned::to_owned).into();
    if let Some(language) = args.language {
        typed.extend(["--language".into(), language.to_string().into()]);
    }
    if let Some(tokens) = args.passage_tokens {
        typed.extend(["--passage-tokens".into(), tokens.to_string().into()]);
    }
    if args.separate_body {
        typed.push("--separate-body".into());
    }
    let args = IndexArgs::as_typed(typed)?;
    let report = commands::index::update(&args)?;
    if let Some(problem) = report.first_problem() {
        bail!("the corpus cannot be evaluated while part of it is unreadable: {problem}");
    }
    Ok(Index::open(dir)?)
}

/// Where candidates come from.
#[derive(Debug)]
pub(crate) enum FirstStage {
    Bm25(Box<IndexRetriever>),
    Given(Ranking<Candidate>),
}

impl FirstStage {
    /// The passages of a given ranking of documents, each with its document's score.
    pub(crate) fn given(index: &Index, documents: &[(String, f32)]) -> anyhow::Result<Self> {
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
pub(crate) struct Dropping {
    pub(crate) first_stage: FirstStage,
    pub(crate) dropped: Option<String>,
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

    fn advise(&self, request: &RetrieveRequest) -> Result<Advice, BoxError> {
        match &self.first_stage {
            FirstStage::Bm25(retriever) => retriever.advise(request),
            FirstStage::Given(_) => Ok(Advice::default()),
        }
    }
}

/// A folder that goes away with the program.
struct ScratchDir(PathBuf);

impl ScratchDir {
    fn new() -> anyhow::Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("vizsla-eval-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
