//! `vizsla check` and `vizsla repair`: what is damaged in an index, and repairing it.

use std::path::Path;

use anyhow::Context as _;
use vizsla::Index;
use vizsla_ingest::{Sync, SyncOptions};

use crate::args::{IndexDir, RepairArgs};
use crate::output::counted;
use crate::progress::IndexProgress;
use crate::{Outcome, index_dir, interrupt, output, workers};

pub(crate) fn check(args: &IndexDir) -> anyhow::Result<Outcome> {
    let dir = index_dir::find(args)?;
    let report = Index::check(&dir)?;
    if report.problems.is_empty() {
        output::line(&format!(
            "the index is intact: {}, {} verified",
            counted(report.passages, "passage", "passages"),
            indicatif::HumanBytes(report.bytes)
        ))?;
        return Ok(Outcome::Success);
    }
    report.problems.iter().for_each(|problem| output::note(problem));
    anyhow::bail!(
        "the index is damaged in {}: `vizsla repair --index {}` repairs what can be repaired",
        counted(report.problems.len(), "place", "places"),
        dir.display()
    )
}

pub(crate) fn repair(args: &RepairArgs) -> anyhow::Result<Outcome> {
    let dir = index_dir::find(&args.index)?;
    let report = Index::repair(&dir)?;
    if report.problems.is_empty() {
        output::line("the index is intact: there is nothing to repair")?;
        return Ok(Outcome::Success);
    }
    report.problems.iter().for_each(|problem| output::note(problem));
    output::line(&format!(
        "dropped {} with {}, from {}",
        counted(report.segments_dropped, "damaged part", "damaged parts"),
        counted(report.passages_lost, "passage", "passages"),
        counted(report.files.len(), "file", "files")
    ))?;
    let (there, gone): (Vec<String>, Vec<String>) =
        report.files.iter().cloned().partition(|path| Path::new(path).is_file());
    if !args.no_reindex {
        if let Some(first) = gone.first() {
            output::note(&format!("{} of the files are gone, {first} first", gone.len()));
        }
        if !there.is_empty() {
            reindex(&dir, &there)?;
        }
    } else if !there.is_empty() {
        output::line("index the sources again to bring them back")?;
    }
    let lost = report.without_file || (report.passages_lost > 0 && report.files.is_empty());
    if lost {
        output::note(
            "documents that came from no file may be lost: add them again the way they were added",
        );
    }
    Ok(if lost || !gone.is_empty() { Outcome::Partial } else { Outcome::Success })
}

/// Reads files again with the options of the earlier run.
fn reindex(dir: &Path, files: &[String]) -> anyhow::Result<()> {
    let cancel = interrupt::listen()?;
    let report = Sync::new(SyncOptions::default())
        .with_workers(workers::command(None)?)
        .reread(&Index::open(dir)?, files, &IndexProgress::default(), &cancel)
        .map_err(|error| interrupt::or_failed(error, dir))
        .with_context(|| {
            format!(
                "the files of the dropped parts could not be read again; `vizsla index --index {}` does it later",
                dir.display()
            )
        })?;
    output::print_report(&report, false)?;
    Ok(())
}
