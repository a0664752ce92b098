//! Servers to be timed, each a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::Texts;
use super::client::Client;
use crate::root;

/// A running server; it ends when this is dropped.
pub(super) struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    pub(super) fn vizsla(program: &Path, args: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        // An empty folder, so that no index is found.
        let nowhere = crate::target_dir().join("serve-bench");
        std::fs::create_dir_all(&nowhere)?;
        command.args(["serve", "--port", "0"]).args(args).current_dir(nowhere);
        Self::start(&mut command, "listening on http://")
    }

    pub(super) fn peer(python: &Path, model: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(python);
        command.arg(root().join("xtask/serve_peer.py")).arg(model);
        Self::start(&mut command, "listening on http://")
    }

    fn start(command: &mut Command, says: &str) -> anyhow::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let out = BufReader::new(child.stdout.take().context("no output")?);
        for line in out.lines() {
            if let Some(address) = line?.strip_prefix(says) {
                let running = Self { child, address: address.trim().parse()? };
                running.wait()?;
                return Ok(running);
            }
        }
        bail!("`{command:?}` did not start")
    }

    /// Until it has answered once, so that the model is open.
    fn wait(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_mins(2) {
            let text = vec!["a text".to_owned()];
            let asked = Client::connect(self.address).and_then(|mut client| client.rerank(&text));
            if asked.is_ok_and(|reply| reply.status == 200) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the server does not answer")
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// In MB; zero where the system does not say.
    pub(super) fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
        kilobytes.unwrap_or(0.0) / 1024.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Texts a second of `vizsla rerank`, without the time it takes to start.
pub(super) fn rerank_rate(program: &Path, texts: &Texts, count: usize) -> anyhow::Result<f64> {
    let few = rerank(program, &texts.take(1))?;
    let many = rerank(program, &texts.take(count))?;
    Ok((count - 1) as f64 / (many - few))
}

fn rerank(program: &Path, texts: &[String]) -> anyhow::Result<f64> {
    let start = Instant::now();
    let query = "how is a passage that is longer than the model can read scored";
    let mut child = Command::new(program)
        .args(["rerank", query, "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    child.stdin.take().context("no input")?.write_all(texts.join("\n").as_bytes())?;
    if !child.wait()?.success() {
        bail!("`vizsla rerank` failed");
    }
    Ok(start.elapsed().as_secs_f64())
}
