//! The document by which writers of an index of OpenSearch or Elasticsearch know of each other.

use std::sync::Arc;

use serde_json::{Value, json};
use vizsla::{Result, TimeLimits};

use super::Cluster;
use crate::http::{Call, Method, checked};
use crate::lease::Sign;

/// The document `writer` of an index.
pub(super) struct WriterDocument {
    cluster: Arc<Cluster>,
    path: String,
}

/// Number and term of the last change.
type Position = (u64, u64);

impl WriterDocument {
    /// The document in the index with what is remembered of files.
    pub(super) fn of(cluster: Arc<Cluster>, files: &str) -> Self {
        Self { cluster, path: format!("/{files}/_doc/writer") }
    }

    fn put(&self, run: &str, condition: &str) -> Result<Position> {
        let (time, body) = (TimeLimits::default(), json!({"writer": {"run": run}}));
        // Sent once: after a lost answer, what was written would look like somebody else's.
        let path = format!("{}?{condition}", self.path);
        let call = Call::new(Method::PUT, path, &time).with_json(&body).once();
        let body = checked(self.cluster.client.send(&call)?, "become the writer of the index of")?;
        position(&body).ok_or_else(|| crate::writer::not_written("it does not count changes"))
    }
}

impl Sign for WriterDocument {
    type Position = Position;

    fn place(&self) -> String {
        self.cluster.address.to_string()
    }

    fn create(&self, run: &str) -> Result<Position> {
        self.put(run, "op_type=create")
    }

    fn renew(&self, run: &str, position: Position) -> Result<Position> {
        self.put(run, &at(position))
    }

    fn look(&self) -> Result<Option<(Position, String)>> {
        let time = TimeLimits::default();
        let reply = self.cluster.client.send(&Call::get(&self.path, &time))?;
        if reply.status == 404 {
            return Ok(None);
        }
        let body = checked(reply, "look for another writer of the index of")?;
        let run = body.pointer("/_source/writer/run").and_then(Value::as_str).unwrap_or_default();
        Ok(position(&body).map(|position| (position, run.to_owned())))
    }

    fn remove(&self, position: Position) {
        let time = TimeLimits::default();
        let path = format!("{}?{}", self.path, at(position));
        let _ = self.cluster.client.send(&Call::new(Method::DELETE, path, &time));
    }
}

fn at((number, term): Position) -> String {
    format!("if_seq_no={number}&if_primary_term={term}")
}

fn position(body: &Value) -> Option<Position> {
    Some((body.get("_seq_no")?.as_u64()?, body.get("_primary_term")?.as_u64()?))
}
