//! `cargo xtask fuzz`: feeds the readers of everything that comes from outside with made-up bytes, one target after the
//! other, and stops at the first that fails.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use clap::Args;

/// The programs in `tests/fuzz/targets`, each with the fixtures that it begins from.
const TARGETS: [(&str, &[&str]); 5] = [
    ("extract", &["index-fixtures/documents", "index-fixtures/formats", "index-fixtures/broken"]),
    ("query", &[]),
    ("trec", &["index-fixtures/trec_eval"]),
    ("stored_passage", &[]),
    ("onnx_graph", &["index-fixtures/models"]),
];
/// Larger fixtures make poor seeds.
const LARGEST_SEED: u64 = 256 << 10;

#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// Targets to run [default: all]
    targets: Vec<String>,
    /// Minutes for each target
    #[arg(long, default_value_t = 60)]
    minutes: u64,
}

pub(crate) fn run(args: &FuzzArgs) -> anyhow::Result<()> {
    let wanted = |name: &str| args.targets.is_empty() || args.targets.iter().any(|t| t == name);
    for (target, fixtures) in TARGETS.into_iter().filter(|(name, _)| wanted(name)) {
        let corpus = crate::root().join("tests/fuzz/corpus").join(target);
        fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
        for folder in fixtures {
            seed(&crate::root().join(folder), &corpus)?;
        }
        let seconds = format!("-max_total_time={}", args.minutes * 60);
        let mut command = Command::new("cargo");
        command.args(["+nightly", "fuzz", "run", "--fuzz-dir", "tests/fuzz", target]);
        command.args(["--", &seconds, "-timeout=10", "-rss_limit_mb=4096", "-max_len=65536"]);
        // The variable that cargo sets for its own children would pick this toolchain instead of nightly.
        command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        crate::run(&mut command, &[0])?;
    }
    Ok(())
}

/// Copies what is small enough under names of its own.
fn seed(folder: &Path, corpus: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()));
    for entry in entries? {
        let path = entry?.path();
        if path.is_dir() {
            seed(&path, corpus)?;
        } else if path.metadata()?.len() <= LARGEST_SEED {
            let name = path.to_string_lossy().replace(['/', '\\'], "_");
            fs::copy(&path, corpus.join(name))?;
        }
    }
    Ok(())
}
