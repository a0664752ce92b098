//! The part of Elasticsearch's query language that this server answers. In: the value of `query`. Out: words, phrases, what
//! is left out, and a filter. Fields of text are searched as one: title, headings and text, with the index's own weights.

use serde_json::{Map, Value};
use vizsla::{Filter, QuerySyntax};

use super::error::ElasticError;
use super::source::{TEXT, TITLE};

type Result<T> = std::result::Result<T, ElasticError>;

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Query {
    words: Vec<String>,
    phrases: Vec<String>,
    excluded: Vec<String>,
    pub(super) filter: Filter,
}

/// What a clause does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Scores,
    Filters,
    Excludes,
}

impl Query {
    /// Reads a query; everything when there is none.
    pub(super) fn read(value: Option<&Value>) -> Result<Self> {
        let mut query = Self::default();
        if let Some(value) = value {
            query.add(value, Role::Scores)?;
        }
        Ok(query)
    }

    /// Whether nothing is searched for, so that everything that passes the filter is found.
    pub(super) fn is_everything(&self) -> bool {
        self.words.is_empty() && self.phrases.is_empty()
    }

    /// The words that a model would read.
    pub(super) fn words(&self) -> String {
        self.words.iter().chain(&self.phrases).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The query as the engine takes it.
    pub(super) fn text(&self) -> (String, QuerySyntax) {
        let quoted =
            |sign: &'static str| move |words: &String| format!(" {sign}\"{}\"", plain(words));
        let excluded: String = self.excluded.iter().map(quoted("-")).collect();
        if self.is_everything() {
            return (format!("*{excluded}"), QuerySyntax::Native);
        }
        if self.phrases.is_empty() && excluded.is_empty() {
            return (self.words(), QuerySyntax::Words);
        }
        let words: Vec<String> = self.words.iter().map(|words| plain(words)).collect();
        let phrases: String = self.phrases.iter().map(quoted("")).collect();
        (format!("{}{phrases}{excluded}", words.join(" ")), QuerySyntax::Text)
    }

    fn add(&mut self, value: &Value, role: Role) -> Result<()> {
        let clause = value.as_object().filter(|clause| clause.len() == 1);
        let Some((kind, value)) = clause.and_then(|clause| clause.iter().next()) else {
            return Err(ElasticError::parsing("[query] must be an object with one kind of query"));
        };
        match (kind.as_str(), role) {
            ("match_all", Role::Scores | Role::Filters) => Ok(()),
            ("match", Role::Scores | Role::Excludes) => self.add_match(value, role),
            ("multi_match", Role::Scores | Role::Excludes) => self.add_multi_match(value, role),
            ("match_phrase", Role::Scores | Role::Excludes) => {
                let (_, phrase) = text_field("match_phrase", value)?;
                self.add_phrase(phrase, role);
                Ok(())
            }
            ("bool", Role::Scores | Role::Filters) => self.add_bool(value, role),
            ("term" | "terms", Role::Scores | Role::Filters) => self.add_terms(kind, value),
            ("range", Role::Scores | Role::Filters) => self.add_range(value),
            (kind, role) => Err(ElasticError::unsupported(format!(
                "[{kind}] is not supported {}; supported are match, multi_match, match_phrase, match_all and bool; in filter \
                 term, terms and range; in must_not match, multi_match and match_phrase",
                match role {
                    Role::Scores => "here",
                    Role::Filters => "in filter",
                    Role::Excludes => "in must_not",
                }
            ))),
        }
    }

    fn add_bool(&mut self, value: &Value, role: Role) -> Result<()> {
        let parts = object("bool", value)?;
        for (name, value) in parts {
            let role = match name.as_str() {
                "must" | "should" => role,
                "filter" => Role::Filters,
                "must_not" => Role::Excludes,
                "minimum_should_match" if value == 0 || value == 1 || value == "1" => continue,
                "boost" => continue,
                name => return Err(unknown("bool", name)),
            };
            let clauses = match value {
                Value::Array(clauses) => clauses.as_slice(),
                one => std::slice::from_ref(one),
            };
            if role == Role::Filters && name == "should" && clauses.len() > 1 {
                let reason = "[bool] with several [should] is not supported in filter";
                return Err(ElasticError::unsupported(reason));
            }
            for clause in clauses {
                self.add(clause, role)?;
            }
        }
        Ok(())
    }

    fn add_match(&mut self, value: &Value, role: Role) -> Result<()> {
        let (options, words) = text_field("match", value)?;
        if let Some(options) = options {
            check_options("match", options)?;
        }
        self.add_words(words, role);
        Ok(())
    }

    fn add_multi_match(&mut self, value: &Value, role: Role) -> Result<()> {
        let options = object("multi_match", value)?;
        let words = options.get("query").and_then(Value::as_str);
        let words =
            words.ok_or_else(|| ElasticError::parsing("[multi_match] needs a [query] of text"))?;
        let fields = match options.get("fields") {
            None => Vec::new(),
            Some(Value::String(field)) => vec![field.as_str()],
            Some(Value::Array(fields)) => fields.iter().filter_map(Value::as_str).collect(),
            Some(_) => return Err(ElasticError::parsing("[multi_match] [fields] must be names")),
        };
        for field in fields {
            check_field("multi_match", field.split('^').next().unwrap_or(field))?;
        }
        match options.get("type").and_then(Value::as_str).unwrap_or("best_fields") {
            "best_fields" | "most_fields" | "cross_fields" => self.add_words(words, role),
            "phrase" => self.add_phrase(words, role),
            kind => {
                let reason = format!("[multi_match] of type [{kind}] is not supported");
                return Err(ElasticError::unsupported(reason));
            }
        }
        check_options("multi_match", options)
    }

    fn add_words(&mut self, words: &str, role: Role) {
        match role {
            // Any of the words leaves a passage out.
            Role::Excludes => {
                self.excluded.extend(words.split_whitespace().map(str::to_owned));
            }
            _ if words.trim().is_empty() => {}
            _ => self.words.push(words.to_owned()),
        }
    }

    fn add_phrase(&mut self, phrase: &str, role: Role) {
        let list = if role == Role::Excludes { &mut self.excluded } else { &mut self.phrases };
        if !phrase.trim().is_empty() {
            list.push(phrase.to_owned());
        }
    }

    fn add_terms(&mut self, kind: &str, value: &Value) -> Result<()> {
        let mut terms = object(kind, value)?.iter().filter(|(name, _)| *name != "boost");
        let (Some((field, value)), None) = (terms.next(), terms.next()) else {
            return Err(ElasticError::parsing(format!("[{kind}] must name one field")));
        };
        let field = field.strip_suffix(".keyword").unwrap_or(field);
        let value = value.as_object().and_then(|object| object.get("value")).unwrap_or(value);
        let values = match value {
            Value::Array(values) if kind == "terms" => values.iter().map(scalar).collect(),
            value => scalar(value).map(|value| vec![value]),
        };
        let values: Vec<String> = values.ok_or_else(|| {
            ElasticError::parsing(format!(
                "[{kind}] on [{field}] must have texts, numbers or truth values"
            ))
        })?;
        let filter = &mut self.filter;
        match field {
            "path" => filter.paths.extend(values),
            "ext" | "extension" => filter.extensions.extend(values),
            field => {
                let [value] = values.as_slice() else {
                    let reason = format!("[terms] on [{field}] is supported with one value only");
                    return Err(ElasticError::unsupported(reason));
                };
                filter.metadata.push((field.to_owned(), value.clone()));
            }
        }
        Ok(())
    }

    fn add_range(&mut self, value: &Value) -> Result<()> {
        for (field, bounds) in object("range", value)? {
            if field != "modified" {
                let reason = format!("[range] is supported on [modified] only, not on [{field}]");
                return Err(ElasticError::unsupported(reason));
            }
            for (name, value) in object("range", bounds)? {
                let at = moment(value).ok_or_else(|| {
                    ElasticError::parsing(format!("[range] cannot read the time {value}: give milliseconds since 1970, or 2026-01-31T00:00:00Z"))
                })?;
                let filter = &mut self.filter;
                match name.as_str() {
                    "gte" => filter.modified_from = Some(at),
                    "gt" => filter.modified_from = Some(at + 1),
                    "lt" => filter.modified_until = Some(at),
                    "lte" => filter.modified_until = Some(at + 1),
                    name => return Err(unknown("range", name)),
                }
            }
        }
        Ok(())
    }
}

/// Text of which nothing is an operator of the engine.
fn plain(words: &str) -> String {
    let signs = ['"', '“', '”', '„', '‟', '«', '»', '＂', '〝', '*', ':', '\\'];
    let words = words.replace(signs, " ");
    let words = words.split_whitespace().map(|word| word.trim_start_matches('-'));
    words.collect::<Vec<_>>().join(" ")
}

fn object<'a>(kind: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| ElasticError::parsing(format!("[{kind}] must be an object")))
}

fn unknown(kind: &str, name: &str) -> ElasticError {
    ElasticError::parsing(format!("[{kind}] query does not support [{name}]"))
}

type Options<'a> = Option<&'a Map<String, Value>>;

/// The options and the text of a query for one field.
fn text_field<'a>(kind: &str, value: &'a Value) -> Result<(Options<'a>, &'a str)> {
    let fields = object(kind, value)?;
    let mut fields = fields.iter();
    let (Some((field, value)), None) = (fields.next(), fields.next()) else {
        return Err(ElasticError::parsing(format!("[{kind}] must name one field")));
    };
    check_field(kind, field)?;
    let options = value.as_object();
    let text = options.map_or(Some(value), |options| options.get("query")).and_then(Value::as_str);
    let text =
        text.ok_or_else(|| ElasticError::parsing(format!("[{kind}] on [{field}] needs a text")))?;
    Ok((options, text))
}

fn check_field(kind: &str, field: &str) -> Result<()> {
    if field == TITLE || field == "*" || TEXT.contains(&field) {
        return Ok(());
    }
    Err(ElasticError::unsupported(format!(
        "[{kind}] on [{field}]: this server searches [{TITLE}] and [{}] as one field; other fields can be filtered with [term]",
        TEXT.join(", ")
    )))
}

/// Refuses options that would change what is found.
fn check_options(kind: &str, options: &Map<String, Value>) -> Result<()> {
    for (name, value) in options {
        let text = value.as_str().unwrap_or_default();
        let as_usual = match name.as_str() {
            // Weights and tie-breaks are the index's own; correcting is the server's setting.
            "query" | "fields" | "type" | "boost" | "tie_breaker" | "_name" | "lenient" => true,
            "operator" => text.eq_ignore_ascii_case("or"),
            "fuzziness" => text.eq_ignore_ascii_case("auto") || *value == 0,
            "minimum_should_match" => *value == 1 || text == "1",
            _ => return Err(unknown(kind, name)),
        };
        if !as_usual {
            let reason = format!("[{kind}] with [{name}] [{value}] is not supported");
            return Err(ElasticError::unsupported(reason));
        }
    }
    Ok(())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// Seconds since 1970.
fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().map(|milliseconds| milliseconds.div_euclid(1_000)),
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(query: &Value) -> (String, QuerySyntax) {
        Query::read(Some(query)).unwrap().text()
    }

    #[test]
    fn queries_are_read() {
        let words = "who's \"who\" -now";
        assert_eq!(
            text(&json!({"match": {"text": words}})),
            (words.to_owned(), QuerySyntax::Words)
        );
        assert_eq!(
            text(
                &json!({"multi_match": {"query": "a b", "fields": ["title^2", "body"], "fuzziness": "AUTO"}})
            ),
            ("a b".to_owned(), QuerySyntax::Words)
        );
        assert_eq!(text(&json!({"match_all": {}})), ("*".to_owned(), QuerySyntax::Native));
        let all = json!({"bool": {
            "must": {"match": {"text": {"query": "-x \"y\" title:z", "operator": "OR"}}},
            "should": [{"match_phrase": {"title": "one two"}}],
            "must_not": [{"match_phrase": {"body": "three four"}}, {"match": {"text": "five six"}}],
            "filter": [{"term": {"lang.keyword": "en"}}, {"terms": {"ext": ["md", "rs"]}},
                {"range": {"modified": {"gte": 2_000, "lte": "1970-01-01T00:00:09Z"}}}],
        }});
        let expected = "x y title z \"one two\" -\"three four\" -\"five\" -\"six\"";
        assert_eq!(text(&all), (expected.to_owned(), QuerySyntax::Text));
        let filter = Query::read(Some(&all)).unwrap().filter;
        assert_eq!(filter.metadata, [("lang".to_owned(), "en".to_owned())]);
        assert_eq!(filter.extensions, ["md", "rs"]);
        assert_eq!((filter.modified_from, filter.modified_until), (Some(2), Some(10)));
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for query in [
            json!({"knn": {}}),
            json!({"match": {"author": "x"}}),
            json!({"match": {"text": {"query": "x", "operator": "and"}}}),
            json!({"match": {"text": {"query": "x", "analyzer": "y"}}}),
            json!({"match": {"text": 3}}),
            json!({"bool": {"filter": {"match": {"text": "x"}}}}),
            json!({"bool": {"must_not": {"term": {"a": "b"}}}}),
            json!({"bool": {"unheard": []}}),
            json!({"terms": {"a": ["b", "c"]}}),
            json!({"range": {"year": {"gte": 3}}}),
            json!({"range": {"modified": {"gte": "yesterday"}}}),
            json!({"multi_match": {"query": "x", "type": "phrase_prefix"}}),
            json!({"match": {}, "term": {}}),
            json!([]),
        ] {
            assert!(Query::read(Some(&query)).is_err(), "{query}");
        }
    }
}
