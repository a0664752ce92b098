//! Bring your own second stage, here one that counts common words: `cargo run --example custom_reranker`.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use vizsla::{
    BoxError, Document, Engine, Fusion, Index, IndexSettings, RerankScore, Reranker, SearchRequest,
    WriterOptions,
};

#[derive(Debug)]
struct CommonWords;

impl Reranker for CommonWords {
    fn name(&self) -> &'static str {
        "common-words"
    }

    // One score per passage, in the order given; sorting and combining are not the reranker's business.
    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        let count =
            |text: &str| query.split_whitespace().filter(|word| text.contains(word)).count();
        Ok(passages.iter().map(|text| RerankScore::new(count(text) as f32)).collect())
    }
}

fn main() -> Result<(), BoxError> {
    let index = Index::in_memory(IndexSettings::default())?;
    let mut writer = index.writer(&WriterOptions::default())?;
    writer.add(&Document::new("1", "a dog that points"))?;
    writer.add(&Document::new("2", "a dog that points and retrieves"))?;
    writer.commit()?;
    let engine =
        Engine::new(index.retriever()).with_reranker(CommonWords).with_fusion(Fusion::Rerank);
    let response = engine.search(&SearchRequest::new("dog that retrieves"))?;
    assert_eq!(response.hits[0].doc_id, "2");
    println!("{}", response.hits[0].passage.text);
    Ok(())
}
