//! The reranker: texts in, scores out, spread over all cores.

use std::error::Error as StdError;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use vizsla_core::{BoxError, RerankScore, Reranker, TimeLimits};

use crate::cache::ScoreCache;
use crate::device::Device;
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::graph::{PreparedGraph, Target};
use crate::model_bytes::ModelBytes;
use crate::model_config::ModelConfig;
use crate::model_dir::ModelDir;
use crate::options::CrossEncoderOptions;
use crate::ort::{Runtime, candidates};
use crate::pair::PairTokenizer;
use crate::scorer::Scorer;

/// A cross-encoder in ONNX form.
///
/// It scores each pair on its own, without padding and with nothing else in the batch: a score never depends on the
/// other passages (int8 graphs quantise over the whole batch, so batching would change scores), nor on the number of
/// threads or callers. Devices other than the processor are the exception: there pairs are padded and run in batches, and
/// the size of a batch changes the rounding of a score. A passage longer than the model can read is read in overlapping windows, of which the best
/// counts; none is truncated.
///
/// It can be used from many threads at once. All calls share one pool of single-threaded sessions, one per core, and
/// take turns passage by passage: calls get equal service, and among those that have had no more than their share the
/// one with the earliest deadline is next. So a call with a short budget does not wait for a long one, and a long one
/// is not starved. A call without a deadline has its longest passages scored first; one with a deadline is scored in
/// the order given.
///
/// A passage is started only if, judging by the cost per token so far, it will finish by the deadline. A call returns
/// by its deadline plus at most the time for one passage; one that is cancelled returns within milliseconds, even if
/// all sessions are busy.
pub struct CrossEncoder {
    name: String,
    scorer: Scorer,
    execution: Execution,
    file: Option<PathBuf>,
    cache: Option<ScoreCache>,
}

impl CrossEncoder {
    /// Opens a model directory in the hub's layout: `config.json`, `tokenizer.json` and `onnx/model*.onnx` or
    /// `model.onnx`. Graphs with or without `token_type_ids`, with one output or two, fp32 or int8. Cost: the model is
    /// read and prepared once, some 15 ms for 23 MB, and opened for each thread, some 10 ms each.
    ///
    /// # Errors
    /// [`ModelFile`](crate::ErrorKind::ModelFile) when a part is missing or invalid,
    /// [`UnsupportedModel`](crate::ErrorKind::UnsupportedModel) when it is not a cross-encoder,
    /// [`Runtime`](crate::ErrorKind::Runtime) when the device cannot be used; the message says which and why. With
    /// [`Device::Auto`] a device that cannot be opened is not an error: the next one is tried, the processor last. An
    /// int8 model then runs on the processor: graphics processors run its operators some ten times slower.
    pub fn open(
        runtime: Runtime,
        dir: &Path,
        options: &CrossEncoderOptions,
    ) -> Result<Self, Error> {
        let devices = candidates(runtime, options.device)?;
        first_that_opens(&devices, |device| Self::open_on(runtime, device, dir, options))
    }

    fn open_on(
        runtime: Runtime,
        device: Device,
        dir: &Path,
        options: &CrossEncoderOptions,
    ) -> Result<Self, Error> {
        let model = ModelDir::find(dir, options.file.as_deref(), device)?;
        let config = ModelConfig::parse(&model.config, model.tokenizer_config.as_deref())?;
        let bytes = fs::read(&model.onnx).map_err(|error| Error::reading(&model.onnx, error))?;
        let target = target(device, options)?;
        let prepare = || {
            let name = model.onnx.display().to_string();
            PreparedGraph::new(name, bytes.into(), Some(&model.onnx), target)
        };
        let name = dir
            .file_name()
            .map_or_else(|| dir.display().to_string(), |name| name.to_string_lossy().into_owned());
        let prepared = Prepared::new(name, prepare, &model.tokenizer, &config, options)?;
        let opened = prepared.open(runtime, options)?;
        Ok(Self { file: Some(model.onnx), ..opened })
    }

    /// Opens a model from memory. Cost as [`open`](Self::open).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(
        runtime: Runtime,
        model: ModelBytes<'_>,
        options: &CrossEncoderOptions,
    ) -> Result<Self, Error> {
        let devices = candidates(runtime, options.device)?;
        first_that_opens(&devices, move |device| {
            Prepared::of(&model, device, options)?.open(runtime, options)
        })
    }

    /// The number of scoring threads.
    pub fn threads(&self) -> usize {
        self.scorer.threads()
    }

    /// The ONNX file that was opened, unless the model came from memory.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The maximum number of tokens (query, passage and special tokens) read at a time.
    pub fn max_tokens(&self) -> usize {
        self.scorer.max_tokens()
    }

    /// How the model is run on this machine: by the int8 encoder, or by ONNX Runtime, and why.
    pub fn execution(&self) -> &Execution {
        &self.execution
    }

    /// Scores passages that are not in the cache.
    fn score_all(
        &self,
        query: &str,
        passages: &[&str],
        limits: &TimeLimits,
    ) -> Result<Vec<Option<RerankScore>>, Error> {
        let Some(cache) = &self.cache else { return self.scorer.score(query, passages, limits) };
        let keys = ScoreCache::keys(query, passages);
        let mut scores = cache.get(&keys);
        let unknown: Vec<usize> = (0..scores.len()).filter(|i| scores[*i].is_none()).collect();
        if unknown.is_empty() {
            return Ok(scores);
        }
        let texts: Vec<&str> = unknown.iter().map(|i| passages[*i]).collect();
        let scored = self.scorer.score(query, &texts, limits)?;
        let known =
            unknown.iter().zip(&scored).filter_map(|(i, score)| Some((keys[*i], (*score)?)));
        cache.put(known);
        for (i, score) in unknown.into_iter().zip(scored) {
            scores[i] = score;
        }
        Ok(scores)
    }
}

/// A model that was read and prepared for a device; until it is opened, ONNX Runtime is not needed.
pub(crate) struct Prepared {
    name: String,
    graph: PreparedGraph,
    tokenizer: PairTokenizer,
}

impl Prepared {
    /// A model in memory.
    pub(crate) fn of(
        model: &ModelBytes<'_>,
        device: Device,
        options: &CrossEncoderOptions,
    ) -> Result<Self, Error> {
        let config = ModelConfig::parse(model.config, None)?;
        let target = target(device, options)?;
        let name = || model.name.to_owned();
        let prepare = || PreparedGraph::new(name(), model.onnx.clone(), None, target);
        Self::new(name(), prepare, model.tokenizer, &config, options)
    }

    /// Reads the tokenizer while the graph is prepared: they take about as long.
    fn new(
        name: String,
        prepare: impl FnOnce() -> PreparedGraph,
        tokenizer: &[u8],
        config: &ModelConfig,
        options: &CrossEncoderOptions,
    ) -> Result<Self, Error> {
        std::thread::scope(|scope| {
            let read = || pair_tokenizer(tokenizer, config, options);
            let reading =
                std::thread::Builder::new().spawn_scoped(scope, read).map_err(|error| {
                    Error::new(ErrorKind::Runtime, "cannot start a thread to read the tokenizer")
                        .with_source(error)
                })?;
            let graph = prepare();
            let panicked =
                |_| Err(Error::new(ErrorKind::ModelFile, "reading the model's tokenizer panicked"));
            Ok(Self { name, graph, tokenizer: reading.join().unwrap_or_else(panicked)? })
        })
    }

    pub(crate) fn open(
        self,
        runtime: Runtime,
        options: &CrossEncoderOptions,
    ) -> Result<CrossEncoder, Error> {
        let Self { name, graph, tokenizer } = self;
        if options.device == Device::Auto && graph.device() != Device::Cpu && graph.is_int8() {
            let message = "an int8 model is faster on the processor";
            return Err(Error::new(ErrorKind::UnsupportedModel, message));
        }
        let threads = options.threads.unwrap_or_else(default_threads);
        Ok(CrossEncoder {
            name: options.name.clone().unwrap_or(name),
            scorer: Scorer::open(runtime, tokenizer, &graph, threads)?,
            execution: graph.execution().clone(),
            file: None,
            cache: NonZeroUsize::new(options.cache).map(ScoreCache::new),
        })
    }
}

/// What to prepare the graph for, or which of the options this processor cannot fulfil.
fn target(device: Device, options: &CrossEncoderOptions) -> Result<Target, Error> {
    let target = Target::new(device, options.optimization);
    match options.instructions {
        Some(wanted) if !wanted.is_available() => {
            let message = format!("cannot use {wanted}: this processor does not have it");
            Err(Error::new(ErrorKind::Runtime, message))
        }
        wanted => Ok(Target { instructions: wanted.or(target.instructions), ..target }),
    }
}

fn pair_tokenizer(
    json: &[u8],
    config: &ModelConfig,
    options: &CrossEncoderOptions,
) -> Result<PairTokenizer, Error> {
    let max_tokens =
        options.max_tokens.map_or(config.max_tokens, |tokens| tokens.min(config.max_tokens));
    PairTokenizer::new(json, max_tokens)
}

/// Opens a model on the first device that works, and records why others did not. The last device's error is returned:
/// with several devices that is the processor, whose error is about the model.
fn first_that_opens(
    devices: &[Device],
    open: impl Fn(Device) -> Result<CrossEncoder, Error>,
) -> Result<CrossEncoder, Error> {
    let mut unavailable = Vec::new();
    let Some((last, others)) = devices.split_last() else {
        return Err(Error::new(ErrorKind::Runtime, "there is no device to open"));
    };
    for device in others {
        match open(*device) {
            Ok(opened) => return Ok(opened.without(unavailable)),
            Err(error) => unavailable.push(format!("{device} is not used: {}", chain(&error))),
        }
    }
    Ok(open(*last)?.without(unavailable))
}

impl CrossEncoder {
    fn without(mut self, unavailable: Vec<String>) -> Self {
        self.execution.unavailable = unavailable;
        self
    }
}

/// An error with its causes, in one line.
fn chain(error: &Error) -> String {
    let mut line = error.to_string();
    let mut cause = StdError::source(error);
    while let Some(error) = cause {
        line.push_str(&format!(": {error}"));
        cause = error.source();
    }
    line
}

impl Reranker for CrossEncoder {
    fn name(&self) -> &str {
        &self.name
    }

    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<RerankScore>, BoxError> {
        let scores = self.score_all(query, passages, &TimeLimits::default())?;
        let missing = || Error::new(ErrorKind::Inference, "a passage was not scored");
        scores.into_iter().map(|score| Ok(score.ok_or_else(missing)?)).collect()
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

/// Threads that share a core slow each other down, so one per physical core; `available_parallelism` accounts for
/// cgroup and affinity limits.
fn default_threads() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    allowed.min(num_cpus::get_physical()).clamp(1, 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::ExecutionMethod;
    use crate::graph::GraphOptimization;
    use crate::testing::{fixture, runtime};

    fn tiny(device: Device) -> CrossEncoder {
        let options = CrossEncoderOptions::default().with_threads(1).with_device(device);
        CrossEncoder::open(runtime(), &fixture("tiny-bert"), &options).unwrap()
    }

    #[test]
    fn a_device_that_cannot_be_opened_is_skipped_and_named() {
        let opened = first_that_opens(&[Device::Cuda(0), Device::CoreMl, Device::Cpu], |device| {
            if device == Device::Cpu {
                return Ok(tiny(device));
            }
            Err(Error::new(ErrorKind::UnsupportedModel, "cannot open it").with_source("no driver"))
        })
        .unwrap();
        let execution = opened.execution();
        assert_eq!(execution.device, Device::Cpu);
        assert_eq!(
            execution.unavailable,
            [
                "cuda:0 is not used: cannot open it: no driver",
                "coreml is not used: cannot open it: no driver",
            ]
        );
        assert!(execution.to_string().contains("no driver"), "{execution}");
    }

    #[test]
    fn int8_stays_on_the_processor_unless_another_device_is_requested() {
        let read = |name: &str| std::fs::read(fixture("tiny-bert").join(name)).unwrap();
        let cuda = Target::new(Device::Cuda(0), GraphOptimization::Full);
        let open = |file: &str, options: &CrossEncoderOptions| {
            let graph = PreparedGraph::new("tiny".to_owned(), read(file).into(), None, cuda);
            let config = ModelConfig::parse(&read("config.json"), None).unwrap();
            let tokenizer = pair_tokenizer(&read("tokenizer.json"), &config, options).unwrap();
            let prepared = Prepared { name: "tiny".to_owned(), graph, tokenizer };
            let opened = prepared.open(runtime(), options);
            opened.map_or_else(|error| error.to_string(), |opened| opened.name)
        };
        let auto = CrossEncoderOptions::default().with_threads(1);
        let int8 = "onnx/model_quint8_avx2.onnx";
        assert!(open(int8, &auto).contains("faster on the processor"));
        let requested = auto.clone().with_device(Device::Cuda(0));
        assert!(!open(int8, &requested).contains("faster on the processor"));
        assert!(!open("onnx/model.onnx", &auto).contains("faster on the processor"));
    }

    #[test]
    fn the_last_device_has_the_last_word() {
        let refuse = |device: Device| Err(Error::new(ErrorKind::ModelFile, format!("{device}!")));
        let error = first_that_opens(&[Device::Cuda(0), Device::Cpu], refuse).unwrap_err();
        assert_eq!(error.to_string(), "cpu!");
        assert!(first_that_opens(&[], refuse).is_err());
    }

    #[test]
    fn auto_opens_something_everywhere() {
        assert_ne!(tiny(Device::Auto).execution().device, Device::Auto);
    }

    #[test]
    fn cached_scores_are_marked() {
        let model = tiny(Device::Cpu);
        let marks = |passages: &[&str]| -> Vec<bool> {
            model.score("dog", passages).unwrap().iter().map(|score| score.cached).collect()
        };
        assert_eq!(marks(&["a dog", "a cat"]), [false, false]);
        assert_eq!(marks(&["a cat", "the cat", "a dog"]), [true, false, true]);
        let fresh = model.scorer.score("dog", &["a cat"], &TimeLimits::default()).unwrap();
        let remembered = model.score("dog", &["a cat"]).unwrap();
        assert_eq!(fresh[0], Some(remembered[0].with_cached(false)));
    }

    #[test]
    fn positions_reserved_for_padding_are_not_used() {
        let dir = fixture("tiny-bert");
        let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
        let config = br#"{"model_type": "roberta", "max_position_embeddings": 34}"#;
        let (onnx, tokenizer) = (read("onnx/model.onnx"), read("tokenizer.json"));
        let options = CrossEncoderOptions::default()
            .with_threads(1)
            .with_device(Device::Cpu)
            .with_optimization(GraphOptimization::None);
        let bytes = ModelBytes::from_vec("tiny", onnx, &tokenizer, config);
        let model = CrossEncoder::from_bytes(runtime(), bytes, &options).unwrap();
        assert_eq!(model.max_tokens(), 32);
        assert_eq!(model.execution().method, ExecutionMethod::OriginalGraph);
    }
}
