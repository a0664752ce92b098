//! The engine through its public interface.

use std::time::Duration;

use vizsla::onnx::CrossEncoderOptions;
use vizsla::tantivy::schema::{STORED, STRING, Schema, TEXT};
use vizsla::tantivy::{Index as TantivyIndex, doc};
use vizsla::{
    BoxError, CancelHandle, Document, Engine, ErrorKind, Filter, Fusion, Index, IndexSettings,
    Location, RerankScore, Reranker, SearchRequest, SearchResponse, SplitOptions, TantivyRetriever,
    TimeLimits, WriterOptions,
};

use crate::support::{bundled, bundled_with, fixture};

fn fixture_documents() -> Vec<Document> {
    let corpus = std::fs::read(fixture("corpus/corpus.jsonl")).unwrap();
    vizsla_extract::collect(vizsla_extract::Input::bytes("corpus.jsonl", &corpus))
        .unwrap()
        .documents
}

fn index_of(documents: &[Document], commits: usize) -> Index {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let mut writer = index.writer(&WriterOptions::default().with_threads(1)).unwrap();
    for part in documents.chunks(documents.len().div_ceil(commits)) {
        part.iter().for_each(|document| assert!(writer.add(document).unwrap().passages > 0));
        writer.commit().unwrap();
    }
    index
}

/// Scores a passage by how many words of the query it contains.
#[derive(Debug)]
struct Overlap;

impl Reranker for Overlap {
    fn name(&self) -> &'static str {
        "overlap"
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        let count = |text: &str| query.split(' ').filter(|word| text.contains(word)).count();
        Ok(passages.iter().map(|text| RerankScore::new(count(text) as f32)).collect())
    }
}

#[test]
fn the_ranking_is_the_same_for_any_threads_and_segments() {
    let documents = fixture_documents();
    let one = index_of(&documents, 1);
    let mut turned = documents.clone();
    turned.reverse();
    let four = index_of(&turned, 4);
    assert_eq!((one.stats().unwrap().segments, four.stats().unwrap().segments), (1, 4));
    let engine = |index: &Index, threads| {
        Engine::new(index.retriever())
            .with_reranker(bundled_with(&CrossEncoderOptions::default().with_threads(threads)))
    };
    let (a, b) = (engine(&one, 1), engine(&four, 8));
    for query in [
        "which dog both points and fetches",
        "the planet nearest the sun",
        "two threads wait",
        "bacteria in milk",
    ] {
        for request in [
            SearchRequest::new(query),
            SearchRequest::new(query).with_depth(3).with_fusion(Fusion::Rerank),
        ] {
            let (a, b) = (a.search(&request).unwrap(), b.search(&request).unwrap());
            assert!(!a.hits.is_empty());
            assert_eq!(a.hits, b.hits, "{query}");
        }
    }
}

/// Reads the given number of passages, best first, the last the most relevant.
#[derive(Debug)]
struct Hurried(usize);

impl Reranker for Hurried {
    fn name(&self) -> &'static str {
        "hurried"
    }

    fn score(&self, _: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        Ok((0..passages.len()).map(|i| RerankScore::new(i as f32)).collect())
    }

    fn score_with_limits(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, BoxError> {
        assert!(limits.deadline.is_some());
        let scores = self.score(query, passages)?;
        Ok((0..).zip(scores).map(|(i, score)| (i < self.0).then_some(score)).collect())
    }
}

#[test]
fn unread_candidates_stay_below_in_first_stage_order() {
    let documents: Vec<_> =
        (0..9).map(|i| Document::new(format!("d{i}"), "dog ".repeat(9 - i))).collect();
    let engine = Engine::new(index_of(&documents, 1).retriever()).with_reranker(Hurried(4));
    let request = SearchRequest::new("dog").with_budget(Duration::from_secs(1));
    let bm25 = engine.search(&request.clone().with_fusion(Fusion::Retrieval)).unwrap();
    let response = engine.search(&request.with_fusion(Fusion::Rerank)).unwrap();
    let ids = |response: &SearchResponse| -> Vec<String> {
        response.hits.iter().map(|hit| hit.doc_id.clone()).collect()
    };
    let (mut expected, found) = (ids(&bm25), ids(&response));
    expected[..4].reverse();
    assert_eq!(found, expected);
    let stage = response.stages.rerank.unwrap();
    assert_eq!((stage.passages, stage.unread), (4, 5));
    assert!(response.hits[4].scores.rerank_logit.is_none());
}

#[test]
fn a_cancelled_search_ends() {
    let engine = Engine::new(index_of(&fixture_documents(), 1).retriever())
        .with_reranker(bundled())
        .with_fusion(Fusion::Rerank);
    let cancel = CancelHandle::new();
    let request = SearchRequest::new("a dog that points").with_cancel(cancel.clone());
    assert!(!engine.search(&request).unwrap().hits.is_empty());
    cancel.cancel();
    let error = engine.search(&request.with_retrieval_fallback()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn equal_scores_are_ordered_by_id_wherever_the_cut_falls() {
    let documents: Vec<_> =
        (0..20).map(|i| Document::new(format!("d{i:02}"), "the same dog")).collect();
    for commits in [1, 4] {
        let mut turned = documents.clone();
        turned.reverse();
        let engine =
            Engine::new(index_of(&turned, commits).retriever()).with_fusion(Fusion::Retrieval);
        let response = engine.search(&SearchRequest::new("dog").with_depth(5)).unwrap();
        let ids: Vec<_> = response.hits.iter().map(|hit| hit.doc_id.as_str()).collect();
        assert_eq!(ids, ["d00", "d01", "d02", "d03", "d04"]);
    }
}

#[test]
fn an_engine_is_shared_between_threads_while_documents_come_and_go() {
    let index = index_of(&fixture_documents(), 1);
    let engine = Engine::new(index.retriever()).with_reranker(Overlap);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let response =
                        engine.search(&SearchRequest::new("gun dog").with_limit(1)).unwrap();
                    assert_eq!(response.hits[0].doc_id, "vizsla");
                }
            });
        }
        let mut writer = index.writer(&WriterOptions::default().with_threads(1)).unwrap();
        for i in 0..5 {
            writer.add(&Document::new(format!("new-{i}"), "a zebra")).unwrap();
            writer.commit().unwrap();
        }
        assert!(writer.delete("new-0").unwrap() && !writer.delete("never").unwrap());
        writer.commit().unwrap();
        writer.add(&Document::new("dropped", "a zebra")).unwrap();
        writer.rollback().unwrap();
    });
    let zebras = engine.search(&SearchRequest::new("zebra")).unwrap();
    assert_eq!(zebras.hits.len(), 4);
}

#[test]
fn the_best_passage_stands_for_its_document() {
    let settings = IndexSettings::default().with_split(SplitOptions::default().with_max_tokens(16));
    let index = Index::in_memory(settings).unwrap();
    let mut writer = index.writer(&WriterOptions::default().with_threads(1)).unwrap();
    let filler = "Nothing of interest stands in this long paragraph about grass and rain.";
    writer
        .add(&Document::new(
            "long",
            format!("{filler}\n\n{filler}\n\nThe vizsla points.\n\n{filler}"),
        ))
        .unwrap();
    writer.add(&Document::new("short", "A dog sleeps.")).unwrap();
    writer.commit().unwrap();
    let engine = Engine::new(index.retriever()).with_reranker(bundled());
    let response =
        engine.search(&SearchRequest::new("what does the vizsla do in the grass")).unwrap();
    assert_eq!(response.hits.iter().filter(|hit| hit.doc_id == "long").count(), 1);
    let best = &response.hits[0];
    assert!(best.passage.text.contains("vizsla points"), "{best:?}");
    let Location::Lines { first, .. } = best.passage.location else { panic!("{best:?}") };
    assert!(first >= 5 && best.passage.ordinal > 0);
}

#[test]
fn a_reranker_that_breaks_its_promise_is_an_error() {
    #[derive(Debug)]
    struct Broken(Vec<f32>);
    impl Reranker for Broken {
        fn name(&self) -> &'static str {
            "broken"
        }
        fn score(&self, _: &str, _: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
            Ok(self.0.iter().map(|logit| RerankScore::new(*logit)).collect())
        }
    }
    let index = index_of(&fixture_documents(), 1);
    for scores in [vec![], vec![f32::NAN]] {
        let engine = Engine::new(index.retriever()).with_reranker(Broken(scores));
        let request = SearchRequest::new("vizsla").with_depth(1);
        assert!(engine.search(&request).unwrap_err().to_string().contains("broken"));
        let degraded = engine.search(&request.with_retrieval_fallback()).unwrap();
        assert!(
            degraded.degraded.unwrap().contains("broken")
                && degraded.fusion == Fusion::Retrieval.into()
        );
    }
}

fn somebodys_index() -> TantivyIndex {
    let mut schema = Schema::builder();
    let key = schema.add_text_field("key", STRING | STORED);
    let name = schema.add_text_field("name", TEXT | STORED);
    let body = schema.add_text_field("body", TEXT | STORED);
    schema.add_text_field("hidden", TEXT);
    let index = TantivyIndex::create_in_ram(schema.build());
    let mut writer = index.writer_with_num_threads(1, 20 << 20).unwrap();
    for (k, n, b) in [
        ("1", "Vizsla", "points and retrieves"),
        ("2", "Beagle", "follows its nose"),
        ("3", "Cat", "sleeps all day"),
    ] {
        writer.add_document(doc!(key => k, name => n, body => b)).unwrap();
    }
    writer.commit().unwrap();
    index
}

#[test]
fn somebodys_tantivy_index_is_searched_and_reranked() {
    let reader = somebodys_index().reader().unwrap();
    let existing = TantivyRetriever::new(reader.clone(), "key", &["body", "name"])
        .unwrap()
        .with_title("name")
        .unwrap();
    let engine = Engine::new(existing.clone()).with_reranker(bundled());
    let response = engine
        .search(
            &SearchRequest::new("which animal sleeps or follows its nose")
                .with_fusion(Fusion::Retrieval),
        )
        .unwrap();
    assert_eq!(response.hits.iter().map(|hit| hit.doc_id.as_str()).collect::<Vec<_>>(), ["2", "3"]);
    assert_eq!(
        (response.hits[0].title.as_str(), response.hits[0].passage.highlights.len()),
        ("Beagle", 3)
    );
    assert!(
        engine.search(&SearchRequest::new("vizsla")).unwrap().hits[0].scores.rerank_logit.is_some()
    );

    let own_query = existing.with_query(|_| Ok(Box::new(vizsla::tantivy::query::AllQuery)));
    let engine = Engine::new(own_query).with_reranker(bundled()).with_fusion(Fusion::Rerank);
    let response = engine.search(&SearchRequest::new("which animal retrieves things")).unwrap();
    assert_eq!((response.hits.len(), response.hits[0].doc_id.as_str()), (3, "1"));
    let filtered = SearchRequest::new("x").with_filter(Filter::default().with_extension("md"));
    assert!(engine.search(&filtered).unwrap_err().to_string().contains("filters"));

    for (id, text, word) in [
        ("nokey", "body", "does not exist"),
        ("key", "hidden", "not stored"),
        ("key", "key", "frequencies"),
    ] {
        let error = TantivyRetriever::new(reader.clone(), id, &[text]).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}
