//! The content of a file that is about to be read: its bytes, or the open file if it is read record by record.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use vizsla::{Limits, content_hash};
use vizsla_extract::Format;

use crate::problem::ProblemKind;
use crate::read_error::ReadError;

/// Bytes at the beginning of a file by which it is told whether it is read record by record.
const HEAD_BYTES: u64 = 64 << 10;
const BUFFER_BYTES: usize = 1 << 20;

/// A file that has been opened.
pub(crate) struct Opened {
    pub(crate) format: Format,
    /// BLAKE3 of the content.
    pub(crate) hash: [u8; 32],
    pub(crate) content: Content,
}

pub(crate) enum Content {
    Bytes(Vec<u8>),
    File(BufReader<File>),
}

impl Opened {
    /// Opens a file and reads it, unless its format is read record by record. The format is that of its content: the
    /// name alone may be wrong.
    ///
    /// # Errors
    /// [`ProblemKind::Unreadable`], and [`ProblemKind::TooLarge`] for one that is read whole and over the limit.
    pub(crate) fn open(path: &Path, limits: &Limits) -> Result<Self, ReadError> {
        let mut file = File::open(path)?;
        let name = &path.to_string_lossy();
        let mut bytes = Vec::new();
        file.by_ref().take(HEAD_BYTES).read_to_end(&mut bytes)?;
        let by_head = Format::detect(name, &bytes);
        if by_head.is_streamed() {
            file.rewind()?;
            let hash = content_hash(&file)?;
            file.rewind()?;
            let content = Content::File(BufReader::with_capacity(BUFFER_BYTES, file));
            return Ok(Self { format: by_head, hash, content });
        }
        let (limit, length) = (limits.file_bytes, file.metadata()?.len());
        if length > limit {
            return Err(too_large(length, limit));
        }
        bytes.reserve(usize::try_from(length).unwrap_or(0).saturating_sub(bytes.len()));
        let left = limit.saturating_add(1).saturating_sub(bytes.len() as u64);
        file.take(left).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(too_large(length.max(bytes.len() as u64), limit));
        }
        let is_all = bytes.len() as u64 <= HEAD_BYTES;
        let format = if is_all { by_head } else { Format::detect(name, &bytes) };
        let hash = content_hash(bytes.as_slice())?;
        Ok(Self { format, hash, content: Content::Bytes(bytes) })
    }
}

/// A file that is read whole has more bytes than allowed.
fn too_large(bytes: u64, limit: u64) -> ReadError {
    let message = format!("has {bytes} bytes, more than the limit of {limit}");
    ReadError::new(ProblemKind::TooLarge, message)
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::new(ProblemKind::Unreadable, format!("cannot be read: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn open(name: &str, bytes: &[u8], limits: &Limits) -> Result<Opened, ReadError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        Opened::open(&path, limits)
    }

    #[test]
    fn a_file_is_streamed_by_what_it_is_and_hashed_whole() {
        let lines = "{\"text\": \"a\"}\n".repeat(10_000);
        let opened = open("a.jsonl", lines.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(opened.format, Format::JSON_LINES);
        assert_eq!(opened.hash, content_hash(lines.as_bytes()).unwrap());
        let Content::File(mut file) = opened.content else { panic!("it is not streamed") };
        let mut read = String::new();
        file.read_to_string(&mut read).unwrap();
        assert!(read == lines, "it is at its beginning");
    }

    #[test]
    fn a_file_that_is_read_whole_is_limited() {
        let limits = Limits::default().with_file_bytes(100_000);
        let text = "a ".repeat(50_000);
        let opened = open("a.txt", text.as_bytes(), &limits).unwrap();
        assert!(matches!(opened.content, Content::Bytes(bytes) if bytes == text.as_bytes()));
        let error = open("a.txt", format!("{text}b").as_bytes(), &limits).err().unwrap();
        assert_eq!(error.kind, ProblemKind::TooLarge);
        assert_eq!(open("a.txt", b"", &limits).unwrap().format, Format::TEXT);
    }
}
