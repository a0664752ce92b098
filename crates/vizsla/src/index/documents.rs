//! Looks up documents by name. In: the file and id of a document, or a file. Out: its passages, or the ids of its
//! documents, from the last commit.

use tantivy::query::{BooleanQuery, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, Searcher, Term};
use vizsla_core::{DocumentKey, Passage};

use super::{Index, addresses, schema};
use crate::error::Result;

impl Index {
    /// All passages of a document, in order and with its metadata; none when the index does not have it. The key is the
    /// file it was read from (empty when there is none) and its id there.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn document(&self, (path, id): DocumentKey<'_>) -> Result<Vec<Passage>> {
        let searcher = self.reader.searcher();
        let term = |field, text| -> Box<dyn Query> {
            let term = Term::from_field_text(field, text);
            Box::new(TermQuery::new(term, IndexRecordOption::Basic))
        };
        let both = vec![term(self.fields.path, path), term(self.fields.doc_id, id)];
        let query = BooleanQuery::intersection(both);
        let found = searcher.search(&query, &tantivy::collector::DocSetCollector);
        let found = found.map_err(|error| self.failed("read", error))?;
        let mut passages = Vec::with_capacity(found.len());
        for address in in_order(found) {
            passages.push((address, self.load(&searcher, address)?));
        }
        let Some((address, first)) = passages.first() else { return Ok(Vec::new()) };
        let metadata = self.load_metadata(&searcher, *address, first.ordinal)?;
        let complete = |(_, mut passage): (_, Passage)| {
            passage.metadata.clone_from(&metadata);
            passage
        };
        let mut passages: Vec<Passage> = passages.into_iter().map(complete).collect();
        passages.sort_by_key(|passage| passage.ordinal);
        Ok(passages)
    }

    /// The ids of the first `limit` documents that were read from a file.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn documents_of(&self, path: &str, limit: usize) -> Result<Vec<String>> {
        let searcher = self.reader.searcher();
        let term = Term::from_field_text(self.fields.path, path);
        let found = addresses(&searcher, term).map_err(|error| self.failed("read", error))?;
        let mut ids = Vec::new();
        for address in in_order(found) {
            if ids.len() == limit {
                break;
            }
            if self.is_first(&searcher, address)? {
                ids.push(self.load(&searcher, address)?.doc_id);
            }
        }
        Ok(ids)
    }

    fn is_first(&self, searcher: &Searcher, address: DocAddress) -> Result<bool> {
        let fields = searcher.segment_reader(address.segment_ord).fast_fields();
        let ordinals = fields.u64(schema::ORDINAL).map_err(|error| self.failed("read", error))?;
        Ok(ordinals.first(address.doc_id) == Some(0))
    }
}

fn in_order(found: impl IntoIterator<Item = DocAddress>) -> Vec<DocAddress> {
    let mut found: Vec<DocAddress> = found.into_iter().collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, IndexSettings, WriterOptions};

    #[test]
    fn documents_are_found_by_file_and_id() {
        let index = Index::in_memory(IndexSettings::default()).unwrap();
        let mut writer = index.writer(&WriterOptions::default()).unwrap();
        let long = "One sentence of some words. ".repeat(200);
        let of = |path: &str, id: &str, text: &str| {
            Document::new(id, text).with_path(path).with_metadata("kind", "note")
        };
        writer.add(&of("/a", "1", &long)).unwrap();
        writer.add(&of("/a", "2", "Second.")).unwrap();
        writer.add(&of("/b", "1", "Of another file.")).unwrap();
        writer.add(&Document::new("1", "Of no file.")).unwrap();
        writer.commit().unwrap();
        let passages = index.document(("/a", "1")).unwrap();
        assert!(passages.len() > 1);
        assert!((0..).zip(&passages).all(|(ordinal, passage)| passage.ordinal == ordinal));
        assert!(passages.iter().all(|passage| passage.metadata["kind"] == "note".into()));
        assert_eq!(index.document(("", "1")).unwrap()[0].text, "Of no file.");
        assert_eq!(index.document(("/b", "1")).unwrap()[0].text, "Of another file.");
        assert!(index.document(("/b", "2")).unwrap().is_empty());
        assert_eq!(index.documents_of("/a", 10).unwrap(), ["1", "2"]);
        assert_eq!(index.documents_of("/a", 1).unwrap(), ["1"]);
        assert!(index.documents_of("/c", 10).unwrap().is_empty());
    }
}
