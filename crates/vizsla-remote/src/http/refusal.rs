//! What an engine refuses. In: an answer. Out: its body, or an error that says what was refused and why.

use serde_json::Value;
use vizsla::{Error, ErrorKind};

use super::Answer;

/// The body of an answer, or an error that says what the engine refused and why.
pub(crate) fn checked(reply: Answer, doing: &str) -> Result<Value, Error> {
    if reply.status < 400 {
        return Ok(reply.body);
    }
    let reason = reason(&reply.body);
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let (status, node) = (reply.status, &reply.node);
    let (kind, what) = match status {
        401 => (
            ErrorKind::Denied,
            "it does not accept the credentials, or wants some: give them in VIZSLA_ENGINE_AUTH or a file with auth=FILE",
        ),
        403 => (ErrorKind::Denied, "whoever the credentials are of must not do that"),
        404 => (ErrorKind::NotFound, "there is nothing of that name"),
        409 => (ErrorKind::Locked, "something else has changed it meanwhile"),
        413 => (ErrorKind::InvalidInput, "the request is too large"),
        429 => (ErrorKind::Unavailable, "it has too much to do"),
        500.. => (ErrorKind::Unavailable, "it failed"),
        _ => (ErrorKind::InvalidInput, "it refuses the request"),
    };
    Err(Error::new(kind, format!("cannot {doing} {node} ({status}): {what}{why}")))
}

/// The engine's own words, wherever it puts them; the innermost say most.
fn reason(body: &Value) -> String {
    let error = body.get("error").unwrap_or(body);
    if let Some(text) = error.as_str() {
        return text.to_owned();
    }
    let of = |value: &Value| {
        let kind = value.get("type").and_then(Value::as_str)?;
        let reason = value.get("reason").and_then(Value::as_str).unwrap_or_default();
        Some(format!("{kind}: {reason}"))
    };
    let root = error.pointer("/failed_shards/0/reason").or(error.pointer("/root_cause/0"));
    let plain = ["msg", "message", "reason"].iter().find_map(|name| error.get(name)?.as_str());
    let told = root.and_then(of).or_else(|| of(error));
    told.or_else(|| plain.map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_engines_own_words_are_found() {
        let cause = json!([{"type": "t", "reason": "why"}]);
        for (body, words) in [
            (json!({"error": {"root_cause": cause, "type": "x", "reason": "y"}}), "t: why"),
            (json!({"error": {"type": "x", "reason": "y"}}), "x: y"),
            (json!({"error": "plain"}), "plain"),
            (
                json!({"error": {"metadata": [], "msg": "undefined field", "code": 400}}),
                "undefined field",
            ),
            (json!({"message": "not found"}), "not found"),
            (json!({"status": 400, "error": {"reason": "no"}}), "no"),
            (json!(null), ""),
        ] {
            assert_eq!(reason(&body), words);
        }
    }
}
