//! What Solr answers to a search. In: JSON. Out: hits with scores, and what of the answer is missing.

use serde_json::Value;
use vizsla::{Error, Matched};

use crate::answer::{Answer, Hit, broken, took};
use crate::fields::from_flat;

/// Reads the answer to a search, whose documents have ids in the field `key`.
pub(super) fn read(mut body: Value, key: &str) -> Result<Answer, Error> {
    let missing = missing(&body);
    let took = took(&body, "/responseHeader/QTime");
    let highlights = body.get_mut("highlighting").map(Value::take).unwrap_or_default();
    let found = body.pointer("/response/numFound").and_then(Value::as_u64);
    let exact = body.pointer("/response/numFoundExact").and_then(Value::as_bool).unwrap_or(true);
    let Some(Value::Array(documents)) = body.pointer_mut("/response/docs").map(Value::take) else {
        return Err(broken("it has no documents"));
    };
    let hit = |document: Value| {
        let Value::Object(mut source) = document else { return Err(broken("a hit is no object")) };
        let score = source.remove("score").and_then(|score| score.as_f64());
        let score = score.ok_or_else(|| broken("a hit has no score"))? as f32;
        let id = match source.get(key) {
            Some(Value::String(id)) => id.clone(),
            Some(id) => id.to_string(),
            None => return Err(broken(&format!("a hit has no field {key:?}"))),
        };
        let highlight = highlights.get(&id).and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(Hit { key: (String::new(), id), score, source: from_flat(source), highlight })
    };
    let hits = documents.into_iter().map(hit).collect::<Result<_, _>>()?;
    Ok(Answer { hits, matched: found.map(|found| Matched::new(found, exact)), missing, took })
}

/// What of a partial answer is not there.
fn missing(body: &Value) -> Option<String> {
    let header = body.get("responseHeader")?;
    let is_partial = header.get("partialResults").and_then(Value::as_bool).unwrap_or(false);
    let why = header.get("partialResultsDetails").and_then(Value::as_str);
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    is_partial.then(|| {
        format!("the engine searched only a part: its time ran out, or a shard did not answer{why}")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_hits_with_highlights() {
        let body = json!({
            "responseHeader": {"status": 0},
            "response": {"numFound": 7, "numFoundExact": false, "docs": [
                {"id": "a", "score": 1.5, "title": "x"}, {"id": 3, "score": 0.5}]},
            "highlighting": {"a": {"title": ["<x>"]}, "3": {}},
        });
        let answer = read(body, "id").unwrap();
        assert_eq!(answer.matched, Some(Matched::new(7, false)));
        assert_eq!((answer.hits[0].key.1.as_str(), answer.hits[0].score), ("a", 1.5));
        assert_eq!(answer.hits[0].highlight["title"], json!(["<x>"]));
        assert_eq!((answer.hits[1].key.1.as_str(), answer.missing), ("3", None));
        for broken in [
            json!({"response": {"docs": [{"id": "a"}]}}),
            json!({"response": {"docs": [{"score": 1.0}]}}),
            json!({"responseHeader": {}}),
        ] {
            assert!(read(broken, "id").is_err());
        }
    }

    #[test]
    fn a_partial_answer_says_so() {
        let body = json!({"responseHeader": {"partialResults": true, "partialResultsDetails": "too late"},
            "response": {"numFound": 0, "docs": []}});
        assert!(read(body, "id").unwrap().missing.unwrap().contains("(too late)"));
    }
}
