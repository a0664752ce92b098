//! One writer at a time, kept by a document that the writer changes again and again.
//!
//! Whoever finds such a document watches it: if it changes, its writer lives; if it does not for some time, the writer is
//! gone, and its place is taken. Only the engine's own count of changes is compared, never the clocks of two machines.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http::Method;
use vizsla::{Error, ErrorKind, Result, TimeLimits};

use super::{Cluster, checked};
use crate::backend::Turn;
use crate::http::{Call, wait_until};

/// How often a writer shows that it lives.
const BEAT: Duration = Duration::from_secs(2);
/// How long without a sign of life until it is taken for dead.
const DEAD: Duration = Duration::from_secs(10);

/// Where a document stands in the engine's count of changes.
type Position = (u64, u64);

/// The place of the only writer.
pub(super) struct Lease {
    cluster: Arc<Cluster>,
    path: String,
    position: Arc<Mutex<Position>>,
    lost: Arc<AtomicBool>,
    /// Ends the thread when dropped.
    stop: Option<Sender<()>>,
    beating: Option<JoinHandle<()>>,
}

impl Lease {
    /// Takes the place, or says who has it. `files` is the index with the document.
    pub(super) fn take(cluster: Arc<Cluster>, files: &str, run: &str) -> Result<Self> {
        let path = format!("/{files}/_doc/writer");
        let position = match put(&cluster, &path, run, "op_type=create") {
            Ok(position) => position,
            Err(error) if error.kind() == ErrorKind::Locked => wait_for(&cluster, &path, run)?,
            Err(error) => return Err(error),
        };
        let position = Arc::new(Mutex::new(position));
        let lost = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = channel();
        let beating = {
            let (cluster, path, run) = (Arc::clone(&cluster), path.clone(), run.to_owned());
            let (position, lost) = (Arc::clone(&position), Arc::clone(&lost));
            thread::spawn(move || {
                while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                    let mut position = position.lock().unwrap_or_else(PoisonError::into_inner);
                    match put(&cluster, &path, &run, &at(*position)) {
                        Ok(next) => *position = next,
                        Err(error) if error.kind() == ErrorKind::Locked => {
                            lost.store(true, Ordering::Relaxed);
                            return;
                        }
                        // The next one may get through.
                        Err(_) => {}
                    }
                }
            })
        };
        Ok(Self { cluster, path, position, lost, stop: Some(stop), beating: Some(beating) })
    }
}

impl Turn for Lease {
    fn check(&self) -> Result<()> {
        if !self.lost.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = format!(
            "another writer has taken over the index at {}, since this one was not heard of for some time",
            self.cluster.address
        );
        Err(Error::new(ErrorKind::Locked, message))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(beating) = self.beating.take() {
            let _ = beating.join();
        }
        let position = *self.position.lock().unwrap_or_else(PoisonError::into_inner);
        let time = TimeLimits::default();
        let path = format!("{}?{}", self.path, at(position));
        // Where this fails, the next writer waits until this one is taken for dead.
        let _ = self.cluster.client.send(&Call::new(Method::DELETE, path, &time));
    }
}

fn at((number, term): Position) -> String {
    format!("if_seq_no={number}&if_primary_term={term}")
}

fn put(cluster: &Cluster, path: &str, run: &str, condition: &str) -> Result<Position> {
    let time = TimeLimits::default();
    let body = json!({"writer": {"run": run}});
    // Sent once: after a lost answer, what was written would look like somebody else's.
    let call = Call::new(Method::PUT, format!("{path}?{condition}"), &time).with_json(&body).once();
    let reply = cluster.client.send(&call)?;
    let body = checked(reply, "become the writer of the index of")?;
    position(&body).ok_or_else(|| crate::writer::not_written("it does not count changes"))
}

fn position(body: &Value) -> Option<Position> {
    Some((body.get("_seq_no")?.as_u64()?, body.get("_primary_term")?.as_u64()?))
}

/// Watches the document of another writer, and takes its place when it does not change.
fn wait_for(cluster: &Cluster, path: &str, run: &str) -> Result<Position> {
    let time = TimeLimits::default();
    let look = || -> Result<Option<Position>> {
        let reply = cluster.client.send(&Call::get(path, &time))?;
        if reply.status == 404 {
            return Ok(None);
        }
        Ok(position(&checked(reply, "look for another writer of the index of")?))
    };
    let locked = || {
        let message = format!(
            "another writer is at the index at {}: wait until it is done (searching goes on meanwhile)",
            cluster.address
        );
        Error::new(ErrorKind::Locked, message)
    };
    let (first, until) = (look()?, Instant::now() + DEAD);
    loop {
        match look()? {
            None => return put(cluster, path, run, "op_type=create").map_err(|_| locked()),
            now if now != first => return Err(locked()),
            Some(position) if Instant::now() >= until => {
                return put(cluster, path, run, &at(position)).map_err(|_| locked());
            }
            Some(_) => {}
        }
        wait_until(Instant::now() + BEAT / 4, &time);
    }
}
