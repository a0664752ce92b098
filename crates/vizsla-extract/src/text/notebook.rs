//! Notebooks (Jupyter, IPython): the text, code and output of each cell, with the headings of its text.
//!
//! Only what has a place in a text is read: outputs that are text, but no pictures, pages and attachments. Notebooks of
//! format 3, whose cells are in `worksheets`, and such as break the schema are read as far as they have cells.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use vizsla_core::{Document, Limits, Location, Locations};

use crate::error::Error;
use crate::format::{Definition, Read, Recognise};
use crate::output::{Output, shorten};
use crate::sample::Sample;
use crate::sink::ProblemKind;
use crate::text::headings::{Heading, sections};
use crate::text::{decode, markdown};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "notebook",
    title: "notebook",
    version: 2,
    extensions: &["ipynb"],
    recognise: Recognise::Text { begins: |c| c == '{', shows: is_notebook },
    is_foreign: false,
    read: Read::Whole(read),
};

/// Bytes of the outputs of one cell: logs and tables go on for pages.
const OUTPUT_BYTES: usize = 8 << 10;

/// Whether a text that nothing else indicates to be a notebook is.
fn is_notebook(sample: &Sample<'_>) -> bool {
    let text = sample.whole();
    ["\"nbformat\"", "\"cells\""].iter().all(|name| text.contains(name))
        && serde_json::from_str::<&RawValue>(&text).is_ok()
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    let Some(notebook) = crate::records::value(&text).filter(|value| !cells(value).is_empty())
    else {
        other(text, output);
        return Ok(());
    };
    let mut reader = Reader::default();
    for (number, cell) in (1u32..).zip(cells(&notebook)) {
        reader.cell(cell, number, output.limits);
        if reader.text.len() > output.text_left() {
            break;
        }
    }
    let title = reader.headings.first().map(|first| first.text.clone());
    let title = title.or_else(|| string(notebook.pointer("/metadata/title")?));
    let title = title.filter(|title| !title.trim().is_empty());
    let title = title.unwrap_or_else(|| crate::output::file_name(&output.name).to_owned());
    let sections = sections(reader.headings, output);
    if reader.cut > 0 {
        let message = format!(
            "the output of {} cells is longer than {OUTPUT_BYTES} bytes, and only its beginning is read",
            reader.cut
        );
        output.problem(ProblemKind::TooLarge, None, message);
    }
    let mut document = Document::new(&output.name, reader.text)
        .with_title(title)
        .with_sections(sections)
        .with_locations(Locations::Spans(reader.places));
    let language =
        ["/metadata/language_info/name", "/metadata/kernelspec/language", "/metadata/language"];
    if let Some(language) = language.iter().find_map(|at| notebook.pointer(at)?.as_str()) {
        document.metadata.insert("language".to_owned(), language.into());
    }
    let _ = output.document(document);
    Ok(())
}

/// What is called a notebook and has no cells.
fn other(text: String, output: &mut Output<'_>) {
    output.problem(ProblemKind::OtherFormat, None, "has no cells, so it is not read as a notebook");
    let _ = crate::records::json::documents(text, output);
}

/// The cells of a notebook of format 4, or of all worksheets of one of format 3.
fn cells(notebook: &Value) -> Vec<&Value> {
    let list = |value: &'_ Value| value.get("cells").and_then(Value::as_array).is_some();
    let sheets = notebook.get("worksheets").and_then(Value::as_array).into_iter().flatten();
    let holders = std::iter::once(notebook).chain(sheets).filter(|holder| list(holder));
    holders.filter_map(|holder| holder.get("cells")?.as_array()).flatten().collect()
}

/// A string, or a list of lines that make one.
fn string(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => Some(lines.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

#[derive(Default)]
struct Reader {
    text: String,
    headings: Vec<Heading>,
    places: Vec<(usize, Location)>,
    /// Cells whose output was cut.
    cut: usize,
}

impl Reader {
    fn cell(&mut self, cell: &Value, number: u32, limits: &Limits) {
        let source = ["source", "input"].iter().find_map(|name| string(cell.get(name)?));
        let source = source.unwrap_or_default();
        let start = self.text.len();
        self.places.push((start, Location::Cells { first: number, last: number }));
        match cell.get("cell_type").and_then(Value::as_str) {
            Some("markdown") => {
                let headings = markdown::headings(&source, limits);
                self.headings.extend(
                    headings
                        .into_iter()
                        .map(|heading| Heading { start: start + heading.start, ..heading }),
                );
            }
            // A heading of its own, in format 3.
            Some("heading") => {
                let level =
                    cell.get("level").and_then(Value::as_u64).unwrap_or(1).clamp(1, 6) as usize;
                self.headings.push(Heading { start, level, text: source.trim().to_owned() });
            }
            _ => {}
        }
        self.paragraph(&source);
        let mut shown = String::new();
        for output in cell.get("outputs").and_then(Value::as_array).into_iter().flatten() {
            if shown.len() <= OUTPUT_BYTES
                && let Some(text) = output.as_object().and_then(|it| output_text(it, limits))
            {
                shown.push_str(&without_escapes(&text));
                shown.push('\n');
            }
        }
        self.cut += usize::from(shorten(&mut shown, OUTPUT_BYTES));
        self.paragraph(&shown);
    }

    fn paragraph(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.text.push_str(text.trim_end());
            self.text.push_str("\n\n");
        }
    }
}

/// The text of an output: what was printed, the value of the cell, or an error with its traceback.
fn output_text(output: &Map<String, Value>, limits: &Limits) -> Option<String> {
    if let Some(traceback) = output.get("traceback") {
        let lines = traceback.as_array().into_iter().flatten().filter_map(Value::as_str);
        let lines: Vec<&str> = lines.collect();
        if !lines.is_empty() {
            return Some(lines.join("\n"));
        }
        let part = |name: &str| output.get(name).and_then(Value::as_str).unwrap_or_default();
        return Some(format!("{}: {}", part("ename"), part("evalue")));
    }
    // In format 3 the representations are beside the other fields.
    let data = output.get("data").and_then(Value::as_object).unwrap_or(output);
    ["text/plain", "text/markdown", "text/latex", "text"]
        .iter()
        .find_map(|name| string(data.get(*name)?))
        .or_else(|| Some(crate::html::page(&string(data.get("text/html")?)?, limits).text))
}

/// Text without the escape sequences that colour it on a terminal.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        let sequence = after.strip_prefix('[').map(|after| {
            let end =
                after.find(|c: char| matches!(c, '@'..='~')).map_or(after.len(), |end| end + 1);
            &after[end..]
        });
        rest = sequence.unwrap_or(after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extracted, Input, collect};

    fn read(text: &str) -> Extracted {
        collect(Input::bytes("d/n.ipynb", text.as_bytes())).unwrap()
    }

    #[test]
    fn cells_have_places_headings_and_outputs() {
        let notebook = serde_json::json!({
            "nbformat": 4, "metadata": {"language_info": {"name": "python"}},
            "cells": [
                {"cell_type": "markdown", "source": ["# Dogs\n", "\n", "text\n", "## Noses"], "attachments": {"a.png": {"image/png": "AAAA"}}},
                {"cell_type": "code", "source": "# no heading\nprint(1)", "outputs": [
                    {"output_type": "stream", "text": ["printed\n"]},
                    {"output_type": "execute_result", "data": {"text/plain": "value", "text/html": "<b>", "image/png": "AAAA"}},
                    {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\u{1b}[0;31mE\u{1b}[0m: v"]},
                ]},
            ]
        });
        let found = read(&notebook.to_string());
        let document = &found.documents[0];
        assert_eq!(document.title, "Dogs");
        assert_eq!(
            document.text,
            "# Dogs\n\ntext\n## Noses\n\n# no heading\nprint(1)\n\nprinted\n\nvalue\nE: v\n\n"
        );
        assert_eq!(document.sections.len(), 2);
        assert_eq!(document.metadata["language"].to_string(), "python");
        let code = document.text.find("# no").unwrap();
        let second = Location::Cells { first: 2, last: 2 };
        assert!(matches!(&document.locations, Locations::Spans(s) if s[1] == (code, second)));
        assert!(found.problems.is_empty());
    }

    #[test]
    fn the_third_format_and_broken_schemas_are_read() {
        let third = r#"{"nbformat":3,"worksheets":[{"cells":[{"cell_type":"heading","level":2,"source":["Top"]},
            {"cell_type":"code","input":["x = 1"],"outputs":[{"output_type":"pyout","text":"one"}]}]}]}"#;
        let document = read(third).documents.remove(0);
        assert_eq!(
            (document.text.as_str(), document.title.as_str()),
            ("Top\n\nx = 1\n\none\n\n", "Top")
        );
        let broken = r#"{"cells":[1,null,{"source":"lorem"},{"cell_type":"code","source":5,"outputs":[3,{"data":[]}]},]}"#;
        assert_eq!(read(broken).documents[0].text, "lorem\n\n");
    }

    #[test]
    fn long_outputs_are_cut_and_other_files_are_read_as_what_they_are() {
        let long = format!(
            r#"{{"cells":[{{"source":"a","outputs":[{{"text":"{}"}}]}}]}}"#,
            "x ".repeat(50_000)
        );
        let found = read(&long);
        assert!(found.documents[0].text.len() < OUTPUT_BYTES + 100);
        assert_eq!(found.problems.len(), 1);
        let found = read("{\"a\": 1}");
        assert_eq!((found.documents[0].text.as_str(), found.problems.len()), ("a: 1", 1));
    }
}
