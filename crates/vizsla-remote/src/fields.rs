//! A passage as the fields of a document of an engine that we write to, and back: the only file that knows their names.
//!
//! `content` is what is searched: title, headings and text. The text is its end, from byte `text_from`, so that it is
//! stored once.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use vizsla::{Error, ErrorKind, Location, Metadata, MetadataValue, Passage, content_hash};

/// The version of the fields; raised when older programs could no longer read them.
pub(crate) const VERSION: u64 = 1;

/// Longer metadata values are stored and shown but cannot be used in filters.
const METADATA_TERM_BYTES: usize = 1000;

/// The key of a passage: distinct for distinct files, documents and ordinals, and the same in every run.
pub(crate) fn passage_key(path: &str, id: &str, ordinal: u32) -> String {
    key(format!("{path}\0{id}\0{ordinal}").as_bytes())
}

/// The key of what is remembered of a file.
pub(crate) fn file_key(path: &str) -> String {
    key(path.as_bytes())
}

fn key(bytes: &[u8]) -> String {
    let hash = content_hash(bytes).unwrap_or_default();
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The file extension in lower case, without the dot.
pub(crate) fn extension(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next()?;
    Some(name.rsplit_once('.')?.1.to_lowercase())
}

/// The path without its extension: what of it is words.
pub(crate) fn path_words(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() => &path[..path.len() - end.len() - 1],
        _ => path,
    }
}

/// The term by which metadata is filtered.
pub(crate) fn metadata_term(name: &str, value: &str) -> String {
    format!("{}\u{1}{value}", name.replace('\u{1}', " "))
}

/// All terms by which a document's metadata is filtered.
pub(crate) fn metadata_terms(metadata: &Metadata) -> Vec<String> {
    let mut terms = Vec::new();
    metadata.iter().for_each(|(name, value)| add_terms(&mut terms, name, value));
    terms
}

fn add_terms(terms: &mut Vec<String>, name: &str, value: &MetadataValue) {
    match value {
        MetadataValue::List(values) => {
            values.iter().for_each(|value| add_terms(terms, name, value));
        }
        MetadataValue::Map(values) => {
            for (inner, value) in values {
                add_terms(terms, &format!("{name}.{inner}"), value);
            }
        }
        value => {
            let term = metadata_term(name, &value.to_string());
            if term.len() <= METADATA_TERM_BYTES {
                terms.push(term);
            }
        }
    }
}

/// The fields of a passage that `run` writes.
pub(crate) fn of_passage(passage: &Passage, run: &str, separate_body: bool) -> Map<String, Value> {
    let content = passage.full_text();
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("doc_id", passage.doc_id.as_str().into());
    put("ordinal", passage.ordinal.into());
    put("text_from", (content.len() - passage.text.len()).into());
    put("content", content.into());
    put("path", passage.path.as_deref().unwrap_or_default().into());
    put("start_byte", passage.start_byte.into());
    put("end_byte", passage.end_byte.into());
    put("run", run.into());
    if !passage.title.is_empty() {
        put("title", passage.title.as_str().into());
    }
    if !passage.headings.is_empty() {
        put("headings", passage.headings.clone().into());
    }
    if separate_body {
        put("body", passage.text.as_str().into());
    }
    if let Some(path) = &passage.path {
        put("path_words", path_words(path).into());
        if let Some(extension) = extension(path) {
            put("extension", extension.into());
        }
    }
    if let Some(modified) = passage.modified {
        put("modified", modified.into());
    }
    put("location", json!(passage.location));
    if !passage.metadata.is_empty() {
        put("meta", metadata_terms(&passage.metadata).into());
        put("metadata", json!(*passage.metadata));
    }
    fields
}

/// The passage that the fields are of; its metadata only if they have it.
pub(crate) fn to_passage(fields: &Map<String, Value>) -> Result<Passage, Error> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let number = |name: &str| fields.get(name).and_then(Value::as_u64);
    let missing = |name: &str| {
        let message = format!(
            "a passage of the engine has no {name:?}: it was not written by Vizsla, or changed since"
        );
        Error::new(ErrorKind::Corrupt, message)
    };
    let content = text("content").ok_or_else(|| missing("content"))?;
    let from = number("text_from").unwrap_or(0) as usize;
    let body = content.get(from..).ok_or_else(|| missing("text_from"))?;
    let ordinal = number("ordinal").unwrap_or(0) as u32;
    let id = text("doc_id").ok_or_else(|| missing("doc_id"))?;
    let mut passage = Passage::new(id, ordinal, body);
    text("title").unwrap_or_default().clone_into(&mut passage.title);
    passage.headings = strings(fields.get("headings"));
    passage.path = text("path").filter(|path| !path.is_empty()).map(str::to_owned);
    passage.start_byte = number("start_byte").unwrap_or(0);
    passage.end_byte = number("end_byte").unwrap_or(body.len() as u64);
    passage.modified = fields.get("modified").and_then(Value::as_i64);
    // A place that a newer version writes is a place that is not known.
    passage.location = fields
        .get("location")
        .and_then(|value| serde_json::from_value::<Location>(value.clone()).ok())
        .unwrap_or_default();
    passage.metadata = metadata(fields.get("metadata"));
    Ok(passage)
}

/// Metadata as it was stored.
pub(crate) fn metadata(value: Option<&Value>) -> Arc<Metadata> {
    let value = value.cloned().unwrap_or_default();
    Arc::new(serde_json::from_value(value).unwrap_or_default())
}

/// Fields of a passage that are JSON, or that are only given back.
const KEPT: [&str; 5] = ["location", "metadata", "text_from", "start_byte", "end_byte"];

/// The fields for an engine that has no objects: what need not be searched is JSON as text. What is blank is left out, as
/// some engines do anyway.
pub(crate) fn to_flat(mut fields: Map<String, Value>) -> Map<String, Value> {
    for name in KEPT {
        if let Some(value) = fields.get_mut(name) {
            *value = value.to_string().into();
        }
    }
    fields.retain(|_, value| !value.as_str().is_some_and(str::is_empty));
    fields
}

/// The fields as they were before.
pub(crate) fn from_flat(mut fields: Map<String, Value>) -> Map<String, Value> {
    for name in KEPT {
        if let Some(Value::String(text)) = fields.get(name)
            && let Ok(value) = serde_json::from_str(text)
        {
            fields.insert(name.to_owned(), value);
        }
    }
    fields
}

/// One text or several.
pub(crate) fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(values)) => {
            values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_survives_its_fields() {
        let mut passage =
            Passage::new("id", 2, "The text.").with_title("Title").with_path("/a/b.Md");
        passage.headings = vec!["Part".into()];
        passage.location = Location::Pages { first: 3, last: 4, label: None };
        passage.modified = Some(-5);
        let mut metadata = Metadata::new();
        metadata.insert("tags".into(), MetadataValue::List(vec!["x".into(), true.into()]));
        passage.metadata = Arc::new(metadata);
        let fields = of_passage(&passage, "r", true);
        assert_eq!(fields["content"], "Title\nPart\nThe text.");
        assert_eq!(fields["extension"], "md");
        assert_eq!(fields["path_words"], "/a/b");
        assert_eq!(fields["meta"], json!(["tags\u{1}x", "tags\u{1}true"]));
        assert_eq!(to_passage(&fields).unwrap(), passage);
    }

    #[test]
    fn fields_survive_being_flat() {
        let fields = json!({"location": {"pages": [1]}, "metadata": {"a": 1}, "text_from": 7, "content": "x", "path": ""});
        let flat = to_flat(fields.as_object().unwrap().clone());
        assert_eq!(flat["text_from"], "7");
        assert!(flat.get("path").is_none());
        let back = from_flat(flat);
        let of = |name: &str| (back[name].clone(), fields[name].clone());
        assert_eq!(of("location").0, of("location").1);
        assert_eq!(of("text_from").0, of("text_from").1);
    }

    #[test]
    fn what_somebody_else_wrote_is_an_error() {
        for wrong in [json!({}), json!({"content": "é", "doc_id": "a", "text_from": 1})] {
            let error = to_passage(wrong.as_object().unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn keys_are_distinct() {
        assert_ne!(passage_key("a", "b", 1), passage_key("a", "b", 2));
        assert_ne!(passage_key("a", "b", 1), passage_key("ab", "", 1));
        assert_eq!(passage_key("a", "b", 1).len(), 32);
    }
}
