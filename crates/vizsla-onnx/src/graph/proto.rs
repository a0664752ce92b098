//! The parts of the ONNX format that a rewrite looks at. Field numbers are those of `onnx.proto`, version 1.19;
//! messages that are passed through unchanged stay bytes.

use prost::Message;
use prost::bytes::Bytes;

/// Element types of tensors that are read here.
pub(super) mod element {
    pub(in crate::graph) const FLOAT: i32 = 1;
    pub(in crate::graph) const UINT8: i32 = 2;
    pub(in crate::graph) const INT8: i32 = 3;
    pub(in crate::graph) const INT64: i32 = 7;
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Model {
    #[prost(int64, tag = "1")]
    pub(super) ir_version: i64,
    #[prost(string, tag = "2")]
    pub(super) producer_name: String,
    #[prost(string, tag = "3")]
    pub(super) producer_version: String,
    #[prost(string, tag = "4")]
    pub(super) domain: String,
    #[prost(int64, tag = "5")]
    pub(super) version: i64,
    #[prost(message, optional, tag = "7")]
    pub(super) graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    pub(super) opset_import: Vec<OperatorSet>,
    #[prost(bytes = "bytes", repeated, tag = "14")]
    pub(super) metadata: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "25")]
    pub(super) functions: Vec<Bytes>,
}

impl Model {
    /// Whether it is an int8 graph as written by ONNX Runtime's tools, which quantises activations at run time.
    pub(super) fn quantizes_activations(&self) -> bool {
        let nodes = self.graph.iter().flat_map(|graph| &graph.node);
        nodes.into_iter().any(|node| node.op_type == "DynamicQuantizeLinear")
    }
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OperatorSet {
    #[prost(string, tag = "1")]
    pub(super) domain: String,
    #[prost(int64, tag = "2")]
    pub(super) version: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<Node>,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) initializer: Vec<Tensor>,
    #[prost(bytes = "bytes", repeated, tag = "11")]
    pub(super) input: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "12")]
    pub(super) output: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "15")]
    pub(super) sparse_initializer: Vec<Bytes>,
}

/// A `ValueInfoProto`, as far as its name.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ValueName {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub(super) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) output: Vec<String>,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(super) attribute: Vec<Attribute>,
    #[prost(string, tag = "7")]
    pub(super) domain: String,
    #[prost(string, tag = "8")]
    pub(super) overload: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(float, optional, tag = "2")]
    pub(super) float: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    pub(super) int: Option<i64>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub(super) string: Option<Bytes>,
    #[prost(message, optional, tag = "5")]
    pub(super) tensor: Option<Tensor>,
    #[prost(bytes = "bytes", optional, tag = "6")]
    pub(super) graph: Option<Bytes>,
    #[prost(float, repeated, tag = "7")]
    pub(super) floats: Vec<f32>,
    #[prost(int64, repeated, tag = "8")]
    pub(super) ints: Vec<i64>,
    #[prost(bytes = "bytes", repeated, tag = "9")]
    pub(super) strings: Vec<Bytes>,
    #[prost(int32, tag = "20")]
    pub(super) kind: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    pub(super) dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub(super) data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub(super) float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub(super) int32_data: Vec<i32>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub(super) string_data: Vec<Bytes>,
    #[prost(int64, repeated, tag = "7")]
    pub(super) int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub(super) name: String,
    #[prost(bytes = "bytes", tag = "9")]
    pub(super) raw_data: Bytes,
    #[prost(double, repeated, tag = "10")]
    pub(super) double_data: Vec<f64>,
    #[prost(uint64, repeated, tag = "11")]
    pub(super) uint64_data: Vec<u64>,
    #[prost(bytes = "bytes", repeated, tag = "13")]
    pub(super) external_data: Vec<Bytes>,
    #[prost(int32, tag = "14")]
    pub(super) data_location: i32,
}

/// Where a tensor's data is: `StringStringEntryProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Entry {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

impl Tensor {
    /// Its numbers, if they are floats stored in the file itself.
    pub(super) fn floats(&self) -> Option<Vec<f32>> {
        if self.data_type != element::FLOAT || self.data_location != 0 {
            return None;
        }
        let values = if self.raw_data.is_empty() {
            self.float_data.clone()
        } else {
            self.raw_data
                .as_chunks::<4>()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect()
        };
        (values.len() == self.len()?).then_some(values)
    }

    /// Its numbers, if they are 64-bit integers stored in the file itself.
    pub(super) fn integers(&self) -> Option<Vec<i64>> {
        if self.data_type != element::INT64 || self.data_location != 0 {
            return None;
        }
        let values = if self.raw_data.is_empty() {
            self.int64_data.clone()
        } else {
            self.raw_data
                .as_chunks::<8>()
                .0
                .iter()
                .map(|bytes| i64::from_le_bytes(*bytes))
                .collect()
        };
        (values.len() == self.len()?).then_some(values)
    }

    /// Its numbers, if they are signed or unsigned bytes stored in the file itself.
    pub(super) fn bytes(&self) -> Option<Vec<i16>> {
        if self.data_location != 0 {
            return None;
        }
        let values: Vec<i16> = match (self.data_type, self.raw_data.is_empty()) {
            (element::INT8, false) => {
                self.raw_data.iter().map(|b| i16::from(b.cast_signed())).collect()
            }
            (element::UINT8, false) => self.raw_data.iter().map(|b| i16::from(*b)).collect(),
            (element::INT8 | element::UINT8, true) => {
                self.int32_data.iter().map(|v| *v as i16).collect()
            }
            _ => return None,
        };
        (values.len() == self.len()?).then_some(values)
    }

    /// Its numbers, as [`bytes`](Self::bytes), row by row of as many as `less` has, each less that of its column, if all
    /// differences are signed bytes.
    pub(super) fn bytes_less(&self, less: &[i16]) -> Option<Vec<i8>> {
        if self.raw_data.is_empty() || self.data_location != 0 {
            return differences(&self.bytes()?, less, |value| value);
        }
        let values = match self.data_type {
            element::INT8 => differences(&self.raw_data, less, |b| i16::from(b.cast_signed())),
            element::UINT8 => differences(&self.raw_data, less, i16::from),
            _ => None,
        }?;
        (values.len() == self.len()?).then_some(values)
    }

    /// How many numbers its dimensions say.
    pub(super) fn len(&self) -> Option<usize> {
        self.dims
            .iter()
            .try_fold(1usize, |product, dim| product.checked_mul(usize::try_from(*dim).ok()?))
    }
}

/// Whole rows of numbers, each less that of its column, if all fit.
fn differences<T: Copy>(numbers: &[T], less: &[i16], number: impl Fn(T) -> i16) -> Option<Vec<i8>> {
    let mut all = vec![0; numbers.len()];
    let mut fit = true;
    // Without a way out of the loop, which the compiler could not do for many numbers at a time.
    for (row, numbers) in all.chunks_exact_mut(less.len()).zip(numbers.chunks_exact(less.len())) {
        for ((to, from), less) in row.iter_mut().zip(numbers).zip(less) {
            let value = number(*from).wrapping_sub(*less);
            *to = value as i8;
            fit &= i16::from(*to) == value;
        }
    }
    fit.then_some(all)
}
