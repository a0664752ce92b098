//! `vizsla tune`: the best settings for judged collections, and how reliable they are.

mod report;
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use vizsla::{Reranker, SearchSettings};
use vizsla_eval::{
    Collection, CollectionOptions, Corpus, CorpusOptions, FirstSetting, SecondStage, Testbed,
    Trials, read_run, tune_first_stage, tune_second_stage, tuned_settings,
};

use crate::args::TuneArgs;
use crate::progress::WorkProgress;
use crate::settings::open_reranker;
use crate::{Outcome, output};

pub(crate) fn run(args: &TuneArgs) -> anyhow::Result<Outcome> {
    let (testbeds, progress) = (open_all(args)?, WorkProgress::default());
    let first = tune_first_stage(&testbeds, &progress)?;
    let reranker: Arc<dyn Reranker> = Arc::new(open_reranker(&args.model)?);
    let chosen = first.selected();
    let second = tune_second_stage(&testbeds, chosen, &reranker, args.max_depth, &progress)?;
    let settings = tuned_settings(&first, &second);
    write_settings(&args.output, &settings)?;
    let tuned = Tuned { first, second };
    output::raw(&tuned.text())?;
    if let Some(path) = &args.html {
        let html = report::html(&tuned, &settings)?;
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

/// Everything that was found.
struct Tuned {
    first: Trials<FirstSetting>,
    second: SecondStage,
}

fn open_all(args: &TuneArgs) -> anyhow::Result<Vec<Testbed>> {
    if args.candidates.len() > args.datasets.len() {
        bail!("there are more --candidates than --dataset");
    }
    let given = |i: usize| args.candidates.get(i).filter(|run| *run != Path::new("-"));
    let datasets = args.datasets.iter().enumerate();
    datasets.map(|(i, dataset)| open(args, dataset, given(i).map(PathBuf::as_path))).collect()
}

fn open(args: &TuneArgs, dataset: &Path, candidates: Option<&Path>) -> anyhow::Result<Testbed> {
    let name = dataset
        .file_name()
        .map_or_else(|| dataset.display().to_string(), |name| name.to_string_lossy().into_owned());
    let mut options = CollectionOptions::default().with_qrels(&args.split);
    options.first = args.queries;
    let collection = Collection::open(dataset, &options)?;
    let candidates = candidates.map(read_run).transpose()?;
    let corpus = match &args.indexes {
        Some(dir) => Corpus::index_in(dataset, &dir.join(&name), &CorpusOptions::default())?,
        None => Corpus::index_temporarily(dataset, &CorpusOptions::default())?,
    };
    let drops = args.drop_query_document.contains(&name);
    let mut testbed = Testbed::new(name, collection, corpus);
    if let Some(run) = candidates {
        testbed = testbed.with_candidates(run);
    }
    Ok(if drops { testbed.without_query_documents() } else { testbed })
}

fn write_settings(path: &Path, settings: &SearchSettings) -> anyhow::Result<()> {
    fs::write(path, serde_json::to_string_pretty(settings)? + "\n")
        .with_context(|| format!("cannot write {}", path.display()))
}
