//! What happened to the sources of an index, for people to read.

use std::io;

use vizsla_ingest::{Problem, ProblemKind, Report, SkipReason};

/// How many names of each kind are printed unless all are requested.
const FEW: usize = 3;

/// Prints the numbers to standard output, and what could not be read, with the remedy, to standard error.
pub(crate) fn print_report(report: &Report, verbose: bool) -> io::Result<()> {
    let rate = report.passages as f64 / report.seconds.max(0.001);
    super::line(&format!(
        "{} added, {} changed, {} renamed, {} removed, {} unchanged: {} documents in {} passages, {:.1} s ({rate:.0} passages/s)",
        report.added,
        report.changed,
        report.renamed,
        report.removed,
        report.unchanged,
        report.documents,
        report.passages,
        report.seconds
    ))?;
    let notes = notes(report);
    if !notes.is_empty() {
        super::line(&notes.join(", "))?;
    }
    print_collisions(report, verbose);
    if verbose {
        for skipped in &report.skipped {
            let id =
                skipped.id.as_ref().map(|id| format!(", document \"{id}\"")).unwrap_or_default();
            super::note(&format!("{}: {}{id}", reason(skipped.reason), skipped.path));
        }
    }
    print_problems(report);
    Ok(())
}

fn notes(report: &Report) -> Vec<String> {
    let counts = [
        (report.binary, "binary files skipped (--verbose names them)"),
        (report.ignored, "hidden or ignored files skipped"),
        (report.special, "FIFOs, sockets or devices skipped"),
        (report.links_not_followed, "symbolic links not followed (--follow follows them)"),
        (report.empty, "documents without any text"),
        (
            report.repeated_ids,
            "documents replaced by a later one of the same file with the same id",
        ),
    ];
    let given = counts.into_iter().filter(|(count, _)| *count > 0);
    given.map(|(count, what)| format!("{count} {what}")).collect()
}

fn print_collisions(report: &Report, verbose: bool) {
    let shown = if verbose { report.collisions.len() } else { FEW };
    for collision in report.collisions.iter().take(shown) {
        super::note(&format!("{} has more than one document \"{}\"", collision.path, collision.id));
    }
    if let more @ 1.. = report.collisions.len().saturating_sub(shown) {
        super::note(&format!("and {more} more repeated ids (--verbose names them)"));
    }
}

fn print_problems(report: &Report) {
    for problem in &report.problems {
        super::note(&format!("{}: {}{}", named(problem), problem.reason, remedy(problem.kind)));
    }
    if !report.problems.is_empty() {
        super::note(&format!("{} problems; everything else is indexed", report.problems.len()));
    }
}

fn named(problem: &Problem) -> &str {
    if problem.path == "-" { "standard input" } else { &problem.path }
}

fn remedy(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Emptied => "; --prune removes them",
        ProblemKind::AllIgnored => "; --hidden and --no-ignore include them",
        ProblemKind::TooLarge => "; --max-file-size raises it",
        _ => "",
    }
}

fn reason(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Binary => "binary",
        SkipReason::TooLarge => "too large",
        SkipReason::Empty => "without text",
        SkipReason::Link => "link not followed",
        SkipReason::Ignored => "hidden or ignored",
        SkipReason::Special => "not a regular file",
        _ => "skipped",
    }
}
