//! `vizsla index`: brings an index in line with its sources.

use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use vizsla::CancelHandle;
use vizsla_ingest::{Problem, Report, Source, Sync};

use crate::args::IndexArgs;
use crate::index_settings::check_sources;
use crate::place::Place;
use crate::progress::IndexProgress;
use crate::{Outcome, interrupt, output, workers};

pub(crate) fn run(args: &IndexArgs) -> anyhow::Result<Outcome> {
    let cancel = interrupt::listen()?;
    let (place, sources) = Place::of(args)?;
    let report = if sources.is_empty() {
        update(&place, args, &cancel)
    } else {
        add(&place, &sources, args, &cancel)
    }?;
    if args.json {
        output::json(&report)?;
    } else {
        output::print_report(&report, args.verbose)?;
    }
    let failed = |problem: &Problem| !problem.kind.is_note();
    Ok(if report.problems.iter().any(failed) { Outcome::Partial } else { Outcome::Success })
}

/// Reads sources with the options given.
fn add(
    place: &Place<'_>,
    sources: &[PathBuf],
    args: &IndexArgs,
    cancel: &CancelHandle,
) -> anyhow::Result<Report> {
    check_sources(sources)?;
    let sync = Sync::new(args.sync_options()).with_workers(workers::command_for(&args.reading)?);
    let index = place.open_or_create(args)?;
    let sources = sources.iter().map(|path| source(path)).collect();
    let report = sync
        .run(&*index, sources, &IndexProgress::default(), cancel)
        .map_err(|error| place.failed(error))?;
    // Such as the former name of the folder that was just read.
    let roots = Sync::remembered(&*index)?.into_iter().flat_map(|(_, roots)| roots);
    for gone in roots.filter(|root| !root.exists()) {
        let name = gone.display();
        output::note(&format!(
            "the source {name} is no longer there: `vizsla index --prune` forgets it and its documents"
        ));
    }
    Ok(report)
}

/// Reads the sources of earlier runs again, with the same options and what is given now.
fn update(place: &Place<'_>, args: &IndexArgs, cancel: &CancelHandle) -> anyhow::Result<Report> {
    let index = place.open()?;
    let remembered = Sync::remembered(&*index)?;
    if remembered.is_empty() {
        anyhow::bail!("the index remembers no sources: name files or folders to index");
    }
    let mut report = Report::default();
    for (sync, roots) in remembered {
        let sources = roots.into_iter().map(Source::Path).collect();
        let sync = Sync::new(args.added_to(sync.options().clone()))
            .with_missing_sources_reported()
            .with_workers(workers::command_for(&args.reading)?);
        let run = sync.run(&*index, sources, &IndexProgress::default(), cancel);
        report.merge(run.map_err(|error| place.failed(error))?);
    }
    Ok(report)
}

fn source(path: &Path) -> Source {
    if path.as_os_str() == "-" {
        let reader = Box::new(BufReader::new(io::stdin()));
        return Source::JsonLines { name: "-".to_owned(), reader };
    }
    Source::Path(path.to_owned())
}
