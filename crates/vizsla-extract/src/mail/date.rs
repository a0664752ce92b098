//! When a message was sent. In: the value of a header. Out: the date, which is in UTC where no time zone is given.
//!
//! RFC 5322 says how programs write it; others write it as C, Unix or JavaScript do, with names in full, or as ISO 8601 says.

use mail_parser::DateTime;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Time zones that have names in RFC 5322, and those of Central Europe: hours before or behind UTC.
const ZONES: &[(&str, i8)] = &[
    ("edt", -4),
    ("est", -5),
    ("cdt", -5),
    ("cst", -6),
    ("mdt", -6),
    ("mst", -7),
    ("pdt", -7),
    ("pst", -8),
    ("bst", 1),
    ("cet", 1),
    ("cest", 2),
    ("met", 1),
    ("mest", 2),
    ("jst", 9),
];

/// Bytes of a header that are looked at.
const MOST_BYTES: usize = 1000;

/// What has been found of a date.
#[derive(Default)]
struct Found {
    year: Option<u16>,
    month: Option<u8>,
    day: Option<u8>,
    time: Option<[u8; 3]>,
    /// Minutes before or behind UTC.
    zone: Option<i32>,
}

/// The date that a header gives, if it is one.
pub(super) fn read(text: &str) -> Option<DateTime> {
    let mut found = Found::default();
    let text = without_comments(&text[..text.floor_char_boundary(MOST_BYTES)]);
    for word in text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty())
    {
        found.word(word);
    }
    let [hour, minute, second] = found.time?;
    let zone = found.zone.unwrap_or_default();
    let date = DateTime {
        year: found.year?,
        month: found.month?,
        day: found.day?,
        hour,
        minute,
        // The second that is put in now and then.
        second: second.min(59),
        tz_before_gmt: zone < 0,
        tz_hour: u8::try_from(zone.unsigned_abs() / 60).ok()?,
        tz_minute: (zone.unsigned_abs() % 60) as u8,
    };
    Some(date).filter(DateTime::is_valid)
}

impl Found {
    fn word(&mut self, word: &str) {
        let lower = word.to_ascii_lowercase();
        let zone =
            lower.strip_prefix("gmt").or_else(|| lower.strip_prefix("utc")).unwrap_or(&lower);
        if let Some(offset) = offset(zone) {
            self.zone = self.zone.or(Some(offset));
        } else if let Some((date, time)) =
            word.split_once(['T', 't']).filter(|_| word.matches('-').count() > 1)
        {
            self.word(date);
            self.word(time);
        } else if word.contains(':') {
            self.time(&lower);
        } else if let Some(parts) = parts(word) {
            parts.into_iter().for_each(|part| self.word(part));
        } else if let Ok(number) = word.parse::<u16>() {
            self.number(number, word.len());
        } else if let Some(month) = month(&lower) {
            self.month = self.month.or(Some(month));
        } else if let Some((_, hours)) = ZONES.iter().find(|(name, _)| *name == lower) {
            self.zone = self.zone.or(Some(i32::from(*hours) * 60));
        } else if let ("am" | "pm", Some([hour, ..])) = (lower.as_str(), &mut self.time) {
            *hour = *hour % 12 + if lower == "pm" { 12 } else { 0 };
        }
    }

    /// `10:00`, `10:00:30.5`, `10:00:30+02:00`, `10:00Z`.
    fn time(&mut self, word: &str) {
        let end = word
            .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.'))
            .unwrap_or(word.len());
        let (time, zone) = word.split_at(end);
        let mut numbers =
            time.split(':').map(|part| part.split('.').next().unwrap_or(part).parse().ok());
        if let (Some(Some(hour)), Some(Some(minute)), second) =
            (numbers.next(), numbers.next(), numbers.next())
        {
            self.time = self.time.or(Some([hour, minute, second.flatten().unwrap_or(0)]));
        }
        if !zone.is_empty() && (!zone.contains(':') || offset(zone).is_some()) {
            self.word(zone);
        }
    }

    /// A day comes before a year, if it has not come before the month.
    fn number(&mut self, number: u16, digits: usize) {
        match digits {
            1 | 2 if self.day.is_none() => self.day = u8::try_from(number).ok(),
            // RFC 5322, 4.3.
            2 => self.year = self.year.or(Some(if number < 50 { 2000 } else { 1900 } + number)),
            3 => self.year = self.year.or(Some(1900 + number)),
            4 => self.year = self.year.or(Some(number)),
            _ => {}
        }
    }
}

/// `27-Nov-2026` is three words, and so is `2026-11-27`, with the number of a month.
fn parts(word: &str) -> Option<[&str; 3]> {
    let mut parts = word.split('-');
    let [first, second, third] = [parts.next()?, parts.next()?, parts.next()?];
    let name = |number: &str| MONTHS.get(number.parse::<usize>().ok()?.checked_sub(1)?).copied();
    match parts.next() {
        None if first.len() == 4 => Some([first, name(second)?, third]),
        None if month(&second.to_ascii_lowercase()).is_some() => Some([first, second, third]),
        _ => None,
    }
}

/// The number of a month, by its name or the beginning of it.
fn month(lower: &str) -> Option<u8> {
    let name = lower.trim_end_matches('.');
    let at = MONTHS.iter().position(|month| name.len() >= 3 && month.starts_with(name))?;
    u8::try_from(at + 1).ok()
}

/// Minutes before or behind UTC: `+0200`, `-05:30`, `+2`, `z`, `gmt`.
fn offset(zone: &str) -> Option<i32> {
    if matches!(zone, "z" | "ut" | "") {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(both) => both,
        None => digits
            .split_at_checked(digits.len().saturating_sub(2))
            .filter(|_| digits.len() > 2)
            .unwrap_or((digits, "0")),
    };
    Some(
        sign * (i32::from(hours.parse::<u8>().ok()?) * 60 + i32::from(minutes.parse::<u8>().ok()?)),
    )
}

/// `10:00 +0100 (CET)`: what is in brackets is for people, and separates words.
fn without_comments(text: &str) -> String {
    let mut depth = 0usize;
    let shown = |c: char| {
        let before = depth;
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if before == 0 && depth == 0 { c } else { ' ' }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_however_they_are_written() {
        for (written, expected) in [
            ("Fri, 27 Nov 2026 10:00:00 +0100", "2026-11-27T10:00:00+01:00"),
            ("Fri Nov 27 10:00:00 2026", "2026-11-27T10:00:00Z"),
            ("Fri Nov  7 10:00:00 CET 2026", "2026-11-07T10:00:00+01:00"),
            (
                "Fri Nov 27 2026 10:00:00 GMT+0530 (India (Standard) Time)",
                "2026-11-27T10:00:00+05:30",
            ),
            ("Friday, November 27, 2026 10:00 AM", "2026-11-27T10:00:00Z"),
            ("Friday, 27 November 2026 12:05:09 pm -0800", "2026-11-27T12:05:09-08:00"),
            ("27-Nov-26 9:05", "2026-11-27T09:05:00Z"),
            ("Tuesday, 08-Feb-94 14:15:29 GMT", "1994-02-08T14:15:29Z"),
            ("8 Feb 126 14:15:29 UT", "2026-02-08T14:15:29Z"),
            ("2026-11-27T10:00:00Z", "2026-11-27T10:00:00Z"),
            ("2026-11-27 10:00:00.25 -05:00", "2026-11-27T10:00:00-05:00"),
            ("2026-11-27T10:00:00+02:00", "2026-11-27T10:00:00+02:00"),
            ("(sent) Fri, 27(th)Nov 2026 23:59:60 EDT", "2026-11-27T23:59:59-04:00"),
            ("1 Sept. 2026 10:00 Z", "2026-09-01T10:00:00Z"),
        ] {
            assert_eq!(
                read(written).map(|date| date.to_rfc3339()).as_deref(),
                Some(expected),
                "{written}"
            );
        }
        for none in [
            "",
            "soon",
            "10:00",
            "27 Nov 2026",
            "32 Nov 2026 10:00",
            "27 Nov 2026 25:00",
            "é:é -é ((",
            "+é -",
            "2026-99-01T1:1",
        ] {
            assert!(read(none).is_none(), "{none}");
        }
        assert!(read(&"2026-11-27T".repeat(100_000)).is_none());
    }
}
