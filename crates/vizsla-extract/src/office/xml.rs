//! Reads XML element by element. In: the bytes of a part, in any encoding. Out: starts, ends and text, by local name.
//!
//! Namespaces are not looked at, because the strict and the transitional form of the same format differ in nothing else.
//! Entities are not expanded. What is not well-formed, or nested too deeply, ends the text there.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE};
use quick_xml::events::{BytesEnd, BytesRef, BytesStart, Event as Raw};
use quick_xml::{Reader, XmlVersion};

use crate::text::charset::Charset;

/// What comes next.
pub(crate) enum Event<'a> {
    Start(Tag<'a>),
    End(Name<'a>),
    Text(Cow<'a, str>),
}

/// The start of an element.
pub(crate) struct Tag<'a>(BytesStart<'a>);

/// The name at the end of an element.
pub(crate) struct Name<'a>(BytesEnd<'a>);

impl Name<'_> {
    pub(crate) fn name(&self) -> &str {
        local(self.0.name().0)
    }
}

impl Tag<'_> {
    /// Its name without a prefix.
    pub(crate) fn name(&self) -> &str {
        local(self.0.name().0)
    }

    /// Its prefix, where formats always use the same.
    pub(crate) fn prefix(&self) -> &str {
        self.0.name().0.rsplit_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// The value of an attribute, by its name without a prefix.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.find(|key| local(key) == name)
    }

    /// The value of an attribute that has a prefix, by its name without the prefix: `r:id` beside `id`.
    pub(crate) fn get_prefixed(&self, name: &str) -> Option<String> {
        self.find(|key| key.split_once(':').is_some_and(|(_, rest)| rest == name))
    }

    fn find(&self, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        // Looking for duplicates would take time quadratic in the number of attributes.
        let mut attributes = self.0.attributes();
        let attributes = attributes.with_checks(false);
        let found = attributes.flatten().find(|attribute| is_wanted(attribute.key.0))?;
        let value = found.normalized_value(XmlVersion::Implicit1_0);
        Some(value.map_or_else(|_| found.value.to_string(), Cow::into_owned))
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Decodes a part: by its mark, by the zero bytes of UTF-16, or by what its declaration says.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let declared = || {
        let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(200))?).into_owned();
        let (_, value) =
            start.split_once("<?xml")?.1.split_once("?>")?.0.split_once("encoding=")?;
        Charset::named(value.trim_matches(['"', '\'', ' ']).split(['"', '\'']).next()?)
    };
    let wide = match bytes {
        [b'<', 0, ..] | [0xff, 0xfe, ..] => UTF_16LE,
        [0, b'<', ..] | [0xfe, 0xff, ..] => UTF_16BE,
        _ => {
            return match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
                Err(_) => Cow::Owned(declared().map_or_else(
                    || String::from_utf8_lossy(bytes).into_owned(),
                    |charset| charset.decode(bytes),
                )),
            };
        }
    };
    wide.decode(bytes).0
}

/// The elements of a text, one after another.
pub(crate) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
    nesting: usize,
    /// Why reading ended before the text did.
    pub(crate) failure: Option<String>,
}

impl<'a> Xml<'a> {
    pub(crate) fn new(text: &'a str, nesting: usize) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        Self { reader, depth: 0, nesting, failure: None }
    }

    pub(crate) fn next(&mut self) -> Option<Event<'a>> {
        loop {
            if self.failure.is_some() {
                return None;
            }
            match self.reader.read_event() {
                Ok(Raw::Start(start)) => {
                    self.depth += 1;
                    if self.depth > self.nesting {
                        self.failure =
                            Some(format!("is nested more than {} levels deep", self.nesting));
                        return None;
                    }
                    return Some(Event::Start(Tag(start)));
                }
                Ok(Raw::End(end)) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Some(Event::End(Name(end)));
                }
                Ok(Raw::Text(text)) => return Some(Event::Text(text.into_inner())),
                Ok(Raw::CData(text)) => return Some(Event::Text(text.into_inner())),
                Ok(Raw::GeneralRef(reference)) => return Some(Event::Text(resolve(&reference))),
                Ok(Raw::Eof) if self.depth > 0 => {
                    self.failure = Some("is cut off".to_owned());
                    return None;
                }
                Ok(Raw::Eof) => return None,
                Ok(_) => {}
                Err(_) => {
                    self.failure = Some("is not valid XML".to_owned());
                    return None;
                }
            }
        }
    }

    /// Passes over the rest of the element whose start came last.
    pub(crate) fn skip(&mut self) {
        self.each_text(|_| ());
    }

    /// All text in the element whose start came last.
    pub(crate) fn text(&mut self) -> String {
        let mut text = String::new();
        self.each_text(|part| text.push_str(part));
        text
    }

    fn each_text(&mut self, mut take: impl FnMut(&str)) {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            match self.next() {
                Some(Event::Text(part)) => take(&part),
                Some(_) => {}
                None => return,
            }
        }
    }
}

/// The character that a reference stands for; a reference to anything longer stays as it is written.
fn resolve<'a>(reference: &BytesRef<'_>) -> Cow<'a, str> {
    let name: &str = reference;
    let character = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => reference.resolve_char_ref().ok().flatten(),
    };
    Cow::Owned(character.map_or_else(|| format!("&{name};"), String::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, nesting: usize) -> (String, Option<String>) {
        let mut xml = Xml::new(text, nesting);
        let mut seen = String::new();
        while let Some(event) = xml.next() {
            match event {
                Event::Start(tag) if tag.name() == "skipped" => xml.skip(),
                Event::Start(tag) => seen.push_str(&format!("<{}>", tag.name())),
                Event::End(end) => seen.push_str(&format!("</{}>", end.name())),
                Event::Text(text) => seen.push_str(&text),
            }
        }
        (seen, xml.failure)
    }

    #[test]
    fn elements_come_by_local_name_and_entities_stay_unexpanded() {
        let text = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'boom'>]><x:a><b/>1 &lt; &#x32; &b;<![CDATA[<c>]]><skipped>d<skipped/></skipped></x:a>";
        assert_eq!(all(text, 9), ("<a><b></b>1 < 2 &b;<c></a>".to_owned(), None));
    }

    #[test]
    fn what_is_damaged_or_too_deep_ends_there() {
        assert_eq!(all("<a>text<b", 9).0, "<a>text");
        assert!(all("<a>text<b", 9).1.is_some() && all("<a><b>text", 9).1.is_some());
        let (seen, failure) = all(&"<a>".repeat(100_000), 3);
        assert_eq!(seen, "<a><a><a>");
        assert!(failure.unwrap().contains("3 levels"));
    }

    #[test]
    fn attributes_and_encodings() {
        let mut xml = Xml::new("<a id='1' r:id='&amp;2'/>", 9);
        let Some(Event::Start(tag)) = xml.next() else { panic!("an element") };
        assert_eq!((tag.get("id"), tag.get_prefixed("id")), (Some("1".into()), Some("&2".into())));
        let utf16: Vec<u8> = "<é/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&utf16), "<é/>");
        assert_eq!(decode(&[b"\xff\xfe", utf16.as_slice()].concat()), "<é/>");
        assert_eq!(decode(b"\xef\xbb\xbf<a/>"), "<a/>");
        assert!(decode(b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>").contains('é'));
    }
}
