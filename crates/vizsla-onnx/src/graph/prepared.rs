//! A model's graph, ready to be opened once per session. In: an ONNX file's bytes, the device, and how much may be
//! replaced. Out: what to open and how it will run. Knows nothing of ONNX Runtime.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;
use prost::bytes::Bytes;

use super::proto::Model;
use super::{GraphOptimization, Plan, Reason, SharedTensor, plan};
use crate::cpu::InstructionSet;
use crate::device::Device;
use crate::encoder::Encoder;
use crate::execution::{Execution, ExecutionMethod};

/// A graph to be opened; whatever holds for all sessions is determined once.
pub(crate) struct PreparedGraph {
    name: String,
    /// Whether activations are quantised at run time.
    is_int8: bool,
    source: Source,
    shared: Vec<SharedTensor>,
    encoder: Option<Arc<dyn Encoder>>,
    execution: Execution,
}

/// What a graph is prepared for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) device: Device,
    pub(crate) optimization: GraphOptimization,
    /// What the encoder runs on, where it is used; `None` where this processor has nothing for it.
    pub(crate) instructions: Option<InstructionSet>,
}

impl Target {
    /// With the fastest instructions that this processor has.
    pub(crate) fn new(device: Device, optimization: GraphOptimization) -> Self {
        Self { device, optimization, instructions: InstructionSet::best() }
    }
}

/// What ONNX Runtime is to open.
pub(crate) enum Source {
    /// A file, possibly with external data beside it.
    File(PathBuf),
    /// A whole graph.
    Bytes(Bytes),
}

impl PreparedGraph {
    /// A graph named `name`, with the content of `file` if it comes from one.
    pub(crate) fn new(name: String, bytes: Bytes, file: Option<&Path>, target: Target) -> Self {
        let model = Model::decode(bytes.clone()).ok();
        let is_int8 = model.as_ref().is_some_and(Model::quantizes_activations);
        let device = target.device;
        let plan = if device == Device::Cpu {
            plan(model, target)
        } else {
            Plan::Unchanged { reason: Reason::Device }
        };
        let mut shared = Vec::new();
        let (source, encoder, method, reason) = match plan {
            Plan::Encoder { graph, shared: tensors, encoder, instructions } => {
                shared = tensors;
                let method = ExecutionMethod::Encoder(instructions);
                (Source::Bytes(graph), Some(encoder), method, None)
            }
            Plan::Simplified { graph, reason } => {
                (Source::Bytes(graph), None, ExecutionMethod::SimplifiedGraph, Some(reason))
            }
            Plan::Unchanged { reason } => {
                let source =
                    file.map_or(Source::Bytes(bytes), |file| Source::File(file.to_owned()));
                (source, None, ExecutionMethod::OriginalGraph, Some(reason))
            }
        };
        let reason = reason.map(|reason| reason.to_string());
        let execution = Execution { method, device, reason, unavailable: Vec::new() };
        Self { name, is_int8, source, shared, encoder, execution }
    }

    /// Its name in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn device(&self) -> Device {
        self.execution.device
    }

    pub(crate) fn is_int8(&self) -> bool {
        self.is_int8
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Constants that the graph names and does not hold.
    pub(crate) fn shared(&self) -> &[SharedTensor] {
        &self.shared
    }

    pub(crate) fn encoder(&self) -> Option<&Arc<dyn Encoder>> {
        self.encoder.as_ref()
    }

    /// Whether pairs are run in padded batches.
    pub(crate) fn in_batches(&self) -> bool {
        self.execution.device != Device::Cpu
    }

    /// Whether a graph must have a mask to be a cross-encoder; one rewritten for unpadded pairs has none.
    pub(crate) fn needs_mask(&self) -> bool {
        self.execution.method == ExecutionMethod::OriginalGraph
    }

    /// How it will be run.
    pub(crate) fn execution(&self) -> &Execution {
        &self.execution
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    fn prepared(file: &str, device: Device) -> PreparedGraph {
        let bytes = std::fs::read(fixture("tiny-bert").join(file)).unwrap();
        let target = Target::new(device, GraphOptimization::Full);
        PreparedGraph::new("tiny".to_owned(), bytes.into(), None, target)
    }

    #[test]
    fn integer_graphs_are_recognised_by_their_operators() {
        assert!(prepared("onnx/model_quint8_avx2.onnx", Device::Cpu).is_int8());
        assert!(!prepared("onnx/model.onnx", Device::Cpu).is_int8());
    }

    #[test]
    fn a_rewritten_graph_has_no_mask() {
        assert!(!prepared("onnx/model.onnx", Device::Cpu).needs_mask());
        let on_cuda = prepared("onnx/model.onnx", Device::Cuda(0));
        assert!(on_cuda.needs_mask() && on_cuda.in_batches());
        assert!(
            on_cuda.execution().to_string().starts_with("cuda:0: ONNX Runtime, graph as it is")
        );
    }

    #[test]
    fn large_constants_are_kept_out_of_the_graph() {
        let target = Target {
            instructions: Some(InstructionSet::Portable),
            ..Target::new(Device::Cpu, GraphOptimization::Full)
        };
        let onnx = Bytes::from_static(vizsla_bundled::ONNX);
        let graph = PreparedGraph::new("bundled".to_owned(), onnx, None, target);
        let Source::Bytes(rest) = graph.source() else { panic!("it comes from a file") };
        let shared: Vec<&[i64]> = graph.shared().iter().map(|tensor| &*tensor.dims).collect();
        assert!(shared.contains(&[30_522, 384].as_slice()), "{shared:?}");
        assert!(rest.len() < 1 << 20, "{} bytes are left", rest.len());
    }
}
