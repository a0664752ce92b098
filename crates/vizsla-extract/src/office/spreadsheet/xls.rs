//! XLS, the binary format of Excel 97 to 2003. Its grid is small enough to be held as a whole.

use std::io::Cursor;

use calamine::{Data, Range, Reader, WorkbookProperties, Xls, XlsError, XlsOptions};

use crate::error::{Error, ErrorKind};
use crate::guarded::guarded;
use crate::office::compound;
use crate::office::grid::Cell;
use crate::office::spreadsheet::records::Book;
use crate::office::spreadsheet::xls_formats::Formats;
use crate::office::spreadsheet::{Sheets, ends_late, protected, value};
use crate::output::Output;
use crate::sink::ProblemKind;

/// The code page of UTF-16.
const UTF_16: u16 = 1200;
/// The streams with title, author and the like.
const PROPERTIES: [&str; 2] = ["\u{5}SummaryInformation", "\u{5}DocumentSummaryInformation"];

/// What is said of a file of which nothing can be read.
const UNREADABLE: &str =
    "is cut off, damaged, or older than Excel 97; copy it again, or save it as .xlsx";

pub(super) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let Some((mut records, is_whole)) = Book::of(bytes) else {
        return Err(Error::new(ErrorKind::Malformed, UNREADABLE));
    };
    let (repeated, lost) = records.unlist();
    if !is_whole || lost > 0 {
        let sheets = match lost {
            0 => String::new(),
            1 => " One of its sheets is beyond that.".to_owned(),
            _ => format!(" {lost} of its sheets are beyond that."),
        };
        let message = format!(
            "is cut off or damaged, and is read up to there.{sheets} Copy or download it again"
        );
        output.problem(ProblemKind::Malformed, None, message);
    }
    let mut book = Workbook::open(&records, properties(bytes))?;
    let mut sheets = Sheets { repeated, ..Sheets::of(book.properties(), &output.name) };
    let formats = Formats::of(&records);
    let parts = records.sheets().into_iter().zip(records.notes());
    for (number, ((part, attached), listed)) in parts.zip(records.sheet_names()).enumerate() {
        if ends_late(&listed, output) {
            break;
        }
        let formats = formats.of_sheet(part);
        let Ok((name, range)) = book.sheet(number) else {
            let message = format!("the sheet {listed:?} is damaged and cannot be read");
            output.problem(ProblemKind::Malformed, None, message);
            continue;
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

/// The streams that say what a workbook is about.
fn properties(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let stream = |name| Some((name, compound::stream(bytes, &[name])?.bytes));
    PROPERTIES.into_iter().filter_map(stream).collect()
}

/// The cells of a workbook: of all sheets at once or, where one of them is damaged, of each alone.
struct Workbook<'a> {
    records: &'a Book,
    beside: Vec<(&'static str, Vec<u8>)>,
    all: Option<Opened>,
}

type Opened = Xls<Cursor<Vec<u8>>>;

impl<'a> Workbook<'a> {
    fn open(records: &'a Book, beside: Vec<(&'static str, Vec<u8>)>) -> Result<Self, Error> {
        let all = match opened(records, &beside) {
            Ok(all) => Some(all),
            Err(error) if error.kind() == ErrorKind::Protected => return Err(error),
            Err(error) if records.sheets().len() < 2 => return Err(error),
            Err(_) => None,
        };
        Ok(Self { records, beside, all })
    }

    fn properties(&mut self) -> WorkbookProperties {
        let book = self.all.as_mut();
        let found = book.and_then(|book| guarded(|| book.workbook_properties().ok()).ok());
        found.flatten().unwrap_or_default()
    }

    /// The name and the cells of a sheet, by its number in the list.
    fn sheet(&mut self, number: usize) -> Result<(String, Range<Data>), Error> {
        let mut alone;
        let (book, number) = if let Some(all) = &mut self.all {
            (all, number)
        } else {
            alone = opened(&self.records.alone(number), &self.beside)?;
            (&mut alone, 0)
        };
        let name = book.sheet_names().get(number).cloned().unwrap_or_default();
        let range = book.worksheet_range(&name).map_err(error)?;
        Ok((name, range))
    }
}

/// The library expects much of a file: it is given a sound one with the same workbook, and may fail on what that says.
fn opened(records: &Book, beside: &[(&'static str, Vec<u8>)]) -> Result<Opened, Error> {
    let mut options = XlsOptions::default();
    if records.is_unicode() {
        // Some writers name a code page for texts in Unicode.
        options.force_codepage = Some(UTF_16);
    }
    let file = records.to_file(beside);
    let file =
        file.map_err(|source| Error::new(ErrorKind::Malformed, UNREADABLE).with_source(source))?;
    guarded(|| Xls::new_with_options(Cursor::new(file), options))
        .unwrap_or(Err(XlsError::EoStream("a record")))
        .map_err(error)
}

fn error(error: XlsError) -> Error {
    match error {
        XlsError::Password => protected(),
        other => Error::new(ErrorKind::Malformed, UNREADABLE).with_source(other),
    }
}
