//! Turns the bytes of a file into documents.
//!
//! In: a name, and bytes or a reader. Out: [`Document`]s and [`Problem`]s through a [`Sink`]. Nothing here touches a
//! file system; walking folders and handling problems are up to the caller. Everything is bounded by one
//! [`Limits`]: time and memory are linear in the input, whatever the input is.
//!
//! ```
//! use vizsla_extract::{Input, collect};
//!
//! let page = b"# Pointing\nA pointer points.\n";
//! let found = collect(Input::bytes("dogs/pointer.md", page))?;
//! assert_eq!(found.documents[0].title, "Pointing");
//! # Ok::<(), vizsla_extract::Error>(())
//! ```

#![forbid(unsafe_code)]
// Much of what readers share serves some of the formats alone. What nobody needs shows in the full build.
#![cfg_attr(not(feature = "full"), allow(dead_code))]

mod archive;
mod definition;
mod error;
mod format;
mod guarded;
mod html;
mod input;
mod mail;
mod members;
#[cfg(any(feature = "office", feature = "pdf"))]
mod numeral;
mod ocr;
mod office;
mod output;
mod pdf;
mod picture;
mod records;
#[cfg(any(feature = "office", feature = "spreadsheet", feature = "archive"))]
mod restored;
mod sample;
mod sink;
mod text;
mod whole;

use std::io::BufRead;

pub use error::{Error, ErrorKind};
pub use format::{Format, Reader};
pub use input::Input;
pub use ocr::Ocr;
pub use records::json_document;
pub use sink::{Extracted, Problem, ProblemKind, Sink};
pub use vizsla_core::{Document, Limits};

use crate::definition::Read;
use crate::format::All;
use crate::input::Content;
use crate::output::Output;

/// Reads the documents of a file and hands them to `sink` one by one, until the file ends or the sink asks to stop. A
/// problem with part of the file goes to the sink as a [`Problem`], and the rest is read.
///
/// Cost: linear in the input. JSON Lines keeps one line in memory, other formats the whole file and its text.
///
/// # Errors
/// When nothing can be read: [`ErrorKind::Binary`] for what is neither text nor a known format,
/// [`ErrorKind::Unsupported`] for a known format that is not read, [`ErrorKind::Protected`] for what needs a password,
/// [`ErrorKind::TooLarge`] for a file over [`Limits::file_bytes`], [`ErrorKind::Malformed`] for what is invalid in its
/// format, [`ErrorKind::TimedOut`] for what takes too long, [`ErrorKind::Io`] when the reader fails, which may be after
/// some documents.
pub fn extract(input: Input<'_>, limits: &Limits, sink: &mut dyn Sink) -> Result<(), Error> {
    let Input { name, format, ocr, content } = input;
    let mut output = Output::new(name, limits, &All, sink).with_ocr(ocr);
    let read = match content {
        Content::Bytes(bytes) => {
            format.unwrap_or_else(|| Format::detect(name, bytes)).read(bytes, &mut output)
        }
        Content::Reader(reader) => streamed(format, reader, &mut output),
    };
    output.report_members();
    read
}

/// Reads a stream record by record if it is of a format that allows this, else whole.
fn streamed(
    format: Option<Format>,
    reader: &mut dyn BufRead,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let by_head = match format {
        Some(format) => format,
        None => Format::detect(&output.name, whole::head(reader)?),
    };
    if let Read::Streamed(read) = by_head.0.read {
        return read(reader, output);
    }
    let bytes = whole::read_whole(reader, output.limits)?;
    format.unwrap_or_else(|| Format::detect(&output.name, &bytes)).read(&bytes, output)
}

/// Everything that [`extract`] finds with the default limits, for inputs small enough to be held in memory.
///
/// # Errors
/// As [`extract`].
pub fn collect(input: Input<'_>) -> Result<Extracted, Error> {
    let mut found = Extracted::default();
    extract(input, &Limits::default(), &mut found)?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[test]
    fn a_format_can_be_given_and_a_reader_is_read() {
        let page = b"# Heading\ntext\n";
        let as_text = collect(Input::bytes("a.md", page).with_format(Format::TEXT)).unwrap();
        assert_eq!(as_text.documents[0].title, "a.md");
        let read = collect(Input::reader("a.md", &mut page.as_slice())).unwrap();
        assert_eq!(read.documents[0].title, "Heading");
        assert_eq!(read.documents[0].path.as_deref(), Some("a.md"));
    }

    #[test]
    fn a_file_over_the_limit_is_refused_however_it_comes() {
        let limits = Limits::default().with_file_bytes(3);
        let mut found = Extracted::default();
        let bytes = extract(Input::bytes("a", b"four"), &limits, &mut found).unwrap_err();
        let reader = extract(Input::reader("a", &mut b"four".as_slice()), &limits, &mut found);
        assert_eq!(
            (bytes.kind(), reader.unwrap_err().kind()),
            (ErrorKind::TooLarge, ErrorKind::TooLarge)
        );
        assert!(found.documents.is_empty());
    }

    #[test]
    fn a_sink_that_has_enough_is_given_no_more() {
        struct First(u32);
        impl Sink for First {
            fn document(&mut self, _: Document) -> ControlFlow<()> {
                self.0 += 1;
                ControlFlow::Break(())
            }
        }
        for (name, content) in [
            ("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n"),
            ("a.json", "[{\"text\":\"a\"},{\"text\":\"b\"}]"),
            ("a.csv", "id,text\n1,a\n2,b\n"),
        ] {
            let mut first = First(0);
            extract(Input::bytes(name, content.as_bytes()), &Limits::default(), &mut first)
                .unwrap();
            assert_eq!(first.0, 1, "{name}");
        }
    }
}
