//! Engines in Java, from their jars and without their installers: all nodes in one process of Java.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::{Running, free_ports};
use crate::{root, run as run_command, target_dir};

/// What is started: its files are in `xtask/engines`.
pub(super) struct Program {
    pub(super) name: &'static str,
    /// As the program writes it, at the beginning of an address.
    pub(super) kind: &'static str,
    /// The source that starts the nodes, with a folder for their data and a free port for each as arguments.
    pub(super) source: &'static str,
    /// The file of Maven with the jars.
    pub(super) jars: &'static str,
    /// Options of Java, with folders of `xtask/engines` after `=`.
    pub(super) folders: &'static [&'static str],
}

pub(super) const OPENSEARCH: Program = Program {
    name: "OpenSearch",
    kind: "opensearch",
    source: "OpenSearchNodes.java",
    jars: "opensearch.xml",
    folders: &[],
};

pub(super) const SOLR: Program = Program {
    name: "Solr",
    kind: "solr",
    source: "SolrNodes.java",
    jars: "solr.xml",
    folders: &["-Dvizsla.configuration=solr"],
};

/// Nodes that run until this is dropped.
pub(super) struct Nodes {
    kind: &'static str,
    child: Child,
    /// The nodes stop when this is closed.
    input: Option<ChildStdin>,
    ports: Vec<String>,
    _data: TempDir,
}

impl Program {
    fn needs(&self) -> String {
        format!(
            "{} needs a Java development kit 17 and Maven: apt-get install openjdk-17-jdk-headless maven",
            self.name
        )
    }

    pub(super) fn start(&self, nodes: u32) -> anyhow::Result<Nodes> {
        let jars = self.jars()?;
        let data = tempfile::Builder::new().prefix(&format!("vizsla-{}-", self.kind)).tempdir()?;
        let log = data.path().join("log");
        let ports = free_ports(nodes as usize)?;
        let engines = root().join("xtask/engines");
        let folder = |option: &&str| match option.split_once('=') {
            Some((name, folder)) => format!("{name}={}", engines.join(folder).display()),
            None => (*option).to_owned(),
        };
        let mut child = Command::new("java")
            .args(["-Xms512m", "-Xmx1g"])
            .args(self.folders.iter().map(folder))
            .arg("-cp")
            .arg(jars.join("*"))
            .arg(engines.join(self.source))
            .arg(data.path())
            .args(ports.iter().map(ToString::to_string))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| self.needs())?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("the output of Java is not there")?;
        for line in BufReader::new(output).lines() {
            if let Some(ports) = line?.strip_prefix("ready ") {
                let ports = ports.split(' ').map(str::to_owned).collect();
                return Ok(Nodes { kind: self.kind, child, input, ports, _data: data });
            }
        }
        let status = child.wait()?;
        let log = fs::read_to_string(&log).unwrap_or_default();
        bail!("{} did not start ({status}):\n{log}", self.name)
    }

    /// The folder with the jars, fetched once.
    fn jars(&self) -> anyhow::Result<PathBuf> {
        let folder = target_dir().join("engines").join(self.kind);
        let (jars, pom) = (folder.join("lib"), folder.join("pom.xml"));
        let wanted = fs::read_to_string(root().join("xtask/engines").join(self.jars))?;
        // Written last, so that what was begun is not taken for complete.
        let is_there = fs::read_to_string(folder.join("complete")).is_ok_and(|made| made == wanted);
        if !is_there {
            fs::create_dir_all(&folder)?;
            fs::write(&pom, &wanted)?;
            if Command::new("mvn").arg("--version").output().is_err() {
                bail!(self.needs());
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
}

impl Running for Nodes {
    fn url(&self) -> String {
        let hosts = self.ports.iter().map(|port| format!("127.0.0.1:{port}"));
        format!("{}+http://{}", self.kind, hosts.collect::<Vec<_>>().join(","))
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
