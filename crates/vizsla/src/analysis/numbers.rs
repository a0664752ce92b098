//! Numbers, which are written in many ways. In: a word of digits and what stands between them. Out: the form that its
//! ways to be written have in common, its beginnings, and where one word is several numbers.

use std::ops::Range;

/// Numbers of so many digits are told by them, however they are grouped: telephone numbers, ISBNs, dates.
const LONG: usize = 7;

/// What a number is without its grouping: `1000` for `1,000`, `1.000`, `1'000` and `1 000`, `1000.50` for `1.000,50`,
/// `1.50` for `1,50`, and `5551234567` for `555-123-4567`. `None` when it is the number itself, or no number.
///
/// Whether a point groups or begins decimals cannot be told in `1.234`: it is found as both.
pub(super) fn ungrouped(number: &str) -> Option<String> {
    let known = |byte: u8| byte.is_ascii_digit() || is_grouping(byte);
    if !number.bytes().all(known) || number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = || number.bytes().filter(u8::is_ascii_digit).map(char::from).collect::<String>();
    let (whole, decimals) = decimals(number);
    if has_groups(whole) {
        let end = decimals.map(|decimals| format!(".{decimals}")).unwrap_or_default();
        return Some(whole.chars().filter(char::is_ascii_digit).collect::<String>() + &end);
    }
    let grouping = number.bytes().filter(|byte| is_grouping(*byte)).count();
    let digits = digits();
    if grouping >= 2 && digits.len() >= LONG && !number.contains(',') {
        return Some(digits);
    }
    (grouping == 1 && number.contains(',')).then(|| number.replace(',', "."))
}

fn is_grouping(byte: u8) -> bool {
    matches!(byte, b',' | b'.' | b'\'' | b'_' | b'-' | b' ')
}

/// A number and its decimals, which come after a sign that is not the one between groups.
fn decimals(number: &str) -> (&str, Option<&str>) {
    let signs = || number.match_indices(|c: char| !c.is_ascii_digit());
    let (Some((_, first)), Some((at, last))) = (signs().next(), signs().next_back()) else {
        return (number, None);
    };
    match last {
        "," | "." if last != first => (&number[..at], Some(&number[at + 1..])),
        _ => (number, None),
    }
}

/// Whether a number is of groups of three digits, as in `1,000,000`, or of two before the last, as in `12,34,567`.
fn has_groups(number: &str) -> bool {
    let Some(sign) = number.bytes().find(|byte| !byte.is_ascii_digit()) else { return false };
    let groups: Vec<&str> = number.split(char::from(sign)).collect();
    let [first, middle @ .., last] = groups.as_slice() else { return false };
    let size = |group: &&str| group.len() == 3 || (group.len() == 2 && sign == b',');
    sign != b'-'
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()))
        && (1..=3).contains(&first.len())
        && *first != "0"
        && middle.iter().all(size)
        && last.len() == 3
}

/// A version or an address: a number with inner points, without the `v` that may stand before it.
pub(super) fn version(word: &str) -> Option<&str> {
    let bare = word.strip_prefix('v').unwrap_or(word);
    let version = bare.starts_with(|c: char| c.is_ascii_digit())
        && bare.contains('.')
        && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b','));
    version.then_some(bare)
}

/// The beginnings of a number in several groups, of two groups or more: `192.168` and `192.168.1` of `192.168.1.10`. The
/// year of a date in which it comes last is one of them.
pub(super) fn beginnings(number: &str, separator: char) -> Vec<String> {
    let ends = number.match_indices(separator).map(|(at, _)| at).skip(1);
    let mut beginnings: Vec<String> = ends.map(|end| number[..end].to_owned()).collect();
    let groups: Vec<&str> = number.split(separator).collect();
    if let [day, month, year] = groups.as_slice()
        && day.len() <= 2
        && month.len() <= 2
        && year.len() == 4
    {
        beginnings.push((*year).to_owned());
    }
    beginnings
}

/// Where a word of letters and digits has its only change from one to the other: `10|km`, `python|3.11`. Two letters or
/// more must come before a number, because `p53` and `v8` are names.
pub(super) fn border(word: &str) -> Option<usize> {
    let is_digit = |c: char| c.is_ascii_digit();
    let number = |part: &str| part.chars().all(|c| is_digit(c) || c == '.' || c == ',');
    let letters = |part: &str| part.chars().all(char::is_alphabetic);
    if word.starts_with(is_digit) {
        let at = word.find(char::is_alphabetic)?;
        return (number(&word[..at]) && letters(&word[at..])).then_some(at);
    }
    let at = word.find(is_digit)?;
    (letters(&word[..at]) && number(&word[at..]) && word[..at].chars().nth(1).is_some())
        .then_some(at)
}

/// Where one word is several numbers, these: those of a list such as `3,4,5`, or a date and a time (ISO 8601).
pub(super) fn separate(text: &str, word: Range<usize>) -> Vec<Range<usize>> {
    date_and_time(text, &word).unwrap_or_else(|| listed(text, word))
}

/// The day or date and the hour or time of `15T10` in `2026-01-15T10:00:01Z` and of `20260115T100001Z`, and the seconds of
/// `01Z`: the letters between them are no part of a number.
fn date_and_time(text: &str, word: &Range<usize>) -> Option<Vec<Range<usize>>> {
    let written = text[word.clone()].strip_suffix('Z').unwrap_or(&text[word.clone()]);
    let digits = |part: &str, lengths: &[usize]| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let before = text[..word.start].chars().next_back();
    let at = |part: &str, start: usize| start..start + part.len();
    if let Some((day, time)) = written.split_once('T') {
        let time_alone = time.split('.').next().unwrap_or(time);
        let is_moment = digits(day, &[2]) && before == Some('-') && digits(time_alone, &[2])
            || digits(day, &[8]) && digits(time_alone, &[4, 6]);
        return is_moment.then(|| vec![at(day, word.start), at(time, word.start + day.len() + 1)]);
    }
    let seconds = written.split('.').next().unwrap_or(written);
    let is_end = written.len() < word.len() && before == Some(':') && digits(seconds, &[2]);
    is_end.then(|| vec![at(written, word.start)])
}

/// The numbers of a list such as `3,4,5`, `1;2` or `52.52,13.40`; just the word, when it is none.
fn listed(text: &str, word: Range<usize>) -> Vec<Range<usize>> {
    let number = &text[word.clone()];
    let separates = |c: char| c == ',' || c == ';';
    let list = number.contains(separates)
        && number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b';' | b'.'))
        && (number.contains(';') || ungrouped(number).is_none());
    if !list {
        return vec![word];
    }
    let mut at = word.start;
    let parts = number.split(separates).map(|part| {
        let range = at..at + part.len();
        at = range.end + 1;
        range
    });
    parts.filter(|range| !range.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_all_ways_to_group() {
        for (number, expected) in [
            ("1,000", Some("1000")),
            ("1.000", Some("1000")),
            ("1'000", Some("1000")),
            ("1_000", Some("1000")),
            ("10 000", Some("10000")),
            ("1,000.50", Some("1000.50")),
            ("1.000,50", Some("1000.50")),
            ("1.234.567", Some("1234567")),
            ("12,34,567", Some("1234567")),
            ("1,50", Some("1.50")),
            ("555-123-4567", Some("5551234567")),
            ("2024-01-15", Some("20240115")),
            ("15.01.2024", Some("15012024")),
            ("978-3-16-148410-0", Some("9783161484100")),
            ("3.14", None),
            ("0.125", None),
            ("1.2.3", None),
            ("10-20", None),
            ("1000", None),
            ("v1.2", None),
            ("3,4,5", None),
        ] {
            assert_eq!(ungrouped(number).as_deref(), expected, "{number}");
        }
    }

    #[test]
    fn letters_and_numbers_have_one_border() {
        for (word, at) in [
            ("10km", Some(2)),
            ("3.5mm", Some(3)),
            ("20µg", Some(2)),
            ("python3.11", Some(6)),
            ("sha256", Some(3)),
            ("p53", None),
            ("h2o", None),
            ("3f78685", None),
            ("word", None),
            ("2024", None),
            ("log_2024", None),
        ] {
            assert_eq!(border(word), at, "{word}");
        }
    }

    #[test]
    fn a_date_and_a_time_are_two() {
        let parts = |text: &str, word: &str| -> Vec<String> {
            let start = text.find(word).unwrap();
            let found = separate(text, start..start + word.len()).into_iter();
            found.map(|range| text[range].to_owned()).collect()
        };
        assert_eq!(parts("2026-01-15T10:00:01Z", "15T10"), ["15", "10"]);
        assert_eq!(parts("2026-01-15T10:00:01Z", "01Z"), ["01"]);
        assert_eq!(parts("10:00:59Z", "59Z"), ["59"]);
        assert_eq!(parts("10:00:59.123Z", "59.123Z"), ["59.123"]);
        assert_eq!(parts("20260115T100001Z", "20260115T100001Z"), ["20260115", "100001"]);
        for word in ["15T10", "T10", "CD4T", "12T34A", "3Z"] {
            assert_eq!(parts(word, word), [word]);
        }
    }

    #[test]
    fn lists_are_several_numbers() {
        let parts = |text: &str| -> Vec<String> {
            listed(text, 0..text.len()).into_iter().map(|range| text[range].to_owned()).collect()
        };
        assert_eq!(parts("3,4,5"), ["3", "4", "5"]);
        assert_eq!(parts("1;2"), ["1", "2"]);
        assert_eq!(parts("52.52,13.40"), ["52.52", "13.40"]);
        assert_eq!(parts("1,000,000"), ["1,000,000"]);
        assert_eq!(parts("1,50"), ["1,50"]);
        assert_eq!(parts("word"), ["word"]);
    }
}
