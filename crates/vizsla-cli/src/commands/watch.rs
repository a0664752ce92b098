//! `vizsla watch`: keeps an index up to date while its sources change.

use std::io;

use anyhow::anyhow;
use vizsla_ingest::{ErrorKind, Sync, Update, Watch};

use crate::args::WatchArgs;
use crate::index_settings::open_or_create;
use crate::progress::IndexProgress;
use crate::{Outcome, interrupt, output, workers};

pub(crate) fn run(args: &WatchArgs) -> anyhow::Result<Outcome> {
    let cancel = interrupt::listen()?;
    let args = &args.index;
    if args.sources.is_empty() || args.sources.iter().any(|source| source.as_os_str() == "-") {
        anyhow::bail!("only files and folders can be watched: name them");
    }
    // Watching starts before the sources are read, so that no change is missed in between.
    let sync = Sync::new(args.sync_options()).with_workers(workers::command_for(&args.reading)?);
    let watch = Watch::new(sync, args.sources.clone()).map_err(limits)?;
    let index = open_or_create(args)?;
    output::note("watching; Ctrl-C to stop");
    let mut printed = Ok(());
    watch.run(&index, &IndexProgress::default(), &cancel, &mut |update| {
        printed = print(update, args.verbose);
        if printed.is_err() {
            cancel.cancel();
        }
    })?;
    printed?;
    output::note("stopped; the index is as the last line reports");
    Ok(Outcome::Success)
}

fn print(update: Update, verbose: bool) -> io::Result<()> {
    match update {
        Update::Done(report) if report.has_changes() => output::print_report(&report, verbose)?,
        Update::Failed(error) => output::complain(&format!("{:#}; trying again", anyhow!(error))),
        _ => {}
    }
    Ok(())
}

fn limits(error: vizsla_ingest::Error) -> anyhow::Error {
    let is_watch = error.kind() == ErrorKind::Watch;
    let error = anyhow::Error::from(error);
    if is_watch {
        return anyhow!(
            "{error:#}; the system may allow too few watches (on Linux: sysctl fs.inotify.max_user_watches)"
        );
    }
    error
}
