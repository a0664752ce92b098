//! `vizsla model import`: a model's folder, obtained by other means, into the cache.

use vizsla_models::Models;

use crate::args::ModelImportArgs;
use crate::{Outcome, output};

pub(crate) fn run(args: &ModelImportArgs) -> anyhow::Result<Outcome> {
    let imported = Models::from_env().import(&args.dir, &args.name.parse()?)?;
    output::line(&format!(
        "{}\n{} imported; use it with --model {}",
        imported.dir.display(),
        output::counted(imported.files, "file", "files"),
        args.name
    ))?;
    Ok(Outcome::Success)
}
