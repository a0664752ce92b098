//! JSON Lines: one record a line, read one at a time, so that a file may be of any size.

use std::io::{BufRead, Read};

use serde_json::{Map, Value};
use vizsla_core::{Document, Metadata, MetadataValue, SourceLines};

use crate::error::{Error, ErrorKind};

/// The documents of a stream of JSON Lines. A line that is no record gives an error that names it; reading goes on after
/// it, so the caller decides what an error means. Empty lines are passed over.
#[derive(Debug)]
pub struct JsonLines<R> {
    name: String,
    reader: R,
    line: u32,
    max_bytes: usize,
    failed: bool,
}

impl<R: BufRead> JsonLines<R> {
    /// The most bytes of a line unless told otherwise.
    pub const DEFAULT_MAX_BYTES: usize = 64 << 20;

    /// Reads from `reader`; `name` is as for [`extract`](crate::extract).
    pub fn new(name: impl Into<String>, reader: R) -> Self {
        Self {
            name: name.into(),
            reader,
            line: 0,
            max_bytes: Self::DEFAULT_MAX_BYTES,
            failed: false,
        }
    }

    /// Refuses lines longer than this.
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    fn document(&self, bytes: &[u8]) -> Result<Document, Error> {
        let malformed =
            |what: String| Error::new(ErrorKind::Malformed, format!("line {}: {what}", self.line));
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| malformed("is not valid JSON".into()).with_source(error))?;
        let Value::Object(record) = value else {
            return Err(malformed("is no JSON object; each line must be one, as {\"_id\": \"1\", \"title\": \"…\", \"text\": \"…\"}".into()));
        };
        json_document(record, &format!("{}#{}", self.name, self.line))
            .map(|document| {
                document.with_path(&self.name).with_lines(SourceLines::Fixed(self.line, self.line))
            })
            .map_err(|error| malformed(error.to_string()))
    }

    /// The next line without its end, `None` at the end of the stream.
    fn next_line(&mut self) -> Option<Result<Vec<u8>, Error>> {
        let mut bytes = Vec::new();
        let limit = self.max_bytes as u64 + 1;
        self.line += 1;
        let unreadable = |line: u32, error| {
            Error::new(ErrorKind::Io, format!("line {line}: cannot be read")).with_source(error)
        };
        match self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => {
                self.failed = true;
                return Some(Err(unreadable(self.line, error)));
            }
        }
        if bytes.len() > self.max_bytes && !bytes.ends_with(b"\n") {
            if let Err(error) = self.reader.skip_until(b'\n') {
                self.failed = true;
                return Some(Err(unreadable(self.line, error)));
            }
            let message =
                format!("line {}: is longer than the limit of {} bytes", self.line, self.max_bytes);
            return Some(Err(Error::new(ErrorKind::TooLarge, message)));
        }
        Some(Ok(bytes))
    }
}

impl<R: BufRead> Iterator for JsonLines<R> {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            match self.next_line()? {
                Err(error) => return Some(Err(error)),
                Ok(bytes) => {
                    let bytes = bytes
                        .strip_prefix(b"\xef\xbb\xbf")
                        .filter(|_| self.line == 1)
                        .unwrap_or(&bytes);
                    if !bytes.trim_ascii().is_empty() {
                        return Some(self.document(bytes));
                    }
                }
            }
        }
        None
    }
}

/// A record becomes a document: `_id` or `id`, `title`, and `text` (or `body`, `content`, `contents`); anything else is
/// metadata. A record without any of the text fields gives its other texts as text.
///
/// # Errors
/// [`ErrorKind::Malformed`] when the id is neither text nor number, or title or text is no text.
pub fn json_document(mut record: Map<String, Value>, fallback_id: &str) -> Result<Document, Error> {
    let mut take =
        |names: &[&'static str]| names.iter().find_map(|name| Some((*name, record.remove(*name)?)));
    let id = match take(&["_id", "id"]) {
        None | Some((_, Value::Null)) => fallback_id.to_owned(),
        Some((_, Value::String(id))) if !id.is_empty() => id,
        Some((_, Value::Number(id))) => id.to_string(),
        Some((name, other)) => return Err(wrong(name, &other, "a text or a number")),
    };
    let mut take_text = |names: &[&'static str]| match take(names) {
        None => Ok(None),
        Some((_, Value::Null)) => Ok(Some(String::new())),
        Some((_, Value::String(text))) => Ok(Some(text)),
        Some((name, other)) => Err(wrong(name, &other, "a text")),
    };
    let title = take_text(&["title"])?.unwrap_or_default();
    let text = take_text(&["text", "body", "content", "contents"])?;
    let text = text.unwrap_or_else(|| crate::json::flatten(&Value::Object(record.clone())));
    // Several collections nest what is not text one level deeper; it is metadata all the same.
    if let Some(Value::Object(nested)) = record.remove("metadata") {
        record.extend(nested);
    }
    let mut document = Document::new(id, text).with_title(title);
    document.metadata =
        record.into_iter().filter_map(|(name, value)| Some((name, metadata(value)?))).collect();
    Ok(document)
}

fn wrong(name: &str, value: &Value, expected: &str) -> Error {
    let mut shown = value.to_string();
    if shown.len() > 40 {
        shown = shown.chars().take(40).collect::<String>() + "…";
    }
    Error::new(ErrorKind::Malformed, format!("{name:?} is {shown}, not {expected}"))
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
        Value::Object(values) => {
            let inner: Metadata = values
                .into_iter()
                .filter_map(|(name, value)| Some((name, metadata(value)?)))
                .collect();
            MetadataValue::Map(inner)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_documents() {
        let lines = "\u{feff}{\"_id\":\"a\",\"title\":\"T\",\"text\":\"x\",\"year\":2024,\"metadata\":{\"tag\":[\"p\"]}}\n\n{\"id\":7,\"body\":\"y\"}\n{\"name\":\"Ada\"}";
        let all: Vec<_> = JsonLines::new("c.jsonl", lines.as_bytes()).map(Result::unwrap).collect();
        assert_eq!(all.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["a", "7", "c.jsonl#4"]);
        assert_eq!(all[0].metadata["year"], MetadataValue::Integer(2024));
        assert_eq!(all[0].metadata["tag"].to_string(), "p");
        assert_eq!(all[2].text, "name: Ada");
        assert_eq!(all[1].lines, SourceLines::Fixed(3, 3));
    }

    #[test]
    fn an_error_names_its_line_and_reading_goes_on() {
        let lines = "{\"_id\":\"a\",\"text\":\"x\"}\n{broken\n[1]\n{\"_id\":{},\"text\":\"\"}\n{\"_id\":\"b\",\"text\":\"y\"}\n";
        let all: Vec<_> = JsonLines::new("c.jsonl", lines.as_bytes()).collect();
        let errors: Vec<_> =
            all.iter().filter_map(|r| r.as_ref().err()).map(ToString::to_string).collect();
        assert_eq!(errors.len(), 3);
        assert!(
            errors[0].starts_with("line 2: ")
                && errors[1].starts_with("line 3: ")
                && errors[2].starts_with("line 4: \"_id\"")
        );
        assert_eq!(all.iter().filter(|r| r.is_ok()).count(), 2);
    }

    #[test]
    fn a_line_over_the_limit_is_refused_and_the_next_is_read() {
        let lines = format!("{{\"text\":\"{}\"}}\n{{\"text\":\"ok\"}}\n", "x".repeat(100));
        let all: Vec<_> = JsonLines::new("c", lines.as_bytes()).with_max_bytes(50).collect();
        assert_eq!(all[0].as_ref().unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(all[1].as_ref().unwrap().text, "ok");
    }
}
