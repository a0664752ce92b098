//! Other people's engines through the program: SQLite always, and OpenSearch, Solr and PostgreSQL for real where
//! `cargo xtask test` has started them and says so in the environment.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::serving::Serving;
use crate::support::{Ran, Workspace, names, root};

/// The address of an engine that runs for the tests, with the name of an index of this test alone.
fn running(variable: &str, index: &str) -> Option<String> {
    let url = std::env::var(variable).ok().filter(|url| !url.is_empty())?;
    Some(format!("{url}/{index}_{}", std::process::id()))
}

/// What the name of a collection stands for in a test.
pub(crate) struct Engine {
    pub(crate) place: Workspace,
    pub(crate) address: String,
}

impl Engine {
    pub(crate) fn new(address: &str) -> Self {
        Self { place: Workspace::new(), address: address.to_owned() }
    }

    fn sqlite() -> Self {
        let place = Workspace::new();
        let address = format!("sqlite:{}?table=notes", place.path("notes.db").display());
        Self { place, address }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.place.run(&[args, &["--engine", &self.address]].concat())
    }

    pub(crate) fn index(&self) -> serde_json::Value {
        let ran = self.run(&["index", "files", "--json"]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        serde_json::from_str(&ran.out).unwrap()
    }

    /// The names of the files of the hits, best first.
    pub(crate) fn found(&self, args: &[&str]) -> Vec<String> {
        let search = ["search", "--fusion", "bm25", "--jsonl"];
        let ran = self.run(&[&search[..], args].concat());
        assert!(ran.code <= 1, "{args:?}: {}", ran.err);
        let name = |line: &str| {
            let hit: serde_json::Value = serde_json::from_str(line).unwrap();
            let path = hit["path"].as_str().unwrap().to_owned();
            path.rsplit('/').next().unwrap().to_owned()
        };
        ran.out.lines().map(name).collect()
    }
}

/// Everything that a local index does, with the same commands.
pub(crate) fn is_an_index(engine: &Engine) {
    let place = &engine.place;
    place
        .write("files/heron.md", "# Birds\n\nThe grey heron stands in water and waits for fish.\n");
    place.write("files/otter.txt", "An otter swims after fish. Otters hold hands in water.\n");
    place.write(
        "files/notes/old.md",
        "# Old notes\n\nNothing about animals, but about a red bicycle.\n",
    );
    let long = "A sentence about tides and the moon. ".repeat(300);
    place.write("files/long.txt", format!("{long} The lighthouse keeper sleeps."));
    assert_eq!(engine.index()["added"], 4);
    assert_eq!(engine.found(&["grey heron"])[0], "heron.md");
    assert_eq!(engine.found(&["lighthouse keeper"])[0], "long.txt");
    assert_eq!(engine.found(&["fish", "--ext", "txt"]), ["otter.txt"]);
    assert_eq!(engine.found(&["bicycle", "--path", "notes/*.md"]), ["old.md"]);
    assert!(engine.found(&["bicycle", "--path", "other/*.md"]).is_empty());
    assert_eq!(engine.found(&["fish -otter"]), ["heron.md"]);
    assert_eq!(engine.found(&["fish \"hold hands\""]), ["otter.txt"]);
    // A star completes a word, and signs in it are no syntax.
    assert_eq!(engine.found(&["lightho*"]), ["long.txt"]);
    if !engine.address.starts_with("postgresql") {
        assert_eq!(engine.found(&["title:bir* fish"]), ["heron.md"]);
    }
    for query in ["l'fi*", "fish c+*", "fish a:b*", "fish x/y*", "fish 10.4*", "fish -x*"] {
        let ran = engine.run(&["search", "--fusion", "bm25", query]);
        assert!(ran.code < 2, "{query}: {}", ran.err);
    }
    // A phrase that no passage has does not empty an answer, and is named.
    let ran = engine.run(&["search", "--fusion", "bm25", "fish \"hold feet\""]);
    assert!(
        ran.code == 0 && format!("{}{}", ran.out, ran.err).contains("hold feet"),
        "{}",
        ran.err
    );
    assert_eq!(engine.found(&["title:birds fish"]), ["heron.md"]);
    // Nothing is read again, then only what has changed; what is gone goes.
    let again = engine.index();
    assert_eq!((&again["unchanged"], &again["documents"]), (&4.into(), &0.into()));
    place.write("files/long.txt", "Now a short note about a windmill.");
    std::fs::rename(place.path("files/notes/old.md"), place.path("files/notes/new.md")).unwrap();
    std::fs::remove_file(place.path("files/otter.txt")).unwrap();
    let changed = engine.index();
    assert_eq!(
        (&changed["changed"], &changed["renamed"], &changed["removed"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert!(engine.found(&["lighthouse keeper moon tides"]).is_empty());
    assert_eq!(engine.found(&["windmill"]), ["long.txt"]);
    assert_eq!(engine.found(&["red bicycle"]), ["new.md"]);
    assert_eq!(engine.found(&["otter fish"]), ["heron.md"]);
    // What it holds, and where the words are.
    let info: serde_json::Value =
        serde_json::from_str(&engine.run(&["info", "--json"]).out).unwrap();
    assert_eq!((&info["stats"]["documents"], &info["stats"]["files"]), (&3.into(), &3.into()));
    let hit = engine.run(&["search", "--fusion", "bm25", "--json", "windmill"]).out;
    let hit: serde_json::Value = serde_json::from_str(&hit).unwrap();
    let passage = &hit["hits"][0]["passage"];
    let range: Vec<u64> = serde_json::from_value(passage["highlights"][0].clone()).unwrap();
    let word = &passage["text"].as_str().unwrap()[range[0] as usize..range[1] as usize];
    assert_eq!(word.to_lowercase(), "windmill");
}

/// Records from standard input replace those of the same id, whole.
pub(crate) fn takes_records(engine: &Engine) {
    let long = "Many words about a harbour. ".repeat(200);
    let send = |text: &str| {
        let line = serde_json::json!({"_id": "a", "text": text, "year": 2024}).to_string();
        let ran = engine.place.run_with(&["index", "-", "--engine", &engine.address], &line);
        assert_eq!(ran.code, 0, "{}", ran.err);
    };
    send(&long);
    send("Only a lighthouse.");
    let ids = |query: &str| {
        let ran =
            engine.run(&["search", "--fusion", "bm25", "--trec", query, "--meta", "year=2024"]);
        ran.out.lines().count()
    };
    assert_eq!((ids("harbour"), ids("lighthouse")), (0, 1));
}

/// An index that is searched by fields that the address names, as if somebody else had made it.
fn is_searched_by_named_fields(engine: &Engine) {
    let place = &engine.place;
    place.write("files/heron.md", "# Herons\n\nThe grey heron waits for fish.");
    let long = "A tide comes and goes in a long story. ".repeat(500);
    place.write("files/otter.TXT", format!("{long} An otter holds hands, and eats fish."));
    engine.index();
    let named = "?text=title^2,content&title=title&id=doc_id&path=path";
    let other = Engine { place: Workspace::new(), address: format!("{}{named}", engine.address) };
    other.place.write("files/a.md", "Never written.");
    assert_eq!(other.found(&["heron"]), ["heron.md"]);
    assert_eq!(other.found(&["fish -otter"]), ["heron.md"]);
    assert_eq!(other.found(&["fish \"holds hands\""]), ["otter.TXT"]);
    assert_eq!(other.found(&["fish", "--ext", "txt"]), ["otter.TXT"]);
    assert_eq!(other.found(&["fish", "--path", "files/*.md"]), ["heron.md"]);
    assert_eq!(other.found(&["title:herons fish"]), ["heron.md"]);
    assert_eq!(other.found(&["( OR NOT \\ {!x} $y [* TO heron* /:~^\""]), ["heron.md"]);
    let hits = other.run(&["search", "--fusion", "bm25", "--json", "otter hands"]).out;
    let hits: serde_json::Value = serde_json::from_str(&hits).unwrap();
    let passage = &hits["hits"][0]["passage"];
    // Of a long document, the part that has the words.
    assert!(passage["text"].as_str().unwrap().ends_with("holds hands, and eats fish."), "{hits}");
    assert!(!passage["highlights"].as_array().unwrap().is_empty(), "{hits}");
    for (args, named) in [
        (&["search", "x", "--since", "2020"][..], "--since"),
        (&["search", "heading:x y"], "heading:"),
        (&["index", "files"], "not made by Vizsla"),
    ] {
        let ran = other.run(args);
        assert!(ran.code == 2 && ran.err.contains(named), "{args:?}: {}", ran.err);
    }
    let wrong = Engine { address: format!("{}?text=boddy", engine.address), ..other };
    let error = wrong.run(&["search", "x"]).err;
    assert!(error.contains("no field \"boddy\""), "{error}");
}

/// A node that passes everything on to another one, until it breaks off in the middle of the request to write of this
/// number, and is gone. Its port.
fn node_that_goes(to: &str, after: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (to, writes) = (to.to_owned(), Arc::new(AtomicUsize::new(0)));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if writes.load(Ordering::SeqCst) >= after {
                return;
            }
            let server = TcpStream::connect(&to).unwrap();
            let (from, into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let writes = Arc::clone(&writes);
            std::thread::spawn(move || pass_on(from, into, &writes, after));
            std::thread::spawn(move || std::io::copy(&mut &server, &mut &client));
        }
    });
    port
}

fn pass_on(mut from: TcpStream, mut into: TcpStream, writes: &AtomicUsize, after: usize) {
    let mut part = vec![0; 1 << 14];
    while let Ok(read @ 1..) = from.read(&mut part) {
        let text = String::from_utf8_lossy(&part[..read]);
        let is_write = text.starts_with("POST /_bulk") || text.contains("/update?");
        let number = if is_write { writes.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
        let read = if number >= after { read / 2 } else { read };
        if into.write_all(&part[..read]).is_err() || number >= after {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = into.shutdown(Shutdown::Both);
}

/// A node that goes in the middle of writing loses nothing, and nothing is there twice.
fn outlives_a_node(address: &str) {
    let (kind, rest) = address.split_once("http://").unwrap();
    let node = rest.split(['/', ',']).next().unwrap();
    let port = node_that_goes(node, 5);
    let engine = Engine::new(&format!("{kind}http://127.0.0.1:{port},{rest}"));
    for number in 0..600 {
        engine.place.write(&format!("files/{number}.txt"), format!("A heron, number {number}."));
    }
    assert_eq!(engine.index()["added"], 600);
    let here = Engine { address: address.to_owned(), ..engine };
    let info: serde_json::Value = serde_json::from_str(&here.run(&["info", "--json"]).out).unwrap();
    assert_eq!((&info["stats"]["passages"], &info["stats"]["files"]), (&600.into(), &600.into()));
    assert_eq!(here.index()["unchanged"], 600);
}

/// A server, an agent and a watch take an engine as they take a folder.
pub(crate) fn is_served(engine: &Engine) {
    let place = &engine.place;
    let heron = place.write("files/heron.md", "The grey heron waits for fish.");
    engine.index();
    let serving = Serving::start(place, &["--engine", &engine.address]);
    let found = |words: &str| -> Vec<String> {
        names(&serving.get(&format!("/api/search?fusion=bm25&q={words}")).json())
    };
    assert_eq!(found("heron"), ["heron.md"]);
    assert_eq!(serving.get("/api/index").json()["indexes"][0]["stats"]["documents"], 1);

    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "fetch", "arguments": {"id": heron.display().to_string()},
        "_meta": {"io.modelcontextprotocol/protocolVersion": "2025-06-18"},
    }});
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }});
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let lines = format!("{initialize}\n{ready}\n{call}\n");
    let ran = place.run_with(&["mcp", "--engine", &engine.address], lines);
    assert!(ran.out.contains("waits for fish"), "{}{}", ran.out, ran.err);

    let mut watch =
        place.command(&["watch", "files", "--engine", &engine.address]).spawn().unwrap();
    let start = Instant::now();
    // A change made before the watch has begun is found by its first look.
    place.write("files/badger.txt", "A badger digs.");
    while found("badger").is_empty() && start.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(200));
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(found("badger"), ["badger.txt"]);
}

#[test]
fn sqlite_is_an_index() {
    is_an_index(&Engine::sqlite());
    takes_records(&Engine::sqlite());
    is_served(&Engine::sqlite());
}

#[test]
fn opensearch_is_an_index() {
    let Some(address) = running("VIZSLA_TEST_OPENSEARCH", "notes") else { return };
    is_an_index(&Engine::new(&address));
    takes_records(&Engine::new(&format!("{address}_records")));
    is_searched_by_named_fields(&Engine::new(&format!("{address}_named")));
    outlives_a_node(&format!("{address}_nodes"));
    is_served(&Engine::new(&format!("{address}_served")));
}

#[test]
fn solr_is_an_index() {
    let Some(address) = running("VIZSLA_TEST_SOLR", "notes") else { return };
    is_an_index(&Engine::new(&address));
    takes_records(&Engine::new(&format!("{address}_records")));
    is_searched_by_named_fields(&Engine::new(&format!("{address}_named")));
    outlives_a_node(&format!("{address}_nodes"));
    is_served(&Engine::new(&format!("{address}_served")));
}

#[test]
fn postgresql_is_an_index() {
    let Some(address) = running("VIZSLA_TEST_POSTGRESQL", "notes") else { return };
    is_an_index(&Engine::new(&address));
    takes_records(&Engine::new(&format!("{address}_records")));
    is_served(&Engine::new(&format!("{address}_served")));
}

#[test]
fn postgresql_is_searched_by_named_columns() {
    let Some(address) = running("VIZSLA_TEST_POSTGRESQL", "columns") else { return };
    let engine = Engine::new(&address);
    engine.place.write("files/heron.md", "# Herons\n\nThe grey heron waits for fish.");
    engine.place.write("files/otter.txt", "An otter holds hands, and eats fish.");
    engine.index();
    assert!(engine.run(&["info"]).out.contains("ranking    ts_rank_cd, without idf"));
    let named = format!("{address}?text=title,content&title=title&id=doc_id");
    let other = Engine { place: Workspace::new(), address: named };
    for (query, file) in [
        ("heron", "heron.md"),
        ("fish -otter", "heron.md"),
        ("fish \"holds hands\"", "otter.txt"),
        ("title:herons fish", "heron.md"),
        ("body:otter fish", "otter.txt"),
    ] {
        let ran = other.run(&["search", "--fusion", "bm25", "--jsonl", query]);
        assert_eq!(ran.out.lines().count(), 1, "{query}: {}{}", ran.out, ran.err);
        let hit: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert!(hit["doc_id"].as_str().unwrap().ends_with(file), "{query}: {hit}");
    }
    let error = other.run(&["search", "heading:x y"]).err;
    assert!(error.contains("leave out heading:"), "{error}");
}

#[test]
fn postgresql_is_reached_by_tls() {
    let Some(address) = running("VIZSLA_TEST_POSTGRESQL", "secret") else { return };
    let authority = root().join("xtask/engines/tls/authority.pem");
    let engine = Engine::new(&format!("{address}?ca={}", authority.display()));
    engine.place.write("files/heron.md", "The grey heron waits for fish.");
    engine.index();
    assert_eq!(engine.found(&["heron"]), ["heron.md"]);
    // Nobody of the system's authorities vouches for it.
    let unknown = Engine::new(&format!("{address}?tls=true"));
    let error = unknown.run(&["search", "heron"]).err;
    assert!(error.contains("certificate") && error.contains("ca=FILE"), "{error}");
}

#[test]
fn an_engine_and_a_folder_are_searched_as_one() {
    let engine = Engine::sqlite();
    engine.place.write("files/heron.md", "The grey heron waits for fish.");
    engine.place.write("other/pike.md", "The pike waits for fish, too.");
    engine.index();
    assert_eq!(engine.place.run(&["index", "other", "--index", "local"]).code, 0);
    let mut found = engine.found(&["waits for fish", "--index", "local"]);
    found.sort();
    assert_eq!(found, ["heron.md", "pike.md"]);
}

#[test]
fn what_cannot_be_is_named() {
    let place = Workspace::new();
    let run = |args: &[&str]| {
        let ran = place.run(args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.out);
        ran.err
    };
    let missing = format!("sqlite:{}", place.path("none.db").display());
    assert!(run(&["search", "x", "--engine", &missing]).contains("none.db"));
    assert!(!place.path("none.db").exists(), "a search makes nothing");
    let nobody = "opensearch+http://127.0.0.1:1/notes";
    let error = run(&["search", "x", "--engine", nobody, "--fusion", "bm25"]);
    assert!(error.contains("cannot reach the engine at http://127.0.0.1:1"), "{error}");
    assert!(run(&["search", "x", "--engine", "http://h/x"]).contains("opensearch+http://"));
    let both = run(&["index", ".", "--engine", &missing, "--index", "x"]);
    assert!(both.contains("folder or an engine"), "{both}");
    let error = run(&["search", "x", "--engine", nobody, "--k1", "1.2", "--fusion", "bm25"]);
    assert!(error.contains("k1 cannot be set"), "{error}");
}

#[test]
fn secrets_are_in_no_message() {
    let place = Workspace::new();
    let secret = place.write("secret", "basic admin:hunter2");
    let address = format!("opensearch+http://127.0.0.1:1/notes?auth={}", secret.display());
    let error = place.run(&["search", "x", "--engine", &address]).err;
    assert!(!error.contains("hunter2"), "{error}");
    let mut command: Command =
        place.command(&["search", "x", "--engine", "opensearch+http://127.0.0.1:1/n"]);
    let output = command.env("VIZSLA_ENGINE_AUTH", "hunter2").output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("VIZSLA_ENGINE_AUTH") && !error.contains("hunter2"), "{error}");
}
