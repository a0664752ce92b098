//! Documents of office programs: word processors, slides, spreadsheets and books.

pub(crate) mod compound;
mod formats;
pub(crate) mod package;
pub(crate) mod rtf;
mod spreadsheet;
mod symbols;

#[cfg(feature = "office")]
mod chapters;
#[cfg(any(feature = "office", feature = "spreadsheet"))]
mod column_names;
#[cfg(feature = "office")]
mod contents;
#[cfg(test)]
#[cfg(all(feature = "office", feature = "spreadsheet"))]
mod cut_off;
#[cfg(feature = "office")]
mod docx;
#[cfg(feature = "office")]
mod drawing;
#[cfg(feature = "office")]
mod epub;
#[cfg(feature = "office")]
mod formula;
#[cfg(any(feature = "office", feature = "spreadsheet"))]
mod grid;
#[cfg(any(feature = "office", feature = "spreadsheet"))]
mod number;
#[cfg(feature = "office")]
mod numbering;
#[cfg(feature = "office")]
mod odf;
#[cfg(feature = "office")]
mod odf_hidden;
#[cfg(feature = "office")]
mod odf_story;
#[cfg(feature = "office")]
mod ods;
#[cfg(feature = "office")]
mod parts;
#[cfg(feature = "office")]
mod pptx;
#[cfg(feature = "office")]
mod properties;
#[cfg(feature = "office")]
mod prose;
#[cfg(feature = "office")]
mod story;
#[cfg(feature = "office")]
mod styles;
#[cfg(feature = "office")]
mod xml;
#[cfg(feature = "office")]
mod xml_document;
#[cfg(feature = "office")]
mod xml_workbook;

use crate::definition::Definition;

/// The formats of this group.
pub(crate) static FORMATS: &[&Definition] = &[
    &formats::DOCX,
    &formats::PPTX,
    &formats::ODT,
    &formats::ODP,
    &formats::ODG,
    &formats::ODS,
    &formats::XML_WORKBOOK,
    &formats::XML_DOCUMENT,
    &formats::EPUB,
    &compound::DOC,
    &compound::PPT,
    &compound::ENCRYPTED,
    &compound::DAMAGED,
    &rtf::FORMAT,
    &spreadsheet::XLSX,
    &spreadsheet::XLSB,
    &spreadsheet::XLS,
    &spreadsheet::XLS_BEFORE,
];
