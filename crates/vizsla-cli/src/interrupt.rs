//! Ctrl-C: the first asks a long command to stop between two files, the second ends the program at once.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// The command was interrupted; says what that left behind.
#[derive(Debug)]
pub(crate) struct Interrupted(pub(crate) String);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Interrupted {}

/// Begins to listen. Without it, Ctrl-C ends the program at once, which is right for commands that write nothing.
pub(crate) fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::SeqCst) {
            crate::output::complain("interrupted: the index has all of this run or nothing of it");
            #[expect(
                clippy::exit,
                reason = "asked for twice: a commit is all or nothing, so nothing is left half done"
            )]
            std::process::exit(130);
        }
    })?;
    Ok(())
}

/// Whether the command has been asked to stop.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
