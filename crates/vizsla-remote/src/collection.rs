//! An engine's index as a [`Collection`]: what sources are kept in sync with.

use std::collections::BTreeMap;
use std::sync::Arc;

use vizsla::{
    Collection, CollectionWriter, DocumentKey, FileRecord, Filter, IndexSettings, IndexStats,
    Passage, Result, WriterOptions, path_filter,
};

use crate::backend::Backend;
use crate::writer::Writer;

/// An index that Vizsla has made in an engine. Cheap to clone.
///
/// What is written is found as soon as the engine shows it, and stays when a run is cut short: what each file was is
/// remembered only after its documents have been stored, so that the next run goes on with the rest.
#[derive(Debug, Clone)]
pub struct RemoteCollection {
    pub(crate) backend: Arc<dyn Backend>,
}

impl Collection for RemoteCollection {
    fn settings(&self) -> IndexSettings {
        self.backend.settings()
    }

    fn ranking(&self) -> String {
        self.backend.ranking()
    }

    fn sync_state(&self) -> Result<Option<String>> {
        self.backend.state()
    }

    fn writer<'a>(&'a self, options: &WriterOptions) -> Result<Box<dyn CollectionWriter + 'a>> {
        Ok(Box::new(Writer::open(&*self.backend, options)?))
    }

    fn is_empty(&self) -> Result<bool> {
        Ok(self.backend.counts()?.1 == 0)
    }

    fn stats(&self) -> Result<IndexStats> {
        let (documents, passages) = self.backend.counts()?;
        Ok(IndexStats::new(documents, passages, self.backend.records()?.len() as u64))
    }

    fn document(&self, key: DocumentKey<'_>) -> Result<Vec<Passage>> {
        self.backend.document(key)
    }

    fn documents_of(&self, path: &str, limit: usize) -> Result<Vec<String>> {
        self.backend.documents_of(path, limit)
    }

    fn files_with(&self, id: &str) -> Result<Vec<String>> {
        self.backend.files_with(id)
    }

    fn file_records(&self, filter: &Filter) -> Result<BTreeMap<String, FileRecord>> {
        let passes = path_filter(filter)?;
        let mut records = self.backend.records()?;
        records.retain(|path, _| passes(path));
        Ok(records)
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use vizsla::{
        CollectionWriter, Document, Engine, ErrorKind, FileRecord, Fusion, SearchRequest,
    };

    use super::*;
    use crate::{Address, Remote};

    fn open(address: &Address) -> (Remote, RemoteCollection) {
        let remote = Remote::open(address).unwrap();
        let collection = remote.collection(&IndexSettings::default()).unwrap();
        (remote, collection)
    }

    fn found(remote: &Remote, query: &str) -> Vec<String> {
        let engine = Engine::new(remote.retriever().unwrap()).with_fusion(Fusion::Retrieval);
        let hits = engine.search(&SearchRequest::new(query)).unwrap().hits;
        hits.into_iter().map(|hit| hit.doc_id).collect()
    }

    fn document(path: &str, id: &str, text: &str) -> Document {
        Document::new(id, text).with_path(path).with_metadata("kind", "note")
    }

    fn record(writer: &dyn CollectionWriter, path: &str, of: u8) {
        writer.record_file(path, FileRecord::new([of; 32], 1, 1)).unwrap();
    }

    /// What every database must do.
    fn is_a_collection(address: &Address) {
        let (remote, collection) = open(address);
        let options = WriterOptions::default();
        let writer = collection.writer(&options).unwrap();
        let long = "A tide comes and goes. ".repeat(200);
        writer.add(&document("/a", "1", &long)).unwrap();
        writer.add(&document("/a", "1", "A heron waits for O'Neill's fish.")).unwrap();
        record(&*writer, "/a", 1);
        writer.add(&document("/b", "2", "An otter holds hands.")).unwrap();
        record(&*writer, "/b", 2);
        writer.set_sync_state(Some("state".to_owned()));
        assert!(writer.commit().unwrap().is_empty());
        assert_eq!(found(&remote, "heron fish"), ["1"]);
        // Of a document that was added twice, nothing of the first stays.
        assert!(found(&remote, "tide").is_empty());
        assert_eq!(found(&remote, "o'neill & ( | :* 'x"), ["1"]);
        let (_, collection) = open(address);
        assert_eq!(collection.sync_state().unwrap().as_deref(), Some("state"));
        assert_eq!(collection.files(&Filter::default()).unwrap(), ["/a", "/b"]);
        assert_eq!(collection.stats().unwrap().documents, 2);
        let passages = collection.document(("/b", "2")).unwrap();
        assert_eq!(passages[0].metadata["kind"], "note".into());
        assert_eq!(collection.documents_of("/b", 9).unwrap(), ["2"]);
        assert_eq!(collection.files_with("2").unwrap(), ["/b"]);
        // A run that is given up leaves nothing, and one at a time may write.
        let writer = collection.writer(&options).unwrap();
        writer.add(&document("/c", "3", "Never seen.")).unwrap();
        let second = open(address).1;
        assert_eq!(second.writer(&options).err().unwrap().kind(), ErrorKind::Locked);
        assert!(writer.abandon().unwrap().contains("as it was before"));
        assert!(found(&remote, "seen").is_empty());
        // A file that is read again, and one that is gone.
        let writer = collection.writer(&options).unwrap();
        assert!(writer.delete_file("/a"));
        writer.add(&document("/a", "9", "A windmill.")).unwrap();
        record(&*writer, "/a", 3);
        assert!(writer.delete_file("/b"));
        writer.commit().unwrap();
        assert_eq!(found(&remote, "windmill"), ["9"]);
        assert!(found(&remote, "heron otter").is_empty());
        assert_eq!(collection.files(&Filter::default()).unwrap(), ["/a"]);
    }

    #[test]
    fn sqlite_is_a_collection() {
        let dir = tempfile::tempdir().unwrap();
        let address = format!("sqlite:{}?table=notes", dir.path().join("a.db").display());
        is_a_collection(&address.parse().unwrap());
    }
}
