//! The lines of calendars and address cards (RFC 5545, RFC 6350): `NAME;PARAMETER=x:value`, continued on lines that
//! begin with a space. In: a text. Out: the fields of each component, such as an event or a card.

/// A field.
pub(super) struct Field {
    /// The line on which it begins.
    line: u32,
    /// In capitals, without a group (`item1.EMAIL`).
    pub(super) name: String,
    parameters: String,
    value: String,
}

/// An event, a task, a card.
pub(super) struct Component {
    pub(super) first_line: u32,
    pub(super) last_line: u32,
    pub(super) fields: Vec<Field>,
}

impl Field {
    fn parse(line: u32, text: &str) -> Option<Self> {
        let mut quoted = false;
        let colon = text.find(|c: char| {
            quoted ^= c == '"';
            c == ':' && !quoted
        })?;
        let (head, value) = (&text[..colon], &text[colon + 1..]);
        let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
        let name = name.rsplit('.').next().unwrap_or(name).trim().to_ascii_uppercase();
        Some(Self { line, name, parameters: parameters.to_owned(), value: value.to_owned() })
    }

    /// The value as text: `\n`, `\,` and `\;` are how line ends and separators are written.
    pub(super) fn text(&self) -> String {
        if self.parameters.to_ascii_uppercase().contains("QUOTED-PRINTABLE") {
            return quoted_printable(&self.value);
        }
        let mut text = String::with_capacity(self.value.len());
        let mut characters = self.value.chars();
        while let Some(c) = characters.next() {
            match c {
                '\\' => match characters.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(other) => text.push(other),
                    None => {}
                },
                c => text.push(c),
            }
        }
        text.trim().to_owned()
    }

    /// A value of several parts, such as a postal address, as people write it.
    pub(super) fn joined(&self) -> String {
        let text = self.text();
        let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(", ")
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.split(';').find_map(|parameter| {
            let (key, value) = parameter.split_once('=')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"'))
        })
    }

    /// A time as ISO 8601: `2024-05-31`, `2024-05-31T09:00:00Z`; as written if it is something else.
    pub(super) fn time(&self) -> String {
        let value = self.value.trim();
        let is_digits =
            |range| value.get(range).is_some_and(|d: &str| d.bytes().all(|b| b.is_ascii_digit()));
        if !is_digits(0..8) {
            return value.to_owned();
        }
        let date = format!("{}-{}-{}", &value[..4], &value[4..6], &value[6..8]);
        if value.as_bytes().get(8) != Some(&b'T') || !is_digits(9..15) {
            return date;
        }
        let zone = if value.ends_with('Z') { "Z" } else { "" };
        format!("{date}T{}:{}:{}{zone}", &value[9..11], &value[11..13], &value[13..15])
    }
}

fn quoted_printable(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        if let Some(byte) = byte.filter(|_| *first == b'=') {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    crate::text::decode::decode_text(&bytes).trim().to_owned()
}

/// The components of these kinds, without those inside them, such as the alarm of an event.
pub(super) fn components(text: &str, kinds: &[&str]) -> Vec<Component> {
    let mut found: Vec<Component> = Vec::new();
    let (mut open, mut inner) = (false, 0u32);
    for field in fields(text) {
        let kind = field.value.trim().to_ascii_uppercase();
        let is_kind = kinds.contains(&kind.as_str());
        match (field.name.as_str(), open) {
            ("BEGIN", false) if is_kind => {
                open = true;
                inner = 0;
                found.push(Component {
                    first_line: field.line,
                    last_line: field.line,
                    fields: Vec::new(),
                });
            }
            ("BEGIN", true) => inner += 1,
            ("END", true) if inner == 0 => {
                open = false;
                if let Some(last) = found.last_mut() {
                    last.last_line = field.line;
                }
            }
            ("END", true) => inner -= 1,
            (_, true) if inner == 0 => {
                if let Some(last) = found.last_mut() {
                    last.last_line = field.line;
                    last.fields.push(field);
                }
            }
            _ => {}
        }
    }
    found
}

/// The fields of a text, joined where they are continued.
fn fields(text: &str) -> Vec<Field> {
    let mut found: Vec<(u32, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        match found.last_mut() {
            Some((_, last)) if is_continued(last) => {
                last.pop();
                last.push_str(line);
            }
            Some((_, last)) if line.starts_with([' ', '\t']) => last.push_str(&line[1..]),
            _ if line.trim().is_empty() => {}
            _ => found.push((number, line.to_owned())),
        }
    }
    found.iter().filter_map(|(line, text)| Field::parse(*line, text)).collect()
}

/// Old address cards are written in quoted-printable, whose lines continue after `=`.
fn is_continued(line: &str) -> bool {
    let head = &line[..line.floor_char_boundary(100)];
    line.ends_with('=') && head.to_ascii_uppercase().contains("QUOTED-PRINTABLE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_joined_unescaped_and_belong_to_their_component() {
        let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\\, wi\r\n th Ada\r\nDTSTART;TZID=\"Europe/Berlin\":20240531T090000\r\nBEGIN:VALARM\r\nSUMMARY:no\r\nEND:VALARM\r\nLOCATION:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let all = components(text, &["VEVENT"]);
        assert_eq!(all.len(), 1);
        let names: Vec<_> = all[0].fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["SUMMARY", "DTSTART", "LOCATION"]);
        assert_eq!(all[0].fields[0].text(), "Lunch, with Ada");
        assert_eq!(all[0].fields[1].time(), "2024-05-31T09:00:00");
        assert_eq!(all[0].fields[1].parameter("tzid"), Some("Europe/Berlin"));
        assert_eq!((all[0].first_line, all[0].last_line), (2, 10));
    }

    #[test]
    fn quoted_printable_values_continue_after_an_equals_sign() {
        let text =
            "BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen =\nM=C3=BCller\nEND:VCARD\n";
        assert_eq!(components(text, &["VCARD"])[0].fields[0].text(), "Jürgen Müller");
    }

    #[test]
    fn broken_and_hostile_lines_end() {
        for text in [
            "BEGIN:VEVENT\n".repeat(20_000),
            "BEGIN:VEVENT\nX".to_owned() + &"\n =".repeat(20_000),
            "END:VEVENT".to_owned(),
            "BEGIN:VEVENT\nA:\\".to_owned(),
        ] {
            let all = components(&text, &["VEVENT"]);
            assert!(all.len() <= 1);
        }
    }
}
