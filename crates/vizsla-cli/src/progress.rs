//! Progress on a terminal, silence elsewhere.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use vizsla_eval::Observer;
use vizsla_hub::Progress;
use vizsla_ingest::Change;

/// How often a bar is drawn while nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// A bar that counts `unit`s, on standard error; nothing when that is not a terminal.
pub(crate) fn bar(total: u64, unit: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = format!(
        "{{bar:40}} {{human_pos}}/{{human_len}} {unit} ({{per_sec}}, {{eta}} left) {{wide_msg}}"
    );
    ProgressBar::new(total).with_style(
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}

/// Work of the evaluation, shown as a bar.
#[derive(Debug, Default)]
pub(crate) struct WorkProgress(RefCell<Option<ProgressBar>>);

impl Observer for WorkProgress {
    fn begin(&self, total: u64, unit: &str) {
        *self.0.borrow_mut() = Some(bar(total, unit));
    }

    fn advance(&self) {
        self.0.borrow().iter().for_each(|bar| bar.inc(1));
    }

    fn end(&self) {
        self.0.borrow_mut().take().iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// A fetch, shown as a bar of bytes.
#[derive(Debug)]
pub(crate) struct FetchProgress {
    bar: ProgressBar,
    visible: bool,
}

impl FetchProgress {
    pub(crate) fn new() -> Self {
        Self { bar: ProgressBar::hidden(), visible: std::io::stderr().is_terminal() }
    }
}

impl Progress for FetchProgress {
    fn begin(&self, what: &str, bytes: Option<u64>) {
        if self.visible {
            self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        let style =
            ProgressStyle::with_template("{msg} {bar:40} {bytes}/{total_bytes} ({bytes_per_sec})");
        self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar.set_message(what.to_owned());
        self.bar.set_length(bytes.unwrap_or(0));
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn failed(&self, error: &vizsla_hub::Error) {
        crate::output::note(&format!("{:#}; trying the next source", anyhow::anyhow!("{error}")));
    }

    fn is_visible(&self) -> bool {
        self.visible
    }
}

/// A run over the sources of an index, shown as a bar of bytes, with the file that takes longest.
#[derive(Debug, Default)]
pub(crate) struct IndexProgress {
    bar: Mutex<Option<ProgressBar>>,
    run: Arc<Run>,
}

/// What a run is at.
#[derive(Debug, Default)]
struct Run {
    found: AtomicU64,
    done: AtomicU64,
    reading: Mutex<HashMap<String, Instant>>,
}

impl Run {
    /// The file that has been read for longest, if it is worth a word.
    fn slowest(&self) -> Option<String> {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (path, begun) = reading.iter().min_by_key(|(_, begun)| **begun)?;
        let seconds = begun.elapsed().as_secs();
        let name = std::path::Path::new(path).file_name()?.to_string_lossy();
        (seconds > 0).then(|| format!("{} ({seconds} s)", crate::output::printable(&name)))
    }
}

impl IndexProgress {
    fn with_bar(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        act(&mut self.bar.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn with_reading(&self, act: impl FnOnce(&mut HashMap<String, Instant>)) {
        act(&mut self.run.reading.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn style(&self) -> ProgressStyle {
        let template = "{bar:30} {bytes}/{total_bytes}, {files} ({eta} left) {slowest}";
        let style = ProgressStyle::with_template(template);
        let (counted, read) = (Arc::clone(&self.run), Arc::clone(&self.run));
        style
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("files", move |_: &ProgressState, out: &mut dyn fmt::Write| {
                let (done, found) = (&counted.done, &counted.found);
                let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
                let _ = write!(out, "{}/{} files", count(done), count(found));
            })
            .with_key("slowest", move |_: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = write!(out, "{}", read.slowest().unwrap_or_default());
            })
    }
}

impl vizsla_ingest::Observer for IndexProgress {
    fn found(&self, files: u64, bytes: u64) {
        self.run.found.store(files, Ordering::Relaxed);
        self.run.done.store(0, Ordering::Relaxed);
        if files > 0 && std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(bytes).with_style(self.style());
            bar.enable_steady_tick(TICK);
            self.with_bar(|slot| *slot = Some(bar));
        }
    }

    fn reading(&self, path: &str) {
        self.with_bar(|bar| {
            if bar.is_some() {
                self.with_reading(|reading| {
                    reading.insert(path.to_owned(), Instant::now());
                });
            }
        });
    }

    fn file(&self, path: &str, bytes: u64, change: Change) {
        if change == Change::Removed {
            return;
        }
        let done = self.run.done.fetch_add(1, Ordering::Relaxed) + 1;
        self.with_bar(|slot| {
            let Some(bar) = slot else { return };
            self.with_reading(|reading| {
                reading.remove(path);
            });
            if change == Change::Unchanged {
                // What takes no time says nothing about the time left.
                bar.set_length(bar.length().unwrap_or(0).saturating_sub(bytes));
            } else {
                bar.inc(bytes);
            }
            if done >= self.run.found.load(Ordering::Relaxed) {
                bar.finish_and_clear();
            }
        });
    }
}

impl Drop for IndexProgress {
    fn drop(&mut self) {
        self.with_bar(|slot| slot.iter().for_each(ProgressBar::finish_and_clear));
    }
}
