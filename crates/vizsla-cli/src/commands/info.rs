//! `vizsla info`: what an index holds, and what of its sources it could not read.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use vizsla::{FileRecord, Filter, Index};
use vizsla_ingest::Problem;

use crate::Outcome;
use crate::args::InfoArgs;
use crate::settings::open_index;
use crate::{hints, output};

pub(crate) fn run(args: &InfoArgs) -> anyhow::Result<Outcome> {
    let index = open_index(&args.index)?;
    let files = index.file_records(&Filter::default())?;
    if args.problems { problems(&files, args.json) } else { contents(&index, &files, args) }
}

/// How many files and documents there are of a format.
#[derive(Default, Serialize)]
struct Counts {
    files: u64,
    documents: u64,
}

fn contents(
    index: &Index,
    files: &BTreeMap<String, FileRecord>,
    args: &InfoArgs,
) -> anyhow::Result<Outcome> {
    let (stats, settings) = (index.stats()?, index.settings());
    let mut formats: BTreeMap<&str, Counts> = BTreeMap::new();
    for record in files.values() {
        let name = record.reader.as_ref().map_or("other", |(reader, _)| reader.as_str());
        let counts = formats.entry(name).or_default();
        counts.files += 1;
        counts.documents += record.documents;
    }
    let with_problems = files.values().filter(|record| !record.problems.is_empty()).count();
    if args.json {
        output::json(&json!({
            "path": args.index.index, "stats": stats, "settings": settings, "formats": formats,
            "files_with_problems": with_problems,
        }))?;
        return Ok(Outcome::Success);
    }
    let formats: Vec<String> =
        formats.iter().map(|(name, counts)| format!("{name} {}", counts.documents)).collect();
    let listed = if with_problems > 0 { " (--problems lists them)" } else { "" };
    output::line(&format!(
        "{}\n  documents  {}\n  passages   {}\n  files      {}\n  formats    {}\n  problems   with {with_problems} files{listed}\n  segments   {}\n  size       {}\n  format     {}\n  passages   up to {} tokens\n  language   {}\n  BM25       k1 {}, b {}",
        args.index.index.display(),
        stats.documents,
        stats.passages,
        stats.files,
        formats.join(", "),
        stats.segments,
        indicatif::HumanBytes(stats.bytes),
        stats.format,
        settings.split.max_tokens,
        settings.language,
        settings.bm25.k1(),
        settings.bm25.b(),
    ))?;
    Ok(Outcome::Success)
}

/// Lists what could not be read.
fn problems(files: &BTreeMap<String, FileRecord>, json: bool) -> anyhow::Result<Outcome> {
    let all = files.iter().flat_map(|(path, record)| Problem::remembered(path, record));
    if json {
        let shown = |problem: Problem| {
            json!({
                "path": problem.path, "kind": problem.kind, "location": problem.location,
                "reason": problem.reason, "remedy": hints::remedy(&problem),
            })
        };
        output::json(&json!({ "problems": all.map(shown).collect::<Vec<_>>() }))?;
        return Ok(Outcome::Success);
    }
    let mut count = 0;
    for problem in all {
        output::print_problem(&problem, false)?;
        count += 1;
    }
    output::note(&format!("{count} problems"));
    Ok(Outcome::Success)
}
