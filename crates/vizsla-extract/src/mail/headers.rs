//! The headers of a message: who, when, about what, and how it belongs to others.

use mail_parser::{Address, DateTime, HeaderName, HeaderValue, Message as Parsed, Received};
use vizsla_core::MetadataValue;

use crate::mail::date;
use crate::mail::document::{Message, Person};

/// Sets what the headers tell.
pub(super) fn read(parsed: &Parsed<'_>, message: &mut Message) {
    message.subject = parsed.subject().map(one_line).unwrap_or_default();
    for (label, address) in [("From", parsed.from()), ("To", parsed.to()), ("Cc", parsed.cc())] {
        let people = address.map(people).unwrap_or_default();
        if !people.is_empty() {
            message.people.push((label, people));
        }
    }
    let date = parsed.header_raw(HeaderName::Date).and_then(date::read);
    let date = date.or_else(|| parsed.date().filter(|date| date.is_valid()).copied());
    // The server of the recipient adds the first one.
    let arrival = || parsed.received_all().next().and_then(Received::date);
    if let Some(date) = date.or_else(|| arrival().filter(DateTime::is_valid)) {
        message.metadata.insert("date".to_owned(), date.to_rfc3339().into());
    }
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            message.metadata.insert(name.to_owned(), MetadataValue::from(value));
        }
    };
    set("message_id", parsed.message_id().map(one_line));
    set("in_reply_to", first_text(parsed.in_reply_to()));
    set("list_id", parsed.header(HeaderName::ListId).and_then(list));
    set("newsgroups", first_text(parsed.header("Newsgroups").unwrap_or(&HeaderValue::Empty)));
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first_text(value: &HeaderValue<'_>) -> Option<String> {
    match value {
        HeaderValue::Text(text) => Some(one_line(text)),
        HeaderValue::TextList(list) => list.first().map(|text| one_line(text)),
        _ => None,
    }
}

/// `Name <list.example.org>`: the part that identifies the list.
fn list(value: &HeaderValue<'_>) -> Option<String> {
    match value {
        HeaderValue::Address(address) => {
            address.first().and_then(|first| first.address().or(first.name()).map(one_line))
        }
        value => first_text(value),
    }
}

fn people(address: &Address<'_>) -> Vec<Person> {
    let people = address.iter().map(|one| Person {
        name: one.name().map(one_line).filter(|name| !name.is_empty()),
        address: one.address().map(one_line).filter(|address| !address.is_empty()),
    });
    people.filter(|person| person.name.is_some() || person.address.is_some()).collect()
}
