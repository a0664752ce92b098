//! The value of a cell as people read it: dates by ISO 8601, after how the format of the cell shows them, percentages and currencies by the format of the cell.

use calamine::{Data, DataRef, ExcelDateTime};

use crate::office::grid::Cell;
use crate::office::number::{codes, number};
use crate::office::spreadsheet::days;

/// What a cell shows; nothing for one that is empty or has an error.
pub(super) fn cell(column: u32, value: &DataRef<'_>, format: Option<&str>) -> Option<Cell> {
    let format = format.unwrap_or("General");
    let text = match value {
        DataRef::String(text) => return text_cell(column, text),
        DataRef::SharedString(text) => return text_cell(column, text),
        DataRef::Int(value) => value.to_string(),
        DataRef::Float(value) => number(*value, format),
        DataRef::Bool(value) => (if *value { "TRUE" } else { "FALSE" }).to_owned(),
        DataRef::DateTime(value) => date(value, Some(format)),
        DataRef::DateTimeIso(value) => iso(value),
        DataRef::DurationIso(value) => value.clone(),
        DataRef::Error(_) | DataRef::Empty => return None,
    };
    Some(Cell { column, text, is_text: false })
}

/// As [`cell`], for the values of XLS: the formats of dates may not be known.
pub(super) fn plain_cell(column: u32, value: &Data, format: Option<&str>) -> Option<Cell> {
    let text = match value {
        Data::String(text) => return text_cell(column, text),
        Data::Int(value) => number(*value as f64, format.unwrap_or("General")),
        Data::Float(value) => number(*value, format.unwrap_or("General")),
        Data::DateTime(value) => date(value, format),
        Data::Bool(value) => (if *value { "TRUE" } else { "FALSE" }).to_owned(),
        Data::DateTimeIso(value) => iso(value),
        Data::DurationIso(value) => value.clone(),
        Data::Error(_) | Data::Empty => return None,
    };
    Some(Cell { column, text, is_text: false })
}

fn text_cell(column: u32, text: &str) -> Option<Cell> {
    let text = text.replace("_x000D_", "");
    let text = text.trim();
    (!text.is_empty()).then(|| Cell { column, text: text.to_owned(), is_text: true })
}

/// A date without a time, if that is midnight.
fn iso(value: &str) -> String {
    value.strip_suffix("T00:00:00").unwrap_or(value).to_owned()
}

fn date(value: &ExcelDateTime, format: Option<&str>) -> String {
    let serial = value.as_f64();
    if value.is_duration() {
        let seconds = (serial * 86_400.0).round();
        let sign = if seconds < 0.0 { "-" } else { "" };
        let seconds = seconds.abs() as u64;
        return format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
    // Times are stored a millisecond off.
    let second = u32::from(second) + u32::from(milli >= 500);
    let mut time = u32::from(hour) * 3600 + u32::from(minute) * 60 + second;
    time = time.min(86_399);
    let time = format!("{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60);
    let lower = format.map(codes).unwrap_or_default();
    let has_day = lower.contains(['d', 'y']) || lower.contains("mmm");
    if (0.0..1.0).contains(&serial) && !has_day
        || !has_day && format.is_some() && lower.contains('h')
    {
        return time;
    }
    let shown = format.and_then(|format| days::shown((year, month, day), format));
    let day = format!("{year:04}-{month:02}-{day:02}");
    let moment = if time == "00:00:00" { day } else { format!("{day} {time}") };
    // What people see, and what they may look for without knowing how it looks.
    shown.map_or(moment.clone(), |shown| format!("{shown} ({moment})"))
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    fn shown(value: &DataRef<'_>, format: &str) -> String {
        cell(1, value, Some(format)).unwrap().text
    }

    #[test]
    fn numbers_are_written_by_their_format() {
        for (value, format, expected) in [
            (0.1 + 0.2, "General", "0.3"),
            (1_234_567.0, "#,##0", "1234567"),
            (0.155, "0.0%", "15.5%"),
            (0.07, "0%;[Red]-0%", "7%"),
            (0.5, "0.0\"%\"", "0.5%"),
            (-1234.5, "\"$\"#,##0.00;[Red]-\"$\"#,##0.00", "-$1234.50"),
            (-1234.5, "_(\"$\"* #,##0.00_);_(\"$\"* (#,##0.00)", "-$1234.50"),
            (-99.0, "[$£-809]#,##0", "-£99"),
            (-0.25, "0%", "-25%"),
            (5.0, "0\" pcs\"", "5 pcs"),
            (-2.0, "0.0\\ \"km\"", "-2.0 km"),
            (3.0, "General\" items\"", "3 items"),
            (7.0, "\"No. \"000", "No. 007"),
            (20.0, "0.0°", "20.0°"),
            (9.0, "[$USD] #,##0.00", "USD 9.00"),
            (1_500_000.0, "$0.0,,\"M\"", "$1500000"),
            (123_456_789.0, "000-00-0000", "123456789"),
            (0.5, "# ?/?", "0.5"),
            (5.0, "[<10]0\" low\";0\" high\"", "5"),
            (5.0, "\"a;b\"0", "a;b5"),
            (7.0, "00000", "00007"),
            (12.5, "\"$\"#,##0.00", "$12.50"),
            (12.5, "#,##0.00 [$€-407]", "12.50 €"),
            (12.5, "[$-409]0.00", "12.50"),
            (199.9, "#,##0.00;[Red]-#,##0.00", "199.90"),
            (-1234.5, "_-* #,##0.00_-", "-1234.50"),
            (2.0 / 3.0, "0.00", "0.67"),
            (1.005, "0.00", "1.01"),
            (0.125, "0.00", "0.13"),
            (-0.001, "0.00", "0.00"),
            (0.375, "0.00%", "37.50%"),
            (1.5, "0.0##", "1.5"),
            (1.23456, "0.0##", "1.235"),
            (2.0, "0.##", "2"),
            (1234.5, "#,##0", "1234.5"),
            (1_234_500.0, "0.0,,", "1234500"),
            (1_234_500.0, "0.00E+00", "1234500"),
            (1_234_500.0, "0.00E+00\" N\"", "1234500 N"),
            (1e300, "0.00", "1e300"),
            (-0.0, "General", "0"),
            (1e300, "General", "1e300"),
        ] {
            assert_eq!(shown(&DataRef::Float(value), format), expected, "{format}");
        }
    }

    #[test]
    fn dates_times_and_durations_are_written_by_iso_8601() {
        let at = |serial: f64, kind| DataRef::DateTime(ExcelDateTime::new(serial, kind, false));
        let date = |serial, format| shown(&at(serial, ExcelDateTimeType::DateTime), format);
        assert_eq!(date(42_379.0, "dd/mm/yyyy"), "10/01/2016 (2016-01-10)");
        assert_eq!(date(42_379.75, "d mmm yyyy h:mm"), "10 Jan 2016 (2016-01-10 18:00:00)");
        assert_eq!(date(42_379.0, "mm-dd-yy"), "2016-01-10");
        assert_eq!(date(42_379.75, "m/d/yy h:mm"), "2016-01-10 18:00:00");
        assert_eq!(date(0.5, "h:mm AM/PM"), "12:00:00");
        assert_eq!(date(42_379.5, "[$-F400]h:mm"), "12:00:00");
        assert_eq!(shown(&at(1.5, ExcelDateTimeType::TimeDelta), "[h]:mm"), "36:00:00");
        assert_eq!(
            shown(&DataRef::DateTimeIso("2016-01-10T00:00:00".into()), "General"),
            "2016-01-10"
        );
    }

    #[test]
    fn errors_and_blanks_show_nothing() {
        assert!(cell(1, &DataRef::Error(calamine::CellErrorType::NA), None).is_none());
        assert!(cell(1, &DataRef::String(" \n".into()), None).is_none());
        assert_eq!(shown(&DataRef::Bool(true), "General"), "TRUE");
    }
}
