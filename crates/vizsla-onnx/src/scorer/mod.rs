//! Scores passages for a query: tokens, windows, and which session runs what when. In: texts and limits. Out: scores.
//!
//! On the processor each of several threads has its own session and takes single passages from a queue shared by all
//! calls, so that no core idles while there is work. On any other device one thread runs padded batches of a bounded
//! number of tokens from the same queue. The policy of the queue is in `schedule.rs`.

mod batch;
mod call;
mod pace;
mod pool;
mod schedule;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::sync::Arc;

use vizsla_core::{RerankScore, TimeLimits};

use self::call::Call;
use self::pool::{Pool, Work};
use self::schedule::Piece;
use crate::error::{Error, ErrorKind};
use crate::graph::PreparedGraph;
use crate::ort::{Runtime, Session, SharedValues};
use crate::pair::PairTokenizer;

/// A tokenizer, sessions, and threads to run them.
pub(crate) struct Scorer {
    tokenizer: Arc<PairTokenizer>,
    pool: Pool,
    threads: usize,
    in_batches: bool,
}

impl Scorer {
    pub(crate) fn open(
        runtime: Runtime,
        tokenizer: PairTokenizer,
        graph: &PreparedGraph,
        threads: usize,
    ) -> Result<Self, Error> {
        let in_batches = graph.in_batches();
        let sessions = open_sessions(runtime, graph, if in_batches { 1 } else { threads })?;
        let tokenizer = Arc::new(tokenizer);
        let pool = Pool::start(Arc::clone(&tokenizer), sessions)?;
        Ok(Self { tokenizer, pool, threads, in_batches })
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) fn max_tokens(&self) -> usize {
        self.tokenizer.max_tokens()
    }

    /// Scores all passages, or as many as the limits allow; those not fully read have no score.
    pub(crate) fn score(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, Error> {
        let tokens = self.tokenizer.tokenize(query)?;
        let pieces = if self.in_batches {
            self.batches(&tokens, passages, limits)?
        } else {
            passage_by_passage(query, passages, limits)
        };
        self.pool.run(Call::new(tokens, limits, passages.len(), pieces.len()), pieces)
    }

    fn batches(
        &self,
        query: &[u32],
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Piece<Work>>, Error> {
        let windows = batch::windows(&self.tokenizer, query, passages, limits, self.threads)?;
        let piece =
            |batch: batch::Batch| Piece { cost: batch.tokens() as u64, work: Work::Batch(batch) };
        Ok(batch::batches(windows, limits).into_iter().map(piece).collect())
    }
}

/// Opens sessions in parallel: each takes tens of milliseconds.
fn open_sessions(
    runtime: Runtime,
    graph: &PreparedGraph,
    count: usize,
) -> Result<Vec<Session>, Error> {
    let shared = SharedValues::new(graph)?;
    let open = || Session::open(runtime, graph, &shared);
    std::thread::scope(|scope| {
        let start = || std::thread::Builder::new().spawn_scoped(scope, open);
        // More threads than the system has stop here, before any of them costs much.
        let others: Vec<_> =
            (1..count).map(|_| start()).collect::<Result<_, _>>().map_err(|error| {
                Error::new(ErrorKind::Runtime, "cannot start the reranker's threads")
                    .with_source(error)
            })?;
        let mine = open();
        let panicked = |_| Err(Error::new(ErrorKind::Runtime, "opening the model panicked"));
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(panicked));
        std::iter::once(mine).chain(others).collect()
    })
}

/// A piece for each passage. Without a deadline the longest come first, so that no core is left with a long one after
/// the others have finished; with one they keep their order, since the first ones matter most.
fn passage_by_passage(query: &str, passages: &[&str], limits: &TimeLimits) -> Vec<Piece<Work>> {
    let mut order: Vec<usize> = (0..passages.len()).collect();
    if limits.deadline.is_none() {
        order.sort_by_key(|passage| Reverse(passages[*passage].len()));
    }
    // Token counts are unknown until a worker has the passage; bytes are a fair proxy.
    let piece = |passage: usize| Piece {
        cost: (query.len() + passages[passage].len() + 1) as u64,
        work: Work::Passage { passage, text: passages[passage].into() },
    };
    order.into_iter().map(piece).collect()
}
