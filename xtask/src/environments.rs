//! Environments for tools that are written in other languages, made once and kept in `target/environments`. In: a
//! name and packages. Out: a Python or a folder with Node's packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::{root, run, target_dir};

/// Where environments are kept.
pub(crate) fn home() -> PathBuf {
    target_dir().join("environments")
}

/// A Python with packages, as a requirements file has them, made of another Python.
pub(crate) fn python(of: &Path, name: &str, requirements: &str) -> anyhow::Result<PathBuf> {
    let dir = home().join(name);
    let inside = inside(&dir);
    make(&dir, requirements, || {
        // Pip itself takes longer to install than all that is installed without it.
        venv(of, &dir, &["--without-pip"])?;
        let list = dir.join("requirements.txt");
        fs::write(&list, requirements)?;
        let mut install = Command::new(uv(of)?);
        install.args(["-m", "uv", "pip", "install", "--quiet", "--python"]).arg(&inside);
        run(install.arg("-r").arg(&list), &[0])
    })?;
    Ok(inside)
}

/// A folder in which Node finds the packages that `package.json` of `sources` names, and the scripts beside it.
pub(crate) fn node((name, sources): (&str, &str)) -> anyhow::Result<PathBuf> {
    let (dir, sources) = (home().join(name), tests(sources));
    let packages = fs::read_to_string(sources.join("package.json")).context("no package.json")?;
    make(&dir, &packages, || {
        fs::create_dir_all(&dir)?;
        fs::write(dir.join("package.json"), &packages)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(&dir);
        run(&mut npm, &[0])
    })?;
    for script in fs::read_dir(&sources)?.flatten() {
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

/// A Python with the installer that takes seconds for what takes pip minutes.
fn uv(of: &Path) -> anyhow::Result<PathBuf> {
    let dir = home().join("uv");
    let inside = inside(&dir);
    make(&dir, "uv>=0.9,<1", || {
        venv(of, &dir, &[])?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv>=0.9,<1"];
        run(Command::new(&inside).args(pip), &[0])
    })?;
    Ok(inside)
}

fn venv(of: &Path, dir: &Path, options: &[&str]) -> anyhow::Result<()> {
    run(Command::new(of).args(["-m", "venv"]).args(options).arg(dir), &[0])
        .context("Python makes no environment: on Debian, install python3-venv")
}

/// The Python of an environment.
fn inside(dir: &Path) -> PathBuf {
    dir.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
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
