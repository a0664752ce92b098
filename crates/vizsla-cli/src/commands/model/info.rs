//! `vizsla model info`: what a model is, and how it runs here.

use std::time::Instant;

use serde::Serialize;
use vizsla::Reranker;
use vizsla_hub::catalogue::{self, Entry};

use crate::args::ModelInfoArgs;
use crate::settings::open_reranker;
use crate::{Outcome, output};

#[derive(Serialize)]
struct Info {
    name: String,
    file: Option<String>,
    max_tokens: usize,
    execution: String,
    threads: usize,
    load_ms: f64,
    catalogue: Option<Entry>,
}

pub(crate) fn run(args: &ModelInfoArgs) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let model = open_reranker(&args.model)?;
    let info = Info {
        name: args.model.model.clone().unwrap_or_else(|| model.name().to_owned()),
        file: model.file().map(|file| file.display().to_string()),
        max_tokens: model.max_tokens(),
        execution: model.execution().to_string(),
        threads: model.threads(),
        load_ms: (start.elapsed().as_secs_f64() * 1e4).round() / 10.0,
        catalogue: args.model.model.as_deref().and_then(catalogue::find),
    };
    if args.json {
        output::json(&info)?;
        return Ok(Outcome::Success);
    }
    output::line(&format!("model      {}", info.name))?;
    output::line(&format!(
        "file       {}",
        info.file.as_deref().unwrap_or("part of this program")
    ))?;
    output::line(&format!("reads      {} tokens at a time", info.max_tokens))?;
    output::line(&format!("runs by    {}", info.execution))?;
    output::line(&format!("threads    {}", info.threads))?;
    output::line(&format!("loaded in  {:.0} ms", info.load_ms))?;
    if let Some(entry) = &info.catalogue {
        output::line(&format!(
            "licence    {}",
            entry.licence.as_deref().unwrap_or("see its page")
        ))?;
        output::line(&format!("languages  {}", entry.languages))?;
        output::line(&format!("quality    {}", entry.quality))?;
    }
    Ok(Outcome::Success)
}
