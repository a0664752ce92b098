//! Writers; no decisions.

mod excerpt;
mod extracted;
mod human;
mod names;
mod sync;

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

pub(crate) use extracted::{print_extracted, print_problem};
pub(crate) use human::{print_compact, print_reranked, print_response};
pub(crate) use names::one_line;
pub(crate) use sync::{print_report, why_skipped};

/// Prints a line for people to standard output.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", printable(text))
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
    let _ = writeln!(anstream::stderr(), "vizsla: {}", printable(text));
}

/// Prints to standard error why the command failed.
pub(crate) fn complain(text: &str) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let _ = writeln!(anstream::stderr(), "{style}error:{style:#} {}", printable(text));
}

/// Prints a hint to standard error.
pub(crate) fn hint(text: &str) {
    let style = anstyle::AnsiColor::Cyan.on_default().bold();
    let _ = writeln!(anstream::stderr(), "{style}hint:{style:#} {}", printable(text));
}

/// The text with a visible sign in place of control characters, with which a document could move the cursor or change
/// colours or the window title. Line ends and tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(hostile) {
        text.replace("\r\n", "\n").replace(hostile, "\u{fffd}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(
            printable("a\u{1b}]0;x\u{7}\u{9b}2J\r\nb\tc"),
            "a\u{fffd}]0;x\u{fffd}\u{fffd}2J\nb\tc"
        );
        assert!(matches!(printable("plain é\n"), Cow::Borrowed(_)));
    }
}
