//! How much may wait to be read. In: the texts of a request. Out: a share of the waiting room, or a refusal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::error::ApiError;

/// A word piece has about four bytes of English.
const BYTES_PER_TOKEN: usize = 4;
/// What the model reads around each text.
const TOKENS_PER_PAIR: usize = 8;
/// Tokens a second before any have been read: a slow processor.
const FIRST_RATE: usize = 5_000;

/// Counts the tokens that are waiting or being read, over all requests.
#[derive(Debug)]
pub(crate) struct Admission {
    room: usize,
    waiting: Arc<AtomicUsize>,
    /// Tokens a second, of the last requests.
    rate: Arc<AtomicUsize>,
}

/// A request's share; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    tokens: usize,
    waiting: Arc<AtomicUsize>,
    rate: Arc<AtomicUsize>,
    since: Instant,
}

impl Admission {
    pub(crate) fn new(room: usize) -> Self {
        let rate = Arc::new(AtomicUsize::new(FIRST_RATE));
        Self { room, waiting: Arc::default(), rate }
    }

    /// About how many tokens it takes to read a query with each text.
    pub(crate) fn estimate<'a>(query: &str, texts: impl IntoIterator<Item = &'a str>) -> usize {
        let pair = |text: &str| (query.len() + text.len()) / BYTES_PER_TOKEN + TOKENS_PER_PAIR;
        texts.into_iter().map(pair).sum()
    }

    /// Takes a share, unless too much is waiting. A request that is larger than the room is let in when nothing waits.
    pub(crate) fn admit(&self, tokens: usize) -> Result<Admitted, ApiError> {
        let enter = |waiting: usize| {
            (waiting == 0 || waiting + tokens <= self.room).then_some(waiting + tokens)
        };
        match self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, enter) {
            Ok(_) => Ok(Admitted {
                tokens,
                waiting: Arc::clone(&self.waiting),
                rate: Arc::clone(&self.rate),
                since: Instant::now(),
            }),
            Err(waiting) => {
                let rate = self.rate.load(Ordering::Relaxed).max(1);
                Err(ApiError::overloaded((waiting / rate) as u64))
            }
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Admitted {
    /// Notes how long reading took, if all was read.
    pub(crate) fn done(self) {
        let seconds = self.since.elapsed().max(Duration::from_millis(1)).as_secs_f64();
        let seen = (self.tokens as f64 / seconds) as usize;
        let rate = self.rate.load(Ordering::Relaxed);
        self.rate.store((rate * 7 + seen) / 8, Ordering::Relaxed);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.tokens, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_until_room_is_given_back() {
        let admission = Admission::new(100);
        let large = admission.admit(1_000).unwrap();
        assert!(admission.admit(1).is_err());
        drop(large);
        let half = admission.admit(60).unwrap();
        assert!(admission.admit(60).is_err());
        let other = admission.admit(40).unwrap();
        half.done();
        drop(other);
        assert_eq!(admission.waiting(), 0);
    }
}
