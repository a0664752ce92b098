//! A question in the engine's query language. In: a parsed [`Query`], a [`Filter`] and a [`Layout`]. Out: JSON.
//!
//! Only clauses that take any text are used, so that nothing people type is a syntax error.

use serde_json::{Value, json};
use vizsla::{Clause, Error, ErrorKind, Filter, Query, QueryField};

use super::layout::Layout;
use super::mapping::ANALYZER;
use crate::fields::metadata_term;
use crate::glob::regular_expression;

/// Words of a query, over all fields together: engines refuse more than 1,024 clauses.
const MOST_CLAUSES: usize = 1_000;

/// A question as the engine takes it.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    text: String,
    must: Vec<(String, Value)>,
    prefixes: Vec<Value>,
    filter: Vec<Value>,
    must_not: Vec<Value>,
    /// Words left out because there are too many.
    pub(super) left_out: usize,
}

impl Prepared {
    pub(super) fn new(layout: &Layout, query: &Query, filter: &Filter) -> Result<Self, Error> {
        let most = MOST_CLAUSES / layout.text.len().max(1);
        let words: Vec<&str> = query.text.split_whitespace().collect();
        let left_out = words.len().saturating_sub(most);
        let text = words[..words.len() - left_out].join(" ");
        let clause =
            |clause: &Clause| layout.phrase(clause).map(|found| (clause.words.clone(), found));
        let must = query.required.iter().map(clause).collect::<Result<_, _>>()?;
        let not = query.excluded.iter().map(|clause| layout.phrase(clause));
        Ok(Self {
            text,
            must,
            prefixes: query.prefixes.iter().flat_map(|prefix| layout.prefix(prefix)).collect(),
            filter: layout.filters(filter)?,
            must_not: not.collect::<Result<_, _>>()?,
            left_out,
        })
    }

    /// The required clauses: their words, and a query that counts what has them.
    pub(super) fn required(&self) -> impl Iterator<Item = (&str, Value)> {
        self.must.iter().map(|(words, clause)| {
            (words.as_str(), json!({"bool": {"filter": [clause], "must_not": self.must_not}}))
        })
    }

    /// The same without required clauses that no passage has.
    pub(super) fn without(&self, dropped: &[String]) -> Self {
        let mut other = self.clone();
        other.must.retain(|(words, _)| !dropped.contains(words));
        other
    }

    /// The whole query; `all_words` also looks for stop words, for a query of nothing else.
    pub(super) fn to_json(&self, layout: &Layout, all_words: bool) -> Value {
        let matching = layout.text.iter().map(|(field, weight)| {
            let mut of = json!({"query": self.text, "operator": "or"});
            if (*weight - 1.0).abs() > f32::EPSILON {
                of["boost"] = json!(weight);
            }
            if all_words && layout.own.is_some() {
                of["analyzer"] = ANALYZER.into();
            }
            json!({"match": {field: of}})
        });
        let should: Vec<Value> = matching.chain(self.prefixes.iter().cloned()).collect();
        let mut filter = self.filter.clone();
        filter.extend(self.must.iter().map(|(_, clause)| clause.clone()));
        let mut query = json!({"bool": {"must": [any_of(should)]}});
        if !filter.is_empty() {
            query["bool"]["filter"] = filter.into();
        }
        if !self.must_not.is_empty() {
            query["bool"]["must_not"] = self.must_not.clone().into();
        }
        query
    }
}

/// What matches one of several queries; the sum of the scores of those that it matches.
fn any_of(mut queries: Vec<Value>) -> Value {
    match queries.pop() {
        Some(only) if queries.is_empty() => only,
        Some(last) => {
            queries.push(last);
            json!({"bool": {"should": queries, "minimum_should_match": 1}})
        }
        None => json!({"match_none": {}}),
    }
}

impl Layout {
    /// Words that must stand side by side.
    fn phrase(&self, clause: &Clause) -> Result<Value, Error> {
        let named = |field: &str| vec![field.to_owned()];
        let is_own = self.own.is_some();
        let all = || self.text.iter().map(|(name, _)| name.clone()).collect();
        let fields = match clause.field {
            None if is_own => named("content"),
            None => all(),
            Some(QueryField::Title) => self
                .title
                .clone()
                .map(|title| named(&title))
                .ok_or_else(|| unsupported("title:", "title"))?,
            Some(QueryField::Headings) if is_own => named("headings"),
            Some(QueryField::Path) if is_own => named("path_words"),
            Some(QueryField::Path) => self
                .path
                .clone()
                .map(|path| named(&path))
                .ok_or_else(|| unsupported("path:", "path"))?,
            Some(QueryField::Body) if self.own.is_some_and(|own| own.separate_body) => {
                named("body")
            }
            Some(QueryField::Body) if is_own => named("content"),
            Some(QueryField::Body) => {
                let title = self.title.as_deref();
                let names = self.text.iter().map(|(name, _)| name.clone());
                names.filter(|name| Some(name.as_str()) != title).collect()
            }
            Some(_) => {
                let message = "the index of an engine that Vizsla did not make has no headings: leave out heading:";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        };
        let found = fields
            .into_iter()
            .map(|field| json!({"match_phrase": {field: {"query": clause.words}}}));
        Ok(any_of(found.collect()))
    }

    fn prefix(&self, prefix: &str) -> Vec<Value> {
        let prefix = prefix.to_lowercase();
        let of = |(field, weight): &(String, f32)| {
            let of =
                json!({"value": prefix, "boost": weight, "rewrite": "top_terms_blended_freqs_64"});
            json!({"prefix": {field: of}})
        };
        self.text.iter().map(of).collect()
    }

    fn filters(&self, filter: &Filter) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        let is_own = self.own.is_some();
        for globs in [&filter.paths, &filter.names] {
            if globs.is_empty() {
                continue;
            }
            let path =
                self.path.as_deref().ok_or_else(|| unsupported("the filter for paths", "path"))?;
            let of =
                |glob: &String| Ok(json!({"regexp": {path: {"value": regular_expression(glob)?}}}));
            all.push(any_of(globs.iter().map(of).collect::<Result<_, Error>>()?));
        }
        if !filter.extensions.is_empty() {
            let extensions = filter.extensions.iter();
            let extensions =
                extensions.map(|extension| extension.trim_start_matches('.').to_lowercase());
            all.push(match &self.path {
                _ if is_own => json!({"terms": {"extension": extensions.collect::<Vec<_>>()}}),
                Some(path) => any_of(
                    extensions
                        .map(|end| json!({"wildcard": {path: {"value": format!("*.{end}"), "case_insensitive": true}}}))
                        .collect(),
                ),
                None => return Err(unsupported("the filter for extensions", "path")),
            });
        }
        for (name, value) in &filter.metadata {
            all.push(if is_own {
                json!({"term": {"meta": metadata_term(name, value)}})
            } else {
                json!({"term": {name: value}})
            });
        }
        if filter.modified_from.is_some() || filter.modified_until.is_some() {
            if !is_own {
                let message = "the filter for times (--since, --until) works on indexes that Vizsla made; in another one, \
                               filter by a field of its own with --meta NAME=VALUE";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            let mut range = json!({});
            if let Some(from) = filter.modified_from {
                range["gte"] = from.into();
            }
            if let Some(until) = filter.modified_until {
                range["lt"] = until.into();
            }
            all.push(json!({"range": {"modified": range}}));
        }
        Ok(all)
    }
}

fn unsupported(what: &str, option: &str) -> Error {
    let message = format!(
        "{what} needs a field of the engine that the address does not name: add {option}=FIELD to it"
    );
    Error::new(ErrorKind::Unsupported, message)
}

#[cfg(test)]
mod tests {
    use vizsla::IndexSettings;

    use super::*;

    fn own() -> Layout {
        let mut layout = Layout::own(IndexSettings::default());
        layout.text = vec![("content".into(), 1.0), ("path_words".into(), 0.25)];
        layout
    }

    fn foreign() -> Layout {
        Layout { own: None, text: vec![("body".into(), 1.0)], title: None, id: None, path: None }
    }

    #[test]
    fn words_are_matched_and_operators_are_clauses() {
        let query = Query::parse("dogs \"in a row\" -title:cat");
        let prepared = Prepared::new(&own(), &query, &Filter::default()).unwrap();
        let json = prepared.to_json(&own(), false);
        let bool = &json["bool"];
        let should = &bool["must"][0]["bool"]["should"];
        assert_eq!(should[0]["match"]["content"]["query"], "dogs in a row");
        assert_eq!(should[1]["match"]["path_words"]["boost"], 0.25);
        assert_eq!(bool["filter"][0]["match_phrase"]["content"]["query"], "in a row");
        assert_eq!(bool["must_not"][0]["match_phrase"]["title"]["query"], "cat");
        let dropped = prepared.without(&["in a row".to_owned()]).to_json(&own(), true);
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
        let filters = own().filters(&filter).unwrap();
        assert_eq!(filters[0]["regexp"]["path"]["value"], "/a/[^/]*\\.md");
        assert_eq!(filters[1]["terms"]["extension"], json!(["md"]));
        assert_eq!(filters[2]["term"]["meta"], "year\u{1}2024");
        assert_eq!(filters[3]["range"]["modified"], json!({"gte": 5}));
        for (filter, named) in [
            (Filter::default().with_path("a"), "path=FIELD"),
            (Filter::default().with_extension("a"), "path=FIELD"),
            (Filter::default().with_modified(None, Some(1)), "--until"),
        ] {
            let error = foreign().filters(&filter).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(named), "{error}");
        }
        let filters = foreign().filters(&Filter::default().with_metadata("lang", "en")).unwrap();
        assert_eq!(filters, [json!({"term": {"lang": "en"}})]);
    }

    #[test]
    fn more_words_than_an_engine_takes_are_counted() {
        let query = Query::words(&"word ".repeat(1_500));
        assert_eq!(Prepared::new(&own(), &query, &Filter::default()).unwrap().left_out, 1_000);
    }
}
