//! Turns arguments into what the libraries take.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::Context;
use vizsla::SearchSettings;
use vizsla::onnx::{CrossEncoder, CrossEncoderOptions};
use vizsla_models::{ModelRef, Models, RememberingReranker};

use crate::args::{ModelArgs, RankingArgs};

/// The name that selects the bundled model.
pub(crate) const BUNDLED: &str = vizsla_bundled::NAME;

/// Opens the requested model, or the bundled one. Never opens a connection.
pub(crate) fn open_reranker(args: &ModelArgs) -> anyhow::Result<CrossEncoder> {
    Ok(models(args).open(&model(args)?, &encoder_options(args))?)
}

/// The requested model, or the bundled one, opened for passages whose scores are not in the file.
pub(crate) fn remembering_reranker(
    args: &ModelArgs,
    file: PathBuf,
) -> anyhow::Result<RememberingReranker> {
    Ok(RememberingReranker::new(models(args), model(args)?, encoder_options(args), file))
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
    flags.effort = args.effort;
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

static START: OnceLock<Vec<OsString>> = OnceLock::new();

/// Sets how to start this program again, unless it is the file of this process.
pub(crate) fn start_with(command: Option<Vec<OsString>>) {
    if let Some(command) = command {
        // Only the first counts: it is the same in all of a process.
        let _ = START.set(command);
    }
}

/// How to start this program again: a file and arguments.
pub(crate) fn start_command() -> anyhow::Result<(PathBuf, &'static [OsString])> {
    if let Some([program, arguments @ ..]) = START.get().map(Vec::as_slice) {
        return Ok((program.into(), arguments));
    }
    let program = std::env::current_exe().context("this program cannot find its own file")?;
    Ok((program, &[]))
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

/// The credentials for engines whose addresses name no file of them.
#[cfg(feature = "engines")]
pub(crate) fn engine_auth() -> anyhow::Result<Option<vizsla_remote::Secret>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the program's environment"
    )]
    let line = std::env::var("VIZSLA_ENGINE_AUTH").ok().filter(|line| !line.trim().is_empty());
    line.map(|line| line.parse().context("VIZSLA_ENGINE_AUTH")).transpose()
}

/// The token that a running server asks for.
#[cfg(feature = "serve")]
pub(crate) fn token() -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the program's environment"
    )]
    std::env::var("VIZSLA_TOKEN").ok().filter(|token| !token.trim().is_empty())
}

/// The path as it would be typed from here.
pub(crate) fn relative(path: &str) -> String {
    let here = working_folder();
    below(path, here.as_deref()).unwrap_or_else(|| path.to_owned())
}

/// As [`relative`], with a `~` for the home folder, for people to read.
pub(crate) fn short(path: &str) -> String {
    let here = working_folder();
    shortened(path, here.as_deref(), vizsla_hub::runtime::home_dir().as_deref())
}

fn shortened(path: &str, here: Option<&Path>, home: Option<&Path>) -> String {
    let in_home = || below(path, home).map(|rest| Path::new("~").join(rest).display().to_string());
    below(path, here).or_else(in_home).unwrap_or_else(|| path.to_owned())
}

fn below(path: &str, folder: Option<&Path>) -> Option<String> {
    // What is everywhere says nothing.
    let folder = folder.filter(|folder| folder.parent().is_some())?;
    Path::new(path).strip_prefix(folder).ok().map(|rest| rest.display().to_string())
}

/// Whether a panic should print where it came from.
pub(crate) fn wants_backtraces() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the program's environment"
    )]
    std::env::var_os("RUST_BACKTRACE").is_some_and(|wanted| wanted != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_here_or_at_home() {
        let short = |path, here| shortened(path, Some(Path::new(here)), Some(Path::new("/home/a")));
        let typed = |parts: &[&str]| parts.iter().collect::<PathBuf>().display().to_string();
        assert_eq!(short("/home/a/notes/x.md", "/home/a/notes"), "x.md");
        assert_eq!(short("/home/a/notes/x.md", "/srv"), typed(&["~", "notes", "x.md"]));
        assert_eq!(short("/home/ab/x.md", "/"), "/home/ab/x.md");
        assert_eq!(shortened("/x.md", None, Some(Path::new("/"))), "/x.md");
    }
}
