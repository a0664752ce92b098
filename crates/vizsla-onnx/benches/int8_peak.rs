//! The encoder on each instruction set that this processor has, in turns with ONNX Runtime's operators on the same
//! weights; and the fraction of the processor's int8 peak that each reaches: the operations the model needs, divided by
//! the scoring time from texts to scores, against a loop of multiply-adds on registers with as many threads. On Linux the
//! time is the processor's, all threads together, so that a busy machine does not distort it much.
//!
//! Run it with `cargo xtask bench`, or on another BERT cross-encoder with
//! `cargo bench -p vizsla-onnx --bench int8_peak -- MODEL_DIR`.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints what it measured")]

use std::path::Path;
use std::time::Instant;

use vizsla_core::{BoxError, Reranker};
use vizsla_onnx::{
    CrossEncoder, CrossEncoderOptions, GraphOptimization, InstructionSet, ModelBytes, Runtime,
};

const ROUNDS: usize = 5;
const QUERY: &str = "how does a gun dog find and bring back birds";

/// One way to run the model.
struct Contender {
    model: CrossEncoder,
    /// The least time of all threads, in seconds.
    best: f64,
}

fn main() -> Result<(), BoxError> {
    let dir = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    // The bundled model's head reads all rows of the last layer, a classifier's the first.
    let first_row_only = dir.is_some();
    let mut contenders = contenders(dir.as_deref())?;
    let threads = contenders[0].model.threads();
    println!("{threads} threads, best of {ROUNDS} rounds in turns");
    let peak = peak(threads);
    match peak {
        Some(peak) => println!("peak: {:.0} billion operations a second", peak / 1e9),
        None => println!("the peak of this processor is not known"),
    }
    for words in [24, 48, 80, 112, 240, 400] {
        let passages = passages(words);
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let mut operations = 0.0;
        contenders.iter_mut().for_each(|contender| contender.best = f64::INFINITY);
        for _ in 0..ROUNDS {
            for contender in &mut contenders {
                let (seconds, scores) = timed(threads, || contender.model.score(QUERY, &texts));
                let scores = scores?;
                contender.best = contender.best.min(seconds);
                let tokens = scores.iter().filter_map(|score| score.tokens);
                operations =
                    tokens.map(|n| operations_of_a_pair(f64::from(n), first_row_only)).sum();
            }
        }
        println!("passages of {words} words:");
        let slowest = contenders[0].best;
        for Contender { model, best } in &contenders {
            let seconds = best / threads as f64;
            let share = peak.map_or(String::new(), |peak| {
                format!(", {:.1} % of the peak", 100.0 * operations / seconds / peak)
            });
            println!(
                "  {:7.1} pairs/s, {:.2} times the first{share}: {}",
                texts.len() as f64 / seconds,
                slowest / best,
                model.execution()
            );
        }
    }
    Ok(())
}

/// ONNX Runtime's operators first, then the encoder on all that this processor has.
fn contenders(dir: Option<&str>) -> Result<Vec<Contender>, BoxError> {
    let runtime = Runtime::load(&vizsla_hub::runtime::locate(None)?)?;
    let open = |options: &CrossEncoderOptions| -> Result<Contender, BoxError> {
        let model = if let Some(dir) = dir {
            CrossEncoder::open(runtime, Path::new(dir), options)?
        } else {
            use vizsla_bundled::{CONFIG, NAME, ONNX, TOKENIZER};
            let bytes = ModelBytes::from_static(NAME, ONNX, TOKENIZER, CONFIG);
            CrossEncoder::from_bytes(runtime, bytes, options)?
        };
        Ok(Contender { model, best: f64::INFINITY })
    };
    let options = CrossEncoderOptions::default().with_cache(0);
    let mut contenders =
        vec![open(&options.clone().with_optimization(GraphOptimization::Simplify))?];
    for instructions in InstructionSet::ALL {
        if instructions != InstructionSet::Portable && instructions.is_available() {
            contenders.push(open(&options.clone().with_instructions(instructions))?);
        }
    }
    Ok(contenders)
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

/// With the fastest instructions that this processor has.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "the instructions were detected")]
fn peak(threads: usize) -> Option<f64> {
    // Without AVX-512 and AVX-VNNI bytes are multiplied as 16-bit integers, with a separate addition.
    let (spin, per_step): (unsafe fn(), f64) = match InstructionSet::best()? {
        // The fraction is of this peak with tiles as well, which makes it comparable.
        InstructionSet::Avx512Vnni | InstructionSet::Amx => (spin::avx512, 64.0),
        InstructionSet::AvxVnni => (spin::avxvnni, 32.0),
        InstructionSet::Avx2 => (spin::avx2, 16.0),
        _ => return None,
    };
    let operations = (spin::STEPS * spin::CHAINS) as f64 * per_step * 2.0;
    let run = || {
        // SAFETY: the processor has the instructions.
        let (seconds, ()) = timed(1, || unsafe { spin() });
        operations / seconds * threads as f64
    };
    Some((0..ROUNDS).map(|_| run()).fold(0.0, f64::max))
}

/// Runs something on this many threads, and says how long all of them were at work together.
fn timed<T>(threads: usize, run: impl FnOnce() -> T) -> (f64, T) {
    let (processor, start) = (processor_time(), Instant::now());
    let result = run();
    let wall = start.elapsed().as_secs_f64() * threads as f64;
    let processor = processor.zip(processor_time()).map(|(before, after)| after - before);
    (processor.unwrap_or(wall), result)
}

/// The processor's time that all threads of this process have had, in seconds, where the system says it to the
/// nanosecond (Linux, `proc_pid_schedstat`).
fn processor_time() -> Option<f64> {
    let mut sum = 0.0;
    for thread in std::fs::read_dir("/proc/self/task").ok()? {
        let line = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        sum += line.split(' ').next()?.parse::<f64>().ok()? / 1e9;
    }
    Some(sum)
}

/// Multiply-adds on registers alone.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::wildcard_imports, reason = "intrinsics are many and clearly named")]
mod spin {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// As many independent sums as hide the latency of an instruction.
    pub(super) const CHAINS: usize = 12;
    pub(super) const STEPS: usize = 20_000_000;

    fn numbers() -> [i32; 2] {
        black_box([0x0101_0101, 0x0102_0304])
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    pub(super) fn avx512() {
        let [a, b] = numbers().map(|number| _mm512_set1_epi32(number));
        let mut sums = [a; CHAINS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, a, b);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx2,avxvnni")]
    pub(super) fn avxvnni() {
        let [a, b] = numbers().map(|number| _mm256_set1_epi32(number));
        let mut sums = [a; CHAINS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = _mm256_dpbusd_avx_epi32(*sum, a, b);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2() {
        let [a, b] = numbers().map(|number| _mm256_set1_epi32(number));
        let mut sums = [a; CHAINS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                // A product of constants would be taken out of the loop.
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(*sum, b));
            }
        }
        black_box(sums);
    }
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
