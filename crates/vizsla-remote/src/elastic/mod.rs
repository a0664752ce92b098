//! OpenSearch 2 and 3, Elasticsearch 8 and 9: one client, since what is needed of both has the same form. Where they
//! differ, [`Product`] says so.

mod answer;
mod bulk;
mod clauses;
mod mapping;
mod search;
mod sign;
mod store;

use serde_json::{Map, Value};
use vizsla::{Error, ErrorKind, TimeLimits};

pub(crate) use self::answer::read_answer;
pub(crate) use self::clauses::Dsl;
pub(crate) use self::store::ElasticStore;
use crate::address::{Address, EngineKind};
use crate::http::{Call, Client, Method, checked};
use crate::layout::{Fields, Layout};

/// What answers at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) kind: EngineKind,
    /// Major and minor version, if it says.
    pub(crate) version: Option<(u32, u32)>,
}

impl Product {
    /// Whether an index may have a search pipeline, which would rank once more: it must be switched off by name, and
    /// engines without pipelines refuse the word.
    fn has_pipelines(self) -> bool {
        self.kind == EngineKind::OpenSearch && self.version.is_some_and(|version| version >= (2, 8))
    }
}

/// A cluster and an index in it.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) address: Address,
    pub(crate) product: Product,
    /// Whether scores use the word statistics of all shards, where the address says so.
    dfs: Option<bool>,
}

impl Cluster {
    /// Asks what answers there.
    pub(crate) fn connect(client: Client, address: Address) -> Result<Self, Error> {
        let time = TimeLimits::default();
        let reply = client.send(&Call::get("/", &time))?;
        // Whoever may search an index need not be allowed to ask this.
        let body = if reply.status == 403 { Value::Null } else { checked(reply, "connect")? };
        let version = body.pointer("/version/number").and_then(Value::as_str).and_then(version);
        let distribution = body.pointer("/version/distribution").and_then(Value::as_str);
        let found = match distribution {
            Some("opensearch") => Some(EngineKind::OpenSearch),
            _ if body.get("tagline").is_some() => Some(EngineKind::Elasticsearch),
            _ => None,
        };
        let kind = address.kind();
        if let Some(found) = found.filter(|found| *found != kind) {
            let message =
                format!("{address} is {found}, not {kind}: change the beginning of the address");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        if !body.is_null() && found.is_none() {
            let message =
                format!("what answers at {address} is neither OpenSearch nor Elasticsearch");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let dfs = address.flag("dfs")?;
        Ok(Self { client, address, product: Product { kind, version }, dfs })
    }

    /// The layout of the index; `None` when there is no such index.
    pub(crate) fn layout(&self) -> Result<Option<Layout>, Error> {
        let time = TimeLimits::default();
        let path = format!("/{}/_mapping", self.address.index());
        let reply = self.client.send(&Call::get(path, &time))?;
        if reply.status == 404 {
            return Ok(None);
        }
        let body = checked(reply, "read the mapping of")?;
        // The name in the answer is that of the index behind an alias.
        let first = body.as_object().and_then(|indexes| indexes.values().next());
        let Some(mapping) = first.and_then(|index| index.get("mappings")) else { return Ok(None) };
        Ok(Some(match mapping.pointer("/_meta/vizsla") {
            Some(stored) if self.address.option("text").is_none() => {
                Layout::stored(&self.address, stored)?
            }
            _ => Layout::foreign(&self.address, &Mapping(mapping))?,
        }))
    }

    /// Sends a request; the body of an answer that is not an error.
    pub(crate) fn send(&self, call: &Call<'_>, doing: &str) -> Result<Value, Error> {
        let doing = format!("{doing} the index {} of", self.address.index());
        checked(self.client.send(call)?, &doing)
    }

    pub(crate) fn post(
        &self,
        path: &str,
        body: &Value,
        doing: &str,
        time: &TimeLimits,
    ) -> Result<Value, Error> {
        self.send(&Call::post(path, body, time), doing)
    }

    pub(crate) fn put(&self, path: &str, body: &Value, doing: &str) -> Result<Value, Error> {
        let time = TimeLimits::default();
        self.send(&Call::new(Method::PUT, path, &time).with_json(body), doing)
    }
}

/// The fields of an index, as its mapping has them.
struct Mapping<'a>(&'a Value);

impl Fields for Mapping<'_> {
    fn of_text(&self) -> Vec<String> {
        let fields = self.0.get("properties").and_then(Value::as_object);
        let is_text = |of: &Value| of.get("type").is_some_and(|kind| kind == "text");
        let text = |fields: &Map<String, Value>| {
            fields.iter().filter(|(_, of)| is_text(of)).map(|(name, _)| name.clone()).collect()
        };
        fields.map(text).unwrap_or_default()
    }

    /// A wildcard names what the engine finds.
    fn has(&self, name: &str) -> bool {
        let inner = |between: &str| {
            let path = format!("/properties/{}", name.replace('.', between));
            self.0.pointer(&path).is_some()
        };
        name == "_id" || name.contains('*') || inner("/properties/") || inner("/fields/")
    }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}
