//! `cargo xtask bench serve`: what a server does under load, and beside the server that people write themselves.

mod client;
mod plot;
mod server;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;

use self::client::{Client, Reply};
use self::server::Running;
use crate::environments::python;
use crate::{release_program, root, set_up};

/// How many clients ask at once.
const CLIENTS: usize = 8;
/// Texts of a usual call, and of a small and a big one.
const USUAL: usize = 50;
const SMALL: usize = 10;
const BIG: usize = 1_000;

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Seconds of overload, by whose end the memory must not have grown
    #[arg(long, default_value_t = 60)]
    overload: u64,
    /// How many rounds of what is compared, in turns; the best counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Time this program instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Also time sentence-transformers behind `FastAPI`, which takes a large download, with this model: a folder with
    /// config.json, tokenizer, model.safetensors and onnx/model.onnx
    #[arg(long, value_name = "DIR")]
    peer_model: Option<PathBuf>,
    /// A Python with torch, sentence-transformers, fastapi and uvicorn, instead of one that is made
    #[arg(long, requires = "peer_model")]
    peer_python: Option<PathBuf>,
}

/// Latencies in milliseconds, in order.
#[derive(Debug, Clone, Default)]
struct Latencies(Vec<f64>);

impl Latencies {
    fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        Self(all)
    }

    fn at(&self, percentile: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = (percentile / 100.0 * last as f64).round() as usize;
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }

    fn row(&self, what: &str) -> String {
        let [p50, p95, p99] = [50.0, 95.0, 99.0].map(|at| self.at(at));
        format!("| {what} | {} | {p50:.1} | {p95:.1} | {p99:.1} |", self.0.len())
    }
}

pub(crate) fn bench(args: &ServeArgs) -> anyhow::Result<()> {
    set_up()?;
    let program = release_program(args.program.as_deref())?;
    let texts = Texts::read()?;
    throughput(args, &program, &texts)?;
    // On a slow machine a big call takes longer than a server gives it by default.
    let server = Running::vizsla(&program, &["--request-timeout", "10m"])?;
    let alone = timed(&server, &texts, SMALL, 60)?;
    let beside = beside_a_big_call(&server, &texts)?;
    let capacity = rate(&server, &texts, 1)? / SMALL as f64;
    drop(server);
    let overload = overload(args, &program, &texts, capacity)?;
    println!("\n| calls | number | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|---|");
    println!("{}", alone.row("10 texts, nothing else asked"));
    println!("{}", beside.row("10 texts, beside calls of 1,000"));
    println!("{}", overload.accepted.row("10 texts at ten times the load, answered"));
    println!("{}", overload.refused.row("10 texts at ten times the load, refused with 429"));
    println!(
        "\n10 texts beside calls of 1,000: p95 {:.2} times that alone",
        beside.at(95.0) / alone.at(95.0)
    );
    println!(
        "memory after {} s of overload: {:.0} MB, {:.0} MB a third into it",
        args.overload, overload.memory[1], overload.memory[0]
    );
    println!("failed otherwise: {}", overload.failed);
    let picture = root().join("docs/server-load.svg");
    let lines = [
        ("10 texts alone", &alone),
        ("10 texts beside calls of 1,000", &beside),
        ("answered at 10 times the load", &overload.accepted),
        ("refused at 10 times the load", &overload.refused),
    ];
    plot::draw(&lines, &picture).map_err(|error| anyhow::anyhow!("cannot plot: {error}"))?;
    match &args.peer_model {
        Some(model) => beside_peer(args, &program, model, &texts),
        None => Ok(()),
    }
}

/// Paragraphs of this repository's own documents; no two that are handed out are the same, so that none is remembered.
struct Texts {
    paragraphs: Vec<String>,
    next: AtomicUsize,
}

impl Texts {
    fn read() -> anyhow::Result<Self> {
        let mut all = String::new();
        for file in ["README.md", "ARCHITECTURE.md"] {
            all.push_str(&std::fs::read_to_string(root().join(file))?);
        }
        for entry in std::fs::read_dir(root().join("docs"))?.flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "md") {
                all.push_str(&std::fs::read_to_string(entry.path())?);
            }
        }
        let words: Vec<&str> = all.split_whitespace().collect();
        let paragraphs = words.chunks(90).map(|words| words.join(" ")).collect();
        Ok(Self { paragraphs, next: AtomicUsize::new(0) })
    }

    fn take(&self, count: usize) -> Vec<String> {
        let one = |_| {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            format!("{number}. {}", self.paragraphs[number % self.paragraphs.len()])
        };
        (0..count).map(one).collect()
    }
}

/// Calls one after the other.
fn timed(server: &Running, texts: &Texts, size: usize, calls: usize) -> anyhow::Result<Latencies> {
    let mut client = Client::connect(server.address())?;
    let mut all = Vec::with_capacity(calls);
    for _ in 0..calls {
        let start = Instant::now();
        client.rerank(&texts.take(size))?.expect_answer()?;
        all.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Latencies::of(all))
}

/// Texts a second, of several clients at once.
fn rate(server: &Running, texts: &Texts, calls: usize) -> anyhow::Result<f64> {
    let start = Instant::now();
    let asking = |_| {
        let mut client = Client::connect(server.address())?;
        (0..calls).try_for_each(|_| client.rerank(&texts.take(USUAL))?.expect_answer())
    };
    thread::scope(|scope| {
        let all: Vec<_> = (0..CLIENTS).map(|n| scope.spawn(move || asking(n))).collect();
        all.into_iter().try_for_each(|one| one.join().expect("a client does not panic"))
    })?;
    Ok((CLIENTS * calls * USUAL) as f64 / start.elapsed().as_secs_f64())
}

fn throughput(args: &ServeArgs, program: &Path, texts: &Texts) -> anyhow::Result<()> {
    let (mut served, mut alone) = (0.0_f64, 0.0_f64);
    for _ in 0..args.rounds {
        let server = Running::vizsla(program, &[])?;
        timed(&server, texts, SMALL, 2)?;
        served = served.max(rate(&server, texts, 4)?);
        drop(server);
        alone = alone.max(server::rerank_rate(program, texts, CLIENTS * 4 * USUAL)?);
    }
    println!("\n| {CLIENTS} clients, {USUAL} texts a call | texts/s |\n|---|---|");
    println!(
        "| `vizsla serve` | {served:.0} |\n| `vizsla rerank`, one process, all texts at once | {alone:.0} |"
    );
    println!("\nserved / alone: {:.3}", served / alone);
    Ok(())
}

fn beside_a_big_call(server: &Running, texts: &Texts) -> anyhow::Result<Latencies> {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let big = scope.spawn(|| -> anyhow::Result<()> {
            let mut client = Client::connect(server.address())?;
            while !ended.load(Ordering::Relaxed) {
                client.rerank(&texts.take(BIG))?.expect_answer()?;
            }
            Ok(())
        });
        // Until the big call is being read.
        thread::sleep(Duration::from_millis(500));
        let small = timed(server, texts, SMALL, 60);
        ended.store(true, Ordering::Relaxed);
        big.join().expect("a client does not panic")?;
        small
    })
}

#[derive(Debug)]
struct Overload {
    accepted: Latencies,
    refused: Latencies,
    failed: usize,
    /// In MB, a third into it and at its end.
    memory: [f64; 2],
}

/// Ten times as many calls as can be answered, `capacity` a second, from clients who do not wait for each other.
fn overload(
    args: &ServeArgs,
    program: &Path,
    texts: &Texts,
    capacity: f64,
) -> anyhow::Result<Overload> {
    let server =
        Running::vizsla(program, &["--max-waiting-tokens", "12000", "--request-timeout", "10s"])?;
    let clients = 64;
    // Each client asks so often that together they ask ten times as often as can be answered.
    let pause = Duration::from_secs_f64(clients as f64 / (capacity * 10.0));
    println!(
        "\ncapacity {capacity:.0} calls/s of {SMALL} texts; {clients} clients ask every {pause:?}"
    );
    let (accepted, refused) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let failed = AtomicUsize::new(0);
    let start = Instant::now();
    let length = Duration::from_secs(args.overload);
    let ask = |n: usize| {
        let mut due = start + pause.mul_f64(n as f64 / clients as f64);
        let mut client = None;
        while start.elapsed() < length {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            // Who is late does not catch up.
            due = (due + pause).max(Instant::now());
            let texts = texts.take(SMALL);
            let began = Instant::now();
            let connected = client.take().map_or_else(|| Client::connect(server.address()), Ok);
            let reply = connected.and_then(|mut connected| {
                let reply = connected.rerank(&texts)?;
                client = Some(connected);
                Ok(reply)
            });
            let took = began.elapsed().as_secs_f64() * 1e3;
            match reply {
                Ok(Reply { status: 200 }) => accepted.lock().expect("no panic").push(took),
                Ok(Reply { status: 429 }) => refused.lock().expect("no panic").push(took),
                _ => drop(failed.fetch_add(1, Ordering::Relaxed)),
            }
        }
    };
    let mut memory = [0.0; 2];
    thread::scope(|scope| {
        for n in 0..clients {
            scope.spawn(move || ask(n));
        }
        thread::sleep(length / 3);
        memory[0] = server.memory();
        thread::sleep(length.mul_f64(2.0 / 3.0));
        memory[1] = server.memory();
    });
    let (accepted, refused) = (accepted.into_inner()?, refused.into_inner()?);
    let failed = failed.into_inner();
    Ok(Overload {
        accepted: Latencies::of(accepted),
        refused: Latencies::of(refused),
        failed,
        memory,
    })
}

/// The same weights, unquantised, behind the server that people write in an afternoon.
fn beside_peer(
    args: &ServeArgs,
    program: &Path,
    model: &Path,
    texts: &Texts,
) -> anyhow::Result<()> {
    let packages = "torch\nsentence-transformers\nfastapi\nuvicorn";
    let made = || python(Path::new("python3"), "serve-peer", packages);
    let interpreter = args.peer_python.clone().map_or_else(made, Ok)?;
    let model = model.canonicalize().context("cannot find the model")?;
    let fp32 = model.join("onnx/model.onnx");
    let mut best: [(f64, Latencies, Latencies); 2] = Default::default();
    for round in 0..args.rounds {
        for (side, best) in best.iter_mut().enumerate() {
            let server = match side {
                0 => Running::vizsla(
                    program,
                    &[
                        "--model",
                        &model.display().to_string(),
                        "--model-file",
                        &fp32.display().to_string(),
                    ],
                )?,
                _ => Running::peer(&interpreter, &model)?,
            };
            timed(&server, texts, SMALL, 3)?;
            let (small, usual) =
                (timed(&server, texts, SMALL, 20)?, timed(&server, texts, USUAL, 8)?);
            let rate = rate(&server, texts, 2)?;
            if round == 0 || rate > best.0 {
                *best = (rate, small, usual);
            }
        }
    }
    println!(
        "\n| fp32, same weights | 10 texts p50, p95 ms | {USUAL} texts p50, p95 ms | {CLIENTS} clients, texts/s |\n|---|---|---|---|"
    );
    for (name, (rate, small, usual)) in
        ["`vizsla serve`", "sentence-transformers, FastAPI"].iter().zip(&best)
    {
        println!(
            "| {name} | {:.0}, {:.0} | {:.0}, {:.0} | {rate:.1} |",
            small.at(50.0),
            small.at(95.0),
            usual.at(50.0),
            usual.at(95.0),
        );
    }
    Ok(())
}
