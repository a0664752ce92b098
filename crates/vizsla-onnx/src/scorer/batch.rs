//! Padded batches, for devices that are slow with single pairs. In: texts. Out: batches of bounded size.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};

use vizsla_core::TimeLimits;

use super::call::Part;
use crate::error::{Error, ErrorKind};
use crate::pair::{Pair, PairTokenizer};

/// The maximum number of tokens in a batch, padding included.
const BATCH_TOKENS: usize = 1 << 14;
/// This many texts justify a thread to tokenize them.
const TEXTS_PER_THREAD: usize = 16;

/// Pairs to be run together.
pub(super) struct Batch(Vec<Window>);

/// One window of a passage.
pub(super) struct Window {
    passage: usize,
    pair: Pair,
    /// How many windows the passage has.
    of: u32,
    truncated: bool,
}

impl Batch {
    pub(super) fn pairs(&self) -> Vec<&Pair> {
        self.0.iter().map(|window| &window.pair).collect()
    }

    /// How many tokens are computed, padding included.
    pub(super) fn tokens(&self) -> usize {
        let longest = self.0.iter().map(Window::tokens).max().unwrap_or(0);
        longest * self.0.len()
    }

    /// The passages' results from the logits of all pairs.
    pub(super) fn parts(&self, logits: &[f32]) -> Vec<Part> {
        let part = |(window, logit): (&Window, &f32)| Part {
            passage: window.passage,
            best: *logit,
            tokens: window.tokens() as u32,
            windows: 1,
            of: window.of,
            truncated: window.truncated,
        };
        self.0.iter().zip(logits).map(part).collect()
    }
}

impl Window {
    fn tokens(&self) -> usize {
        self.pair.ids.len()
    }
}

/// Groups windows into batches: by similar length, longest first, or in the order given when there is a deadline.
pub(super) fn batches(mut windows: Vec<Window>, limits: &TimeLimits) -> Vec<Batch> {
    if limits.deadline.is_none() {
        windows.sort_by_key(|window| Reverse(window.tokens()));
    }
    let mut batches: Vec<Batch> = Vec::new();
    let mut longest = 0;
    for window in windows {
        longest = longest.max(window.tokens());
        match batches.last_mut() {
            Some(Batch(open)) if longest * (open.len() + 1) <= BATCH_TOKENS => open.push(window),
            _ => {
                longest = window.tokens();
                batches.push(Batch(vec![window]));
            }
        }
    }
    batches
}

/// The windows of all passages, in order, built on several threads. Passages for which a limit leaves no time have
/// none.
pub(super) fn windows(
    tokenizer: &PairTokenizer,
    query: &[u32],
    passages: &[&str],
    limits: &TimeLimits,
    threads: usize,
) -> Result<Vec<Window>, Error> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut windows = Vec::new();
        while !(limits.is_cancelled() || limits.is_past_deadline()) {
            let passage = next.fetch_add(1, Ordering::Relaxed);
            let Some(text) = passages.get(passage) else { break };
            let found = tokenizer.windows(query, &tokenizer.tokenize(text)?);
            let (of, truncated) = (found.pairs.len() as u32, found.truncated);
            windows.extend(found.pairs.into_iter().map(|pair| Window {
                passage,
                pair,
                of,
                truncated,
            }));
        }
        Ok(windows)
    };
    let others = passages.len().div_ceil(TEXTS_PER_THREAD).clamp(1, threads) - 1;
    let found: Vec<Result<Vec<Window>, Error>> = std::thread::scope(|scope| {
        let others: Vec<_> = (0..others).map(|_| scope.spawn(work)).collect();
        let mine = work();
        let panicked = |_| Err(Error::new(ErrorKind::Inference, "tokenizing a passage panicked"));
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(panicked));
        std::iter::once(mine).chain(others).collect()
    });
    let mut windows: Vec<Window> =
        found.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    windows.sort_by_key(|window| window.passage);
    Ok(windows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_bounded_by_their_padded_size() {
        let window = |length: usize| {
            let pair = Pair { ids: vec![0; length], type_ids: vec![0; length] };
            Window { passage: 0, pair, of: 1, truncated: false }
        };
        let sizes = |lengths: &[usize], limits: &TimeLimits| -> Vec<usize> {
            let windows = lengths.iter().map(|length| window(*length)).collect();
            batches(windows, limits).iter().map(|batch| batch.pairs().len()).collect()
        };
        let half = BATCH_TOKENS / 2;
        let sorted = TimeLimits::default();
        assert_eq!(sizes(&[1, 512, half, 1], &sorted), [2, 2]);
        assert_eq!(sizes(&[BATCH_TOKENS + 1, BATCH_TOKENS + 1], &sorted), [1, 1]);
        assert_eq!(sizes(&[], &sorted), [0; 0]);
        let in_order = TimeLimits::default().with_deadline(std::time::Instant::now());
        assert_eq!(sizes(&[1, 512, half, 1], &in_order), [2, 2]);
        assert_eq!(sizes(&[half, 1, 1, half], &in_order), [2, 2]);
    }
}
