//! An encoder's weights as stored in a file.

/// The weights of one linear layer, `inputs` × `outputs`, as one signed byte each.
pub(crate) struct IntegerWeights {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Row by row: the weight from input `i` to output `o` is at `i * outputs + o`.
    pub(crate) values: Vec<i8>,
    /// The value of one unit of each output's weights.
    pub(crate) scales: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl IntegerWeights {
    /// The sum of each output's weights, used to subtract a row's zero point.
    pub(super) fn sums(&self) -> Vec<i32> {
        let mut sums = vec![0; self.outputs];
        for row in self.values.chunks_exact(self.outputs) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += i32::from(*value);
            }
        }
        sums
    }
}

/// The scale and shift of a normalised row.
pub(crate) struct Norm {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) epsilon: f32,
}

/// One layer.
pub(crate) struct LayerWeights {
    pub(crate) query: IntegerWeights,
    pub(crate) key: IntegerWeights,
    pub(crate) value: IntegerWeights,
    pub(crate) attention_output: IntegerWeights,
    pub(crate) attention_norm: Norm,
    pub(crate) intermediate: IntegerWeights,
    pub(crate) output: IntegerWeights,
    pub(crate) output_norm: Norm,
}

/// Layers as a graph has them.
pub(crate) struct EncoderWeights {
    pub(crate) layers: Vec<LayerWeights>,
    pub(crate) head_size: usize,
    /// Whether only the first row of each sequence is wanted.
    pub(crate) first_row_only: bool,
}

impl LayerWeights {
    /// Whether all parts are consistent with each other and with rows of `width` numbers.
    pub(super) fn is_consistent(&self, width: usize) -> bool {
        let fits = |weights: &IntegerWeights, inputs: usize, outputs: usize| {
            weights.inputs == inputs
                && weights.outputs == outputs
                && weights.values.len() == inputs * outputs
                && weights.scales.len() == outputs
                && weights.bias.len() == outputs
        };
        let norm_fits = |norm: &Norm| norm.weight.len() == width && norm.bias.len() == width;
        let wide = self.intermediate.outputs;
        [&self.query, &self.key, &self.value, &self.attention_output]
            .into_iter()
            .all(|weights| fits(weights, width, width))
            && fits(&self.intermediate, width, wide)
            && fits(&self.output, wide, width)
            && norm_fits(&self.attention_norm)
            && norm_fits(&self.output_norm)
    }
}
