//! `vizsla model`: everything about rerank models. One file per verb.

mod bench;
mod import;
mod info;
mod list;
mod pull;
mod quantize;
mod verify;

use vizsla_models::Models;

use crate::args::{ModelCommand, ModelNameArgs};
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
    let dir = Models::from_env().dir(&args.model.parse()?)?;
    output::line(&dir.display().to_string())?;
    Ok(Outcome::Success)
}
