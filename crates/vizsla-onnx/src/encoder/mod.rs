//! The layers of a BERT encoder on 8-bit integers, for processors that multiply them in vectors of 64 (AVX-512 VNNI).
//! In: the embeddings of whole sequences, unpadded. Out: the last layer's rows. Knows nothing of ONNX or of files.
//!
//! ONNX Runtime runs the same arithmetic as some hundred and fifty separate operators, quantises each activation as a
//! whole and pads nothing but computes every row of the last layer. Here each row is quantised by itself, and that of
//! `[CLS]`, to which all others attend, in 16 bits. That is more exact and makes a row's result independent of all
//! others; a layer stays in the cache; and only the rows that the model's head reads are computed in the last layer.

#![allow(clippy::wildcard_imports, reason = "intrinsics are many, and their names are their own")]

mod attention;
mod linear;
mod simd;
mod weights;

use std::arch::x86_64::*;

use self::attention::{Sequence, attend};
use self::linear::{Linear, PANEL, Rows, grow};
use self::simd::{load, store};
pub(crate) use self::weights::{IntegerWeights, LayerWeights, Norm};

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attention_output: Linear,
    attention_norm: Norm,
    intermediate: Linear,
    output: Linear,
    output_norm: Norm,
}

/// Layers ready to run; shared between threads.
pub(crate) struct Encoder {
    layers: Vec<Layer>,
    width: usize,
    head_size: usize,
    /// Whether only the first row of each sequence is wanted.
    first_row_only: bool,
}

/// Whether this processor has the instructions that are used here.
fn is_supported() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vnni")
}

/// What a thread needs in between.
#[derive(Default)]
pub(crate) struct Scratch {
    hidden: Vec<f32>,
    rows: Rows,
    query_rows: Rows,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    context: Vec<f32>,
    wide: Vec<f32>,
    narrow: Vec<f32>,
    attention: attention::Scratch,
}

impl Encoder {
    /// Packs the layers, or says why they cannot run here: the processor or a size that is not supported.
    pub(crate) fn new(
        layers: Vec<LayerWeights>,
        head_size: usize,
        first_row_only: bool,
    ) -> Result<Self, &'static str> {
        if !is_supported() {
            return Err("this processor has no AVX-512 VNNI");
        }
        let width = layers.first().ok_or("it has no layers")?.query.inputs;
        let fits = |weights: &IntegerWeights, inputs: usize, outputs: usize| {
            weights.inputs == inputs
                && weights.outputs == outputs
                && weights.values.len() == inputs * outputs
                && weights.scales.len() == outputs
                && weights.bias.len() == outputs
        };
        let norm_fits = |norm: &Norm| norm.weight.len() == width && norm.bias.len() == width;
        let layer_fits = |layer: &LayerWeights| {
            let wide = layer.intermediate.outputs;
            wide.is_multiple_of(PANEL)
                && [&layer.query, &layer.key, &layer.value, &layer.attention_output]
                    .into_iter()
                    .all(|weights| fits(weights, width, width))
                && fits(&layer.intermediate, width, wide)
                && fits(&layer.output, wide, width)
                && norm_fits(&layer.attention_norm)
                && norm_fits(&layer.output_norm)
        };
        if !(width.is_multiple_of(PANEL)
            && [32, 64].contains(&head_size)
            && width.is_multiple_of(head_size)
            && layers.iter().all(layer_fits))
        {
            return Err("its sizes are not multiples of 64, or its heads are not of 32 or 64");
        }
        let layers = layers
            .into_iter()
            .map(|layer| Layer {
                query: Linear::pack(layer.query),
                key: Linear::pack(layer.key),
                value: Linear::pack(layer.value),
                attention_output: Linear::pack(layer.attention_output),
                attention_norm: layer.attention_norm,
                intermediate: Linear::pack(layer.intermediate),
                output: Linear::pack(layer.output),
                output_norm: layer.output_norm,
            })
            .collect();
        Ok(Self { layers, width, head_size, first_row_only })
    }

    /// Numbers in a row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Whether the result has one row a sequence instead of as many as went in.
    pub(crate) fn first_row_only(&self) -> bool {
        self.first_row_only
    }

    /// Runs all layers over sequences of `tokens` rows each, one after the other in `embeddings`. The result is valid
    /// until the next call.
    #[allow(unsafe_code, reason = "`new` has seen that the processor has the instructions")]
    pub(crate) fn run<'a>(
        &self,
        embeddings: &[f32],
        tokens: usize,
        scratch: &'a mut Scratch,
    ) -> &'a [f32] {
        scratch.hidden.clear();
        scratch.hidden.extend_from_slice(embeddings);
        for (i, layer) in self.layers.iter().enumerate() {
            let first_row_only = self.first_row_only && i + 1 == self.layers.len();
            // SAFETY: an encoder is made only where the processor has these instructions.
            unsafe { self.layer(layer, tokens, first_row_only, scratch) };
        }
        &scratch.hidden
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    fn layer(&self, layer: &Layer, tokens: usize, first_row_only: bool, scratch: &mut Scratch) {
        let Scratch {
            hidden,
            rows,
            query_rows,
            queries,
            keys,
            values,
            context,
            wide,
            narrow,
            attention,
        } = scratch;
        rows.quantize(hidden, self.width, tokens);
        layer.key.apply::<false>(rows, keys);
        layer.value.apply::<false>(rows, values);
        if first_row_only {
            let firsts: Vec<f32> = hidden
                .chunks_exact(tokens * self.width)
                .flat_map(|sequence| &sequence[..self.width])
                .copied()
                .collect();
            *hidden = firsts;
            query_rows.quantize(hidden, self.width, 1);
            layer.query.apply::<false>(query_rows, queries);
        } else {
            layer.query.apply::<false>(rows, queries);
        }
        let tokens_left = if first_row_only { 1 } else { tokens };
        grow(context, hidden.len());
        let context = &mut context[..hidden.len()];
        let of_sequence = tokens * self.width;
        let queries_of_sequence = tokens_left * self.width;
        for (((queries, keys), values), context) in queries
            .chunks_exact(queries_of_sequence)
            .zip(keys.chunks_exact(of_sequence))
            .zip(values.chunks_exact(of_sequence))
            .zip(context.chunks_exact_mut(queries_of_sequence))
        {
            let sequence = Sequence { queries, keys, values, width: self.width };
            if self.head_size == 32 {
                attend::<2>(&sequence, attention, context);
            } else {
                attend::<4>(&sequence, attention, context);
            }
        }
        rows.quantize(context, self.width, tokens_left);
        layer.attention_output.apply::<false>(rows, narrow);
        add_and_normalize(hidden, narrow, &layer.attention_norm);
        rows.quantize(hidden, self.width, tokens_left);
        layer.intermediate.apply::<true>(rows, wide);
        let width = layer.intermediate.outputs();
        rows.quantize(&wide[..hidden.len() / self.width * width], width, tokens_left);
        layer.output.apply::<false>(rows, narrow);
        add_and_normalize(hidden, narrow, &layer.output_norm);
    }
}

/// Adds `other` and brings each row to mean 0 and variance 1 before it is scaled and shifted: Ba et al., "Layer
/// Normalization" (2016), equation 4.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn add_and_normalize(rows: &mut [f32], other: &[f32], norm: &Norm) {
    let width = norm.weight.len();
    for (row, other) in rows.chunks_exact_mut(width).zip(other.chunks_exact(width)) {
        let (row, _) = row.as_chunks_mut::<16>();
        let mut sum = _mm512_setzero_ps();
        for (values, other) in row.iter_mut().zip(other.as_chunks::<16>().0) {
            let added = _mm512_add_ps(load(values), load(other));
            sum = _mm512_add_ps(sum, added);
            store(values, added);
        }
        let mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum) / width as f32);
        let mut squares = _mm512_setzero_ps();
        for values in &*row {
            let difference = _mm512_sub_ps(load(values), mean);
            squares = _mm512_fmadd_ps(difference, difference, squares);
        }
        let variance = _mm512_reduce_add_ps(squares) / width as f32;
        let factor = _mm512_set1_ps(1.0 / (variance + norm.epsilon).sqrt());
        let (weight, _) = norm.weight.as_chunks::<16>();
        let (bias, _) = norm.bias.as_chunks::<16>();
        for ((values, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
            let normal = _mm512_mul_ps(_mm512_sub_ps(load(values), mean), factor);
            store(values, _mm512_fmadd_ps(normal, load(weight), load(bias)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 64;
    const WIDE: usize = 192;

    fn linear(rng: &mut fastrand::Rng, inputs: usize, outputs: usize) -> IntegerWeights {
        IntegerWeights {
            inputs,
            outputs,
            values: (0..inputs * outputs).map(|_| rng.i8(-127..=127)).collect(),
            scales: (0..outputs).map(|_| 0.002 + 0.002 * rng.f32()).collect(),
            bias: (0..outputs).map(|_| rng.f32() - 0.5).collect(),
        }
    }

    fn norm(rng: &mut fastrand::Rng) -> Norm {
        Norm {
            weight: (0..WIDTH).map(|_| 0.5 + rng.f32()).collect(),
            bias: (0..WIDTH).map(|_| rng.f32() - 0.5).collect(),
            epsilon: 1e-12,
        }
    }

    /// The same weights each time.
    fn layers() -> Vec<LayerWeights> {
        let rng = &mut fastrand::Rng::with_seed(5);
        let layer = |_| LayerWeights {
            query: linear(rng, WIDTH, WIDTH),
            key: linear(rng, WIDTH, WIDTH),
            value: linear(rng, WIDTH, WIDTH),
            attention_output: linear(rng, WIDTH, WIDTH),
            attention_norm: norm(rng),
            intermediate: linear(rng, WIDTH, WIDE),
            output: linear(rng, WIDE, WIDTH),
            output_norm: norm(rng),
        };
        (0..2).map(layer).collect()
    }

    fn embeddings(tokens: usize) -> Vec<f32> {
        let mut rng = fastrand::Rng::with_seed(tokens as u64);
        (0..tokens * WIDTH).map(|_| 4.0 * rng.f32() - 2.0).collect()
    }

    /// The textbook form of a layer, in 64-bit floats, nothing quantised but the weights.
    fn reference(layers: &[LayerWeights], embeddings: &[f32], head_size: usize) -> Vec<f64> {
        let mut hidden: Vec<Vec<f64>> = embeddings
            .chunks_exact(WIDTH)
            .map(|row| row.iter().map(|value| f64::from(*value)).collect())
            .collect();
        let apply = |weights: &IntegerWeights, row: &[f64]| -> Vec<f64> {
            (0..weights.outputs)
                .map(|o| {
                    let weight = |i: usize| f64::from(weights.values[i * weights.outputs + o]);
                    let sum: f64 = row.iter().enumerate().map(|(i, x)| x * weight(i)).sum();
                    sum * f64::from(weights.scales[o]) + f64::from(weights.bias[o])
                })
                .collect()
        };
        let normalized = |row: &[f64], other: &[f64], norm: &Norm| -> Vec<f64> {
            let sum: Vec<f64> = row.iter().zip(other).map(|(a, b)| a + b).collect();
            let mean = sum.iter().sum::<f64>() / WIDTH as f64;
            let variance = sum.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / WIDTH as f64;
            (0..WIDTH)
                .map(|i| {
                    (sum[i] - mean) / variance.sqrt() * f64::from(norm.weight[i])
                        + f64::from(norm.bias[i])
                })
                .collect()
        };
        for layer in layers {
            let of = |weights| -> Vec<Vec<f64>> {
                hidden.iter().map(|row| apply(weights, row)).collect()
            };
            let (queries, keys, values) = (of(&layer.query), of(&layer.key), of(&layer.value));
            let mut next = Vec::new();
            for (query, row) in queries.iter().zip(&hidden) {
                let context = context(query, &keys, &values, head_size);
                let attended = normalized(
                    &apply(&layer.attention_output, &context),
                    row,
                    &layer.attention_norm,
                );
                // The tanh form is within 0.0005 of the exact one.
                let wide: Vec<f64> = apply(&layer.intermediate, &attended)
                    .iter()
                    .map(|x| {
                        let inner =
                            (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
                        0.5 * x * (1.0 + inner.tanh())
                    })
                    .collect();
                next.push(normalized(&apply(&layer.output, &wide), &attended, &layer.output_norm));
            }
            hidden = next;
        }
        hidden.concat()
    }

    /// Softmax-weighted values of one query.
    fn context(
        query: &[f64],
        keys: &[Vec<f64>],
        values: &[Vec<f64>],
        head_size: usize,
    ) -> Vec<f64> {
        let mut context = vec![0.0; WIDTH];
        for head in (0..WIDTH).step_by(head_size) {
            let part = head..head + head_size;
            let power = |key: &Vec<f64>| {
                let dot: f64 = part.clone().map(|i| query[i] * key[i]).sum();
                (dot / (head_size as f64).sqrt()).exp()
            };
            let powers: Vec<f64> = keys.iter().map(power).collect();
            let sum: f64 = powers.iter().sum();
            for (power, value) in powers.iter().zip(values) {
                for i in part.clone() {
                    context[i] += power / sum * value[i];
                }
            }
        }
        context
    }

    /// The encoder, unless this processor has not the instructions for it: then there is nothing to test.
    fn encoder(head_size: usize, first_row_only: bool) -> Option<Encoder> {
        match Encoder::new(layers(), head_size, first_row_only) {
            Err(reason) if reason.contains("processor") => None,
            made => Some(made.unwrap()),
        }
    }

    #[test]
    fn agrees_with_the_textbook() {
        for (head_size, tokens) in [(32, 1), (32, 7), (64, 16), (32, 33), (64, 70)] {
            let Some(encoder) = encoder(head_size, false) else { return };
            let input = embeddings(tokens);
            let mut scratch = Scratch::default();
            let found = encoder.run(&input, tokens, &mut scratch);
            let expected = reference(&layers(), &input, head_size);
            assert_eq!(found.len(), expected.len());
            let squares: f64 =
                found.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
            let error = (squares / expected.len() as f64).sqrt();
            // Numbers are of the order of one, and each of the 255 steps of a byte of about a fiftieth.
            assert!(error < 0.04, "{tokens} tokens, heads of {head_size}: {error}");
        }
    }

    #[test]
    fn a_sequence_does_not_depend_on_the_others_in_its_batch() {
        let Some(encoder) = encoder(32, false) else { return };
        let mut rng = fastrand::Rng::with_seed(3);
        let both: Vec<f32> = (0..2 * 11 * WIDTH).map(|_| rng.f32() * 8.0).collect();
        let mut scratch = Scratch::default();
        let together = encoder.run(&both, 11, &mut scratch).to_vec();
        let (first, second) = both.split_at(11 * WIDTH);
        let mut alone = encoder.run(first, 11, &mut scratch).to_vec();
        alone.extend_from_slice(encoder.run(second, 11, &mut scratch));
        assert_eq!(together, alone);
    }

    #[test]
    fn the_first_row_is_the_same_alone() {
        let (Some(all), Some(first)) = (encoder(32, false), encoder(32, true)) else { return };
        let input = embeddings(23);
        let mut scratch = Scratch::default();
        let rows = all.run(&input, 23, &mut scratch).to_vec();
        let row = first.run(&input, 23, &mut scratch);
        assert_eq!(row.len(), WIDTH);
        let close = |(a, b): (&f32, &f32)| (a - b).abs() < 0.05;
        assert!(row.iter().zip(&rows).all(close), "{row:?}\n{:?}", &rows[..WIDTH]);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert!(Encoder::new(layers(), 16, false).is_err());
        assert!(Encoder::new(Vec::new(), 32, false).is_err());
        let mut odd = layers();
        odd[1].output.scales.pop();
        assert!(Encoder::new(odd, 32, false).is_err());
    }
}
