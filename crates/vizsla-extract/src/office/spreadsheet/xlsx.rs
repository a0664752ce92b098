//! XLSX and XLSM, cell by cell: a sheet that declares all of its grid takes no more memory than what is in it.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::io::Cursor;

use calamine::{Reader, SheetType, Xlsx, XlsxError};
use vizsla_core::Location;

use crate::error::{Error, ErrorKind};
use crate::office::grid::{Cell, Grid};
use crate::office::spreadsheet::formulas::Formulas;
use crate::office::spreadsheet::notes::Notes;
use crate::office::spreadsheet::{Sheets, completed, ends_late, protected, value, written};
use crate::output::Output;
use crate::restored;
use crate::sink::ProblemKind;

type Book<'a> = Xlsx<Cursor<&'a [u8]>>;

/// Cells after which the time is looked at.
const CELLS_PER_CHECK: usize = 4096;
/// Cells of a sheet that may be invalid before the rest of it is given up.
const MOST_REFUSED: usize = 1000;

pub(super) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let completed;
    let bytes = if restored::is_whole(bytes) {
        bytes
    } else {
        completed = completed::completed(bytes, output)?;
        &completed
    };
    let mut notes = Notes::of(bytes, output);
    notes.check_sizes()?;
    let rewritten: OnceCell<Vec<u8>> = OnceCell::new();
    let mut book = Book::new(Cursor::new(bytes)).map_err(error)?;
    let properties = book.workbook_properties().unwrap_or_default();
    let mut sheets = Sheets::of(properties, &output.name);
    let listed = book.sheets_metadata().iter();
    let listed =
        listed.filter(|sheet| matches!(sheet.typ, SheetType::WorkSheet | SheetType::ChartSheet));
    let names: Vec<(String, bool)> =
        listed.map(|sheet| (sheet.name.clone(), sheet.typ == SheetType::WorkSheet)).collect();
    let mut read = HashSet::new();
    for (name, has_cells) in names {
        if !read.insert(notes.part_of(&name).unwrap_or(&name).to_ascii_lowercase()) {
            sheets.repeated += 1;
            continue;
        }
        if ends_late(&name, output) {
            break;
        }
        let attached = notes.of_sheet(&name);
        let mut grid = attached.grid(&name, output.text_left());
        sheets.unvalued += attached.formulas.count;
        if has_cells && !cells(&mut book, &name, (&attached.formulas, &mut grid), output) {
            let bytes = written::as_written(bytes, notes.most).map_err(|source| {
                Error::new(ErrorKind::Malformed, "is not a valid workbook").with_source(source)
            })?;
            // The sheets that follow are read from it, too, so this happens once.
            book = Book::new(Cursor::new(rewritten.get_or_init(|| bytes))).map_err(error)?;
            grid = attached.grid(&name, output.text_left());
            cells(&mut book, &name, (&attached.formulas, &mut grid), output);
        }
        grid.end(&attached.printed);
        if sheets.add(&name, grid, output).is_break() {
            return Ok(());
        }
    }
    sheets.finish(output);
    Ok(())
}

fn error(error: XlsxError) -> Error {
    match error {
        XlsxError::Password => protected(),
        other => Error::new(ErrorKind::Malformed, "is not a valid workbook").with_source(other),
    }
}

/// Reads the cells of a sheet. What cannot be read ends the sheet, and not the file. Returns false, and has said nothing,
/// where a number is none: the sheet must be read as it is written.
fn cells(
    book: &mut Book<'_>,
    name: &str,
    (formulas, grid): (&Formulas, &mut Grid),
    output: &mut Output<'_>,
) -> bool {
    let mut reader = match book.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        Err(error) => {
            let message = format!("the sheet {name:?} cannot be read: {error}");
            output.problem(ProblemKind::Malformed, None, message);
            return true;
        }
    };
    let (mut row, mut cells): (u32, Vec<Cell>) = (0, Vec::new());
    let (mut refused, mut lost) = (0, 0u32);
    for count in 1usize.. {
        let next = match reader.next_cell_with_style_id() {
            Ok(next) => next,
            // Its text is in a list, which breaks off.
            Err(XlsxError::Unexpected(what)) if what.contains("shared string") => {
                lost += 1;
                continue;
            }
            Err(XlsxError::ParseFloat(_)) if refused == 0 && lost == 0 => return false,
            // A truth value that is none, for example; the cells after it can be read.
            Err(error) if refused < MOST_REFUSED => {
                if refused == 0 {
                    let message = format!("a cell after this row cannot be read: {error}");
                    output.problem(ProblemKind::Malformed, Some(place(name, row)), message);
                }
                refused += 1;
                continue;
            }
            Err(_) => {
                let message = "the sheet cannot be read from here on";
                output.problem(ProblemKind::Malformed, Some(place(name, row)), message);
                None
            }
        };
        if count % CELLS_PER_CHECK == 0 && output.is_expired() {
            let message = "takes too long to read; the rest of the sheet is left out";
            output.problem(ProblemKind::TimedOut, Some(place(name, row)), message);
            break;
        }
        let Some((cell, style)) = next else { break };
        let (at, column) = cell.get_position();
        if at != row {
            grid.row(row.saturating_add(1), &cells);
            cells.clear();
            row = at;
        }
        if grid.is_full {
            break;
        }
        let style = reader.styles().get(style).and_then(|style| style.number_format.as_ref());
        let format = style.map(|format| format.format_code.as_str());
        let column = column.saturating_add(1);
        let shown = value::cell(column, cell.get_value(), format);
        cells.extend(shown.or_else(|| formulas.cell(row.saturating_add(1), column)));
    }
    grid.row(row.saturating_add(1), &cells);
    if lost > 0 {
        let message = format!("the texts of {lost} cells of the sheet {name:?} are missing");
        output.problem(ProblemKind::Malformed, None, message);
    }
    true
}

fn place(sheet: &str, row: u32) -> Location {
    let row = row.saturating_add(1);
    Location::Rows { sheet: Some(sheet.to_owned()), first: row, last: row, columns: None }
}
