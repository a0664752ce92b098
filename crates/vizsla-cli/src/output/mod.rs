//! Writers; no decisions.

mod human;
mod sync;

use std::io::{self, Write};

use serde::Serialize;

pub(crate) use human::{print_reranked, print_response};
pub(crate) use sync::print_report;

/// Prints a line to standard output.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Prints one JSON object over several lines.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Prints one JSON object on a line.
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Prints text as it is.
pub(crate) fn raw(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}

/// Prints something that is not a result to standard error. If that fails, there is nowhere left to report it.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "vizsla: {text}");
}

/// Prints to standard error why the command failed.
pub(crate) fn complain(text: &str) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let _ = writeln!(anstream::stderr(), "{style}error:{style:#} {text}");
}

/// Prints a hint to standard error.
pub(crate) fn hint(text: &str) {
    let style = anstyle::AnsiColor::Cyan.on_default().bold();
    let _ = writeln!(anstream::stderr(), "{style}hint:{style:#} {text}");
}
