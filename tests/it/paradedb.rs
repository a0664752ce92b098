//! BM25 within PostgreSQL: the real server, with a stand-in for ParadeDB's extension in a database of its own.
//! `paradedb.sql` says what it takes, and what it refuses as the extension does.

use postgres::{Client, NoTls};

use crate::engines::{Engine, is_an_index, is_served, takes_records};
use crate::support::Workspace;

/// A database that is made for a test, with the stand-in.
struct Database {
    client: Client,
    address: String,
}

impl Database {
    /// One with this version of the stand-in; `None` where no server runs.
    fn new(name: &str, version: &str) -> Option<Self> {
        let url = std::env::var("VIZSLA_TEST_POSTGRESQL").ok().filter(|url| !url.is_empty())?;
        let name = format!("{name}_{}", std::process::id());
        Client::connect(&url, NoTls)
            .unwrap()
            .execute(&format!("CREATE DATABASE {name}"), &[])
            .unwrap();
        let address = format!("{}/{name}", url.rsplit_once('/').unwrap().0);
        let mut client = Client::connect(&address, NoTls).unwrap();
        client.batch_execute(include_str!("paradedb.sql")).unwrap();
        client
            .execute(
                "UPDATE pg_extension SET extversion = $1 WHERE extname = 'pg_search'",
                &[&version],
            )
            .unwrap();
        Some(Self { client, address })
    }

    fn run(&mut self, sql: &str) {
        self.client.batch_execute(sql).unwrap();
    }

    fn table(&self, name: &str) -> Engine {
        Engine::new(&format!("{}/{name}", self.address))
    }

    /// Somebody's table of products, with an index over these columns.
    fn with_products(&mut self, index: &str) {
        self.run(&format!(
            "CREATE TABLE products (id bigint PRIMARY KEY, name text, description text);
             INSERT INTO products VALUES
               (1, 'Red shoes', 'For running in the rain'), (2, 'Blue shoes', 'They go with a red hat'),
               (3, 'Umbrella', 'Keeps the rain off red shoes'), (4, 'Red hat', NULL), (5, 'Red cap', NULL);
             {index}"
        ));
    }

    fn products(&self, more: &str) -> Engine {
        self.table(&format!("products?text=name%5E2,description&title=name{more}"))
    }
}

/// The ids of the documents that a search finds, best first.
fn ids(engine: &Engine, query: &str) -> Vec<String> {
    let ran = engine.run(&["search", "--fusion", "bm25", "--jsonl", query]);
    assert!(ran.code <= 1, "{query}: {}", ran.err);
    let id = |line: &str| {
        let hit: serde_json::Value = serde_json::from_str(line).unwrap();
        hit["doc_id"].as_str().unwrap().to_owned()
    };
    ran.out.lines().map(id).collect()
}

/// What is said of how a hit was ranked.
fn ranking(engine: &Engine, query: &str) -> String {
    let ran = engine.run(&["search", "--fusion", "bm25", "--explain", query]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    ran.out
}

fn error(engine: &Engine, args: &[&str]) -> String {
    let ran = engine.run(args);
    assert_eq!(ran.code, 2, "{args:?}: {}", ran.out);
    ran.err
}

const INDEX: &str = "CREATE INDEX products_words ON products USING bm25 \
    (id, name, (description::pdb.unicode_words('stemmer=english')));";

#[test]
fn a_table_of_vizsla_is_ranked_by_bm25() {
    let Some(mut database) = Database::new("paradedb_own", "0.27.0") else { return };
    let notes = database.table("notes");
    is_an_index(&notes);
    let row = database
        .client
        .query_one("SELECT indexdef FROM pg_indexes WHERE indexname = 'notes_bm25'", &[])
        .unwrap();
    assert!(row.get::<_, String>(0).contains("USING bm25 (number, ((content)::pdb.unicode_words"));
    let info = notes.run(&["info"]).out;
    assert!(info.contains("BM25 of ParadeDB's pg_search 0.27.0, k1 0.9, b 0.4"), "{info}");
    assert!(ranking(&notes, "windmill").contains("BM25 of ParadeDB's pg_search 0.27.0"));
    // Beginnings of words, and text of which much would be an operator elsewhere.
    assert_eq!(notes.found(&["windm*"]), ["long.txt"]);
    assert_eq!(notes.found(&["windmill' ||| $1 \\ ) -- :*"]), ["long.txt"]);
    assert_eq!(notes.found(&["path:heron fish"]), ["heron.md"]);
    takes_records(&database.table("records"));
    is_served(&database.table("served"));
}

#[test]
fn another_table_is_ranked_by_its_own_index() {
    let Some(mut database) = Database::new("paradedb_foreign", "0.27.0") else { return };
    database.with_products(INDEX);
    let products = database.products("");
    // A word in the name counts twice one in the description; equal ones are in the order of ids.
    assert_eq!(ids(&products, "red"), ["1", "4", "5", "2", "3"]);
    assert_eq!(ids(&products, "rain shoes"), ["1", "2", "3"]);
    assert_eq!(ids(&products, "red shoes -rain"), ["2"]);
    assert_eq!(ids(&products, "\"red shoes\""), ["1", "3"]);
    assert_eq!(ids(&products, "title:umbrella rain"), ["3"]);
    assert_eq!(ids(&products, "umbr*"), ["3"]);
    assert!(ranking(&products, "red").contains("BM25 of ParadeDB's pg_search 0.27.0"));
    assert!(error(&products, &["search", "heading:x y"]).contains("heading:"));
    // As an index of an older version says it.
    database
        .run("UPDATE pg_class SET reloptions = '{key_field=id}' WHERE relname = 'products_words'");
    assert_eq!(ids(&products, "red"), ["1", "4", "5", "2", "3"]);
    let never = database.products("&bm25=false");
    assert!(ranking(&never, "red").contains("ts_rank_cd"));
}

#[test]
fn a_table_without_such_an_index_is_ranked_as_before() {
    let Some(mut database) = Database::new("paradedb_none", "0.27.0") else { return };
    database.with_products("");
    let always = database.products("&bm25=true");
    for (index, missing) in [
        ("", "no index of pg_search: CREATE INDEX ON products USING bm25 (id, name, description)"),
        (INDEX, ""),
        (
            "CREATE INDEX words ON products USING bm25 (id, name);",
            "no words of the column description",
        ),
        (
            "CREATE INDEX words ON products USING bm25 (id, name, (description::pdb.literal));",
            "no words of the column description",
        ),
        (
            "CREATE INDEX words ON products USING bm25 (id, name, description) WHERE id > 2;",
            "only some of the rows",
        ),
    ] {
        database.run(&format!("DROP INDEX IF EXISTS products_words, words; {index}"));
        let products = database.products("");
        let is_bm25 = ranking(&products, "red").contains("BM25 of ParadeDB");
        assert_eq!(is_bm25, missing.is_empty(), "{index}");
        assert_eq!(ids(&products, "\"red shoes\""), ["1", "3"], "{index}");
        assert_eq!(ids(&products, "blue shoes -rain"), ["2"], "{index}");
        assert_eq!(ids(&products, "title:umbrella rain"), ["3"], "{index}");
        if !missing.is_empty() {
            let error = error(&always, &["search", "red"]);
            assert!(error.contains(missing), "{error}");
        }
    }
}

#[test]
fn what_is_missing_for_bm25_is_named() {
    let Some(mut database) = Database::new("paradedb_missing", "0.19.5") else { return };
    let note = |engine: &Engine| {
        engine.place.write("files/heron.md", "The grey heron waits for fish.");
        engine.index();
    };
    // A table that was made when the extension was too old stays as it is.
    let wanted = database.table("early?bm25=true");
    wanted.place.write("files/a.md", "A.");
    assert!(error(&wanted, &["index", "files"]).contains("pg_search 0.19.5 is older than 0.20"));
    let early = database.table("early");
    note(&early);
    database.run("UPDATE pg_extension SET extversion = '0.27.0' WHERE extname = 'pg_search'");
    assert!(ranking(&early, "heron").contains("ts_rank_cd"));
    assert!(early.run(&["info"]).out.contains("ranking    ts_rank_cd, without idf"));
    assert!(error(&wanted, &["search", "heron"]).contains("made without it"));
    // One that was made for BM25 is not ranked otherwise without a word, and what is said helps.
    let notes = database.table("notes");
    note(&notes);
    database.run("DROP INDEX notes_bm25");
    let said = error(&notes, &["search", "heron"]);
    assert!(said.contains("bm25=false in the address"), "{said}");
    let otherwise = database.table("notes?bm25=false");
    assert!(ranking(&otherwise, "heron").contains("ts_rank_cd"));
    let statements = &said[said.find("CREATE INDEX").unwrap()..said.rfind("; bm25=false").unwrap()];
    database.run(statements);
    assert!(ranking(&notes, "heron").contains("pg_search 0.27.0, k1 0.9, b 0.4"));
    database.run("DELETE FROM pg_extension WHERE extname = 'pg_search'");
    assert!(error(&notes, &["search", "heron"]).contains("no extension pg_search"));
    // What the server says of an index that it does not make.
    database.run("INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        SELECT 4000000000::oid, 'pg_search', 10, oid, false, '0.22.0' FROM pg_namespace WHERE nspname = 'paradedb'");
    let older = Engine { place: Workspace::new(), address: format!("{}/older", database.address) };
    older.place.write("files/a.md", "A.");
    let said = error(&older, &["index", "files"]);
    assert!(
        said.contains("key_field") && said.contains("bm25=false in the address makes"),
        "{said}"
    );
}
