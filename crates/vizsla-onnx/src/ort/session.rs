//! One graph, opened to run on one thread. In: pairs of token ids. Out: logits.

use std::sync::Arc;

use ::ort::session::builder::SessionBuilder;
use ::ort::session::{Session as OrtSession, SessionInputValue};
use ::ort::value::{DynValue, Outlet, Tensor, TensorElementType, TensorRef, ValueType};
use vizsla_core::BoxError;

use super::provider::{needs, provider};
use super::{Runtime, operator};
use crate::cpu::Cpu;
use crate::error::{Error, ErrorKind};
use crate::graph::{Numbers, PreparedGraph, Source};
use crate::pair::Pair;

const IDS: &str = "input_ids";
const MASK: &str = "attention_mask";
const TYPE_IDS: &str = "token_type_ids";

/// The constants that all sessions of a graph share.
pub(crate) struct SharedValues(Vec<(String, Arc<DynValue>)>);

impl SharedValues {
    /// Cost: one copy of each.
    pub(crate) fn new(graph: &PreparedGraph) -> Result<Self, Error> {
        let values = graph.shared().iter().map(|tensor| {
            let dims = tensor.dims.clone();
            let value = match tensor.numbers() {
                Numbers::Float(numbers) => Tensor::from_array((dims, numbers))?.into_dyn(),
                Numbers::Signed(numbers) => Tensor::from_array((dims, numbers))?.into_dyn(),
                Numbers::Unsigned(numbers) => Tensor::from_array((dims, numbers))?.into_dyn(),
            };
            Ok((tensor.name.clone(), Arc::new(value)))
        });
        values.collect::<::ort::Result<_>>().map(Self).map_err(|error| {
            let message = format!("cannot hold the constants of {}", graph.name());
            Error::new(ErrorKind::Runtime, message).with_source(error)
        })
    }
}

/// One graph ready to run on the calling thread.
pub(crate) struct Session {
    opened: OrtSession,
    inputs: Inputs,
    /// The mask of a pair without padding, kept so that it is not rebuilt for each.
    ones: Vec<i64>,
}

/// The inputs of a graph besides token ids.
#[derive(Clone, Copy)]
struct Inputs {
    mask: bool,
    type_ids: bool,
}

impl Session {
    /// Prepares a graph, or reports why it is not a cross-encoder. Work runs only on the calling thread: parallelism
    /// comes from one session per core, which beats one session over all cores.
    pub(crate) fn open(
        runtime: Runtime,
        graph: &PreparedGraph,
        shared: &SharedValues,
    ) -> Result<Self, Error> {
        let session = commit(runtime, graph, shared).map_err(|error| {
            let device = graph.device();
            let (message, kind) = match needs(device) {
                None => ("with ONNX Runtime".to_owned(), ErrorKind::UnsupportedModel),
                Some(needs) => (format!("on {device} ({needs})"), ErrorKind::Runtime),
            };
            Error::new(kind, format!("cannot open {} {message}", graph.name())).with_source(error)
        })?;
        let inputs = check_inputs(&session, graph.needs_mask())?;
        check_outputs(&session)?;
        Ok(Self { opened: session, inputs, ones: Vec::new() })
    }

    /// The logit of each pair: the model's single output, or with two outputs their difference, whose sigmoid is the
    /// softmax probability of the second. Pairs of different lengths are padded. Every logit is finite.
    pub(crate) fn run(&mut self, pairs: &[&Pair]) -> Result<Vec<f32>, Error> {
        self.try_run(pairs).map_err(|error| {
            let longest = longest(pairs);
            let message =
                format!("the model failed on {} pairs of up to {longest} tokens", pairs.len());
            Error::new(ErrorKind::Inference, message).with_source(error)
        })
    }

    fn try_run(&mut self, pairs: &[&Pair]) -> Result<Vec<f32>, BoxError> {
        if let [pair] = pairs {
            let tokens = pair.ids.len();
            if self.ones.len() < tokens {
                self.ones.resize(tokens, 1);
            }
            let batch = Batch {
                shape: [1, tokens],
                ids: &pair.ids,
                type_ids: &pair.type_ids,
                mask: &self.ones[..tokens],
            };
            return logits(&mut self.opened, self.inputs, &batch);
        }
        let longest = longest(pairs);
        // The content of padding does not matter: the mask hides it.
        let padded = |part: fn(&Pair) -> &[i64]| -> Vec<i64> {
            let padding = |pair: &Pair| std::iter::repeat_n(0, longest - pair.ids.len());
            pairs.iter().flat_map(|pair| part(pair).iter().copied().chain(padding(pair))).collect()
        };
        let is_token = |pair: &&Pair| {
            let tokens = pair.ids.len();
            (0..longest).map(move |i| i64::from(i < tokens))
        };
        let batch = Batch {
            shape: [pairs.len(), longest],
            ids: &padded(|pair| &pair.ids),
            type_ids: &padded(|pair| &pair.type_ids),
            mask: &pairs.iter().flat_map(is_token).collect::<Vec<i64>>(),
        };
        logits(&mut self.opened, self.inputs, &batch)
    }
}

fn longest(pairs: &[&Pair]) -> usize {
    pairs.iter().map(|pair| pair.ids.len()).max().unwrap_or(0)
}

/// The values of all inputs that a graph may have, each pairs × tokens.
struct Batch<'a> {
    shape: [usize; 2],
    ids: &'a [i64],
    type_ids: &'a [i64],
    mask: &'a [i64],
}

fn logits(
    session: &mut OrtSession,
    wanted: Inputs,
    batch: &Batch<'_>,
) -> Result<Vec<f32>, BoxError> {
    let tensor = |numbers| -> ::ort::Result<SessionInputValue<'_>> {
        Ok(TensorRef::from_array_view((batch.shape, numbers))?.into())
    };
    let mut inputs = Vec::with_capacity(3);
    inputs.push((IDS, tensor(batch.ids)?));
    if wanted.mask {
        inputs.push((MASK, tensor(batch.mask)?));
    }
    if wanted.type_ids {
        inputs.push((TYPE_IDS, tensor(batch.type_ids)?));
    }
    let outputs = session.run(inputs)?;
    let (_, numbers) = outputs[0].try_extract_tensor::<f32>()?;
    let pairs = batch.shape[0];
    let logits: Vec<f32> = match numbers.len().checked_div(pairs) {
        Some(1) => numbers.to_vec(),
        Some(2) => numbers.as_chunks::<2>().0.iter().map(|[no, yes]| yes - no).collect(),
        _ => {
            return Err(format!(
                "it gave {} numbers for {pairs} pairs; a cross-encoder gives one or two for each",
                numbers.len(),
            )
            .into());
        }
    };
    match logits.iter().find(|logit| !logit.is_finite()) {
        Some(logit) => Err(format!("it gave {logit}, which cannot be ranked").into()),
        None => Ok(logits),
    }
}

fn commit(
    runtime: Runtime,
    graph: &PreparedGraph,
    shared: &SharedValues,
) -> ::ort::Result<OrtSession> {
    let mut builder: SessionBuilder =
        OrtSession::builder(runtime.environment())?.with_intra_threads(1)?;
    if let Some(provider) = provider(graph.device()) {
        builder = builder.with_execution_providers([provider.dispatch.error_on_failure()])?;
    } else if graph.is_int8() {
        // On int8 graphs the fused form is slower; see this crate's README for figures.
        builder = builder.with_disabled_optimizers("SkipLayerNormFusion")?;
        if !Cpu::detect().exact_int8 {
            builder = builder.with_config_entry("session.x64quantprecision", "1")?;
        }
    }
    for (name, value) in &shared.0 {
        builder = builder.with_external_initializer(name, Arc::clone(value))?;
    }
    let mut one_at_a_time = None;
    if let Some(encoder) = graph.encoder() {
        let (with_encoder, lock) = operator::add(builder, encoder)?;
        (builder, one_at_a_time) = (with_encoder, Some(lock));
    }
    let session = match graph.source() {
        Source::File(path) => builder.commit_from_file(path),
        Source::Bytes(bytes) => builder.commit_from_memory(bytes),
    };
    drop(one_at_a_time);
    session
}

fn check_inputs(session: &OrtSession, needs_mask: bool) -> Result<Inputs, Error> {
    let names: Vec<&str> = session.inputs().iter().map(Outlet::name).collect();
    let inputs = Inputs { mask: names.contains(&MASK), type_ids: names.contains(&TYPE_IDS) };
    let of_ids = |input: &Outlet| {
        matches!(input.dtype(), ValueType::Tensor { ty: TensorElementType::Int64, .. })
    };
    if names.contains(&IDS)
        && (inputs.mask || !needs_mask)
        && names.iter().all(|name| [IDS, MASK, TYPE_IDS].contains(name))
        && session.inputs().iter().all(of_ids)
    {
        return Ok(inputs);
    }
    let message = format!(
        "this ONNX file is not a cross-encoder: its inputs are {}, where one has input_ids, attention_mask and perhaps \
         token_type_ids, all int64; export the model for text classification",
        names.join(", ")
    );
    Err(Error::new(ErrorKind::UnsupportedModel, message))
}

fn check_outputs(session: &OrtSession) -> Result<(), Error> {
    let describe = |output: &Outlet| format!("{} {}", output.name(), output.dtype());
    let fits = |output: &Outlet| match output.dtype() {
        ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } => match shape.as_ref() {
            [_] => true,
            [_, labels] => *labels <= 2,
            _ => false,
        },
        _ => false,
    };
    match session.outputs() {
        [output, ..] if fits(output) => Ok(()),
        outputs => Err(Error::new(
            ErrorKind::UnsupportedModel,
            format!(
                "this ONNX file is not a cross-encoder: it gives {}, where one gives one or two 32-bit numbers per pair \
                 (an embedding model or a text generator cannot rerank)",
                outputs.iter().map(describe).collect::<Vec<_>>().join(", ")
            ),
        )),
    }
}
