//! What `docs/integrations` tells other programs to send, against a running server, and what they read of its answers.

use std::fs;

use serde_json::{Value, json};

use crate::serving::{Reply, Serving, exchange};
use crate::support::{Workspace, root};

/// The blocks of a kind in a page.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let path = root().join("docs/integrations").join(page);
    let text = fs::read_to_string(path).unwrap();
    let fence = format!("```{kind}\n");
    let blocks = text.split(&fence).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The requests of a page: method, path and body.
fn requests(page: &str) -> Vec<(String, String, Value)> {
    let read = |block: String| {
        let (first, body) = block.split_once('\n').unwrap();
        let (method, path) = first.split_once(' ').unwrap();
        assert!(["GET", "PUT", "POST"].contains(&method), "{page}: {first}");
        let body =
            serde_json::from_str(body).unwrap_or_else(|error| panic!("{page}: {error}: {body}"));
        (method.to_owned(), format!("/{}", path.trim_start_matches('/')), body)
    };
    blocks(page, "json").into_iter().map(read).collect()
}

fn path_of(url: &Value) -> String {
    let url = url.as_str().unwrap();
    format!("/{}", url.splitn(4, '/').nth(3).unwrap())
}

const QUERY: &str = "which dog \"retrieves\"?";
const TEXTS: [&str; 3] =
    ["A train.", "A vizsla is a dog that both points and retrieves.", "Dogs sleep."];

/// Each index once, and a score that is written as a float for each.
fn is_complete(results: &Value, score: &str) {
    let results = results.as_array().unwrap();
    let mut indexes: Vec<u64> = results.iter().map(|of| of["index"].as_u64().unwrap()).collect();
    assert_eq!(indexes[0], 1, "the best comes first");
    indexes.sort_unstable();
    assert_eq!(indexes, [0, 1, 2]);
    assert!(results.iter().all(|of| of[score].is_f64()), "{results:?}");
}

#[test]
fn the_connector_of_opensearch_gets_what_it_reads() {
    let workspace = Workspace::new();
    let serving = Serving::start(&workspace, &[]);
    let requests = requests("opensearch.md");
    let (_, _, connector) =
        requests.iter().find(|(_, path, _)| path.ends_with("connectors/_create")).unwrap();
    let action = &connector["actions"][0];
    // As ml-commons fills it in: texts as JSON, the query escaped for the quotes around it.
    let quoted = json!(QUERY).to_string();
    let escaped = &quoted[1..quoted.len() - 1];
    let body = action["request_body"].as_str().unwrap();
    let body = body
        .replace("${parameters.documents}", &json!(TEXTS).to_string())
        .replace("${parameters.query}", escaped)
        .replace("${parameters.model}", "vizsla")
        .replace("${parameters.top_n}", "3");
    let body: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
    assert_eq!(body["query"], QUERY);
    let reply = serving.post(&path_of(&action["url"]), &body);
    assert_eq!(reply.status, 200, "{}", reply.body);
    is_complete(&reply.json()["results"], "relevance_score");
}

/// The page as it stands, in OpenSearch with ml-commons, where `cargo xtask clients` has started that.
#[test]
fn opensearch_reranks_its_hits_through_the_connector() {
    let Some(url) = std::env::var("VIZSLA_TEST_OPENSEARCH_ML").ok().filter(|url| !url.is_empty())
    else {
        return;
    };
    let opensearch = url.rsplit('/').next().unwrap();
    let workspace = Workspace::new();
    workspace.write("token", "a-secret-of-this-test");
    let serving = Serving::start(&workspace, &["--token-file", "token"]);
    // BM25 alone would have the first one first.
    for (id, text) in ["Dog food for a dog, a dog.", TEXTS[1], "A dog sleeps."].iter().enumerate() {
        let document = json!({"title": format!("Text \"{id}\""), "body": text});
        let path = format!("/notes/_doc/{id}?refresh=true");
        assert_eq!(send(opensearch, "PUT", &path, &document).status, 201);
    }
    let mut ids: Vec<(&str, String)> = Vec::new();
    let mut answer = Value::Null;
    for (method, path, body) in requests("opensearch.md") {
        let mut body = body
            .to_string()
            .replace("rerank\\\\.example:8765", &serving.address.replace('.', "\\\\."))
            .replace("rerank.example:8765", &serving.address)
            .replace("TOKEN", "a-secret-of-this-test")
            .replace("when do herons nest", "which dog \\\"retrieves\\\"?")
            // What fails is to be seen here.
            .replace("\"ignore_failure\":true", "\"ignore_failure\":false");
        for (name, id) in &ids {
            body = body.replace(name, id);
        }
        let reply = send(opensearch, &method, &path, &serde_json::from_str(&body).unwrap());
        assert_eq!(reply.status / 100, 2, "{path}: {}", reply.body);
        answer = reply.json();
        for (key, name) in
            [("connector_id", "ID_OF_THE_CONNECTOR"), ("model_id", "ID_OF_THE_MODEL")]
        {
            ids.extend(answer[key].as_str().map(|id| (name, id.to_owned())));
        }
    }
    let hits = answer["hits"]["hits"].as_array().unwrap();
    assert_eq!(hits[0]["_id"], "1", "{answer}");
    let scores: Vec<f64> = hits.iter().map(|hit| hit["_score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores[0] <= 1.0, "{answer}");
    assert_eq!(hits.len(), 3, "{answer}");
}

/// Sends a request to another program than ours.
fn send(address: &str, method: &str, path: &str, body: &Value) -> Reply {
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json");
    exchange(address, &head, &body.to_string())
}

#[test]
fn both_inference_services_of_elasticsearch_get_what_they_read() {
    let workspace = Workspace::new();
    let serving = Serving::start(&workspace, &[]);
    let requests = requests("elasticsearch.md");
    let service = |name: &str| {
        &requests.iter().find(|(_, _, body)| body["service"] == name).unwrap().2["service_settings"]
    };
    let body = json!({"query": QUERY, "texts": TEXTS, "return_text": true});
    let reply = serving.post(&path_of(&service("hugging_face")["url"]), &body);
    let results = reply.json();
    is_complete(&results, "score");
    // Its parser fails on any other key.
    let known = ["index", "score", "relevance_score", "text", "document"];
    for result in results.as_array().unwrap() {
        assert!(
            result.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())),
            "{result}"
        );
    }
    let custom = service("custom");
    let request = custom["request"].as_str().unwrap();
    let request = request
        .replace("${input}", &json!(TEXTS).to_string())
        .replace("${query}", &json!(QUERY).to_string());
    let reply = serving.post(&path_of(&custom["url"]), &serde_json::from_str(&request).unwrap());
    let parser = &custom["response"]["json_parser"];
    assert_eq!(parser["reranked_index"], "$.results[*].index");
    assert_eq!(parser["relevance_score"], "$.results[*].relevance_score");
    is_complete(&reply.json()["results"], "relevance_score");
}

#[test]
fn the_other_clients_get_what_they_read() {
    let workspace = Workspace::new();
    let serving = Serving::start(&workspace, &[]);
    assert!(blocks("clients.md", "python")[0].contains("\"provider\": \"tei\""));
    // Milvus, in batches of 32.
    let tei =
        json!({"query": QUERY, "texts": TEXTS, "truncate": true, "truncation_direction": "Right"});
    is_complete(&serving.post("/rerank", &tei).json(), "score");
    // LiteLLM's hosted_vllm.
    assert!(blocks("clients.md", "yaml")[0].contains("hosted_vllm/vizsla"));
    let vllm = json!({"model": "vizsla", "query": QUERY, "documents": TEXTS, "top_n": 3});
    is_complete(&serving.post("/rerank", &vllm).json()["results"], "relevance_score");
    // Open WebUI, at the address as it is.
    let settings = blocks("clients.md", "sh").remove(0);
    let url =
        settings.lines().find_map(|line| line.strip_prefix("export RAG_EXTERNAL_RERANKER_URL="));
    let reply = serving.post(&path_of(&json!(url.unwrap())), &vllm);
    is_complete(&reply.json()["results"], "relevance_score");
    // Dify.
    let dify = json!({"model": "vizsla", "query": QUERY, "documents": TEXTS, "top_n": null, "return_documents": true});
    let answer = serving.post("/v1/rerank", &dify).json();
    is_complete(&answer["results"], "relevance_score");
    assert_eq!(answer["results"][0]["document"]["text"], TEXTS[1]);
}
