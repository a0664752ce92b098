//! Keeps an index in sync with its sources: folders, files and streams of JSON Lines.
//!
//! In: an [`Index`](vizsla::Index) and [`Source`]s. Out: an index that matches the sources, and a [`Report`]. Files
//! that have not changed since the last run are not read again, files that are gone are removed from the index, and
//! what cannot be read is reported without affecting anything else. A run is committed as a whole or not at all.
//!
//! The roots and options of each run are stored in the index, so that [`Sync::remembered`] can bring it up to date, and
//! [`Sync::reread`] can restore what a repair had to drop, exactly as it was first read.
//!
//! What could not be read is remembered as well, and read again only when the file, its reader or the limits change, or
//! on request. Formats that others have made are read in processes of their own where a program offers them
//! ([`worker`]).
//!
//! This crate prints nothing and reads no environment variables; progress goes to an [`Observer`]. The feature `watch`
//! adds `Watch`, which runs again whenever a source changes.
//!
//! ```
//! use vizsla::{CancelHandle, Index, IndexSettings};
//! use vizsla_ingest::{Source, Sync, SyncOptions};
//!
//! let lines = std::io::Cursor::new("{\"_id\": \"1\", \"text\": \"a vizsla points\"}\n");
//! let index = Index::in_memory(IndexSettings::default())?;
//! let sources = vec![Source::JsonLines { name: "input".into(), reader: Box::new(lines) }];
//! let report = Sync::new(SyncOptions::default()).run(&index, sources, &(), &CancelHandle::new())?;
//! assert_eq!(report.documents, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod content;
mod error;
mod excludes;
mod file;
mod file_reader;
mod in_process;
mod limits;
mod memory;
mod missing;
mod observer;
mod ocr;
mod options;
mod problem;
mod read_error;
mod report;
mod skipped;
mod sources;
mod state;
mod sync;
mod types;
#[cfg(feature = "watch")]
mod watch;
pub mod worker;

pub use error::{Error, ErrorKind, Result};
pub use file_reader::FileReader;
pub use observer::{Change, Observer, Progress};
pub use ocr::Tesseract;
pub use options::SyncOptions;
pub use problem::{Problem, ProblemKind};
pub use report::{Collision, Report, SkipReason, Skipped};
pub use skipped::skipped;
pub use sources::Source;
pub use sync::Sync;
pub use types::file_type;
#[cfg(feature = "watch")]
pub use watch::{Update, Watch};
pub use worker::WorkerCommand;
