//! PostgreSQL. In: a database and the name of a table. Out: passages by BM25 where ParadeDB has an index for it, else by
//! `ts_rank_cd`.

mod failure;
mod paradedb;
mod search;
mod tls;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use postgres::config::SslMode;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls};
use serde_json::Value;
use tokio_postgres_rustls::MakeRustlsConnect;
use vizsla::{
    BoxError, DocumentKey, Error, ErrorKind, FieldWeights, FileRecord, IndexSettings, Passage,
    Query, Refusal, Result, Retrieval, RetrieveRequest, Retriever,
};

use self::paradedb::{Bm25, Extension, Look};
use self::search::{Asked, Values, configuration};
use super::retrieval::{Row, SqlRetrieval};
use super::{Tables, VERSION, check, no_table, not_ours, settings_of, words};
use crate::address::Address;
use crate::backend::{Backend, Change, Turn};
use crate::fields;
use crate::record::StoredRecord;
use crate::secret::Secret;

/// How long to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a search may take that has no deadline.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Connections that are kept for the next search.
const KEPT: usize = 8;

/// A database on a server.
#[derive(Clone)]
pub(crate) struct PostgreSql {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    address: Address,
    tables: Tables,
    settings: Option<IndexSettings>,
    /// How the table is ranked, unless by `ts_rank_cd`.
    bm25: Option<Bm25>,
    /// Connections that nobody uses now.
    idle: Arc<Mutex<Vec<Client>>>,
    /// The connection of the writer, while there is one.
    writing: Arc<Mutex<Option<Client>>>,
}

impl std::fmt::Debug for PostgreSql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The configuration has the password.
        f.debug_struct("PostgreSql").field("address", &self.address).finish_non_exhaustive()
    }
}

impl PostgreSql {
    pub(crate) fn open(address: &Address, secret: Option<&Secret>, create: bool) -> Result<Self> {
        let mut config: Config = address.nodes()[0].parse().map_err(|error: postgres::Error| {
            let message = format!("the address {address} cannot be used: {error}");
            Error::new(ErrorKind::InvalidInput, message)
        })?;
        config.connect_timeout(CONNECT).application_name("vizsla");
        if let Some((name, password)) = secret.and_then(Secret::name_and_password) {
            config.user(&name).password(&password);
        }
        let tables = Tables::of(address)?;
        let tls = tls::connector(address)?;
        if tls.is_some() {
            config.ssl_mode(SslMode::Require);
        }
        let mut own = Self {
            config,
            tls,
            address: address.clone(),
            tables,
            settings: None,
            bm25: None,
            idle: Arc::default(),
            writing: Arc::default(),
        };
        let stored = own.with(|client| {
            let table = &own.tables.settings;
            if client
                .query_one("SELECT to_regclass($1)::text", &[table])?
                .get::<_, Option<String>>(0)
                .is_none()
            {
                return Ok(None);
            }
            let row = client.query_one(&format!("SELECT version, settings FROM {table}"), &[])?;
            Ok(Some((row.get::<_, i32>(0), row.get::<_, String>(1))))
        })?;
        own.settings = stored
            .map(|(version, json)| settings_of(&json, version, &own.tables.passages))
            .transpose()?;
        if own.settings.is_none() && own.tables.foreign.is_none() && !create {
            return Err(no_table(address));
        }
        let look = own.with(|client| Look::at(client, &own.tables.passages))?;
        own.bm25 = look.ranking(&own.tables, own.settings.as_ref(), address.flag("bm25")?)?;
        Ok(own)
    }

    /// With other weights for the fields of our own table, where it is ranked by BM25.
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
        let Tables { passages, settings, .. } = &self.tables;
        let taken = self.with(|client| {
            let row = client.query_one("SELECT to_regclass($1)::text", &[passages])?;
            Ok(row.get::<_, Option<String>>(0).is_some())
        })?;
        if taken {
            return Err(not_ours(&self.address));
        }
        let look = self.with(|client| Look::at(client, passages))?;
        let extension = look.for_new(self.address.flag("bm25")?)?;
        let sql = self.tables_to_make(new, extension);
        let json = serde_json::to_string(new).unwrap_or_default();
        let made = self.with(|client| {
            client.batch_execute(&sql)?;
            client.execute(
                &format!("INSERT INTO {settings} VALUES ($1, $2, NULL)"),
                &[&VERSION, &json],
            )
        });
        made.map_err(|error| {
            if extension.is_none() {
                return error;
            }
            let message =
                format!("{error}; bm25=false in the address makes a table without ParadeDB's BM25");
            Error::new(error.kind(), message)
        })?;
        self.bm25 = extension.map(|extension| Bm25::made(extension, passages, new));
        self.settings = Some(*new);
        Ok(self)
    }

    /// The statements that make the tables, with an index of the extension where there is one.
    fn tables_to_make(&self, new: &IndexSettings, extension: Option<&Extension>) -> String {
        let Tables { passages, files, settings, .. } = &self.tables;
        let language = configuration(new.language);
        let number = extension.map(|_| Extension::column()).unwrap_or_default();
        let index = extension.map(|of| of.index(passages, new) + ";").unwrap_or_default();
        format!(
            "BEGIN;
             CREATE TABLE {passages} (key text PRIMARY KEY, path text NOT NULL, doc_id text NOT NULL, ordinal bigint NOT NULL, \
             run text NOT NULL, extension text, modified bigint, meta text[] NOT NULL, fields text NOT NULL, \
             content text NOT NULL, title text NOT NULL, headings text NOT NULL, path_words text NOT NULL, \
             search tsvector GENERATED ALWAYS AS (to_tsvector('{language}', content)) STORED{number});
             CREATE INDEX {passages}_search ON {passages} USING gin (search);
             CREATE INDEX {passages}_meta ON {passages} USING gin (meta);
             CREATE INDEX {passages}_path ON {passages} (md5(path), doc_id);
             CREATE TABLE {files} (path text NOT NULL, record text NOT NULL);
             CREATE UNIQUE INDEX {files}_path ON {files} (md5(path));
             CREATE TABLE {settings} (version int, settings text, state text);
             {index}
             COMMIT;"
        )
    }

    fn connect(&self) -> Result<Client> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle.filter(|client| !client.is_closed()) {
            Some(client) => Ok(client),
            None => self.new_client(),
        }
    }

    fn new_client(&self) -> Result<Client> {
        let client = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        client.map_err(|error| self.failed(&error))
    }

    /// Works with a connection that nobody else uses meanwhile.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Client) -> std::result::Result<T, postgres::Error>,
    ) -> Result<T> {
        let mut client = self.connect()?;
        let done = work(&mut client).map_err(|error| self.failed(&error))?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(client);
        }
        Ok(done)
    }

    /// Works within the transaction of the writer, or by itself when there is none.
    fn write<T>(
        &self,
        work: impl FnOnce(&mut Client) -> std::result::Result<T, postgres::Error>,
    ) -> Result<T> {
        let mut writing: MutexGuard<'_, Option<Client>> =
            self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match writing.as_mut() {
            Some(client) => work(client).map_err(|error| self.failed(&error)),
            None => self.with(work),
        }
    }

    fn failed(&self, error: &postgres::Error) -> Error {
        failure::failed(error, &self.address)
    }

    fn find(&self, query: &Query, request: &RetrieveRequest) -> Result<Vec<Row>> {
        if request.time.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "the search was cancelled"));
        }
        let words = words::searched(query);
        if words.is_empty() && query.prefixes.is_empty() {
            return Ok(Vec::new());
        }
        let left = request
            .time
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.unwrap_or(TIMEOUT).min(TIMEOUT).as_millis();
        if left == 0 {
            return Err(Error::new(
                ErrorKind::TimedOut,
                format!("{} was not asked in time", self.address),
            ));
        }
        let (sql, values) = self.search(&Asked {
            table: &self.tables.passages,
            settings: self.settings.unwrap_or_default(),
            query,
            words: &words,
            request,
        })?;
        let mut set = format!("SET statement_timeout = {left}");
        if self.bm25.is_some() {
            // ParadeDB's operators want plans that are made for their values.
            set.push_str("; SET plan_cache_mode = force_custom_plan");
        }
        self.with(|client| {
            client.batch_execute(&set)?;
            let values: Vec<&(dyn ToSql + Sync)> =
                values.iter().map(|value| &**value as _).collect();
            client.query(&sql, &values)
        })?
        .iter()
        .map(|row| self.row(row))
        .collect()
    }

    /// The search as SQL: by BM25 or by the server's own search, in our own table or in another.
    fn search(&self, asked: &Asked<'_>) -> Result<(String, Values)> {
        match (&self.bm25, &self.tables.foreign) {
            (Some(bm25), Some(foreign)) => bm25.foreign(asked, foreign),
            (Some(_), None) => Bm25::own(asked),
            (None, Some(foreign)) => asked.foreign(foreign),
            (None, None) => asked.own(),
        }
    }

    fn row(&self, row: &postgres::Row) -> Result<Row> {
        let (score, marked) = (row.get::<_, Option<f32>>(0), row.get::<_, Option<String>>(1));
        let score = score.ok_or_else(|| {
            let message = format!("{} gave a row without a score", self.address);
            Error::new(ErrorKind::Retrieve, message)
        })?;
        let passage = if self.tables.foreign.is_some() {
            Passage::new(row.get::<_, String>(2), 0, row.get::<_, String>(4))
                .with_title(row.get::<_, String>(3))
        } else {
            passage(row.get(2))?
        };
        Ok(Row { score, passage, marked })
    }
}

fn passage(json: &str) -> Result<Passage> {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    fields::to_passage(value.as_object().unwrap_or(&serde_json::Map::new()))
}

/// The server stores no character of code 0.
fn storable(text: &str) -> String {
    text.replace('\0', " ")
}

impl Retriever for PostgreSql {
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

/// The transaction of a writer. Its connection is closed with it, which undoes what was not committed.
struct Transaction(Arc<Mutex<Option<Client>>>);

impl Turn for Transaction {
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Backend for PostgreSql {
    fn settings(&self) -> IndexSettings {
        self.settings.unwrap_or_default()
    }

    fn ranking(&self) -> String {
        let bm25 = self.bm25.as_ref().map(ToString::to_string);
        bm25.unwrap_or_else(|| "ts_rank_cd, without idf".to_owned())
    }

    fn begin(&self, _: &str) -> Result<Box<dyn Turn>> {
        let mut client = self.new_client()?;
        // Given back by the server when the connection ends, however it ends.
        let lock =
            client.query_one("SELECT pg_try_advisory_lock(hashtext($1))", &[&self.tables.passages]);
        if !lock.map_err(|error| self.failed(&error))?.get::<_, bool>(0) {
            let message = format!("another writer is at {}: wait until it is done", self.address);
            return Err(Error::new(ErrorKind::Locked, message));
        }
        client.batch_execute("BEGIN").map_err(|error| self.failed(&error))?;
        *self.writing.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
        Ok(Box::new(Transaction(Arc::clone(&self.writing))))
    }

    fn is_atomic(&self) -> bool {
        true
    }

    fn records(&self) -> Result<BTreeMap<String, FileRecord>> {
        let sql = format!("SELECT path, record FROM {}", self.tables.files);
        let rows = self.write(|client| client.query(&sql, &[]))?;
        let read = |row: &postgres::Row| {
            let record: StoredRecord = serde_json::from_str(row.get(1)).ok()?;
            Some((row.get(0), record.record()))
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    fn state(&self) -> Result<Option<String>> {
        let sql = format!("SELECT state FROM {}", self.tables.settings);
        self.write(|client| Ok(client.query_one(&sql, &[])?.get(0)))
    }

    fn put_records(&self, records: &[(String, FileRecord)]) -> Result<()> {
        let sql = format!(
            "INSERT INTO {} VALUES ($1, $2) ON CONFLICT (md5(path)) DO UPDATE SET record = excluded.record",
            self.tables.files
        );
        self.write(|client| {
            let statement = client.prepare(&sql)?;
            for (path, record) in records {
                let json = serde_json::to_string(&StoredRecord::of(record)).unwrap_or_default();
                client.execute(&statement, &[path, &storable(&json)])?;
            }
            Ok(())
        })
    }

    fn forget(&self, paths: &[String]) -> Result<()> {
        let sql = format!("DELETE FROM {} WHERE path = ANY($1)", self.tables.files);
        self.write(|client| client.execute(&sql, &[&paths]).map(|_| ()))
    }

    fn change(&self, run: &str, changes: &[Change]) -> Result<Vec<Refusal>> {
        let table = &self.tables.passages;
        let put = format!(
            "INSERT INTO {table} VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (key) DO UPDATE \
             SET run = excluded.run, modified = excluded.modified, meta = excluded.meta, fields = excluded.fields, \
             content = excluded.content, title = excluded.title, headings = excluded.headings"
        );
        let remove = format!("DELETE FROM {table} WHERE key = $1");
        self.write(|client| {
            let (put, remove) = (client.prepare(&put)?, client.prepare(&remove)?);
            for change in changes {
                match change {
                    Change::Put(passage) => put_passage(client, &put, passage, run)?,
                    Change::Remove(path, id, ordinal) => {
                        client.execute(&remove, &[&fields::passage_key(path, id, *ordinal)])?;
                    }
                }
            }
            Ok(())
        })?;
        Ok(Vec::new())
    }

    fn remove_files(&self, paths: &[String], run: &str) -> Result<()> {
        let hashes = "(SELECT md5(p) FROM unnest($1::text[]) p)";
        let sql = format!(
            "DELETE FROM {} WHERE md5(path) IN {hashes} AND run <> $2",
            self.tables.passages
        );
        self.write(|client| client.execute(&sql, &[&paths, &run]).map(|_| ()))
    }

    fn remove_documents(&self, ids: &[String], run: &str) -> Result<()> {
        let sql = format!(
            "DELETE FROM {} WHERE path = '' AND doc_id = ANY($1) AND run <> $2",
            self.tables.passages
        );
        self.write(|client| client.execute(&sql, &[&ids, &run]).map(|_| ()))
    }

    fn commit(&self, state: Option<&str>) -> Result<()> {
        let sql = format!("UPDATE {} SET state = $1", self.tables.settings);
        self.write(|client| {
            client.execute(&sql, &[&state])?;
            client.batch_execute("COMMIT")
        })
    }

    fn counts(&self) -> Result<(u64, u64)> {
        let sql = format!(
            "SELECT count(*) FILTER (WHERE ordinal = 0), count(*) FROM {}",
            self.tables.passages
        );
        let row = self.with(|client| client.query_one(&sql, &[]))?;
        Ok((row.get::<_, i64>(0) as u64, row.get::<_, i64>(1) as u64))
    }

    fn document(&self, (path, id): DocumentKey<'_>) -> Result<Vec<Passage>> {
        let table = &self.tables.passages;
        let sql = format!(
            "SELECT fields FROM {table} WHERE md5(path) = md5($1) AND doc_id = $2 ORDER BY ordinal"
        );
        let rows = self.with(|client| client.query(&sql, &[&path, &id]))?;
        rows.iter().map(|row| passage(row.get(0))).collect()
    }

    fn documents_of(&self, path: &str, limit: usize) -> Result<Vec<String>> {
        let table = &self.tables.passages;
        let sql = format!(
            "SELECT doc_id FROM {table} WHERE md5(path) = md5($1) AND ordinal = 0 ORDER BY doc_id LIMIT $2"
        );
        let rows = self.with(|client| client.query(&sql, &[&path, &(limit as i64)]))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    fn files_with(&self, id: &str) -> Result<Vec<String>> {
        let sql = format!(
            "SELECT DISTINCT path FROM {} WHERE doc_id = $1 ORDER BY path",
            self.tables.passages
        );
        let rows = self.with(|client| client.query(&sql, &[&id]))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

fn put_passage(
    client: &mut Client,
    statement: &postgres::Statement,
    passage: &Passage,
    run: &str,
) -> std::result::Result<(), postgres::Error> {
    let path = passage.path.as_deref().unwrap_or_default();
    let key = fields::passage_key(path, &passage.doc_id, passage.ordinal);
    let of = fields::of_passage(passage, run, false);
    let text = |name: &str| storable(&fields::strings(of.get(name)).join("\n"));
    let (content, title, headings) = (text("content"), text("title"), text("headings"));
    let extension = Path::new(path).extension().and_then(|_| fields::extension(path));
    let meta: Vec<String> =
        fields::metadata_terms(&passage.metadata).iter().map(|term| storable(term)).collect();
    // JSON writes it as an escape, which is text like any other.
    let json = Value::Object(of.clone()).to_string();
    client.execute(
        statement,
        &[
            &key,
            &path,
            &passage.doc_id,
            &i64::from(passage.ordinal),
            &run,
            &extension,
            &passage.modified,
            &meta,
            &json,
            &content,
            &title,
            &headings,
            &fields::path_words(path),
        ],
    )?;
    Ok(())
}
