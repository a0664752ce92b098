//! Passages and what is remembered of files, in one index of Quickwit, which only grows: new files are added, and a file
//! that has changed or is gone is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use vizsla::{
    DocumentKey, Error, ErrorKind, FileRecord, IndexSettings, Passage, Refusal, Result, TimeLimits,
};

use super::Quickwit;
use super::mapping::{KEY, of_index};
use crate::backend::{Backend, Change, Turn};
use crate::fields;
use crate::http::{Call, Method, checked};
use crate::record::StoredRecord;
use crate::writer::{Patience, not_written, refusals};

/// Documents that are read at a time.
const PAGE: usize = 5_000;
/// Bytes of one request: clusters take 10 MB unless they are told otherwise.
const REQUEST_BYTES: usize = 8 << 20;

#[derive(Debug)]
pub(crate) struct QuickwitStore {
    quickwit: Arc<Quickwit>,
    settings: IndexSettings,
    /// The files that were there when the run began, and what they were.
    known: Mutex<BTreeMap<String, [u8; 32]>>,
}

/// Nothing keeps a second writer out.
struct NoTurn;

impl Turn for NoTurn {
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl QuickwitStore {
    /// The store in an index that Vizsla has made, or makes now with these settings.
    pub(crate) fn open(quickwit: Quickwit, new: &IndexSettings) -> Result<Self> {
        let settings = if quickwit.mapping.as_ref().is_some_and(|of| of.stored().is_none()) {
            return Err(quickwit.address.not_ours());
        } else if let Some(layout) = quickwit.layout()? {
            layout.writable(&quickwit.address)?
        } else {
            quickwit.make(new)?;
            *new
        };
        Ok(Self { quickwit: Arc::new(quickwit), settings, known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, [u8; 32]>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// That none of these files was there before.
    fn are_new(&self, paths: &[String]) -> Result<()> {
        let known = self.known();
        let there: Vec<String> =
            paths.iter().filter(|of| known.contains_key(*of)).cloned().collect();
        if there.is_empty() { Ok(()) } else { Err(self.only_grows(&there)) }
    }

    /// That no earlier run has written documents of no file with these ids.
    fn have_new_ids(&self, changes: &[Change], run: &str) -> Result<()> {
        let first = changes.iter().filter_map(|change| match change {
            Change::Put(passage) if passage.path.is_none() && passage.ordinal == 0 => {
                Some(fields::passage_key("", &passage.doc_id, 0))
            }
            _ => None,
        });
        let keys: Vec<String> = first.collect();
        for keys in keys.chunks(PAGE) {
            let query = json!({"bool": {
                "filter": [{"terms": {KEY: keys}}], "must_not": [{"term": {"run": {"value": run}}}],
            }});
            let there = strings("doc_id", &self.all(&query, keys.len())?);
            if !there.is_empty() {
                return Err(self.only_grows(&there));
            }
        }
        Ok(())
    }

    /// All documents that match, at most `limit`.
    fn all(&self, query: &Value, limit: usize) -> Result<Vec<Map<String, Value>>> {
        let time = TimeLimits::default();
        let mut found = Vec::new();
        let mut after = Value::Null;
        while found.len() < limit {
            let size = PAGE.min(limit - found.len());
            let mut body = json!({"size": size, "query": query, "sort": ["_doc"]});
            if !after.is_null() {
                body["search_after"] = after;
            }
            let what = "_search?allow_partial_search_results=false";
            let mut answer = self.quickwit.post(what, &body, "read", &time)?;
            let hits = answer.pointer_mut("/hits/hits").map(Value::take);
            let Some(Value::Array(hits)) = hits else { break };
            let last = hits.len() < size;
            after = hits.last().and_then(|hit| hit.get("sort")).cloned().unwrap_or_default();
            for mut hit in hits {
                if let Some(Value::Object(source)) = hit.get_mut("_source").map(Value::take) {
                    found.push(fields::from_flat(source));
                }
            }
            if last || after.is_null() {
                break;
            }
        }
        Ok(found)
    }

    fn count(&self, query: &Value) -> Result<u64> {
        let time = TimeLimits::default();
        let answer = self.quickwit.post("_count", &json!({"query": query}), "count", &time)?;
        Ok(answer.get("count").and_then(Value::as_u64).unwrap_or(0))
    }

    /// Adds documents, in order; the places of those that were refused.
    fn add(&self, documents: &[Value], commit: bool) -> Result<Vec<(usize, String)>> {
        let lines: Vec<String> = documents.iter().map(|document| format!("{document}\n")).collect();
        let mut refused = Vec::new();
        let mut from = 0;
        while from < lines.len() {
            let (mut to, mut bytes) = (from, 0);
            while to < lines.len() && (to == from || bytes + lines[to].len() <= REQUEST_BYTES) {
                bytes += lines[to].len();
                to += 1;
            }
            let is_last = commit && to == lines.len();
            self.ingest(&lines[from..to], from, is_last, &mut refused)?;
            from = to;
        }
        Ok(refused)
    }

    /// Adds documents that must not be refused.
    fn must_add(&self, documents: &[Value], commit: bool) -> Result<()> {
        match self.add(documents, commit)?.first() {
            Some((_, reason)) => Err(not_written(reason)),
            None => Ok(()),
        }
    }

    /// One request, of which the first line has this place.
    fn ingest(
        &self,
        lines: &[String],
        first: usize,
        commit: bool,
        refused: &mut Vec<(usize, String)>,
    ) -> Result<()> {
        let quickwit = &self.quickwit;
        let index = quickwit.address.index();
        let commit = if commit { "&commit=force" } else { "" };
        let path = format!("/api/v1/{index}/ingest?detailed_response=true{commit}");
        let (time, mut patience) = (TimeLimits::default(), Patience::new());
        let reply = loop {
            let call = Call::new(Method::POST, &*path, &time);
            let reply = quickwit.client.send(&call.with_lines(lines.concat().into_bytes()))?;
            if !matches!(reply.status, 429 | 503) {
                break reply;
            }
            patience.pause(&quickwit.address)?;
        };
        if reply.status == 413 && lines.len() == 1 {
            refused.push((first, "it is larger than the engine accepts".to_owned()));
            return Ok(());
        }
        let body = checked(reply, &format!("write to the index {index} of"))?;
        let failures = body.get("parse_failures").and_then(Value::as_array);
        for failure in failures.into_iter().flatten() {
            let text = |name: &str| failure.get(name).and_then(Value::as_str).unwrap_or_default();
            let document = text("document").trim_end();
            let place = lines.iter().position(|line| line.trim_end() == document);
            let place = place.ok_or_else(|| not_written(text("message")))?;
            refused.push((first + place, text("message").to_owned()));
        }
        Ok(())
    }

    /// That something would have to be removed.
    fn only_grows(&self, paths: &[String]) -> Error {
        let first = paths.first().map_or("", String::as_str);
        let others = match paths.len() {
            0 | 1 => String::new(),
            count => format!(" and {} others", count - 1),
        };
        let message = format!(
            "{first}{others} changed or went after they were indexed, and Quickwit removes nothing at once: index into a \
             new name, and remove the index {} then",
            self.quickwit.address.index()
        );
        Error::new(ErrorKind::Unsupported, message)
    }
}

fn of_kind(kind: &str) -> Value {
    json!({"term": {"kind": {"value": kind}}})
}

/// Passages with these values.
fn passages(terms: &[(&str, &str)]) -> Value {
    let terms = terms.iter().map(|(field, value)| json!({"term": {*field: {"value": value}}}));
    let filter: Vec<Value> = terms.chain([of_kind("passage")]).collect();
    json!({"bool": {"filter": filter}})
}

/// Distinct texts of a field.
fn strings(name: &str, found: &[Map<String, Value>]) -> Vec<String> {
    let text = |of: &Map<String, Value>| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let distinct: BTreeSet<String> = found.iter().filter_map(text).collect();
    distinct.into_iter().collect()
}

impl Quickwit {
    fn make(&self, settings: &IndexSettings) -> Result<()> {
        let time = TimeLimits::default();
        let body = of_index(self.address.index(), settings);
        let reply = self.client.send(&Call::post("/api/v1/indexes", &body, &time).once())?;
        checked(reply, "make an index at").map(|_| ())
    }
}

impl Backend for QuickwitStore {
    fn settings(&self) -> IndexSettings {
        self.settings
    }

    fn ranking(&self) -> String {
        "BM25, k1 1.2, b 0.75".to_owned()
    }

    fn begin(&self, _: &str) -> Result<Box<dyn Turn>> {
        let known = self.records()?.into_iter().map(|(path, record)| (path, record.hash));
        *self.known() = known.collect();
        Ok(Box::new(NoTurn))
    }

    fn records(&self) -> Result<BTreeMap<String, FileRecord>> {
        let read = |mut of: Map<String, Value>| {
            let path = of.get("path")?.as_str()?.to_owned();
            let json = of.get_mut("json")?.take();
            let record: StoredRecord = serde_json::from_str(json.as_str()?).ok()?;
            Some((path, record.record()))
        };
        Ok(self.all(&of_kind("file"), usize::MAX)?.into_iter().filter_map(read).collect())
    }

    fn state(&self) -> Result<Option<String>> {
        let time = TimeLimits::default();
        let newest = json!({"size": 1, "query": of_kind("state"), "sort": [{"written": "desc"}]});
        let answer = self.quickwit.post("_search", &newest, "read", &time)?;
        let json = answer.pointer("/hits/hits/0/_source/json").and_then(Value::as_str);
        Ok(json.and_then(|json| serde_json::from_str(json).ok()).flatten())
    }

    fn put_records(&self, records: &[(String, FileRecord)]) -> Result<()> {
        // One that was only touched is as it was.
        let known = self.known().clone();
        let same = |path: &String, record: &FileRecord| known.get(path) == Some(&record.hash);
        let records = records.iter().filter(|(path, record)| !same(path, record));
        let records: Vec<&(String, FileRecord)> = records.collect();
        self.are_new(&records.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>())?;
        // A file of which this run remembers nothing is read again by the next one.
        let complete =
            records.into_iter().filter(|(_, record)| !crate::writer::is_incomplete(record));
        let document = |(path, record): &(String, FileRecord)| {
            let json = json!(StoredRecord::of(record)).to_string();
            json!({KEY: fields::file_key(path), "kind": "file", "path": path, "json": json})
        };
        self.must_add(&complete.map(document).collect::<Vec<_>>(), false)
    }

    fn forget(&self, paths: &[String]) -> Result<()> {
        self.are_new(paths)
    }

    fn change(&self, run: &str, changes: &[Change]) -> Result<Vec<Refusal>> {
        self.have_new_ids(changes, run)?;
        let document = |change: &Change| match change {
            Change::Put(passage) => {
                let path = passage.path.as_deref().unwrap_or_default();
                let key = |ordinal| fields::passage_key(path, &passage.doc_id, ordinal);
                let of = fields::of_passage(passage, run, self.settings.separate_body);
                let mut of = fields::to_flat(of);
                of.insert(KEY.to_owned(), key(passage.ordinal).into());
                of.insert("document".to_owned(), key(0).into());
                of.insert("kind".to_owned(), "passage".into());
                Ok(Value::Object(of))
            }
            Change::Remove(path, id, _) => {
                let of = if path.is_empty() { id } else { path };
                Err(self.only_grows(std::slice::from_ref(of)))
            }
        };
        let documents = changes.iter().map(document).collect::<Result<Vec<_>>>()?;
        Ok(refusals(changes, self.add(&documents, false)?))
    }

    fn remove_files(&self, paths: &[String], _: &str) -> Result<()> {
        self.are_new(paths)
    }

    /// There are none: what would have to be removed was not added.
    fn remove_documents(&self, _: &[String], _: &str) -> Result<()> {
        Ok(())
    }

    fn commit(&self, state: Option<&str>) -> Result<()> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let written = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        let json = json!(state).to_string();
        let document = json!({KEY: "state", "kind": "state", "written": written, "json": json});
        self.must_add(&[document], true)
    }

    fn counts(&self) -> Result<(u64, u64)> {
        let first =
            json!({"bool": {"filter": [of_kind("passage"), {"term": {"ordinal": {"value": 0}}}]}});
        Ok((self.count(&first)?, self.count(&of_kind("passage"))?))
    }

    fn document(&self, (path, id): DocumentKey<'_>) -> Result<Vec<Passage>> {
        let key = fields::passage_key(path, id, 0);
        let found = self.all(&passages(&[("document", &key)]), usize::MAX)?;
        let mut found =
            found.iter().map(fields::to_passage).collect::<std::result::Result<Vec<_>, _>>()?;
        found.sort_by_key(|passage| passage.ordinal);
        // What was written twice is there twice.
        found.dedup_by_key(|passage| passage.ordinal);
        Ok(found)
    }

    fn documents_of(&self, path: &str, limit: usize) -> Result<Vec<String>> {
        let found = self.all(&passages(&[("path", path), ("ordinal", "0")]), limit)?;
        Ok(strings("doc_id", &found))
    }

    fn files_with(&self, id: &str) -> Result<Vec<String>> {
        let found = self.all(&passages(&[("doc_id", id), ("ordinal", "0")]), 1_000)?;
        Ok(strings("path", &found))
    }
}
