//! How to start a worker.

use std::ffi::OsString;
use std::path::PathBuf;

/// The default of [`WorkerCommand::with_memory`].
const MEMORY: u64 = 1 << 30;

/// How to start a process that calls [`serve`](super::serve), and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) memory: u64,
}

impl WorkerCommand {
    /// A worker of this program, with 1 GiB of memory.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), args: Vec::new(), memory: MEMORY }
    }

    /// Adds an argument.
    pub fn with_arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets about how many bytes of memory a worker may use, besides what it has when it starts. Only Linux keeps to it.
    pub fn with_memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }
}
