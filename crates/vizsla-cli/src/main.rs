//! The `vizsla` program as a process of its own.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    vizsla_cli::run(std::env::args_os(), None).into()
}
