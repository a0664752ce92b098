//! `vizsla watch`: keeps an index up to date while its sources change.
//!
//! What the system reports only says when to look: the sources are then walked as `vizsla index` does, which knows by size, time and
//! content what has changed, whatever way an editor has of saving.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use notify::{Event, EventKind, RecursiveMode, Watcher};

use super::index;
use crate::args::WatchArgs;
use crate::interrupt::{self, Interrupted};
use crate::{Outcome, output};

/// A burst of changes is over when nothing has changed for this long,
const QUIET: Duration = Duration::from_millis(250);
/// but is not waited for any longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How often an interrupt is looked for.
const TICK: Duration = Duration::from_millis(100);
/// After an update that failed, for instance because another process writes.
const RETRY: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &WatchArgs) -> anyhow::Result<Outcome> {
    interrupt::listen()?;
    let (sender, events) = channel();
    let mut watcher = notify::recommended_watcher(sender).context("cannot watch for changes")?;
    for source in &args.index.sources {
        if source.as_os_str() == "-" {
            anyhow::bail!("standard input cannot be watched: name files or folders");
        }
        let root = std::fs::canonicalize(source)
            .with_context(|| format!("cannot read the source {}", source.display()))?;
        // A file that is replaced by another one of its name is seen in its folder only.
        let watched = if root.is_dir() { root.as_path() } else { root.parent().unwrap_or(&root) };
        let mode =
            if root.is_dir() { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        watcher.watch(watched, mode).with_context(|| {
            format!(
                "cannot watch {}: the system may allow too few watches (on Linux: sysctl fs.inotify.max_user_watches)",
                watched.display()
            )
        })?;
    }
    // Watching began before this, so that no change falls between.
    let mut due = Some(Instant::now());
    output::note("watching; Ctrl-C ends");
    while !interrupt::asked() {
        match due {
            Some(at) if at <= Instant::now() => due = update(args)?,
            _ => due = due.or_else(|| wait_for_burst(&events, &args.index.index.index)),
        }
        if due.is_some_and(|at| at > Instant::now()) {
            std::thread::sleep(TICK);
        }
    }
    output::note("stopped; the index is as the last line says");
    Ok(Outcome::Success)
}

/// Brings the index up to date; gives back when to try again if that failed.
fn update(args: &WatchArgs) -> anyhow::Result<Option<Instant>> {
    match index::update(&args.index) {
        Ok(report) => {
            if report.has_changes() {
                report.print()?;
            }
            Ok(None)
        }
        Err(error) if error.is::<Interrupted>() => Ok(None),
        Err(error) => {
            output::complain(&format!("{error:#}; trying again"));
            Ok(Some(Instant::now() + RETRY))
        }
    }
}

/// Waits a moment for a change; when there is one, until the burst that it belongs to is over.
fn wait_for_burst(events: &Receiver<notify::Result<Event>>, index: &Path) -> Option<Instant> {
    let index = std::fs::canonicalize(index).unwrap_or_else(|_| PathBuf::from(index));
    let counts = |event: &notify::Result<Event>| match event {
        // What the system could not tell may be anything.
        Err(_) => true,
        Ok(event) => {
            !matches!(event.kind, EventKind::Access(_))
                && (event.paths.is_empty()
                    || event.paths.iter().any(|path| !path.starts_with(&index)))
        }
    };
    match events.recv_timeout(TICK) {
        Ok(event) if counts(&event) => {}
        _ => return None,
    }
    let begun = Instant::now();
    let mut last = begun;
    while last.elapsed() < QUIET && begun.elapsed() < LONGEST_WAIT && !interrupt::asked() {
        match events.recv_timeout(TICK) {
            Ok(event) if counts(&event) => last = Instant::now(),
            Err(RecvTimeoutError::Disconnected) => break,
            _ => {}
        }
    }
    Some(Instant::now())
}
