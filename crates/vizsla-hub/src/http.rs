//! Bytes over HTTP, with progress and a hash.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::Agent;

use crate::error::{Error, ErrorKind};
use crate::hash::hex;

/// Watches a fetch. The methods do nothing unless implemented.
pub trait Progress {
    /// `what` is about to be fetched; `bytes` long, where the server says so.
    fn begin(&self, what: &str, bytes: Option<u64>) {
        let _ = (what, bytes);
    }

    /// `bytes` more bytes have arrived.
    fn advance(&self, bytes: u64) {
        let _ = bytes;
    }

    /// All of it has arrived, or no more will.
    fn end(&self) {}

    /// A source failed; the next one is tried.
    fn failed(&self, error: &Error) {
        let _ = error;
    }

    /// Whether programs run for a fetch may draw their own progress bars on standard error.
    fn is_visible(&self) -> bool {
        false
    }
}

/// No progress shown.
impl Progress for () {}

/// A client with timeouts; proxies come from the usual environment variables.
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

/// Fetches `url` into the new file `to` and returns its SHA-256 in hexadecimal.
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
        return Err(failed(format!("the connection broke after {total} bytes").into()));
    }
    Ok(hex(&hash.finalize()))
}
