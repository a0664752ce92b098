//! Solr 9: one collection, or the core of a server without `ZooKeeper`, asked by JSON.

mod answer;
mod clauses;
mod schema;
mod search;
mod sign;
mod store;
mod update;

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use vizsla::{Error, ErrorKind, TimeLimits};

use self::schema::Schema;
pub(crate) use self::store::SolrStore;
use crate::address::Address;
use crate::http::{Call, Client, checked, percent_encoded};
use crate::layout::Layout;

/// The document with the settings of an index that we made.
const SETTINGS: &str = "vizsla:settings";

/// A collection of a server.
#[derive(Debug)]
pub(crate) struct Solr {
    client: Client,
    address: Address,
    /// Whether collections can be made by a request, if the server says.
    is_cloud: Option<bool>,
    /// The fields; `None` when there is no such collection.
    schema: Option<Schema>,
}

impl Solr {
    /// Asks what answers there, and which fields the collection has.
    pub(crate) fn connect(client: Client, address: Address) -> Result<Self, Error> {
        if address.flag("dfs")? == Some(true) {
            let message = "Solr's shards share their word statistics where its solrconfig.xml has a <statsCache>, and not on \
                           request: leave out dfs=true";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let time = TimeLimits::default();
        let reply = client.send(&Call::get("/admin/info/system?wt=json", &time))?;
        // Whoever may search a collection need not be allowed to ask this.
        let body = match reply.status {
            401 | 403 => Value::Null,
            404 => json!({}),
            _ => checked(reply, "connect to")?,
        };
        let mode = body.get("mode").and_then(Value::as_str);
        if mode.is_none() && !body.is_null() {
            let message = format!(
                "what answers at {address} is not Solr, or Solr is not under /solr there: write its path before the collection"
            );
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let is_cloud = mode.map(|mode| mode == "solrcloud");
        let mut solr = Self { client, address, is_cloud, schema: None };
        solr.schema = solr.read_schema()?;
        Ok(solr)
    }

    fn read_schema(&self) -> Result<Option<Schema>, Error> {
        let time = TimeLimits::default();
        let reply = self.client.send(&Call::get(self.path("schema?wt=json"), &time))?;
        if reply.status == 404 {
            return Ok(None);
        }
        let body = checked(reply, "read the schema of")?;
        Ok(Some(Schema::read(&body)))
    }

    /// The layout of the collection; `None` when there is none that can be searched yet.
    pub(crate) fn layout(&self) -> Result<Option<Layout>, Error> {
        let Some(schema) = &self.schema else { return Ok(None) };
        if !schema.is_ours() || self.address.option("text").is_some() {
            return Layout::foreign(&self.address, schema).map(Some);
        }
        let stored = self.remembered(SETTINGS)?;
        stored.map(|stored| Layout::stored(&self.address, &stored)).transpose()
    }

    /// The path of what a collection can be asked.
    fn path(&self, rest: &str) -> String {
        format!("/{}/{rest}", percent_encoded(self.address.index()))
    }

    /// Sends JSON; the body of an answer that is not an error.
    fn post(
        &self,
        rest: &str,
        body: &Value,
        doing: &str,
        time: &TimeLimits,
    ) -> Result<Value, Error> {
        let doing = format!("{doing} the collection {} of", self.address.index());
        checked(self.client.send(&Call::post(self.path(rest), body, time))?, &doing)
    }

    /// A document as it was last written, whether or not searches find it already.
    fn document(&self, id: &str, fields: &str) -> Result<Option<Map<String, Value>>, Error> {
        let time = TimeLimits::default();
        let path = format!("get?wt=json&id={}&fl={fields}", percent_encoded(id));
        let reply = self.client.send(&Call::get(self.path(&path), &time))?;
        let mut body = checked(reply, "read what is remembered in the collection of")?;
        match body.get_mut("doc").map(Value::take) {
            Some(Value::Object(document)) => Ok(Some(document)),
            _ => Ok(None),
        }
    }

    /// What was stored under an id, as JSON.
    fn remembered(&self, id: &str) -> Result<Option<Value>, Error> {
        let document = self.document(id, "json")?;
        let json = document.as_ref().and_then(|document| document.get("json")?.as_str());
        Ok(json.and_then(|json| serde_json::from_str(json).ok()))
    }
}

/// A text in quotes, as a query has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Any of these values of a field, as a query has it.
fn any_value(field: &str, values: &[String]) -> String {
    let mut query = format!("{field}:(");
    for value in values {
        let _ = write!(query, "{} ", quoted(value));
    }
    query.push(')');
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted() {
        assert_eq!(
            any_value("path", &["/a b".into(), "c\"d\\".into()]),
            r#"path:("/a b" "c\"d\\" )"#
        );
    }
}
