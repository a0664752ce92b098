//! `vizsla eval score` and `vizsla eval compare`: existing runs. They need judgments, but no corpus.

use std::path::Path;

use anyhow::bail;
use vizsla_eval::{Collection, Comparison, Measured, read_run};

use super::{collection_options, write_queries};
use crate::args::{CompareArgs, JudgedArgs, ReportArgs, ScoreArgs};
use crate::{Outcome, output};

pub(crate) fn score(args: &ScoreArgs) -> anyhow::Result<Outcome> {
    let runs: Vec<&Path> = args.runs.iter().map(std::path::PathBuf::as_path).collect();
    let (_, measured) = measure(&args.judged, &args.report, &runs)?;
    if args.report.json {
        output::json(&measured.summaries())?;
    } else {
        output::raw(&measured.table())?;
    }
    Ok(Outcome::Success)
}

pub(crate) fn compare(args: &CompareArgs) -> anyhow::Result<Outcome> {
    let (collection, measured) = measure(&args.judged, &args.report, &[&args.a, &args.b])?;
    let comparison = Comparison::of(&measured, &collection, args.show);
    if args.report.json {
        output::json(&comparison)?;
    } else {
        output::raw(&text(&comparison, args, measured.queries.len()))?;
    }
    Ok(Outcome::Success)
}

fn measure(
    judged: &JudgedArgs,
    report: &ReportArgs,
    paths: &[&Path],
) -> anyhow::Result<(Collection, Measured)> {
    let options = collection_options(judged).with_optional_texts();
    let collection = Collection::open(&judged.dataset, &options)?;
    let mut runs = Vec::new();
    for path in paths {
        let mut run = read_run(path)?;
        if !collection.is_covered_by(&run) {
            bail!(
                "{} has none of the judged queries: is it a run of this collection?",
                path.display()
            );
        }
        if judged.drop_query_document {
            run.iter_mut().for_each(|(query, ranked)| ranked.retain(|(id, _)| id != query));
        }
        runs.push((path.display().to_string(), run));
    }
    let runs: Vec<_> = runs.iter().map(|(name, run)| (name.as_str(), run)).collect();
    let ids = collection.query_ids();
    let measured = Measured::of(&report.measures, &ids, &collection.qrels, &runs);
    write_queries(&measured, report)?;
    Ok((collection, measured))
}

fn text(comparison: &Comparison, args: &CompareArgs, queries: usize) -> String {
    use std::fmt::Write;
    let mut text = format!(
        "A {}\nB {}\n{queries} queries; difference with 95 % bootstrap interval, p of the paired randomisation test\n\n",
        args.a.display(),
        args.b.display()
    );
    let _ = writeln!(
        text,
        "{:<12}{:<8}{:<8}{:<28}{:<10}queries better, worse",
        "", "A", "B", "B - A", "p"
    );
    for d in &comparison.measures {
        let change = format!("{:#}", d.change);
        let _ = writeln!(
            text,
            "{:<12}{:<8.4}{:<8.4}{change:<28}{:<10.5}{}, {}",
            d.measure, d.a, d.b, d.p, d.better, d.worse
        );
    }
    if let Some(first) = comparison.measures.first().filter(|_| !comparison.queries.is_empty()) {
        let _ = writeln!(text, "\nqueries that changed most in {}", first.measure);
        for changed in &comparison.queries {
            // A change below the last digit shown has no sign.
            let change = format!("{:+.4}", changed.b - changed.a).replace("-0.0000", "+0.0000");
            let _ = writeln!(
                text,
                "  {change} ({:.4} to {:.4})  {}  {}",
                changed.a,
                changed.b,
                changed.query,
                shortened(&changed.text)
            );
        }
    }
    text
}

/// A query cut to fit a line.
fn shortened(text: &str) -> String {
    const LENGTH: usize = 100;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LENGTH {
        return line;
    }
    line.chars().take(LENGTH).chain(['…']).collect()
}
