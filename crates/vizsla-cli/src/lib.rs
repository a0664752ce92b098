//! The `vizsla` program: arguments, settings, calls, output. A library, so that it can also be started from within another
//! process, as the Python package does.

#![forbid(unsafe_code)]

mod args;
mod commands;
mod engines;
mod filters;
mod hints;
mod index_dir;
mod index_settings;
mod interrupt;
mod output;
mod place;
mod progress;
#[cfg(feature = "serve")]
mod served;
mod settings;
mod workers;

use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::catch_unwind;

use anyhow::anyhow;

use crate::args::{Cli, Command};

/// How a command ended when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Success,
    NoHits,
    /// Something that searches need does not work.
    Unfit,
    /// Done, except for some files that could not be read.
    Partial,
}

/// Runs the program as a process would: `args` begin with its name, and the exit status is returned. `start` is how to start
/// it again, when that is not the file of this process: workers and agents do.
pub fn run(args: impl IntoIterator<Item = OsString>, start: Option<Vec<OsString>>) -> u8 {
    settings::start_with(start);
    let status = parse_and_execute(args);
    // Within another process, nothing else does.
    let _ = io::stdout().flush();
    status
}

fn parse_and_execute(args: impl IntoIterator<Item = OsString>) -> u8 {
    let parsed = match args::parse::<Cli>(args) {
        Ok(parsed) => parsed,
        // Help and version.
        Err(error) if !error.use_stderr() => {
            let _ = error.print();
            return 0;
        }
        Err(error) => {
            // What was typed is quoted in it, control characters included.
            output::complain(error.render().to_string().trim_start_matches("error: ").trim_end());
            return 2;
        }
    };
    for word in &parsed.dashed {
        output::note(&format!("{word} is no option of this program: read as part of the question"));
    }
    if !settings::wants_backtraces() {
        // A damaged file can make the engine panic, which becomes one of our errors; a second message would only confuse.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let outcome = match catch_unwind(|| execute(parsed.cli.command)) {
        Ok(outcome) => outcome,
        Err(_) => Err(anyhow!(
            "this is a bug in the program; set RUST_BACKTRACE=1, run it again and report what it prints"
        )),
    };
    let status = status_of(outcome);
    if let Some(name) = parsed.resembles {
        output::hint(&format!("these words were searched for; the command is `vizsla {name}`"));
    }
    if let Some(question) = parsed.as_question.filter(|_| !matches!(status, 0 | 130)) {
        output::hint(&format!("to search for these words, use `{question}`"));
    }
    status
}

/// The exit status of a command, after saying what went wrong.
fn status_of(outcome: anyhow::Result<Outcome>) -> u8 {
    match outcome {
        Ok(Outcome::Success) => 0,
        Ok(Outcome::NoHits | Outcome::Unfit) => 1,
        Ok(Outcome::Partial) => 3,
        // The reader of the output has seen enough.
        Err(error) if is_broken_pipe(&error) => 0,
        Err(error) if error.is::<interrupt::Interrupted>() => {
            output::complain(&error.to_string());
            130
        }
        Err(error) => {
            output::complain(&format!("{error:#}"));
            hints::of(&error).iter().for_each(|hint| output::hint(hint));
            2
        }
    }
}

fn execute(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Setup(args) => commands::setup::run(&args),
        Command::Index(args) => commands::index::run(&args),
        Command::Watch(args) => commands::watch::run(&args),
        Command::Check(args) => commands::check::check(&args),
        Command::Repair(args) => commands::check::repair(&args),
        Command::Search(args) => commands::search::run(&args),
        Command::Rerank(args) => commands::rerank::run(&args),
        #[cfg(feature = "serve")]
        Command::Serve(args) => commands::serve::run(&args),
        Command::Info(args) => commands::info::run(&args),
        Command::Extract(args) => commands::extract::run(&args),
        Command::ExtractWorker => workers::run(),
        Command::Delete(args) => commands::delete::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Eval(args) => commands::eval::run(&args),
        Command::Tune(args) => commands::tune::run(&args),
        Command::Completions(args) => commands::generated::completions(&args),
        Command::ManPages(args) => commands::generated::manual_pages(&args),
        #[cfg(feature = "serve")]
        Command::Mcp(args) => commands::mcp::run(&args),
        Command::Model(command) => commands::model::run(&command),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
            || cause
                .downcast_ref::<serde_json::Error>()
                .is_some_and(|error| error.io_error_kind() == Some(io::ErrorKind::BrokenPipe))
    })
}
