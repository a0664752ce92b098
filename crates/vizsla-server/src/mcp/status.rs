//! The tool `status`, and what agents are told first. In: what is served. Out: what is indexed and whether it can be
//! reranked.

use std::path::Path;

use serde_json::{Map, Value, json};
use vizsla::Filter;

use super::search::cut;
use crate::error::ApiError;
use crate::folders::{below, common_folder};
use crate::state::{Searchable, State};

/// Most indexes that are described.
const INDEXES: usize = 20;
/// Most folders of each.
const FOLDERS: usize = 10;
/// Most of each name and reason, in bytes.
const NAME: usize = 300;
/// Most characters of what agents are told first; clients put it before every conversation.
const INSTRUCTIONS: usize = 600;

/// What is served; blocks.
pub(super) fn answer(state: &State) -> Result<Value, ApiError> {
    let indexes =
        state.indexes.iter().take(INDEXES).map(describe).collect::<Result<Vec<_>, _>>()?;
    let mut status = Map::new();
    status.insert("indexes".to_owned(), indexes.into());
    if let Some(more) = state.indexes.len().checked_sub(INDEXES).filter(|more| *more > 0) {
        status.insert("indexes_left_out".to_owned(), more.into());
    }
    status.insert("model".to_owned(), cut(state.model(), NAME).into());
    status.insert("reranking".to_owned(), reranking(state).into());
    status.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    Ok(Value::Object(status))
}

fn reranking(state: &State) -> String {
    match state.reranker.as_ref().map(|reranker| reranker.is_ready()) {
        None => "off: results are in the order of BM25".to_owned(),
        Some(Ok(true)) => "works".to_owned(),
        Some(Ok(false)) => "the model is being opened; the first search waits for it".to_owned(),
        Some(Err(why)) => {
            format!("does not work, results are in the order of BM25: {}", cut(why, NAME))
        }
    }
}

fn describe(searchable: &Searchable) -> Result<Value, ApiError> {
    let stats = searchable.index.stats()?;
    let records = searchable.index.file_records(&Filter::default())?;
    let changed = records.values().filter_map(|record| record.modified).max();
    let problems = records.values().filter(|record| !record.problems.is_empty()).count();
    let (folders, more) = folders(records.keys().map(String::as_str));
    Ok(json!({
        "name": cut(&searchable.name, NAME),
        "documents": stats.documents,
        "passages": stats.passages,
        "files": stats.files,
        "files_with_problems": problems,
        "folders": folders,
        "folders_left_out": more,
        "last_change": changed.and_then(moment),
        "language": searchable.index.settings().language.to_string(),
        "bytes": stats.bytes,
    }))
}

/// The time of nanoseconds since 1970, to the second.
fn moment(nanoseconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(nanoseconds.div_euclid(1_000_000_000))
        .ok()
        .map(|at| at.to_string())
}

/// The folder that all files are in and the largest below it, each with its number of files; and how many more there are.
fn folders<'a>(files: impl Iterator<Item = &'a str> + Clone) -> (Vec<Value>, usize) {
    let Some(top) = common_folder(files.clone()) else { return (Vec::new(), 0) };
    let all = files.clone().count();
    let mut below: Vec<(&Path, u64)> =
        below(top, files.map(|file| (file, 1))).into_iter().collect();
    below.sort_by_key(|(_, files)| std::cmp::Reverse(*files));
    let more = below.len().saturating_sub(FOLDERS);
    let named = |path: &Path, files: u64| json!({ "path": cut(&path.display().to_string(), NAME), "files": files });
    let mut folders = vec![named(top, all as u64)];
    folders.extend(below.iter().take(FOLDERS).map(|(path, files)| named(&top.join(path), *files)));
    (folders, more)
}

/// What agents are told before they ask; blocks while the index is read.
pub(super) fn instructions(state: &State) -> String {
    let mut served: Vec<String> = Vec::new();
    for searchable in state.indexes.iter().take(INDEXES) {
        served.push(summary(searchable, state.indexes.len() > 1).unwrap_or_else(|error| {
            format!("{} cannot be read ({:?})", searchable.name, error.kind())
        }));
    }
    text(&served.join("; "))
}

/// The same while nothing is known yet.
pub(super) fn without_index() -> String {
    text("")
}

fn text(served: &str) -> String {
    let how = "Use search before you answer from memory or grep: ask a full question in the words of the texts. \
               \"quotes\" require a phrase, -word excludes one. Each result has its best passage; fetch its id, or \
               path:120-160 for lines, to read more. Results are ordered by a model that has read them; \
               probability says how likely one answers.";
    let what = if served.is_empty() { String::new() } else { format!(" Indexed: {served}.") };
    let mut text = format!("Searches the user's documents on this machine. {how}{what}");
    if let Some((end, _)) = text.char_indices().nth(INSTRUCTIONS) {
        let end = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
        text.truncate(end);
        text.push('…');
    }
    text
}

fn summary(searchable: &Searchable, named: bool) -> vizsla::Result<String> {
    let stats = searchable.index.stats()?;
    let files = searchable.index.files(&Filter::default())?;
    let folder = common_folder(files.iter().map(String::as_str));
    let of = folder.map_or_else(String::new, |folder| format!(" in {}", folder.display()));
    let language = searchable.index.settings().language;
    let name = if named { format!("{}: ", searchable.name) } else { String::new() };
    Ok(format!("{name}{} documents{of}, {language}", stats.documents))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_are_told_first_is_short() {
        assert!(text("12 documents in /docs, english").ends_with("/docs, english."));
        let long = text(&"documents in é".repeat(100));
        assert_eq!(long.chars().count(), INSTRUCTIONS);
        assert!(long.ends_with('…'));
        assert!(without_index().len() < INSTRUCTIONS);
    }

    #[test]
    fn the_largest_folders_are_named() {
        let files = ["/d/a/1.md", "/d/a/b/2.md", "/d/c/3.md", "/d/4.md"];
        let (named, more) = folders(files.into_iter());
        let expected = json!([
            { "path": "/d", "files": 4 }, { "path": "/d/a", "files": 2 }, { "path": "/d/c", "files": 1 }
        ]);
        assert_eq!((Value::from(named), more), (expected, 0));
        assert_eq!(folders(std::iter::empty()).0, Vec::<Value>::new());
        assert_eq!(moment(1_700_000_000_123_456_789).as_deref(), Some("2023-11-14T22:13:20Z"));
    }
}
