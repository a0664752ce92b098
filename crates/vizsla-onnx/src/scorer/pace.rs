//! Estimates how long scoring takes, learning as it goes: the deadline uses this to decide what may still start.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vizsla_core::TimeLimits;

/// The time per token on one thread.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// A moving average; zero until something has been measured.
    nanoseconds_per_token: AtomicU64,
}

impl Pace {
    /// Whether a limit is reached, or would be before this many tokens are read.
    pub(super) fn should_stop(&self, tokens: usize, now: Instant, limits: &TimeLimits) -> bool {
        limits.is_cancelled() || limits.deadline.is_some_and(|by| now + self.cost(tokens) > by)
    }

    fn cost(&self, tokens: usize) -> Duration {
        Duration::from_nanos(self.nanoseconds_per_token.load(Ordering::Relaxed) * tokens as u64)
    }

    pub(super) fn learn(&self, tokens: usize, time: Duration) {
        let now = time.as_nanos() as u64 / tokens.max(1) as u64;
        let before = self.nanoseconds_per_token.load(Ordering::Relaxed);
        let average = if before == 0 { now } else { (before * 7 + now) / 8 };
        self.nanoseconds_per_token.store(average, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use vizsla_core::CancelHandle;

    use super::*;

    #[test]
    fn work_that_would_end_too_late_is_not_started() {
        let (pace, now) = (Pace::default(), Instant::now());
        let limits = TimeLimits::default().with_deadline(now + Duration::from_millis(10));
        assert!(!pace.should_stop(100, now, &limits));
        pace.learn(100, Duration::from_millis(4));
        assert!(!pace.should_stop(200, now, &limits));
        assert!(pace.should_stop(300, now, &limits));
        assert!(!pace.should_stop(300, now, &TimeLimits::default()));
        let cancel = CancelHandle::new();
        cancel.cancel();
        assert!(pace.should_stop(0, now, &TimeLimits::default().with_cancel(cancel)));
    }
}
