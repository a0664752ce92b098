//! Passages as the index engine stores them: the only file that knows the names of fields.
//!
//! A document's passages are adjacent in one segment, in order, because they are added as one batch. The first carries
//! what the document has once: its metadata and the terms used to filter by it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing,
    TextOptions, Value,
};
use vizsla_core::{BoxError, Location, Metadata, MetadataValue, Passage};

use super::codec;
use crate::analysis::Analysis;
use crate::error::{Error, ErrorKind, Result};

pub(crate) const DOC_ID: &str = "doc_id";
pub(crate) const ORDINAL: &str = "ordinal";
pub(crate) const PATH: &str = "path";
pub(crate) const MODIFIED: &str = "modified";

/// Longer metadata values are stored and shown but cannot be used in filters.
const MAX_METADATA_TERM: usize = 1000;
/// The first byte of a stored passage: the version of its encoding. In the first, passages did not know where their parts
/// are.
const PASSAGE_VERSION: u8 = 2;

/// Handles of the fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    /// Id of the document, as one term.
    pub(crate) doc_id: Field,
    ordinal: Field,
    /// Title, headings and text: what BM25 scores.
    pub(crate) content: Field,
    pub(crate) title: Field,
    pub(crate) headings: Field,
    /// The words of the file's path.
    pub(crate) path_words: Field,
    /// The text alone; empty unless the index was created with it.
    pub(crate) body: Field,
    /// The file, as one term; empty for a document that came from no file.
    pub(crate) path: Field,
    pub(crate) extension: Field,
    /// `name=value`, as one term each, with a document's first passage.
    pub(crate) metadata: Field,
    modified: Field,
    /// The passage itself.
    stored: Field,
    /// The document's metadata as JSON, with its first passage.
    stored_metadata: Field,
}

/// The fields, with the tokenizer of an analysis.
pub(crate) fn build(analysis: Analysis) -> (Schema, Fields) {
    let indexed = |option: IndexRecordOption| {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(analysis.tokenizer())
            .set_index_option(option);
        TextOptions::default().set_indexing_options(indexing)
    };
    let text = || indexed(IndexRecordOption::WithFreqsAndPositions);
    let mut schema = Schema::builder();
    let fields = Fields {
        doc_id: schema.add_text_field(DOC_ID, STRING | FAST),
        ordinal: schema.add_u64_field(ORDINAL, FAST),
        content: schema.add_text_field("content", text()),
        title: schema.add_text_field("title", text()),
        headings: schema.add_text_field("headings", text()),
        path_words: schema.add_text_field("path_words", text()),
        body: schema.add_text_field("body", indexed(IndexRecordOption::WithFreqs)),
        path: schema.add_text_field(PATH, STRING | FAST),
        extension: schema.add_text_field("extension", STRING),
        metadata: schema.add_text_field("metadata", STRING),
        modified: schema.add_i64_field(MODIFIED, FAST | INDEXED),
        stored: schema.add_bytes_field("stored", STORED),
        stored_metadata: schema.add_bytes_field("stored_metadata", STORED),
    };
    (schema.build(), fields)
}

/// The term under which a name and value of metadata are indexed. The separator is a character that no name contains,
/// so that `a=b` with value `c` is not `a` with value `b=c`.
pub(crate) fn metadata_term(name: &str, value: &str) -> String {
    format!("{}\u{1}{value}", name.replace('\u{1}', " "))
}

/// The name in the term of a name and value.
pub(crate) fn metadata_name(term: &[u8]) -> Option<&str> {
    let end = term.iter().position(|byte| *byte == 1)?;
    std::str::from_utf8(&term[..end]).ok()
}

/// A passage as stored, in this field order.
#[derive(Serialize, Deserialize)]
struct StoredPassage {
    doc_id: String,
    ordinal: u32,
    title: String,
    headings: Vec<String>,
    text: String,
    location: Location,
    start_byte: u64,
    end_byte: u64,
    path: Option<String>,
    modified: Option<i64>,
}

impl Fields {
    /// A passage as an engine document; `with_body` also indexes its text separately from title and headings.
    pub(crate) fn encode(&self, passage: Passage, with_body: bool) -> Result<TantivyDocument> {
        let mut document = TantivyDocument::new();
        document.add_text(self.doc_id, &passage.doc_id);
        document.add_u64(self.ordinal, u64::from(passage.ordinal));
        document.add_text(self.content, passage.full_text());
        document.add_text(self.title, &passage.title);
        let headings = [passage.headings.as_slice(), &passage.subheadings].concat();
        if !headings.is_empty() {
            document.add_text(self.headings, headings.join("\n"));
        }
        if with_body {
            document.add_text(self.body, &passage.text);
        }
        document.add_text(self.path, passage.path.as_deref().unwrap_or_default());
        if let Some(path) = &passage.path {
            let extension = path.rsplit(['/', '\\']).next().and_then(|name| name.rsplit_once('.'));
            // The end of a name says how it is written, not what it is about.
            let end = extension.filter(|(name, _)| !name.is_empty());
            let named = path.len() - end.map_or(0, |(_, end)| end.len() + 1);
            document.add_text(self.path_words, &path[..named]);
            if let Some((_, extension)) = extension {
                document.add_text(self.extension, extension.to_lowercase());
            }
        }
        if let Some(modified) = passage.modified {
            document.add_i64(self.modified, modified);
        }
        if passage.ordinal == 0 && !passage.metadata.is_empty() {
            self.add_metadata(&mut document, &passage.metadata)?;
        }
        document.add_bytes(self.stored, &stored(passage)?);
        Ok(document)
    }

    fn add_metadata(&self, document: &mut TantivyDocument, metadata: &Metadata) -> Result<()> {
        for (name, value) in metadata {
            self.add_terms(document, name, value);
        }
        // Metadata values are self-describing, which the encoding of passages does not support; JSON does.
        let json = serde_json::to_vec(metadata)
            .map_err(|error| unfit("the document's metadata", error.into()))?;
        document.add_bytes(self.stored_metadata, &json);
        Ok(())
    }

    fn add_terms(&self, document: &mut TantivyDocument, name: &str, value: &MetadataValue) {
        match value {
            MetadataValue::List(values) => {
                values.iter().for_each(|value| self.add_terms(document, name, value));
            }
            MetadataValue::Map(values) => {
                for (inner, value) in values {
                    self.add_terms(document, &format!("{name}.{inner}"), value);
                }
            }
            value => {
                let term = metadata_term(name, &value.to_string());
                if term.len() <= MAX_METADATA_TERM {
                    document.add_text(self.metadata, term);
                }
            }
        }
    }

    /// The passage in a stored document, without metadata.
    pub(crate) fn decode(&self, document: &TantivyDocument) -> Result<Passage> {
        let bytes = document.get_first(self.stored).and_then(|value| value.as_bytes());
        decode_passage(bytes.ok_or_else(|| corrupt("the passage is missing".into()))?)
            .map_err(corrupt)
    }

    /// The metadata that is stored with a document's first passage.
    pub(crate) fn decode_metadata(&self, document: &TantivyDocument) -> Result<Arc<Metadata>> {
        let bytes = document.get_first(self.stored_metadata).and_then(|value| value.as_bytes());
        let Some(bytes) = bytes else { return Ok(Arc::default()) };
        serde_json::from_slice(bytes).map(Arc::new).map_err(|error| corrupt(error.into()))
    }
}

fn stored(passage: Passage) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(passage.text.len() + passage.title.len() + 256);
    bytes.push(PASSAGE_VERSION);
    let stored = StoredPassage {
        doc_id: passage.doc_id,
        ordinal: passage.ordinal,
        title: passage.title,
        headings: passage.headings,
        text: passage.text,
        location: passage.location,
        start_byte: passage.start_byte,
        end_byte: passage.end_byte,
        path: passage.path,
        modified: passage.modified,
    };
    let encoded = codec::encode_into(&stored, &mut bytes)
        .and_then(|()| codec::encode_into(&passage.places, &mut bytes));
    encoded.map_err(|error| unfit("a passage", error))?;
    Ok(bytes)
}

/// Decodes a stored passage.
pub(crate) fn decode_passage(bytes: &[u8]) -> std::result::Result<Passage, BoxError> {
    let (version, content) = bytes.split_first().ok_or("the passage is empty")?;
    if !(1..=PASSAGE_VERSION).contains(version) {
        return Err(format!("the passage has version {version}, not {PASSAGE_VERSION}").into());
    }
    let (stored, rest): (StoredPassage, _) = codec::decode_passage(content)?;
    let mut passage = Passage::new(stored.doc_id, stored.ordinal, stored.text);
    passage.title = stored.title;
    passage.headings = stored.headings;
    passage.location = stored.location;
    if *version > 1 {
        (passage.places, _) = codec::decode_passage(rest)?;
    }
    passage.start_byte = stored.start_byte;
    passage.end_byte = stored.end_byte;
    passage.path = stored.path;
    passage.modified = stored.modified;
    Ok(passage)
}

fn unfit(what: &str, error: BoxError) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("cannot store {what}")).with_source(error)
}

fn corrupt(source: BoxError) -> Error {
    let message = "a stored passage cannot be read; the index is damaged and needs repair";
    Error::new(ErrorKind::Corrupt, message).with_source(source)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vizsla_core::Locations;

    use super::*;

    #[test]
    fn a_passage_survives_storage_and_its_metadata_is_stored_once() {
        let (_, fields) = build(Analysis::default());
        let mut passage = Passage::new("id", 0, "text").with_title("title").with_path("/a/b.md");
        let mut metadata = Metadata::new();
        metadata.insert("year".into(), MetadataValue::Integer(2024));
        metadata.insert("tags".into(), MetadataValue::List(vec!["x".into(), true.into()]));
        passage.headings = vec!["h".into()];
        passage.location = Location::Pages { first: 3, last: 4, label: Some("iii".into()) };
        passage.places = Locations::Spans(vec![(0, passage.location.clone())]);
        let bare = passage.clone();
        passage.metadata = Arc::new(metadata.clone());
        let first = fields.encode(passage.clone(), true).unwrap();
        assert_eq!(fields.decode(&first).unwrap(), bare);
        assert_eq!(*fields.decode_metadata(&first).unwrap(), metadata);
        passage.ordinal = 1;
        let second = fields.encode(passage, true).unwrap();
        assert!(fields.decode_metadata(&second).unwrap().is_empty());
    }

    #[test]
    fn a_passage_of_the_first_version_is_read() {
        let mut bytes = stored(Passage::new("id", 3, "text")).unwrap();
        assert_eq!(bytes.pop(), Some(0), "no places");
        bytes[0] = 1;
        assert_eq!(decode_passage(&bytes).unwrap(), Passage::new("id", 3, "text"));
    }

    #[test]
    fn a_name_with_an_equals_sign_is_another_name() {
        assert_ne!(metadata_term("a=b", "c"), metadata_term("a", "b=c"));
    }

    #[test]
    fn a_damaged_length_is_an_error_rather_than_an_allocation() {
        // A nine-byte varint that claims more than the available memory.
        let huge = [PASSAGE_VERSION, 253, 255, 255, 255, 255, 255, 255, 255, 127];
        assert!(decode_passage(&huge).is_err());
        assert!(decode_passage(&[]).unwrap_err().to_string().contains("empty"));
        assert!(decode_passage(&[9]).unwrap_err().to_string().contains("version 9"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_passage_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_passage(&bytes);
            let _ = decode_passage(&[&[PASSAGE_VERSION], bytes.as_slice()].concat());
        }
    }
}
