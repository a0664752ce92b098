//! ONNX Runtime: the only file that knows `ort`. In: a graph and pairs of token ids. Out: logits.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ort::environment::Environment;
use ort::ep::ExecutionProviderDispatch;
use ort::operator::{
    BoxedKernel, ComputeContext, KernelContext, Operator, OperatorDomain, OperatorInput,
    OperatorOutput,
};
use ort::session::builder::SessionBuilder;
use ort::session::{Session as OrtSession, SessionInputValue};
use ort::value::{TensorElementType, TensorRef, ValueType};

use prost::bytes::Bytes;

use crate::device::Device;
use crate::encoder::{self, Encoder};
use crate::error::{Error, ErrorKind};
use crate::graph::{self, Plan, Rewrite};
use crate::model_dir::Cpu;
use crate::pair::Pair;

/// ONNX Runtime, loaded into this process. Needed to open a [`CrossEncoder`](crate::CrossEncoder).
#[derive(Debug, Clone, Copy)]
pub struct Runtime(&'static Loaded);

struct Loaded {
    path: PathBuf,
    environment: Environment,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Loads the shared library at `path` (`libonnxruntime.so`, `onnxruntime.dll`, `libonnxruntime.dylib`; version 1.24
    /// or later). A process holds one: later calls give back what the first one loaded, whatever path they name. Its
    /// telemetry is switched off. Cost: some ten milliseconds, once.
    ///
    /// # Errors
    /// [`ErrorKind::Runtime`] when the file is missing, is another library or is too old.
    pub fn load(path: &Path) -> Result<Self, Error> {
        static LOADED: OnceLock<Result<Loaded, String>> = OnceLock::new();
        let loaded = LOADED.get_or_init(|| {
            let builder = ort::init_from(path).map_err(|error| error.to_string())?;
            let environment = builder
                .with_name("vizsla")
                .with_telemetry(false)
                .build()
                .map_err(|error| error.to_string())?;
            Ok(Loaded { path: path.to_owned(), environment })
        });
        loaded.as_ref().map(Self).map_err(|reason| {
            Error::new(ErrorKind::Runtime, format!("cannot load ONNX Runtime: {reason}"))
        })
    }

    /// The file that was loaded.
    pub fn path(self) -> &'static Path {
        &self.0.path
    }
}

/// ONNX Runtime enters an operator's domain into a table of the process, and two threads that do so at once fail.
static DOMAINS: Mutex<()> = Mutex::new(());

/// One graph ready to run on the calling thread.
pub(crate) struct Session {
    session: OrtSession,
    has_type_ids: bool,
}

impl Session {
    /// Prepares a graph, or says why it is no cross-encoder. Work runs on the calling thread alone: parallelism comes
    /// from one session a core, which beats one session over all cores.
    pub(crate) fn open(runtime: Runtime, graph: &PreparedGraph) -> Result<Self, Error> {
        let session = Self::commit(runtime, graph).map_err(|error| {
            Error::new(
                ErrorKind::UnsupportedModel,
                format!("ONNX Runtime cannot load {}", graph.name),
            )
            .with_source(error)
        })?;
        let has_type_ids = check_inputs(&session)?;
        check_outputs(&session)?;
        Ok(Self { session, has_type_ids })
    }

    fn commit(runtime: Runtime, graph: &PreparedGraph) -> ort::Result<OrtSession> {
        let mut builder: SessionBuilder =
            OrtSession::builder(&runtime.0.environment)?.with_intra_threads(1)?;
        if let Some(provider) = provider(graph.device) {
            builder = builder.with_execution_providers([provider.dispatch.error_on_failure()])?;
        } else if graph.is_int8 {
            // On int8 graphs the fused form is slower: the README of this crate has by how much.
            builder = builder.with_disabled_optimizers("SkipLayerNormFusion")?;
            if !Cpu::detect().exact_int8 {
                builder = builder.with_config_entry("session.x64quantprecision", "1")?;
            }
        }
        let mut one_at_a_time = None;
        if let Some(encoder) = &graph.encoder {
            one_at_a_time = Some(DOMAINS.lock().unwrap_or_else(PoisonError::into_inner));
            let operator = EncoderOperator(Arc::clone(encoder));
            let domain = OperatorDomain::new(graph::DOMAIN)?.add(operator)?;
            builder = builder.with_operators(domain)?;
        }
        let session = match &graph.source {
            Source::File(path) => builder.commit_from_file(path),
            Source::Bytes(bytes) => builder.commit_from_memory(bytes),
        };
        drop(one_at_a_time);
        session
    }

    /// The logit of each pair: the model's single output, or with two outputs their difference, whose sigmoid is the
    /// softmax probability of the second. Pairs of different lengths are padded.
    pub(crate) fn run(&mut self, pairs: &[&Pair]) -> Result<Vec<f32>, Error> {
        self.try_run(pairs).map_err(|error| {
            let longest = pairs.iter().map(|pair| pair.ids.len()).max().unwrap_or(0);
            Error::new(
                ErrorKind::Inference,
                format!("the model failed on {} pairs of up to {longest} tokens", pairs.len()),
            )
            .with_source(error)
        })
    }

    fn try_run(&mut self, pairs: &[&Pair]) -> Result<Vec<f32>, vizsla_core::BoxError> {
        let longest = pairs.iter().map(|pair| pair.ids.len()).max().unwrap_or(0);
        let shape = [pairs.len(), longest];
        // What padding holds does not matter: the mask hides it.
        let padded = |part: fn(&Pair) -> &[i64]| -> Vec<i64> {
            let padding = |pair: &Pair| std::iter::repeat_n(0, longest - pair.ids.len());
            pairs.iter().flat_map(|pair| part(pair).iter().copied().chain(padding(pair))).collect()
        };
        let ids = padded(|pair| &pair.ids);
        let type_ids = padded(|pair| &pair.type_ids);
        let mask: Vec<i64> = pairs
            .iter()
            .flat_map(|pair| (0..longest).map(|i| i64::from(i < pair.ids.len())))
            .collect();
        let mut inputs: Vec<(&str, SessionInputValue<'_>)> = vec![
            ("input_ids", TensorRef::from_array_view((shape, ids.as_slice()))?.into()),
            ("attention_mask", TensorRef::from_array_view((shape, mask.as_slice()))?.into()),
        ];
        if self.has_type_ids {
            inputs.push((
                "token_type_ids",
                TensorRef::from_array_view((shape, type_ids.as_slice()))?.into(),
            ));
        }
        let outputs = self.session.run(inputs)?;
        let (_, logits) = outputs[0].try_extract_tensor::<f32>()?;
        match logits.len().checked_div(pairs.len()) {
            Some(1) => Ok(logits.to_vec()),
            Some(2) => Ok(logits.as_chunks::<2>().0.iter().map(|[no, yes]| yes - no).collect()),
            _ => Err(format!(
                "it gave {} numbers for {} pairs; a cross-encoder gives one or two for each",
                logits.len(),
                pairs.len()
            )
            .into()),
        }
    }
}

/// A graph to be opened, once per session; what holds for all of them is found out beforehand.
pub(crate) struct PreparedGraph {
    name: String,
    /// Whether activations are quantised while running.
    is_int8: bool,
    source: Source,
    encoder: Option<Arc<Encoder>>,
    device: Device,
    description: String,
}

enum Source {
    /// A file, beside which further data may lie.
    File(PathBuf),
    Bytes(Bytes),
}

impl PreparedGraph {
    /// A graph called `name`, the content of `file` if it comes from one.
    pub(crate) fn new(
        name: String,
        bytes: Bytes,
        file: Option<&Path>,
        (device, rewrite): (Device, Rewrite),
    ) -> Self {
        let is_int8 = is_int8(&bytes);
        let plan = if device == Device::Cpu {
            graph::plan(bytes.clone(), rewrite)
        } else {
            Plan::Unchanged { reason: "padded batches need its mask" }
        };
        let (source, encoder, how) = match plan {
            Plan::Encoder { graph, encoder } => {
                let how = "int8 encoder for AVX-512 VNNI, within ONNX Runtime".to_owned();
                (Source::Bytes(graph), Some(encoder), how)
            }
            Plan::Simplified { graph, reason } => {
                let how = format!("ONNX Runtime, simplified graph ({reason})");
                (Source::Bytes(graph), None, how)
            }
            Plan::Unchanged { reason } => {
                let source =
                    file.map_or(Source::Bytes(bytes), |file| Source::File(file.to_owned()));
                (source, None, format!("ONNX Runtime, graph as it is ({reason})"))
            }
        };
        let description = if device == Device::Cpu { how } else { format!("{device}: {how}") };
        Self { name, is_int8, source, encoder, device, description }
    }

    /// Whether pairs are run many at a time, padded.
    pub(crate) fn in_batches(&self) -> bool {
        self.device != Device::Cpu
    }

    /// How it is going to be run, for people.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }
}

/// The device to use, told apart from `Auto`, or why it cannot be used.
pub(crate) fn choose_device(_: Runtime, wanted: Device) -> Result<Device, Error> {
    let usable = |device: &Device| provider(*device).is_some_and(|provider| provider.is_available);
    match wanted {
        Device::Cpu => Ok(Device::Cpu),
        Device::Auto => {
            let others = [Device::Cuda(0), Device::CoreMl, Device::DirectMl(0)];
            Ok(others.into_iter().find(usable).unwrap_or(Device::Cpu))
        }
        device if usable(&device) => Ok(device),
        device => {
            let name = device.to_string();
            let message = if provider(device).is_some() {
                format!(
                    "the ONNX Runtime that was loaded was not built for {name}: give the path of one that was"
                )
            } else {
                let feature = name.split(':').next().unwrap_or_default();
                format!("this build cannot use {name}: build it with --features {feature}")
            };
            Err(Error::new(ErrorKind::Runtime, message))
        }
    }
}

/// What ONNX Runtime calls a device.
struct Provider {
    /// Whether the library that was loaded was built for it.
    is_available: bool,
    dispatch: ExecutionProviderDispatch,
}

/// The provider of a device other than the processor, if this crate was built with it.
fn provider(device: Device) -> Option<Provider> {
    #[cfg(any(feature = "cuda", feature = "coreml", feature = "directml"))]
    use ort::ep::{self, ExecutionProvider};
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(number) => Some(Provider {
            is_available: ep::CUDA::is_available().unwrap_or(false),
            dispatch: ep::CUDA::default().with_device_id(number.cast_signed()).build(),
        }),
        #[cfg(feature = "coreml")]
        Device::CoreMl => Some(Provider {
            is_available: ep::CoreML::is_available().unwrap_or(false),
            dispatch: ep::CoreML::default().build(),
        }),
        #[cfg(feature = "directml")]
        Device::DirectMl(number) => Some(Provider {
            is_available: ep::DirectML::is_available().unwrap_or(false),
            dispatch: ep::DirectML::default().with_device_id(number.cast_signed()).build(),
        }),
        _ => None,
    }
}

/// The encoder as an operator in a graph.
struct EncoderOperator(Arc<Encoder>);

impl Operator for EncoderOperator {
    type Kernel<'a> = BoxedKernel<'a>;

    fn name(&self) -> &str {
        graph::OPERATOR
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [OperatorInput::required(TensorElementType::Float32)]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn create_kernel<'a>(&self, _: &KernelContext<'a>) -> ort::Result<BoxedKernel<'a>> {
        let encoder = Arc::clone(&self.0);
        let mut scratch = encoder::Scratch::default();
        Ok(Box::new(move |context: &ComputeContext| {
            let missing = || ort::Error::new("the encoder has no input or no output");
            let input = context.input(0)?.ok_or_else(missing)?;
            let (shape, embeddings) = input.try_extract_tensor::<f32>()?;
            let &[batch, tokens, width] = &**shape else {
                return Err(ort::Error::new(
                    "the encoder's input is not [batch, token, dimension]",
                ));
            };
            if width != encoder.width() as i64 || tokens < 1 {
                return Err(ort::Error::new("the encoder's input has rows of another size"));
            }
            let rows = if encoder.first_row_only() { 1 } else { tokens };
            let mut output = context.output(0, [batch, rows, width])?.ok_or_else(missing)?;
            let (_, to) = output.try_extract_tensor_mut::<f32>()?;
            to.copy_from_slice(encoder.run(embeddings, tokens as usize, &mut scratch));
            Ok(())
        }))
    }
}

/// Operator names stand in the file as they are.
fn is_int8(bytes: &[u8]) -> bool {
    let name = b"DynamicQuantizeLinear";
    bytes.windows(name.len()).any(|window| window == name)
}

fn check_inputs(session: &OrtSession) -> Result<bool, Error> {
    let names: Vec<&str> = session.inputs().iter().map(ort::value::Outlet::name).collect();
    let known = ["input_ids", "attention_mask", "token_type_ids"];
    let of_ids = |input: &ort::value::Outlet| {
        matches!(input.dtype(), ValueType::Tensor { ty: TensorElementType::Int64, .. })
    };
    if !(names.contains(&"input_ids") && names.contains(&"attention_mask"))
        || names.iter().any(|name| !known.contains(name))
        || !session.inputs().iter().all(of_ids)
    {
        return Err(Error::new(
            ErrorKind::UnsupportedModel,
            format!(
                "this ONNX file is no cross-encoder: its inputs are {}, where one has input_ids, attention_mask and \
                 perhaps token_type_ids, all int64; export the model for text classification",
                names.join(", ")
            ),
        ));
    }
    Ok(names.contains(&"token_type_ids"))
}

fn check_outputs(session: &OrtSession) -> Result<(), Error> {
    let describe = |output: &ort::value::Outlet| format!("{} {}", output.name(), output.dtype());
    let fits = |output: &ort::value::Outlet| match output.dtype() {
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
                "this ONNX file is no cross-encoder: it gives {}, where one gives one or two 32-bit numbers per pair \
                 (an embedding model or a text generator cannot rerank)",
                outputs.iter().map(describe).collect::<Vec<_>>().join(", ")
            ),
        )),
    }
}
