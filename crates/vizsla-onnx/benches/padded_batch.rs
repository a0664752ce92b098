//! Reranking 50 passages, against the same ONNX file run as one padded batch on ONNX Runtime's default session.
//!
//! Rounds are interleaved so that machine drift affects both alike; the best round of each counts. Run it with
//! `cargo xtask bench`.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints what it measured")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use ort::session::Session;
use ort::value::TensorRef;
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};
use vizsla_core::{BoxError, Reranker};
use vizsla_onnx::{CrossEncoder, CrossEncoderOptions, ModelBytes, Runtime};

const ROUNDS: usize = 7;
const QUERY: &str = "how does a gun dog find and bring back birds";
/// Turns this program into the other side of the comparison: a process can have only one ONNX Runtime environment.
const OTHER_SIDE: &str = "--padded-batch";

fn main() -> Result<(), BoxError> {
    if std::env::args().any(|arg| arg == OTHER_SIDE) {
        return serve_padded_batches();
    }
    let runtime = Runtime::load(&vizsla_hub::runtime::locate(None)?)?;
    let model = ModelBytes::from_static(
        vizsla_bundled::NAME,
        vizsla_bundled::ONNX,
        vizsla_bundled::TOKENIZER,
        vizsla_bundled::CONFIG,
    );
    let ours =
        CrossEncoder::from_bytes(runtime, model, &CrossEncoderOptions::default().with_cache(0))?;
    let mut padded = Padded::start()?;
    println!("{} threads; best of {ROUNDS} interleaved rounds, 50 passages each", ours.threads());
    for (workload, (name, passages)) in workloads().into_iter().enumerate() {
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let (mut best, mut best_padded) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            let start = Instant::now();
            ours.score(QUERY, &texts)?;
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
            best_padded = best_padded.min(padded.time(workload)?);
        }
        let ratio = best_padded / best;
        println!(
            "passages {name}: {best:.1} ms, padded batch {best_padded:.1} ms: {ratio:.2} times as fast"
        );
    }
    Ok(())
}

fn workloads() -> [(&'static str, Vec<String>); 3] {
    [
        ("all of 128 tokens", passages(|_| 112)),
        ("of 32 to 128 tokens", passages(|i| 20 + i * 92 / 49)),
        ("of 64 to 384 tokens", passages(|i| 50 + i * 320 / 49)),
    ]
}

/// The other side, in its own process.
struct Padded {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Padded {
    fn start() -> Result<Self, BoxError> {
        let program = std::env::current_exe()?;
        let mut child = Command::new(program)
            .arg(OTHER_SIDE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = BufReader::new(child.stdout.take().ok_or("the child has no output")?);
        Ok(Self { child, answers })
    }

    /// How many milliseconds the workload took.
    fn time(&mut self, workload: usize) -> Result<f64, BoxError> {
        writeln!(self.child.stdin.as_mut().ok_or("the child has no input")?, "{workload}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer.trim().parse()?)
    }
}

fn serve_padded_batches() -> Result<(), BoxError> {
    let environment = ort::init_from(vizsla_hub::runtime::locate(None)?)?.build()?;
    let mut padded = PaddedBatch::open(&environment)?;
    let workloads = workloads();
    for line in std::io::stdin().lock().lines() {
        let (_, passages) = &workloads[line?.trim().parse::<usize>()?];
        let texts: Vec<&str> = passages.iter().map(String::as_str).collect();
        let start = Instant::now();
        padded.score(&texts)?;
        println!("{}", start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(())
}

/// Fifty different texts with about this many tokens each.
fn passages(words: impl Fn(usize) -> usize) -> Vec<String> {
    let vocabulary = [
        "dog", "bird", "field", "water", "hunter", "grass", "scent", "point", "coat", "walk",
        "wind",
    ];
    let text = |i: usize| {
        (0..words(i))
            .map(|j| vocabulary[(i * 7 + j * j + j / 3) % vocabulary.len()])
            .collect::<Vec<_>>()
            .join(" ")
    };
    (0..50).map(text).collect()
}

/// What a program does when it follows the first example it finds.
struct PaddedBatch {
    tokenizer: Tokenizer,
    session: Session,
}

impl PaddedBatch {
    fn open(environment: &ort::environment::Environment) -> Result<Self, BoxError> {
        let mut tokenizer = Tokenizer::from_bytes(vizsla_bundled::TOKENIZER)?;
        tokenizer.with_padding(Some(PaddingParams::default()));
        tokenizer.with_truncation(Some(TruncationParams::default()))?;
        let session = Session::builder(environment)?.commit_from_memory(vizsla_bundled::ONNX)?;
        Ok(Self { tokenizer, session })
    }

    fn score(&mut self, texts: &[&str]) -> Result<Vec<f32>, BoxError> {
        let pairs: Vec<_> = texts.iter().map(|text| (QUERY, *text)).collect();
        let encodings = self.tokenizer.encode_batch(pairs, true)?;
        let shape = [encodings.len(), encodings[0].len()];
        let flat = |ids: fn(&tokenizers::Encoding) -> &[u32]| -> Vec<i64> {
            encodings
                .iter()
                .flat_map(|encoding| ids(encoding).iter().map(|id| i64::from(*id)))
                .collect()
        };
        let (ids, mask, types) = (
            flat(tokenizers::Encoding::get_ids),
            flat(tokenizers::Encoding::get_attention_mask),
            flat(tokenizers::Encoding::get_type_ids),
        );
        let outputs = self.session.run(ort::inputs![
            "input_ids" => TensorRef::from_array_view((shape, ids.as_slice()))?,
            "attention_mask" => TensorRef::from_array_view((shape, mask.as_slice()))?,
            "token_type_ids" => TensorRef::from_array_view((shape, types.as_slice()))?,
        ])?;
        Ok(outputs[0].try_extract_tensor::<f32>()?.1.to_vec())
    }
}
