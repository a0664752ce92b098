//! JSON: a list of records yields one document each, anything else yields one.

use std::ops::ControlFlow;

use serde_json::Value;
use vizsla_core::{Document, Location};

use crate::output::Output;
use crate::record::{self, Flattened, MOST_VALUES, ParseError};
use crate::sink::ProblemKind;

/// Version of this reader.
pub(crate) const VERSION: u32 = 1;

pub(crate) fn documents(text: String, output: &mut Output<'_>) -> ControlFlow<()> {
    let value = match record::parse(&text) {
        Ok(value) => value,
        Err(error) => {
            let (location, reason) = match error {
                ParseError::Invalid { line, .. } => (
                    Some(Location::Lines { first: line, last: line }),
                    "is not valid JSON".to_owned(),
                ),
                ParseError::TooManyValues => (None, format!("has more than {MOST_VALUES} values")),
            };
            let message = format!("{reason}, so the file is read as plain text");
            output.problem(ProblemKind::OtherFormat, location, message);
            return crate::plain::document(text, output);
        }
    };
    drop(text);
    match value {
        Value::Array(values) if values.iter().any(Value::is_object) => {
            for (i, value) in values.into_iter().enumerate() {
                list_item(value, i + 1, output)?;
            }
            ControlFlow::Continue(())
        }
        Value::Object(record) if record.get("text").is_some_and(Value::is_string) => {
            let document = record::bounded_document(record, output.name, output);
            output.document(document)
        }
        value => {
            let title = crate::output::file_name(output.name).to_owned();
            let document = flat_document(&value, output.name, output).with_title(title);
            output.document(document)
        }
    }
}

fn list_item(value: Value, number: usize, output: &mut Output<'_>) -> ControlFlow<()> {
    let id = format!("{}#{number}", output.name);
    let document = match value {
        Value::Object(record) => record::bounded_document(record, &id, output),
        Value::Null => {
            output.problem(ProblemKind::Malformed, None, format!("record {number}: is null"));
            return ControlFlow::Continue(());
        }
        value => {
            let message = format!("record {number}: is not a JSON object; its text is kept");
            output.problem(ProblemKind::OtherFormat, None, message);
            flat_document(&value, &id, output)
        }
    };
    output.document(document)
}

/// A document with everything in a value.
fn flat_document(value: &Value, id: &str, output: &mut Output<'_>) -> Document {
    let Flattened { text, is_whole } =
        record::flatten(value, output.text_left(), output.limits.nesting);
    if !is_whole {
        output.text_left_out(id);
    }
    Document::new(id, text)
}

#[cfg(test)]
mod tests {
    use crate::record::MOST_VALUES;
    use crate::{Extracted, Input, Limits, Problem, collect, extract};

    fn read(name: &str, text: &str) -> Extracted {
        collect(Input::bytes(name, text.as_bytes())).unwrap()
    }

    #[test]
    fn lists_of_records_and_single_values() {
        let list = read("l.json", r#"[{"id":"x","text":"a"},{"text":"b"}]"#).documents;
        assert_eq!(list.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["x", "l.json#2"]);
        let package = r#"{"name":"n","scripts":{"test":"t"},"files":["a","b"]}"#;
        let one = read("p/package.json", package).documents;
        assert_eq!(one[0].text, "name: n\nscripts.test: t\nfiles: a\nfiles: b");
        assert_eq!(one[0].title, "package.json");
        assert_eq!(read("l.json", "[1, [2], null]").documents[0].text, "1\n2");
    }

    #[test]
    fn a_bad_record_costs_only_itself() {
        let list = r#"[{"_id":{"$oid":"65f0"},"note":"zebra one"},null,"loose",{"_id":"b","note":"zebra two"}]"#;
        let found = read("l.json", list);
        let texts: Vec<_> = found.documents.iter().map(|document| document.text.as_str()).collect();
        assert_eq!(texts, ["note: zebra one", "loose", "note: zebra two"]);
        let problems: Vec<_> = found.problems.iter().map(Problem::to_string).collect();
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("record 2") && problems[1].starts_with("record 3"));
    }

    #[test]
    fn what_is_not_json_is_plain_text_with_a_problem() {
        let found = read("b.json", "{\n \"a\": }");
        assert_eq!(found.documents[0].text, "{\n \"a\": }");
        assert!(found.problems[0].to_string().starts_with("line 2: "), "{:?}", found.problems);
        assert!(!found.problems[0].loses_text());
        let deep = "[".repeat(100_000);
        assert_eq!(read("d.json", &deep).documents[0].text, deep);
    }

    #[test]
    fn the_text_of_a_small_file_is_bounded() {
        let hostile =
            format!("[{{\"{}\":[{}1]}},{{\"a\":1}}]", "k".repeat(64 << 10), "1,".repeat(200_000));
        let limits = Limits::default().with_text_bytes(1 << 20);
        let mut found = Extracted::default();
        extract(Input::bytes("h.json", hostile.as_bytes()), &limits, &mut found).unwrap();
        let bytes: usize = found.documents.iter().map(|document| document.text.len()).sum();
        assert!(bytes <= 1 << 20, "{bytes}");
        assert!(found.problems.iter().any(Problem::loses_text));
    }

    #[test]
    fn more_values_than_memory_could_hold_are_read_as_text() {
        let many = format!("[{}0]", "0,".repeat(MOST_VALUES));
        let found = read("m.json", &many);
        assert_eq!(found.documents[0].text.len(), many.len());
        assert_eq!(found.problems.len(), 1);
    }
}
