//! A server that answers as a test wants, for what a real engine does only in bad moments.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// A server on a free port; its threads end with the process.
#[derive(Debug)]
pub(crate) struct Fake {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Fake {
    /// Answers each request with the bytes that `answer` gives; nothing for none.
    pub(crate) fn start(answer: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::behind(None, answer)
    }

    /// The same by TLS, with a certificate that no authority of the system vouches for.
    pub(crate) fn start_secret(
        answer: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::behind(Some(Arc::new(certified())), answer)
    }

    fn behind(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&received));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log, tls) = (Arc::clone(&answer), Arc::clone(&log), tls.clone());
                thread::spawn(move || match tls {
                    None => serve(stream, &*answer, &log),
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        serve(StreamOwned::new(connection, stream), &*answer, &log);
                    }
                });
            }
        });
        Self { port, received }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// A file of the certificates that engines for tests have: `server.pem`, for which `authority.pem` vouches.
pub(crate) fn certificate(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../xtask/engines/tls/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

fn certified() -> ServerConfig {
    let pem = certificate("server.pem");
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(&certificate("server.key")).unwrap();
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

fn serve(
    mut stream: impl Read + Write,
    answer: &dyn Fn(&Received) -> Vec<u8>,
    log: &Mutex<Vec<Received>>,
) {
    let Some(request) = receive(&mut stream) else { return };
    log.lock().unwrap().push(request.clone());
    let _ = stream.write_all(&answer(&request)).and_then(|()| stream.flush());
}

fn receive(stream: &mut impl Read) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let header = |name: &str| {
        let mut lines = head.lines();
        let line = lines.find(|line| line.to_ascii_lowercase().starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut first = head.split(' ');
    Some(Received {
        method: first.next()?.to_owned(),
        path: first.next()?.to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        head,
    })
}

/// An answer with a status and JSON.
pub(crate) fn answer(status: u16, body: &Value) -> Vec<u8> {
    raw(status, "content-type: application/json\r\n", &body.to_string())
}

/// An answer with a status, headers that end with line breaks, and a body.
pub(crate) fn raw(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
        .into_bytes()
}
