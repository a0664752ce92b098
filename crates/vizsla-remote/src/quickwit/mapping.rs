//! The fields of an index: those that somebody else has, and those that we make.
//!
//! BM25 with k1 1.2 and b 0.75, which cannot be changed; English is stemmed, other languages are not. Stop words are
//! indexed, and left out of queries before they are sent.

use serde_json::{Value, json};
use vizsla::{Error, ErrorKind, IndexSettings, Language, Result};

use crate::address::Address;
use crate::fields::VERSION;
use crate::layout::Fields;

/// The field that identifies a passage.
pub(super) const KEY: &str = "key";
/// The form of the configuration, which all versions since 0.7 read.
const CONFIGURATION: &str = "0.7";
/// How long it may take until what was written is found.
const COMMIT_SECONDS: u32 = 10;

/// The fields of an index, as the cluster says.
#[derive(Debug)]
pub(super) struct Mapping {
    /// Names with those of what they are in, and types.
    fields: Vec<(String, String)>,
    /// Whether documents may have any fields besides.
    is_dynamic: bool,
    stored: Option<Value>,
}

impl Mapping {
    /// Reads what the cluster says of an index.
    pub(super) fn read(body: &Value, address: &Address) -> Result<Self> {
        let Some(mapping) = body.pointer("/index_config/doc_mapping") else {
            let message = format!("what answers at {address} is not Quickwit");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        let mut read = Self {
            fields: Vec::new(),
            is_dynamic: mapping.get("mode").is_some_and(|mode| mode == "dynamic"),
            stored: None,
        };
        read.add(mapping.get("field_mappings"), "");
        Ok(read)
    }

    fn add(&mut self, mappings: Option<&Value>, within: &str) {
        for mapping in mappings.and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| mapping.get(name).and_then(Value::as_str).unwrap_or_default();
            let name = format!("{within}{}", text("name"));
            self.add(mapping.get("field_mappings"), &format!("{name}."));
            if name == KEY {
                let told: Option<Value> = serde_json::from_str(text("description")).ok();
                self.stored = told.and_then(|told| told.get("vizsla").cloned());
            }
            self.fields.push((name, text("type").to_owned()));
        }
    }

    /// What we stored with an index that we made.
    pub(super) fn stored(&self) -> Option<&Value> {
        self.stored.as_ref()
    }
}

impl Fields for Mapping {
    fn of_text(&self) -> Vec<String> {
        let text = self.fields.iter().filter(|(_, kind)| kind == "text" || kind == "array<text>");
        text.map(|(name, _)| name.clone()).collect()
    }

    fn has(&self, name: &str) -> bool {
        self.is_dynamic || self.fields.iter().any(|(known, _)| known == name)
    }
}

/// The configuration of a new index.
pub(super) fn of_index(name: &str, settings: &IndexSettings) -> Value {
    let tokenizer = if settings.language == Language::English { "en_stem" } else { "default" };
    let text = |name: &str, kind: &str, stored: bool| {
        json!({
            "name": name, "type": kind, "tokenizer": tokenizer, "record": "position",
            "fieldnorms": true, "stored": stored,
        })
    };
    let word = |name: &str, kind: &str| json!({"name": name, "type": kind, "tokenizer": "raw"});
    let number = |name: &str| json!({"name": name, "type": "i64", "fast": true});
    let kept = |name: &str| json!({"name": name, "type": "text", "indexed": false});
    let mut key = word(KEY, "text");
    // The only place of an index where something can be written down.
    let stored = json!({"vizsla": {"version": VERSION, "settings": settings}});
    key["description"] = stored.to_string().into();
    let mut fields = vec![
        key,
        word("kind", "text"),
        word("document", "text"),
        text("content", "text", true),
        text("title", "text", true),
        text("headings", "array<text>", true),
        text("path_words", "text", false),
        word("doc_id", "text"),
        word("path", "text"),
        word("extension", "text"),
        word("meta", "array<text>"),
        word("run", "text"),
        number("ordinal"),
        number("modified"),
        number("written"),
        kept("text_from"),
        kept("start_byte"),
        kept("end_byte"),
        kept("location"),
        kept("metadata"),
        kept("json"),
    ];
    if settings.separate_body {
        fields.push(text("body", "text", false));
    }
    json!({
        "version": CONFIGURATION,
        "index_id": name,
        "doc_mapping": {"mode": "strict", "field_mappings": fields},
        "indexing_settings": {"commit_timeout_secs": COMMIT_SECONDS},
        "search_settings": {"default_search_fields": ["content"]},
    })
}
