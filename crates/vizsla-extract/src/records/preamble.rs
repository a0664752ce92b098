//! What stands above a table: a title, comments, what a bank says about an account. In: the first rows. Out: which of
//! them names the columns, if one does.

use crate::records::header;
use crate::records::rows::Row;

/// The row that names the columns.
pub(crate) fn header_row(sample: &[Row]) -> Option<usize> {
    let widths: Vec<usize> = sample.iter().map(width).collect();
    let occurs = |width: usize| widths.iter().filter(|other| **other == width).count();
    let usual = widths.iter().copied().filter(|width| *width > 1);
    let usual = usual.max_by_key(|width| occurs(*width)).unwrap_or(0);
    let narrow = widths.iter().take_while(|width| **width < usual).count();
    // A part of the table's width begins below an empty line.
    let parts = (1..sample.len().div_ceil(2))
        .filter(|row| narrow > 0 && widths[*row] >= usual && is_parted(sample, *row));
    let names = |row: &usize| {
        let below: Vec<&[String]> =
            sample.iter().skip(row + 1).map(|row| row.cells.as_slice()).collect();
        sample.get(*row).is_some_and(|row| header::is_header(&row.cells, &below))
    };
    // A header may be narrower than its table too, if nothing parts them.
    let first = parts.clone().next().filter(|part| *part == narrow);
    let above = sample.iter().take_while(|row| is_above(row, sample)).count();
    first.into_iter().chain([above]).chain(parts).find(names)
}

/// Cells up to the last that is not empty.
fn width(row: &Row) -> usize {
    row.cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1)
}

/// Whether an empty line, or a row of empty cells, is above a row.
fn is_parted(sample: &[Row], row: usize) -> bool {
    let above = row.checked_sub(1).and_then(|above| sample.get(above));
    above
        .zip(sample.get(row))
        .is_some_and(|(above, row)| width(above) == 0 || row.first > above.last.saturating_add(1))
}

/// Whether a row is a title or a comment: it has one cell, and most others have more.
fn is_above(row: &Row, sample: &[Row]) -> bool {
    let filled = row.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
    let wide = sample.iter().filter(|row| row.cells.len() > 1).count();
    filled < 2 && wide * 2 > sample.len() && sample.len() > 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::rows::Rows;

    fn header(text: &str) -> Option<u32> {
        let sample: Vec<Row> = Rows::new(text, 1, b';').collect();
        header_row(&sample).and_then(|row| sample.get(row)).map(|row| row.first)
    }

    #[test]
    fn the_header_is_below_what_a_bank_says_first() {
        let rows =
            "Day;Payee;Sum\n02.01.24;Baker;-3,50\n05.01.24;Rent;-900,00\n06.01.24;Pay;1,00\n";
        for (preamble, line) in [
            ("Statement;;\nPeriod;01.01.24;31.01.24\n;;\n", 4),
            ("Statement\nPeriod;01.01.24;31.01.24\n\n", 4),
            ("Account;DE12;\nBalance;1,00 EUR;\n\n", 4),
            ("Account;DE12\n\n", 3),
            ("Statement\n", 2),
            ("", 1),
        ] {
            assert_eq!(header(&format!("{preamble}{rows}")), Some(line), "{preamble}");
        }
    }

    #[test]
    fn empty_lines_part_rows_from_rows_too() {
        assert_eq!(header("a;b\n1;x\n\nCat;Dog\n2;y\n3;z\n4;w\n5;v\n"), Some(1));
        assert_eq!(header("apple;pear\nplum;fig\n\nFig;Kiwi\nlime;date\nnut;oat\n"), None);
        // The names of rows have no name.
        assert_eq!(header("x;y\nr1;1;2\nr2;3;4\nr3;5;6\n"), Some(1));
    }
}
