//! Index a few documents and ask a question in two stages: `cargo run --example quickstart --features onnx`.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use vizsla::onnx::{CrossEncoder, CrossEncoderOptions, ModelBytes, Runtime};
use vizsla::{BoxError, Document, Engine, Index, IndexSettings, SearchRequest, WriterOptions};

fn main() -> Result<(), BoxError> {
    // The first stage. `Index::open_or_create(path, ...)` keeps it on disk instead.
    let index = Index::in_memory(IndexSettings::default())?;
    let mut writer = index.writer(&WriterOptions::default())?;
    writer.add(
        &Document::new("museums", "Berlin is well known for its museums.").with_title("Berlin"),
    )?;
    writer.add(
        &Document::new("people", "Berlin had 3,520,031 registered inhabitants in 2016.")
            .with_title("Berlin"),
    )?;
    writer
        .add(&Document::new("hamburg", "Hamburg lies on the river Elbe.").with_title("Hamburg"))?;
    writer.commit()?;

    // The second stage: the model that ships with Vizsla. `CrossEncoder::open(runtime, dir, ...)` takes any other.
    let runtime = Runtime::load(&vizsla_hub::runtime::locate(None)?)?;
    let model = ModelBytes::new(
        vizsla_bundled::NAME,
        vizsla_bundled::ONNX,
        vizsla_bundled::TOKENIZER,
        vizsla_bundled::CONFIG,
    );
    let reranker = CrossEncoder::from_bytes(runtime, model, &CrossEncoderOptions::default())?;

    let engine = Engine::new(index.retriever()).with_reranker(reranker);
    let response = engine.search(&SearchRequest::new("how many people live in Berlin?"))?;
    for hit in &response.hits {
        println!("{}. {:<8} {:.3}  {}", hit.rank, hit.doc_id, hit.score, hit.passage.text);
    }
    assert_eq!(response.hits[0].doc_id, "people");
    Ok(())
}
