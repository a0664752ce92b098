//! Indexes a folder and reports progress on standard error: `cargo run --example sync -- FOLDER INDEX`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use vizsla::{CancelHandle, Index, IndexSettings};
use vizsla_ingest::{Change, Observer, Problem, Source, Sync, SyncOptions};

/// Counts files, and names those read.
#[derive(Default)]
struct Progress {
    files: AtomicU64,
    done: AtomicU64,
}

#[allow(clippy::print_stderr, reason = "an example may print")]
impl Observer for Progress {
    fn found(&self, files: u64, _: u64) {
        self.files.store(files, Ordering::Relaxed);
    }

    fn file(&self, path: &str, _: u64, change: Change) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if change != Change::Unchanged {
            eprintln!("{done}/{} {change:?} {path}", self.files.load(Ordering::Relaxed));
        }
    }

    fn problem(&self, problem: &Problem) {
        eprintln!("{}: {}", problem.path, problem.reason);
    }
}

#[allow(clippy::print_stdout, reason = "an example may print")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args_os().skip(1);
    let (Some(folder), Some(index)) = (args.next(), args.next()) else {
        return Err("give a folder to index and a folder for the index".into());
    };
    let index = Index::open_or_create(Path::new(&index), IndexSettings::default())?;
    let sources = vec![Source::Path(PathBuf::from(folder))];
    // Another thread may cancel; the index then stays as it was.
    let cancel = CancelHandle::new();
    let sync = Sync::new(SyncOptions::default());
    let report = sync.run(&index, sources, &Progress::default(), &cancel)?;
    println!("{} documents in {:.1} s", report.documents, report.seconds);
    Ok(())
}
