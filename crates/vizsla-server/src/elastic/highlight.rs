//! Highlights as Elasticsearch gives them. In: what is asked for, and the part of a passage that is shown. Out: fragments in
//! which words stand between tags.

use serde_json::{Map, Value};
use vizsla::Snippet;

use super::error::ElasticError;
use super::source::TEXT;

/// How words are marked, and of which fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Highlight {
    fields: Vec<String>,
    before: String,
    after: String,
    escapes: bool,
}

impl Highlight {
    /// Reads the value of `highlight`.
    pub(super) fn read(value: &Value) -> Result<Self, ElasticError> {
        let object = value
            .as_object()
            .ok_or_else(|| ElasticError::parsing("[highlight] must be an object"))?;
        let known = [
            "fields",
            "pre_tags",
            "post_tags",
            "encoder",
            "type",
            "number_of_fragments",
            "fragment_size",
            "order",
            "require_field_match",
            "no_match_size",
        ];
        if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(ElasticError::parsing(format!("[highlight] unknown field [{key}]")));
        }
        let fields = match object.get("fields") {
            Some(Value::Object(fields)) => fields.keys().cloned().collect(),
            Some(Value::Array(fields)) => {
                let names = fields.iter().filter_map(Value::as_object);
                names.flat_map(|field| field.keys().cloned()).collect()
            }
            _ => return Err(ElasticError::parsing("[highlight] needs [fields]")),
        };
        let tag = |name: &str, usual: &str| {
            let first = object.get(name).and_then(|tags| tags.as_array()?.first()?.as_str());
            first.unwrap_or(usual).to_owned()
        };
        Ok(Self {
            fields,
            before: tag("pre_tags", "<em>"),
            after: tag("post_tags", "</em>"),
            escapes: object.get("encoder").is_some_and(|encoder| encoder == "html"),
        })
    }

    /// The fragments of each field that has any; the text of a passage is the only one here.
    pub(super) fn of(&self, snippet: &Snippet) -> Map<String, Value> {
        let mut found = Map::new();
        if snippet.highlights.is_empty() {
            return found;
        }
        let fragment = self.fragment(snippet);
        for field in &self.fields {
            if TEXT.contains(&field.as_str()) {
                found.insert(field.clone(), vec![fragment.clone()].into());
            } else if field == "*" {
                found.insert(TEXT[0].to_owned(), vec![fragment.clone()].into());
            }
        }
        found
    }

    fn fragment(&self, snippet: &Snippet) -> String {
        let (mut fragment, mut done) = (String::new(), 0);
        for [start, end] in &snippet.highlights {
            let parts = (snippet.text.get(done..*start), snippet.text.get(*start..*end));
            let (Some(before), Some(word)) = parts else { continue };
            self.push(&mut fragment, before);
            fragment.push_str(&self.before);
            self.push(&mut fragment, word);
            fragment.push_str(&self.after);
            done = *end;
        }
        self.push(&mut fragment, &snippet.text[done..]);
        fragment
    }

    fn push(&self, fragment: &mut String, text: &str) {
        if !self.escapes {
            fragment.push_str(text);
            return;
        }
        for c in text.chars() {
            match c {
                '&' => fragment.push_str("&amp;"),
                '<' => fragment.push_str("&lt;"),
                '>' => fragment.push_str("&gt;"),
                '"' => fragment.push_str("&quot;"),
                c => fragment.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_stand_between_tags() {
        let snippet: Snippet = serde_json::from_value(json!({
            "text": "a <heron> waits", "highlights": [[3, 8]], "start": 0, "end": 15,
        }))
        .unwrap();
        let asked = json!({"fields": {"body": {}, "title": {}}, "pre_tags": ["["], "post_tags": ["]"], "encoder": "html"});
        let found = Highlight::read(&asked).unwrap().of(&snippet);
        assert_eq!(Value::Object(found), json!({"body": ["a &lt;[heron]&gt; waits"]}));
        assert!(Highlight::read(&json!({"fields": {}, "boundary_chars": "x"})).is_err());
    }
}
