//! The first stage on 100,000 passages of 100 words: indexing rate, index size, and latency of BM25 and of the same
//! queries by tantivy's own scorer over the same index. Run it with `cargo xtask bench`.
//!
//! The words are drawn from a Zipfian distribution with a fixed seed, so that the corpus is the same everywhere.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints what it measured")]

use std::time::Instant;

use vizsla::tantivy::collector::TopDocs;
use vizsla::tantivy::query::QueryParser;
use vizsla::{
    BoxError, Document, Engine, Fusion, Index, IndexSettings, SearchRequest, WriterOptions, tantivy,
};

const PASSAGES: usize = 100_000;
const WORDS: usize = 100;
const VOCABULARY: usize = 200_000;
const QUERIES: usize = 500;

fn main() -> Result<(), BoxError> {
    let mut text = ZipfianText::new();
    let documents: Vec<Document> =
        (0..PASSAGES).map(|i| Document::new(format!("d{i}"), text.words(WORDS))).collect();
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("index");
    let start = Instant::now();
    let index = Index::create(&path, IndexSettings::default())?;
    let mut writer = index.writer(&WriterOptions::default())?;
    for document in &documents {
        writer.add(document)?;
    }
    writer.commit()?;
    writer.finish()?;
    let seconds = start.elapsed().as_secs_f64();
    let stats = index.stats()?;
    println!(
        "indexing: {PASSAGES} passages of {WORDS} words in {seconds:.1} s ({:.0} a second), {} bytes each on disk, {} segments",
        PASSAGES as f64 / seconds,
        stats.bytes / stats.passages,
        stats.segments
    );
    let start = Instant::now();
    drop(Index::open(&path)?);
    println!("opening: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);

    let queries: Vec<String> = (0..QUERIES).map(|_| text.words(8)).collect();
    let engine = Engine::new(index.retriever()).with_fusion(Fusion::Bm25);
    let ours = latencies(&queries, |query| {
        engine
            .search(&SearchRequest::new(query).with_depth(100))
            .map(|_| ())
            .map_err(BoxError::from)
    })?;
    report("BM25, 8 words, 100 candidates, 10 hits with highlights", ours);

    let engine = tantivy::Index::open_in_dir(path.join("segments"))?;
    engine.tokenizers().register(
        "vizsla_english_1",
        tantivy::tokenizer::TextAnalyzer::from(tantivy::tokenizer::SimpleTokenizer::default()),
    );
    let (searcher, content) = (engine.reader()?.searcher(), engine.schema().get_field("content")?);
    let parser = QueryParser::for_index(&engine, vec![content]);
    let theirs = latencies(&queries, |query| {
        let (query, _) = parser.parse_query_lenient(query);
        let best = searcher.search(&query, &TopDocs::with_limit(100).order_by_score())?;
        for (_, address) in best {
            searcher.doc::<tantivy::TantivyDocument>(address)?;
        }
        Ok(())
    })?;
    report("tantivy's own top 100 with documents, same index", theirs);
    Ok(())
}

fn latencies(
    queries: &[String],
    mut search: impl FnMut(&str) -> Result<(), BoxError>,
) -> Result<Vec<f64>, BoxError> {
    queries.iter().take(20).try_for_each(|query| search(query))?;
    let mut times = Vec::with_capacity(queries.len());
    for query in queries {
        let start = Instant::now();
        search(query)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

fn report(name: &str, mut times: Vec<f64>) {
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{name}: p50 {:.2} ms, p95 {:.2} ms", at(0.5), at(0.95));
}

/// Word of rank `r` with probability proportional to `1/r`.
struct ZipfianText {
    random: fastrand::Rng,
    cumulative: Vec<f64>,
}

impl ZipfianText {
    fn new() -> Self {
        let mut sum = 0.0;
        let add = |rank: usize| {
            sum += 1.0 / rank as f64;
            sum
        };
        Self {
            random: fastrand::Rng::with_seed(42),
            cumulative: (1..=VOCABULARY).map(add).collect(),
        }
    }

    fn words(&mut self, count: usize) -> String {
        let total = self.cumulative.last().copied().unwrap_or(1.0);
        let mut text = String::with_capacity(count * 6);
        for _ in 0..count {
            let drawn = self.random.f64() * total;
            let rank = self.cumulative.partition_point(|sum| *sum < drawn);
            text.push_str(&format!("w{rank:x} "));
        }
        text
    }
}
