//! Where an engine is and what is searched there, as one line of text.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use vizsla::{Error, ErrorKind};

/// An engine that can be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "an engine is its name")]
pub enum EngineKind {
    OpenSearch,
    Elasticsearch,
    Quickwit,
    Solr,
    PostgreSql,
    Sqlite,
}

impl EngineKind {
    const NAMES: [(&'static str, Self); 4] = [
        ("opensearch", Self::OpenSearch),
        ("elasticsearch", Self::Elasticsearch),
        ("quickwit", Self::Quickwit),
        ("solr", Self::Solr),
    ];
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenSearch => "OpenSearch",
            Self::Elasticsearch => "Elasticsearch",
            Self::Quickwit => "Quickwit",
            Self::Solr => "Solr",
            Self::PostgreSql => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}

/// The options that an address may end with.
const OPTIONS: [(&str, &str); 13] = [
    ("text", "the fields that are searched and read, with weights: title^2,body"),
    ("title", "the field with the title"),
    ("id", "the field that identifies a document, instead of the engine's own id"),
    ("path", "the field with the path of the file"),
    ("auth", "a file with credentials: `basic NAME:PASSWORD`, `bearer TOKEN` or `apikey KEY`"),
    ("ca", "a file with the certificates to trust, in PEM format"),
    ("tls", "whether PostgreSQL is reached by TLS alone, as it is with ca"),
    (
        "bm25",
        "whether PostgreSQL ranks by ParadeDB's BM25, true for never otherwise and false for never",
    ),
    ("timeout", "seconds that a request may take"),
    ("dfs", "whether word statistics are those of all shards"),
    ("table", "the table in SQLite"),
    ("shards", "of a new index"),
    ("replicas", "of a new index"),
];

/// Where an engine is: `KIND+http://HOST:PORT,HOST:PORT/INDEX?OPTION=VALUE&...`, of which several hosts are nodes of one
/// cluster; `postgresql://NAME@HOST:PORT/DATABASE/TABLE`; or `sqlite:FILE?table=TABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    kind: EngineKind,
    nodes: Vec<String>,
    index: String,
    options: BTreeMap<String, String>,
    typed: String,
}

impl Address {
    /// Which engine it is.
    pub fn kind(&self) -> EngineKind {
        self.kind
    }

    /// As it was typed.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The name of the index there.
    pub fn index(&self) -> &str {
        &self.index
    }

    /// The name of the index there, if it names one alone, as that which is written to must.
    pub(crate) fn one_index(&self) -> Result<&str, Error> {
        let index = self.index();
        if index.contains(['*', ',']) {
            let message = format!("{index} names several indexes: documents are written to one");
            return Err(unfit(message));
        }
        Ok(index)
    }

    /// That there is no index of this name.
    pub(crate) fn no_index(&self) -> Error {
        let index = self.index();
        let message = format!(
            "there is no index {index} at {self}: `vizsla index SOURCE --engine ...` makes one"
        );
        Error::new(ErrorKind::NotFound, message)
    }

    /// That somebody else has made the index.
    pub(crate) fn not_ours(&self) -> Error {
        let message = format!(
            "the index {} was not made by Vizsla, and nothing is written to it: name a new one",
            self.index()
        );
        Error::new(ErrorKind::NotAnIndex, message)
    }

    /// The file with the credentials, if it names one.
    pub fn auth_file(&self) -> Option<PathBuf> {
        self.option("auth").map(PathBuf::from)
    }

    /// The URL of each node, without a slash at its end.
    pub(crate) fn nodes(&self) -> &[String] {
        &self.nodes
    }

    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// An option that is a number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u32>, Error> {
        let number = |text: &str| {
            text.parse()
                .map_err(|_| unfit(format!("the option {name}={text} is not a whole number")))
        };
        self.option(name).map(number).transpose()
    }

    /// An option that is true or false.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Error> {
        let flag = |text: &str| {
            text.parse()
                .map_err(|_| unfit(format!("the option {name}={text} is neither true nor false")))
        };
        self.option(name).map(flag).transpose()
    }
}

/// The address without its options.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.nodes.first().map_or("", String::as_str);
        write!(f, "{}/{}", first, self.index)
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut address = parsed(text)?;
        text.clone_into(&mut address.typed);
        Ok(address)
    }
}

fn parsed(text: &str) -> Result<Address, Error> {
    if let Some(rest) = text.strip_prefix("postgresql://") {
        return postgresql(rest);
    }
    if let Some(rest) = text.strip_prefix("sqlite:") {
        return sqlite(rest);
    }
    let kinds = || EngineKind::NAMES.map(|(name, _)| format!("{name}+http://")).join(", ");
    let form = "write KIND+http://HOST:PORT/INDEX";
    let (kind, url) = text
        .split_once('+')
        .and_then(|(name, url)| {
            let known = EngineKind::NAMES.iter().find(|(known, _)| *known == name);
            Some((known?.1, url))
        })
        .ok_or_else(|| {
            unfit(format!(
                "an engine begins with one of {}, postgresql:// or sqlite:: {form}",
                kinds()
            ))
        })?;
    let (scheme, rest) = url
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        .ok_or_else(|| unfit(format!("an engine is reached by http or https: {form}")))?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A password would be seen in the list of processes and in the history of the shell.
    if place.contains('@') {
        let message = "an address must not have a name or password: give them with auth=FILE or in VIZSLA_ENGINE_AUTH";
        return Err(unfit(message.to_owned()));
    }
    let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
    let path = path.trim_end_matches('/');
    let (prefix, index) = path.rsplit_once('/').unwrap_or(("", path));
    check_index(index)?;
    let prefix = match prefix {
        "" if kind == EngineKind::Solr => "/solr".to_owned(),
        "" => String::new(),
        prefix => format!("/{prefix}"),
    };
    let nodes: Vec<String> = hosts
        .split(',')
        .filter(|host| !host.is_empty())
        .map(|host| format!("{scheme}://{host}{prefix}"))
        .collect();
    if nodes.is_empty() {
        return Err(unfit(format!("the address names no host: {form}")));
    }
    let (index, typed) = (index.to_owned(), String::new());
    Ok(Address { kind, nodes, index, options: options(query)?, typed })
}

/// `NAME@HOST:PORT/DATABASE/TABLE`.
fn postgresql(rest: &str) -> Result<Address, Error> {
    let form = "write postgresql://NAME@HOST:PORT/DATABASE/TABLE";
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parts = place.split('/');
    let (Some(server), Some(database), Some(table), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(unfit(format!("the address does not name a database and a table: {form}")));
    };
    if server.split_once('@').is_some_and(|(user, _)| user.contains(':')) {
        let message =
            "an address must not have a password: give it with auth=FILE or in VIZSLA_ENGINE_AUTH";
        return Err(unfit(message.to_owned()));
    }
    if server.is_empty() || database.is_empty() {
        return Err(unfit(format!("the address names no server or no database: {form}")));
    }
    let nodes = vec![format!("postgresql://{server}/{database}")];
    let options = options(query)?;
    let index = table_name(table)?;
    Ok(Address { kind: EngineKind::PostgreSql, nodes, index, options, typed: String::new() })
}

/// `FILE`, with the table as an option.
fn sqlite(rest: &str) -> Result<Address, Error> {
    let (file, query) = rest.split_once('?').unwrap_or((rest, ""));
    let file = percent_decoded(file.strip_prefix("//").unwrap_or(file))?;
    if file.is_empty() {
        return Err(unfit("the address names no file: write sqlite:FILE?table=TABLE".to_owned()));
    }
    let options = options(query)?;
    let index = table_name(options.get("table").map_or("vizsla", String::as_str))?;
    Ok(Address {
        kind: EngineKind::Sqlite,
        nodes: vec![file],
        index,
        options,
        typed: String::new(),
    })
}

/// A name that needs no quotes in SQL.
fn table_name(name: &str) -> Result<String, Error> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(good) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        let message =
            format!("{name:?} is no name of a table: it must be of letters, digits and _");
        return Err(unfit(message));
    }
    Ok(name.to_owned())
}

fn check_index(index: &str) -> Result<(), Error> {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | ',');
    if index.is_empty() || !index.chars().all(good) || index.starts_with(['_', '.', '-']) {
        let message =
            format!("the address does not end with the name of an index, but with {index:?}");
        return Err(unfit(message));
    }
    Ok(())
}

fn options(query: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut options = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !OPTIONS.iter().any(|(known, _)| *known == name) {
            let known = OPTIONS.map(|(name, what)| format!("{name} ({what})")).join(", ");
            return Err(unfit(format!("an address has no option {name:?}; there are: {known}")));
        }
        options.insert(name.to_owned(), percent_decoded(value)?);
    }
    Ok(options)
}

fn percent_decoded(text: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().unwrap_or(b' '), rest.next().unwrap_or(b' ')];
        let number =
            std::str::from_utf8(&digits).ok().and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(number.ok_or_else(|| unfit(format!("{text:?} has a % that encodes nothing")))?);
    }
    String::from_utf8(bytes).map_err(|_| unfit(format!("{text:?} is not UTF-8 when it is decoded")))
}

fn unfit(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        text.parse::<Address>().unwrap_err().to_string()
    }

    #[test]
    fn an_address_has_nodes_an_index_and_options() {
        let text = "opensearch+https://a:9200,b:9200/proxy/notes?text=title%5E2,body&ca=/etc/ca.pem&shards=3";
        let address: Address = text.parse().unwrap();
        assert_eq!(address.kind(), EngineKind::OpenSearch);
        assert_eq!(address.nodes(), ["https://a:9200/proxy", "https://b:9200/proxy"]);
        assert_eq!(address.index(), "notes");
        assert_eq!(address.option("text"), Some("title^2,body"));
        assert_eq!(address.number("shards").unwrap(), Some(3));
        assert_eq!(address.to_string(), "https://a:9200/proxy/notes");
        let address: Address = "solr+http://a:8983/notes".parse().unwrap();
        assert_eq!(address.nodes(), ["http://a:8983/solr"], "where Solr is unless it is said");
    }

    #[test]
    fn mistakes_are_named() {
        assert!(error("http://a/notes").contains("opensearch+http://"));
        assert!(error("opensearch+ftp://a/notes").contains("http or https"));
        assert!(error("opensearch+http://a").contains("name of an index"));
        assert!(error("opensearch+http:///notes").contains("no host"));
        assert!(error("opensearch+http://a/_search").contains("name of an index"));
        assert!(error("opensearch+http://a/notes?colour=red").contains("no option \"colour\""));
        assert!(error("opensearch+http://a/notes?text=%zz").contains("encodes nothing"));
        assert!(error("postgresql://a/base").contains("DATABASE/TABLE"));
        assert!(error("postgresql://a/base/drop table").contains("name of a table"));
        assert!(error("sqlite:?table=a").contains("no file"));
    }

    #[test]
    fn databases_have_tables() {
        let address: Address = "postgresql://me@a:5433/base/notes".parse().unwrap();
        assert_eq!(address.nodes(), ["postgresql://me@a:5433/base"]);
        assert_eq!((address.kind(), address.index()), (EngineKind::PostgreSql, "notes"));
        let address: Address = "sqlite:/tmp/a%20b.db?table=t".parse().unwrap();
        assert_eq!((address.nodes()[0].as_str(), address.index()), ("/tmp/a b.db", "t"));
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let error = error("opensearch+http://admin:hunter2@a/notes");
        assert!(error.contains("auth=FILE") && !error.contains("hunter2"), "{error}");
        let error = self::error("postgresql://admin:hunter2@a/base/t");
        assert!(error.contains("auth=FILE") && !error.contains("hunter2"), "{error}");
    }
}
