//! The reranker: texts in, scores out, spread over all cores.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{fmt, fs};

use prost::bytes::Bytes;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use vizsla_core::{BoxError, RerankScore, Reranker};

use crate::error::{Error, ErrorKind};
use crate::graph::Rewrite;
use crate::model_dir::{ModelBytes, ModelConfig, ModelDir};
use crate::pair::{Pair, PairEncoder};
use crate::session::{PreparedGraph, Runtime, Session};

/// How to run a cross-encoder.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CrossEncoderOptions {
    threads: Option<usize>,
    max_tokens: Option<usize>,
    file: Option<String>,
    rewrite: Rewrite,
}

impl CrossEncoderOptions {
    /// How many threads score, each with a session of its own (about 1.5 times the model file in memory each). The
    /// default is the number of physical cores that the process may use, at most 16.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// Cuts pairs to fewer tokens than the model could read: faster, and less exact on long passages.
    pub fn with_max_tokens(mut self, tokens: usize) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Which ONNX file of a model directory to use, relative to it, instead of the best one for this processor.
    pub fn with_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// How much of the model's graph may be replaced by something faster.
    pub fn with_rewrite(mut self, rewrite: Rewrite) -> Self {
        self.rewrite = rewrite;
        self
    }
}

/// A cross-encoder in ONNX form.
///
/// It scores each pair by itself, without padding and with nothing else in the batch: a score never depends on the
/// other passages (int8 graphs quantise over the whole batch, so batching would change scores), nor on the number of
/// threads. Pairs are taken from one queue, the longest first, by single-threaded sessions, one a core.
///
/// Can be used from many threads at once; calls then share the same cores.
pub struct CrossEncoder {
    name: String,
    encoder: PairEncoder,
    /// As many threads as there are sessions; thread `i` uses session `i`.
    pool: ThreadPool,
    sessions: Vec<Mutex<Session>>,
    execution: String,
}

impl CrossEncoder {
    /// Opens a model directory in the hub's layout: `config.json`, `tokenizer.json` and `onnx/model*.onnx` or
    /// `model.onnx`. Graphs with or without `token_type_ids`, with one output or two, fp32 or int8. Cost: the model is
    /// read and prepared once per thread, in parallel; about 0.1 s for 23 MB.
    ///
    /// # Errors
    /// [`ErrorKind::ModelFile`] when a part is missing or broken, [`ErrorKind::UnsupportedModel`] when it is no
    /// cross-encoder; the message says which and why.
    pub fn open(
        runtime: Runtime,
        dir: &Path,
        options: &CrossEncoderOptions,
    ) -> Result<Self, Error> {
        let model = ModelDir::find(dir, options.file.as_deref())?;
        let config = ModelConfig::parse(&model.config, model.tokenizer_config.as_deref())?;
        let bytes = fs::read(&model.onnx).map_err(|error| Error::reading(&model.onnx, error))?;
        let graph = PreparedGraph::new(
            model.onnx.display().to_string(),
            bytes.into(),
            Some(&model.onnx),
            options.rewrite,
        );
        let name = dir
            .file_name()
            .map_or_else(|| dir.display().to_string(), |name| name.to_string_lossy().into_owned());
        Self::build(runtime, name, &graph, &model.tokenizer, &config, options)
    }

    /// Opens a model from memory, such as the one in `vizsla-bundled`. Cost as [`open`](Self::open).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(
        runtime: Runtime,
        model: ModelBytes<'_>,
        options: &CrossEncoderOptions,
    ) -> Result<Self, Error> {
        let config = ModelConfig::parse(model.config, None)?;
        let bytes = Bytes::copy_from_slice(model.onnx);
        let graph = PreparedGraph::new(model.name.to_owned(), bytes, None, options.rewrite);
        Self::build(runtime, model.name.to_owned(), &graph, model.tokenizer, &config, options)
    }

    fn build(
        runtime: Runtime,
        name: String,
        graph: &PreparedGraph,
        tokenizer: &[u8],
        config: &ModelConfig,
        options: &CrossEncoderOptions,
    ) -> Result<Self, Error> {
        let max_tokens =
            options.max_tokens.map_or(config.max_tokens, |tokens| tokens.min(config.max_tokens));
        let encoder = PairEncoder::new(tokenizer, max_tokens)?;
        let threads = options.threads.unwrap_or_else(default_threads);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("rerank-{i}"))
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Runtime, "cannot start the reranker's threads")
                    .with_source(error)
            })?;
        let sessions = pool.broadcast(|_| Session::open(runtime, graph).map(Mutex::new));
        let sessions = sessions.into_iter().collect::<Result<_, _>>()?;
        Ok(Self { name, encoder, pool, sessions, execution: graph.description().to_owned() })
    }

    /// How many threads score.
    pub fn threads(&self) -> usize {
        self.sessions.len()
    }

    /// How the model is run on this machine, for people: by the encoder for int8 models, or by ONNX Runtime and why.
    pub fn execution(&self) -> &str {
        &self.execution
    }

    fn score_pairs(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, Error> {
        let query = self.encoder.tokenize(query)?;
        let pairs: Vec<Pair> = self.pool.install(|| {
            passages
                .par_iter()
                .map(|text| self.encoder.pair(&query, self.encoder.tokenize(text)?))
                .collect::<Result<_, _>>()
        })?;
        // The longest first, so that no core is left with a long pair when the others are done.
        let mut queue: Vec<usize> = (0..pairs.len()).collect();
        queue.sort_by_key(|i| std::cmp::Reverse(pairs[*i].ids.len()));
        let next = AtomicUsize::new(0);
        let parts = self.pool.broadcast(|thread| {
            let mut session =
                self.sessions[thread.index()].lock().unwrap_or_else(PoisonError::into_inner);
            let mut scored = Vec::new();
            while let Some(&i) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                scored.push((i, session.run(&pairs[i])?));
            }
            Ok(scored)
        });
        let mut logits = vec![0.0; pairs.len()];
        for part in parts {
            for (i, logit) in part? {
                logits[i] = logit;
            }
        }
        Ok(pairs
            .iter()
            .zip(logits)
            .map(|(pair, logit)| {
                RerankScore::new(logit).with_tokens(pair.ids.len() as u32, pair.truncated)
            })
            .collect())
    }
}

impl Reranker for CrossEncoder {
    fn name(&self) -> &str {
        &self.name
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        Ok(self.score_pairs(query, passages)?)
    }
}

impl fmt::Debug for CrossEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrossEncoder")
            .field("name", &self.name)
            .field("threads", &self.threads())
            .field("execution", &self.execution)
            .finish_non_exhaustive()
    }
}

/// Threads that share a core slow each other down, so one a physical core; `available_parallelism` knows of limits set
/// by cgroups and affinity.
fn default_threads() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    allowed.min(num_cpus::get_physical()).clamp(1, 16)
}
