//! One writer at a time, kept by a document that the writer changes again and again.
//!
//! Whoever finds such a document watches it: if it changes, its writer lives; if it does not for some time, the writer is
//! gone, and its place is taken. Only the engine's own count of changes is compared, never the clocks of two machines.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use vizsla::{Error, ErrorKind, Result, TimeLimits};

use crate::backend::Turn;
use crate::http::wait_until;

/// How often a writer shows that it lives.
const BEAT: Duration = Duration::from_secs(2);
/// How long without a sign of life until it is taken for dead.
const DEAD: Duration = Duration::from_secs(10);

/// The document by which writers of an index know of each other.
pub(crate) trait Sign: Send + Sync + 'static {
    /// Where the document stands in the engine's count of changes.
    type Position: Copy + PartialEq + Send + 'static;

    /// The index, for messages.
    fn place(&self) -> String;

    /// Writes the document; [`ErrorKind::Locked`] if there is one.
    fn create(&self, run: &str) -> Result<Self::Position>;

    /// Writes it again; [`ErrorKind::Locked`] if somebody else has changed it meanwhile.
    fn renew(&self, run: &str, at: Self::Position) -> Result<Self::Position>;

    /// Where it stands now, if there is one.
    fn look(&self) -> Result<Option<Self::Position>>;

    /// Removes it, unless somebody else has changed it. Where this fails, the next writer waits until this one is taken
    /// for dead.
    fn remove(&self, at: Self::Position);
}

/// The place of the only writer.
pub(crate) struct Lease<S: Sign> {
    sign: Arc<S>,
    position: Arc<Mutex<S::Position>>,
    lost: Arc<AtomicBool>,
    /// Ends the thread when dropped.
    stop: Option<Sender<()>>,
    beating: Option<JoinHandle<()>>,
}

impl<S: Sign> Lease<S> {
    /// Takes the place, or says who has it.
    pub(crate) fn take(sign: S, run: &str) -> Result<Self> {
        let position = match sign.create(run) {
            Ok(position) => position,
            Err(error) if error.kind() == ErrorKind::Locked => wait_for(&sign, run)?,
            Err(error) => return Err(error),
        };
        let (sign, position) = (Arc::new(sign), Arc::new(Mutex::new(position)));
        let lost = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = channel();
        let beating = {
            let (sign, run) = (Arc::clone(&sign), run.to_owned());
            let (position, lost) = (Arc::clone(&position), Arc::clone(&lost));
            thread::spawn(move || {
                while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                    let mut position = position.lock().unwrap_or_else(PoisonError::into_inner);
                    match sign.renew(&run, *position) {
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
        Ok(Self { sign, position, lost, stop: Some(stop), beating: Some(beating) })
    }
}

impl<S: Sign> Turn for Lease<S> {
    fn check(&self) -> Result<()> {
        if !self.lost.load(Ordering::Relaxed) {
            return Ok(());
        }
        let message = format!(
            "another writer has taken over the index at {}, since this one was not heard of for some time",
            self.sign.place()
        );
        Err(Error::new(ErrorKind::Locked, message))
    }
}

impl<S: Sign> Drop for Lease<S> {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(beating) = self.beating.take() {
            let _ = beating.join();
        }
        self.sign.remove(*self.position.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Watches the document of another writer, and takes its place when it does not change.
fn wait_for<S: Sign>(sign: &S, run: &str) -> Result<S::Position> {
    let locked = || {
        let message = format!(
            "another writer is at the index at {}: wait until it is done (searching goes on meanwhile)",
            sign.place()
        );
        Error::new(ErrorKind::Locked, message)
    };
    let (first, until) = (sign.look()?, Instant::now() + DEAD);
    loop {
        match sign.look()? {
            None => return sign.create(run).map_err(|_| locked()),
            now if now != first => return Err(locked()),
            Some(position) if Instant::now() >= until => {
                return sign.renew(run, position).map_err(|_| locked());
            }
            Some(_) => {}
        }
        wait_until(Instant::now() + BEAT / 4, &TimeLimits::default());
    }
}
