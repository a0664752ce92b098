//! JSON Lines: one record per line, read one at a time, so that a file may have any size.

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::ops::ControlFlow;

use serde_json::Value;
use serde_json::value::RawValue;
use vizsla_core::{Document, Location, Locations};

use crate::definition::{Definition, Read, Recognise};
use crate::error::{Error, ErrorKind};
use crate::output::Output;
use crate::records::{ParseError, json};
use crate::sample::Sample;
use crate::sink::ProblemKind;
use crate::text::decode;
use crate::{records, whole};

/// The format, by name. A line that is not a record is reported, and reading continues after it.
pub(crate) static FORMAT: Definition = Definition {
    name: "jsonl",
    title: "JSON Lines",
    version: 7,
    extensions: &["jsonl", "ndjson"],
    recognise: Recognise::No,
    is_foreign: false,
    read: Read::Streamed(|reader, output| documents(reader, false, output)),
};

/// Texts of records that are not called so, such as logs. Other lines among them are kept as they are.
pub(crate) static SHOWN: Definition = Definition {
    name: "shown_jsonl",
    title: "JSON Lines",
    version: 5,
    extensions: &[],
    recognise: Recognise::Text { begins: |c| c == '{', shows: are_records },
    is_foreign: false,
    read: Read::Streamed(|reader, output| documents(reader, true, output)),
};

/// Whether a text that nothing else indicates to be JSON Lines is: it begins with several records, each on a line.
fn are_records(sample: &Sample<'_>) -> bool {
    let mut lines = sample.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut count = 0;
    let is_record = |line: &str| {
        line.starts_with('{')
            && line.ends_with('}')
            && serde_json::from_str::<&RawValue>(line).is_ok()
    };
    lines.all(|line| {
        count += 1;
        is_record(line)
    }) && count > 1
}

const MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes of lines between records that are kept in one document.
const OTHERS_BYTES: usize = 64 << 10;

/// The documents of a stream of JSON Lines. Empty lines are skipped.
fn documents(
    reader: &mut dyn BufRead,
    keeps_others: bool,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let start = reader.fill_buf().map_err(|error| unreadable("", error))?;
    if !is_utf_16(start) && !is_one_value(start) {
        return lines(reader, keeps_others, output);
    }
    // UTF-16, as some shells write it, cannot be split into lines before decoding, and a list not at all.
    let bytes = whole::read_whole(reader, output.limits)?;
    let text = if is_utf_16(&bytes) { utf_16(&bytes) } else { decode::decode(&bytes)? };
    if is_one_value(text.as_bytes()) {
        let _ = json::documents(text, output);
        return Ok(());
    }
    lines(&mut text.as_bytes(), keeps_others, output)
}

/// Whether the first character is one of UTF-16: a mark, or one whose other byte is zero.
fn is_utf_16(start: &[u8]) -> bool {
    matches!(start, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'{', ..] | [b'{', 0, ..])
}

fn utf_16(bytes: &[u8]) -> String {
    let is_big = matches!(bytes, [0xfe, 0xff, ..] | [0, ..]);
    let encoding = if is_big { encoding_rs::UTF_16BE } else { encoding_rs::UTF_16LE };
    encoding.decode_with_bom_removal(bytes).0.into_owned()
}

/// Whether the text is a list of records, or a record that goes over several lines.
fn is_one_value(start: &[u8]) -> bool {
    let start = start.strip_prefix(MARK).unwrap_or(start).trim_ascii_start();
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let is_list = line.starts_with(b"[") && line[1..].trim_ascii_start().starts_with(b"{");
    is_list || line == b"[" || line == b"{"
}

fn unreadable(place: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{place}cannot be read")).with_source(error)
}

fn lines(
    reader: &mut dyn BufRead,
    keeps_others: bool,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let mut bytes = Vec::new();
    let mut others = Others::default();
    for number in 1.. {
        let location = Location::Lines { first: number, last: number };
        let line = next_line(reader, output.limits.record_bytes, &mut bytes);
        match line.map_err(|error| unreadable(&format!("{location}: "), error))? {
            Line::End => break,
            Line::TooLong => {
                let limit = output.limits.record_bytes;
                let message = format!("is longer than the limit of {limit} bytes");
                output.problem(ProblemKind::TooLarge, Some(location), message);
            }
            Line::Read => {
                let line = bytes.strip_prefix(MARK).filter(|_| number == 1).unwrap_or(&bytes);
                output.has_read(line.len());
                let flow = match document(line, &location, number, output) {
                    Ok(None) => ControlFlow::Continue(()),
                    Ok(Some(document)) => {
                        let before = others.pass(output);
                        if before.is_break() { before } else { output.document(document) }
                    }
                    Err((ProblemKind::Malformed, _)) if keeps_others => {
                        others.add(line, number, output)
                    }
                    Err((kind, message)) => {
                        output.problem(kind, Some(location), message);
                        ControlFlow::Continue(())
                    }
                };
                if flow.is_break() {
                    return Ok(());
                }
            }
        }
    }
    let _ = others.pass(output);
    Ok(())
}

/// Lines between records: a text of its own.
#[derive(Default)]
struct Others {
    text: String,
    first: u32,
    last: u32,
    are_reported: bool,
}

impl Others {
    fn add(&mut self, line: &[u8], number: u32, output: &mut Output<'_>) -> ControlFlow<()> {
        if !std::mem::replace(&mut self.are_reported, true) {
            let place = Location::Lines { first: number, last: number };
            let message = "is not a JSON object; lines that are not are kept as text";
            output.problem(ProblemKind::OtherFormat, Some(place), message);
        }
        if self.text.is_empty() {
            self.first = number;
        }
        self.last = number;
        self.text.push_str(&decode::decode_text(line));
        if self.text.len() > OTHERS_BYTES { self.pass(output) } else { ControlFlow::Continue(()) }
    }

    fn pass(&mut self, output: &mut Output<'_>) -> ControlFlow<()> {
        if self.text.is_empty() {
            return ControlFlow::Continue(());
        }
        let place = Location::Lines { first: self.first, last: self.last };
        let id = format!("{}#{}", &output.name, self.first);
        let document = Document::new(id, std::mem::take(&mut self.text));
        output.document(document.with_locations(Locations::Fixed(place)))
    }
}

enum Line {
    Read,
    TooLong,
    End,
}

/// Reads the next line into `bytes`, at most `most` of them excluding the line ending.
fn next_line(reader: &mut dyn BufRead, most: usize, bytes: &mut Vec<u8>) -> io::Result<Line> {
    bytes.clear();
    // One record may be large, but most are not.
    bytes.shrink_to(1 << 20);
    let limit = (most as u64).saturating_add(1);
    if io::Read::take(&mut *reader, limit).read_until(b'\n', bytes)? == 0 {
        return Ok(Line::End);
    }
    if bytes.len() > most && !bytes.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
        return Ok(Line::TooLong);
    }
    Ok(Line::Read)
}

/// The document of a line, if it is not empty; else what is wrong with it.
fn document(
    line: &[u8],
    location: &Location,
    number: u32,
    output: &mut Output<'_>,
) -> Result<Option<Document>, (ProblemKind, String)> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let text = match std::str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(decode::decode_text(line)),
    };
    match records::parse(&text) {
        Ok(Value::Object(fields)) => {
            let id = format!("{}#{number}", &output.name);
            let document = records::bounded_document(fields, &id, output);
            Ok(Some(document.with_locations(Locations::Fixed(location.clone()))))
        }
        // It says nothing.
        Ok(Value::Null) => Ok(None),
        // A row, or a text by itself.
        Ok(value @ (Value::Array(_) | Value::String(_))) => {
            let id = format!("{}#{number}", &output.name);
            let fields = [("text".to_owned(), value)].into_iter().collect();
            let document = records::bounded_document(fields, &id, output);
            Ok(Some(document.with_locations(Locations::Fixed(location.clone()))))
        }
        Ok(_) => {
            let message = "is not a JSON object; each line must be one, such as {\"_id\": \"1\", \"title\": \"…\", \"text\": \"…\"}";
            Err((ProblemKind::Malformed, message.to_owned()))
        }
        Err(ParseError::Invalid { column, .. }) => {
            Err((ProblemKind::Malformed, format!("is not valid JSON (at column {column})")))
        }
        Err(error @ ParseError::TooDeep) => Err((ProblemKind::Malformed, error.reason())),
        Err(error @ ParseError::TooManyValues) => Err((ProblemKind::TooLarge, error.reason())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extracted, Input, Limits, Problem, collect, extract};

    #[test]
    fn records_become_documents() {
        let lines = "\u{feff}{\"_id\":\"a\",\"title\":\"T\",\"text\":\"x\",\"year\":2024,\"metadata\":{\"tag\":[\"p\"]}}\n\n{\"id\":7,\"body\":\"y\"}\n{\"name\":\"Ada\"}";
        let found = collect(Input::reader("c.jsonl", &mut lines.as_bytes())).unwrap();
        let all = found.documents;
        assert_eq!(all.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["a", "7", "c.jsonl#4"]);
        assert_eq!(all[0].metadata["year"].to_string(), "2024");
        assert_eq!(all[0].metadata["tag"].to_string(), "p");
        assert_eq!(all[2].text, "name: Ada");
        assert_eq!(all[1].locations, Locations::Fixed(Location::Lines { first: 3, last: 3 }));
        assert!(found.problems.is_empty());
    }

    #[test]
    fn a_problem_names_its_line_and_reading_continues() {
        let lines = "{\"_id\":\"a\",\"text\":\"x\"}\n{broken\n7\n{\"_id\":{\"b\":1},\"text\":\"\"}\n{\"_id\":\"b\",\"text\":\"y\"}\n";
        let found = collect(Input::bytes("c.jsonl", lines.as_bytes())).unwrap();
        let problems: Vec<_> = found.problems.iter().map(Problem::to_string).collect();
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("line 2: ") && problems[1].starts_with("line 3: "));
        assert_eq!(found.documents.len(), 3);
    }

    #[test]
    fn a_line_may_be_a_row_or_a_text() {
        let lines = "[\"Alice\",\"writes poems\",7]\n\"Only a text.\"\n";
        let found = collect(Input::bytes("c.jsonl", lines.as_bytes())).unwrap();
        let texts: Vec<_> = found.documents.iter().map(|d| d.text.as_str()).collect();
        assert_eq!(texts, ["Alice; writes poems; 7", "Only a text."]);
        assert!(found.problems.is_empty());
    }

    #[test]
    fn records_are_recognised_in_logs_and_what_is_between_them_is_kept() {
        let log =
            "{\"msg\":\"up\"}\n{\"msg\":\"down\"}\npanic: lost\n  at main\n{\"msg\":\"bye\"}\nend";
        let many = format!("{}{log}", "{\"msg\":\"up\"}\n".repeat(10_000));
        let found = collect(Input::bytes("service.log", many.as_bytes())).unwrap();
        let texts: Vec<_> = found.documents.iter().skip(10_000).map(|d| d.text.as_str()).collect();
        assert_eq!(texts, ["msg: up", "msg: down", "panic: lost\n  at main\n", "msg: bye", "end"]);
        let place = &found.documents[10_002].locations;
        assert_eq!(*place, Locations::Fixed(Location::Lines { first: 10_003, last: 10_004 }));
        assert_eq!(found.problems.len(), 1);
        assert!(!found.problems[0].loses_text());
        for text in ["{\"a\":1}\nplain\n", "{ int x;\n}\n{ }\n", "plain {\"a\":1}\n{\"a\":1}\n"] {
            let found = collect(Input::bytes("a.log", text.as_bytes())).unwrap();
            assert_eq!(found.documents[0].text, text);
        }
    }

    #[test]
    fn a_line_that_is_nested_too_deeply_is_named_as_that() {
        let lines = format!("{}1{}\n{{\"a\":1}}", "[".repeat(200), "]".repeat(200));
        let found = collect(Input::bytes("c.jsonl", lines.as_bytes())).unwrap();
        assert_eq!(found.problems[0].to_string(), "line 1: is nested deeper than 127 levels");
        assert_eq!(found.documents.len(), 1);
    }

    #[test]
    fn a_line_over_the_limit_is_refused_and_the_next_is_read() {
        let lines = format!("{{\"text\":\"{}\"}}\n{{\"text\":\"ok\"}}\n", "x".repeat(100));
        let limits = Limits::default().with_file_bytes(50);
        let mut found = Extracted::default();
        extract(Input::bytes("c.jsonl", lines.as_bytes()), &limits, &mut found).unwrap();
        assert_eq!(found.problems[0].kind, ProblemKind::TooLarge);
        assert_eq!(found.documents[0].text, "ok");
    }

    #[test]
    fn a_long_file_may_give_more_text_than_the_limit_but_a_small_record_may_not() {
        let limits = Limits::default().with_text_bytes(1_000);
        let read = |lines: &str| {
            let mut found = Extracted::default();
            extract(Input::bytes("c.jsonl", lines.as_bytes()), &limits, &mut found).unwrap();
            found
        };
        let long = read(&"{\"text\":\"some words\"}\n".repeat(1_000));
        assert!(long.problems.is_empty() && long.documents.len() == 1_000);
        let hostile =
            read(&format!("{{\"{}\":[{}1]}}\n{{\"a\":1}}", "k".repeat(250), "[1],".repeat(500)));
        assert!(hostile.documents[0].text.len() < 50_000);
        assert!(hostile.problems[0].loses_text());
        assert_eq!(hostile.documents[1].text, "a: 1");
    }

    #[test]
    fn a_line_in_another_encoding_is_decoded() {
        let found = collect(Input::bytes("c.jsonl", b"{\"text\":\"die T\xfcr\"}\n")).unwrap();
        assert_eq!(found.documents[0].text, "die Tür");
    }

    #[test]
    fn lines_in_utf_16_are_decoded() {
        let text = "{\"text\":\"Tür\"}\n{\"text\":\"Größe\"}\n";
        let bytes: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let found = collect(Input::reader("c.jsonl", &mut bytes.as_slice())).unwrap();
        assert!(found.problems.is_empty());
        assert_eq!((found.documents.len(), found.documents[1].text.as_str()), (2, "Größe"));
    }

    #[test]
    fn utf_16_without_a_mark_and_lists_are_read() {
        let text = "{\"text\":\"Tür\"}\r\n\r\n{\"text\":\"Größe\"}\r\n";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (name, bytes) in [
            ("c.jsonl", bytes.as_slice()),
            ("c.jsonl", "[{\"text\":\"Tür\"},\n {\"text\":\"Größe\"}]".as_bytes()),
            ("c.ndjson", "{\n \"text\":\"Tür\"\n}\n{\"text\":\"Größe\"}".as_bytes()),
        ] {
            let found = collect(Input::bytes(name, bytes)).unwrap();
            let texts: Vec<_> = found.documents.iter().map(|d| d.text.as_str()).collect();
            assert_eq!(texts, ["Tür", "Größe"]);
            assert!(found.problems.is_empty());
        }
    }

    #[test]
    fn numbers_that_json_lacks_and_halves_of_characters_cost_nothing() {
        let lines = "{\"text\":\"a\",\"n\":NaN}\n{\"text\":\"b \\ud83d\"}\n";
        let found = collect(Input::bytes("c.jsonl", lines.as_bytes())).unwrap();
        assert_eq!((found.documents.len(), found.problems.len()), (2, 0));
    }
}
