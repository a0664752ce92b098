//! Every set of kernels against the textbook, and to the last bit against the portable ones. These run everywhere, the
//! others where the processor has their instructions.

use std::sync::Arc;

use super::kernels::{Activation, Firsts, Kernels, Sequence};
use super::portable::Portable;
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

/// The textbook form of a layer, in 64-bit floats, with only the weights quantised.
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
        let of =
            |weights| -> Vec<Vec<f64>> { hidden.iter().map(|row| apply(weights, row)).collect() };
        let (queries, keys, values) = (of(&layer.query), of(&layer.key), of(&layer.value));
        let mut next = Vec::new();
        for (query, row) in queries.iter().zip(&hidden) {
            let context = context(query, &keys, &values, head_size);
            let attended =
                normalized(&apply(&layer.attention_output, &context), row, &layer.attention_norm);
            // The tanh form is within 0.0005 of the exact one.
            let wide: Vec<f64> = apply(&layer.intermediate, &attended)
                .iter()
                .map(|x| {
                    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
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
fn context(query: &[f64], keys: &[Vec<f64>], values: &[Vec<f64>], head_size: usize) -> Vec<f64> {
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

/// An encoder for each set of kernels that can run here, the portable one first.
fn encoders(head_size: usize, first_row_only: bool) -> Vec<Arc<dyn Encoder>> {
    let open = |instructions| {
        let layers = EncoderWeights { layers: layers(), head_size, first_row_only };
        open(layers, instructions)
    };
    let mut encoders = Vec::new();
    for instructions in InstructionSet::ALL {
        match open(instructions) {
            Ok(encoder) => encoders.push(encoder),
            Err(reason) => {
                assert_eq!(reason, Unsupported::Processor);
                assert!(!instructions.is_available(), "{instructions}");
            }
        }
    }
    encoders
}

fn run(encoder: &Arc<dyn Encoder>, embeddings: &[f32], tokens: usize) -> Vec<f32> {
    Arc::clone(encoder).runner().run(embeddings, tokens).to_vec()
}

/// The root of the mean square difference.
fn error(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let squares = found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).powi(2));
    (squares.sum::<f64>() / expected.len() as f64).sqrt()
}

#[test]
fn all_kernels_agree_with_the_textbook() {
    for (head_size, tokens) in [(32, 1), (32, 7), (64, 16), (32, 33), (64, 70)] {
        let input = embeddings(tokens);
        let expected = reference(&layers(), &input, head_size);
        for (i, encoder) in encoders(head_size, false).iter().enumerate() {
            let error = error(&run(encoder, &input, tokens), &expected);
            // Numbers are on the order of one, and each of a byte's 255 steps about a fiftieth.
            assert!(error < 0.04, "kernels {i}, {tokens} tokens, heads of {head_size}: {error}");
        }
    }
}

#[test]
fn all_kernels_equal_the_portable_ones_to_the_last_bit() {
    for (head_size, tokens) in [(32, 1), (32, 9), (64, 16), (64, 49), (32, 117)] {
        for first_row_only in [false, true] {
            let input = embeddings(tokens);
            let encoders = encoders(head_size, first_row_only);
            let expected = bits(&run(&encoders[0], &input, tokens));
            for (i, encoder) in encoders.iter().enumerate().skip(1) {
                let found = bits(&run(encoder, &input, tokens));
                let differ = found.iter().zip(&expected).filter(|(a, b)| a != b).count();
                assert_eq!(differ, 0, "kernels {i}, {tokens} tokens, heads of {head_size}");
            }
        }
    }
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

#[test]
fn a_sequence_does_not_depend_on_the_others_in_its_batch() {
    let mut rng = fastrand::Rng::with_seed(3);
    let both: Vec<f32> = (0..2 * 11 * WIDTH).map(|_| rng.f32() * 8.0).collect();
    for first_row_only in [false, true] {
        for encoder in encoders(32, first_row_only) {
            let mut runner = Arc::clone(&encoder).runner();
            let together = runner.run(&both, 11).to_vec();
            let (first, second) = both.split_at(11 * WIDTH);
            let mut alone = runner.run(first, 11).to_vec();
            alone.extend_from_slice(runner.run(second, 11));
            assert_eq!(together, alone);
        }
    }
}

#[test]
fn the_first_row_is_the_same_alone() {
    let input = embeddings(23);
    for (all, first) in encoders(32, false).iter().zip(encoders(32, true)) {
        let rows = run(all, &input, 23);
        let row = run(&first, &input, 23);
        assert_eq!(row.len(), WIDTH);
        let close = |(a, b): (&f32, &f32)| (a - b).abs() < 0.05;
        assert!(row.iter().zip(&rows).all(close), "{row:?}\n{:?}", &rows[..WIDTH]);
    }
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let refused = |layers, head_size| {
        Stack::new(Portable, EncoderWeights { layers, head_size, first_row_only: false }).err()
    };
    assert_eq!(refused(layers(), 16), Some(Unsupported::Sizes));
    assert_eq!(refused(Vec::new(), 32), Some(Unsupported::Empty));
    let mut odd = layers();
    odd[1].output.scales.pop();
    assert_eq!(refused(odd, 32), Some(Unsupported::Sizes));
    assert_eq!(refused(layers(), 32), None);
}

/// Runs a check with each set of kernels that can run here.
macro_rules! with_all_kernels {
    ($check:ident) => {
        $check(&Portable);
        #[cfg(target_arch = "x86_64")]
        {
            let _ = avx2::Avx2::new().as_ref().map($check);
            let _ = avxvnni::AvxVnni::new().as_ref().map($check);
            let _ = avx512::Avx512::new().as_ref().map($check);
            let _ = amx::Amx::new().as_ref().map($check);
        }
        #[cfg(target_arch = "aarch64")]
        {
            let _ = neon::Neon::with_dot_products().as_ref().map($check);
            let _ = neon::Neon::with_matrices().as_ref().map($check);
        }
    };
}

#[test]
fn first_rows_are_nearly_exact() {
    with_all_kernels!(check_first_rows);
}

fn check_first_rows<K: Kernels>(kernels: &K) {
    for (sequences, tokens) in [(1, 1), (1, 5), (1, 6), (3, 11), (2, 40)] {
        let (first, others) = largest_errors(kernels, sequences, tokens);
        // Products are on the order of 20. One step of a byte is 6 / 255, that of a remainder 255 times smaller.
        assert!(first < 0.003, "{sequences} sequences of {tokens}: {first}");
        assert!(others < 0.5, "{sequences} sequences of {tokens}: {others}");
    }
}

/// The largest error of first rows and of all others, over several sequences.
fn largest_errors<K: Kernels>(kernels: &K, sequences: usize, tokens: usize) -> (f64, f64) {
    let (inputs, outputs) = (128, 64);
    let mut rng = fastrand::Rng::with_seed(tokens as u64);
    let weights: Vec<i8> = (0..inputs * outputs).map(|_| rng.i8(-127..=127)).collect();
    let linear = kernels.pack(IntegerWeights {
        inputs,
        outputs,
        values: weights.clone(),
        scales: vec![0.01; outputs],
        bias: vec![0.5; outputs],
    });
    let values: Vec<f32> =
        (0..sequences * tokens * inputs).map(|_| 6.0 * rng.f32() - 2.0).collect();
    let (mut rows, mut out) = (K::Rows::default(), Vec::new());
    kernels.quantize(&mut rows, &values, inputs, Firsts::Every(tokens));
    kernels.multiply(&linear, &rows, Activation::None, &mut out);
    let (mut first, mut others) = (0f64, 0f64);
    let rows = values.chunks_exact(inputs).zip(out.chunks_exact(outputs));
    for (row, (values, out)) in rows.enumerate() {
        for (column, found) in out.iter().enumerate() {
            let weight = |i: usize| f64::from(weights[i * outputs + column]);
            let sum: f64 = values.iter().enumerate().map(|(i, x)| f64::from(*x) * weight(i)).sum();
            let error = (f64::from(*found) - (0.01 * sum + 0.5)).abs();
            let of = if row % tokens == 0 { &mut first } else { &mut others };
            *of = of.max(error);
        }
    }
    (first, others)
}

#[test]
fn linear_layers_equal_the_portable_ones_to_the_last_bit() {
    with_all_kernels!(check_linear_layers);
}

fn check_linear_layers<K: Kernels>(kernels: &K) {
    for (inputs, outputs, tokens) in [(64, 64, 1), (128, 192, 5), (320, 64, 6), (1536, 64, 13)] {
        for firsts in [Firsts::Every(tokens), Firsts::None] {
            let found = multiplied(kernels, [inputs, outputs, tokens], firsts);
            let expected = multiplied(&Portable, [inputs, outputs, tokens], firsts);
            assert!(found == expected, "{inputs} × {outputs}, {tokens} tokens, {firsts:?}");
        }
    }
}

/// The bits of two sequences' products. Every eighth weight is the largest or least possible, and so are some rows.
fn multiplied<K: Kernels>(
    kernels: &K,
    [inputs, outputs, tokens]: [usize; 3],
    firsts: Firsts,
) -> Vec<u32> {
    let mut rng = fastrand::Rng::with_seed(inputs as u64);
    let mut weights = linear(&mut rng, inputs, outputs);
    for value in weights.values.iter_mut().step_by(8) {
        *value = if rng.bool() { 127 } else { -128 };
    }
    let mut values: Vec<f32> = (0..2 * tokens * inputs).map(|_| 6.0 * rng.f32() - 2.0).collect();
    for (i, row) in values.chunks_exact_mut(inputs).enumerate() {
        match i % 4 {
            1 => row.iter_mut().for_each(|value| *value = value.abs()),
            2 => row.fill(-3.0),
            3 => row.fill(0.0),
            _ => {}
        }
    }
    let (mut rows, mut out) = (K::Rows::default(), Vec::new());
    kernels.quantize(&mut rows, &values, inputs, firsts);
    let linear = kernels.pack(weights);
    kernels.multiply(&linear, &rows, Activation::Gelu, &mut out);
    let mut bits = bits(&out);
    kernels.multiply(&linear, &rows, Activation::None, &mut out);
    bits.extend(out.iter().map(|number| number.to_bits()));
    bits
}

/// All activations and weights are the largest there are: in 16 bits, two products would be cut off.
#[test]
fn the_largest_products_of_a_row_do_not_overflow() {
    with_all_kernels!(check_largest_rows);
}

fn check_largest_rows<K: Kernels>(kernels: &K) {
    let (inputs, outputs) = (1536, 64);
    for weight in [127, -128] {
        let weights = IntegerWeights {
            inputs,
            outputs,
            values: vec![weight; inputs * outputs],
            scales: vec![1.0; outputs],
            bias: vec![0.0; outputs],
        };
        let values: Vec<f32> = vec![1.0; 2 * inputs];
        let (mut rows, mut out) = (K::Rows::default(), Vec::new());
        kernels.quantize(&mut rows, &values, inputs, Firsts::Every(2));
        kernels.multiply(&kernels.pack(weights), &rows, Activation::None, &mut out);
        let exact = inputs as f32 * f32::from(weight);
        assert!(out.iter().all(|value| (value / exact - 1.0).abs() < 1e-6), "{weight}: {}", out[0]);
    }
}

#[test]
fn attention_equals_the_portable_one_to_the_last_bit() {
    with_all_kernels!(check_attention);
}

fn check_attention<K: Kernels>(kernels: &K) {
    for (tokens, head_size) in [(1, 32), (5, 64), (16, 32), (37, 64), (130, 32)] {
        let mut rng = fastrand::Rng::with_seed(tokens as u64);
        let mut numbers = |factor: f32| -> Vec<f32> {
            (0..tokens * 128).map(|_| factor * (rng.f32() - 0.5)).collect()
        };
        let (queries, keys, values) = (numbers(9.0), numbers(7.0), numbers(3.0));
        let sequence = Sequence { queries: &queries, keys: &keys, values: &values, width: 128 };
        let (mut found, mut expected) = (vec![0.0; queries.len()], vec![0.0; queries.len()]);
        kernels.attend(&sequence, head_size, &mut K::Attention::default(), &mut found);
        Portable.attend(&sequence, head_size, &mut (), &mut expected);
        assert!(bits(&found) == bits(&expected), "{tokens} tokens, heads of {head_size}");
    }
}

#[test]
fn the_largest_products_of_a_head_do_not_overflow() {
    with_all_kernels!(check_large_products);
}

/// Every number of a query and of its key is the largest possible, and so is their product: if it overflowed, the key
/// would be the last choice instead of the first.
fn check_large_products<K: Kernels>(kernels: &K) {
    for head_size in [32, 64] {
        let mut keys = vec![3.0; 5 * head_size];
        keys[..head_size].fill(-3.0);
        let mut values = vec![1.0; 5 * head_size];
        values[..head_size].fill(-1.0);
        let queries = vec![3.0; head_size];
        let sequence =
            Sequence { queries: &queries, keys: &keys, values: &values, width: head_size };
        let mut out = vec![0.0; head_size];
        kernels.attend(&sequence, head_size, &mut K::Attention::default(), &mut out);
        assert!(
            out.iter().all(|value| (value - 1.0).abs() < 1e-3),
            "heads of {head_size}: {out:?}"
        );
    }
}
