//! What an engine answers to a search. In: JSON. Out: hits with scores, and what of the answer is missing.

use serde_json::{Map, Value};
use vizsla::{Error, ErrorKind, Matched};

/// Marks around words in highlighted text: characters that no text has.
pub(super) const MARKS: [&str; 2] = ["\u{E000}\u{E001}", "\u{E001}\u{E000}"];

#[derive(Debug)]
pub(super) struct Hit {
    pub(super) index: String,
    pub(super) id: String,
    pub(super) score: f32,
    pub(super) source: Map<String, Value>,
    pub(super) highlight: Map<String, Value>,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) hits: Vec<Hit>,
    pub(super) matched: Option<Matched>,
    /// What did not answer, or not in time.
    pub(super) missing: Option<String>,
}

impl Answer {
    pub(super) fn read(mut body: Value) -> Result<Self, Error> {
        let missing = missing(&body);
        let matched = matched(body.pointer("/hits/total"));
        let Some(Value::Array(hits)) = body.pointer_mut("/hits/hits").map(Value::take) else {
            return Err(broken("it has no hits"));
        };
        let hits = hits.into_iter().map(hit).collect::<Result<_, _>>()?;
        Ok(Self { hits, matched, missing })
    }
}

fn hit(mut hit: Value) -> Result<Hit, Error> {
    let mut object = |name: &str| match hit.get_mut(name).map(Value::take) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    let (source, highlight) = (object("_source"), object("highlight"));
    let text = |name: &str| hit.get(name).and_then(Value::as_str).map(str::to_owned);
    let (index, id) = (text("_index").unwrap_or_default(), text("_id").unwrap_or_default());
    let score = hit.get("_score").and_then(Value::as_f64);
    // Some engines give the score only as what was sorted by.
    let score = score.or_else(|| hit.pointer("/sort/0").and_then(Value::as_f64));
    let score = score.ok_or_else(|| broken("a hit has no score"))? as f32;
    Ok(Hit { index, id, score, source, highlight })
}

fn broken(what: &str) -> Error {
    let message = format!("the engine answered a search with something else: {what}");
    Error::new(ErrorKind::Retrieve, message)
}

fn matched(total: Option<&Value>) -> Option<Matched> {
    let total = total?;
    let value = total.as_u64().or_else(|| total.get("value")?.as_u64())?;
    let exact = total.get("relation").is_none_or(|relation| relation == "eq");
    Some(Matched::new(value, exact))
}

/// What of a partial answer is not there.
fn missing(body: &Value) -> Option<String> {
    let failed = body.pointer("/_shards/failed").and_then(Value::as_u64).unwrap_or(0);
    let total = body.pointer("/_shards/total").and_then(Value::as_u64).unwrap_or(0);
    let late = body.get("timed_out").and_then(Value::as_bool).unwrap_or(false);
    let mut parts = Vec::new();
    if failed > 0 {
        let reason = body.pointer("/_shards/failures/0/reason/reason").and_then(Value::as_str);
        let why = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        parts.push(format!("{failed} of {total} shards of the engine did not answer{why}"));
    }
    if late {
        parts.push("the engine ran out of time and searched only a part".to_owned());
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The byte ranges between marks, if the text without them is `text`.
pub(super) fn highlights(marked: &str, text: &str) -> Option<Vec<std::ops::Range<usize>>> {
    let mut ranges = Vec::new();
    let (mut plain, mut rest) = (String::with_capacity(text.len()), marked);
    while let Some((before, after)) = rest.split_once(MARKS[0]) {
        let (word, after) = after.split_once(MARKS[1])?;
        plain.push_str(before);
        ranges.push(plain.len()..plain.len() + word.len());
        plain.push_str(word);
        rest = after;
    }
    plain.push_str(rest);
    (plain == text).then_some(ranges)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hits_have_scores_wherever_the_engine_puts_them() {
        let body = json!({"took": 1, "timed_out": false, "_shards": {"total": 1, "failed": 0},
            "hits": {"total": {"value": 7, "relation": "gte"}, "hits": [
                {"_index": "i", "_id": "a", "_score": 1.5, "_source": {"x": 1}},
                {"_id": "", "_score": null, "sort": [0.5]}]}});
        let answer = Answer::read(body).unwrap();
        assert_eq!(answer.matched, Some(Matched::new(7, false)));
        assert_eq!(answer.hits.iter().map(|hit| hit.score).collect::<Vec<_>>(), [1.5, 0.5]);
        assert_eq!(answer.missing, None);
        assert!(Answer::read(json!({"hits": {"hits": [{"_id": "a"}]}})).is_err());
        assert!(Answer::read(json!({"acknowledged": true})).is_err());
    }

    #[test]
    fn a_partial_answer_says_what_is_missing() {
        let body = json!({"timed_out": true, "_shards": {"total": 3, "failed": 1,
            "failures": [{"reason": {"reason": "gone"}}]}, "hits": {"hits": []}});
        let missing = Answer::read(body).unwrap().missing.unwrap();
        assert!(
            missing.contains("1 of 3")
                && missing.contains("(gone)")
                && missing.contains("out of time")
        );
    }

    #[test]
    fn marks_become_ranges_of_the_text_they_are_of() {
        let [a, b] = MARKS;
        let marked = format!("a {a}dög{b} and {a}cat{b}");
        assert_eq!(highlights(&marked, "a dög and cat").unwrap(), [2..6, 11..14]);
        assert_eq!(highlights(&marked, "a dog and cat"), None);
        assert_eq!(highlights(&format!("x {a}y"), "x y"), None);
    }
}
