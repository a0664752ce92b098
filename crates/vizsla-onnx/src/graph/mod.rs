//! Makes the graph of a BERT cross-encoder cheaper to run without changing what it computes. In: an ONNX file's bytes.
//! Out: another graph, and the encoder left out of it. Knows nothing of ONNX Runtime.
//!
//! Every pair is run without padding, so the mask is removed, shapes implied by the model become constants, and the
//! last layer computes only the rows that the head reads (a BERT classifier reads the first). An int8 encoder becomes
//! one operator on a processor that can run it. A graph that is not recognised runs as it is.

mod bert;
mod prepared;
mod proto;
mod quantize;
mod reason;
mod shared;

use std::collections::HashSet;
use std::sync::Arc;

use prost::Message;
use prost::bytes::Bytes;

use self::bert::{Bert, Layer, Linear, View, Weights};
pub(crate) use self::prepared::{PreparedGraph, Source, Target};
use self::proto::{Attribute, Graph, Model, Node, OperatorSet, Tensor, ValueName, element};
pub use self::quantize::{QuantizedModel, quantize};
pub(crate) use self::reason::Reason;
pub(crate) use self::shared::{Numbers, SharedTensor};
use crate::cpu::InstructionSet;
use crate::encoder::{
    self, Encoder, EncoderWeights, IntegerWeights, LayerWeights, Norm, Unsupported,
};

/// The domain and name of the operator that replaces the encoder.
pub(crate) const DOMAIN: &str = "vizsla";
pub(crate) const OPERATOR: &str = "BertEncoder";

/// How much of a graph may be replaced. What a model computes stays the same; the levels exist for comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GraphOptimization {
    /// Whatever is fastest here.
    #[default]
    Full,
    /// ONNX Runtime runs all of it, except work that unpadded pairs do not need.
    Simplify,
    /// ONNX Runtime runs the file as it is.
    None,
}

/// How a graph will be run.
enum Plan {
    /// Embeddings and head by ONNX Runtime, the layers between them by the encoder.
    Encoder {
        graph: Bytes,
        shared: Vec<SharedTensor>,
        encoder: Arc<dyn Encoder>,
        instructions: InstructionSet,
    },
    /// Everything by ONNX Runtime, without work that unpadded pairs do not need; holds why the encoder is not used.
    Simplified { graph: Bytes, reason: Reason },
    /// The file unchanged; holds why.
    Unchanged { reason: Reason },
}

/// Finds the best way to run a graph, which is `None` when it could not be decoded. Cost: about a millisecond per
/// megabyte.
fn plan(model: Option<Model>, target: Target) -> Plan {
    if target.optimization == GraphOptimization::None {
        return Plan::Unchanged { reason: Reason::Requested };
    }
    try_plan(model, target).unwrap_or_else(|reason| Plan::Unchanged { reason })
}

fn try_plan(model: Option<Model>, target: Target) -> Result<Plan, Reason> {
    let mut model = model.ok_or(Reason::Structure("it is not an ONNX file"))?;
    let graph = model.graph.as_ref().ok_or(Reason::Structure("it has no graph"))?;
    if graph.initializer.iter().any(|tensor| tensor.data_location != 0) {
        return Err(Reason::Structure("its weights are in another file"));
    }
    let nested = |node: &Node| node.attribute.iter().any(|attribute| attribute.graph.is_some());
    if graph.node.iter().any(nested) || !model.functions.is_empty() {
        return Err(Reason::Structure("its graph contains subgraphs"));
    }
    let view = View::new(graph);
    let bert = view.bert().map_err(Reason::Structure)?;
    let encoder = match target.optimization {
        GraphOptimization::Full => integer_encoder(&bert, target.instructions),
        _ => Err(Reason::Requested),
    };
    let rewritten = match &encoder {
        Ok(_) => with_operator(graph, &bert),
        Err(_) => simplified(graph, &bert),
    };
    model.graph = Some(without_unused_inputs(pruned(rewritten).map_err(Reason::Structure)?));
    let (encoder, instructions) = match encoder {
        Ok(opened) => opened,
        Err(reason) => {
            return Ok(Plan::Simplified { graph: model.encode_to_vec().into(), reason });
        }
    };
    model.opset_import.push(OperatorSet { domain: DOMAIN.to_owned(), version: 1 });
    let tensors = model.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
    let shared = tensors.filter_map(SharedTensor::take).collect();
    Ok(Plan::Encoder { graph: model.encode_to_vec().into(), shared, encoder, instructions })
}

fn integer_encoder(
    bert: &Bert<'_>,
    instructions: Option<InstructionSet>,
) -> Result<(Arc<dyn Encoder>, InstructionSet), Reason> {
    let layers: Vec<LayerWeights> =
        bert.layers.iter().map(layer_weights).collect::<Option<_>>().ok_or(Reason::FloatWeights)?;
    let head_size = bert.layers[0].head_size;
    let layers = EncoderWeights { layers, head_size, first_row_only: bert.first_row_only };
    let instructions = instructions.ok_or(Reason::Encoder(Unsupported::Processor))?;
    let encoder = encoder::open(layers, instructions).map_err(Reason::Encoder)?;
    Ok((encoder, instructions))
}

fn layer_weights(layer: &Layer<'_>) -> Option<LayerWeights> {
    let norm = |norm: &bert::Norm<'_>| {
        Some(Norm {
            weight: norm.weight.floats()?,
            bias: norm.bias.floats()?,
            epsilon: norm.epsilon,
        })
    };
    Some(LayerWeights {
        query: integer_weights(&layer.query)?,
        key: integer_weights(&layer.key)?,
        value: integer_weights(&layer.value)?,
        attention_output: integer_weights(&layer.attention_output)?,
        attention_norm: norm(&layer.attention_norm)?,
        intermediate: integer_weights(&layer.intermediate)?,
        output: integer_weights(&layer.output)?,
        output_norm: norm(&layer.output_norm)?,
    })
}

/// Weights as zero-centred signed bytes, if they are integers and fit.
fn integer_weights(linear: &Linear<'_>) -> Option<IntegerWeights> {
    let Weights::Integer { values, zero_point, scale, .. } = linear.weights else { return None };
    let [inputs, outputs] = values.dims[..] else { return None };
    let (inputs, outputs) = (usize::try_from(inputs).ok()?, usize::try_from(outputs).ok()?);
    (outputs > 0).then_some(())?;
    let zero_points = match zero_point {
        Some(tensor) => spread(tensor.bytes()?, outputs)?,
        None => vec![0; outputs],
    };
    let values = values.bytes_less(&zero_points)?;
    let bias = linear.bias.floats()?;
    Some(IntegerWeights {
        inputs,
        outputs,
        values,
        scales: spread(scale.floats()?, outputs)?,
        bias,
    })
}

/// One for all outputs, or one for each.
fn spread<T: Clone>(values: Vec<T>, outputs: usize) -> Option<Vec<T>> {
    match values.as_slice() {
        [one] => Some(vec![one.clone(); outputs]),
        _ => (values.len() == outputs).then_some(values),
    }
}

/// The graph with one operator in place of all layers.
fn with_operator(graph: &Graph, bert: &Bert<'_>) -> Graph {
    let (first, last) = (&bert.layers[0], &bert.layers[bert.layers.len() - 1]);
    let mut graph = graph.clone();
    graph.node[last.result_node] = Node {
        input: vec![first.input.to_owned()],
        output: vec![last.result.to_owned()],
        name: OPERATOR.to_owned(),
        op_type: OPERATOR.to_owned(),
        domain: DOMAIN.to_owned(),
        ..Node::default()
    };
    graph
}

/// The graph without masks and computed shapes, its last layer reduced to the rows that are read.
fn simplified(original: &Graph, bert: &Bert<'_>) -> Graph {
    const SPLIT: &str = "vizsla/split_heads";
    const JOIN: &str = "vizsla/join_heads";
    const SCALE: &str = "vizsla/scale";
    let mut graph = original.clone();
    let first = &bert.layers[0];
    let (heads, head_size) = (first.heads as i64, first.head_size as i64);
    graph.initializer.extend([
        integers(SPLIT, &[0, 0, heads, head_size]),
        integers(JOIN, &[0, 0, heads * head_size]),
        scalar(SCALE, (first.head_size as f32).powf(-0.25)),
    ]);
    for layer in &bert.layers {
        layer.scores.clone_into(&mut graph.node[layer.softmax].input[0]);
        for node in layer.split_heads {
            SPLIT.clone_into(&mut graph.node[node].input[1]);
        }
        JOIN.clone_into(&mut graph.node[layer.join_heads].input[1]);
        for (node, factor) in &layer.scaling {
            replace(&mut graph.node[*node], factor, SCALE);
        }
    }
    if bert.first_row_only {
        read_first_rows(&mut graph, original, &bert.layers[bert.layers.len() - 1]);
    }
    graph
}

/// Restricts the last layer to the first row of each sequence: one query, one residual.
fn read_first_rows(graph: &mut Graph, original: &Graph, layer: &Layer<'_>) {
    const FIRST: &str = "vizsla/first";
    const ROWS: &str = "vizsla/first_rows";
    graph.initializer.push(integers(FIRST, &[0]));
    replace(&mut graph.node[layer.attention_add], layer.input, ROWS);
    let mut gather = node("Gather", &[layer.input, FIRST], &[ROWS]);
    gather.attribute.push(int_attribute("axis", 1));
    let mut nodes = vec![gather];
    let query = &layer.query;
    let mut at = query.matmul.min(layer.attention_add);
    match query.weights {
        Weights::Float => replace(&mut graph.node[query.matmul], layer.input, ROWS),
        Weights::Integer { scales, .. } => {
            const QUANTIZED: [&str; 3] =
                ["vizsla/first_rows_8", "vizsla/first_rows_scale", "vizsla/first_rows_zero"];
            let bytes = &original.node[query.matmul].input[0];
            let quantizer = original.node.iter().find(|node| node.output.first() == Some(bytes));
            for (old, new) in quantizer.into_iter().flat_map(|node| &node.output).zip(QUANTIZED) {
                replace(&mut graph.node[query.matmul], old, new);
                replace(&mut graph.node[scales], old, new);
            }
            nodes.push(node("DynamicQuantizeLinear", &[ROWS], &QUANTIZED));
            at = at.min(scales);
        }
    }
    graph.node.splice(at..at, nodes);
}

/// The graph without nodes and weights on which no output depends.
fn pruned(mut graph: Graph) -> Result<Graph, &'static str> {
    let mut wanted: HashSet<String> = graph
        .output
        .iter()
        .map(|output| ValueName::decode(output.clone()).map(|value| value.name))
        .collect::<Result<_, _>>()
        .map_err(|_| "its outputs cannot be read")?;
    let mut kept = Vec::with_capacity(graph.node.len());
    // Nodes are in execution order, so walking backwards meets a consumer before its inputs.
    for node in graph.node.into_iter().rev() {
        if node.output.iter().any(|output| wanted.contains(output)) {
            wanted.extend(node.input.iter().cloned());
            kept.push(node);
        }
    }
    kept.reverse();
    graph.node = kept;
    graph.initializer.retain(|tensor| wanted.contains(&tensor.name));
    Ok(graph)
}

/// The graph without inputs that are no longer read, such as the mask: callers need not supply them.
fn without_unused_inputs(mut graph: Graph) -> Graph {
    let read: HashSet<&str> =
        graph.node.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    let is_read = |input: &Bytes| {
        ValueName::decode(input.clone()).map_or(true, |value| read.contains(value.name.as_str()))
    };
    let inputs = graph.input.iter().filter(|input| is_read(input)).cloned().collect();
    graph.input = inputs;
    graph
}

fn replace(node: &mut Node, old: &str, new: &str) {
    for input in node.input.iter_mut().filter(|input| *input == old) {
        new.clone_into(input);
    }
}

fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> Node {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Node {
        input: owned(inputs),
        output: owned(outputs),
        name: outputs[0].to_owned(),
        op_type: operator.to_owned(),
        ..Node::default()
    }
}

fn int_attribute(name: &str, value: i64) -> Attribute {
    const INT: i32 = 2;
    Attribute { name: name.to_owned(), int: Some(value), kind: INT, ..Attribute::default() }
}

fn integers(name: &str, values: &[i64]) -> Tensor {
    Tensor {
        name: name.to_owned(),
        dims: vec![values.len() as i64],
        data_type: element::INT64,
        int64_data: values.to_vec(),
        ..Tensor::default()
    }
}

fn scalar(name: &str, value: f32) -> Tensor {
    Tensor {
        name: name.to_owned(),
        data_type: element::FLOAT,
        float_data: vec![value],
        ..Tensor::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::testing::fixture;

    fn tiny_bert() -> Model {
        let file = fixture("tiny-bert").join("onnx/model.onnx");
        Model::decode(Bytes::from(std::fs::read(file).unwrap())).unwrap()
    }

    fn plan_of(bytes: Bytes) -> Plan {
        plan(Model::decode(bytes).ok(), Target::new(Device::Cpu, GraphOptimization::Full))
    }

    fn reason(model: &Model) -> String {
        match plan_of(Bytes::from(model.encode_to_vec())) {
            Plan::Encoder { .. } => "an encoder".to_owned(),
            Plan::Simplified { .. } => "simplified".to_owned(),
            Plan::Unchanged { reason } => reason.to_string(),
        }
    }

    #[test]
    fn a_position_bias_is_not_mistaken_for_a_mask() {
        let mut model = tiny_bert();
        assert_eq!(reason(&model), "simplified");
        let graph = model.graph.as_mut().unwrap();
        let softmax = graph.node.iter().position(|node| node.op_type == "Softmax").unwrap();
        let sum = graph.node[softmax].input[0].clone();
        let masked = graph.node.iter_mut().find(|node| node.output[0] == sum).unwrap();
        "bias".clone_into(&mut masked.input[1]);
        let bias = Tensor { name: "bias".to_owned(), dims: vec![1, 2, 1, 8], ..Tensor::default() };
        graph.initializer.push(bias);
        assert!(reason(&model).contains("attention of a form other"), "{}", reason(&model));
    }

    #[test]
    fn a_file_that_is_not_a_model_is_left_to_onnx_runtime() {
        assert_eq!(reason(&Model::default()), "it has no graph");
        for bytes in [&b"no model"[..], b"\x08\x08\x3a\xff"] {
            assert!(matches!(plan_of(Bytes::copy_from_slice(bytes)), Plan::Unchanged { .. }));
        }
    }

    #[test]
    fn no_part_of_a_broken_file_makes_the_recogniser_fail() {
        let whole = tiny_bert().encode_to_vec();
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..200 {
            let mut bytes = whole.clone();
            // Mostly in the nodes, which come first in the file.
            let at = rng.usize(..40_000);
            bytes[at] = rng.u8(..);
            let _ = plan_of(Bytes::from(bytes));
        }
    }
}
