//! The program, run in this process.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the program with its name and arguments, and returns its exit status; `start` is how to start it again.
#[pyfunction]
pub(crate) fn run_program(py: Python<'_>, args: Vec<OsString>, start: Vec<OsString>) -> u8 {
    py.detach(|| vizsla_cli::run(args, Some(start)))
}
