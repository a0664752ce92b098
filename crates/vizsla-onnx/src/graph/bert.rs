//! Recognises the layers of a BERT encoder in a graph, as PyTorch's exporters write them, in floats or quantised by
//! ONNX Runtime's tools. In: a graph. Out: its layers in order, with the places that a rewrite touches.

use std::collections::{HashMap, HashSet};

use super::proto::{Graph, Node, Tensor};

/// A graph with its edges.
pub(super) struct View<'a> {
    nodes: &'a [Node],
    producers: HashMap<&'a str, usize>,
    /// Initializers and constants.
    tensors: HashMap<&'a str, &'a Tensor>,
}

/// The layers of one encoder.
pub(super) struct Bert<'a> {
    pub(super) layers: Vec<Layer<'a>>,
    /// Whether everything downstream reads only the first row of the last layer.
    pub(super) first_row_only: bool,
}

/// One layer, with the indices of the nodes that a rewrite touches.
pub(super) struct Layer<'a> {
    /// The name of its input.
    pub(super) input: &'a str,
    pub(super) query: Linear<'a>,
    pub(super) key: Linear<'a>,
    pub(super) value: Linear<'a>,
    /// The three nodes that reshape queries, keys and values to [batch, token, head, dimension].
    pub(super) split_heads: [usize; 3],
    pub(super) join_heads: usize,
    /// Products with a factor that is computed from a shape, and the factor's name.
    pub(super) scaling: Vec<(usize, &'a str)>,
    pub(super) softmax: usize,
    /// The scores before the mask is added.
    pub(super) scores: &'a str,
    pub(super) attention_output: Linear<'a>,
    pub(super) attention_add: usize,
    pub(super) attention_norm: Norm<'a>,
    pub(super) intermediate: Linear<'a>,
    pub(super) output: Linear<'a>,
    pub(super) output_norm: Norm<'a>,
    /// The name of its output, and the node that writes it.
    pub(super) result: &'a str,
    pub(super) result_node: usize,
    pub(super) heads: usize,
    pub(super) head_size: usize,
}

/// A matrix product with constant weights, and the bias added to it.
pub(super) struct Linear<'a> {
    pub(super) input: &'a str,
    pub(super) matmul: usize,
    pub(super) weights: Weights<'a>,
    pub(super) bias: &'a Tensor,
}

pub(super) enum Weights<'a> {
    Float,
    /// Bytes; `scales` is the node that multiplies the input's scale by the weights'.
    Integer {
        values: &'a Tensor,
        zero_point: Option<&'a Tensor>,
        scale: &'a Tensor,
        scales: usize,
    },
}

pub(super) struct Norm<'a> {
    pub(super) weight: &'a Tensor,
    pub(super) bias: &'a Tensor,
    pub(super) epsilon: f32,
}

/// A matrix product of any two tensors.
struct Product<'a> {
    left: &'a str,
    right: Factor<'a>,
    node: usize,
}

enum Factor<'a> {
    Float(&'a str),
    Integer { values: &'a Tensor, zero_point: Option<&'a Tensor>, scale: &'a Tensor, scales: usize },
}

impl<'a> View<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let mut producers = HashMap::new();
        let mut tensors: HashMap<&str, &Tensor> =
            graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        for (i, node) in graph.node.iter().enumerate() {
            for output in node.output.iter().filter(|output| !output.is_empty()) {
                producers.insert(output.as_str(), i);
            }
            if let (true, [output], [attribute]) =
                (node.op_type == "Constant", node.output.as_slice(), node.attribute.as_slice())
                && let Some(tensor) = &attribute.tensor
            {
                tensors.insert(output, tensor);
            }
            // Exporters write identical weights once and refer to them.
            if let (true, [output], [input]) =
                (node.op_type == "Identity", node.output.as_slice(), node.input.as_slice())
                && let Some(tensor) = tensors.get(input.as_str()).copied()
            {
                tensors.insert(output, tensor);
            }
        }
        Self { nodes: &graph.node, producers, tensors }
    }

    /// The encoder's layers, or what was not recognised.
    pub(super) fn bert(&self) -> Result<Bert<'a>, &'static str> {
        let layers: Vec<Layer<'a>> =
            (0..self.nodes.len()).filter_map(|node| self.layer(node)).collect();
        let last =
            layers.last().ok_or("it has no layer of the form that BERT's exporters write")?;
        let softmaxes = self.nodes.iter().filter(|node| node.op_type == "Softmax").count();
        if softmaxes != layers.len() {
            return Err("it has attention of a form other than BERT's beside its layers");
        }
        let chained = layers.windows(2).all(|pair| pair[1].input == pair[0].result);
        let alike = layers
            .iter()
            .all(|layer| (layer.heads, layer.head_size) == (last.heads, last.head_size));
        if !(chained && alike) {
            return Err("its layers are not alike or do not follow one another");
        }
        let first_row_only = self
            .nodes
            .iter()
            .filter(|node| node.input.iter().any(|input| input == last.result))
            .all(|node| self.reads_first_row(node));
        Ok(Bert { layers, first_row_only })
    }

    fn reads_first_row(&self, node: &Node) -> bool {
        node.op_type == "Gather"
            && int_attribute(node, "axis") == Some(1)
            && self.constant(node, 1).and_then(Tensor::integers).is_some_and(|i| i == [0])
    }

    /// The layer whose last node this is.
    fn layer(&self, last: usize) -> Option<Layer<'a>> {
        let (output_norm, sum) = self.norm(last)?;
        let (_, (output, normed)) = self.sum(sum, |a, b| Some((self.linear(a)?, b)))?;
        let intermediate = self.linear(self.gelu(output.input)?)?;
        if intermediate.input != normed {
            return None;
        }
        let (attention_norm, sum) = self.norm(*self.producers.get(normed)?)?;
        let (attention_add, (attention_output, input)) =
            self.sum(sum, |a, b| Some((self.linear(a)?, b)))?;
        let (join_heads, joined) = self.producer(attention_output.input, "Reshape")?;
        let context = self.product(self.transposed(&joined.input[0], &[0, 2, 1, 3])?)?;
        let Factor::Float(values) = context.right else { return None };
        let (split_values, split) =
            self.producer(self.transposed(values, &[0, 2, 1, 3])?, "Reshape")?;
        let value = self.linear(&split.input[0])?;
        let (softmax, softmax_node) = self.producer(context.left, "Softmax")?;
        let masked = softmax_node.input[0].as_str();
        let attention = self
            .sum(masked, |scores, mask| {
                self.is_padding_mask(mask).then(|| self.attention(scores))?
            })
            .map(|(_, attention)| attention)
            .or_else(|| self.attention(masked))?;
        let [query, key] = attention.linears;
        let result = self.nodes[last].output.first()?.as_str();
        [&query, &key, &value].iter().all(|linear| linear.input == input).then_some(())?;
        Some(Layer {
            input,
            query,
            key,
            value,
            split_heads: [attention.splits[0], attention.splits[1], split_values],
            join_heads,
            scaling: attention.scaling,
            softmax,
            scores: attention.scores,
            attention_output,
            attention_add,
            attention_norm,
            intermediate,
            output,
            output_norm,
            result,
            result_node: last,
            heads: attention.heads,
            head_size: attention.head_size,
        })
    }

    /// Whether a tensor depends only on the attention mask and small constants: unlike a position bias, it has no
    /// effect when nothing is padded.
    fn is_padding_mask(&self, name: &str) -> bool {
        const OPERATORS: [&str; 16] = [
            "Cast",
            "Concat",
            "Constant",
            "ConstantOfShape",
            "Equal",
            "Expand",
            "Gather",
            "Mul",
            "Not",
            "Reshape",
            "Shape",
            "Slice",
            "Squeeze",
            "Sub",
            "Unsqueeze",
            "Where",
        ];
        let (mut open, mut seen, mut from_mask) = (vec![name], HashSet::new(), false);
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            if let Some(tensor) = self.tensors.get(name) {
                // Sizes, axes and the number that masks a token.
                if tensor.dims.len() > 1 || tensor.dims.iter().any(|size| *size > 4) {
                    return false;
                }
            } else if let Some(node) = self.producers.get(name).map(|index| &self.nodes[*index]) {
                if !OPERATORS.contains(&node.op_type.as_str()) {
                    return false;
                }
                open.extend(
                    node.input.iter().filter(|input| !input.is_empty()).map(String::as_str),
                );
            } else {
                from_mask |= name == "attention_mask";
            }
        }
        from_mask
    }

    /// q·k / √d, whether √d divides the product or its square root divides each factor.
    fn attention(&self, scores: &'a str) -> Option<Attention<'a>> {
        let divided = self.scaled_after(scores);
        let product = self.product(divided.map_or(scores, |(inner, _)| inner))?;
        let Factor::Float(right) = product.right else { return None };
        let mut scaling = Vec::new();
        let mut before = Vec::new();
        let mut unscale = |name: &'a str| match self.scaled_before(name) {
            Some(scaled) => {
                scaling.extend(scaled.value.is_none().then_some((scaled.node, scaled.factor)));
                before.push(scaled.value);
                scaled.inner
            }
            None => name,
        };
        let (left, right) = (unscale(product.left), unscale(right));
        let (split_queries, query) =
            self.producer(self.transposed(left, &[0, 2, 1, 3])?, "Reshape")?;
        let (split_keys, key) = self.producer(self.transposed(right, &[0, 2, 3, 1])?, "Reshape")?;
        let (heads, head_size) = self.heads(query)?;
        let root = (head_size as f32).sqrt();
        let close = |value: f32, to: f32| (value / to - 1.0).abs() < 1e-3;
        let scaled_right = match (divided, before.as_slice()) {
            (Some((_, divisor)), []) => close(divisor, root),
            (None, [left, right]) => [left, right]
                .into_iter()
                .all(|value| value.is_none_or(|value| close(value, 1.0 / root.sqrt()))),
            _ => false,
        };
        scaled_right.then_some(())?;
        Some(Attention {
            linears: [self.linear(&query.input[0])?, self.linear(&key.input[0])?],
            splits: [split_queries, split_keys],
            scaling,
            scores,
            heads,
            head_size,
        })
    }

    /// `x / c` or `x * (1 / c)`: x and c.
    fn scaled_after(&self, name: &str) -> Option<(&'a str, f32)> {
        if let Some((_, node)) = self.producer(name, "Div") {
            return Some((&node.input[0], self.scalar(&node.input[1])?));
        }
        let (_, node) = self.producer(name, "Mul")?;
        either(node, |x, c| Some((x, 1.0 / self.scalar(c)?)))
    }

    /// `x * c`, or `x * √(1 / √d)` computed from a shape.
    fn scaled_before(&self, name: &str) -> Option<Scaled<'a>> {
        let (node, product) = self.producer(name, "Mul")?;
        either(product, |inner, factor| {
            let value = self.scalar(factor);
            if value.is_none() {
                let (_, outer) = self.producer(factor, "Sqrt")?;
                let (_, division) = self.producer(self.uncast(&outer.input[0]), "Div")?;
                (self.scalar(&division.input[0]) == Some(1.0)).then_some(())?;
                self.producer(&division.input[1], "Sqrt")?;
            }
            Some(Scaled { inner, node, factor, value })
        })
    }

    /// The last two sizes of the shape that a `Reshape` is given.
    fn heads(&self, reshape: &'a Node) -> Option<(usize, usize)> {
        let shape = reshape.input.get(1)?;
        let sizes = if let Some(tensor) = self.tensors.get(shape.as_str()) {
            tensor.integers()?
        } else {
            let (_, concat) = self.producer(shape, "Concat")?;
            let known =
                |name: &String| Some(*self.tensors.get(name.as_str())?.integers()?.first()?);
            concat.input.iter().map(|name| known(name).unwrap_or(-1)).collect()
        };
        let [.., heads, size] = sizes[..] else { return None };
        Some((usize::try_from(heads).ok()?, usize::try_from(size).ok()?))
    }

    fn linear(&self, name: &'a str) -> Option<Linear<'a>> {
        let (_, (product, bias)) = self
            .sum(name, |product, bias| Some((self.product(product)?, *self.tensors.get(bias)?)))?;
        let weights = match product.right {
            Factor::Float(weights) => {
                self.tensors.contains_key(weights).then_some(Weights::Float)?
            }
            Factor::Integer { values, zero_point, scale, scales } => {
                Weights::Integer { values, zero_point, scale, scales }
            }
        };
        Some(Linear { input: product.left, matmul: product.node, weights, bias })
    }

    /// `MatMul`, or its quantised form: `Cast(MatMulInteger(..)) * (scale * scale)`.
    fn product(&self, name: &'a str) -> Option<Product<'a>> {
        if let Some((node, matmul)) = self.producer(name, "MatMul") {
            let right = Factor::Float(&matmul.input[1]);
            return Some(Product { left: &matmul.input[0], right, node });
        }
        let (_, rescale) = self.producer(name, "Mul")?;
        either(rescale, |sum, scales| {
            let (_, cast) = self.producer(sum, "Cast")?;
            let (node, matmul) = self.producer(&cast.input[0], "MatMulInteger")?;
            let (scales, scales_node) = self.producer(scales, "Mul")?;
            let left = self.quantized(&matmul.input[0])?;
            let right = match self.tensors.get(matmul.input[1].as_str()) {
                Some(values) => Factor::Integer {
                    values,
                    zero_point: self.constant(matmul, 3),
                    scale: either(scales_node, |_, b| self.tensors.get(b).copied())?,
                    scales,
                },
                None => Factor::Float(self.quantized(&matmul.input[1])?),
            };
            Some(Product { left, right, node })
        })
    }

    /// The tensor whose quantisation gave this.
    fn quantized(&self, name: &str) -> Option<&'a str> {
        let (_, node) = self.producer(name, "DynamicQuantizeLinear")?;
        (node.output[0] == name).then_some(node.input[0].as_str())
    }

    /// x of `0.5 * x * (1 + erf(x / √2))`, in any order, or of the equivalent operator.
    fn gelu(&self, name: &'a str) -> Option<&'a str> {
        if let Some((_, node)) = self.producer(name, "Gelu") {
            return node.attribute.is_empty().then_some(node.input[0].as_str());
        }
        let (_, outer) = self.producer(name, "Mul")?;
        either(outer, |inner, half| {
            (self.scalar(half) == Some(0.5)).then_some(())?;
            let (_, product) = self.producer(inner, "Mul")?;
            either(product, |x, rest| {
                let (_, erf) = self.sum(rest, |erf, one| {
                    (self.scalar(one) == Some(1.0)).then_some(())?;
                    Some(self.producer(erf, "Erf")?.1)
                })?;
                let (_, divided) = self.producer(&erf.input[0], "Div")?;
                let root = self.scalar(&divided.input[1])?;
                let same = divided.input[0] == x && (root - std::f32::consts::SQRT_2).abs() < 1e-4;
                same.then_some(x)
            })
        })
    }

    fn norm(&self, node: usize) -> Option<(Norm<'a>, &'a str)> {
        let node = self.nodes.get(node).filter(|node| node.op_type == "LayerNormalization")?;
        let last_axis = int_attribute(node, "axis").is_none_or(|axis| axis == -1);
        let epsilon = node.attribute.iter().find(|attribute| attribute.name == "epsilon");
        let norm = Norm {
            weight: self.constant(node, 1)?,
            bias: self.constant(node, 2)?,
            epsilon: epsilon.and_then(|attribute| attribute.float).unwrap_or(1e-5),
        };
        last_axis.then_some((norm, node.input[0].as_str()))
    }

    fn transposed(&self, name: &str, order: &[i64]) -> Option<&'a str> {
        let (_, node) = self.producer(name, "Transpose")?;
        let permutation = node.attribute.iter().find(|attribute| attribute.name == "perm")?;
        (permutation.ints == order).then_some(node.input[0].as_str())
    }

    fn uncast(&self, name: &'a str) -> &'a str {
        self.producer(name, "Cast").map_or(name, |(_, cast)| &cast.input[0])
    }

    /// What `of` finds in the two inputs of an `Add`, in either order.
    fn sum<T>(&self, name: &str, of: impl Fn(&'a str, &'a str) -> Option<T>) -> Option<(usize, T)> {
        let (index, node) = self.producer(name, "Add")?;
        Some((index, either(node, of)?))
    }

    fn producer(&self, name: &str, operator: &str) -> Option<(usize, &'a Node)> {
        let index = *self.producers.get(name)?;
        let node = &self.nodes[index];
        // Guarantees the inputs that callers access, whatever the file contains.
        let least = match operator {
            "Add" | "Div" | "MatMul" | "MatMulInteger" | "Mul" | "Reshape" => 2,
            _ => 1,
        };
        (node.op_type == operator && node.input.len() >= least).then_some((index, node))
    }

    pub(super) fn constant(&self, node: &Node, input: usize) -> Option<&'a Tensor> {
        self.tensors.get(node.input.get(input)?.as_str()).copied()
    }

    fn scalar(&self, name: &str) -> Option<f32> {
        match self.tensors.get(name)?.floats()?.as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }
}

/// A product with a factor whose value is known, unless it is computed from a shape.
struct Scaled<'a> {
    inner: &'a str,
    node: usize,
    factor: &'a str,
    value: Option<f32>,
}

/// Queries times keys.
struct Attention<'a> {
    linears: [Linear<'a>; 2],
    splits: [usize; 2],
    scaling: Vec<(usize, &'a str)>,
    scores: &'a str,
    heads: usize,
    head_size: usize,
}

/// What `of` finds in the two inputs of a node, in either order.
fn either<'a, T>(node: &'a Node, of: impl Fn(&'a str, &'a str) -> Option<T>) -> Option<T> {
    let [a, b] = node.input.as_slice() else { return None };
    of(a, b).or_else(|| of(b, a))
}

fn int_attribute(node: &Node, name: &str) -> Option<i64> {
    node.attribute.iter().find(|attribute| attribute.name == name)?.int
}
