//! The rooms of ARCHITECTURE.md and their borders: who may name what, which way the arrows run, how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::root;
use crate::tidy::sources;

/// The part of a file that is not tests, without comments.
fn code(content: &str) -> String {
    let begins_tests = |at: usize| {
        let line = content[at..].lines().nth(1).unwrap_or_default();
        line.starts_with("mod tests") || line.ends_with('{')
    };
    let mut modules = content.match_indices("#[cfg(test)]\nmod ");
    let end = modules.find(|(at, _)| begins_tests(*at)).map_or(content.len(), |(at, _)| at);
    let lines = content[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    // Where an item may be seen is not a use of what it names.
    lines.collect::<Vec<_>>().join("\n").replace("pub(in crate::", "pub(in ")
}

/// All sources of the crates, by path from the root of the repository.
fn crate_sources() -> Vec<(String, String)> {
    let root = root();
    let prefix = format!("{}/", root.display());
    let all = sources(&root.join("crates")).into_iter();
    let all = all.map(|(path, content)| (path.replacen(&prefix, "", 1), content));
    all.filter(|(path, _)| path.contains("/src/")).collect()
}

/// Whether code names a crate or module as the first part of a path.
fn names(code: &str, name: &str) -> bool {
    let boundary =
        |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
    code.match_indices(&format!("{name}::")).any(|(at, _)| boundary(code[..at].chars().next_back()))
        || code.contains(&format!("use {name};"))
}

#[test]
fn each_foreign_crate_stays_in_its_room() {
    let rooms: [(&str, &[&str]); 22] = [
        ("ort", &["crates/vizsla-onnx/src/ort/"]),
        ("tokenizers", &["crates/vizsla-onnx/src/pair.rs"]),
        ("bincode", &["crates/vizsla/src/index/codec.rs"]),
        (
            "tantivy",
            &[
                "crates/vizsla/src/index/",
                "crates/vizsla/src/bm25/",
                "crates/vizsla/src/analysis/",
                "crates/vizsla/src/error.rs",
            ],
        ),
        ("clap", &["crates/vizsla-cli/src/args"]),
        ("anyhow", &["crates/vizsla-cli/"]),
        ("indicatif", &["crates/vizsla-cli/"]),
        ("ignore", &["crates/vizsla-ingest/"]),
        ("notify", &["crates/vizsla-ingest/"]),
        ("pyo3", &["crates/vizsla-python/"]),
        ("rmcp", &["crates/vizsla-server/src/mcp/"]),
        ("rustix", &["crates/vizsla-ingest/src/worker/"]),
        (
            "ureq",
            &[
                "crates/vizsla-hub/",
                "crates/vizsla-remote/src/http",
                "crates/vizsla-cli/src/commands/mcp/bridge.rs",
            ],
        ),
        ("rusqlite", &["crates/vizsla-remote/src/sql/sqlite.rs"]),
        ("postgres", &["crates/vizsla-remote/src/sql/postgresql"]),
        ("html5ever", &["crates/vizsla-extract/src/html/"]),
        ("pulldown_cmark", &["crates/vizsla-extract/src/text/markdown.rs"]),
        ("hayro_interpret", &["crates/vizsla-extract/src/pdf/"]),
        ("hayro_syntax", &["crates/vizsla-extract/src/pdf/"]),
        ("calamine", &["crates/vizsla-extract/src/office/"]),
        ("mail_parser", &["crates/vizsla-extract/src/mail/"]),
        (
            "cfb",
            &[
                "crates/vizsla-extract/src/mail/",
                "crates/vizsla-extract/src/office/spreadsheet/records.rs",
            ],
        ),
    ];
    for (path, content) in crate_sources() {
        let code = code(&content);
        for (name, allowed) in rooms {
            assert!(
                !names(&code, name) || allowed.iter().any(|room| path.starts_with(room)),
                "{path} names {name}, which belongs in {allowed:?}"
            );
        }
    }
}

#[test]
fn arrows_run_downwards() {
    // (where, what must not be named there, why)
    let borders: [(&str, &[&str], &str); 6] = [
        (
            "crates/vizsla/src/index/",
            &["crate::bm25", "crate::search"],
            "the store does not know how it is searched",
        ),
        (
            "crates/vizsla/src/bm25/",
            &["crate::search"],
            "the first stage does not know the pipeline",
        ),
        (
            "crates/vizsla/src/search/",
            &["crate::index", "crate::bm25", "tantivy::"],
            "the pipeline knows retrievers by their trait alone",
        ),
        ("crates/vizsla-ingest/src/", &["clap::", "anyhow::"], "a library is called, not typed"),
        ("crates/vizsla-eval/src/", &["clap::", "anyhow::"], "a library is called, not typed"),
        (
            "crates/vizsla-onnx/src/graph/",
            &["crate::ort"],
            "a graph is planned without the runtime that runs it",
        ),
    ];
    for (path, content) in crate_sources() {
        let code = code(&content);
        for (room, forbidden, why) in borders {
            for name in forbidden.iter().filter(|_| path.starts_with(room)) {
                assert!(!code.contains(name), "{path} names {name}, but {why}");
            }
        }
    }
}

#[test]
fn no_command_calls_another() {
    let folder = "crates/vizsla-cli/src/commands/";
    let name = |path: &str| -> Option<String> {
        let rest = path.strip_prefix(folder)?;
        Some(rest.split(['/', '.']).next()?.to_owned())
    };
    let sources = crate_sources();
    let commands: BTreeSet<String> = sources.iter().filter_map(|(path, _)| name(path)).collect();
    for (path, content) in &sources {
        let Some(own) = name(path).filter(|own| own != "mod") else { continue };
        let code = code(content);
        for other in commands.iter().filter(|other| **other != own && *other != "mod") {
            let call = format!("commands::{other}");
            assert!(!code.contains(&call), "{path} calls the command {other}");
            let is_top = path.matches('/').count() == folder.matches('/').count();
            let sibling = format!("super::{other}::");
            assert!(!is_top || !code.contains(&sibling), "{path} calls the command {other}");
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let all = ["crates", "tests/it", "xtask/src"].map(|dir| sources(&root().join(dir)));
    for (path, content) in all.concat() {
        let lines = content.lines().count();
        assert!(lines <= 600, "{path} has {lines} lines; split it where it does two jobs");
    }
}

#[test]
fn crates_without_need_forbid_unsafe_code() {
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let dir = entry.unwrap().path();
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        let lib = ["lib.rs", "main.rs"].map(|file| dir.join("src").join(file));
        let lib = lib.into_iter().find(|path| path.is_file()).unwrap();
        let forbids = std::fs::read_to_string(lib).unwrap().contains("#![forbid(unsafe_code)]");
        assert!(forbids || name == "vizsla-onnx", "{name} does not forbid unsafe code");
    }
}

/// Module paths of a crate's files, `[]` for the root.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.split("/src/").nth(1).unwrap_or_default();
    let mut parts: Vec<String> =
        inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

/// The names that a file hands on from its children, with the child of each.
fn hands_on(code: &str) -> BTreeMap<String, Vec<String>> {
    let mut handed = BTreeMap::new();
    for statement in code.split(';') {
        let statement = statement.trim();
        let Some(at) = statement.find("use self::") else { continue };
        if !statement.contains("pub") {
            continue;
        }
        for (module, name) in leaves(&statement[at + "use self::".len()..]) {
            handed.insert(name, module);
        }
    }
    handed
}

/// The paths of a `use` tree: `a::{b, c::d}` gives `a b` and `a::c d`.
fn leaves(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    let mut stack: Vec<Vec<String>> = vec![Vec::new()];
    let mut path: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in tree.chars().chain([',']) {
        match c {
            '{' => stack.push(path.clone()),
            ',' | '}' => {
                let name = word.trim().split(" as ").next().unwrap_or_default().to_owned();
                if !name.is_empty() {
                    found.push((path.clone(), name));
                }
                word.clear();
                if c == '}' {
                    stack.pop();
                }
                path = stack.last().cloned().unwrap_or_default();
            }
            ':' => {
                if !word.trim().is_empty() {
                    path.push(word.trim().to_owned());
                }
                word.clear();
            }
            c => word.push(c),
        }
    }
    found
}

/// The module paths that code refers to, as written from `module`.
fn references(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let line_start = code[..at].rfind([';', '}']).map_or(0, |i| i + 1);
            if code[line_start..at].contains("pub") && code[line_start..at].contains("use") {
                // A table of contents, not a use.
                continue;
            }
            let mut base = match start {
                "crate::" => Vec::new(),
                "super::" => module[..module.len().saturating_sub(1)].to_vec(),
                _ => module.to_vec(),
            };
            let mut rest = &code[at + start.len()..];
            while let Some(further) = rest.strip_prefix("super::") {
                base.pop();
                rest = further;
            }
            let end = rest.find(|c: char| !(c.is_alphanumeric() || "_:{}, \n*".contains(c)));
            let tree = &rest[..end.unwrap_or(rest.len())];
            let tree = if tree.contains('{') {
                tree
            } else {
                tree.split([' ', ',', '{', '\n', '}']).next().unwrap_or_default()
            };
            for (path, name) in leaves(tree) {
                found.push(base.iter().cloned().chain(path).chain([name]).collect());
            }
        }
    }
    found
}

/// The file that a reference ends at: the longest prefix that is a module, or the child that it hands a name on from.
fn target(
    reference: &[String],
    files: &BTreeMap<Vec<String>, String>,
    handed: &BTreeMap<Vec<String>, BTreeMap<String, Vec<String>>>,
) -> Option<Vec<String>> {
    let length = (0..=reference.len()).rev().find(|n| files.contains_key(&reference[..*n]))?;
    let module = reference[..length].to_vec();
    let child = reference.get(length).and_then(|name| handed.get(&module)?.get(name));
    match child {
        Some(child) => {
            let inner: Vec<String> =
                module.iter().chain(child).chain(&reference[length..]).cloned().collect();
            if inner.len() > reference.len() { target(&inner, files, handed) } else { Some(module) }
        }
        None => Some(module),
    }
}

#[test]
fn no_files_of_a_crate_need_each_other() {
    let mut crates: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (path, content) in crate_sources() {
        let name = path.split('/').nth(1).unwrap().to_owned();
        crates.entry(name).or_default().push((path, code(&content)));
    }
    for (name, sources) in crates {
        let files: BTreeMap<Vec<String>, String> =
            sources.iter().map(|(path, _)| (module_of(path), path.clone())).collect();
        let handed = sources.iter().map(|(path, code)| (module_of(path), hands_on(code))).collect();
        let mut arrows: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
        for (path, code) in &sources {
            let module = module_of(path);
            let to = references(code, &module);
            let to = to.iter().filter_map(|reference| target(reference, &files, &handed));
            let to = to.filter(|target| *target != module);
            let to = to.collect();
            arrows.insert(module, to);
        }
        if let Some(circle) = circle(&arrows) {
            let circle: Vec<&String> = circle.iter().map(|module| &files[module]).collect();
            panic!("files of {name} need each other: {circle:?}");
        }
    }
}

/// A way that comes back to where it began.
fn circle(arrows: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> Option<Vec<Vec<String>>> {
    let mut done = BTreeSet::new();
    arrows.keys().find_map(|start| walk(start, arrows, &mut Vec::new(), &mut done))
}

fn walk(
    at: &Vec<String>,
    arrows: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
    way: &mut Vec<Vec<String>>,
    done: &mut BTreeSet<Vec<String>>,
) -> Option<Vec<Vec<String>>> {
    if let Some(begin) = way.iter().position(|module| module == at) {
        return Some(way[begin..].to_vec());
    }
    if done.contains(at) {
        return None;
    }
    way.push(at.clone());
    let found = arrows.get(at)?.iter().find_map(|next| walk(next, arrows, way, done));
    way.pop();
    done.insert(at.clone());
    found
}

#[test]
fn the_check_for_circles_sees_what_is_there() {
    let module = |text: &str| vec![text.to_owned()];
    assert_eq!(
        leaves("a::{b, c::{d, e}}, f"),
        [
            (vec!["a".to_owned()], "b".to_owned()),
            (vec!["a".to_owned(), "c".to_owned()], "d".to_owned()),
            (vec!["a".to_owned(), "c".to_owned()], "e".to_owned()),
            (vec![], "f".to_owned()),
        ]
    );
    let found = references("use crate::b::{X, Y};\nfn f() { super::c::g() }", &module("a"));
    assert_eq!(
        found,
        [["b", "X"], ["b", "Y"], ["c", "g"]].map(|path| path.map(str::to_owned).to_vec())
    );
    let arrows = [
        (module("a"), [module("b")].into()),
        (module("b"), [module("c")].into()),
        (module("c"), [module("a")].into()),
    ];
    assert_eq!(circle(&arrows.into()).map(|way| way.len()), Some(3));
    assert!(Path::new(&root()).is_dir());
}
