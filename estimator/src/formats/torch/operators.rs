//! What a call of `torch` in TorchScript's code becomes: ONNX's operators, as torch's own exporter would write them,
//! and ATen's own (`aten::lstm`) where ONNX has none that takes the same arguments.
//!
//! Only names and arguments are translated; shapes and costs are found from the nodes as for any other graph.

use super::tracing::{Result, Tensor, Tracing, Val, scalar_type, truth};
use crate::formats::onnx_dtype;
use crate::model::{Attribute, DType, DeclaredDim, ValueId};
use std::rc::Rc;

/// Operators that change each element by itself, as ONNX calls them.
const UNARY: &[(&str, &str)] = &[
    ("abs", "Abs"),
    ("acos", "Acos"),
    ("asin", "Asin"),
    ("atan", "Atan"),
    ("ceil", "Ceil"),
    ("celu", "Celu"),
    ("clamp", "Clip"),
    ("clip", "Clip"),
    ("clamp_min", "Clip"),
    ("clamp_max", "Clip"),
    ("cos", "Cos"),
    ("elu", "Elu"),
    ("erf", "Erf"),
    ("exp", "Exp"),
    ("floor", "Floor"),
    ("gelu", "Gelu"),
    ("hardsigmoid", "HardSigmoid"),
    ("hardswish", "HardSwish"),
    ("hardtanh", "Clip"),
    ("isnan", "IsNaN"),
    ("leaky_relu", "LeakyRelu"),
    ("log", "Log"),
    ("log1p", "Log"),
    ("logical_not", "Not"),
    ("bitwise_not", "Not"),
    ("mish", "Mish"),
    ("neg", "Neg"),
    ("reciprocal", "Reciprocal"),
    ("relu", "Relu"),
    ("relu6", "Clip"),
    ("round", "Round"),
    ("selu", "Selu"),
    ("sigmoid", "Sigmoid"),
    ("sign", "Sign"),
    ("silu", "Swish"),
    ("sin", "Sin"),
    ("sinh", "Sinh"),
    ("softplus", "Softplus"),
    ("sqrt", "Sqrt"),
    ("tan", "Tan"),
    ("tanh", "Tanh"),
];

/// Operators on two tensors that stretch to each other's shape.
const BINARY: &[(&str, &str)] = &[
    ("add", "Add"),
    ("bitwise_and", "And"),
    ("bitwise_or", "Or"),
    ("div", "Div"),
    ("eq", "Equal"),
    ("floor_divide", "Div"),
    ("fmod", "Mod"),
    ("ge", "GreaterOrEqual"),
    ("gt", "Greater"),
    ("le", "LessOrEqual"),
    ("logical_and", "And"),
    ("logical_or", "Or"),
    ("lt", "Less"),
    ("maximum", "Max"),
    ("minimum", "Min"),
    ("mul", "Mul"),
    ("ne", "Equal"),
    ("pow", "Pow"),
    ("prelu", "PRelu"),
    ("remainder", "Mod"),
    ("rsub", "Sub"),
    ("sub", "Sub"),
];

/// Operators whose result is their first argument, as far as shapes and costs go.
const SAME: &[&str] = &[
    "_cast_Float",
    "alias",
    "alpha_dropout",
    "clone",
    "contiguous",
    "copy",
    "cpu",
    "detach",
    "dropout",
    "feature_dropout",
    "fill",
    "float",
    "lift_fresh",
    "requires_grad_",
    "resolve_conj",
    "resolve_neg",
    "type_as",
    "zero",
];

/// Reductions over some dimensions.
const REDUCTIONS: &[(&str, &str)] = &[
    ("amax", "ReduceMax"),
    ("amin", "ReduceMin"),
    ("logsumexp", "ReduceLogSumExp"),
    ("mean", "ReduceMean"),
    ("sum", "ReduceSum"),
];

fn find(table: &[(&'static str, &'static str)], op: &str) -> Option<&'static str> {
    table.iter().find(|(own, _)| *own == op).map(|(_, onnx)| *onnx)
}

fn int(value: Option<&Val>) -> Option<i64> {
    match value? {
        Val::Int(value) => Some(*value),
        Val::Bool(value) => Some(i64::from(*value)),
        _ => None,
    }
}

/// Whole numbers that are all known; one stands for a list of itself.
fn ints(value: Option<&Val>) -> Option<Vec<i64>> {
    match value? {
        Val::List(items) => items.iter().map(|item| int(Some(item))).collect(),
        other => Some(vec![int(Some(other))?]),
    }
}

/// A list of so many numbers; one alone stands for each.
fn each(value: Option<&Val>, count: usize, default: i64) -> Vec<i64> {
    match ints(value).as_deref() {
        Some([one]) => vec![*one; count],
        Some([]) | None => vec![default; count],
        Some(items) => items.to_vec(),
    }
}

/// An axis counted from the front.
fn axis(axis: i64, rank: usize) -> Option<usize> {
    let rank_signed = i64::try_from(rank).ok()?;
    let place = usize::try_from(if axis < 0 { axis.checked_add(rank_signed)? } else { axis }).ok()?;
    (place < rank).then_some(place)
}

fn attribute(value: i64) -> Attribute {
    Attribute::Int(value)
}

/// How many dimensions an operator's picture has, by its name.
fn spatial(op: &str) -> usize {
    match op {
        op if op.contains("1d") => 1,
        op if op.contains("3d") => 3,
        _ => 2,
    }
}

fn named(name: &str) -> DeclaredDim {
    DeclaredDim::Named(name.into())
}

/// What an input is whose channels are known: a batch of sounds, pictures or films.
fn picture(channels: u64, spatial: usize) -> Vec<DeclaredDim> {
    let sides: &[&str] = match spatial {
        1 => &["length"],
        2 => &["height", "width"],
        _ => &["frames", "height", "width"],
    };
    let first = [named("batch"), DeclaredDim::Fixed(channels)];
    first.into_iter().chain(sides.iter().map(|side| named(side))).collect()
}

impl Tracing<'_> {
    /// A value as a tensor, numbers included.
    fn as_tensor(&mut self, value: Option<&Val>) -> Option<Tensor> {
        let (id, rank) = match value? {
            Val::Tensor(tensor) => return Some(tensor.clone()),
            Val::Number(id) => (*id, 0),
            Val::Int(number) => (self.integer(*number), 0),
            Val::Bool(truth) => (self.integer(i64::from(*truth)), 0),
            Val::Float(number) => (self.float(*number), 0),
            _ => return None,
        };
        Some(Tensor { id, rank: Some(rank), input: None })
    }

    /// Whole numbers, some of which only the graph knows, as a value with one dimension.
    fn vector(&mut self, value: Option<&Val>, minus_one: i64) -> Result<Option<ValueId>> {
        let items = match value {
            Some(Val::List(items)) => items.clone(),
            Some(Val::Sizes(id)) => return Ok(Some(*id)),
            Some(other) => vec![other.clone()],
            None => return Ok(None),
        };
        if let Some(known) = ints(Some(&Val::List(items.clone()))) {
            let known: Vec<i64> = known.into_iter().map(|item| if item == -1 { minus_one } else { item }).collect();
            return Ok(Some(self.integers(&known)));
        }
        let zero = self.integers(&[0]);
        let mut parts = Vec::with_capacity(items.len());
        for item in &items {
            parts.push(Some(match item {
                Val::Int(number) => self.integers(&[if *number == -1 { minus_one } else { *number }]),
                Val::Number(id) => self.one("Unsqueeze", &[Some(*id), Some(zero)], Vec::new())?,
                Val::Tensor(tensor) => {
                    let one = self.integers(&[1]);
                    self.one("Reshape", &[Some(tensor.id), Some(one)], Vec::new())?
                }
                _ => return Ok(None),
            }));
        }
        match parts.as_slice() {
            [one] => Ok(*one),
            _ => self.one("Concat", &parts, vec![("axis", attribute(0))]).map(Some),
        }
    }

    fn tensor(
        &mut self,
        op: &str,
        inputs: &[Option<ValueId>],
        of: Vec<(&str, Attribute)>,
        rank: Option<usize>,
    ) -> Result<Val> {
        Ok(Val::Tensor(Tensor { id: self.one(op, inputs, of)?, rank, input: None }))
    }

    /// What a call gives. `wanted` is how many names take its result.
    pub(super) fn operator(&mut self, op: &str, given: &[Val], names: &[(Rc<str>, Val)], wanted: usize) -> Result<Val> {
        let plain = op.strip_suffix('_').filter(|name| !name.is_empty() && !name.ends_with('_')).unwrap_or(op);
        let numbers = |value: &Val| matches!(value, Val::Int(_) | Val::Float(_) | Val::Bool(_) | Val::Number(_));
        if !given.is_empty() && given.iter().all(numbers) {
            return self.arithmetic(plain, given);
        }
        if let Some(result) = self.of_lists(plain, given)? {
            return Ok(result);
        }
        let Some(mut x) = self.as_tensor(given.first()) else { return self.making(plain, given, names) };
        let arg = |place: usize, name: &str| {
            given.get(place).or_else(|| names.iter().find(|(of, _)| of.as_ref() == name).map(|(_, value)| value))
        };
        let id = Some(x.id);
        if SAME.contains(&plain) {
            return Ok(Val::Tensor(x));
        }
        if let Some(onnx) = find(UNARY, plain) {
            let result = self.one(onnx, &[id], Vec::new())?;
            return Ok(Val::Tensor(Tensor { id: result, ..x }));
        }
        if let Some(onnx) = find(BINARY, plain)
            && let Some(other) = self.as_tensor(arg(1, "other"))
        {
            let rank = x.rank.zip(other.rank).map(|(a, b)| a.max(b));
            let input = if other.rank == Some(0) { x.input } else { None };
            let result = self.one(onnx, &[id, Some(other.id)], Vec::new())?;
            return Ok(Val::Tensor(Tensor { id: result, rank, input }));
        }
        if let Some(onnx) = find(REDUCTIONS, plain) {
            let dims = ints(arg(1, "dim")).filter(|dims| !dims.is_empty());
            let keep = int(arg(2, "keepdim")).unwrap_or(0);
            let rank = match (&dims, x.rank) {
                (Some(_), rank) if keep != 0 => rank,
                (Some(dims), Some(rank)) => rank.checked_sub(dims.len()),
                (None, _) => Some(0),
                _ => None,
            };
            let axes = if onnx == "ReduceSum" { dims.as_ref().map(|dims| self.integers(dims)) } else { None };
            let mut of = vec![("keepdims", attribute(keep))];
            if let (Some(dims), None) = (dims, axes) {
                of.push(("axes", Attribute::Ints(dims)));
            }
            return self.tensor(onnx, &[id, axes], of, rank);
        }
        match plain {
            "conv1d" | "conv2d" | "conv3d" | "_convolution" | "convolution" | "conv_transpose1d"
            | "conv_transpose2d" | "conv_transpose3d" => self.convolution(plain, x, given),
            "linear" => {
                let Some(w) = self.as_tensor(arg(1, "weight")) else { return Ok(Val::Unknown) };
                if let Some([_, size]) = self.sizes_of(w.id) {
                    let dims = [named("batch"), DeclaredDim::Fixed(*size)];
                    self.suppose(&mut x, DType::F32, &dims);
                }
                let rank = x.rank;
                let turned = self.one("Transpose", &[Some(w.id)], vec![("perm", Attribute::Ints(vec![1, 0]))])?;
                let product = self.one("MatMul", &[id, Some(turned)], Vec::new())?;
                match self.as_tensor(arg(2, "bias")) {
                    Some(bias) => self.tensor("Add", &[Some(product), Some(bias.id)], Vec::new(), rank),
                    None => Ok(Val::Tensor(Tensor { id: product, rank, input: None })),
                }
            }
            "matmul" | "mm" | "bmm" | "mv" => {
                let Some(other) = self.as_tensor(arg(1, "other")) else { return Ok(Val::Unknown) };
                let rank = x.rank.zip(other.rank).map(|(a, b)| a.max(b));
                self.tensor("MatMul", &[id, Some(other.id)], Vec::new(), rank)
            }
            "addmm" | "baddbmm" => {
                let (a, b) = (self.as_tensor(arg(1, "mat1")), self.as_tensor(arg(2, "mat2")));
                let (Some(a), Some(b)) = (a, b) else { return Ok(Val::Unknown) };
                let product = self.one("MatMul", &[Some(a.id), Some(b.id)], Vec::new())?;
                self.tensor("Add", &[Some(product), id], Vec::new(), a.rank)
            }
            "batch_norm" | "instance_norm" => {
                let inputs: Vec<Option<ValueId>> =
                    (0..5).map(|place| self.as_tensor(given.get(place)).map(|tensor| tensor.id)).collect();
                let (onnx, count) =
                    if plain == "batch_norm" { ("BatchNormalization", 5) } else { ("InstanceNormalization", 3) };
                if inputs.get(1) == Some(&None) {
                    // Without scale and shift the work is the same as far as it is counted by element.
                    return self.tensor("MeanVarianceNormalization", &[id], Vec::new(), x.rank);
                }
                self.tensor(onnx, inputs.get(..count).unwrap_or_default(), Vec::new(), x.rank)
            }
            "layer_norm" | "rms_norm" => {
                let over = i64::try_from(ints(arg(1, "normalized_shape")).map_or(1, |dims| dims.len())).unwrap_or(1);
                let (scale, shift) = (self.as_tensor(arg(2, "weight")), self.as_tensor(arg(3, "bias")));
                let Some(scale) = scale else {
                    return self.tensor("MeanVarianceNormalization", &[id], Vec::new(), x.rank);
                };
                let of = vec![("axis", attribute(-over))];
                match plain {
                    "rms_norm" => self.tensor("RMSNormalization", &[id, Some(scale.id)], of, x.rank),
                    _ => {
                        let inputs = [id, Some(scale.id), shift.map(|shift| shift.id)];
                        self.tensor("LayerNormalization", &inputs, of, x.rank)
                    }
                }
            }
            "group_norm" => {
                let (scale, shift) = (self.as_tensor(arg(2, "weight")), self.as_tensor(arg(3, "bias")));
                let groups = int(arg(1, "num_groups")).unwrap_or(1);
                let inputs = [id, scale.map(|of| of.id), shift.map(|of| of.id)];
                self.tensor("GroupNormalization", &inputs, vec![("num_groups", attribute(groups))], x.rank)
            }
            "max_pool1d"
            | "max_pool2d"
            | "max_pool3d"
            | "max_pool2d_with_indices"
            | "avg_pool1d"
            | "avg_pool2d"
            | "avg_pool3d" => {
                let sides = spatial(plain);
                let kernel = each(arg(1, "kernel_size"), sides, 1);
                let strides = match ints(arg(2, "stride")) {
                    Some(given) if !given.is_empty() => each(arg(2, "stride"), sides, 1),
                    _ => kernel.clone(),
                };
                let pads = each(arg(3, "padding"), sides, 0);
                let is_max = plain.starts_with("max");
                let (onnx, ceil) = if is_max { ("MaxPool", 5) } else { ("AveragePool", 4) };
                let mut of = vec![
                    ("kernel_shape", Attribute::Ints(kernel)),
                    ("strides", Attribute::Ints(strides)),
                    ("pads", Attribute::Ints([pads.clone(), pads].concat())),
                    ("ceil_mode", attribute(int(arg(ceil, "ceil_mode")).unwrap_or(0))),
                ];
                if is_max {
                    of.push(("dilations", Attribute::Ints(each(arg(4, "dilation"), sides, 1))));
                }
                let result = self.tensor(onnx, &[id], of, x.rank)?;
                Ok(if plain.ends_with("indices") { Val::List(vec![result, Val::Unknown]) } else { result })
            }
            "adaptive_avg_pool1d" | "adaptive_avg_pool2d" | "adaptive_avg_pool3d" | "adaptive_max_pool2d" => {
                let size = each(arg(1, "output_size"), spatial(plain), 1);
                if plain.contains("avg") && size.iter().all(|side| *side == 1) {
                    return self.tensor("GlobalAveragePool", &[id], Vec::new(), x.rank);
                }
                self.tensor(&format!("aten::{plain}"), &[id], vec![("output_size", Attribute::Ints(size))], x.rank)
            }
            "flatten" => self.flatten(&x, int(arg(1, "start_dim")).unwrap_or(0), int(arg(2, "end_dim")).unwrap_or(-1)),
            "view" | "reshape" | "_unsafe_view" => {
                let rank = if let Some(Val::List(items)) = given.get(1) { Some(items.len()) } else { None };
                let shape = self.vector(given.get(1), -1)?;
                self.tensor("Reshape", &[id, shape], vec![("allowzero", attribute(1))], rank)
            }
            "view_as" | "reshape_as" | "expand_as" => {
                let Some(other) = self.as_tensor(given.get(1)) else { return Ok(Val::Unknown) };
                let shape = self.one("Shape", &[Some(other.id)], Vec::new())?;
                let onnx = if plain == "expand_as" { "Expand" } else { "Reshape" };
                self.tensor(onnx, &[id, Some(shape)], Vec::new(), other.rank)
            }
            "expand" | "broadcast_to" => {
                let rank = if let Some(Val::List(items)) = given.get(1) { Some(items.len()) } else { None };
                let shape = self.vector(given.get(1), 1)?;
                self.tensor("Expand", &[id, shape], Vec::new(), rank)
            }
            "repeat" => {
                let times = self.vector(given.get(1), 1)?;
                self.tensor("Tile", &[id, times], Vec::new(), x.rank)
            }
            "unflatten" => {
                let Some((rank, along)) = x.rank.and_then(|rank| Some((rank, axis(int(given.get(1))?, rank)?))) else {
                    return Ok(Val::Unknown);
                };
                let Some(Val::List(parts)) = given.get(2) else { return Ok(Val::Unknown) };
                let mut shape: Vec<Val> = vec![Val::Int(0); along];
                shape.extend(parts.iter().cloned());
                let (count, behind) = (shape.len(), rank - along - 1);
                if behind > 0 {
                    return Ok(Val::Unknown);
                }
                let shape = self.vector(Some(&Val::List(shape)), -1)?;
                self.tensor("Reshape", &[id, shape], Vec::new(), Some(count))
            }
            "permute" => {
                let perm = ints(arg(1, "dims")).and_then(|dims| {
                    let rank = dims.len();
                    dims.iter().map(|dim| i64::try_from(axis(*dim, rank)?).ok()).collect::<Option<Vec<i64>>>()
                });
                let Some(perm) = perm else { return Ok(Val::Unknown) };
                let rank = Some(perm.len());
                self.tensor("Transpose", &[id], vec![("perm", Attribute::Ints(perm))], rank)
            }
            "transpose" | "swapaxes" | "t" | "numpy_T" => {
                let rank = x.rank.or(if plain == "t" { Some(2) } else { None });
                let places = rank.and_then(|rank| {
                    let place = |at: usize, default: i64| axis(int(given.get(at)).unwrap_or(default), rank);
                    Some((rank, place(1, 0)?, place(2, 1)?))
                });
                let Some((rank, a, b)) = places else {
                    return Err("it turns a tensor whose number of dimensions is not in the file".to_owned());
                };
                let mut perm: Vec<i64> = (0i64..).take(rank).collect();
                perm.swap(a, b);
                self.tensor("Transpose", &[id], vec![("perm", Attribute::Ints(perm))], Some(rank))
            }
            "unsqueeze" => {
                let at = self.vector(arg(1, "dim"), -1)?;
                self.tensor("Unsqueeze", &[id, at], Vec::new(), x.rank.map(|rank| rank + 1))
            }
            "squeeze" => match ints(arg(1, "dim")) {
                Some(dims) => {
                    let rank = x.rank.and_then(|rank| rank.checked_sub(dims.len()));
                    let at = self.integers(&dims);
                    self.tensor("Squeeze", &[id, Some(at)], Vec::new(), rank)
                }
                None => self.tensor("Squeeze", &[id], Vec::new(), None),
            },
            "select" => {
                let Some(at) = self.as_tensor(arg(2, "index")) else { return Ok(Val::Unknown) };
                let of = vec![("axis", attribute(int(arg(1, "dim")).unwrap_or(0)))];
                self.tensor("Gather", &[id, Some(at.id)], of, x.rank.and_then(|rank| rank.checked_sub(1)))
            }
            "index_select" => {
                let Some(at) = self.as_tensor(arg(2, "index")) else { return Ok(Val::Unknown) };
                let of = vec![("axis", attribute(int(arg(1, "dim")).unwrap_or(0)))];
                self.tensor("Gather", &[id, Some(at.id)], of, x.rank)
            }
            "gather" => {
                let Some(at) = self.as_tensor(arg(2, "index")) else { return Ok(Val::Unknown) };
                let of = vec![("axis", attribute(int(arg(1, "dim")).unwrap_or(0)))];
                self.tensor("GatherElements", &[id, Some(at.id)], of, x.rank)
            }
            // Rows chosen by one list of places: a look-up.
            "index" if let Some((along, at)) = self.lone_index(given.get(1)) => {
                let rank = x.rank.zip(at.rank).map(|(rank, of)| (rank + of).saturating_sub(1));
                self.tensor("Gather", &[id, Some(at.id)], vec![("axis", attribute(along))], rank)
            }
            "slice" | "narrow" => self.slice(plain, &x, given),
            "embedding" => {
                let Some(mut at) = self.as_tensor(arg(1, "indices")) else { return Ok(Val::Unknown) };
                self.suppose(&mut at, DType::I64, &[named("batch"), named("sequence")]);
                let rank = at.rank.map(|rank| rank + 1);
                self.tensor("Gather", &[id, Some(at.id)], vec![("axis", attribute(0))], rank)
            }
            "softmax" | "log_softmax" | "_softmax" => {
                let onnx = if plain == "log_softmax" { "LogSoftmax" } else { "Softmax" };
                self.tensor(onnx, &[id], vec![("axis", attribute(int(arg(1, "dim")).unwrap_or(-1)))], x.rank)
            }
            "cumsum" => {
                let at = self.as_tensor(arg(1, "dim")).map(|tensor| tensor.id);
                self.tensor("CumSum", &[id, at], Vec::new(), x.rank)
            }
            "argmax" | "argmin" if int(arg(1, "dim")).is_some() => {
                let onnx = if plain == "argmax" { "ArgMax" } else { "ArgMin" };
                let (along, keep) = (int(arg(1, "dim")).unwrap_or(0), int(arg(2, "keepdim")).unwrap_or(0));
                let rank = if keep != 0 { x.rank } else { x.rank.and_then(|rank| rank.checked_sub(1)) };
                self.tensor(onnx, &[id], vec![("axis", attribute(along)), ("keepdims", attribute(keep))], rank)
            }
            "masked_fill" => {
                let (mask, with) = (self.as_tensor(given.get(1)), self.as_tensor(given.get(2)));
                let inputs = [mask.map(|of| of.id), with.map(|of| of.id), id];
                self.tensor("Where", &inputs, Vec::new(), x.rank)
            }
            "where" => {
                let (yes, no) = (self.as_tensor(given.get(1)), self.as_tensor(given.get(2)));
                let rank = [&yes, &no].iter().filter_map(|of| of.as_ref()?.rank).chain(x.rank).max();
                self.tensor("Where", &[id, yes.map(|of| of.id), no.map(|of| of.id)], Vec::new(), rank)
            }
            "rsqrt" => {
                let root = self.one("Sqrt", &[id], Vec::new())?;
                self.tensor("Reciprocal", &[Some(root)], Vec::new(), x.rank)
            }
            "square" => self.tensor("Mul", &[id, id], Vec::new(), x.rank),
            "addcmul" | "addcdiv" => {
                let (a, b) = (self.as_tensor(given.get(1)), self.as_tensor(given.get(2)));
                let product = self.one("Mul", &[a.map(|of| of.id), b.map(|of| of.id)], Vec::new())?;
                self.tensor("Add", &[id, Some(product)], Vec::new(), x.rank)
            }
            "chunk" | "split" | "split_with_sizes" | "tensor_split" => self.split(plain, &x, given, wanted),
            "unbind" => {
                let along = int(arg(1, "dim")).unwrap_or(0);
                let rank = x.rank.and_then(|rank| rank.checked_sub(1));
                let mut parts = Vec::with_capacity(wanted);
                for part in 0..wanted {
                    let at = self.integer(i64::try_from(part).unwrap_or(0));
                    parts.push(self.tensor("Gather", &[id, Some(at)], vec![("axis", attribute(along))], rank)?);
                }
                Ok(Val::List(parts))
            }
            "scaled_dot_product_attention" => {
                let others: Vec<Option<ValueId>> =
                    (1..4).map(|place| self.as_tensor(given.get(place)).map(|tensor| tensor.id)).collect();
                let causal = arg(5, "is_causal").and_then(truth).unwrap_or(false);
                let of = vec![("is_causal", attribute(i64::from(causal)))];
                self.tensor(&format!("aten::{plain}"), &[&[id], others.as_slice()].concat(), of, x.rank)
            }
            "lstm" | "gru" | "rnn_tanh" | "rnn_relu" => self.recurrent(plain, x, given),
            "flip" | "roll" | "tril" | "triu" => self.tensor(&format!("aten::{plain}"), &[id], Vec::new(), x.rank),
            "pixel_shuffle" => {
                let by = int(given.get(1)).unwrap_or(1);
                self.tensor("DepthToSpace", &[id], vec![("blocksize", attribute(by))], x.rank)
            }
            "pad" | "constant_pad_nd" | "reflection_pad1d" | "reflection_pad2d" | "replication_pad1d"
            | "replication_pad2d" => {
                let Some(Val::List(pads)) = arg(1, "pad") else { return Ok(Val::Unknown) };
                let Some(pads) = x.rank.and_then(|rank| onnx_pads(pads, rank)) else { return Ok(Val::Unknown) };
                let pads = self.vector(Some(&Val::List(pads)), -1)?;
                self.tensor("Pad", &[id, pads], Vec::new(), x.rank)
            }
            _ if plain.starts_with("upsample_") || plain.starts_with("_upsample_") => {
                let mut of = Vec::new();
                if let Some(size) = ints(given.get(1)) {
                    of.push(("output_size", Attribute::Ints(size)));
                }
                if let Some(Val::List(scales)) = given.last() {
                    let number = |value: &Val| match value {
                        Val::Float(number) => Some(*number),
                        Val::Int(number) => Some(*number as f64),
                        _ => None,
                    };
                    if let Some(scales) = scales.iter().map(number).collect::<Option<Vec<f64>>>() {
                        of.push(("scale_factors", Attribute::Floats(scales)));
                    }
                }
                self.tensor(&format!("aten::{plain}"), &[id], of, x.rank)
            }
            "to" | "type" => {
                let to = given.iter().skip(1).find_map(|value| scalar_type(int(Some(value))?)).and_then(onnx_code);
                match to {
                    Some(to) => self.tensor("Cast", &[id], vec![("to", attribute(to))], x.rank),
                    None => Ok(Val::Tensor(x)),
                }
            }
            "zeros_like" | "ones_like" | "full_like" | "empty_like" | "rand_like" | "randn_like" => {
                let shape = self.one("Shape", &[id], Vec::new())?;
                self.tensor("ConstantOfShape", &[Some(shape)], Vec::new(), x.rank)
            }
            "new_zeros" | "new_ones" | "new_full" | "new_empty" => {
                let rank = ints(given.get(1)).map(|sizes| sizes.len());
                let shape = self.vector(given.get(1), 1)?;
                self.tensor("ConstantOfShape", &[shape], Vec::new(), rank)
            }
            "item" => Ok(self.whole_of(&x)),
            // An operator that is not translated keeps its name, and says that it is not counted.
            _ => {
                let inputs: Vec<Option<ValueId>> =
                    given.iter().map(|value| if let Val::Tensor(of) = value { Some(of.id) } else { None }).collect();
                let name = format!("aten::{}", crate::notes::clip(plain));
                let ids = self.emit(&name, &inputs, Vec::new(), wanted.clamp(1, 16))?;
                let mut parts: Vec<Val> =
                    ids.into_iter().map(|id| Val::Tensor(Tensor { id, rank: None, input: None })).collect();
                Ok(if parts.len() == 1 { parts.pop().unwrap_or(Val::Unknown) } else { Val::List(parts) })
            }
        }
    }

    /// The only tensor among the places that an index is made of, and along which dimension it chooses.
    fn lone_index(&mut self, places: Option<&Val>) -> Option<(i64, Tensor)> {
        let Some(Val::List(places)) = places else { return None };
        let mut found = None;
        for (along, place) in (0i64..).zip(places) {
            match (place, &found) {
                (Val::None, _) => {}
                (Val::Tensor(tensor), None) => found = Some((along, tensor.clone())),
                _ => return None,
            }
        }
        found
    }

    /// Arithmetic on whole numbers and floats: done at once where all are known, else in the graph.
    fn arithmetic(&mut self, op: &str, given: &[Val]) -> Result<Val> {
        let float = |value: &Val| match value {
            Val::Int(number) => Some(*number as f64),
            Val::Float(number) => Some(*number),
            Val::Bool(truth) => Some(f64::from(u8::from(*truth))),
            _ => None,
        };
        if let [a, b] = given
            && let (Some(a), Some(b)) = (int(Some(a)), int(Some(b)))
        {
            return Ok(match op {
                "add" => a.checked_add(b).map_or(Val::Unknown, Val::Int),
                "sub" => a.checked_sub(b).map_or(Val::Unknown, Val::Int),
                "rsub" => b.checked_sub(a).map_or(Val::Unknown, Val::Int),
                "mul" => a.checked_mul(b).map_or(Val::Unknown, Val::Int),
                "floordiv" | "floor_divide" => a.checked_div_euclid(b).map_or(Val::Unknown, Val::Int),
                "remainder" | "fmod" => a.checked_rem_euclid(b).map_or(Val::Unknown, Val::Int),
                "div" if b != 0 => Val::Float(a as f64 / b as f64),
                "eq" | "__is__" => Val::Bool(a == b),
                "ne" | "__isnot__" => Val::Bool(a != b),
                "lt" => Val::Bool(a < b),
                "le" => Val::Bool(a <= b),
                "gt" => Val::Bool(a > b),
                "ge" => Val::Bool(a >= b),
                "__and__" => Val::Bool(a != 0 && b != 0),
                "__or__" => Val::Bool(a != 0 || b != 0),
                _ => Val::Unknown,
            });
        }
        if let [one] = given {
            return Ok(match (op, one) {
                ("__not__", value) => truth(value).map_or(Val::Unknown, |truth| Val::Bool(!truth)),
                ("neg", Val::Int(number)) => number.checked_neg().map_or(Val::Unknown, Val::Int),
                ("neg", Val::Float(number)) => Val::Float(-number),
                ("Int" | "ScalarImplicit" | "IntImplicit" | "Float" | "floor" | "tensor", value) => value.clone(),
                _ => Val::Unknown,
            });
        }
        if let [a, b] = given
            && let (Some(a), Some(b)) = (float(a), float(b))
        {
            return Ok(match op {
                "add" => Val::Float(a + b),
                "sub" => Val::Float(a - b),
                "mul" => Val::Float(a * b),
                "div" => Val::Float(a / b),
                "eq" => Val::Bool(a == b),
                "ne" => Val::Bool(a != b),
                "lt" => Val::Bool(a < b),
                "le" => Val::Bool(a <= b),
                "gt" => Val::Bool(a > b),
                "ge" => Val::Bool(a >= b),
                _ => Val::Unknown,
            });
        }
        let onnx = match op {
            "add" => "Add",
            "sub" | "rsub" => "Sub",
            "mul" => "Mul",
            "pow" => "Pow",
            "floordiv" | "floor_divide" | "div" => "Div",
            "remainder" => "Mod",
            _ => return Ok(Val::Unknown),
        };
        let ([a, b] | [a, b, _]) = given else { return Ok(Val::Unknown) };
        let (a, b) = if op == "rsub" { (b, a) } else { (a, b) };
        let (Some(a), Some(b)) = (self.as_tensor(Some(a)), self.as_tensor(Some(b))) else { return Ok(Val::Unknown) };
        Ok(Val::Number(self.one(onnx, &[Some(a.id), Some(b.id)], Vec::new())?))
    }

    /// Calls about sizes, lists and texts; `None` for any other.
    fn of_lists(&mut self, op: &str, given: &[Val]) -> Result<Option<Val>> {
        Ok(Some(match (op, given) {
            ("size", [Val::Tensor(tensor)]) => match (self.sizes_of(tensor.id), tensor.rank) {
                (Some(sizes), _) => {
                    Val::List(sizes.iter().map(|size| Val::Int(i64::try_from(*size).unwrap_or(i64::MAX))).collect())
                }
                (None, Some(rank)) => {
                    let all = self.one("Shape", &[Some(tensor.id)], Vec::new())?;
                    let mut sizes = Vec::with_capacity(rank);
                    for place in 0..rank {
                        let at = self.integer(i64::try_from(place).unwrap_or(0));
                        sizes.push(Val::Number(self.one("Gather", &[Some(all), Some(at)], Vec::new())?));
                    }
                    Val::List(sizes)
                }
                (None, None) => Val::Sizes(self.one("Shape", &[Some(tensor.id)], Vec::new())?),
            },
            ("size", [Val::Tensor(tensor), Val::Int(place)]) => {
                let place = *place;
                let known = self
                    .sizes_of(tensor.id)
                    .and_then(|sizes| i64::try_from(*sizes.get(axis(place, sizes.len())?)?).ok());
                match known {
                    Some(size) => Val::Int(size),
                    None => {
                        let all = self.one("Shape", &[Some(tensor.id)], Vec::new())?;
                        let at = self.integer(place);
                        Val::Number(self.one("Gather", &[Some(all), Some(at)], Vec::new())?)
                    }
                }
            }
            ("dim", [Val::Tensor(tensor)]) => {
                tensor.rank.map_or(Val::Unknown, |rank| Val::Int(i64::try_from(rank).unwrap_or(0)))
            }
            ("len", [Val::List(items)]) => Val::Int(i64::try_from(items.len()).unwrap_or(i64::MAX)),
            ("len" | "numel" | "dim" | "is_floating_point", _) => Val::Unknown,
            ("format" | "warn" | "device" | "_set_item" | "append" | "__contains__" | "__range_length", _) => {
                Val::Unknown
            }
            ("__is__", [a, b]) => Val::Bool(matches!((a, b), (Val::None, Val::None))),
            ("__isnot__", [a, b]) => Val::Bool(!matches!((a, b), (Val::None, Val::None))),
            ("__not__", [value]) => truth(value).map_or(Val::Unknown, |truth| Val::Bool(!truth)),
            ("eq", [Val::Text(a), Val::Text(b)]) => Val::Bool(a == b),
            ("ne", [Val::Text(a), Val::Text(b)]) => Val::Bool(a != b),
            ("eq", [Val::None, _] | [_, Val::None]) => Val::Bool(false),
            ("list", [value]) => value.clone(),
            // Lists of lists could grow without end.
            ("mul" | "add", [Val::List(items), ..]) if items.iter().any(|item| matches!(item, Val::List(_))) => {
                Val::Unknown
            }
            ("mul", [Val::List(items), Val::Int(times)]) => {
                let times = usize::try_from(*times).unwrap_or(0).min(64);
                Val::List(items.iter().cycle().take(items.len().saturating_mul(times).min(4096)).cloned().collect())
            }
            ("add", [Val::List(a), Val::List(b)]) => Val::List(a.iter().chain(b).take(4096).cloned().collect()),
            ("slice", [Val::List(items), rest @ ..]) => {
                let bound = |value: Option<&Val>, default: usize| match value {
                    Some(Val::Int(at)) if *at < 0 => {
                        usize::try_from(at.saturating_add(i64::try_from(items.len()).unwrap_or(0))).unwrap_or(0)
                    }
                    Some(Val::Int(at)) => usize::try_from(*at).unwrap_or(0).min(items.len()),
                    _ => default,
                };
                let (from, to) = (bound(rest.first(), 0), bound(rest.get(1), items.len()));
                Val::List(items.get(from..to.max(from)).unwrap_or_default().to_vec())
            }
            ("cat" | "concat" | "stack", [Val::List(items), rest @ ..]) => {
                let mut parts = Vec::with_capacity(items.len());
                for item in items {
                    match item {
                        Val::Tensor(tensor) => parts.push(tensor.clone()),
                        _ => return Ok(Some(Val::Unknown)),
                    }
                }
                let along = int(rest.first()).unwrap_or(0);
                let mut rank = parts.iter().find_map(|part| part.rank);
                let mut ids: Vec<Option<ValueId>> = parts.iter().map(|part| Some(part.id)).collect();
                if op == "stack" {
                    let at = self.integers(&[along]);
                    for id in &mut ids {
                        *id = Some(self.one("Unsqueeze", &[*id, Some(at)], Vec::new())?);
                    }
                    rank = rank.map(|rank| rank + 1);
                }
                self.tensor("Concat", &ids, vec![("axis", attribute(along))], rank)?
            }
            ("einsum", [Val::Text(equation), Val::List(items), ..]) => {
                let mut ids = Vec::with_capacity(items.len());
                for item in items {
                    ids.push(self.as_tensor(Some(item)).map(|tensor| tensor.id));
                }
                let rank = equation.split("->").nth(1).map(|right| right.trim().chars().count());
                self.tensor("Einsum", &ids, vec![("equation", Attribute::Text(equation.as_ref().into()))], rank)?
            }
            _ => return Ok(None),
        }))
    }

    /// Tensors that are made of sizes alone.
    fn making(&mut self, op: &str, given: &[Val], _names: &[(Rc<str>, Val)]) -> Result<Val> {
        match op {
            "zeros" | "ones" | "full" | "empty" | "rand" | "randn" => {
                let rank = if let Some(Val::List(items)) = given.first() { Some(items.len()) } else { None };
                match self.vector(given.first(), 1)? {
                    Some(shape) => self.tensor("ConstantOfShape", &[Some(shape)], Vec::new(), rank),
                    None => Ok(Val::Unknown),
                }
            }
            _ => Ok(Val::Unknown),
        }
    }

    fn convolution(&mut self, op: &str, mut x: Tensor, given: &[Val]) -> Result<Val> {
        let (Some(w), bias) = (self.as_tensor(given.get(1)), self.as_tensor(given.get(2))) else {
            return Ok(Val::Unknown);
        };
        let Some((first, second, rank)) =
            self.sizes_of(w.id).and_then(|sizes| Some((*sizes.first()?, *sizes.get(1)?, sizes.len())))
        else {
            return Err("a convolution whose weights are computed".to_owned());
        };
        let sides = rank.saturating_sub(2);
        let general = op.ends_with("convolution");
        let is_transposed = if general { given.get(6).and_then(truth) == Some(true) } else { op.contains("transpose") };
        // Stride, padding and dilation; then whether it is transposed, what is added to its output, groups.
        let (dilation, groups, added) = match (general, is_transposed) {
            (true, _) => (5, 8, 7),
            (false, false) => (5, 6, usize::MAX),
            (false, true) => (7, 6, 5),
        };
        let group = int(given.get(groups)).unwrap_or(1).max(1);
        let channels = if is_transposed { first } else { second.saturating_mul(group.unsigned_abs()) };
        self.suppose(&mut x, DType::F32, &picture(channels, sides));
        let mut of = vec![
            ("strides", Attribute::Ints(each(given.get(3), sides, 1))),
            ("dilations", Attribute::Ints(each(given.get(dilation), sides, 1))),
            ("group", attribute(group)),
        ];
        match given.get(4) {
            Some(Val::Text(text)) if text.as_ref() == "same" => {
                of.push(("auto_pad", Attribute::Text("SAME_UPPER".into())));
            }
            pads => {
                let pads = each(pads, sides, 0);
                of.push(("pads", Attribute::Ints([pads.clone(), pads].concat())));
            }
        }
        if is_transposed {
            of.push(("output_padding", Attribute::Ints(each(given.get(added), sides, 0))));
        }
        let onnx = if is_transposed { "ConvTranspose" } else { "Conv" };
        self.tensor(onnx, &[Some(x.id), Some(w.id), bias.map(|bias| bias.id)], of, Some(rank))
    }

    fn flatten(&mut self, x: &Tensor, from: i64, to: i64) -> Result<Val> {
        let id = Some(x.id);
        let (from, to) = match x.rank {
            Some(rank) => (axis(from, rank), axis(to, rank)),
            None => (usize::try_from(from).ok(), None),
        };
        let Some(from) = from else { return Ok(Val::Unknown) };
        let is_to_end = to.is_none() || x.rank.is_some_and(|rank| to == rank.checked_sub(1));
        if !is_to_end {
            let (Some(to), Some(rank)) = (to, x.rank) else { return Ok(Val::Unknown) };
            // The sizes before and behind stay.
            let all = self.one("Shape", &[id], Vec::new())?;
            let (zero, end) = (self.integers(&[0]), self.integers(&[from as i64]));
            let before = self.one("Slice", &[Some(all), Some(zero), Some(end)], Vec::new())?;
            let (start, last) = (self.integers(&[to as i64 + 1]), self.integers(&[rank as i64]));
            let behind = self.one("Slice", &[Some(all), Some(start), Some(last)], Vec::new())?;
            let open = self.integers(&[-1]);
            let shape = self.one("Concat", &[Some(before), Some(open), Some(behind)], vec![("axis", attribute(0))])?;
            return self.tensor("Reshape", &[id, Some(shape)], Vec::new(), Some(rank + from - to));
        }
        let shape: Vec<i64> = std::iter::repeat_n(0, from).chain([-1]).collect();
        let shape = self.integers(&shape);
        self.tensor("Reshape", &[id, Some(shape)], Vec::new(), Some(from + 1))
    }

    fn slice(&mut self, op: &str, x: &Tensor, given: &[Val]) -> Result<Val> {
        let along = int(given.get(1)).unwrap_or(0);
        let start = match given.get(2) {
            None | Some(Val::None) => Val::Int(0),
            Some(start) => start.clone(),
        };
        let end = match (op, given.get(3)) {
            ("narrow", Some(length)) => self.arithmetic("add", &[start.clone(), length.clone()])?,
            (_, None | Some(Val::None)) => Val::Int(i64::MAX),
            (_, Some(end)) => end.clone(),
        };
        let step = if op == "narrow" { 1 } else { int(given.get(4)).unwrap_or(1) };
        if (&start, &end, step) == (&Val::Int(0), &Val::Int(i64::MAX), 1) {
            return Ok(Val::Tensor(x.clone()));
        }
        // -1 counts from the end here.
        let (start, end) = (self.vector(Some(&start), -1)?, self.vector(Some(&end), -1)?);
        let (axes, steps) = (self.integers(&[along]), self.integers(&[step]));
        self.tensor("Slice", &[Some(x.id), start, end, Some(axes), Some(steps)], Vec::new(), x.rank)
    }

    fn split(&mut self, op: &str, x: &Tensor, given: &[Val], wanted: usize) -> Result<Val> {
        let along = int(given.get(2)).unwrap_or(0);
        let of = vec![("axis", attribute(along))];
        let (parts, count) = match (op, given.get(1)) {
            ("chunk" | "tensor_split", Some(Val::Int(count))) => (None, usize::try_from(*count).unwrap_or(1)),
            ("split", Some(Val::Int(_))) => (None, wanted),
            (_, sizes) => match ints(sizes) {
                Some(sizes) => (Some(self.integers(&sizes)), sizes.len()),
                None => return Ok(Val::Unknown),
            },
        };
        if count == 0 || count > 4096 {
            return Ok(Val::Unknown);
        }
        let ids = self.emit("Split", &[Some(x.id), parts], of, count)?;
        let part = |id| Val::Tensor(Tensor { id, rank: x.rank, input: None });
        Ok(Val::List(ids.into_iter().map(part).collect()))
    }

    /// Input, states, weights; then whether there are biases, layers, dropout, training, both directions, batch first.
    fn recurrent(&mut self, op: &str, mut x: Tensor, given: &[Val]) -> Result<Val> {
        let states: Vec<Val> = match given.get(1) {
            Some(Val::List(states)) => states.clone(),
            Some(state) => vec![state.clone()],
            None => Vec::new(),
        };
        let Some(Val::List(weights)) = given.get(2) else { return Ok(Val::Unknown) };
        let mut inputs = vec![Some(x.id)];
        for state in &states {
            inputs.push(self.as_tensor(Some(state)).map(|tensor| tensor.id));
        }
        let from = inputs.len();
        for weight in weights {
            inputs.push(self.as_tensor(Some(weight)).map(|tensor| tensor.id));
        }
        let size = inputs.get(from).copied().flatten().and_then(|id| self.sizes_of(id)?.get(1).copied());
        let flag = |place: usize| i64::from(given.get(place).and_then(truth).unwrap_or(false));
        if let Some(size) = size {
            let (first, second) = if flag(8) != 0 { ("batch", "sequence") } else { ("sequence", "batch") };
            self.suppose(&mut x, DType::F32, &[named(first), named(second), DeclaredDim::Fixed(size)]);
        }
        let stretch = vec![from as i64, weights.len() as i64];
        let of = vec![
            ("params", Attribute::Ints(stretch)),
            ("has_biases", attribute(flag(3))),
            ("num_layers", attribute(int(given.get(4)).unwrap_or(1))),
            ("bidirectional", attribute(flag(7))),
            ("batch_first", attribute(flag(8))),
        ];
        let ids = self.emit(&format!("aten::{op}"), &inputs, of, if op == "lstm" { 3 } else { 2 })?;
        Ok(Val::List(ids.into_iter().map(|id| Val::Tensor(Tensor { id, rank: x.rank, input: None })).collect()))
    }
}

/// PyTorch pads from the last dimension on, in pairs; ONNX all beginnings and then all ends.
fn onnx_pads(pads: &[Val], rank: usize) -> Option<Vec<Val>> {
    let mut all = vec![Val::Int(0); rank.checked_mul(2)?];
    for (place, pair) in pads.chunks_exact(2).enumerate() {
        let along = rank.checked_sub(place + 1)?;
        let [before, behind] = pair else { return None };
        *all.get_mut(along)? = before.clone();
        *all.get_mut(rank + along)? = behind.clone();
    }
    Some(all)
}

/// ONNX's number for an element type.
fn onnx_code(dtype: DType) -> Option<i64> {
    (1..32).find(|code| onnx_dtype(*code) == Some(dtype))
}
