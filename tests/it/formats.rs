//! An index of every format version that was ever written opens, or fails with the version error, for ever.

use vizsla::{Engine, ErrorKind, FORMAT_VERSION, Fusion, Index, SearchRequest};

use crate::support::{Workspace, copy_dir, fixture};

#[test]
fn version_1_is_refused_with_a_remedy() {
    let error = Index::open(&fixture("formats/v1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FormatVersion);
    assert!(error.to_string().contains("rebuild"), "{error}");
}

#[test]
fn version_2_opens() {
    let workspace = Workspace::new();
    // A reader makes a lock file, and the fixture stays as it is.
    copy_dir(&fixture("formats/v2"), &workspace.path("v2"));
    let index = Index::open(&workspace.path("v2")).unwrap();
    assert_eq!(index.stats().unwrap().documents, 2);
    let engine = Engine::new(index.retriever()).with_fusion(Fusion::Retrieval);
    let response = engine.search(&SearchRequest::new("ridge snow")).unwrap();
    assert_eq!(response.hits[0].doc_id, "walk-2");
    assert_eq!(response.hits[0].metadata["season"].to_string(), "winter");
}

#[test]
fn there_is_a_fixture_for_this_version() {
    assert!(fixture(&format!("formats/v{FORMAT_VERSION}/vizsla.json")).is_file());
}
