//! What happened to the sources of an index, for people to read.

use std::collections::BTreeSet;
use std::io;

use vizsla_ingest::{Problem, Report, SkipReason};

use super::extracted::described;
use super::names::counted;

/// How many names of each kind are printed unless all are requested.
const FEW: usize = 3;

/// Prints the numbers to standard output, and what could not be read, with the remedy, to standard error.
pub(crate) fn print_report(report: &Report, verbose: bool) -> io::Result<()> {
    let rate = report.passages as f64 / report.seconds.max(0.001);
    super::line(&format!(
        "{} added, {} changed, {} renamed, {} removed, {} unchanged: {} in {}, {:.1} s ({rate:.0} passages/s)",
        report.added,
        report.changed,
        report.renamed,
        report.removed,
        report.unchanged,
        counted(report.documents, "document", "documents"),
        counted(report.passages, "passage", "passages"),
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
            let flag = match skipped.reason {
                SkipReason::Generated => " (--no-default-excludes takes it in)",
                _ => "",
            };
            super::note(&format!("{}{flag}: {}{id}", why_skipped(skipped.reason), skipped.path));
        }
    }
    print_problems(report, verbose);
    Ok(())
}

fn notes(report: &Report) -> Vec<String> {
    let counts = [
        (report.unread, "file that could not be read", "files that could not be read"),
        (report.read_in_part, "file read in part", "files read in part"),
        (
            report.without_text,
            "file without readable text on some or all pages",
            "files without readable text on some or all pages",
        ),
        (
            report.binary,
            "binary file skipped (--verbose names it)",
            "binary files skipped (--verbose names them)",
        ),
        (report.ignored, "hidden or ignored file skipped", "hidden or ignored files skipped"),
        (report.excluded, "file or folder excluded", "files or folders excluded"),
        (
            report.generated,
            "build folder, cache, package, minified or lock file skipped (--verbose names it, --no-default-excludes takes it in)",
            "build folders, caches, packages, minified or lock files skipped (--verbose names them, --no-default-excludes takes them in)",
        ),
        (report.special, "FIFO, socket or device skipped", "FIFOs, sockets or devices skipped"),
        (
            report.links_not_followed,
            "symbolic link not followed (--follow follows it)",
            "symbolic links not followed (--follow follows them)",
        ),
        (report.empty, "document without any text", "documents without any text"),
        (
            report.repeated_ids,
            "record with the id of an earlier one (of a file it is kept as ID#LINE, of a stream instead of the earlier one)",
            "records with the id of an earlier one (of a file they are kept as ID#LINE, of a stream instead of the earlier one)",
        ),
    ];
    let given = counts.into_iter().filter(|(count, ..)| *count > 0);
    given.map(|(count, one, several)| counted(count, one, several)).collect()
}

fn print_collisions(report: &Report, verbose: bool) {
    let shown = if verbose { report.collisions.len() } else { FEW };
    for collision in report.collisions.iter().take(shown) {
        super::note(&format!("{} has more than one document \"{}\"", collision.path, collision.id));
    }
    if let more @ 1.. = report.collisions.len().saturating_sub(shown) {
        let more = counted(more, "more repeated id", "more repeated ids");
        super::note(&format!("and {more} (--verbose names all)"));
    }
}

/// New problems one by one, and the number of those that earlier runs have reported.
fn print_problems(report: &Report, verbose: bool) {
    let (known, new): (Vec<&Problem>, Vec<&Problem>) =
        report.problems.iter().partition(|problem| problem.known && !verbose);
    for problem in &new {
        super::note(&described(problem));
    }
    if !new.is_empty() {
        let problems = counted(new.len(), "problem", "problems");
        super::note(&format!("{problems}; everything else is indexed"));
    }
    if !known.is_empty() {
        let files: BTreeSet<&str> = known.iter().map(|problem| problem.path.as_str()).collect();
        super::note(&format!(
            "{} of {} known (`vizsla info --problems` lists all, --retry-failed reads again)",
            counted(known.len(), "problem", "problems"),
            counted(files.len(), "unchanged file is", "unchanged files are"),
        ));
    }
}

/// Why something was skipped, in words.
pub(crate) fn why_skipped(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Binary => "binary",
        SkipReason::TooLarge => "too large",
        SkipReason::Empty => "without text",
        SkipReason::Link => "link not followed",
        SkipReason::Ignored => "hidden or ignored",
        SkipReason::Excluded => "excluded",
        SkipReason::Generated => "made by a program",
        SkipReason::Special => "not a regular file",
        SkipReason::Name => "its name is not valid UTF-8; rename it to have it read",
        _ => "skipped",
    }
}
