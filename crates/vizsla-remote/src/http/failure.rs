//! Why there is no answer. In: what the HTTP client reports. Out: an error that names the node, and what to do.

use std::error::Error as StdError;
use std::io;

use vizsla::{Error, ErrorKind};

#[derive(Debug)]
pub(super) enum Failure {
    /// No connection to the node.
    Unreachable(String),
    /// Its certificate is not trusted, or it speaks no TLS.
    Tls(String),
    TimedOut,
    Cancelled,
    /// The connection or the answer ended too early, or makes no sense.
    Broken(String),
    /// The answer has more bytes than are read.
    TooLarge(u64),
    /// It is something else than JSON.
    NotJson(String),
    Redirect(String),
    /// It has too much to do.
    Busy,
}

impl Failure {
    pub(super) fn of(error: &ureq::Error) -> Self {
        use ureq::Error as Of;
        let text = error.to_string();
        match error {
            Of::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                Self::Unreachable("connecting took too long".to_owned())
            }
            Of::Timeout(_) => Self::TimedOut,
            Of::HostNotFound | Of::ConnectionFailed => Self::Unreachable(text),
            Of::BodyExceedsLimit(limit) => Self::TooLarge(*limit),
            Of::Tls(_) | Of::Rustls(_) | Of::Pem(_) => Self::Tls(text),
            Of::Io(io) => Self::of_io(io),
            _ => Self::Broken(text),
        }
    }

    fn of_io(error: &io::Error) -> Self {
        // What went wrong with TLS comes wrapped.
        if let Some(inner) = error.get_ref() {
            if let Some(inner) = inner.downcast_ref::<ureq::Error>() {
                return Self::of(inner);
            }
            let text = whole_text(inner);
            if text.contains("certificate") || text.contains("corrupt message") {
                return Self::Tls(text);
            }
        }
        match error.kind() {
            io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable => Self::Unreachable(error.to_string()),
            _ => Self::Broken(error.to_string()),
        }
    }

    /// Whether another node of the same engine may do better.
    pub(super) fn is_of_node(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Broken(_))
    }

    /// As an error of a request to a node.
    pub(super) fn at(self, node: &str, path: &str) -> Error {
        let path = path.split('?').next().unwrap_or_default();
        let (kind, what) = match self {
            Self::Unreachable(why) => {
                (ErrorKind::Unavailable, format!("cannot reach the engine at {node}: {why}"))
            }
            Self::Tls(why) => (
                ErrorKind::Denied,
                format!(
                    "the connection to {node} cannot be trusted: {why}; ca=FILE in the address names the certificates of \
                     its authority"
                ),
            ),
            Self::TimedOut => {
                (ErrorKind::TimedOut, format!("the engine at {node} did not answer {path} in time"))
            }
            Self::Cancelled => {
                (ErrorKind::Cancelled, format!("the request to {node} was cancelled"))
            }
            Self::Broken(why) => (
                ErrorKind::Unavailable,
                format!("the answer of {node} to {path} broke off or makes no sense: {why}"),
            ),
            Self::TooLarge(limit) => (
                ErrorKind::Retrieve,
                format!(
                    "the answer of {node} to {path} has more than {limit} bytes: ask for fewer candidates"
                ),
            ),
            Self::NotJson(kind) => (
                ErrorKind::Retrieve,
                format!(
                    "{node} answered {path} with {kind:?} instead of JSON: it may be a proxy or another program"
                ),
            ),
            Self::Redirect(location) => (
                ErrorKind::Retrieve,
                format!(
                    "{node} redirects {path} to {location:?}, where credentials must not go: give that address if it is \
                     right"
                ),
            ),
            Self::Busy => (
                ErrorKind::Unavailable,
                format!(
                    "the engine at {node} has too much to do, and there is no time left to wait"
                ),
            ),
        };
        Error::new(kind, what)
    }
}

fn whole_text(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
