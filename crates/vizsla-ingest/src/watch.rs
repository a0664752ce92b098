//! Runs again whenever a source changes.
//!
//! System notifications only say when to look: the sources are then walked as usual, which shows by size, time and
//! content what has changed, however an editor saves files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use vizsla::{CancelHandle, Collection};

use crate::error::{Error, ErrorKind, Result};
use crate::observer::Observer;
use crate::report::Report;
use crate::sources::Source;
use crate::sync::Sync;

/// A burst of changes is over when nothing has changed for this long,
const QUIET: Duration = Duration::from_millis(250);
/// but waiting never takes longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How often a cancelled watch is noticed.
const TICK: Duration = Duration::from_millis(100);
/// Delay after an update that failed for a temporary reason, such as another process writing.
const RETRY: Duration = Duration::from_secs(2);

/// Watches files and folders.
#[derive(Debug)]
pub struct Watch {
    /// Stops watching when dropped.
    _watcher: RecommendedWatcher,
    events: Receiver<notify::Result<Event>>,
    sync: Sync,
    paths: Vec<PathBuf>,
}

/// The outcome of updating a watched index.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// The index is up to date.
    Done(Report),
    /// It failed for a reason that may be temporary, and will be retried.
    Failed(Error),
}

impl Watch {
    /// Starts watching; changes from now on are noticed.
    ///
    /// # Errors
    /// [`ErrorKind::Source`] for a path that does not exist, [`ErrorKind::Watch`] when the system does not report
    /// changes or has no more room for watches.
    pub fn new(sync: Sync, paths: Vec<PathBuf>) -> Result<Self> {
        let (sender, events) = channel();
        let mut watcher = notify::recommended_watcher(sender).map_err(|error| {
            Error::new(ErrorKind::Watch, "cannot watch for changes").with_source(error)
        })?;
        for path in &paths {
            let root = fs::canonicalize(path).map_err(|error| {
                let message = format!("cannot read the source {}", path.display());
                Error::new(ErrorKind::Source, message).with_source(error)
            })?;
            // When a file is replaced by another, only its folder shows it.
            let is_dir = root.is_dir();
            let watched = if is_dir { &root } else { root.parent().unwrap_or(&root) };
            let mode = if is_dir { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            watcher.watch(watched, mode).map_err(|error| {
                let message = format!("cannot watch {}", watched.display());
                Error::new(ErrorKind::Watch, message).with_source(error)
            })?;
        }
        let sync = sync.with_missing_sources_reported();
        Ok(Self { _watcher: watcher, events, sync, paths })
    }

    /// Brings the index up to date now and after each burst of changes, until it is cancelled. `updated` receives the
    /// outcome of each update.
    ///
    /// # Errors
    /// An update that failed for a reason that is not temporary.
    pub fn run(
        &self,
        index: &dyn Collection,
        observer: &dyn Observer,
        cancel: &CancelHandle,
        updated: &mut dyn FnMut(Update),
    ) -> Result<()> {
        let own = index.dir().and_then(|dir| fs::canonicalize(dir).ok());
        while !cancel.is_cancelled() {
            let sources = self.paths.iter().cloned().map(Source::Path).collect();
            let retry = match self.sync.run(index, sources, observer, cancel) {
                Ok(report) => {
                    updated(Update::Done(report));
                    None
                }
                Err(error) if error.kind() == ErrorKind::Cancelled => break,
                Err(error) if error.is_transient() => {
                    updated(Update::Failed(error));
                    Some(Instant::now() + RETRY)
                }
                Err(error) => return Err(error),
            };
            self.wait(own.as_deref(), retry, cancel);
        }
        Ok(())
    }

    /// Waits until a burst of changes is over, or until `retry`.
    fn wait(&self, index: Option<&Path>, retry: Option<Instant>, cancel: &CancelHandle) {
        let mut burst: Option<(Instant, Instant)> = None;
        while !cancel.is_cancelled() {
            let now = Instant::now();
            let is_over = burst
                .is_some_and(|(begun, last)| now - last >= QUIET || now - begun >= LONGEST_WAIT);
            if is_over || retry.is_some_and(|at| now >= at) {
                return;
            }
            match self.events.recv_timeout(TICK) {
                Ok(event) if counts(&event, index) => {
                    let now = Instant::now();
                    burst = Some((burst.map_or(now, |(begun, _)| begun), now));
                }
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                // Without a watcher there will be no more events, and waiting would never end.
                Err(RecvTimeoutError::Disconnected) => std::thread::park_timeout(TICK),
            }
        }
    }
}

/// Whether an event may mean that a source has changed: reads do not, nor do writes to the index.
fn counts(event: &notify::Result<Event>, index: Option<&Path>) -> bool {
    match event {
        // What the system could not report may be anything.
        Err(_) => true,
        Ok(event) => {
            let outside = |path: &PathBuf| index.is_none_or(|index| !path.starts_with(index));
            !matches!(event.kind, EventKind::Access(_))
                && (event.paths.is_empty() || event.paths.iter().any(outside))
        }
    }
}
