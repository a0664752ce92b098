//! Reads passages with a query: tokens, windows, and which session runs what when. In: texts and limits. Out: scores.
//!
//! On the processor every thread has a session of its own and takes passages from one queue, so that no core idles while
//! another has work. On another device one session runs padded batches of a bounded number of tokens.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use vizsla_core::{RerankScore, TimeLimits};

use crate::error::{Error, ErrorKind};
use crate::pair::{Pair, PairEncoder, Windows};
use crate::session::{PreparedGraph, Runtime, Session};

/// The most tokens of a batch, padding included.
const BATCH_TOKENS: usize = 1 << 14;

/// Sessions, and threads to run them.
pub(crate) struct Reader {
    encoder: PairEncoder,
    /// One thread for each session, or a single session for all when pairs are batched.
    pool: ThreadPool,
    sessions: Vec<Mutex<Session>>,
    in_batches: bool,
    pace: Pace,
}

impl Reader {
    pub(crate) fn open(
        runtime: Runtime,
        encoder: PairEncoder,
        graph: &PreparedGraph,
        threads: usize,
    ) -> Result<Self, Error> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("rerank-{i}"))
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Runtime, "cannot start the reranker's threads")
                    .with_source(error)
            })?;
        let in_batches = graph.in_batches();
        let sessions = if in_batches {
            vec![Mutex::new(Session::open(runtime, graph)?)]
        } else {
            let opened = pool.broadcast(|_| Session::open(runtime, graph).map(Mutex::new));
            opened.into_iter().collect::<Result<_, _>>()?
        };
        Ok(Self { encoder, pool, sessions, in_batches, pace: Pace::default() })
    }

    pub(crate) fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    pub(crate) fn max_tokens(&self) -> usize {
        self.encoder.max_tokens()
    }

    /// Reads all passages, or as many as the limits allow; those not read to the end have no score.
    pub(crate) fn read(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, Error> {
        let query = self.encoder.tokenize(query)?;
        if self.in_batches {
            self.read_batches(&query, passages, limits)
        } else {
            self.read_queue(&query, passages, limits)
        }
    }

    /// Lets every thread take passages from one queue until it is empty or a limit is reached.
    fn read_queue(
        &self,
        query: &[u32],
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, Error> {
        let mut queue: Vec<usize> = (0..passages.len()).collect();
        if limits.deadline.is_none() {
            // The longest first, so that no core is left with a long one when the others are done.
            queue.sort_by_key(|i| Reverse(passages[*i].len()));
        }
        let next = AtomicUsize::new(0);
        let parts = self.pool.broadcast(|thread| {
            let mut session =
                self.sessions[thread.index()].lock().unwrap_or_else(PoisonError::into_inner);
            let mut scored = Vec::new();
            while let Some(&i) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                let passage = self.encoder.tokenize(passages[i])?;
                let windows = self.encoder.windows(query, &passage);
                match self.read_windows(&mut session, &windows, limits)? {
                    Some(score) => scored.push((i, score)),
                    None => next.store(queue.len(), Ordering::Relaxed),
                }
            }
            Ok(scored)
        });
        let mut scores = vec![None; passages.len()];
        for part in parts {
            for (i, score) in part? {
                scores[i] = Some(score);
            }
        }
        Ok(scores)
    }

    /// The best of a passage's windows, unless a limit is reached before the last.
    fn read_windows(
        &self,
        session: &mut Session,
        windows: &Windows,
        limits: &TimeLimits,
    ) -> Result<Option<RerankScore>, Error> {
        let mut best = f32::NEG_INFINITY;
        let mut tokens = 0;
        for pair in &windows.pairs {
            let length = pair.ids.len();
            let start = Instant::now();
            if self.should_stop(length, start, limits) {
                return Ok(None);
            }
            best = best.max(session.run(&[pair])?[0]);
            self.pace.learn(length, start.elapsed());
            tokens += length as u32;
        }
        Ok(Some(score(best, tokens, windows)))
    }

    /// Runs padded batches of pairs of similar length, or in the order given if there is a deadline.
    fn read_batches(
        &self,
        query: &[u32],
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, Error> {
        let windows: Vec<Windows> = self.pool.install(|| {
            passages
                .par_iter()
                .map(|text| Ok(self.encoder.windows(query, &self.encoder.tokenize(text)?)))
                .collect::<Result<_, Error>>()
        })?;
        let mut queue: Vec<(usize, &Pair)> = windows
            .iter()
            .enumerate()
            .flat_map(|(i, windows)| windows.pairs.iter().map(move |pair| (i, pair)))
            .collect();
        if limits.deadline.is_none() {
            queue.sort_by_key(|(_, pair)| Reverse(pair.ids.len()));
        }
        let mut session = self.sessions[0].lock().unwrap_or_else(PoisonError::into_inner);
        let mut logits: Vec<Vec<f32>> = vec![Vec::new(); passages.len()];
        let mut rest = queue.as_slice();
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(batch_size(rest));
            let pairs: Vec<&Pair> = batch.iter().map(|(_, pair)| *pair).collect();
            let tokens = batch.len() * longest(batch);
            let start = Instant::now();
            if self.should_stop(tokens, start, limits) {
                break;
            }
            for ((i, _), logit) in batch.iter().zip(session.run(&pairs)?) {
                logits[*i].push(logit);
            }
            self.pace.learn(tokens, start.elapsed());
            rest = after;
        }
        let whole = |(logits, windows): (Vec<f32>, &Windows)| {
            (logits.len() == windows.pairs.len()).then(|| {
                let tokens = windows.pairs.iter().map(|pair| pair.ids.len() as u32).sum();
                score(logits.into_iter().fold(f32::NEG_INFINITY, f32::max), tokens, windows)
            })
        };
        Ok(logits.into_iter().zip(&windows).map(whole).collect())
    }

    /// Whether work on so many tokens is not to be begun now.
    fn should_stop(&self, tokens: usize, now: Instant, limits: &TimeLimits) -> bool {
        limits.is_cancelled() || limits.deadline.is_some_and(|by| now + self.pace.cost(tokens) > by)
    }
}

fn score(best: f32, tokens: u32, windows: &Windows) -> RerankScore {
    RerankScore::new(best)
        .with_tokens(tokens, windows.truncated)
        .with_windows(windows.pairs.len() as u32)
}

fn longest(pairs: &[(usize, &Pair)]) -> usize {
    pairs.iter().map(|(_, pair)| pair.ids.len()).max().unwrap_or(0)
}

/// How many pairs from the front fit one batch, padded to the longest of them; at least one.
fn batch_size(pairs: &[(usize, &Pair)]) -> usize {
    let mut longest = 0;
    let fits = |(count, (_, pair)): (usize, &(usize, &Pair))| {
        longest = longest.max(pair.ids.len());
        longest * (count + 1) <= BATCH_TOKENS
    };
    let indexed: Vec<_> = pairs.iter().enumerate().collect();
    indexed.into_iter().map(fits).take_while(|fits| *fits).count().max(1)
}

/// What a token costs on one thread, learned while running.
#[derive(Default)]
struct Pace {
    /// A moving average; zero until something was measured.
    nanoseconds_per_token: AtomicU64,
}

impl Pace {
    fn cost(&self, tokens: usize) -> Duration {
        Duration::from_nanos(self.nanoseconds_per_token.load(Ordering::Relaxed) * tokens as u64)
    }

    fn learn(&self, tokens: usize, time: Duration) {
        let now = time.as_nanos() as u64 / tokens.max(1) as u64;
        let before = self.nanoseconds_per_token.load(Ordering::Relaxed);
        let average = if before == 0 { now } else { (before * 7 + now) / 8 };
        self.nanoseconds_per_token.store(average, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::graph::Rewrite;

    #[test]
    fn padded_batches_give_what_single_pairs_give() {
        let runtime = Runtime::load(&vizsla_hub::runtime::locate(None).unwrap()).unwrap();
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../index-fixtures/models/tiny-bert/");
        let read = |name: &str| std::fs::read(format!("{dir}{name}")).unwrap();
        let reader = |device| {
            let encoder = PairEncoder::new(&read("tokenizer.json"), 32).unwrap();
            let bytes = read("onnx/model.onnx").into();
            let graph = PreparedGraph::new("tiny".to_owned(), bytes, None, (device, Rewrite::None));
            Reader::open(runtime, encoder, &graph, 2).unwrap()
        };
        let single = reader(Device::Cpu);
        let mut batched = reader(Device::Cpu);
        batched.in_batches = true;
        let long = "a cat runs the dog sleeps ".repeat(20);
        let passages = ["a dog", "the cat sleeps a dog runs", &long, "dog", ""];
        let limits = TimeLimits::default();
        let expected = single.read("the dog", &passages, &limits).unwrap();
        let found = batched.read("the dog", &passages, &limits).unwrap();
        for (expected, found) in expected.into_iter().zip(found) {
            let (expected, found) = (expected.unwrap(), found.unwrap());
            assert!((expected.logit - found.logit).abs() < 1e-3, "{expected:?} {found:?}");
            assert_eq!((expected.tokens, expected.windows), (found.tokens, found.windows));
        }
        let late = TimeLimits::default().with_deadline(Instant::now());
        assert!(batched.read("the dog", &passages, &late).unwrap().iter().all(Option::is_none));
    }

    #[test]
    fn batches_are_bounded_by_their_padded_size() {
        let pair = |length| Pair { ids: vec![0; length], type_ids: vec![0; length] };
        let pairs = [pair(512), pair(BATCH_TOKENS / 2), pair(1), pair(1)];
        let queue: Vec<(usize, &Pair)> = pairs.iter().enumerate().collect();
        assert_eq!(batch_size(&queue), 2);
        assert_eq!(batch_size(&queue[2..]), 2);
        let huge = pair(BATCH_TOKENS + 1);
        assert_eq!(batch_size(&[(0, &huge), (1, &huge)]), 1);
    }
}
