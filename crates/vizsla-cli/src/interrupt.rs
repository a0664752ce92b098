//! Ctrl-C: the first asks a long command to stop between two documents, the second ends the program at once.

use std::fmt;
use std::sync::LazyLock;

use vizsla::CancelHandle;

static CANCEL: LazyLock<CancelHandle> = LazyLock::new(CancelHandle::new);

/// The command was interrupted; the message says what that left behind.
#[derive(Debug)]
pub(crate) struct Interrupted(pub(crate) String);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Interrupted {}

/// Starts listening; the handle is cancelled by the first Ctrl-C. Without it, Ctrl-C ends the program at once, which is
/// right for commands that write nothing.
pub(crate) fn listen() -> anyhow::Result<CancelHandle> {
    ctrlc::set_handler(|| {
        if CANCEL.is_cancelled() {
            crate::output::complain("interrupted: the index has all of this run or none of it");
            #[expect(
                clippy::exit,
                reason = "asked for twice: a commit is all or nothing, so nothing is left half done"
            )]
            std::process::exit(130);
        }
        CANCEL.cancel();
    })?;
    Ok(CANCEL.clone())
}

/// Turns the cancellation of a run into [`Interrupted`]; other errors pass through.
pub(crate) fn or_failed(error: vizsla_ingest::Error, index: &std::path::Path) -> anyhow::Error {
    if error.kind() == vizsla_ingest::ErrorKind::Cancelled {
        return Interrupted(format!(
            "interrupted: nothing of this run is in the index at {}, which is as it was before",
            index.display()
        ))
        .into();
    }
    error.into()
}
