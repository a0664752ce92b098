//! A stand-in for Quickwit that refuses every parameter, key and shape that its sources refuse, and finds documents by
//! whole words. Quickwit is in no package registry, so that it cannot be run here.

use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use crate::fake::{Fake, Received, answer};

/// What a search may have in its address and in its body: those that Quickwit knows and that are used here.
const PARAMETERS: [&str; 3] =
    ["_source_includes", "_source_excludes", "allow_partial_search_results"];
const BODY: [&str; 6] = ["from", "size", "query", "sort", "track_total_hits", "search_after"];
/// Bodies that are larger are refused.
const SEARCH_BYTES: usize = 1 << 20;

/// An index, and what was added to it.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) configuration: Value,
    pub(super) documents: Vec<Value>,
}

/// Quickwit with one index at most.
pub(super) struct Strict {
    pub(super) fake: Fake,
    pub(super) index: Arc<Mutex<Index>>,
}

impl Strict {
    pub(super) fn start() -> Self {
        let index = Arc::new(Mutex::new(Index::default()));
        let shared = Arc::clone(&index);
        let fake = Fake::start(move |request| {
            let mut index = shared.lock().unwrap();
            match answered(&mut index, request) {
                Ok(body) => answer(200, &body),
                Err((status, reason)) if request.path.contains("/_elastic/") => {
                    answer(status, &json!({"status": status, "error": {"reason": reason}}))
                }
                Err((status, reason)) => answer(status, &json!({"message": reason})),
            }
        });
        Self { fake, index }
    }

    pub(super) fn address(&self, rest: &str) -> String {
        format!("quickwit+{}/notes{rest}", self.fake.url())
    }
}

type Refused = (u16, String);

fn refuse<T>(what: &str) -> Result<T, Refused> {
    Err((400, what.to_owned()))
}

fn answered(index: &mut Index, request: &Received) -> Result<Value, Refused> {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let missing = || Err((404, "index not found".to_owned()));
    match (request.method.as_str(), path) {
        ("POST", "/api/v1/indexes") => make(index, &request.json()),
        _ if index.configuration.is_null() => missing(),
        ("GET", "/api/v1/indexes/notes") => {
            Ok(json!({"version": "0.9", "index_config": index.configuration}))
        }
        ("POST", "/api/v1/notes/ingest") => ingest(index, query, &request.body),
        ("POST", "/api/v1/_elastic/notes/_search") => search(index, query, &request.body),
        ("POST", "/api/v1/_elastic/notes/_count") if query.is_empty() => {
            let found = search(index, "", &request.body)?;
            Ok(json!({"count": found["hits"]["total"]["value"]}))
        }
        _ => missing(),
    }
}

fn known(object: &Value, keys: &[&str]) -> Result<(), Refused> {
    let Some(object) = object.as_object() else { return refuse("invalid type: expected a map") };
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => refuse(&format!("unknown field `{key}`")),
        None => Ok(()),
    }
}

fn make(index: &mut Index, body: &Value) -> Result<Value, Refused> {
    let keys = ["version", "index_id", "doc_mapping", "indexing_settings", "search_settings"];
    known(body, &keys)?;
    known(&body["doc_mapping"], &["mode", "field_mappings"])?;
    known(&body["indexing_settings"], &["commit_timeout_secs"])?;
    known(&body["search_settings"], &["default_search_fields"])?;
    for field in body["doc_mapping"]["field_mappings"].as_array().unwrap() {
        let is_indexed = field["indexed"] != false;
        match field["type"].as_str().unwrap_or_default() {
            "text" | "array<text>" if is_indexed => known(
                field,
                &["name", "type", "description", "tokenizer", "record", "fieldnorms", "stored"],
            )?,
            // What is not indexed has no analysis.
            "text" => known(field, &["name", "type", "indexed", "stored"])?,
            "i64" => known(field, &["name", "type", "fast", "indexed", "stored"])?,
            other => return refuse(&format!("unknown type {other}")),
        }
        let tokenizer = field.get("tokenizer").and_then(Value::as_str).unwrap_or("default");
        if !["raw", "default", "en_stem"].contains(&tokenizer) {
            return refuse(&format!("unknown tokenizer `{tokenizer}`"));
        }
    }
    if !index.configuration.is_null() {
        return refuse("index already exists");
    }
    index.configuration = body.clone();
    Ok(json!({"index_config": body}))
}

fn ingest(index: &mut Index, query: &str, body: &str) -> Result<Value, Refused> {
    for parameter in query.split('&') {
        if !["detailed_response=true", "commit=force"].contains(&parameter) {
            return refuse(&format!("unknown parameter {parameter}"));
        }
    }
    let mappings = index.configuration["doc_mapping"]["field_mappings"].as_array().unwrap();
    let names: Vec<&str> = mappings.iter().map(|of| of["name"].as_str().unwrap()).collect();
    let mut failures = Vec::new();
    let mut added = Vec::new();
    for line in body.lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        let strange =
            document.as_object().unwrap().keys().find(|key| !names.contains(&key.as_str()));
        // A text that a test has refused.
        let refused = document["content"].as_str().is_some_and(|text| text.contains("unwanted"));
        match strange {
            Some(name) => failures.push(json!({"message": format!("strict mode: no field {name}"), "document": line, "reason": "invalid_schema"})),
            None if refused => failures.push(json!({"message": "unwanted", "document": line, "reason": "unspecified"})),
            None => added.push(document),
        }
    }
    let (ingested, rejected) = (added.len(), failures.len());
    index.documents.extend(added);
    Ok(json!({"num_docs_for_processing": ingested + rejected, "num_ingested_docs": ingested,
        "num_rejected_docs": rejected, "parse_failures": failures}))
}

fn search(index: &Index, query: &str, body: &str) -> Result<Value, Refused> {
    if body.len() > SEARCH_BYTES {
        return Err((413, "payload too large".to_owned()));
    }
    let parameters: Vec<(&str, &str)> =
        query.split('&').filter_map(|of| of.split_once('=')).collect();
    if let Some((name, _)) = parameters.iter().find(|(name, _)| !PARAMETERS.contains(name)) {
        return refuse(&format!("unknown parameter {name}"));
    }
    let body: Value = serde_json::from_str(body).unwrap();
    known(&body, &BODY)?;
    let sort = body.pointer("/sort/0").cloned().unwrap_or_default();
    let mut found: Vec<(f64, usize)> = Vec::new();
    for (at, document) in index.documents.iter().enumerate() {
        if let Some(score) = score(&body["query"], document)? {
            found.push((score, at));
        }
    }
    // Shapes are refused whether or not there is a document.
    score(&body["query"], &json!({}))?;
    let total = found.len();
    match (&sort, body.pointer("/search_after/0")) {
        (Value::String(of), None) if of == "_score" => {
            found.sort_by(|one, other| other.0.total_cmp(&one.0));
        }
        (Value::String(of), after) if of == "_doc" => {
            let after = after.and_then(|of| of.as_str()?.rsplit(':').next()?.parse::<usize>().ok());
            found.retain(|(_, at)| after.is_none_or(|after| *at > after));
        }
        (Value::Object(of), None) if of.get("written") == Some(&json!("desc")) => found.reverse(),
        (Value::Null, None) => {}
        _ => return refuse("sort and search_after are of different length"),
    }
    found.truncate(body["size"].as_u64().unwrap_or(10) as usize);
    let hit = |(score, at): &(f64, usize)| {
        let sorted = match &sort {
            Value::String(of) if of == "_doc" => json!([format!("split:0:{at}")]),
            Value::String(_) => json!([score]),
            _ => json!([]),
        };
        let source = sources(index.documents[*at].as_object().unwrap(), &parameters);
        json!({"_index": "notes", "_id": "", "_score": null, "_source": source, "sort": sorted})
    };
    let hits: Vec<Value> = found.iter().map(hit).collect();
    Ok(json!({"took": 1, "timed_out": false, "_shards": {"total": 1, "successful": 1, "failed": 0},
        "hits": {"total": {"value": total, "relation": "eq"}, "hits": hits}}))
}

fn sources(document: &Map<String, Value>, parameters: &[(&str, &str)]) -> Map<String, Value> {
    let mut document = document.clone();
    for (name, value) in parameters {
        let names: Vec<&str> = value.split(',').collect();
        match *name {
            "_source_includes" => document.retain(|name, _| names.contains(&name.as_str())),
            "_source_excludes" => document.retain(|name, _| !names.contains(&name.as_str())),
            _ => {}
        }
    }
    document
}

/// Whether a document matches, and how well: the number of words.
fn score(query: &Value, document: &Value) -> Result<Option<f64>, Refused> {
    let Some((kind, of)) = one(query) else { return refuse("a query has one key") };
    match kind {
        "bool" => boolean(of, document),
        "match_all" => known(of, &["boost"]).map(|()| Some(1.0)),
        "match" | "match_phrase" | "query_string" => of_words(kind, of, document),
        _ => of_values(kind, of, document).map(|matches| matches.then_some(1.0)),
    }
}

/// The only key of an object.
fn one(of: &Value) -> Option<(&str, &Value)> {
    let only = of.as_object().filter(|of| of.len() == 1)?.iter().next()?;
    Some((only.0, only.1))
}

/// The field of a clause and what it is to have, of which these keys are known.
fn field<'a>(of: &'a Value, keys: &[&str]) -> Result<(&'a str, &'a Value), Refused> {
    let Some((name, value)) = one(of) else { return refuse("expected a single field") };
    known(value, keys)?;
    Ok((name, value))
}

fn of_words(kind: &str, of: &Value, document: &Value) -> Result<Option<f64>, Refused> {
    let has = |name: &str| texts(&document[name]);
    match kind {
        "match" => {
            let (name, value) = field(of, &["query", "operator", "zero_terms_query", "lenient"])?;
            Ok(matches(&has(name), value["query"].as_str().unwrap()))
        }
        "match_phrase" => {
            let (name, value) = field(of, &["query", "zero_terms_query", "analyzer", "slop"])?;
            let phrase = value["query"].as_str().unwrap().to_lowercase();
            Ok(has(name).iter().any(|text| text.contains(&phrase)).then_some(1.0))
        }
        _ => {
            known(of, &["query", "fields", "default_operator", "boost", "lenient"])?;
            // Words in quotes, each with a weight.
            let query = of["query"].as_str().unwrap();
            let words: Vec<&str> = query.split('"').skip(1).step_by(2).collect();
            let name = of["fields"][0].as_str().unwrap();
            Ok(matches(&has(name), &words.join(" ")).map(|score| score / 4.0))
        }
    }
}

fn of_values(kind: &str, of: &Value, document: &Value) -> Result<bool, Refused> {
    let has = |name: &str| texts(&document[name]);
    let text = |value: &Value| value["value"].as_str().map(str::to_lowercase);
    Ok(match kind {
        "prefix" => {
            let (name, value) = field(of, &["value", "case_insensitive"])?;
            let start = text(value).unwrap();
            let begins = |text: &String| text.split(' ').any(|word| word.starts_with(&start));
            has(name).iter().any(begins)
        }
        "term" => {
            let (name, value) = field(of, &["value", "boost", "case_insensitive"])?;
            has(name).contains(&text(value).unwrap_or_else(|| value["value"].to_string()))
        }
        "terms" => {
            let Some((name, values)) = one(of) else { return refuse("expected a single field") };
            let values = values.as_array().unwrap().iter().filter_map(Value::as_str);
            let has = has(name);
            values.map(str::to_lowercase).any(|value| has.contains(&value))
        }
        "regexp" => {
            let (name, value) = field(of, &["value", "case_insensitive"])?;
            // Only how such an expression ends is looked at, without a class of letters of both cases.
            let value = value["value"].as_str().unwrap();
            let end = value.rsplit("\\.").next().unwrap();
            has(name).iter().any(|text| text.ends_with(end))
        }
        "range" => {
            let (name, value) = field(of, &["gt", "gte", "lt", "lte", "boost", "format"])?;
            let from = |number: i64| value["gte"].as_i64().is_none_or(|from| number >= from);
            let until = |number: i64| value["lt"].as_i64().is_none_or(|until| number < until);
            document[name].as_i64().is_some_and(|number| from(number) && until(number))
        }
        other => return refuse(&format!("unknown variant `{other}`")),
    })
}

fn boolean(of: &Value, document: &Value) -> Result<Option<f64>, Refused> {
    known(of, &["must", "must_not", "should", "filter", "boost"])?;
    let all = |name: &str| -> Result<Vec<Option<f64>>, Refused> {
        let clauses = of.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        clauses.iter().map(|clause| score(clause, document)).collect()
    };
    let (must, filter, should, not) =
        (all("must")?, all("filter")?, all("should")?, all("must_not")?);
    let some = |of: &[Option<f64>]| of.iter().any(Option::is_some);
    let every = |of: &[Option<f64>]| of.iter().all(Option::is_some);
    let optional = !must.is_empty() || !filter.is_empty() || should.is_empty();
    let matches = every(&must) && every(&filter) && !some(&not) && (optional || some(&should));
    Ok(matches.then(|| must.iter().chain(&should).flatten().sum()))
}

/// The texts of a field, in lower case.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.to_lowercase()],
        Value::Number(number) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

fn matches(texts: &[String], query: &str) -> Option<f64> {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let there: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
    let count = words(query).iter().filter(|word| there.contains(word)).count();
    (count > 0).then_some(count as f64)
}
