//! `vizsla search` and `rerank`.

use std::path::Path;

use serde_json::Value;

use crate::support::{Workspace, ids, names};

#[test]
fn the_two_stages_answer_together() {
    let workspace = Workspace::new().with_documents();
    let response = workspace.json(&[
        "search",
        "how often should a dog be brushed",
        "--index",
        "index",
        "--json",
    ]);
    assert_eq!(names(&response)[0], "page.html");
    let hit = &response["hits"][0];
    assert_eq!((hit["rank"].as_u64(), hit["title"].as_str()), (Some(1), Some("Grooming & care")));
    for name in ["retrieval", "retrieval_rank", "rerank_logit", "rerank_probability", "rerank_rank"]
    {
        assert!(hit["scores"][name].is_number(), "{name}");
    }
    for name in [
        "text",
        "ordinal",
        "location",
        "snippet",
        "start_byte",
        "end_byte",
        "highlights",
        "truncated",
    ] {
        assert!(!hit["passage"][name].is_null(), "{name}");
    }
    assert_eq!(response["degraded"], Value::Null);
    for stage in ["retrieve", "rerank", "fuse"] {
        assert!(response["stages"][stage]["ms"].is_number(), "{stage}");
    }
    let text = hit["passage"]["text"].as_str().unwrap();
    let [from, to] = [0, 1].map(|i| hit["passage"]["highlights"][0][i].as_u64().unwrap() as usize);
    assert_eq!(&text[from..to], "brushing");
}

#[test]
fn a_record_is_found_by_its_id_alone() {
    let workspace = Workspace::new();
    workspace.write(
        "docs/bills.csv",
        "id,text\nINV-8,Due in May.\nINV-9,\"Due in June, as INV 8.\"\nINV-8,Paid.\n",
    );
    workspace.ok(&["index", "docs", "--index", "index"]);
    let search = ["search", "INV-8", "--index", "index", "--fusion", "bm25", "--json"];
    let found = workspace.json(&search);
    assert_eq!(ids(&found), ["INV-8", "INV-8#4", "INV-9"]);
    assert_eq!(found["notes"]["suggestions"], serde_json::json!([]));
    let missing = ["search", "INV-7", "--index", "index", "--fusion", "bm25"];
    assert!(!workspace.run(&missing).out.contains("bills.csv:2"));
}

#[test]
fn boilerplate_is_not_found_and_every_encoding_is() {
    let workspace = Workspace::new().with_documents();
    let found = |query: &str| {
        workspace.run(&["search", query, "--index", "index", "--fusion", "bm25", "--json"])
    };
    for boilerplate in ["imprint", "navigation"] {
        assert_eq!(found(boilerplate).code, 1, "{boilerplate}");
    }
    for (query, file) in [
        ("größe", "latin1.txt"),
        ("utf", "utf16.txt"),
        ("claws", "page.html"),
        ("throw ball", "throw.rs"),
        ("distance", "throw.rs"),
        ("leash length", "guide.md"),
    ] {
        let response: Value = serde_json::from_str(&found(query).out).unwrap();
        assert_eq!(names(&response)[0], file, "{query}");
    }
}

#[test]
fn filters_apply_before_the_cut() {
    let workspace = Workspace::new();
    let lines: String = (0..30)
        .map(|i| {
            format!(
                "{{\"_id\": \"d{i:02}\", \"text\": \"dog {}\", \"kind\": \"{}\"}}\n",
                "dog ".repeat(i % 7),
                if i == 0 { "rare" } else { "usual" }
            )
        })
        .collect();
    workspace.run_with(&["index", "-", "--index", "index"], lines);
    let search = |more: &[&str]| {
        let mut args =
            vec!["search", "dog", "--index", "index", "--fusion", "bm25", "--depth", "3", "--json"];
        args.extend(more);
        ids(&serde_json::from_str(&workspace.run(&args).out).unwrap())
    };
    assert!(!search(&[]).contains(&"d00".to_owned()));
    assert_eq!(search(&["--meta", "kind=rare"]), ["d00"]);

    let workspace = Workspace::new().with_documents();
    let search = |more: &[&str]| {
        let mut args = vec![
            "search",
            "dog nose walk kennel",
            "--index",
            "index",
            "--fusion",
            "bm25",
            "--json",
        ];
        args.extend(more);
        names(&serde_json::from_str(&workspace.run(&args).out).unwrap())
    };
    assert!(search(&["--ext", "json"]).iter().all(|name| name == "tricks.json"));
    assert!(search(&["--path", "docs/*.md"]).iter().all(|name| name == "guide.md"));
    assert!(search(&["--meta", "season=winter"]).iter().all(|name| name == "walks.jsonl"));
    assert!(search(&["--since", "2100-01-01"]).is_empty());
    assert!(!search(&["--until", "2100-01-01"]).is_empty());
    assert!(!search(&["--since", "2020-01-01T00:00:00Z"]).is_empty());
}

#[test]
fn every_form_of_output_is_what_it_says() {
    let workspace = Workspace::new().with_documents();
    let search = |more: &[&str]| {
        let mut args = vec!["search", "walk in winter", "--index", "index"];
        args.extend(more);
        workspace.ok(&args)
    };
    let lines = search(&["--jsonl"]);
    assert!(
        lines
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).unwrap()["doc_id"].is_string())
    );
    let run = vizsla_eval::trec::parse_run(&search(&["--trec"])).unwrap();
    assert_eq!(run["1"][0].0, "walk-2");
    let human = search(&["--limit", "1"]);
    assert!(
        human.contains("Ridge walk") && human.contains("walks.jsonl:2 ") && human.contains("BM25"),
        "{human}"
    );
    assert!(!human.contains('\u{1b}'), "no colour in a pipe");
    let explained = search(&["--explain"]);
    assert!(
        explained.contains("idf")
            && explained.contains("logit")
            && explained.contains("tokens read"),
        "{explained}"
    );
    let explained: Value = serde_json::from_str(&search(&["--explain", "--json"])).unwrap();
    let hit = &explained["hits"][0];
    let terms = hit["explanation"]["bm25"]["terms"].as_array().unwrap();
    let sum: f64 = terms.iter().map(|term| term["score"].as_f64().unwrap()).sum();
    assert!(
        (sum - hit["scores"]["retrieval"].as_f64().unwrap()).abs() < 1e-4,
        "the parts add up to the score"
    );
}

#[test]
fn the_sentence_that_answers_is_shown_with_its_line() {
    let workspace = Workspace::new();
    let text = "# Kennel\n\nFirst line.\nSecond line. Badgers dig at night. Third line.\nFourth line.\n\nFifth.\n";
    workspace.write("docs/den/index.md", text);
    workspace.write("docs/den/mod.rs", "/// Nothing of note.\nfn sett() {}\n");
    workspace.ok(&["index", "docs", "--index", "index"]);
    let search = |words: &str, more: &[&str]| {
        let args = ["search", words, "--index", "index", "--fusion", "bm25"];
        workspace.ok(&[&args[..], more].concat())
    };
    let place = Path::new("docs").join("den").join("index.md").display().to_string();
    let compact = search("badgers", &["--compact"]);
    assert_eq!(compact, format!("{place}:4: Badgers dig at night.\n"));
    let human = search("badgers", &[]);
    assert!(human.contains(&format!("{place}:4")), "{human}");
    assert!(human.contains("   > Second line. Badgers dig at night. Third line.\n"), "{human}");
    assert!(
        human.contains("     First line.\n") && human.contains("     Fourth line.\n"),
        "{human}"
    );
    assert!(!human.contains("Fifth"), "{human}");
    assert!(search("badgers", &["--context", "2"]).contains("Fifth."));
    assert!(!search("badgers", &["--context", "0"]).contains("First"));
    assert!(search("badgers", &["--full"]).contains("# Kennel"));
    assert!(search("sett", &[]).contains("den/mod.rs"), "the folder says what the name does not");
    let json: Value = serde_json::from_str(&search("badgers", &["--json"])).unwrap();
    let snippet = &json["hits"][0]["passage"]["snippet"];
    assert_eq!(snippet["location"]["lines"]["first"], 4);
    let [from, to] = [0, 1].map(|i| snippet["sentence"][i].as_u64().unwrap() as usize);
    assert_eq!(&snippet["text"].as_str().unwrap()[from..to], "Badgers dig at night.");
}

#[test]
fn copies_take_one_place() {
    let workspace = Workspace::new();
    for (name, text) in [
        ("a.md", "Badgers dig at night, and sleep until the evening."),
        ("b.md", "badgers dig at night and sleep until the evening"),
        ("old/a.md", "Badgers  dig at NIGHT (and sleep until the evening)!"),
        ("c.md", "Badgers sleep by day."),
    ] {
        workspace.write(&format!("docs/{name}"), text);
    }
    workspace.ok(&["index", "docs", "--index", "index"]);
    let args = [
        "search",
        "badgers dig",
        "--index",
        "index",
        "--fusion",
        "bm25",
        "--depth",
        "2",
        "-n",
        "2",
    ];
    let search = |more: &[&str]| workspace.ok(&[&args[..], more].concat());
    let json: Value = serde_json::from_str(&search(&["--json"])).unwrap();
    assert_eq!(names(&json)[1..], ["c.md"], "depth is spent on different texts");
    let copies = json["hits"][0]["copies"].as_array().unwrap();
    assert!(copies.len() == 2 && copies.iter().all(|copy| copy["path"].is_string()), "{copies:?}");
    assert!(json["hits"][1]["copies"].is_null());
    assert!(search(&[]).contains("and 2 copies: "));
    let all: Value = serde_json::from_str(&search(&["--copies", "--json"])).unwrap();
    assert!(!names(&all).contains(&"c.md".to_owned()));
    assert_eq!(search(&["--trec"]).lines().count(), 2, "a run has every document");
}

#[test]
fn any_text_is_a_query_and_syntax_is_an_option() {
    let workspace = Workspace::new().with_documents();
    for query in [
        "\"unbalanced",
        "(((",
        "a AND",
        "title:",
        "+-*/",
        "dog\u{0}",
        "what's a 'dog'?!",
        "AND OR NOT",
        "犬",
        "~^[}",
    ] {
        let ran = workspace
            .run_with(&["search", "--index", "index", "--fusion", "bm25", "--json"], query);
        assert!(ran.code <= 1, "{query}: {}", ran.err);
    }
    let syntax = |query: &str| {
        workspace
            .run(&["search", query, "--index", "index", "--syntax", "--fusion", "bm25", "--json"])
    };
    let found: Value = serde_json::from_str(&syntax("title:walk -winter -snow").out).unwrap();
    assert_eq!(ids(&found), ["walk-1"]);
    for deep in [
        format!("{}walk{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("{}walk", "NOT ".repeat(10_000)),
        format!("{}walk", "-(".repeat(20_000)),
    ] {
        let refused = syntax(&deep);
        assert_eq!(refused.code, 2);
        assert!(refused.err.contains("at most 200 parentheses and NOTs"), "{}", refused.err);
    }
    for column in ["nowhere:*", "content:*"] {
        let refused = syntax(column);
        assert!(
            refused.code == 2 && refused.err.contains("cannot read the query"),
            "{}",
            refused.err
        );
    }
    assert_eq!(syntax(&format!("{}walk{}", "(".repeat(150), ")".repeat(150))).code, 0);
    assert_eq!(syntax(&format!("{}walk", "+-".repeat(10_000))).code, 2);
    let broken = syntax("title:(walk");
    assert_eq!(broken.code, 2);
    assert!(broken.err.contains("title:(walk"), "{}", broken.err);
}

#[test]
fn queries_come_from_standard_input() {
    let workspace = Workspace::new().with_documents();
    let ran = workspace.run_with(
        &["search", "--index", "index", "--fusion", "bm25", "--trec"],
        "river walk\nbrushing\n",
    );
    let run = vizsla_eval::trec::parse_run(&ran.out).unwrap();
    assert_eq!(run.keys().collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn no_hits_is_still_json_and_a_threshold_cuts() {
    let workspace = Workspace::new().with_documents();
    let none = workspace.run(&["search", "xylophone", "--index", "index", "--json"]);
    assert_eq!(none.code, 1);
    assert_eq!(serde_json::from_str::<Value>(&none.out).unwrap()["hits"], Value::Array(vec![]));
    let sure =
        workspace.run(&["search", "walk", "--index", "index", "--min-probability", "1", "--json"]);
    assert_eq!(sure.code, 1);
}

#[test]
fn rerank_sorts_lines_and_records() {
    let workspace = Workspace::new();
    let texts = "Berlin is well known for its museums.\nBerlin had a population of 3,520,031 registered inhabitants.\n";
    let sorted = workspace.run_with(&["rerank", "How many people live in Berlin?"], texts);
    assert!(
        sorted.out.lines().next().unwrap().contains("3,520,031"),
        "{}{}",
        sorted.out,
        sorted.err
    );
    let records = "{\"id\": \"m\", \"text\": \"Berlin is well known for its museums.\"}\n{\"id\": \"p\", \"title\": \"Population\", \"text\": \"3,520,031 people live in Berlin.\"}\n";
    let sorted = workspace.run_with(
        &["rerank", "How many people live in Berlin?", "--jsonl", "--limit", "1"],
        records,
    );
    let best: Value = serde_json::from_str(&sorted.out).unwrap();
    assert_eq!(
        (best["id"].as_str(), best["rank"].as_u64(), best["index"].as_u64()),
        (Some("p"), Some(1), Some(1))
    );
}

#[test]
fn ids_with_spaces_survive_in_a_run() {
    let workspace = Workspace::new();
    workspace.write("my docs/a dog.txt", "The dog sleeps.");
    workspace.ok(&["index", "my docs", "--index", "index"]);
    let out = workspace.ok(&["search", "dog", "--index", "index", "--fusion", "bm25", "--trec"]);
    let run = vizsla_eval::trec::parse_run(&out).unwrap();
    assert!(run["1"][0].0.ends_with("my docs/a dog.txt"), "{out}");
}

#[test]
fn each_query_is_answered_before_the_next_is_read() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::Stdio;
    let workspace = Workspace::new();
    workspace.write("docs/a.txt", "alpha");
    workspace.write("docs/b.txt", "beta");
    workspace.ok(&["index", "docs", "--index", "index"]);
    let args = ["search", "--index", "index", "--fusion", "bm25", "--jsonl"];
    let mut child =
        workspace.command(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut questions = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for (question, file) in [("beta", "b.txt"), ("alpha", "a.txt")] {
        writeln!(questions, "{question}").unwrap();
        questions.flush().unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert!(answer.contains(file), "{answer}");
    }
    drop(questions);
    assert!(answers.next().is_none() && child.wait().unwrap().success());
}

#[test]
fn a_record_is_scored_alone_as_it_is_in_an_index() {
    let workspace = Workspace::new();
    let record = "{\"_id\": \"r\", \"title\": \"Pointing dogs\", \"text\": \"Pointing dogs show where the birds are.\"}\n";
    workspace.write("docs/records.jsonl", record);
    workspace.ok(&["index", "docs", "--index", "index"]);
    let query = "how does a dog point";
    let found = workspace.json(&["search", query, "--index", "index", "--json"]);
    let alone = workspace.run_with(&["rerank", query, "--jsonl"], record);
    let alone: serde_json::Value = serde_json::from_str(&alone.out).unwrap();
    let logit = |value: &serde_json::Value| (value.as_f64().unwrap() as f32).to_bits();
    assert_eq!(logit(&found["hits"][0]["scores"]["rerank_logit"]), logit(&alone["logit"]));
}

#[test]
fn the_doctor_says_what_works_and_what_helps() {
    let workspace = Workspace::new().with_documents();
    let found = workspace.json(&["doctor", "--index", "index", "--json"]);
    assert_eq!(found["works"], true, "{found}");
    let parts = found["findings"].as_array().unwrap();
    let names: Vec<&str> = parts.iter().map(|part| part["part"].as_str().unwrap()).collect();
    assert_eq!(names, ["runtime", "model", "processor", "index"]);
    assert!(workspace.ok(&["doctor", "--index", "index"]).contains("passages"));
    let broken = workspace.run(&["doctor", "--index", "index", "--onnxruntime", "missing.so"]);
    assert_eq!(broken.code, 1, "{}{}", broken.out, broken.err);
    assert!(broken.out.contains("missing.so"), "{}", broken.out);
    workspace.write("broken/vizsla.json", "{");
    let broken = workspace.run(&["doctor", "--index", "broken"]);
    assert_eq!(broken.code, 1);
    assert!(broken.out.contains("repair"), "{}", broken.out);
}
