//! `vizsla delete`: removes documents by id or by file.

use std::collections::BTreeSet;

use vizsla::{ErrorKind, Filter, Index, IndexWriter, WriterOptions};

use crate::args::DeleteArgs;
use crate::{Outcome, filters, index_dir, output};

pub(crate) fn run(args: &DeleteArgs) -> anyhow::Result<Outcome> {
    let index = index_dir::open(&args.index)?;
    let mut writer = index.writer(&WriterOptions::default().with_threads(1))?;
    let files = matching(&index, &args.path)?;
    let removed = if args.ids.is_empty() {
        for path in &files {
            writer.delete_documents_of(path);
        }
        Removed { count: files.len() as u64, missing: Vec::new() }
    } else {
        let within = (!args.path.is_empty()).then_some(files.as_slice());
        by_id(&writer, &args.ids, within)?
    };
    writer.commit()?;
    writer.finish()?;
    if args.ids.is_empty() {
        let files = output::counted(removed.count, "file", "files");
        output::line(&format!("removed all documents of {files}"))?;
        if removed.count == 0 {
            output::note(&format!("the index has no file {}", args.path.join(", ")));
        }
    } else {
        let documents = output::counted(removed.count, "document", "documents");
        output::line(&format!("removed {documents} by id"))?;
        if !removed.missing.is_empty() {
            let missing = removed.missing.join(", ");
            output::note(&format!("the index has no document with the id {missing}"));
        }
    }
    if removed.count == 0
        && args.path.is_empty()
        && let Some(file) = matching(&index, &args.ids)?.first()
    {
        output::hint(&format!("--path removes the documents of files, such as {file}"));
    }
    Ok(if removed.count > 0 { Outcome::Success } else { Outcome::NoHits })
}

/// What is gone once it is committed, and the ids that no document has.
struct Removed<'a> {
    count: u64,
    missing: Vec<&'a str>,
}

/// The files that the paths mean, as those of searches do; none without a path.
fn matching(index: &Index, paths: &[String]) -> anyhow::Result<Vec<String>> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let (none, paths): (Vec<&String>, Vec<&String>) = paths.iter().partition(|path| *path == "-");
    let mut files = Vec::new();
    if !paths.is_empty() {
        let globs = paths.into_iter().flat_map(|path| filters::globs(path));
        files = index.files(&globs.fold(Filter::default(), Filter::with_path))?;
    }
    // Documents without a file have the empty name.
    files.extend(none.first().map(|_| String::new()));
    Ok(files)
}

/// Removes documents by id, only from these files if any are given.
fn by_id<'a>(
    writer: &IndexWriter,
    ids: &'a [String],
    within: Option<&[String]>,
) -> anyhow::Result<Removed<'a>> {
    let (mut removed, mut missing) = (0, Vec::new());
    for id in ids.iter().collect::<BTreeSet<_>>() {
        let count = match within {
            Some(files) => {
                let of = writer.files_with(id)?;
                let mut count = 0;
                for file in of.iter().filter(|file| files.contains(file)) {
                    count += u64::from(writer.delete_from(file, id)?);
                }
                count
            }
            None => match writer.delete(id) {
                Err(error) if error.kind() == ErrorKind::Ambiguous => {
                    anyhow::bail!("{error}; --path selects one (`--path -` those from no file)")
                }
                deleted => u64::from(deleted?),
            },
        };
        removed += count;
        if count == 0 {
            missing.push(id.as_str());
        }
    }
    Ok(Removed { count: removed, missing })
}
