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

    /// Where it stands now and which run wrote it, if there is one.
    fn look(&self) -> Result<Option<(Self::Position, String)>>;

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
                        // Perhaps by this run, by a request whose answer was lost.
                        Err(error) if error.kind() == ErrorKind::Locked => match sign.look() {
                            Ok(Some((now, of))) if of == run => *position = now,
                            Ok(_) => {
                                lost.store(true, Ordering::Relaxed);
                                return;
                            }
                            Err(_) => {}
                        },
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
    let look = || Ok(sign.look()?.map(|(position, _)| position));
    let (first, until) = (look()?, Instant::now() + DEAD);
    loop {
        match look()? {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a document is, and what is done to it.
    #[derive(Default)]
    struct Page {
        written: Option<(u32, String)>,
        /// How many answers to writing are lost.
        lost: u32,
    }

    #[derive(Clone, Default)]
    struct Fake(Arc<Mutex<Page>>);

    impl Fake {
        fn put(&self, run: &str, at: Option<u32>) -> Result<u32> {
            let mut page = self.0.lock().unwrap();
            let error = |kind| Error::new(kind, "fake");
            if page.written.as_ref().map(|(position, _)| *position) != at {
                return Err(error(ErrorKind::Locked));
            }
            let next = at.unwrap_or(0) + 1;
            page.written = Some((next, run.to_owned()));
            if page.lost > 0 {
                page.lost -= 1;
                return Err(error(ErrorKind::Unavailable));
            }
            Ok(next)
        }
    }

    impl Sign for Fake {
        type Position = u32;

        fn place(&self) -> String {
            "here".to_owned()
        }

        fn create(&self, run: &str) -> Result<u32> {
            self.put(run, None)
        }

        fn renew(&self, run: &str, at: u32) -> Result<u32> {
            self.put(run, Some(at))
        }

        fn look(&self) -> Result<Option<(u32, String)>> {
            Ok(self.0.lock().unwrap().written.clone())
        }

        fn remove(&self, at: u32) {
            let mut page = self.0.lock().unwrap();
            if page.written.as_ref().is_some_and(|(position, _)| *position == at) {
                page.written = None;
            }
        }
    }

    fn wait_for_beats(count: u32) {
        thread::sleep(BEAT * count + BEAT / 2);
    }

    #[test]
    fn a_writer_whose_answer_was_lost_goes_on_and_one_that_was_replaced_does_not() {
        let fake = Fake::default();
        let lease = Lease::take(fake.clone(), "mine").unwrap();
        fake.0.lock().unwrap().lost = 1;
        wait_for_beats(2);
        lease.check().unwrap();
        fake.0.lock().unwrap().written = Some((77, "another".to_owned()));
        wait_for_beats(1);
        assert_eq!(lease.check().unwrap_err().kind(), ErrorKind::Locked);
        drop(lease);
        assert!(fake.0.lock().unwrap().written.is_some(), "what is another's stays");
    }

    #[test]
    fn a_writer_that_lives_keeps_others_out_and_leaves_nothing() {
        let fake = Fake::default();
        let lease = Lease::take(fake.clone(), "mine").unwrap();
        let error = Lease::take(fake.clone(), "another").err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Locked);
        drop(lease);
        assert!(fake.0.lock().unwrap().written.is_none());
        assert!(Lease::take(fake, "another").is_ok());
    }
}
