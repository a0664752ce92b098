//! `vizsla model`: everything about the models that rerank.

mod bench;

use crate::Outcome;
use crate::args::ModelCommand;

pub(crate) fn run(command: &ModelCommand) -> anyhow::Result<Outcome> {
    match command {
        ModelCommand::Bench(args) => bench::run(args),
    }
}
