//! The value of a JSON text. A name that an object has several times has all of its values, as a list.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

/// A value, read.
pub(super) struct Read(pub(super) Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Read(value)) = elements.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        let mut again: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        while let Some((name, Read(value))) = members.next_entry::<String, Read>()? {
            match values.entry(name) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                Entry::Occupied(first) => {
                    again.entry(first.key().clone()).or_default().push(value);
                }
            }
        }
        for (name, mut others) in again {
            if let Some(first) = values.get_mut(&name) {
                others.retain(|other| other != first);
                if !others.is_empty() {
                    others.insert(0, first.take());
                    *first = Value::Array(others);
                }
            }
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        crate::records::value(text).unwrap()
    }

    #[test]
    fn a_name_that_recurs_keeps_all_values() {
        let value = read(r#"{"a":"x","b":{"c":1,"c":2},"a":["y"],"a":"x","d":0,"d":0}"#);
        assert_eq!(value, json!({"a": ["x", ["y"]], "b": {"c": [1, 2]}, "d": 0}));
    }

    #[test]
    fn other_values_are_as_ever() {
        let text = r#"{"z":[null,true,-1,9223372036854775807,1.5e3,"é\n",[],{}],"a":{"b":""}}"#;
        let usual: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text).to_string(), usual.to_string());
        assert!(crate::records::value(r#"{"a":}"#).is_none());
    }
}
