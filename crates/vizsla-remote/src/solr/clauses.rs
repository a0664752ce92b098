//! Solr's JSON query language, as far as it takes any text.

use serde_json::{Value, json};

use crate::layout::Layout;
use crate::query::Clauses;

/// Query parsers of which none has a syntax for what people type.
#[derive(Debug)]
pub(super) struct Parsers;

impl Clauses for Parsers {
    fn words(
        &self,
        layout: &Layout,
        (field, weight): &(String, f32),
        text: &str,
        all: bool,
    ) -> Value {
        let language = layout.own.filter(|_| !all).map(|settings| settings.language);
        let text = language.map_or_else(|| text.to_owned(), |of| of.without_stop_words(text));
        // The parser has no operators but those that are named.
        json!({"simple": {"q.operators": "", "qf": format!("{field}^{weight}"), "query": text}})
    }

    fn phrase(&self, field: &str, words: &str) -> Value {
        json!({"field": {"f": field, "query": words}})
    }

    fn prefix(&self, (field, weight): &(String, f32), prefix: &str) -> Value {
        let prefix = json!({"prefix": {"f": field, "query": prefix}});
        json!({"boost": {"b": weight.to_string(), "query": prefix}})
    }

    fn term(&self, field: &str, value: &str) -> Value {
        json!({"field": {"f": field, "query": value}})
    }

    fn regular_expression(&self, field: &str, expression: &str) -> Value {
        // A slash ends an expression unless it is escaped.
        let expression = expression.replace('/', "\\/");
        json!({"lucene": {"df": field, "query": format!("/{expression}/")}})
    }

    fn range(&self, field: &str, from: Option<i64>, until: Option<i64>) -> Value {
        let end = |end: Option<i64>| end.map_or_else(|| "*".to_owned(), |end| end.to_string());
        let close = if until.is_some() { '}' } else { ']' };
        let query = format!("[{} TO {}{close}", end(from), end(until));
        json!({"lucene": {"df": field, "query": query}})
    }

    fn any(&self, of: Vec<Value>) -> Value {
        json!({"bool": {"should": of}})
    }

    fn nothing(&self) -> Value {
        json!({"lucene": {"query": "-*:*"}})
    }
}

#[cfg(test)]
mod tests {
    use vizsla::{Filter, IndexSettings, Query};

    use super::*;
    use crate::query::Prepared;

    #[test]
    fn questions_become_parsers_with_parameters() {
        let mut layout = Layout::own(IndexSettings::default());
        layout.text = vec![("content".into(), 1.0), ("path_words".into(), 0.25)];
        let query = Query::parse("the dogs \"in a row\" -title:cat her*");
        let filter = Filter::default().with_path("/a/*.md").with_modified(Some(-5), Some(7));
        let prepared = Prepared::new(&Parsers, &layout, &query, &filter).unwrap();
        let json = prepared.to_json(&Parsers, &layout, false);
        let bool = &json["bool"];
        let should = &bool["must"][0]["bool"]["should"];
        assert_eq!(should[0]["simple"]["query"], "dogs row her", "without stop words");
        assert_eq!(should[1]["simple"]["qf"], "path_words^0.25");
        assert_eq!(should[2]["boost"]["query"]["prefix"], json!({"f": "content", "query": "her"}));
        assert_eq!(bool["filter"][0]["lucene"]["query"], "/\\/a\\/[^\\/]*\\.md/");
        assert_eq!(bool["filter"][1]["lucene"]["query"], "[-5 TO 7}");
        assert_eq!(bool["filter"][2]["field"], json!({"f": "content", "query": "in a row"}));
        assert_eq!(bool["must_not"][0]["field"], json!({"f": "title", "query": "cat"}));
        let all = prepared.to_json(&Parsers, &layout, true);
        let words = &all["bool"]["must"][0]["bool"]["should"][0]["simple"]["query"];
        assert_eq!(words, "the dogs in a row her");
    }
}
