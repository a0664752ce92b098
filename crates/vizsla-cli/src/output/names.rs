//! What a hit is called and where it is, in one line each.

use std::io::ErrorKind;
use std::path::Path;

use vizsla::{Hit, Location, PassageCopy};

use super::printable;
use crate::settings;

/// Names under which tools look for a file in any folder; they say nothing of what is in it.
const SAID_BY_THE_FOLDER: [&str; 16] = [
    "__init__", "__main__", "build", "default", "index", "init", "layout", "lib", "main",
    "makefile", "mod", "package", "page", "readme", "setup", "untitled",
];

/// How many copies are named; JSON has all of them.
const COPIES: usize = 3;

/// The title, else the name of the file; with its folder where a name says nothing.
pub(super) fn title(hit: &Hit) -> String {
    let path = hit.path.as_deref().map(Path::new);
    let file = path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    // What is in a file is named after it.
    let within = hit.path.as_deref().and_then(|path| hit.doc_id.strip_prefix(path));
    let name = match (&hit.title, file.zip(within)) {
        (title, _) if !title.is_empty() => title.clone(),
        (_, Some((file, within))) => file + within,
        _ => hit.doc_id.clone(),
    };
    let folder = path.and_then(Path::parent).and_then(Path::file_name);
    match folder {
        Some(folder) if says_nothing(&name) => one_line(&format!("{}/{name}", folder.display())),
        _ => one_line(&name),
    }
}

fn says_nothing(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    SAID_BY_THE_FOLDER.contains(&stem.as_str())
}

/// The place of the sentence, with lines in the form that editors and terminals understand.
pub(super) fn place(hit: &Hit) -> String {
    let Some(path) = &hit.path else { return one_line(&hit.doc_id) };
    let path = settings::short(path);
    one_line(&match &hit.passage.snippet.location {
        Location::Lines { first, last } if first == last => format!("{path}:{first}"),
        Location::Lines { first, last } => format!("{path}:{first}-{last}"),
        other => format!("{path}, {other}"),
    })
}

/// As [`place`], with the first line alone, as programs that read the output of compilers and of grep expect.
pub(super) fn first_place(hit: &Hit) -> String {
    match (&hit.path, &hit.passage.snippet.location) {
        (Some(path), Location::Lines { first, .. }) => {
            one_line(&format!("{}:{first}", settings::short(path)))
        }
        _ => place(hit),
    }
}

/// Whether a file is no longer where it was read.
pub(super) fn is_gone(path: &str) -> bool {
    let path = Path::new(path);
    path.is_absolute()
        && path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// How many copies a hit stands for, and where the first of them are; `None` where there are none.
pub(super) fn copies(hit: &Hit) -> Option<String> {
    let count = hit.copies.len();
    let place = |copy: &PassageCopy| match &copy.path {
        Some(path) => settings::short(path),
        None => copy.doc_id.clone(),
    };
    let mut places: Vec<String> = hit.copies.iter().take(COPIES).map(place).collect();
    if count > COPIES {
        places.push("…".to_owned());
    }
    let counted = counted(count, "copy", "copies");
    (count > 0).then(|| one_line(&format!("and {counted}: {}", places.join(", "))))
}

/// A number with what it counts: `1 file`, `2 files`.
pub(crate) fn counted(count: impl TryInto<u64>, one: &str, several: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    format!("{count} {}", if count == 1 { one } else { several })
}

/// The place as a link; terminals that know no links show the text alone.
pub(super) fn linked(hit: &Hit, place: &str) -> String {
    match &hit.link {
        Some(link) => format!("\x1b]8;;{link}\x1b\\{place}\x1b]8;;\x1b\\"),
        None => place.to_owned(),
    }
}

/// Without control characters, line ends and tabs included.
pub(crate) fn one_line(text: &str) -> String {
    printable(text).replace(['\n', '\t'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_any_folder_may_have_say_nothing() {
        for name in ["mod.rs", "README", "index.md", "__init__.py", "main.c", "Makefile"] {
            assert!(says_nothing(name), "{name}");
        }
        for name in ["models.rs", "How to build", "indexing.md", "Main street", ""] {
            assert!(!says_nothing(name), "{name}");
        }
        assert_eq!(one_line("a\nb\tc"), "a\u{fffd}b\u{fffd}c");
    }
}
