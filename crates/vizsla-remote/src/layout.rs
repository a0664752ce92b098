//! Which fields of an index are searched and read. In: what an engine says of its fields, and the options of an address.
//! Out: a [`Layout`].

use serde_json::Value;
use vizsla::{Error, ErrorKind, FieldWeights, IndexSettings};

use crate::address::Address;
use crate::fields::VERSION;

/// The fields that an index has, as its engine says.
pub(crate) trait Fields {
    /// What can be searched for words.
    fn of_text(&self) -> Vec<String>;

    /// Whether there is a field of this name.
    fn has(&self, name: &str) -> bool;
}

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

    /// The layout of an index with these fields, as the options of the address have it.
    pub(crate) fn foreign(address: &Address, fields: &dyn Fields) -> Result<Self, Error> {
        let text = match address.option("text") {
            Some(text) => text.split(',').map(weighted).collect::<Result<Vec<_>, _>>()?,
            None => return Err(nameless(address, fields)),
        };
        let known = |name: &str| {
            if fields.has(name) {
                return Ok(());
            }
            let (index, names) = (address.index(), fields.of_text().join(", "));
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

    /// The layout of an index that we made, from what was stored with it: a version and settings.
    pub(crate) fn stored(address: &Address, stored: &Value) -> Result<Self, Error> {
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

    /// All fields of an index that somebody else made, as far as they have roles.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        let named = [&self.title, &self.id, &self.path].into_iter().flatten();
        self.text.iter().map(|(name, _)| name).chain(named).map(String::as_str)
    }

    /// The settings of an index that may be written to, which is one that we made.
    pub(crate) fn writable(&self, address: &Address) -> Result<IndexSettings, Error> {
        self.own.ok_or_else(|| address.not_ours())
    }

    /// The fields that are read as the text: all that are searched but the title.
    pub(crate) fn read(&self) -> impl Iterator<Item = &str> {
        let names = self.text.iter().map(|(name, _)| name.as_str());
        names.filter(|name| Some(*name) != self.title.as_deref())
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

fn nameless(address: &Address, fields: &dyn Fields) -> Error {
    let names = fields.of_text();
    let known = if names.is_empty() {
        "it has no text field".to_owned()
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

    struct Three;

    impl Fields for Three {
        fn of_text(&self) -> Vec<String> {
            vec!["title".to_owned(), "body".to_owned()]
        }

        fn has(&self, name: &str) -> bool {
            ["title", "body", "n"].contains(&name)
        }
    }

    fn address(options: &str) -> Address {
        format!("opensearch+http://h/notes{options}").parse().unwrap()
    }

    #[test]
    fn a_foreign_index_has_the_fields_that_are_named() {
        let of = |options| Layout::foreign(&address(options), &Three);
        let layout = of("?text=title^2,body&title=title").unwrap();
        assert_eq!(layout.text, [("title".to_owned(), 2.0), ("body".to_owned(), 1.0)]);
        assert_eq!(layout.read().collect::<Vec<_>>(), ["body"]);
        let error = of("").unwrap_err().to_string();
        assert!(error.contains("text fields are: title, body"), "{error}");
        let error = of("?text=boddy").unwrap_err().to_string();
        assert!(error.contains("no field \"boddy\""), "{error}");
        assert!(of("?text=body^x").unwrap_err().to_string().contains("body^x"));
    }

    #[test]
    fn our_own_index_says_how_it_is_searched() {
        let of = |stored| Layout::stored(&address(""), &stored);
        let settings = IndexSettings::default();
        assert_eq!(of(json!({"version": 1, "settings": settings})).unwrap().own, Some(settings));
        assert_eq!(of(json!({"version": 2})).unwrap_err().kind(), ErrorKind::FormatVersion);
    }
}
