//! The layers of a BERT encoder on 8-bit integers, for processors that multiply them in vectors of 64 (AVX-512 VNNI).
//! In: the embeddings of whole sequences, unpadded. Out: the last layer's rows. Knows nothing of ONNX or of files.
//!
//! ONNX Runtime runs the same arithmetic as some hundred and fifty separate operators, quantises each activation as a
//! whole and pads nothing but computes every row of the last layer. Here each row is quantised by itself, which is more
//! exact and makes a row's result independent of all others; a layer stays in the cache; and only the rows that the
//! model's head reads are computed in the last layer.

mod attention;
mod linear;
mod simd;
mod weights;

use std::arch::x86_64::*;

use self::attention::{Sequence, attend};
use self::linear::{Linear, PANEL, Rows};
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
        if !(is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vnni"))
        {
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
        let Scratch { hidden, rows, query_rows, queries, keys, values, context, wide, narrow, attention } =
            scratch;
        rows.quantize(hidden, self.width);
        layer.key.apply::<false>(rows, keys);
        layer.value.apply::<false>(rows, values);
        if first_row_only {
            let firsts: Vec<f32> = hidden
                .chunks_exact(tokens * self.width)
                .flat_map(|sequence| &sequence[..self.width])
                .copied()
                .collect();
            *hidden = firsts;
            query_rows.quantize(hidden, self.width);
            layer.query.apply::<false>(query_rows, queries);
        } else {
            layer.query.apply::<false>(rows, queries);
        }
        context.resize(hidden.len(), 0.0);
        let of_sequence = tokens * self.width;
        let queries_of_sequence = if first_row_only { self.width } else { of_sequence };
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
        rows.quantize(context, self.width);
        layer.attention_output.apply::<false>(rows, narrow);
        add_and_normalize(hidden, narrow, &layer.attention_norm);
        rows.quantize(hidden, self.width);
        layer.intermediate.apply::<true>(rows, wide);
        rows.quantize(wide, layer.intermediate.outputs());
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
    #[test]
    #[allow(unsafe_code)]
    fn speed() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut lin = |i: usize, o: usize| IntegerWeights { inputs: i, outputs: o, values: (0..i*o).map(|_| rng.i8(-127..=127)).collect(), scales: (0..o).map(|_| 0.001).collect(), bias: vec![0.01; o] };
        let norm = || Norm { weight: vec![1.0; 384], bias: vec![0.0; 384], epsilon: 1e-12 };
        let layers: Vec<_> = (0..6).map(|_| LayerWeights { query: lin(384,384), key: lin(384,384), value: lin(384,384), attention_output: lin(384,384), attention_norm: norm(), intermediate: lin(384,1536), output: lin(1536,384), output_norm: norm() }).collect();
        let t = std::time::Instant::now();
        let e = Encoder::new(layers, 32, true).unwrap();
        println!("pack {:?}", t.elapsed());
        for n in [32, 64, 90, 128, 256, 512] {
            let x: Vec<f32> = (0..n*384).map(|_| rng.f32()*2.0-1.0).collect();
            let mut s = Scratch::default();
            let mut best = f64::MAX;
            for _ in 0..40 { let t = std::time::Instant::now(); std::hint::black_box(e.run(&x, n, &mut s)); best = best.min(t.elapsed().as_secs_f64()); }
            let macs = n as f64 * (10_616_832.0 - 1_769_472.0 + 2.0*147456.0) ;
            println!("n {n}: {:.3} ms  {:.1} GOPS", best*1e3, macs*2.0/best/1e9);
            let rows_ = &mut s.rows; 
            let mut out = Vec::new();
            let mut best = f64::MAX; 
            for _ in 0..40 { let t = std::time::Instant::now(); unsafe { rows_.quantize(&x, 384); e.layers[0].intermediate.apply::<false>(rows_, &mut out);} best = best.min(t.elapsed().as_secs_f64()); }
            println!("   up: {:.1} GOPS", n as f64*384.0*1536.0*2.0/best/1e9);
            let mut best = f64::MAX; 
            let mut ctx = vec![0.0; n*384]; let mut a = attention::Scratch::default();
            let mut best = f64::MAX; let mut bq = f64::MAX; let mut bl = f64::MAX; let mut bg = f64::MAX; let mut bs = [f64::MAX; 4];
            let y = x.clone(); let mut z = x.clone(); let wd: Vec<f32> = (0..n*1536).map(|_| rng.f32()*2.0-1.0).collect();
            for _ in 0..40 {
              let t = std::time::Instant::now(); let q = Sequence { queries: &x, keys: &x, values: &y, width: 384 }; unsafe { attend::<2>(&q, &mut a, &mut ctx) }; best = best.min(t.elapsed().as_secs_f64());
              let t = std::time::Instant::now(); unsafe { rows_.quantize(&wd, 1536) }; bq = bq.min(t.elapsed().as_secs_f64());
              let t = std::time::Instant::now(); unsafe { rows_.quantize(&x, 384) }; bs[0] = bs[0].min(t.elapsed().as_secs_f64());
              let t = std::time::Instant::now(); unsafe { add_and_normalize(&mut z, &y, &e.layers[0].output_norm) }; bl = bl.min(t.elapsed().as_secs_f64());
              let t = std::time::Instant::now(); unsafe { e.layers[0].intermediate.apply::<true>(rows_, &mut out) }; bg = bg.min(t.elapsed().as_secs_f64());
              let t = std::time::Instant::now(); unsafe { e.layers[0].query.apply::<false>(rows_, &mut out) }; bs[1] = bs[1].min(t.elapsed().as_secs_f64());
            }
            println!("   attention {:.1} us, q1536 {:.1}, q384 {:.1}, norm {:.1}, up+gelu {:.1} query {:.1}", best*1e6, bq*1e6, bs[0]*1e6, bl*1e6, bg*1e6, bs[1]*1e6);
            let w: Vec<f32> = (0..n*1536).map(|_| rng.f32()*2.0-1.0).collect();
            for _ in 0..40 { let t = std::time::Instant::now(); unsafe { rows_.quantize(&w, 1536); e.layers[0].output.apply::<false>(rows_, &mut out);} best = best.min(t.elapsed().as_secs_f64()); }
            println!("   down: {:.1} GOPS", n as f64*384.0*1536.0*2.0/best/1e9);
        }
    }
}
