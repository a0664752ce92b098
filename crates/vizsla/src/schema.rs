//! Passages as the index engine stores them: the only file that knows the names of fields.

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing,
    TextOptions, Value,
};
use vizsla_core::{Metadata, MetadataValue, Passage};

use crate::analysis;
use crate::encoding;
use crate::error::{Error, ErrorKind, Result};

pub(crate) const DOC_ID: &str = "doc_id";
pub(crate) const ORDINAL: &str = "ordinal";
pub(crate) const PATH: &str = "path";
pub(crate) const MODIFIED: &str = "modified";

/// Metadata longer than this is kept and shown but cannot be filtered by.
const MAX_METADATA_TERM: usize = 1000;

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
    /// The text alone; empty unless the index was made to have it.
    pub(crate) body: Field,
    /// The file, as one term.
    pub(crate) path: Field,
    pub(crate) extension: Field,
    /// `name=value`, as one term each.
    pub(crate) metadata: Field,
    modified: Field,
    /// The passage itself.
    stored: Field,
}

pub(crate) fn build() -> (Schema, Fields) {
    let indexed = |option: IndexRecordOption| {
        let indexing =
            TextFieldIndexing::default().set_tokenizer(analysis::ANALYZER).set_index_option(option);
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
    };
    (schema.build(), fields)
}

/// The term under which a name and value of metadata are indexed.
pub(crate) fn metadata_term(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

impl Fields {
    /// A passage as the engine takes it; `with_body` indexes its text once more, apart from title and headings.
    pub(crate) fn encode(&self, mut passage: Passage, with_body: bool) -> Result<TantivyDocument> {
        let mut document = TantivyDocument::new();
        document.add_text(self.doc_id, &passage.doc_id);
        document.add_u64(self.ordinal, u64::from(passage.ordinal));
        document.add_text(self.content, passage.full_text());
        document.add_text(self.title, &passage.title);
        if !passage.headings.is_empty() {
            document.add_text(self.headings, passage.headings.join("\n"));
        }
        if with_body {
            document.add_text(self.body, &passage.text);
        }
        if let Some(path) = &passage.path {
            document.add_text(self.path, path);
            document.add_text(self.path_words, path);
            if let Some((_, extension)) =
                path.rsplit(['/', '\\']).next().and_then(|name| name.rsplit_once('.'))
            {
                document.add_text(self.extension, extension.to_lowercase());
            }
        }
        if let Some(modified) = passage.modified {
            document.add_i64(self.modified, modified);
        }
        for (name, value) in &passage.metadata {
            self.add_metadata(&mut document, name, value);
        }
        // Metadata values describe their own type, which this encoding cannot follow; JSON can.
        let metadata = std::mem::take(&mut passage.metadata);
        let unfit = |what: &str, error: vizsla_core::BoxError| {
            Error::new(ErrorKind::InvalidInput, format!("cannot store {what}")).with_source(error)
        };
        let metadata = if metadata.is_empty() {
            String::new()
        } else {
            serde_json::to_string(&metadata)
                .map_err(|error| unfit("the document's metadata", error.into()))?
        };
        let expected = passage.text.len() + passage.title.len() + metadata.len() + 256;
        let stored = encoding::encode(&(&passage, metadata), expected)
            .map_err(|error| unfit("a passage", error))?;
        document.add_bytes(self.stored, &stored);
        Ok(document)
    }

    fn add_metadata(&self, document: &mut TantivyDocument, name: &str, value: &MetadataValue) {
        match value {
            MetadataValue::List(values) => {
                values.iter().for_each(|value| self.add_metadata(document, name, value));
            }
            MetadataValue::Map(values) => {
                for (inner, value) in values {
                    self.add_metadata(document, &format!("{name}.{inner}"), value);
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

    pub(crate) fn decode(&self, document: &TantivyDocument) -> Result<Passage> {
        let corrupt = |source: vizsla_core::BoxError| {
            Error::new(ErrorKind::Corrupt, "a stored passage cannot be read; the index is damaged: `vizsla check` says where, and `vizsla repair` mends it")
                .with_source(source)
        };
        let stored = document.get_first(self.stored).and_then(|value| value.as_bytes());
        let stored = stored.ok_or_else(|| corrupt("the passage is missing".into()))?;
        let (mut passage, metadata): (Passage, String) =
            encoding::decode(stored).map_err(corrupt)?;
        passage.metadata = if metadata.is_empty() {
            Metadata::new()
        } else {
            serde_json::from_str(&metadata).map_err(|error| corrupt(error.into()))?
        };
        Ok(passage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_survives_storage() {
        let (_, fields) = build();
        let mut passage = Passage::new("id", 3, "text").with_title("title").with_path("/a/b.md");
        passage.metadata.insert("year".into(), MetadataValue::Integer(2024));
        passage.metadata.insert("tags".into(), MetadataValue::List(vec!["x".into(), true.into()]));
        passage.headings = vec!["h".into()];
        assert_eq!(fields.decode(&fields.encode(passage.clone(), true).unwrap()).unwrap(), passage);
    }
}
