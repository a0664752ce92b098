//! Front matter: the lines at the top of a text that say what it is, in YAML between `---` or in TOML between `+++`.

use saphyr_parser::{Event, Parser, ScalarStyle};
use vizsla_core::{Metadata, MetadataValue};

use crate::output::Output;
use crate::sink::ProblemKind;

/// Front matter is not longer than this. What is deeper than that is left out.
const MOST_BYTES: usize = 64 << 10;
const DEEPEST: usize = 8;

/// What a text says about itself.
#[derive(Default)]
pub(crate) struct FrontMatter {
    pub(crate) title: Option<String>,
    /// Its description and the other fields that have words, so that they are found too: texts of a line, each with the
    /// number of its line.
    pub(crate) told: Vec<(String, u32)>,
    /// All other fields.
    pub(crate) metadata: Metadata,
    /// Where the text itself begins.
    pub(crate) end: usize,
}

/// Reads the front matter of a text. One that is invalid stays part of the text.
pub(crate) fn read(text: &str, output: &mut Output<'_>) -> FrontMatter {
    let Some((mark, inner, end)) = delimited(text) else { return FrontMatter::default() };
    let fields = if mark == "---" { yaml(inner) } else { toml(inner) };
    match fields {
        Some(fields) => FrontMatter { end, ..described(fields, inner) },
        // A rule at the top, and another one below, is no front matter.
        None if has_field(inner) => {
            let message = "has front matter that is invalid and was read as text";
            output.problem(ProblemKind::OtherFormat, None, message);
            let title = inner.lines().find_map(|line| line.strip_prefix("title:"));
            let title = title.map(|title| title.trim().trim_matches(['"', '\'']).to_owned());
            FrontMatter { title: title.filter(|title| !title.is_empty()), ..Default::default() }
        }
        None => FrontMatter::default(),
    }
}

/// The delimiter, what is between it and its repetition, and where the text after that begins.
fn delimited(text: &str) -> Option<(&'static str, &str, usize)> {
    let text = &text[..text.floor_char_boundary(MOST_BYTES)];
    let mark = if text.starts_with("---") { "---" } else { "+++" };
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().filter(|line| line.trim_end() == mark)?;
    let mut at = first.len();
    for line in lines {
        let end = at + line.len();
        if line.trim_end() == mark || mark == "---" && line.trim_end() == "..." {
            return Some((mark, &text[first.len()..at], end));
        }
        at = end;
    }
    None
}

/// Whether the first line that says something is a field.
fn has_field(inner: &str) -> bool {
    let mut lines = inner.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let first = lines.next().unwrap_or_default();
    let key = first.split([':', '=']).next().unwrap_or_default().trim_end();
    key.len() < first.trim_end().len()
        && !key.is_empty()
        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// The fields of a YAML mapping.
fn yaml(inner: &str) -> Option<Metadata> {
    if inner.trim().is_empty() {
        return Some(Metadata::new());
    }
    let mut open: Vec<MetadataValue> = Vec::new();
    let mut keys: Vec<Option<String>> = Vec::new();
    let mut too_deep = 0usize;
    for event in Parser::new_from_str(inner) {
        let (event, _) = event.ok()?;
        let done = match event {
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() >= DEEPEST => {
                too_deep += 1;
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd if too_deep > 0 => {
                too_deep -= 1;
                continue;
            }
            _ if too_deep > 0 => continue,
            Event::MappingStart(..) => {
                open.push(MetadataValue::Map(Metadata::new()));
                keys.push(None);
                continue;
            }
            Event::SequenceStart(..) => {
                open.push(MetadataValue::List(Vec::new()));
                keys.push(None);
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                keys.pop();
                open.pop()?
            }
            Event::Scalar(text, style, ..) => scalar(&text, style),
            // What an alias stands for is elsewhere already.
            Event::Alias(_) => MetadataValue::from(""),
            _ => continue,
        };
        match (open.last_mut(), keys.last_mut()) {
            (Some(MetadataValue::List(list)), _) => list.push(done),
            (Some(MetadataValue::Map(map)), Some(key)) => match key.take() {
                Some(key) => drop(map.insert(key, done)),
                None => *key = Some(done.to_string()),
            },
            // The outermost value: no front matter if it is no mapping.
            _ => {
                return if let MetadataValue::Map(map) = done { Some(map) } else { None };
            }
        }
    }
    None
}

fn scalar(text: &str, style: ScalarStyle) -> MetadataValue {
    if style != ScalarStyle::Plain {
        return MetadataValue::from(text.trim_end());
    }
    match text {
        "true" | "True" => true.into(),
        "false" | "False" => false.into(),
        "~" | "null" => "".into(),
        _ => text.parse::<i64>().map_or_else(|_| text.into(), MetadataValue::from),
    }
}

fn toml(inner: &str) -> Option<Metadata> {
    let table: toml::Table = inner.parse().ok()?;
    Some(table.into_iter().map(|(key, value)| (key, from_toml(value))).collect())
}

/// As deep as the parser of TOML allows.
fn from_toml(value: toml::Value) -> MetadataValue {
    match value {
        toml::Value::String(text) => text.trim_end().into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => MetadataValue::Float(number),
        toml::Value::Boolean(value) => value.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(list) => MetadataValue::List(list.into_iter().map(from_toml).collect()),
        toml::Value::Table(table) => {
            let values = table.into_iter().map(|(key, value)| (key, from_toml(value)));
            MetadataValue::Map(values.collect())
        }
    }
}

/// Gives the fields the names that they have in all formats.
fn described(fields: Metadata, inner: &str) -> FrontMatter {
    let mut found = FrontMatter::default();
    let mut description = None;
    for (key, value) in fields {
        let line = line_of(&key, inner);
        let has_words = has_words(&value);
        let all = on_one_line(&said(&value));
        let value = plain(value);
        let text = on_one_line(&value.to_string());
        if text.is_empty() {
            continue;
        }
        let name = match key.to_lowercase().as_str() {
            "title" => {
                found.title = Some(text);
                continue;
            }
            "description" | "summary" | "abstract" | "excerpt" => {
                description.get_or_insert_with(|| (text.clone(), line));
                found.metadata.entry("description".to_owned()).or_insert(value);
                continue;
            }
            "author" | "authors" => "author".to_owned(),
            "date" | "published" | "created" => {
                found.metadata.entry("date".to_owned()).or_insert_with(|| iso_date(&text).into());
                continue;
            }
            "tags" | "tag" => "tags".to_owned(),
            "lang" | "language" => {
                found.metadata.entry("language".to_owned()).or_insert(value);
                continue;
            }
            _ => key,
        };
        if has_words {
            found.told.push((format!("{name}: {all}"), line));
        }
        found.metadata.entry(name).or_insert(value);
    }
    found.told.sort_by_key(|(_, line)| *line);
    // What it says in short comes first.
    found.told.splice(0..0, description);
    found
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What people read in a value: of one with a name, as of an author, the name and what else is said.
fn said(value: &MetadataValue) -> String {
    let all = |values: Vec<&MetadataValue>| {
        values
            .into_iter()
            .map(said)
            .filter(|value| !value.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match value {
        MetadataValue::List(values) => all(values.iter().collect()),
        MetadataValue::Map(values) if values.contains_key("name") => {
            let others = values.iter().filter(|(key, _)| *key != "name").map(|(_, value)| value);
            all(values.get("name").into_iter().chain(others).collect())
        }
        value => value.to_string(),
    }
}

/// The line of the text on which a field begins.
fn line_of(key: &str, inner: &str) -> u32 {
    let is_field = |line: &str| {
        let name = line.trim_start_matches(['[', '"', '\'', ' ']).strip_prefix(key);
        name.is_some_and(|rest| {
            rest.trim_start_matches(['"', '\'', ' ']).starts_with([':', '=', ']'])
        })
    };
    inner.lines().position(is_field).map_or(1, |at| at as u32 + 2)
}

fn has_words(value: &MetadataValue) -> bool {
    match value {
        MetadataValue::Text(text) => text.contains(char::is_alphabetic),
        MetadataValue::List(values) => values.iter().any(has_words),
        MetadataValue::Map(values) => values.values().any(has_words),
        _ => false,
    }
}

/// A named value, as of an author, is its name.
fn plain(value: MetadataValue) -> MetadataValue {
    match value {
        MetadataValue::Map(mut values) => {
            values.remove("name").unwrap_or(MetadataValue::Map(values))
        }
        MetadataValue::List(values) => MetadataValue::List(values.into_iter().map(plain).collect()),
        value => value,
    }
}

/// `2024-05-06 07:08:09 +0200`, as YAML has it, in ISO 8601.
fn iso_date(text: &str) -> String {
    let is_date =
        text.len() > 10 && text.as_bytes()[..10].iter().all(|b| b.is_ascii_digit() || *b == b'-');
    if !is_date {
        return text.to_owned();
    }
    text.replacen(' ', "T", 1).replace(' ', "")
}

#[cfg(test)]
mod tests {
    use crate::{Document, Extracted, Input, collect};

    fn found(text: &str) -> Extracted {
        collect(Input::bytes("n.md", text.as_bytes())).unwrap()
    }

    fn document(text: &str) -> Document {
        found(text).documents.remove(0)
    }

    #[test]
    fn titles_are_values_of_yaml_or_toml() {
        for (front, title) in [
            ("title: \"A: b\"  # x\n", "A: b"),
            ("title: 'It''s'\r\nother: 1\r\n", "It's"),
            ("Title: >\n  Two\n  lines\n", "Two lines"),
            ("# a comment\ntitle: |-\n  Literal\n", "Literal"),
            ("title: 2024\n", "2024"),
            ("rank: 7\ntitle: Last\n", "Last"),
        ] {
            for end in ["---", "..."] {
                let text = format!("---\n{front}{end}\n# H\nbody");
                let document = document(&text);
                assert_eq!((document.title.as_str(), document.text.as_str()), (title, "# H\nbody"));
            }
        }
        let document = document(
            "+++\r\ntitle = \"T\"\r\ndate = 2024-05-06\r\n[extra]\r\na = 1\r\n+++\r\nbody",
        );
        assert_eq!((document.title.as_str(), document.text.as_str()), ("T", "body"));
        assert_eq!(document.metadata["date"].to_string(), "2024-05-06");
    }

    #[test]
    fn fields_are_metadata_and_their_words_are_found() {
        let document = document(
            "---\nauthors:\n- name: Ann\n  mail: a@x.org\n- Bob\ndate: 2024-05-06 07:08:09 +0200\ntags: [a, b]\nsummary: In short\ndraft: false\n---\n\nbody\n",
        );
        assert_eq!(document.metadata["author"].to_string(), "Ann, Bob");
        assert_eq!(document.metadata["date"].to_string(), "2024-05-06T07:08:09+0200");
        assert_eq!(document.metadata["tags"].to_string(), "a, b");
        assert_eq!(document.text, "In short\nauthor: Ann, a@x.org, Bob\ntags: a, b\n\n\nbody\n");
        let lines = &document.locations;
        assert_eq!(*lines, vizsla_core::Locations::LineMap(vec![8, 2, 7, 7, 11, 12]));
        let noted = self::document("---\nNote: this page is old.\n---\nbody");
        assert_eq!(noted.text, "Note: this page is old.\n\nbody");
    }

    #[test]
    fn what_is_no_front_matter_stays() {
        for text in [
            "---\nA rule above.\n\n---\nand below",
            "---\ntitle: never ends\n",
            "--- a\n",
            "---\n- a\n---\n",
        ] {
            let found = found(text);
            assert_eq!(found.documents[0].text, text);
            assert!(found.problems.is_empty(), "{text}");
        }
        let broken = found("---\ntitle: A: b: c\n---\nbody");
        assert_eq!((broken.problems.len(), broken.documents[0].title.as_str()), (1, "A: b: c"));
        assert!(broken.documents[0].text.starts_with("---"));
    }

    #[test]
    fn hostile_front_matter_ends() {
        let laughs: String =
            (1..30).map(|i| format!("a{i}: &a{i} [*a{0}, *a{0}]\n", i - 1)).collect();
        for inner in [
            "[".repeat(50_000),
            "- ".repeat(30_000),
            "a:\n ".repeat(9_000),
            laughs,
            "{a: ".repeat(10_000),
        ] {
            let text = format!("---\ntitle: t\nx: {inner}\n---\nbody");
            assert!(document(&text).text.ends_with("body"));
        }
    }
}
