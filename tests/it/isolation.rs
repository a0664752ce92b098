//! Files that cannot be read: what reads them is kept apart, and what is wrong with them is remembered and listed.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Workspace, fixture, run};

/// A worker that has been told how to read.
fn worker(workspace: &Workspace) -> (std::process::Child, BufReader<std::process::ChildStdout>) {
    let mut child = workspace
        .command(&["extract-worker"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let hello = json!({ "limits": {}, "memory": 1_u64 << 30, "ocr": null });
    writeln!(child.stdin.as_mut().unwrap(), "{hello}").unwrap();
    let mut replies = BufReader::new(child.stdout.take().unwrap());
    assert!(reply(&mut replies)["ready"]["version"].is_string());
    (child, replies)
}

fn reply(replies: &mut impl BufRead) -> Value {
    let mut line = String::new();
    replies.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

fn send(child: &mut std::process::Child, name: &str, content: &[u8]) {
    let input = child.stdin.as_mut().unwrap();
    writeln!(input, "{}", json!({ "name": name, "format": "text" })).unwrap();
    for chunk in [content, b""] {
        input.write_all(&(chunk.len() as u32).to_le_bytes()).unwrap();
        input.write_all(chunk).unwrap();
    }
    input.flush().unwrap();
}

#[test]
fn a_worker_reads_file_after_file_and_ends_with_its_input() {
    let workspace = Workspace::new();
    let (mut child, mut replies) = worker(&workspace);
    for name in ["a.txt", "b.txt"] {
        send(&mut child, name, b"heron");
        assert_eq!(reply(&mut replies)["document"]["document"]["id"], name);
        assert_eq!(reply(&mut replies), json!({ "end": null }));
    }
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    replies.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(!workspace.ok(&["--help"]).contains("extract-worker"));
}

#[test]
fn a_worker_that_is_told_nonsense_says_so_and_ends() {
    let workspace = Workspace::new();
    let ran = workspace.run_with(&["extract-worker"], "nonsense\n");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert_eq!(workspace.run(&["extract-worker"]).code, 0);
}

fn report(workspace: &Workspace, flags: &[&str]) -> Value {
    let args = [&["index", "docs", "--index", "index", "--json"], flags].concat();
    let ran = workspace.run(&args);
    assert!(ran.code == 0 || ran.code == 3, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

/// Writes a file that changed long enough ago for its time to be trusted.
fn write_settled(workspace: &Workspace, name: &str, content: &str) {
    let path = workspace.write(name, content);
    let past = std::time::SystemTime::now() - std::time::Duration::from_mins(1);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
}

#[test]
fn what_could_not_be_read_is_remembered_and_read_again_on_request() {
    let workspace = Workspace::new();
    write_settled(&workspace, "docs/a.jsonl", "nonsense\n{\"text\":\"heron\"}\n");
    write_settled(&workspace, "docs/b.txt", "crane");
    let numbers = |report: &Value| {
        ["added", "changed", "unchanged", "read_in_part"].map(|name| report[name].as_u64().unwrap())
    };
    let first = report(&workspace, &[]);
    assert_eq!(numbers(&first), [2, 0, 0, 1]);
    assert_eq!(first["problems"][0]["known"], false);
    let again = report(&workspace, &[]);
    assert_eq!(numbers(&again), [0, 0, 2, 1]);
    assert_eq!(again["problems"][0]["known"], true);
    assert_eq!(again["problems"][0]["reason"], first["problems"][0]["reason"]);
    assert_eq!(again["problems"][0]["location"], first["problems"][0]["location"]);
    assert_eq!(numbers(&report(&workspace, &["--retry-failed"])), [0, 1, 1, 1]);
    let remembered = ["index", "--index", "index", "--json", "--retry-failed"];
    let remembered = serde_json::from_str(&workspace.run(&remembered).out).unwrap();
    assert_eq!(numbers(&remembered), [0, 1, 1, 1]);
    write_settled(&workspace, "docs/a.jsonl", "{\"text\":\"heron\"}\n");
    let mended = report(&workspace, &[]);
    assert_eq!(numbers(&mended), [0, 1, 1, 0]);
    assert_eq!(mended["problems"], json!([]));
}

#[test]
fn a_file_is_read_again_when_it_may_be_read_otherwise() {
    let workspace = Workspace::new();
    let long = "heron ".repeat(1000);
    write_settled(
        &workspace,
        "docs/a.jsonl",
        &format!("{{\"text\":\"{long}\"}}\n{{\"text\":\"x\"}}"),
    );
    let changed = |flags: &[&str]| report(&workspace, flags)["changed"].as_u64().unwrap();
    assert_eq!(report(&workspace, &["--max-file-size", "1K"])["read_in_part"], 1);
    assert_eq!(changed(&["--max-file-size", "1K"]), 0);
    assert_eq!(changed(&["--max-file-size", "1M"]), 1);
    assert_eq!(report(&workspace, &["--max-file-size", "1M"])["problems"], json!([]));
    // What was read whole is not read again for other limits.
    assert_eq!(changed(&["--max-file-size", "1K"]), 0);
}

#[test]
fn known_problems_are_counted_and_listed_with_remedies() {
    let workspace = Workspace::new();
    write_settled(&workspace, "docs/a.jsonl", "nonsense\n{\"text\":\"heron\"}\n");
    let lines = "nonsense\n".repeat(100);
    write_settled(&workspace, "docs/b.jsonl", &lines);
    let index = ["index", "docs", "--index", "index"];
    let ran = workspace.run(&index);
    assert_eq!(ran.code, 3);
    assert!(
        ran.err.contains("a.jsonl: line 1") && ran.err.contains("68 more problems"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("1 file read in part"), "{}", ran.out);
    assert!(ran.out.contains("1 file that could not be read"), "{}", ran.out);
    let ran = workspace.run(&index);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("34 problems of 2 unchanged files are known"), "{}", ran.err);
    assert!(!ran.err.contains("line 1"), "{}", ran.err);
    assert!(workspace.run(&[&index[..], &["--verbose"]].concat()).err.contains("a.jsonl: line 1"));
    let listed = workspace.ok(&["info", "--index", "index", "--problems"]);
    assert!(listed.contains("a.jsonl: line 1: is not valid JSON"), "{listed}");
    let listed = workspace.json(&["info", "--index", "index", "--problems", "--json"]);
    let first = &listed["problems"][0];
    assert_eq!(listed["problems"].as_array().unwrap().len(), 34);
    assert_eq!(first["kind"], "malformed");
    assert_eq!(first["location"]["lines"]["first"], 1);
    let info = workspace.json(&["info", "--index", "index", "--json"]);
    assert_eq!(info["files_with_problems"], 2);
    assert_eq!(info["formats"]["jsonl"], json!({ "files": 2, "documents": 1 }));
}

#[test]
fn extract_shows_what_an_index_sees() {
    let workspace = Workspace::new();
    workspace.write("a.md", "# Heron\n\nIt wades.\n\n# Crane\n\nIt dances.\n");
    workspace.write("b.jsonl", "nonsense\n{\"text\":\"stork\",\"year\":1}\n");
    workspace.write("c.bin", b"\x00\x01");
    let shown = workspace.ok(&["extract", "a.md"]);
    for part in ["document a.md", "title    Heron", "[line", "It dances.", "read as Markdown"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let ran = workspace.run(&["extract", "b.jsonl", "c.bin", "nowhere", "a.md"]);
    assert_eq!(ran.code, 3);
    for part in
        ["b.jsonl: line 1: ", "metadata year: 1", "c.bin: ", "nowhere: cannot be read", "Heron"]
    {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let ran = workspace.run(&["extract", "b.jsonl", "--json"]);
    let lines: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["problem"], "malformed");
    assert_eq!(lines[1]["passages"][0]["place"], "line 2");
    assert_eq!(lines[1]["metadata"]["year"], 1);
    let limited = workspace.run(&["extract", "a.md", "--max-file-size", "3"]);
    assert_eq!(limited.code, 3);
    assert!(limited.out.contains("--max-file-size"), "{}", limited.out);
}

#[test]
fn a_hit_has_a_place_and_a_link() {
    let workspace = Workspace::new();
    workspace.write("docs/a b.md", "# Heron\n\nIt wades.\n");
    workspace.ok(&["index", "docs", "--index", "index"]);
    let search = ["search", "wades", "--index", "index", "--fusion", "bm25"];
    let found = workspace.json(&[&search[..], &["--json"]].concat());
    let hit = &found["hits"][0];
    assert_eq!(hit["place"], "lines 1-3");
    let link = hit["link"].as_str().unwrap();
    assert!(link.starts_with("file:///") && link.ends_with("/docs/a%20b.md"), "{link}");
    let plain = workspace.ok(&search);
    assert!(plain.contains("docs/a b.md:3") && !plain.contains("file://"), "{plain}");
    let mut coloured = workspace.command(&search);
    let ran = run(coloured.env("CLICOLOR_FORCE", "1"), b"");
    assert!(ran.out.contains(&format!("\u{1b}]8;;{link}\u{1b}\\")), "{}", ran.out);
}

#[test]
fn pictures_of_text_are_read_on_request_alone() {
    let workspace = Workspace::new();
    crate::support::copy_dir(&fixture("documents"), &workspace.path("docs"));
    // Without tesseract this names it; with it there is nothing to read here.
    let mut command = workspace.command(&["index", "docs", "--index", "index", "--ocr"]);
    let ran = run(command.env("PATH", workspace.path("empty")), b"");
    assert_eq!(ran.code, 2, "{}", ran.out);
    assert!(ran.err.contains("--ocr"), "{}", ran.err);
    assert!(!workspace.path("index").exists());
}

#[cfg(all(unix, feature = "full"))]
#[test]
fn files_that_are_pictures_are_read_once_there_is_ocr() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = Workspace::new();
    let script =
        "#!/bin/sh\ncase $1 in --version) echo fake;; *) cat >/dev/null; echo heron;; esac\n";
    workspace.write("bin/tesseract", script);
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(workspace.path("bin/tesseract"), executable).unwrap();
    workspace.write("docs/note.png", b"\x89PNG\r\n\x1a\n\0");
    let index = |ocr: bool| {
        let flags = ["index", "docs", "--index", "index", "--json", "--ocr"];
        let mut command = workspace.command(&flags[..flags.len() - usize::from(!ocr)]);
        let path = format!("{}:/usr/bin:/bin", workspace.path("bin").display());
        let ran = run(command.env("PATH", path), b"");
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()
    };
    assert_eq!(index(false)["binary"], 1);
    assert_eq!(index(true)["documents"], 1);
    assert_eq!(index(true)["documents"], 0, "it is read once");
    let found =
        workspace.json(&["search", "heron", "--index", "index", "--fusion", "bm25", "--json"]);
    assert_eq!(crate::support::names(&found), ["note.png"]);
}

/// A line of JSON Lines, compressed.
#[cfg(feature = "full")]
const COMPRESSED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x10\x00\xef\xff{\"text\":\"ibis\"}\x0a\x1e\xe24y\x10\x00\x00\x00";

#[cfg(feature = "full")]
#[test]
fn a_file_is_what_it_holds_and_is_read_in_a_worker() {
    let workspace = Workspace::new();
    workspace.write("docs/a.jsonl", COMPRESSED);
    workspace.write("docs/b.txt", "crane");
    workspace.ok(&["index", "docs", "--index", "index"]);
    let found =
        workspace.json(&["search", "ibis", "--index", "index", "--fusion", "bm25", "--json"]);
    assert_eq!(crate::support::names(&found), ["a.jsonl"]);
}

#[cfg(feature = "full")]
#[test]
fn text_needs_no_worker() {
    use vizsla::{CancelHandle, Index, IndexSettings};
    use vizsla_ingest::{ProblemKind, Source, Sync, SyncOptions, WorkerCommand};
    let workspace = Workspace::new();
    workspace.write("docs/b.txt", "crane");
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let sync = Sync::new(SyncOptions::default()).with_workers(WorkerCommand::new("/nowhere"));
    let run = || {
        let sources = vec![Source::Path(workspace.path("docs"))];
        sync.run(&index, sources, &(), &CancelHandle::new()).unwrap()
    };
    assert!(run().problems.is_empty());
    workspace.write("docs/a.gz", COMPRESSED);
    let report = run();
    assert_eq!(report.problems[0].kind, ProblemKind::Unreadable);
    assert!(report.problems[0].reason.contains("/nowhere"), "{report:?}");
    let sync = Sync::new(SyncOptions::default().with_ocr("eng"));
    assert!(sync.run(&index, Vec::new(), &(), &CancelHandle::new()).is_err());
}
