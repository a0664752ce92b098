//! Starts another search engine for as long as a command runs: `cargo xtask engine opensearch --nodes 3 -- COMMAND`.
//!
//! The command finds the address in `VIZSLA_ENGINE_URL`, to which it adds the name of an index. Engines come from package
//! registries, are kept in `target/engines`, listen on free ports of this machine alone, and keep their data in a folder
//! that is removed with them.

mod java;
mod postgresql;

use std::net::TcpListener;
use std::process::Command;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    /// The engine
    engine: EngineName,
    /// How many nodes it has, where it can have several
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=9))]
    nodes: u32,
    /// What to run with it, after `--`
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    Opensearch,
    /// With ml-commons and its processor `rerank`
    OpensearchMl,
    Solr,
    Postgresql,
}

/// An engine that runs until this is dropped.
pub(crate) trait Running: Send {
    /// Its address, without the name of an index.
    fn url(&self) -> String;
}

/// Starts an engine.
pub(crate) fn start(engine: EngineName, nodes: u32) -> anyhow::Result<Box<dyn Running>> {
    Ok(match engine {
        EngineName::Opensearch => Box::new(java::OPENSEARCH.start(nodes)?),
        EngineName::OpensearchMl => Box::new(java::OPENSEARCH_ML.start(nodes)?),
        EngineName::Solr => Box::new(java::SOLR.start(nodes)?),
        EngineName::Postgresql if nodes > 1 => bail!("PostgreSQL is started as one server"),
        EngineName::Postgresql => Box::new(postgresql::Server::start()?),
    })
}

/// The engines that the tests search in, each with the variable in which they look for its address.
pub(crate) fn start_all() -> anyhow::Result<Vec<(&'static str, Box<dyn Running>)>> {
    let all = [
        ("VIZSLA_TEST_OPENSEARCH", EngineName::Opensearch),
        ("VIZSLA_TEST_SOLR", EngineName::Solr),
        ("VIZSLA_TEST_POSTGRESQL", EngineName::Postgresql),
    ];
    all.into_iter().map(|(variable, engine)| Ok((variable, start(engine, 1)?))).collect()
}

pub(crate) fn run(args: &EngineArgs) -> anyhow::Result<()> {
    let running = start(args.engine, args.nodes)?;
    let (program, rest) = args.command.split_first().context("name a command after --")?;
    println!("VIZSLA_ENGINE_URL={}", running.url());
    let status = Command::new(program)
        .args(rest)
        .env("VIZSLA_ENGINE_URL", running.url())
        .status()
        .with_context(|| format!("cannot run {program}"))?;
    drop(running);
    if status.success() { Ok(()) } else { bail!("{program} failed ({status})") }
}

/// Ports that are free now.
fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    let listeners = (0..count).map(|_| TcpListener::bind("127.0.0.1:0"));
    let listeners = listeners.collect::<Result<Vec<_>, _>>().context("no port is free")?;
    let ports = listeners.iter().map(|listener| Ok(listener.local_addr()?.port()));
    ports.collect()
}
