//! JSON: a list of records gives a document each, anything else gives one.

use serde_json::Value;
use vizsla_core::Document;

use crate::error::{Error, ErrorKind};
use crate::jsonl::json_document;

pub(crate) fn documents(name: &str, text: &str) -> Result<Vec<Document>, Error> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("line {}: is not valid JSON", error.line()))
            .with_source(error)
    })?;
    match value {
        Value::Array(values) if !values.is_empty() && values.iter().all(Value::is_object) => values
            .into_iter()
            .enumerate()
            .filter_map(|(i, value)| match value {
                Value::Object(record) => Some((i, record)),
                _ => None,
            })
            .map(|(i, record)| {
                json_document(record, &format!("{name}#{}", i + 1)).map_err(|error| {
                    Error::new(ErrorKind::Malformed, format!("record {}: {error}", i + 1))
                })
            })
            .collect(),
        Value::Object(record) if record.get("text").is_some_and(Value::is_string) => {
            Ok(vec![json_document(record, name)?])
        }
        value => Ok(vec![Document::new(name, flatten(&value)).with_title(crate::file_name(name))]),
    }
}

/// All that a value says, one `name: value` a line; lists and objects give the path of names.
pub(crate) fn flatten(value: &Value) -> String {
    let mut text = String::new();
    flatten_into(value, "", &mut text);
    text.truncate(text.trim_end().len());
    text
}

fn flatten_into(value: &Value, path: &str, text: &mut String) {
    match value {
        Value::Null => {}
        Value::Object(values) => {
            for (name, value) in values {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten_into(value, &path, text);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| flatten_into(value, path, text)),
        leaf => {
            if !path.is_empty() {
                text.push_str(path);
                text.push_str(": ");
            }
            match leaf {
                Value::String(string) => text.push_str(string),
                other => text.push_str(&other.to_string()),
            }
            text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_records_and_single_values() {
        let list = documents("l.json", r#"[{"id":"x","text":"a"},{"text":"b"}]"#).unwrap();
        assert_eq!(list.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["x", "l.json#2"]);
        let one =
            documents("p/package.json", r#"{"name":"n","scripts":{"test":"t"},"files":["a","b"]}"#)
                .unwrap();
        assert_eq!(one[0].text, "name: n\nscripts.test: t\nfiles: a\nfiles: b");
        assert_eq!(one[0].title, "package.json");
        let error = documents("b.json", "{\n \"a\": }").unwrap_err();
        assert!(error.to_string().starts_with("line 2"), "{error}");
    }
}
