//! The arguments of a tool, as agents send them. In: a JSON object. Out: values of the right type, or what to send instead.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::integer::integer;

/// Arguments that are taken one by one; one that is left over is an error. Agents send `"3"` for 3 and a single string
/// for a list of one, so both are understood; null is the same as nothing.
#[derive(Debug)]
pub(super) struct Arguments {
    given: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Arguments {
    pub(super) fn new(given: Option<Map<String, Value>>) -> Self {
        Self { given: given.unwrap_or_default(), known: Vec::new() }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.given.shift_remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn required(&mut self, name: &'static str) -> Result<String, ApiError> {
        let text = self.text(name)?.filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| ApiError::empty(format!("{name} is missing: send it as a string")))
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(wrong(name, &other, "a string")),
        }
    }

    pub(super) fn integer(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<usize>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let (least, most) = (range.start(), range.end());
        let expected = match *most {
            u64::MAX => format!("a whole number from {least}"),
            most => format!("a whole number from {least} to {most}"),
        };
        let number = integer(&value).filter(|number| range.contains(number));
        number.map_or_else(|| Err(wrong(name, &value, &expected)), |n| Ok(Some(n as usize)))
    }

    pub(super) fn fraction(&mut self, name: &'static str) -> Result<Option<f32>, ApiError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = match &value {
            Value::String(text) => text.trim().parse().ok(),
            value => value.as_f64(),
        };
        let number = number.filter(|number| (0.0..=1.0).contains(number));
        number.map_or_else(
            || Err(wrong(name, &value, "a number from 0 to 1")),
            |number| Ok(Some(number as f32)),
        )
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, ApiError> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(other) => Err(wrong(name, &other, "true or false")),
        }
    }

    /// Strings; empty ones are left out.
    pub(super) fn list(&mut self, name: &'static str) -> Result<Vec<String>, ApiError> {
        let values = match self.take(name) {
            None => Vec::new(),
            // A list written as a string; a glob can begin in the same way.
            Some(Value::String(text)) => {
                serde_json::from_str(&text).unwrap_or_else(|_| vec![Value::String(text)])
            }
            Some(Value::Array(values)) => values,
            Some(other) => return Err(wrong(name, &other, "a list of strings")),
        };
        let text = |value| match value {
            Value::String(text) => Ok(text),
            other => Err(wrong(name, &other, "a list of strings")),
        };
        let mut texts = values.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
        texts.retain(|text| !text.trim().is_empty());
        Ok(texts)
    }

    pub(super) fn finish(self) -> Result<(), ApiError> {
        match self.given.keys().next() {
            None => Ok(()),
            Some(name) if self.known.is_empty() => {
                Err(ApiError::malformed(format!("there is no argument {name}; send none")))
            }
            Some(name) => Err(ApiError::malformed(format!(
                "there is no argument {name}; there are: {}",
                self.known.join(", ")
            ))),
        }
    }
}

fn wrong(name: &str, value: &Value, expected: &str) -> ApiError {
    let mut shown = value.to_string();
    shown.truncate(shown.floor_char_boundary(80));
    ApiError::malformed(format!("{name} is {shown}; send {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "calls read better with the value in place")]
    fn arguments(given: Value) -> Arguments {
        Arguments::new(given.as_object().cloned())
    }

    #[test]
    fn what_agents_send_is_understood() {
        let mut given = arguments(json!({
            "a": "3", "b": 3.0, "c": "*.md", "d": "[\"x\", \"y\"]", "e": "[ab]*.md", "f": null, "g": "0.5", "h": "true"
        }));
        assert_eq!(given.integer("a", 1..=50).unwrap(), Some(3));
        assert_eq!(given.integer("b", 1..=50).unwrap(), Some(3));
        assert_eq!(given.list("c").unwrap(), ["*.md"]);
        assert_eq!(given.list("d").unwrap(), ["x", "y"]);
        assert_eq!(given.list("e").unwrap(), ["[ab]*.md"]);
        assert_eq!(given.text("f").unwrap(), None);
        assert_eq!(given.fraction("g").unwrap(), Some(0.5));
        assert!(given.flag("h").unwrap());
        given.finish().unwrap();
    }

    #[test]
    fn what_cannot_be_understood_is_answered_with_what_can() {
        let says = |error: ApiError, what: &str| {
            assert!(error.text().contains(what), "{} lacks {what}", error.text());
        };
        let mut given =
            arguments(json!({ "limit": 0, "path": 3, "min": 2, "wrong": 1, "flag": 1 }));
        says(
            given.integer("limit", 1..=50).unwrap_err(),
            "limit is 0; send a whole number from 1 to 50",
        );
        says(given.list("path").unwrap_err(), "a list of strings");
        says(given.fraction("min").unwrap_err(), "from 0 to 1");
        says(given.flag("flag").unwrap_err(), "true or false");
        says(given.required("query").unwrap_err(), "query is missing");
        says(given.finish().unwrap_err(), "there is no argument wrong; there are: limit");
    }
}
