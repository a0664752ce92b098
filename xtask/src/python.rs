//! `cargo xtask python`: the Python package, checked and tested as it is imported, in environments that this makes itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;

use crate::environments;
use crate::{cargo, copy_folder, root, set_up, target_dir};

#[derive(Debug, Args)]
pub(crate) struct PythonArgs {
    /// Test the adapters as well, each with the real package in an environment of its own
    #[arg(long)]
    adapters: bool,
    /// The Python to make environments of
    #[arg(long, default_value = "python3")]
    python: PathBuf,
}

impl Default for PythonArgs {
    fn default() -> Self {
        Self { adapters: false, python: "python3".into() }
    }
}

/// The adapters, with the packages that they are for.
const ADAPTERS: [(&str, &[&str]); 5] = [
    ("haystack", &["haystack-ai==3.4.1"]),
    ("langchain", &["langchain-core==1.8.3", "langchain-classic==1.0.8"]),
    ("llama_index", &["llama-index-core==0.14.25"]),
    ("pyterrier", &["pyterrier==1.1.2"]),
    ("rerankers", &["rerankers==0.10.0"]),
];

pub(crate) fn check(args: &PythonArgs) -> anyhow::Result<()> {
    set_up()?;
    let package = build()?;
    let tools = tools(&args.python)?;
    let python = |arguments: &[&str]| run_in(&tools, &package, arguments);
    python(&["-m", "ruff", "check", "."])?;
    python(&["-m", "ruff", "format", "--check", "."])?;
    let core = "^python/vizsla/(haystack|langchain|llama_index|pyterrier|rerankers)\\.py$";
    python(&["-m", "mypy", "--exclude", core, "python/vizsla", "examples"])?;
    python(&["-m", "pyright", "--pythonpath", &display(&tools), "examples"])?;
    python(&["-m", "pytest", "--quiet"])?;
    let out = target_dir().join("python/notebook");
    let notebook = ["-m", "jupyter", "nbconvert", "--execute", "--to", "html", "--output-dir"];
    python(&[&notebook[..], &[&display(&out), "examples/search.ipynb"]].concat())?;
    if args.adapters { adapters(&args.python, &package) } else { Ok(()) }
}

/// Makes the environment of the tests, the adapters' aside.
pub(crate) fn prepare() -> anyhow::Result<()> {
    tools(&PythonArgs::default().python).map(drop)
}

fn tools(python: &Path) -> anyhow::Result<PathBuf> {
    let requirements = fs::read_to_string(folder().join("tests/requirements.txt"))
        .context("cannot read the requirements of the tests")?;
    environments::python(python, "tools", &requirements)
}

fn adapters(python: &Path, package: &Path) -> anyhow::Result<()> {
    let shared = fs::read_to_string(folder().join("adapters/requirements.txt"))
        .context("cannot read the requirements of the adapters")?;
    for (name, packages) in ADAPTERS {
        let requirements = format!("{shared}{}\n", packages.join("\n"));
        let python = environments::python(python, &format!("adapter-{name}"), &requirements)?;
        run_in(
            &python,
            package,
            &["-m", "pytest", "--quiet", &format!("adapters/test_{name}.py")],
        )?;
    }
    Ok(())
}

/// Where the package's sources are.
pub(crate) fn folder() -> PathBuf {
    root().join("crates/vizsla-python")
}

/// The package as it is installed, but built with what the tests were built with. Returns the folder to import it from.
fn build() -> anyhow::Result<PathBuf> {
    // Other features would be another build of everything.
    cargo(&["build", "--workspace", "--all-features"])?;
    let built = target_dir().join("debug");
    let (prefix, extension, suffix) = match std::env::consts::OS {
        "windows" => ("", "dll", "pyd"),
        "macos" => ("lib", "dylib", "abi3.so"),
        _ => ("lib", "so", "abi3.so"),
    };
    let library = built.join(format!("{prefix}vizsla_python.{extension}"));
    let package = target_dir().join("python/package");
    let _ = fs::remove_dir_all(&package);
    copy_folder(&folder().join("python"), &package)?;
    let native = package.join("vizsla").join(format!("_native.{suffix}"));
    fs::copy(&library, &native).with_context(|| format!("cannot copy {}", library.display()))?;
    Ok(package)
}

fn run_in(python: &Path, package: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    println!("\n$ python {}", arguments.join(" "));
    let status = Command::new(python)
        .args(arguments)
        .current_dir(folder())
        .env("PYTHONPATH", package)
        .env("MYPYPATH", "python")
        .status()
        .with_context(|| format!("cannot run {}", python.display()))?;
    if !status.success() {
        bail!("`python {}` failed ({status})", arguments.join(" "));
    }
    Ok(())
}

fn display(path: &Path) -> String {
    path.display().to_string()
}
