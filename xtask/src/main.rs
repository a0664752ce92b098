//! The repository's tasks: `cargo xtask demo`, `cargo xtask test`, `cargo xtask bench`.

#![allow(clippy::print_stdout, reason = "a task reports what it does")]
#![allow(clippy::disallowed_methods, reason = "a task reads its own environment")]

mod arm;
mod budget;
mod clients;
mod engine;
mod environments;
mod first_stage;
mod formats;
mod fuzz;
mod judged;
mod peers;
mod plan;
mod python;
mod record;
mod scale;
mod serve;
mod wheel;

use std::ffi::OsString;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use clap::{Parser, Subcommand};
use plotters::style::RGBColor;
use vizsla_hub::Progress;
use vizsla_hub::runtime::{self, Source};

use self::budget::BudgetArgs;
use self::clients::ClientsArgs;
use self::engine::EngineArgs;
use self::first_stage::FirstStageArgs;
use self::formats::FormatsArgs;
use self::fuzz::FuzzArgs;
use self::peers::PeersArgs;
use self::plan::PlanArgs;
use self::python::PythonArgs;
use self::record::RecordArgs;
use self::scale::ScaleArgs;
use self::serve::ServeArgs;
use self::wheel::WheelArgs;

/// Line colours of plots, which people with colour blindness can distinguish: Okabe and Ito's.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Set up, build, index a real folder and ask it questions
    Demo {
        /// Folder to index [default: the sources of some packages that Vizsla is built from]
        folder: Option<PathBuf>,
    },
    /// Set up, check format and lints, run all tests, build the documentation
    Test,
    /// Test the encoder's kernels for ARM in an emulator
    Arm,
    /// Ask the server with clients that were written for other servers, and look at its page in a browser
    Clients(ClientsArgs),
    /// Set up and check the Python package: lints, types, tests, notebook
    Python(PythonArgs),
    /// Build the wheel and the source distribution of the Python package into target/wheels, and check them
    Wheel(WheelArgs),
    /// Record the journey that README.md shows
    Record(RecordArgs),
    /// Run the fuzz targets; needs a nightly compiler and cargo-fuzz
    Fuzz(FuzzArgs),
    /// Start another search engine and run a command with it
    Engine(EngineArgs),
    /// Set up and run the benchmarks
    Bench {
        #[command(subcommand)]
        which: Option<Bench>,
    },
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Rerank the same pairs with the same weights as other programs do
    Rerank(PeersArgs),
    /// Measure quality against the time limit of a search, and plot it
    Budget(BudgetArgs),
    /// Measure quality against how much the reranker reads, and plot it
    Plan(PlanArgs),
    /// Index and search corpora of several sizes, beside bare tantivy and other programs, and plot the cost
    FirstStage(FirstStageArgs),
    /// Read real documents beside the usual reader of each format
    Formats(FormatsArgs),
    /// Load the server: throughput, big calls beside small ones, ten times too much, and another server beside it
    Serve(ServeArgs),
    /// Search many passages in a cluster of OpenSearch, and time what is the engine's own and what is not
    Engine(ScaleArgs),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().chore {
        Chore::Demo { folder } => demo(folder),
        Chore::Test => test(),
        Chore::Arm => arm::check(),
        Chore::Clients(args) => clients::check(&args),
        Chore::Python(args) => python::check(&args),
        Chore::Wheel(args) => wheel::build(&args),
        Chore::Record(args) => record::record(&args),
        Chore::Fuzz(args) => fuzz::run(&args),
        Chore::Engine(args) => engine::run(&args),
        Chore::Bench { which: None } => bench(),
        Chore::Bench { which: Some(Bench::Rerank(args)) } => peers::bench(&args),
        Chore::Bench { which: Some(Bench::Budget(args)) } => budget::bench(&args),
        Chore::Bench { which: Some(Bench::Plan(args)) } => plan::bench(&args),
        Chore::Bench { which: Some(Bench::FirstStage(args)) } => first_stage::bench(&args),
        Chore::Bench { which: Some(Bench::Formats(args)) } => formats::bench(&args),
        Chore::Bench { which: Some(Bench::Serve(args)) } => serve::bench(&args),
        Chore::Bench { which: Some(Bench::Engine(args)) } => scale::bench(&args),
    }
}

fn demo(folder: Option<PathBuf>) -> anyhow::Result<()> {
    set_up()?;
    let program = release_program(None)?;
    let index = target_dir().join("demo-index");
    let folders = folder.map_or_else(package_dirs, |folder| Ok(vec![folder]))?;
    let index = index.display().to_string();
    // An index of another folder would mix its documents into the answers.
    let _ = std::fs::remove_dir_all(&index);
    run(Command::new(&program).arg("index").args(&folders).args(["--index", &index]), &[0, 3])?;
    for question in [
        "how is a regular expression compiled",
        "what to do when two threads need the same data",
        "parse a date with a time zone",
    ] {
        run(
            Command::new(&program).args(["search", question, "--index", &index, "--limit", "2"]),
            &[0, 1],
        )?;
    }
    println!("\nAsk it yourself:\n  {} search --index {index}", program.display());
    Ok(())
}

fn test() -> anyhow::Result<()> {
    set_up()?;
    // Engines start, and environments are made, while the code is checked and built.
    let engines = thread::scope(|scope| {
        let starting = scope.spawn(engine::start_all);
        let preparing = scope.spawn(|| clients::prepare().and_then(|()| python::prepare()));
        cargo(&["fmt", "--all", "--check"])?;
        cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ])?;
        // What users of the libraries build who choose no features, which no other step does.
        let libraries = ["vizsla", "vizsla-extract", "vizsla-ingest", "vizsla-onnx"];
        let packages = libraries.iter().flat_map(|name| ["--package", name]);
        let bare: Vec<_> =
            iter::once("clippy").chain(packages).chain(["--", "-D", "warnings"]).collect();
        cargo(&bare)?;
        // The integration tests run the program. Its own features alone would be another build of everything.
        cargo(&["build", "--workspace", "--all-features"])?;
        preparing.join().map_err(|_| anyhow!("the environments could not be made"))??;
        starting.join().map_err(|_| anyhow!("the engines could not be started"))?
    })?;
    let all = ["test", "--workspace", "--all-features", "--lib", "--bins", "--tests", "--examples"];
    let engine_urls = engines.iter().map(|(variable, engine)| (variable, engine.url()));
    run(Command::new(cargo_program()).args(all).envs(engine_urls), &[0])?;
    drop(engines);
    cargo(&["test", "--workspace", "--all-features", "--doc"])?;
    arm::check_if_possible()?;
    clients::quick()?;
    run(
        Command::new(cargo_program())
            .args(["doc", "--workspace", "--all-features", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings"),
        &[0],
    )?;
    python::check(&PythonArgs::default())
}

fn bench() -> anyhow::Result<()> {
    set_up()?;
    cargo(&["bench", "--package", "vizsla-onnx", "--bench", "padded_batch"])?;
    cargo(&["bench", "--package", "vizsla-onnx", "--bench", "int8_peak"])?;
    let load = ["--bench", "budget_under_load", "--features", "bundled"];
    cargo(&[&["bench", "--package", "vizsla-onnx"], &load[..]].concat())?;
    cargo(&["bench", "--package", "vizsla", "--bench", "search_cost"])?;
    cargo(&["bench", "--package", "vizsla", "--bench", "first_stage"])
}

/// What `vizsla setup` does, before there is a `vizsla`.
fn set_up() -> anyhow::Result<()> {
    let installed = runtime::install(&Source::defaults(), &Fetching)?;
    println!("ONNX Runtime {}: {}", runtime::VERSION, installed.path.display());
    Ok(())
}

/// Reports what is fetched; bars would only clutter the log of a task.
struct Fetching;

impl Progress for Fetching {
    fn begin(&self, what: &str, _: Option<u64>) {
        println!("fetching {what}");
    }

    fn failed(&self, error: &vizsla_hub::Error) {
        println!("{error}; trying the next source");
    }
}

/// The cargo that runs this, or the one on the path: rustup's, which tells all that it starts which toolchain to use,
/// whatever a crate's own folder says.
fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn cargo(args: &[&str]) -> anyhow::Result<()> {
    run(Command::new(cargo_program()).args(args), &[0])
}

/// The program to measure or to show: the one given, or else one that is built.
fn release_program(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(program) = given {
        return program.canonicalize().context("cannot find the program");
    }
    cargo(&["build", "--release", "--package", "vizsla-cli"])?;
    Ok(target_dir().join("release").join(format!("vizsla{}", std::env::consts::EXE_SUFFIX)))
}

/// Copies a folder, without what Python has compiled.
fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, name) = (entry.path(), entry.file_name());
        if source.is_dir() && name != "__pycache__" {
            copy_folder(&source, &to.join(name))?;
        } else if source.is_file() {
            fs::copy(&source, to.join(name))
                .with_context(|| format!("cannot copy {}", source.display()))?;
        }
    }
    Ok(())
}

fn run(command: &mut Command, good_codes: &[i32]) -> anyhow::Result<()> {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect();
    let line = words.join(" ");
    println!("\n$ {line}");
    let start = Instant::now();
    let status =
        command.current_dir(root()).status().with_context(|| format!("cannot run `{line}`"))?;
    println!("({} s)", start.elapsed().as_secs());
    match status.code() {
        Some(code) if good_codes.contains(&code) => Ok(()),
        _ => bail!("`{line}` failed ({status})"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Packages whose sources and guides make a good folder to ask questions of.
const DEMO_PACKAGES: [&str; 10] = [
    "clap_builder-4",
    "csv-1",
    "ignore-0",
    "indicatif-0",
    "jiff-1",
    "proptest-1",
    "rayon-1",
    "regex-1",
    "tantivy-0",
    "ureq-3",
];

/// Where cargo keeps those packages: real folders of prose and code that exist once the project has been built.
fn package_dirs() -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new(cargo_program())
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .context("cannot run cargo metadata")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let manifests =
        text.split("\"manifest_path\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let folders = manifests.filter_map(|manifest| Path::new(manifest).parent());
    let wanted = |folder: &&Path| {
        folder.file_name().is_some_and(|name| {
            DEMO_PACKAGES.iter().any(|package| name.to_string_lossy().starts_with(package))
        })
    };
    let folders: Vec<_> = folders.filter(wanted).map(Path::to_owned).collect();
    if folders.is_empty() {
        bail!(
            "cargo keeps its packages in an unusual place; name a folder: cargo xtask demo FOLDER"
        );
    }
    Ok(folders)
}
