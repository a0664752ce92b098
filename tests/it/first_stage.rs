//! BM25: the same hits as the engine's own scorer at its parameters, whatever is pruned and however the index is split; the query's
//! operators, weights, feedback, corrections and languages.

use std::num::NonZeroUsize;

use vizsla::tantivy::collector::TopDocs;
use vizsla::tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use vizsla::tantivy::schema::{
    IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};
use vizsla::tantivy::{self, TantivyDocument, Term, doc};
use vizsla::{
    Bm25Params, Document, Engine, ErrorKind, Explanation, FieldWeights, Fusion, Index,
    IndexSettings, Language, RetrieveRequest, Retriever, Rm3, SearchRequest, SearchResponse,
    TantivyRetriever, WriterOptions,
};

use crate::support::bundled;

fn request(query: &str, depth: usize) -> RetrieveRequest {
    RetrieveRequest::new(query, NonZeroUsize::new(depth).unwrap())
}

/// Ids with scores.
fn found(retriever: &impl Retriever, query: &str, depth: usize) -> Vec<(String, f32)> {
    let ranking = retriever.retrieve(&request(query, depth)).unwrap();
    ranking.into_iter().map(|hit| (hit.item.passage.doc_id, hit.score)).collect()
}

/// Words, some in nearly every text and some in few, for texts of uneven length.
fn words(random: &mut fastrand::Rng, count: usize) -> String {
    let word = |random: &mut fastrand::Rng| format!("w{}", (300.0 * random.f64().powi(4)) as u32);
    (0..count).map(|_| word(random)).collect::<Vec<_>>().join(" ")
}

/// The engine's own query for any of the words.
fn any_of(field: tantivy::schema::Field, words: &str) -> BooleanQuery {
    let terms = words.split(' ').map(|word| {
        let term = Term::from_field_text(field, word);
        let term = TermQuery::new(term, IndexRecordOption::WithFreqs);
        (Occur::Should, Box::new(term) as Box<dyn Query>)
    });
    BooleanQuery::new(terms.collect())
}

#[test]
fn hits_are_those_of_the_engine_at_its_own_parameters() {
    let mut schema = Schema::builder();
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("vizsla")
        .set_index_option(IndexRecordOption::WithFreqs);
    let id = schema.add_text_field("id", STRING | STORED);
    let text = schema
        .add_text_field("text", TextOptions::default().set_indexing_options(indexing).set_stored());
    let index = tantivy::Index::create_in_ram(schema.build());
    let analyzer = TantivyRetriever::analyzer(Language::English);
    index.tokenizers().register("vizsla", analyzer);
    let mut random = fastrand::Rng::with_seed(3);
    let mut writer = index.writer_with_num_threads(1, 20_000_000).unwrap();
    // Several segments, the first of them longer than what is scored at a time.
    for (segment, size) in [9000, 300, 2000].into_iter().enumerate() {
        for number in 0..size {
            let length = random.usize(3..60);
            let text_of = words(&mut random, length);
            writer
                .add_document(doc!(id => format!("{segment}-{number}"), text => text_of))
                .unwrap();
        }
        writer.commit().unwrap();
    }
    writer.delete_term(Term::from_field_text(id, "0-7"));
    writer.commit().unwrap();
    let reader = index.reader().unwrap();
    let searcher = reader.searcher();
    assert!(searcher.segment_readers().len() > 1);
    let ours = TantivyRetriever::new(reader, "id", &["text"])
        .unwrap()
        .with_bm25(Bm25Params::new(1.2, 0.75));
    for round in 0..60 {
        let count = random.usize(1..9);
        let query = words(&mut random, count);
        let depth = [1, 10, 100][round % 3];
        let top = TopDocs::with_limit(depth).order_by_score();
        let theirs = searcher.search(&any_of(text, &query), &top).unwrap();
        let ours = found(&ours, &query, depth);
        assert_eq!(ours.len(), theirs.len(), "{query}");
        let close = |a: f32, b: f32| (a - b).abs() < 1e-4 * a.max(1.0);
        let cut = theirs.last().map_or(0.0, |(score, _)| *score);
        for ((id_of, score), (their_score, address)) in ours.iter().zip(&theirs) {
            assert!(close(*score, *their_score), "{query}: {score} {their_score}");
            let document: TantivyDocument = searcher.doc(*address).unwrap();
            let their_id = tantivy::schema::Value::as_str(&document.get_first(id).unwrap())
                .unwrap()
                .to_owned();
            // Equal scores may be in another order, or differ at the cut.
            let known = ours.iter().any(|(id, _)| *id == their_id);
            assert!(
                known || close(*their_score, cut),
                "{query}: {their_id} is missing beside {id_of}"
            );
        }
    }
}

#[test]
fn neither_segments_nor_pruning_change_a_ranking() {
    let mut random = fastrand::Rng::with_seed(5);
    let documents: Vec<Document> = (0..6000)
        .map(|i| {
            let length = random.usize(5..50);
            Document::new(format!("d{i}"), words(&mut random, length))
        })
        .collect();
    let build = |commits: usize| {
        let index = Index::in_memory(IndexSettings::default()).unwrap();
        let mut writer = index.writer(&WriterOptions::default().with_threads(1)).unwrap();
        for part in documents.chunks(documents.len() / commits) {
            part.iter().for_each(|document| {
                writer.add(document).unwrap();
            });
            writer.commit().unwrap();
        }
        index
    };
    let (one, many) = (build(1), build(5));
    for _ in 0..40 {
        let query = words(&mut random, 6);
        for params in [
            Bm25Params::default(),
            Bm25Params::new(0.0, 1.0),
            Bm25Params::new(3.0, 0.0).with_k3(2.0),
        ] {
            let (one, many) =
                (one.retriever().with_bm25(params), many.retriever().with_bm25(params));
            let deep = found(&one, &query, 6000);
            let mut shallow = deep.clone();
            shallow.truncate(20);
            // Unlimited depth prunes nothing.
            assert_eq!(found(&one, &query, 20), shallow, "{query}");
            assert_eq!(found(&many, &query, 20), shallow, "{query}");
        }
    }
}

fn library(settings: IndexSettings) -> Index {
    let index = Index::in_memory(settings).unwrap();
    let mut writer = index.writer(&WriterOptions::default()).unwrap();
    for (id, title, text) in [
        (
            "vizsla",
            "The vizsla",
            "A hunting dog that points and retrieves. It is fast over open ground.",
        ),
        (
            "points",
            "Compass",
            "The points of the compass, and how a hunting party retrieves its bearings.",
        ),
        ("java", "Java island", "A fast ferry crosses open water to the hunting grounds."),
        ("errata", "Errata", "Retrieval of points is open."),
    ] {
        writer.add(&Document::new(id, text).with_title(title)).unwrap();
    }
    writer.commit().unwrap();
    index
}

/// Like `search`, with the notes on the query.
fn noted(index: &Index, query: &str) -> SearchResponse {
    let engine = Engine::new(index.retriever()).with_fusion(Fusion::Retrieval);
    engine.search(&SearchRequest::new(query).with_notes()).unwrap()
}

fn search(index: &Index, query: &str) -> SearchResponse {
    let engine = Engine::new(index.retriever()).with_fusion(Fusion::Retrieval);
    engine.search(&SearchRequest::new(query)).unwrap()
}

fn ids(response: &SearchResponse) -> Vec<&str> {
    response.hits.iter().map(|hit| hit.doc_id.as_str()).collect()
}

#[test]
fn phrases_exclusions_and_fields_restrict() {
    let index = library(IndexSettings::default());
    assert_eq!(search(&index, "points retrieves").hits.len(), 3);
    assert_eq!(ids(&search(&index, "\"points and retrieves\"")), ["vizsla"]);
    assert!(!ids(&search(&index, "hunting -dog")).contains(&"vizsla"));
    assert_eq!(ids(&search(&index, "hunting title:java")), ["java"]);
    assert_eq!(ids(&search(&index, "open -title:errata -\"open ground\"")), ["java"]);
    let dropped = noted(&index, "hunting \"flying carpet\"");
    assert_eq!(dropped.notes.dropped, ["flying carpet"]);
    assert_eq!(dropped.hits.len(), 3, "an unmet condition does not hide the rest");
    for odd in
        ["-", "\"", "\"\"", "-\"", "title:", "a:b:c", "(((", "AND OR NOT", "hunting~2^", "*", "\\"]
    {
        search(&index, odd);
    }
}

#[test]
fn unknown_words_are_corrected_when_asked_for() {
    let index = library(IndexSettings::default());
    let response = noted(&index, "huntign dogs");
    let [correction] = response.notes.suggestions.as_slice() else { panic!("{response:?}") };
    assert_eq!((correction.word.as_str(), correction.suggestion.as_str()), ("huntign", "hunting"));
    assert!(!correction.used && response.hits.len() == 1);
    let engine = Engine::new(index.retriever().with_correction()).with_fusion(Fusion::Retrieval);
    let corrected = engine.search(&SearchRequest::new("huntign").with_notes()).unwrap();
    assert!(corrected.notes.suggestions[0].used && corrected.hits.len() == 3);

    // Reranker and highlights use the correction too.
    let scores = |query: &str| {
        let engine = Engine::new(index.retriever().with_correction()).with_reranker(bundled());
        let hits = engine.search(&SearchRequest::new(query)).unwrap().hits;
        hits.into_iter().map(|hit| (hit.scores, hit.passage.highlights)).collect::<Vec<_>>()
    };
    let misspelt = scores("huntign dogs?");
    assert_eq!(misspelt, scores("hunting dogs?"));
    assert!(misspelt.iter().any(|(_, highlights)| !highlights.is_empty()));
}

#[test]
fn fields_have_weights_and_bodies_only_where_they_are_indexed() {
    let plain = library(IndexSettings::default());
    let weighted = |index: &Index, weights: &str| {
        let weights: FieldWeights = weights.parse().unwrap();
        let engine =
            Engine::new(index.retriever().with_weights(weights)).with_fusion(Fusion::Retrieval);
        engine.search(&SearchRequest::new("compass errata").with_explanation())
    };
    let title_only = weighted(&plain, "title=2").unwrap();
    assert_eq!(ids(&title_only), ["errata", "points"]);
    let Some(Explanation::Bm25(explained)) = &title_only.hits[0].explanation else {
        panic!("{title_only:?}")
    };
    assert_eq!(explained.terms[0].field, "title");
    assert!(
        (explained.terms.iter().map(|term| term.score).sum::<f32>() - title_only.hits[0].score)
            .abs()
            < 1e-5
    );
    assert_eq!(weighted(&plain, "body=1").unwrap_err().kind(), ErrorKind::InvalidInput);
    let separate = library(IndexSettings::default().with_separate_body());
    assert_eq!(
        ids(&weighted(&separate, "body=1").unwrap()),
        ["points"],
        "errata is only in a title"
    );
    assert!(
        "title".parse::<FieldWeights>().is_err() && "title=-1".parse::<FieldWeights>().is_err()
    );
}

#[test]
fn feedback_adds_words_of_the_best_passages() {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let mut writer = index.writer(&WriterOptions::default()).unwrap();
    for i in 0..60 {
        let text = match i {
            0..3 => "gundog vizsla pointer",
            3..5 => "pointer kennel",
            _ => "weather report of the day",
        };
        writer.add(&Document::new(format!("d{i}"), text)).unwrap();
    }
    writer.commit().unwrap();
    assert_eq!(found(&index.retriever(), "gundog", 10).len(), 3);
    let feedback = index.retriever().with_rm3(Rm3::default().with_passages(3));
    let found = found(&feedback, "gundog", 10);
    assert_eq!(found.len(), 5, "pointer is what they have in common");
    assert!(found[..3].iter().all(|(id, _)| ["d0", "d1", "d2"].contains(&id.as_str())));
}

#[test]
fn an_index_keeps_its_language() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("index");
    let index =
        Index::create(&path, IndexSettings::default().with_language(Language::German)).unwrap();
    let mut writer = index.writer(&WriterOptions::default()).unwrap();
    writer.add(&Document::new("de", "Die Häuser der Stadt")).unwrap();
    writer.add(&Document::new("ja", "東京都の天気")).unwrap();
    writer.commit().unwrap();
    writer.finish().unwrap();
    let index = Index::open(&path).unwrap();
    assert_eq!(index.settings().language, Language::German);
    assert_eq!(ids(&search(&index, "Haus")), ["de"]);
    assert_eq!(ids(&search(&index, "京都")), ["ja"]);
    // A stop word counts when there is nothing else.
    assert_eq!(ids(&search(&index, "der")), ["de"]);
    assert!(search(&index, "der Baum").hits.is_empty());
}
