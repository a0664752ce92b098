//! A judged collection on disk: BEIR's layout, or TREC's topics and qrels beside a corpus.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;
use vizsla::metrics::{Qrels, Run};
use vizsla::trec;

use crate::args::JudgedArgs;

/// The judged queries of a collection.
pub(crate) struct Dataset {
    /// Texts by id: those that have judgments.
    pub(crate) queries: Vec<(String, String)>,
    pub(crate) qrels: Qrels,
}

impl Dataset {
    pub(crate) fn open(args: &JudgedArgs) -> anyhow::Result<Self> {
        let dir = &args.dataset;
        if !dir.join("corpus.jsonl").is_file() {
            bail!(
                "{} is no judged collection: it has no corpus.jsonl (see `vizsla eval --help`)",
                dir.display()
            );
        }
        let qrels_path = find_qrels(dir, &args.qrels)?;
        let qrels = trec::parse_qrels(&read(&qrels_path)?)
            .with_context(|| format!("cannot read {}", qrels_path.display()))?;
        let queries_path = args.topics.clone().unwrap_or_else(|| {
            ["queries.jsonl", "topics.tsv", "topics.txt"]
                .map(|name| dir.join(name))
                .into_iter()
                .find(|path| path.is_file())
                .unwrap_or_else(|| dir.join("queries.jsonl"))
        });
        let texts = parse_queries(&read(&queries_path)?)
            .with_context(|| format!("cannot read {}", queries_path.display()))?;
        let mut queries = Vec::with_capacity(qrels.len());
        for id in qrels.keys().take(args.queries.unwrap_or(usize::MAX)) {
            match texts.get(id) {
                Some(text) => queries.push((id.clone(), text.clone())),
                None => bail!(
                    "{} judges the query {id}, which {} does not have",
                    qrels_path.display(),
                    queries_path.display()
                ),
            }
        }
        if queries.is_empty() {
            bail!("{} has no judgments", qrels_path.display());
        }
        Ok(Self { queries, qrels })
    }
}

/// Reads a run in TREC form.
pub(crate) fn read_run(path: &Path) -> anyhow::Result<Run> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the run {}", path.display()))?;
    trec::parse_run(&text).with_context(|| format!("cannot read the run {}", path.display()))
}

fn find_qrels(dir: &Path, named: &str) -> anyhow::Result<PathBuf> {
    let places = [
        dir.join("qrels").join(format!("{named}.tsv")),
        PathBuf::from(named),
        dir.join(named),
        dir.join("qrels.txt"),
    ];
    match places.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => bail!(
            "there are no judgments {named:?}: looked for {}",
            places.map(|path| path.display().to_string()).join(", ")
        ),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Queries by id, from JSON Lines (`_id`, `text`), TREC topics (`<top>`, `<num>`, `<title>`) or lines `id<tab>text`.
fn parse_queries(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    if text.contains("<top>") {
        return Ok(parse_topics(text));
    }
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            if !line.starts_with('{') {
                let (id, text) = line
                    .split_once('\t')
                    .with_context(|| format!("line {number}: is neither JSON nor id<tab>text"))?;
                return Ok((id.trim().to_owned(), text.trim().to_owned()));
            }
            let record: Value = serde_json::from_str(line)
                .with_context(|| format!("line {number}: is not valid JSON"))?;
            let id = match &record["_id"] {
                Value::String(id) => id.clone(),
                Value::Number(id) => id.to_string(),
                _ => bail!("line {number}: has no \"_id\""),
            };
            let text = record["text"]
                .as_str()
                .with_context(|| format!("line {number}: has no \"text\""))?;
            Ok((id, text.to_owned()))
        })
        .collect()
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
            "<top>\n<num> Number: 301\n<title> International\nOrganized Crime\n<desc> Description:\nx\n</top>\n",
        ] {
            assert_eq!(parse_queries(text).unwrap(), expected);
        }
        assert!(parse_queries("{\"text\":\"x\"}").unwrap_err().to_string().contains("line 1"));
    }
}
