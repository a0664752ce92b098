//! The formats of numbers in an XLS file, which say how many decimals a number shows, or that it is a share. In: the
//! records of the workbook and of a sheet. Out: the format of each cell with a number.
//!
//! [MS-XLS](https://learn.microsoft.com/openspecs/office_file_formats/ms-xls/) describes the records.

use std::collections::HashMap;

use crate::office::spreadsheet::records::{BEGIN, Book, END, Record};

const FORMAT: u16 = 0x041e;
const STYLE: u16 = 0x00e0;
const NUMBER: u16 = 0x0203;
const SMALL_NUMBER: u16 = 0x027e;
const SMALL_NUMBERS: u16 = 0x00bd;
const FORMULA: u16 = 0x0006;

/// The formats of a workbook.
#[derive(Default)]
pub(super) struct Formats {
    /// Their codes by their numbers.
    codes: HashMap<u16, String>,
    /// The number of the format of each style.
    styles: Vec<u16>,
}

impl Formats {
    pub(super) fn of(book: &Book) -> Self {
        let mut formats = Self::default();
        for record in book.head() {
            match record.kind {
                FORMAT => {
                    if let Some(number) = record.short(0) {
                        formats.codes.insert(number, book.format(&record));
                    }
                }
                STYLE => formats.styles.push(record.short(2).unwrap_or(0)),
                _ => {}
            }
        }
        formats
    }

    /// The formats of the cells of a sheet with these records.
    pub(super) fn of_sheet<'a>(&self, records: impl Iterator<Item = Record<'a>>) -> Cells<'_> {
        let mut cells = Cells { formats: self, numbers: HashMap::new() };
        let mut depth = 0usize;
        for record in records {
            match record.kind {
                BEGIN => depth += 1,
                END if depth < 2 => break,
                END => depth -= 1,
                // A chart within the sheet has numbers, too, which are in no cell.
                _ if depth > 1 => {}
                NUMBER | SMALL_NUMBER | FORMULA => cells.add(&record, 0),
                SMALL_NUMBERS => {
                    // Each has a style and four bytes; row and column come before them, and the last column after.
                    let count = record.data.len().saturating_sub(6) / 6;
                    (0..count).for_each(|index| cells.add(&record, index));
                }
                _ => {}
            }
        }
        cells
    }

    fn code(&self, number: u16) -> Option<&str> {
        let own = self.codes.get(&number).map(String::as_str);
        // Those that a file need not write down.
        own.or(match number {
            2 => Some("0.00"),
            4 | 39 | 40 => Some("#,##0.00"),
            9 => Some("0%"),
            10 => Some("0.00%"),
            _ => None,
        })
    }
}

/// The formats of the cells of a sheet.
pub(super) struct Cells<'a> {
    formats: &'a Formats,
    /// The numbers of the formats by row and column, from 0; not of those in the general format.
    numbers: HashMap<(u16, u16), u16>,
}

impl Cells<'_> {
    /// Adds the cell at `index` of a record.
    fn add(&mut self, record: &Record<'_>, index: usize) {
        let (Some(row), Some(first)) = (record.short(0), record.short(2)) else { return };
        let style = record.short(4 + 6 * index).map(usize::from);
        let number = style.and_then(|style| self.formats.styles.get(style)).copied();
        if let (Some(number @ 1..), Ok(index)) = (number, u16::try_from(index)) {
            self.numbers.insert((row, first.saturating_add(index)), number);
        }
    }

    /// The format of the cell in this row and column, from 0.
    pub(super) fn format(&self, row: u32, column: u32) -> Option<&str> {
        let cell = (row.try_into().ok()?, column.try_into().ok()?);
        self.formats.code(*self.numbers.get(&cell)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::office::spreadsheet::records::tests::{narrow, record, shorts, styled};

    #[test]
    fn numbers_have_the_formats_of_their_styles() {
        let format = [shorts(&[164]), narrow("00000", 2)].concat();
        let styles = [0, 164, 9, 4].map(|number| record(STYLE, &shorts(&[0, number, 0])));
        let head = [vec![record(FORMAT, &format)], styles.to_vec()].concat();
        let number = |column, style, value: f64| {
            [shorts(&[0, column, style]), value.to_le_bytes().to_vec()].concat()
        };
        // An integer is stored four times as large, and a bit says that it is one.
        let small = |value: u16| value * 4 + 2;
        let many = shorts(&[1, 0, 1, small(1067), 0, 0, small(5), 0, 3, small(9), 0, 2]);
        let file = styled(
            &head,
            &[
                record(NUMBER, &number(0, 2, 0.375)),
                record(NUMBER, &number(1, 3, 1199.9)),
                record(SMALL_NUMBER, &shorts(&[0, 2, 1, small(4103), 0])),
                record(SMALL_NUMBERS, &many),
            ],
        );
        let found = crate::collect(crate::Input::bytes("a.xls", &file)).unwrap();
        assert_eq!(found.documents[0].text, "37.5% | 1199.90 | 04103\n01067 | 5 | 9.00\n");
    }
}
