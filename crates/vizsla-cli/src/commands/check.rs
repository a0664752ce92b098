//! `vizsla check` and `vizsla repair`: what is damaged in an index, and mending it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use vizsla::Index;

use crate::args::{IndexArgs, IndexDir, RepairArgs};
use crate::{Outcome, output};

pub(crate) fn check(args: &IndexDir) -> anyhow::Result<Outcome> {
    let report = Index::check(&args.index)?;
    if report.problems.is_empty() {
        output::line(&format!(
            "the index is whole: {} passages, {} verified",
            report.passages,
            indicatif::HumanBytes(report.bytes)
        ))?;
        return Ok(Outcome::Success);
    }
    report.problems.iter().for_each(|problem| output::note(problem));
    anyhow::bail!(
        "the index is damaged in {} places: `vizsla repair --index {}` mends what can be mended",
        report.problems.len(),
        args.index.display()
    )
}

pub(crate) fn repair(args: &RepairArgs) -> anyhow::Result<Outcome> {
    let dir = &args.index.index;
    let report = Index::repair(dir)?;
    if report.problems.is_empty() {
        output::line("the index is whole: there is nothing to repair")?;
        return Ok(Outcome::Success);
    }
    report.problems.iter().for_each(|problem| output::note(problem));
    output::line(&format!(
        "{} damaged parts dropped with {} passages, of {} files",
        report.segments_dropped,
        report.passages_lost,
        report.files.len()
    ))?;
    let (there, gone): (Vec<PathBuf>, Vec<PathBuf>) =
        report.files.iter().map(PathBuf::from).partition(|path| path.is_file());
    if !args.no_reindex {
        if let Some(first) = gone.first() {
            output::note(&format!(
                "{} of the files are gone, {} the first",
                gone.len(),
                first.display()
            ));
        }
        if !there.is_empty() {
            reindex(dir, &there)?;
        }
    } else if !there.is_empty() {
        output::line("index the sources again to bring them back")?;
    }
    let lost = report.passages_lost > 0 && report.files.is_empty();
    if lost {
        output::note("what was lost came from no file: add it again the way it was added");
    }
    Ok(if lost || !gone.is_empty() { Outcome::Partial } else { Outcome::Success })
}

/// Reads the files again as `vizsla index` does.
fn reindex(dir: &Path, files: &[PathBuf]) -> anyhow::Result<()> {
    let mut flags: Vec<std::ffi::OsString> =
        ["--hidden", "--no-ignore", "--index"].map(Into::into).into();
    flags.push(dir.into());
    flags.push("--".into());
    flags.extend(files.iter().map(Into::into));
    let args = IndexArgs::as_typed(flags)?;
    super::index::update(&args).context("cannot read the files again")?.print()?;
    Ok(())
}
