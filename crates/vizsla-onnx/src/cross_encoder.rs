//! The reranker: texts in, scores out, spread over all cores.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use prost::bytes::Bytes;
use vizsla_core::{BoxError, RerankScore, Reranker, TimeLimits};

use crate::cache::ScoreCache;
use crate::device::Device;
use crate::error::Error;
use crate::graph::Rewrite;
use crate::model_dir::{ModelBytes, ModelConfig, ModelDir};
use crate::pair::PairEncoder;
use crate::reader::Reader;
use crate::session::{self, PreparedGraph, Runtime};

/// How to run a cross-encoder.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CrossEncoderOptions {
    threads: Option<usize>,
    max_tokens: Option<usize>,
    file: Option<String>,
    rewrite: Rewrite,
    device: Device,
    name: Option<String>,
    cache: usize,
}

impl Default for CrossEncoderOptions {
    fn default() -> Self {
        Self {
            threads: None,
            max_tokens: None,
            file: None,
            rewrite: Rewrite::default(),
            device: Device::default(),
            name: None,
            cache: Self::DEFAULT_CACHE,
        }
    }
}

impl CrossEncoderOptions {
    /// How many scores are remembered unless told otherwise.
    pub const DEFAULT_CACHE: usize = 1 << 16;

    /// How many threads score, each with a session of its own. Memory: the encoder of an int8 BERT is shared, and each
    /// thread adds about 25 MB for a model of 23 MB; of any other model each thread has a copy. The
    /// default is the number of physical cores that the process may use, at most 16.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// Reads at most so many tokens at a time, fewer than the model could: longer passages are read in more windows.
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

    /// What the model runs on. On another device than the processor, pairs are run in padded batches, and a score may
    /// differ in its last digits with what else is in the batch.
    pub fn with_device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// What to call the model in reports, instead of its folder's name.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How many scores are remembered, so that a passage asked about again is not read again; 0 for none. About 100
    /// bytes each. Scores do not depend on it.
    pub fn with_cache(mut self, scores: usize) -> Self {
        self.cache = scores;
        self
    }

    /// The ONNX file asked for, if one was.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The name given to the model, if one was.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What the model is to run on.
    pub fn device(&self) -> Device {
        self.device
    }
}

/// A cross-encoder in ONNX form.
///
/// It scores each pair by itself, without padding and with nothing else in the batch: a score never depends on the
/// other passages (int8 graphs quantise over the whole batch, so batching would change scores), nor on the number of
/// threads. Pairs are taken from one queue, the longest first, by single-threaded sessions, one a core. A passage longer
/// than the model can read is read in overlapping windows, of which the best counts; none is cut.
///
/// With a deadline the passages are read in the order given. One is begun only if what a token has cost so far says
/// that it will be finished in time, so the deadline is missed by less than what one passage takes.
///
/// Can be used from many threads at once; calls then share the same cores.
pub struct CrossEncoder {
    name: String,
    reader: Reader,
    execution: String,
    file: Option<PathBuf>,
    cache: Option<ScoreCache>,
}

impl CrossEncoder {
    /// Opens a model directory in the hub's layout: `config.json`, `tokenizer.json` and `onnx/model*.onnx` or
    /// `model.onnx`. Graphs with or without `token_type_ids`, with one output or two, fp32 or int8. Cost: the model is
    /// read and prepared once per thread, in parallel; some 85 ms for 23 MB.
    ///
    /// # Errors
    /// [`ModelFile`](crate::ErrorKind::ModelFile) when a part is missing or broken,
    /// [`UnsupportedModel`](crate::ErrorKind::UnsupportedModel) when it is no cross-encoder,
    /// [`Runtime`](crate::ErrorKind::Runtime) when the device cannot be used; the message says which and why.
    pub fn open(
        runtime: Runtime,
        dir: &Path,
        options: &CrossEncoderOptions,
    ) -> Result<Self, Error> {
        let device = session::choose_device(runtime, options.device)?;
        let model = ModelDir::find(dir, options.file.as_deref(), device)?;
        let config = ModelConfig::parse(&model.config, model.tokenizer_config.as_deref())?;
        let bytes = fs::read(&model.onnx).map_err(|error| Error::reading(&model.onnx, error))?;
        let graph = PreparedGraph::new(
            model.onnx.display().to_string(),
            bytes.into(),
            Some(&model.onnx),
            (device, options.rewrite),
        );
        let name = dir
            .file_name()
            .map_or_else(|| dir.display().to_string(), |name| name.to_string_lossy().into_owned());
        let opened = Self::build(runtime, name, &graph, &model.tokenizer, &config, options)?;
        Ok(Self { file: Some(model.onnx), ..opened })
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
        let device = session::choose_device(runtime, options.device)?;
        let how = (device, options.rewrite);
        let graph = PreparedGraph::new(model.name.to_owned(), bytes, None, how);
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
        Ok(Self {
            name: options.name.clone().unwrap_or(name),
            reader: Reader::open(runtime, encoder, graph, threads)?,
            execution: graph.description().to_owned(),
            file: None,
            cache: NonZeroUsize::new(options.cache).map(ScoreCache::new),
        })
    }

    /// How many threads score.
    pub fn threads(&self) -> usize {
        self.reader.threads()
    }

    /// The ONNX file that was opened, unless the model came from memory.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The most tokens of query, passage and special tokens that are read at a time.
    pub fn max_tokens(&self) -> usize {
        self.reader.max_tokens()
    }

    /// How the model is run on this machine, for people: by the encoder for int8 models, or by ONNX Runtime and why.
    pub fn execution(&self) -> &str {
        &self.execution
    }

    /// Scores what is not in the cache.
    fn score_all(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, Error> {
        let Some(cache) = &self.cache else { return self.reader.read(query, passages, limits) };
        let keys = ScoreCache::keys(query, passages);
        let mut scores = cache.get(&keys);
        let unknown: Vec<usize> = (0..scores.len()).filter(|i| scores[*i].is_none()).collect();
        if unknown.is_empty() {
            return Ok(scores);
        }
        let texts: Vec<&str> = unknown.iter().map(|i| passages[*i]).collect();
        let read = self.reader.read(query, &texts, limits)?;
        let known = unknown.iter().zip(&read).filter_map(|(i, score)| Some((keys[*i], (*score)?)));
        cache.put(known);
        for (i, score) in unknown.into_iter().zip(read) {
            scores[i] = score;
        }
        Ok(scores)
    }
}

impl Reranker for CrossEncoder {
    fn name(&self) -> &str {
        &self.name
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        let scores = self.score_all(query, passages, &TimeLimits::default())?;
        Ok(scores.into_iter().map(|score| score.expect("without limits all are read")).collect())
    }

    fn score_with_limits(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, BoxError> {
        Ok(self.score_all(query, passages, limits)?)
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
