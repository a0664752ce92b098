//! Calendars (iCalendar, RFC 5545): events, tasks and when somebody has time (RFC 7953), one document each.

use vizsla_core::{Document, Location, Locations};

use crate::definition::{Definition, Read, Recognise};
use crate::error::{Error, ErrorKind};
use crate::mail::fields::{Component, Field, components};
use crate::output::{Output, file_name};
use crate::sink::ProblemKind;
use crate::text::decode;

/// iCalendar.
pub(crate) static FORMAT: Definition = Definition {
    name: "icalendar",
    title: "iCalendar",
    version: 3,
    extensions: &["ics", "ical", "ifb", "vcs"],
    recognise: Recognise::Bytes(|bytes| begins(bytes, b"BEGIN:VCALENDAR")),
    is_foreign: false,
    read: Read::Whole(read),
};

/// What is an entry of a calendar.
const ENTRIES: [&str; 5] = ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "AVAILABLE"];
const END: &str = "END:VCALENDAR";

/// Whether a file begins with this line, in capitals or not.
pub(super) fn begins(bytes: &[u8], line: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    bytes.get(..line.len()).is_some_and(|start| start.eq_ignore_ascii_case(line))
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    let entries = components(&text, &ENTRIES);
    let last = text.trim_end().lines().next_back();
    if entries.is_empty() && last.is_some_and(|last| last.eq_ignore_ascii_case(END)) {
        output.problem(ProblemKind::NoText, None, "has no entries");
        return Ok(());
    }
    documents(&entries, document, output)
}

/// One document for each component; the only one is the file itself.
pub(super) fn documents(
    components: &[Component],
    document: fn(&Component) -> Document,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    if components.is_empty() {
        return Err(Error::new(ErrorKind::Malformed, "has no complete entry"));
    }
    for (number, component) in (1..).zip(components) {
        let mut document = document(component);
        let name = &output.name;
        document.id = if components.len() == 1 { name.clone() } else { format!("{name}#{number}") };
        if document.title.is_empty() {
            file_name(name).clone_into(&mut document.title);
        }
        let (first, last) = (component.first_line, component.last_line);
        document.locations = Locations::Fixed(Location::Lines { first, last });
        if output.document(document).is_break() {
            break;
        }
    }
    Ok(())
}

fn document(event: &Component) -> Document {
    let mut document = Document::new("", "");
    let mut lines: Vec<String> = Vec::new();
    let mut description = String::new();
    for field in &event.fields {
        let label = match field.name.as_str() {
            "SUMMARY" => {
                document.title = field.text();
                continue;
            }
            "DESCRIPTION" => {
                description = field.text();
                continue;
            }
            "DTSTART" => {
                document.metadata.insert("date".to_owned(), field.time().into());
                lines.push(format!("Start: {}", time(field)));
                continue;
            }
            "DTEND" | "DUE" => {
                let label = if field.name == "DUE" { "Due" } else { "End" };
                lines.push(format!("{label}: {}", time(field)));
                continue;
            }
            "ORGANIZER" => "Organizer",
            "ATTENDEE" => "Attendee",
            "LOCATION" => "Location",
            "CATEGORIES" => "Categories",
            "COMMENT" => "Comment",
            "URL" => "URL",
            "STATUS" => "Status",
            "FREEBUSY" => "Busy",
            _ => continue,
        };
        let value = person(field);
        if !value.is_empty() {
            if matches!(field.name.as_str(), "ORGANIZER" | "LOCATION") {
                document.metadata.insert(label.to_ascii_lowercase(), value.clone().into());
            }
            lines.push(format!("{label}: {value}"));
        }
    }
    if !document.title.is_empty() {
        lines.insert(0, document.title.clone());
    }
    if !description.is_empty() {
        lines.push(format!("\n{description}"));
    }
    document.text = lines.join("\n");
    document
}

/// The time, and the zone that it is in.
fn time(field: &Field) -> String {
    match field.parameter("TZID") {
        Some(zone) => format!("{} {zone}", field.time()),
        None => field.time(),
    }
}

/// `Ada Lovelace <ada@example.org>` for somebody who is written `CN="Ada Lovelace":mailto:ada@example.org`.
fn person(field: &Field) -> String {
    let text = field.text();
    let is_address = text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
    let address = if is_address { &text[7..] } else { text.as_str() };
    match field.parameter("CN").filter(|name| *name != address) {
        Some(name) if is_address => format!("{name} <{address}>"),
        Some(name) => name.to_owned(),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Input, ProblemKind, collect};

    #[test]
    fn an_invitation_tells_when_where_and_who() {
        let event = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Budget\nDTSTART;TZID=Europe/Berlin:20240531T090000\nDTEND:20240531T080000Z\nLOCATION:Room 4\nORGANIZER;CN=\"Lovelace, Ada\":mailto:ada@x.org\nATTENDEE;CN=bob@x.org:MAILTO:bob@x.org\nDESCRIPTION:Bring\\nnumbers\nEND:VEVENT\nEND:VCALENDAR\n";
        let found = collect(Input::bytes("a.ics", event.as_bytes())).unwrap();
        let document = &found.documents[0];
        assert_eq!((document.id.as_str(), document.title.as_str()), ("a.ics", "Budget"));
        assert_eq!(
            document.text,
            "Budget\nStart: 2024-05-31T09:00:00 Europe/Berlin\nEnd: 2024-05-31T08:00:00Z\nLocation: Room 4\nOrganizer: Lovelace, Ada <ada@x.org>\nAttendee: bob@x.org\n\nBring\nnumbers"
        );
        assert_eq!(document.metadata["date"].to_string(), "2024-05-31T09:00:00");
    }

    #[test]
    fn events_of_a_calendar_are_documents() {
        let event = "BEGIN:VEVENT\nSUMMARY:a\nEND:VEVENT\n".repeat(2);
        let text = format!("BEGIN:VCALENDAR\n{event}END:VCALENDAR\n");
        let found = collect(Input::bytes("c", text.as_bytes())).unwrap();
        let ids: Vec<_> = found.documents.iter().map(|d| d.id.as_str()).collect();
        assert_eq!(ids, ["c#1", "c#2"]);
        assert!(collect(Input::bytes("c", b"BEGIN:VCALENDAR\nVERSION:2")).is_err());
    }

    #[test]
    fn when_somebody_has_time_is_an_entry_and_a_calendar_without_any_has_no_text() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VAVAILABILITY\nBEGIN:AVAILABLE\nSUMMARY:Mornings\nLOCATION:Lab\nEND:AVAILABLE\n\
                    END:VAVAILABILITY\nBEGIN:VFREEBUSY\nCOMMENT:On leave\nEND:VFREEBUSY\nEND:VCALENDAR\n";
        let found = collect(Input::bytes("c", text.as_bytes())).unwrap();
        let texts: Vec<_> = found.documents.iter().map(|d| d.text.as_str()).collect();
        assert_eq!(texts, ["Mornings\nLocation: Lab", "Comment: On leave"]);
        let found = collect(Input::bytes("c", b"begin:vcalendar\nend:vcalendar")).unwrap();
        assert!(found.documents.is_empty() && found.problems[0].kind == ProblemKind::NoText);
    }
}
