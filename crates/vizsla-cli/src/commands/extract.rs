//! `vizsla extract`: what an index would see of files.

use std::ops::ControlFlow;
use std::path::Path;

use vizsla::{CancelHandle, Document, SplitOptions, split};
use vizsla_extract::Sink;
use vizsla_ingest::{FileReader, Problem};

use crate::args::ExtractArgs;
use crate::{Outcome, output, workers};

pub(crate) fn run(args: &ExtractArgs) -> anyhow::Result<Outcome> {
    let reader = FileReader::new(args.reading.limits())
        .with_workers(workers::command_for(&args.reading)?, args.reading.ocr.clone());
    let mut is_whole = true;
    for file in &args.files {
        let mut printing = Printing { file, json: args.json, is_whole: true, printed: Ok(()) };
        match reader.read(file, &mut printing, &CancelHandle::new()) {
            Ok(format) if !args.json => {
                output::line(&format!("{}: read as {}", file.display(), format.title()))?;
            }
            Ok(_) => {}
            Err(problem) => printing.show(&problem),
        }
        printing.printed?;
        is_whole &= printing.is_whole;
    }
    Ok(if is_whole { Outcome::Success } else { Outcome::Partial })
}

/// Prints documents and problems as they are found.
struct Printing<'a> {
    file: &'a Path,
    json: bool,
    /// Whether nothing was lost.
    is_whole: bool,
    printed: anyhow::Result<()>,
}

impl Printing<'_> {
    fn show(&mut self, problem: &Problem) {
        self.is_whole &= !problem.kind.loses_text();
        if self.printed.is_ok() {
            self.printed = output::print_problem(problem, self.json);
        }
    }
}

impl Sink for Printing<'_> {
    fn document(&mut self, document: Document) -> ControlFlow<()> {
        let passages = split(&document, &SplitOptions::default());
        self.printed = output::print_extracted(&document, &passages, self.json);
        if self.printed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn problem(&mut self, problem: vizsla_extract::Problem) {
        self.show(&Problem::in_file(self.file.display().to_string(), &problem));
    }
}
