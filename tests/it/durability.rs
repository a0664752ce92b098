//! What was committed is never lost: not to a kill, not to a damaged file, not to a concurrent reader or writer.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use vizsla::{Engine, Fusion, Index, SearchRequest};

use crate::support::{Workspace, copy_dir, ids};

/// A folder with a file in each format and more, indexed in several parts.
fn indexed() -> Workspace {
    let workspace = Workspace::new().with_documents();
    for part in 0..3 {
        for file in 0..4 {
            let text =
                format!("# Part {part}\n\nfile {file} tells of heron number {}", part * 4 + file);
            workspace.write(&format!("docs/part{part}/{file}.md"), text);
        }
        workspace.ok(&["index", "docs", "--index", "index"]);
    }
    std::fs::remove_file(workspace.path("docs/part0/0.md")).unwrap();
    workspace.ok(&["index", "docs", "--index", "index"]);
    workspace
}

type Damage = fn(&mut Vec<u8>);

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// All herons that a search finds.
fn herons(index: &Path) -> Result<Vec<String>, vizsla::Error> {
    let engine = Engine::new(Index::open(index)?.retriever()).with_fusion(Fusion::Retrieval);
    let response =
        engine.search(&SearchRequest::new("heron dog walk").with_limit(100).with_depth(200))?;
    Ok(response.hits.into_iter().map(|hit| hit.doc_id).collect())
}

#[test]
fn damage_to_any_file_is_found_and_repaired() {
    let workspace = indexed();
    let pristine = workspace.path("index");
    let expected = herons(&pristine).unwrap();
    assert!(expected.len() > 11);
    let damages: [(&str, Damage); 5] = [
        ("a bit flipped in the middle", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
        }),
        ("a bit flipped at the start", |bytes| bytes[0] ^= 1),
        ("a bit flipped near the end", |bytes| {
            let last = bytes.len() - 2;
            bytes[last] ^= 16;
        }),
        ("cut in half", |bytes| bytes.truncate(bytes.len() / 2)),
        ("emptied", Vec::clear),
    ];
    for file in files(&pristine) {
        let relative = file.strip_prefix(&pristine).unwrap().to_owned();
        let content = std::fs::read(&file).unwrap();
        for (damage, change) in damages.iter().filter(|_| !content.is_empty()) {
            let case = format!("{}, {damage}", relative.display());
            let copy = workspace.path("damaged");
            let _ = std::fs::remove_dir_all(&copy);
            copy_dir(&pristine, &copy);
            let mut bytes = content.clone();
            change(&mut bytes);
            std::fs::write(copy.join(&relative), &bytes).unwrap();

            let report = Index::check(&copy).unwrap();
            // Neither result nor message may depend on luck: what check considers intact gives the right answer.
            match herons(&copy) {
                Ok(found) if report.problems.is_empty() => assert_eq!(found, expected, "{case}"),
                Ok(_) => {}
                Err(error) => {
                    assert!(!report.problems.is_empty(), "{case}: {error}");
                    assert!(error.to_string().contains("repair"), "{case}: {error}");
                }
            }
            if relative.starts_with("segments") && !relative.to_string_lossy().contains('/') {
                assert!(!report.problems.is_empty(), "{case}");
            }
            let repaired = workspace.run(&["repair", "--index", "damaged"]);
            assert!(repaired.code == 0, "{case}: {}{}", repaired.out, repaired.err);
            assert!(Index::check(&copy).unwrap().problems.is_empty(), "{case}");
            let mut found = herons(&copy).unwrap();
            let mut all = expected.clone();
            found.sort();
            all.sort();
            assert_eq!(found, all, "{case}");
        }
    }
}

#[test]
fn check_and_repair_say_what_they_find() {
    let workspace = indexed();
    assert!(workspace.ok(&["check", "--index", "index"]).contains("the index is intact"));
    assert!(workspace.ok(&["repair", "--index", "index"]).contains("nothing to repair"));
    let store = files(&workspace.path("index/segments"))
        .into_iter()
        .find(|file| file.extension().is_some_and(|extension| extension == "store"))
        .unwrap();
    let mut bytes = std::fs::read(&store).unwrap();
    bytes[3] ^= 1;
    std::fs::write(&store, bytes).unwrap();
    let checked = workspace.run(&["check", "--index", "index"]);
    assert_eq!(checked.code, 2);
    assert!(checked.err.contains(store.file_name().unwrap().to_str().unwrap()), "{}", checked.err);
    assert!(checked.err.contains("vizsla repair"), "{}", checked.err);
    let only = workspace.ok(&["repair", "--index", "index", "--no-reindex"]);
    assert!(only.contains("index the sources again"), "{only}");
    let again = workspace.json(&["index", "docs", "--index", "index", "--json"]);
    assert!(again["changed"].as_u64().unwrap() > 0, "{again}");
    assert_eq!(workspace.run(&["check", "--index", "nowhere"]).code, 2);
}

/// Kills the program at random moments; `VIZSLA_TEST_KILLS` sets how often.
#[cfg(unix)]
#[test]
fn a_kill_at_any_moment_loses_nothing_committed() {
    let kills = std::env::var("VIZSLA_TEST_KILLS").map_or(100, |count| count.parse().unwrap());
    let workspace = Workspace::new();
    let mut random = fastrand::Rng::with_seed(9);
    workspace.write("docs/kept.md", "heron zero");
    workspace.ok(&["index", "docs", "--index", "index"]);
    let mut interrupted = 0;
    for round in 0..kills {
        for file in 0..40 {
            let words = "reed ".repeat(200);
            workspace.write(&format!("docs/{file}.md"), format!("round {round} {words}"));
        }
        let mut child = workspace
            .command(&["index", "docs", "--index", "index"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_micros(random.u64(500..120_000));
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        let _ = child.kill();
        interrupted += i32::from(!child.wait().unwrap().success());
        let report = Index::check(workspace.path("index")).unwrap();
        assert!(report.problems.is_empty(), "round {round}: {:?}", report.problems);
        let index = Index::open(workspace.path("index")).unwrap();
        let engine = Engine::new(index.retriever()).with_fusion(Fusion::Retrieval);
        let hits = engine.search(&SearchRequest::new("heron")).unwrap().hits;
        assert_eq!(hits.len(), 1, "round {round}");
        // A run is all or nothing: either every file is there in one version, or none is.
        let reeds =
            engine.search(&SearchRequest::new("reed").with_limit(100).with_depth(100)).unwrap();
        assert!([0, 40].contains(&reeds.hits.len()), "round {round}: {}", reeds.hits.len());
    }
    assert!(interrupted > 0, "no run was killed before it was done");
    workspace.ok(&["index", "docs", "--index", "index"]);
}

#[test]
fn readers_see_whole_commits_while_another_process_writes() {
    let workspace = Workspace::new();
    let write = |version: usize| {
        for file in 0..20 {
            workspace
                .write(&format!("docs/{file}.md"), format!("egret version{version} file{file}"));
        }
    };
    write(0);
    workspace.ok(&["index", "docs", "--index", "index"]);
    let index = Index::open(workspace.path("index")).unwrap();
    let engine = Engine::new(index.retriever()).with_fusion(Fusion::Retrieval);
    for version in 1..5 {
        write(version);
        let mut child = workspace
            .command(&["index", "docs", "--index", "index", "--rehash"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while child.try_wait().unwrap().is_none() {
            let request = SearchRequest::new("egret").with_limit(100).with_depth(100);
            let hits = engine.search(&request).unwrap().hits;
            assert_eq!(hits.len(), 20);
            let first = hits[0].passage.text.split(' ').nth(1).unwrap().to_owned();
            assert!(
                hits.iter().all(|hit| hit.passage.text.contains(&first)),
                "one state, not a mix"
            );
        }
        index.refresh().unwrap();
        let request = SearchRequest::new(format!("version{version}")).with_limit(100);
        assert!(!engine.search(&request).unwrap().hits.is_empty());
    }
}

#[test]
fn a_renamed_file_keeps_its_place_and_an_old_one_is_not_read_again() {
    let workspace = Workspace::new();
    let docs = ["a", "b", "c"]
        .map(|name| workspace.write(&format!("docs/{name}.md"), format!("bird {name}{name}")));
    // Long enough ago for their times to be trusted.
    let past = std::time::SystemTime::now() - Duration::from_mins(1);
    for path in &docs {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
    }
    let index = |flags: &[&str]| {
        workspace.json(&[&["index", "docs", "--index", "index", "--json"], flags].concat())
    };
    index(&[]);
    std::fs::rename(workspace.path("docs/a.md"), workspace.path("docs/z.md")).unwrap();
    let report = index(&[]);
    let counts =
        ["added", "renamed", "removed", "unchanged"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [0, 1, 0, 2]);
    let found =
        workspace.json(&["search", "bird aa", "--index", "index", "--fusion", "bm25", "--json"]);
    assert!(ids(&found)[0].ends_with("z.md"));
    // Other words, the same size and time: only the content shows the change.
    workspace.write("docs/b.md", "bird qq");
    let b = std::fs::File::options().write(true).open(workspace.path("docs/b.md")).unwrap();
    b.set_modified(past).unwrap();
    assert_eq!(index(&[])["changed"], 0);
    assert_eq!(index(&["--rehash"])["changed"], 1);
}

#[cfg(unix)]
#[test]
fn a_watched_folder_is_indexed_as_it_changes() {
    let workspace = Workspace::new();
    workspace.write("docs/a.md", "crane");
    let mut child = workspace
        .command(&["watch", "docs", "--index", "index"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let found = |query: &str| {
        let search = ["search", query, "--index", "index", "--fusion", "bm25", "--json"];
        let ran = workspace.run(&search);
        if ran.code == 0 { ids(&serde_json::from_str(&ran.out).unwrap()).len() } else { 0 }
    };
    let until = |query: &str, count: usize| {
        let start = Instant::now();
        while found(query) != count {
            assert!(start.elapsed() < Duration::from_mins(1), "{query} is not found {count} times");
        }
    };
    until("crane", 1);
    // A burst, a save through a temporary file as editors do, a rename and a removal.
    for file in 0..30 {
        workspace.write(&format!("docs/burst{file}.md"), "stork");
    }
    until("stork", 10);
    workspace.write("docs/.a.md.swp", "ibis");
    std::fs::rename(workspace.path("docs/.a.md.swp"), workspace.path("docs/a.md")).unwrap();
    until("ibis", 1);
    until("crane", 0);
    std::fs::remove_file(workspace.path("docs/a.md")).unwrap();
    until("ibis", 0);
    let interrupt =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(Index::check(workspace.path("index")).unwrap().problems.is_empty());
}
