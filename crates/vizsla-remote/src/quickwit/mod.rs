//! Quickwit: searched by its interface like Elasticsearch's, written to by its own.
//!
//! Its indexes only grow. It has no ids, so passages have keys of ours, and what was written twice is shown once; scores
//! come as what hits are sorted by; there are no highlights and no explanations.

mod clauses;
#[cfg(test)]
mod fake;
mod mapping;
mod search;
mod store;

use serde_json::Value;
use vizsla::{Error, ErrorKind, TimeLimits};

use self::mapping::Mapping;
pub(crate) use self::store::QuickwitStore;
use crate::address::Address;
use crate::http::{Call, Client, checked};
use crate::layout::Layout;

/// An index of a cluster.
#[derive(Debug)]
pub(crate) struct Quickwit {
    client: Client,
    address: Address,
    /// The fields of the index; `None` when there is no such index.
    mapping: Option<Mapping>,
}

impl Quickwit {
    /// Asks which fields the index has.
    pub(crate) fn connect(client: Client, address: Address) -> Result<Self, Error> {
        let index = address.one_index()?;
        for option in ["dfs", "shards", "replicas"] {
            if address.option(option).is_some() {
                let message = format!("Quickwit has nothing to do with {option}: leave it out");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
        let time = TimeLimits::default();
        let reply = client.send(&Call::get(format!("/api/v1/indexes/{index}"), &time))?;
        let mapping = match reply.status {
            404 => None,
            _ => Some(checked(reply, "read the fields of")?),
        };
        let mapping = mapping.map(|body| Mapping::read(&body, &address)).transpose()?;
        Ok(Self { client, address, mapping })
    }

    /// The layout of the index; `None` when there is none.
    pub(crate) fn layout(&self) -> Result<Option<Layout>, Error> {
        let Some(mapping) = &self.mapping else { return Ok(None) };
        match mapping.stored() {
            Some(stored) if self.address.option("text").is_none() => {
                Layout::stored(&self.address, stored).map(Some)
            }
            _ => {
                let layout = Layout::foreign(&self.address, mapping)?;
                if layout.id.is_none() {
                    let message = "Quickwit's documents have no ids: add id=FIELD to the address, for a field with a \
                                   value of its own in each document";
                    return Err(Error::new(ErrorKind::InvalidInput, message));
                }
                Ok(Some(layout))
            }
        }
    }

    /// Sends JSON to what is like Elasticsearch.
    fn post(
        &self,
        what: &str,
        body: &Value,
        doing: &str,
        time: &TimeLimits,
    ) -> Result<Value, Error> {
        let path = format!("/api/v1/_elastic/{}/{what}", self.address.index());
        let doing = format!("{doing} the index {} of", self.address.index());
        checked(self.client.send(&Call::post(path, body, time))?, &doing)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vizsla::{
        Collection as _, Document, Engine, FileRecord, Filter, Fusion, IndexSettings,
        SearchRequest, WriterOptions,
    };

    use super::fake::Strict;
    use super::*;
    use crate::Remote;
    use crate::collection::RemoteCollection;

    fn remote(strict: &Strict, options: &str) -> Remote {
        Remote::open(&strict.address(options).parse().unwrap()).unwrap()
    }

    fn found(remote: &Remote, request: &SearchRequest) -> Vec<String> {
        let engine = Engine::new(remote.retriever().unwrap()).with_fusion(Fusion::Retrieval);
        let hits = engine.search(request).unwrap().hits;
        hits.into_iter().map(|hit| hit.doc_id).collect()
    }

    fn ids(remote: &Remote, query: &str) -> Vec<String> {
        found(remote, &SearchRequest::new(query))
    }

    /// Adds files, each with one document, as a run does.
    fn write(collection: &RemoteCollection, files: &[(&str, &str)]) -> Result<usize, Error> {
        let writer = collection.writer(&WriterOptions::default())?;
        for (path, text) in files {
            let document = Document::new(format!("id{path}"), *text).with_path(*path);
            writer.add(&document.with_metadata("year", "2024"))?;
            writer.record_file(path, FileRecord::new([1; 32], 1, 1))?;
        }
        writer.set_sync_state(Some("state".to_owned()));
        Ok(writer.commit()?.len())
    }

    #[test]
    fn an_index_is_made_and_searched_with_what_quickwit_knows() {
        let strict = Strict::start();
        let remote = remote(&strict, "");
        let collection = remote.collection(&IndexSettings::default()).unwrap();
        let files = [
            ("/a/heron.md", "A grey heron waits for fish."),
            ("/b/otter.txt", "An otter eats fish."),
        ];
        assert_eq!(write(&collection, &files).unwrap(), 0);
        assert_eq!(ids(&remote, "the heron fish"), ["id/a/heron.md", "id/b/otter.txt"]);
        assert_eq!(ids(&remote, "fish -otter"), ["id/a/heron.md"]);
        assert_eq!(ids(&remote, "fish \"grey heron\""), ["id/a/heron.md"]);
        assert_eq!(ids(&remote, "fish \"red heron\"").len(), 2, "a phrase that is nowhere");
        assert_eq!(ids(&remote, "ott*"), ["id/b/otter.txt"]);
        assert!(ids(&remote, "?! (\" AND").is_empty());
        let of = |filter| found(&remote, &SearchRequest::new("fish").with_filter(filter));
        assert_eq!(of(Filter::default().with_extension("txt")), ["id/b/otter.txt"]);
        assert_eq!(of(Filter::default().with_path("a/*.md")), ["id/a/heron.md"]);
        assert_eq!(of(Filter::default().with_metadata("year", "2024")).len(), 2);
        assert!(of(Filter::default().with_modified(Some(5), Some(9))).is_empty());
        let engine = Engine::new(remote.retriever().unwrap()).with_fusion(Fusion::Retrieval);
        let hit = engine.search(&SearchRequest::new("heron")).unwrap().hits.remove(0);
        assert_eq!(hit.passage.highlights, [[7, 12]]);
        assert_eq!(hit.metadata["year"], "2024".into());
    }

    #[test]
    fn an_index_grows_and_what_would_have_to_go_is_named() {
        let strict = Strict::start();
        let open = || remote(&strict, "").collection(&IndexSettings::default()).unwrap();
        write(&open(), &[("/a", "A heron.")]).unwrap();
        let collection = open();
        assert_eq!(collection.sync_state().unwrap().as_deref(), Some("state"));
        assert_eq!(collection.files(&Filter::default()).unwrap(), ["/a"]);
        assert_eq!(collection.stats().unwrap().documents, 1);
        assert_eq!(collection.document(("/a", "id/a")).unwrap()[0].text, "A heron.");
        assert_eq!(collection.documents_of("/a", 9).unwrap(), ["id/a"]);
        assert_eq!(collection.files_with("id/a").unwrap(), ["/a"]);
        write(&collection, &[("/b", "An otter.")]).unwrap();
        assert_eq!(ids(&remote(&strict, ""), "heron otter").len(), 2);
        // A file that has changed, and one that is gone.
        let error = write(&open(), &[("/a", "A windmill.")]).unwrap_err();
        assert!(
            error.kind() == ErrorKind::Unsupported && error.to_string().contains("/a"),
            "{error}"
        );
        assert!(ids(&remote(&strict, ""), "windmill").is_empty(), "nothing of it was written");
        let collection = open();
        let writer = collection.writer(&WriterOptions::default()).unwrap();
        assert!(writer.delete_file("/b"));
        let error = writer.commit().unwrap_err();
        assert!(error.to_string().contains("removes nothing"), "{error}");
        // One that was only touched is as it was, and documents of no file are added once.
        let collection = open();
        let writer = collection.writer(&WriterOptions::default()).unwrap();
        writer.record_file("/a", FileRecord::new([1; 32], 1, 2)).unwrap();
        writer.add(&Document::new("loose", "A lighthouse.")).unwrap();
        writer.commit().unwrap();
        let writer = collection.writer(&WriterOptions::default()).unwrap();
        writer.add(&Document::new("loose", "A windmill.")).unwrap();
        assert!(writer.commit().unwrap_err().to_string().contains("loose"));
    }

    #[test]
    fn what_is_written_twice_is_shown_once_and_what_is_refused_is_named() {
        let strict = Strict::start();
        let remote = remote(&strict, "");
        let collection = remote.collection(&IndexSettings::default()).unwrap();
        let files = [("/a", "A heron."), ("/b", "An unwanted otter."), ("/c", "A badger.")];
        assert_eq!(write(&collection, &files).unwrap(), 1);
        assert!(ids(&remote, "otter").is_empty());
        let again = strict.index.lock().unwrap().documents.clone();
        strict.index.lock().unwrap().documents.extend(again);
        assert_eq!(ids(&remote, "heron badger").len(), 2);
        assert_eq!(collection.document(("/a", "id/a")).unwrap().len(), 1);
    }

    #[test]
    fn somebody_elses_index_needs_fields_and_an_id() {
        let strict = Strict::start();
        {
            let mut index = strict.index.lock().unwrap();
            let text = |name: &str| json!({"name": name, "type": "text"});
            let inner =
                json!({"name": "resource", "type": "object", "field_mappings": [text("service")]});
            index.configuration = json!({"doc_mapping": {"mode": "lenient", "field_mappings": [text("id"), text("body"), inner]}});
            let long = "A tide comes and goes. ".repeat(500);
            index.documents = vec![
                json!({"id": "1", "body": format!("{long} A heron waits."), "lang": "en"}),
                json!({"id": "2", "body": "An otter swims.", "lang": "de"}),
            ];
        }
        let error = |options: &str| match remote(&strict, options).retriever() {
            Ok(_) => panic!("{options} is taken"),
            Err(error) => error.to_string(),
        };
        assert!(error("").contains("its text fields are: id, body, resource.service"));
        assert!(error("?text=boddy&id=id").contains("no field \"boddy\""));
        assert!(error("?text=body").contains("id=FIELD"));
        assert!(error("?text=body&id=id&dfs=true").contains("dfs"));
        let remote = remote(&strict, "?text=body^2&id=id");
        assert_eq!(ids(&remote, "heron"), ["1"]);
        let engine = Engine::new(remote.retriever().unwrap()).with_fusion(Fusion::Retrieval);
        let hit = engine.search(&SearchRequest::new("heron")).unwrap().hits.remove(0);
        assert!(hit.passage.text.len() < 5_000, "a long document is split");
        assert_eq!(hit.metadata["lang"], "en".into());
        let error = remote.collection(&IndexSettings::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotAnIndex);
    }
}
