//! TAR: each file is a member. Read as a stream, so that an archive may have any size.

use crate::definition::{Definition, Read, Recognise};

/// TAR.
pub(crate) static FORMAT: Definition = Definition {
    name: "tar",
    title: "TAR",
    version: 1,
    extensions: &["tar"],
    recognise: Recognise::Bytes(is_tar),
    is_foreign: true,
    read: READ,
};

#[cfg(feature = "archive")]
const READ: Read = Read::Streamed(reading::members);
#[cfg(not(feature = "archive"))]
const READ: Read = crate::archive::MISSING;

const HEADER_BYTES: usize = 512;
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Whether the first header has its own checksum: old archives have no other signature.
pub(super) fn is_tar(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..HEADER_BYTES).filter(|header| header[0] != 0) else {
        return false;
    };
    let digits = header[CHECKSUM].iter().skip_while(|byte| **byte == b' ');
    let digits = digits.take_while(|byte| (b'0'..=b'7').contains(*byte));
    let stored = digits.fold(0u32, |sum, digit| sum * 8 + u32::from(digit - b'0'));
    let sum = |byte: fn(u8) -> i32| -> i64 {
        let bytes = header.iter().enumerate();
        bytes.map(|(i, b)| i64::from(if CHECKSUM.contains(&i) { 32 } else { byte(*b) })).sum()
    };
    // Some old programs took the bytes for signed numbers.
    [sum(i32::from), sum(|byte| i32::from(byte.cast_signed()))].contains(&i64::from(stored))
}

#[cfg(feature = "archive")]
mod reading {
    use std::cell::Cell;
    use std::io::{self, BufRead, Read};
    use std::ops::ControlFlow;
    use std::rc::Rc;

    use tar::EntryType;

    use crate::archive::member;
    use crate::error::{Error, ErrorKind};
    use crate::output::Output;
    use crate::sink::ProblemKind;

    /// Bytes that the headers of one member may have, long names and attributes included: they are held in memory.
    const MOST_HEADER_BYTES: u64 = 1 << 20;

    pub(super) fn members(reader: &mut dyn BufRead, output: &mut Output<'_>) -> Result<(), Error> {
        let left = Rc::new(Cell::new(0));
        let mut archive = tar::Archive::new(Bounded { reader, left: Rc::clone(&left) });
        let mut entries = archive.entries().map_err(damaged)?;
        for number in 0.. {
            left.set(MOST_HEADER_BYTES);
            let Some(entry) = entries.next() else { break };
            left.set(u64::MAX);
            let flow = match entry {
                Ok(mut entry) => file(&mut entry, output),
                Err(error) if number == 0 => return Err(damaged(error)),
                Err(_) => {
                    let message = format!("is damaged after member {number}; the rest is left out");
                    output.problem(ProblemKind::Malformed, None, message);
                    ControlFlow::Break(())
                }
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn file(entry: &mut tar::Entry<'_, impl Read>, output: &mut Output<'_>) -> ControlFlow<()> {
        use EntryType::{Continuous, GNUSparse, Regular};
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let is_file = matches!(entry.header().entry_type(), Regular | Continuous | GNUSparse)
            && !path.ends_with('/');
        if is_file && !member::is_hidden(&path) {
            member::read(&path, entry, output)?;
        }
        // The next header must not be looked for within the limit of its size. An error shows there.
        let _ = io::copy(entry, &mut io::sink());
        ControlFlow::Continue(())
    }

    fn damaged(error: io::Error) -> Error {
        Error::new(ErrorKind::Malformed, "is not a valid TAR archive").with_source(error)
    }

    struct Bounded<'a> {
        reader: &'a mut dyn BufRead,
        left: Rc<Cell<u64>>,
    }

    impl Read for Bounded<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let left = self.left.get();
            if left == 0 && !buffer.is_empty() {
                return Err(io::Error::other("a header is too long"));
            }
            let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            let read = self.reader.read(&mut buffer[..most])?;
            self.left.set(left.saturating_sub(read as u64));
            Ok(read)
        }
    }
}
