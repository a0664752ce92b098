//! How a cross-encoder is to be run: what callers may choose.

use crate::device::Device;
use crate::graph::GraphOptimization;

/// How to run a cross-encoder.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CrossEncoderOptions {
    pub(crate) threads: Option<usize>,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) file: Option<String>,
    pub(crate) optimization: GraphOptimization,
    pub(crate) device: Device,
    pub(crate) name: Option<String>,
    pub(crate) cache: usize,
}

impl Default for CrossEncoderOptions {
    fn default() -> Self {
        Self {
            threads: None,
            max_tokens: None,
            file: None,
            optimization: GraphOptimization::default(),
            device: Device::default(),
            name: None,
            cache: Self::DEFAULT_CACHE,
        }
    }
}

impl CrossEncoderOptions {
    /// How many scores are remembered by default.
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
    pub fn with_optimization(mut self, optimization: GraphOptimization) -> Self {
        self.optimization = optimization;
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
}
