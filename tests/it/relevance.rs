//! Relevance is tested too: floors for the three rankings of the judged mini corpus.

use crate::support::{Workspace, fixture};

#[test]
fn each_stage_keeps_its_floor() {
    let workspace = Workspace::new();
    let dataset = fixture("corpus").display().to_string();
    let result = workspace.json(&[
        "eval",
        "--dataset",
        &dataset,
        "--depth",
        "20",
        "--runs",
        "runs",
        "--json",
    ]);
    assert_eq!(result["queries"], 25);
    let measured = |run: &str, metric: &str| result["runs"][run][metric]["mean"].as_f64().unwrap();
    for (run, floor) in [("bm25", 0.91), ("rerank", 0.94), ("fused", 0.94)] {
        let found = measured(run, "nDCG@10");
        assert!(found >= floor, "{run} has fallen to {found}");
    }
    assert!(measured("fused", "nDCG@10") > measured("bm25", "nDCG@10"), "the second stage helps");
    assert!(measured("bm25", "R@100") >= 0.9);

    // The same candidates, given as a run, give the same reranking.
    let run = workspace.path("runs/bm25.run").display().to_string();
    let given = workspace.json(&[
        "eval",
        "--dataset",
        &dataset,
        "--depth",
        "20",
        "--candidates",
        &run,
        "--json",
    ]);
    assert_eq!(given["runs"]["rerank"]["nDCG@10"], result["runs"]["rerank"]["nDCG@10"]);

    let table = workspace.ok(&["eval", "--dataset", &dataset, "--queries", "3", "--depth", "5"]);
    assert!(table.contains("nDCG@10") && table.contains("fused - bm25"), "{table}");
}

#[test]
fn a_missing_part_of_a_collection_is_named() {
    let workspace = Workspace::new();
    let eval = |args: &[&str]| {
        let mut all = vec!["eval", "--dataset", "set"];
        all.extend(args);
        let ran = workspace.run(&all);
        assert_eq!(ran.code, 2, "{}", ran.out);
        ran.err
    };
    assert!(eval(&[]).contains("no corpus.jsonl"));
    workspace.write("set/corpus.jsonl", "{\"_id\": \"d\", \"text\": \"dog\"}\n");
    assert!(eval(&[]).contains("no judgments \"test\""));
    workspace.write("set/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\td\tone\n");
    assert!(eval(&[]).contains("line 2"));
    workspace.write("set/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\td\t1\n");
    assert!(eval(&[]).contains("queries.jsonl"));
    workspace.write("set/queries.jsonl", "{\"_id\": \"other\", \"text\": \"dog\"}\n");
    assert!(eval(&[]).contains("judges the query q"));
    workspace.write("set/queries.jsonl", "{\"_id\": \"q\", \"text\": \"dog\"}\n");
    workspace.write("run", "q Q0 missing 1 1.0 t\n");
    assert!(eval(&["--candidates", "run"]).contains("missing is not in the corpus"));
    workspace.write("run", "q Q0 d\n");
    assert!(eval(&["--candidates", "run"]).contains("line 1"));
}
