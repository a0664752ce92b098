//! What an engine answers to a search. In: JSON. Out: hits with scores, and what of the answer is missing.

use serde_json::{Map, Value};
use vizsla::{Error, Matched};

use crate::answer::{Answer, Hit, broken, took};

/// Reads the answer to a search.
pub(crate) fn read_answer(mut body: Value) -> Result<Answer, Error> {
    let missing = missing(&body);
    let matched = matched(body.pointer("/hits/total"));
    let took = took(&body, "/took");
    let Some(Value::Array(hits)) = body.pointer_mut("/hits/hits").map(Value::take) else {
        return Err(broken("it has no hits"));
    };
    let hits = hits.into_iter().map(hit).collect::<Result<_, _>>()?;
    Ok(Answer { hits, matched, missing, took })
}

fn hit(mut hit: Value) -> Result<Hit, Error> {
    let mut object = |name: &str| match hit.get_mut(name).map(Value::take) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    let (source, highlight) = (object("_source"), object("highlight"));
    let text = |name: &str| hit.get(name).and_then(Value::as_str).map(str::to_owned);
    let key = (text("_index").unwrap_or_default(), text("_id").unwrap_or_default());
    let score = hit.get("_score").and_then(Value::as_f64);
    // Some engines give the score only as what was sorted by.
    let score = score.or_else(|| hit.pointer("/sort/0").and_then(Value::as_f64));
    let score = score.ok_or_else(|| broken("a hit has no score"))? as f32;
    Ok(Hit { key, score, source, highlight })
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn hits_have_scores_wherever_the_engine_puts_them() {
        let body = json!({"took": 1, "timed_out": false, "_shards": {"total": 1, "failed": 0},
            "hits": {"total": {"value": 7, "relation": "gte"}, "hits": [
                {"_index": "i", "_id": "a", "_score": 1.5, "_source": {"x": 1}},
                {"_id": "", "_score": null, "sort": [0.5]}]}});
        let answer = read_answer(body).unwrap();
        assert_eq!(answer.matched, Some(Matched::new(7, false)));
        assert_eq!(answer.hits.iter().map(|hit| hit.score).collect::<Vec<_>>(), [1.5, 0.5]);
        assert_eq!((answer.missing, answer.took), (None, Some(Duration::from_millis(1))));
        assert!(read_answer(json!({"hits": {"hits": [{"_id": "a"}]}})).is_err());
        assert!(read_answer(json!({"acknowledged": true})).is_err());
    }

    #[test]
    fn a_partial_answer_says_what_is_missing() {
        let body = json!({"timed_out": true, "_shards": {"total": 3, "failed": 1,
            "failures": [{"reason": {"reason": "gone"}}]}, "hits": {"hits": []}});
        let missing = read_answer(body).unwrap().missing.unwrap();
        assert!(
            missing.contains("1 of 3")
                && missing.contains("(gone)")
                && missing.contains("out of time")
        );
    }
}
