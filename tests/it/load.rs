//! A server that has more to do than it can, or is stopped while it does it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vizsla::{BoxError, RerankScore, Reranker, TimeLimits};
use vizsla_server::{LazyReranker, Server, ServerOptions, Stop};

use crate::serving::Serving;
use crate::support::Workspace;

/// So long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(2);

/// A reranker that answers when it is told to.
#[derive(Debug, Clone, Default)]
struct Gate(Arc<(Mutex<Inside>, Condvar)>);

#[derive(Debug, Default)]
struct Inside {
    calls: usize,
    cancelled: usize,
    open: bool,
}

impl Gate {
    fn wait(&self, until: impl Fn(&Inside) -> bool) {
        let (inside, changed) = &*self.0;
        let waited =
            changed.wait_timeout_while(inside.lock().unwrap(), PATIENCE, |now| !until(now));
        assert!(!waited.unwrap().1.timed_out(), "nothing happened");
    }

    fn change(&self, change: impl FnOnce(&mut Inside)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }
}

impl Reranker for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn score(&self, _: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        Ok(passages.iter().map(|_| RerankScore::new(1.0)).collect())
    }

    fn score_with_limits(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, BoxError> {
        self.change(|inside| inside.calls += 1);
        let (inside, changed) = &*self.0;
        let mut now = inside.lock().unwrap();
        while !now.open {
            if limits.is_cancelled() {
                drop(now);
                self.change(|inside| inside.cancelled += 1);
                return Ok(vec![None; passages.len()]);
            }
            now = changed.wait_timeout(now, Duration::from_millis(5)).unwrap().0;
        }
        drop(now);
        Ok(self.score(query, passages)?.into_iter().map(Some).collect())
    }
}

/// Runs a server in this process.
fn run(
    options: ServerOptions,
) -> (SocketAddr, Stop, thread::JoinHandle<vizsla_server::Result<()>>) {
    let server = Server::bind(options.with_address(([127, 0, 0, 1], 0).into())).unwrap();
    let (address, stop) = (server.address(), Stop::default());
    let stopping = stop.clone();
    (address, stop, thread::spawn(move || server.run(&stopping)))
}

fn gated(gate: &Gate) -> ServerOptions {
    let shared = gate.clone();
    let reranker = LazyReranker::open("gate", move || Ok::<_, BoxError>(shared));
    ServerOptions::default()
        .with_reranker(reranker)
        .with_request_timeout(PATIENCE)
        .with_shutdown_grace(PATIENCE)
}

fn send(address: SocketAddr) -> TcpStream {
    let body = json!({"query": "q", "texts": ["a text of some words", "another"]}).to_string();
    post(address, "/rerank", &body).unwrap()
}

/// An error if there is nobody to take the request.
fn post(address: SocketAddr, path: &str, body: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes())?;
    Ok(stream)
}

fn read(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.to_lowercase()
}

#[test]
fn what_is_too_much_is_refused_with_a_time_to_come_back() {
    let gate = Gate::default();
    let (address, stop, running) = run(gated(&gate).with_waiting_tokens(20));
    let first = send(address);
    gate.wait(|inside| inside.calls == 1);
    let refused = read(send(address));
    assert!(refused.starts_with("http/1.1 429"), "{refused}");
    assert!(refused.contains("retry-after: "), "{refused}");
    assert!(refused.contains("\"error_type\":\"overloaded\""), "{refused}");
    gate.change(|inside| inside.open = true);
    assert!(read(first).starts_with("http/1.1 200"));
    assert!(read(send(address)).starts_with("http/1.1 200"));
    stop.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn what_was_accepted_is_answered_when_the_server_stops() {
    let gate = Gate::default();
    let (address, stop, running) = run(gated(&gate));
    let asked: Vec<TcpStream> = (0..6).map(|_| send(address)).collect();
    gate.wait(|inside| inside.calls == 6);
    stop.stop();
    gate.change(|inside| inside.open = true);
    for stream in asked {
        let answer = read(stream);
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
    }
    running.join().unwrap().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[cfg(unix)]
#[test]
fn a_signal_under_load_loses_no_accepted_request() {
    let workspace = Workspace::new();
    let mut serving = Serving::start(&workspace, &["--shutdown-grace", "2m"]);
    let address: SocketAddr = serving.address().parse().unwrap();
    let texts: Vec<String> =
        (0..30).map(|n| format!("{n} {}", "herons nest in trees ".repeat(10))).collect();
    let body = json!({"query": "herons", "texts": texts}).to_string();
    let asked: Vec<TcpStream> = (0..6).map(|_| post(address, "/rerank", &body).unwrap()).collect();
    // They are read in fair turns, so none has ended when the last has come.
    let waiting = || -> f64 {
        let metrics = serving.get("/metrics").body;
        let line = metrics.lines().find(|line| line.starts_with("te_queue_size "));
        line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    };
    let tokens = |text: &String| ("herons".len() + text.len()) / 4 + 8;
    let all = 6 * texts.iter().map(tokens).sum::<usize>();
    let start = Instant::now();
    while waiting() < all as f64 {
        assert!(start.elapsed() < PATIENCE, "{} of {all} tokens have come", waiting());
    }
    let told = Command::new("kill").args(["-TERM", &serving.id()]).status().unwrap();
    assert!(told.success());
    for stream in asked {
        let answer = read(stream);
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert_eq!(answer.matches("\"index\"").count(), texts.len());
    }
    assert!(serving.wait().success());
}

#[test]
fn who_leaves_takes_their_work_along() {
    let gate = Gate::default();
    let (address, stop, running) = run(gated(&gate));
    let asked = send(address);
    gate.wait(|inside| inside.calls == 1);
    drop(asked);
    gate.wait(|inside| inside.cancelled == 1);
    stop.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn half_open_connections_harm_nobody_and_are_closed() {
    let gate = Gate::default();
    gate.change(|inside| inside.open = true);
    let (address, stop, running) =
        run(gated(&gate).with_header_timeout(Duration::from_millis(500)));
    let half = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"POST /rerank HTTP/1.1\r\nHost: ").unwrap();
        stream
    };
    let halves: Vec<TcpStream> = (0..20).map(half).collect();
    assert!(read(send(address)).starts_with("http/1.1 200"));
    for mut half in halves {
        // The end comes, with or without a last word.
        let _ = half.read_to_end(&mut Vec::new()).map_err(|error| {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "still open");
        });
    }
    stop.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn localhost_is_both_of_its_addresses() {
    if TcpListener::bind("[::1]:0").is_err() {
        // This machine has one only.
        return;
    }
    let gate = Gate::default();
    gate.change(|inside| inside.open = true);
    let (address, stop, running) = run(gated(&gate));
    // Another program may have had the port there; then it would not answer so.
    let answer = read(send(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], address.port()))));
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    stop.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn what_was_acknowledged_survives_the_end_of_the_process() {
    let workspace = Workspace::new().with_documents();
    let start =
        || Serving::start(&workspace, &["--index", "index", "--fusion", "bm25", "--writable"]);
    let mut serving = start();
    let address: SocketAddr = serving.address().parse().unwrap();
    let acknowledged = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
    let writing = {
        let acknowledged = Arc::clone(&acknowledged);
        thread::spawn(move || {
            for n in 0.. {
                let id = format!("new-{n}");
                if add(address, &id).is_none() {
                    return;
                }
                acknowledged.0.lock().unwrap().push(id);
                acknowledged.1.notify_all();
            }
        })
    };
    let enough = |ids: &mut Vec<String>| ids.len() < 4;
    drop(acknowledged.1.wait_while(acknowledged.0.lock().unwrap(), enough).unwrap());
    // Wherever the next one is by now.
    serving.kill();
    writing.join().unwrap();
    drop(serving);
    let serving = start();
    for id in acknowledged.0.lock().unwrap().iter() {
        let found = serving.get(&format!("/api/document?id={id}"));
        assert_eq!(found.status, 200, "{id}: {}", found.body);
    }
    let more = json!({"documents": [{"id": "more", "text": "It goes on."}]});
    assert_eq!(serving.post("/api/documents", &more).status, 200);
}

/// Adds a document; nothing if the server is gone before it has answered.
fn add(address: SocketAddr, id: &str) -> Option<Value> {
    let body = json!({"documents": [{"id": id, "text": "A text."}]}).to_string();
    let mut stream = post(address, "/api/documents", &body).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(body).ok().filter(|body: &Value| body["added"] == 1)
}
