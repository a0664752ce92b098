//! The program as a server that tests talk to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ExitStatus, Stdio};

use serde_json::Value;

use crate::support::Workspace;

/// A running `vizsla serve`.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: String,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }
}

impl Serving {
    pub(crate) fn start(workspace: &Workspace, args: &[&str]) -> Self {
        let all: Vec<&str> = ["serve", "--port", "0"].iter().chain(args).copied().collect();
        let mut command = workspace.command(&all);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect(&line).to_owned();
        Self { child, address }
    }

    /// Sends a request as it is written and reads all of the answer.
    pub(crate) fn raw(&self, head: &str, body: &str) -> Reply {
        exchange(&self.address, head, body)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: {}", self.address), "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json",
            self.address
        );
        self.raw(&head, &body.to_string())
    }
}

impl Serving {
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Ends the process at once, wherever it is.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }
}

/// Sends a request as it is written, to any server, and reads all of the answer.
pub(crate) fn exchange(address: &str, head: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let request = format!("{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    // Some bodies are compressed.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (headers, body) = text.split_once("\r\n\r\n").unwrap();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, headers: headers.to_lowercase(), body: body.to_owned() }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
