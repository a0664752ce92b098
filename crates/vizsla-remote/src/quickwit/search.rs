//! Searches in an index of Quickwit: bodies of requests.

use serde_json::{Value, json};
use vizsla::{Error, Matched, TimeLimits};

use super::Quickwit;
use super::clauses::PartOfDsl;
use super::mapping::KEY;
use crate::address::Address;
use crate::answer::{Answer, Key, broken};
use crate::elastic::read_answer;
use crate::engine::Engine;
use crate::fields::from_flat;
use crate::layout::Layout;
use crate::query::Clauses;

/// The field that identifies a document.
fn key(layout: &Layout) -> &str {
    match &layout.id {
        Some(id) if layout.own.is_none() => id,
        _ => KEY,
    }
}

impl Quickwit {
    fn ask(
        &self,
        layout: &Layout,
        sources: &str,
        body: &Value,
        time: &TimeLimits,
    ) -> Result<Answer, Error> {
        let what = format!("_search?{sources}");
        let mut answer = read_answer(self.post(&what, body, "search", time)?)?;
        for hit in &mut answer.hits {
            let source = std::mem::take(&mut hit.source);
            hit.source = if layout.own.is_some() { from_flat(source) } else { source };
            let field = key(layout);
            hit.key.1 = match hit.source.get(field) {
                Some(Value::String(id)) => id.clone(),
                Some(Value::Number(id)) => id.to_string(),
                _ => return Err(broken(&format!("a hit has no field {field:?}"))),
            };
        }
        Ok(answer)
    }
}

impl Engine for Quickwit {
    fn address(&self) -> &Address {
        &self.address
    }

    fn clauses(&self) -> &dyn Clauses {
        &PartOfDsl
    }

    fn highlights(&self) -> bool {
        false
    }

    fn search(
        &self,
        layout: &Layout,
        query: &Value,
        depth: usize,
        time: &TimeLimits,
    ) -> Result<Answer, Error> {
        let body = json!({"size": depth, "sort": ["_score"], "query": query});
        let sources = match layout.own {
            Some(_) => "_source_excludes=metadata,meta,extension,json".to_owned(),
            None => format!("_source_includes={}", layout.fields().collect::<Vec<_>>().join(",")),
        };
        let mut answer = self.ask(layout, &sources, &body, time)?;
        // It stops counting when it has the best, and does not say so.
        answer.matched = answer.matched.map(|matched| Matched::new(matched.passages, false));
        Ok(answer)
    }

    fn has(&self, _: &Layout, query: &Value, time: &TimeLimits) -> Result<bool, Error> {
        let answer = self.post("_count", &json!({"query": query}), "search", time)?;
        Ok(answer.get("count").and_then(Value::as_u64).unwrap_or(0) > 0)
    }

    fn details(
        &self,
        layout: &Layout,
        _: &Value,
        ids: &[&str],
        time: &TimeLimits,
    ) -> Result<Answer, Error> {
        let query = json!({"terms": {key(layout): ids}});
        let body = json!({"size": ids.len(), "sort": ["_score"], "query": query});
        let sources = if layout.own.is_some() {
            format!("_source_includes={KEY},metadata")
        } else {
            let text = layout.text.iter().map(|(name, _)| name.as_str());
            let text: Vec<&str> = text.chain(layout.title.as_deref()).collect();
            format!("_source_excludes={}", text.join(","))
        };
        self.ask(layout, &sources, &body, time)
    }

    fn explain(
        &self,
        _: &Layout,
        _: &Value,
        _: &Key,
        _: &TimeLimits,
    ) -> Result<Option<String>, Error> {
        Ok(None)
    }
}
