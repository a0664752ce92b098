//! Agents: the program over standard input and output, as they start it, and as a bridge to a running server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use vizsla_server::{LazyReranker, ServedIndex, Server, ServerOptions, Stop};

use crate::support::{Workspace, bundled};

/// An agent that has started the program.
struct Agent {
    child: Child,
    replies: BufReader<ChildStdout>,
    sent: u64,
    /// What every request carries in the revision without a handshake.
    meta: Option<Value>,
    /// What the server said without being asked.
    notified: Vec<Value>,
}

impl Agent {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let replies = BufReader::new(child.stdout.take().unwrap());
        Self { child, replies, sent: 0, meta: None, notified: Vec::new() }
    }

    /// Starts with a handshake of this revision.
    fn with_handshake(command: &mut Command, version: &str) -> (Self, Value) {
        let mut agent = Self::start(command);
        let client = json!({ "name": "test", "version": "1" });
        let hello = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
        let welcome = agent.ask("initialize", hello);
        agent.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        (agent, welcome)
    }

    /// Starts in the revision without one.
    fn without_handshake(command: &mut Command) -> Self {
        let mut agent = Self::start(command);
        agent.meta = Some(json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        }));
        agent
    }

    fn write(&mut self, message: &Value) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    /// The whole reply; every line before it must be a message, too.
    fn reply(&mut self, method: &str, mut params: Value) -> Value {
        self.sent += 1;
        if let Some(meta) = &self.meta {
            for (name, value) in meta.as_object().unwrap() {
                params["_meta"][name] = value.clone();
            }
        }
        let id = self.sent;
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let mut line = String::new();
            assert_ne!(self.replies.read_line(&mut line).unwrap(), 0, "no reply to {method}");
            let message: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(message["jsonrpc"], "2.0", "{line}");
            if message["id"] == id {
                return message;
            }
            self.notified.push(message);
        }
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let reply = self.reply(method, params);
        assert!(reply["error"].is_null(), "{reply}");
        reply["result"].clone()
    }

    #[expect(clippy::needless_pass_by_value, reason = "calls read better with the value in place")]
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// What a tool answers, which text and structure have alike.
    fn answer(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert_ne!(result["isError"], true, "{result}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), result["structuredContent"]);
        result["structuredContent"].clone()
    }

    /// What a tool says is wrong.
    fn failure(&mut self, tool: &str, arguments: Value) -> String {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], true, "{result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// Leaves; the program must end by itself and have written nothing but messages.
    fn leave(mut self) {
        drop(self.child.stdin.take());
        for line in self.replies.by_ref().lines() {
            serde_json::from_str::<Value>(&line.unwrap()).unwrap();
        }
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// Documents that have nothing to do with each other, and one that is long.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace
        .write("docs/heron.md", "# Herons\n\nThe grey heron waits in shallow water for fish.\n");
    workspace.write("docs/bread.md", "# Bread\n\nSourdough needs flour, water and time.\n");
    let lines = |n| format!("Line {n} of the long log says that pump {n} was oiled.\n");
    workspace.write("docs/sub/log.txt", (1..=2_000).map(lines).collect::<String>());
    workspace.write(
        "docs/notes.jsonl",
        "{\"id\": \"n1\", \"text\": \"Otters hold hands while asleep.\", \"url\": \"https://example.org/otters\"}\n\
         {\"id\": \"n2\", \"text\": \"Beavers build dams.\"}\n",
    );
    workspace.ok(&["index", "docs", "--index", "index"]);
    workspace
}

fn mcp(workspace: &Workspace) -> Command {
    workspace.command(&["mcp", "--index", "index"])
}

#[test]
fn every_revision_is_answered() {
    let workspace = workspace();
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let (mut agent, welcome) = Agent::with_handshake(&mut mcp(&workspace), version);
        assert_eq!(welcome["protocolVersion"], version);
        assert_eq!(welcome["serverInfo"]["name"], "vizsla");
        let told = welcome["instructions"].as_str().unwrap();
        assert!(told.contains("search") && told.chars().count() <= 600, "{told}");
        assert_eq!(agent.ask("tools/list", json!({}))["tools"].as_array().unwrap().len(), 3);
        agent.leave();
    }
    let mut agent = Agent::without_handshake(&mut mcp(&workspace));
    let found = agent.ask("server/discover", json!({}));
    assert!(found["supportedVersions"].as_array().unwrap().contains(&"2026-07-28".into()));
    assert!(found["instructions"].as_str().unwrap().contains("search"));
    assert_eq!(agent.ask("tools/list", json!({}))["tools"].as_array().unwrap().len(), 3);
    let answer = agent.answer("search", json!({ "query": "how does a heron fish" }));
    assert_eq!(answer["results"][0]["title"], "Herons");
    agent.leave();
}

#[test]
fn tools_cost_little_and_promise_to_change_nothing() {
    let workspace = workspace();
    workspace.ok(&["index", "docs/sub", "--index", "other"]);
    let several = &["mcp", "-i", "index", "-i", "logs=other"];
    for (args, index) in [(&["mcp", "-i", "index"] as &[&str], false), (several, true)] {
        let (mut agent, _) = Agent::with_handshake(&mut workspace.command(args), "2025-11-25");
        let list = agent.ask("tools/list", json!({}));
        let size = list["tools"].to_string().len();
        assert!(size <= 2_000, "the list has {size} bytes");
        for tool in list["tools"].as_array().unwrap() {
            assert_eq!(tool["annotations"]["readOnlyHint"], true);
            assert_eq!(tool["annotations"]["openWorldHint"], false);
            assert!(tool["outputSchema"].is_null());
        }
        let search = &list["tools"][0];
        assert_eq!(search["inputSchema"]["properties"]["limit"]["type"], "integer");
        assert_eq!(search["inputSchema"]["properties"]["index"].is_object(), index);
        if index {
            let found =
                agent.answer("search", json!({ "query": "pump", "index": "logs", "limit": 1 }));
            assert!(found["results"][0]["path"].as_str().unwrap().ends_with("log.txt"));
            let said = agent.failure("search", json!({ "query": "pump", "index": "nope" }));
            assert!(said.contains("logs"), "{said}");
        }
        agent.leave();
    }
}

#[test]
fn what_is_found_can_be_read() {
    let workspace = workspace();
    let (mut agent, _) = Agent::with_handshake(&mut mcp(&workspace), "2025-11-25");
    let answer =
        agent.answer("search", json!({ "query": "How does a heron catch fish?", "limit": "3" }));
    let best = &answer["results"][0];
    assert_eq!((&best["title"], &best["id"]), (&"Herons".into(), &best["path"]));
    assert!(best["text"].as_str().unwrap().contains("waits in shallow water"));
    assert!(best["url"].as_str().unwrap().starts_with("file://"));
    assert!(best["probability"].is_number() && best["lines"] == json!([1, 3]), "{best}");
    assert_eq!((&answer["degraded"], &answer["truncated"]), (&Value::Null, &false.into()));
    let page = agent.answer("fetch", json!({ "id": best["id"] }));
    assert!(page["text"].as_str().unwrap().contains("waits in shallow water"));
    assert!(page["next"].is_null() && page["metadata"].is_object(), "{page}");

    // A record of a file with several has an id of its own, and its own address.
    let answer = agent.answer("search", json!({ "query": "otters asleep", "ext": "jsonl" }));
    let otters = &answer["results"][0];
    assert_eq!(otters["url"], "https://example.org/otters");
    assert!(otters["id"].as_str().unwrap().ends_with("notes.jsonl#n1"));
    assert!(
        agent.answer("fetch", json!({ "id": otters["id"] }))["text"]
            .as_str()
            .unwrap()
            .contains("Otters")
    );
    assert_eq!(agent.answer("fetch", json!({ "id": "n2" }))["text"], "Beavers build dams.");
    let said = agent.failure("fetch", json!({ "id": otters["path"] }));
    assert!(said.contains("#n1") && said.contains("#n2"), "{said}");

    let status = agent.answer("status", json!({}));
    assert_eq!(status["indexes"][0]["documents"], 5);
    assert_eq!(status["indexes"][0]["folders"][0]["files"], 4);
    assert!(status["reranking"].as_str().unwrap().contains("works"), "{status}");

    let templates = agent.ask("resources/templates/list", json!({}));
    assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "vizsla://{+id}");
    assert_eq!(agent.ask("resources/list", json!({}))["resources"], json!([]));
    let uri = format!("vizsla://{}", best["id"].as_str().unwrap());
    let read = agent.ask("resources/read", json!({ "uri": uri }));
    assert!(read["contents"][0]["text"].as_str().unwrap().contains("heron"));
    agent.leave();
}

#[test]
fn lines_of_a_file_can_be_read_and_a_long_one_in_parts() {
    let workspace = workspace();
    let (mut agent, _) = Agent::with_handshake(&mut mcp(&workspace), "2025-11-25");
    let page = agent.answer("fetch", json!({ "id": "sub/log.txt:120-121", "line_numbers": true }));
    let line = |n| format!("{n}\tLine {n} of the long log says that pump {n} was oiled.");
    assert_eq!(page["text"], [line(120), line(121)].join("\n"));
    assert_eq!(page["lines"], json!([120, 121]));
    let said = agent.failure("fetch", json!({ "id": "log.txt:9000-9001" }));
    assert!(said.contains("lines 1-2000"), "{said}");

    let (mut whole, mut offset, mut parts) = (String::new(), json!(0), 0);
    while !offset.is_null() {
        let page = agent
            .answer("fetch", json!({ "id": "log.txt", "offset": offset, "max_tokens": 10_000 }));
        assert!(page.to_string().len() <= 30_000);
        whole.push_str(page["text"].as_str().unwrap());
        offset = page["next"].clone();
        parts += 1;
    }
    let source = std::fs::read_to_string(workspace.path("docs/sub/log.txt")).unwrap();
    assert!(parts > 2 && whole == source.trim_end());
    let said = agent.failure("fetch", json!({ "id": "log.txt", "offset": 10_000_000 }));
    assert!(said.contains("the text ends at"), "{said}");
    // What is read is what was indexed, also when the file has changed since.
    std::fs::remove_file(workspace.path("docs/sub/log.txt")).unwrap();
    assert!(
        agent.answer("fetch", json!({ "id": "log.txt:7" }))["text"]
            .as_str()
            .unwrap()
            .contains("pump 7")
    );
    let outside = workspace.write("secret.txt", "not indexed");
    let said = agent.failure("fetch", json!({ "id": outside.to_str().unwrap() }));
    assert!(said.contains("no document"), "{said}");
    agent.leave();
}

#[test]
fn no_answer_is_larger_than_asked_for() {
    let workspace = workspace();
    let (mut agent, _) = Agent::with_handshake(&mut mcp(&workspace), "2025-11-25");
    for tokens in [200, 300, 500, 1_000, 5_000] {
        let asked = json!({ "query": "water pump oiled heron otters bread", "max_tokens": tokens });
        let answer = agent.answer("search", asked);
        assert!(answer.to_string().len() <= 3 * tokens, "{answer}");
        let shown = answer["results"].as_array().unwrap().len();
        let left_out = answer["left_out"].as_u64().unwrap_or(0) as usize;
        assert_eq!(shown + left_out, 4, "{answer}");
        assert_eq!(answer["truncated"], left_out > 0);
        assert!(shown > 0, "{answer}");
        let page = agent.answer("fetch", json!({ "id": "log.txt", "max_tokens": tokens }));
        assert!(page.to_string().len() <= 3 * tokens && page["next"].is_number(), "{page}");
    }
    let answer = agent.answer("search", json!({ "query": "pump", "limit": 1 }));
    assert_eq!(answer["results"].as_array().unwrap().len(), 1);
    agent.leave();
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let workspace = workspace();
    let (mut agent, _) = Agent::with_handshake(&mut mcp(&workspace), "2025-11-25");
    for (tool, arguments, what) in [
        ("search", json!({}), "query is missing"),
        ("search", json!({ "query": " " }), "query is missing"),
        ("search", json!({ "query": "x", "limit": 51 }), "from 1 to 50"),
        ("search", json!({ "query": "x", "max_tokens": 10_001 }), "from 200 to 10000"),
        ("search", json!({ "query": "x", "wrong": 1 }), "there are: query, limit"),
        ("search", json!({ "query": "x", "path": "a[" }), "a["),
        ("fetch", json!({ "id": "/etc/passwd" }), "take the id from a result of search"),
        ("fetch", json!({}), "id is missing"),
        ("status", json!({ "x": 1 }), "send none"),
        ("grep", json!({}), "there are: search, fetch, status"),
    ] {
        let said = agent.failure(tool, arguments);
        assert!(said.contains(what), "{said:?} lacks {what:?}");
    }
    let none = agent.answer("search", json!({ "query": "heron", "path": ["no/such/folder"] }));
    assert!(none["notes"][0].as_str().unwrap().contains("no indexed file matches path"), "{none}");
    let near = agent.answer("search", json!({ "query": "herron" }));
    assert_eq!(near["did_you_mean"], json!(["herons"]), "{near}");
    let within = agent.answer("search", json!({ "query": "water", "path": "sub" }));
    assert!(
        within["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|r| r["path"].as_str().unwrap().contains("/sub/"))
    );
    agent.leave();
}

#[test]
fn who_wants_to_know_is_told_how_far_a_search_is() {
    let workspace = workspace();
    let (mut agent, _) = Agent::with_handshake(&mut mcp(&workspace), "2025-11-25");
    let params = json!({
        "name": "search", "arguments": { "query": "which pump was oiled" }, "_meta": { "progressToken": "t" }
    });
    agent.ask("tools/call", params);
    let progress: Vec<f64> =
        agent.notified.iter().filter_map(|told| told["params"]["progress"].as_f64()).collect();
    assert!(progress.len() > 2 && progress.is_sorted(), "{progress:?}");
    assert!(agent.notified.iter().all(|told| told["params"]["progressToken"] == "t"));
    agent.leave();
}

#[test]
fn a_search_without_a_model_says_so() {
    let workspace = workspace();
    let args = ["mcp", "--index", "index", "--onnxruntime", "/nowhere.so"];
    let (mut agent, _) = Agent::with_handshake(&mut workspace.command(&args), "2025-11-25");
    let answer = agent.answer("search", json!({ "query": "heron" }));
    assert_eq!(answer["results"][0]["title"], "Herons");
    assert!(answer["degraded"].as_str().unwrap().contains("nowhere.so"), "{answer}");
    let status = agent.answer("status", json!({}));
    assert!(status["reranking"].as_str().unwrap().contains("vizsla setup"), "{status}");
    agent.leave();
    let ran = workspace.run(&["mcp", "--index", "nowhere"]);
    assert!(ran.code == 2 && ran.out.is_empty() && ran.err.contains("nowhere"), "{}", ran.err);
}

#[test]
fn a_bridge_gives_the_answers_of_a_running_server() {
    let workspace = workspace();
    let index = vizsla::Index::open(workspace.path("index")).unwrap();
    let options = ServerOptions::default()
        .with_address(([127, 0, 0, 1], 0).into())
        .with_index(ServedIndex::new("docs", index))
        .with_reranker(LazyReranker::open("bundled", || Ok(bundled())))
        .with_token("secret");
    let server = Server::bind(options).unwrap();
    let url = format!("http://{}", server.address());
    let stop = Stop::default();
    let running = std::thread::spawn({
        let stop = stop.clone();
        move || server.run(&stop)
    });
    let mut bridge = workspace.command(&["mcp", "--connect", &url]);
    bridge.env("VIZSLA_TOKEN", "secret");
    let (mut agent, welcome) = Agent::with_handshake(&mut bridge, "2025-06-18");
    assert_eq!(welcome["protocolVersion"], "2025-06-18");
    let answer = agent.answer("search", json!({ "query": "How does a heron catch fish?" }));
    assert_eq!(answer["results"][0]["title"], "Herons");
    let params = json!({ "name": "search", "arguments": { "query": "oiled" }, "_meta": { "progressToken": 7 } });
    agent.ask("tools/call", params);
    assert!(agent.notified.iter().any(|told| told["params"]["progressToken"] == 7));
    agent.leave();

    let mut agent = Agent::without_handshake(&mut bridge);
    assert_eq!(agent.ask("tools/list", json!({}))["tools"].as_array().unwrap().len(), 3);
    let page = agent.answer("fetch", json!({ "id": "heron.md" }));
    let read = agent.ask(
        "resources/read",
        json!({ "uri": format!("vizsla://{}", page["id"].as_str().unwrap()) }),
    );
    assert_eq!(read["contents"][0]["text"], page["text"]);
    agent.leave();

    bridge.env("VIZSLA_TOKEN", "wrong");
    let mut agent = Agent::without_handshake(&mut bridge);
    let refused = agent.reply("tools/list", json!({}));
    assert!(refused["error"]["message"].as_str().unwrap().contains("VIZSLA_TOKEN"), "{refused}");
    agent.leave();
    stop.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn a_call_that_an_agent_gives_up_is_cut_off_at_the_server() {
    // A server that never answers a call, and says when the connection of one ends.
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (began, beginning) = mpsc::channel();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (began, ended) = (began.clone(), ended.clone());
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut text = Vec::new();
                let mut bytes = [0; 4096];
                loop {
                    let read = stream.read(&mut bytes).unwrap_or(0);
                    text.extend_from_slice(&bytes[..read]);
                    let text = String::from_utf8_lossy(&text);
                    let call = text.contains("tools/call");
                    if read == 0 {
                        if call {
                            ended.send(()).unwrap();
                        }
                        return;
                    } else if text.contains("tools/list") {
                        let body = json!({ "jsonrpc": "2.0", "id": 2, "result": { "tools": [] } });
                        let body = body.to_string();
                        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
                        let length = body.len();
                        return write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}")
                            .unwrap();
                    } else if text.contains("\"query\"") {
                        began.send(()).unwrap();
                    }
                }
            });
        }
    });
    let workspace = workspace();
    let mut agent = Agent::start(&mut workspace.command(&["mcp", "--connect", &url]));
    let params = json!({ "name": "search", "arguments": { "query": "a" } });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    agent.write(&call);
    beginning.recv_timeout(Duration::from_secs(30)).unwrap();
    let given_up = json!({ "requestId": 1, "reason": "the user left" });
    agent.write(
        &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": given_up }),
    );
    end.recv_timeout(Duration::from_secs(30)).unwrap();
    // The call has no answer, others do.
    agent.sent = 1;
    agent.ask("tools/list", json!({}));
    assert!(agent.notified.is_empty(), "{:?}", agent.notified);
    agent.child.kill().unwrap();
    agent.child.wait().unwrap();
}

#[test]
fn agents_are_told_where_the_program_and_the_index_are() {
    let workspace = workspace();
    let index = workspace.path("index").display().to_string();
    let ran = workspace.run(&["mcp", "--print-config", "claude-desktop", "--index", "index"]);
    let config: Value = serde_json::from_str(&ran.out).unwrap();
    let server = &config["mcpServers"]["vizsla"];
    assert_eq!(server["args"], json!(["mcp", "--index", index]));
    assert!(server["command"].as_str().unwrap().contains("vizsla"));
    assert!(ran.err.contains("claude_desktop_config.json"));
    // The program that is named can be started as it is told.
    let mut command = Command::new(server["command"].as_str().unwrap());
    command.args(server["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()));
    Agent::with_handshake(&mut command, "2025-11-25").0.leave();
    let url = ["mcp", "--print-config", "codex", "--connect", "http://127.0.0.1:1"];
    assert!(workspace.ok(&url).contains("[\"mcp\",\"--connect\",\"http://127.0.0.1:1\"]"));
}
