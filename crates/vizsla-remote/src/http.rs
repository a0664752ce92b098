//! Requests to the nodes of an engine. In: a method, a path, a body and time limits. Out: a status with bytes of JSON, or
//! an error that names what went wrong and where.
//!
//! A request that changes nothing, or changes the same thing again, is tried on the next node when one fails, and again
//! when the engine says that it has too much to do. No redirect is followed, since credentials would go along.

mod failure;
mod refusal;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use vizsla::{Error, ErrorKind, TimeLimits};

use self::failure::Failure;
pub(crate) use self::refusal::checked;
use crate::secret::Secret;
pub(crate) use ureq::http::Method;

/// Bytes of an answer.
const ANSWER_BYTES: u64 = 256 << 20;
/// How often a cancelled search is noticed.
const TICK: Duration = Duration::from_millis(5);
/// How long to connect to a node before the next one is tried.
const CONNECT: Duration = Duration::from_secs(5);
/// Tries on each node, where the engine asks for patience.
const PATIENCE: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A client of the nodes of one engine. Connections are kept and shared by all threads.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    nodes: Vec<String>,
    /// The node that answered last.
    current: AtomicUsize,
    secret: Option<Secret>,
    timeout: Duration,
    answer_bytes: u64,
}

/// A request, ready to be sent to any node.
pub(crate) struct Call<'a> {
    method: Method,
    /// With its query, from the root of the engine.
    path: String,
    body: Option<(Arc<Vec<u8>>, &'static str)>,
    time: &'a TimeLimits,
    /// Whether sending it twice does the same as sending it once.
    repeatable: bool,
    /// How long it may take, instead of what is usual.
    timeout: Option<Duration>,
}

/// What came back, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// Where it came from, for messages.
    pub(crate) node: String,
}

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

impl<'a> Call<'a> {
    pub(crate) fn new(method: Method, path: impl Into<String>, time: &'a TimeLimits) -> Self {
        Self { method, path: path.into(), body: None, time, repeatable: true, timeout: None }
    }

    pub(crate) fn get(path: impl Into<String>, time: &'a TimeLimits) -> Self {
        Self::new(Method::GET, path, time)
    }

    pub(crate) fn post(path: impl Into<String>, body: &Value, time: &'a TimeLimits) -> Self {
        Self::new(Method::POST, path, time).with_json(body)
    }

    pub(crate) fn with_json(mut self, body: &Value) -> Self {
        self.body = Some((Arc::new(body.to_string().into_bytes()), JSON));
        self
    }

    /// Lines of JSON.
    pub(crate) fn with_lines(mut self, lines: Vec<u8>) -> Self {
        self.body = Some((Arc::new(lines), LINES));
        self
    }

    /// JSON that is text already.
    pub(crate) fn with_text(mut self, json: String) -> Self {
        self.body = Some((Arc::new(json.into_bytes()), JSON));
        self
    }

    /// May take longer than others.
    pub(crate) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Must not be sent twice.
    pub(crate) fn once(mut self) -> Self {
        self.repeatable = false;
        self
    }
}

impl Client {
    /// A client for `nodes`, trusting the certificates of the system, or those in `authority`, in PEM format.
    pub(crate) fn new(
        nodes: Vec<String>,
        secret: Option<Secret>,
        authority: Option<&[u8]>,
    ) -> Result<Self, Error> {
        let tls = TlsConfig::builder().root_certs(match authority {
            Some(pem) => RootCerts::new_with_certs(&certificates(pem)?),
            None => RootCerts::PlatformVerifier,
        });
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_connect(Some(CONNECT))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections_per_host(16)
            .user_agent(concat!("vizsla/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self {
            agent,
            nodes,
            current: AtomicUsize::new(0),
            secret,
            timeout: Duration::from_mins(1),
            answer_bytes: ANSWER_BYTES,
        })
    }

    /// How long a request may take that has no deadline of its own.
    pub(crate) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    #[cfg(test)]
    pub(crate) fn with_answer_bytes(mut self, bytes: u64) -> Self {
        self.answer_bytes = bytes;
        self
    }

    /// Until when a request may take.
    fn deadline(&self, call: &Call<'_>) -> Instant {
        let own = Instant::now() + call.timeout.unwrap_or(self.timeout);
        call.time.deadline.map_or(own, |deadline| deadline.min(own))
    }

    /// Sends a request and waits for the answer, on the caller's thread as far as it can tell.
    pub(crate) fn send(&self, call: &Call<'_>) -> Result<Answer, Error> {
        let deadline = self.deadline(call);
        let (mut tried, mut pauses, mut pause) = (0, 0, FIRST_PAUSE);
        loop {
            let index = self.current.load(Ordering::Relaxed) % self.nodes.len();
            let node = &self.nodes[index];
            let exchange = self.exchange(node, call, deadline);
            let named = |failure: Failure| failure.at(node, &call.path);
            let wait = match exchange {
                Ok(Reply { status: 429 | 503, after, .. })
                    if call.repeatable && pauses < PATIENCE =>
                {
                    pauses += 1;
                    Some(after.unwrap_or(pause).min(LONGEST_PAUSE))
                }
                Ok(reply) => return reply.answer(node).map_err(named),
                // Another node may still be there, unless there is no time left to ask it.
                Err(failure)
                    if call.repeatable && failure.is_of_node() && tried + 1 < self.nodes.len() =>
                {
                    tried += 1;
                    None
                }
                Err(failure) => return Err(named(failure)),
            };
            // Whoever was told first moves on; the others follow.
            let next = (index + 1) % self.nodes.len();
            let _ =
                self.current.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
            if let Some(wait) = wait {
                let until = Instant::now() + wait;
                if until >= deadline {
                    return Err(named(Failure::Busy));
                }
                if !wait_until(until, call.time) {
                    return Err(named(Failure::Cancelled));
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// One request to one node, on a thread of its own, so that whoever waits can leave when it is cancelled.
    fn exchange(&self, node: &str, call: &Call<'_>, deadline: Instant) -> Result<Reply, Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::TimedOut);
        }
        let request = self.request(node, call)?;
        let (agent, limit) = (self.agent.clone(), self.answer_bytes);
        let (sender, receiver) = sync_channel(1);
        let work = move || {
            // The other end may have left.
            let _ = sender.send(exchange(&agent, request, left, limit));
        };
        let thread = thread::Builder::new().name("vizsla-remote".to_owned()).spawn(work);
        thread.map_err(|error| Failure::Broken(format!("no thread can be started: {error}")))?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match receiver.recv_timeout(left.min(TICK)) {
                Ok(reply) => return reply,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Broken("the request ended without an answer".to_owned()));
                }
                Err(RecvTimeoutError::Timeout) if call.time.is_cancelled() => {
                    return Err(Failure::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Err(Failure::TimedOut),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn request(&self, node: &str, call: &Call<'_>) -> Result<Request<Arc<Vec<u8>>>, Failure> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(format!("{node}{}", call.path))
            .header("accept", JSON);
        if let Some(secret) = &self.secret {
            request = request.header("authorization", secret.header());
        }
        let (body, kind) = call.body.clone().unwrap_or_default();
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        request.body(body).map_err(|error| Failure::Broken(error.to_string()))
    }
}

/// A whole answer.
struct Reply {
    status: u16,
    /// How long the engine asks to be left alone.
    after: Option<Duration>,
    /// Where it says the answer is instead.
    location: Option<String>,
    content_type: String,
    body: Vec<u8>,
}

impl Reply {
    fn answer(self, node: &str) -> Result<Answer, Failure> {
        if (300..400).contains(&self.status) {
            return Err(Failure::Redirect(self.location.unwrap_or_default()));
        }
        let (status, node) = (self.status, node.to_owned());
        if self.body.is_empty() {
            return Ok(Answer { status, body: Value::Null, node });
        }
        let is_json = self.content_type.contains("json");
        match serde_json::from_slice(&self.body) {
            Ok(body) if is_json => Ok(Answer { status, body, node }),
            // The status says more than a page of a proxy.
            _ if status >= 400 => Ok(Answer { status, body: Value::Null, node }),
            Err(error) if is_json => {
                Err(Failure::Broken(format!("the answer is not JSON: {error}")))
            }
            _ => Err(Failure::NotJson(self.content_type)),
        }
    }
}

fn exchange(
    agent: &Agent,
    request: Request<Arc<Vec<u8>>>,
    left: Duration,
    limit: u64,
) -> Result<Reply, Failure> {
    let (parts, body) = request.into_parts();
    let send = |request: Result<ureq::http::Response<ureq::Body>, ureq::Error>| {
        request.map_err(|error| Failure::of(&error))
    };
    let mut response = if parts.headers.contains_key("content-type") {
        let request = Request::from_parts(parts, body.as_slice());
        send(agent.run(agent.configure_request(request).timeout_global(Some(left)).build()))?
    } else {
        let request = Request::from_parts(parts, ());
        send(agent.run(agent.configure_request(request).timeout_global(Some(left)).build()))?
    };
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let after = header("retry-after").and_then(|seconds| seconds.parse().ok());
    let (location, content_type) = (header("location"), header("content-type").unwrap_or_default());
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(limit).read_to_vec();
    let body = body.map_err(|error| Failure::of(&error))?;
    let after = after.map(Duration::from_secs);
    Ok(Reply { status, after, location, content_type, body })
}

/// An id as a part of a path.
pub(crate) fn percent_encoded(id: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    id.bytes().map(encoded).collect()
}

/// Waits; whether it was not cancelled meanwhile.
pub(crate) fn wait_until(until: Instant, time: &TimeLimits) -> bool {
    loop {
        if time.is_cancelled() {
            return false;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::park_timeout(left.min(TICK));
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, Error> {
    let unfit = |what: String| {
        let message = format!("the file of certificates {what}: it must be in PEM format");
        Error::new(ErrorKind::InvalidInput, message)
    };
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        let item = item.map_err(|error| unfit(format!("cannot be read ({error})")))?;
        if let PemItem::Certificate(certificate) = item {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() { Err(unfit("has none".to_owned())) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use serde_json::json;
    use vizsla::CancelHandle;

    use super::*;
    use crate::fake::{Fake, answer, certificate, raw};

    fn client(nodes: &[String]) -> Client {
        Client::new(nodes.to_vec(), Some(Secret::basic("admin", "hunter2")), None).unwrap()
    }

    fn asked(nodes: &[String]) -> Result<Answer, Error> {
        client(nodes).send(&Call::get("/x?q=1", &TimeLimits::default()))
    }

    fn refused(nodes: &[String]) -> (ErrorKind, String) {
        let Err(error) = asked(nodes) else { panic!("it answered") };
        let text = failure_text(&error);
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
        (error.kind(), text)
    }

    fn failure_text(error: &Error) -> String {
        format!("{error} {error:?}")
    }

    /// An address where nobody listens.
    fn nobody() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    #[test]
    fn credentials_are_sent_and_bodies_come_back() {
        let fake = Fake::start(|_| answer(200, &json!({"a": 1})));
        let reply = asked(&[fake.url()]).unwrap();
        assert_eq!((reply.status, reply.body), (200, json!({"a": 1})));
        let head = &fake.received()[0].head.to_lowercase();
        assert!(head.contains("authorization: basic ywrtaw46ahvudgvymg=="), "{head}");
    }

    #[test]
    fn a_node_that_is_gone_is_passed_over() {
        let fake = Fake::start(|_| answer(200, &json!({})));
        let client = client(&[nobody(), fake.url()]);
        let time = TimeLimits::default();
        assert!(client.send(&Call::get("/", &time)).is_ok());
        // The node that answered is asked first from now on.
        assert!(client.send(&Call::get("/", &time).once()).is_ok());
        let (kind, text) = refused(&[nobody()]);
        assert_eq!(kind, ErrorKind::Unavailable, "{text}");
    }

    #[test]
    fn a_node_that_breaks_off_is_passed_over_unless_the_request_must_go_once() {
        let half = || {
            Fake::start(|_| {
                b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"a\"".to_vec()
            })
        };
        let (broken, good) = (half(), Fake::start(|_| answer(200, &json!({}))));
        assert!(asked(&[broken.url(), good.url()]).is_ok());
        let (kind, text) = refused(&[half().url()]);
        assert_eq!(kind, ErrorKind::Unavailable, "{text}");
        let client = client(&[half().url(), good.url()]);
        let error = client.send(&Call::get("/", &TimeLimits::default()).once()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn other_answers_than_json_are_named() {
        let page = Fake::start(|_| raw(200, "content-type: text/html\r\n", "<html>"));
        let (kind, text) = refused(&[page.url()]);
        assert!(kind == ErrorKind::Retrieve && text.contains("text/html"), "{text}");
        let untyped = Fake::start(|_| raw(200, "", "{}"));
        assert_eq!(refused(&[untyped.url()]).0, ErrorKind::Retrieve);
        // The page of a proxy says less than its status.
        let proxy = Fake::start(|_| raw(502, "content-type: text/html\r\n", "<html>"));
        assert_eq!(asked(&[proxy.url()]).unwrap().status, 502);
    }

    #[test]
    fn a_redirect_is_not_followed() {
        let target = Fake::start(|_| answer(200, &json!({})));
        let url = target.url();
        let from = Fake::start(move |_| raw(302, &format!("location: {url}/y\r\n"), ""));
        let (kind, text) = refused(&[from.url()]);
        assert!(kind == ErrorKind::Retrieve && text.contains("redirects /x to"), "{text}");
        assert!(target.received().is_empty());
    }

    #[test]
    fn a_huge_answer_is_not_read() {
        let fake = Fake::start(|_| answer(200, &json!("x".repeat(10_000))));
        let client = client(&[fake.url()]).with_answer_bytes(1_000);
        let error = client.send(&Call::get("/", &TimeLimits::default())).err().unwrap();
        assert!(error.to_string().contains("more than 1000 bytes"), "{error}");
    }

    #[test]
    fn patience_is_shown_when_it_is_asked_for() {
        let left = Mutex::new(2);
        let fake = Fake::start(move |_| {
            let mut left = left.lock().unwrap();
            if *left == 0 {
                return answer(200, &json!({}));
            }
            *left -= 1;
            raw(429, "retry-after: 0\r\ncontent-type: application/json\r\n", "{}")
        });
        assert_eq!(asked(&[fake.url()]).unwrap().status, 200);
        assert_eq!(fake.received().len(), 3);
        // Not beyond the deadline.
        let busy = Fake::start(|_| raw(503, "retry-after: 60\r\n", ""));
        let time = TimeLimits::default().with_deadline(Instant::now() + Duration::from_secs(2));
        let error = client(&[busy.url()]).send(&Call::get("/", &time)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn a_deadline_and_a_cancellation_end_the_waiting() {
        let (silence, heard) = channel::<()>();
        let heard = Mutex::new(heard);
        let slow = Fake::start(move |_| {
            // Until the test is over.
            let _ = heard.lock().unwrap().recv();
            Vec::new()
        });
        let client = client(&[slow.url()]);
        let time = TimeLimits::default().with_deadline(Instant::now() + Duration::from_millis(30));
        let error = client.send(&Call::get("/x", &time)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let cancel = CancelHandle::new();
        cancel.cancel();
        let time = TimeLimits::default().with_cancel(cancel);
        let error = client.send(&Call::get("/x", &time)).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        drop(silence);
    }

    #[test]
    fn a_certificate_is_trusted_if_its_authority_is() {
        let fake = Fake::start_secret(|_| answer(200, &json!({"a": 1})));
        let node = vec![fake.url().replace("http:", "https:")];
        let (kind, text) = refused(&node);
        assert!(kind == ErrorKind::Denied && text.contains("ca=FILE"), "{text}");
        assert!(fake.received().is_empty(), "no credentials have left");
        let trusting = |authority: &[u8]| {
            let secret = Some(Secret::basic("admin", "hunter2"));
            let client = Client::new(node.clone(), secret, Some(authority)).unwrap();
            client.send(&Call::get("/x", &TimeLimits::default()))
        };
        assert_eq!(trusting(&certificate("authority.pem")).unwrap().body, json!({"a": 1}));
        // The certificate of a server vouches for nobody.
        let error = trusting(&certificate("server.pem")).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert_eq!(fake.received().len(), 1);
    }

    /// How long a request took beyond its deadline.
    fn overtime(url: String) -> Duration {
        let deadline = Instant::now() + Duration::from_millis(200);
        let time = TimeLimits::default().with_deadline(deadline);
        let error = client(&[url]).send(&Call::get("/x", &time)).err().unwrap();
        let over = Instant::now().saturating_duration_since(deadline);
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        over
    }

    #[test]
    #[allow(clippy::print_stdout, reason = "how late it is depends on what else the machine does")]
    fn a_deadline_is_kept_however_a_node_behaves() {
        let half =
            b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"a\"";
        for (what, begin) in
            [("never answers", &b""[..]), ("stops in the middle of an answer", half)]
        {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            thread::spawn(move || {
                let mut open: Vec<std::net::TcpStream> =
                    listener.incoming().flatten().take(1).collect();
                let _ = std::io::Write::write_all(&mut open[0], begin);
                thread::sleep(Duration::from_secs(10));
            });
            let over = overtime(format!("http://127.0.0.1:{port}"));
            println!("a node that {what}: {} ms beyond the deadline", over.as_millis());
        }
    }

    #[test]
    fn what_speaks_no_tls_is_not_trusted() {
        let fake = Fake::start(|_| answer(200, &json!({})));
        // The request of a client of TLS never ends as one of HTTP does, so it is answered at once.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
            }
        });
        let (kind, text) = refused(&[format!("https://127.0.0.1:{port}")]);
        assert!(kind == ErrorKind::Denied && text.contains("ca=FILE"), "{text}");
        assert!(fake.received().is_empty());
        let error = Client::new(vec![], None, Some(b"no certificate")).unwrap_err();
        assert!(error.to_string().contains("PEM"), "{error}");
    }
}
