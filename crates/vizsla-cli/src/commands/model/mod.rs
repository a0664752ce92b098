//! `vizsla model`: everything about the models that rerank. One verb, one file.

mod bench;
mod import;
mod info;
mod list;
mod pull;
mod quantize;
mod verify;

use anyhow::bail;
use vizsla_hub::Repository;
use vizsla_hub::catalogue::{self, Entry};

use crate::args::{ModelCommand, ModelNameArgs};
use crate::settings::{BUNDLED, model_dir};
use crate::{Outcome, output};

pub(crate) fn run(command: &ModelCommand) -> anyhow::Result<Outcome> {
    match command {
        ModelCommand::List(args) => list::run(args),
        ModelCommand::Pull(args) => pull::run(args),
        ModelCommand::Verify(args) => verify::run(args),
        ModelCommand::Info(args) => info::run(args),
        ModelCommand::Where(args) => locate(args),
        ModelCommand::Import(args) => import::run(args),
        ModelCommand::Quantize(args) => quantize::run(args),
        ModelCommand::Bench(args) => bench::run(args),
    }
}

fn locate(args: &ModelNameArgs) -> anyhow::Result<Outcome> {
    if args.model == BUNDLED {
        bail!("the model {BUNDLED} is part of this program and lies in no folder");
    }
    output::line(&model_dir(&args.model)?.display().to_string())?;
    Ok(Outcome::Success)
}

/// The repository of a name, and its entry if it is catalogued at that revision.
fn repository(name: &str) -> anyhow::Result<(Repository, Option<Entry>)> {
    let (plain, revision) = match name.split_once('@') {
        Some((plain, revision)) => (plain, Some(revision)),
        None => (name, None),
    };
    let entry = catalogue::find(plain);
    let Some(entry) = entry else {
        if !plain.contains('/') {
            bail!(
                "there is no model {name:?}: name one that `vizsla model list` shows, or organisation/name@revision"
            );
        }
        return Ok((name.parse()?, None));
    };
    let pinned = entry.revision.as_deref();
    let wanted = revision.or(pinned).unwrap_or("main");
    let repository = Repository::new(&entry.repository, wanted)?;
    let is_pinned = revision.is_none() || revision == pinned;
    Ok((repository, is_pinned.then_some(entry)))
}
