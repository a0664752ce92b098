//! The fraction of the processor's int8 peak that reranking reaches: the operations the model needs, divided by the
//! scoring time from texts to scores, against a loop of multiply-adds on registers with as many threads.
//!
//! Run it with `cargo xtask bench`, or on another BERT cross-encoder with
//! `cargo bench -p vizsla-onnx --bench int8_peak -- MODEL_DIR`.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints what it measured")]

use std::path::Path;
use std::time::{Duration, Instant};

use vizsla_core::{BoxError, Reranker};
use vizsla_onnx::{CrossEncoder, CrossEncoderOptions, ModelBytes, Runtime};

const ROUNDS: usize = 5;
const QUERY: &str = "how does a gun dog find and bring back birds";

fn main() -> Result<(), BoxError> {
    let dir = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let runtime = Runtime::load(&vizsla_hub::runtime::locate(None)?)?;
    let options = CrossEncoderOptions::default().with_cache(0);
    // The bundled model's head reads all rows of the last layer, a classifier's the first.
    let (model, first_row_only) = if let Some(dir) = &dir {
        (CrossEncoder::open(runtime, Path::new(dir), &options)?, true)
    } else {
        use vizsla_bundled::{CONFIG, NAME, ONNX, TOKENIZER};
        let bytes = ModelBytes::from_static(NAME, ONNX, TOKENIZER, CONFIG);
        (CrossEncoder::from_bytes(runtime, bytes, &options)?, false)
    };
    println!("{} threads, {}", model.threads(), model.execution());
    let Some(peak) = peak(model.threads()) else {
        println!("this processor has no AVX-512 VNNI: there is no peak to compare with");
        return Ok(());
    };
    println!("peak: {:.0} billion operations a second", peak / 1e9);
    for words in [48, 80, 112, 240] {
        let passages = passages(words);
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let mut best = Duration::MAX;
        let mut operations = 0.0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let scores = model.score(QUERY, &texts)?;
            best = best.min(start.elapsed());
            let tokens = scores.iter().filter_map(|score| score.tokens);
            operations = tokens.map(|n| operations_of_a_pair(f64::from(n), first_row_only)).sum();
        }
        let rate = operations / best.as_secs_f64();
        println!(
            "passages of {words} words: {:.1} pairs/s, {:.0} billion operations a second, {:.1} % of the peak",
            texts.len() as f64 / best.as_secs_f64(),
            rate / 1e9,
            100.0 * rate / peak
        );
    }
    Ok(())
}

/// Multiplications and additions of the MiniLM-L6 shape: 6 layers, width 384, intermediate width 1536.
fn operations_of_a_pair(tokens: f64, first_row_only: bool) -> f64 {
    let (layers, width, wide) = (6.0, 384.0, 1536.0);
    let row = 4.0 * width * width + 2.0 * width * wide;
    let attention = 2.0 * tokens * width;
    let layer = tokens * (row + attention);
    let last = if first_row_only {
        // Keys and values of all rows, everything else for one.
        tokens * 2.0 * width * width + row + attention
    } else {
        layer
    };
    2.0 * ((layers - 1.0) * layer + last)
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "the instructions were detected")]
fn peak(threads: usize) -> Option<f64> {
    use std::arch::x86_64::{__m512i, _mm512_dpbusd_epi32, _mm512_set1_epi32};

    const LANES: f64 = 64.0;
    const CHAINS: usize = 16;
    const STEPS: usize = 20_000_000;

    #[target_feature(enable = "avx512f,avx512vnni")]
    fn spin() -> [__m512i; CHAINS] {
        let numbers = std::hint::black_box([0x0101_0101, 0x0102_0304]);
        let [a, b] = numbers.map(|number| _mm512_set1_epi32(number));
        let mut sums = [a; CHAINS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, a, b);
            }
        }
        sums
    }

    if !(is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")) {
        return None;
    }
    let run = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                // SAFETY: the processor has the instructions.
                scope.spawn(|| std::hint::black_box(unsafe { spin() }));
            }
        });
        let operations = threads as f64 * (STEPS * CHAINS) as f64 * LANES * 2.0;
        operations / start.elapsed().as_secs_f64()
    };
    Some((0..ROUNDS).map(|_| run()).fold(0.0, f64::max))
}

#[cfg(not(target_arch = "x86_64"))]
fn peak(_: usize) -> Option<f64> {
    None
}

/// A hundred texts of this many words, most of them one token each.
fn passages(words: usize) -> Vec<String> {
    let vocabulary = [
        "dog", "bird", "field", "water", "hunter", "grass", "scent", "point", "coat", "walk",
        "wind",
    ];
    let text = |i: usize| {
        (0..words)
            .map(|j| vocabulary[(i * 7 + j * j + j / 3) % vocabulary.len()])
            .collect::<Vec<_>>()
            .join(" ")
    };
    (0..100).map(text).collect()
}
