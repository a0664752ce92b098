//! Large constants that are kept out of a graph, so that all sessions share them: a vocabulary's embeddings would
//! otherwise be copied for each.

use prost::Message;
use prost::bytes::Bytes;

use super::proto::{Entry, Tensor, element};

/// Smaller ones are not worth it.
const LEAST_BYTES: usize = 1 << 16;
/// How ONNX marks a tensor whose data is elsewhere.
const EXTERNAL: i32 = 1;

/// A constant that the graph names, and whoever opens it must supply.
pub(crate) struct SharedTensor {
    pub(crate) name: String,
    pub(crate) dims: Vec<i64>,
    whole: Tensor,
}

/// Numbers of a type that weights have.
pub(crate) enum Numbers {
    Float(Vec<f32>),
    Signed(Vec<i8>),
    Unsigned(Vec<u8>),
}

impl SharedTensor {
    /// Takes the data out of a tensor that is large.
    pub(super) fn take(tensor: &mut Tensor) -> Option<Self> {
        let bytes = match tensor.data_type {
            element::FLOAT => 4,
            element::INT8 | element::UINT8 => 1,
            _ => return None,
        };
        let is_whole = tensor.len()?.checked_mul(bytes)? == tensor.raw_data.len();
        if tensor.raw_data.len() < LEAST_BYTES || tensor.data_location != 0 || !is_whole {
            return None;
        }
        let whole = tensor.clone();
        let place = Entry { key: "location".to_owned(), value: "shared".to_owned() };
        tensor.raw_data = Bytes::new();
        tensor.data_location = EXTERNAL;
        tensor.external_data = vec![place.encode_to_vec().into()];
        Some(Self { name: whole.name.clone(), dims: whole.dims.clone(), whole })
    }

    /// A copy of its numbers, as many as its dimensions say.
    pub(crate) fn numbers(&self) -> Numbers {
        let Tensor { raw_data, data_type, .. } = &self.whole;
        match *data_type {
            element::INT8 => Numbers::Signed(raw_data.iter().map(|b| b.cast_signed()).collect()),
            element::UINT8 => Numbers::Unsigned(raw_data.to_vec()),
            _ => Numbers::Float(self.whole.floats().unwrap_or_default()),
        }
    }
}
