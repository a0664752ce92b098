//! Environments for tools that are written in other languages, made once and kept in `target/clients`. In: a name and
//! packages. Out: a Python or a folder with Node's packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::{root, run, target_dir};

/// Where environments are kept.
pub(crate) fn home() -> PathBuf {
    target_dir().join("clients")
}

/// A Python with packages.
pub(crate) fn python(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let dir = home().join(name);
    let interpreter = dir.join("bin/python");
    make(&dir, &packages.join("\n"), || {
        let uv = uv()?;
        run(Command::new(&uv).args(["venv", "--quiet", "--python", "python3"]).arg(&dir), &[0])?;
        let mut install = Command::new(&uv);
        install.args(["pip", "install", "--quiet", "--python"]).arg(&interpreter).args(packages);
        run(&mut install, &[0])
    })?;
    Ok(interpreter)
}

/// A folder in which Node finds the packages that `package.json` of `sources` names, and the scripts beside it.
pub(crate) fn node(name: &str, sources: &Path) -> anyhow::Result<PathBuf> {
    let dir = home().join(name);
    let packages = fs::read_to_string(sources.join("package.json")).context("no package.json")?;
    make(&dir, &packages, || {
        fs::create_dir_all(&dir)?;
        fs::write(dir.join("package.json"), &packages)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(&dir);
        run(&mut npm, &[0])
    })?;
    for script in fs::read_dir(sources)?.flatten() {
        if script.path().extension().is_some_and(|extension| extension == "mjs") {
            fs::copy(script.path(), dir.join(script.file_name()))?;
        }
    }
    Ok(dir)
}

/// Whether a program is there.
pub(crate) fn has(program: &str) -> bool {
    let asked = Command::new(program).arg("--version").output();
    asked.is_ok_and(|output| output.status.success())
}

/// The installer of Python's packages, which is far faster than the usual one.
fn uv() -> anyhow::Result<PathBuf> {
    let dir = home().join("uv");
    make(&dir, "uv", || {
        run(Command::new("python3").args(["-m", "venv"]).arg(&dir), &[0])?;
        let mut pip = Command::new(dir.join("bin/python"));
        run(
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"]),
            &[0],
        )
    })?;
    Ok(dir.join("bin/uv"))
}

/// Makes an environment unless it is there with these packages. What was left half done is made anew.
fn make(
    dir: &Path,
    packages: &str,
    create: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let made = dir.join("made-of");
    if fs::read_to_string(&made).is_ok_and(|known| known == packages) {
        return Ok(());
    }
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(home())?;
    create().with_context(|| format!("cannot make the environment {}", dir.display()))?;
    Ok(fs::write(made, packages)?)
}

/// A folder of the repository's tests.
pub(crate) fn tests(name: &str) -> PathBuf {
    root().join("tests").join(name)
}
