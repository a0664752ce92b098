//! Evaluates an engine on a judged collection: `cargo run -p vizsla-eval --example evaluate [DIR]`.

use std::path::PathBuf;

use vizsla::{Engine, Fusion, Rm3};
use vizsla_eval::metrics::Measure;
use vizsla_eval::{
    Collection, CollectionOptions, Comparison, Corpus, CorpusOptions, Measured, evaluate,
};

#[expect(clippy::print_stdout, reason = "an example prints what it shows")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mini = concat!(env!("CARGO_MANIFEST_DIR"), "/../../index-fixtures/corpus");
    let dir = std::env::args_os().nth(1).map_or_else(|| PathBuf::from(mini), PathBuf::from);
    let collection = Collection::open(&dir, &CollectionOptions::default())?;
    let corpus = Corpus::index_temporarily(&dir, &CorpusOptions::default())?;
    let measures: [Measure; 3] = ["nDCG@10".parse()?, "RR@10".parse()?, "R@100".parse()?];

    // Anything that implements `Ranker` can be evaluated; an engine does.
    let retriever = || corpus.index().retriever();
    let plain = Engine::new(retriever()).with_fusion(Fusion::Retrieval);
    let expanded = Engine::new(retriever().with_rm3(Rm3::default())).with_fusion(Fusion::Retrieval);
    let plain = evaluate(&collection, &plain, &measures, &())?;
    let expanded = evaluate(&collection, &expanded, &measures, &())?;

    // Two evaluations, or runs read from files, are compared query by query.
    let runs = [("BM25", &plain.runs[0].1), ("with RM3", &expanded.runs[0].1)];
    let ids = collection.query_ids();
    let measured = Measured::of(&measures, &ids, &collection.qrels, &runs);
    print!("{}", measured.table());
    let comparison = Comparison::of(&measured, &collection, 3);
    for difference in &comparison.measures {
        println!("{}: {:#}, p {:.3}", difference.measure, difference.change, difference.p);
    }
    println!("median time of a query: {:.2} ms", plain.latency().p50_ms);
    Ok(())
}
