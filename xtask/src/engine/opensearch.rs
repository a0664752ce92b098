//! OpenSearch from its jars, without its installer: all nodes in one Java process.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::{Running, free_ports};
use crate::{root, run as run_command, target_dir};

const NEEDS: &str = "OpenSearch needs a Java development kit 17 and Maven: apt-get install openjdk-17-jdk-headless maven";

/// Nodes that run until this is dropped.
pub(super) struct Nodes {
    child: Child,
    /// The nodes stop when this is closed.
    input: Option<ChildStdin>,
    ports: Vec<String>,
    _data: TempDir,
}

impl Nodes {
    pub(super) fn start(nodes: u32) -> anyhow::Result<Self> {
        let jars = jars()?;
        let data = tempfile::Builder::new().prefix("vizsla-opensearch-").tempdir()?;
        let log = data.path().join("log");
        let ports = free_ports(nodes as usize)?;
        let mut child = Command::new("java")
            .args(["-Xms512m", "-Xmx1g", "-cp"])
            .arg(jars.join("*"))
            .arg(root().join("xtask/engines/OpenSearchNodes.java"))
            .arg(data.path())
            .args(ports.iter().map(ToString::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .context(NEEDS)?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("the output of Java is not there")?;
        for line in BufReader::new(output).lines() {
            if let Some(ports) = line?.strip_prefix("ready ") {
                let ports = ports.split(' ').map(str::to_owned).collect();
                return Ok(Self { child, input, ports, _data: data });
            }
        }
        let status = child.wait()?;
        let log = fs::read_to_string(&log).unwrap_or_default();
        bail!("OpenSearch did not start ({status}):\n{log}")
    }
}

impl Running for Nodes {
    fn url(&self) -> String {
        let hosts = self.ports.iter().map(|port| format!("127.0.0.1:{port}"));
        format!("opensearch+http://{}", hosts.collect::<Vec<_>>().join(","))
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        drop(self.input.take());
        if self.child.wait().is_err() {
            let _ = self.child.kill();
        }
    }
}

/// The folder with the jars, fetched once.
fn jars() -> anyhow::Result<PathBuf> {
    let folder = target_dir().join("engines/opensearch");
    let (jars, pom) = (folder.join("lib"), folder.join("pom.xml"));
    let wanted = fs::read_to_string(root().join("xtask/engines/opensearch.xml"))?;
    // Written last, so that what was begun is not taken for complete.
    let is_there = fs::read_to_string(folder.join("complete")).is_ok_and(|made| made == wanted);
    if !is_there {
        fs::create_dir_all(&folder)?;
        fs::write(&pom, &wanted)?;
        if Command::new("mvn").arg("--version").output().is_err() {
            bail!(NEEDS);
        }
        run_command(
            Command::new("mvn")
                .args(["--batch-mode", "--quiet", "--file"])
                .arg(&pom)
                .arg("dependency:copy-dependencies")
                .arg(format!("-DoutputDirectory={}", jars.display())),
            &[0],
        )?;
        fs::write(folder.join("complete"), &wanted)?;
    }
    Ok(jars)
}
