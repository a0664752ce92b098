//! Writes scores in the dialect they were asked for in.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use vizsla::RerankScore;

use super::request::{Call, Dialect, Shape};
use super::score::Scored;
use super::spans::Span;

/// The outcome of a call.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) call: Call,
    /// Best first, or in input order for a prediction.
    pub(super) scored: Vec<Scored>,
    /// For each of `scored`, when they were asked for.
    pub(super) spans: Vec<Vec<Span>>,
    /// How many tokens the model read to find them.
    pub(super) span_tokens: u64,
    pub(super) model: String,
}

impl Answer {
    /// How many tokens the model read.
    pub(super) fn tokens(&self) -> u64 {
        let read = self.scored.iter().map(|scored| u64::from(scored.score.tokens.unwrap_or(0)));
        read.sum::<u64>() + self.span_tokens
    }

    pub(super) fn into_response(self, id: &str, took: Duration) -> Response {
        let value = match self.call.dialect {
            Dialect::Tei => self.tei(),
            Dialect::Predict(shape) => self.prediction(shape),
            Dialect::Score => self.score(id),
            Dialect::Voyage => self.voyage(),
            Dialect::Object { version } => self.object(id, version, took),
        };
        Json(value).into_response()
    }

    fn number(&self, score: RerankScore) -> f64 {
        f64::from(if self.call.raw_scores { score.logit } else { score.probability() })
    }

    /// No key more than the protocol has: some of its clients refuse others.
    fn tei(&self) -> Value {
        let one = |scored: &Scored| {
            let mut one = json!({"index": scored.index, "score": self.number(scored.score)});
            if self.call.return_documents {
                one["text"] = Value::from(text(&self.call.documents[scored.index]));
            }
            one
        };
        self.scored.iter().map(one).collect()
    }

    fn prediction(&self, shape: Shape) -> Value {
        let one = |scored: &Scored| json!({"label": "LABEL_0", "score": self.number(scored.score)});
        let all = self.scored.iter().map(one);
        match shape {
            Shape::Pair | Shape::Objects => all.collect(),
            Shape::Batch => all.map(|one| json!([one])).collect(),
        }
    }

    fn score(&self, id: &str) -> Value {
        let one = |scored: &Scored| json!({"index": scored.index, "object": "score", "score": self.number(scored.score)});
        let tokens = self.tokens();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        json!({
            "id": id,
            "object": "list",
            "created": now.as_secs(),
            "model": self.model,
            "data": self.scored.iter().map(one).collect::<Vec<_>>(),
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        })
    }

    fn voyage(&self) -> Value {
        let one = |scored: &Scored| {
            let mut one =
                json!({"index": scored.index, "relevance_score": self.number(scored.score)});
            if self.call.return_documents {
                one["document"] = Value::from(text(&self.call.documents[scored.index]));
            }
            one
        };
        let data: Vec<Value> = self.scored.iter().map(one).collect();
        json!({"object": "list", "data": data, "model": self.model, "usage": {"total_tokens": self.tokens()}})
    }

    /// What Cohere, Jina and vLLM answer, in one object; each of their clients ignores what it does not know.
    fn object(&self, id: &str, version: u8, took: Duration) -> Value {
        let results: Vec<Value> =
            self.scored.iter().enumerate().map(|(at, scored)| self.result(at, scored)).collect();
        let tokens = self.tokens();
        let units = self.call.pairs.len().div_ceil(100);
        json!({
            "id": id,
            "object": "rerank",
            "model": self.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "meta": {
                "api_version": {"version": version.to_string()},
                "billed_units": {"search_units": units},
                "tokens": {"input_tokens": tokens, "output_tokens": 0},
            },
            "results": results,
            "vizsla": {"ms": took.as_secs_f64() * 1e3},
        })
    }

    fn result(&self, at: usize, scored: &Scored) -> Value {
        let mut result = Map::new();
        result.insert("index".to_owned(), scored.index.into());
        result.insert("relevance_score".to_owned(), self.number(scored.score).into());
        if self.call.return_documents {
            let document = match &self.call.documents[scored.index] {
                Value::String(text) => json!({"text": text}),
                object => object.clone(),
            };
            result.insert("document".to_owned(), document);
        }
        if let Some(spans) = self.spans.get(at) {
            result.insert("relevant_spans".to_owned(), json!(spans));
        }
        result.insert("logit".to_owned(), f64::from(scored.score.logit).into());
        result.insert("windows".to_owned(), scored.score.windows.into());
        result.insert("truncated".to_owned(), scored.score.truncated.into());
        Value::Object(result)
    }
}

fn text(document: &Value) -> String {
    let text = document.as_str().or_else(|| document.get("text").and_then(Value::as_str));
    text.map_or_else(|| document.to_string(), str::to_owned)
}
