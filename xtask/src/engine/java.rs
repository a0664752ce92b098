//! Engines in Java, from their jars and without their installers: all nodes in one process of Java.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
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
    /// The part of that file that is wanted beside the usual one.
    pub(super) profile: Option<&'static str>,
    /// Options of Java, with folders of `xtask/engines` after `=`.
    pub(super) folders: &'static [&'static str],
    /// What the program loads by itself, from folders in its home.
    pub(super) modules: &'static [Module],
}

/// A part of the program that sees its own jars only.
pub(super) struct Module {
    name: &'static str,
    class: &'static str,
    /// How the names of its jars begin.
    jars: &'static [&'static str],
}

pub(super) const OPENSEARCH: Program = Program {
    name: "OpenSearch",
    kind: "opensearch",
    source: "OpenSearchNodes.java",
    jars: "opensearch.xml",
    profile: None,
    folders: &[],
    modules: &MODULES,
};

/// With ml-commons and the processor that asks a rerank server by it.
pub(super) const OPENSEARCH_ML: Program =
    Program { name: "OpenSearch with ml-commons", profile: Some("ml"), ..OPENSEARCH };

const MODULES: [Module; 4] = [
    Module {
        name: "transport-netty4",
        class: "org.opensearch.transport.Netty4Plugin",
        jars: &["transport-netty4-", "netty-"],
    },
    Module {
        name: "analysis-common",
        class: "org.opensearch.analysis.common.CommonAnalysisPlugin",
        jars: &["analysis-common-"],
    },
    Module {
        name: "reindex",
        class: "org.opensearch.index.reindex.ReindexPlugin",
        jars: &[
            "reindex-",
            "http",
            "commons-",
            "opensearch-rest-client-",
            "opensearch-ssl-config-",
        ],
    },
    Module {
        name: "lang-painless",
        class: "org.opensearch.painless.PainlessPlugin",
        jars: &["lang-painless-", "opensearch-scripting-painless-spi-", "asm-", "antlr4-runtime-"],
    },
];

pub(super) const SOLR: Program = Program {
    name: "Solr",
    kind: "solr",
    source: "SolrNodes.java",
    jars: "solr.xml",
    profile: None,
    folders: &["-Dvizsla.configuration=solr"],
    modules: &[],
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
        let home = self.home()?;
        let data = tempfile::Builder::new().prefix(&format!("vizsla-{}-", self.kind)).tempdir()?;
        let log = data.path().join("log");
        let ports = free_ports(nodes as usize)?;
        let engines = root().join("xtask/engines");
        let folder = |option: &&str| match option.split_once('=') {
            Some((name, folder)) => format!("{name}={}", engines.join(folder).display()),
            None => (*option).to_owned(),
        };
        let mut child = Command::new("java")
            .args(["-Xms512m", &format!("-Xmx{}m", 512 * (1 + nodes))])
            .args(self.folders.iter().map(folder))
            .arg(format!("-Dvizsla.home={}", home.display()))
            .arg("-cp")
            .arg(home.join("lib/*"))
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

    /// The folder with the program, fetched once.
    fn home(&self) -> anyhow::Result<PathBuf> {
        let name =
            [Some(self.kind), self.profile].into_iter().flatten().collect::<Vec<_>>().join("-");
        let home = target_dir().join("engines").join(name);
        let wanted = fs::read_to_string(root().join("xtask/engines").join(self.jars))?;
        // Written last, so that what was begun is not taken for complete.
        let is_there = fs::read_to_string(home.join("complete")).is_ok_and(|made| made == wanted);
        if !is_there {
            let _ = fs::remove_dir_all(&home);
            fs::create_dir_all(&home)?;
            fs::write(home.join("pom.xml"), &wanted)?;
            self.fetch(&home)?;
            for module in self.modules {
                module.settle(&home, &wanted)?;
            }
            fs::write(home.join("complete"), &wanted)?;
        }
        Ok(home)
    }

    /// Jars come into `lib`, plugins, which are archives, each into a folder of `plugins`.
    fn fetch(&self, home: &Path) -> anyhow::Result<()> {
        if Command::new("mvn").arg("--version").output().is_err() {
            bail!(self.needs());
        }
        let maven = |goal: &str, into: &str, options: &[&str]| {
            let mut command = Command::new("mvn");
            command.args(["--batch-mode", "--quiet", "--file"]).arg(home.join("pom.xml"));
            command.args(self.profile.map(|profile| format!("--activate-profiles={profile}")));
            command.arg(format!("dependency:{goal}"));
            command.arg(format!("-DoutputDirectory={}", home.join(into).display()));
            run_command(command.args(options), &[0])
        };
        maven("copy-dependencies", "lib", &["-DexcludeTypes=zip"])?;
        if self.profile.is_some() {
            let options = ["-DincludeTypes=zip", "-Dmdep.useSubDirectoryPerArtifact=true"];
            maven("unpack-dependencies", "plugins", &options)?;
        }
        Ok(())
    }
}

impl Module {
    /// Moves the module's jars out of `lib` into its own folder; one whose jars were not fetched is left out.
    fn settle(&self, home: &Path, pom: &str) -> anyhow::Result<()> {
        let folder = home.join("modules").join(self.name);
        fs::create_dir_all(&folder)?;
        for jar in fs::read_dir(home.join("lib"))? {
            let jar = jar?;
            let name = jar.file_name().to_string_lossy().into_owned();
            if self.jars.iter().any(|beginning| name.starts_with(beginning)) {
                fs::rename(jar.path(), folder.join(name))?;
            }
        }
        if fs::read_dir(&folder)?.next().is_none() {
            return Ok(fs::remove_dir(&folder)?);
        }
        let version = pom.split("<engine>").nth(1).and_then(|rest| rest.split('<').next());
        let version = version.context("the file of Maven names no version of the engine")?;
        let Self { name, class, .. } = self;
        let descriptor = format!(
            "name={name}\ndescription={name}\nclassname={class}\nversion={version}\nopensearch.version={version}\n\
             java.version=11\n"
        );
        Ok(fs::write(folder.join("plugin-descriptor.properties"), descriptor)?)
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
