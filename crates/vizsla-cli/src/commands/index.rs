//! `vizsla index`: brings an index in line with its sources.

use std::io::{self, BufReader};
use std::path::Path;

use vizsla::CancelHandle;
use vizsla_ingest::{Problem, ProblemKind, Report, Source, Sync};

use crate::args::IndexArgs;
use crate::index_settings::{check_sources, open_or_create};
use crate::progress::IndexProgress;
use crate::{Outcome, interrupt, output, workers};

pub(crate) fn run(args: &IndexArgs) -> anyhow::Result<Outcome> {
    let cancel = interrupt::listen()?;
    let dir = &args.index.index;
    let report = if args.sources.is_empty() {
        update(args, &cancel)?
    } else {
        check_sources(&args.sources)?;
        let sync =
            Sync::new(args.sync_options()).with_workers(workers::command_for(&args.reading)?);
        let index = open_or_create(args)?;
        let sources = args.sources.iter().map(|path| source(path)).collect();
        sync.run(&index, sources, &IndexProgress::default(), &cancel)
            .map_err(|error| interrupt::or_failed(error, dir))?
    };
    if args.json {
        output::json(&report)?;
    } else {
        output::print_report(&report, args.verbose)?;
    }
    let failed = |problem: &Problem| problem.kind != ProblemKind::ReadByOcr;
    Ok(if report.problems.iter().any(failed) { Outcome::Partial } else { Outcome::Success })
}

/// Reads the sources of earlier runs again, with the same options.
fn update(args: &IndexArgs, cancel: &CancelHandle) -> anyhow::Result<Report> {
    let index = vizsla::Index::open(&args.index.index)?;
    let remembered = Sync::remembered(&index)?;
    if remembered.is_empty() {
        anyhow::bail!("the index remembers no sources: name files or folders to index");
    }
    let mut report = Report::default();
    for (sync, roots) in remembered {
        let sources = roots.into_iter().map(Source::Path).collect();
        let sync = sync
            .with_retry_failed(args.retry_failed)
            .with_workers(workers::command(Some(args.reading.extract_memory))?);
        let run = sync.run(&index, sources, &IndexProgress::default(), cancel);
        report.merge(run.map_err(|error| interrupt::or_failed(error, &args.index.index))?);
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
