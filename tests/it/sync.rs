//! Keeping an index in sync with its sources, through the library.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use vizsla::{
    CancelHandle, Engine, FileRecord, Filter, Fusion, Index, IndexSettings, Limits, SearchRequest,
    WriterOptions,
};
use vizsla_ingest::{
    Change, Collision, ErrorKind, Observer, Problem, ProblemKind, Report, SkipReason, Source, Sync,
    SyncOptions, Update, Watch,
};

/// A folder of documents, and an index beside it.
struct Folder {
    dir: tempfile::TempDir,
    index: Index,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("files")).unwrap();
        let index = Index::create(dir.path().join("index"), IndexSettings::default()).unwrap();
        let folder = Self { dir, index };
        files.iter().for_each(|(name, content)| folder.write(name, content));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("files").join(name)
    }

    /// Writes a file that changed long enough ago for its time to be trusted.
    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let past = SystemTime::now() - Duration::from_mins(1);
        File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
    }

    fn sync(&self) -> Report {
        self.sync_with(&SyncOptions::default())
    }

    fn sync_with(&self, options: &SyncOptions) -> Report {
        run(&self.index, options, &[self.path("")])
    }

    /// Names of the files of all hits for a word, in order.
    fn found(&self, word: &str) -> Vec<String> {
        let engine = Engine::new(self.index.retriever()).with_fusion(Fusion::Retrieval);
        let hits = engine.search(&SearchRequest::new(word)).unwrap().hits;
        let name = |path: String| path.rsplit('/').next().unwrap_or_default().to_owned();
        let mut names: Vec<String> =
            hits.into_iter().map(|hit| name(hit.path.unwrap_or_default())).collect();
        names.sort();
        names
    }
}

fn run(index: &Index, options: &SyncOptions, paths: &[PathBuf]) -> Report {
    let sources = paths.iter().cloned().map(Source::Path).collect();
    Sync::new(options.clone()).run(index, sources, &(), &CancelHandle::new()).unwrap()
}

/// Added, changed, removed, unchanged.
fn counts(report: &Report) -> [u64; 4] {
    [report.added, report.changed, report.removed, report.unchanged]
}

fn file_record(index: &Index, path: &Path) -> Option<FileRecord> {
    index.writer(&WriterOptions::default().with_threads(1)).unwrap().file(path.to_str().unwrap())
}

#[test]
fn records_of_two_tables_with_one_id_live_side_by_side() {
    for (first, second) in [("a.csv", "b.csv"), ("b.csv", "a.csv")] {
        let folder = Folder::new(&[
            ("a.csv", "id,n\n1,heron Rosalind\n"),
            ("b.csv", "id,n\n1,heron Lantern\n"),
        ]);
        folder.sync();
        assert_eq!(folder.found("heron"), ["a.csv", "b.csv"]);
        fs::remove_file(folder.path(first)).unwrap();
        folder.sync();
        assert_eq!(folder.found("heron"), [second]);
        folder.write(first, "id,n\n1,heron again\n");
        folder.sync();
        assert_eq!(folder.found("heron"), ["a.csv", "b.csv"]);
    }
}

#[test]
fn lines_of_two_files_with_one_id_live_side_by_side() {
    let lines = |word: &str| {
        (0..50).map(|i| format!("{{\"_id\":\"{i}\",\"text\":\"{word}\"}}\n")).collect::<String>()
    };
    let folder = Folder::new(&[("a.jsonl", &lines("crane")), ("b.jsonl", &lines("stork"))]);
    let report = folder.sync();
    assert_eq!((report.documents, report.repeated_ids), (100, 0));
    assert_eq!(folder.index.stats().unwrap().documents, 100);
    folder.write("a.jsonl", "{\"_id\":\"0\",\"text\":\"egret\"}\n");
    folder.sync();
    assert_eq!(folder.index.stats().unwrap().documents, 51);
    assert!(folder.found("crane").is_empty());
}

#[test]
fn records_of_a_file_that_share_an_id_are_all_found() {
    let folder = Folder::new(&[
        ("a.jsonl", "{\"_id\":\"x\",\"text\":\"heron\"}\n{\"_id\":\"x\",\"text\":\"crane\"}\n"),
        ("orders.csv", "id,item\n7,stork\n7#3,egret\n7,ibis\n7,coot\n"),
    ]);
    let report = folder.sync();
    let path = folder.path("a.jsonl").display().to_string();
    assert_eq!(report.repeated_ids, 3);
    let Collision { path: file, id, .. } = &report.collisions[0];
    assert_eq!((file, id.as_str()), (&path, "x"));
    for word in ["heron", "crane"] {
        assert_eq!(folder.found(word), ["a.jsonl"]);
    }
    for word in ["stork", "egret", "ibis", "coot"] {
        assert_eq!(folder.found(word), ["orders.csv"]);
    }
    // Read again, they are the same.
    assert_eq!(folder.sync().documents, 0);
    folder.write("a.jsonl", "{\"_id\":\"x\",\"text\":\"heron\"}\n");
    folder.sync();
    assert_eq!(folder.found("heron"), ["a.jsonl"]);
    assert!(folder.found("crane").is_empty());
}

#[test]
fn skipped_files_are_named_with_their_reasons() {
    let folder = Folder::new(&[
        ("binary.bin", "\u{0}\u{1}"),
        ("empty.jsonl", "{\"_id\":\"e\",\"text\":\"\"}\n"),
        ("large.txt", &"x".repeat(200)),
        (".hidden.txt", "x"),
        ("broken.jsonl", "nonsense\n{\"text\":\"kept\"}\n"),
    ]);
    let limits = Limits::default().with_file_bytes(100);
    let options = SyncOptions::default().with_limits(limits).with_ignored_listed(true);
    let report = folder.sync_with(&options);
    let skipped = |reason| -> Vec<String> {
        report.skipped_for(reason).map(|s| s.path.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(skipped(SkipReason::Binary), ["binary.bin"]);
    assert_eq!(skipped(SkipReason::Empty), ["empty.jsonl"]);
    assert_eq!(skipped(SkipReason::TooLarge), ["large.txt"]);
    assert_eq!(skipped(SkipReason::Ignored), [".hidden.txt"]);
    let problem = |kind| report.problems.iter().find(|p| p.kind == kind).unwrap();
    assert!(problem(ProblemKind::TooLarge).path.ends_with("large.txt"));
    let content = problem(ProblemKind::Malformed);
    assert!(content.reason.starts_with("line 1: ") && content.location.is_some());
    assert_eq!(folder.found("kept"), ["broken.jsonl"]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["skipped"].as_array().unwrap().len(), 4);
    let again = folder.sync_with(&options);
    assert_eq!(again.skipped_for(SkipReason::Binary).count(), 1, "it is named each time");
}

#[test]
fn a_file_read_by_an_older_reader_is_read_again() {
    let folder = Folder::new(&[("a.md", "# Heron"), ("b.bin", "\u{0}")]);
    assert_eq!(counts(&folder.sync()), [2, 0, 0, 0]);
    assert_eq!(counts(&folder.sync()), [0, 0, 0, 2]);
    for name in ["a.md", "b.bin"] {
        let path = folder.path(name);
        let mut record = file_record(&folder.index, &path).unwrap();
        let (reader, version) = record.reader.clone().unwrap();
        record.reader = Some((reader, version - 1));
        let mut writer = folder.index.writer(&WriterOptions::default().with_threads(1)).unwrap();
        writer.record_file(path.to_str().unwrap(), record);
        writer.commit().unwrap();
        drop(writer);
        assert_eq!(counts(&folder.sync()), [0, 1, 0, 1], "{name}");
    }
    assert_eq!(counts(&folder.sync()), [0, 0, 0, 2]);
}

#[test]
fn roots_and_options_are_remembered() {
    let folder = Folder::new(&[("docs/.hidden.txt", "heron"), ("notes/a.txt", "crane")]);
    let hidden = SyncOptions::default().with_hidden(true);
    run(&folder.index, &hidden.clone().with_rehash(true), &[folder.path("docs")]);
    run(&folder.index, &SyncOptions::default(), &[folder.path("notes")]);
    folder.write("docs/.other.txt", "stork");
    folder.write("notes/.other.txt", "egret");
    let remembered = Sync::remembered(&folder.index).unwrap();
    assert_eq!(remembered.len(), 2);
    for (sync, roots) in remembered {
        let sources = roots.into_iter().map(Source::Path).collect();
        sync.run(&folder.index, sources, &(), &CancelHandle::new()).unwrap();
    }
    assert_eq!((folder.found("stork").len(), folder.found("egret").len()), (1, 0));
}

#[test]
fn lost_files_are_read_again_as_they_were() {
    let limits = Limits::default().with_text_bytes(5);
    let folder = Folder::new(&[("a.txt", "heron crane"), ("b.txt", "stork")]);
    folder.sync_with(&SyncOptions::default().with_limits(limits));
    let name = folder.path("a.txt").display().to_string();
    let mut writer = folder.index.writer(&WriterOptions::default().with_threads(1)).unwrap();
    writer.delete_file(&name);
    writer.commit().unwrap();
    drop(writer);
    let report = Sync::default().reread(&folder.index, &[name], &(), &CancelHandle::new()).unwrap();
    assert_eq!(counts(&report), [1, 0, 0, 0]);
    assert_eq!((folder.found("heron").len(), folder.found("crane").len()), (1, 0));
    assert_eq!(folder.index.files(&Filter::default()).unwrap().len(), 2);
}

#[test]
fn what_is_deleted_by_hand_comes_back_when_its_file_changes_or_all_is_read_again() {
    let folder = Folder::new(&[("a.csv", "id,n\n1,heron\n2,crane\n")]);
    folder.sync();
    let path = folder.path("a.csv").display().to_string();
    let delete = |whole_file: bool| {
        let mut writer = folder.index.writer(&WriterOptions::default().with_threads(1)).unwrap();
        if whole_file {
            assert!(writer.delete_documents_of(&path));
        } else {
            assert!(writer.delete_from(&path, "1").unwrap());
        }
        writer.commit().unwrap();
    };
    for whole_file in [false, true] {
        delete(whole_file);
        assert_eq!(counts(&folder.sync()), [0, 0, 0, 1]);
        assert!(folder.found("heron").is_empty());
        assert_eq!(
            counts(&folder.sync_with(&SyncOptions::default().with_rehash(true))),
            [0, 1, 0, 0]
        );
        assert_eq!(folder.found("heron").len(), 1);
        delete(whole_file);
        folder.write("a.csv", &format!("id,n\n1,heron\n2,crane\n3,{whole_file}\n"));
        folder.sync();
        assert_eq!(folder.found("heron").len(), 1);
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_is_named_and_not_waited_for() {
    let folder = Folder::new(&[("docs/a.txt", "heron")]);
    let fifo = folder.path("docs/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let report = run(&folder.index, &SyncOptions::default(), &[fifo]);
    assert_eq!(report.problems[0].kind, ProblemKind::Special);
    assert!(report.problems[0].reason.contains("FIFO") && report.added == 0);
    let report = run(&folder.index, &SyncOptions::default(), &[folder.path("docs")]);
    assert_eq!(report.special, 1);
    assert!(report.problems.is_empty() && report.added == 1);
}

#[test]
fn a_source_that_is_gone_changes_nothing_unless_told_to_go_on() {
    let folder = Folder::new(&[("docs/a.txt", "heron")]);
    run(&folder.index, &SyncOptions::default(), &[folder.path("docs")]);
    fs::remove_dir_all(folder.path("docs")).unwrap();
    let sources = || vec![Source::Path(folder.path("docs"))];
    let (sync, cancel) = (Sync::new(SyncOptions::default()), CancelHandle::new());
    let error = sync.run(&folder.index, sources(), &(), &cancel).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    let sync = sync.with_missing_sources_reported();
    let report = sync.run(&folder.index, sources(), &(), &cancel).unwrap();
    assert_eq!(report.problems[0].kind, ProblemKind::Emptied);
    assert_eq!(folder.found("heron").len(), 1);
    let sync = Sync::new(SyncOptions::default().with_prune(true)).with_missing_sources_reported();
    let report = sync.run(&folder.index, sources(), &(), &cancel).unwrap();
    assert!(report.problems.is_empty() && report.removed == 1, "{report:?}");
    assert!(folder.found("heron").is_empty());
    assert!(Sync::remembered(&folder.index).unwrap().is_empty());
}

#[test]
fn an_observer_sees_every_file_and_a_cancelled_run_changes_nothing() {
    #[derive(Default)]
    struct Seen {
        files: Mutex<Vec<Change>>,
        problems: Mutex<Vec<String>>,
        cancel: CancelHandle,
    }
    impl Observer for Seen {
        fn file(&self, _: &str, _: u64, change: Change) {
            self.files.lock().unwrap().push(change);
            self.cancel.cancel();
        }
        fn problem(&self, problem: &Problem) {
            self.problems.lock().unwrap().push(problem.reason.clone());
        }
    }
    let folder = Folder::new(&[("a.txt", "heron"), ("b.jsonl", "nonsense\n")]);
    let (sync, seen) = (Sync::new(SyncOptions::default()), Seen::default());
    let sources = || vec![Source::Path(folder.path(""))];
    let error = sync.run(&folder.index, sources(), &seen, &seen.cancel).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(folder.found("heron").is_empty() && folder.index.sync_state().unwrap().is_none());
    let seen = Seen::default();
    sync.run(&folder.index, sources(), &seen, &CancelHandle::new()).unwrap();
    assert_eq!(*seen.files.lock().unwrap(), [Change::Added, Change::Added]);
    assert_eq!(seen.problems.lock().unwrap().len(), 1);
}

#[test]
fn a_watched_folder_is_read_again_when_it_changes() {
    let folder = Folder::new(&[("a.txt", "heron")]);
    let (sync, cancel) = (Sync::new(SyncOptions::default()), CancelHandle::new());
    let watch = Watch::new(sync, vec![folder.path("")]).unwrap();
    let mut added = Vec::new();
    watch
        .run(&folder.index, &(), &cancel, &mut |update| {
            let Update::Done(report) = update else { panic!("{update:?}") };
            if report.added > 0 {
                added.push(report.added);
                folder.write("b.txt", "crane");
            }
            if added.len() == 2 {
                cancel.cancel();
            }
        })
        .unwrap();
    assert_eq!(added, [1, 1]);
    assert_eq!((folder.found("heron").len(), folder.found("crane").len()), (1, 1));
}

#[test]
fn watching_ends_with_an_error_that_does_not_pass() {
    let folder = Folder::new(&[("a.txt", "heron")]);
    let mut writer = folder.index.writer(&WriterOptions::default().with_threads(1)).unwrap();
    writer.set_sync_state(Some("not what was stored".to_owned()));
    writer.commit().unwrap();
    drop(writer);
    let watch = Watch::new(Sync::new(SyncOptions::default()), vec![folder.path("")]).unwrap();
    let error = watch
        .run(&folder.index, &(), &CancelHandle::new(), &mut |update| panic!("{update:?}"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Index);
}
