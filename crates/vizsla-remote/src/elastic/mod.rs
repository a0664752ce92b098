//! OpenSearch 2 and 3, Elasticsearch 8 and 9: one client, since what is needed of both has the same form. Where they
//! differ, [`Product`] says so.

mod answer;
mod bulk;
mod layout;
mod mapping;
mod query;
mod retriever;
mod store;
mod turn;

use serde_json::Value;
use ureq::http::Method;
use vizsla::{Error, ErrorKind, TimeLimits};

pub(crate) use self::layout::Layout;
pub(crate) use self::retriever::ElasticRetriever;
pub(crate) use self::store::ElasticStore;
use crate::address::{Address, EngineKind};
use crate::http::{Answer as Reply, Call, Client};

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
        Ok(Self { client, address, product: Product { kind, version } })
    }

    /// The mapping of the index; `None` when there is no such index.
    pub(crate) fn mapping(&self) -> Result<Option<Value>, Error> {
        let time = TimeLimits::default();
        let path = format!("/{}/_mapping", self.address.index());
        let reply = self.client.send(&Call::get(path, &time))?;
        if reply.status == 404 {
            return Ok(None);
        }
        let body = checked(reply, "read the mapping of")?;
        // The name in the answer is that of the index behind an alias.
        let first = body.as_object().and_then(|indexes| indexes.values().next());
        Ok(first.and_then(|index| index.get("mappings")).cloned())
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

    /// That there is no index of this name.
    pub(crate) fn no_index(&self) -> Error {
        let (index, address) = (self.address.index(), &self.address);
        let message = format!(
            "there is no index {index} at {address}: `vizsla index SOURCE --engine ...` makes one"
        );
        Error::new(ErrorKind::NotFound, message)
    }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// The body of an answer, or an error that says what the engine refused and why.
pub(crate) fn checked(reply: Reply, doing: &str) -> Result<Value, Error> {
    if reply.status < 400 {
        return Ok(reply.body);
    }
    let reason = reason(&reply.body);
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let (status, node) = (reply.status, &reply.node);
    let (kind, what) = match status {
        401 => (
            ErrorKind::Denied,
            "it does not accept the credentials, or wants some: give them in VIZSLA_ENGINE_AUTH or a file with auth=FILE",
        ),
        403 => (ErrorKind::Denied, "whoever the credentials are of must not do that"),
        404 => (ErrorKind::NotFound, "there is nothing of that name"),
        409 => (ErrorKind::Locked, "something else has changed it meanwhile"),
        413 => (ErrorKind::InvalidInput, "the request is too large"),
        429 => (ErrorKind::Unavailable, "it has too much to do"),
        500.. => (ErrorKind::Unavailable, "it failed"),
        _ => (ErrorKind::InvalidInput, "it refuses the request"),
    };
    Err(Error::new(kind, format!("cannot {doing} {node} ({status}): {what}{why}")))
}

/// The engine's own words, of which the innermost say most.
fn reason(body: &Value) -> String {
    let error = body.get("error").unwrap_or(body);
    if let Some(text) = error.as_str() {
        return text.to_owned();
    }
    let of = |value: &Value| {
        let kind = value.get("type").and_then(Value::as_str)?;
        let reason = value.get("reason").and_then(Value::as_str).unwrap_or_default();
        Some(format!("{kind}: {reason}"))
    };
    let root = error.pointer("/failed_shards/0/reason").or(error.pointer("/root_cause/0"));
    root.and_then(of).or_else(|| of(error)).unwrap_or_default()
}
