//! The pipeline over retrievers and rerankers of every kind: hostile ones, merged ones, ones that find long texts.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Mutex;

use vizsla::{
    BoxError, Candidate, Document, Engine, ErrorKind, Explanation, Filter, Fusion, FusionPolicy,
    Index, IndexSettings, Limits, MergedRetriever, Passage, PassageRetriever, QuerySyntax, Ranking,
    RerankScore, Reranker, Retrieval, RetrieveRequest, Retriever, SearchObserver, SearchRequest,
    SearchResponse, SplitOptions, WriterOptions,
};

fn index_of(documents: &[Document]) -> Index {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let mut writer = index.writer(&WriterOptions::default().with_threads(1)).unwrap();
    documents.iter().for_each(|document| assert!(writer.add(document).unwrap().passages > 0));
    writer.commit().unwrap();
    index
}

fn dogs() -> Index {
    let documents: Vec<_> =
        (0..5).map(|i| Document::new(format!("d{i}"), "dog ".repeat(i + 1))).collect();
    index_of(&documents)
}

/// Scores for so many passages.
type Script = fn(usize) -> Result<Vec<RerankScore>, BoxError>;

/// Says what it is told to.
#[derive(Debug)]
struct Scripted(Script);

impl Reranker for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn score(&self, _: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        (self.0)(passages.len())
    }
}

const ALL_FUSIONS: [&str; 10] = [
    "rerank",
    "retrieval",
    "rrf",
    "linear",
    "log-odds",
    "zscore",
    "rank-biased",
    "calibrated",
    "position",
    "auto",
];

#[test]
fn a_hostile_reranker_is_a_named_error_or_a_whole_answer() {
    let extreme = |count: usize| {
        Ok((0..count).map(|i| RerankScore::new([f32::MAX, f32::MIN, 0.0][i % 3])).collect())
    };
    let engine = Engine::new(dogs().retriever()).with_reranker(Scripted(extreme));
    for fusion in ALL_FUSIONS {
        let fusion: FusionPolicy = fusion.parse().unwrap();
        let response = engine.search(&SearchRequest::new("dog").with_fusion(fusion)).unwrap();
        assert_eq!(response.hits.len(), 5, "{fusion}");
        assert!(response.hits.iter().all(|hit| hit.score.is_finite()), "{fusion}");
    }
    let broken: [(Script, &str); 5] = [
        (|count| Ok(vec![RerankScore::new(f32::NAN); count]), "cannot be ranked"),
        (|count| Ok(vec![RerankScore::new(f32::INFINITY); count]), "cannot be ranked"),
        (|_| Ok(Vec::new()), "0 scores for 5 passages"),
        (|_| Err("no paper".into()), "failed"),
        (|_| panic!("out of cheese"), "panicked: out of cheese"),
    ];
    for (script, message) in broken {
        let engine = Engine::new(dogs().retriever()).with_reranker(Scripted(script));
        let error = engine.search(&SearchRequest::new("dog")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rerank);
        assert!(
            error.to_string().contains("scripted") && error.to_string().contains(message),
            "{error}"
        );
        let degraded = engine.search(&SearchRequest::new("dog").with_retrieval_fallback()).unwrap();
        assert!(degraded.degraded.unwrap().contains(message));
        assert_eq!(degraded.hits.len(), 5);
    }
}

#[test]
fn a_request_beyond_the_limits_is_refused_and_a_huge_depth_allocates_nothing() {
    let engine =
        |limits| Engine::new(dogs().retriever()).with_fusion(Fusion::Retrieval).with_limits(limits);
    let tight = engine(Limits::default().with_depth(50).with_hits(10).with_query_bytes(20));
    let many = (0..2_000).fold(Filter::default(), |filter, i| filter.with_extension(i.to_string()));
    for (request, what) in [
        (SearchRequest::new("dog").with_depth(51), "depth is 51"),
        (SearchRequest::new("dog").with_depth(usize::MAX), "depth is"),
        (SearchRequest::new("dog").with_limit(11), "hits is 11"),
        (SearchRequest::new("dog ".repeat(6)), "24 bytes"),
        (SearchRequest::new("dog").with_filter(many), "filter values is 2000"),
        (SearchRequest::new("dog").with_min_probability(f32::NAN), "NaN"),
        (SearchRequest::new("dog").with_fusion(Fusion::Rrf { k: -1.0 }), "rrf:-1"),
        (
            SearchRequest::new("dog").with_fusion(Fusion::Linear { rerank_weight: f32::NAN }),
            "out of range",
        ),
    ] {
        let error = tight.search(&request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(what), "{error}");
    }
    let loose = engine(Limits::default().with_depth(usize::MAX).with_hits(usize::MAX));
    let all = SearchRequest::new("dog").with_depth(usize::MAX).with_limit(usize::MAX);
    for syntax in [QuerySyntax::Text, QuerySyntax::Native] {
        assert_eq!(loose.search(&all.clone().with_syntax(syntax)).unwrap().hits.len(), 5);
    }
}

/// Writes down what it is told.
#[derive(Default)]
struct Diary(Vec<String>);

impl SearchObserver for Diary {
    fn retrieved(&mut self, candidates: &Ranking<Candidate>) {
        self.0.push(format!("retrieved {}", candidates.len()));
    }

    fn reranked(&mut self, read: usize, total: usize) {
        self.0.push(format!("read {read} of {total}"));
    }

    fn done(&mut self, response: &SearchResponse) {
        self.0.push(format!("done {}", response.hits.len()));
    }

    fn step(&self) -> usize {
        2
    }
}

#[test]
fn an_observer_is_told_how_far_a_search_has_come() {
    let by_length = |count: usize| Ok((0..count).map(|i| RerankScore::new(i as f32)).collect());
    let engine = Engine::new(dogs().retriever()).with_reranker(Scripted(by_length));
    let mut diary = Diary::default();
    let request = SearchRequest::new("dog").with_limit(3);
    let response = engine.search_with(&request, &mut diary).unwrap();
    assert_eq!(diary.0, ["retrieved 5", "read 2 of 5", "read 4 of 5", "read 5 of 5", "done 3"]);
    assert_eq!(response.hits.len(), 3);
}

/// Finds what it is given, whatever is asked, and counts how often it is prepared.
#[derive(Debug)]
struct Fixed {
    found: Vec<(f32, Passage)>,
    prepared: Mutex<usize>,
}

impl Fixed {
    fn new(found: &[(f32, &str, &str)]) -> Self {
        let passage = |(score, id, text): &(f32, &str, &str)| (*score, Passage::new(*id, 0, *text));
        Self { found: found.iter().map(passage).collect(), prepared: Mutex::default() }
    }
}

impl Retriever for Fixed {
    fn prepare<'a>(&'a self, _: &RetrieveRequest) -> Result<Box<dyn Retrieval + 'a>, BoxError> {
        *self.prepared.lock().unwrap() += 1;
        Ok(Box::new(FixedRetrieval(&self.found)))
    }
}

struct FixedRetrieval<'a>(&'a [(f32, Passage)]);

impl Retrieval for FixedRetrieval<'_> {
    fn candidates(&mut self) -> Result<Ranking<Candidate>, BoxError> {
        let candidate = |passage: &Passage| {
            let words = passage.text.match_indices("dog");
            Candidate::new(passage.clone())
                .with_highlights(words.map(|(at, word)| at..at + word.len()).collect())
                .with_explanation(Explanation::Other("it was told so".to_owned()))
        };
        Ok(Ranking::new(self.0.iter().map(|(score, passage)| (*score, candidate(passage))))?)
    }

    fn query(&self) -> Option<&str> {
        Some("dog")
    }
}

#[test]
fn a_query_is_prepared_once_and_what_came_along_is_shown() {
    let fixed = std::sync::Arc::new(Fixed::new(&[(2.0, "a", "a dog"), (1.0, "b", "the dog")]));
    let engine = Engine::new(std::sync::Arc::clone(&fixed)).with_fusion(Fusion::Retrieval);
    let request = SearchRequest::new("whatever").with_explanation().with_notes();
    let response = engine.search(&request).unwrap();
    assert_eq!(*fixed.prepared.lock().unwrap(), 1);
    assert_eq!(response.hits[1].passage.highlights, [[4, 7]]);
    assert_eq!(response.hits[0].passage.snippet.text, "a dog");
    assert!(matches!(&response.hits[0].explanation, Some(Explanation::Other(_))));
}

#[test]
fn several_retrievers_are_merged_by_reciprocal_rank() {
    let first = Fixed::new(&[(900.0, "a", "dog"), (800.0, "b", "dog"), (1.0, "c", "dog")]);
    let second = Fixed::new(&[(0.2, "b", "dog"), (0.1, "d", "dog")]);
    let merged = MergedRetriever::new(first).with(second).with(dogs().retriever());
    let engine = Engine::new(merged).with_fusion(Fusion::Retrieval);
    let response = engine.search(&SearchRequest::new("dog").with_depth(4)).unwrap();
    let hits: Vec<_> = response.hits.iter().map(|hit| (hit.doc_id.as_str(), hit.score)).collect();
    assert_eq!(hits.len(), 4);
    assert_eq!(hits[0], ("b", 1.0 / 62.0 + 1.0 / 61.0));
    assert_eq!(hits[1].0, "a");
    assert_eq!(hits[1].1.to_bits(), hits[2].1.to_bits(), "the first of two retrievers tie");
    // Highlights come from whichever retriever found the passage.
    assert!(response.hits.iter().all(|hit| !hit.passage.highlights.is_empty()));
}

#[test]
fn long_candidates_are_split_and_the_best_passages_read() {
    let filler = "nothing of interest is said in this sentence. ".repeat(30);
    let text = format!("{filler}\n\nThe dog that retrieves a duck.\n\n{filler}");
    let at = text.find("dog").unwrap();
    let found = Fixed::new(&[(3.0, "long", &text), (2.0, "short", "a dog")]);
    let retriever = PassageRetriever::new(found)
        .with_split(SplitOptions::default().with_max_tokens(64))
        .with_passages(2);
    let request = RetrieveRequest::new("dog", NonZeroUsize::new(10).unwrap());
    let mut retrieval = retriever.prepare(&request).unwrap();
    let ranking = retrieval.candidates().unwrap();
    let pieces: Vec<&Passage> = ranking.iter().map(|ranked| &ranked.item.passage).collect();
    assert_eq!(
        pieces.iter().map(|p| p.doc_id.as_str()).collect::<Vec<_>>(),
        ["long", "long", "short"]
    );
    let answer = ranking.iter().find(|ranked| ranked.item.passage.text.contains("dog")).unwrap();
    let piece = &answer.item.passage;
    assert_eq!(&text[piece.start_byte as usize..piece.end_byte as usize], piece.text);
    let ranges: Vec<Range<usize>> = retrieval.highlight(&answer.item);
    assert_eq!(ranges.len(), 1);
    assert_eq!(piece.start_byte as usize + ranges[0].start, at);
    assert!(retrieval.explain(&answer.item).unwrap().is_some());
    let whole = "dog ".repeat(5_000);
    let split = PassageRetriever::new(Fixed::new(&[(1.0, "x", &whole)]));
    assert_eq!(
        split.retrieve(&request).unwrap().len(),
        PassageRetriever::<Fixed>::DEFAULT_PASSAGES
    );
}

#[test]
fn notes_come_when_asked_for() {
    let index = index_of(&[Document::new("1", "a heron stands in the reeds")]);
    let engine = Engine::new(index.retriever()).with_fusion(Fusion::Retrieval);
    let request = SearchRequest::new("hreon reeds -duck \"no such phrase\"");
    assert!(engine.search(&request).unwrap().notes.is_empty());
    let notes = engine.search(&request.with_notes()).unwrap().notes;
    assert_eq!(
        (notes.suggestions[0].word.as_str(), notes.suggestions[0].suggestion.as_str()),
        ("hreon", "heron")
    );
    assert!(!notes.suggestions[0].used);
    assert_eq!(notes.dropped, ["no such phrase"]);
    assert_eq!(notes.excluded, ["duck"]);
    // Only the first few unknown words are looked up.
    let request = SearchRequest::new("hreon reads heorn herom haron herno").with_notes();
    assert_eq!(engine.search(&request).unwrap().notes.suggestions.len(), 3);
}
