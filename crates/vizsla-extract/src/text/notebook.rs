//! Notebooks (Jupyter, IPython): the text, code and output of each cell, with the headings of its text.
//!
//! Only what has a place in a text is read: outputs that are text, but no pictures, pages and attachments. Notebooks of
//! format 3, whose cells are in `worksheets`, and such as break the schema are read as far as they have cells.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;
use vizsla_core::{Document, Limits, Location, Locations};

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::{Output, shorten};
use crate::records::elements::value_end;
use crate::sample::Sample;
use crate::sink::ProblemKind;
use crate::text::headings::{Heading, sections};
use crate::text::notebook_output::{self, string};
use crate::text::{decode, markdown};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "notebook",
    title: "notebook",
    version: 7,
    extensions: &["ipynb"],
    recognise: Recognise::Text { begins: |c| c == '{', shows: is_notebook },
    is_foreign: false,
    read: Read::Whole(read),
};

/// Bytes of the outputs of one cell: logs and tables go on for pages.
const OUTPUT_BYTES: usize = 8 << 10;

/// Whether a text that nothing else indicates to be a notebook is: an object with the members of one.
pub(crate) fn is_notebook(sample: &Sample<'_>) -> bool {
    const MEMBERS: [&str; 2] = ["nbformat", "cells"];
    let text = sample.whole();
    MEMBERS.iter().all(|name| text.contains(&format!("\"{name}\"")))
        && serde_json::from_str::<HashMap<String, &RawValue>>(&text)
            .is_ok_and(|notebook| MEMBERS.iter().all(|name| notebook.contains_key(*name)))
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    let notebook = crate::records::value(&text).or_else(|| cut_off(&text, output));
    let Some(notebook) = notebook.filter(|value| !cells(value).is_empty()) else {
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

/// The cells of a notebook that breaks off, and what there is of the one in which it does.
fn cut_off(text: &str, output: &mut Output<'_>) -> Option<Value> {
    let list = text.find("\"cells\"")?;
    let start = list + text[list..].find('[')? + 1;
    let (mut end, mut whole) = (start, 0);
    loop {
        let next = text[end..].trim_start_matches([' ', '\t', '\r', '\n', ',']);
        let Ok(after) = value_end(text, text.len() - next.len()) else { break };
        (end, whole) = (after, whole + 1);
    }
    let mut notebook = crate::records::value(&format!("{{\"cells\":[{}]}}", &text[start..end]))?;
    let last = text[end..].trim_start_matches([' ', '\t', '\r', '\n', ',']);
    let last = closed(last).and_then(|last| crate::records::value(&last));
    let has_text =
        |cell: &Value| ["source", "input", "outputs"].iter().any(|name| cell.get(name).is_some());
    let last = last.filter(has_text);
    let place = match &last {
        Some(_) => format!("in cell {}", whole + 1),
        None => format!("behind cell {whole}"),
    };
    if whole > 0 || last.is_some() {
        let message = format!(
            "is cut off or damaged {place}, and only what comes before that is read; \
             save it again, or restore it from a copy"
        );
        output.problem(ProblemKind::Malformed, None, message);
    }
    if let Some(cells) = notebook.get_mut("cells").and_then(Value::as_array_mut) {
        cells.extend(last);
    }
    Some(notebook)
}

/// An object that breaks off, up to the last value that is whole, and closed there.
fn closed(text: &str) -> Option<String> {
    let (mut open, mut end) = (Vec::new(), 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                open.push(if byte == b'{' { '}' } else { ']' });
                end = at + 1;
            }
            b'}' | b']' if open.pop() != Some(char::from(byte)) || open.is_empty() => return None,
            b'}' | b']' => end = at + 1,
            b',' => end = at,
            _ => {}
        }
    }
    let mut closed = text.get(..end).filter(|_| !open.is_empty())?.to_owned();
    closed.extend(open.iter().rev());
    Some(closed)
}

/// What is called a notebook and has no cells.
fn other(text: String, output: &mut Output<'_>) {
    // What is no JSON either is reported as that.
    if crate::records::value(&text).is_some() {
        let message = "has no cells, and its values are read as those of any JSON file";
        output.problem(ProblemKind::OtherFormat, None, message);
    }
    let _ = crate::records::json::documents(text, output);
}

/// The cells of a notebook of format 4, or of all worksheets of one of format 3.
fn cells(notebook: &Value) -> Vec<&Value> {
    let list = |value: &'_ Value| value.get("cells").and_then(Value::as_array).is_some();
    let sheets = notebook.get("worksheets").and_then(Value::as_array).into_iter().flatten();
    let holders = std::iter::once(notebook).chain(sheets).filter(|holder| list(holder));
    holders.filter_map(|holder| holder.get("cells")?.as_array()).flatten().collect()
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
                && let Some(output) = output.as_object()
                && let Some(text) = notebook_output::text(output, OUTPUT_BYTES, limits)
            {
                shown.push_str(&notebook_output::on_terminal(&without_escapes(&text)));
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

    fn shown(data: &str) -> String {
        let cell = format!(r#"{{"cells":[{{"source":"a","outputs":[{{"data":{data}}}]}}]}}"#);
        read(&cell).documents.remove(0).text.replace("a\n\n", "")
    }

    #[test]
    fn outputs_without_a_text_say_what_their_data_says() {
        for (data, text) in [
            (
                r#"{"application/json": {"dog": {"name": "Rex", "age": 3}}}"#,
                "dog.name: Rex\ndog.age: 3",
            ),
            (
                r#"{"text/plain": ["<IPython.core.display.JSON object>"], "application/json": ["x"]}"#,
                "x",
            ),
            (
                r#"{"text/plain": "<IPython.core.display.HTML object>", "text/html": "<h2>Summary</h2>"}"#,
                "Summary",
            ),
            (
                r#"{"text/plain": "<Figure size 640x480>", "image/png": "AA"}"#,
                "<Figure size 640x480>",
            ),
            (
                r##"{"application/vnd.plotly.v1+json": {"data": [{"y": [1, 2], "name": "Sales", "color": "#ff0000"}], "layout": {"title": {"text": "By year"}, "x": "Sales"}}}"##,
                "Sales\nBy year",
            ),
            (
                r#"{"application/vnd.vegalite.v5+json": {"$schema": "https://x/v5", "title": "Rain"}}"#,
                "Rain",
            ),
            (
                r#"{"application/vnd.jupyter.error": {"ename": "E", "evalue": "v", "traceback": ["l1", "l2"]}}"#,
                "l1\nl2",
            ),
            (r#"{"application/vnd.code.notebook.error": {"name": "E", "message": "v"}}"#, "E: v"),
            (r#"{"application/vnd.jupyter.stdout": ["one\n", "two"]}"#, "one\ntwo"),
            (r#"{"application/vnd.jupyter.widget-view+json": {"model_id": "abc"}}"#, ""),
            (r#"{"application/javascript": "no()"}"#, ""),
        ] {
            assert_eq!(shown(data).trim(), text, "{data}");
        }
        let long = format!(r#"{{"application/json": ["{}"]}}"#, "x ".repeat(50_000));
        assert!(shown(&long).len() <= OUTPUT_BYTES + 2);
    }

    #[test]
    fn of_several_forms_the_one_that_says_most_to_people_is_read() {
        for (data, text) in [
            (
                r#"{"text/html": "<div><script>draw()</script></div>", "application/vnd.plotly.v1+json": {"name": "Sales"}}"#,
                "Sales",
            ),
            (
                r#"{"text/plain": "<VegaLite 5 object>\n\nIf you see this, the renderer is not enabled", "application/vnd.vegalite.v5+json": {"title": "Rain"}}"#,
                "Rain",
            ),
            (
                r#"{"text/plain": "alt.Chart(...)", "application/vnd.vegalite.v5+json": {"title": "Rain"}}"#,
                "Rain",
            ),
            (
                r#"{"text/plain": "<Digraph at 0x7f>", "image/svg+xml": "<svg><text>Start</text></svg>"}"#,
                "Start",
            ),
            (
                r#"{"text/plain": "<Figure>", "image/svg+xml": "<svg><path d='M0'/></svg>"}"#,
                "<Figure>",
            ),
            (r#"{"text/plain": " 0%|\r 50%|##\r100%|####\r\ndone\r\n"}"#, "100%|####\ndone"),
        ] {
            assert_eq!(shown(data).trim(), text, "{data}");
        }
    }

    #[test]
    fn the_cells_before_a_notebook_breaks_off_are_read() {
        let whole = r##"{"cells": [ {"cell_type": "markdown", "source": "# Dogs"}, {"source": "x = 1"}, {"source": "third"}], "metadata": {}}"##;
        for (end, cells, text) in
            [("thi", 2, "# Dogs\n\nx = 1\n\n"), ("\"metadata", 3, "# Dogs\n\nx = 1\n\nthird\n\n")]
        {
            let found = read(&whole[..whole.find(end).unwrap()]);
            assert_eq!(
                (found.documents[0].text.as_str(), found.documents[0].title.as_str()),
                (text, "Dogs")
            );
            let message = &found.problems[0].message;
            assert!(
                message.contains(&format!("cell {cells},")) && found.problems.len() == 1,
                "{message}"
            );
        }
        let outputs =
            r#"{"cells": [{"source": ["one\n", "two"], "outputs": [{"text": ["shown\n", "{ \" cut"#;
        let found = read(outputs);
        assert_eq!(found.documents[0].text, "one\ntwo\n\nshown\n\n");
        assert_eq!(found.problems.len(), 1);
        assert!(found.problems[0].message.contains("damaged in cell 1,"), "{:?}", found.problems);
        for part in [
            "{\"cells\":[{\"source\":[",
            "{\"cells\":[",
            "{\"cells\"",
            "{\"cells\":[{}",
            "{\"cells\":[,,",
        ] {
            read(&part.repeat(5_000));
        }
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
        assert_eq!(read("{\"cells\": [").problems.len(), 1);
        let found = read("{\"a\": 1}");
        assert_eq!((found.documents[0].text.as_str(), found.problems.len()), ("a: 1", 1));
    }
}
