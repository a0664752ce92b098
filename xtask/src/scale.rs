//! `cargo xtask bench engine`: many passages in a cluster of another engine, and what the second stage costs beside it.

use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use crate::engine::{self, EngineName};
use crate::{release_program, root, run};

#[derive(Debug, Args)]
pub(crate) struct ScaleArgs {
    /// Real text: JSON Lines with "text", compressed by gzip or not
    #[arg(long, value_name = "FILE")]
    text: PathBuf,
    /// How many passages are made of it
    #[arg(long, default_value_t = 1_000_000)]
    passages: usize,
    /// How many nodes of OpenSearch hold them, each one shard
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=9))]
    nodes: u32,
    /// The program to measure [default: a release build]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

pub(crate) fn bench(args: &ScaleArgs) -> anyhow::Result<()> {
    let program = release_program(args.program.as_deref())?;
    let text = args.text.canonicalize()?;
    let folder = tempfile::tempdir()?;
    let running = engine::start(EngineName::Opensearch, args.nodes)?;
    let mut asking = Command::new("python3");
    asking.arg(root().join("xtask/engine_scale.py")).arg(program).arg(text);
    asking.arg(args.passages.to_string()).arg(folder.path());
    run(asking.env("VIZSLA_ENGINE_URL", running.url()), &[0])
}
