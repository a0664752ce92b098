//! Feeds, RSS and Atom, and notes as Evernote exports them: one document for each entry.

use quick_xml::escape::escape;
use vizsla_core::{Document, Location, Locations, Metadata};

use crate::html;
use crate::output::Output;
use crate::text::xml_parts::{Part, Parts};

/// Reads a feed; returns false for XML that is none, or that has no entries.
pub(crate) fn read(text: &str, output: &mut Output<'_>) -> bool {
    let mut parts = Parts::new(text);
    let mut root = None;
    let (mut entry, mut field): (Option<Entry>, Option<Field>) = (None, None);
    let (mut depth, mut count, mut value) = (0usize, 0u32, String::new());
    while let Ok(Some(part)) = parts.next() {
        match part {
            Part::Start(name, attributes) => {
                depth += 1;
                let root = root.get_or_insert_with(|| name.clone());
                if !matches!(root.as_str(), "rss" | "feed" | "RDF" | "en-export") {
                    return false;
                }
                if entry.is_none() && is_entry(&name) {
                    count += 1;
                    entry = Some(Entry::new(parts.line()));
                } else if let Some(entry) = &mut entry {
                    let link = attributes.iter().find(|(key, _)| key == "href");
                    if let Some((_, link)) = link.filter(|_| name == "link") {
                        entry.set("link", link);
                    }
                    if field.is_none() || name == "name" {
                        field = Some(Field { form: form(&attributes), name, depth });
                        value.clear();
                    } else if is_written_out(field.as_ref()) {
                        value.push_str(&format!("<{name}>"));
                    }
                }
            }
            Part::Text(text) if is_written_out(field.as_ref()) => value.push_str(&escape(text)),
            Part::Text(text) => value.push_str(&text),
            Part::Comment(_) => {}
            Part::End(name) => {
                if let Some(entry) = &mut entry
                    && let Some(field) = field.take_if(|field| field.depth == depth)
                {
                    entry.field(&field, &value, output);
                } else if is_written_out(field.as_ref()) && !matches!(name.as_str(), "br" | "hr") {
                    value.push_str(&format!("</{name}>"));
                }
                depth = depth.saturating_sub(1);
                if is_entry(&name)
                    && let Some(entry) = entry.take()
                {
                    let document = entry.document(&output.name, count, parts.line());
                    if output.document(document).is_break() {
                        return true;
                    }
                }
            }
        }
    }
    count > 0
}

fn is_entry(name: &str) -> bool {
    matches!(name, "item" | "entry" | "note")
}

/// A field that is being read.
struct Field {
    name: String,
    depth: usize,
    form: Form,
}

/// How the text of a field is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As the source of a page, or of a piece of one; the older feeds do not say.
    Markup,
    /// As a piece of a page whose elements are those of the feed.
    Elements,
    Text,
    /// In base64.
    Data,
}

fn form(attributes: &[(String, String)]) -> Form {
    let attribute = |name: &str| attributes.iter().find(|(key, _)| key == name);
    let kind = attribute("type").map_or("html", |(_, kind)| kind.trim());
    match kind {
        "html" | "text/html" => Form::Markup,
        "xhtml" | "application/xhtml+xml" => Form::Elements,
        "text" | "plain" => Form::Text,
        _ if kind.starts_with("text/") => Form::Text,
        // What is elsewhere has its description here.
        _ if kind.contains('/') && !kind.ends_with("xml") && attribute("url").is_none() => {
            Form::Data
        }
        _ => Form::Markup,
    }
}

fn is_written_out(field: Option<&Field>) -> bool {
    field.is_some_and(|field| field.form == Form::Elements)
}

/// An entry that is being read.
struct Entry {
    first: u32,
    title: String,
    /// The content, or the summary where there is none.
    text: String,
    metadata: Metadata,
}

impl Entry {
    fn new(first: u32) -> Self {
        Self { first, title: String::new(), text: String::new(), metadata: Metadata::new() }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.metadata.entry(name.to_owned()).or_insert_with(|| value.trim().into());
    }

    fn field(&mut self, field: &Field, value: &str, output: &Output<'_>) {
        let value = value.trim();
        if value.is_empty() || field.form == Form::Data {
            return;
        }
        let text = || match field.form {
            Form::Text => value.to_owned(),
            _ => html::page(value, output.limits).text,
        };
        match field.name.as_str() {
            "title" => self.title = text().split_whitespace().collect::<Vec<_>>().join(" "),
            "link" => self.set("link", value),
            "author" | "creator" | "name" => self.set("author", value),
            "pubDate" | "date" | "published" | "updated" | "created" => {
                self.set("date", &iso_date(value));
            }
            "category" | "subject" | "tag" => self.set("subject", value),
            "description" | "summary" | "content" | "encoded" => {
                // The content comes after a summary of it, or the other way round.
                let text = text();
                if text.len() > self.text.len() {
                    self.text = text;
                }
            }
            _ => {}
        }
    }

    fn document(self, name: &str, number: u32, last: u32) -> Document {
        let place = Location::Lines { first: self.first, last };
        let mut document = Document::new(format!("{name}#{number}"), self.text)
            .with_title(self.title)
            .with_locations(Locations::Fixed(place));
        document.metadata = self.metadata;
        document
    }
}

/// `Mon, 06 May 2024 07:08:09 GMT` or `20240506T070809Z` in ISO 8601; what is written otherwise stays.
fn iso_date(text: &str) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    if let Some((day, time)) = text.trim_end_matches('Z').split_once('T')
        && [day.len(), time.len()] == [8, 6]
        && day.bytes().chain(time.bytes()).all(|byte| byte.is_ascii_digit())
    {
        let (year, month, day) = (&day[..4], &day[4..6], &day[6..]);
        return format!("{year}-{month}-{day}T{}:{}:{}Z", &time[..2], &time[2..4], &time[4..]);
    }
    let words: Vec<&str> =
        text.split_once(',').map_or(text, |(_, date)| date).split_whitespace().collect();
    let [day, month, year, time, ..] = words.as_slice() else { return text.to_owned() };
    let month = MONTHS.iter().position(|known| month.starts_with(known));
    let (Some(month), Ok(day)) = (month, day.parse::<u8>()) else { return text.to_owned() };
    let zone = match words.get(4) {
        Some(zone) if zone.len() == 5 && zone.is_ascii() => {
            format!("{}:{}", &zone[..3], &zone[3..])
        }
        Some(_) => "Z".to_owned(),
        None => String::new(),
    };
    format!("{year}-{:02}-{day:02}T{time}{zone}", month + 1)
}
