//! `vizsla watch`: keeps an index up to date while its sources change.

use std::io;
use std::path::PathBuf;

use anyhow::anyhow;
use vizsla_ingest::{ErrorKind, Sync, Update, Watch};

use crate::args::{IndexArgs, WatchArgs};
use crate::place::Place;
use crate::progress::IndexProgress;
use crate::{Outcome, interrupt, output, workers};

pub(crate) fn run(args: &WatchArgs) -> anyhow::Result<Outcome> {
    let cancel = interrupt::listen()?;
    let args = &args.index;
    let (place, sources) = Place::of(args)?;
    if sources.iter().any(|source| source.as_os_str() == "-") {
        anyhow::bail!("only files and folders can be watched: name them");
    }
    let (sync, sources) = if sources.is_empty() {
        known(&place, args)?
    } else {
        (Sync::new(args.sync_options()), sources)
    };
    // Watching starts before the sources are read, so that no change is missed in between.
    let sync = sync.with_workers(workers::command_for(&args.reading)?);
    let watch = Watch::new(sync, sources).map_err(limits)?;
    let index = place.open_or_create(args)?;
    output::note("watching; Ctrl-C to stop");
    let mut printed = Ok(());
    watch.run(&*index, &IndexProgress::default(), &cancel, &mut |update| {
        printed = print(update, args.verbose);
        if printed.is_err() {
            cancel.cancel();
        }
    })?;
    printed?;
    output::note("stopped; the index is as the last line reports");
    Ok(Outcome::Success)
}

/// The sources of earlier runs.
fn known(place: &Place<'_>, args: &IndexArgs) -> anyhow::Result<(Sync, Vec<PathBuf>)> {
    let mut remembered = Sync::remembered(&*place.open()?)?;
    match (remembered.pop(), remembered.is_empty()) {
        (None, _) => {
            anyhow::bail!("the index remembers no sources: name files or folders to watch")
        }
        (Some((sync, roots)), true) => {
            Ok((Sync::new(args.added_to(sync.options().clone())), roots))
        }
        _ => anyhow::bail!("the sources of the index have different options: name those to watch"),
    }
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
