//! A question in an engine's query language. In: a parsed [`Query`], a [`Filter`], a [`Layout`] and the engine's
//! [`Clauses`]. Out: JSON.
//!
//! Only clauses that take any text are used, so that nothing people type is a syntax error.

use std::fmt;

use serde_json::{Value, json};
use vizsla::{Clause, Error, ErrorKind, Filter, Query, QueryField};

use crate::fields::metadata_term;
use crate::glob::regular_expression;
use crate::layout::Layout;

/// Words of a query, over all fields together: engines refuse more than 1,024 clauses.
const MOST_CLAUSES: usize = 1_000;

/// The clauses of an engine's query language, of those that take any text.
pub(crate) trait Clauses: fmt::Debug {
    /// What has any of the words in a field, and for each of them a score by BM25. With `all`, also stop words of an
    /// index that we made.
    fn words(&self, layout: &Layout, field: &(String, f32), text: &str, all: bool) -> Value;

    /// What has these words side by side.
    fn phrase(&self, field: &str, words: &str) -> Value;

    /// What has a word that begins so.
    fn prefix(&self, field: &(String, f32), prefix: &str) -> Value;

    /// What has exactly this as the value of a field.
    fn term(&self, field: &str, value: &str) -> Value;

    /// What has a value that this regular expression of Lucene matches as a whole.
    fn regular_expression(&self, field: &str, expression: &str) -> Value;

    /// What has a number at or above the first and below the second.
    fn range(&self, field: &str, from: Option<i64>, until: Option<i64>) -> Value;

    /// What at least one of several matches, of which there is at least one; the sum of their scores.
    fn any(&self, of: Vec<Value>) -> Value;

    /// What the first and all of the second match, and none of the third; the score is that of the first.
    fn all(&self, scored: Option<Value>, filter: Vec<Value>, not: Vec<Value>) -> Value {
        let mut query = json!({"bool": {}});
        if let Some(scored) = scored {
            query["bool"]["must"] = vec![scored].into();
        }
        if !filter.is_empty() {
            query["bool"]["filter"] = filter.into();
        }
        if !not.is_empty() {
            query["bool"]["must_not"] = not.into();
        }
        query
    }

    /// What nothing matches.
    fn nothing(&self) -> Value;
}

/// What matches one of several queries.
fn any_of(clauses: &dyn Clauses, mut of: Vec<Value>) -> Value {
    match of.pop() {
        Some(only) if of.is_empty() => only,
        Some(last) => {
            of.push(last);
            clauses.any(of)
        }
        None => clauses.nothing(),
    }
}

/// A question as the engine takes it.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    text: String,
    must: Vec<(String, Value)>,
    prefixes: Vec<Value>,
    filter: Vec<Value>,
    must_not: Vec<Value>,
    /// Words left out because there are too many.
    pub(crate) left_out: usize,
}

impl Prepared {
    pub(crate) fn new(
        clauses: &dyn Clauses,
        layout: &Layout,
        query: &Query,
        filter: &Filter,
    ) -> Result<Self, Error> {
        let most = MOST_CLAUSES / layout.text.len().max(1);
        let words: Vec<&str> = query.text.split_whitespace().collect();
        let left_out = words.len().saturating_sub(most);
        let text = words[..words.len() - left_out].join(" ");
        let asked = Asked { clauses, layout };
        let required = |clause: &Clause| Ok((clause.words.clone(), asked.phrase(clause)?));
        let not = query.excluded.iter().map(|clause| asked.phrase(clause));
        let prefixes = query.prefixes.iter().map(|prefix| prefix.to_lowercase());
        let prefix = |prefix: String| {
            let of = layout.text.iter().map(move |field| clauses.prefix(field, &prefix));
            of.collect::<Vec<_>>()
        };
        Ok(Self {
            text,
            must: query.required.iter().map(required).collect::<Result<_, Error>>()?,
            prefixes: prefixes.flat_map(prefix).collect(),
            filter: asked.filters(filter)?,
            must_not: not.collect::<Result<_, _>>()?,
            left_out,
        })
    }

    /// The required clauses: their words, and a query for what has them.
    pub(crate) fn required<'a>(
        &'a self,
        clauses: &'a dyn Clauses,
    ) -> impl Iterator<Item = (&'a str, Value)> {
        self.must.iter().map(|(words, clause)| {
            let query = clauses.all(None, vec![clause.clone()], self.must_not.clone());
            (words.as_str(), query)
        })
    }

    /// The same without required clauses that no passage has.
    pub(crate) fn without(&self, dropped: &[String]) -> Self {
        let mut other = self.clone();
        other.must.retain(|(words, _)| !dropped.contains(words));
        other
    }

    /// The whole query; `all_words` also looks for stop words, for a query of nothing else.
    pub(crate) fn to_json(&self, clauses: &dyn Clauses, layout: &Layout, all: bool) -> Value {
        let matching = layout.text.iter();
        let matching = matching.map(|field| clauses.words(layout, field, &self.text, all));
        let should = matching.chain(self.prefixes.iter().cloned()).collect();
        let required = self.must.iter().map(|(_, clause)| clause);
        let filter = self.filter.iter().chain(required).cloned().collect();
        clauses.all(Some(any_of(clauses, should)), filter, self.must_not.clone())
    }
}

/// What is asked of which fields, in which language.
struct Asked<'a> {
    clauses: &'a dyn Clauses,
    layout: &'a Layout,
}

impl Asked<'_> {
    fn any_of(&self, of: Vec<Value>) -> Value {
        any_of(self.clauses, of)
    }

    /// Words that must stand side by side.
    fn phrase(&self, clause: &Clause) -> Result<Value, Error> {
        let layout = self.layout;
        let named = |field: &str| vec![field.to_owned()];
        let is_own = layout.own.is_some();
        let fields = match clause.field {
            None if is_own => named("content"),
            None => layout.text.iter().map(|(name, _)| name.clone()).collect(),
            Some(QueryField::Title) => named(role(layout.title.as_ref(), "title:", "title")?),
            Some(QueryField::Headings) if is_own => named("headings"),
            Some(QueryField::Path) if is_own => named("path_words"),
            Some(QueryField::Path) => named(role(layout.path.as_ref(), "path:", "path")?),
            Some(QueryField::Body) if layout.own.is_some_and(|own| own.separate_body) => {
                named("body")
            }
            Some(QueryField::Body) if is_own => named("content"),
            Some(QueryField::Body) => layout.read().map(str::to_owned).collect(),
            Some(_) => {
                let message = "the index of an engine that Vizsla did not make has no headings: leave out heading:";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        };
        let found = fields.into_iter().map(|field| match clause.prefix() {
            Some(letters) => self.clauses.prefix(&(field, 1.0), &letters.to_lowercase()),
            None => self.clauses.phrase(&field, &clause.words),
        });
        Ok(self.any_of(found.collect()))
    }

    fn filters(&self, filter: &Filter) -> Result<Vec<Value>, Error> {
        let (clauses, layout) = (self.clauses, self.layout);
        let is_own = layout.own.is_some();
        let mut all = Vec::new();
        for globs in [&filter.paths, &filter.names] {
            if globs.is_empty() {
                continue;
            }
            let path = role(layout.path.as_ref(), "the filter for paths", "path")?;
            let of =
                |glob: &String| Ok(clauses.regular_expression(path, &regular_expression(glob)?));
            all.push(self.any_of(globs.iter().map(of).collect::<Result<_, Error>>()?));
        }
        if !filter.extensions.is_empty() {
            let path = role(layout.path.as_ref(), "the filter for extensions", "path")?;
            let of = |extension: &String| {
                let extension = extension.trim_start_matches('.').to_lowercase();
                if is_own {
                    return clauses.term("extension", &extension);
                }
                clauses.regular_expression(path, &ending(&extension))
            };
            all.push(self.any_of(filter.extensions.iter().map(of).collect()));
        }
        for (name, value) in &filter.metadata {
            all.push(if is_own {
                clauses.term("meta", &metadata_term(name, value))
            } else {
                clauses.term(name, value)
            });
        }
        if filter.modified_from.is_some() || filter.modified_until.is_some() {
            if !is_own {
                let message = "the filter for times (--since, --until) works on indexes that Vizsla made; in another one, \
                               filter by a field of its own with --meta NAME=VALUE";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            all.push(clauses.range("modified", filter.modified_from, filter.modified_until));
        }
        Ok(all)
    }
}

/// A regular expression for paths with this extension, in any case.
fn ending(extension: &str) -> String {
    let mut expression = ".*\\.".to_owned();
    for c in extension.chars() {
        let upper: String = c.to_uppercase().collect();
        match upper.chars().next() {
            Some(upper) if upper != c => expression.extend(['[', c, upper, ']']),
            _ if c.is_alphanumeric() => expression.push(c),
            _ => expression.extend(['\\', c]),
        }
    }
    expression
}

/// The field of a role, or an error that says what needs it.
fn role<'a>(field: Option<&'a String>, what: &str, option: &str) -> Result<&'a str, Error> {
    field.map(String::as_str).ok_or_else(|| unsupported(what, option))
}

fn unsupported(what: &str, option: &str) -> Error {
    let message = format!(
        "{what} needs a field of the engine that the address does not name: add {option}=FIELD to it"
    );
    Error::new(ErrorKind::Unsupported, message)
}
