//! Bytes over HTTP, with progress and a hash.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use sha1::Sha1;
use sha2::{Digest, Sha256};
use ureq::Agent;

use crate::error::{Error, ErrorKind};

/// Is told how a fetch goes on. The methods do nothing unless implemented.
pub trait Progress {
    /// `what` is about to be fetched; `bytes` long, where the server says so.
    fn begin(&self, what: &str, bytes: Option<u64>) {
        let _ = (what, bytes);
    }

    /// So many more bytes have arrived.
    fn advance(&self, bytes: u64) {
        let _ = bytes;
    }

    /// All of it has arrived, or none will.
    fn end(&self) {}

    /// A source did not work out; the next one is tried.
    fn failed(&self, error: &Error) {
        let _ = error;
    }

    /// Whether other programs that are run for a fetch may draw progress bars of their own on standard error.
    fn is_visible(&self) -> bool {
        false
    }
}

/// No progress shown.
impl Progress for () {}

/// A client with limits on waiting; proxies come from the usual environment variables.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .user_agent(concat!("vizsla/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

pub(crate) fn get_json(agent: &Agent, url: &str) -> Result<serde_json::Value, Error> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Fetch, format!("cannot fetch {url}")).with_source(error)
    };
    let mut response = agent.get(url).call().map_err(|error| failed(error.into()))?;
    let body = response.body_mut().read_to_vec().map_err(|error| failed(error.into()))?;
    serde_json::from_slice(&body).map_err(|error| failed(error.into()))
}

/// Fetches `url` into the new file `to` and gives back its SHA-256 in hexadecimal.
pub(crate) fn download(
    agent: &Agent,
    url: &str,
    to: &Path,
    progress: &dyn Progress,
) -> Result<String, Error> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Fetch, format!("cannot fetch {url}")).with_source(error)
    };
    let mut response = agent.get(url).call().map_err(|error| failed(error.into()))?;
    let expected = response.body().content_length();
    progress.begin(url.rsplit('/').next().unwrap_or(url), expected);
    let mut reader = response.body_mut().as_reader();
    let mut file = File::create_new(to).map_err(|error| Error::io("create", to, error))?;
    let (mut hash, mut total) = (Sha256::new(), 0u64);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = reader.read(&mut buffer).map_err(|error| failed(error.into()))?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        file.write_all(&buffer[..read]).map_err(|error| Error::io("write", to, error))?;
        total += read as u64;
        progress.advance(read as u64);
    }
    progress.end();
    if expected.is_some_and(|expected| expected != total) {
        return Err(failed(format!("the connection broke off after {total} bytes").into()));
    }
    Ok(hex(&hash.finalize()))
}

/// The SHA-256 of a file in hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String, Error> {
    hash(path, Sha256::new())
}

/// The hash under which the hub files content, told by its length: SHA-256, or what git calls it, which is the SHA-1 of
/// `blob`, the length and the content.
pub(crate) fn content_hash(path: &Path, hexadecimal_digits: usize) -> Result<String, Error> {
    if hexadecimal_digits == 64 {
        return sha256(path);
    }
    let length = path.metadata().map_err(|error| Error::io("read", path, error))?.len();
    hash(path, Sha1::new_with_prefix(format!("blob {length}\0")))
}

fn hash(path: &Path, mut hash: impl Digest) -> Result<String, Error> {
    let mut file = File::open(path).map_err(|error| Error::io("read", path, error))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(|error| Error::io("read", path, error))? {
            0 => return Ok(hex(&hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write;
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
