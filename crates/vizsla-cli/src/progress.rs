//! Progress on a terminal, silence elsewhere.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use vizsla_eval::Observer;
use vizsla_hub::Progress;

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

/// A run over the sources of an index, shown as a bar of files.
#[derive(Debug, Default)]
pub(crate) struct IndexProgress(Mutex<Option<ProgressBar>>);

impl IndexProgress {
    fn with_bar(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl vizsla_ingest::Observer for IndexProgress {
    fn found(&self, files: u64) {
        self.with_bar(|slot| *slot = Some(bar(files, "files")));
    }

    fn file(&self, _: &str, change: vizsla_ingest::Change) {
        if change == vizsla_ingest::Change::Removed {
            return;
        }
        self.with_bar(|slot| {
            let Some(bar) = slot else { return };
            bar.inc(1);
            if bar.length().is_some_and(|files| bar.position() >= files) {
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
