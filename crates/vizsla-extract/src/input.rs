//! The input of a reader: a name, and bytes or a stream.

use std::fmt;
use std::io::BufRead;

use crate::format::Format;

/// A file to be read.
pub struct Input<'a> {
    pub(crate) name: &'a str,
    pub(crate) format: Format,
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
        Self { name, format: Format::of(name), content: Content::Bytes(bytes) }
    }

    /// As [`bytes`](Self::bytes), for content that is read while documents are produced. Formats that are not read
    /// record by record are first read whole, up to [`Limits::file_bytes`].
    pub fn reader(name: &'a str, reader: &'a mut dyn BufRead) -> Self {
        Self { name, format: Format::of(name), content: Content::Reader(reader) }
    }

    /// Reads the content as this format, regardless of its name.
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = format;
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
