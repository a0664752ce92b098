//! What the store promises: nothing that was committed is lost, and what cannot be kept is refused.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use vizsla::{
    Document, Engine, ErrorKind, FileRecord, Filter, Fusion, Index, IndexSettings, Limits,
    Location, Locations, MetadataValue, SearchRequest, SearchResponse, SplitOptions, WriterOptions,
};

fn create(dir: &Path) -> Index {
    Index::create(dir.join("index"), IndexSettings::default()).unwrap()
}

fn one_thread() -> WriterOptions {
    WriterOptions::default().with_threads(1)
}

fn search(index: &Index, request: &SearchRequest) -> SearchResponse {
    Engine::new(index.retriever()).with_fusion(Fusion::Retrieval).search(request).unwrap()
}

/// File and id of all hits for a word, in order.
fn found(index: &Index, word: &str) -> Vec<(String, String)> {
    let request = SearchRequest::new(word).with_limit(20_000).with_depth(20_000);
    let hits = search(index, &request).hits;
    let mut found: Vec<_> =
        hits.into_iter().map(|hit| (hit.path.unwrap_or_default(), hit.doc_id)).collect();
    found.sort();
    found
}

fn record(file: &str, id: &str, text: &str) -> Document {
    Document::new(id, text).with_path(file)
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(file, id)| ((*file).to_owned(), (*id).to_owned())).collect()
}

#[test]
fn records_of_different_files_never_replace_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let index = create(dir.path());
    let mut writer = index.writer(&one_thread()).unwrap();
    writer.add(&record("a.csv", "1", "heron Rosalind")).unwrap();
    writer.add(&record("b.csv", "1", "heron Lantern")).unwrap();
    writer.add(&Document::new("1", "heron from no file")).unwrap();
    writer.commit().unwrap();
    assert_eq!(found(&index, "heron"), pairs(&[("", "1"), ("a.csv", "1"), ("b.csv", "1")]));

    // Again in a later commit, and twice in one: each replaces its own predecessor alone.
    assert!(!writer.add(&record("b.csv", "1", "heron second")).unwrap().repeated);
    assert!(writer.add(&record("b.csv", "1", "heron third")).unwrap().repeated);
    writer.commit().unwrap();
    assert_eq!(found(&index, "heron"), pairs(&[("", "1"), ("a.csv", "1"), ("b.csv", "1")]));
    assert_eq!(found(&index, "third"), pairs(&[("b.csv", "1")]));
    assert_eq!(found(&index, "second"), []);

    writer.delete_file("b.csv");
    writer.commit().unwrap();
    assert_eq!(found(&index, "heron"), pairs(&[("", "1"), ("a.csv", "1")]));
}

#[test]
fn a_bare_id_is_enough_where_it_is_unique() {
    let dir = tempfile::tempdir().unwrap();
    let index = create(dir.path());
    let mut writer = index.writer(&one_thread()).unwrap();
    for (file, id) in [("a.csv", "1"), ("b.csv", "1"), ("b.csv", "2")] {
        writer.add(&record(file, id, "egret")).unwrap();
        writer.record_file(file, FileRecord::new([1; 32], 1, 1 + u64::from(file == "b.csv")));
    }
    writer.commit().unwrap();
    let error = writer.delete("1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous);
    assert!(error.to_string().contains("a.csv, b.csv"), "{error}");
    assert!(writer.delete("2").unwrap());
    assert!(!writer.delete("3").unwrap());
    assert!(writer.delete_from("a.csv", "1").unwrap());
    writer.commit().unwrap();
    assert_eq!(found(&index, "egret"), pairs(&[("b.csv", "1")]));
    // The files are remembered, with what was taken from them.
    let record = writer.file("b.csv").unwrap();
    assert_eq!((record.documents, record.deleted), (1, true));
    assert!(writer.delete_documents_of("b.csv"));
    assert!(!writer.delete_documents_of("c.csv"));
    writer.commit().unwrap();
    assert_eq!(found(&index, "egret"), []);
    assert_eq!(writer.files(), ["a.csv", "b.csv"]);
}

#[test]
fn equal_ids_added_from_many_threads_leave_one_document() {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let mut writer = index.writer(&WriterOptions::default().with_threads(4)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let writer = &writer;
            scope.spawn(move || {
                for round in 0..200 {
                    let text = format!("crane thread{thread} round{round}");
                    writer.add(&record("f", &format!("{}", round % 10), &text)).unwrap();
                }
            });
        }
    });
    writer.commit().unwrap();
    assert_eq!(found(&index, "crane").len(), 10);
}

#[test]
fn what_cannot_be_stored_is_refused() {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let limits = Limits::default().with_metadata_bytes(100);
    let mut writer = index.writer(&one_thread().with_limits(limits)).unwrap();
    let with = |value| Document::new("d", "ibis").with_metadata("x", value);
    let nested = MetadataValue::List(vec![MetadataValue::Float(f64::INFINITY)]);
    for value in [MetadataValue::Float(f64::NAN), nested, "long ".repeat(40).into()] {
        let error = writer.add(&with(value)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("\"d\""), "{error}");
    }
    let long = "x".repeat(40_000);
    for document in [Document::new("", "ibis"), record(&long, "a", "ibis"), record("f", &long, "")]
    {
        assert_eq!(writer.add(&document).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    writer.add(&with(MetadataValue::Float(1.5))).unwrap();
    writer.commit().unwrap();
    assert_eq!(search(&index, &SearchRequest::new("ibis")).hits.len(), 1);
}

#[test]
fn metadata_is_the_documents_whichever_passage_is_found() {
    let index = Index::in_memory(
        IndexSettings::default().with_split(SplitOptions::default().with_max_tokens(16)),
    )
    .unwrap();
    let mut writer = index.writer(&one_thread()).unwrap();
    for (id, year) in [("old", 1999), ("new", 2024)] {
        let text = format!("{} stork", "many words come before it. ".repeat(20));
        let page = |number| Location::Pages { first: number, last: number, label: None };
        let document = Document::new(id, &text)
            .with_metadata("year", year)
            .with_locations(Locations::Spans(vec![(0, page(1)), (text.len() - 6, page(9))]));
        assert!(writer.add(&document).unwrap().passages > 2);
    }
    writer.add(&Document::new("between", "another")).unwrap();
    writer.commit().unwrap();
    let all = search(&index, &SearchRequest::new("stork"));
    assert!(all.hits.iter().all(|hit| hit.passage.ordinal > 0));
    let filter = Filter::default().with_metadata("year", "2024");
    let new = search(&index, &SearchRequest::new("stork").with_filter(filter));
    assert_eq!(new.hits.len(), 1);
    assert_eq!(new.hits[0].metadata["year"], MetadataValue::Integer(2024));
    assert!(new.hits[0].passage.location.to_string().contains('9'), "{:?}", new.hits[0]);
    let passages = index.retriever().passages(&["old"]).unwrap();
    assert!(
        passages.iter().all(|passage| passage.metadata["year"] == MetadataValue::Integer(1999))
    );
}

/// An index with several segments, one of them with deletions.
fn in_parts(dir: &Path) -> Index {
    let index = create(dir);
    let mut writer = index.writer(&one_thread()).unwrap();
    for part in 0..3 {
        for number in 0..5 {
            writer.add(&record(&format!("f{part}"), &format!("{number}"), "avocet")).unwrap();
        }
        writer.commit().unwrap();
    }
    writer.delete_from("f0", "0").unwrap();
    writer.commit().unwrap();
    writer.finish().unwrap();
    index
}

#[test]
fn a_copy_that_is_newer_or_stale_drops_no_segment() {
    let dir = tempfile::tempdir().unwrap();
    let index = in_parts(dir.path());
    let expected = found(&index, "avocet");
    let path = dir.path().join("index");
    let read = |name: &str| std::fs::read(path.join(name)).unwrap();
    let (old_meta, old_copy) = (read("segments/meta.json"), read("segments-copy.json"));
    let mut writer = index.writer(&one_thread()).unwrap();
    writer.add(&record("f9", "9", "avocet")).unwrap();
    writer.commit().unwrap();
    drop(writer);
    let (new_meta, new_copy) = (read("segments/meta.json"), read("segments-copy.json"));
    drop(index);
    // Killed after the copy was written and before the list was: the commit before stands.
    std::fs::write(path.join("segments/meta.json"), &old_meta).unwrap();
    assert_eq!(Index::check(&path).unwrap().problems, [] as [String; 0]);
    assert_eq!(found(&Index::open(&path).unwrap(), "avocet"), expected);
    // A copy from long ago, as of a backup: the list and its segments are whole, so the copy is what is mended.
    std::fs::write(path.join("segments/meta.json"), &new_meta).unwrap();
    let longer_ago =
        String::from_utf8(old_copy).unwrap().replacen("\"previous\":\"", "\"previous\":\"0", 1);
    std::fs::write(path.join("segments-copy.json"), longer_ago).unwrap();
    let report = Index::repair(&path).unwrap();
    assert_eq!((report.segments_dropped, report.passages_lost), (0, 0), "{report:?}");
    assert_eq!(found(&Index::open(&path).unwrap(), "avocet").len(), expected.len() + 1);
    assert_ne!(read("segments-copy.json"), new_copy);
    assert_eq!(Index::check(&path).unwrap().problems, [] as [String; 0]);
}

#[test]
fn a_merge_of_one_large_segment_is_not_damage() {
    let dir = tempfile::tempdir().unwrap();
    let index = create(dir.path());
    let mut writer = index.writer(&one_thread()).unwrap();
    for number in 0..11_000 {
        writer.add(&record("large", &format!("{number}"), "godwit")).unwrap();
    }
    writer.commit().unwrap();
    writer.add(&record("small", "s", "godwit")).unwrap();
    writer.commit().unwrap();
    // Enough deletions that the large segment is merged by itself.
    for number in 0..4_000 {
        writer.delete_from("large", &format!("{number}")).unwrap();
    }
    writer.commit().unwrap();
    writer.finish().unwrap();
    let path = dir.path().join("index");
    assert_eq!(Index::check(&path).unwrap().problems, [] as [String; 0]);
    assert_eq!(Index::repair(&path).unwrap().segments_dropped, 0);
    assert_eq!(found(&Index::open(&path).unwrap(), "godwit").len(), 7_001);
}

#[test]
fn a_commit_that_fails_changes_nothing_and_can_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let index = create(dir.path());
    let path = dir.path().join("index");
    let mut writer = index.writer(&one_thread()).unwrap();
    writer.add(&record("a", "1", "dunlin")).unwrap();
    writer.record_file("a", FileRecord::new([1; 32], 1, 1));
    writer.commit().unwrap();
    // Nothing can be renamed over a folder that is not empty, so the copy cannot be written.
    let copy = path.join("segments-copy.json");
    let kept = std::fs::read(&copy).unwrap();
    std::fs::remove_file(&copy).unwrap();
    std::fs::create_dir(&copy).unwrap();
    std::fs::write(copy.join("in the way"), "").unwrap();
    writer.add(&record("b", "2", "dunlin")).unwrap();
    writer.record_file("b", FileRecord::new([2; 32], 1, 1));
    assert_eq!(writer.commit().unwrap_err().kind(), ErrorKind::Io);
    std::fs::remove_dir_all(&copy).unwrap();
    std::fs::write(&copy, kept).unwrap();
    // As a process that opens it now sees it.
    let other = Index::open(&path).unwrap();
    assert_eq!(found(&other, "dunlin"), pairs(&[("a", "1")]));
    assert_eq!(other.files(&Filter::default()).unwrap(), ["a"]);
    assert_eq!(Index::check(&path).unwrap().problems, [] as [String; 0]);
    writer.commit().unwrap();
    let other = Index::open(&path).unwrap();
    assert_eq!(found(&other, "dunlin"), pairs(&[("a", "1"), ("b", "2")]));
    assert_eq!(other.files(&Filter::default()).unwrap(), ["a", "b"]);
    assert_eq!(Index::check(&path).unwrap().problems, [] as [String; 0]);
}

#[test]
fn repairs_beside_commits_erase_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let index = create(dir.path());
    let path = dir.path().join("index");
    let committed: std::sync::Mutex<BTreeSet<String>> = std::sync::Mutex::default();
    std::thread::scope(|scope| {
        for thread in 0..10 {
            let (path, committed) = (&path, &committed);
            scope.spawn(move || {
                let index = Index::open(path).unwrap();
                for round in 0..3 {
                    // Whoever holds the lock gives it back, so that each turn comes.
                    let mut writer = loop {
                        match index.writer(&one_thread()) {
                            Ok(writer) => break writer,
                            Err(error) => assert_eq!(error.kind(), ErrorKind::Locked, "{error}"),
                        }
                        std::thread::yield_now();
                    };
                    let id = format!("{thread}-{round}");
                    writer.add(&Document::new(&id, "whimbrel")).unwrap();
                    writer.commit().unwrap();
                    committed.lock().unwrap().insert(id);
                }
            });
            scope.spawn(move || {
                for _ in 0..3 {
                    match Index::repair(path) {
                        Ok(report) => assert_eq!(report.segments_dropped, 0, "{report:?}"),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Locked, "{error}"),
                    }
                }
            });
        }
    });
    index.refresh().unwrap();
    let found: BTreeSet<String> = found(&index, "whimbrel").into_iter().map(|(_, id)| id).collect();
    assert_eq!(found, committed.into_inner().unwrap());
    assert_eq!(found.len(), 30);
    assert_eq!(Index::check(&path).unwrap().problems, [] as [String; 0]);
}

#[test]
fn merges_of_a_dropped_writer_undo_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for index in [create(dir.path()), Index::in_memory(IndexSettings::default()).unwrap()] {
        // Eight segments make a merge, so that every eighth writer leaves one running.
        for number in 0..120 {
            let mut writer = index.writer(&one_thread()).unwrap();
            writer.add(&Document::new(format!("{number}"), "sanderling")).unwrap();
            writer.commit().unwrap();
            if number % 5 == 0 {
                writer.rollback().unwrap();
            }
        }
        index.refresh().unwrap();
        assert_eq!(found(&index, "sanderling").len(), 120);
    }
    assert_eq!(Index::check(dir.path().join("index")).unwrap().problems, [] as [String; 0]);
}

#[test]
fn an_index_is_described_and_checked_while_it_is_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let index = create(dir.path());
    let path = dir.path().join("index");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let index = Index::open(&path).unwrap();
                index.stats().unwrap();
                index.files(&Filter::default()).unwrap();
                assert_eq!(Index::check(&path).unwrap().problems, [] as [String; 0]);
            }
        });
        let mut writer = index.writer(&one_thread()).unwrap();
        for round in 0..40 {
            writer.add(&record("f", &format!("{round}"), "curlew")).unwrap();
            writer.record_file("f", FileRecord::new([1; 32], 1, round));
            writer.commit().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn an_index_whose_making_was_cut_off_can_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("index");
    std::fs::create_dir_all(path.join("segments")).unwrap();
    drop(Index::create(&path, IndexSettings::default()).unwrap());
    std::fs::remove_file(path.join("vizsla.json")).unwrap();
    let index = Index::create(&path, IndexSettings::default()).unwrap();
    let mut writer = index.writer(&one_thread()).unwrap();
    writer.add(&Document::new("1", "knot")).unwrap();
    writer.commit().unwrap();
    drop(writer);
    // With something in it, it is an index that lacks its settings, and making it anew would lose what it holds.
    std::fs::remove_file(path.join("vizsla.json")).unwrap();
    let error = Index::create(&path, IndexSettings::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    Index::repair(&path).unwrap();
    assert_eq!(found(&Index::open(&path).unwrap(), "knot").len(), 1);
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("letter.txt"), "").unwrap();
    let error = Index::create(&other, IndexSettings::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAnIndex);
}

#[test]
fn what_goes_with_a_commit_survives_a_damaged_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let index = create(dir.path());
    let path = dir.path().join("index");
    let mut writer = index.writer(&one_thread()).unwrap();
    writer.set_sync_state(Some("{\"follow\":true}".to_owned()));
    for round in 0..2 {
        writer.add(&record("f", &format!("{round}"), "plover")).unwrap();
        writer.record_file("f", FileRecord::new([1; 32], 1, 1 + round).with_reader("text", 1));
        writer.commit().unwrap();
    }
    drop(writer);
    assert_eq!(index.sync_state().unwrap().unwrap(), "{\"follow\":true}");
    std::fs::write(path.join("manifest-2.bin"), "damaged").unwrap();
    let report = Index::repair(&path).unwrap();
    assert_eq!(report.files, ["f"]);
    let index = Index::open(&path).unwrap();
    assert_eq!(index.sync_state().unwrap().unwrap(), "{\"follow\":true}");
    assert_eq!(found(&index, "plover").len(), 2);
}

#[test]
fn of_two_that_create_an_index_neither_erases_the_other() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let committed: Vec<String> = std::thread::scope(|scope| {
            let create = |id: &'static str| {
                let path = &path;
                scope.spawn(move || {
                    let index = match Index::open_or_create(path, IndexSettings::default()) {
                        Ok(index) => index,
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
                            return None;
                        }
                    };
                    let mut writer = index.writer(&one_thread()).ok()?;
                    writer.add(&Document::new(id, "phalarope")).unwrap();
                    writer.commit().unwrap();
                    Some(id.to_owned())
                })
            };
            let threads = ["a", "b", "c"].map(create);
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        let found = found(&Index::open(&path).unwrap(), "phalarope");
        let mut found: Vec<String> = found.into_iter().map(|(_, id)| id).collect();
        found.sort();
        let mut committed = committed;
        committed.sort();
        assert_eq!(found, committed);
    }
}

#[test]
fn a_document_is_deleted_once() {
    let dir = tempfile::tempdir().unwrap();
    let index = create(dir.path());
    let mut writer = index.writer(&one_thread()).unwrap();
    for id in ["1", "2"] {
        writer.add(&record("f", id, "turnstone")).unwrap();
    }
    writer.record_file("f", FileRecord::new([1; 32], 1, 2));
    writer.commit().unwrap();
    assert!(writer.delete("1").unwrap());
    assert!(!writer.delete("1").unwrap());
    assert_eq!(writer.file("f").unwrap().documents, 1);
    writer.commit().unwrap();
    assert!(!writer.delete("1").unwrap());
    assert_eq!(found(&index, "turnstone"), pairs(&[("f", "2")]));
}

#[test]
fn an_old_copy_does_not_undo_what_was_committed_since() {
    let dir = tempfile::tempdir().unwrap();
    let index = create(dir.path());
    let path = dir.path().join("index");
    let copy = path.join("segments-copy.json");
    let mut writer = index.writer(&one_thread()).unwrap();
    for id in 0..8 {
        writer.add(&record("f", &id.to_string(), "sanderling")).unwrap();
    }
    writer.commit().unwrap();
    let mut old = Vec::new();
    for id in ["3", "4"] {
        old.push(std::fs::read(&copy).unwrap());
        assert!(writer.delete_from("f", id).unwrap());
        writer.commit().unwrap();
    }
    drop(writer);
    for old in old {
        std::fs::write(&copy, old).unwrap();
        let report = Index::repair(&path).unwrap();
        assert_eq!((report.segments_dropped, report.passages_lost), (0, 0), "{report:?}");
        assert_eq!(found(&Index::open(&path).unwrap(), "sanderling").len(), 6);
        assert_eq!(Index::check(&path).unwrap().problems, [] as [String; 0]);
    }
}

#[test]
fn a_repair_says_whether_documents_without_a_file_may_be_lost() {
    for (file, without_file) in [(None, true), (Some("g"), false)] {
        let dir = tempfile::tempdir().unwrap();
        let index = create(dir.path());
        let path = dir.path().join("index");
        let mut writer = index.writer(&one_thread()).unwrap();
        writer.add(&record("f", "1", "redshank")).unwrap();
        writer.record_file("f", FileRecord::new([1; 32], 1, 1));
        let mut other = Document::new("2", "redshank");
        other.path = file.map(str::to_owned);
        writer.add(&other).unwrap();
        writer.commit().unwrap();
        drop(writer);
        for entry in std::fs::read_dir(path.join("segments")).unwrap() {
            let store = entry.unwrap().path();
            if store.extension().is_some_and(|extension| extension == "store") {
                let mut bytes = std::fs::read(&store).unwrap();
                bytes[5] ^= 1;
                std::fs::write(&store, bytes).unwrap();
            }
        }
        let report = Index::repair(&path).unwrap();
        assert_eq!((report.passages_lost, report.without_file), (2, without_file), "{report:?}");
    }
}
