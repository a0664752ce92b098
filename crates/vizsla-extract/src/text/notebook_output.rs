//! What an output of a notebook's cell says: what was printed, an error, or one of the forms of a value, of which the
//! plain one may say no more than that there are others.

use std::collections::HashSet;

use serde_json::{Map, Value};
use vizsla_core::Limits;

use crate::records::{Flattened, flatten};

/// Values that are read as a whole; other data draws charts.
const DATA: &[&str] =
    &["application/json", "application/geo+json", "application/vnd.dataresource+json"];

/// The text of an output, at most about `most` bytes of it where it is data.
pub(super) fn text(output: &Map<String, Value>, most: usize, limits: &Limits) -> Option<String> {
    if let Some(error) = error(output) {
        return Some(error);
    }
    // In format 3 the representations are beside the other fields.
    let data = output.get("data").and_then(Value::as_object).unwrap_or(output);
    let of = |name: &str| data.get(name).and_then(string).filter(|text| !text.trim().is_empty());
    let plain = of("text/plain");
    if let Some(plain) = plain.as_ref().filter(|plain| !is_name(plain)) {
        return Some(plain.clone());
    }
    // A page may be a script alone, and a drawing lines.
    let shown = |name: &str| {
        let text = crate::html::page(&of(name)?, limits).text;
        Some(text).filter(|text| !text.trim().is_empty())
    };
    ["text/markdown", "text/latex", "text"]
        .iter()
        .find_map(|name| of(name))
        .or_else(|| shown("text/html"))
        .or_else(|| data.iter().find_map(|(kind, value)| of_kind(kind, value, most, limits)))
        .or_else(|| shown("image/svg+xml"))
        .or(plain)
}

/// What is left of a text on a terminal: of a line that is written over, as a bar of progress is, its last state.
pub(super) fn on_terminal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let line = line.trim_end_matches('\r');
        shown.push_str(line.rsplit('\r').next().unwrap_or_default());
        shown.push_str(end);
    }
    shown
}

/// A string, or a list of lines that make one, which may be in lists again.
pub(super) fn string(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => Some(lines.iter().filter_map(string).collect()),
        _ => None,
    }
}

/// Whether a text only names an object: `<Figure size 640x480 with 1 Axes>`, `alt.Chart(...)`, maybe with a remark below
/// that it is to be seen elsewhere.
fn is_name(text: &str) -> bool {
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
    line.starts_with('<') && line.ends_with('>') || text.trim() == line && line.ends_with("(...)")
}

/// An error with its traceback, in one of the forms in which programs write it.
fn error(error: &Map<String, Value>) -> Option<String> {
    let field = |names: [&str; 2]| names.iter().find_map(|name| error.get(*name));
    let trace = field(["traceback", "stack"])?;
    let lines = match trace {
        Value::Array(lines) => {
            lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    Some(lines).filter(|lines| !lines.is_empty()).or_else(|| message(error))
}

fn message(error: &Map<String, Value>) -> Option<String> {
    let part = |names: [&str; 2]| names.iter().find_map(|name| error.get(*name)?.as_str());
    let name = part(["ename", "name"])?;
    Some(format!("{name}: {}", part(["evalue", "message"]).unwrap_or_default()))
}

/// The text of a form that is data, or what a vendor calls text.
fn of_kind(kind: &str, value: &Value, most: usize, limits: &Limits) -> Option<String> {
    let vendor = kind.strip_prefix("application/vnd.");
    let text = match value {
        Value::Object(fields) if kind.ends_with(".error") => {
            error(fields).or_else(|| message(fields))
        }
        _ if DATA.contains(&kind) => {
            let Flattened { text, .. } = flatten(value, most, limits.nesting);
            Some(text)
        }
        _ if kind.contains("widget") => None,
        _ if vendor.is_some_and(|vendor| vendor.ends_with("+json")) => Some(words(value, most)),
        _ if vendor.is_some() => string(value),
        _ => None,
    };
    text.filter(|text| !text.trim().is_empty())
}

/// The words in the data of a chart, each text once: titles, labels, names.
fn words(value: &Value, most: usize) -> String {
    let (mut text, mut seen) = (String::new(), HashSet::new());
    let mut open = vec![value];
    while let Some(value) = open.pop()
        && text.len() < most
    {
        match value {
            Value::String(word) => {
                let is_word = word.contains(char::is_alphabetic)
                    && !word.starts_with('#')
                    && !word.contains("://");
                if is_word && seen.insert(word) {
                    text.push_str(word);
                    text.push('\n');
                }
            }
            Value::Array(values) => open.extend(values.iter().rev()),
            Value::Object(fields) => {
                let fields = fields.iter().filter(|(name, _)| !name.starts_with('$'));
                open.extend(fields.map(|(_, value)| value).rev());
            }
            _ => {}
        }
    }
    text
}
