//! The metrics agree with trec_eval on a real run: values from pytrec_eval, see `index-fixtures/README.md`.

use std::collections::BTreeMap;
use std::fs;

use vizsla_eval::metrics::Measure;
use vizsla_eval::trec;

use crate::support::{Workspace, fixture};

#[test]
fn metrics_agree_with_trec_eval() {
    let read = |name: &str| std::fs::read_to_string(fixture("trec_eval").join(name)).unwrap();
    let qrels = trec::parse_qrels(&read("qrels.txt")).unwrap();
    let run = trec::parse_run(&read("run.txt")).unwrap();
    let expected: BTreeMap<String, BTreeMap<String, f64>> =
        serde_json::from_str(&read("expected.json")).unwrap();
    let measures = [
        ("ndcg", "nDCG"),
        ("ndcg_cut_10", "nDCG@10"),
        ("ndcg_cut_5", "nDCG@5"),
        ("recip_rank", "RR"),
        ("recall_5", "R@5"),
        ("recall_100", "R@100"),
        ("map", "AP"),
        ("map_cut_5", "AP@5"),
        ("P_10", "P@10"),
        ("success_1", "Success@1"),
        ("success_5", "Success@5"),
        ("bpref", "Bpref"),
    ];
    assert!(expected.len() > 20);
    for (query, values) in &expected {
        let ranking: Vec<&str> = run[query].iter().map(|(id, _)| id.as_str()).collect();
        for (name, measure) in measures {
            let found = measure.parse::<Measure>().unwrap().of(&ranking, &qrels[query]);
            assert!(
                (found - values[name]).abs() < 1e-4,
                "{query} {name}: {found}, trec_eval says {}",
                values[name]
            );
        }
    }
}

/// The mini corpus, evaluated with its runs kept: A is BM25, B the fusion.
fn evaluated() -> (Workspace, String) {
    let workspace = Workspace::new();
    let dataset = fixture("corpus").display().to_string();
    workspace.ok(&["eval", "--dataset", &dataset, "--depth", "20", "--runs", "runs"]);
    (workspace, dataset)
}

#[test]
fn runs_are_scored_and_compared() {
    let (workspace, dataset) = evaluated();
    let of = |args: &[&str]| {
        let mut all = vec!["eval"];
        all.extend(args);
        all.extend(["--dataset", &dataset]);
        workspace.ok(&all)
    };
    let table = of(&["score", "runs/bm25.run", "runs/fused.run", "--measures", "Bpref,Judged@10"]);
    assert!(table.contains("Judged@10") && table.contains("runs/fused.run"), "{table}");
    let compared = of(&["compare", "runs/bm25.run", "runs/fused.run", "--per-query", "values.tsv"]);
    assert!(compared.contains("queries that changed most in nDCG@10"), "{compared}");
    let values = std::fs::read_to_string(workspace.path("values.tsv")).unwrap();
    // 25 queries, two runs, five measures, and the names of the columns.
    assert_eq!(values.lines().count(), 25 * 2 * 5 + 1);
    let same: serde_json::Value =
        serde_json::from_str(&of(&["compare", "runs/bm25.run", "runs/bm25.run", "--json"]))
            .unwrap();
    assert_eq!(
        (&same["measures"][0]["p"], &same["measures"][0]["better"]),
        (&1.0.into(), &0.into())
    );
    assert_eq!(same["queries"].as_array().unwrap().len(), 0);
    let wrong = workspace.run(&["eval", "score", "values.tsv", "--dataset", &dataset]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("values.tsv") && wrong.err.contains("line 1"), "{}", wrong.err);
}

#[test]
fn runs_are_measured_without_a_corpus() {
    let workspace = Workspace::new();
    workspace.write("set/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\td\t1\n");
    // As some editors write it: with a byte-order mark before the first query.
    workspace.write("a.run", "\u{feff}q Q0 d 1 1.0 t\n");
    workspace.write("b.run", "q Q0 x 1 1.0 t\nq Q0 d 2 0.5 t\n");
    let score = ["eval", "score", "a.run", "b.run", "--dataset", "set", "--measures", "RR"];
    let table = workspace.ok(&score);
    assert!(table.contains("a.run  1.0000") && table.contains("b.run  0.5000"), "{table}");
    let same = ["eval", "compare", "a.run", "a.run", "--dataset", "set"];
    let compared = workspace.ok(&same);
    assert!(compared.contains("+0.0000") && !compared.contains("-0.0000"), "{compared}");
}

#[test]
fn a_query_without_text_is_named_and_counted() {
    let workspace = Workspace::new();
    workspace.write("set/corpus.jsonl", "{\"_id\": \"d\", \"text\": \"dog\"}\n");
    workspace.write(
        "set/queries.jsonl",
        "{\"_id\": \"q1\", \"text\": \"dog\"}\n{\"_id\": \"q2\", \"text\": \" \"}\n",
    );
    workspace.write("set/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td\t1\nq2\td\t1\n");
    let ran = workspace.run(&["eval", "--dataset", "set", "--fusion", "bm25", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains("1 query has no text and counts as an empty ranking: q2"),
        "{}",
        ran.err
    );
    let result: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(result["queries"], 2);
    assert_eq!(result["empty_queries"][0], "q2");
    assert_eq!(result["runs"]["bm25"]["nDCG@10"]["mean"], 0.5);
}

#[test]
fn an_index_of_the_corpus_is_kept_and_used_again() {
    let workspace = Workspace::new();
    let dataset = fixture("corpus").display().to_string();
    let eval = |more: &[&str]| {
        let mut args = vec!["eval", "--dataset", &dataset, "--fusion", "bm25", "--index", "kept"];
        args.extend(more);
        workspace.run(&args)
    };
    let first = eval(&["--json"]);
    let (first, again): (serde_json::Value, serde_json::Value) = (
        serde_json::from_str(&first.out).unwrap(),
        serde_json::from_str(&eval(&["--json"]).out).unwrap(),
    );
    assert_eq!(first["runs"], again["runs"]);
    let other = eval(&["--passage-tokens", "20"]);
    assert!(other.code == 2 && other.err.contains("length of passages"), "{}", other.err);
    // `vizsla index` makes the same of the corpus.
    let corpus = fixture("corpus/corpus.jsonl").display().to_string();
    workspace.ok(&["index", &corpus, "--index", "indexed"]);
    let indexed = workspace.json(&[
        "eval",
        "--dataset",
        &dataset,
        "--fusion",
        "bm25",
        "--index",
        "indexed",
        "--json",
    ]);
    assert_eq!(indexed["runs"], first["runs"]);
}

#[test]
fn bm25_alone_needs_no_model() {
    let workspace = Workspace::new();
    let dataset = fixture("corpus").display().to_string();
    let args = [
        "eval",
        "--dataset",
        &dataset,
        "--fusion",
        "bm25",
        "--onnxruntime",
        "missing.so",
        "--json",
    ];
    let result = workspace.json(&args);
    assert!(result["runs"]["fused"].is_null() && !result["runs"]["bm25"]["AP"].is_null());
}

#[test]
fn a_corrected_query_is_measured_as_it_is_searched() {
    let workspace = Workspace::new();
    let corpus = "{\"_id\": \"a\", \"text\": \"A vizsla points at birds when hunting.\"}\n\
                  {\"_id\": \"b\", \"text\": \"Hunting by night is forbidden.\"}\n";
    let scores = |set: &str, query: &str| {
        workspace.write(&format!("{set}/corpus.jsonl"), corpus);
        let query = format!("{{\"_id\": \"q\", \"text\": \"{query}\"}}\n");
        workspace.write(&format!("{set}/queries.jsonl"), &query);
        workspace.write(&format!("{set}/qrels/test.tsv"), "query-id\tcorpus-id\tscore\nq\ta\t1\n");
        let runs = format!("runs-{set}");
        workspace.ok(&["eval", "--dataset", set, "--fuzzy", "--runs", &runs]);
        fs::read_to_string(workspace.path(&format!("{runs}/rerank.run"))).unwrap()
    };
    let misspelt = scores("misspelt", "dogs for huntign");
    assert_eq!(misspelt.lines().count(), 2);
    assert_eq!(misspelt, scores("right", "dogs for hunting"));
}

#[test]
fn tuning_writes_settings_that_a_search_reads() {
    let workspace = Workspace::new().with_documents();
    let dataset = fixture("corpus").display().to_string();
    let tuned = workspace.ok(&[
        "tune",
        "--dataset",
        &dataset,
        "--split",
        "test",
        "--max-depth",
        "10",
        "--html",
        "report.html",
        "-o",
        "settings.json",
    ]);
    assert!(tuned.contains("cross-validated") && tuned.contains("verdict"), "{tuned}");
    let report = std::fs::read_to_string(workspace.path("report.html")).unwrap();
    assert_eq!(report.matches("<svg").count(), 3);
    assert!(!report.contains("http-equiv") && !report.contains("src="));
    workspace.write("settings.json", r#"{"fusion": "bm25", "depth": 3, "k1": 0.5}"#);
    let search = ["search", "dog", "--index", "index", "--settings", "settings.json", "--json"];
    let found = workspace.json(&search);
    assert_eq!(found["fusion"], "retrieval");
    assert_eq!(found["stages"]["retrieve"]["candidates"], 3);
    workspace.write("settings.json", r#"{"fusoin": "bm25"}"#);
    let wrong = workspace.run(&search);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("settings.json"), "{}", wrong.err);
}
