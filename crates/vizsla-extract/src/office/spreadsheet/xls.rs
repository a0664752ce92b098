//! XLS, the binary format of Excel 97 to 2003. Its grid is small enough to be held as a whole.

use std::io::Cursor;

use calamine::{Reader, Xls, XlsError, XlsOptions};

use crate::error::{Error, ErrorKind};
use crate::office::grid::Cell;
use crate::office::spreadsheet::records::Book;
use crate::office::spreadsheet::xls_formats::Formats;
use crate::office::spreadsheet::{Sheets, ends_late, protected, value};
use crate::output::Output;
use crate::sink::ProblemKind;

/// The code page of UTF-16.
const UTF_16: u16 = 1200;

pub(super) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let mut records = Book::of(bytes);
    let named_once = records.as_mut().and_then(|book| book.name_once(bytes));
    let (bytes, repeated) =
        named_once.as_ref().map_or((bytes, 0), |(bytes, repeated)| (bytes.as_slice(), *repeated));
    let mut options = XlsOptions::default();
    if records.as_ref().is_some_and(Book::is_unicode) {
        // Some writers name a code page for texts in Unicode.
        options.force_codepage = Some(UTF_16);
    }
    let mut book = Xls::new_with_options(Cursor::new(bytes), options).map_err(error)?;
    let properties = book.workbook_properties().unwrap_or_default();
    let mut sheets = Sheets { repeated, ..Sheets::of(properties, &output.name) };
    if records.is_none() {
        let message = "is damaged: comments and text boxes cannot be found";
        output.problem(ProblemKind::Malformed, None, message);
    }
    let formats = records.as_ref().map(Formats::of).unwrap_or_default();
    let mut parts = records.as_ref().map(Book::sheets).unwrap_or_default().into_iter();
    let mut notes = records.as_ref().map(Book::notes).unwrap_or_default().into_iter();
    for name in book.sheet_names() {
        if ends_late(&name, output) {
            break;
        }
        let attached = notes.next().unwrap_or_default();
        let formats = formats.of_sheet(parts.next().unwrap_or_default());
        let range = match book.worksheet_range(&name) {
            Ok(range) => range,
            Err(error) => {
                let message = format!("the sheet {name:?} cannot be read: {error}");
                output.problem(ProblemKind::Malformed, None, message);
                continue;
            }
        };
        let (top, left) = range.start().unwrap_or_default();
        let mut grid = attached.grid(&name, output.text_left());
        for (number, row) in (top..).zip(range.rows()) {
            let cells = (left..).zip(row).filter_map(|(column, cell)| {
                let format = formats.format(number, column);
                value::plain_cell(column.saturating_add(1), cell, format)
            });
            let cells: Vec<Cell> = cells.collect();
            grid.row(number.saturating_add(1), &cells);
        }
        grid.end(&attached.printed);
        if sheets.add(&name, grid, output).is_break() {
            return Ok(());
        }
    }
    sheets.finish(output);
    Ok(())
}

fn error(error: XlsError) -> Error {
    match error {
        XlsError::Password => protected(),
        other => {
            let message =
                "is cut off, damaged, or older than Excel 97; copy it again, or save it as .xlsx";
            Error::new(ErrorKind::Malformed, message).with_source(other)
        }
    }
}
