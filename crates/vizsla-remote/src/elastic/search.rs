//! Searches in an index of OpenSearch or Elasticsearch: bodies of requests, and where they go.

use std::time::Instant;

use serde_json::{Map, Value, json};
use vizsla::{Error, TimeLimits};

use super::Cluster;
use super::answer::read_answer;
use super::clauses::Dsl;
use crate::address::Address;
use crate::answer::{Answer, Key, MARKS, told};
use crate::engine::Engine;
use crate::http::{Call, percent_encoded};
use crate::layout::Layout;
use crate::query::Clauses;

/// Matches that are counted; of more, it is known that there are more.
const COUNTED: u32 = 10_000;

impl Cluster {
    /// Sends a search with the time that is left for it; `dfs` is whether the shards first tell each other how frequent
    /// the words are, which scores alone need.
    fn ask(&self, body: &Value, dfs: bool, time: &TimeLimits) -> Result<Answer, Error> {
        let mut body = body.clone();
        if let Some(deadline) = time.deadline {
            let left = deadline.saturating_duration_since(Instant::now()).as_millis().max(1);
            body["timeout"] = format!("{left}ms").into();
        }
        let mut parameters = Vec::new();
        if dfs {
            parameters.push("search_type=dfs_query_then_fetch");
        }
        if self.product.has_pipelines() {
            parameters.push("search_pipeline=_none");
        }
        let path = format!("/{}/_search?{}", self.address.index(), parameters.join("&"));
        read_answer(self.post(&path, &body, "search", time)?)
    }
}

/// The fields that a candidate is made of.
fn source(layout: &Layout) -> Value {
    if layout.own.is_some() {
        return json!({"excludes": ["metadata", "meta", "extension", "path_words", "body", "run"]});
    }
    json!({"includes": layout.fields().collect::<Vec<_>>()})
}

impl Engine for Cluster {
    fn address(&self) -> &Address {
        &self.address
    }

    fn clauses(&self) -> &dyn Clauses {
        &Dsl
    }

    fn search(
        &self,
        layout: &Layout,
        query: &Value,
        depth: usize,
        time: &TimeLimits,
    ) -> Result<Answer, Error> {
        let body = json!({
            "size": depth, "track_total_hits": COUNTED, "_source": source(layout), "query": query,
        });
        // Word statistics of one shard alone would make scores depend on where a passage lies.
        self.ask(&body, self.dfs.unwrap_or(layout.own.is_some()), time)
    }

    fn has(&self, _: &Layout, query: &Value, time: &TimeLimits) -> Result<bool, Error> {
        let body =
            json!({"size": 0, "terminate_after": 1, "track_total_hits": true, "query": query});
        Ok(self.ask(&body, false, time)?.matched.is_some_and(|matched| matched.passages > 0))
    }

    fn details(
        &self,
        layout: &Layout,
        query: &Value,
        ids: &[&str],
        time: &TimeLimits,
    ) -> Result<Answer, Error> {
        let own = layout.own.is_some();
        let fields: Vec<&str> = if own { vec!["content"] } else { layout.read().collect() };
        let fields: Map<String, Value> =
            fields.into_iter().map(|name| (name.to_owned(), json!({}))).collect();
        let source = if own {
            json!({"includes": ["metadata"]})
        } else {
            json!({"excludes": layout.text.iter().map(|(name, _)| name).chain(&layout.title).collect::<Vec<_>>()})
        };
        let body = json!({
            "size": ids.len(), "track_total_hits": false, "_source": source,
            "query": {"bool": {"filter": [{"ids": {"values": ids}}]}},
            "highlight": {
                "type": "unified", "number_of_fragments": 0, "require_field_match": own,
                "pre_tags": [MARKS[0]], "post_tags": [MARKS[1]], "fields": fields,
                "highlight_query": query,
            },
        });
        self.ask(&body, false, time)
    }

    fn explain(
        &self,
        _: &Layout,
        query: &Value,
        (index, id): &Key,
        time: &TimeLimits,
    ) -> Result<Option<String>, Error> {
        let path = format!("/{index}/_explain/{}", percent_encoded(id));
        let body = json!({"query": query});
        let answer = self.send(&Call::post(path, &body, time), "explain a score of")?;
        Ok(answer.get("explanation").map(|tree| told(tree, 0)))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::Arc;

    use vizsla::{ErrorKind, RetrieveRequest, Retriever};

    use super::*;
    use crate::address::EngineKind::{Elasticsearch, OpenSearch};
    use crate::elastic::Product;
    use crate::fake::{Fake, Received, answer};
    use crate::http::Client;
    use crate::retriever::EngineRetriever;

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

    fn retriever(kind: &str, fake: &Fake, index: &str) -> Result<EngineRetriever, Error> {
        let address = format!("{kind}+{}/{index}", fake.url()).parse().unwrap();
        let client = Client::new(vec![fake.url()], None, None).unwrap();
        Ok(EngineRetriever::new(Arc::new(Cluster::connect(client, address)?), layout()))
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
