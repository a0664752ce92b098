//! Forms in XFA: what they show and what has been filled in, of which the pages of the file may show nothing but a request
//! to open it in another program.
//!
//! "XML Forms Architecture (XFA) Specification" 3.3 describes the template and the data; ISO 32000-2, annex K, where they
//! are.

use std::collections::HashMap;

use hayro_syntax::object::{Array, Dict, Object};
use hayro_syntax::xref::XRef;

use super::layout::Line;
use super::objects;
use crate::text::xml_parts::{Part, Parts};

/// Elements of a template that show nothing: programs, lists of choices, hints.
const SILENT: &[&str] =
    &["script", "items", "event", "assist", "calculate", "validate", "bind", "desc", "extras"];
/// Elements of formatted text that are lines of their own.
const BLOCKS: &[&str] = &["p", "div", "li", "br", "h1", "h2", "h3"];
/// Elements within each other that are looked into.
const MOST_OPEN: usize = 256;
/// What stands on pages that another program has to replace.
const PLACEHOLDER: &str = "Please wait";

/// All that pages draw, without spaces.
struct Drawn(String);

impl Drawn {
    fn of(pages: &[Vec<Line>]) -> Self {
        Self(pages.iter().flatten().flat_map(|line| line.text.split_whitespace()).collect())
    }

    fn shows(&self, text: &str) -> bool {
        self.0.contains(&text.split_whitespace().collect::<String>())
    }
}

/// What a form says.
#[derive(Default)]
pub(super) struct Form {
    paragraphs: Vec<String>,
    /// Whether the file says that its pages are not what it shows.
    needs_rendering: bool,
}

impl Form {
    /// The form of a file, if it has one in XFA.
    pub(super) fn of<'a>(catalogue: &Dict<'a>, xref: &'a XRef) -> Option<Self> {
        let form = catalogue.get::<Dict<'_>>(b"AcroForm")?;
        let mut packets = Vec::new();
        match form.get::<Object<'_>>(b"XFA")? {
            Object::Stream(stream) => packets.extend(stream.decoded_data().ok()?.into_owned()),
            Object::Array(parts) => packets = joined(&parts, xref),
            _ => return None,
        }
        let needs_rendering = catalogue.get::<bool>(b"NeedsRendering").unwrap_or(false);
        let text = crate::text::decode::decode(&packets).unwrap_or_default();
        Some(Self { paragraphs: Reader::default().read(&text), needs_rendering })
    }

    /// Puts what the form says in the place of the pages if they do not show it. Returns whether nothing could be put
    /// there.
    pub(super) fn show(self, pages: &mut Vec<Vec<Line>>) -> bool {
        let drawn = Drawn::of(pages);
        let is_placeholder = self.needs_rendering || drawn.shows(PLACEHOLDER) && pages.len() == 1;
        if self.paragraphs.is_empty() {
            return is_placeholder;
        }
        let missing = self.paragraphs.iter().filter(|paragraph| !drawn.shows(paragraph)).count();
        if missing * 2 < self.paragraphs.len() {
            return false;
        }
        if is_placeholder {
            pages.iter_mut().for_each(Vec::clear);
        }
        if pages.is_empty() {
            pages.push(Vec::new());
        }
        pages[0].extend(self.paragraphs.into_iter().map(Line::apart));
        false
    }
}

/// The parts of a form one after another: names and streams take turns.
fn joined<'a>(parts: &Array<'a>, xref: &'a XRef) -> Vec<u8> {
    let streams = objects::items(parts, xref).filter_map(|part| match part {
        Object::Stream(stream) => stream.decoded_data().ok().map(std::borrow::Cow::into_owned),
        _ => None,
    });
    streams.collect::<Vec<_>>().join(&b'\n')
}

/// Reads the template and the data of a form.
#[derive(Default)]
struct Reader {
    /// The elements that are open.
    open: Vec<String>,
    /// How many elements are open within one that shows nothing, itself included.
    silent: usize,
    /// The name of the field that is open.
    field: String,
    /// What fields are called on the page, by their names.
    captions: HashMap<String, String>,
    text: String,
    shown: Vec<String>,
    /// Names and values that have been filled in.
    data: Vec<(String, String)>,
}

impl Reader {
    fn read(mut self, text: &str) -> Vec<String> {
        let mut parts = Parts::new(text);
        while let Ok(Some(part)) = parts.next() {
            match part {
                Part::Start(name, attributes) => self.start(name, &attributes),
                Part::Text(text) if self.silent == 0 => self.text.push_str(&text),
                Part::Text(_) | Part::Comment(_) => {}
                Part::End(name) => self.end(&name),
            }
        }
        let captions = self.captions;
        let filled = self.data.into_iter().map(|(name, value)| {
            let caption = captions.get(&name).unwrap_or(&name).trim_end_matches([':', ' ']);
            format!("{caption}: {value}")
        });
        self.shown.into_iter().chain(filled).collect()
    }

    fn is_in(&self, name: &str) -> bool {
        self.open.iter().any(|open| open == name)
    }

    /// Whether elements are those of a formatted text.
    fn is_formatted(&self) -> bool {
        self.is_in("exData") || self.is_in("data") && self.is_in("body")
    }

    fn start(&mut self, name: String, attributes: &[(String, String)]) {
        let get = |wanted: &str| {
            attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        let is_hidden = matches!(name.as_str(), "draw" | "field")
            && matches!(get("presence"), Some("hidden" | "invisible" | "inactive"));
        let is_silent = is_hidden || SILENT.contains(&name.as_str());
        if self.silent > 0 || self.open.len() >= MOST_OPEN || is_silent && self.is_in("template") {
            self.silent += 1;
        } else if !self.is_formatted() {
            self.text.clear();
        } else if BLOCKS.contains(&name.as_str()) {
            self.text.push('\n');
        }
        if name == "field" {
            get("name").unwrap_or_default().clone_into(&mut self.field);
        }
        self.open.push(name);
    }

    fn end(&mut self, name: &str) {
        if self.open.pop().is_none_or(|open| open != name) {
            return;
        }
        if self.silent > 0 {
            self.silent -= 1;
            return;
        }
        let is_template = self.is_in("template");
        let is_value = is_template && self.open.last().is_some_and(|above| above == "value");
        if is_value && matches!(name, "text" | "exData") {
            let text = self.take();
            if self.is_in("caption") && !text.is_empty() {
                self.captions.entry(self.field.clone()).or_insert_with(|| text.clone());
            }
            self.shown.extend(Some(text).filter(|text| !text.is_empty()));
        } else if name != "body" && self.is_in("data") && !self.is_formatted() {
            let value = self.take();
            if !value.is_empty() {
                self.data.push((name.to_owned(), value));
            }
        }
    }

    /// The text so far, in lines without white space at their ends.
    fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_texts_and_values_are_read_and_programs_are_not() {
        let form = "<xdp:xdp xmlns:xdp='x'><config><text>no</text></config><template><subform name='f'>\
            <draw><value><text>Application for a &amp; b</text></value></draw>\
            <draw presence='hidden'><value><text>no</text></value></draw>\
            <draw><value><exData contentType='text/html'><body><p>First <b>bold</b>.</p><p>Second.</p></body></exData></value></draw>\
            <field name='last'><assist><toolTip>no</toolTip></assist><caption><value><text>Last name:</text></value></caption>\
            <items><text>no</text></items><event><script>no()</script></event></field></subform></template>\
            <xfa:datasets><dd:dataDescription><f>no</f></dd:dataDescription><xfa:data><f>\n<last>Doe</last><age>36</age><empty/><note><body><p>rich <b>note</b></p></body></note></f></xfa:data></xfa:datasets>\
            <form><field><value><text>no</text></value></field></form></xdp:xdp>";
        assert_eq!(
            Reader::default().read(form),
            [
                "Application for a & b",
                "First bold.\nSecond.",
                "Last name:",
                "Last name: Doe",
                "age: 36",
                "note: rich note"
            ]
        );
    }
}
