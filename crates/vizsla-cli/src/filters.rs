//! Which files a search is about. In: the arguments. Out: a filter, and a note for each value that nothing matches.

use std::path::{Component, Path, PathBuf};

use vizsla::{Filter, Index};

use crate::args::FilterArgs;
use crate::{output, settings};

/// The filter for a search of this index.
///
/// # Errors
/// When no time lies within the bounds, and those of reading the index.
pub(crate) fn filter(args: &FilterArgs, index: Option<&Index>) -> anyhow::Result<Filter> {
    if let (Some(since), Some(until)) = (args.since, args.until)
        && since >= until
    {
        anyhow::bail!("--since is not before --until: no file can match both");
    }
    let mut filter = Filter::default().with_modified(args.since, args.until);
    filter.paths = args.path.iter().flat_map(|path| globs(path)).collect();
    filter.names = args.types.iter().flat_map(|of| of.globs.clone()).collect();
    filter.extensions.clone_from(&args.extension);
    filter.metadata.clone_from(&args.meta);
    let unmatched = index.map(|index| unmatched(args, index)).transpose()?.unwrap_or_default();
    unmatched.iter().for_each(|value| {
        output::note(&format!("no file of the index matches {value}"));
    });
    if let Some(index) = index {
        missing_metadata(args, index)?.iter().for_each(|said| output::note(said));
    }
    Ok(filter)
}

/// So many names of metadata are listed.
const MOST_NAMES: usize = 12;

/// A sentence for each name and value that no document of the index has, and what they have where nothing has the name.
fn missing_metadata(args: &FilterArgs, index: &Index) -> anyhow::Result<Vec<String>> {
    let mut said = Vec::new();
    let mut names = None;
    for (name, value) in &args.meta {
        if index.has_metadata(name, value)? {
            continue;
        }
        let names = match &names {
            Some(names) => names,
            None => names.insert(index.metadata_names()?),
        };
        let few = names.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if names.len() > MOST_NAMES { ", …" } else { "" };
        let what = match names.as_slice() {
            [] => ": none has any metadata".to_owned(),
            names if names.contains(name) => String::new(),
            _ => format!(": the names are {few}{more}"),
        };
        said.push(format!("no document has {name}={value}{what}"));
    }
    Ok(said)
}

/// Nanoseconds of a second.
const NANOSECONDS: i64 = 1_000_000_000;

/// The values that no file of the index matches.
fn unmatched(args: &FilterArgs, index: &Index) -> anyhow::Result<Vec<String>> {
    let mut values = Vec::new();
    for path in &args.path {
        let only = globs(path).into_iter().fold(Filter::default(), Filter::with_path);
        values.extend(index.files(&only)?.is_empty().then(|| format!("--path {path}")));
    }
    for of in &args.types {
        let only = of.globs.iter().fold(Filter::default(), Filter::with_name);
        values.extend(index.files(&only)?.is_empty().then(|| format!("--type {}", of.name)));
    }
    if args.since.or(args.until).is_some() {
        let records = index.file_records(&Filter::default())?;
        let seconds: Vec<Option<i64>> = records
            .values()
            .map(|file| file.modified.map(|at| at.div_euclid(NANOSECONDS)))
            .collect();
        // When a file was changed is not known of all.
        let none = |fits: &dyn Fn(i64) -> bool| {
            !seconds.is_empty() && !seconds.iter().any(|at| at.is_none_or(fits))
        };
        let since = args.since.is_some_and(|since| none(&|at| at >= since));
        let until = args.until.is_some_and(|until| none(&|at| at < until));
        values.extend(since.then(|| "--since".to_owned()));
        values.extend(until.then(|| "--until".to_owned()));
    }
    if !args.extension.is_empty() {
        let files = index.files(&Filter::default())?;
        for extension in &args.extension {
            let has = |file: &String| {
                let of = Path::new(file).extension();
                of.is_some_and(|of| of.eq_ignore_ascii_case(extension.as_str()))
            };
            values.extend((!files.iter().any(has)).then(|| format!("--ext {extension}")));
        }
    }
    Ok(values)
}

/// The globs of a path as it is typed: a file or folder that is there means itself and what is below, relative to the
/// working folder; another name means the same wherever it is, and a glob is taken as it is.
pub(crate) fn globs(typed: &str) -> Vec<String> {
    let path = Path::new(typed);
    let here = settings::working_folder();
    let rooted = here.as_deref().unwrap_or(Path::new("")).join(path);
    if let Ok(there) = rooted.canonicalize() {
        return below(&escaped(&there.display().to_string()));
    }
    if typed.starts_with("./") || typed.starts_with("../") {
        let folder = here.map(|here| escaped(&here.display().to_string())).unwrap_or_default();
        return below(&normal(&Path::new(&folder).join(path)).display().to_string());
    }
    if typed.contains(['*', '?']) {
        return vec![typed.to_owned()];
    }
    // Brackets may be meant for a glob, or be in a name.
    if typed.contains(['[', '{']) {
        return [vec![typed.to_owned()], below(&escaped(typed.trim_end_matches('/')))].concat();
    }
    below(typed.trim_end_matches('/'))
}

/// A file, or all that is in a folder.
fn below(path: &str) -> Vec<String> {
    vec![path.to_owned(), format!("{}/**", path.trim_end_matches('/'))]
}

/// A path without `.` and `..`, which a glob would not understand.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// A glob that matches this path alone.
fn escaped(path: &str) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}');
    path.chars().map(|c| if special(c) { format!("[{c}]") } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_folder_a_name_or_a_glob() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().canonicalize().unwrap().join("a[1]");
        std::fs::create_dir(&odd).unwrap();
        let found = globs(odd.to_str().unwrap());
        assert!(found[0].ends_with("/a[[]1[]]") && found[1].ends_with("/a[[]1[]]/**"), "{found:?}");
        assert_eq!(globs("no-such-folder/"), ["no-such-folder", "no-such-folder/**"]);
        assert_eq!(globs("*.md"), ["*.md"]);
        assert_eq!(globs("[a] b"), ["[a] b", "[[]a[]] b", "[[]a[]] b/**"]);
        let beside = globs("../no-such-folder/*.md");
        assert!(Path::new(&beside[0]).is_absolute() && !beside[0].contains(".."), "{beside:?}");
    }
}
