//! The index that is meant when none is named, and questions without ceremony.

use std::path::Path;

use crate::support::{Ran, Workspace, names, run};

/// Runs the program in a folder of the workspace, with a data folder of the workspace.
fn within(workspace: &Workspace, folder: &str, args: &[&str]) -> Ran {
    let mut command = workspace.command(args);
    command.current_dir(workspace.path(folder));
    command.env("VIZSLA_DATA_DIR", workspace.path("data"));
    run(&mut command, b"")
}

fn found(workspace: &Workspace, folder: &str, question: &[&str]) -> Vec<String> {
    let args = [&["search"], question, &["--fusion", "bm25", "--json"]].concat();
    let ran = within(workspace, folder, &args);
    assert!(ran.code <= 1, "{}", ran.err);
    names(&serde_json::from_str(&ran.out).unwrap())
}

fn ok(workspace: &Workspace, folder: &str, args: &[&str]) -> String {
    let ran = within(workspace, folder, args);
    assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.out, ran.err);
    ran.out + &ran.err
}

#[test]
fn a_folder_has_an_index_of_its_own_that_is_found_from_below() {
    let workspace = Workspace::new();
    workspace.write("notes/a.md", "The heron stands in the water.");
    workspace.write("notes/deep/er/b.md", "A crane lifts stones.");
    let made = ok(&workspace, "notes", &["index"]);
    assert!(made.contains("the index is .vizsla"), "{made}");
    assert_eq!(std::fs::read_to_string(workspace.path("notes/.vizsla/.gitignore")).unwrap(), "*\n");
    assert_eq!(
        found(&workspace, "notes/deep/er", &["where", "does", "a", "heron", "stand"]),
        ["a.md"]
    );
    for args in [&["info"] as &[&str], &["check"], &["repair"], &["delete", "--path", "*b.md"]] {
        ok(&workspace, "notes/deep", args);
    }
    assert!(found(&workspace, "notes", &["crane"]).is_empty());
    let info = ok(&workspace, "notes/deep", &["info"]);
    assert!(info.contains(workspace.path("notes").to_str().unwrap()), "{info}");
}

#[test]
fn again_updates_and_never_reads_an_index() {
    let workspace = Workspace::new();
    workspace.write("notes/.a.md", "heron");
    ok(&workspace, "notes", &["index", "--hidden"]);
    workspace.write("notes/.b.md", "crane");
    let report = ok(&workspace, "notes", &["index", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["added"], &report["unchanged"]), (&1.into(), &1.into()), "{report}");
    std::fs::remove_file(workspace.path("notes/.a.md")).unwrap();
    std::fs::remove_file(workspace.path("notes/.b.md")).unwrap();
    assert_eq!(within(&workspace, "notes", &["index"]).code, 3, "it may merely be unmounted");
    let pruned = ok(&workspace, "notes", &["index", "--prune"]);
    assert!(pruned.contains("2 removed"), "{pruned}");
}

#[test]
fn a_named_folder_gets_the_index_and_several_share_the_default_one() {
    let workspace = Workspace::new();
    workspace.write("a/one.md", "heron");
    workspace.write("b/two.md", "crane");
    ok(&workspace, "", &["index", "a"]);
    assert!(workspace.path("a/.vizsla/vizsla.json").exists());
    assert_eq!(found(&workspace, "a", &["heron"]), ["one.md"]);
    let none = within(&workspace, "", &["search", "heron"]);
    assert_eq!(none.code, 2);
    assert!(none.err.contains("vizsla index"), "{}", none.err);
    ok(&workspace, "", &["index", "a", "b/two.md"]);
    assert_eq!(found(&workspace, "", &["crane"]), ["two.md"]);
    assert!(found(&workspace, "a", &["crane"]).is_empty(), "the nearest index comes first");
    assert!(!Path::new(&workspace.path(".vizsla")).exists());
}

#[test]
fn the_nearest_index_comes_before_the_chosen_one() {
    let workspace = Workspace::new();
    workspace.write("a/one.md", "heron");
    workspace.write("b/two.md", "crane");
    let chosen = |folder: &str, args: &[&str]| {
        let mut command = workspace.command(args);
        command.current_dir(workspace.path(folder)).env("VIZSLA_INDEX", workspace.path("central"));
        run(&mut command, b"")
    };
    ok(&workspace, "a", &["index"]);
    assert_eq!(chosen("", &["index", "b"]).code, 0);
    assert!(
        workspace.path("central/vizsla.json").exists() && !workspace.path("b/.vizsla").exists()
    );
    let hits =
        |folder: &str, word: &str| chosen(folder, &["search", word, "--fusion", "bm25"]).code == 0;
    assert!(hits("b", "crane") && hits("", "crane") && !hits("a", "crane") && hits("a", "heron"));
    assert_eq!(
        chosen("a", &["search", "crane", "--index", "../central", "--fusion", "bm25"]).code,
        0
    );
}

#[test]
fn a_variable_names_an_index_that_is_yet_to_be_made() {
    let workspace = Workspace::new();
    workspace.write("a/one.md", "heron");
    for args in [&["index"] as &[&str], &["search", "heron", "--fusion", "bm25"]] {
        let mut command = workspace.command(args);
        command.current_dir(workspace.path("a")).env("VIZSLA_INDEX", workspace.path("central"));
        let ran = run(&mut command, b"");
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    }
    assert!(workspace.path("central/vizsla.json").exists());
}

#[test]
fn words_alone_are_a_question() {
    let workspace = Workspace::new();
    workspace.write("a.md", "The heron stands in the water.");
    ok(&workspace, "", &["index"]);
    for question in
        [&["where does a heron stand"] as &[&str], &["where", "does", "a", "heron", "stand"]]
    {
        let args = [question, &["--fusion", "bm25"]].concat();
        assert!(ok(&workspace, "", &args).contains("a.md"));
    }
    let mistyped = within(&workspace, "", &["serach"]);
    assert_eq!(mistyped.code, 2);
    assert!(mistyped.err.contains("search"), "{}", mistyped.err);
    let noted = within(&workspace, "", &["serach", "heron", "--fusion", "bm25"]);
    assert!(noted.code == 0 && noted.err.contains("`vizsla search`"), "{}", noted.err);
}

#[test]
fn shells_complete_and_manual_pages_describe_every_command() {
    let workspace = Workspace::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = workspace.ok(&["completions", shell]);
        assert!(script.contains("search") && script.contains("no-default-excludes"), "{shell}");
    }
    assert_eq!(workspace.run(&["completions", "tcl"]).code, 2);
    workspace.ok(&["man-pages", "man"]);
    let page = std::fs::read_to_string(workspace.path("man/vizsla-search.1")).unwrap();
    assert!(page.contains("question"), "{page}");
    assert!(!workspace.path("man/vizsla-extract-worker.1").exists());
}

#[test]
fn a_variable_that_names_no_index_is_named() {
    let workspace = Workspace::new();
    workspace.write("a/one.md", "heron");
    workspace.write("b/two.md", "heron");
    ok(&workspace, "a", &["index"]);
    for (folder, advice) in
        [("a", "a/.vizsla"), ("b", "cannot use the index"), ("none", "`vizsla index SOURCE")]
    {
        let mut command = workspace.command(&["search", "heron", "--fusion", "bm25"]);
        command.env("VIZSLA_INDEX", workspace.path(folder));
        let ran = run(&mut command, b"");
        let said = ran.err.contains("VIZSLA_INDEX") && ran.err.contains(advice);
        assert!(ran.code == 2 && said, "{folder}: {}", ran.err);
    }
}
