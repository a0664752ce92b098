//! Any text, in either syntax, finds something, finds nothing, or is named as invalid.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vizsla::{
    Document, Engine, ErrorKind, Fusion, Index, IndexSettings, QuerySyntax, SearchRequest,
    WriterOptions,
};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let mut writer = index.writer(&WriterOptions::default()).unwrap();
    for (id, text) in [
        ("dogs", "A vizsla is a dog that both points and retrieves. Dogs bark."),
        ("hash", "commit 3f2a1bcd9e on 192.168.0.1, see ADO.NET 4.8 and C++"),
        ("words", "don't stop: e-mail über naïve größe 東京 привет"),
    ] {
        writer.add(&Document::new(id, text).with_title("Title of a document")).unwrap();
    }
    writer.commit().unwrap();
    Engine::new(index.retriever().with_correction()).with_fusion(Fusion::Retrieval)
});

fuzz_target!(|input: (bool, &str)| {
    let (native, text) = input;
    let syntax = if native { QuerySyntax::Native } else { QuerySyntax::Text };
    let request = SearchRequest::new(text).with_syntax(syntax).with_notes().with_explanation();
    match ENGINE.search(&request) {
        Ok(response) => assert!(response.hits.len() <= 3),
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::InvalidQuery | ErrorKind::InvalidInput),
            "{text:?}: {error}"
        ),
    }
});
