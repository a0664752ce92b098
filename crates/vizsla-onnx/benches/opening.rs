//! How long it takes until the bundled model can score: the first time in the process, and the best of several later ones.
//! Prints one line of JSON, times in milliseconds.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints what it measured")]

use std::time::Instant;

use serde_json::json;
use vizsla_core::{BoxError, Reranker};
use vizsla_onnx::{CrossEncoder, CrossEncoderOptions};

const ROUNDS: usize = 15;

fn main() -> Result<(), BoxError> {
    let options = CrossEncoderOptions::default().with_cache(0);
    let open = || -> Result<f64, BoxError> {
        let start = Instant::now();
        let model = CrossEncoder::bundled_with(&options)?;
        let opened = start.elapsed().as_secs_f64() * 1e3;
        model.score("who walks at night", &["a dog walks at night"])?;
        Ok(opened)
    };
    let first = open()?;
    let mut later = (0..ROUNDS).map(|_| open()).collect::<Result<Vec<_>, _>>()?;
    later.sort_unstable_by(f64::total_cmp);
    println!("{}", json!({ "first": first, "best": later[0], "median": later[ROUNDS / 2] }));
    Ok(())
}
