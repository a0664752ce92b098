//! `vizsla index`, `info` and `delete`.

use serde_json::Value;

use crate::support::{Workspace, copy_dir, fixture, ids};

fn report(workspace: &Workspace) -> Value {
    workspace.json(&["index", "docs", "--index", "index", "--json"])
}

fn counts(report: &Value) -> [u64; 4] {
    ["added", "changed", "removed", "unchanged"].map(|name| report[name].as_u64().unwrap())
}

#[test]
fn every_format_is_read_and_binaries_are_counted() {
    let workspace = Workspace::new();
    copy_dir(&fixture("documents"), &workspace.path("docs"));
    let report = report(&workspace);
    assert_eq!(counts(&report), [10, 0, 0, 0]);
    assert_eq!(report["binary"], 1);
    assert_eq!(report["documents"], 12);
    let info = workspace.json(&["info", "--index", "index", "--json"]);
    assert_eq!(info["stats"]["documents"], 12);
    assert_eq!(info["stats"]["files"], 10);
}

#[test]
fn running_again_updates() {
    let workspace = Workspace::new();
    copy_dir(&fixture("documents"), &workspace.path("docs"));
    report(&workspace);
    assert_eq!(counts(&report(&workspace)), [0, 0, 0, 10]);
    workspace.write("docs/guide.md", "# New\nzebra");
    workspace.write("docs/added.txt", "quagga");
    std::fs::remove_file(workspace.path("docs/manual.rst")).unwrap();
    assert_eq!(counts(&report(&workspace)), [1, 1, 1, 8]);
    let search = |query: &str| {
        workspace.run(&["search", query, "--index", "index", "--fusion", "bm25", "--json"])
    };
    assert_eq!(search("zebra").code, 0);
    assert_eq!(search("leash").code, 1, "the old text is gone");
    assert_eq!(search("kennel bowls").code, 0, "the text in UTF-16 speaks of a kennel too");
    assert!(!search("kennel").out.contains("manual.rst"));
}

#[test]
fn ignored_and_hidden_files_are_left_out_unless_asked_for() {
    let workspace = Workspace::new();
    workspace.write("docs/.gitignore", "*.log\n");
    workspace.write("docs/a.txt", "alpha");
    workspace.write("docs/b.log", "beta");
    workspace.write("docs/.hidden.txt", "gamma");
    assert_eq!(counts(&report(&workspace)), [1, 0, 0, 0]);
    let all =
        workspace.json(&["index", "docs", "--index", "all", "--hidden", "--no-ignore", "--json"]);
    assert_eq!(counts(&all), [4, 0, 0, 0]);
}

#[cfg(unix)]
#[test]
fn links_are_counted_and_loops_are_harmless() {
    let workspace = Workspace::new();
    workspace.write("docs/a.txt", "alpha");
    std::os::unix::fs::symlink(workspace.path("docs"), workspace.path("docs/loop")).unwrap();
    let report = report(&workspace);
    assert_eq!((counts(&report), &report["links_not_followed"]), ([1, 0, 0, 0], &1.into()));
    let followed = workspace.json(&["index", "docs", "--index", "followed", "--follow", "--json"]);
    assert_eq!(counts(&followed), [1, 0, 0, 0]);
}

#[test]
fn an_emptied_source_is_kept_until_pruned() {
    let workspace = Workspace::new();
    let file = workspace.write("docs/a.txt", "alpha");
    report(&workspace);
    std::fs::remove_file(file).unwrap();
    let kept = workspace.run(&["index", "docs", "--index", "index"]);
    assert_eq!(kept.code, 3);
    assert!(kept.err.contains("--prune"), "{}", kept.err);
    workspace.ok(&["search", "alpha", "--index", "index", "--fusion", "bm25"]);
    workspace.ok(&["index", "docs", "--index", "index", "--prune"]);
    assert_eq!(workspace.run(&["search", "alpha", "--index", "index", "--fusion", "bm25"]).code, 1);
}

#[test]
fn json_lines_come_through_standard_input() {
    let workspace = Workspace::new();
    let lines = "{\"_id\": \"a\", \"text\": \"alpha\", \"year\": 2020}\n{\"_id\": \"b\", \"text\": \"beta\"}\n";
    assert_eq!(workspace.run_with(&["index", "-", "--index", "index"], lines).code, 0);
    let found =
        workspace.json(&["search", "alpha", "--index", "index", "--fusion", "bm25", "--json"]);
    assert_eq!(ids(&found), ["a"]);
    assert_eq!(found["hits"][0]["metadata"]["year"], 2020);
    assert_eq!(found["hits"][0]["path"], Value::Null);
    // A document with the same id replaces the old one.
    workspace
        .run_with(&["index", "-", "--index", "index"], "{\"_id\": \"a\", \"text\": \"gamma\"}");
    assert_eq!(workspace.run(&["search", "alpha", "--index", "index", "--fusion", "bm25"]).code, 1);
}

#[test]
fn documents_are_deleted_by_id_and_by_path() {
    let workspace = Workspace::new().with_documents();
    workspace.ok(&["delete", "walk-1", "--index", "index"]);
    let deleted = workspace.ok(&["delete", "--path", "*.md", "--index", "index"]);
    assert!(deleted.contains("1 file\n"), "{deleted}");
    let info = workspace.json(&["info", "--index", "index", "--json"]);
    assert_eq!(info["stats"]["documents"], 10);
    let missing = workspace.run(&["delete", "no-such-id", "--index", "index"]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("no-such-id"));
}

#[test]
fn deleted_documents_are_compacted() {
    let workspace = Workspace::new();
    let lines: String =
        (0..100).map(|i| format!("{{\"_id\": \"d{i}\", \"text\": \"heron {i}\"}}\n")).collect();
    assert_eq!(
        workspace.run_with(&["index", "-", "--index", "index", "--threads", "1"], lines).code,
        0
    );
    let ids: Vec<String> = (0..60).map(|i| format!("d{i}")).collect();
    let mut args = vec!["delete", "--index", "index"];
    args.extend(ids.iter().map(String::as_str));
    workspace.ok(&args);
    workspace.ok(&["check", "--index", "index"]);
    let entries = std::fs::read_dir(workspace.path("index/segments")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names.into_iter().any(|name| name.ends_with(".del")), "nothing deleted is left");
    let info = workspace.json(&["info", "--index", "index", "--json"]);
    assert_eq!(info["stats"]["passages"], 40);
}

#[test]
fn a_run_without_sources_updates_those_of_earlier_runs() {
    let workspace = Workspace::new();
    workspace.write("docs/.hidden.txt", "heron");
    workspace.ok(&["index", "docs", "--index", "index", "--hidden"]);
    workspace.write("docs/.other.txt", "crane");
    let report = workspace.json(&["index", "--index", "index", "--json"]);
    assert_eq!(counts(&report), [1, 0, 0, 1]);
    let piped = ["index", "-", "--index", "piped"];
    assert_eq!(workspace.run_with(&piped, "{\"text\": \"x\"}\n").code, 0);
    let ran = workspace.run(&["index", "--index", "piped"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("remembers no sources"), "{}", ran.err);
}

#[test]
fn an_id_that_several_files_have_is_deleted_from_the_one_named() {
    let workspace = Workspace::new();
    workspace.write("docs/a.csv", "id,n\n1,heron\n");
    workspace.write("docs/b.csv", "id,n\n1,crane\n");
    report(&workspace);
    let ran = workspace.run(&["delete", "1", "--index", "index"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("a.csv") && ran.err.contains("--path"), "{}", ran.err);
    workspace.ok(&["delete", "1", "--path", "*b.csv", "--index", "index"]);
    let found = |word: &str| {
        workspace.run(&["search", word, "--index", "index", "--fusion", "bm25"]).code == 0
    };
    assert!(found("heron") && !found("crane"));
    assert_eq!(counts(&report(&workspace)), [0, 0, 0, 2]);
    assert!(
        !found("crane"),
        "what is deleted by hand stays deleted while its file does not change"
    );
    workspace.ok(&["index", "docs", "--index", "index", "--rehash"]);
    assert!(found("crane"));
}

#[test]
fn what_is_skipped_or_replaced_is_named() {
    let workspace = Workspace::new();
    workspace.write("docs/a.csv", "id,n\n1,heron\n1,crane\n");
    workspace.write("docs/b.bin", "\0");
    workspace.write("docs/.c.txt", "stork");
    let ran = workspace.run(&["index", "docs", "--index", "index", "--verbose"]);
    assert_eq!(ran.code, 0);
    for name in ["a.csv has more than one document \"1\"", "b.bin", ".c.txt"] {
        assert!(ran.err.contains(name), "{name}: {}", ran.err);
    }
    let listed = workspace.ok(&["info", "--skipped", "--index", "index"]);
    for line in ["b.bin: binary", ".c.txt: hidden or ignored (--hidden takes it in)"] {
        assert!(listed.contains(line), "{line}: {listed}");
    }
    let listed = workspace.json(&["info", "--skipped", "--json", "--index", "index"]);
    assert_eq!(listed["skipped"].as_array().unwrap().len(), 2, "{listed}");
    workspace.write("hidden/.gitignore", "*");
    workspace.write("hidden/a.txt", "ibis");
    let ran = workspace.run(&["index", "hidden", "--index", "index"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("--no-ignore"), "{}", ran.err);
}

#[test]
fn a_folder_that_has_moved_is_marked_and_forgotten_on_request() {
    let workspace = Workspace::new();
    workspace.write("old/a.txt", "a heron stands");
    workspace.ok(&["index", "old", "--index", "index"]);
    std::fs::rename(workspace.path("old"), workspace.path("new")).unwrap();
    let ran = workspace.run(&["index", "new", "--index", "index"]);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("old is no longer there"), "{}", ran.err);
    let search = ["search", "heron", "--index", "index", "--fusion", "bm25"];
    assert_eq!(workspace.ok(&search).matches("the file is gone").count(), 1);
    let ran = workspace.run(&["index", "--index", "index"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("--prune"), "{}", ran.err);
    workspace.ok(&["index", "--prune", "--index", "index"]);
    assert!(!workspace.ok(&search).contains("gone"));
    assert!(!workspace.ok(&["info", "--index", "index"]).contains("old"));
}
