//! Which fields of an index are searched and read. In: its mapping and the options of an address. Out: a [`Layout`].

use serde_json::{Map, Value};
use vizsla::{Error, ErrorKind, FieldWeights, IndexSettings};

use super::mapping::VERSION;
use crate::address::Address;

/// The fields of an index, by their roles.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    /// The settings of an index that we made; others were made by somebody else.
    pub(crate) own: Option<IndexSettings>,
    /// What is searched, with weights.
    pub(crate) text: Vec<(String, f32)>,
    pub(crate) title: Option<String>,
    /// What identifies a document; the engine's own id without it.
    pub(crate) id: Option<String>,
    pub(crate) path: Option<String>,
}

impl Layout {
    /// The layout of an index that we made.
    pub(crate) fn own(settings: IndexSettings) -> Self {
        let mut layout = Self {
            own: Some(settings),
            text: Vec::new(),
            title: Some("title".to_owned()),
            id: Some("doc_id".to_owned()),
            path: Some("path".to_owned()),
        };
        layout.weigh(settings.weights);
        layout
    }

    /// Sets the weights of the fields of our own index.
    pub(crate) fn weigh(&mut self, weights: FieldWeights) {
        let all = [
            ("content", weights.content()),
            ("title", weights.title()),
            ("headings", weights.headings()),
            ("path_words", weights.path()),
            ("body", weights.body()),
        ];
        let used = all.into_iter().filter(|(_, weight)| *weight > 0.0);
        self.text = used.map(|(name, weight)| (name.to_owned(), weight)).collect();
    }

    /// The layout of an index with this mapping, as the options of the address have it or as we made it.
    pub(crate) fn of(address: &Address, mapping: &Value) -> Result<Self, Error> {
        if let Some(stored) = mapping.pointer("/_meta/vizsla")
            && address.option("text").is_none()
        {
            return Self::stored(address, stored);
        }
        let fields =
            mapping.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let text = match address.option("text") {
            Some(text) => text.split(',').map(weighted).collect::<Result<Vec<_>, _>>()?,
            None => return Err(nameless(address, &fields)),
        };
        let known = |name: &str| {
            let path = name.replace('.', "/properties/");
            let found = mapping.pointer(&format!("/properties/{path}")).or_else(|| {
                mapping.pointer(&format!("/properties/{}", name.replace('.', "/fields/")))
            });
            // A wildcard names what the engine finds.
            if found.is_some() || name == "_id" || name.contains('*') {
                return Ok(());
            }
            let (index, names) = (address.index(), text_fields(&fields).join(", "));
            let message =
                format!("the index {index} has no field {name:?}; its text fields are: {names}");
            Err(Error::new(ErrorKind::InvalidInput, message))
        };
        let named = |option: &str| address.option(option).map(str::to_owned);
        let (title, id, path) =
            (named("title"), named("id").filter(|id| id != "_id"), named("path"));
        text.iter()
            .map(|(name, _)| name)
            .chain([&title, &id, &path].into_iter().flatten())
            .try_for_each(|name| known(name))?;
        Ok(Self { own: None, text, title, id, path })
    }

    fn stored(address: &Address, stored: &Value) -> Result<Self, Error> {
        let index = address.index();
        let version = stored.get("version").and_then(Value::as_u64);
        if version != Some(VERSION) {
            let message = format!(
                "the index {index} has version {} of what Vizsla writes to engines, and this program reads {VERSION}",
                version.map_or_else(|| "none".to_owned(), |version| version.to_string())
            );
            return Err(Error::new(ErrorKind::FormatVersion, message));
        }
        let settings = stored.get("settings").cloned().unwrap_or_default();
        let settings = serde_json::from_value(settings).map_err(|error| {
            let message =
                format!("the settings that Vizsla stored with the index {index} cannot be read");
            Error::new(ErrorKind::FormatVersion, message).with_source(error)
        })?;
        Ok(Self::own(settings))
    }
}

fn weighted(field: &str) -> Result<(String, f32), Error> {
    let (name, weight) = field.split_once('^').unwrap_or((field, "1"));
    let weight = weight.parse().ok().filter(|weight: &f32| weight.is_finite() && *weight > 0.0);
    match weight {
        Some(weight) if !name.is_empty() => Ok((name.to_owned(), weight)),
        _ => {
            let message = format!(
                "{field:?} does not name a field of the engine with a weight, as in title^2"
            );
            Err(Error::new(ErrorKind::InvalidInput, message))
        }
    }
}

fn text_fields(fields: &Map<String, Value>) -> Vec<String> {
    let is_text = |of: &Value| of.get("type").is_some_and(|kind| kind == "text");
    fields.iter().filter(|(_, of)| is_text(of)).map(|(name, _)| name.clone()).collect()
}

fn nameless(address: &Address, fields: &Map<String, Value>) -> Error {
    let names = text_fields(fields);
    let known = if names.is_empty() {
        "it has no field of type text".to_owned()
    } else {
        format!("its text fields are: {}", names.join(", "))
    };
    let message = format!(
        "the index {} was not made by Vizsla: say which fields to search, as in {address}?title=title&text=title^2,body; \
         {known}",
        address.index()
    );
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(options: &str, mapping: &Value) -> Result<Layout, Error> {
        Layout::of(&format!("opensearch+http://h/notes{options}").parse().unwrap(), mapping)
    }

    #[test]
    fn a_foreign_index_has_the_fields_that_are_named() {
        let mapping = json!({"properties": {"title": {"type": "text"}, "body": {"type": "text"}, "n": {"type": "long"}}});
        let layout = of("?text=title^2,body&title=title", &mapping).unwrap();
        assert_eq!(layout.text, [("title".to_owned(), 2.0), ("body".to_owned(), 1.0)]);
        let error = of("", &mapping).unwrap_err().to_string();
        assert!(error.contains("text fields are: title, body"), "{error}");
        let error = of("?text=boddy", &mapping).unwrap_err().to_string();
        assert!(error.contains("no field \"boddy\""), "{error}");
        assert!(of("?text=body^x", &mapping).unwrap_err().to_string().contains("body^x"));
    }

    #[test]
    fn our_own_index_says_how_it_is_searched() {
        let settings = IndexSettings::default();
        let mapping =
            json!({"_meta": {"vizsla": {"version": 1, "settings": settings}}, "properties": {}});
        assert_eq!(of("", &mapping).unwrap().own, Some(settings));
        let newer = json!({"_meta": {"vizsla": {"version": 2}}});
        assert_eq!(of("", &newer).unwrap_err().kind(), ErrorKind::FormatVersion);
    }
}
