//! Moments as people name them. In: text, and the time it is. Out: seconds since 1970; days are those of local time.

use jiff::civil::Date;
use jiff::{Span, ZonedDateTime};

/// Text that names no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseMomentError;

impl std::error::Error for ParseMomentError {}

impl std::fmt::Display for ParseMomentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "give a day such as 2024-05-31, yesterday or 2024-05, a while ago such as 7d or 2w, or a time such as \
             2024-05-31T12:00:00Z",
        )
    }
}

/// The moment, in seconds since 1970, that people mean by `today`, `yesterday`, `7d` (`min`, `h`, `d`, `w`, `month`,
/// `y`: that long ago), `2024`, `2024-05`, `2024-05-31` (when that began, in local time) or `2024-05-31T12:00:00Z`;
/// what [`Filter::with_modified`](crate::Filter::with_modified) takes.
///
/// # Errors
/// When the text is none of these.
pub fn parse_moment(text: &str) -> Result<i64, ParseMomentError> {
    moment(text.trim(), &ZonedDateTime::now()).ok_or(ParseMomentError)
}

fn moment(text: &str, now: &ZonedDateTime) -> Option<i64> {
    let start_of = |day: Date| now.time_zone().to_timestamp(day.at(0, 0, 0, 0)).ok();
    let today = now.date();
    let moment = match text {
        "today" => start_of(today),
        "yesterday" => start_of(today.yesterday().ok()?),
        _ => None,
    };
    moment
        .or_else(|| text.parse().ok())
        .or_else(|| start_of(day(text)?))
        .or_else(|| Some(now.checked_sub(while_ago(text)?).ok()?.timestamp()))
        .map(jiff::Timestamp::as_second)
}

/// A day, or the first one of a month or year.
fn day(text: &str) -> Option<Date> {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    if !matches!(lengths.as_slice(), [4] | [4, 2]) {
        return text.parse().ok();
    }
    let month = parts.get(1).map_or(Some(1), |month| month.parse().ok())?;
    Date::new(parts.first()?.parse().ok()?, month, 1).ok()
}

/// A number with a unit, such as `7d`.
fn while_ago(text: &str) -> Option<Span> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (number, span) = (number.parse::<i64>().ok()?, Span::new());
    match unit.trim() {
        "min" => span.try_minutes(number),
        "h" | "hour" | "hours" => span.try_hours(number),
        "d" | "day" | "days" => span.try_days(number),
        "w" | "week" | "weeks" => span.try_weeks(number),
        "month" | "months" => span.try_months(number),
        "y" | "year" | "years" => span.try_years(number),
        _ => return None,
    }
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_days_months_whiles_and_times() {
        let now: ZonedDateTime = "2026-03-15T12:30:00[UTC]".parse().unwrap();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
        for (text, expected) in [
            ("today", "2026-03-15T00:00:00Z"),
            ("yesterday", "2026-03-14T00:00:00Z"),
            ("7d", "2026-03-08T12:30:00Z"),
            ("2w", "2026-03-01T12:30:00Z"),
            ("3h", "2026-03-15T09:30:00Z"),
            ("1y", "2025-03-15T12:30:00Z"),
            ("2026", "2026-01-01T00:00:00Z"),
            ("2026-02", "2026-02-01T00:00:00Z"),
            ("2026-02-05", "2026-02-05T00:00:00Z"),
            ("2026-02-05T06:00:00Z", "2026-02-05T06:00:00Z"),
        ] {
            assert_eq!(moment(text, &now), Some(at(expected)), "{text}");
        }
        for text in ["", "d", "7", "7x", "2026-13", "2026-02-30", "tomorrowish", "99999999999y"] {
            assert_eq!(moment(text, &now), None, "{text}");
        }
    }
}
