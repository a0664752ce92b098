//! `vizsla model pull`: a model from the hub into the cache. The only command besides `setup` that opens connections.

use vizsla_hub::Hub;
use vizsla_models::{ModelRef, Models};

use crate::args::ModelPullArgs;
use crate::progress::FetchProgress;
use crate::{Outcome, output};

pub(crate) fn run(args: &ModelPullArgs) -> anyhow::Result<Outcome> {
    let model: ModelRef = args.name.model.parse()?;
    let progress = FetchProgress::new();
    let pulled = Models::from_env().pull(&Hub::from_env(), &model, &args.file, &progress)?;
    for file in &pulled.files {
        output::line(&format!("{file} ok"))?;
    }
    output::line(&format!(
        "{}\n{} MB fetched; use it with --model {}",
        pulled.dir.display(),
        pulled.fetched_bytes / 1_000_000,
        args.name.model
    ))?;
    Ok(Outcome::Success)
}
