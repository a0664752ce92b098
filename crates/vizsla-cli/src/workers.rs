//! Worker processes of this program, which read the formats that others have made.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use vizsla_extract::Ocr;
use vizsla_ingest::{Tesseract, WorkerCommand, worker};

use crate::args::ReadingArgs;
use crate::{Outcome, settings};

/// How to start a worker, with its memory if that was given.
pub(crate) fn command(memory: Option<u64>) -> anyhow::Result<WorkerCommand> {
    let (mut program, arguments) = settings::start_command()?;
    if cfg!(target_os = "linux") && !program.exists() {
        // It has been replaced, as an upgrade does. This still is what runs.
        program = PathBuf::from("/proc/self/exe");
    }
    let command = arguments.iter().fold(WorkerCommand::new(program), WorkerCommand::with_arg);
    let command = command.with_arg("extract-worker");
    Ok(memory.into_iter().fold(command, WorkerCommand::with_memory))
}

/// The same for files that are read as these arguments say; fails when they ask for what is not installed.
pub(crate) fn command_for(args: &ReadingArgs) -> anyhow::Result<WorkerCommand> {
    if let Some(languages) = &args.ocr {
        ocr(languages).map_err(|reason| anyhow!("--ocr: {reason}"))?;
    }
    command(Some(args.extract_memory))
}

/// `vizsla extract-worker`, which only this program calls.
pub(crate) fn run() -> anyhow::Result<Outcome> {
    worker::serve(io::stdin(), io::stdout(), &ocr)?;
    Ok(Outcome::Success)
}

/// What reads pictures of text in these languages.
fn ocr(languages: &str) -> Result<Arc<dyn Ocr + Send>, String> {
    let tesseract = Tesseract::new("tesseract").with_languages(languages);
    tesseract.version().map_err(|reason| {
        format!("{reason}: install tesseract, as with `apt install tesseract-ocr` or `brew install tesseract`")
    })?;
    // Without a folder for it, pictures are read again each time.
    Ok(Arc::new(match vizsla_hub::runtime::data_dir() {
        Ok(data) => tesseract.with_cache(data.join("ocr")),
        Err(_) => tesseract,
    }))
}
