//! What an RTF document says of itself. In: the texts of its group `\info`. Out: its title and metadata.

use std::collections::HashMap;

use vizsla_core::Document;

/// The properties that become metadata, by the words of RTF.
const PROPERTIES: &[(&str, &str)] =
    &[("author", "author"), ("subject", "subject"), ("keywords", "keywords"), ("creatim", "date")];

/// The title, if the document has one of its own.
pub(super) fn title(info: &HashMap<&'static str, String>) -> Option<String> {
    let title = info.get("title").map(|title| title.trim()).filter(|title| is_title(title));
    title.map(str::to_owned)
}

/// Adds the other properties.
pub(super) fn describe(document: &mut Document, info: &HashMap<&'static str, String>) {
    for (name, metadata) in PROPERTIES {
        let value = info.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        let value = if *name == "creatim" { value.and_then(date) } else { value };
        if let Some(value) = value {
            document.metadata.insert((*metadata).to_owned(), value.into());
        }
    }
}

/// A date that there is, without its hour where that has no minutes. Programs write zeros for one that they do not know.
fn date(written: &str) -> Option<&str> {
    let (day, time) = written.split_once('T').unwrap_or((written, ""));
    let mut numbers = day.split('-').map(|number| number.parse::<u32>().ok());
    let year = numbers.next()??;
    let month = numbers.next().unwrap_or(Some(1))?;
    let most = match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let is_day = (1..=most).contains(&numbers.next().unwrap_or(Some(1))?);
    let is_date = (1..=9999).contains(&year) && is_day && numbers.next().is_none();
    let is_time = time.split_once(':').is_some_and(|(hour, minute)| {
        let is_below = |number: &str, end| number.parse().is_ok_and(|number: u32| number < end);
        is_below(hour, 24) && is_below(minute, 60)
    });
    is_date.then_some(if is_time { written } else { day })
}

/// Whether a title is more than what a program puts in place of one.
fn is_title(title: &str) -> bool {
    let lower = title.to_lowercase();
    let is_file = [".rtf", ".doc", ".docx", ".txt"].iter().any(|end| lower.ends_with(end));
    !lower.is_empty()
        && !lower.starts_with("microsoft word")
        && !lower.starts_with("untitled")
        && !is_file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_there_are_not_are_none() {
        for (written, expected) in [
            ("2011-05-04T09:30", Some("2011-05-04T09:30")),
            ("2011-05-04T09", Some("2011-05-04")),
            ("2011-05-04T24:00", Some("2011-05-04")),
            ("2011-05", Some("2011-05")),
            ("2012-02-29", Some("2012-02-29")),
            ("2011-02-29", None),
            ("0000-00-00T00:00", None),
            ("2011-13-01", None),
            ("2011-04-31", None),
            ("-05-042011", None),
        ] {
            assert_eq!(date(written), expected, "{written}");
        }
    }
}
