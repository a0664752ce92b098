//! `vizsla completions` and `vizsla man-pages`: what shells and `man` read about this program.

use std::fs;

use anyhow::Context;

use crate::args::{self, Cli, CompletionsArgs, ManPagesArgs};
use crate::{Outcome, output};

pub(crate) fn completions(args: &CompletionsArgs) -> anyhow::Result<Outcome> {
    output::raw(&String::from_utf8_lossy(&args::completions::<Cli>(args.shell)))?;
    Ok(Outcome::Success)
}

pub(crate) fn manual_pages(args: &ManPagesArgs) -> anyhow::Result<Outcome> {
    let dir = args.dir.display();
    fs::create_dir_all(&args.dir)
        .and_then(|()| args::manual_pages::<Cli>(&args.dir))
        .with_context(|| format!("cannot write manual pages to {dir}"))?;
    output::line(&format!("wrote manual pages to {dir}"))?;
    Ok(Outcome::Success)
}
