//! Passes an agent's requests on to a running server. In: messages on standard input, one a line. Out: the server's answers
//! on standard output, one a line.
//!
//! Each message is a request of its own, so that a slow answer holds up no other. What the server sends while it works
//! comes as server-sent events. A request that the agent gives up is cut off, by which the server knows to stop.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::config::Config;

/// The revision of those who have agreed on none: the first that was spoken over HTTP in this way.
const FIRST_VERSION: &str = "2025-03-26";
/// Where a request of a newer revision names its own.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

struct Bridge {
    config: Config,
    /// Its connections are used again.
    agent: Agent,
    /// The calls that are not answered yet, by their ids. Each has connections of its own, which can be cut off.
    calls: Mutex<HashMap<String, Agent>>,
    url: String,
    token: Option<String>,
    /// The revision that the server has agreed to.
    version: Mutex<String>,
}

/// Passes messages on until standard input ends.
pub(super) fn run(url: &str, token: Option<&str>) -> anyhow::Result<()> {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(10)))
        .build();
    let bridge = Arc::new(Bridge {
        agent: Agent::new_with_config(config.clone()),
        config,
        calls: Mutex::default(),
        url: endpoint(url)?,
        token: token.map(str::to_owned),
        version: Mutex::new(FIRST_VERSION.to_owned()),
    });
    std::thread::scope(|scope| {
        for line in io::stdin().lock().lines() {
            let line = line.context("cannot read standard input")?;
            if line.trim().is_empty() {
                continue;
            }
            let Ok(message) = serde_json::from_str::<Value>(&line) else {
                answer(&failure(&Value::Null, -32700, "this is not JSON"));
                continue;
            };
            let bridge = Arc::clone(&bridge);
            let is_opening = matches!(
                message["method"].as_str(),
                Some("initialize" | "notifications/initialized")
            );
            // Here, so that messages have their effects in the order in which they came.
            bridge.cancel(&message);
            let agent = bridge.agent_for(&message);
            let pass = move || bridge.pass(&agent, &message);
            // What follows depends on what the server agrees to here.
            if is_opening { pass() } else { drop(scope.spawn(pass)) }
        }
        Ok(())
    })
}

/// Servers answer at `/mcp`, which need not be typed.
fn endpoint(url: &str) -> anyhow::Result<String> {
    let Some((scheme, rest)) = url.split_once("://").filter(|(_, rest)| !rest.is_empty()) else {
        bail!("{url} is not a URL: it must look like http://127.0.0.1:8765");
    };
    if !matches!(scheme, "http" | "https") {
        bail!("{url} is not a URL of HTTP: it must look like http://127.0.0.1:8765");
    }
    let rest = rest.trim_end_matches('/');
    let path = if rest.contains('/') { "" } else { "/mcp" };
    Ok(format!("{scheme}://{rest}{path}"))
}

impl Bridge {
    /// What sends a message; for a call it is kept until the answer is there.
    fn agent_for(&self, message: &Value) -> Agent {
        let Some(id) = call_id(message) else { return self.agent.clone() };
        let agent = Agent::new_with_config(self.config.clone());
        self.calls().insert(id.to_string(), agent.clone());
        agent
    }

    /// Cuts off a call if this message gives it up: no answer to it is due any more.
    fn cancel(&self, message: &Value) {
        if message["method"] == "notifications/cancelled"
            && let Some(agent) = self.calls().remove(&message["params"]["requestId"].to_string())
        {
            agent.shutdown();
        }
    }

    fn pass(&self, agent: &Agent, message: &Value) {
        let outcome = self.exchange(agent, message);
        let was_cut_off =
            call_id(message).is_some_and(|id| self.calls().remove(&id.to_string()).is_none());
        let id = message.get("id").filter(|_| message.get("method").is_some());
        if let (Err(error), Some(id), false) = (outcome, id, was_cut_off) {
            answer(&failure(id, -32000, &format!("{error:#}")));
        }
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<String, Agent>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn exchange(&self, agent: &Agent, message: &Value) -> anyhow::Result<()> {
        let params = &message["params"];
        let agreed = self.version.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let version = params["_meta"][VERSION].as_str().unwrap_or(&agreed);
        let mut request = agent
            .post(&self.url)
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream");
        if message["method"] != "initialize" {
            request = request.header("MCP-Protocol-Version", version);
        }
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(method) = message["method"].as_str() {
            request = request.header("Mcp-Method", method);
        }
        if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
            request = request.header("Mcp-Name", in_header(name));
        }
        let response = request
            .send(message.to_string())
            .with_context(|| format!("{} does not answer: is `vizsla serve` running?", self.url))?;
        self.receive(message, response)
    }

    fn receive(
        &self,
        message: &Value,
        response: ureq::http::Response<ureq::Body>,
    ) -> anyhow::Result<()> {
        let status = response.status();
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let is_stream = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
        let mut body = BufReader::new(response.into_body().into_reader());
        if is_stream {
            return events(body, |data| self.received(message, data));
        }
        let mut text = String::new();
        body.read_to_string(&mut text).context("the server's answer broke off")?;
        let value: Option<Value> = serde_json::from_str(&text).ok();
        match value {
            Some(value) if value["jsonrpc"] == "2.0" => self.received(message, value),
            _ if status.is_success() => {}
            value => {
                let said = value.as_ref().and_then(|value| value["error"].as_str());
                let said = said.unwrap_or(text.trim());
                let hint = if status == 401 { " (set VIZSLA_TOKEN)" } else { "" };
                bail!("the server refused: {said}{hint}");
            }
        }
        Ok(())
    }

    #[expect(clippy::needless_pass_by_value, reason = "a reply is received once")]
    fn received(&self, message: &Value, value: Value) {
        if message["method"] == "initialize"
            && let Some(version) = value["result"]["protocolVersion"].as_str()
        {
            version.clone_into(&mut self.version.lock().unwrap_or_else(PoisonError::into_inner));
        }
        answer(&value);
    }
}

/// The id of a call of a tool, which takes its time.
fn call_id(message: &Value) -> Option<&Value> {
    message.get("id").filter(|_| message["method"] == "tools/call")
}

/// Hands on the data of each event that has any.
fn events(body: impl BufRead, mut each: impl FnMut(Value)) -> anyhow::Result<()> {
    let mut data = String::new();
    for line in body.lines() {
        let line = line.context("the server's answer broke off")?;
        if let Some(part) = line.strip_prefix("data:") {
            if !data.is_empty() {
                data.push('\n');
            }
            data.push_str(part.strip_prefix(' ').unwrap_or(part));
        } else if line.is_empty() && !data.trim().is_empty() {
            each(serde_json::from_str(&data).context("the server sent what is not JSON")?);
            data.clear();
        }
    }
    Ok(())
}

/// A value as headers can have it; one with other characters, as the protocol encodes it.
fn in_header(value: &str) -> String {
    let plain = value.bytes().all(|b| (0x21..0x7f).contains(&b) || b == b' ');
    if plain && value.trim() == value && !value.starts_with("=?base64?") {
        return value.to_owned();
    }
    format!("=?base64?{}?=", BASE64_STANDARD.encode(value))
}

fn failure(id: &Value, code: i32, text: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": text } })
}

/// If this fails, there is nobody left to answer.
fn answer(value: &Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_need_not_be_typed() {
        assert_eq!(endpoint("http://127.0.0.1:8765").unwrap(), "http://127.0.0.1:8765/mcp");
        assert_eq!(endpoint("http://127.0.0.1:8765/").unwrap(), "http://127.0.0.1:8765/mcp");
        assert_eq!(endpoint("https://a.example/x/mcp").unwrap(), "https://a.example/x/mcp");
        assert!(endpoint("127.0.0.1:8765").is_err());
        assert!(endpoint("ftp://a").is_err());
    }

    #[test]
    fn events_are_handed_on_whole() {
        let body = ": comment\nid: 1\ndata:\n\nevent: message\ndata: {\"a\":\ndata: 1}\n\ndata: {\"b\": 2}\n\n";
        let mut seen = Vec::new();
        events(body.as_bytes(), |value| seen.push(value)).unwrap();
        assert_eq!(seen, [json!({ "a": 1 }), json!({ "b": 2 })]);
        assert!(events(&b"data: nonsense\n\n"[..], |_| ()).is_err());
    }

    #[test]
    fn names_fit_into_headers() {
        assert_eq!(in_header("search"), "search");
        assert_eq!(in_header("vizsla:///é"), "=?base64?dml6c2xhOi8vL8Op?=");
    }
}
