//! Passages and what is remembered of files, in two indexes of OpenSearch or Elasticsearch: `NAME`, and `NAME.vizsla`
//! beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use vizsla::{
    DocumentKey, Error, ErrorKind, FileRecord, IndexSettings, Passage, Refusal, Result, TimeLimits,
};

use super::bulk::Action;
use super::sign::WriterDocument;
use super::{Cluster, mapping};
use crate::backend::{Backend, Change, Turn};
use crate::fields;
use crate::http::{Call, Method, checked};
use crate::layout::Layout;
use crate::lease::Lease;
use crate::record::StoredRecord;
use crate::writer::refusals;

/// Documents that are read at a time.
const PAGE: usize = 5_000;
/// Removing may take as long as writing did.
const REMOVING: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub(crate) struct ElasticStore {
    cluster: Arc<Cluster>,
    settings: IndexSettings,
    index: String,
    files: String,
}

impl ElasticStore {
    /// The store in an index that Vizsla has made, or makes now with these settings.
    pub(crate) fn open(
        cluster: Arc<Cluster>,
        layout: Option<&Layout>,
        new: &IndexSettings,
    ) -> Result<Self> {
        let index = cluster.address.one_index()?.to_owned();
        let settings = if let Some(layout) = layout {
            layout.writable(&cluster.address)?
        } else {
            let (shards, replicas) =
                (cluster.address.number("shards")?, cluster.address.number("replicas")?);
            cluster.make(&index, &mapping::of_passages(new, shards, replicas))?;
            *new
        };
        let files = format!("{index}.vizsla");
        let time = TimeLimits::default();
        if cluster.client.send(&Call::get(format!("/{files}/_mapping"), &time))?.status == 404 {
            cluster.make(&files, &mapping::of_files(cluster.address.number("replicas")?))?;
        }
        Ok(Self { cluster, settings, index, files })
    }

    /// All documents that match, in the order of `sort`, at most `limit`.
    fn all(
        &self,
        index: &str,
        query: &Value,
        sort: &Value,
        limit: usize,
    ) -> Result<Vec<Map<String, Value>>> {
        let time = TimeLimits::default();
        let mut found: Vec<Map<String, Value>> = Vec::new();
        let mut after = Value::Null;
        while found.len() < limit {
            let size = PAGE.min(limit - found.len());
            let mut body =
                json!({"size": size, "track_total_hits": false, "query": query, "sort": sort});
            if !after.is_null() {
                body["search_after"] = after;
            }
            let mut answer =
                self.cluster.post(&format!("/{index}/_search"), &body, "read", &time)?;
            let failed = answer.pointer("/_shards/failed").and_then(Value::as_u64).unwrap_or(0);
            if failed > 0 {
                let message = format!("{failed} shards of the index {index} cannot be read now");
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
            let hits = answer.pointer_mut("/hits/hits").map(Value::take);
            let Some(Value::Array(hits)) = hits else { break };
            let last = hits.len() < size;
            after = hits.last().and_then(|hit| hit.get("sort")).cloned().unwrap_or_default();
            for mut hit in hits {
                if let Some(Value::Object(source)) = hit.get_mut("_source").map(Value::take) {
                    found.push(source);
                }
            }
            if last || after.is_null() {
                break;
            }
        }
        Ok(found)
    }

    fn remove(&self, filter: &Value, run: &str) -> Result<()> {
        let time = TimeLimits::default();
        let body =
            json!({"query": {"bool": {"filter": [filter], "must_not": [{"term": {"run": run}}]}}});
        // What this run has just written over is found as it was before, and is a conflict that is as it should be.
        let path = format!("/{}/_delete_by_query?conflicts=proceed&refresh=true", self.index);
        let call = Call::post(path, &body, &time).with_timeout(REMOVING);
        let answer = self.cluster.send(&call, "remove documents from")?;
        let failures = answer.get("failures").and_then(Value::as_array).map_or(0, Vec::len);
        if failures > 0 || answer.get("timed_out") == Some(&true.into()) {
            return Err(crate::writer::not_written("some documents could not be removed"));
        }
        Ok(())
    }

    fn refresh(&self) -> Result<()> {
        let time = TimeLimits::default();
        let path = format!("/{},{}/_refresh", self.index, self.files);
        let call = Call::new(Method::POST, path, &time);
        self.cluster.send(&call, "refresh").map(|_| ())
    }

    /// Writes actions that must not be refused.
    fn write(&self, actions: &[Action]) -> Result<()> {
        match self.cluster.bulk(actions)?.first() {
            Some((_, reason)) => Err(crate::writer::not_written(reason)),
            None => Ok(()),
        }
    }
}

/// The distinct texts of a field.
fn strings(name: &str, found: &[Map<String, Value>]) -> BTreeSet<String> {
    let text = |of: &Map<String, Value>| of.get(name).and_then(Value::as_str).map(str::to_owned);
    found.iter().filter_map(text).collect()
}

impl Cluster {
    /// Makes an index; one that somebody else makes at the same time is as good.
    fn make(&self, index: &str, body: &Value) -> Result<()> {
        match self.put(&format!("/{index}"), body, "make") {
            Err(error) if !error.to_string().contains("resource_already_exists") => Err(error),
            _ => Ok(()),
        }
    }
}

impl Backend for ElasticStore {
    fn settings(&self) -> IndexSettings {
        self.settings
    }

    fn begin(&self, run: &str) -> Result<Box<dyn Turn>> {
        let sign = WriterDocument::of(Arc::clone(&self.cluster), &self.files);
        let turn = Lease::take(sign, run)?;
        self.refresh()?;
        Ok(Box::new(turn))
    }

    fn records(&self) -> Result<BTreeMap<String, FileRecord>> {
        let query = json!({"exists": {"field": "path"}});
        let found = self.all(&self.files, &query, &json!([{"path": "asc"}]), usize::MAX)?;
        let read = |mut of: Map<String, Value>| {
            let path = of.get("path")?.as_str()?.to_owned();
            let record: StoredRecord = serde_json::from_value(of.get_mut("record")?.take()).ok()?;
            Some((path, record.record()))
        };
        Ok(found.into_iter().filter_map(read).collect())
    }

    fn state(&self) -> Result<Option<String>> {
        let time = TimeLimits::default();
        let reply =
            self.cluster.client.send(&Call::get(format!("/{}/_doc/state", self.files), &time))?;
        if reply.status == 404 {
            return Ok(None);
        }
        let body = checked(reply, "read what is remembered in the index of")?;
        Ok(body.pointer("/_source/state/json").and_then(Value::as_str).map(str::to_owned))
    }

    fn put_records(&self, records: &[(String, FileRecord)]) -> Result<()> {
        let action = |(path, record): &(String, FileRecord)| {
            let document = json!({"path": path, "record": StoredRecord::of(record)});
            Action::index(&self.files, &fields::file_key(path), &document)
        };
        self.write(&records.iter().map(action).collect::<Vec<_>>())
    }

    fn forget(&self, paths: &[String]) -> Result<()> {
        let delete = |path: &String| Action::delete(&self.files, &fields::file_key(path));
        self.write(&paths.iter().map(delete).collect::<Vec<_>>())
    }

    fn change(&self, run: &str, changes: &[Change]) -> Result<Vec<Refusal>> {
        let action = |change: &Change| match change {
            Change::Put(passage) => {
                let path = passage.path.as_deref().unwrap_or_default();
                let key = fields::passage_key(path, &passage.doc_id, passage.ordinal);
                let of = fields::of_passage(passage, run, self.settings.separate_body);
                Action::index(&self.index, &key, &Value::Object(of))
            }
            Change::Remove(path, id, ordinal) => {
                Action::delete(&self.index, &fields::passage_key(path, id, *ordinal))
            }
        };
        let actions: Vec<Action> = changes.iter().map(action).collect();
        Ok(refusals(changes, self.cluster.bulk(&actions)?))
    }

    fn remove_files(&self, paths: &[String], run: &str) -> Result<()> {
        self.remove(&json!({"terms": {"path": paths}}), run)
    }

    fn remove_documents(&self, ids: &[String], run: &str) -> Result<()> {
        self.remove(
            &json!({"bool": {"filter": [{"term": {"path": ""}}, {"terms": {"doc_id": ids}}]}}),
            run,
        )
    }

    fn commit(&self, state: Option<&str>) -> Result<()> {
        let document = json!({"state": {"json": state}});
        self.write(&[Action::index(&self.files, "state", &document)])?;
        self.refresh()
    }

    fn counts(&self) -> Result<(u64, u64)> {
        let time = TimeLimits::default();
        let count = |body: &Value| -> Result<u64> {
            let answer =
                self.cluster.post(&format!("/{}/_count", self.index), body, "count", &time)?;
            Ok(answer.get("count").and_then(Value::as_u64).unwrap_or(0))
        };
        let first = json!({"query": {"term": {"ordinal": 0}}});
        Ok((count(&first)?, count(&json!({"query": {"match_all": {}}}))?))
    }

    fn document(&self, (path, id): DocumentKey<'_>) -> Result<Vec<Passage>> {
        let query =
            json!({"bool": {"filter": [{"term": {"path": path}}, {"term": {"doc_id": id}}]}});
        let found = self.all(&self.index, &query, &json!([{"ordinal": "asc"}]), usize::MAX)?;
        found.iter().map(fields::to_passage).collect()
    }

    fn documents_of(&self, path: &str, limit: usize) -> Result<Vec<String>> {
        let query =
            json!({"bool": {"filter": [{"term": {"path": path}}, {"term": {"ordinal": 0}}]}});
        let found = self.all(&self.index, &query, &json!([{"doc_id": "asc"}]), limit)?;
        Ok(strings("doc_id", &found).into_iter().collect())
    }

    fn files_with(&self, id: &str) -> Result<Vec<String>> {
        let query =
            json!({"bool": {"filter": [{"term": {"doc_id": id}}, {"term": {"ordinal": 0}}]}});
        let found = self.all(&self.index, &query, &json!([{"path": "asc"}]), 1_000)?;
        Ok(strings("path", &found).into_iter().collect())
    }
}
