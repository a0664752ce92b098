//! The program as a server: what clients of other servers send, search as JSON, and who is turned away.

use std::net::TcpStream;

use serde_json::{Value, json};

use crate::serving::Serving;
use crate::support::Workspace;

const QUERY: &str = "which dog retrieves?";
const TEXTS: [&str; 3] = [
    "The train to the coast leaves at noon.",
    "A vizsla is a dog that both points and retrieves.",
    "Dogs sleep.",
];

#[test]
fn every_dialect_gets_the_same_scores_in_its_own_form() {
    let workspace = Workspace::new();
    let serving = Serving::start(&workspace, &[]);
    let tei =
        serving.post("/rerank", &json!({"query": QUERY, "texts": TEXTS, "return_text": true}));
    assert_eq!(tei.status, 200, "{}", tei.body);
    let tei = tei.json();
    assert_eq!(tei[0]["index"], 1);
    assert_eq!(tei[0]["text"], TEXTS[1]);
    let keys: Vec<&String> = tei[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["index", "score", "text"]);
    assert_eq!(tei.as_array().unwrap().len(), 3);
    let best = &tei[0]["score"];

    let object = json!({"model": "any", "query": QUERY, "documents": TEXTS, "top_n": 1, "return_documents": true});
    for (path, version) in [("/v1/rerank", "1"), ("/v2/rerank", "2"), ("/rerank", "1")] {
        let answer = serving.post(path, &object).json();
        assert_eq!(answer["results"].as_array().unwrap().len(), 1);
        assert_eq!(answer["results"][0]["index"], 1);
        assert_eq!(&answer["results"][0]["relevance_score"], best);
        assert_eq!(answer["results"][0]["document"]["text"], TEXTS[1]);
        assert_eq!(answer["meta"]["api_version"]["version"], version);
        assert!(answer["usage"]["total_tokens"].as_u64().unwrap() > 0);
    }
    let voyage =
        serving.post("/v1/rerank", &json!({"query": QUERY, "documents": TEXTS, "top_k": 2}));
    assert_eq!(voyage.json()["data"].as_array().unwrap().len(), 2);
    assert_eq!(&voyage.json()["data"][0]["relevance_score"], best);
    let pairs = json!({"inputs": [{"text": QUERY, "text_pair": TEXTS[1]}, {"text": QUERY, "text_pair": TEXTS[0]}]});
    assert_eq!(&serving.post("/predict", &pairs).json()[0]["score"], best);
    let pair = json!({"inputs": [[QUERY, TEXTS[1]]]});
    assert_eq!(&serving.post("/invocations", &pair).json()[0][0]["score"], best);
    let sides = json!({"model": "any", "text_1": QUERY, "text_2": TEXTS});
    for path in ["/score", "/v1/score"] {
        let list = serving.post(path, &sides).json();
        assert_eq!((&list["object"], &list["data"][1]["score"]), (&json!("list"), best));
        assert_eq!(list["data"][2]["index"], 2);
    }

    let spans = json!({"query": QUERY, "documents": TEXTS, "top_n": 1, "relevant_spans": {"mode": "enabled"}});
    let span = &serving.post("/v2/rerank", &spans).json()["results"][0]["relevant_spans"][0];
    assert_eq!(
        (span["start"].as_u64(), span["end"].as_u64()),
        (Some(0), Some(TEXTS[1].len() as u64))
    );

    // As the program itself, to the bit.
    let lines = TEXTS.join("\n");
    let ran = workspace.run_with(&["rerank", QUERY, "--jsonl"], &lines);
    let first: Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    let raw = serving.post("/rerank", &json!({"query": QUERY, "texts": TEXTS, "raw_scores": true}));
    let logit = raw.json()[0]["score"].as_f64().unwrap() as f32;
    assert_eq!(logit.to_bits(), (first["logit"].as_f64().unwrap() as f32).to_bits());
    assert!(serving.get("/metrics").body.contains("te_request_count"));
    assert_eq!(serving.get("/info").json()["model_type"]["reranker"]["id2label"]["0"], "LABEL_0");
}

#[test]
fn a_search_is_answered_as_by_the_program() {
    let workspace = Workspace::new().with_documents();
    let printed =
        workspace.json(&["search", "how are errors reported", "--index", "index", "--json"]);
    let serving = Serving::start(&workspace, &["--index", "index"]);
    let by_url = serving.get("/api/search?q=how+are+errors+reported").json();
    let by_body = serving.post("/api/search", &json!({"query": "how are errors reported"})).json();
    for answer in [&by_url, &by_body] {
        assert_eq!(answer["hits"], printed["hits"]);
    }
    let flags = ["--fusion", "bm25", "--k1", "2", "--b", "0.9"];
    let printed = workspace.json(
        &[&["search", "how are errors reported", "--index", "index", "--json"], &flags[..]]
            .concat(),
    );
    let other = Serving::start(&workspace, &[&["--index", "index"], &flags[..]].concat());
    assert_eq!(other.get("/api/search?q=how+are+errors+reported").json()["hits"], printed["hits"]);
    let stream = serving.get("/api/search/stream?q=how+are+errors+reported");
    assert!(stream.headers.contains("text/event-stream"), "{}", stream.headers);
    let at = |name: &str| stream.body.find(&format!("event: {name}"));
    assert!(at("retrieved").unwrap() < at("done").unwrap(), "{}", stream.body);
    let about = serving.get("/api/index").json();
    assert!(about["indexes"][0]["stats"]["documents"].as_u64().unwrap() > 0, "{about}");
    assert_eq!(serving.get("/health").status, 200);
    assert_eq!(serving.get("/api/suggest?q=err").status, 200);
}

#[test]
fn what_is_acknowledged_is_there_for_every_other_process() {
    let workspace = Workspace::new().with_documents();
    let reading = Serving::start(&workspace, &["--index", "index", "--fusion", "bm25"]);
    let new = json!({"documents": [{"id": "new", "title": "Lapwing", "text": "The lapwing calls at night.", "metadata": {"n": 1}}]});
    assert_eq!(reading.post("/api/documents", &new).status, 403);
    drop(reading);
    let serving =
        Serving::start(&workspace, &["--index", "index", "--fusion", "bm25", "--writable"]);
    let added = serving.post("/api/documents", &new);
    assert_eq!((added.status, added.json()["added"].as_u64()), (200, Some(1)), "{}", added.body);
    drop(serving);
    let found =
        workspace.json(&["search", "lapwing", "--index", "index", "--fusion", "bm25", "--json"]);
    assert_eq!(found["hits"][0]["doc_id"], "new");
    let serving =
        Serving::start(&workspace, &["--index", "index", "--fusion", "bm25", "--writable"]);
    let delete = |id: &str| {
        let head = format!("DELETE /api/documents?id={id} HTTP/1.1\r\nHost: {}", serving.address);
        serving.raw(&head, "").json()
    };
    assert_eq!(delete("new")["deleted"], 1);
    assert_eq!(delete("new")["unknown"], json!(["new"]));
    let bad = json!({"documents": [{"id": "", "text": "x"}]});
    assert_eq!(serving.post("/api/documents", &bad).status, 422);
}

#[test]
fn who_may_not_ask_is_told_why() {
    let workspace = Workspace::new();
    let token = workspace.write("token", "se:cret\n");
    let serving =
        Serving::start(&workspace, &["--token-file", token.to_str().unwrap(), "--fusion", "bm25"]);
    let ask = |headers: &str| serving.raw(&format!("GET /info HTTP/1.1\r\n{headers}"), "");
    let host = format!("Host: {}", serving.address);
    let unknown = ask(&host);
    assert_eq!(unknown.status, 401);
    assert!(unknown.headers.contains("www-authenticate"), "{}", unknown.headers);
    assert_eq!(ask(&format!("{host}\r\nAuthorization: Bearer se:cret")).status, 200);
    assert_eq!(ask(&format!("{host}\r\nAuthorization: Bearer other")).status, 401);
    let known = "Authorization: Bearer se:cret";
    assert_eq!(ask(&format!("Host: evil.example\r\n{known}")).status, 403);
    assert_eq!(ask(&format!("{host}\r\nOrigin: http://evil.example\r\n{known}")).status, 403);
    assert_eq!(ask(&format!("{host}\r\nOrigin: null\r\n{known}")).status, 403);
    let own = format!("{host}\r\nOrigin: http://{}\r\n{known}", serving.address);
    let own = ask(&own);
    assert_eq!(own.status, 200);
    for header in ["x-content-type-options: nosniff", "cache-control: no-store", "x-request-id: "] {
        assert!(own.headers.contains(header), "{header}: {}", own.headers);
    }
    // What watches the server need not know the token.
    assert_eq!(serving.get("/health").status, 200);
    let ran = workspace.run(&["serve", "--host", "0.0.0.0", "--port", "0"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("token"), "{}", ran.err);
}

#[test]
fn what_cannot_be_understood_gets_one_flat_error() {
    let workspace = Workspace::new();
    let serving = Serving::start(&workspace, &["--fusion", "bm25", "--max-documents", "2"]);
    let too_many = json!({"query": "q", "texts": ["a", "b", "c"]});
    let head = |of: &str| {
        format!("POST /rerank HTTP/1.1\r\nHost: {}\r\nContent-Type: {of}", serving.address)
    };
    // More than fits into what lies between, so that the answer has to wait for the whole of it.
    let large = "x".repeat(48 << 20);
    for (reply, status) in [
        (serving.raw(&head("application/json"), "{"), 400),
        (serving.raw(&head("application/json"), "[]"), 400),
        (serving.raw(&head("text/plain"), "{}"), 415),
        (serving.raw(&head("application/json"), &large), 413),
        (serving.post("/rerank", &json!({"query": " ", "texts": ["a"]})), 400),
        (serving.post("/rerank", &too_many), 422),
        (serving.post("/rerank", &json!({"query": "q", "texts": ["a"]})), 424),
        (serving.get("/api/search?q=x"), 404),
        (serving.get("/nowhere"), 404),
        (serving.get("/rerank"), 405),
    ] {
        assert_eq!(reply.status, status, "{}", reply.body);
        let body = reply.json();
        for key in ["error", "error_type", "message", "detail"] {
            assert!(body[key].is_string(), "{body}");
        }
    }
}

#[cfg(unix)]
#[test]
fn it_ends_in_order_when_told_to() {
    let workspace = Workspace::new();
    let mut serving = Serving::start(&workspace, &["--fusion", "bm25"]);
    // Half a request does not hold it up for longer than the grace.
    let _half = TcpStream::connect(&serving.address).unwrap();
    let id = serving.id();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(serving.wait().success());
}

#[test]
fn clients_of_elasticsearch_are_told_what_is_wrong_in_their_form() {
    let workspace = Workspace::new().with_documents();
    let serving = Serving::start(&workspace, &["--index", "notes=index", "--fusion", "bm25"]);
    let about = serving.get("/");
    assert!(about.headers.contains("x-elastic-product: elasticsearch"), "{}", about.headers);
    assert!(about.json()["version"]["number"].is_string());
    let ask = |body: Value| serving.post("/notes/_search", &body);
    let found = ask(json!({"query": {"match": {"text": "dog"}}, "size": 2})).json();
    let hits = found["hits"]["hits"].as_array().unwrap();
    assert!(!hits.is_empty() && hits.len() <= 2, "{found}");
    assert!(hits[0]["_source"]["text"].is_string() && hits[0]["_score"].as_f64().unwrap() > 0.0);
    let all = found["hits"]["total"]["value"].as_u64().unwrap();
    let counted = serving.post("/notes/_count", &json!({"query": {"match": {"text": "dog"}}}));
    assert_eq!(counted.json()["count"], all);
    let lines = "{\"index\":{}}\n{\"text\":\"x\"}\n";
    let head = format!("POST /notes/_bulk HTTP/1.1\r\nHost: {}", serving.address());
    let bulk = serving.raw(&format!("{head}\r\nContent-Type: application/x-ndjson"), lines);
    for (reply, status, kind) in [
        (ask(json!({"query": {"knn": {}}})), 400, "unsupported_operation_exception"),
        (ask(json!({"aggs": {}})), 400, "unsupported_operation_exception"),
        (ask(json!({"from": 990, "size": 20})), 400, "illegal_argument_exception"),
        (serving.get("/other/_search"), 404, "index_not_found_exception"),
        (serving.get("/notes/_search?q=x"), 400, "illegal_argument_exception"),
        (serving.get("/notes/_mapping"), 400, "unsupported_operation_exception"),
        (bulk, 403, "security_exception"),
    ] {
        assert_eq!(reply.status, status, "{}", reply.body);
        assert_eq!(reply.json()["error"]["type"], kind, "{}", reply.body);
        assert_eq!(reply.json()["status"], status);
        assert!(reply.headers.contains("x-elastic-product"), "{}", reply.headers);
    }
}

#[test]
fn the_page_comes_in_pieces_and_its_counts_follow_the_question() {
    let workspace = Workspace::new().with_documents();
    let serving = Serving::start(&workspace, &["--index", "index", "--depth", "3"]);
    let stream = serving.get("/stream?q=how+are+errors+reported");
    let at = |name: &str| stream.body.find(&format!("event: {name}")).expect(&stream.body);
    assert!(at("retrieved") < at("done"));
    assert_eq!(stream.body.matches("event: retrieved").count(), 1);
    assert!(stream.body.contains("class=\\\"hit\\\""), "{}", stream.body);
    let count = |query: &str| {
        let facets = serving.get(&format!("/api/facets?q={query}")).json();
        let all = facets["ext"].as_array().unwrap().iter();
        all.map(|one| one["count"].as_u64().unwrap()).sum::<u64>()
    };
    assert!(count("dog") > 0 && count("dog") < count(""), "{} {}", count("dog"), count(""));
    let hit = &serving.get("/api/search?q=dog&fusion=bm25").json()["hits"][0];
    let id = hit["doc_id"].as_str().unwrap();
    let named = id.replace('#', "%23");
    let document = serving.get(&format!("/api/document?id={named}&ordinal=0")).json();
    assert_eq!(document["doc_id"], id);
    assert_eq!(document["passages"].as_array().unwrap().len(), 1);
    let page = serving.raw(
        &format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nAccept: text/html\r\nAccept-Encoding: gzip",
            serving.address()
        ),
        "",
    );
    assert!(page.headers.contains("content-encoding: gzip"), "{}", page.headers);
    assert!(page.headers.contains("trusted-types vizsla"), "{}", page.headers);
}
