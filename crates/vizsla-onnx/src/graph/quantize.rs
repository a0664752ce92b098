//! Makes an int8 graph from a float one: per-channel dynamic quantisation as by ONNX Runtime's own tools. In: an ONNX
//! file's bytes. Out: those of another.

use std::collections::HashMap;

use prost::Message;
use prost::bytes::Bytes;

use super::bert::View;
use super::proto::{Graph, Model, Node, Tensor, element};
use super::{node, pruned};
use crate::error::{Error, ErrorKind};

/// Tables with at least this many rows are quantised: the vocabulary, but not positions and types, which are small and
/// enter every sum.
const TABLE_ROWS: i64 = 4096;

/// An ONNX file with 8-bit weights.
#[derive(Debug)]
#[non_exhaustive]
pub struct QuantizedModel {
    /// The file.
    pub onnx: Vec<u8>,
    /// How many matrices were quantised.
    pub matrices: usize,
}

/// Quantises the weights of every matrix product and of the vocabulary table to signed bytes, with a scale for each
/// output or word. Activations are quantised at run time. Everything else (biases, normalisation, a classifier's small
/// head) stays in floats. Cost: about a second for 90 MB.
///
/// # Errors
/// [`ErrorKind::ModelFile`] when it is not an ONNX file with its weights in it, [`ErrorKind::UnsupportedModel`] when it
/// contains nothing to quantise.
pub fn quantize(onnx: Vec<u8>) -> Result<QuantizedModel, Error> {
    let broken = || Error::new(ErrorKind::ModelFile, "the file to quantise is not an ONNX file");
    let mut model =
        Model::decode(Bytes::from(onnx)).map_err(|error| broken().with_source(error))?;
    let graph = model.graph.take().ok_or_else(broken)?;
    if graph.initializer.iter().any(|tensor| tensor.data_location != 0) {
        return Err(Error::new(
            ErrorKind::ModelFile,
            "the weights of the file to quantise are in another file; export the model as one file",
        ));
    }
    let (graph, matrices) = quantized(&graph);
    if matrices == 0 {
        return Err(Error::new(
            ErrorKind::UnsupportedModel,
            "the file to quantise has no matrix product with fp32 weights: is it quantised already, or fp16?",
        ));
    }
    let graph = pruned(graph).map_err(|reason| Error::new(ErrorKind::ModelFile, reason))?;
    model.graph = Some(graph);
    Ok(QuantizedModel { onnx: model.encode_to_vec(), matrices })
}

fn quantized(graph: &Graph) -> (Graph, usize) {
    let view = View::new(graph);
    let mut out = Graph { node: Vec::with_capacity(graph.node.len() * 2), ..graph.clone() };
    out.node.clear();
    // Several products often read the same activations.
    let mut inputs: HashMap<&str, [String; 3]> = HashMap::new();
    let mut matrices = 0;
    for original in &graph.node {
        let weights = |at: usize| {
            let is_usable = !original.output.is_empty() && original.input.len() > 1;
            is_usable.then(|| matrix(&view, original, at))?
        };
        match (original.op_type.as_str(), weights(0), weights(1)) {
            ("MatMul", None, Some((rows, columns, values))) => {
                let bytes = inputs.entry(&original.input[0]).or_insert_with_key(|name| {
                    let parts =
                        ["quantized", "scale", "zero_point"].map(|part| format!("{name}_{part}"));
                    let names = parts.each_ref().map(String::as_str);
                    out.node.push(node("DynamicQuantizeLinear", &[name], &names));
                    parts
                });
                let weights = Weights::by_column(&values, rows, columns);
                multiply(&mut out, original, bytes, &weights);
                matrices += 1;
            }
            ("Gather", Some((rows, columns, values)), _)
                if rows as i64 >= TABLE_ROWS
                    && original.attribute.iter().all(|a| a.int == Some(0)) =>
            {
                look_up(&mut out, original, &Weights::by_row(&values, rows, columns));
                matrices += 1;
            }
            _ => out.node.push(original.clone()),
        }
    }
    (out, matrices)
}

/// Rows, columns and numbers of a constant input.
fn matrix(view: &View<'_>, node: &Node, input: usize) -> Option<(usize, usize, Vec<f32>)> {
    let tensor = view.constant(node, input)?;
    let [rows, columns] = tensor.dims[..] else { return None };
    let columns = usize::try_from(columns).ok().filter(|columns| *columns > 0)?;
    Some((usize::try_from(rows).ok()?, columns, tensor.floats()?))
}

/// Signed bytes, and the value of one unit in each column or row.
struct Weights {
    rows: usize,
    columns: usize,
    bytes: Vec<u8>,
    scales: Vec<f32>,
}

impl Weights {
    fn by_column(values: &[f32], rows: usize, columns: usize) -> Self {
        let mut scales = vec![0f32; columns];
        for row in values.chunks_exact(columns) {
            for (scale, value) in scales.iter_mut().zip(row) {
                *scale = scale.max(value.abs());
            }
        }
        scales.iter_mut().for_each(|scale| *scale = unit(*scale));
        let bytes = values.chunks_exact(columns).flat_map(|row| row.iter().zip(&scales));
        let bytes = bytes.map(|(value, scale)| byte(*value, *scale)).collect();
        Self { rows, columns, bytes, scales }
    }

    fn by_row(values: &[f32], rows: usize, columns: usize) -> Self {
        let largest = |row: &[f32]| row.iter().fold(0f32, |most, value| most.max(value.abs()));
        let scales: Vec<f32> = values.chunks_exact(columns).map(|row| unit(largest(row))).collect();
        let bytes = values
            .chunks_exact(columns)
            .zip(&scales)
            .flat_map(|(row, scale)| row.iter().map(|value| byte(*value, *scale)))
            .collect();
        Self { rows, columns, bytes, scales }
    }
}

fn unit(largest: f32) -> f32 {
    if largest > 0.0 { largest / 127.0 } else { 1.0 }
}

fn byte(value: f32, scale: f32) -> u8 {
    ((value / scale).round_ties_even() as i8).cast_unsigned()
}

fn multiply(out: &mut Graph, original: &Node, input: &[String; 3], weights: &Weights) {
    let name = &original.output[0];
    let part = |part: &str| format!("{name}_{part}");
    let [bytes, scale, zero_point] = input.each_ref().map(String::as_str);
    let names = ["weight_quantized", "weight_scale", "weight_zero_point"].map(part);
    let [values, scales, zeros] = names.each_ref().map(String::as_str);
    let columns = weights.columns as i64;
    out.initializer.extend([
        int8(values, vec![weights.rows as i64, columns], weights.bytes.clone()),
        floats(scales, vec![columns], &weights.scales),
        int8(zeros, vec![columns], vec![0; weights.columns]),
    ]);
    let names = ["sum", "sum_float", "scale"].map(part);
    let [sum, cast, product] = names.each_ref().map(String::as_str);
    out.node.extend([
        node("MatMulInteger", &[bytes, values, zero_point, zeros], &[sum]),
        to_float(sum, cast),
        node("Mul", &[scale, scales], &[product]),
        node("Mul", &[cast, product], &[name]),
    ]);
}

fn look_up(out: &mut Graph, original: &Node, weights: &Weights) {
    let name = &original.output[0];
    let ids = original.input[1].as_str();
    let names = ["table_quantized", "table_scale", "bytes", "bytes_float", "scale"]
        .map(|part| format!("{name}_{part}"));
    let [values, scales, bytes, cast, scale] = names.each_ref().map(String::as_str);
    let rows = weights.rows as i64;
    out.initializer.extend([
        int8(values, vec![rows, weights.columns as i64], weights.bytes.clone()),
        floats(scales, vec![rows, 1], &weights.scales),
    ]);
    out.node.extend([
        node("Gather", &[values, ids], &[bytes]),
        to_float(bytes, cast),
        node("Gather", &[scales, ids], &[scale]),
        node("Mul", &[cast, scale], &[name]),
    ]);
}

fn to_float(from: &str, to: &str) -> Node {
    let mut cast = node("Cast", &[from], &[to]);
    cast.attribute.push(super::int_attribute("to", i64::from(element::FLOAT)));
    cast
}

fn int8(name: &str, dims: Vec<i64>, bytes: Vec<u8>) -> Tensor {
    Tensor {
        name: name.to_owned(),
        dims,
        data_type: element::INT8,
        raw_data: bytes.into(),
        ..Tensor::default()
    }
}

fn floats(name: &str, dims: Vec<i64>, values: &[f32]) -> Tensor {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Tensor {
        name: name.to_owned(),
        dims,
        data_type: element::FLOAT,
        raw_data: bytes.into(),
        ..Tensor::default()
    }
}
