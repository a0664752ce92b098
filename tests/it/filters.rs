//! What a search is about, and what an index leaves out.

use crate::support::{Workspace, names};

fn notes() -> Workspace {
    let workspace = Workspace::new();
    for (name, text) in [
        ("a/one.md", "heron"),
        ("a/deep/two.txt", "heron"),
        ("b/three.rs", "// heron"),
        ("b/Makefile", "heron:"),
    ] {
        workspace.write(&format!("docs/{name}"), text);
    }
    workspace.ok(&["index", "docs", "--index", "index"]);
    workspace
}

fn found(workspace: &Workspace, filter: &[&str]) -> (Vec<String>, String) {
    let search = ["search", "heron", "--index", "index", "--fusion", "bm25", "--json"];
    let ran = workspace.run(&[&search[..], filter].concat());
    assert!(ran.code <= 1, "{filter:?}: {}", ran.err);
    let mut names = names(&serde_json::from_str(&ran.out).unwrap());
    names.sort();
    (names, ran.err)
}

#[test]
fn a_folder_means_all_below_it_and_kinds_of_file_are_named_in_several_ways() {
    let workspace = notes();
    for (filter, expected) in [
        (&["--path", "docs/a"] as &[&str], &["one.md", "two.txt"] as &[&str]),
        (&["--path", "docs/a/"], &["one.md", "two.txt"]),
        (&["--path", "./docs/../docs/b"], &["Makefile", "three.rs"]),
        (&["--path", "docs/a/one.md"], &["one.md"]),
        (&["--path", "deep"], &["two.txt"]),
        (&["--path", "*.md"], &["one.md"]),
        (&["--ext", "md,txt"], &["one.md", "two.txt"]),
        (&["--ext", ".md", "--ext", "TXT"], &["one.md", "two.txt"]),
        (&["--type", "rust"], &["three.rs"]),
        (&["-t", "rust,make"], &["Makefile", "three.rs"]),
        (&["-t", "txt", "--path", "docs/a"], &["two.txt"]),
        (&["-t", "rust", "--path", "docs/a"], &[]),
        (&["--since", "1d"], &["Makefile", "one.md", "three.rs", "two.txt"]),
        (&["--until", "2w"], &[]),
    ] {
        assert_eq!(found(&workspace, filter).0, expected, "{filter:?}");
    }
}

#[test]
fn a_value_that_nothing_can_match_is_said() {
    let workspace = notes();
    for filter in [["--path", "nowhere"], ["--ext", "xyz"], ["--type", "haskell"]] {
        let (names, said) = found(&workspace, &filter);
        assert!(names.is_empty() && said.contains(&filter.join(" ")), "{filter:?}: {said}");
    }
    for filter in [
        &["--type", "rusty"] as &[&str],
        &["--ext", "."],
        &["--since", "2026-01", "--until", "2025-01"],
    ] {
        let search = ["search", "heron", "--index", "index", "--fusion", "bm25"];
        let ran = workspace.run(&[&search[..], filter].concat());
        assert_eq!(ran.code, 2, "{filter:?}");
    }
}

#[test]
fn what_programs_make_is_left_out_and_excludes_are_remembered() {
    let workspace = Workspace::new();
    for name in [
        "a.md",
        "Cargo.toml",
        "Cargo.lock",
        "target/x.md",
        "node_modules/y.md",
        "z.min.js",
        "drafts/w.md",
    ] {
        workspace.write(&format!("docs/{name}"), name);
    }
    let run = |more: &[&str]| {
        let ran = workspace.run(&[&["index", "--index", "index", "--json"], more].concat());
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()
    };
    let report = run(&["docs", "--exclude", "drafts/"]);
    let counts = ["added", "generated", "excluded"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [2, 4, 1], "{report}");
    assert!(report["skipped"].to_string().contains("node_modules"), "{report}");
    workspace.write("docs/drafts/v.md", "v");
    assert_eq!(run(&[])["unchanged"], 2);
    let info = workspace.ok(&["info", "--index", "index"]);
    assert!(info.contains("--exclude drafts/"), "{info}");
    assert_eq!(run(&["--no-default-excludes"])["added"], 4);
    let renamed = run(&["docs"]);
    let counts = ["added", "removed"].map(|name| renamed[name].as_u64().unwrap());
    assert_eq!(counts, [2, 4], "a source has the options it was last named with: {renamed}");
    let broken = workspace.run(&["index", "docs", "--index", "index", "--exclude", "a["]);
    assert_eq!(broken.code, 2);
}

#[test]
fn paths_mean_the_same_to_delete_as_to_search() {
    let workspace = Workspace::new();
    for name in ["a*b/x.txt", "aXb/x.txt", "[draft] c/y.txt", "d/e/z.txt"] {
        workspace.write(&format!("docs/{name}"), "heron");
    }
    workspace.ok(&["index", "docs", "--index", "index"]);
    let deleted = |path: &str| workspace.run(&["delete", "--path", path, "--index", "index"]).out;
    for path in ["docs/a*b/x.txt", "[draft] c", "docs/d"] {
        assert_eq!(deleted(path), "removed all documents of 1 file\n", "{path}");
    }
    let left = ["search", "heron", "--index", "index", "--fusion", "bm25", "--compact"];
    assert!(workspace.ok(&left).starts_with("docs/aXb/x.txt:1"));
    workspace.ok(&["index", "--index", "index", "--rehash"]);
    let ran = workspace.run(&["delete", "z.txt", "--index", "index"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("--path removes the documents of files"), "{}", ran.err);
}

#[test]
fn a_time_in_which_no_file_was_changed_is_said() {
    let workspace = Workspace::new();
    let path = workspace.write("docs/a.txt", "An okapi.");
    let changed = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_588_636_801);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(changed).unwrap();
    workspace.ok(&["index", "docs"]);
    for (option, value, is_said) in [
        ("--since", "2021", true),
        ("--until", "2019", true),
        ("--since", "2019", false),
        ("--until", "2021", false),
    ] {
        let line =
            ["search", "okapi", "--index", "docs/.vizsla", "--fusion", "bm25", option, value];
        let said = workspace.run(&line).err;
        let note = format!("no file of the index matches {option}");
        assert_eq!(said.contains(&note), is_said, "{option} {value}: {said}");
    }
}

#[test]
fn metadata_that_no_document_has_is_said() {
    let workspace = Workspace::new();
    workspace.write("docs/a.md", "---\nauthor: Ann\nyear: 2024\n---\nAn okapi.");
    workspace.ok(&["index", "docs", "--index", "index"]);
    let said = |pair: &str| {
        let search = ["search", "okapi", "--index", "index", "--fusion", "bm25", "--meta", pair];
        workspace.run(&search).err
    };
    assert_eq!(said("author=Ann"), "");
    assert!(said("author=Bob").contains("no document has author=Bob\n"), "{}", said("author=Bob"));
    let unknown = said("editor=Ann");
    assert!(unknown.contains("no document has editor=Ann: the names are author"), "{unknown}");
}

#[test]
fn a_name_that_is_composed_otherwise_is_the_same() {
    let workspace = Workspace::new();
    workspace.write("docs/M\u{fc}nchen.md", "okapi");
    workspace.write("docs/Ko\u{308}ln.md", "okapi");
    workspace.ok(&["index", "docs", "--index", "index"]);
    for path in ["docs/Mu\u{308}nchen.md", "M\u{fc}nchen.md", "docs/K\u{f6}ln.md", "Ko\u{308}*"] {
        let search = ["search", "okapi", "--index", "index", "--fusion", "bm25", "--path", path];
        let ran = workspace.run(&search);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{path}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_whose_name_is_not_text_is_listed_with_what_to_do() {
    use std::os::unix::ffi::OsStrExt;
    let workspace = Workspace::new();
    workspace.write("docs/a.md", "okapi");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.md");
    std::fs::write(workspace.path("docs").join(name), "okapi").unwrap();
    let ran = workspace.run(&["index", "docs", "--index", "index"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("UTF-8; rename it") && ran.err.contains("1 problem;"), "{}", ran.err);
    assert!(ran.out.contains("1 document in 1 passage,"), "{}", ran.out);
    let skipped = workspace.run(&["info", "--index", "index", "--skipped"]);
    assert!(skipped.out.contains("UTF-8; rename it"), "{}", skipped.out);
    assert!(skipped.err.contains("1 file or folder skipped"), "{}", skipped.err);
}
