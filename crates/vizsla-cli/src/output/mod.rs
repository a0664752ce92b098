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
pub(crate) use names::{counted, one_line};
pub(crate) use sync::{print_report, why_skipped};

/// Prints a line for people to standard output.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", printable(text))
}

/// Prints one JSON object over several lines.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{}", escaped(&serde_json::to_string_pretty(value)?))?;
    Ok(())
}

/// Prints one JSON object on a line.
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{}", escaped(&serde_json::to_string(value)?))?;
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

/// The text with a visible sign in place of what a document could do harm to a terminal with. Line ends and tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let hostile = |c: char| is_hostile(c) && !matches!(c, '\n' | '\t');
    if text.contains(hostile) {
        text.replace("\r\n", "\n").replace('\r', "\n").replace(hostile, "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// The same JSON, with escapes for what JSON allows in a string as it is and a terminal acts upon.
fn escaped(json: &str) -> Cow<'_, str> {
    // Line ends are of the layout: within a string they are escaped already.
    let hostile = |c: char| is_hostile(c) && c != '\n';
    if !json.contains(hostile) {
        return json.into();
    }
    let mut safe = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if hostile(c) {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe.into()
}

/// Whether a terminal acts upon a character: control characters move the cursor or change colours or the window's title,
/// others turn the direction of what follows.
fn is_hostile(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        assert_eq!(printable("cod\u{202e}exe.fdp"), "cod\u{fffd}exe.fdp");
        assert!(matches!(printable("plain é\n"), Cow::Borrowed(_)));
        let value = serde_json::json!({"text": "\u{7f}\u{9b}2J\u{202e}é\n"});
        let json = escaped(&serde_json::to_string_pretty(&value).unwrap()).into_owned();
        assert_eq!(json, "{\n  \"text\": \"\\u007f\\u009b2J\\u202eé\\n\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }
}
