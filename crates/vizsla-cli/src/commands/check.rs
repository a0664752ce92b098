//! `vizsla check` and `vizsla repair`: what is damaged in an index, and mending it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use vizsla::Index;

use crate::args::{Cli, Command, IndexDir, RepairArgs};
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
    if args.no_reindex || (there.is_empty() && gone.is_empty()) {
        if !there.is_empty() {
            output::line("index the sources again to bring them back")?;
        }
    } else {
        if !gone.is_empty() {
            let first = gone[0].display();
            output::note(&format!("{} of the files are gone, {first} the first", gone.len()));
        }
        if !there.is_empty() {
            reindex(dir, &there)?;
        }
    }
    let lost = report.passages_lost > 0 && report.files.is_empty();
    if lost {
        output::note("what was lost came from no file: add it again the way it was added");
    }
    Ok(if gone_or_lost(&report.files, lost) { Outcome::Partial } else { Outcome::Success })
}

fn gone_or_lost(files: &[String], lost: bool) -> bool {
    lost || files.iter().any(|path| !Path::new(path).is_file())
}

/// Reads the files again as `vizsla index` does.
fn reindex(dir: &Path, files: &[PathBuf]) -> anyhow::Result<()> {
    let mut typed: Vec<std::ffi::OsString> =
        ["vizsla", "index", "--hidden", "--no-ignore", "--index"].map(Into::into).into();
    typed.push(dir.into());
    typed.push("--".into());
    typed.extend(files.iter().map(Into::into));
    let Command::Index(args) = <Cli as clap::Parser>::try_parse_from(typed)?.command else {
        anyhow::bail!("not an index command")
    };
    super::index::update(&args).context("cannot read the files again")?.print()?;
    Ok(())
}
