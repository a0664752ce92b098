//! The input of a reader: a name, and bytes or a stream.

use std::fmt;
use std::io::BufRead;

use crate::format::Format;
use crate::ocr::Ocr;

/// A file to be read.
pub struct Input<'a> {
    pub(crate) name: &'a str,
    pub(crate) format: Option<Format>,
    pub(crate) ocr: Option<&'a dyn Ocr>,
    pub(crate) content: Content<'a>,
}

pub(crate) enum Content<'a> {
    Bytes(&'a [u8]),
    Reader(&'a mut dyn BufRead),
}

impl<'a> Input<'a> {
    /// The bytes of a file. `name` is its path: it becomes the path of its documents, the id of a single-document file,
    /// and the prefix of ids for records without one (`name#line`).
    pub fn bytes(name: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, format: None, ocr: None, content: Content::Bytes(bytes) }
    }

    /// As [`bytes`](Self::bytes), for content that is read while documents are produced. Formats that are not read
    /// record by record are first read whole, up to [`Limits::file_bytes`](vizsla_core::Limits::file_bytes).
    pub fn reader(name: &'a str, reader: &'a mut dyn BufRead) -> Self {
        Self { name, format: None, ocr: None, content: Content::Reader(reader) }
    }

    /// Reads the content as this format, whatever it shows and its name indicates.
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Reads pictures of text, such as scanned pages, by `ocr`.
    pub fn with_ocr(mut self, ocr: &'a dyn Ocr) -> Self {
        self.ocr = Some(ocr);
        self
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input")
            .field("name", &self.name)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
