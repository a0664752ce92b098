//! What a search costs besides finding candidates: the pipeline without a second stage, explanations, and notes on a word that
//! no passage has. Prints one line of JSON, times in milliseconds.
//!
//! usage: `search_cost [--passages N]` (1,000,000 unless told otherwise)
//!
//! Passages are made of words drawn from a Zipfian distribution with a fixed seed, so the corpus is the same everywhere.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints what it measured")]

use std::num::NonZeroUsize;
use std::time::Instant;

use serde_json::json;
use vizsla::{
    BoxError, Document, Engine, Fusion, Index, IndexRetriever, IndexSettings, RetrieveRequest,
    Retriever, SearchRequest, WriterOptions,
};

const WORDS: usize = 100;
const VOCABULARY: usize = 500_000;
const QUERIES: usize = 200;
const QUERY_WORDS: usize = 8;
const ROUNDS: usize = 3;

fn main() -> Result<(), BoxError> {
    let passages = passages()?;
    let dir = tempfile::tempdir()?;
    let index = Index::create(dir.path().join("index"), IndexSettings::default())?;
    let mut writer = index.writer(&WriterOptions::default())?;
    let mut random = fastrand::Rng::with_seed(1);
    for id in 0..passages {
        writer.add(&Document::new(format!("d{id}"), text(&mut random, WORDS)))?;
    }
    writer.commit()?;
    writer.finish()?;

    let queries: Vec<String> = (0..QUERIES).map(|_| text(&mut random, QUERY_WORDS)).collect();
    let retriever = index.retriever();
    let engine = Engine::new(index.retriever()).with_fusion(Fusion::Retrieval);
    let mut times = [const { Vec::new() }; 5];
    for _ in 0..ROUNDS {
        for query in &queries {
            let known = SearchRequest::new(query).with_notes();
            // One of the words is misspelt, as a person would.
            let unknown = SearchRequest::new(query.replacen('o', "oq", 1)).with_notes();
            let plain = SearchRequest::new(query);
            timed(&mut times[0], || retrieve(&retriever, query))?;
            timed(&mut times[1], || Ok(engine.search(&plain)?))?;
            timed(&mut times[2], || Ok(engine.search(&plain.clone().with_explanation())?))?;
            timed(&mut times[3], || Ok(engine.search(&known)?))?;
            timed(&mut times[4], || Ok(engine.search(&unknown)?))?;
        }
    }
    let [retrieve, search, explain, known, unknown] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        (times[times.len() / 2], times.iter().sum::<f64>() / times.len() as f64)
    });
    let line = json!({
        "passages": passages,
        "retrieve": { "median": retrieve.0, "mean": retrieve.1 },
        "search": { "median": search.0, "mean": search.1, "ratio_to_retrieve": search.1 / retrieve.1 },
        "explain": { "median": explain.0, "mean": explain.1, "more_than_search": explain.1 - search.1 },
        "notes": { "median": known.0, "mean": known.1 },
        "notes_with_unknown_word": { "median": unknown.0, "mean": unknown.1, "ratio": unknown.1 / known.1 },
    });
    println!("{line}");
    Ok(())
}

fn passages() -> Result<usize, BoxError> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    match (args.next().as_deref(), args.next()) {
        (None, _) => Ok(1_000_000),
        (Some("--passages"), Some(count)) => Ok(count.parse()?),
        _ => Err("usage: search_cost [--passages N]".into()),
    }
}

fn retrieve(retriever: &IndexRetriever, query: &str) -> Result<usize, BoxError> {
    let depth = NonZeroUsize::new(SearchRequest::DEFAULT_DEPTH).unwrap_or(NonZeroUsize::MIN);
    Ok(retriever.retrieve(&RetrieveRequest::new(query, depth))?.len())
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

/// So many words; a word's number follows Zipf's law, and its letters follow from its number.
fn text(random: &mut fastrand::Rng, words: usize) -> String {
    let word = |random: &mut fastrand::Rng| {
        let number = (VOCABULARY as f64).powf(random.f64()) as usize;
        let mut rest = number * 7919 + 26;
        let mut word = String::new();
        while rest > 0 {
            word.push(char::from(b'a' + (rest % 26) as u8));
            word.push(char::from(b"aeiou"[rest % 5]));
            rest /= 26;
        }
        word
    };
    (0..words).map(|_| word(random)).collect::<Vec<_>>().join(" ")
}
