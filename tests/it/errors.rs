//! Bad input gets a message that says what is wrong and how to fix it, and loses nothing.

use std::process::Stdio;
use std::time::{Duration, Instant};

use vizsla::{
    Document, Engine, ErrorKind, Fusion, Index, IndexSettings, SearchRequest, WriterOptions,
};

use crate::support::{Workspace, fixture, run};

/// Runs a command that must fail with code 2 and a message that has all of `words`.
fn fails(workspace: &Workspace, args: &[&str], words: &[&str]) {
    let ran = workspace.run(args);
    assert_eq!(ran.code, 2, "{args:?}: {}{}", ran.out, ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{args:?} should say {word:?}: {}", ran.err);
    }
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

#[test]
fn an_empty_query() {
    let workspace = Workspace::new().with_documents();
    fails(
        &workspace,
        &["search", " ", "--index", "index"],
        &["query is empty", "at least one word"],
    );
    fails(&workspace, &["search", "--index", "index"], &["query is empty"]);
    fails(&workspace, &["rerank", ""], &["query is empty"]);
}

#[test]
fn an_empty_index() {
    let workspace = Workspace::new();
    assert_eq!(workspace.run_with(&["index", "-", "--index", "index"], "").code, 0);
    let ran = workspace.run(&["search", "dog", "--index", "index", "--json"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("the index is empty") && ran.err.contains("vizsla index"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("\"hits\": []"), "{}", ran.out);
}

#[test]
fn a_missing_or_foreign_index() {
    let workspace = Workspace::new();
    fails(
        &workspace,
        &["search", "dog", "--index", "nowhere"],
        &["no index at nowhere", "vizsla index SOURCE --index nowhere"],
    );
    workspace.write("photos/cat.jpg", "x");
    fails(&workspace, &["search", "dog", "--index", "photos"], &["photos is not a Vizsla index"]);
    fails(
        &workspace,
        &["index", "photos", "--index", "photos"],
        &["photos is not a Vizsla index", "new or empty"],
    );
    assert!(
        workspace.path("photos/cat.jpg").is_file()
            && !workspace.path("photos/vizsla.json").exists()
    );
    workspace.write("other/meta.json", "{}");
    fails(
        &workspace,
        &["search", "dog", "--index", "other"],
        &["another program", "TantivyRetriever"],
    );
    workspace.write("video/segments/part1.ts", "x");
    fails(&workspace, &["index", "photos", "--index", "video"], &["it holds other files"]);
    workspace.write("settings/vizsla.json", "x");
    for command in ["search dog", "check", "repair", "index photos"] {
        let args: Vec<&str> = command.split(' ').chain(["--index", "settings"]).collect();
        fails(&workspace, &args, &["none of its segments", "delete settings/vizsla.json"]);
    }
}

#[test]
fn an_index_of_another_format_version() {
    let workspace = Workspace::new().with_documents();
    let settings = std::fs::read_to_string(workspace.path("index/vizsla.json")).unwrap();
    workspace.write("index/vizsla.json", settings.replace("\"format\":3", "\"format\":999"));
    fails(
        &workspace,
        &["search", "dog", "--index", "index"],
        &["format version 999", "reads version 3", "index the sources again"],
    );
    workspace.write("index/vizsla.json", "{broken");
    fails(&workspace, &["search", "dog", "--index", "index"], &["vizsla.json is damaged"]);
}

#[test]
fn a_second_writer() {
    let workspace = Workspace::new().with_documents();
    let index = Index::open(workspace.path("index")).unwrap();
    let writer = index.writer(&WriterOptions::default()).unwrap();
    assert_eq!(index.writer(&WriterOptions::default()).unwrap_err().kind(), ErrorKind::Locked);
    fails(
        &workspace,
        &["index", "docs", "--index", "index"],
        &["another process or writer", "wait"],
    );
    workspace.ok(&["search", "walk", "--index", "index", "--fusion", "bm25"]);
    drop(writer);
    workspace.ok(&["index", "docs", "--index", "index"]);
}

#[test]
fn a_missing_source_changes_nothing() {
    let workspace = Workspace::new().with_documents();
    fails(&workspace, &["index", "docs", "nowhere", "--index", "index"], &["nowhere"]);
    fails(&workspace, &["index", "nowhere", "--index", "new"], &["nowhere"]);
    assert!(!workspace.path("new").exists());
}

#[test]
fn broken_files_are_listed_and_the_rest_is_indexed() {
    let workspace = Workspace::new();
    crate::support::copy_dir(&fixture("broken"), &workspace.path("docs"));
    let ran = workspace.run(&["index", "docs", "--index", "index"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("lines.jsonl: line 2: is not valid JSON"), "{}", ran.err);
    assert!(ran.err.contains("value.json: line 2: is not valid JSON"), "{}", ran.err);
    assert!(ran.err.contains("2 problems"), "{}", ran.err);
    workspace.ok(&["search", "another good line", "--index", "index", "--fusion", "bm25"]);
    workspace.ok(&["search", "utf", "--index", "index", "--fusion", "bm25"]);
    assert_eq!(
        workspace.run(&["index", "docs", "--index", "index"]).code,
        3,
        "what is broken is reported again"
    );
    let piped =
        workspace.run_with(&["index", "-", "--index", "piped"], "{\"text\": \"x\"}\nnonsense\n");
    assert_eq!(piped.code, 3);
    assert!(piped.err.contains("standard input: line 2"), "{}", piped.err);
}

#[cfg(unix)]
#[test]
fn unreadable_files_are_listed() {
    let workspace = Workspace::new();
    workspace.write("docs/a.txt", "alpha");
    workspace.write("docs/b.txt", "beta");
    // A dangling link cannot be read by anybody, root included.
    std::os::unix::fs::symlink(workspace.path("nothing"), workspace.path("docs/c.txt")).unwrap();
    let ran = workspace.run(&["index", "docs", "--index", "index", "--follow"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("c.txt") && ran.out.contains("2 added"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_file_of_a_gigabyte_is_refused_without_being_read() {
    let workspace = Workspace::new();
    workspace.write("docs/a.txt", "alpha");
    std::fs::File::create(workspace.path("docs/huge.txt")).unwrap().set_len(1 << 30).unwrap();
    let ran = workspace.run(&["index", "docs", "--index", "index"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("huge.txt") && ran.err.contains("--max-file-size"), "{}", ran.err);
    workspace.ok(&["search", "alpha", "--index", "index", "--fusion", "bm25"]);
}

/// Runs the program where no file may grow beyond 100 blocks: it takes the same path as on a full device.
#[cfg(unix)]
fn run_on_full_disk(workspace: &Workspace, arguments: &str) -> crate::support::Ran {
    let limited =
        format!("trap '' XFSZ; ulimit -f 100; exec '{}' {arguments}", env!("CARGO_BIN_EXE_vizsla"));
    let mut command = std::process::Command::new("bash");
    run(command.args(["-c", &limited]).current_dir(workspace.path("")), b"")
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    let workspace = Workspace::new();
    workspace.write("docs/a.txt", "alpha");
    workspace.ok(&["index", "docs", "--index", "index"]);
    let words: String = (0..200_000).map(|i| format!("word{i} ")).collect();
    workspace.write("docs/big.txt", words);
    let ran = run_on_full_disk(&workspace, "index docs --index index");
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("no room is left"), "{}", ran.err);
    workspace.ok(&["search", "alpha", "--index", "index", "--fusion", "bm25"]);
    workspace.ok(&["index", "docs", "--index", "index"]);
}

/// What a repair has dropped and could not read again is read by the next run, and the message says so.
#[cfg(unix)]
#[test]
fn a_full_disk_during_a_repair_loses_nothing() {
    let workspace = Workspace::new();
    let words: String = (0..200_000).map(|i| format!("word{i} ")).collect();
    workspace.write("docs/big.txt", words);
    workspace.ok(&["index", "docs", "--index", "index"]);
    for entry in std::fs::read_dir(workspace.path("index/segments")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "store") {
            std::fs::write(&path, b"damaged").unwrap();
        }
    }
    let ran = run_on_full_disk(&workspace, "repair --index index");
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    for words in ["could not be read again", "`vizsla index --index index`", "no room is left"] {
        assert!(ran.err.contains(words), "{}", ran.err);
    }
    workspace.ok(&["index", "--index", "index"]);
    workspace.ok(&["search", "word77777", "--index", "index", "--fusion", "bm25"]);
    workspace.ok(&["check", "--index", "index"]);
}

/// Starts indexing from a pipe that stays open, so that the run cannot end by itself, and waits until it has started.
#[cfg(unix)]
fn unfinished_run(workspace: &Workspace) -> std::process::Child {
    use std::io::Write;
    let mut command = workspace.command(&["index", "-", "--index", "index"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pipe = child.stdin.as_mut().unwrap();
    for i in 0..2000 {
        writeln!(pipe, "{{\"_id\": \"new-{i}\", \"text\": \"unfinished {i}\"}}").unwrap();
    }
    pipe.flush().unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    let lock = workspace.path("index/segments/.tantivy-writer.lock");
    while !lock.exists() {
        assert!(Instant::now() < deadline, "the run has not started writing");
        std::thread::yield_now();
    }
    child
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_the_last_commit() {
    let workspace = Workspace::new().with_documents();
    let mut child = unfinished_run(&workspace);
    child.kill().unwrap();
    child.wait().unwrap();
    workspace.ok(&["search", "walk", "--index", "index", "--fusion", "bm25"]);
    assert_eq!(
        workspace.run(&["search", "unfinished", "--index", "index", "--fusion", "bm25"]).code,
        1
    );
    workspace.ok(&["index", "docs", "--index", "index"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_commits_nothing_and_says_so() {
    let workspace = Workspace::new().with_documents();
    let mut child = unfinished_run(&workspace);
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    // The signal takes effect between two documents, so another one must arrive.
    let mut pipe = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || {
        use std::io::Write;
        while writeln!(pipe, "{{\"_id\": \"more\", \"text\": \"unfinished\"}}").is_ok() {}
    });
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("interrupted") && said.contains("as it was before"), "{said}");
    assert_eq!(
        workspace.run(&["search", "unfinished", "--index", "index", "--fusion", "bm25"]).code,
        1
    );
    workspace.ok(&["search", "walk", "--index", "index", "--fusion", "bm25"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_closed_early_is_not_an_error() {
    let workspace = Workspace::new().with_documents();
    let queries = "dog walk kennel nose\n".repeat(2000);
    workspace.write("queries", queries);
    let line = format!(
        "'{}' search --index index --fusion bm25 --jsonl < queries | head -n 1; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_vizsla")
    );
    let mut command = std::process::Command::new("bash");
    let ran = run(command.args(["-c", &line]).current_dir(workspace.path("")), b"");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out.len());
}

#[test]
fn a_missing_runtime_names_the_command_that_fetches_it() {
    let workspace = Workspace::new().with_documents();
    let search = |more: &[&str]| {
        let mut args = vec!["search", "walk", "--index", "index", "--json"];
        args.extend(more);
        let mut command = workspace.command(&args);
        command
            .env("VIZSLA_DATA_DIR", workspace.path("empty"))
            .env("ORT_DYLIB_PATH", workspace.path("missing.so"));
        run(&mut command, b"")
    };
    let refused = search(&[]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("ORT_DYLIB_PATH") && refused.err.contains("--fusion bm25"),
        "{}",
        refused.err
    );
    let degraded = search(&["--bm25-fallback"]);
    assert_eq!(degraded.code, 0);
    let response: serde_json::Value = serde_json::from_str(&degraded.out).unwrap();
    assert!(response["degraded"].as_str().unwrap().contains("missing.so"));
    assert_eq!(search(&["--fusion", "bm25"]).code, 0);
}

#[test]
fn wrong_arguments_say_what_is_right() {
    let workspace = Workspace::new().with_documents();
    let search = |flag: &[&'static str], words: &[&str]| {
        let mut args = vec!["search", "dog", "--index", "index"];
        args.extend(flag);
        fails(&workspace, &args, words);
    };
    search(&["--fusion", "magic"], &["--fusion", "rrf", "linear"]);
    search(&["--depth", "0"], &["--depth", "at least 1"]);
    search(&["--since", "once upon a time"], &["--since", "2024-05-31"]);
    search(&["--meta", "kind"], &["--meta", "NAME=VALUE"]);
    search(&["--path", "a[", "--fusion", "bm25"], &["path filter", "a["]);
    search(&["--min-probability", "2"], &["--min-probability", "0 to 1"]);
}

#[test]
fn the_library_refuses_what_it_cannot_do() {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let mut writer = index.writer(&WriterOptions::default().with_threads(1)).unwrap();
    assert_eq!(writer.add(&Document::new("", "x")).unwrap_err().kind(), ErrorKind::InvalidInput);
    writer.add(&Document::new("a", "dog")).unwrap();
    writer.commit().unwrap();
    let engine = Engine::new(index.retriever());
    let error = engine.search(&SearchRequest::new("dog")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoReranker);
    let degraded = engine.search(&SearchRequest::new("dog").with_retrieval_fallback()).unwrap();
    assert!(degraded.degraded.is_some() && degraded.hits.len() == 1);
    let plain = engine.search(&SearchRequest::new("dog").with_fusion(Fusion::Retrieval)).unwrap();
    assert!(plain.degraded.is_none());
}

#[test]
fn a_line_that_a_document_begins_stays_below_its_hit() {
    let workspace = Workspace::new();
    workspace.write("odd/cr.txt", "first\rof the wombats  1. another\rhit.txt:1\n");
    workspace.ok(&["index", "odd", "--index", "index"]);
    let shown = workspace.ok(&["search", "wombats", "--index", "index", "--fusion", "bm25"]);
    let (_, lines) = shown.split_once("cr.txt:1").unwrap();
    let mut lines = lines.lines().skip(1).take_while(|line| !line.trim().is_empty());
    assert!(lines.all(|line| line.starts_with("   > ")), "{shown}");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let workspace = Workspace::new().with_documents();
    workspace.write("odd/c\u{1b}[32m.csv", "id,text\n1,one\n1,two\n");
    workspace.write("odd/bin\u{1b}[31m", b"\x00\x01\x02\x00\xff\xfe\x00");
    for args in [
        &["index", "odd", "--index", "other", "--verbose"] as &[&str],
        &["index", "no\u{1b}[31m", "--index", "other"],
        &["search", "dog", "--index", "no\u{1b}[31m"],
        &["search", "a:\u{1b}[31m(", "--index", "index", "--syntax", "--fusion", "bm25"],
        &["delete", "i\u{1b}[31m", "--index", "index"],
    ] {
        let mut command = workspace.command(args);
        // As on a terminal, where colours are not stripped.
        let ran = run(command.env("CLICOLOR_FORCE", "1"), b"");
        let shown = ran.out + &ran.err;
        assert!(!shown.contains("i\u{1b}") && !shown.contains("no\u{1b}"), "{shown:?}");
        assert!(!shown.contains("c\u{1b}") && !shown.contains("bin\u{1b}"), "{shown:?}");
        assert!(shown.contains('\u{fffd}'), "{args:?}: {shown:?}");
    }
}
