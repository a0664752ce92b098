//! How far a model's int8 files are from its fp32 file: the root mean square difference of their logits, centred per
//! question, in standard deviations of the fp32 logits, and the share of a question's passage pairs that change order.
//!
//! `cargo bench -p vizsla-onnx --bench int8_error -- MODEL_DIR PAIRS`, where each line of PAIRS is a question, a tab
//! and a passage, with the lines of a question adjacent.

#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints what it measured")]

use std::path::Path;

use vizsla_core::{BoxError, Reranker};
use vizsla_onnx::{CrossEncoder, CrossEncoderOptions, GraphOptimization, Runtime};

/// The reference for all others.
const FP32: &str = "onnx/model.onnx";

fn main() -> Result<(), BoxError> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [dir, pairs] = args.as_slice() else {
        return Err("give a model's folder and a file of questions and passages".into());
    };
    let pairs = std::fs::read_to_string(pairs)?;
    let pairs: Vec<(&str, &str)> = (1..)
        .zip(pairs.lines())
        .map(|(number, line)| {
            line.split_once('\t').ok_or_else(|| format!("line {number} of the pairs has no tab"))
        })
        .collect::<Result<_, _>>()?;
    let mut files: Vec<String> = std::fs::read_dir(Path::new(dir).join("onnx"))?
        .map(|entry| Ok(format!("onnx/{}", entry?.file_name().to_string_lossy())))
        .collect::<Result<_, std::io::Error>>()?;
    files.sort();
    let runtime = Runtime::load(&vizsla_hub::runtime::locate(None)?)?;
    let logits = |file: &str, optimization| -> Result<Vec<Vec<f64>>, BoxError> {
        let options = CrossEncoderOptions::default()
            .with_cache(0)
            .with_file(file)
            .with_optimization(optimization);
        let model = CrossEncoder::open(runtime, Path::new(dir), &options)?;
        let groups = pairs.chunk_by(|(a, _), (b, _)| a == b);
        groups.map(|group| of_question(&model, group)).collect()
    };
    let exact = logits(FP32, GraphOptimization::None)?;
    let deviation = mean_square(exact.iter().flatten().copied()).sqrt();
    println!("{} pairs, {} questions", pairs.len(), exact.len());
    for file in &files {
        for (name, optimization) in
            [("ONNX Runtime", GraphOptimization::None), ("as rewritten", GraphOptimization::Full)]
        {
            if (file.as_str(), optimization) == (FP32, GraphOptimization::None) {
                continue;
            }
            let found = logits(file, optimization)?;
            let differences =
                found.iter().flatten().zip(exact.iter().flatten()).map(|(a, b)| a - b);
            let error = mean_square(differences).sqrt() / deviation;
            let (mut swapped, mut all) = (0_u32, 0_u32);
            for (found, exact) in found.iter().zip(&exact) {
                for i in 0..exact.len() {
                    for j in 0..i {
                        all += 1;
                        swapped += u32::from((exact[i] - exact[j]) * (found[i] - found[j]) < 0.0);
                    }
                }
            }
            let swapped = 100.0 * f64::from(swapped) / f64::from(all.max(1));
            println!("{file}, {name}: error {error:.6}, {swapped:.2} % change order");
        }
    }
    Ok(())
}

/// The logits of one question's passages minus their mean: only differences affect the ranking.
fn of_question(model: &CrossEncoder, group: &[(&str, &str)]) -> Result<Vec<f64>, BoxError> {
    let passages: Vec<&str> = group.iter().map(|(_, passage)| *passage).collect();
    let scores = model.score(group[0].0, &passages)?;
    let logits: Vec<f64> = scores.iter().map(|score| f64::from(score.logit)).collect();
    let mean = logits.iter().sum::<f64>() / logits.len() as f64;
    Ok(logits.into_iter().map(|logit| logit - mean).collect())
}

fn mean_square(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) =
        values.fold((0.0, 0), |(sum, count), value| (sum + value * value, count + 1));
    sum / f64::from(count)
}
