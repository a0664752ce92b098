//! `cargo xtask bench rerank`: other rerankers and ours, side by side.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use vizsla_hub::runtime;

use crate::{cargo_program, release_program, root, run, set_up, target_dir};

#[derive(Debug, Args)]
pub(crate) struct PeersArgs {
    /// The Python script that times the others; it is called with --model, --workload, --threads, --rounds, --queries and,
    /// as --ours, a command to time in turn with them
    #[arg(long)]
    script: PathBuf,
    /// A Python with the packages that the script needs
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Folder of the model: config.json, tokenizer files, model.safetensors, onnx/model.onnx and an int8 file
    #[arg(long)]
    model: PathBuf,
    /// Collection with corpus.jsonl and queries.jsonl
    #[arg(long)]
    dataset: PathBuf,
    /// TREC run with the candidates to rerank
    #[arg(long)]
    candidates: PathBuf,
    /// How many queries to time
    #[arg(long, default_value_t = 20)]
    queries: usize,
    /// How many rounds; the best counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Threads for all of them
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

pub(crate) fn bench(args: &PeersArgs) -> anyhow::Result<()> {
    set_up()?;
    let program = release_program(None)?;
    let workload = target_dir().join("rerank-workload.jsonl");
    write_workload(args, &workload)?;
    let model = args.model.canonicalize().context("cannot find the model")?;
    let (threads, queries) = (args.threads.to_string(), args.queries.to_string());
    let ours = format!(
        "{} model bench --model {} --rerank-threads {threads}",
        program.display(),
        model.display()
    );
    let script = Command::new(&args.python)
        .arg(args.script.canonicalize().context("cannot find the script")?)
        .arg("--model")
        .arg(&model)
        .arg("--workload")
        .arg(&workload)
        .args(["--threads", &threads, "--queries", &queries])
        .args(["--rounds", &args.rounds.to_string(), "--ours", &ours])
        .status()
        .context("cannot run Python")?;
    if !script.success() {
        bail!("the script failed ({script})");
    }
    fastembed(args, &model, &workload, &program)
}

/// fastembed for Rust, which cannot be called from the script, and ours, alternately.
fn fastembed(
    args: &PeersArgs,
    model: &Path,
    workload: &Path,
    program: &Path,
) -> anyhow::Result<()> {
    let target = target_dir().join("fastembed");
    run(
        Command::new(cargo_program())
            .args(["build", "--release", "--locked", "--manifest-path"])
            .arg(root().join("xtask/fastembed/Cargo.toml"))
            .env("CARGO_TARGET_DIR", &target),
        &[0],
    )?;
    let (threads, queries) = (args.threads.to_string(), args.queries.to_string());
    let library = runtime::locate(None)?;
    let mut best = [f64::INFINITY; 2];
    for _ in 0..args.rounds {
        let mut theirs = Command::new(target.join("release/fastembed-bench"));
        theirs.arg(model).arg(workload).arg(&queries);
        theirs.env("ORT_DYLIB_PATH", &library).env("RAYON_NUM_THREADS", &threads);
        let mut ours = Command::new(program);
        ours.args(["model", "bench", "--rerank-threads", &threads, "--queries", &queries]);
        ours.arg("--model").arg(model).arg("--workload").arg(workload);
        for (best, command) in best.iter_mut().zip([theirs, ours]) {
            *best = best.min(seconds_per_pair(command)?);
        }
    }
    let [theirs, ours] = best;
    println!(
        "fastembed (Rust) onnx int8 {:.1} pairs/s, vizsla {:.1} pairs/s: {:.2}x",
        1.0 / theirs,
        1.0 / ours,
        theirs / ours
    );
    Ok(())
}

fn seconds_per_pair(mut command: Command) -> anyhow::Result<f64> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let result: Value = serde_json::from_slice(&output.stdout)?;
    let number = |name: &str| result[name].as_f64().with_context(|| format!("no {name}"));
    Ok(number("seconds")? / number("pairs")?)
}

/// One line per query, with the texts of its candidates in order.
fn write_workload(args: &PeersArgs, to: &Path) -> anyhow::Result<()> {
    let texts = |name: &str| -> anyhow::Result<BTreeMap<String, String>> {
        let path = args.dataset.join(name);
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut texts = BTreeMap::new();
        for line in BufReader::new(file).lines() {
            let record: Value = serde_json::from_str(&line?)?;
            let part = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            let text = format!("{} {}", part("title"), part("text")).trim().to_owned();
            texts.insert(part("_id"), text);
        }
        Ok(texts)
    };
    let (documents, queries) = (texts("corpus.jsonl")?, texts("queries.jsonl")?);
    let run = fs::read_to_string(&args.candidates)
        .with_context(|| format!("cannot read {}", args.candidates.display()))?;
    let mut passages: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in run.lines() {
        let [query, _, document, ..] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            bail!("{} is not a TREC run", args.candidates.display());
        };
        let text = documents.get(document).with_context(|| format!("no document {document}"))?;
        match passages.last_mut() {
            Some((last, texts)) if *last == query => texts.push(text),
            _ => passages.push((query, vec![text])),
        }
    }
    let mut out = BufWriter::new(File::create(to)?);
    for (query, passages) in passages {
        let query = queries.get(query).with_context(|| format!("no query {query}"))?;
        serde_json::to_writer(&mut out, &json!({ "query": query, "passages": passages }))?;
        writeln!(out)?;
    }
    out.flush().context("cannot write the workload")
}
