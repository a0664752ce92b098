//! Whether budgets are kept while others rerank: eight callers with a budget of 150 ms each, again and again, beside one
//! that reranks 1,000 passages. Prints one line of JSON, times in milliseconds.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints what it measured")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use vizsla_core::{BoxError, Reranker, TimeLimits};
use vizsla_onnx::{CrossEncoder, CrossEncoderOptions};

const CALLERS: usize = 8;
const BUDGET: Duration = Duration::from_millis(150);
const LONG: usize = 1000;
const PASSAGES: usize = 50;
const WORDS: usize = 90;

/// What one call with a budget came to.
struct Answer {
    ms: f64,
    read: usize,
}

fn main() -> Result<(), BoxError> {
    let model = CrossEncoder::bundled_with(&CrossEncoderOptions::default().with_cache(0))?;
    let text = |seed: usize| -> String {
        let word =
            |i: usize| ["dog", "walks", "field", "river", "night", "house"][(seed * 7 + i * i) % 6];
        (0..WORDS).map(word).collect::<Vec<_>>().join(" ")
    };
    let texts: Vec<String> = (0..LONG).map(text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    // What a passage costs alone, and the pace that budgets go by.
    let start = Instant::now();
    model.score("who walks at night", &texts[..PASSAGES])?;
    let per_passage =
        start.elapsed().as_secs_f64() * 1e3 / PASSAGES as f64 * model.threads() as f64;

    let done = AtomicBool::new(false);
    let (answers, long) = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|i| {
                scope.spawn({
                    let (model, texts, done) = (&model, &texts, &done);
                    move || ask(model, &format!("question {i}"), &texts[..PASSAGES], done)
                })
            })
            .collect();
        let start = Instant::now();
        let long = model.score("who walks at night", &texts).map(|_| start.elapsed());
        done.store(true, Ordering::Relaxed);
        let answers: Vec<Answer> =
            callers.into_iter().flat_map(|caller| caller.join().unwrap_or_default()).collect();
        long.map(|long| (answers, long))
    })?;
    let mut times: Vec<f64> = answers.iter().map(|answer| answer.ms).collect();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let read: Vec<usize> = answers.iter().map(|answer| answer.read).collect();
    let line = json!({
        "callers": CALLERS,
        "budget": BUDGET.as_secs_f64() * 1e3,
        "one_passage": per_passage,
        "answers": answers.len(),
        "answer_ms": { "p50": at(0.5), "p95": at(0.95), "max": at(1.0) },
        "read": { "min": read.iter().min(), "mean": read.iter().sum::<usize>() as f64 / read.len() as f64 },
        "empty_handed": read.iter().filter(|read| **read == 0).count(),
        "long_call_s": long.as_secs_f64(),
    });
    println!("{line}");
    Ok(())
}

/// Asks with a budget until the long call is done.
fn ask(model: &CrossEncoder, query: &str, texts: &[&str], done: &AtomicBool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let start = Instant::now();
        let limits = TimeLimits::default().with_deadline(start + BUDGET);
        let Ok(scores) = model.score_with_limits(query, texts, &limits) else { break };
        let ms = start.elapsed().as_secs_f64() * 1e3;
        answers.push(Answer { ms, read: scores.iter().flatten().count() });
    }
    answers
}
