//! `vizsla info`: what an index holds, and what of its sources it could not read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;
use vizsla::{Collection, FileRecord, Filter};
use vizsla_ingest::{Problem, SkipReason, Skipped, Sync, SyncOptions};

use crate::Outcome;
use crate::args::InfoArgs;
use crate::{engines, hints, index_dir, output};

pub(crate) fn run(args: &InfoArgs) -> anyhow::Result<Outcome> {
    let (index, at): (Box<dyn Collection>, String) = if args.engine.is_empty() {
        let at = index_dir::find(&args.index)?.display().to_string();
        (Box::new(index_dir::open(&args.index)?), at)
    } else {
        engines::collection(&args.engine, None)?
    };
    if args.skipped {
        return skipped(&*index, args.json);
    }
    let files = index.file_records(&Filter::default())?;
    if args.problems { problems(&files, args.json) } else { contents(&*index, &files, &at, args) }
}

/// How many files and documents there are of a format.
#[derive(Default, Serialize)]
struct Counts {
    files: u64,
    documents: u64,
}

fn contents(
    index: &dyn Collection,
    files: &BTreeMap<String, FileRecord>,
    at: &str,
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
            "path": at, "sources": sources(index)?, "stats": stats, "settings": settings, "ranking": index.ranking(), "formats": formats,
            "files_with_problems": with_problems,
        }))?;
        return Ok(Outcome::Success);
    }
    let formats: Vec<String> =
        formats.iter().map(|(name, counts)| format!("{name} {}", counts.documents)).collect();
    let listed = if with_problems > 0 { " (--problems lists them)" } else { "" };
    let with_problems = output::counted(with_problems, "file", "files");
    // An engine keeps its own files.
    let on_disk = if stats.bytes == 0 {
        String::new()
    } else {
        let size = indicatif::HumanBytes(stats.bytes);
        format!("\n  segments   {}\n  size       {size}", stats.segments)
    };
    output::line(&format!(
        "{}\n  sources    {}\n  documents  {}\n  passages   {}\n  files      {}\n  formats    {}\n  problems   with {with_problems}{listed}{on_disk}\n  format     {}\n  passages   up to {} tokens\n  language   {}\n  ranking    {}",
        at,
        people(&sources(index)?),
        stats.documents,
        stats.passages,
        stats.files,
        formats.join(", "),
        stats.format,
        settings.split.max_tokens,
        settings.language,
        index.ranking(),
    ))?;
    Ok(Outcome::Success)
}

/// A file or folder that the index is of.
#[derive(Serialize)]
struct Source {
    path: PathBuf,
    options: SyncOptions,
}

fn sources(index: &dyn Collection) -> anyhow::Result<Vec<Source>> {
    let groups = Sync::remembered(index)?.into_iter();
    Ok(groups
        .flat_map(|(sync, roots)| {
            roots.into_iter().map(move |path| Source { path, options: sync.options().clone() })
        })
        .collect())
}

/// One line for each source, with what differs from the usual.
fn people(sources: &[Source]) -> String {
    let described = |source: &Source| {
        let options = &source.options;
        let flags = [
            (options.hidden, "--hidden"),
            (!options.ignore_rules, "--no-ignore"),
            (options.follow, "--follow"),
            (!options.default_excludes, "--no-default-excludes"),
            (options.ocr.is_some(), "--ocr"),
        ];
        let flags = flags.into_iter().filter_map(|(given, flag)| given.then_some(flag));
        let line = flags.fold(source.path.display().to_string(), |line, flag| line + " " + flag);
        options.exclude.iter().fold(line, |line, glob| line + " --exclude " + glob)
    };
    let lines: Vec<String> = sources.iter().map(described).collect();
    if lines.is_empty() { "none remembered".to_owned() } else { lines.join("\n             ") }
}

/// Lists what was left out on purpose.
fn skipped(index: &dyn Collection, json: bool) -> anyhow::Result<Outcome> {
    let all = vizsla_ingest::skipped(index)?;
    let sources = sources(index)?;
    let flag = |skipped: &Skipped| flag_for(skipped, &sources);
    if json {
        let shown = |skipped: &Skipped| json!({ "path": skipped.path, "reason": skipped.reason, "flag": flag(skipped) });
        output::json(&json!({ "skipped": all.iter().map(shown).collect::<Vec<_>>() }))?;
        return Ok(Outcome::Success);
    }
    for skipped in &all {
        let taken_in =
            flag(skipped).map(|flag| format!(" ({flag} takes it in)")).unwrap_or_default();
        let path = output::one_line(&skipped.path);
        output::line(&format!("{path}: {}{taken_in}", output::why_skipped(skipped.reason)))?;
    }
    output::note(&format!(
        "{} skipped",
        output::counted(all.len(), "file or folder", "files and folders")
    ));
    Ok(Outcome::Success)
}

/// The flag of `index` that takes in what was skipped.
fn flag_for(skipped: &Skipped, sources: &[Source]) -> Option<&'static str> {
    let below =
        sources.iter().find_map(|source| Path::new(&skipped.path).strip_prefix(&source.path).ok());
    let hidden = below.is_some_and(|below| {
        below.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'))
    });
    Some(match skipped.reason {
        SkipReason::Ignored if hidden => "--hidden",
        SkipReason::Ignored => "--no-ignore",
        SkipReason::Generated => "--no-default-excludes",
        SkipReason::Link => "--follow",
        SkipReason::TooLarge => "--max-file-size",
        _ => return None,
    })
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
    let mut count = 0_u64;
    for problem in all {
        output::print_problem(&problem, false)?;
        count += 1;
    }
    output::note(&output::counted(count, "problem", "problems"));
    Ok(Outcome::Success)
}
