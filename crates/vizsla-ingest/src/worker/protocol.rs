//! What is said between a program and its workers, over the worker's standard input and output.
//!
//! Both sides write JSON, one value a line: the program a [`Hello`], then for each file a [`Request`] and its content;
//! the worker [`Reply::Ready`], then for each file its documents and problems, and [`Reply::End`]. The content follows as
//! chunks, each with its length before it, and ends with an empty one.

use std::io::{self, BufRead, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vizsla::{Document, Limits, Metadata};
use vizsla_extract::Problem;

use crate::limits;
use crate::read_error::ReadError;

/// Both sides are the same program, unless its file has been replaced while it runs.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
pub(super) const CHUNK_BYTES: usize = 1 << 20;
/// The length that stands for content that could not be read to its end.
const BROKEN: u32 = u32::MAX;
/// A text of the largest size, in which every character is escaped.
const LINE_BYTES: u64 = 4 << 30;

/// How the worker reads.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    #[serde(with = "limits")]
    pub(super) limits: Limits,
    /// Bytes of memory.
    pub(super) memory: u64,
    /// The languages of pictures of text; they are not read when there are none.
    pub(super) ocr: Option<String>,
}

/// A file to be read; its content follows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) name: String,
    /// Name of its format.
    pub(super) format: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    Ready {
        version: String,
    },
    /// The worker cannot read as it should.
    Refused(String),
    Document(Sent),
    Problem(Problem),
    /// The file has been read, or why it was not read to its end.
    End(Option<ReadError>),
}

/// A document. Its metadata is JSON within JSON, since nested values may be as deep as a parser allows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sent {
    document: Document,
    metadata: String,
}

impl Sent {
    pub(super) fn new(mut document: Document) -> io::Result<Self> {
        let metadata = serde_json::to_string(&std::mem::take(&mut document.metadata))?;
        Ok(Self { document, metadata })
    }

    pub(super) fn into_document(mut self) -> Result<Document, serde_json::Error> {
        self.document.metadata = serde_json::from_str::<Metadata>(&self.metadata)?;
        Ok(self.document)
    }
}

pub(super) fn write_line(output: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, value)?;
    output.write_all(b"\n")?;
    output.flush()
}

/// The next line, unless there is none.
pub(super) fn read_line<T: DeserializeOwned>(input: &mut dyn BufRead) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    if input.take(LINE_BYTES).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&line)?))
}

pub(super) fn write_chunk(output: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    output.write_all(&(bytes.len() as u32).to_le_bytes())?;
    output.write_all(bytes)
}

/// Ends the content, with an empty chunk if all of it could be read.
pub(super) fn end_chunks(output: &mut dyn Write, is_whole: bool) -> io::Result<()> {
    let end = if is_whole { 0 } else { BROKEN };
    output.write_all(&end.to_le_bytes())?;
    output.flush()
}

/// A part of the content of a file.
pub(super) enum Chunk {
    Bytes(Vec<u8>),
    End,
    Broken,
}

pub(super) fn read_chunk(input: &mut dyn Read) -> io::Result<Chunk> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    match u32::from_le_bytes(length) {
        0 => Ok(Chunk::End),
        BROKEN => Ok(Chunk::Broken),
        length => {
            let mut bytes = vec![0; (length as usize).min(CHUNK_BYTES)];
            input.read_exact(&mut bytes)?;
            Ok(Chunk::Bytes(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use vizsla::{Location, Locations, MetadataValue, Section};

    use super::*;

    #[test]
    fn a_document_arrives_as_it_was_sent() {
        let mut deep = MetadataValue::Integer(1);
        for _ in 0..100 {
            deep = MetadataValue::List(vec![deep]);
        }
        let page = Location::Pages { first: 1, last: 2, label: Some("iv".into()) };
        let spans = Locations::Spans(vec![(0, page)]);
        let document = Document::new("a!b", "heading\n\u{0}\u{2028}text")
            .with_path("a")
            .with_title("title")
            .with_sections(vec![Section::new(0, vec!["heading".into()])])
            .with_locations(Locations::Member("b".into(), Box::new(spans)))
            .with_metadata("deep", deep)
            .with_metadata("float", MetadataValue::Float(1.0));
        let mut line = Vec::new();
        write_line(&mut line, &Reply::Document(Sent::new(document.clone()).unwrap())).unwrap();
        let Some(Reply::Document(sent)) = read_line(&mut line.as_slice()).unwrap() else {
            panic!("it is not a document")
        };
        assert_eq!(sent.into_document().unwrap(), document);
    }

    #[test]
    fn content_ends_whole_or_broken() {
        let mut sent = Vec::new();
        write_chunk(&mut sent, b"abc").unwrap();
        end_chunks(&mut sent, true).unwrap();
        end_chunks(&mut sent, false).unwrap();
        let mut input = sent.as_slice();
        assert!(matches!(read_chunk(&mut input).unwrap(), Chunk::Bytes(bytes) if bytes == b"abc"));
        assert!(matches!(read_chunk(&mut input).unwrap(), Chunk::End));
        assert!(matches!(read_chunk(&mut input).unwrap(), Chunk::Broken));
        assert!(read_chunk(&mut input).is_err());
    }
}
