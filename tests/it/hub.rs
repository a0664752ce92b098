//! Fetching models, against a server that speaks the hub's protocol, or fails to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use vizsla_hub::catalogue::File;
use vizsla_hub::{Cache, ErrorKind, Hub, Repository};

use crate::support::{Ran, Workspace, fixture, run};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const LATER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// The failures to simulate, once each, in this order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// 429, with a wait of no seconds.
    Busy,
    /// 503, without saying how long to wait.
    Unavailable,
    /// Half of the content, then the connection closes.
    CutOff,
    /// Content that was altered on the way.
    Garbled,
}

#[derive(Debug, Default)]
struct State {
    /// By path in the repository: large files, whose content another address serves, by their SHA-256; small ones by
    /// their git blob hash.
    files: BTreeMap<String, Vec<u8>>,
    token: Option<String>,
    /// The files of a commit that is pushed to `main` once that branch has been requested.
    pushed: Option<BTreeMap<String, Vec<u8>>>,
    branch_was_asked_for: bool,
    faults: Vec<Fault>,
    /// Method, path and the headers of interest of each request.
    requests: Vec<String>,
}

/// A hub with one repository, `org/tiny`, which was once called `org/old`.
#[derive(Clone)]
struct Server {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let files = files.iter().map(|(path, content)| ((*path).to_owned(), content.to_vec()));
        let state = Arc::new(Mutex::new(State { files: files.collect(), ..State::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { address, state };
        let answering = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let server = answering.clone();
                std::thread::spawn(move || server.answer(&mut stream.unwrap()));
            }
        });
        server
    }

    /// A server with a model that can be opened.
    fn with_model() -> Self {
        let read = |path: &str| std::fs::read(fixture("models/tiny-bert").join(path)).unwrap();
        let (config, tokenizer) = (read("config.json"), read("tokenizer.json"));
        let (float, integer) = (read("onnx/model.onnx"), read("onnx/model_qint8_avx512_vnni.onnx"));
        Self::new(&[
            ("config.json", &config),
            ("tokenizer.json", &tokenizer),
            ("onnx/model.onnx", &float),
            ("onnx/model_qint8_avx512_vnni.onnx", &integer),
            ("onnx/model_O4.onnx", b"for other hardware"),
            ("README.md", b"# tiny"),
        ])
    }

    fn fail(&self, faults: &[Fault]) {
        self.state.lock().unwrap().faults = faults.to_vec();
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    fn answer(&self, stream: &mut TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut request = String::new();
        reader.read_line(&mut request).unwrap();
        let mut headers = BTreeMap::new();
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some((name, value)) = line.trim().split_once(": ") {
                headers.insert(name.to_lowercase(), value.to_owned());
            }
            line.clear();
        }
        let mut words = request.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap().to_owned());
        let mut state = self.state.lock().unwrap();
        let of = |name: &str| headers.get(name).map_or("-", String::as_str);
        state.requests.push(format!("{method} {path} {} {}", of("range"), of("authorization")));
        let is_content = path.starts_with("/content/");
        let wanted = state.token.as_ref().map(|token| format!("Bearer {token}"));
        let fault = match state.faults.first().copied() {
            Some(fault @ (Fault::Busy | Fault::Unavailable)) => Some(fault),
            Some(fault) if is_content => Some(fault),
            _ => None,
        };
        if fault.is_some() {
            state.faults.remove(0);
        }
        let is_branch = path.contains("/resolve/main/");
        let has_moved = path.contains(LATER_COMMIT) || (is_branch && state.branch_was_asked_for);
        let (commit, files) = match &state.pushed {
            Some(pushed) if has_moved => (LATER_COMMIT, pushed.clone()),
            _ => (COMMIT, state.files.clone()),
        };
        state.branch_was_asked_for |= is_branch;
        let mut contents: Vec<Vec<u8>> = state.files.values().cloned().collect();
        contents.extend(state.pushed.iter().flat_map(|pushed| pushed.values().cloned()));
        drop(state);
        let reply = Reply { stream, method };
        match fault {
            Some(Fault::Busy) => return reply.send("429 Too Many", "Retry-After: 0\r\n", b""),
            Some(Fault::Unavailable) => return reply.send("503 Unavailable", "", b""),
            _ => {}
        }
        if wanted.is_some_and(|wanted| !is_content && of("authorization") != wanted) {
            return reply.send("401 Unauthorized", "X-Error-Code: GatedRepo\r\n", b"");
        }
        match path.strip_prefix("/content/") {
            Some(hash) => {
                let content = contents.iter().find(|content| sha256(content) == hash).unwrap();
                reply.send_content(content.clone(), headers.get("range"), fault);
            }
            None => self.describe(&path, (commit, &files), reply),
        }
    }

    /// Responds as the hub itself: everything but large content.
    fn describe(
        &self,
        path: &str,
        (commit, files): (&str, &BTreeMap<String, Vec<u8>>),
        reply: Reply<'_>,
    ) {
        if path.starts_with("/api/models/org/tiny/revision/main") {
            let siblings: Vec<_> =
                files.keys().map(|path| serde_json::json!({ "rfilename": path })).collect();
            let body = serde_json::json!({ "sha": commit, "siblings": siblings }).to_string();
            return reply.send("200 OK", "", body.as_bytes());
        }
        if let Some(rest) = path.strip_prefix("/org/old/") {
            let to = format!("Location: /org/tiny/{rest}\r\n");
            return reply.send("307 Temporary Redirect", &to, b"");
        }
        let Some(rest) = path.strip_prefix("/org/tiny/resolve/") else {
            return reply.send("404 Not Found", "X-Error-Code: RepoNotFound\r\n", b"");
        };
        let (revision, file) = rest.split_once('/').unwrap();
        if !["main", COMMIT, LATER_COMMIT].contains(&revision) {
            return reply.send("404 Not Found", "X-Error-Code: RevisionNotFound\r\n", b"");
        }
        let Some(content) = files.get(file) else {
            return reply.send("404 Not Found", "X-Error-Code: EntryNotFound\r\n", b"");
        };
        if file.ends_with(".onnx") {
            let hash = sha256(content);
            let location = format!(
                "X-Repo-Commit: {commit}\r\nX-Linked-Etag: \"{hash}\"\r\nX-Linked-Size: {}\r\nLocation: {}/content/{hash}\r\n",
                content.len(),
                self.address.replace("127.0.0.1", "localhost")
            );
            reply.send("302 Found", &location, b"");
        } else {
            let etag = git_hash(content);
            let headers = format!("X-Repo-Commit: {commit}\r\nETag: W/\"{etag}\"\r\n");
            reply.send("200 OK", &headers, content);
        }
    }
}

struct Reply<'a> {
    stream: &'a mut TcpStream,
    method: &'a str,
}

impl Reply<'_> {
    fn send(self, status: &str, headers: &str, body: &[u8]) {
        let _ = write!(
            self.stream,
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        if self.method != "HEAD" {
            let _ = self.stream.write_all(body);
        }
    }

    fn send_content(self, mut content: Vec<u8>, range: Option<&String>, fault: Option<Fault>) {
        if fault == Some(Fault::Garbled) {
            content[0] ^= 1;
        }
        let from = range.map_or(0, |range| {
            range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap()
        });
        let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
        let rest = &content[from..];
        if fault == Some(Fault::CutOff) {
            let length = rest.len();
            let _ = write!(
                self.stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = self.stream.write_all(&rest[..length / 2]);
        } else {
            self.send(status, "", rest);
        }
    }
}

/// By the system's own tools, not by the code under test.
fn hash(tool: &str, content: &[u8]) -> String {
    use std::process::{Command, Stdio};
    let mut child =
        Command::new(tool).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(content).unwrap();
    let out = child.wait_with_output().unwrap().stdout;
    String::from_utf8(out).unwrap().split(' ').next().unwrap().to_owned()
}

fn sha256(content: &[u8]) -> String {
    hash("sha256sum", content)
}

fn git_hash(content: &[u8]) -> String {
    let mut blob = format!("blob {}\0", content.len()).into_bytes();
    blob.extend_from_slice(content);
    hash("sha1sum", &blob)
}

const LARGE: &str = "onnx/model.onnx";

fn file(path: &str) -> File {
    serde_json::from_value(serde_json::json!({ "path": path })).unwrap()
}

fn repository() -> Repository {
    "org/tiny".parse().unwrap()
}

/// A server with one large and one small file, and an empty cache.
fn setting(workspace: &Workspace) -> (Server, Hub, Cache) {
    let server = Server::new(&[(LARGE, &vec![7; 300_000]), ("config.json", b"{}")]);
    let hub = Hub::new(&server.address);
    (server, hub, Cache::new(workspace.path("hub")))
}

fn pull(hub: &Hub, cache: &Cache, paths: &[&str]) -> Result<vizsla_hub::Pulled, vizsla_hub::Error> {
    let files: Vec<File> = paths.iter().map(|path| file(path)).collect();
    hub.pull(cache, &repository(), &files, &())
}

#[test]
fn files_lie_where_the_hugging_face_libraries_look() {
    let workspace = Workspace::new();
    let (server, hub, cache) = setting(&workspace);
    let pulled = pull(&hub, &cache, &[LARGE, "config.json"]).unwrap();
    let root = workspace.path("hub/models--org--tiny");
    assert_eq!(pulled.commit, COMMIT);
    assert_eq!(pulled.snapshot, root.join("snapshots").join(COMMIT));
    assert_eq!(std::fs::read_to_string(root.join("refs/main")).unwrap(), COMMIT);
    let content = vec![7; 300_000];
    assert_eq!(std::fs::read(pulled.snapshot.join(LARGE)).unwrap(), content);
    assert_eq!(std::fs::read(root.join("blobs").join(sha256(&content))).unwrap(), content);
    assert_eq!(std::fs::read(root.join("blobs").join(git_hash(b"{}"))).unwrap(), b"{}");
    #[cfg(unix)]
    assert_eq!(
        std::fs::read_link(pulled.snapshot.join(LARGE)).unwrap(),
        Path::new("../../../blobs").join(sha256(&content))
    );
    // Again: only the headers are requested.
    server.requests();
    assert_eq!(pull(&hub, &cache, &[LARGE, "config.json"]).unwrap().fetched_bytes, 0);
    assert!(server.requests().iter().all(|request| request.starts_with("HEAD")));
    let checked = vizsla_hub::verify(&pulled.snapshot, &[]).unwrap();
    assert!(checked.iter().all(|file| file.is_known && file.expected.is_none()), "{checked:?}");
}

#[test]
fn a_branch_that_moves_during_a_pull_mixes_no_versions() {
    let workspace = Workspace::new();
    let (server, hub, cache) = setting(&workspace);
    let later = [(LARGE.to_owned(), vec![9; 200_000]), ("config.json".to_owned(), b"[]".to_vec())];
    server.state.lock().unwrap().pushed = Some(later.into());
    let pulled = pull(&hub, &cache, &["config.json", LARGE]).unwrap();
    assert_eq!(pulled.commit, COMMIT);
    assert_eq!(std::fs::read(pulled.snapshot.join("config.json")).unwrap(), b"{}");
    assert_eq!(std::fs::read(pulled.snapshot.join(LARGE)).unwrap(), vec![7; 300_000]);
    // The next pull gets the later version in full.
    let pulled = pull(&hub, &cache, &["config.json", LARGE]).unwrap();
    assert_eq!(pulled.commit, LATER_COMMIT);
    assert_eq!(std::fs::read(pulled.snapshot.join("config.json")).unwrap(), b"[]");
    assert_eq!(std::fs::read(pulled.snapshot.join(LARGE)).unwrap(), vec![9; 200_000]);
}

#[test]
fn a_broken_connection_is_resumed() {
    let workspace = Workspace::new();
    let (server, hub, cache) = setting(&workspace);
    server.fail(&[Fault::CutOff, Fault::CutOff]);
    let pulled = pull(&hub, &cache, &[LARGE]).unwrap();
    assert_eq!(pulled.fetched_bytes, 300_000);
    let ranges: Vec<String> =
        server.requests().into_iter().filter(|request| request.contains("/content/")).collect();
    assert!(ranges[1].contains("bytes=150000-") && ranges[2].contains("bytes=225000-"));
}

#[test]
fn a_download_begun_by_an_earlier_process_is_resumed() {
    let workspace = Workspace::new();
    let (server, hub, cache) = setting(&workspace);
    let partial = format!("hub/models--org--tiny/blobs/{}.incomplete", sha256(&vec![7; 300_000]));
    workspace.write(&partial, vec![7; 299_000]);
    assert_eq!(pull(&hub, &cache, &[LARGE]).unwrap().fetched_bytes, 1000);
    assert!(!workspace.path(&partial).exists());
    assert!(server.requests().iter().any(|request| request.contains("bytes=299000-")));
}

#[test]
fn a_busy_hub_is_asked_again() {
    let workspace = Workspace::new();
    let (server, hub, cache) = setting(&workspace);
    server.fail(&[Fault::Busy, Fault::Unavailable, Fault::Busy]);
    pull(&hub, &cache, &[LARGE]).unwrap();
    server.fail(&[Fault::Busy; 9]);
    let error = pull(&hub, &cache, &["config.json"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fetch);
    assert!(error.to_string().contains("too many requests"), "{error}");
}

#[test]
fn changed_content_is_refused_and_removed() {
    let workspace = Workspace::new();
    let (server, hub, cache) = setting(&workspace);
    server.fail(&[Fault::Garbled]);
    let error = pull(&hub, &cache, &[LARGE]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Verification, "{error}");
    assert!(cache.snapshot(&repository()).is_none());
    let blobs = std::fs::read_dir(workspace.path("hub/models--org--tiny/blobs")).unwrap();
    assert_eq!(blobs.count(), 0);
    pull(&hub, &cache, &[LARGE]).unwrap();
    // A hub that offers a file other than the pinned one is not even asked for it.
    let mut pinned = file(LARGE);
    pinned.sha256 = Some("f".repeat(64));
    let error = hub.pull(&cache, &repository(), &[pinned], &()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Verification, "{error}");
}

#[test]
fn two_pulls_at_once_fetch_once() {
    let workspace = Workspace::new();
    let (server, hub, cache) = setting(&workspace);
    let fetched: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| pull(&hub, &cache, &[LARGE]).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().fetched_bytes).sum()
    });
    assert_eq!(fetched, 300_000);
    let contents = server.requests().iter().filter(|r| r.contains("/content/")).count();
    assert_eq!(contents, 1);
}

#[test]
fn what_is_missing_is_named() {
    let workspace = Workspace::new();
    let (_server, hub, cache) = setting(&workspace);
    let error = |name: &str, path: &str| {
        hub.pull(&cache, &name.parse().unwrap(), &[file(path)], &()).unwrap_err()
    };
    for (name, path, hint) in [
        ("org/none", LARGE, "no such repository"),
        ("org/tiny@v9", LARGE, "no such revision"),
        ("org/tiny", "none.json", "no such file"),
    ] {
        let error = error(name, path);
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains(hint), "{error}");
    }
    assert_eq!(error("org/tiny", "../../config.json").kind(), ErrorKind::InvalidName);
    for name in ["org", "org/tiny/more", "../tiny", "org/ti ny", "org/tiny@../x", "org/--x"] {
        assert!(name.parse::<Repository>().is_err(), "{name}");
    }
}

#[test]
fn a_renamed_repository_is_followed() {
    let workspace = Workspace::new();
    let (_server, hub, cache) = setting(&workspace);
    let old: Repository = "org/old".parse().unwrap();
    let pulled = hub.pull(&cache, &old, &[file(LARGE), file("config.json")], &()).unwrap();
    assert_eq!(std::fs::read(pulled.snapshot.join("config.json")).unwrap(), b"{}");
}

/// The program with its own hub and cache, and without the proxies or tokens of whoever runs the test.
fn vizsla(workspace: &Workspace, server: &Server, settings: &[(&str, &str)], args: &[&str]) -> Ran {
    let home = workspace.path("hf");
    let mut command = workspace.command(args);
    for name in ["HF_TOKEN", "HF_HUB_CACHE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    command.env("HF_HOME", home).env("HF_ENDPOINT", &server.address);
    command.envs(settings.iter().copied());
    run(&mut command, b"")
}

#[test]
fn a_model_is_pulled_used_and_verified_by_name() {
    let workspace = Workspace::new();
    let server = Server::with_model();
    let vizsla = |args: &[&str]| vizsla(&workspace, &server, &[], args);
    let ran = vizsla(&["model", "where", "org/tiny"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("vizsla model pull org/tiny"), "{}", ran.err);
    let ran = vizsla(&["model", "pull", "org/tiny"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    // One ONNX file is fetched, and never one for other hardware.
    assert!(!ran.out.contains("O4") && ran.out.matches(".onnx ok").count() == 1, "{}", ran.out);
    server.requests();
    let ran = vizsla(&["model", "where", "org/tiny"]);
    assert!(ran.out.trim().ends_with(&format!("hf/hub/models--org--tiny/snapshots/{COMMIT}")));
    let dir = ran.out.trim().to_owned();
    assert_eq!(vizsla(&["model", "verify", "org/tiny"]).code, 0);
    let ran = vizsla(&["model", "info", "--model", "org/tiny"]);
    assert!(ran.out.contains("32 tokens"), "{}{}", ran.out, ran.err);
    let ran = vizsla(&["model", "pull", "org/tiny", "--file", "onnx/model.onnx"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    // A blob whose content is not what its name says.
    let blob = std::fs::canonicalize(Path::new(&dir).join("config.json")).unwrap();
    std::fs::write(blob, "{ }").unwrap();
    let ran = vizsla(&["model", "verify", "org/tiny"]);
    assert_eq!(ran.code, 2);
    assert!(ran.out.contains("WRONG") && ran.err.contains("model pull org/tiny"), "{}", ran.err);
}

#[test]
fn after_a_pull_no_query_opens_a_connection() {
    let workspace = Workspace::new();
    let server = Server::with_model();
    assert_eq!(vizsla(&workspace, &server, &[], &["model", "pull", "org/tiny"]).code, 0);
    workspace.write("docs/a.txt", "the dog runs");
    let index = workspace.path("index").display().to_string();
    let docs = workspace.path("docs").display().to_string();
    assert_eq!(workspace.run(&["index", &docs, "-i", &index]).code, 0);
    server.requests();
    let search = ["search", "the dog", "-i", &index, "--model", "org/tiny"];
    let ran = vizsla(&workspace, &server, &[], &search);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let elsewhere = ["search", "the dog", "-i", &index, "--model", "org/other"];
    let ran = vizsla(&workspace, &server, &[], &elsewhere);
    assert!(ran.code == 2 && ran.err.contains("vizsla model pull org/other"), "{}", ran.err);
    assert_eq!(server.requests(), Vec::<String>::new());
}

#[test]
fn tokens_and_offline_are_honoured() {
    let workspace = Workspace::new();
    let server = Server::with_model();
    server.state.lock().unwrap().token = Some("secret".to_owned());
    let pull = ["model", "pull", "org/tiny"];
    let ran = vizsla(&workspace, &server, &[], &pull);
    assert!(ran.code == 2 && ran.err.contains("HF_TOKEN"), "{}", ran.err);
    let ran = vizsla(&workspace, &server, &[("HF_TOKEN", "wrong")], &pull);
    assert!(ran.err.contains("token was not accepted"), "{}", ran.err);
    server.requests();
    let ran =
        vizsla(&workspace, &server, &[("HF_HUB_OFFLINE", "yes"), ("HF_TOKEN", "secret")], &pull);
    assert!(ran.code == 2 && ran.err.contains("HF_HUB_OFFLINE"), "{}", ran.err);
    assert!(server.requests().is_empty());
    // From the file, and only to the hub itself: the content is on another host.
    workspace.write("hf/token", "secret\n");
    let ran = vizsla(&workspace, &server, &[], &pull);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for request in server.requests() {
        assert_eq!(request.contains("Bearer"), !request.contains("/content/"), "{request}");
    }
}

#[test]
fn a_folder_is_imported() {
    let workspace = Workspace::new();
    let server = Server::new(&[]);
    let vizsla = |args: &[&str]| vizsla(&workspace, &server, &[], args);
    let dir = fixture("models/tiny-bert").display().to_string();
    let name = format!("org/mine@{COMMIT}");
    let ran = vizsla(&["model", "import", &dir, "--as", &name]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(vizsla(&["model", "verify", &name]).code, 0);
    assert_eq!(vizsla(&["model", "info", "--model", &name]).code, 0);
    // A file pinned in the catalogue must match exactly.
    let ran = vizsla(&["model", "import", &dir, "--as", "ms-marco-MiniLM-L6-v2"]);
    assert!(ran.code == 2 && ran.err.contains("nothing was imported"), "{}", ran.err);
    assert!(server.requests().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_the_partial_download_is_kept() {
    let workspace = Workspace::new();
    let server = Server::with_model();
    // A limit on the size of files, in blocks of 512 or 1024 bytes, acts like a full disk.
    let script = format!(
        "ulimit -f 100; trap '' XFSZ; HF_HOME='{}' HF_ENDPOINT={} '{}' model pull org/tiny --file onnx/model.onnx",
        workspace.path("hf").display(),
        server.address,
        env!("CARGO_BIN_EXE_vizsla")
    );
    let mut command = std::process::Command::new("sh");
    command.arg("-c").arg(&script);
    let ran = run(&mut command, b"");
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("no room") && ran.err.contains("HF_HUB_CACHE"), "{}", ran.err);
    let pull = ["model", "pull", "org/tiny", "--file", "onnx/model.onnx"];
    server.requests();
    assert_eq!(vizsla(&workspace, &server, &[], &pull).code, 0);
    assert!(server.requests().iter().any(|request| request.contains("bytes=")));
}
