//! A cross-encoder's parts in memory.

use std::fmt;

use prost::bytes::Bytes;

/// A cross-encoder's parts in memory, for [`CrossEncoder::from_bytes`](crate::CrossEncoder::from_bytes).
#[derive(Clone)]
pub struct ModelBytes<'a> {
    pub(crate) name: &'a str,
    pub(crate) onnx: Bytes,
    pub(crate) tokenizer: &'a [u8],
    pub(crate) config: &'a [u8],
}

impl<'a> ModelBytes<'a> {
    /// The parts: the model's name in reports, the ONNX graph with its weights, `tokenizer.json` and `config.json`.
    /// Cost: the graph is copied; see [`from_static`](Self::from_static) and [`from_vec`](Self::from_vec) for two ways
    /// to avoid that.
    pub fn new(name: &'a str, onnx: &[u8], tokenizer: &'a [u8], config: &'a [u8]) -> Self {
        Self { name, onnx: Bytes::copy_from_slice(onnx), tokenizer, config }
    }

    /// As [`new`](Self::new), with a graph embedded in the program. Cost: none.
    pub fn from_static(
        name: &'a str,
        onnx: &'static [u8],
        tokenizer: &'a [u8],
        config: &'a [u8],
    ) -> Self {
        Self { name, onnx: Bytes::from_static(onnx), tokenizer, config }
    }

    /// As [`new`](Self::new), with a graph passed by value. Cost: none.
    pub fn from_vec(name: &'a str, onnx: Vec<u8>, tokenizer: &'a [u8], config: &'a [u8]) -> Self {
        Self { name, onnx: Bytes::from(onnx), tokenizer, config }
    }
}

impl fmt::Debug for ModelBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelBytes")
            .field("name", &self.name)
            .field("onnx", &self.onnx.len())
            .finish_non_exhaustive()
    }
}
