//! Files of records: JSON, JSON Lines and tables. Here, one JSON record becomes one document.

mod beside;
pub(crate) mod elements;
mod header;
mod integers;
pub(crate) mod json;
pub(crate) mod jsonl;
mod preamble;
mod relaxed;
mod rows;
pub(crate) mod table;
mod values;

use std::borrow::Cow;

use serde_json::{Map, Value};
use vizsla_core::{Document, Limits, Metadata, MetadataValue};

use crate::definition::Definition;
use crate::error::{Error, ErrorKind};
use crate::output::Output;

/// The formats of this group.
pub(crate) static FORMATS: &[&Definition] =
    &[&jsonl::FORMAT, &jsonl::SHOWN, &json::FORMAT, &table::FORMAT];

/// Maximum bytes of the key path before each value of a flattened text.
const PATH_BYTES: usize = 256;

/// Maximum bytes of the short values of a list that share a line.
const LINE_BYTES: usize = 120;

/// Maximum number of values in one JSON text. Parsed, each takes some seventy bytes and each object several hundred,
/// for two or three bytes of text.
pub(crate) const MOST_VALUES: usize = 4 << 20;

/// Maximum depth of lists and objects, which is the parser's.
const DEEPEST: usize = 127;

/// Why a JSON text could not be parsed.
pub(crate) enum ParseError {
    /// It is invalid JSON at this line and column, from 1.
    Invalid {
        line: u32,
        column: usize,
    },
    TooManyValues,
    /// Its lists and objects are nested deeper than [`DEEPEST`].
    TooDeep,
}

impl ParseError {
    /// What is wrong with the text.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Invalid { .. } => "is not valid JSON".to_owned(),
            Self::TooManyValues => format!("has more than {MOST_VALUES} values"),
            Self::TooDeep => format!("is nested deeper than {DEEPEST} levels"),
        }
    }

    fn of(error: &serde_json::Error) -> Self {
        // The parser tells its errors apart by nothing else.
        if error.to_string().starts_with("recursion limit exceeded") {
            return Self::TooDeep;
        }
        Self::Invalid {
            line: u32::try_from(error.line()).unwrap_or(u32::MAX),
            column: error.column(),
        }
    }
}

/// Parses JSON, or what [`relaxed`] makes of it, unless it has so many values that they would exhaust memory.
pub(crate) fn parse(text: &str) -> Result<Value, ParseError> {
    // A shorter text cannot have as many. Commas within strings count too, which only matters in texts with millions of
    // them.
    let separators = || text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if text.len() > MOST_VALUES && separators() > MOST_VALUES {
        return Err(ParseError::TooManyValues);
    }
    let read = |text: &str| {
        let read = serde_json::from_str(&integers::as_written(text));
        read.map(|values::Read(value)| value).map_err(|error| ParseError::of(&error))
    };
    read(text).or_else(|error| match read(&relaxed::strict(text)) {
        Err(ParseError::TooDeep) => Err(ParseError::TooDeep),
        other => other.map_err(|_| error),
    })
}

/// The value of a JSON text, if it is one.
pub(crate) fn value(text: &str) -> Option<Value> {
    parse(text).ok()
}

/// Turns a record into a document: `_id` or `id`, `title`, and `text` (or `body`, `content`, `contents`), each
/// flattened to text if not a string; everything else is metadata, `id` too. A record without any of the text fields is
/// flattened whole, with its id, and has no metadata.
///
/// # Errors
/// [`ErrorKind::TooLarge`] when it yields more text than the default [`Limits::text_bytes`].
pub fn json_document(record: Map<String, Value>, fallback_id: &str) -> Result<Document, Error> {
    let limits = Limits::default();
    let (document, _, whole) = document(record, fallback_id, limits.text_bytes, limits.nesting);
    if !whole {
        return Err(Error::new(ErrorKind::TooLarge, "has more text than is allowed"));
    }
    Ok(document)
}

/// As [`json_document`], within what the output still allows; any excess is omitted and reported. What the record says
/// beside its text is below it, so that it can be found.
pub(crate) fn bounded_document(
    record: Map<String, Value>,
    fallback_id: &str,
    output: &mut Output<'_>,
) -> Document {
    let (most, nesting) = (output.text_left(), output.limits.nesting);
    let (mut document, beside, mut whole) = document(record, fallback_id, most, nesting);
    if !beside.is_empty() {
        let left = most.saturating_sub(document.text.len());
        let beside = flatten_record(&beside, left, nesting);
        whole &= beside.is_whole;
        append_lines(&mut document.text, &beside.text);
    }
    if !whole {
        output.text_left_out(fallback_id);
    }
    document
}

/// Adds lines that are no part of the text above, and so no part of its last sentence.
fn append_lines(text: &mut String, lines: &str) {
    if !text.is_empty() && !lines.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(lines);
}

/// The document, what the record says beside its text, and whether nothing was left out.
fn document(
    mut record: Map<String, Value>,
    fallback_id: &str,
    most: usize,
    nesting: usize,
) -> (Document, Map<String, Value>, bool) {
    let mut whole = true;
    let mut flat = |value: &Value| {
        let Flattened { text, is_whole } = flatten(value, most, nesting);
        whole &= is_whole;
        text
    };
    let take = |record: &mut Map<String, Value>, names: &[&str]| {
        names.iter().find_map(|name| record.shift_remove(*name))
    };
    let id_name = ["_id", "id"].into_iter().find(|name| record.contains_key(*name));
    let id = id_name.and_then(|name| record.get(name));
    // The number of an order or a ticket is asked for; the keys of a database are not.
    let is_spoken = id.is_some_and(|id| id.is_string() || id.is_number());
    let id = id.map(&mut flat).filter(|id| !id.is_empty());
    let title = take(&mut record, &["title"]).as_ref().map(&mut flat).unwrap_or_default();
    let body = take(&mut record, &["text", "body", "content", "contents"]);
    if let Some(name) = id_name
        && (!is_spoken || (body.is_some() && name == "_id"))
    {
        record.shift_remove(name);
    }
    let text = if let Some(body) = &body {
        flat(body)
    } else {
        let Flattened { text, is_whole } = flatten_record(&record, most, nesting);
        whole &= is_whole;
        text
    };
    let id = id.unwrap_or_else(|| fallback_id.to_owned());
    let mut document = Document::new(id, text).with_title(title);
    let mut told = Map::new();
    if body.is_some() {
        told = beside::told(&record);
        document.metadata = metadata_of(record);
    }
    (document, told, whole)
}

fn metadata_of(mut record: Map<String, Value>) -> Metadata {
    // Several collections nest non-text fields one level deeper; they are metadata all the same.
    match record.shift_remove("metadata") {
        Some(Value::Object(nested)) => record.extend(nested),
        Some(other) => {
            record.insert("metadata".to_owned(), other);
        }
        None => {}
    }
    named(record)
}

fn named(values: Map<String, Value>) -> Metadata {
    values.into_iter().filter_map(|(name, value)| Some((name, metadata(value)?))).collect()
}

fn metadata(value: Value) -> Option<MetadataValue> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => MetadataValue::Bool(value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => MetadataValue::Integer(number),
            None => MetadataValue::Float(number.as_f64()?),
        },
        Value::String(text) => MetadataValue::Text(text),
        Value::Array(values) => {
            MetadataValue::List(values.into_iter().filter_map(metadata).collect())
        }
        Value::Object(values) => MetadataValue::Map(named(values)),
    })
}

/// A JSON value as text.
pub(crate) struct Flattened {
    pub(crate) text: String,
    /// Whether nothing was left out.
    pub(crate) is_whole: bool,
}

/// Everything in a value, in at most `most` bytes: one `name: value` per line, where lists and objects contribute the key
/// path, and the short values of a list share lines. Values nested deeper than `nesting` are omitted.
pub(crate) fn flatten(value: &Value, most: usize, nesting: usize) -> Flattened {
    let mut flattener = Flattener::new(most, nesting);
    flattener.value(value, nesting);
    flattener.finish()
}

fn flatten_record(record: &Map<String, Value>, most: usize, nesting: usize) -> Flattened {
    let mut flattener = Flattener::new(most, nesting);
    flattener.record(record, nesting);
    flattener.finish()
}

struct Flattener {
    text: String,
    /// The keys leading to the current value, cut to [`PATH_BYTES`]: each value repeats them.
    path: String,
    most: usize,
    is_whole: bool,
}

impl Flattener {
    fn new(most: usize, nesting: usize) -> Self {
        Self { text: String::new(), path: String::new(), most, is_whole: nesting > 0 }
    }

    fn finish(mut self) -> Flattened {
        self.text.truncate(self.text.trim_end().len());
        Flattened { text: self.text, is_whole: self.is_whole }
    }

    /// `nesting` is how much deeper values may be nested.
    fn value(&mut self, value: &Value, nesting: usize) {
        match value {
            Value::Null => {}
            Value::Object(_) | Value::Array(_) if nesting == 0 => self.is_whole = false,
            Value::Object(values) => self.record(values, nesting),
            Value::Array(values) => {
                let mut rest = values.as_slice();
                while let Some((first, others)) = rest.split_first() {
                    if self.text.len() >= self.most {
                        self.is_whole = false;
                        break;
                    }
                    let (line, count) = line_of(rest);
                    if count > 1 {
                        self.leaf(&line);
                        rest = &rest[count..];
                    } else {
                        self.value(first, nesting - 1);
                        rest = others;
                    }
                }
            }
            Value::String(string) => self.leaf(string),
            other => self.leaf(&other.to_string()),
        }
    }

    fn record(&mut self, values: &Map<String, Value>, nesting: usize) {
        let above = self.path.len();
        for (name, value) in values {
            if self.text.len() >= self.most {
                self.is_whole = false;
                break;
            }
            if above > 0 {
                self.path.push('.');
            }
            self.path.push_str(name);
            crate::output::shorten(&mut self.path, PATH_BYTES.max(above));
            self.value(value, nesting.saturating_sub(1));
            self.path.truncate(above);
        }
    }

    fn leaf(&mut self, value: &str) {
        let label = if self.path.is_empty() { 0 } else { self.path.len() + 2 };
        let left = self.most.saturating_sub(self.text.len() + label + 1);
        let end = value.floor_char_boundary(left);
        self.is_whole &= end == value.len();
        if left == 0 {
            return;
        }
        if label > 0 {
            self.text.push_str(&self.path);
            self.text.push_str(": ");
        }
        self.text.push_str(&value[..end]);
        self.text.push('\n');
    }
}

/// The line that the first values of a list share, and how many they are. So a list repeats its key path once for a line,
/// not once for a value, which may be a hundred times shorter.
fn line_of(values: &[Value]) -> (String, usize) {
    let (mut line, mut count) = (String::new(), 0);
    for value in values {
        let text = match value {
            Value::String(text) if !text.contains('\n') => Cow::Borrowed(text.as_str()),
            Value::Number(_) | Value::Bool(_) => Cow::Owned(value.to_string()),
            _ => break,
        };
        if line.len() + text.len() > LINE_BYTES {
            break;
        }
        if count > 0 {
            line.push_str("; ");
        }
        line.push_str(&text);
        count += 1;
    }
    (line, count)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Document {
        let Value::Object(record) = value else { panic!("{value} is not a record") };
        json_document(record, "f#1").unwrap()
    }

    #[test]
    fn ids_titles_and_texts_of_other_types_are_flattened() {
        let document = read(
            json!({"_id": {"$oid": "65f0"}, "title": ["A", "B"], "text": {"en": "dog"}, "n": 1}),
        );
        assert_eq!(document.id, "$oid: 65f0");
        assert_eq!((document.title.as_str(), document.text.as_str()), ("A; B", "en: dog"));
        assert_eq!(document.metadata["n"], MetadataValue::Integer(1));
        assert_eq!(read(json!({"id": null, "text": "x"})).id, "f#1");
        assert_eq!(read(json!({"id": 7, "text": null})).id, "7");
    }

    #[test]
    fn a_record_is_text_or_metadata_but_not_both() {
        let document = read(json!({"id": 1, "name": "Ada", "metadata": {"year": 1815}}));
        assert_eq!(document.text, "id: 1\nname: Ada\nmetadata.year: 1815");
        assert!(document.metadata.is_empty());
        let document = read(json!({"text": "x", "metadata": {"year": 1815}, "tag": ["a"]}));
        assert_eq!(document.metadata.keys().collect::<Vec<_>>(), ["tag", "year"]);
    }

    #[test]
    fn in_a_file_what_is_beside_a_text_is_found_too() {
        let tweet =
            r#"{"id": 9, "text": "Sunset", "user": {"name": "Okonkwo"}, "metadata": {"x": "y"}}"#;
        let found = crate::collect(crate::Input::bytes("t.jsonl", tweet.as_bytes())).unwrap();
        let document = &found.documents[0];
        assert_eq!(document.text, "Sunset\n\nuser.name: Okonkwo");
        assert_eq!(document.metadata.keys().collect::<Vec<_>>(), ["id", "user", "x"]);
    }

    #[test]
    fn an_id_that_people_know_can_be_found() {
        let order = read(json!({"customer": "Hugo", "id": "ORD-4711"}));
        assert_eq!(order.text, "customer: Hugo\nid: ORD-4711");
        assert_eq!(read(json!({"_id": 4711, "n": 1})).text, "_id: 4711\nn: 1");
        assert_eq!(read(json!({"_id": {"$oid": "65f0"}, "n": 1})).text, "n: 1");
        let invoice = read(json!({"id": "INV-8", "text": "Due."}));
        assert_eq!((invoice.text.as_str(), &invoice.metadata["id"]), ("Due.", &"INV-8".into()));
        let judged = read(json!({"_id": "d1", "title": "T", "text": "x", "metadata": {}}));
        assert_eq!((judged.title.as_str(), judged.text.as_str()), ("T", "x"));
        assert!(judged.metadata.is_empty());
    }

    #[test]
    fn short_values_of_a_list_share_lines() {
        let flat = |value: Value| flatten(&value, 1_000, 512).text;
        assert_eq!(flat(json!({"tags": ["red", 2, true], "n": 1})), "tags: red; 2; true\nn: 1");
        assert_eq!(flat(json!({"a": ["x", null, "y", ["z"], "w"]})), "a: x\na: y\na: z\na: w");
        let (long, lines) = ("word ".repeat(30), "one\ntwo".to_owned());
        let expected = format!("t: {long}\nt: a; b\nt: {lines}");
        assert_eq!(flat(json!({"t": [long, "a", "b", lines]})), expected);
    }

    #[test]
    fn repeated_names_are_cut() {
        let record = json!({"k".repeat(64 << 10): vec![1; 100_000]});
        let Flattened { text, is_whole } = flatten(&record, usize::MAX, 512);
        assert!(is_whole && text.len() < 1_000_000, "{}", text.len());
        let record = json!({"k".repeat(64 << 10): vec![json!({"a": 1}); 1_000]});
        let nested = flatten(&record, usize::MAX, 512).text;
        assert!(nested.len() < 1_000 * (PATH_BYTES + 5), "{}", nested.len());
        let Flattened { text, is_whole } = flatten(&record, 1_000, 512);
        assert!(!is_whole && text.len() <= 1_000);
    }

    #[test]
    fn text_is_cut_on_a_character_and_values_that_are_too_deep_are_left_out() {
        let Flattened { text, is_whole } = flatten(&json!({"a": "éé", "b": 1}), 7, 512);
        assert_eq!((text.as_str(), is_whole), ("a: é", false));
        let Flattened { text, is_whole } = flatten(&json!({"a": {"b": 1}, "c": 2}), 100, 1);
        assert_eq!((text.as_str(), is_whole), ("c: 2", false));
        let Flattened { text, is_whole } = flatten(&json!([[], {}, null, 1.5, "x"]), 100, 2);
        assert_eq!((text.as_str(), is_whole), ("1.5; x", true));
    }
}
