//! Searches in a collection of Solr: bodies of requests.

use std::time::Instant;

use serde_json::{Value, json};
use vizsla::{Error, TimeLimits};

use super::clauses::Parsers;
use super::{Solr, answer};
use crate::address::Address;
use crate::answer::{Answer, HIGHLIGHTED_CHARACTERS, Key, MARKS, told};
use crate::engine::Engine;
use crate::layout::Layout;
use crate::query::Clauses;

/// What a passage of ours is made of.
const OWN: [&str; 12] = [
    "id",
    "doc_id",
    "ordinal",
    "text_from",
    "content",
    "path",
    "start_byte",
    "end_byte",
    "title",
    "headings",
    "modified",
    "location",
];
/// Stands between ids: no id has it.
const SEPARATOR: &str = "\u{1}";

impl Solr {
    /// The field that identifies a document.
    fn key(&self) -> &str {
        self.schema.as_ref().map_or("id", |schema| schema.unique_key.as_str())
    }

    /// Sends a search with the time that is left for it.
    fn ask(&self, mut body: Value, time: &TimeLimits) -> Result<Value, Error> {
        // What is there is better than nothing, and is marked.
        body["params"]["shards.tolerant"] = "true".into();
        if let Some(deadline) = time.deadline {
            let left = deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
            body["params"]["timeAllowed"] = left.to_string().into();
        }
        self.post("select", &body, "search", time)
    }

    /// The documents with these ids, asked for with a query that they match.
    fn with_ids(query: &Value, ids: &[&str], key: &str) -> Value {
        let terms = json!({"f": key, "separator": SEPARATOR, "query": ids.join(SEPARATOR)});
        json!({"query": query, "filter": [{"terms": terms}], "limit": ids.len(), "fields": [key, "score"]})
    }
}

/// The fields that a candidate is made of.
fn source<'a>(layout: &'a Layout, key: &'a str) -> Vec<&'a str> {
    if layout.own.is_some() {
        return OWN.into_iter().chain(["score"]).collect();
    }
    layout.fields().chain([key, "score"]).collect()
}

impl Engine for Solr {
    fn address(&self) -> &Address {
        &self.address
    }

    fn clauses(&self) -> &dyn Clauses {
        &Parsers
    }

    fn search(
        &self,
        layout: &Layout,
        query: &Value,
        depth: usize,
        time: &TimeLimits,
    ) -> Result<Answer, Error> {
        let fields = source(layout, self.key());
        let body = json!({"query": query, "limit": depth, "fields": fields});
        answer::read(self.ask(body, time)?, self.key())
    }

    fn has(&self, _: &Layout, query: &Value, time: &TimeLimits) -> Result<bool, Error> {
        let body = self.ask(json!({"query": query, "limit": 0}), time)?;
        let answer = answer::read(body, self.key())?;
        Ok(answer.matched.is_some_and(|matched| matched.passages > 0))
    }

    fn details(
        &self,
        layout: &Layout,
        query: &Value,
        ids: &[&str],
        time: &TimeLimits,
    ) -> Result<Answer, Error> {
        let own = layout.own.is_some();
        let key = self.key();
        let mut body = Self::with_ids(query, ids, key);
        // Of somebody else's documents, all that is not read as text is metadata.
        body["fields"] =
            if own { json!([key, "metadata", "score"]) } else { json!(["*", "score"]) };
        let fields: Vec<&str> = if own { vec!["content"] } else { layout.read().collect() };
        body["params"] = json!({
            "hl": "true", "hl.method": "unified", "hl.fl": fields.join(","), "hl.fragsize": "0",
            "hl.requireFieldMatch": own.to_string(), "hl.multiValuedSeparatorChar": "\n",
            "hl.maxAnalyzedChars": HIGHLIGHTED_CHARACTERS.to_string(),
            "hl.tag.pre": MARKS[0], "hl.tag.post": MARKS[1],
        });
        let mut answer = answer::read(self.ask(body, time)?, key)?;
        if !own {
            let text: Vec<&String> =
                layout.text.iter().map(|(name, _)| name).chain(&layout.title).collect();
            for hit in &mut answer.hits {
                hit.source.retain(|name, _| !name.starts_with('_') && !text.contains(&name));
            }
        }
        Ok(answer)
    }

    fn explain(
        &self,
        _: &Layout,
        query: &Value,
        (_, id): &Key,
        time: &TimeLimits,
    ) -> Result<Option<String>, Error> {
        let mut body = Self::with_ids(query, &[id], self.key());
        body["params"] = json!({"debug": "results", "debug.explain.structured": "true"});
        let answer = self.ask(body, time)?;
        let trees = answer.pointer("/debug/explain");
        Ok(trees.and_then(|trees| trees.get(id)).map(|tree| told(tree, 0)))
    }
}
