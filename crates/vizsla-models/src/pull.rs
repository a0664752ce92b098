//! `vizsla model pull`: a model from the hub into the cache. The only command besides `setup` that opens connections.

use anyhow::{Context, bail};
use vizsla::onnx::best_file;
use vizsla_hub::catalogue::File;
use vizsla_hub::{Cache, Hub};

use super::repository;
use crate::args::ModelPullArgs;
use crate::progress::FetchProgress;
use crate::settings::BUNDLED;
use crate::{Outcome, output};

/// What a model cannot do without, and what it says about itself.
const REQUIRED: [&str; 2] = ["config.json", "tokenizer.json"];
const OPTIONAL: &str = "tokenizer_config.json";

pub(crate) fn run(args: &ModelPullArgs) -> anyhow::Result<Outcome> {
    let name = &args.name.model;
    if name == BUNDLED {
        bail!("the model {BUNDLED} is part of this program: there is nothing to fetch");
    }
    let (repository, entry) = repository(name)?;
    let (cache, hub) = (Cache::from_env()?, Hub::from_env());
    let known = entry.map(|entry| entry.files).filter(|files| !files.is_empty());
    let available = match known {
        Some(files) => files,
        None => hub.files(&repository)?.files,
    };
    let wanted = choose(&available, &args.file)
        .with_context(|| format!("{repository} cannot be used for reranking"))?;
    let pulled = hub.pull(&cache, &repository, &wanted, &FetchProgress::new())?;
    for file in &wanted {
        output::line(&format!("{} ok", file.path))?;
    }
    output::line(&format!(
        "{}\n{} MB fetched; use it with --model {name}",
        pulled.snapshot.display(),
        pulled.fetched_bytes / 1_000_000
    ))?;
    Ok(Outcome::Success)
}

/// The model's descriptions and its ONNX file for this processor, or those named.
fn choose(available: &[File], named: &[String]) -> anyhow::Result<Vec<File>> {
    let find = |path: &str| available.iter().find(|file| file.path == path).cloned();
    let mut wanted = Vec::new();
    for path in REQUIRED {
        wanted.push(find(path).with_context(|| format!("it has no {path}"))?);
    }
    wanted.extend(find(OPTIONAL));
    let onnx: Vec<&str> = available
        .iter()
        .map(|file| file.path.as_str())
        .filter(|path| {
            path.ends_with(".onnx") && (path.starts_with("onnx/") || !path.contains('/'))
        })
        .collect();
    if named.is_empty() {
        let best = best_file(&onnx).context(
            "it has no ONNX file for a CPU: export it with `optimum-cli export onnx --task text-classification`, \
             then give --model the folder",
        )?;
        wanted.extend(find(best));
    }
    for path in named {
        let file = find(path)
            .with_context(|| format!("it has no file {path}; it has {}", onnx.join(", ")))?;
        wanted.push(file);
    }
    Ok(wanted)
}
