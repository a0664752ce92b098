//! Quickwit's part of the query DSL of Elasticsearch. It refuses keys that it does not know.

use serde_json::{Value, json};

use crate::elastic::Dsl;
use crate::layout::Layout;
use crate::query::Clauses;

/// Clauses that Quickwit has.
#[derive(Debug)]
pub(super) struct PartOfDsl;

impl Clauses for PartOfDsl {
    fn words(
        &self,
        layout: &Layout,
        (field, weight): &(String, f32),
        text: &str,
        all: bool,
    ) -> Value {
        let language = layout.own.filter(|_| !all).map(|settings| settings.language);
        let text = language.map_or_else(|| text.to_owned(), |of| of.without_stop_words(text));
        if (*weight - 1.0).abs() <= f32::EPSILON {
            return json!({"match": {field: {"query": text}}});
        }
        // Only its own language has weights. Words alone, each in quotes, have no syntax in it.
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let words: Vec<String> = words.map(|word| format!("\"{word}\"^{weight}")).collect();
        if words.is_empty() {
            return self.nothing();
        }
        json!({"query_string": {"query": words.join(" "), "fields": [field], "default_operator": "OR"}})
    }

    fn phrase(&self, field: &str, words: &str) -> Value {
        Dsl.phrase(field, words)
    }

    fn prefix(&self, (field, _): &(String, f32), prefix: &str) -> Value {
        json!({"prefix": {field: {"value": prefix}}})
    }

    fn term(&self, field: &str, value: &str) -> Value {
        json!({"term": {field: {"value": value}}})
    }

    fn regular_expression(&self, field: &str, expression: &str) -> Value {
        json!({"regexp": {field: {"value": as_rust_has_it(expression)}}})
    }

    fn range(&self, field: &str, from: Option<i64>, until: Option<i64>) -> Value {
        Dsl.range(field, from, until)
    }

    fn any(&self, of: Vec<Value>) -> Value {
        json!({"bool": {"should": of}})
    }

    fn nothing(&self) -> Value {
        json!({"bool": {"must": [{"match_all": {}}], "must_not": [{"match_all": {}}]}})
    }
}

/// A regular expression of Lucene as one of Rust's, where a backslash before a character that means nothing may mean
/// something, or is an error.
fn as_rust_has_it(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(next) = rest.next() else { break };
        if "\\.+*?()|[]{}^$#&-~".contains(next) {
            out.push('\\');
        }
        out.push(next);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_in_the_language_that_has_them() {
        let layout = Layout { own: None, text: Vec::new(), title: None, id: None, path: None };
        let words = |weight| PartOfDsl.words(&layout, &("f".into(), weight), "a \"b\" (c:", false);
        assert_eq!(words(1.0), json!({"match": {"f": {"query": "a \"b\" (c:"}}}));
        assert_eq!(words(0.5)["query_string"]["query"], "\"a\"^0.5 \"b\"^0.5 \"c\"^0.5");
        let none = PartOfDsl.words(&layout, &("f".into(), 0.5), "?!", false);
        assert_eq!(none, PartOfDsl.nothing());
    }

    #[test]
    fn backslashes_stay_where_they_are_needed() {
        assert_eq!(as_rust_has_it("(.*/)?a\\.md\\@\\<\\#"), "(.*/)?a\\.md@<\\#");
    }
}
