//! Passages and what is remembered of files, in one collection of Solr. Documents of files have no text, so they change
//! nothing about how passages are found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use vizsla::{
    DocumentKey, Error, ErrorKind, FileRecord, IndexSettings, Passage, Refusal, Result, TimeLimits,
};

use super::sign::WriterDocument;
use super::update::Command;
use super::{SETTINGS, Solr, any_value, quoted};
use crate::backend::{Backend, Change, Turn};
use crate::fields;
use crate::http::{Call, checked, percent_encoded};
use crate::lease::Lease;
use crate::record::StoredRecord;
use crate::writer::refusals;

/// Documents that are read at a time.
const PAGE: usize = 5_000;
/// Values in one query: servers refuse more than 1,024.
const VALUES: usize = 500;
const STATE: &str = "vizsla:state";
/// Changing the fields of a collection may have to reach many nodes.
const CHANGING: Duration = Duration::from_mins(2);

#[derive(Debug)]
pub(crate) struct SolrStore {
    solr: Arc<Solr>,
    settings: IndexSettings,
}

impl SolrStore {
    /// The store in a collection that Vizsla has made, or makes now with these settings.
    pub(crate) fn open(mut solr: Solr, new: &IndexSettings) -> Result<Self> {
        solr.address.one_index()?;
        let is_ours = solr.schema.as_ref().is_some_and(super::Schema::is_ours);
        let stored = if is_ours { solr.layout()? } else { None };
        let settings = if let Some(layout) = stored {
            layout.writable(&solr.address)?
        } else {
            solr.make(new)?;
            *new
        };
        Ok(Self { solr: Arc::new(solr), settings })
    }

    /// All documents that pass the filters, in the order of `sort` and then by id, at most `limit`.
    fn all(
        &self,
        filters: &[Value],
        fields: &[&str],
        sort: &str,
        limit: usize,
    ) -> Result<Vec<Map<String, Value>>> {
        let time = TimeLimits::default();
        let mut found = Vec::new();
        let mut mark = "*".to_owned();
        while found.len() < limit {
            let size = PAGE.min(limit - found.len());
            let body = json!({
                "query": "*:*", "filter": filters, "limit": size, "fields": fields,
                "sort": format!("{sort}id asc"), "params": {"cursorMark": mark},
            });
            let mut answer = self.solr.post("select", &body, "read", &time)?;
            let documents = answer.pointer_mut("/response/docs").map(Value::take);
            let Some(Value::Array(documents)) = documents else { break };
            for document in documents {
                if let Value::Object(document) = document {
                    found.push(fields::from_flat(document));
                }
            }
            let next = answer.get("nextCursorMark").and_then(Value::as_str).unwrap_or_default();
            if next.is_empty() || next == mark {
                break;
            }
            next.clone_into(&mut mark);
        }
        Ok(found)
    }

    fn count(&self, filter: &Value) -> Result<u64> {
        let time = TimeLimits::default();
        let body = json!({"query": "*:*", "filter": [filter], "limit": 0});
        let answer = self.solr.post("select", &body, "count", &time)?;
        Ok(answer.pointer("/response/numFound").and_then(Value::as_u64).unwrap_or(0))
    }

    /// Removes passages of which a field has one of these values, but not those that `run` has written.
    fn remove(&self, field: &str, values: &[String], and: &str, run: &str) -> Result<()> {
        let not = quoted(run);
        for values in values.chunks(VALUES) {
            let query = format!("+{}{and} -run:{not}", any_value(field, values));
            self.solr.must_update(&[Command::delete_all(&query)])?;
        }
        Ok(())
    }
}

/// The distinct texts of a field.
fn strings(name: &str, found: &[Map<String, Value>]) -> BTreeSet<String> {
    let text = |of: &Map<String, Value>| of.get(name).and_then(Value::as_str).map(str::to_owned);
    found.iter().filter_map(text).collect()
}

/// What has this value in a field, or none where it is empty.
fn value(field: &str, value: &str) -> Value {
    if value.is_empty() {
        return json!({"lucene": {"query": format!("-{field}:[* TO *]")}});
    }
    json!({"field": {"f": field, "query": value}})
}

/// The first passages of documents.
fn first() -> Value {
    json!({"lucene": {"query": "ordinal:0"}})
}

fn record_id(path: &str) -> String {
    format!("file:{}", fields::file_key(path))
}

impl Solr {
    /// Makes the collection, or takes an empty one, and gives it our fields and settings.
    fn make(&mut self, settings: &IndexSettings) -> Result<()> {
        if self.schema.is_none() {
            self.make_collection()?;
            self.schema = self.read_schema()?;
        }
        let schema = self.schema.as_ref().ok_or_else(|| self.address.no_index())?;
        let not_ours = |why: &str| {
            let message = format!(
                "the collection {} was not made by Vizsla and {why}, so nothing is written to it: name a new one",
                self.address.index()
            );
            Err(Error::new(ErrorKind::NotAnIndex, message))
        };
        if schema.unique_key != "id" {
            return not_ours("its documents are not identified by a field \"id\"");
        }
        if let Some(name) = schema.in_the_way(settings) {
            return not_ours(&format!("has its own field {name:?}"));
        }
        let time = TimeLimits::default();
        let all = json!({"query": "*:*", "limit": 0});
        let found = self.post("select", &all, "look into", &time)?;
        let found = found.pointer("/response/numFound").and_then(Value::as_u64);
        if found != Some(0) && !schema.is_ours() {
            return not_ours("has documents");
        }
        if let Some(missing) = schema.missing(settings) {
            let path = self.path("schema?updateTimeoutSecs=60&wt=json");
            let call = Call::post(path, &missing, &time).with_timeout(CHANGING);
            let doing = "add fields to the collection of";
            if let Err(error) = checked(self.client.send(&call)?, doing) {
                // One that somebody else adds at the same time is as good.
                let schema = self.read_schema()?;
                if schema.is_none_or(|schema| schema.missing(settings).is_some()) {
                    return Err(error);
                }
            }
            self.schema = self.read_schema()?;
        }
        let stored = json!({"version": fields::VERSION, "settings": settings});
        let document = json!({"id": SETTINGS, "json": stored.to_string()});
        self.must_update(&[Command::add(&document), Command::commit()])
    }

    fn make_collection(&self) -> Result<()> {
        let (index, address) = (self.address.index(), &self.address);
        if self.is_cloud == Some(false) {
            let message = format!(
                "there is no core {index} at {address}, and a server without ZooKeeper makes none on request: make an empty \
                 one with `solr create -c {index}`, and run this again"
            );
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let shards = self.address.number("shards")?.unwrap_or(1);
        // Solr counts all copies of a shard.
        let copies = self.address.number("replicas")?.unwrap_or(0) + 1;
        let path = format!(
            "/admin/collections?action=CREATE&wt=json&name={}&numShards={shards}&replicationFactor={copies}",
            percent_encoded(index)
        );
        let time = TimeLimits::default();
        let call = Call::get(path, &time).with_timeout(CHANGING).once();
        match checked(self.client.send(&call)?, "make a collection at") {
            // One that somebody else makes at the same time is as good.
            Err(error) if !error.to_string().contains("already exists") => Err(error),
            _ => Ok(()),
        }
    }
}

impl Backend for SolrStore {
    fn settings(&self) -> IndexSettings {
        self.settings
    }

    fn begin(&self, run: &str) -> Result<Box<dyn Turn>> {
        let turn = Lease::take(WriterDocument(Arc::clone(&self.solr)), run)?;
        self.solr.must_update(&[Command::commit()])?;
        Ok(Box::new(turn))
    }

    fn records(&self) -> Result<BTreeMap<String, FileRecord>> {
        let files = json!({"lucene": {"query": "file:[* TO *]"}});
        let found = self.all(&[files], &["file", "json"], "", usize::MAX)?;
        let read = |of: Map<String, Value>| {
            let path = of.get("file")?.as_str()?.to_owned();
            let record: StoredRecord = serde_json::from_str(of.get("json")?.as_str()?).ok()?;
            Some((path, record.record()))
        };
        Ok(found.into_iter().filter_map(read).collect())
    }

    fn state(&self) -> Result<Option<String>> {
        let state = self.solr.remembered(STATE)?;
        Ok(state.and_then(|state| state.as_str().map(str::to_owned)))
    }

    fn put_records(&self, records: &[(String, FileRecord)]) -> Result<()> {
        let command = |(path, record): &(String, FileRecord)| {
            let json = json!(StoredRecord::of(record)).to_string();
            Command::add(&json!({"id": record_id(path), "file": path, "json": json}))
        };
        self.solr.must_update(&records.iter().map(command).collect::<Vec<_>>())
    }

    fn forget(&self, paths: &[String]) -> Result<()> {
        let delete = |path: &String| Command::delete(&record_id(path));
        self.solr.must_update(&paths.iter().map(delete).collect::<Vec<_>>())
    }

    fn change(&self, run: &str, changes: &[Change]) -> Result<Vec<Refusal>> {
        let command = |change: &Change| match change {
            Change::Put(passage) => {
                let path = passage.path.as_deref().unwrap_or_default();
                let key = fields::passage_key(path, &passage.doc_id, passage.ordinal);
                let of = fields::of_passage(passage, run, self.settings.separate_body);
                let mut of = fields::to_flat(of);
                of.insert("id".to_owned(), key.into());
                Command::add(&Value::Object(of))
            }
            Change::Remove(path, id, ordinal) => {
                Command::delete(&fields::passage_key(path, id, *ordinal))
            }
        };
        let commands: Vec<Command> = changes.iter().map(command).collect();
        Ok(refusals(changes, self.solr.update(&commands)?))
    }

    fn remove_files(&self, paths: &[String], run: &str) -> Result<()> {
        self.remove("path", paths, "", run)
    }

    fn remove_documents(&self, ids: &[String], run: &str) -> Result<()> {
        self.remove("doc_id", ids, " -path:[* TO *]", run)
    }

    fn commit(&self, state: Option<&str>) -> Result<()> {
        let document = json!({"id": STATE, "json": json!(state).to_string()});
        self.solr.must_update(&[Command::add(&document), Command::commit()])
    }

    fn counts(&self) -> Result<(u64, u64)> {
        let all = json!({"lucene": {"query": "ordinal:[0 TO *]"}});
        Ok((self.count(&first())?, self.count(&all)?))
    }

    fn document(&self, (path, id): DocumentKey<'_>) -> Result<Vec<Passage>> {
        let filters = [value("path", path), value("doc_id", id)];
        let found = self.all(&filters, &["*"], "ordinal asc,", usize::MAX)?;
        found.iter().map(fields::to_passage).collect()
    }

    fn documents_of(&self, path: &str, limit: usize) -> Result<Vec<String>> {
        let filters = [value("path", path), first()];
        let found = self.all(&filters, &["doc_id"], "doc_id asc,", limit)?;
        Ok(strings("doc_id", &found).into_iter().collect())
    }

    fn files_with(&self, id: &str) -> Result<Vec<String>> {
        let filters = [value("doc_id", id), first()];
        let found = self.all(&filters, &["path"], "path asc,", 1_000)?;
        Ok(strings("path", &found).into_iter().collect())
    }
}
