//! What a record says beside its text. It is metadata, by which hits are filtered; people also search for it.

use serde_json::{Map, Value};

/// A list of more numbers is a vector or a line on a map, which nobody searches for.
const MOST_NUMBERS: usize = 16;
/// Text with more bytes than this between white space is encoded.
const MOST_UNBROKEN: usize = 256;

/// The values that people may ask for. What is there for programs is not among them: `metadata`, as collections for
/// evaluation have it, the id, names that begin with `_`, and whether something is true.
pub(super) fn told(record: &Map<String, Value>) -> Map<String, Value> {
    let is_meant = |name: &str| !matches!(name, "metadata" | "id") && !name.starts_with('_');
    let named = record.iter().filter(|(name, _)| is_meant(name));
    named.filter_map(|(name, value)| Some((name.clone(), told_value(value)?))).collect()
}

fn told_value(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(_) => None,
        Value::String(text) => is_told(text).then(|| value.clone()),
        Value::Number(_) => Some(value.clone()),
        Value::Array(values)
            if values.len() > MOST_NUMBERS && values.iter().all(Value::is_number) =>
        {
            None
        }
        Value::Array(values) => Some(values.iter().filter_map(told_value).collect()),
        Value::Object(values) => {
            let values = values.iter();
            Some(
                values
                    .filter_map(|(name, value)| Some((name.clone(), told_value(value)?)))
                    .collect(),
            )
        }
    }
}

/// Whether a value beside a text is one that people read: not markup, which often has the text once more, and not
/// encoded.
pub(super) fn is_told(text: &str) -> bool {
    let is_encoded = |part: &str| part.len() > MOST_UNBROKEN && part.is_ascii();
    !text.contains("</") && !text.split_ascii_whitespace().any(is_encoded)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_may_ask_for_is_told_and_the_rest_is_not() {
        let record = json!({
            "id": "d1", "_index": "i", "metadata": {"url": "http://x.org"}, "by": {"name": "Ada", "bot": false}, "likes": 3,
            "tags": ["red", null], "vector": vec![0.5; 17], "point": [1, 2], "html": "<p>x</p>",
            "image": "iVBOR".repeat(60), "note": "水".repeat(100), "gone": null
        });
        let Value::Object(record) = record else { unreachable!() };
        let expected = json!({
            "by": {"name": "Ada"}, "likes": 3, "tags": ["red"], "point": [1, 2], "note": "水".repeat(100)
        });
        assert_eq!(Value::Object(told(&record)), expected);
    }
}
