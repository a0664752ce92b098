//! `cargo xtask wheel`: what is uploaded for Python, built and checked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;

use crate::environments;
use crate::python::folder;
use crate::{cargo_program, run, target_dir};

#[derive(Debug, Args)]
pub(crate) struct WheelArgs {
    /// Build with the `dev` profile: soon done, large and slow
    #[arg(long)]
    dev: bool,
    /// Keep the source distribution as well, and build a wheel from it as pip would
    #[arg(long)]
    sdist: bool,
    /// The Python to make environments of
    #[arg(long, default_value = "python3")]
    python: PathBuf,
}

/// What builds and checks; zig links against the old C library that a manylinux wheel is for.
const TOOLS: &str = "abi3audit>=0.0.20,<1
auditwheel>=6.4,<7
build>=1.3,<2
maturin>=1.9,<2
pip
ziglang>=0.13,<1
";

pub(crate) fn build(args: &WheelArgs) -> anyhow::Result<()> {
    let tools = environments::python(&args.python, "wheel", TOOLS)?;
    let out = target_dir().join("wheels");
    let _ = fs::remove_dir_all(&out);
    let mut maturin = python(&tools)?;
    // Not in pyproject.toml: the source distribution lacks this crate, and its lock file would have to change.
    maturin.args(["-m", "maturin", "build", "--locked", "--manifest-path"]);
    maturin.arg(folder().join("Cargo.toml"));
    maturin.args(["--profile", if args.dev { "dev" } else { "release" }]).arg("--out").arg(&out);
    if cfg!(target_os = "linux") {
        maturin.args(["--zig", "--compatibility", "manylinux2014"]);
    }
    run(&mut maturin, &[0])?;
    let wheel = only(&out, ".whl")?;
    run(python(&tools)?.args(["-m", "abi3audit", "--strict", "--summary"]).arg(&wheel), &[0])?;
    if cfg!(target_os = "linux") {
        run(python(&tools)?.args(["-m", "auditwheel", "show"]).arg(&wheel), &[0])?;
    }
    imports(&args.python, &wheel, "wheel-trial")?;
    sdist(args, &tools, &out)
}

/// The source distribution, from which a wheel is built elsewhere.
fn sdist(args: &WheelArgs, tools: &Path, wheels: &Path) -> anyhow::Result<()> {
    let scratch = target_dir().join("python/sdist");
    let _ = fs::remove_dir_all(&scratch);
    let out = if args.sdist { wheels } else { &scratch };
    let mut maturin = python(tools)?;
    maturin.args(["-m", "maturin", "sdist", "--manifest-path"]).arg(folder().join("Cargo.toml"));
    run(maturin.arg("--out").arg(out), &[0])?;
    let sdist = only(out, ".tar.gz")?;
    is_complete(tools, &sdist, &scratch.join("unpacked"))?;
    if !args.sdist {
        return Ok(());
    }
    let built = target_dir().join("python/from-sdist");
    let _ = fs::remove_dir_all(&built);
    let mut pip = python(tools)?;
    pip.args(["-m", "pip", "wheel", "--no-deps", "--wheel-dir"]).arg(&built).arg(&sdist);
    if args.dev {
        pip.args(["--config-settings", "build-args=--profile=dev"]);
    }
    run(&mut pip, &[0])?;
    imports(&args.python, &only(&built, ".whl")?, "sdist-trial")
}

/// Checks what was packed where it finds nothing else, which takes a fraction of a build's time.
fn is_complete(tools: &Path, sdist: &Path, unpacked: &Path) -> anyhow::Result<()> {
    run(python(tools)?.args(["-m", "tarfile", "--extract"]).arg(sdist).arg(unpacked), &[0])?;
    let name = sdist.file_name().unwrap_or_default().to_string_lossy();
    let manifest = unpacked.join(name.trim_end_matches(".tar.gz")).join("Cargo.toml");
    let mut cargo = Command::new(cargo_program());
    cargo.args(["check", "--offline", "--package", "vizsla-python", "--manifest-path"]);
    run(cargo.arg(manifest).env("CARGO_TARGET_DIR", target_dir()), &[0])
}

/// Installs a wheel where nothing else is, and asks it something.
fn imports(python: &Path, wheel: &Path, name: &str) -> anyhow::Result<()> {
    let inside = environments::python(python, name, "numpy>=2,<3\nonnxruntime>=1.24,<2\npip\n")?;
    let install = ["-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall"];
    run(Command::new(&inside).args(install).arg(wheel), &[0])?;
    let question = "import vizsla; best = vizsla.CrossEncoder().rank('what barks?', ['A cat purrs.', 'A dog barks.'])[0]; \
                    assert best['corpus_id'] == 1, best";
    run(Command::new(&inside).args(["-c", question]), &[0])?;
    run(Command::new(&inside).args(["-m", "vizsla", "--version"]), &[0])
}

/// A Python whose programs, such as zig, are found first.
fn python(tools: &Path) -> anyhow::Result<Command> {
    let mut folders = vec![tools.parent().context("the environment has no folder")?.to_owned()];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut command = Command::new(tools);
    command.env("PATH", std::env::join_paths(folders)?);
    Ok(command)
}

/// The file of a folder with this end.
fn only(dir: &Path, end: &str) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    match files.find(|path| path.to_string_lossy().ends_with(end)) {
        Some(path) => Ok(path),
        None => bail!("there is no file *{end} in {}", dir.display()),
    }
}
