//! `vizsla setup`: puts ONNX Runtime where every other command finds it.

use vizsla_hub::runtime::{self, Source};

use crate::Outcome;
use crate::args::SetupArgs;
use crate::output;
use crate::progress::FetchProgress;

pub(crate) fn run(args: &SetupArgs) -> anyhow::Result<Outcome> {
    let sources = args.from.clone().map_or_else(Source::defaults, |path| vec![Source::Path(path)]);
    let installed = runtime::install(&sources, &FetchProgress::new())?;
    // Checks that this is the library, and new enough, before anybody relies on it.
    vizsla::onnx::Runtime::load(&installed.path)?;
    let (path, version) = (installed.path.display(), runtime::VERSION);
    output::line(&if installed.was_there {
        format!("ONNX Runtime {version} is installed already: {path}")
    } else {
        format!(
            "Installed ONNX Runtime from {}: {path}\nsha256 {}",
            installed.source, installed.sha256
        )
    })?;
    Ok(Outcome::Success)
}
