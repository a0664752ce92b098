//! SQLite with FTS5. In: a file and the name of a table. Out: passages by FTS5's BM25 (k1 1.2 and b 0.75, which it fixes).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params, params_from_iter};
use serde_json::Value;
use vizsla::{
    BoxError, DocumentKey, Error, ErrorKind, FieldWeights, FileRecord, Filter, IndexSettings,
    Passage, Query, QueryField, Refusal, Result, Retrieval, RetrieveRequest, Retriever, TimeLimits,
    path_filter,
};

use super::retrieval::{MARKS, Row, SqlRetrieval};
use super::{Tables, VERSION, check, no_table, not_ours, settings_of, words};
use crate::address::Address;
use crate::backend::{Backend, Change, Turn};
use crate::fields;
use crate::record::StoredRecord;

/// How long to wait for another program that writes to the file.
const PATIENCE: Duration = Duration::from_secs(5);
/// Steps of SQLite between two looks at the time.
const STEPS: i32 = 10_000;

/// A database in a file.
#[derive(Debug, Clone)]
pub(crate) struct Sqlite {
    connection: Arc<Mutex<Connection>>,
    address: Address,
    tables: Tables,
    settings: Option<IndexSettings>,
}

impl Sqlite {
    pub(crate) fn open(address: &Address, create: bool) -> Result<Self> {
        let file = &address.nodes()[0];
        let flags = OpenFlags::default();
        let flags = if create { flags } else { flags - OpenFlags::SQLITE_OPEN_CREATE };
        let connection =
            Connection::open_with_flags(file, flags).map_err(|error| failed(address, &error))?;
        connection.busy_timeout(PATIENCE).map_err(|error| failed(address, &error))?;
        let tables = Tables::of(address)?;
        let settings = settings(&connection, &tables).map_err(|error| failed(address, &error))?;
        let settings = settings
            .map(|(version, json)| settings_of(&json, version, &tables.passages))
            .transpose()?;
        if settings.is_none() && tables.foreign.is_none() && !create {
            return Err(no_table(address));
        }
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            address: address.clone(),
            tables,
            settings,
        })
    }

    /// With other weights for the columns of our own table.
    pub(crate) fn weighed(mut self, weights: Option<FieldWeights>) -> Self {
        if let (Some(settings), Some(weights)) = (&mut self.settings, weights) {
            settings.weights = weights;
        }
        self
    }

    /// With the tables, made with these settings if they are not there.
    pub(crate) fn writable(mut self, new: &IndexSettings) -> Result<Self> {
        if self.settings.is_some() {
            return Ok(self);
        }
        let Tables { passages, files, settings, .. } = &self.tables;
        let is_taken = self.with(|connection| {
            let sql = "SELECT count(*) FROM sqlite_master WHERE name = ?";
            connection.query_row(sql, [passages], |row| row.get::<_, i64>(0))
        })?;
        if is_taken > 0 {
            return Err(not_ours(&self.address));
        }
        let sql = format!(
            "BEGIN;
             CREATE TABLE {passages} (id INTEGER PRIMARY KEY, key TEXT UNIQUE, path TEXT, doc_id TEXT, ordinal INTEGER, \
             run TEXT, extension TEXT, modified INTEGER, meta TEXT, fields TEXT);
             CREATE INDEX {passages}_path ON {passages} (path, doc_id);
             CREATE INDEX {passages}_doc ON {passages} (doc_id);
             CREATE VIRTUAL TABLE {passages}_text USING fts5(content, title, headings, path_words, \
             tokenize = 'porter unicode61 remove_diacritics 2');
             CREATE TABLE {files} (path TEXT PRIMARY KEY, record TEXT);
             CREATE TABLE {settings} (version INTEGER, settings TEXT, state TEXT);
             COMMIT;"
        );
        self.with(|connection| {
            connection.execute_batch(&sql)?;
            let json = serde_json::to_string(new).unwrap_or_default();
            connection.execute(
                &format!("INSERT INTO {settings} VALUES (?, ?, NULL)"),
                params![VERSION, json],
            )
        })?;
        self.settings = Some(*new);
        Ok(self)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&self.lock()).map_err(|error| failed(&self.address, &error))
    }

    /// Finds rows for a query; all of it within the time.
    fn find(&self, query: &Query, request: &RetrieveRequest) -> Result<Vec<Row>> {
        let Some(matching) = matching(query) else { return Ok(Vec::new()) };
        let time = request.time.clone();
        let mut connection = self.lock();
        let past = |time: &TimeLimits| time.is_cancelled() || time.is_past_deadline();
        let watched = time.clone();
        let look = Box::new(move || past(&watched));
        let set = connection.progress_handler(STEPS, Some(look));
        let found = set.and_then(|()| match &self.tables.foreign {
            Some(_) => self.find_foreign(&connection, &matching, request),
            None => self.find_own(&connection, &matching, request),
        });
        let _ = connection.progress_handler(0, None::<fn() -> bool>);
        found.map_err(|error| match error {
            _ if time.is_cancelled() => {
                Error::new(ErrorKind::Cancelled, "the search was cancelled")
            }
            _ if time.is_past_deadline() => {
                Error::new(ErrorKind::TimedOut, format!("{} did not answer in time", self.address))
            }
            error => failed(&self.address, &error),
        })
    }

    fn find_own(
        &self,
        connection: &Connection,
        matching: &str,
        request: &RetrieveRequest,
    ) -> rusqlite::Result<Vec<Row>> {
        let table = &self.tables.passages;
        let (conditions, mut values) = conditions(connection, &request.filter)?;
        let weights = self.settings.unwrap_or_default().weights;
        // One text has the words of title and headings already.
        let weights = [weights.content(), weights.title(), weights.headings(), weights.path()];
        let weights = weights.map(|weight| weight.to_string()).join(", ");
        let sql = format!(
            "SELECT bm25({table}_text, {weights}), p.fields, highlight({table}_text, 0, ?, ?) FROM {table}_text \
             JOIN {table} p ON p.id = {table}_text.rowid WHERE {table}_text MATCH ?{conditions} ORDER BY 1 LIMIT ?"
        );
        let mut all: Vec<Sql> = vec![
            MARKS[0].to_owned().into(),
            MARKS[1].to_owned().into(),
            matching.to_owned().into(),
        ];
        all.append(&mut values);
        all.push((request.depth.get() as i64).into());
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(all), |row| {
            Ok((row.get::<_, f64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })?;
        rows.map(|row| {
            let (score, fields, marked) = row?;
            let passage = passage(&fields).map_err(|error| other(error.into()))?;
            Ok(Row { score: -score as f32, passage, marked: Some(marked) })
        })
        .collect()
    }

    fn find_foreign(
        &self,
        connection: &Connection,
        matching: &str,
        request: &RetrieveRequest,
    ) -> rusqlite::Result<Vec<Row>> {
        let table = &self.tables.passages;
        let Some(foreign) = &self.tables.foreign else { return Ok(Vec::new()) };
        let columns: Vec<String> = {
            let statement = connection.prepare(&format!("SELECT * FROM {table} LIMIT 0"))?;
            statement.column_names().map(str::to_owned).collect()
        };
        let weight = |column: &String| {
            let of = foreign.text.iter().find(|(name, _)| name == column);
            of.map_or(0.0, |(_, weight)| *weight).to_string()
        };
        let weights = columns.iter().map(weight).collect::<Vec<_>>().join(", ");
        let text: Vec<&str> = foreign
            .text
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| Some(*name) != foreign.title.as_deref())
            .collect();
        let title = foreign.title.as_deref().unwrap_or("''");
        let named: Vec<&str> = foreign.text.iter().map(|(name, _)| name.as_str()).collect();
        let sql = format!(
            "SELECT bm25({table}, {weights}), {}, {title}, {} FROM {table} WHERE {table} MATCH ? ORDER BY 1 LIMIT ?",
            foreign.id,
            text.iter()
                .map(|name| format!("coalesce({name}, '')"))
                .collect::<Vec<_>>()
                .join(" || char(10) || ")
        );
        let matching = format!("{{{}}} : ({matching})", named.join(" "));
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params![matching, request.depth.get() as i64], |row| {
            let id: Sql = row.get(1)?;
            let id = match id {
                Sql::Integer(id) => id.to_string(),
                Sql::Text(id) => id,
                _ => String::new(),
            };
            let title: Option<String> = row.get(2)?;
            let passage =
                Passage::new(id, 0, row.get::<_, String>(3)?).with_title(title.unwrap_or_default());
            Ok(Row { score: -row.get::<_, f64>(0)? as f32, passage, marked: None })
        })?;
        rows.collect()
    }
}

/// The version and settings of tables that Vizsla has made.
fn settings(connection: &Connection, tables: &Tables) -> rusqlite::Result<Option<(i32, String)>> {
    let name = &tables.settings;
    let sql = "SELECT count(*) FROM sqlite_master WHERE name = ?";
    if connection.query_row(sql, [name], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(None);
    }
    let sql = format!("SELECT version, settings FROM {name}");
    connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// The query in FTS5's language; `None` when it has no word.
fn matching(query: &Query) -> Option<String> {
    let quoted = |word: &String| format!("\"{word}\"");
    let mut any: Vec<String> = words::searched(query).iter().map(quoted).collect();
    any.extend(query.prefixes.iter().map(|prefix| format!("\"{}\" *", prefix.to_lowercase())));
    if any.is_empty() {
        return None;
    }
    let mut matching = format!("({})", any.join(" OR "));
    let column = |field: Option<QueryField>| match field {
        Some(QueryField::Title) => "title",
        Some(QueryField::Headings) => "headings",
        Some(QueryField::Path) => "path_words",
        _ => "content",
    };
    for (clauses, operator) in [(&query.required, "AND"), (&query.excluded, "NOT")] {
        for clause in clauses {
            let phrase = words::phrase(clause);
            if !phrase.is_empty() {
                let star = if clause.prefix().is_some() { " *" } else { "" };
                let column = column(clause.field);
                matching = format!("({matching} {operator} {column} : \"{phrase}\"{star})");
            }
        }
    }
    Some(matching)
}

/// A filter as conditions on the row `p`, with their values.
fn conditions(connection: &Connection, filter: &Filter) -> rusqlite::Result<(String, Vec<Sql>)> {
    let (mut sql, mut values) = (String::new(), Vec::<Sql>::new());
    if !filter.paths.is_empty() || !filter.names.is_empty() {
        let passes = path_filter(filter).map_err(|error| other(error.into()))?;
        let flags = FunctionFlags::SQLITE_UTF8;
        connection.create_scalar_function("vizsla_path", 1, flags, move |context| {
            Ok(passes(&context.get::<String>(0)?))
        })?;
        sql.push_str(" AND vizsla_path(p.path)");
    }
    if !filter.extensions.is_empty() {
        let places = vec!["?"; filter.extensions.len()].join(", ");
        sql.push_str(&format!(" AND p.extension IN ({places})"));
        let extensions = filter.extensions.iter();
        values.extend(extensions.map(|end| Sql::from(end.trim_start_matches('.').to_lowercase())));
    }
    for (name, value) in &filter.metadata {
        sql.push_str(" AND EXISTS (SELECT 1 FROM json_each(p.meta) WHERE value = ?)");
        values.push(fields::metadata_term(name, value).into());
    }
    for (bound, at) in [(">=", filter.modified_from), ("<", filter.modified_until)] {
        if let Some(at) = at {
            sql.push_str(&format!(" AND p.modified {bound} ?"));
            values.push(at.into());
        }
    }
    Ok((sql, values))
}

fn passage(json: &str) -> Result<Passage> {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    fields::to_passage(value.as_object().unwrap_or(&serde_json::Map::new()))
}

fn other(error: BoxError) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(error)
}

fn failed(address: &Address, error: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode as Code;
    let kind = match error {
        rusqlite::Error::UserFunctionError(_) => ErrorKind::InvalidInput,
        error => match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => ErrorKind::Locked,
            Some(Code::CannotOpen) => ErrorKind::NotFound,
            Some(Code::NotADatabase | Code::DatabaseCorrupt) => ErrorKind::Corrupt,
            Some(Code::DiskFull) => ErrorKind::NoSpace,
            Some(Code::ReadOnly | Code::PermissionDenied) => ErrorKind::Denied,
            _ => ErrorKind::Retrieve,
        },
    };
    Error::new(kind, format!("the database {address} failed: {error}"))
}

impl Retriever for Sqlite {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> std::result::Result<Box<dyn Retrieval + 'a>, BoxError> {
        check(request, &self.tables)?;
        let (query, request) = (request.parsed(), request.clone());
        let ranking = self.ranking();
        Ok(Box::new(SqlRetrieval::new(query, ranking, move |query: &Query| {
            self.find(query, &request)
        })))
    }
}

/// The transaction of a writer, which is undone unless it was committed.
struct Transaction(Arc<Mutex<Connection>>);

impl Turn for Transaction {
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
}

impl Backend for Sqlite {
    fn settings(&self) -> IndexSettings {
        self.settings.unwrap_or_default()
    }

    fn ranking(&self) -> String {
        "BM25 of FTS5, k1 1.2, b 0.75".to_owned()
    }

    fn begin(&self, _: &str) -> Result<Box<dyn Turn>> {
        self.with(|connection| connection.execute_batch("BEGIN IMMEDIATE"))?;
        Ok(Box::new(Transaction(Arc::clone(&self.connection))))
    }

    fn is_atomic(&self) -> bool {
        true
    }

    fn records(&self) -> Result<BTreeMap<String, FileRecord>> {
        let sql = format!("SELECT path, record FROM {}", self.tables.files);
        let rows = self.with(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement
                .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let read = |(path, json): (String, String)| {
            let record: StoredRecord = serde_json::from_str(&json).ok()?;
            Some((path, record.record()))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    fn state(&self) -> Result<Option<String>> {
        let sql = format!("SELECT state FROM {}", self.tables.settings);
        self.with(|connection| connection.query_row(&sql, [], |row| row.get(0)))
    }

    fn put_records(&self, records: &[(String, FileRecord)]) -> Result<()> {
        let sql = format!("INSERT OR REPLACE INTO {} VALUES (?, ?)", self.tables.files);
        self.with(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            for (path, record) in records {
                let json = serde_json::to_string(&StoredRecord::of(record)).unwrap_or_default();
                statement.execute(params![path, json])?;
            }
            Ok(())
        })
    }

    fn forget(&self, paths: &[String]) -> Result<()> {
        let sql = format!("DELETE FROM {} WHERE path = ?", self.tables.files);
        self.with(|connection| {
            paths.iter().try_for_each(|path| connection.execute(&sql, [path]).map(|_| ()))
        })
    }

    fn change(&self, run: &str, changes: &[Change]) -> Result<Vec<Refusal>> {
        let connection = self.lock();
        let done = changes.iter().try_for_each(|change| match change {
            Change::Put(passage) => put(&connection, &self.tables.passages, passage, run),
            Change::Remove(path, id, ordinal) => {
                let key = fields::passage_key(path, id, *ordinal);
                remove(&connection, &self.tables.passages, "key = ?", &[&key])
            }
        });
        done.map_err(|error| failed(&self.address, &error))?;
        Ok(Vec::new())
    }

    fn remove_files(&self, paths: &[String], run: &str) -> Result<()> {
        let condition = "path = ? AND run <> ?";
        self.with(|connection| {
            paths.iter().try_for_each(|path| {
                remove(connection, &self.tables.passages, condition, &[path, run])
            })
        })
    }

    fn remove_documents(&self, ids: &[String], run: &str) -> Result<()> {
        let condition = "path = '' AND doc_id = ? AND run <> ?";
        self.with(|connection| {
            ids.iter()
                .try_for_each(|id| remove(connection, &self.tables.passages, condition, &[id, run]))
        })
    }

    fn commit(&self, state: Option<&str>) -> Result<()> {
        let sql = format!("UPDATE {} SET state = ?", self.tables.settings);
        self.with(|connection| {
            connection.execute(&sql, [state])?;
            connection.execute_batch("COMMIT")
        })
    }

    fn counts(&self) -> Result<(u64, u64)> {
        let sql = format!(
            "SELECT count(*) FILTER (WHERE ordinal = 0), count(*) FROM {}",
            self.tables.passages
        );
        let counts = self.with(|connection| {
            connection.query_row(&sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        })?;
        Ok((counts.0 as u64, counts.1 as u64))
    }

    fn document(&self, (path, id): DocumentKey<'_>) -> Result<Vec<Passage>> {
        let sql = format!(
            "SELECT fields FROM {} WHERE path = ? AND doc_id = ? ORDER BY ordinal",
            self.tables.passages
        );
        self.texts(&sql, params![path, id])?.iter().map(|json| passage(json)).collect()
    }

    fn documents_of(&self, path: &str, limit: usize) -> Result<Vec<String>> {
        let table = &self.tables.passages;
        let sql = format!(
            "SELECT doc_id FROM {table} WHERE path = ? AND ordinal = 0 ORDER BY doc_id LIMIT ?"
        );
        self.texts(&sql, params![path, limit as i64])
    }

    fn files_with(&self, id: &str) -> Result<Vec<String>> {
        let sql = format!(
            "SELECT DISTINCT path FROM {} WHERE doc_id = ? ORDER BY path",
            self.tables.passages
        );
        self.texts(&sql, params![id])
    }
}

impl Sqlite {
    fn texts(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<String>> {
        self.with(|connection| {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map(values, |row| row.get(0))?;
            rows.collect()
        })
    }
}

fn put(connection: &Connection, table: &str, passage: &Passage, run: &str) -> rusqlite::Result<()> {
    let path = passage.path.as_deref().unwrap_or_default();
    let key = fields::passage_key(path, &passage.doc_id, passage.ordinal);
    remove(connection, table, "key = ?", &[&key])?;
    let of = fields::of_passage(passage, run, false);
    let text = |name: &str| fields::strings(of.get(name)).join("\n");
    let sql = format!("INSERT INTO {table} VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    let extension = fields::extension(path);
    let meta =
        serde_json::to_string(&fields::metadata_terms(&passage.metadata)).unwrap_or_default();
    let (content, title, headings) = (text("content"), text("title"), text("headings"));
    let json = Value::Object(of.clone()).to_string();
    connection.prepare_cached(&sql)?.execute(params![
        key,
        path,
        passage.doc_id,
        passage.ordinal,
        run,
        extension,
        passage.modified,
        meta,
        json
    ])?;
    let sql = format!(
        "INSERT INTO {table}_text (rowid, content, title, headings, path_words) VALUES (?, ?, ?, ?, ?)"
    );
    let id = connection.last_insert_rowid();
    connection.prepare_cached(&sql)?.execute(params![
        id,
        content,
        title,
        headings,
        fields::path_words(path)
    ])?;
    Ok(())
}

fn remove(
    connection: &Connection,
    table: &str,
    condition: &str,
    values: &[&str],
) -> rusqlite::Result<()> {
    let found = format!("SELECT id FROM {table} WHERE {condition}");
    let text = format!("DELETE FROM {table}_text WHERE rowid IN ({found})");
    connection.prepare_cached(&text)?.execute(params_from_iter(values))?;
    let rows = format!("DELETE FROM {table} WHERE {condition}");
    connection.prepare_cached(&rows)?.execute(params_from_iter(values))?;
    Ok(())
}
