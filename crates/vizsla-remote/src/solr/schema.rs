//! The fields of a collection: those that somebody else has, and those that we make, so that its BM25 is as near to ours as
//! it can be.
//!
//! Words by Unicode's rules, lower-cased, folded to ASCII and stemmed by the language's Snowball stemmer; k1 and b are
//! ours. Stop words are indexed, and left out of queries before they are sent, so that phrases have all their words.

use serde_json::{Value, json};
use vizsla::{IndexSettings, Language};

use crate::layout::Fields;

/// The type of our fields that are searched for words; a collection that has it is one that we made.
const TEXT: &str = "vizsla_text";
/// Of those that are found by their whole value.
const KEY: &str = "vizsla_key";
const NUMBER: &str = "vizsla_number";
/// Of those that are only given back.
const STORED: &str = "vizsla_stored";

/// The fields of a collection, as its server says.
#[derive(Debug)]
pub(super) struct Schema {
    /// The field that identifies a document.
    pub(super) unique_key: String,
    /// Names, each with its type and that type's class.
    fields: Vec<(String, String, String)>,
    /// Patterns for names of fields, which begin or end with a star.
    dynamic: Vec<String>,
    types: Vec<String>,
}

impl Schema {
    /// Reads the answer of the schema interface.
    pub(super) fn read(body: &Value) -> Self {
        let list = |name: &str| {
            let list = body.pointer(&format!("/schema/{name}")).and_then(Value::as_array);
            list.map_or(&[][..], Vec::as_slice)
        };
        let text = |of: &Value, name: &str| {
            of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let class = |name: &str| {
            let found = list("fieldTypes").iter().find(|of| text(of, "name") == name);
            found.map(|of| text(of, "class")).unwrap_or_default()
        };
        let field = |of: &Value| {
            let kind = text(of, "type");
            let class = class(&kind);
            (text(of, "name"), kind, class)
        };
        let key = body.pointer("/schema/uniqueKey").and_then(Value::as_str).unwrap_or("id");
        Self {
            unique_key: key.to_owned(),
            fields: list("fields").iter().map(field).collect(),
            dynamic: list("dynamicFields").iter().map(|of| text(of, "name")).collect(),
            types: list("fieldTypes").iter().map(|of| text(of, "name")).collect(),
        }
    }

    /// Whether we have begun to make it.
    pub(super) fn is_ours(&self) -> bool {
        self.types.iter().any(|name| name == TEXT)
    }

    /// A field that has a name we need and a type that is not ours.
    pub(super) fn in_the_way(&self, settings: &IndexSettings) -> Option<&str> {
        let wanted = fields(settings);
        let is_wanted = |name: &str| wanted.iter().any(|field| field["name"] == name);
        let ours = [TEXT, KEY, NUMBER, STORED];
        let mut names = self.fields.iter().filter(|(_, kind, _)| !ours.contains(&kind.as_str()));
        names.find(|(name, ..)| is_wanted(name)).map(|(name, ..)| name.as_str())
    }

    /// What is to be added so that passages can be stored; `None` when it is all there.
    pub(super) fn missing(&self, settings: &IndexSettings) -> Option<Value> {
        let is_type = |of: &Value| self.types.iter().any(|name| of["name"] == name.as_str());
        let is_field =
            |of: &Value| self.fields.iter().any(|(name, ..)| of["name"] == name.as_str());
        let types: Vec<Value> = types(settings).into_iter().filter(|of| !is_type(of)).collect();
        let fields: Vec<Value> = fields(settings).into_iter().filter(|of| !is_field(of)).collect();
        if types.is_empty() && fields.is_empty() {
            return None;
        }
        Some(json!({"add-field-type": types, "add-field": fields}))
    }
}

impl Fields for Schema {
    fn of_text(&self) -> Vec<String> {
        let text = self.fields.iter().filter(|(.., class)| class.ends_with("TextField"));
        text.map(|(name, ..)| name.clone()).collect()
    }

    fn has(&self, name: &str) -> bool {
        let fits = |pattern: &String| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(end), _) => name.len() > end.len() && name.ends_with(end),
            (_, Some(start)) => name.len() > start.len() && name.starts_with(start),
            _ => false,
        };
        self.fields.iter().any(|(known, ..)| known == name) || self.dynamic.iter().any(fits)
    }
}

fn types(settings: &IndexSettings) -> Vec<Value> {
    let bm25 = settings.bm25;
    vec![
        json!({
            "name": TEXT, "class": "solr.TextField", "positionIncrementGap": "100",
            "analyzer": analyzer(settings.language),
            "similarity": {"class": "solr.BM25SimilarityFactory", "k1": bm25.k1(), "b": bm25.b()},
        }),
        json!({"name": KEY, "class": "solr.StrField", "docValues": true, "sortMissingLast": true}),
        json!({"name": NUMBER, "class": "solr.LongPointField", "docValues": true}),
        json!({"name": STORED, "class": "solr.StrField", "indexed": false, "docValues": false}),
    ]
}

fn fields(settings: &IndexSettings) -> Vec<Value> {
    let field = |name: &str, kind: &str, stored: bool, many: bool| json!({"name": name, "type": kind, "stored": stored, "multiValued": many});
    let mut fields = vec![
        field("content", TEXT, true, false),
        field("title", TEXT, true, false),
        field("headings", TEXT, true, true),
        field("path_words", TEXT, false, false),
        field("doc_id", KEY, true, false),
        field("path", KEY, true, false),
        field("extension", KEY, false, false),
        field("meta", KEY, false, true),
        field("run", KEY, false, false),
        field("ordinal", NUMBER, true, false),
        field("modified", NUMBER, true, false),
        field("text_from", STORED, true, false),
        field("start_byte", STORED, true, false),
        field("end_byte", STORED, true, false),
        field("location", STORED, true, false),
        field("metadata", STORED, true, false),
        // What is remembered of a file, and of the whole, each in a document of its own.
        field("file", KEY, true, false),
        field("json", STORED, true, false),
    ];
    if settings.separate_body {
        fields.push(field("body", TEXT, false, false));
    }
    fields
}

/// The analysis of documents, and of queries as they are sent.
fn analyzer(language: Language) -> Value {
    let filter = |name: &str| json!({"class": format!("solr.{name}FilterFactory")});
    let mut filters = Vec::new();
    if language == Language::English {
        filters.push(filter("EnglishPossessive"));
    }
    filters.push(filter("LowerCase"));
    if matches!(language, Language::English | Language::Other) {
        filters.push(filter("ASCIIFolding"));
    }
    let stemmer = match language {
        Language::Other => None,
        Language::German => Some("German2".to_owned()),
        other => Some(format!("{other:?}")),
    };
    if let Some(stemmer) = stemmer {
        filters.push(json!({"class": "solr.SnowballPorterFilterFactory", "language": stemmer}));
    }
    json!({"tokenizer": {"class": "solr.StandardTokenizerFactory"}, "filters": filters})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(extra: &Value) -> Schema {
        let types = json!([{"name": "string", "class": "solr.StrField"}, {"name": "text_general", "class": "solr.TextField"}]);
        let mut fields = vec![json!({"name": "id", "type": "string"})];
        fields.extend(extra.as_array().unwrap().iter().cloned());
        Schema::read(&json!({"schema": {
            "uniqueKey": "id", "fieldTypes": types, "fields": fields,
            "dynamicFields": [{"name": "*_t", "type": "text_general"}, {"name": "attr_*", "type": "text_general"}],
        }}))
    }

    #[test]
    fn fields_are_named_or_fit_a_pattern() {
        let schema = schema(&json!([{"name": "body", "type": "text_general"}]));
        assert_eq!(schema.of_text(), ["body"]);
        assert!(schema.has("id") && schema.has("name_t") && schema.has("attr_x"));
        assert!(!schema.has("_t") && !schema.has("name"));
        assert!(!schema.is_ours());
    }

    #[test]
    fn what_is_missing_is_added_and_nothing_of_others_is_taken() {
        let settings = IndexSettings::default();
        let empty = schema(&json!([]));
        let added = empty.missing(&settings).unwrap();
        assert_eq!(added["add-field-type"][0]["similarity"]["k1"], json!(settings.bm25.k1()));
        assert_eq!(empty.in_the_way(&settings), None);
        let taken = schema(&json!([{"name": "title", "type": "text_general"}]));
        assert_eq!(taken.in_the_way(&settings), Some("title"));
        let mut made = added["add-field"].clone();
        made.as_array_mut().unwrap().remove(0);
        let begun = schema(&made);
        assert_eq!(begun.missing(&settings).unwrap()["add-field"][0]["name"], "content");
        assert_eq!(begun.in_the_way(&settings), None);
    }
}
