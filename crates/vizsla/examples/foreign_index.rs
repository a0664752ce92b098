//! Put the rerank stage behind a tantivy index that you already have:
//! `cargo run --example foreign_index --features bundled`.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use vizsla::onnx::CrossEncoder;
use vizsla::tantivy::query::QueryParser;
use vizsla::tantivy::schema::{STORED, STRING, Schema, TEXT};
use vizsla::tantivy::{Index, doc};
use vizsla::{BoxError, Engine, SearchRequest, TantivyRetriever};

fn main() -> Result<(), BoxError> {
    // Your index, made by your program, with your fields.
    let mut schema = Schema::builder();
    let isbn = schema.add_text_field("isbn", STRING | STORED);
    let name = schema.add_text_field("name", TEXT | STORED);
    let blurb = schema.add_text_field("blurb", TEXT | STORED);
    let index = Index::create_in_ram(schema.build());
    let mut writer = index.writer(50_000_000)?;
    writer.add_document(
        doc!(isbn => "1", name => "The Kennel", blurb => "How to build a house for a dog."),
    )?;
    writer.add_document(
        doc!(isbn => "2", name => "The Long Walk", blurb => "A man and his dog cross the Alps."),
    )?;
    writer.add_document(
        doc!(isbn => "3", name => "Cats", blurb => "A dog does not appear in this book."),
    )?;
    writer.commit()?;

    // Our reading of the query, over your fields; or your own query, as here.
    let parser = QueryParser::for_index(&index, vec![name, blurb]);
    let retriever = TantivyRetriever::new(index.reader()?, "isbn", &["blurb", "name"])?
        .with_title("name")?
        .with_query(move |text| Ok(parser.parse_query_lenient(text).0));

    let engine = Engine::new(retriever).with_reranker(CrossEncoder::bundled()?);
    for hit in engine.search(&SearchRequest::new("hiking over mountains with a dog"))?.hits {
        println!("{}. {:<14} {:.3}  {}", hit.rank, hit.title, hit.score, hit.passage.text);
    }
    Ok(())
}
