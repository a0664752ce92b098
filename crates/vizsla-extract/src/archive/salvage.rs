//! Finds the members of a ZIP archive that has lost its directory, as one that was cut off: each member is preceded by a
//! header of its own.

use std::ops::ControlFlow;

use flate2::bufread::DeflateDecoder;
use memchr::memmem;

use crate::archive::member;
use crate::error::{Error, ErrorKind};
use crate::output::Output;
use crate::sink::ProblemKind;

const SIGNATURE: &[u8] = b"PK\x03\x04";
const HEADER_BYTES: usize = 30;
const ENCRYPTED: u16 = 1;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

struct Header<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    /// Compressed bytes; 0 where it stands behind them.
    size: usize,
    data: &'a [u8],
}

/// Reads what is found, and says so; an error when nothing is.
pub(super) fn members(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let (mut rest, mut found) = (bytes, 0u32);
    while let Some(at) = memmem::find(rest, SIGNATURE) {
        rest = &rest[at..];
        let Some(header) = header(rest) else { break };
        let (flow, end) = file(&header, output);
        found += u32::from(end > 0);
        rest = &header.data[end.min(header.data.len())..];
        if flow.is_break() {
            break;
        }
    }
    if found == 0 {
        return Err(Error::new(ErrorKind::Malformed, "is not a valid ZIP archive"));
    }
    let message =
        "is damaged: its list of members is missing; the members that were found are read";
    output.problem(ProblemKind::Malformed, None, message);
    Ok(())
}

fn header(bytes: &[u8]) -> Option<Header<'_>> {
    let number =
        |at: usize| bytes.get(at..at + 2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let size = bytes.get(18..22).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes)?;
    let name_end = HEADER_BYTES + usize::from(number(26)?);
    Some(Header {
        name: bytes.get(HEADER_BYTES..name_end)?,
        flags: number(6)?,
        method: number(8)?,
        size: size as usize,
        data: bytes.get(name_end + usize::from(number(28)?)..)?,
    })
}

/// Reads a member; returns also how many of the bytes behind its header belong to it.
fn file(header: &Header<'_>, output: &mut Output<'_>) -> (ControlFlow<()>, usize) {
    let path = member::name(header.name, None);
    let goes_on = ControlFlow::Continue(());
    if member::is_hidden(&path) || path.ends_with('/') {
        return (goes_on, header.size);
    }
    if header.flags & ENCRYPTED != 0 {
        let message = format!("{path}: needs a password");
        output.problem(ProblemKind::Protected, None, message);
        return (goes_on, header.size);
    }
    match header.method {
        STORED => {
            let mut data = &header.data[..header.size.min(header.data.len())];
            (member::read(&path, &mut data, u64::MAX, output), header.size)
        }
        DEFLATED => {
            let mut decoder = DeflateDecoder::new(header.data);
            let packed = if header.size > 0 { header.size } else { header.data.len() };
            let flow = member::read(&path, &mut decoder, packed as u64, output);
            (flow, header.size.max(decoder.total_in() as usize))
        }
        _ => {
            let message = format!("{path}: is compressed by a method that is not read");
            output.problem(ProblemKind::Unsupported, None, message);
            (goes_on, header.size)
        }
    }
}
