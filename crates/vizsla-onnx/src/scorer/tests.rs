//! Many callers at once. Most tests use a model that scores nothing until its gate is opened, so that what is queued,
//! what is being scored and who is waiting are known without a clock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use vizsla_core::CancelHandle;

use super::*;
use crate::device::Device;
use crate::graph::{GraphOptimization, Target};
use crate::pair::Pair;
use crate::testing::{fixture, runtime};

/// Holds models back until it is opened.
#[derive(Default)]
struct Gate {
    /// How many runs are still allowed; nothing while the gate is closed.
    allowed: Mutex<Option<usize>>,
    changed: Condvar,
    started: AtomicUsize,
}

impl Gate {
    fn open(&self) {
        self.allow(usize::MAX);
    }

    /// Lets this many runs through, and makes later ones fail.
    fn allow(&self, runs: usize) {
        *self.allowed.lock().unwrap() = Some(runs);
        self.changed.notify_all();
    }

    fn pass(&self) -> Result<(), Error> {
        self.started.fetch_add(1, Ordering::SeqCst);
        let closed = |allowed: &mut Option<usize>| allowed.is_none();
        let mut allowed = self.changed.wait_while(self.allowed.lock().unwrap(), closed).unwrap();
        let left = allowed.and_then(|runs| runs.checked_sub(1));
        *allowed = Some(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(|| Error::new(ErrorKind::Inference, "no run is left"))
    }

    /// Returns when this many runs have started.
    fn wait_for(&self, runs: usize) {
        while self.started.load(Ordering::SeqCst) < runs {
            std::thread::yield_now();
        }
    }
}

/// Scores a pair by its length, behind a gate, and panics on a pair with a certain word.
struct Gated(Arc<Gate>);

const FAULT: &str = "sleeps";

impl pool::Model for Gated {
    fn logits(&mut self, pairs: &[&Pair]) -> Result<Vec<f32>, Error> {
        self.0.pass()?;
        let fault = i64::from(tokenizer().tokenize(FAULT).unwrap()[0]);
        assert!(!pairs.iter().any(|pair| pair.ids.contains(&fault)), "a fault of the model");
        Ok(pairs.iter().map(|pair| pair.ids.len() as f32).collect())
    }
}

fn tokenizer() -> PairTokenizer {
    let json = std::fs::read(fixture("one-logit").join("tokenizer.json")).unwrap();
    PairTokenizer::new(&json, 32).unwrap()
}

fn gated(workers: usize) -> (Scorer, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let tokenizer = Arc::new(tokenizer());
    let models = (0..workers).map(|_| Gated(Arc::clone(&gate))).collect();
    let pool = Pool::start(Arc::clone(&tokenizer), models).unwrap();
    (Scorer { tokenizer, pool, threads: workers, in_batches: false }, gate)
}

fn count(scores: &Result<Vec<Option<RerankScore>>, Error>) -> usize {
    scores.as_ref().unwrap().iter().flatten().count()
}

fn until(cancel: &CancelHandle) -> TimeLimits {
    TimeLimits::default().with_cancel(cancel.clone())
}

/// The long call needs many more of the model's available runs than the calls with a budget leave it: if those get all
/// their scores, they did not have to wait for it.
#[test]
fn callers_with_a_budget_are_answered_before_a_long_call() {
    // Two started before they arrived, what they need, and their neighbour's share; a batch is one run.
    for (in_batches, runs) in [(false, 2 + 160 + 160), (true, 2 + 8 + 2)] {
        let (mut scorer, gate) = gated(2);
        scorer.in_batches = in_batches;
        let text = "a cat runs the dog runs ".repeat(6);
        let long = vec![text.as_str(); 4000];
        let soon = TimeLimits::default().with_deadline(Instant::now() + Duration::from_hours(1));
        std::thread::scope(|scope| {
            let long = scope.spawn(|| scorer.score("dog", &long, &TimeLimits::default()));
            gate.wait_for(2);
            let short = || scorer.score("dog", &["a dog"; 20], &soon);
            let short: Vec<_> = (0..8).map(|_| scope.spawn(short)).collect();
            while scorer.pool.waiting() < 9 {
                std::thread::yield_now();
            }
            gate.allow(runs);
            for caller in short {
                assert_eq!(count(&caller.join().unwrap()), 20, "in batches: {in_batches}");
            }
            let error = long.join().unwrap().unwrap_err();
            assert_eq!(error.to_string(), "no run is left");
        });
    }
}

#[test]
fn a_caller_that_is_cancelled_waits_for_nobody() {
    let (scorer, gate) = gated(1);
    let (first, second) = (CancelHandle::new(), CancelHandle::new());
    std::thread::scope(|scope| {
        let scored = scope.spawn(|| scorer.score("dog", &["a cat"; 9], &until(&first)));
        gate.wait_for(1);
        let queued = scope.spawn(|| scorer.score("dog", &["a cat"; 9], &until(&second)));
        while scorer.pool.waiting() < 2 {
            std::thread::yield_now();
        }
        // The gate is still closed: neither can wait for a score.
        second.cancel();
        assert_eq!(count(&queued.join().unwrap()), 0);
        first.cancel();
        assert_eq!(count(&scored.join().unwrap()), 0);
        gate.open();
    });
    assert_eq!(count(&scorer.score("dog", &["a cat"; 9], &TimeLimits::default())), 9);
}

#[test]
fn a_deadline_passes_while_others_are_scored() {
    let (scorer, gate) = gated(1);
    std::thread::scope(|scope| {
        let long = scope.spawn(|| scorer.score("dog", &["a cat"; 9], &TimeLimits::default()));
        gate.wait_for(1);
        let soon = TimeLimits::default().with_deadline(Instant::now() + Duration::from_millis(5));
        assert_eq!(count(&scorer.score("dog", &["a cat"; 9], &soon)), 0);
        gate.open();
        assert_eq!(count(&long.join().unwrap()), 9);
    });
}

#[test]
fn a_panic_fails_its_own_call_and_no_other() {
    let (scorer, gate) = gated(2);
    gate.open();
    for _ in 0..3 {
        let mut passages = vec!["a cat"; 50];
        passages[20] = FAULT;
        let error = scorer.score("dog", &passages, &TimeLimits::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Inference);
        assert!(error.to_string().contains("a fault of the model"), "{error}");
        passages[20] = "a dog";
        assert_eq!(count(&scorer.score("dog", &passages, &TimeLimits::default())), 50);
    }
}

/// The small BERT, with this many threads.
fn tiny(threads: usize) -> Scorer {
    let dir = fixture("tiny-bert");
    let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
    let tokenizer = PairTokenizer::new(&read("tokenizer.json"), 32).unwrap();
    let bytes = read("onnx/model.onnx").into();
    let how = Target::new(Device::Cpu, GraphOptimization::None);
    let graph = PreparedGraph::new("tiny".to_owned(), bytes, None, how);
    Scorer::open(runtime(), tokenizer, &graph, threads).unwrap()
}

#[test]
fn padded_batches_give_what_single_pairs_give() {
    let single = tiny(2);
    let mut batched = tiny(2);
    batched.in_batches = true;
    let long = "a cat runs the dog sleeps ".repeat(20);
    let passages = ["a dog", "the cat sleeps a dog runs", &long, "dog", ""];
    let limits = TimeLimits::default();
    let expected = single.score("the dog", &passages, &limits).unwrap();
    let found = batched.score("the dog", &passages, &limits).unwrap();
    for (expected, found) in expected.into_iter().zip(found) {
        let (expected, found) = (expected.unwrap(), found.unwrap());
        assert!((expected.logit - found.logit).abs() < 1e-3, "{expected:?} {found:?}");
        assert_eq!((expected.tokens, expected.windows), (found.tokens, found.windows));
    }
    let late = TimeLimits::default().with_deadline(Instant::now());
    assert_eq!(count(&batched.score("the dog", &passages, &late)), 0);
}

#[test]
fn scores_are_the_same_for_any_number_of_threads_and_callers() {
    let words = ["a", "cat", "dog", "runs", "sleeps", "the"];
    let text = |i: usize| (0..i % 40).map(|j| words[(i * j + j) % 6]).collect::<Vec<_>>().join(" ");
    let texts: Vec<String> = (0..60).map(text).collect();
    let passages: Vec<&str> = texts.iter().map(String::as_str).collect();
    let limits = TimeLimits::default();
    let expected = tiny(1).score("the dog", &passages, &limits).unwrap();
    let many = tiny(3);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let found = many.score("the dog", &passages, &limits).unwrap();
                assert_eq!(found, expected);
            });
        }
    });
    for (passage, expected) in passages.iter().zip(&expected) {
        assert_eq!(many.score("the dog", &[passage], &limits).unwrap(), [*expected]);
    }
}
