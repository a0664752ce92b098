//! How to run a cross-encoder: the caller's options.

use crate::cpu::InstructionSet;
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
    pub(crate) instructions: Option<InstructionSet>,
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
            instructions: None,
            device: Device::default(),
            name: None,
            cache: Self::DEFAULT_CACHE,
        }
    }
}

impl CrossEncoderOptions {
    /// How many scores are cached by default.
    pub const DEFAULT_CACHE: usize = 1 << 16;

    /// Sets the number of scoring threads, each with its own session. Memory: the encoder of an int8 BERT is shared,
    /// and each thread adds about 25 MB for a model of 23 MB; any other model is copied for each thread. The default is
    /// the number of physical cores that the process may use, at most 16.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// Limits the tokens read at a time to fewer than the model could read: longer passages are read in more windows.
    pub fn with_max_tokens(mut self, tokens: usize) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Which ONNX file of a model directory to use, relative to it, instead of the best one for this processor.
    pub fn with_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Sets how much of the model's graph may be replaced by something faster.
    pub fn with_optimization(mut self, optimization: GraphOptimization) -> Self {
        self.optimization = optimization;
        self
    }

    /// Which instructions the int8 encoder uses, instead of the fastest that this processor has. Scores differ by rounding
    /// at most; for tests and comparisons. Opening fails where the processor lacks them.
    pub fn with_instructions(mut self, instructions: InstructionSet) -> Self {
        self.instructions = Some(instructions);
        self
    }

    /// What the model runs on. On a device other than the processor, pairs are run in padded batches, and a score's
    /// last digits may depend on what else is in the batch.
    pub fn with_device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// The model's name in reports, instead of its folder's name.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets how many scores are cached, so that a repeated passage is not read again; 0 for none. About 100 bytes each.
    /// Scores do not depend on it.
    pub fn with_cache(mut self, scores: usize) -> Self {
        self.cache = scores;
        self
    }

    /// The requested ONNX file, if any.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The name given to the model, if any.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The device the model should run on.
    pub fn device(&self) -> Device {
        self.device
    }
}
