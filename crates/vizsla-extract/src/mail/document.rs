//! Puts a message together: who wrote to whom, its texts in order, and at the end, under a heading of its own, what it
//! quotes at length.

use vizsla_core::{Document, Location, Locations, Metadata, MetadataValue, Section};

use crate::mail::quotes;
use crate::output::{Output, file_name};

/// The heading above the quotes.
const QUOTED: &str = "Quoted";
/// Recipients that are named in the text; of a long list only metadata holds the rest.
const NAMED: usize = 10;

/// A message before its text is put together.
#[derive(Default)]
pub(super) struct Message {
    pub(super) subject: String,
    /// Who wrote it, and to whom: `("From", ["Ada <ada@example.org>"])`.
    pub(super) people: Vec<(&'static str, Vec<Person>)>,
    /// Its texts, each with the MIME part that holds it, if that is not the body.
    pub(super) texts: Vec<(String, Option<String>)>,
    pub(super) metadata: Metadata,
    /// Names of its attachments.
    pub(super) attachments: Vec<String>,
}

/// Somebody who writes or receives a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: Option<String>,
    pub(super) address: Option<String>,
}

impl Person {
    /// `Ada <ada@example.org>`, or what there is of it.
    fn shown(&self) -> String {
        match (&self.name, &self.address) {
            (Some(name), Some(address)) if name != address => format!("{name} <{address}>"),
            (Some(one), _) | (None, Some(one)) => one.clone(),
            (None, None) => String::new(),
        }
    }
}

impl Message {
    /// The document, which is message `number` of its file, or all of it.
    pub(super) fn document(self, number: Option<u32>, output: &Output<'_>) -> Document {
        let id = number
            .map_or_else(|| output.name.clone(), |number| format!("{}#{number}", output.name));
        let number = number.unwrap_or(1);
        let place = |part: Option<String>| Location::Message { number, part };
        let is_forwarded = is_forwarded(&self.subject);
        let mut text = String::new();
        let mut spans = Vec::new();
        let mut quoted = Vec::new();
        append(&mut text, &self.headers());
        for (content, part) in self.texts {
            let folded = quotes::fold(&content, is_forwarded);
            if folded.own.trim().is_empty() {
                continue;
            }
            separate(&mut text);
            spans.push((text.len(), place(part.clone())));
            append(&mut text, folded.own.trim_end());
            quoted.extend(folded.quotes.into_iter().map(|quote| (quote, part.clone())));
        }
        let mut sections = Vec::new();
        for (quote, part) in quoted {
            separate(&mut text);
            if sections.is_empty() {
                sections.push(Section::new(text.len(), vec![QUOTED.to_owned()]));
                append(&mut text, QUOTED);
                separate(&mut text);
            }
            spans.push((text.len(), place(part)));
            append(&mut text, &quote);
        }
        // The headers belong to the body.
        match spans.first_mut() {
            Some(first) => first.0 = 0,
            None => spans.push((0, place(None))),
        }
        let title = if self.subject.is_empty() { file_name(&output.name) } else { &self.subject };
        let mut document = Document::new(id, text)
            .with_title(title)
            .with_sections(sections)
            .with_locations(Locations::Spans(spans));
        document.metadata = self.metadata;
        for (label, people) in &self.people {
            document.metadata.insert(label.to_ascii_lowercase(), listed(people));
        }
        let set = |metadata: &mut Metadata, name: &str, values: Vec<String>| {
            if !values.is_empty() {
                let values = values.into_iter().map(MetadataValue::from).collect();
                metadata.insert(name.to_owned(), MetadataValue::List(values));
            }
        };
        if !self.subject.is_empty() {
            document.metadata.insert("subject".to_owned(), self.subject.into());
        }
        set(&mut document.metadata, "attachments", self.attachments);
        document
    }

    /// `From: Ada <ada@example.org>`: people look for a message by who wrote it.
    fn headers(&self) -> String {
        let mut lines = Vec::new();
        for (label, people) in &self.people {
            let shown: Vec<String> = people.iter().take(NAMED).map(Person::shown).collect();
            let more = people.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            lines.push(format!("{label}: {}{more}", shown.join(", ")));
        }
        lines.join("\n")
    }
}

/// Names and addresses each by itself, so that a filter matches either.
fn listed(people: &[Person]) -> MetadataValue {
    let mut values: Vec<MetadataValue> = Vec::new();
    for person in people {
        for value in [&person.name, &person.address].into_iter().flatten() {
            values.push(value.clone().into());
        }
    }
    // Many are named by their address.
    values.dedup();
    MetadataValue::List(values)
}

/// Whether a subject begins as programs begin that of a message which is passed on.
fn is_forwarded(subject: &str) -> bool {
    let start = subject.trim_start().to_lowercase();
    ["fw:", "fwd:", "wg:", "tr:", "rv:", "i:", "enc:", "doorst:"]
        .iter()
        .any(|mark| start.starts_with(mark))
}

fn append(text: &mut String, more: &str) {
    text.push_str(more);
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
}
