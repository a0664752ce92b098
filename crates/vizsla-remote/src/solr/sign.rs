//! The document by which writers of a collection of Solr know of each other.

use std::sync::Arc;

use serde_json::{Value, json};
use vizsla::{Result, TimeLimits};

use super::Solr;
use crate::http::{Call, checked};
use crate::lease::Sign;

const WRITER: &str = "vizsla:writer";
/// As the version of a document: there must be none.
const NONE: i64 = -1;

/// The document of the writer.
pub(super) struct WriterDocument(pub(super) Arc<Solr>);

impl WriterDocument {
    fn put(&self, run: &str, version: i64) -> Result<i64> {
        let (solr, time) = (&self.0, TimeLimits::default());
        let body = json!([{"id": WRITER, "json": json!(run).to_string(), "_version_": version}]);
        // Sent once: after a lost answer, what was written would look like somebody else's.
        let call = Call::post(solr.path("update?versions=true&wt=json"), &body, &time).once();
        let body = checked(solr.client.send(&call)?, "become the writer of the collection of")?;
        // Pairs of ids and versions. A node that has passed the request on need not know the version.
        let version =
            body.pointer("/adds/1").and_then(Value::as_i64).filter(|version| *version > 0);
        let version = match version {
            Some(version) => Some(version),
            None => self.look()?.map(|(version, _)| version),
        };
        version.ok_or_else(|| crate::writer::not_written("it does not count changes"))
    }
}

impl Sign for WriterDocument {
    type Position = i64;

    fn place(&self) -> String {
        self.0.address.to_string()
    }

    fn create(&self, run: &str) -> Result<i64> {
        self.put(run, NONE)
    }

    fn renew(&self, run: &str, version: i64) -> Result<i64> {
        self.put(run, version)
    }

    fn look(&self) -> Result<Option<(i64, String)>> {
        let Some(document) = self.0.document(WRITER, "_version_,json")? else { return Ok(None) };
        let version = document.get("_version_").and_then(Value::as_i64);
        let run = document.get("json").and_then(Value::as_str).unwrap_or_default();
        let run = serde_json::from_str(run).unwrap_or_default();
        Ok(version.map(|version| (version, run)))
    }

    fn remove(&self, version: i64) {
        let time = TimeLimits::default();
        let body = json!({"delete": {"id": WRITER, "_version_": version}});
        let _ = self.0.client.send(&Call::post(self.0.path("update"), &body, &time));
    }
}
