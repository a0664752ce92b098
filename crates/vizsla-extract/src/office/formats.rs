//! The formats of documents that are packages or flat XML, and what reads them.

use crate::definition::{Definition, Read, Recognise};
use crate::office::package;

#[cfg(feature = "office")]
mod readers {
    use super::Read;
    use crate::office::{docx, epub, odf, ods, pptx, xml_document, xml_workbook};

    pub(super) const DOCX: Read = Read::Whole(docx::read);
    pub(super) const PPTX: Read = Read::Whole(pptx::read);
    pub(super) const ODT: Read = Read::Whole(odf::read_text);
    pub(super) const ODP: Read = Read::Whole(odf::read_slides);
    pub(super) const ODG: Read = Read::Whole(odf::read_drawing);
    pub(super) const ODS: Read = Read::Whole(ods::read);
    pub(super) const XML_WORKBOOK: Read = Read::Whole(xml_workbook::read);
    pub(super) const XML_DOCUMENT: Read = Read::Whole(xml_document::read);
    pub(super) const EPUB: Read = Read::Whole(epub::read);
}

#[cfg(not(feature = "office"))]
mod readers {
    use super::Read;

    const NOT: Read = Read::Not("this build was made without the feature `office`");
    pub(super) const DOCX: Read = NOT;
    pub(super) const PPTX: Read = NOT;
    pub(super) const ODT: Read = NOT;
    pub(super) const ODP: Read = NOT;
    pub(super) const ODG: Read = NOT;
    pub(super) const ODS: Read = NOT;
    pub(super) const XML_WORKBOOK: Read = NOT;
    pub(super) const XML_DOCUMENT: Read = NOT;
    pub(super) const EPUB: Read = NOT;
}

/// Word 2007 and later.
pub(crate) static DOCX: Definition = Definition {
    name: "docx",
    title: "Word",
    version: 8,
    extensions: &["docx", "docm", "dotx", "dotm"],
    recognise: Recognise::Bytes(package::is_docx),
    is_foreign: true,
    read: readers::DOCX,
};

/// PowerPoint 2007 and later.
pub(crate) static PPTX: Definition = Definition {
    name: "pptx",
    title: "PowerPoint",
    version: 6,
    extensions: &["pptx", "pptm", "ppsx", "ppsm", "potx", "potm"],
    recognise: Recognise::Bytes(package::is_pptx),
    is_foreign: true,
    read: readers::PPTX,
};

/// OpenDocument texts.
pub(crate) static ODT: Definition = Definition {
    name: "odt",
    title: "OpenDocument text",
    version: 5,
    extensions: &["odt", "ott", "odm", "fodt", "sxw"],
    recognise: Recognise::Bytes(package::is_odt),
    is_foreign: true,
    read: readers::ODT,
};

/// OpenDocument presentations.
pub(crate) static ODP: Definition = Definition {
    name: "odp",
    title: "OpenDocument presentation",
    version: 6,
    extensions: &["odp", "otp", "fodp", "sxi"],
    recognise: Recognise::Bytes(package::is_odp),
    is_foreign: true,
    read: readers::ODP,
};

/// OpenDocument drawings.
pub(crate) static ODG: Definition = Definition {
    name: "odg",
    title: "OpenDocument drawing",
    version: 5,
    extensions: &["odg", "otg", "fodg", "sxd"],
    recognise: Recognise::Bytes(package::is_odg),
    is_foreign: true,
    read: readers::ODG,
};

/// OpenDocument spreadsheets.
pub(crate) static ODS: Definition = Definition {
    name: "ods",
    title: "OpenDocument spreadsheet",
    version: 7,
    extensions: &["ods", "ots", "fods", "sxc"],
    recognise: Recognise::Bytes(package::is_ods),
    is_foreign: true,
    read: readers::ODS,
};

/// Workbooks of Excel 2002 and 2003 in XML.
pub(crate) static XML_WORKBOOK: Definition = Definition {
    name: "xml-workbook",
    title: "Excel's XML",
    version: 4,
    extensions: &[],
    recognise: Recognise::Bytes(package::is_xml_workbook),
    is_foreign: true,
    read: readers::XML_WORKBOOK,
};

/// Word documents in one XML text.
pub(crate) static XML_DOCUMENT: Definition = Definition {
    name: "xml-document",
    title: "Word's XML",
    version: 2,
    extensions: &[],
    recognise: Recognise::Bytes(package::is_xml_document),
    is_foreign: true,
    read: readers::XML_DOCUMENT,
};

/// Books.
pub(crate) static EPUB: Definition = Definition {
    name: "epub",
    title: "EPUB",
    version: 7,
    extensions: &["epub"],
    recognise: Recognise::Bytes(package::is_epub),
    is_foreign: true,
    read: readers::EPUB,
};
