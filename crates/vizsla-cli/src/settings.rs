//! Turns arguments into what the libraries take.

use std::path::{Path, PathBuf};

use anyhow::Context;
use vizsla::SearchSettings;
use vizsla::onnx::{CrossEncoder, CrossEncoderOptions};
use vizsla_models::{ModelRef, Models};

use crate::args::{ModelArgs, RankingArgs};

/// The name that selects the bundled model.
pub(crate) const BUNDLED: &str = vizsla_bundled::NAME;

/// Opens the requested model, or the bundled one. Never opens a connection.
pub(crate) fn open_reranker(args: &ModelArgs) -> anyhow::Result<CrossEncoder> {
    Ok(models(args).open(&model(args)?, &encoder_options(args))?)
}

/// The requested model, or the bundled one.
pub(crate) fn model(args: &ModelArgs) -> anyhow::Result<ModelRef> {
    Ok(args.model.as_deref().map(str::parse).transpose()?.unwrap_or_default())
}

/// Where models and the library that runs them are.
pub(crate) fn models(args: &ModelArgs) -> Models {
    let models = Models::from_env();
    match &args.onnxruntime {
        Some(library) => models.with_runtime(library),
        None => models,
    }
}

/// How to run the model.
pub(crate) fn encoder_options(args: &ModelArgs) -> CrossEncoderOptions {
    let mut options = CrossEncoderOptions::default().with_device(args.device);
    if let Some(threads) = args.threads {
        options = options.with_threads(threads as usize);
    }
    if args.no_score_cache {
        options = options.with_cache(0);
    }
    if let Some(file) = &args.model_file {
        options = options.with_file(file);
    }
    options
}

/// Flags first, then the settings file.
pub(crate) fn search_settings(args: &RankingArgs) -> anyhow::Result<SearchSettings> {
    let file = match &args.settings {
        Some(path) => read_settings(path)?,
        None => SearchSettings::default(),
    };
    let first = &args.first_stage;
    let mut flags = SearchSettings::default();
    flags.depth = args.depth;
    flags.fusion = args.fusion;
    flags.k1 = first.k1;
    flags.b = first.b;
    flags.k3 = first.k3;
    flags.field_weights = first.field_weights;
    flags.rm3 = first.rm3.then_some(true);
    flags.fuzzy = first.fuzzy.then_some(true);
    if let Some(budget) = args.budget {
        flags = flags.with_budget(budget);
    }
    Ok(flags.or(file))
}

fn read_settings(path: &Path) -> anyhow::Result<SearchSettings> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the settings {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} does not hold search settings", path.display()))
}

/// The folder that the program was started in.
pub(crate) fn working_folder() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the one place that knows the working folder")]
    std::env::current_dir().ok()
}

/// The index that the user has chosen for all folders without one of their own.
pub(crate) fn index_variable() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the program's environment"
    )]
    std::env::var_os("VIZSLA_INDEX").filter(|dir| !dir.is_empty()).map(PathBuf::from)
}

/// The path as it would be typed from here.
pub(crate) fn relative(path: &str) -> String {
    let here = working_folder();
    let relative = here.as_deref().and_then(|here| Path::new(path).strip_prefix(here).ok());
    relative.map_or_else(|| path.to_owned(), |relative| relative.display().to_string())
}

/// Whether a panic should print where it came from.
pub(crate) fn wants_backtraces() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the program's environment"
    )]
    std::env::var_os("RUST_BACKTRACE").is_some()
}
