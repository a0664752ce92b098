//! Whole numbers as clients send them. In: a JSON value. Out: a number, or nothing.

use serde_json::Value;

/// The number, which some clients send as a text, and some as 3.0.
pub(crate) fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value
            .as_u64()
            .or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64)),
    }
}
