//! The query language of OpenSearch and Elasticsearch, as far as it takes any text.

use serde_json::{Value, json};

use super::mapping::ANALYZER;
use crate::layout::Layout;
use crate::query::Clauses;

/// Clauses of the query DSL.
#[derive(Debug)]
pub(crate) struct Dsl;

impl Clauses for Dsl {
    fn words(
        &self,
        layout: &Layout,
        (field, weight): &(String, f32),
        text: &str,
        all: bool,
    ) -> Value {
        let mut of = json!({"query": text, "operator": "or"});
        if (*weight - 1.0).abs() > f32::EPSILON {
            of["boost"] = json!(weight);
        }
        if all && layout.own.is_some() {
            of["analyzer"] = ANALYZER.into();
        }
        json!({"match": {field: of}})
    }

    fn phrase(&self, field: &str, words: &str) -> Value {
        json!({"match_phrase": {field: {"query": words}}})
    }

    fn prefix(&self, (field, weight): &(String, f32), prefix: &str) -> Value {
        let of = json!({"value": prefix, "boost": weight, "rewrite": "top_terms_blended_freqs_64"});
        json!({"prefix": {field: of}})
    }

    fn term(&self, field: &str, value: &str) -> Value {
        json!({"term": {field: value}})
    }

    fn regular_expression(&self, field: &str, expression: &str) -> Value {
        json!({"regexp": {field: {"value": expression}}})
    }

    fn range(&self, field: &str, from: Option<i64>, until: Option<i64>) -> Value {
        let mut range = json!({});
        if let Some(from) = from {
            range["gte"] = from.into();
        }
        if let Some(until) = until {
            range["lt"] = until.into();
        }
        json!({"range": {field: range}})
    }

    fn any(&self, of: Vec<Value>) -> Value {
        json!({"bool": {"should": of, "minimum_should_match": 1}})
    }

    fn nothing(&self) -> Value {
        json!({"match_none": {}})
    }
}

#[cfg(test)]
mod tests {
    use vizsla::{Error, ErrorKind, Filter, IndexSettings, Query};

    use super::*;
    use crate::query::Prepared;

    fn own() -> Layout {
        let mut layout = Layout::own(IndexSettings::default());
        layout.text = vec![("content".into(), 1.0), ("path_words".into(), 0.25)];
        layout
    }

    fn foreign() -> Layout {
        Layout { own: None, text: vec![("body".into(), 1.0)], title: None, id: None, path: None }
    }

    fn prepared(layout: &Layout, query: &Query, filter: &Filter) -> Result<Prepared, Error> {
        Prepared::new(&Dsl, layout, query, filter)
    }

    /// The filters of a question.
    fn filters_of(layout: &Layout, filter: &Filter) -> Result<Value, Error> {
        let query = prepared(layout, &Query::words("x"), filter)?.to_json(&Dsl, layout, false);
        Ok(query["bool"]["filter"].clone())
    }

    #[test]
    fn words_are_matched_and_operators_are_clauses() {
        let query = Query::parse("dogs \"in a row\" -title:cat");
        let prepared = prepared(&own(), &query, &Filter::default()).unwrap();
        let json = prepared.to_json(&Dsl, &own(), false);
        let bool = &json["bool"];
        let should = &bool["must"][0]["bool"]["should"];
        assert_eq!(should[0]["match"]["content"]["query"], "dogs in a row");
        assert_eq!(should[1]["match"]["path_words"]["boost"], 0.25);
        assert_eq!(bool["filter"][0]["match_phrase"]["content"]["query"], "in a row");
        assert_eq!(bool["must_not"][0]["match_phrase"]["title"]["query"], "cat");
        let dropped = prepared.without(&["in a row".to_owned()]).to_json(&Dsl, &own(), true);
        assert!(dropped["bool"].get("filter").is_none());
        assert_eq!(
            dropped["bool"]["must"][0]["bool"]["should"][0]["match"]["content"]["analyzer"],
            ANALYZER
        );
    }

    #[test]
    fn filters_become_clauses_or_are_named() {
        let filter = Filter::default()
            .with_path("/a/*.md")
            .with_extension(".MD")
            .with_metadata("year", "2024")
            .with_modified(Some(5), None);
        let filters = filters_of(&own(), &filter).unwrap();
        assert_eq!(filters[0]["regexp"]["path"]["value"], "/a/[^/]*\\.md");
        assert_eq!(filters[1]["term"]["extension"], "md");
        assert_eq!(filters[2]["term"]["meta"], "year\u{1}2024");
        assert_eq!(filters[3]["range"]["modified"], json!({"gte": 5}));
        for (filter, named) in [
            (Filter::default().with_path("a"), "path=FIELD"),
            (Filter::default().with_extension("a"), "path=FIELD"),
            (Filter::default().with_modified(None, Some(1)), "--until"),
        ] {
            let error = filters_of(&foreign(), &filter).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(named), "{error}");
        }
        let filters =
            filters_of(&foreign(), &Filter::default().with_metadata("lang", "en")).unwrap();
        assert_eq!(filters, json!([{"term": {"lang": "en"}}]));
        let mut foreign = foreign();
        foreign.path = Some("url".to_owned());
        let filters = filters_of(&foreign, &Filter::default().with_extension("t+1")).unwrap();
        assert_eq!(filters[0]["regexp"]["url"]["value"], ".*\\.[tT]\\+1");
    }

    #[test]
    fn more_words_than_an_engine_takes_are_counted() {
        let query = Query::words(&"word ".repeat(1_500));
        assert_eq!(prepared(&own(), &query, &Filter::default()).unwrap().left_out, 1_000);
    }
}
