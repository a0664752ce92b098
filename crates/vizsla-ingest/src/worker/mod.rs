//! Reads files in processes of their own, so that a reader that exhausts memory, overflows the stack or never ends costs
//! one file and not the run.
//!
//! A worker is a program that calls [`serve`]; a [`WorkerCommand`] says how to start it, and usually starts the program
//! that it is used in. A worker reads one file after another, and is killed when it takes too long. The file that kills
//! it gets an error, and the next one a new worker.

mod command;
mod pool;
mod process;
mod protocol;
mod serve;

pub use self::command::WorkerCommand;
pub(crate) use self::pool::Pool;
pub(crate) use self::process::Job;
pub use self::serve::{OcrFor, serve};
