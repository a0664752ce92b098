//! The first stage at scale, compared with bare tantivy: indexing rate, memory, size, opening time, BM25 latency, and the
//! time to replace one passage.
//! Prints one line of JSON. `cargo xtask bench first-stage` runs it for several sizes and draws the curves.
//!
//! usage: `first_stage [--passages N] [--corpus FILE.jsonl] [--write DIR] [--memory MB] [--alone]`; with the last, bare tantivy
//! indexes nothing.
//!
//! The words of synthetic passages are drawn from a Zipfian distribution with a fixed seed, so that the corpus is the
//! same everywhere; `--corpus` takes real text instead. `--write` saves the passages and queries to a folder for use by
//! other programs.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints what it measured")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use vizsla::tantivy::collector::TopDocs;
use vizsla::tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use vizsla::tantivy::schema::{Field, IndexRecordOption};
use vizsla::tantivy::tokenizer::{
    Language as Snowball, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer,
};
use vizsla::tantivy::{self, DocAddress, TantivyDocument, Term};
use vizsla::{
    Bm25Params, BoxError, Document, Index, IndexSettings, Language, QuerySyntax, RetrieveRequest,
    Retriever, TantivyRetriever, WriterOptions,
};

const WORDS: usize = 100;
const VOCABULARY: usize = 500_000;
const QUERIES: usize = 500;
const QUERY_WORDS: usize = 8;
const DEPTH: usize = 100;
const ROUNDS: usize = 3;

struct Options {
    passages: usize,
    corpus: Option<PathBuf>,
    write: Option<PathBuf>,
    memory: usize,
    alone: bool,
}

fn main() -> Result<(), BoxError> {
    let options = options()?;
    // Latency is measured with one thread on both sides; indexing has its own threads.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("index");
    let threads = std::thread::available_parallelism()?.get();

    let mut peak = 0;
    let start = Instant::now();
    let writing = WriterOptions::default().with_threads(threads).with_memory(options.memory << 20);
    let index = Index::create(&path, IndexSettings::default())?;
    let mut writer = index.writer(&writing)?;
    let count = each_text(&options, |id, text| {
        writer.add(&Document::new(format!("d{id}"), text))?;
        if id % 10_000 == 0 {
            peak = peak.max(memory().unwrap_or(0));
        }
        Ok(())
    })?;
    writer.commit()?;
    let indexing = start.elapsed().as_secs_f64();
    writer.finish()?;
    let stats = index.stats()?;

    let own_terms = terms(&path.join("segments"))?;
    let (bare, bare_terms) = bare_indexing(&options, &path, &dir.path().join("bare"), threads)?;
    let opening = (0..5)
        .map(|_| Instant::now())
        .map(|start| Index::open(&path).map(|_| start.elapsed().as_secs_f64() * 1e3))
        .collect::<Result<Vec<_>, _>>()?;

    let queries = queries(&options)?;
    if let Some(folder) = &options.write {
        fs::write(folder.join("queries.txt"), queries.join("\n") + "\n")?;
    }
    let theirs = BareSearch::open(&path)?;
    let (times, different) = search(&index, &theirs, &queries)?;
    let [own, same, theirs] = times.map(|times| percentiles(&times, ROUNDS));
    let start = Instant::now();
    let mut writer = index.writer(&writing)?;
    writer.add(&Document::new("d0", "a passage instead of the first"))?;
    writer.commit()?;
    let update = start.elapsed().as_secs_f64() * 1e3;
    writer.finish()?;
    let line = json!({
        "passages": count,
        "text": options.corpus.as_ref().map_or("made", |_| "real"),
        "indexing": { "per_second": count as f64 / indexing, "bare_per_second": count as f64 / bare, "ratio": bare / indexing },
        "terms_per_passage": { "own": own_terms, "bare": bare_terms },
        "memory_mb": { "setting": options.memory, "peak": peak },
        "bytes_per_passage": stats.bytes as f64 / stats.passages as f64,
        "segments": stats.segments,
        "open_ms": opening.iter().copied().fold(f64::INFINITY, f64::min),
        "update_ms": update,
        "search_ms": { "p50": own[0], "p95": own[1], "mean": own[2] },
        "search_ms_at_tantivys_parameters": { "p50": same[0], "p95": same[1], "mean": same[2] },
        "tantivy_ms": { "p50": theirs[0], "p95": theirs[1], "mean": theirs[2] },
        "ratio": { "p50": theirs[0] / same[0], "p95": theirs[1] / same[1], "mean": theirs[2] / same[2] },
        "queries": queries.len(),
        "queries_with_other_hits_than_tantivy": different,
    });
    println!("{line}");
    Ok(())
}

/// Times for our engine at its own parameters, ours at tantivy's parameters, and tantivy; and how many queries have
/// different hits.
fn search(
    index: &Index,
    theirs: &BareSearch,
    queries: &[String],
) -> Result<([Vec<f64>; 3], usize), BoxError> {
    let own = index.retriever();
    let same = index.retriever().with_bm25(Bm25Params::new(1.2, 0.75));
    let different = queries
        .iter()
        .map(|query| Ok(usize::from(!equal(&ours(&same, query)?, &theirs.hits(query)?))))
        .sum::<Result<usize, BoxError>>()?;
    let mut times = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        for query in queries {
            // Whichever runs first finds cold caches, so they take turns.
            for turn in 0..3 {
                match (round + turn) % 3 {
                    0 => timed(&mut times[0], || ours(&own, query))?,
                    1 => timed(&mut times[1], || ours(&same, query))?,
                    _ => timed(&mut times[2], || theirs.search(query))?,
                }
            }
        }
    }
    Ok((times, different))
}

fn options() -> Result<Options, BoxError> {
    let mut options =
        Options { passages: 100_000, corpus: None, write: None, memory: 512, alone: false };
    // Cargo adds `--bench`.
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(name) = args.next() {
        if name == "--alone" {
            options.alone = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--passages" => options.passages = value.parse()?,
            "--corpus" => options.corpus = Some(value.into()),
            "--write" => options.write = Some(value.into()),
            "--memory" => options.memory = value.parse()?,
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    Ok(options)
}

/// Calls `with` with every passage's number and text; returns the number of passages.
fn each_text(
    options: &Options,
    mut with: impl FnMut(usize, &str) -> Result<(), BoxError>,
) -> Result<usize, BoxError> {
    if let Some(corpus) = &options.corpus {
        let mut count = 0;
        for line in BufReader::new(File::open(corpus)?).lines().take(options.passages) {
            let record: Value = serde_json::from_str(&line?)?;
            with(count, record["text"].as_str().unwrap_or_default())?;
            count += 1;
        }
        return Ok(count);
    }
    let mut text = ZipfianText::new(42);
    let mut out = match &options.write {
        Some(folder) => Some(BufWriter::new(File::create(folder.join("passages.txt"))?)),
        None => None,
    };
    for id in 0..options.passages {
        let passage = text.words(WORDS);
        if let Some(out) = &mut out {
            writeln!(out, "{passage}")?;
        }
        with(id, &passage)?;
    }
    Ok(options.passages)
}

/// Synthetic passages are queried with words from the same distribution, real ones with adjacent words from one of
/// them.
fn queries(options: &Options) -> Result<Vec<String>, BoxError> {
    if options.corpus.is_none() {
        let mut text = ZipfianText::new(7);
        return Ok((0..QUERIES).map(|_| text.words(QUERY_WORDS)).collect());
    }
    let mut texts = Vec::new();
    each_text(options, |_, text| {
        texts.push(text.to_owned());
        Ok(())
    })?;
    let mut random = fastrand::Rng::with_seed(7);
    let mut queries = Vec::new();
    while queries.len() < QUERIES {
        let words: Vec<&str> = texts[random.usize(..texts.len())].split_whitespace().collect();
        if words.len() > QUERY_WORDS {
            let from = random.usize(..words.len() - QUERY_WORDS);
            queries.push(words[from..from + QUERY_WORDS].join(" "));
        }
    }
    Ok(queries)
}

/// Seconds that bare tantivy takes, and the terms of a passage, for the same fields, with its own English analysis (its
/// `en_stem`, which like ours indexes stop words), the same number of threads, and as much memory for what is not on disk
/// yet.
fn bare_indexing(
    options: &Options,
    ours: &Path,
    dir: &Path,
    threads: usize,
) -> Result<(f64, f64), BoxError> {
    let schema = tantivy::Index::open_in_dir(ours.join("segments"))?.schema();
    fs::create_dir_all(dir)?;
    let field = |name: &str| schema.get_field(name);
    let (id, ordinal, content, title, stored) =
        (field("doc_id")?, field("ordinal")?, field("content")?, field("title")?, field("stored")?);
    if options.alone {
        return Ok((f64::NAN, f64::NAN));
    }
    let start = Instant::now();
    let index = tantivy::Index::create_in_dir(dir, schema.clone())?;
    let analyzer = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(40))
        .filter(LowerCaser)
        .filter(Stemmer::new(Snowball::English))
        .build();
    index.tokenizers().register("vizsla_3", analyzer);
    let mut writer = index.writer_with_num_threads(threads, (options.memory << 20) / 5 * 2)?;
    each_text(options, |number, text| {
        let mut document = TantivyDocument::new();
        document.add_text(id, format!("d{number}"));
        document.add_u64(ordinal, 0);
        document.add_text(content, text);
        document.add_text(title, "");
        document.add_bytes(stored, text.as_bytes());
        writer.add_document(document)?;
        Ok(())
    })?;
    writer.commit()?;
    Ok((start.elapsed().as_secs_f64(), terms(dir)?))
}

/// How many terms the text of a passage became on average.
fn terms(segments: &Path) -> Result<f64, BoxError> {
    let index = tantivy::Index::open_in_dir(segments)?;
    let content = index.schema().get_field("content")?;
    let searcher = index.reader()?.searcher();
    let total = searcher
        .segment_readers()
        .iter()
        .map(|segment| Ok(segment.inverted_index(content)?.total_num_tokens()))
        .sum::<Result<u64, BoxError>>()?;
    Ok(total as f64 / searcher.num_docs() as f64)
}

/// Ids of the best passages with their scores, best first, as each side finds and loads them.
type Hits = Vec<(String, f32)>;

fn ours(retriever: &impl Retriever, query: &str) -> Result<Hits, BoxError> {
    let depth = NonZeroUsize::new(DEPTH).unwrap_or(NonZeroUsize::MIN);
    let mut request = RetrieveRequest::new(query, depth);
    request.syntax = QuerySyntax::Words;
    let ranking = retriever.retrieve(&request)?;
    Ok(ranking.into_iter().map(|hit| (hit.item.passage.doc_id, hit.score)).collect())
}

/// tantivy's own pruned top 100 over our index.
struct BareSearch {
    searcher: tantivy::Searcher,
    content: Field,
    analyzer: TextAnalyzer,
}

impl BareSearch {
    fn open(ours: &Path) -> Result<Self, BoxError> {
        let index = tantivy::Index::open_in_dir(ours.join("segments"))?;
        let schema = index.schema();
        Ok(Self {
            searcher: index.reader()?.searcher(),
            content: schema.get_field("content")?,
            analyzer: TantivyRetriever::analyzer(Language::English),
        })
    }

    /// The best passages, each read from the store.
    fn search(&self, query: &str) -> Result<Vec<(f32, DocAddress)>, BoxError> {
        let mut terms: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        self.analyzer.clone().token_stream(query).process(&mut |token| {
            let term = Term::from_field_text(self.content, &token.text);
            terms.push((
                Occur::Should,
                Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)),
            ));
        });
        let collector = TopDocs::with_limit(DEPTH).order_by_score();
        let best = self.searcher.search(&BooleanQuery::new(terms), &collector)?;
        for (_, address) in &best {
            self.searcher.doc::<TantivyDocument>(*address)?;
        }
        Ok(best)
    }

    fn hits(&self, query: &str) -> Result<Hits, BoxError> {
        let with_id = |(score, address): (f32, DocAddress)| {
            let ids =
                self.searcher.segment_reader(address.segment_ord).fast_fields().str("doc_id")?;
            let mut id = String::new();
            if let Some(ids) = ids
                && let Some(ord) = ids.ords().first(address.doc_id)
            {
                ids.ord_to_str(ord, &mut id)?;
            }
            Ok((id, score))
        };
        self.search(query)?.into_iter().map(with_id).collect()
    }
}

/// Whether the hits are the same, apart from the order of equal scores and which of those at the cutoff are kept.
fn equal(a: &Hits, b: &Hits) -> bool {
    let close = |x: f32, y: f32| (x - y).abs() <= 1e-4 * x.abs().max(1.0);
    let last = a.last().map_or(0.0, |(_, score)| *score);
    a.len() == b.len()
        && a.iter().zip(b).all(|((_, x), (_, y))| close(*x, *y))
        && a.iter().all(|(id, score)| close(*score, last) || b.iter().any(|(other, _)| other == id))
}

fn timed<T>(
    times: &mut Vec<f64>,
    run: impl FnOnce() -> Result<T, BoxError>,
) -> Result<(), BoxError> {
    let start = Instant::now();
    run()?;
    times.push(start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

/// Median, 95th percentile and mean over the queries, taking the best round of each.
fn percentiles(times: &[f64], rounds: usize) -> [f64; 3] {
    let queries = times.len() / rounds;
    let best = |query: usize| {
        (0..rounds).map(|r| times[r * queries + query]).fold(f64::INFINITY, f64::min)
    };
    let mut best: Vec<f64> = (0..queries).map(best).collect();
    best.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| best[((queries - 1) as f64 * share) as usize];
    [at(0.5), at(0.95), best.iter().sum::<f64>() / queries as f64]
}

/// Memory of the process in MB, excluding mapped files, where the system reports it.
fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb / 1024)
}

/// Word of rank `r` with probability proportional to `1/r`.
struct ZipfianText {
    random: fastrand::Rng,
    cumulative: Vec<f64>,
}

impl ZipfianText {
    fn new(seed: u64) -> Self {
        let mut sum = 0.0;
        let add = |rank: usize| {
            sum += 1.0 / rank as f64;
            sum
        };
        Self {
            random: fastrand::Rng::with_seed(seed),
            cumulative: (1..=VOCABULARY).map(add).collect(),
        }
    }

    fn words(&mut self, count: usize) -> String {
        let total = self.cumulative.last().copied().unwrap_or(1.0);
        let mut text = String::with_capacity(count * 7);
        for i in 0..count {
            let drawn = self.random.f64() * total;
            let rank = self.cumulative.partition_point(|sum| *sum < drawn);
            if i > 0 {
                text.push(' ');
            }
            text.push_str(&format!("w{rank}"));
        }
        text
    }
}
