//! `vizsla model list`: the catalogue, and which models are on this machine.

use std::path::PathBuf;

use serde::Serialize;
use vizsla_hub::Cache;
use vizsla_hub::catalogue::{self, Entry};

use crate::args::ModelListArgs;
use crate::settings::BUNDLED;
use crate::{Outcome, output};

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    entry: Entry,
    /// Where it is, if it is on this machine.
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ModelListArgs) -> anyhow::Result<Outcome> {
    let cache = Cache::from_env()?;
    let listed: Vec<Listed> = catalogue::entries()
        .into_iter()
        .map(|entry| Listed { dir: vizsla_hub::find(&cache, &entry), entry })
        .collect();
    if args.json {
        output::json(&listed)?;
        return Ok(Outcome::Success);
    }
    output::line(&format!("{BUNDLED:<28} part of this program, used unless another is named"))?;
    for Listed { entry, dir } in &listed {
        let state = if dir.is_some() { "here" } else { "-" };
        let licence = entry.licence.as_deref().unwrap_or("see its page");
        output::line(&format!(
            "{:<28} {state:<5} {:>5} tokens  {licence:<12} {}",
            entry.name, entry.max_tokens, entry.quality
        ))?;
    }
    output::note("fetch one with `vizsla model pull NAME`, use it with --model NAME");
    Ok(Outcome::Success)
}
