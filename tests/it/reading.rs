//! What the reranker is given to read: parts of candidates, fewer of them, and all.

use std::sync::{Arc, Mutex};

use vizsla::{
    BoxError, Candidate, Document, Effort, Engine, Fusion, Index, IndexSettings, Passage, Ranking,
    RerankScore, Reranker, Retrieval, RetrieveRequest, Retriever, SearchRequest, SearchResponse,
    WriterOptions,
};

use crate::support::{Ran, Workspace, fixture};

/// Remembers what it was given. A text with the word "right" is right.
#[derive(Debug, Default, Clone)]
struct Reader(Arc<Mutex<Vec<String>>>);

impl Reranker for Reader {
    fn name(&self) -> &'static str {
        "reader"
    }

    fn score(&self, _: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        self.0.lock().unwrap().extend(passages.iter().map(ToString::to_string));
        let score = |text: &&str| {
            let logit = if text.contains("right") { 4.0 } else { -4.0 };
            RerankScore::new(logit).with_tokens(text.split_whitespace().count() as u32, false)
        };
        Ok(passages.iter().map(score).collect())
    }
}

/// The answer with an effort, and what was read for it.
fn read(documents: &[Document], query: &str, effort: Effort) -> (SearchResponse, Vec<String>) {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let mut writer = index.writer(&WriterOptions::default().with_threads(1)).unwrap();
    for document in documents {
        writer.add(document).unwrap();
    }
    writer.commit().unwrap();
    let reader = Reader::default();
    let engine = Engine::new(index.retriever()).with_reranker(reader.clone());
    let request = SearchRequest::new(query).with_limit(3).with_effort(effort);
    let response = engine.search(&request).unwrap();
    (response, reader.0.lock().unwrap().clone())
}

/// A long text about other things with a sentence in its middle.
fn around(sentence: &str) -> String {
    let other = "The weather of that week was mild, and nobody wrote anything down. ";
    format!("{}{sentence} {}", other.repeat(12), other.repeat(12))
}

#[test]
fn the_part_with_the_words_is_read_with_its_title() {
    let mut document = Document::new("d", around("A marmot whistles, which is right."));
    document.title = "Notes".to_owned();
    let documents = [document];
    let (response, texts) = read(&documents, "marmot whistles", Effort::Balanced);
    let [text] = texts.as_slice() else { panic!("{texts:?}") };
    assert!(text.starts_with("Notes\n") && text.contains("marmot whistles, which is right."));
    assert!(text.len() < 500, "{text}");
    let passage = &response.hits[0].passage;
    let [from, to] = passage.read.expect("only a part was read");
    assert!(text.ends_with(&passage.text[from..to]));
    let stage = response.stages.rerank.unwrap();
    assert_eq!((stage.excerpts, stage.left_out, stage.unread), (1, 0, 0));

    let (response, texts) = read(&documents, "marmot whistles", Effort::Full);
    assert!(texts[0].len() > 1500);
    assert_eq!(response.hits[0].passage.read, None);
    assert_eq!(response.stages.rerank.unwrap().excerpts, 0);
}

#[test]
fn a_long_question_is_read_with_long_parts() {
    let documents = [Document::new("d", around("A marmot whistles."))];
    let short = read(&documents, "marmot", Effort::Balanced).1[0].len();
    let question = format!("marmot {}", "and what else there may be ".repeat(45));
    let long = read(&documents, &question, Effort::Balanced).1[0].len();
    assert!(long > 2 * short, "{long}, {short}");
}

#[test]
fn where_no_word_is_known_to_be_all_is_read() {
    let mut document = Document::new("d", around("Nothing."));
    document.title = "Marmots".to_owned();
    let (response, texts) = read(&[document], "marmots", Effort::Balanced);
    assert!(texts[0].len() > 1500);
    assert_eq!(response.hits[0].passage.read, None);
}

#[test]
fn reading_ends_when_candidates_no_longer_come_among_the_hits() {
    let documents: Vec<Document> = (0..45)
        .map(|i| {
            let right = if i < 12 { "right" } else { "wrong" };
            Document::new(format!("d{i:02}"), format!("marmot {}{right}", "so ".repeat(i)))
        })
        .collect();
    let (quick, texts) = read(&documents, "marmot", Effort::Quick);
    let stage = quick.stages.rerank.as_ref().unwrap();
    assert!(texts.len() < 45 && texts.len().is_multiple_of(8), "{}", texts.len());
    assert_eq!((stage.passages + stage.left_out, stage.unread), (45, 0));
    let (all, texts) = read(&documents, "marmot", Effort::Balanced);
    assert_eq!(texts.len(), 45);
    let ids = |response: &SearchResponse| -> Vec<String> {
        response.hits.iter().map(|hit| hit.doc_id.clone()).collect()
    };
    assert_eq!(ids(&quick), ids(&all));
}

#[test]
fn candidates_are_read_on_while_they_do_come_among_the_hits() {
    // The longer, the worse for BM25, and the last ones are right.
    let documents: Vec<Document> = (0..24)
        .map(|i| {
            let right = if i % 8 == 7 { "right" } else { "wrong" };
            Document::new(format!("d{i:02}"), format!("marmot {}{right}", "so ".repeat(i)))
        })
        .collect();
    let (response, texts) = read(&documents, "marmot", Effort::Quick);
    assert_eq!(texts.len(), 24);
    assert!(response.hits.iter().all(|hit| hit.passage.text.contains("right")));
}

#[test]
fn the_hits_are_read_as_a_whole_too() {
    let documents: Vec<Document> = (0..6)
        .map(|i| Document::new(format!("d{i}"), around(&format!("Marmot {i} is right."))))
        .collect();
    let (response, texts) = read(&documents, "marmot", Effort::Thorough);
    let long: Vec<&String> = texts.iter().filter(|text| text.len() > 1500).collect();
    assert_eq!((texts.len(), long.len()), (6 + 3, 3));
    assert!(response.hits.iter().all(|hit| hit.passage.read.is_none()));
    assert_eq!(response.stages.rerank.unwrap().excerpts, 3);
    let score = response.hits[0].scores;
    assert_eq!(score.rerank_logit, Some(4.0));
    let read_twice = score.rerank_tokens.unwrap() as usize;
    assert!(read_twice > long[0].split_whitespace().count());
}

#[test]
fn the_first_stage_alone_reads_nothing() {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let reader = Reader::default();
    let engine = Engine::new(index.retriever()).with_reranker(reader.clone());
    let request = SearchRequest::new("marmot").with_fusion(Fusion::Retrieval);
    assert!(engine.search(&request).unwrap().hits.is_empty());
    assert!(reader.0.lock().unwrap().is_empty());
}

#[test]
fn the_program_says_how_much_was_read() {
    let workspace = Workspace::new();
    let dataset = fixture("corpus").display().to_string();
    let tokens = |effort: &str| {
        let report = workspace.json(&["eval", "--dataset", &dataset, "--json", "--effort", effort]);
        report["tokens"].as_f64().unwrap()
    };
    let [quick, balanced, thorough, full] = ["quick", "balanced", "thorough", "full"].map(tokens);
    assert!(quick <= balanced && balanced <= thorough && balanced <= full && quick > 0.0);
    let refused = workspace.run(&["eval", "--dataset", &dataset, "--effort", "heroic"]);
    assert!(refused.err.contains("balanced"), "{}", refused.err);
}

/// A judged collection of one long document that says something about marmots, one that does not, and one that is the query.
fn long_collection(workspace: &Workspace) {
    let line = |id: &str, text: &str| format!("{{\"_id\": \"{id}\", \"text\": \"{text}\"}}\n");
    let long = around("A marmot whistles.");
    let corpus =
        line("long", &long) + &line("q", "marmot") + &line("other", "Nothing of the kind.");
    workspace.write("judged/corpus.jsonl", corpus);
    workspace.write("judged/queries.jsonl", line("q", "marmot whistles"));
    workspace.write("judged/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\tlong\t1\n");
    workspace.write("judged/given.run", "q Q0 long 1 2.5 other\n");
}

#[test]
fn an_evaluation_reads_as_a_search_does_whatever_the_first_stage() {
    let workspace = Workspace::new();
    long_collection(&workspace);
    let first_stages: [&[&str]; 3] =
        [&[], &["--drop-query-document"], &["--candidates", "judged/given.run"]];
    for first_stage in first_stages {
        let tokens = |effort: &str| {
            let mut args = vec!["eval", "--dataset", "judged", "--json", "--effort", effort];
            args.extend(first_stage);
            workspace.json(&args)["tokens"].as_f64().unwrap()
        };
        let (balanced, full) = (tokens("balanced"), tokens("full"));
        assert!(0.0 < balanced && balanced < full / 2.0, "{first_stage:?}: {balanced} of {full}");
    }
}

/// Finds one passage, and does not say where the query's words are in it.
#[derive(Debug)]
struct Foreign(Passage);

struct Found(Passage);

impl Retriever for Foreign {
    fn prepare(&self, _: &RetrieveRequest) -> Result<Box<dyn Retrieval + '_>, BoxError> {
        Ok(Box::new(Found(self.0.clone())))
    }
}

impl Retrieval for Found {
    fn candidates(&mut self) -> Result<Ranking<Candidate>, BoxError> {
        Ok(Ranking::new([(1.0, Candidate::new(self.0.clone()))])?)
    }
}

#[test]
fn a_retriever_that_marks_no_words_is_read_in_parts_all_the_same() {
    let reader = Reader::default();
    let passage = Passage::new("d", 0, around("Marmots whistle when an eagle comes."));
    let engine = Engine::new(Foreign(passage)).with_reranker(reader.clone());
    engine.search(&SearchRequest::new("which marmot whistles at eagles")).unwrap();
    let texts = reader.0.lock().unwrap().clone();
    assert!(texts[0].contains("an eagle comes") && texts[0].len() < 500, "{texts:?}");
}

#[test]
fn a_question_asked_again_needs_no_model() {
    let workspace = Workspace::new().with_documents();
    let ask = |more: &[&str]| {
        let mut args = vec!["search", "how is memory freed", "--index", "index", "--json"];
        args.extend(more);
        workspace.run(&args)
    };
    let forgotten = ask(&["--no-score-cache"]);
    assert!(forgotten.code == 0 && !workspace.path("index/scores").exists(), "{}", forgotten.err);
    let nowhere = ["--onnxruntime", "/nowhere.so"];
    let refused = ask(&nowhere);
    assert!(refused.code != 0 && refused.err.contains("--fusion bm25"), "{}", refused.err);
    assert!(refused.err.contains("vizsla setup"), "{}", refused.err);

    let answer = |ran: &Ran| -> SearchResponse { serde_json::from_str(&ran.out).unwrap() };
    let first = answer(&ask(&[]));
    let again = answer(&ask(&nowhere));
    assert!(!first.hits.is_empty());
    assert_eq!(first.hits, again.hits);
    let stage = again.stages.rerank.unwrap();
    assert_eq!((stage.passages, stage.tokens), (0, 0));
    assert_eq!(stage.cached, first.stages.rerank.unwrap().passages);
    // What is remembered is no part of the index.
    assert_eq!(workspace.run(&["check", "--index", "index"]).code, 0);
    workspace.write("index/scores", "nonsense");
    assert_eq!(answer(&ask(&[])).hits, first.hits);
}
