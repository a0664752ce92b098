//! Formulas of an XLSX sheet whose values the file does not have: the programs that wrote them do not calculate. In: the
//! text of the sheet's part. Out: the formulas, by their cells.

use std::collections::HashMap;

use memchr::{memchr, memchr2, memmem};
use quick_xml::escape::unescape;

use crate::office::grid::Cell;

/// The formulas of a sheet that have no value.
#[derive(Default)]
pub(super) struct Formulas {
    /// Those that are written out, by row and column, from 1.
    by_cell: HashMap<(u32, u32), String>,
    /// How many there are, with those that only refer to another one.
    pub(super) count: usize,
}

impl Formulas {
    /// Those in a sheet; `position` tells row and column of a cell such as `AB12`.
    pub(super) fn of(sheet: &str, position: fn(&str) -> Option<(u32, u32)>) -> Self {
        let (mut formulas, mut before) = (Self::default(), 0);
        for at in memmem::find_iter(sheet.as_bytes(), b"<f") {
            let cell = sheet.get(before..at).and_then(|part| part.get(part.rfind("<c ")?..));
            before = at;
            let (Some(cell), Some(formula)) = (cell, sheet.get(at..).and_then(unvalued)) else {
                continue;
            };
            // A value that is an empty text has none to be seen.
            if cell.contains("t=\"str\"") {
                continue;
            }
            formulas.count += 1;
            let place = cell.split_once("r=\"").and_then(|(_, rest)| rest.split('"').next());
            let (Some(place), false) = (place.and_then(position), formula.is_empty()) else {
                continue;
            };
            let formula = unescape(formula).map_or_else(|_| formula.to_owned(), Into::into);
            formulas.by_cell.insert(place, format!("={formula}"));
        }
        formulas
    }

    /// What a cell shows that has one of them, both numbers from 1.
    pub(super) fn cell(&self, row: u32, column: u32) -> Option<Cell> {
        let text = self.by_cell.get(&(row, column))?.clone();
        Some(Cell { column, text, is_text: false })
    }
}

/// The text of the formula with which a part of a sheet begins, if its cell ends without a value.
fn unvalued(part: &str) -> Option<&str> {
    let part = part.strip_prefix("<f")?;
    // An attribute has no `<`, so that each byte is looked at once.
    let end = memchr2(b'<', b'>', part.as_bytes()).filter(|end| part[*end..].starts_with('>'))?;
    let (tag, rest) = (&part[..end], &part[end + 1..]);
    if !tag.is_empty() && !tag.starts_with([' ', '/']) {
        return None;
    }
    let (formula, rest) = if tag.ends_with('/') {
        ("", rest)
    } else {
        let end = memchr(b'<', rest.as_bytes())?;
        (rest.get(..end)?, rest.get(end..)?.strip_prefix("</f>")?)
    };
    let rest = rest.trim_start();
    let empty = ["<v></v>", "<v/>", "<v />"];
    let rest = empty.iter().find_map(|value| rest.strip_prefix(value)).unwrap_or(rest);
    rest.trim_start().starts_with("</c>").then_some(formula)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_without_a_value_are_found() {
        let sheet = r#"<c r="A1"><f>B1*2</f><v></v></c><c r="A2" s="1"><f>IF(B1&lt;2,"x","")</f></c><c r="A3"><f>B3</f><v>7</v></c>
            <c r="A4" t="str"><f>B4&amp;""</f><v></v></c><c r="A5"><f t="shared" si="0"/><v/></c><c r="A6"><f t="shared" si="0" /></c><c r="A7"/><foo></foo></c>"#;
        let position = |cell: &str| Some((cell.get(1..)?.parse().ok()?, 1));
        let formulas = Formulas::of(sheet, position);
        assert_eq!(formulas.count, 4);
        let shown: Vec<_> =
            (1..8).filter_map(|row| formulas.cell(row, 1)).map(|cell| cell.text).collect();
        assert_eq!(shown, ["=B1*2", "=IF(B1<2,\"x\",\"\")"]);
    }

    #[test]
    fn much_that_is_no_formula_is_passed_over_at_once() {
        let sheet = "<f".repeat(1 << 20);
        assert_eq!(Formulas::of(&sheet, |_| None).count, 0);
        let sheet = "<c r=\"A1\"><f>".repeat(1 << 18);
        assert_eq!(Formulas::of(&sheet, |_| None).count, 0);
    }
}
