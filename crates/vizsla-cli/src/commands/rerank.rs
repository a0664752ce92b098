//! `vizsla rerank`: texts in, scored and sorted texts out, without an index.

use std::io::{self, BufRead};

use anyhow::{Context, bail};
use serde_json::json;
use vizsla::{Passage, Ranking, RerankScore, Reranker, TieBreak};
use vizsla_extract::json_document;

use crate::Outcome;
use crate::args::RerankArgs;
use crate::output;
use crate::settings::open_reranker;

struct Input {
    id: String,
    line: u32,
    title: String,
    text: String,
    score: RerankScore,
}

impl Input {
    /// What the reranker reads: composed as for a passage in an index, so that the scores are the same.
    fn full_text(&self) -> String {
        Passage::new(&self.id, 0, &self.text).with_title(&self.title).full_text()
    }
}

impl TieBreak for Input {
    fn tie_break(&self) -> (&str, &str, u32) {
        ("", "", self.line)
    }
}

pub(crate) fn run(args: &RerankArgs) -> anyhow::Result<Outcome> {
    if args.query.trim().is_empty() {
        bail!("the query is empty: give at least one word");
    }
    let texts = read_texts()?;
    if texts.is_empty() {
        output::note("no texts on standard input: give one a line, or JSON Lines with \"text\"");
        return Ok(Outcome::NoHits);
    }
    let reranker = open_reranker(&args.model)?;
    let full: Vec<String> = texts.iter().map(Input::full_text).collect();
    let passages: Vec<&str> = full.iter().map(String::as_str).collect();
    let scores = reranker.score(&args.query, &passages).map_err(anyhow::Error::from_boxed)?;
    let scored =
        texts.into_iter().zip(scores).map(|(text, score)| (score.logit, Input { score, ..text }));
    let mut ranking = Ranking::new(scored)?;
    ranking.truncate(args.limit.unwrap_or(usize::MAX));
    for (rank, found) in (1..).zip(&ranking) {
        let (text, score) = (&found.item, found.item.score);
        if args.jsonl {
            output::json_line(&json!({
                "rank": rank, "id": text.id, "index": text.line - 1, "logit": score.logit, "probability": score.probability(),
                "tokens": score.tokens, "windows": score.windows, "truncated": score.truncated, "title": text.title, "text": text.text,
            }))?;
        } else {
            let shown = text.text.lines().next().unwrap_or(&text.title);
            output::print_reranked(
                &mut anstream::stdout().lock(),
                rank,
                score.logit,
                score.probability(),
                shown,
            )?;
        }
    }
    Ok(Outcome::Success)
}

/// Each line is a text, or a JSON object with one. A first line that begins with `{` decides for all.
fn read_texts() -> anyhow::Result<Vec<Input>> {
    let mut texts = Vec::new();
    let mut records = None;
    for (line, text) in (1..).zip(io::stdin().lock().split(b'\n')) {
        let text = text.context("cannot read standard input")?;
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        if text.is_empty() {
            continue;
        }
        let is_record = *records.get_or_insert_with(|| text.starts_with('{'));
        let (id, title, text) = if is_record {
            let record = serde_json::from_str(&text)
                .with_context(|| format!("standard input, line {line}: is not a JSON object"))?;
            let document = json_document(record, &line.to_string())
                .with_context(|| format!("standard input, line {line}"))?;
            (document.id, document.title, document.text)
        } else {
            (line.to_string(), String::new(), text)
        };
        texts.push(Input { id, line, title, text, score: RerankScore::new(0.0) });
    }
    Ok(texts)
}
