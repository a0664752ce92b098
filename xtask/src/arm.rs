//! `cargo xtask arm`: tests the encoder's kernels for ARM on other processors, in an emulator.

use std::process::{Command, Output};

use anyhow::bail;

use crate::environments::has;
use crate::{cargo_program, run};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const LINKER: &str = "aarch64-linux-gnu-gcc";
const EMULATOR: &str = "qemu-aarch64";
/// Processors by the emulator's names: one that multiplies matrices, one that has dot products alone, one with neither.
const PROCESSORS: [&str; 3] = ["max", "neoverse-n1", "cortex-a57"];

pub(crate) fn check() -> anyhow::Result<()> {
    if cfg!(target_arch = "aarch64") {
        println!("this is an ARM processor, where `cargo test` tests the kernels themselves");
        return Ok(());
    }
    if let Some(missing) = missing() {
        bail!("{missing}");
    }
    let cargo = |args: &[&str]| {
        let mut cargo = Command::new(cargo_program());
        cargo
            .args(args)
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER)
            .env("CC_aarch64_unknown_linux_gnu", LINKER);
        cargo
    };
    let of = ["--package", "vizsla-onnx", "--target", TARGET];
    let clippy = [&["clippy", "--all-targets"], &of[..], &["--", "-D", "warnings"]].concat();
    run(&mut cargo(&clippy), &[0])?;
    for processor in PROCESSORS {
        // Tests of whole models need ONNX Runtime for that processor.
        let filter = ["--", "encoder::", "--skip", "cross_encoder"];
        let test = [&["test", "--lib"], &of[..], &filter].concat();
        let emulator = format!("{EMULATOR} -L /usr/aarch64-linux-gnu -cpu {processor}");
        let runner = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER";
        run(cargo(&test).env(runner, emulator), &[0])?;
    }
    Ok(())
}

/// The same where it can be done; elsewhere says what is missing.
pub(crate) fn check_if_possible() -> anyhow::Result<()> {
    match missing() {
        Some(missing) => {
            println!("\n*** the kernels for ARM are not tested: {missing} ***");
            Ok(())
        }
        None => check(),
    }
}

fn missing() -> Option<String> {
    for (program, package) in [(EMULATOR, "qemu-user"), (LINKER, "gcc-aarch64-linux-gnu")] {
        if !has(program) {
            return Some(format!("{program} is missing: `apt-get install {package}`"));
        }
    }
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    let is_installed =
        |output: Output| String::from_utf8_lossy(&output.stdout).lines().any(|line| line == TARGET);
    if installed.is_ok_and(is_installed) {
        return None;
    }
    Some(format!("Rust's library for it is missing: `rustup target add {TARGET}`"))
}
