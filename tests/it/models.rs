//! Model directories of every kind, and what callers may expect of a reranker.

use std::time::{Duration, Instant};

use vizsla::onnx::{
    CrossEncoder, CrossEncoderOptions, Error, ErrorKind, ExecutionMethod, GraphOptimization,
};
use vizsla::{CancelHandle, Reranker, TimeLimits};

use crate::support::{Workspace, bundled, bundled_with, copy_dir, fixture, run, runtime};

fn open(name: &str) -> Result<CrossEncoder, Error> {
    CrossEncoder::open(runtime(), &fixture("models").join(name), &CrossEncoderOptions::default())
}

fn logits(model: &CrossEncoder, query: &str, passages: &[&str]) -> Vec<f32> {
    model.score(query, passages).unwrap().iter().map(|score| score.logit).collect()
}

#[test]
fn one_logit_or_two_with_and_without_type_ids() {
    // [CLS] dog [SEP] cat runs [SEP] = 2 + 4 + 3 + 5 + 6 + 3, divided by 100.
    for name in ["one-logit", "two-logits"] {
        let model = open(name).unwrap();
        let found = logits(&model, "dog", &["cat runs"]);
        assert!((found[0] - 0.23).abs() < 1e-6, "{name}: {found:?}");
    }
}

/// Pairs for the tiny BERT with PyTorch's logits and those that a file of it gives.
fn tiny_bert(file: &str, optimization: GraphOptimization) -> (CrossEncoder, Vec<(f32, f32)>) {
    #[derive(serde::Deserialize)]
    struct Expected {
        query: String,
        passage: String,
        logit: f32,
    }
    let dir = fixture("models/tiny-bert");
    let options = CrossEncoderOptions::default().with_file(file).with_optimization(optimization);
    let model = CrossEncoder::open(runtime(), &dir, &options).unwrap();
    let expected = std::fs::read(dir.join("expected.json")).unwrap();
    let pairs = serde_json::from_slice::<Vec<Expected>>(&expected)
        .unwrap()
        .into_iter()
        .map(|pair| (pair.logit, logits(&model, &pair.query, &[&pair.passage])[0]))
        .collect();
    (model, pairs)
}

#[test]
fn a_simplified_graph_gives_the_same_logits() {
    let (model, pairs) = tiny_bert("onnx/model.onnx", GraphOptimization::Full);
    assert_eq!(model.execution().method, ExecutionMethod::SimplifiedGraph);
    for (expected, found) in pairs {
        assert!((expected - found).abs() < 1e-4, "{expected} {found}");
    }
}

#[test]
fn int8_files_give_the_logits_up_to_rounding() {
    for file in ["onnx/model_qint8_avx512_vnni.onnx", "onnx/model_quint8_avx2.onnx"] {
        for optimization in
            [GraphOptimization::Full, GraphOptimization::Simplify, GraphOptimization::None]
        {
            let (model, pairs) = tiny_bert(file, optimization);
            let unchanged = model.execution().method == ExecutionMethod::OriginalGraph;
            assert_eq!(unchanged, optimization == GraphOptimization::None, "{}", model.execution());
            for (expected, found) in pairs {
                assert!((expected - found).abs() < 1.0, "{file}: {expected} {found}");
            }
        }
    }
}

#[test]
fn a_graph_that_is_not_recognised_says_so() {
    assert_eq!(open("one-logit").unwrap().execution().method, ExecutionMethod::OriginalGraph);
}

#[test]
fn a_long_passage_is_read_in_windows_and_the_best_counts() {
    let model = open("one-logit").unwrap();
    let long = format!("{}the the the the the the the the the", "cat ".repeat(40));
    let scores = model.score("dog", &["cat", &long]).unwrap();
    assert_eq!((scores[0].tokens, scores[0].windows), (Some(5), 1));
    assert!(scores[1].windows > 3 && !scores[1].truncated, "{:?}", scores[1]);
    // `the` is word 8 and `cat` 5, so the end has the highest sum: [CLS] dog [SEP] .. [SEP] and twelve words.
    let last = 0.01 * (2 + 4 + 3 + 3 * 5 + 9 * 8 + 3) as f32;
    assert!((scores[1].logit - last).abs() < 1e-5, "{:?}", scores[1]);
    // A question that leaves no room is truncated, and reported as such.
    assert!(model.score(&"dog ".repeat(30), &["cat"]).unwrap()[0].truncated);
}

#[test]
fn a_limit_stops_between_passages() {
    let model = bundled_with(&CrossEncoderOptions::default().with_cache(0));
    let passages = vec!["the cat sat on the mat"; 300];
    let limits = |deadline: Instant| TimeLimits::default().with_deadline(deadline);
    let read = |limits: &TimeLimits| {
        let scores = model.score_with_limits("who sat?", &passages, limits).unwrap();
        scores.iter().flatten().count()
    };
    assert_eq!(read(&TimeLimits::default()), 300);
    assert_eq!(read(&limits(Instant::now() + Duration::from_hours(1))), 300);
    assert_eq!(read(&limits(Instant::now())), 0);
    let cancel = CancelHandle::new();
    let cancellable = TimeLimits::default().with_cancel(cancel.clone());
    assert_eq!(read(&cancellable), 300);
    cancel.cancel();
    assert_eq!(read(&cancellable), 0);
}

#[test]
fn the_cache_changes_no_score() {
    let remembering = bundled_with(&CrossEncoderOptions::default());
    let forgetting = bundled_with(&CrossEncoderOptions::default().with_cache(0));
    let passages = ["a dog runs", "a cat sleeps", "a dog runs"];
    let expected = forgetting.score("dogs", &passages).unwrap();
    let remembered: Vec<_> = expected.iter().map(|score| score.with_cached(true)).collect();
    assert_eq!(remembering.score("dogs", &passages[..2]).unwrap(), expected[..2]);
    assert_eq!(remembering.score("dogs", &passages).unwrap(), remembered);
    assert_eq!(remembering.score("dogs", &passages).unwrap(), remembered);
    let other = remembering.score("cats", &passages[..1]).unwrap();
    assert_ne!(other[0], expected[0]);
}

#[test]
fn a_model_that_is_not_a_cross_encoder_is_refused_with_the_reason() {
    for (name, reason) in [
        ("five-labels", "5 classes"),
        ("embedding", "last_hidden_state"),
        ("generator", "past_key_values"),
    ] {
        let error = open(name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedModel, "{name}: {error}");
        assert!(error.to_string().contains(reason), "{name}: {error}");
    }
}

#[test]
fn a_missing_part_is_named() {
    let workspace = Workspace::new();
    let dir = workspace.path("model");
    let open = || CrossEncoder::open(runtime(), &dir, &CrossEncoderOptions::default()).unwrap_err();
    assert!(open().to_string().contains("does not exist"));
    copy_dir(&fixture("models/one-logit"), &dir);
    for part in ["config.json", "tokenizer.json", "onnx/model.onnx"] {
        let content = std::fs::read(dir.join(part)).unwrap();
        std::fs::remove_file(dir.join(part)).unwrap();
        let error = open();
        assert_eq!(error.kind(), ErrorKind::ModelFile, "{part}: {error}");
        let name = if part.ends_with("onnx") { "no ONNX file" } else { part };
        assert!(error.to_string().contains(name), "{part}: {error}");
        std::fs::write(dir.join(part), content).unwrap();
    }
    std::fs::write(dir.join("onnx/model.onnx"), "not a graph").unwrap();
    assert_eq!(open().kind(), ErrorKind::UnsupportedModel);
    std::fs::rename(dir.join("onnx/model.onnx"), dir.join("onnx/model_fp16.onnx")).unwrap();
    assert!(open().to_string().contains("half-precision"));
}

#[test]
fn a_model_directory_works_from_the_shell() {
    let workspace = Workspace::new();
    let model = fixture("models/two-logits").display().to_string();
    let ran = workspace.run_with(&["rerank", "dog", "--model", &model], "cat\ncat runs\n");
    assert!(
        ran.out.starts_with("  1.") && ran.out.lines().next().unwrap().ends_with("cat runs"),
        "{}{}",
        ran.out,
        ran.err
    );
    let wrong = fixture("models/embedding").display().to_string();
    let ran = workspace.run_with(&["rerank", "dog", "--model", &wrong], "cat\n");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("not a cross-encoder"), "{}", ran.err);
}

#[test]
fn a_score_depends_on_nothing_but_its_pair() {
    let texts: Vec<String> = (1..12)
        .map(|i| format!("The vizsla runs {}", "through the tall grass ".repeat(i)))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let together = logits(&bundled(), "which dog runs", &texts);
    let alone: Vec<f32> =
        texts.iter().flat_map(|text| logits(&bundled(), "which dog runs", &[text])).collect();
    assert_eq!(together, alone);
    let eight = bundled_with(&CrossEncoderOptions::default().with_threads(8));
    assert_eq!(together, logits(&eight, "which dog runs", &texts));
}

#[test]
fn many_threads_may_score_at_once() {
    let model = bundled();
    let expected = logits(&model, "dog", &["a dog", "a cat"]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(logits(&model, "dog", &["a dog", "a cat"]), expected));
        }
    });
}

#[test]
fn nothing_to_score_is_not_an_error() {
    assert!(bundled().score("dog", &[]).unwrap().is_empty());
    assert_eq!(bundled().score("", &[""]).unwrap().len(), 1);
}

#[test]
fn a_quantised_model_ranks_as_before_and_runs_faster_ways() {
    let workspace = Workspace::new();
    let dir = workspace.path("model");
    copy_dir(&fixture("models/tiny-bert"), &dir);
    for file in ["onnx/model_qint8_avx512_vnni.onnx", "onnx/model_quint8_avx2.onnx"] {
        std::fs::remove_file(dir.join(file)).unwrap();
    }
    let out = workspace.ok(&["model", "quantize", "model"]);
    assert!(out.contains("12 matrices"), "{out}");
    let expected = std::fs::read(dir.join("expected.json")).unwrap();
    let expected: Vec<serde_json::Value> = serde_json::from_slice(&expected).unwrap();
    let options = CrossEncoderOptions::default().with_file("onnx/model_qint8.onnx");
    let model = CrossEncoder::open(runtime(), &dir, &options).unwrap();
    assert_ne!(model.execution().method, ExecutionMethod::OriginalGraph);
    for pair in &expected {
        let (query, passage) = (pair["query"].as_str().unwrap(), pair["passage"].as_str().unwrap());
        let (wanted, found) =
            (pair["logit"].as_f64().unwrap() as f32, logits(&model, query, &[passage])[0]);
        assert!((wanted - found).abs() < 0.5, "{wanted} {found}");
    }
    // A quantised model cannot be quantised again.
    std::fs::rename(dir.join("onnx/model_qint8.onnx"), dir.join("onnx/model.onnx")).unwrap();
    let ran = workspace.run(&["model", "quantize", "model"]);
    assert!(ran.code == 2 && ran.err.contains("quantised already"), "{}", ran.err);
    std::fs::write(dir.join("onnx/model.onnx"), "no model").unwrap();
    let ran = workspace.run(&["model", "quantize", "model"]);
    assert!(ran.code == 2 && ran.err.contains("not an ONNX file"), "{}", ran.err);
}

#[test]
fn a_timed_model_is_run_by_the_file_that_was_best() {
    let workspace = Workspace::new();
    let dir = workspace.path("model");
    copy_dir(&fixture("models/tiny-bert"), &dir);
    let library = vizsla_hub::runtime::locate(None).unwrap();
    let vizsla = |args: &[&str]| {
        let mut command = workspace.command(args);
        command.env("ORT_DYLIB_PATH", &library).env("VIZSLA_DATA_DIR", workspace.path("data"));
        run(&mut command, b"")
    };
    let ran = vizsla(&["model", "bench", "--model", "./model"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let chosen = ran.out.lines().find_map(|line| line.split_once(" is chosen")).unwrap().0;
    let ran = vizsla(&["model", "info", "--model", "./model", "--device", "cpu", "--json"]);
    let info: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(info["file"].as_str().unwrap().ends_with(chosen), "{chosen} {info}");
    // A setting takes precedence over what is remembered.
    for file in ["onnx/model.onnx", "onnx/model_quint8_avx2.onnx"] {
        let ran = vizsla(&["model", "info", "--model", "./model", "--model-file", file]);
        assert!(ran.out.contains(file), "{}{}", ran.out, ran.err);
    }
    let work = "{\"query\": \"dog\", \"passages\": [\"a dog\", \"a cat\"]}\n".repeat(3);
    workspace.write("work.jsonl", &work);
    let timed = ["model", "bench", "--workload", "work.jsonl", "--queries", "2"];
    let result: serde_json::Value = serde_json::from_str(&vizsla(&timed).out).unwrap();
    assert_eq!(result["pairs"], 4);
    assert_eq!(result["latencies_ms"].as_array().unwrap().len(), 2);
    workspace.write("work.jsonl", "{\"query\": \"dog\"}\n");
    let ran = vizsla(&timed);
    assert!(ran.code == 2 && ran.err.contains("work.jsonl, line 1"), "{}", ran.err);
}

/// The hub's own example, with the documented scores; the model is too large to be kept here.
#[expect(clippy::print_stdout, reason = "says that it had nothing to check")]
#[test]
fn the_hubs_model_gives_the_documented_scores() {
    let entry = vizsla_hub::catalogue::find("ms-marco-MiniLM-L6-v2").unwrap();
    let found =
        vizsla_hub::Cache::from_env().ok().and_then(|cache| vizsla_hub::find(&cache, &entry));
    let Some(dir) = found else {
        println!("ms-marco-MiniLM-L6-v2 is not here: run `vizsla model pull` to check its scores");
        return;
    };
    let model = CrossEncoder::open(runtime(), &dir, &CrossEncoderOptions::default()).unwrap();
    let is_fp32 = model.file().is_some_and(|file| file.ends_with("model.onnx"));
    let scores = model
        .score(
            "How many people live in Berlin?",
            &[
                "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers.",
                "Berlin is well known for its museums.",
            ],
        )
        .unwrap();
    // Rounded weights move a probability in the middle more than one near its end.
    let tolerance = if is_fp32 { 1e-4 } else { 0.02 };
    for (score, expected) in scores.iter().zip([0.999_817_3, 0.013_124_32]) {
        assert!((score.probability() - expected).abs() < tolerance, "{score:?} {expected}");
    }
}
