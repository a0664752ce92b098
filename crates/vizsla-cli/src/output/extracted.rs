//! What is in a file, and what is wrong with it.

use std::io::{self, Write};

use serde_json::json;
use vizsla::{Document, Passage};
use vizsla_ingest::Problem;

use super::printable;
use crate::hints;

/// Prints a document as an index would store it.
pub(crate) fn print_extracted(
    document: &Document,
    passages: &[Passage],
    json: bool,
) -> anyhow::Result<()> {
    if json {
        let shown = |passage: &Passage| {
            json!({
                "place": passage.location.to_string(), "location": passage.location,
                "headings": passage.headings, "text": passage.text,
            })
        };
        return super::json_line(&json!({
            "path": document.path, "id": document.id, "title": document.title, "metadata": document.metadata,
            "passages": passages.iter().map(shown).collect::<Vec<_>>(),
        }));
    }
    let mut out = io::stdout().lock();
    writeln!(out, "document {}", printable(&document.id))?;
    writeln!(out, "title    {}", printable(&document.title))?;
    for (name, value) in &document.metadata {
        writeln!(out, "metadata {}", printable(&format!("{name}: {value}")))?;
    }
    for passage in passages {
        let headings: String =
            passage.headings.iter().map(|heading| format!(" › {heading}")).collect();
        writeln!(out, "[{}{}]", printable(&passage.location.to_string()), printable(&headings))?;
        writeln!(out, "{}", printable(&passage.text))?;
    }
    writeln!(out)?;
    Ok(())
}

/// Prints what could not be read, with a remedy if there is one.
pub(crate) fn print_problem(problem: &Problem, json: bool) -> anyhow::Result<()> {
    if json {
        return super::json_line(&json!({
            "path": problem.path, "problem": problem.kind, "location": problem.location,
            "reason": problem.reason, "remedy": hints::remedy(problem),
        }));
    }
    super::line(&described(problem))?;
    Ok(())
}

/// `report.pdf: page 3: has no text; --ocr reads pictures of text`.
pub(super) fn described(problem: &Problem) -> String {
    let name = if problem.path == "-" { "standard input" } else { &problem.path };
    let remedy = hints::remedy(problem).map_or_else(String::new, |hint| format!("; {hint}"));
    format!("{name}: {}{remedy}", problem.reason)
}
