//! Reads a request to rerank in any of the dialects that clients speak. In: a path and a JSON object. Out: one call.
//!
//! The body tells the dialect, not the path: `inputs` is a prediction of text-embeddings-inference (TEI) or of a
//! transformers pipeline, `text_1` or what else vLLM calls it is vLLM's score, `texts` is TEI's rerank, `top_k` is Voyage's;
//! everything else is the object that Cohere, Jina, vLLM and their clients share.

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::integer::integer;

/// How long a query may be.
pub(crate) const QUERY_BYTES: usize = 32 << 10;

/// How the answer is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// An array of indices and scores.
    Tei,
    /// Scores of pairs, in input order.
    Predict(Shape),
    /// The same in vLLM's list.
    Score,
    /// `data` in place of `results`, with documents as texts.
    Voyage,
    /// The object that Cohere, Jina and vLLM share, in this version of Cohere's.
    Object { version: u8 },
}

/// What a prediction was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One pair.
    Pair,
    /// An array of pairs.
    Batch,
    /// An array of objects with `text` and `text_pair`, as transformers' pipelines take them.
    Objects,
}

/// What to score, and how to answer.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) dialect: Dialect,
    /// Pairs of a query and a text. All have the same query unless this is a prediction.
    pub(super) pairs: Vec<(String, String)>,
    /// The documents as they were sent, which are sent back when asked for.
    pub(super) documents: Vec<Value>,
    pub(super) top_n: Option<usize>,
    pub(super) return_documents: bool,
    /// Logits in place of probabilities.
    pub(super) raw_scores: bool,
    pub(super) spans: Option<Spans>,
}

/// Cohere's `relevant_spans`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans {
    pub(super) threshold: f32,
    pub(super) max: usize,
}

/// The names under which vLLM takes queries and texts to score.
const SIDES: [(&str, &str); 4] =
    [("text_1", "text_2"), ("queries", "documents"), ("queries", "items"), ("data_1", "data_2")];

/// Whether a request is about pairs, each with a query of its own.
pub(super) fn is_of_pairs(body: &Map<String, Value>) -> bool {
    body.contains_key("inputs") || SIDES.iter().any(|(queries, _)| body.contains_key(*queries))
}

impl Call {
    /// Reads a request.
    pub(super) fn read(
        path: &str,
        body: &Map<String, Value>,
        limit: usize,
    ) -> Result<Self, ApiError> {
        if let Some(inputs) = given(body, "inputs") {
            return prediction(body, inputs, limit);
        }
        if is_of_pairs(body) || path.ends_with("/score") {
            return sides(body, limit);
        }
        let query = text_of(body, "query")?;
        if query.trim().is_empty() {
            return Err(ApiError::empty("`query` is empty: give at least one word"));
        }
        if query.len() > QUERY_BYTES {
            let bytes = query.len();
            let text = format!("`query` has {bytes} bytes, more than the {QUERY_BYTES} allowed");
            return Err(ApiError::over_limit(text));
        }
        let (name, dialect) = dialect(path, body);
        let documents = match given(body, name) {
            Some(Value::Array(documents)) => documents.clone(),
            Some(_) => return Err(ApiError::malformed(format!("`{name}` must be an array"))),
            None => {
                let text = format!("`{name}` is missing: an array of the texts to rerank");
                return Err(ApiError::malformed(text));
            }
        };
        within(documents.len(), name, limit)?;
        let words = number(body, "max_tokens_per_doc")?.filter(|words| *words > 0);
        let fields = rank_fields(body)?;
        let mut pairs = Vec::with_capacity(documents.len());
        for (index, document) in documents.iter().enumerate() {
            let text = document_text(document, &fields).ok_or_else(|| {
                ApiError::malformed(format!(
                    "`{name}[{index}]` must be a string, or an object with a string `text`"
                ))
            })?;
            pairs.push((query.clone(), words.map_or(text.clone(), |words| cut(&text, words))));
        }
        let top = if dialect == Dialect::Voyage { "top_k" } else { "top_n" };
        let wants = |name| flag(body, name);
        Ok(Self {
            dialect,
            pairs,
            documents,
            top_n: number(body, top)?.filter(|top| *top > 0),
            return_documents: wants("return_documents")?.or(wants("return_text")?).unwrap_or(false),
            raw_scores: wants("raw_scores")?.unwrap_or(false)
                || wants("use_activation")?.is_some_and(|activation| !activation),
            spans: spans(body)?,
        })
    }
}

fn dialect(path: &str, body: &Map<String, Value>) -> (&'static str, Dialect) {
    if body.contains_key("texts") {
        ("texts", Dialect::Tei)
    } else if body.contains_key("top_k") {
        ("documents", Dialect::Voyage)
    } else {
        ("documents", Dialect::Object { version: if path.starts_with("/v2") { 2 } else { 1 } })
    }
}

fn prediction(body: &Map<String, Value>, inputs: &Value, limit: usize) -> Result<Call, ApiError> {
    let wrong = || {
        ApiError::malformed(
            "`inputs` must be a pair [\"query\", \"text\"], an array of pairs, or an array of objects with \"text\" and \
             \"text_pair\"",
        )
    };
    let pair = |value: &Value| -> Option<(String, String)> {
        match value {
            Value::Array(two) if two.len() == 2 => {
                Some((two[0].as_str()?.to_owned(), two[1].as_str()?.to_owned()))
            }
            Value::Object(object) => {
                let text = |name| object.get(name).and_then(Value::as_str).map(str::to_owned);
                Some((text("text")?, text("text_pair")?))
            }
            _ => None,
        }
    };
    let (shape, pairs) = match inputs {
        Value::Object(_) => (Shape::Objects, vec![pair(inputs).ok_or_else(wrong)?]),
        Value::Array(two) if two.len() == 2 && two.iter().all(Value::is_string) => {
            (Shape::Pair, vec![pair(inputs).ok_or_else(wrong)?])
        }
        Value::Array(many) => {
            within(many.len(), "inputs", limit)?;
            let shape =
                if many.iter().all(Value::is_object) { Shape::Objects } else { Shape::Batch };
            (shape, many.iter().map(|one| pair(one).ok_or_else(wrong)).collect::<Result<_, _>>()?)
        }
        _ => return Err(wrong()),
    };
    if pairs.iter().any(|(query, _)| query.trim().is_empty()) {
        return Err(ApiError::empty("a pair in `inputs` has an empty query"));
    }
    Ok(Call {
        dialect: Dialect::Predict(shape),
        pairs,
        documents: Vec::new(),
        top_n: None,
        return_documents: false,
        raw_scores: flag(body, "raw_scores")?.unwrap_or(false),
        spans: None,
    })
}

/// One query with every text, or as many queries as texts.
fn sides(body: &Map<String, Value>, limit: usize) -> Result<Call, ApiError> {
    let found = SIDES.iter().find_map(|(queries, texts)| {
        Some(((*queries, given(body, queries)?), (*texts, given(body, texts)?)))
    });
    let ((first, queries), (second, texts)) = found.ok_or_else(|| {
        let text = "`text_1` and `text_2` are missing: a query or several, and the texts to score";
        ApiError::malformed(text)
    })?;
    let (mut queries, texts) = (side(first, queries, limit)?, side(second, texts, limit)?);
    if let [query] = &queries[..] {
        queries = vec![query.clone(); texts.len()];
    }
    if queries.len() != texts.len() {
        return Err(ApiError::malformed(format!(
            "`{first}` has {} entries and `{second}` {}: give one query, or as many as texts",
            queries.len(),
            texts.len()
        )));
    }
    if queries.iter().any(|query| query.trim().is_empty()) {
        return Err(ApiError::empty(format!("`{first}` has an empty query")));
    }
    Ok(Call {
        dialect: Dialect::Score,
        pairs: queries.into_iter().zip(texts).collect(),
        documents: Vec::new(),
        top_n: None,
        return_documents: false,
        raw_scores: flag(body, "use_activation")?.is_some_and(|activation| !activation),
        spans: None,
    })
}

fn side(name: &str, value: &Value, limit: usize) -> Result<Vec<String>, ApiError> {
    let values = match value {
        Value::Array(values) => &values[..],
        one => std::slice::from_ref(one),
    };
    within(values.len(), name, limit)?;
    let texts = values.iter().map(|value| document_text(value, &[]));
    texts.collect::<Option<_>>().ok_or_else(|| {
        ApiError::malformed(format!("`{name}` must be a string or an array of strings"))
    })
}

fn within(count: usize, name: &str, limit: usize) -> Result<(), ApiError> {
    match count {
        0 => Err(ApiError::empty(format!("`{name}` cannot be empty"))),
        count if count > limit => {
            let text =
                format!("`{name}` has {count} entries, more than the {limit} allowed in one call");
            Err(ApiError::over_limit(text))
        }
        _ => Ok(()),
    }
}

/// The value of a key, where `null` is as good as none.
fn given<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

fn text_of(body: &Map<String, Value>, name: &str) -> Result<String, ApiError> {
    match given(body, name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(ApiError::malformed(format!("`{name}` must be a string"))),
        None => Err(ApiError::malformed(format!("`{name}` is missing"))),
    }
}

/// Some clients send numbers and booleans as texts.
fn number(body: &Map<String, Value>, name: &str) -> Result<Option<usize>, ApiError> {
    let Some(value) = given(body, name) else { return Ok(None) };
    let wrong = || ApiError::malformed(format!("`{name}` must be a whole number, 0 or more"));
    integer(value)
        .map(|number| Some(usize::try_from(number).unwrap_or(usize::MAX)))
        .ok_or_else(wrong)
}

fn flag(body: &Map<String, Value>, name: &str) -> Result<Option<bool>, ApiError> {
    match given(body, name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(ApiError::malformed(format!("`{name}` must be true or false"))),
    }
}

fn rank_fields(body: &Map<String, Value>) -> Result<Vec<String>, ApiError> {
    let Some(fields) = given(body, "rank_fields") else { return Ok(Vec::new()) };
    let wrong = || ApiError::malformed("`rank_fields` must be an array of strings");
    let fields = fields.as_array().ok_or_else(wrong)?.iter();
    fields.map(|field| field.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

/// The text of a document: itself, its `text`, or the fields that were asked for.
fn document_text(document: &Value, fields: &[String]) -> Option<String> {
    let object = match document {
        Value::String(text) => return Some(text.clone()),
        Value::Object(object) => object,
        _ => return None,
    };
    if fields.is_empty() {
        return object.get("text").and_then(Value::as_str).map(str::to_owned);
    }
    let texts = fields.iter().filter_map(|field| object.get(field)?.as_str());
    Some(texts.collect::<Vec<_>>().join("\n"))
}

/// The first words of a text. A word has at least one token, so that no fewer are read than were allowed.
fn cut(text: &str, words: usize) -> String {
    let mut inside = false;
    let mut seen = 0;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            inside = false;
        } else if !inside {
            inside = true;
            seen += 1;
            if seen > words {
                return text[..at].trim_end().to_owned();
            }
        }
    }
    text.to_owned()
}

fn spans(body: &Map<String, Value>) -> Result<Option<Spans>, ApiError> {
    let Some(spans) = given(body, "relevant_spans") else { return Ok(None) };
    let wrong = || ApiError::malformed("`relevant_spans` must be an object with a `mode`");
    let spans = spans.as_object().ok_or_else(wrong)?;
    if spans.get("mode").and_then(Value::as_str).is_some_and(|mode| mode != "enabled") {
        return Ok(None);
    }
    let threshold = given(spans, "threshold").map_or(Some(0.1), Value::as_f64);
    let threshold = threshold.filter(|least| (0.0..=1.0).contains(least)).ok_or_else(|| {
        ApiError::malformed("`relevant_spans.threshold` must be a number from 0 to 1")
    })?;
    let max = number(spans, "max_spans")?.unwrap_or(usize::MAX);
    Ok(Some(Spans { threshold: threshold as f32, max }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(path: &str, body: &Value) -> Result<Call, ApiError> {
        Call::read(path, body.as_object().unwrap(), 3)
    }

    #[test]
    fn the_body_tells_the_dialect() {
        for (path, body, dialect) in [
            ("/rerank", json!({"query": "q", "texts": ["a"]}), Dialect::Tei),
            (
                "/v1/rerank",
                json!({"query": "q", "documents": ["a"], "top_k": null}),
                Dialect::Voyage,
            ),
            (
                "/v1/rerank",
                json!({"query": "q", "documents": ["a"]}),
                Dialect::Object { version: 1 },
            ),
            (
                "/v2/rerank",
                json!({"query": "q", "documents": ["a"]}),
                Dialect::Object { version: 2 },
            ),
            ("/", json!({"inputs": ["q", "a"]}), Dialect::Predict(Shape::Pair)),
            ("/predict", json!({"inputs": [["q", "a"]]}), Dialect::Predict(Shape::Batch)),
            (
                "/predict",
                json!({"inputs": [{"text": "q", "text_pair": "a"}]}),
                Dialect::Predict(Shape::Objects),
            ),
            ("/score", json!({"text_1": "q", "text_2": ["a"]}), Dialect::Score),
            ("/rerank", json!({"queries": ["q"], "documents": ["a"]}), Dialect::Score),
        ] {
            assert_eq!(read(path, &body).unwrap().dialect, dialect, "{body}");
        }
    }

    #[test]
    fn what_clients_send_is_understood() {
        let body = json!({
            "query": "q", "documents": ["a b c", {"text": "d", "id": 7}], "top_n": "1", "return_documents": "true",
            "max_tokens_per_doc": 2, "max_chunks_per_doc": null, "model": "any", "priority": 0,
        });
        let call = read("/v1/rerank", &body).unwrap();
        assert_eq!(call.pairs, [("q".into(), "a b".into()), ("q".into(), "d".into())]);
        assert_eq!((call.top_n, call.return_documents), (Some(1), true));
        let body = json!({"query": "q", "documents": [{"title": "t", "body": "b"}], "rank_fields": ["title", "body"], "top_n": 0});
        let call = read("/v1/rerank", &body).unwrap();
        assert_eq!((call.pairs[0].1.as_str(), call.top_n), ("t\nb", None));
    }

    #[test]
    fn one_query_or_as_many_as_texts_are_scored() {
        let pairs = |body: Value| read("/v1/score", &body).unwrap().pairs;
        let texts = || vec![("q".to_owned(), "a".to_owned()), ("q".to_owned(), "b".to_owned())];
        assert_eq!(pairs(json!({"text_1": "q", "text_2": ["a", "b"]})), texts());
        assert_eq!(pairs(json!({"data_1": ["q"], "data_2": ["a", {"text": "b"}]})), texts());
        assert_eq!(pairs(json!({"queries": ["q", "q"], "items": ["a", "b"]})), texts());
        assert_eq!(pairs(json!({"text_1": "q", "text_2": "a"})), texts()[..1]);
        for (body, named) in [
            (json!({"model": "m"}), "`text_1` and `text_2`"),
            (json!({"text_1": "q"}), "`text_1` and `text_2`"),
            (json!({"text_1": ["q", "r"], "text_2": ["a", "b", "c"]}), "has 2 entries"),
            (json!({"text_1": "", "text_2": ["a"]}), "`text_1` has an empty"),
            (json!({"text_1": "q", "text_2": []}), "`text_2` cannot be empty"),
            (json!({"text_1": "q", "text_2": [1]}), "`text_2` must be"),
            (json!({"text_1": "q", "text_2": ["a", "b", "c", "d"]}), "more than the 3"),
        ] {
            let error = read("/score", &body).unwrap_err();
            assert!(error.text().contains(named), "{body}: {}", error.text());
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, named) in [
            (json!({}), "`query`"),
            (json!({"query": " ", "texts": ["a"]}), "`query`"),
            (json!({"query": 1, "texts": ["a"]}), "`query`"),
            (json!({"query": "q".repeat(40_000), "texts": ["a"]}), "`query`"),
            (json!({"query": "q"}), "`documents`"),
            (json!({"query": "q", "texts": []}), "`texts`"),
            (json!({"query": "q", "texts": "a"}), "`texts`"),
            (json!({"query": "q", "texts": ["a", 1]}), "`texts[1]`"),
            (json!({"query": "q", "documents": ["a", "b", "c", "d"]}), "more than the 3"),
            (json!({"query": "q", "documents": ["a"], "top_n": -1}), "`top_n`"),
            (json!({"query": "q", "documents": ["a"], "top_k": 1.5}), "`top_k`"),
            (json!({"inputs": "a"}), "`inputs`"),
            (json!({"inputs": [["a"]]}), "`inputs`"),
            (
                json!({"query": "q", "documents": ["a"], "relevant_spans": {"threshold": 2}}),
                "threshold",
            ),
        ] {
            let error = read("/rerank", &body).unwrap_err();
            assert!(error.text().contains(named), "{body}: {}", error.text());
        }
    }
}
