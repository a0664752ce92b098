//! Documents as Elasticsearch's clients know them. In: their JSON. Out: a title, a text and metadata, and the way back.

use serde_json::{Map, Value};
use vizsla::{Document, Metadata, MetadataValue, Passage};

use super::error::ElasticError;
use crate::whole_text::WholeText;

/// The names under which clients send what is read; the first that is there is the text.
pub(super) const TEXT: [&str; 3] = ["text", "body", "content"];
pub(super) const TITLE: &str = "title";
/// Where the index keeps which of the names the text had; `text` needs no note.
const TEXT_NAME: &str = "_text";

/// The document that a client sends.
pub(super) fn document(id: &str, source: &Map<String, Value>) -> Result<Document, ElasticError> {
    let text_name = TEXT.into_iter().find(|name| source.get(*name).is_some_and(Value::is_string));
    let (mut text, mut title) = ("", "");
    let mut metadata = Metadata::new();
    for (name, value) in source {
        match value.as_str() {
            Some(value) if Some(name.as_str()) == text_name => text = value,
            Some(value) if name == TITLE => title = value,
            _ if value.is_null() => {}
            _ => {
                let value: MetadataValue =
                    serde_json::from_value(value.clone()).map_err(|error| {
                        ElasticError::parsing(format!("failed to parse field [{name}]: {error}"))
                    })?;
                metadata.insert(name.clone(), value);
            }
        }
    }
    if text.is_empty() && title.is_empty() {
        return Err(ElasticError::parsing(format!(
            "the document has nothing to read: it needs [{TITLE}] or one of [{}]",
            TEXT.join(", ")
        )));
    }
    if let Some(name) = text_name.filter(|name| *name != TEXT[0]) {
        metadata.insert(TEXT_NAME.to_owned(), MetadataValue::Text(name.to_owned()));
    }
    let mut document = Document::new(id, text).with_title(title);
    document.metadata = metadata;
    Ok(document)
}

/// A document as it was sent, or as it would have been; all its passages.
pub(super) fn source(passages: &[Passage]) -> Map<String, Value> {
    let mut source = Map::new();
    let Some(first) = passages.first() else { return source };
    let mut text_name = TEXT[0].to_owned();
    for (name, value) in first.metadata.iter() {
        match value {
            MetadataValue::Text(value) if name == TEXT_NAME => text_name.clone_from(value),
            value => {
                source.insert(name.clone(), serde_json::to_value(value).unwrap_or_default());
            }
        }
    }
    if !first.title.is_empty() {
        source.insert(TITLE.to_owned(), first.title.clone().into());
    }
    if let Some(path) = &first.path {
        source.insert("path".to_owned(), path.clone().into());
    }
    source.insert(text_name, WholeText::of(passages).text.into());
    source
}

/// Which fields of a document are wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wanted {
    none: bool,
    includes: Vec<String>,
    excludes: Vec<String>,
}

impl Wanted {
    /// Reads the value of `_source`.
    pub(super) fn read(value: &Value) -> Result<Self, ElasticError> {
        let wrong = || {
            ElasticError::parsing(
                "[_source] must be a truth value, names, or includes and excludes",
            )
        };
        let names = |value: Option<&Value>| -> Result<Vec<String>, ElasticError> {
            match value {
                None => Ok(Vec::new()),
                Some(Value::String(name)) => Ok(vec![name.clone()]),
                Some(Value::Array(names)) => {
                    let name = |name: &Value| name.as_str().map(str::to_owned).ok_or_else(wrong);
                    names.iter().map(name).collect()
                }
                Some(_) => Err(wrong()),
            }
        };
        match value {
            Value::Bool(wanted) => Ok(Self { none: !wanted, ..Self::default() }),
            Value::Object(object) => {
                let known = ["includes", "include", "excludes", "exclude"];
                if object.keys().any(|key| !known.contains(&key.as_str())) {
                    return Err(wrong());
                }
                let either = |a: &str, b: &str| names(object.get(a).or_else(|| object.get(b)));
                let includes = either("includes", "include")?;
                Ok(Self { includes, excludes: either("excludes", "exclude")?, none: false })
            }
            value => Ok(Self { includes: names(Some(value))?, ..Self::default() }),
        }
    }

    /// Whether nothing of documents is wanted.
    pub(super) fn is_nothing(&self) -> bool {
        self.none
    }

    /// Keeps what is wanted.
    pub(super) fn of(&self, mut source: Map<String, Value>) -> Map<String, Value> {
        source.retain(|name, _| {
            let fits = |pattern: &String| match pattern.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == pattern || pattern.starts_with(&format!("{name}.")),
            };
            (self.includes.is_empty() || self.includes.iter().any(fits))
                && !self.excludes.iter().any(fits)
        });
        source
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vizsla::{SplitOptions, split};

    use super::*;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_document_comes_back_as_it_was_sent() {
        for sent in [
            json!({"title": "A heron", "body": "It waits.", "tags": ["a", "b"], "n": 3}),
            json!({"text": "No title.", "metadata": {"source": "x"}}),
        ] {
            let document = document("1", &object(&sent)).unwrap();
            let mut passages = split(&document, &SplitOptions::default());
            passages[0].metadata = document.metadata.clone().into();
            assert_eq!(Value::Object(source(&passages)), sent);
        }
        assert!(document("1", &object(&json!({"n": 1}))).is_err());
    }

    #[test]
    fn only_what_is_wanted_is_sent() {
        let all = || object(&json!({"title": 1, "text": 2, "meta": {"a": 3}}));
        let names = |wanted: Value| {
            let kept = Wanted::read(&wanted).unwrap().of(all());
            let mut names: Vec<String> = kept.keys().cloned().collect();
            names.sort();
            names.join(",")
        };
        assert_eq!(names(json!(["t*"])), "text,title");
        assert_eq!(names(json!("meta.a")), "meta");
        assert_eq!(names(json!({"excludes": ["text"]})), "meta,title");
        assert!(Wanted::read(&json!(false)).unwrap().is_nothing());
        assert!(Wanted::read(&json!(3)).is_err());
    }
}
