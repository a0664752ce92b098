//! A judged collection on disk: BEIR's layout, or TREC's topics and qrels. In: a folder and which judgments. Out: queries
//! and judgments. The corpus is not read here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::metrics::{Qrels, Run};
use crate::trec;

/// A query that has judgments.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JudgedQuery {
    /// Its id in runs and judgments.
    pub id: String,
    /// The text to search for.
    pub text: String,
}

impl JudgedQuery {
    /// A query with an id.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self { id: id.into(), text: text.into() }
    }
}

/// Queries with the judgments of documents for each of them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Collection {
    /// The queries that are evaluated, in order of their ids.
    pub queries: Vec<JudgedQuery>,
    /// The judgments, by query.
    pub qrels: Qrels,
}

/// Which judgments and queries of a folder to take.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CollectionOptions {
    /// `NAME` for `qrels/NAME.tsv` in the folder, or the path of a TREC or BEIR file, in the folder or anywhere.
    pub qrels: String,
    /// A file with queries, instead of `queries.jsonl`, `topics.tsv` or `topics.txt` in the folder.
    pub topics: Option<PathBuf>,
    /// Take only this many queries, from the first on.
    pub first: Option<usize>,
    /// Do without the texts of the queries if their file is missing: enough to measure runs.
    pub texts_are_optional: bool,
}

impl Default for CollectionOptions {
    fn default() -> Self {
        Self { qrels: "test".into(), topics: None, first: None, texts_are_optional: false }
    }
}

impl CollectionOptions {
    /// Sets which judgments.
    pub fn with_qrels(mut self, qrels: impl Into<String>) -> Self {
        self.qrels = qrels.into();
        self
    }

    /// Sets the file of the queries.
    pub fn with_topics(mut self, path: impl Into<PathBuf>) -> Self {
        self.topics = Some(path.into());
        self
    }

    /// Takes only the first `queries`.
    pub fn with_first(mut self, queries: usize) -> Self {
        self.first = Some(queries);
        self
    }

    /// Does without the texts of the queries if their file is missing.
    pub fn with_optional_texts(mut self) -> Self {
        self.texts_are_optional = true;
        self
    }
}

impl Collection {
    /// A collection from memory. Queries without judgments are kept: their measures are 0.
    pub fn new(queries: Vec<JudgedQuery>, qrels: Qrels) -> Self {
        Self { queries, qrels }
    }

    /// Reads the queries and judgments in a folder. Cost: reading their files.
    ///
    /// # Errors
    /// [`ErrorKind::MissingPart`] when there are no judgments, or a query that is judged has no text;
    /// [`ErrorKind::Malformed`] with the line, and [`ErrorKind::Io`].
    pub fn open(dir: &Path, options: &CollectionOptions) -> Result<Self> {
        let qrels_path = find_qrels(dir, &options.qrels)?;
        let qrels = trec::parse_qrels(&read(&qrels_path)?)
            .map_err(|error| malformed(&qrels_path).with_source(error))?;
        let queries_path = options.topics.clone().unwrap_or_else(|| find_queries(dir));
        let has_texts = queries_path.is_file() || !options.texts_are_optional;
        let texts = if has_texts {
            parse_queries(&read(&queries_path)?)
                .map_err(|error| malformed(&queries_path).with_source(error))?
        } else {
            BTreeMap::new()
        };
        let mut queries = Vec::with_capacity(qrels.len());
        for id in qrels.keys().take(options.first.unwrap_or(usize::MAX)) {
            let text = match texts.get(id) {
                Some(text) => text.as_str(),
                None if !has_texts => "",
                None => return Err(without_text(id, &qrels_path, &queries_path)),
            };
            queries.push(JudgedQuery::new(id, text));
        }
        if queries.is_empty() {
            let message = format!("{} has no judgments", qrels_path.display());
            return Err(Error::new(ErrorKind::MissingPart, message));
        }
        Ok(Self { queries, qrels })
    }

    /// Whether a run has a ranking for any of the queries: a run of another collection would score 0 everywhere.
    pub fn is_covered_by(&self, run: &Run) -> bool {
        self.queries.iter().any(|query| run.contains_key(&query.id))
    }

    /// The ids of the queries, in their order.
    pub fn query_ids(&self) -> Vec<String> {
        self.queries.iter().map(|query| query.id.clone()).collect()
    }
}

/// Reads a run in TREC format: see [`trec::parse_run`].
///
/// # Errors
/// [`ErrorKind::Io`] or [`ErrorKind::Malformed`].
pub fn read_run(path: &Path) -> Result<Run> {
    trec::parse_run(&read(path)?).map_err(|error| {
        let message = format!("cannot read the run {}", path.display());
        Error::new(ErrorKind::Malformed, message).with_source(error)
    })
}

fn find_queries(dir: &Path) -> PathBuf {
    let places = ["queries.jsonl", "topics.tsv", "topics.txt"].map(|name| dir.join(name));
    let found = places.iter().find(|path| path.is_file()).unwrap_or(&places[0]);
    found.clone()
}

fn without_text(id: &str, qrels: &Path, queries: &Path) -> Error {
    let (qrels, queries) = (qrels.display(), queries.display());
    let message = format!("{qrels} judges the query {id}, which {queries} does not have");
    Error::new(ErrorKind::MissingPart, message)
}

fn malformed(path: &Path) -> Error {
    Error::new(ErrorKind::Malformed, format!("cannot read {}", path.display()))
}

fn find_qrels(dir: &Path, named: &str) -> Result<PathBuf> {
    let places = [
        dir.join("qrels").join(format!("{named}.tsv")),
        PathBuf::from(named),
        dir.join(named),
        dir.join("qrels.txt"),
    ];
    match places.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(Error::new(
            ErrorKind::MissingPart,
            format!(
                "there are no judgments {named:?}: looked for {}",
                places.map(|path| path.display().to_string()).join(", ")
            ),
        )),
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| Error::io("read", path, error))
}

/// Queries by id, from JSON Lines (`_id`, `text`), TREC topics (`<top>`, `<num>`, `<title>`) or lines `id<tab>text`.
fn parse_queries(text: &str) -> Result<BTreeMap<String, String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("<top>") {
        return Ok(parse_topics(text));
    }
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(number, line)| parse_query(number, line)).collect()
}

fn parse_query(number: u32, line: &str) -> Result<(String, String)> {
    let wrong = |what| Error::new(ErrorKind::Malformed, format!("line {number}: {what}"));
    if !line.starts_with('{') {
        let (id, text) =
            line.split_once('\t').ok_or_else(|| wrong("is neither JSON nor id<tab>text"))?;
        return Ok((id.trim().to_owned(), text.trim().to_owned()));
    }
    let record: Value = serde_json::from_str(line)
        .map_err(|error| wrong("is not valid JSON").with_source(error))?;
    let id = match &record["_id"] {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return Err(wrong("has no \"_id\"")),
    };
    let text = record["text"].as_str().ok_or_else(|| wrong("has no \"text\""))?;
    Ok((id, text.to_owned()))
}

/// TREC's topics, whose tags are never closed: `<num> Number: 301`, `<title> International Crime`.
fn parse_topics(text: &str) -> BTreeMap<String, String> {
    let field = |topic: &str, tag: &str| -> Option<String> {
        let rest = &topic[topic.find(tag)? + tag.len()..];
        let value = rest.split('<').next()?.trim();
        Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let strip = |value: String, label: &str| {
        value.strip_prefix(label).map_or(value.clone(), |rest| rest.trim().to_owned())
    };
    let topics = text.split("<top>").skip(1);
    topics
        .filter_map(|topic| {
            Some((
                strip(field(topic, "<num>")?, "Number:"),
                strip(field(topic, "<title>")?, "Topic:"),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_forms_of_queries_are_read() {
        let expected =
            BTreeMap::from([("301".to_owned(), "International Organized Crime".to_owned())]);
        for text in [
            "{\"_id\": \"301\", \"text\": \"International Organized Crime\"}\n",
            "301\tInternational Organized Crime\n",
            "\u{feff}301\tInternational Organized Crime\n",
            "<top>\n<num> Number: 301\n<title> International\nOrganized Crime\n<desc> Description:\nx\n</top>\n",
        ] {
            assert_eq!(parse_queries(text).unwrap(), expected);
        }
        assert!(parse_queries("{\"text\":\"x\"}").unwrap_err().to_string().contains("line 1"));
    }
}
