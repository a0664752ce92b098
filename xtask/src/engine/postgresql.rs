//! PostgreSQL as the system has it installed, with a folder of its own; with and without TLS.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::{Running, free_ports};
use crate::root;

const NEEDS: &str = "PostgreSQL's server is not installed: apt-get install postgresql";
/// Servers of PostgreSQL are not started by the superuser of the system.
const USER: &str = "postgres";
const PATIENCE: Duration = Duration::from_mins(1);

/// A server that runs until this is dropped.
pub(super) struct Server {
    child: Child,
    port: u16,
    _data: TempDir,
}

impl Server {
    pub(super) fn start() -> anyhow::Result<Self> {
        let programs = programs()?;
        let data = tempfile::Builder::new().prefix("vizsla-postgresql-").tempdir()?;
        let (base, log) = (data.path().join("base"), data.path().join("log"));
        let [certificate, key] = prepare(data.path(), &base)?;
        let made = as_user(&programs.join("initdb"))
            .arg("--pgdata")
            .arg(&base)
            .args(["--username", "vizsla", "--auth", "trust", "--encoding", "UTF8"])
            .args(["--no-locale", "--no-sync"])
            .stdout(Stdio::null())
            .status()
            .context(NEEDS)?;
        if !made.success() {
            bail!("initdb failed ({made})");
        }
        let port = free_ports(1)?.remove(0);
        let mut child = as_user(&programs.join("postgres"))
            .arg("-D")
            .arg(&base)
            .args(["-p", &port.to_string(), "-k", ""])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "ssl=on"])
            .args(["-c", &format!("ssl_cert_file={}", certificate.display())])
            .args(["-c", &format!("ssl_key_file={}", key.display())])
            .stdin(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if child.try_wait()?.is_some() || Instant::now() > until {
                let log = fs::read_to_string(&log).unwrap_or_default();
                bail!("PostgreSQL did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Self { child, port, _data: data })
    }
}

impl Running for Server {
    fn url(&self) -> String {
        format!("postgresql://vizsla@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the folder for the data, and copies of the certificate and its key, all of the server's own user.
fn prepare(data: &Path, base: &Path) -> anyhow::Result<[PathBuf; 2]> {
    fs::create_dir(base)?;
    let names = ["server.pem", "server.key"];
    let [certificate, key] = names.map(|name| data.join(name));
    for name in names {
        fs::copy(root().join("xtask/engines/tls").join(name), data.join(name))?;
    }
    let run = |program: &str, argument: &str, file: &Path| {
        let done = Command::new(program).arg(argument).arg(file).status();
        done.is_ok_and(|status| status.success())
    };
    // The server takes no key that others can read.
    if !run("chmod", "600", &key) {
        bail!("cannot make {} private", key.display());
    }
    if is_root() {
        for file in [data, base, &certificate, &key] {
            if !run("chown", USER, file) {
                bail!("{NEEDS} (its user {USER} is missing)");
            }
        }
    }
    Ok([certificate, key])
}

/// The folder of the newest server that is installed.
fn programs() -> anyhow::Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.retain(|folder| folder.join("initdb").is_file());
    folders.sort();
    folders.pop().context(NEEDS)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program);
    // Where the caller stands may be closed to the other user.
    command.current_dir("/");
    command
}
