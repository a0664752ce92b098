//! JSON: each record of a list becomes a document, and any other value one. The list may be the whole file, wrapped in an
//! object (`{"data": [...]}`), or without brackets, one record after the other. Liberties are read as
//! [`relaxed`](crate::records::relaxed) says; comments are at the end of the document that they are in.

use std::ops::{ControlFlow, Range};

use serde_json::{Map, Value};
use vizsla_core::{Document, Location, Locations};

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::{Output, TITLE_BYTES, shorten};
use crate::records::elements::{Element, Elements, longest_member, value_end};
use crate::records::relaxed::{Comments, strict_and_comments};
use crate::records::{self, Flattened, ParseError};
use crate::sample::Sample;
use crate::sink::ProblemKind;
use crate::text::decode;

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "json",
    title: "JSON",
    version: 9,
    extensions: &["json", "jsonc", "json5", "geojson", "topojson", "webmanifest", "har"],
    recognise: Recognise::Text { begins: |c| matches!(c, '{' | '['), shows: is_json },
    is_foreign: false,
    read: Read::Whole(read_value),
};

/// Objects around a list of records, such as `{"hits": {"hits": [...]}}`.
const MOST_WRAPPERS: usize = 4;
/// Numbers in the coordinates of a place; more make a line or an area, which nobody searches for.
const MOST_COORDINATES: usize = 3;

/// Whether a text that nothing else indicates to be JSON is: a value with names or strings in it, or several records.
fn is_json(sample: &Sample<'_>) -> bool {
    let text = sample.whole();
    if !text.contains('"') {
        return false;
    }
    let mut values = Elements::of_sequence(&text).peekable();
    let is_record = |value: Element<'_>| value.is_valid && value.text.starts_with(['{', '[']);
    values.peek().is_some() && values.all(is_record)
}

fn read_value(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let _ = documents(decode::decode(bytes)?, output);
    Ok(())
}

/// The documents of a text that is JSON, or nearly so.
pub(crate) fn documents(text: String, output: &mut Output<'_>) -> ControlFlow<()> {
    let start = text.len() - text.trim_start().len();
    if is_value(&text, start) {
        return value(text, start, Comments::default(), output);
    }
    let (strict, comments) = strict_and_comments(&text);
    let start = strict.len() - strict.trim_start_matches([' ', '\t', '\r', '\n', '\u{1e}']).len();
    if is_value(&strict, start) {
        drop(text);
        return value(strict, start, comments, output);
    }
    let elements = if strict[start..].starts_with('[') {
        Elements::of_list(&strict, start)
    } else {
        Elements::of_sequence(&strict)
    };
    let is_record = |element: Element<'_>| element.is_valid && element.text.starts_with(['{', '[']);
    if strict[start..].starts_with(['[', '{']) && elements.clone().any(is_record) {
        drop(text);
        return records(elements, comments, output);
    }
    as_text(text, output)
}

/// Whether a text is one JSON value.
fn is_value(text: &str, start: usize) -> bool {
    value_end(text, start).is_ok_and(|end| text[end..].trim().is_empty())
}

/// A text that is no JSON is kept as it is.
fn as_text(text: String, output: &mut Output<'_>) -> ControlFlow<()> {
    let error = records::parse(&text).err();
    let location = match error {
        Some(ParseError::Invalid { line, .. }) => Some(Location::Lines { first: line, last: line }),
        _ => None,
    };
    let reason = error.map_or_else(|| "is not valid JSON".to_owned(), |error| error.reason());
    let message = format!("{reason}, so the file is read as plain text");
    output.problem(ProblemKind::OtherFormat, location, message);
    crate::text::plain::document(text, output)
}

/// The documents of one value.
fn value(
    text: String,
    start: usize,
    mut comments: Comments,
    output: &mut Output<'_>,
) -> ControlFlow<()> {
    if text[start..].starts_with('[') {
        let elements = Elements::of_list(&text, start);
        if elements.clone().any(|element| element.text.starts_with('{')) {
            return records(elements, comments, output);
        }
    } else if let Some(list) = wrapped_list(&text, start)
        && let Ok(frame) =
            records::parse(&format!("{}[]{}", &text[..list.start], &text[list.end..]))
        && frame.get("text").is_none_or(|text| !text.is_string())
    {
        let title = own_title(&frame);
        let mut frame = flat_document(&frame, &output.name.clone(), output);
        if !frame.text.is_empty() {
            let above = text[..list.start].lines().count() as u32;
            comments.append_up_to(above, &mut frame.text);
            output.document(titled(frame, title, &text, output))?;
        }
        return records(Elements::of_list(&text, list.start), comments, output);
    }
    let name = output.name.clone();
    let mut document = match records::parse(&text) {
        Ok(Value::Object(record)) if record.get("text").is_some_and(Value::is_string) => {
            records::bounded_document(record, &name, output)
        }
        Ok(value) => titled(flat_document(&value, &name, output), own_title(&value), &text, output),
        Err(_) => return as_text(text, output),
    };
    comments.append_up_to(u32::MAX, &mut document.text);
    output.document(document)
}

/// The title that an object gives itself, or, as the description of an interface does, the part that is about it.
fn own_title(value: &Value) -> Option<String> {
    let title = value.get("title").or_else(|| value.get("info")?.get("title"))?.as_str()?.trim();
    let mut title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&mut title, TITLE_BYTES);
    Some(title).filter(|title| !title.is_empty())
}

/// A document with the lines of the file, and its name for a title if it has none of its own.
fn titled(document: Document, title: Option<String>, text: &str, output: &Output<'_>) -> Document {
    let title = title.unwrap_or_else(|| crate::output::file_name(&output.name).to_owned());
    let last = u32::try_from(text.trim_end().lines().count()).unwrap_or(u32::MAX).max(1);
    let lines = Location::Lines { first: 1, last };
    document.with_title(title).with_locations(Locations::Fixed(lines))
}

/// Where the list of records is that makes up most of an object, if there is one.
fn wrapped_list(text: &str, start: usize) -> Option<Range<usize>> {
    let mut object = start..text.trim_end().len();
    for _ in 0..MOST_WRAPPERS {
        if !text[object.start..].starts_with('{') {
            break;
        }
        let member = longest_member(text, object.start)?;
        // Four fifths, with some room for what every reply says about itself.
        if member.len() * 5 + 500 < object.len() * 4 {
            return None;
        }
        if text[member.start..].starts_with('[') {
            let records = Elements::of_list(text, member.start).take(2);
            let count = records.filter(|element| element.text.starts_with('{')).count();
            return (count == 2).then_some(member);
        }
        object = member;
    }
    None
}

/// One document each.
fn records(
    mut elements: Elements<'_>,
    mut comments: Comments,
    output: &mut Output<'_>,
) -> ControlFlow<()> {
    let (mut number, mut next) = (0, elements.next());
    while let Some(element) = next {
        if output.is_expired() {
            let message =
                format!("takes too long to read; what follows record {number} is left out");
            output.problem(ProblemKind::TimedOut, Some(lines(&element)), message);
            return ControlFlow::Break(());
        }
        number += 1;
        next = elements.next();
        let mut remarks = String::new();
        comments.append_up_to(next.as_ref().map_or(u32::MAX, |_| element.last), &mut remarks);
        list_item(&element, number, &remarks, output)?;
    }
    let rest = elements.rest().trim();
    // What surrounds a list that is wrapped has been read before.
    if rest.is_empty() || rest.starts_with(['}', ',']) {
        return ControlFlow::Continue(());
    }
    if rest.starts_with(['[', '{']) {
        let name = format!("{}#{}", &output.name, number + 1);
        let outer = std::mem::replace(&mut output.name, name);
        let flow = documents(rest.to_owned(), output);
        output.name = outer;
        return flow;
    }
    output.problem(
        ProblemKind::OtherFormat,
        None,
        "has text after the list of records, which is kept as it is",
    );
    output.document(Document::new(format!("{}#{}", &output.name, number + 1), rest))
}

fn lines(element: &Element<'_>) -> Location {
    Location::Lines { first: element.first, last: element.last }
}

fn list_item(
    element: &Element<'_>,
    number: usize,
    remarks: &str,
    output: &mut Output<'_>,
) -> ControlFlow<()> {
    let (id, location) = (format!("{}#{number}", &output.name), lines(element));
    let mut document = match records::parse(element.text) {
        Ok(Value::Object(record)) => records::bounded_document(unwrapped(record), &id, output),
        // It says nothing.
        Ok(Value::Null) if remarks.is_empty() => return ControlFlow::Continue(()),
        Ok(value) => flat_document(&value, &id, output),
        Err(error) => {
            let reason = error.reason();
            let message = format!("record {number}: {reason}; it is kept as plain text");
            output.problem(ProblemKind::OtherFormat, Some(location.clone()), message);
            Document::new(&id, element.text)
        }
    };
    if !remarks.is_empty() {
        document.text.push_str(if document.text.is_empty() { "" } else { "\n" });
        document.text.push_str(remarks);
    }
    output.document(document.with_locations(Locations::Fixed(location)))
}

/// The record itself, from what Elasticsearch (`_source`) and `GeoJSON` (`properties`) put around it.
fn unwrapped(mut record: Map<String, Value>) -> Map<String, Value> {
    let is_feature = record.get("type").is_some_and(|kind| kind == "Feature");
    let name = if is_feature { "properties" } else { "_source" };
    let Some(Value::Object(mut inner)) = record.shift_remove(name) else {
        return record;
    };
    if is_feature && let Some(geometry) = record.get_mut("geometry") {
        let coordinates = geometry.get("coordinates").and_then(Value::as_array);
        let is_point = coordinates
            .is_some_and(|all| all.len() <= MOST_COORDINATES && all.iter().all(Value::is_number));
        if !is_point {
            *geometry = geometry.get("type").cloned().unwrap_or_default();
        }
    }
    for (name, value) in record {
        if !matches!(name.as_str(), "_score" | "sort") {
            inner.entry(name).or_insert(value);
        }
    }
    inner
}

/// A document with everything in a value.
fn flat_document(value: &Value, id: &str, output: &mut Output<'_>) -> Document {
    let Flattened { text, is_whole } =
        records::flatten(value, output.text_left(), output.limits.nesting);
    if !is_whole {
        output.text_left_out(id);
    }
    Document::new(id, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::MOST_VALUES;
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
        assert_eq!(one[0].text, "name: n\nscripts.test: t\nfiles: a; b");
        assert_eq!(one[0].title, "package.json");
        let described = r#"{"openapi":"3.0.0","info":{"title":"Pet  API"},"paths":{"/a":{}}}"#;
        assert_eq!(read("api.json", described).documents[0].title, "Pet API");
        assert_eq!(read("l.json", "[1, [2], null]").documents[0].text, "1\n2");
    }

    #[test]
    fn what_is_no_object_in_a_list_is_read_as_what_it_says() {
        let list = r#"[{"_id":{"$oid":"65f0"},"note":"zebra one"},null,"loose",{"_id":"b","note":"zebra two"}]"#;
        let found = read("l.json", list);
        let texts: Vec<_> = found.documents.iter().map(|document| document.text.as_str()).collect();
        assert_eq!(texts, ["note: zebra one", "loose", "_id: b\nnote: zebra two"]);
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        let remark = read("l.json", "[{\"a\": 1},\n// why not\nnull]").documents;
        assert_eq!(remark.iter().map(|d| d.text.as_str()).collect::<String>(), "a: 1why not");
    }

    #[test]
    fn comments_and_other_liberties_are_read() {
        let found = read("tsconfig.json", "{\n // where\n \"outDir\": \"dist\", /* x */\n}\n");
        assert_eq!(found.documents[0].text, "outDir: dist\nwhere\nx");
        assert!(found.problems.is_empty());
        let found = read("l.json5", "[{id: 'x', text: 'zebra', n: NaN,},\n {id: 'y', text: 'b'},]");
        assert_eq!(found.documents.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(
            found.documents[1].locations,
            Locations::Fixed(Location::Lines { first: 2, last: 2 })
        );
        assert!(
            read("s.json", r#"[{"text":"a \ud83d b"}]"#).documents[0]
                .text
                .starts_with("a \u{fffd}")
        );
    }

    #[test]
    fn comments_are_in_the_documents_that_they_are_beside() {
        let list = "// first\n[\n {\"text\": \"a\"}, // of a\n /* of\n  * b */\n {\"text\": \"b\"}\n] // last\n";
        let documents = read("l.json", list).documents;
        let texts: Vec<_> = documents.iter().map(|document| document.text.as_str()).collect();
        assert_eq!(texts, ["a\nfirst\nof a", "b\nof b\nlast"]);
        let link = read("l.json", "{\"a\": \"http://x.org\", // see http://y.org/\n}").documents;
        assert_eq!(link[0].text, "a: http://x.org\nsee http://y.org/");
    }

    #[test]
    fn records_need_no_brackets_around_them() {
        for text in [
            "{\"text\":\"a\"}\n{\"text\":\"b\"}\n",
            "{\"text\":\"a\"}{\"text\":\"b\"}",
            "{\"text\":\"a\"},\n{\"text\":\"b\"},",
            "\u{1e}{\"text\":\"a\",\"_of\":\"a sequence\"}\n\u{1e}{\"text\":\"b\"}\n",
            "[{\"text\":\"a\"}]\n[{\"text\":\"b\"}]\n",
            "\u{feff}[{\"text\":\"a\"},{\"text\":\"b\"}",
        ] {
            let found = read("r.json", text);
            let texts: Vec<_> = found.documents.iter().map(|d| d.text.as_str()).collect();
            assert_eq!(texts, ["a", "b"], "{text}");
        }
    }

    #[test]
    fn an_invalid_record_is_kept_as_text_and_the_others_are_read() {
        let found =
            read("r.json", "[\n{\"text\":\"a\"},\n{\"text\":\"broken},\n{\"text\":\"b\"}\n]");
        let texts: Vec<_> = found.documents.iter().map(|d| d.text.as_str()).collect();
        assert_eq!((texts[0], texts[2], texts.len()), ("a", "b", 3));
        assert!(texts[1].contains("broken"));
        assert!(found.problems[0].to_string().starts_with("line 3: record 2: is not valid JSON"));
        let deep =
            format!("[{{\"a\":{}1{}}},{{\"text\":\"b\"}}]", "[".repeat(300), "]".repeat(300));
        let found = read("d.json", &deep);
        assert_eq!((found.documents.len(), found.documents[1].text.as_str()), (2, "b"));
        assert!(found.problems[0].to_string().contains("record 1: is nested deeper than 127"));
    }

    #[test]
    fn the_depth_that_is_read_is_named() {
        let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(read("d.json", &nested(127)).problems.is_empty());
        for (before, depth) in [("", 128), ("// deep\n", 200)] {
            let found = read("d.json", &format!("{before}{}", nested(depth)));
            let problem = found.problems[0].to_string();
            assert!(problem.starts_with("is nested deeper than 127 levels"), "{problem}");
            assert!(found.documents[0].text.ends_with(&nested(depth)));
        }
    }

    #[test]
    fn a_list_in_an_object_has_records_too() {
        let record = |id: &str| {
            format!(
                r#"{{"_index":"i","_id":"{id}","_score":1,"_source":{{"text":"dog {id}","n":1}}}}"#
            )
        };
        let text = format!(
            r#"{{"took":3,"hits":{{"total":2,"hits":[{},{}]}}}}"#,
            record("x"),
            record("y")
        );
        let documents = read("es.json", &text).documents;
        assert_eq!(documents[0].text, "took: 3\nhits.total: 2");
        assert_eq!((documents[2].id.as_str(), documents[2].text.as_str()), ("y", "dog y\n\nn: 1"));
        assert_eq!(documents[2].metadata.keys().collect::<Vec<_>>(), ["_index", "n"]);
        let feature = r#"{"type":"Feature","properties":{"name":"Lake"},"geometry":{"type":"Polygon","coordinates":[[[1,2],[3,4]]]}}"#;
        let text = format!(r#"{{"type":"FeatureCollection","features":[{feature},{feature}]}}"#);
        let documents = read("g.geojson", &text).documents;
        assert_eq!(documents[1].text, "name: Lake\ntype: Feature\ngeometry: Polygon");
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
