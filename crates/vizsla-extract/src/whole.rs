//! Reads a whole file, within the limit, or looks at how it begins.

use std::io::{BufRead, Read};

use vizsla_core::Limits;

use crate::error::{Error, ErrorKind};

/// Reads everything, up to the file size limit.
pub(crate) fn read_whole(reader: &mut dyn BufRead, limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = reader.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(unreadable)?;
    check_size(&bytes, limits)?;
    Ok(bytes)
}

pub(crate) fn check_size(bytes: &[u8], limits: &Limits) -> Result<(), Error> {
    let limit = limits.file_bytes;
    if bytes.len() as u64 > limit {
        let message = format!("is larger than the limit of {limit} bytes");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    Ok(())
}

/// How a stream begins, which shows whether it is read record by record.
pub(crate) fn head(reader: &mut dyn BufRead) -> Result<&[u8], Error> {
    reader.fill_buf().map_err(unreadable)
}

fn unreadable(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot be read").with_source(error)
}
