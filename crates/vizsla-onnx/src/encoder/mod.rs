//! The layers of a BERT encoder on 8-bit integers. In: the embeddings of whole sequences, unpadded. Out: the last
//! layer's rows. Knows nothing of ONNX or of files; whatever depends on the processor is behind [`Kernels`].
//!
//! ONNX Runtime runs the same arithmetic as some hundred and fifty separate operators, quantises each activation tensor
//! as a whole, and pads nothing but computes every row of the last layer. Here each row is quantised individually, and
//! that of `[CLS]`, to which all others attend, to 16 bits. That is more accurate and makes a row's result independent
//! of all others; a layer stays in the cache; and the last layer computes only the rows that the model's head reads.

#[cfg(target_arch = "x86_64")]
mod amx;
mod approximation;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avxvnni;
mod kernels;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(test)]
mod tests;
mod weights;

use std::fmt;
use std::sync::Arc;

use self::kernels::{
    Activation, Firsts, HEAD_SIZES, Kernels, MOST_INPUTS, MULTIPLE, Sequence, grow,
};
use self::portable::Portable;
pub(crate) use self::weights::{EncoderWeights, IntegerWeights, LayerWeights, Norm};
use crate::cpu::InstructionSet;

/// Layers ready to run; shared between threads.
pub(crate) trait Encoder: Send + Sync {
    /// Numbers in a row.
    fn width(&self) -> usize;

    /// Whether the result has one row per sequence instead of one per input row.
    fn first_row_only(&self) -> bool;

    /// Runs the layers on one thread.
    fn runner(self: Arc<Self>) -> Box<dyn Runner>;
}

/// An encoder with one thread's scratch buffers.
pub(crate) trait Runner: Send {
    /// Runs all layers over sequences of `tokens` rows each, one after the other in `embeddings`. The result is valid
    /// until the next call.
    fn run(&mut self, embeddings: &[f32], tokens: usize) -> &[f32];
}

/// Why the layers cannot be run here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsupported {
    /// The processor lacks the instructions that the kernels need.
    Processor,
    /// There are no layers.
    Empty,
    /// The kernels do not support these sizes, or the sizes are inconsistent.
    Sizes,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Processor => {
                "this processor has none of AVX2, AVX-512 VNNI and ARM's dot products"
            }
            Self::Empty => "it has no layers",
            Self::Sizes => "its sizes are not multiples of 64, or its heads are not of 32 or 64",
        })
    }
}

/// Packs layers for these instructions, which [`InstructionSet::best`] has found or the caller wants.
pub(crate) fn open(
    layers: EncoderWeights,
    instructions: InstructionSet,
) -> Result<Arc<dyn Encoder>, Unsupported> {
    #[cfg(target_arch = "x86_64")]
    match instructions {
        InstructionSet::Portable => stack(Some(Portable), layers),
        InstructionSet::Avx2 => stack(avx2::Avx2::new(), layers),
        InstructionSet::AvxVnni => stack(avxvnni::AvxVnni::new(), layers),
        InstructionSet::Avx512Vnni => stack(avx512::Avx512::new(), layers),
        InstructionSet::Amx => stack(amx::Amx::new(), layers),
        InstructionSet::NeonDotProduct | InstructionSet::NeonMatrix => Err(Unsupported::Processor),
    }
    #[cfg(target_arch = "aarch64")]
    match instructions {
        InstructionSet::Portable => stack(Some(Portable), layers),
        InstructionSet::NeonDotProduct => stack(neon::Neon::with_dot_products(), layers),
        InstructionSet::NeonMatrix => stack(neon::Neon::with_matrices(), layers),
        _ => Err(Unsupported::Processor),
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    match instructions {
        InstructionSet::Portable => stack(Some(Portable), layers),
        _ => Err(Unsupported::Processor),
    }
}

fn stack<K: Kernels>(
    kernels: Option<K>,
    layers: EncoderWeights,
) -> Result<Arc<dyn Encoder>, Unsupported> {
    let kernels = kernels.ok_or(Unsupported::Processor)?;
    Ok(Arc::new(Stack::new(kernels, layers)?))
}

/// All layers, packed for one set of kernels.
struct Stack<K: Kernels> {
    kernels: K,
    layers: Vec<Layer<K>>,
    width: usize,
    head_size: usize,
    /// Whether only the first row of each sequence is wanted.
    first_row_only: bool,
}

struct Layer<K: Kernels> {
    query: K::Linear,
    key: K::Linear,
    value: K::Linear,
    attention_output: K::Linear,
    attention_norm: Norm,
    intermediate: K::Linear,
    /// Outputs of `intermediate`.
    wide: usize,
    output: K::Linear,
    output_norm: Norm,
}

impl<K: Kernels> Stack<K> {
    fn new(
        kernels: K,
        EncoderWeights { layers, head_size, first_row_only }: EncoderWeights,
    ) -> Result<Self, Unsupported> {
        let width = layers.first().ok_or(Unsupported::Empty)?.query.inputs;
        let size_fits = |size: usize| size.is_multiple_of(MULTIPLE) && size <= MOST_INPUTS;
        let fits = size_fits(width)
            && HEAD_SIZES.contains(&head_size)
            && width.is_multiple_of(head_size)
            && layers
                .iter()
                .all(|layer| layer.is_consistent(width) && size_fits(layer.intermediate.outputs));
        if !fits {
            return Err(Unsupported::Sizes);
        }
        let layers = layers.into_iter().map(|layer| Layer::pack(&kernels, layer)).collect();
        Ok(Self { kernels, layers, width, head_size, first_row_only })
    }
}

impl<K: Kernels> Layer<K> {
    fn pack(kernels: &K, layer: LayerWeights) -> Self {
        Self {
            query: kernels.pack(layer.query),
            key: kernels.pack(layer.key),
            value: kernels.pack(layer.value),
            attention_output: kernels.pack(layer.attention_output),
            attention_norm: layer.attention_norm,
            wide: layer.intermediate.outputs,
            intermediate: kernels.pack(layer.intermediate),
            output: kernels.pack(layer.output),
            output_norm: layer.output_norm,
        }
    }
}

impl<K: Kernels> Encoder for Stack<K> {
    fn width(&self) -> usize {
        self.width
    }

    fn first_row_only(&self) -> bool {
        self.first_row_only
    }

    fn runner(self: Arc<Self>) -> Box<dyn Runner> {
        Box::new(StackRunner { stack: self, scratch: Scratch::default() })
    }
}

struct StackRunner<K: Kernels> {
    stack: Arc<Stack<K>>,
    scratch: Scratch<K>,
}

/// Per-thread scratch buffers, which keep their size from one pair to the next.
struct Scratch<K: Kernels> {
    hidden: Vec<f32>,
    rows: K::Rows,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    context: Vec<f32>,
    wide: Vec<f32>,
    narrow: Vec<f32>,
    attention: K::Attention,
}

impl<K: Kernels> Default for Scratch<K> {
    fn default() -> Self {
        Self {
            hidden: Vec::new(),
            rows: K::Rows::default(),
            queries: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            context: Vec::new(),
            wide: Vec::new(),
            narrow: Vec::new(),
            attention: K::Attention::default(),
        }
    }
}

impl<K: Kernels> Runner for StackRunner<K> {
    fn run(&mut self, embeddings: &[f32], tokens: usize) -> &[f32] {
        let Self { stack, scratch } = self;
        scratch.hidden.clear();
        scratch.hidden.extend_from_slice(embeddings);
        for (i, layer) in stack.layers.iter().enumerate() {
            let first_row_only = stack.first_row_only && i + 1 == stack.layers.len();
            let tokens_left = if first_row_only { 1 } else { tokens };
            stack.attention(layer, tokens, tokens_left, scratch);
            stack.feed_forward(layer, tokens_left, scratch);
        }
        &scratch.hidden
    }
}

impl<K: Kernels> Stack<K> {
    /// The first half of a layer: rows of `hidden` attend to each other. `tokens_left` is `tokens`, or 1 to continue
    /// with only the first row of each sequence.
    fn attention(
        &self,
        layer: &Layer<K>,
        tokens: usize,
        tokens_left: usize,
        scratch: &mut Scratch<K>,
    ) {
        let (kernels, width) = (&self.kernels, self.width);
        let Scratch { hidden, rows, queries, keys, values, context, narrow, attention, .. } =
            scratch;
        kernels.quantize(rows, hidden, width, Firsts::Every(tokens));
        kernels.multiply(&layer.key, rows, Activation::None, keys);
        kernels.multiply(&layer.value, rows, Activation::None, values);
        if tokens_left < tokens {
            keep_first_rows(hidden, tokens * width, width);
            kernels.quantize(rows, hidden, width, Firsts::Every(tokens_left));
        }
        kernels.multiply(&layer.query, rows, Activation::None, queries);
        grow(context, hidden.len());
        let context = &mut context[..hidden.len()];
        let (of_sequence, of_queries) = (tokens * width, tokens_left * width);
        for (((queries, keys), values), context) in queries
            .chunks_exact(of_queries)
            .zip(keys.chunks_exact(of_sequence))
            .zip(values.chunks_exact(of_sequence))
            .zip(context.chunks_exact_mut(of_queries))
        {
            let sequence = Sequence { queries, keys, values, width };
            kernels.attend(&sequence, self.head_size, attention, context);
        }
        kernels.quantize(rows, context, width, Firsts::Every(tokens_left));
        kernels.multiply(&layer.attention_output, rows, Activation::None, narrow);
        kernels.add_and_normalize(hidden, narrow, &layer.attention_norm);
    }

    /// The second half of a layer: each row of `hidden` independently.
    fn feed_forward(&self, layer: &Layer<K>, tokens: usize, scratch: &mut Scratch<K>) {
        let (kernels, width) = (&self.kernels, self.width);
        let Scratch { hidden, rows, wide, narrow, .. } = scratch;
        let blocks = tokens.div_ceil(K::FEED_FORWARD_ROWS);
        let of_block = tokens.div_ceil(blocks) * width;
        for sequence in hidden.chunks_exact_mut(tokens * width) {
            for (i, block) in sequence.chunks_mut(of_block).enumerate() {
                let len = block.len() / width;
                let firsts = if i == 0 { Firsts::Every(len) } else { Firsts::None };
                kernels.quantize(rows, block, width, firsts);
                kernels.multiply(&layer.intermediate, rows, Activation::Gelu, wide);
                kernels.quantize(rows, &wide[..len * layer.wide], layer.wide, firsts);
                kernels.multiply(&layer.output, rows, Activation::None, narrow);
                kernels.add_and_normalize(block, narrow, &layer.output_norm);
            }
        }
    }
}

/// Keeps only the first `width` numbers of each sequence, in place.
fn keep_first_rows(hidden: &mut Vec<f32>, of_sequence: usize, width: usize) {
    let sequences = hidden.len() / of_sequence;
    for sequence in 1..sequences {
        let from = sequence * of_sequence;
        hidden.copy_within(from..from + width, sequence * width);
    }
    hidden.truncate(sequences * width);
}
