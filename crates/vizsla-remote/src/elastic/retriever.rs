//! The first stage over an index of OpenSearch or Elasticsearch. In: a request. Out: candidates, and for the hits their
//! highlights, metadata and explanations.
//!
//! A search is one request to the engine. What only hits need is asked for in a second one, for all candidates at once
//! and only when it is wanted.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use serde_json::{Map, Value, json};
use vizsla::{
    BoxError, Candidate, CandidateKey, Error, ErrorKind, Explanation, Matched, Metadata, Passage,
    Query, QueryNotes, QuerySyntax, Ranking, Retrieval, RetrieveRequest, Retriever, TimeLimits,
};

use super::answer::{Answer, Hit, MARKS, highlights};
use super::query::Prepared;
use super::{Cluster, Layout};
use crate::fields;
use crate::http::Call;

/// More candidates need a cursor, which nothing here is worth.
const MOST_CANDIDATES: usize = 10_000;
/// Longer texts are not highlighted: engines refuse to.
const HIGHLIGHTED_CHARACTERS: usize = 900_000;

/// Finds passages in an index of OpenSearch or Elasticsearch.
#[derive(Debug, Clone)]
pub(crate) struct ElasticRetriever {
    cluster: Arc<Cluster>,
    layout: Layout,
    /// Where searches go, with their parameters.
    path: String,
}

impl ElasticRetriever {
    pub(crate) fn new(cluster: Arc<Cluster>, layout: Layout) -> Result<Self, Error> {
        let mut parameters = Vec::new();
        // Word statistics of one shard alone would make scores depend on where a passage lies.
        if cluster.address.flag("dfs")?.unwrap_or(layout.own.is_some()) {
            parameters.push("search_type=dfs_query_then_fetch");
        }
        if cluster.product.has_pipelines() {
            parameters.push("search_pipeline=_none");
        }
        let path = format!("/{}/_search?{}", cluster.address.index(), parameters.join("&"));
        Ok(Self { cluster, layout, path })
    }

    /// The fields that a candidate is made of.
    fn source(&self) -> Value {
        let layout = &self.layout;
        if layout.own.is_some() {
            return json!({"excludes": ["metadata", "meta", "extension", "path_words", "body", "run"]});
        }
        let named = [&layout.title, &layout.id, &layout.path].into_iter().flatten();
        let fields: Vec<&String> = layout.text.iter().map(|(name, _)| name).chain(named).collect();
        json!({"includes": fields})
    }

    fn passage(&self, hit: &Hit) -> Result<Passage, Error> {
        let layout = &self.layout;
        if layout.own.is_some() {
            return fields::to_passage(&hit.source);
        }
        let field = |name: &Option<String>| name.as_deref().map(|name| text_of(&hit.source, name));
        let id = match field(&layout.id) {
            Some(id) => id,
            // Documents of several indexes may have the same id.
            None if self.cluster.address.index().contains(['*', ',']) => {
                format!("{}/{}", hit.index, hit.id)
            }
            None => hit.id.clone(),
        };
        let text = text_fields(layout).map(|name| text_of(&hit.source, name));
        let text: Vec<String> = text.filter(|text| !text.is_empty()).collect();
        let mut passage = Passage::new(id, 0, text.join("\n"));
        passage.title = field(&layout.title).unwrap_or_default();
        passage.path = field(&layout.path).filter(|path| !path.is_empty());
        Ok(passage)
    }
}

/// The fields that are read as the text: all that are searched but the title.
fn text_fields(layout: &Layout) -> impl Iterator<Item = &str> {
    let names = layout.text.iter().map(|(name, _)| name.as_str());
    names.filter(|name| Some(*name) != layout.title.as_deref())
}

/// The text of a field, which may lie within objects.
fn text_of(source: &Map<String, Value>, name: &str) -> String {
    let direct = source.get(name);
    let value = direct.or_else(|| {
        let (first, rest) = name.split_once('.')?;
        source.get(first)?.pointer(&format!("/{}", rest.replace('.', "/")))
    });
    match value {
        Some(Value::Number(number)) => number.to_string(),
        value => fields::strings(value).join("\n"),
    }
}

impl Retriever for ElasticRetriever {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> Result<Box<dyn Retrieval + 'a>, BoxError> {
        let depth = request.depth.get();
        if depth > MOST_CANDIDATES {
            let message =
                format!("an engine gives at most {MOST_CANDIDATES} candidates, not {depth}");
            return Err(Error::new(ErrorKind::InvalidInput, message).into());
        }
        if request.syntax == QuerySyntax::Native {
            let message = "an engine is not asked in its own query language: leave out --syntax";
            return Err(Error::new(ErrorKind::Unsupported, message).into());
        }
        let query = request.parsed();
        let prepared = Prepared::new(&self.layout, &query, &request.filter)?;
        Ok(Box::new(ElasticRetrieval {
            retriever: self,
            prepared,
            sent: Value::Null,
            query,
            depth,
            time: request.time.clone(),
            dropped: Vec::new(),
            missing: None,
            matched: None,
            ids: HashMap::new(),
            details: OnceLock::new(),
        }))
    }
}

/// One question to one index.
struct ElasticRetrieval<'a> {
    retriever: &'a ElasticRetriever,
    prepared: Prepared,
    /// The query as it was sent.
    sent: Value,
    query: Query,
    depth: usize,
    time: TimeLimits,
    dropped: Vec<String>,
    missing: Option<String>,
    matched: Option<Matched>,
    /// The engine's own ids of the candidates.
    ids: HashMap<CandidateKey, (String, String)>,
    details: OnceLock<HashMap<(String, String), Hit>>,
}

impl ElasticRetrieval<'_> {
    fn layout(&self) -> &Layout {
        &self.retriever.layout
    }

    fn search(&self, body: &Value) -> Result<Answer, Error> {
        let mut body = body.clone();
        if let Some(deadline) = self.time.deadline {
            let left = deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
            body["timeout"] = format!("{left}ms").into();
        }
        let path = self.retriever.path.as_str();
        Answer::read(self.retriever.cluster.post(path, &body, "search", &self.time)?)
    }

    /// Searches, and again with less where too much was asked for.
    fn find(&mut self) -> Result<Answer, Error> {
        let ask = |of: &Self, all_words| -> Result<(Value, Answer), Error> {
            let query = of.prepared.to_json(of.layout(), all_words);
            let body = json!({
                "size": of.depth, "track_total_hits": false, "_source": of.retriever.source(), "query": query,
            });
            let answer = of.search(&body)?;
            Ok((query, answer))
        };
        let (mut query, mut answer) = ask(self, false)?;
        if answer.hits.is_empty() && answer.missing.is_none() {
            self.dropped = self.nowhere()?;
            if !self.dropped.is_empty() {
                self.prepared = self.prepared.without(&self.dropped);
                (query, answer) = ask(self, false)?;
            }
            // A query of stop words alone has found nothing so far.
            if answer.hits.is_empty() && self.layout().own.is_some() {
                (query, answer) = ask(self, true)?;
            }
        }
        self.sent = query;
        Ok(answer)
    }

    /// The required clauses that no passage has.
    fn nowhere(&self) -> Result<Vec<String>, Error> {
        let mut nowhere = Vec::new();
        for (words, query) in self.prepared.required() {
            let body =
                json!({"size": 0, "terminate_after": 1, "track_total_hits": true, "query": query});
            let found = self.search(&body)?.matched.is_some_and(|matched| matched.passages > 0);
            if !found {
                nowhere.push(words.to_owned());
            }
        }
        Ok(nowhere)
    }

    /// What only hits need of all candidates, from one more request. Nothing when that fails: the answer is as good.
    fn details(&self) -> &HashMap<(String, String), Hit> {
        self.details.get_or_init(|| self.ask_details().unwrap_or_default())
    }

    fn ask_details(&self) -> Result<HashMap<(String, String), Hit>, Error> {
        let layout = self.layout();
        let ids: Vec<&str> = self.ids.values().map(|(_, id)| id.as_str()).collect();
        let own = layout.own.is_some();
        let fields: Vec<&str> = if own { vec!["content"] } else { text_fields(layout).collect() };
        let fields: Map<String, Value> =
            fields.into_iter().map(|name| (name.to_owned(), json!({}))).collect();
        let source = if own {
            json!({"includes": ["metadata"]})
        } else {
            json!({"excludes": layout.text.iter().map(|(name, _)| name).chain(&layout.title).collect::<Vec<_>>()})
        };
        let body = json!({
            "size": ids.len(), "track_total_hits": false, "_source": source,
            "query": {"bool": {"filter": [{"ids": {"values": ids}}], "should": [self.sent]}},
            "highlight": {
                "type": "unified", "number_of_fragments": 0, "require_field_match": own,
                "pre_tags": [MARKS[0]], "post_tags": [MARKS[1]], "fields": fields,
                "highlight_query": self.sent,
            },
        });
        let answer = self.search(&body)?;
        Ok(answer.hits.into_iter().map(|hit| ((hit.index.clone(), hit.id.clone()), hit)).collect())
    }

    fn detail(&self, candidate: &Candidate) -> Option<&Hit> {
        self.details().get(self.ids.get(&candidate.key())?)
    }
}

impl Retrieval for ElasticRetrieval<'_> {
    fn candidates(&mut self) -> Result<Ranking<Candidate>, BoxError> {
        let answer = self.find()?;
        self.missing = answer.missing;
        self.matched = answer.matched;
        if self.prepared.left_out > 0 {
            let words =
                format!("the last {} words of the query were left out", self.prepared.left_out);
            self.missing = Some(
                self.missing.take().map_or(words.clone(), |missing| format!("{missing}; {words}")),
            );
        }
        let mut candidates = Vec::with_capacity(answer.hits.len());
        for hit in answer.hits {
            let candidate = Candidate::new(self.retriever.passage(&hit)?);
            self.ids.insert(candidate.key(), (hit.index, hit.id));
            candidates.push((hit.score, candidate));
        }
        Ok(Ranking::new(candidates)?)
    }

    fn matched(&self) -> Option<Matched> {
        self.matched
    }

    fn degraded(&self) -> Option<String> {
        self.missing.clone()
    }

    fn query(&self) -> Option<&str> {
        Some(&self.query.text)
    }

    fn notes(&mut self) -> Result<QueryNotes, BoxError> {
        let mut notes = QueryNotes::default();
        notes.dropped.clone_from(&self.dropped);
        notes.excluded = self.query.excluded.iter().map(|clause| clause.words.clone()).collect();
        Ok(notes)
    }

    fn highlight(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        let text = &candidate.passage.text;
        if text.len() > HIGHLIGHTED_CHARACTERS {
            return Vec::new();
        }
        let Some(hit) = self.detail(candidate) else { return Vec::new() };
        if self.layout().own.is_none() {
            return foreign_highlights(self.layout(), hit, text);
        }
        let full = candidate.passage.full_text();
        let from = full.len() - text.len();
        let marked = fields::strings(hit.highlight.get("content")).concat();
        let ranges = highlights(&marked, &full).unwrap_or_default().into_iter();
        ranges
            .filter(|range| range.start >= from)
            .map(|range| range.start - from..range.end - from)
            .collect()
    }

    fn metadata(&mut self, candidate: &Candidate) -> Result<Arc<Metadata>, BoxError> {
        let own = self.layout().own.is_some();
        let Some(hit) = self.detail(candidate) else { return Ok(Arc::default()) };
        if own {
            return Ok(fields::metadata(hit.source.get("metadata")));
        }
        // JSON has null where metadata has nothing.
        let source = hit.source.iter().filter(|(_, value)| !value.is_null());
        let values = source.map(|(name, value)| (name.clone(), value.clone()));
        Ok(fields::metadata(Some(&Value::Object(values.collect()))))
    }

    fn explain(&mut self, candidate: &Candidate) -> Result<Option<Explanation>, BoxError> {
        let Some((index, id)) = self.ids.get(&candidate.key()) else { return Ok(None) };
        let path = format!("/{index}/_explain/{}", percent_encoded(id));
        let body = json!({"query": self.sent});
        let answer = self
            .retriever
            .cluster
            .send(&Call::post(path, &body, &self.time), "explain a score of")?;
        let tree = answer.get("explanation").map(|tree| told(tree, 0));
        Ok(tree.map(Explanation::Other))
    }
}

/// The marks of each field, at its place in the text that was made of all.
fn foreign_highlights(layout: &Layout, hit: &Hit, text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for name in text_fields(layout) {
        let marked = fields::strings(hit.highlight.get(name)).join("\n");
        let plain = marked.replace(MARKS[0], "").replace(MARKS[1], "");
        let Some(at) = text.find(&plain).filter(|_| !plain.is_empty()) else { continue };
        let found = highlights(&marked, &plain).unwrap_or_default().into_iter();
        ranges.extend(found.map(|range| range.start + at..range.end + at));
    }
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, last| next.start < last.end);
    ranges
}

/// The engine's account of a score, a line a part.
fn told(tree: &Value, depth: usize) -> String {
    let value = tree.get("value").and_then(Value::as_f64).unwrap_or(0.0);
    let what = tree.get("description").and_then(Value::as_str).unwrap_or_default();
    let mut text = format!("{}{value} {what}\n", "  ".repeat(depth));
    for part in tree.get("details").and_then(Value::as_array).into_iter().flatten() {
        text.push_str(&told(part, depth + 1));
    }
    text
}

/// An id as a part of a path.
pub(super) fn percent_encoded(id: &str) -> String {
    let encoded = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    id.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::address::EngineKind::{Elasticsearch, OpenSearch};
    use crate::elastic::{Layout, Product};
    use crate::fake::{Fake, Received, answer};
    use crate::http::Client;

    /// Keys that the search interface of both engines has, as far as they are used here.
    const KEYS: [&str; 7] =
        ["size", "track_total_hits", "_source", "query", "timeout", "highlight", "terminate_after"];
    const PARAMETERS: [&str; 2] = ["search_type=dfs_query_then_fetch", "search_pipeline=_none"];

    /// A server that refuses every key and parameter that the engine of this kind does not have.
    fn strict(kind: &'static str, hits: Value) -> Fake {
        Fake::start(move |request: &Received| {
            let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
            if path == "/" {
                let version = match kind {
                    "opensearch" => json!({"distribution": "opensearch", "number": "2.19.1"}),
                    _ => json!({"number": "9.1.0", "build_flavor": "default"}),
                };
                return answer(
                    200,
                    &json!({"version": version, "tagline": "You Know, for Search"}),
                );
            }
            let refuse = |what: &str| {
                let cause = json!([{"type": "parsing_exception", "reason": what}]);
                answer(
                    400,
                    &json!({"error": {"root_cause": cause, "type": "x", "reason": what}, "status": 400}),
                )
            };
            if let Some(parameter) =
                query.split('&').find(|of| !of.is_empty() && !PARAMETERS.contains(of))
            {
                return refuse(parameter);
            }
            if kind == "elasticsearch" && query.contains("search_pipeline") {
                return refuse("unrecognized parameter: [search_pipeline]");
            }
            let body = request.json();
            if let Some(key) = body
                .as_object()
                .and_then(|body| body.keys().find(|key| !KEYS.contains(&key.as_str())))
            {
                return refuse(&format!("unknown key [{key}]"));
            }
            if path != "/notes/_search" {
                return answer(
                    404,
                    &json!({"error": {"type": "index_not_found_exception", "reason": "no such index"}}),
                );
            }
            answer(200, &hits)
        })
    }

    fn layout() -> Layout {
        let text = vec![("title".to_owned(), 2.0), ("body".to_owned(), 1.0)];
        Layout { own: None, text, title: Some("title".to_owned()), id: None, path: None }
    }

    fn retriever(kind: &str, fake: &Fake, index: &str) -> Result<ElasticRetriever, Error> {
        let address = format!("{kind}+{}/{index}", fake.url()).parse().unwrap();
        let client = Client::new(vec![fake.url()], None, None).unwrap();
        ElasticRetriever::new(Arc::new(Cluster::connect(client, address)?), layout())
    }

    fn asks(query: &str) -> RetrieveRequest {
        RetrieveRequest::new(query, NonZeroUsize::new(10).unwrap())
    }

    #[test]
    fn hits_of_somebody_elses_index_are_candidates() {
        let hit = json!({"_index": "notes", "_id": "7", "_score": 2.5, "_source": {"title": "Herons", "body": ["They wait.", "They fish."]}});
        let body = json!({"took": 1, "timed_out": false, "_shards": {"total": 2, "successful": 1, "failed": 1}, "hits": {"hits": [hit]}});
        for kind in ["opensearch", "elasticsearch"] {
            let fake = strict(kind, body.clone());
            let retriever = retriever(kind, &fake, "notes").unwrap();
            let mut retrieval = retriever.prepare(&asks("herons -otter \"they wait\"")).unwrap();
            let found = retrieval.candidates().unwrap();
            let found: Vec<_> = found.iter().collect();
            assert_eq!((found[0].item.passage.doc_id.as_str(), found[0].score), ("7", 2.5));
            assert_eq!(found[0].item.passage.text, "They wait.\nThey fish.");
            assert_eq!(found[0].item.passage.title, "Herons");
            assert!(retrieval.degraded().unwrap().contains("1 of 2 shards"));
        }
    }

    #[test]
    fn an_engine_of_another_kind_and_an_index_that_is_not_there_are_named() {
        let fake = strict("elasticsearch", json!({}));
        let error = retriever("opensearch", &fake, "notes").unwrap_err().to_string();
        assert!(error.contains("is Elasticsearch, not OpenSearch"), "{error}");
        let error =
            retriever("elasticsearch", &fake, "other").unwrap().retrieve(&asks("x")).unwrap_err();
        let error = error.downcast::<Error>().unwrap();
        assert!(
            error.kind() == ErrorKind::NotFound && error.to_string().contains("other"),
            "{error}"
        );
    }

    #[test]
    fn refusals_have_kinds_and_the_engines_own_reason() {
        for (status, kind) in [
            (400, ErrorKind::InvalidInput),
            (401, ErrorKind::Denied),
            (403, ErrorKind::Denied),
            (500, ErrorKind::Unavailable),
        ] {
            let fake = Fake::start(move |request| match request.path.as_str() {
                "/" => answer(200, &json!({"version": {"number": "8.0.0"}, "tagline": "x"})),
                _ => answer(
                    status,
                    &json!({"error": {"type": "t", "reason": "because"}, "status": status}),
                ),
            });
            let error = retriever("elasticsearch", &fake, "notes")
                .unwrap()
                .retrieve(&asks("x"))
                .unwrap_err();
            let error = error.downcast::<Error>().unwrap();
            assert_eq!(error.kind(), kind);
            assert!(error.to_string().contains("t: because"), "{error}");
        }
    }

    #[test]
    fn pipelines_are_switched_off_where_there_are_any() {
        let of = |kind, version| Product { kind, version };
        assert!(of(OpenSearch, Some((3, 0))).has_pipelines());
        assert!(!of(OpenSearch, Some((2, 3))).has_pipelines());
        assert!(!of(Elasticsearch, Some((9, 1))).has_pipelines());
    }
}
