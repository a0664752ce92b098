//! What a database says of ParadeDB. In: a connection and a table. Out: the extension, how the table is ranked, and what
//! is missing for BM25, with what helps.

use postgres::Client;
use vizsla::{Error, ErrorKind, IndexSettings, Result};

use super::{Bm25, Extension, NUMBER, OLDEST, OWN};
use crate::sql::Tables;

const EXTENSION: &str = "SELECT (SELECT extversion FROM pg_extension WHERE extname = 'pg_search'), \
    EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped)";

/// Its index of a table, of which there is one, and two while one is made anew. Types are asked for apart from definitions, which name them as it
/// suits the session.
const INDEX: &str = "SELECT i.indexrelid::regclass::text, i.indisvalid AND i.indpred IS NULL, \
    (SELECT quote_ident(option_value) FROM pg_options_to_table(c.reloptions) WHERE option_name = 'key_field'), \
    obj_description(i.indexrelid, 'pg_class'), \
    ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, false) FROM generate_series(1, i.indnatts::int) n ORDER BY n), \
    ARRAY(SELECT s.nspname || '.' || t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
      JOIN pg_namespace s ON s.oid = t.typnamespace WHERE a.attrelid = i.indexrelid AND a.attnum > 0 ORDER BY a.attnum) \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam \
    WHERE i.indrelid = to_regclass($1) AND m.amname IN ('bm25', 'paradedb') ORDER BY 2 DESC, i.indexrelid DESC LIMIT 1";

/// The extension and its index of one table.
#[derive(Debug)]
pub(in crate::sql::postgresql) struct Look {
    extension: Option<Extension>,
    /// Whether the table has the column that those have which were made for BM25.
    is_numbered: bool,
    index: Option<Index>,
}

#[derive(Debug)]
struct Index {
    name: String,
    /// Whether it has all rows.
    is_whole: bool,
    key: Option<String>,
    /// A column that it has as it is.
    plain: Option<String>,
    note: Option<String>,
    /// The columns whose words it has.
    columns: Vec<String>,
}

impl Look {
    pub(in crate::sql::postgresql) fn at(
        client: &mut Client,
        table: &str,
    ) -> std::result::Result<Self, postgres::Error> {
        let row = client.query_one(EXTENSION, &[&table, &NUMBER])?;
        let extension: Option<String> = row.get(0);
        let index = match &extension {
            Some(_) => client.query_opt(INDEX, &[&table])?,
            None => None,
        };
        Ok(Self {
            extension: extension.as_deref().map(Extension::new),
            is_numbered: row.get(1),
            index: index.map(|row| {
                let (definitions, types): (Vec<String>, Vec<String>) = (row.get(4), row.get(5));
                let columns = definitions.iter().zip(&types);
                Index {
                    name: row.get(0),
                    is_whole: row.get(1),
                    key: row.get(2),
                    plain: definitions.iter().find(|definition| !definition.contains('(')).cloned(),
                    note: row.get(3),
                    columns: columns.filter_map(|(of, kind)| words_of(of, kind)).collect(),
                }
            }),
        })
    }

    /// The extension for a table that is made, unless the address does not want it.
    pub(in crate::sql::postgresql) fn for_new(
        &self,
        wanted: Option<bool>,
    ) -> Result<Option<&Extension>> {
        match (wanted, self.extension()) {
            (Some(false), _) | (None, Err(_)) => Ok(None),
            (_, Ok(extension)) => Ok(Some(extension)),
            (Some(true), Err(why)) => Err(missing(&why)),
        }
    }

    /// How a table is ranked that is there: by BM25, or by the server's own search. A table that was made for BM25 is never
    /// ranked by the other without being told to.
    pub(in crate::sql::postgresql) fn ranking(
        &self,
        tables: &Tables,
        settings: Option<&IndexSettings>,
        wanted: Option<bool>,
    ) -> Result<Option<Bm25>> {
        let table = &tables.passages;
        match (&tables.foreign, settings) {
            _ if wanted == Some(false) => Ok(None),
            (Some(foreign), _) => {
                let columns: Vec<&str> =
                    foreign.text.iter().map(|(name, _)| name.as_str()).collect();
                let example = format!(
                    "CREATE INDEX ON {table} USING bm25 ({}, {}) WITH (key_field = '{0}')",
                    foreign.id,
                    columns.join(", ")
                );
                match self.over(table, &columns, &example) {
                    Ok(bm25) => Ok(Some(bm25)),
                    Err(why) if wanted == Some(true) => Err(missing(&why)),
                    Err(_) => Ok(None),
                }
            }
            (None, Some(settings)) if self.is_numbered => {
                let again = self.extension.as_ref().map(|of| of.index(table, settings));
                self.over(table, &OWN, &again.unwrap_or_default()).map(Some).map_err(|why| {
                    let message = format!(
                        "the table {table} was made to be ranked by ParadeDB's BM25, but {why}; bm25=false in the address \
                         ranks it by ts_rank_cd"
                    );
                    Error::new(ErrorKind::NotFound, message)
                })
            }
            (None, Some(_)) if wanted == Some(true) => Err(missing(&format!(
                "the table {table} was made without it: index into a new one"
            ))),
            _ => Ok(None),
        }
    }

    /// The extension, if it can be used, or what is missing.
    fn extension(&self) -> std::result::Result<&Extension, String> {
        match &self.extension {
            None => Err("the database has no extension pg_search: CREATE EXTENSION pg_search, where ParadeDB is installed"
                .to_owned()),
            Some(extension) if extension.number < OLDEST => Err(format!(
                "its pg_search {} is older than {}.{}: ALTER EXTENSION pg_search UPDATE, when a newer one is installed",
                extension.version, OLDEST.0, OLDEST.1
            )),
            Some(extension) => Ok(extension),
        }
    }

    /// BM25 over columns of a table, or what is missing for it; an example of an index that has it.
    fn over(
        &self,
        table: &str,
        columns: &[&str],
        example: &str,
    ) -> std::result::Result<Bm25, String> {
        let extension = self.extension()?;
        let Some(index) = &self.index else {
            return Err(format!("the table {table} has no index of pg_search: {example}"));
        };
        let name = &index.name;
        if !index.is_whole {
            return Err(format!(
                "its index {name} has only some of the rows: DROP INDEX {name}; {example}"
            ));
        }
        let has = |column: &str| index.columns.iter().any(|of| of.eq_ignore_ascii_case(column));
        if let Some(column) = columns.iter().find(|column| !has(column)) {
            return Err(format!(
                "its index {name} has no words of the column {column}, or only under an alias: DROP INDEX {name}; {example}"
            ));
        }
        Ok(Bm25 {
            version: extension.version.clone(),
            note: index.note.clone(),
            scored: index
                .key
                .as_ref()
                .or(index.plain.as_ref())
                .map_or(columns[0], |key| key)
                .to_owned(),
            tie: index.key.clone(),
            indexed: index.columns.clone(),
            index: name.clone(),
        })
    }
}

/// The column whose words a column of an index has, by its definition and the type of its values: as it is, or cast to one
/// of the extension's types other than those that keep a text in one piece.
fn words_of(definition: &str, kind: &str) -> Option<String> {
    let inner = definition.trim_start_matches('(');
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    let cast = rest.trim_start_matches(')');
    let is_words = cast.is_empty()
        || cast.starts_with("::")
            && kind.starts_with("pdb.")
            && !kind.contains("literal")
            && !cast.contains("alias=");
    (!name.is_empty() && is_words).then(|| name.to_owned())
}

fn missing(why: &str) -> Error {
    let message = format!("bm25=true in the address wants BM25 of ParadeDB, but {why}");
    Error::new(ErrorKind::NotFound, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_an_index_has_words_unless_it_keeps_a_text_whole() {
        let words = |definition, kind| words_of(definition, kind).unwrap_or_default();
        assert_eq!(words("title", "pg_catalog.text"), "title");
        assert_eq!(words("((body)::pdb.simple('stemmer=english'))", "pdb.simple"), "body");
        assert_eq!(words("(((body)::text)::pdb.icu)", "pdb.icu"), "body");
        for (definition, kind) in [
            ("((body)::pdb.literal)", "pdb.literal"),
            ("((body)::pdb.literal_normalized)", "pdb.literal_normalized"),
            ("((body)::pdb.simple('alias=body_simple'))", "pdb.simple"),
            ("(lower(body))::pdb.simple", "pdb.simple"),
            ("((title || body))", "pg_catalog.text"),
            ("((data)::text)", "pg_catalog.text"),
            ("\"Title\"", "pg_catalog.text"),
        ] {
            assert_eq!(words(definition, kind), "", "{definition}");
        }
    }

    #[test]
    fn versions_are_numbers() {
        assert_eq!(Extension::new("0.27.0").number, (0, 27));
        assert_eq!(Extension::new("1.2").number, (1, 2));
        assert_eq!(Extension::new("dev").number, (0, 0));
    }
}
