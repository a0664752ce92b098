//! Workbooks of Excel: in come the bytes of an XLSX, XLSM or XLS file, out comes one document a sheet, in which each row
//! is a line with its place.

#[cfg(feature = "spreadsheet")]
mod completed;
#[cfg(feature = "spreadsheet")]
mod days;
#[cfg(feature = "spreadsheet")]
mod formulas;
#[cfg(feature = "spreadsheet")]
mod notes;
#[cfg(feature = "spreadsheet")]
mod records;
#[cfg(feature = "spreadsheet")]
mod value;
#[cfg(feature = "spreadsheet")]
mod written;
#[cfg(feature = "spreadsheet")]
mod xls;
#[cfg(feature = "spreadsheet")]
mod xls_formats;
#[cfg(feature = "spreadsheet")]
mod xlsx;

#[cfg(feature = "spreadsheet")]
use std::ops::ControlFlow;

use crate::definition::{Definition, Read, Recognise};
#[cfg(feature = "spreadsheet")]
use crate::error::{Error, ErrorKind};
#[cfg(feature = "spreadsheet")]
use crate::office::grid::{self, Grid};
use crate::office::{compound, package};
#[cfg(feature = "spreadsheet")]
use crate::output::Output;
#[cfg(feature = "spreadsheet")]
use crate::sink::ProblemKind;

#[cfg(feature = "spreadsheet")]
const READ_XLSX: Read = Read::Whole(xlsx::read);
#[cfg(feature = "spreadsheet")]
const READ_XLS: Read = Read::Whole(xls::read);
#[cfg(not(feature = "spreadsheet"))]
const READ_XLSX: Read = Read::Not("this build was made without the feature `spreadsheet`");
#[cfg(not(feature = "spreadsheet"))]
const READ_XLS: Read = Read::Not("this build was made without the feature `spreadsheet`");

/// Excel 2007 and later.
pub(crate) static XLSX: Definition = Definition {
    name: "xlsx",
    title: "Excel workbook",
    version: 7,
    extensions: &["xlsx", "xlsm", "xltx", "xltm"],
    recognise: Recognise::Bytes(package::is_xlsx),
    is_foreign: true,
    read: READ_XLSX,
};

/// Excel 2007 and later, in binary.
pub(crate) static XLSB: Definition = Definition {
    name: "xlsb",
    title: "Excel binary workbook",
    version: 1,
    extensions: &["xlsb"],
    recognise: Recognise::Bytes(package::is_xlsb),
    is_foreign: false,
    read: Read::Not("save it as .xlsx"),
};

/// Excel 97 to 2003.
pub(crate) static XLS: Definition = Definition {
    name: "xls",
    title: "Excel 97-2003",
    version: 6,
    extensions: &["xls", "xlt"],
    recognise: Recognise::Bytes(|bytes| compound::kind(bytes) == Some(compound::Kind::Excel)),
    is_foreign: true,
    read: READ_XLS,
};

/// Excel 2 to 4, before workbooks were compound files: a stream of records, the first of which begins a sheet or a
/// workbook ([MS-XLS] 2.4.21, and the formats before it).
pub(crate) static XLS_BEFORE: Definition = Definition {
    name: "xls_before",
    title: "Excel 4 and before",
    version: 1,
    extensions: &[],
    recognise: Recognise::Bytes(|bytes| {
        let begins = [&b"\x09\x00\x04\x00"[..], b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"];
        begins.iter().any(|begin| bytes.starts_with(begin))
    }),
    is_foreign: false,
    read: Read::Not("save it as .xlsx"),
};

/// The sheets of a workbook, each of which becomes a document.
#[cfg(feature = "spreadsheet")]
struct Sheets {
    title: String,
    metadata: vizsla_core::Metadata,
    /// Whether none so far has had a cell with a value.
    are_empty: bool,
    /// Entries of the list of sheets that name one which an entry before them names, too.
    repeated: usize,
    /// Formulas without a value.
    unvalued: usize,
}

#[cfg(feature = "spreadsheet")]
impl Sheets {
    fn of(properties: calamine::WorkbookProperties, file: &str) -> Self {
        let title = title_of(&properties, file);
        Self { title, metadata: metadata_of(properties), are_empty: true, repeated: 0, unvalued: 0 }
    }

    /// Passes a sheet on; returns whether to go on with the next one.
    fn add(&mut self, name: &str, grid: Grid, output: &mut Output<'_>) -> ControlFlow<()> {
        if grid.is_full {
            output.text_left_out(name);
        }
        if grid.is_empty() {
            return ControlFlow::Continue(());
        }
        self.are_empty = false;
        let mut document = grid.finish(&output.name, &self.title);
        document.metadata.clone_from(&self.metadata);
        output.document(document)
    }

    fn finish(self, output: &mut Output<'_>) {
        if self.repeated > 0 {
            let message = format!(
                "is damaged: its list names sheets more than once; {} entries are left out",
                self.repeated
            );
            output.problem(ProblemKind::Malformed, None, message);
        }
        grid::report_unvalued(self.unvalued, output);
        if self.are_empty {
            output.problem(ProblemKind::NoText, None, "has no cells with a value");
        }
    }
}

/// Whether reading has taken too long for this sheet and those after it, which is said.
#[cfg(feature = "spreadsheet")]
fn ends_late(name: &str, output: &mut Output<'_>) -> bool {
    let is_late = output.is_expired();
    if is_late {
        let message =
            format!("takes too long to read; the sheet {name:?} and those after it are left out");
        output.problem(ProblemKind::TimedOut, None, message);
    }
    is_late
}

#[cfg(feature = "spreadsheet")]
fn protected() -> Error {
    Error::new(ErrorKind::Protected, "is protected by a password; save a copy without one")
}

/// The title of a workbook: its own, or the name of the file.
#[cfg(feature = "spreadsheet")]
fn title_of(properties: &calamine::WorkbookProperties, file: &str) -> String {
    let title = properties.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    title.unwrap_or_else(|| crate::output::file_name(file)).to_owned()
}

/// Metadata that the properties of a workbook have.
#[cfg(feature = "spreadsheet")]
fn metadata_of(properties: calamine::WorkbookProperties) -> vizsla_core::Metadata {
    let values = [
        ("author", properties.creator),
        ("date", properties.modified.or(properties.created)),
        ("subject", properties.subject),
        ("keywords", properties.keywords),
        ("description", properties.description),
    ];
    let values = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let values = values.filter(|(_, value)| !value.trim().is_empty());
    values.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

#[cfg(test)]
#[cfg(feature = "spreadsheet")]
mod tests;
