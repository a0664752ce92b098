//! `cargo xtask bench formats`: what is read of real documents, beside the usual reader of each format.

use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use crate::{release_program, root, run};

#[derive(Debug, Args)]
pub(crate) struct FormatsArgs {
    /// Folder of documents, of any formats
    folder: PathBuf,
    /// A Python; with python-pptx, openpyxl and xlrd, those formats are compared too
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// What must be found in the files of the folder, as `xtask/formats.py` says
    #[arg(long)]
    expect: Option<PathBuf>,
    /// Index the folder with Vizsla and with recoll, in turn, instead
    #[arg(long)]
    peers: bool,
    /// How many times each indexes it
    #[arg(long, requires = "peers", default_value_t = 3)]
    rounds: usize,
    /// The jar of Apache Tika's server, or a folder of the jars of its parsers, to time it too
    #[arg(long, requires = "peers")]
    tika: Option<PathBuf>,
}

pub(crate) fn bench(args: &FormatsArgs) -> anyhow::Result<()> {
    let program = release_program(None)?;
    let mut command = Command::new(&args.python);
    command.arg(root().join("xtask/formats.py")).arg(program).arg(&args.folder);
    if let Some(expect) = &args.expect {
        command.arg("--expect").arg(expect);
    }
    if args.peers {
        command.args(["--peers", "--rounds", &args.rounds.to_string()]);
    }
    if let Some(tika) = &args.tika {
        command.arg("--tika").arg(tika);
    }
    run(&mut command, &[0])
}
