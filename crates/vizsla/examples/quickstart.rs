//! Index a few documents and ask a question in two stages: `cargo run --example quickstart --features bundled`.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use vizsla::onnx::CrossEncoder;
use vizsla::{BoxError, Document, Engine, Index, IndexSettings, SearchRequest, WriterOptions};

fn main() -> Result<(), BoxError> {
    // The first stage. `Index::open_or_create("notes.idx", ...)` keeps it on disk instead.
    let index = Index::in_memory(IndexSettings::default())?;
    let mut writer = index.writer(&WriterOptions::default())?;
    for (id, title, text) in [
        ("museums", "Berlin", "Berlin is well known for its museums."),
        ("people", "Berlin", "Berlin had 3,520,031 registered inhabitants in 2016."),
        ("hamburg", "Hamburg", "Hamburg lies on the river Elbe."),
    ] {
        writer.add(&Document::new(id, text).with_title(title))?;
    }
    writer.commit()?;

    // The second stage: the model that ships with Vizsla. `CrossEncoder::open(runtime, dir, ...)` takes any other.
    let engine = Engine::new(index.retriever()).with_reranker(CrossEncoder::bundled()?);
    let response = engine.search(&SearchRequest::new("how many people live in Berlin?"))?;
    for hit in &response.hits {
        println!("{}. {:<8} {:.3}  {}", hit.rank, hit.doc_id, hit.score, hit.passage.text);
    }
    assert_eq!(response.hits[0].doc_id, "people");
    Ok(())
}
