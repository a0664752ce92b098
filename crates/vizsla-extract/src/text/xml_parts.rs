//! The parts of an XML text, one after the other, with their lines.

use std::borrow::Cow;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::text::entities::Entities;

/// A part of an XML text.
pub(crate) enum Part<'a> {
    /// The start of an element: its name without prefix, and its attributes, likewise. Those that declare a prefix are all
    /// called `xmlns`.
    Start(String, Vec<(String, String)>),
    End(String),
    Text(Cow<'a, str>),
    Comment(Cow<'a, str>),
}

pub(crate) struct Parts<'a> {
    reader: Reader<&'a [u8]>,
    text: &'a str,
    /// How far lines are counted.
    counted: usize,
    line: u32,
    /// The end of an element that is empty.
    end: Option<String>,
    /// What the text defines.
    entities: Entities,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        Self::of(reader, text)
    }

    fn of(reader: Reader<&'a [u8]>, text: &'a str) -> Self {
        Self { reader, text, counted: 0, line: 1, end: None, entities: Entities::default() }
    }

    /// As [`new`](Self::new), for a text that may not be XML: any mistake is an error.
    pub(crate) fn strict(text: &'a str) -> Self {
        Self::of(Reader::from_str(text), text)
    }

    /// The line on which the last part ended.
    pub(crate) fn line(&self) -> u32 {
        self.line
    }

    /// The next part; `None` at the end, an error where the text is no XML.
    pub(crate) fn next(&mut self) -> Result<Option<Part<'a>>, String> {
        if let Some(name) = self.end.take() {
            return Ok(Some(Part::End(name)));
        }
        loop {
            let event = self.reader.read_event().map_err(|error| error.to_string())?;
            let at = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
            let read = self.text.as_bytes().get(self.counted..at).unwrap_or_default();
            self.line += read.iter().filter(|byte| **byte == b'\n').count() as u32;
            self.counted = at;
            return Ok(Some(match event {
                Event::Start(start) => Part::Start(name(&start), attributes(&start)),
                Event::Empty(start) => {
                    self.end = Some(name(&start));
                    Part::Start(name(&start), attributes(&start))
                }
                Event::End(end) => Part::End(end.local_name().into_inner().to_owned()),
                Event::Text(text) => Part::Text(text.into_inner()),
                Event::CData(text) => Part::Text(text.into_inner()),
                Event::GeneralRef(entity) => Part::Text(Cow::Owned(self.resolved(&entity))),
                Event::Eof => return Ok(None),
                Event::DocType(declaration) => {
                    self.entities.define(&declaration.into_inner());
                    continue;
                }
                Event::Comment(text) => Part::Comment(text.into_inner()),
                Event::Decl(_) | Event::PI(_) => continue,
            }));
        }
    }

    fn resolved(&mut self, entity: &BytesRef<'_>) -> String {
        self.entities.value(entity).map_or_else(|| resolved(entity), str::to_owned)
    }
}

fn name(start: &BytesStart<'_>) -> String {
    start.local_name().into_inner().to_owned()
}

fn attributes(start: &BytesStart<'_>) -> Vec<(String, String)> {
    let mut attributes = start.attributes();
    let found = attributes.with_checks(false).flatten().take(256);
    let text = found.filter_map(|attribute| {
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
        let name = match attribute.key.as_namespace_binding() {
            Some(_) => "xmlns",
            None => attribute.key.local_name().into_inner(),
        };
        Some((name.to_owned(), value))
    });
    text.collect()
}

/// A character that is named; other entities stay as they are written.
fn resolved(entity: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return c.to_string();
    }
    let name: &str = entity;
    let known = match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => "\u{a0}",
        "mdash" => "—",
        "ndash" => "–",
        "hellip" => "…",
        "copy" => "©",
        _ => return format!("&{name};"),
    };
    known.to_owned()
}
