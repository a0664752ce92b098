//! Values of options, from text.

use std::time::Duration;

pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim().to_uppercase();
    let digits = text.trim_end_matches("IB").trim_end_matches('B');
    let (number, shift) = match digits.chars().last() {
        Some('K') => (&digits[..digits.len() - 1], 10),
        Some('M') => (&digits[..digits.len() - 1], 20),
        Some('G') => (&digits[..digits.len() - 1], 30),
        _ => (digits, 0),
    };
    let number: u64 =
        number.trim().parse().map_err(|_| "give a number, optionally with K, M or G".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "that is too large".to_owned())
}

pub(super) fn parse_depth(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("give a whole number of at least 1".to_owned()),
        Ok(depth) => Ok(depth),
    }
}

pub(super) fn parse_k(text: &str) -> Result<f32, String> {
    text.parse()
        .ok()
        .filter(|k: &f32| k.is_finite() && *k >= 0.0)
        .ok_or_else(|| "give a number of at least 0".to_owned())
}

pub(super) fn parse_probability(text: &str) -> Result<f32, String> {
    text.parse()
        .ok()
        .filter(|p| (0.0..=1.0).contains(p))
        .ok_or_else(|| "give a number from 0 to 1".to_owned())
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok();
    parsed
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "give a time with its unit, such as 150ms or 2s".to_owned())
}

pub(super) fn parse_pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn parse_date(text: &str) -> Result<i64, String> {
    let utc = jiff::tz::TimeZone::UTC;
    let day = || utc.to_timestamp(text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0)).ok();
    let time = text.parse::<jiff::Timestamp>().ok().or_else(day);
    time.map(jiff::Timestamp::as_second).ok_or_else(|| {
        "give a day such as 2024-05-31 or a time such as 2024-05-31T12:00:00Z".to_owned()
    })
}
