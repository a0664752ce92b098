//! An index of every format version ever written opens, or fails with the version error, for ever.

use vizsla::{Engine, ErrorKind, FORMAT_VERSION, Fusion, Index, Location, SearchRequest};

use crate::support::{Workspace, copy_dir, fixture};

#[test]
fn former_versions_are_refused_with_a_remedy() {
    for version in 1..FORMAT_VERSION {
        let error = Index::open(fixture(&format!("formats/v{version}"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FormatVersion, "{version}");
        let error = error.to_string();
        assert!(error.contains("index the sources again"), "{error}");
    }
    let workspace = Workspace::new();
    copy_dir(&fixture("formats/v2"), &workspace.path("v2"));
    for command in [&["search", "ridge"] as &[&str], &["info"], &["check"], &["repair"]] {
        let ran = workspace.run(&[command, &["--index", "v2"]].concat());
        assert_eq!(ran.code, 2, "{command:?}");
        assert!(ran.err.contains("format version 2"), "{command:?}: {}", ran.err);
        assert!(ran.err.contains("vizsla index"), "{command:?}: {}", ran.err);
    }
}

#[test]
fn version_3_opens() {
    let workspace = Workspace::new();
    // A reader creates a lock file, and the fixture must stay as it is.
    copy_dir(&fixture("formats/v3"), &workspace.path("v3"));
    let index = Index::open(workspace.path("v3")).unwrap();
    assert_eq!(index.stats().unwrap().documents, 2);
    let engine = Engine::new(index.retriever()).with_fusion(Fusion::Retrieval);
    let response = engine.search(&SearchRequest::new("ridge snow")).unwrap();
    assert_eq!(response.hits[0].doc_id, "walk-2");
    assert_eq!(response.hits[0].metadata["season"].to_string(), "winter");
    assert_eq!(response.hits[0].passage.location, Location::Lines { first: 2, last: 2 });
    assert_eq!(Index::check(workspace.path("v3")).unwrap().problems, [] as [String; 0]);
}

#[test]
fn there_is_a_fixture_for_this_version() {
    assert!(fixture(&format!("formats/v{FORMAT_VERSION}/vizsla.json")).is_file());
}
