//! Times fastembed's reranker: `fastembed-bench MODEL_DIR WORKLOAD QUERIES`. `RAYON_NUM_THREADS` bounds its tokenizer,
//! ONNX Runtime takes all physical cores.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use fastembed::{
    OnnxSource, RerankInitOptionsUserDefined, TextRerank, TokenizerFiles,
    UserDefinedRerankingModel,
};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, workload, queries] = args.as_slice() else {
        anyhow::bail!("usage: fastembed-bench MODEL_DIR WORKLOAD QUERIES")
    };
    let (dir, queries) = (Path::new(dir), queries.parse::<usize>()?);
    let read = |name: &str| fs::read(dir.join(name)).with_context(|| format!("cannot read {name}"));
    let model = UserDefinedRerankingModel::new(
        OnnxSource::Memory(read("onnx/model_qint8_avx512_vnni.onnx")?),
        TokenizerFiles {
            tokenizer_file: read("tokenizer.json")?,
            config_file: read("config.json")?,
            special_tokens_map_file: read("special_tokens_map.json")?,
            tokenizer_config_file: read("tokenizer_config.json")?,
        },
    );
    let mut reranker =
        TextRerank::try_new_from_user_defined(model, RerankInitOptionsUserDefined::default())?;
    let (mut latencies, mut pairs) = (Vec::new(), 0);
    let lines = BufReader::new(fs::File::open(workload)?).lines();
    for (i, line) in lines.take(queries + 1).enumerate() {
        let work: serde_json::Value = serde_json::from_str(&line?)?;
        let query = work["query"].as_str().context("a line has no query")?;
        let passages: Vec<&str> =
            work["passages"].as_array().into_iter().flatten().filter_map(|p| p.as_str()).collect();
        let start = Instant::now();
        reranker.rerank(query, &passages, false, None)?;
        // The first query warms up.
        if i > 0 {
            latencies.push(start.elapsed().as_secs_f64() * 1e3);
            pairs += passages.len();
        }
    }
    let seconds = latencies.iter().sum::<f64>() / 1e3;
    println!("{}", serde_json::json!({ "pairs": pairs, "seconds": seconds, "latencies_ms": latencies }));
    Ok(())
}
