//! Full text search in databases: PostgreSQL and SQLite.
//!
//! A table that Vizsla makes holds passages, one a row, whole as JSON beside what is searched and filtered; two more
//! tables hold what is remembered of files and the settings. A run is one transaction, so it is there as a whole or not
//! at all.

#[cfg(feature = "postgresql")]
mod postgresql;
mod retrieval;
#[cfg(feature = "sqlite")]
mod sqlite;
mod words;

use vizsla::{Error, ErrorKind, IndexSettings, RetrieveRequest};

#[cfg(feature = "postgresql")]
pub(crate) use self::postgresql::PostgreSql;
#[cfg(feature = "sqlite")]
pub(crate) use self::sqlite::Sqlite;
use crate::address::{Address, EngineKind};

/// The version of the tables; raised when older programs could no longer read them.
const VERSION: i32 = 1;

/// The names of the tables, and the columns of one that somebody else has made.
#[derive(Debug, Clone)]
struct Tables {
    passages: String,
    files: String,
    settings: String,
    /// The columns of a table that is searched but not written, with weights.
    foreign: Option<Foreign>,
}

#[derive(Debug, Clone)]
struct Foreign {
    text: Vec<(String, f32)>,
    title: Option<String>,
    id: String,
}

impl Tables {
    fn of(address: &Address) -> Result<Self, Error> {
        let name = address.index();
        let exact = |name: String| exact(name, address.kind());
        let foreign = match address.option("text") {
            None => None,
            Some(text) => {
                let weighted = |text| weighted(text).map(|(name, weight)| (exact(name), weight));
                let text = text.split(',').map(weighted).collect::<Result<_, _>>()?;
                let title = address.option("title").map(column).transpose()?.map(exact);
                let id = exact(column(address.option("id").unwrap_or("id"))?);
                Some(Foreign { text, title, id })
            }
        };
        Ok(Self {
            passages: if foreign.is_some() { exact(name.to_owned()) } else { name.to_owned() },
            files: format!("{name}_files"),
            settings: format!("{name}_settings"),
            foreign,
        })
    }
}

/// A name of somebody else's as it is: without quotes, PostgreSQL reads capitals as small letters.
fn exact(name: String, kind: EngineKind) -> String {
    let is_quoted = kind == EngineKind::PostgreSql && name.contains(|c: char| c.is_uppercase());
    if is_quoted { format!("\"{name}\"") } else { name }
}

fn weighted(text: &str) -> Result<(String, f32), Error> {
    let (name, weight) = text.split_once('^').unwrap_or((text, "1"));
    let weight = weight.parse().ok().filter(|weight: &f32| weight.is_finite() && *weight > 0.0);
    let weight = weight
        .ok_or_else(|| unfit(format!("{text:?} is no column with a weight, as in title^2")))?;
    Ok((column(name)?, weight))
}

/// A name without anything that SQL could take for something else.
fn column(name: &str) -> Result<String, Error> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(good) {
        return Err(unfit(format!(
            "{name:?} is no name of a column: it must be of letters, digits and _"
        )));
    }
    Ok(name.to_owned())
}

fn unfit(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// The settings as they were stored.
fn settings_of(json: &str, version: i32, table: &str) -> Result<IndexSettings, Error> {
    let unread = || {
        let message = format!(
            "the table {table} has version {version} of what Vizsla writes, and this program reads {VERSION}"
        );
        Error::new(ErrorKind::FormatVersion, message)
    };
    if version != VERSION {
        return Err(unread());
    }
    serde_json::from_str(json).map_err(|error| unread().with_source(error))
}

/// Refuses what no table can answer.
fn check(request: &RetrieveRequest, tables: &Tables) -> Result<(), Error> {
    if request.syntax == vizsla::QuerySyntax::Native {
        let message = "a database is not asked in its own query language: leave out --syntax";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    if tables.foreign.is_some() && !request.filter.is_empty() {
        let message = "filters work on tables that Vizsla made: in another one, search a view that has only what is wanted";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

/// That a table is not there.
fn no_table(address: &Address) -> Error {
    let message = format!(
        "there is no table {} of Vizsla at {address}: `vizsla index SOURCE --engine ...` makes one, and ?text=COLUMN,... \
         searches one that somebody else made",
        address.index()
    );
    Error::new(ErrorKind::NotFound, message)
}

/// That a table is somebody else's.
fn not_ours(address: &Address) -> Error {
    let message = format!(
        "the table {} was not made by Vizsla, and nothing is written to it",
        address.index()
    );
    Error::new(ErrorKind::NotAnIndex, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_of_somebody_elses_names_are_kept() {
        let tables = |address: &str| Tables::of(&address.parse().unwrap()).unwrap();
        let other = tables("postgresql://h/d/Posts?text=bodyText%5E2,note&title=postTitle&id=Id");
        let foreign = other.foreign.unwrap();
        assert_eq!(other.passages, "\"Posts\"");
        assert_eq!(foreign.text, [("\"bodyText\"".to_owned(), 2.0), ("note".to_owned(), 1.0)]);
        assert_eq!(
            (foreign.title.as_deref(), foreign.id.as_str()),
            (Some("\"postTitle\""), "\"Id\"")
        );
        assert_eq!(tables("postgresql://h/d/Posts").passages, "Posts");
        assert_eq!(tables("sqlite:a.db?table=Posts&text=bodyText").passages, "Posts");
    }
}
