//! Core ML's operators: those of programs, which state the type of every value, so that these rules serve other sizes than
//! the stated ones; and the layers of networks, whose shapes nothing but these rules tells.
//!
//! Layers work on the last three dimensions as channels × height × width and keep what stands before them:
//! a batch, or in older networks sequence × batch.

use super::Rule;
use super::elementwise::same_as_first;
use super::linear;
use super::stand_in::{self, Operand};
use crate::model::{Attribute, DType, Dim};
use crate::shapes::call::{Call, Mismatch, Outcome, agreed, axis, broadcast, open_shape, product, show};

/// Operators that are ONNX's: own name and ONNX's.
const SAME: &[(&str, &str)] = &[
    ("abs", "Abs"),
    ("acos", "Acos"),
    ("acosh", "Acosh"),
    ("add", "Add"),
    ("addBroadcastable", "Add"),
    ("asin", "Asin"),
    ("asinh", "Asinh"),
    ("atan", "Atan"),
    ("atanh", "Atanh"),
    ("ceil", "Ceil"),
    ("clamped_relu", "Clip"),
    ("clampedReLU", "Clip"),
    ("clip", "Clip"),
    ("cos", "Cos"),
    ("cosh", "Cosh"),
    ("cumSum", "CumSum"),
    ("cumsum", "CumSum"),
    ("divideBroadcastable", "Div"),
    ("einsum", "Einsum"),
    ("ELU", "Elu"),
    ("elu", "Elu"),
    ("equal", "Equal"),
    ("erf", "Erf"),
    ("exp", "Exp"),
    ("exp2", "Exp"),
    ("floor", "Floor"),
    ("floorDivBroadcastable", "Div"),
    ("floor_div", "Div"),
    ("gelu", "Gelu"),
    ("greater", "Greater"),
    ("greaterEqual", "GreaterOrEqual"),
    ("greaterThan", "Greater"),
    ("greater_equal", "GreaterOrEqual"),
    ("inverse", "Reciprocal"),
    ("l2_norm", "LpNormalization"),
    ("l2normalize", "LpNormalization"),
    ("leakyReLU", "LeakyRelu"),
    ("leaky_relu", "LeakyRelu"),
    ("less", "Less"),
    ("lessEqual", "LessOrEqual"),
    ("lessThan", "Less"),
    ("less_equal", "LessOrEqual"),
    ("local_response_norm", "LRN"),
    ("log", "Log"),
    ("logicalAnd", "And"),
    ("logicalNot", "Not"),
    ("logicalOr", "Or"),
    ("logicalXor", "Xor"),
    ("logical_and", "And"),
    ("logical_not", "Not"),
    ("logical_or", "Or"),
    ("logical_xor", "Xor"),
    ("lrn", "LRN"),
    ("max", "Max"),
    ("maxBroadcastable", "Max"),
    ("maximum", "Max"),
    ("min", "Min"),
    ("minBroadcastable", "Min"),
    ("minimum", "Min"),
    ("mod", "Mod"),
    ("modBroadcastable", "Mod"),
    ("mul", "Mul"),
    ("multiply", "Mul"),
    ("multiplyBroadcastable", "Mul"),
    ("mvn", "MeanVarianceNormalization"),
    ("notEqual", "Equal"),
    ("not_equal", "Equal"),
    ("pow", "Pow"),
    ("powBroadcastable", "Pow"),
    ("real_div", "Div"),
    ("ReLU", "Relu"),
    ("relu", "Relu"),
    ("relu6", "Clip"),
    ("round", "Round"),
    ("scaledTanh", "Tanh"),
    ("scaled_tanh", "Tanh"),
    ("select", "Where"),
    ("sigmoid", "Sigmoid"),
    ("sigmoidHard", "HardSigmoid"),
    ("sigmoid_hard", "HardSigmoid"),
    ("sign", "Sign"),
    ("silu", "Swish"),
    ("sin", "Sin"),
    ("sinh", "Sinh"),
    ("softmax", "Softmax"),
    ("softmaxND", "Softmax"),
    ("softplus", "Softplus"),
    ("softsign", "Softsign"),
    ("sqrt", "Sqrt"),
    ("sub", "Sub"),
    ("subtractBroadcastable", "Sub"),
    ("tan", "Tan"),
    ("tanh", "Tanh"),
    ("thresholdedReLU", "ThresholdedRelu"),
    ("thresholded_relu", "ThresholdedRelu"),
    ("whereBroadcastable", "Where"),
];

/// Reductions: own name and ONNX's.
const REDUCTIONS: &[(&str, &str)] = &[
    ("reduceL1", "ReduceL1"),
    ("reduceL2", "ReduceL2"),
    ("reduceLogSum", "ReduceLogSum"),
    ("reduceLogSumExp", "ReduceLogSumExp"),
    ("reduceMax", "ReduceMax"),
    ("reduceMean", "ReduceMean"),
    ("reduceMin", "ReduceMin"),
    ("reduceProd", "ReduceProd"),
    ("reduceSum", "ReduceSum"),
    ("reduceSumSquare", "ReduceSumSquare"),
    ("reduce_l1_norm", "ReduceL1"),
    ("reduce_l2_norm", "ReduceL2"),
    ("reduce_log_sum", "ReduceLogSum"),
    ("reduce_log_sum_exp", "ReduceLogSumExp"),
    ("reduce_max", "ReduceMax"),
    ("reduce_mean", "ReduceMean"),
    ("reduce_min", "ReduceMin"),
    ("reduce_prod", "ReduceProd"),
    ("reduce_sum", "ReduceSum"),
    ("reduce_sum_square", "ReduceSumSquare"),
];

/// Operators whose first output has the type and shape of the first input, for which ONNX has no counterpart.
const LIKE_FIRST: &[&str] = &[
    "PReLU",
    "argSort",
    "argsort",
    "band_part",
    "batch_norm",
    "batchnorm",
    "copy",
    "fillLike",
    "identity",
    "instance_norm",
    "layerNormalization",
    "layer_norm",
    "linear_activation",
    "linearActivation",
    "lowerTriangular",
    "matrixBandPart",
    "parametricSoftplus",
    "prelu",
    "read_state",
    "reverse",
    "reverseSeq",
    "reverse_sequence",
    "rsqrt",
    "scatter",
    "scatterAlongAxis",
    "scatterND",
    "scatter_along_axis",
    "scatter_nd",
    "softplus_parametric",
    "square",
    "threshold",
    "unary",
    "upperTriangular",
];

/// The name of ONNX's operator that does the same.
pub(crate) fn same_in_onnx(op: &str) -> Option<&'static str> {
    SAME.iter().chain(REDUCTIONS).find(|(own, _)| *own == op).map(|(_, onnx)| *onnx)
}

/// The rules of Core ML's operators.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "activation" | "scale" | "bias" => with_weight,
        "avg_pool" | "max_pool" | "l2_pool" | "pooling" | "pooling3d" | "globalPooling3d" => pool,
        "argMax" | "argMin" | "reduce_argmax" | "reduce_argmin" => arg,
        "batchedMatmul" | "matmul" => matmul,
        "biDirectionalLSTM" | "gru" | "simpleRecurrent" | "uniDirectionalLSTM" | "lstm" | "rnn" => recurrent,
        "broadcastToStatic" | "fillStatic" => stated,
        "cast" => cast,
        "concat" | "concatND" => concat,
        "constantPad" | "pad" => pad,
        "conv" | "convolution" | "convolution3d" => convolution,
        "conv_transpose" => transposed,
        "crop" => |call| borders(call, -1),
        "cropResize" => crop_resize,
        "dot" => dot,
        "embedding" | "embeddingND" => embedding,
        "expandDims" | "expand_dims" => |call| axes_of(call, "Unsqueeze"),
        "flatten" => flatten,
        "flattenTo2D" | "flatten2d" => |call| {
            let along = call.int_or("axis", 1);
            stand_in::infer(call, "Flatten", &[Operand::Input(0)], vec![("axis", Attribute::Int(along))])
        },
        "gather" | "gatherAlongAxis" | "gather_along_axis" => gather,
        "gatherND" | "gather_nd" => |call| stand_in::infer(call, "GatherND", &[0, 1].map(Operand::Input), Vec::new()),
        "getShape" | "shape" => |call| stand_in::infer(call, "Shape", &[Operand::Input(0)], Vec::new()),
        "innerProduct" => inner_product,
        "linear" => linear_layer,
        "loadConstant" | "loadConstantND" => |call| {
            call.pass(0, 0);
            Ok(())
        },
        "oneHot" | "one_hot" => one_hot,
        "padding" => |call| borders(call, 1),
        "permute" => permute,
        "pixel_shuffle" | "pixel_unshuffle" | "depth_to_space" | "space_to_depth" | "reorganizeData" => reorganise,
        "reduce" => reduce_layer,
        "reshape" => reshape,
        "reshapeLike" | "broadcastToLike" => |call| {
            let (dtype, shape) = (call.dtype(0), call.shape(1));
            call.set_tensor(0, dtype, shape);
            Ok(())
        },
        "reshapeStatic" | "rankPreservingReshape" => reshape_to_attribute,
        "resizeBilinear" => |call| resized(call, "target_size"),
        "resize_bilinear" | "resize_nearest_neighbor" => resize,
        "scaled_dot_product_attention" => attention,
        "sequenceRepeat" => repeat,
        "slice" => slice_layer,
        "sliceStatic" | "slice_by_index" => slice,
        "slice_by_size" => slice_by_size,
        "split" | "splitND" => split,
        "squeeze" => |call| axes_of(call, "Squeeze"),
        "stack" => stack,
        "tile" => tile,
        "topK" | "topk" => top_k,
        "transpose" => transpose,
        "upsample" | "upsample_bilinear" | "upsample_nearest_neighbor" => upsample,
        _ if LIKE_FIRST.contains(&op) => same_as_first,
        _ if REDUCTIONS.iter().any(|(own, _)| *own == op) => reduce,
        _ if same_in_onnx(op).is_some() => same,
        _ => return None,
    })
}

fn same(call: &mut Call<'_, '_>) -> Outcome {
    let Some(onnx) = same_in_onnx(&call.node.op) else { return Ok(()) };
    let attributes = stand_in::renamed(call, &[("axis", "axis"), ("equation", "equation"), ("size", "size")]);
    let axes_matter = matches!(onnx, "Softmax" | "LpNormalization");
    // Layers leave an axis of 0 out.
    let attributes = match axes_matter && call.node.int("axis").is_none() {
        true => vec![("axis", Attribute::Int(if onnx == "Softmax" { 0 } else { -1 }))],
        false => attributes,
    };
    let binary = matches!(
        onnx,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Max" | "Min" | "Mod" | "Where" | "And" | "Or" | "Xor" | "Einsum"
    ) || matches!(onnx, "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual");
    // Layers that add or multiply take any number of inputs, one with a number to add.
    let count = call.node.inputs.len();
    if matches!(onnx, "Add" | "Mul" | "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual") && count != 2 {
        let mut shape: Option<Vec<Dim>> = Some(Vec::new());
        for index in 0..count {
            shape = match (shape, call.shape(index)) {
                (Some(a), Some(b)) => Some(broadcast(&a, &b)?),
                _ => None,
            };
        }
        let dtype = call.dtype(0);
        call.set_tensor(0, dtype, shape);
        return Ok(());
    }
    let operands = if binary { stand_in::inputs(call) } else { vec![Operand::Input(0)] };
    stand_in::infer(call, onnx, &operands, attributes)
}

/// A scale or a bias has fewer dimensions or as many.
fn with_weight(call: &mut Call<'_, '_>) -> Outcome {
    same_as_first(call)
}

fn text(call: &Call<'_, '_>, name: &str) -> String {
    call.node.text(name).unwrap_or_default().to_owned()
}

/// A list that programs take as an operand and layers as an attribute; unknown where it is neither.
fn list(call: &Call<'_, '_>, operand: usize, name: &str) -> Option<Vec<Dim>> {
    match call.node.ints(name) {
        Some(items) => Some(items.iter().map(|item| Dim::known(*item)).collect()),
        None => call.elements(operand).and_then(|known| known.dims().map(<[Dim]>::to_vec)),
    }
}

/// Strides, dilations and padding in ONNX's words. `pad` stands as begin and end of each axis in turn.
fn window(call: &Call<'_, '_>, space: usize) -> Vec<(&'static str, Attribute)> {
    let mut attributes = Vec::new();
    for name in ["strides", "dilations"] {
        attributes.extend(call.node.ints(name).map(|values| (name, Attribute::Ints(values.to_vec()))));
    }
    match text(call, "pad_type").as_str() {
        "same" => attributes.push(("auto_pad", Attribute::Text("SAME_UPPER".into()))),
        "same_lower" => attributes.push(("auto_pad", Attribute::Text("SAME_LOWER".into()))),
        "custom" => {
            if let Some(pads) = call.node.ints("pad").filter(|pads| pads.len() == 2 * space) {
                let (begins, ends): (Vec<_>, Vec<_>) =
                    pads.chunks(2).map(|pair| (first(pair, 0), first(pair, 1))).unzip();
                attributes.push(("pads", Attribute::Ints([begins, ends].concat())));
            }
        }
        _ => {}
    }
    let ceil = call.node.int("ceil_mode").unwrap_or(0);
    attributes.push(("ceil_mode", Attribute::Int(ceil)));
    attributes
}

fn first(items: &[i64], place: usize) -> i64 {
    items.get(place).copied().unwrap_or(0)
}

/// Splits off what stands before batch × channels × space.
fn in_front(shape: &[Dim], space: usize) -> Result<(&[Dim], &[Dim]), Mismatch> {
    match shape.len().checked_sub(space + 2) {
        Some(front) => Ok(shape.split_at(front)),
        None => Err(Mismatch(format!("{} has no batch and channels before {space} dimensions", show(shape)))),
    }
}

/// Runs a rule for batch × channels × space on an input that may have more dimensions in front.
fn on_space(
    call: &mut Call<'_, '_>,
    op: &str,
    space: usize,
    others: &[Operand],
    attributes: Vec<(&str, Attribute)>,
) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    // A picture without a batch is a batch of one.
    let input = if input.len() == space + 1 { [vec![Dim::known(1)], input].concat() } else { input };
    let (front, picture) = in_front(&input, space)?;
    let front = front.to_vec();
    let operands = [&[Operand::Shaped(dtype, Some(picture.to_vec()))], others].concat();
    stand_in::infer(call, op, &operands, attributes)?;
    if let Some(Some(crate::model::ValueType::Tensor(tensor))) = call.outputs.first_mut()
        && let Some(shape) = &mut tensor.shape
    {
        shape.splice(0..0, front);
    }
    Ok(())
}

fn convolution(call: &mut Call<'_, '_>) -> Outcome {
    if call.flag("transposed", false) {
        return transposed(call);
    }
    let filters = call.shape(1);
    let space = filters.as_ref().map_or(2, |filters| filters.len().saturating_sub(2));
    let mut attributes = window(call, space);
    attributes.push(("group", Attribute::Int(call.int_or("groups", 1))));
    on_space(call, "Conv", space, &[Operand::Input(1)], attributes)
}

fn transposed(call: &mut Call<'_, '_>) -> Outcome {
    let filters = call.shape(1);
    let space = filters.as_ref().map_or(2, |filters| filters.len().saturating_sub(2));
    let mut attributes = window(call, space);
    attributes.push(("group", Attribute::Int(call.int_or("groups", 1))));
    attributes.extend(call.node.ints("output_shape").map(|sizes| ("output_shape", Attribute::Ints(sizes.to_vec()))));
    on_space(call, "ConvTranspose", space, &[Operand::Input(1)], attributes)
}

fn pool(call: &mut Call<'_, '_>) -> Outcome {
    let three = call.node.op.ends_with("3d");
    let kernel = call.node.ints("kernel_sizes").map(<[i64]>::to_vec);
    let space = kernel.as_ref().map_or(if three { 3 } else { 2 }, Vec::len);
    if call.flag("global", false) {
        return on_space(call, "GlobalMaxPool", space, &[], Vec::new());
    }
    let mut attributes = window(call, space);
    attributes.extend(kernel.map(|kernel| ("kernel_shape", Attribute::Ints(kernel))));
    on_space(call, "MaxPool", space, &[], attributes)
}

/// The last dimension becomes the outputs; in older networks channels stand before two dimensions of 1.
fn inner_product(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let outputs = Dim::known(call.int_or("output_channels", 0));
    let wanted = call.int_or("input_channels", 0);
    let shape = call.shape(0).map(|mut shape| {
        let channels = shape.len().checked_sub(3).filter(|_| shape.len() >= 4);
        let flat = channels.is_some_and(|at| product(shape.iter().skip(at)).is(wanted));
        let is_last = shape.last().is_some_and(|last| last.is(wanted))
            && !shape.iter().rev().skip(1).take(2).all(|dim| dim.is(1));
        match channels {
            Some(at) if flat && !is_last => {
                shape.truncate(at);
                shape.extend([outputs, Dim::known(1), Dim::known(1)]);
            }
            _ => {
                if let Some(last) = shape.last_mut() {
                    *last = outputs;
                }
            }
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Weights are outputs × inputs.
fn linear_layer(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let outputs = call.shape(1).and_then(|weights| weights.first().cloned()).unwrap_or_default();
    let shape = call.shape(0).map(|mut shape| {
        if let Some(last) = shape.last_mut() {
            *last = outputs;
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn matmul(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0).or(call.dtype(1));
    let side = |index: usize, flag: &str| {
        let mut shape = call.shape(index)?;
        if call.flag(flag, false) && shape.len() >= 2 {
            let last = shape.len() - 1;
            shape.swap(last - 1, last);
        }
        Some(shape)
    };
    let shape = match (side(0, "transpose_x"), side(1, "transpose_y")) {
        (Some(a), Some(b)) => Some(linear::matmul(&a, &b)?),
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// The last three dimensions become one number.
fn dot(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = call.shape(0).map(|mut shape| {
        shape.iter_mut().rev().take(3).for_each(|dim| *dim = Dim::known(1));
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Indices stand in the last dimension, or in the channels of an older network.
fn embedding(call: &mut Call<'_, '_>) -> Outcome {
    let width = Dim::known(call.int_or("output_channels", 0));
    let older = call.node.op.as_ref() == "embedding";
    let shape = call.shape(0).map(|mut shape| {
        let place = if older && shape.len() >= 3 { shape.len() - 3 } else { shape.len().saturating_sub(1) };
        if let Some(dim) = shape.get_mut(place) {
            *dim = width;
        }
        shape
    });
    call.set_tensor(0, Some(DType::F32), shape);
    Ok(())
}

/// Programs give sequence × batch × directions·hidden, layers two dimensions of 1 behind; the states follow.
fn recurrent(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else { return Ok(()) };
    let [sequence, batch, rest @ ..] = input.as_slice() else {
        return Err(Mismatch(format!("{} has no sequence and batch", show(&input))));
    };
    let (hidden, all) = match call.node.int("hidden_size") {
        Some(hidden) => {
            (Dim::known(hidden).mul(&Dim::known(call.int_or("directions", 1))), call.flag("output_sequence", false))
        }
        // The initial state of a program's is batch × directions·hidden.
        None => {
            let hidden = call.shape(1).and_then(|state| state.last().cloned()).unwrap_or_default();
            (hidden, call.flag("output_sequence", false))
        }
    };
    let behind = vec![Dim::known(1); rest.len().saturating_sub(1)];
    let length = if all { sequence.clone() } else { Dim::known(1) };
    let with = |length: Dim, width: Dim| [vec![length, batch.clone(), width], behind.clone()].concat();
    call.set_tensor(0, dtype, Some(with(length, hidden.clone())));
    for output in 1..call.output_count() {
        // The states of a layer keep a sequence of 1; those of the backward direction stand apart.
        let shape = match call.node.int("hidden_size") {
            None => vec![batch.clone(), hidden.clone()],
            Some(width) => with(Dim::known(1), Dim::known(width)),
        };
        call.set_tensor(output, dtype, Some(shape));
    }
    Ok(())
}

/// Queries are … × tokens × size, values … × tokens × size.
fn attention(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = match (call.shape(0), call.shape(2)) {
        (Some(mut query), Some(value)) => {
            if let (Some(last), Some(size)) = (query.last_mut(), value.last()) {
                *last = size.clone();
            }
            Some(query)
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn cast(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = match text(call, "dtype").as_str() {
        "fp16" => Some(DType::F16),
        "fp32" => Some(DType::F32),
        "int8" => Some(DType::I8),
        "uint8" => Some(DType::U8),
        "int16" => Some(DType::I16),
        "uint16" => Some(DType::U16),
        "int32" => Some(DType::I32),
        "int64" => Some(DType::I64),
        "bool" => Some(DType::Bool),
        _ => None,
    };
    let shape = call.shape(0);
    call.set_tensor(0, dtype, shape);
    let known = call.known(0).zip(dtype).and_then(|(known, dtype)| known.cast(dtype));
    call.set_known(0, known);
    Ok(())
}

/// Older networks may concatenate inputs that broadcast in front.
fn concat(call: &mut Call<'_, '_>) -> Outcome {
    let along = call.int_or("axis", 0);
    if call.flag("interleave", false) {
        let Some(mut shape) = call.shape(0) else { return Ok(()) };
        let place = axis(along, shape.len())?;
        let count = Dim::from_len(call.node.inputs.len());
        if let Some(dim) = shape.get_mut(place) {
            *dim = dim.mul(&count);
        }
        let dtype = call.dtype(0);
        call.set_tensor(0, dtype, Some(shape));
        return Ok(());
    }
    // Numbers without dimensions make a list.
    let operand = |index: usize| match (call.rank(index), call.dtype(index)) {
        (Some(0), Some(dtype)) if dtype.is_integer() => Operand::List(vec![call.integer(index)]),
        _ => Operand::Input(index),
    };
    let operands: Vec<Operand> = (0..call.node.inputs.len()).map(operand).collect();
    stand_in::infer(call, "Concat", &operands, vec![("axis", Attribute::Int(along))])
}

fn stack(call: &mut Call<'_, '_>) -> Outcome {
    let Some(mut shape) = call.shape(0) else { return Ok(()) };
    let place = axis(call.int_or("axis", 0), shape.len() + 1)?;
    for index in 1..call.node.inputs.len() {
        if let Some(other) = call.shape(index) {
            shape = shape.iter().zip(&other).map(|(a, b)| agreed(a, b)).collect::<Result<_, _>>()?;
        }
    }
    shape.insert(place, Dim::from_len(call.node.inputs.len()));
    let dtype = call.dtype(0);
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn split(call: &mut Call<'_, '_>) -> Outcome {
    let along = Attribute::Int(call.int_or("axis", 0));
    match call.node.ints("split_sizes").filter(|sizes| !sizes.is_empty()).map(<[i64]>::to_vec) {
        Some(sizes) => {
            let sizes = Operand::List(sizes.into_iter().map(Dim::known).collect());
            stand_in::infer(call, "Split", &[Operand::Input(0), sizes], vec![("axis", along)])
        }
        None => {
            let parts = i64::try_from(call.output_count()).unwrap_or(0);
            stand_in::infer(
                call,
                "Split",
                &[Operand::Input(0)],
                vec![("axis", along), ("num_outputs", Attribute::Int(parts))],
            )
        }
    }
}

/// `Squeeze` and `Unsqueeze`, whose axes are an operand or an attribute.
fn axes_of(call: &mut Call<'_, '_>, op: &str) -> Outcome {
    let all = call.flag("squeeze_all", false) || (op == "Squeeze" && !call.has(1) && call.node.ints("axes").is_none());
    let operands = match list(call, 1, "axes") {
        Some(axes) if !all => vec![Operand::Input(0), Operand::List(axes)],
        _ if all => vec![Operand::Input(0)],
        _ => return Ok(()),
    };
    stand_in::infer(call, op, &operands, Vec::new())
}

fn transpose(call: &mut Call<'_, '_>) -> Outcome {
    let order = call.node.ints("perm").or(call.node.ints("axes")).map(<[i64]>::to_vec);
    let Some(order) = order else { return Ok(()) };
    stand_in::infer(call, "Transpose", &[Operand::Input(0)], vec![("perm", Attribute::Ints(order))])
}

/// Older networks order sequence, channels, height and width, and leave the batch in its place.
fn permute(call: &mut Call<'_, '_>) -> Outcome {
    let Some(order) = call.node.ints("axis").map(<[i64]>::to_vec) else { return Ok(()) };
    let rank = call.rank(0).unwrap_or(0);
    let perm = match (rank, order.as_slice()) {
        (5, [_, _, _, _]) => {
            let place = |axis: i64| if axis == 0 { 0 } else { axis + 1 };
            let at = |index: usize| place(first(&order, index));
            vec![at(0), 1, at(1), at(2), at(3)]
        }
        // A picture with a batch in front: the sequence is not there.
        (4, [0, rest @ ..]) => [vec![0], rest.to_vec()].concat(),
        _ => order,
    };
    stand_in::infer(call, "Transpose", &[Operand::Input(0)], vec![("perm", Attribute::Ints(perm))])
}

/// Channels, height and width become channels.
fn flatten(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = call.shape(0).map(|shape| {
        let (front, rest) = shape.split_at(shape.len().saturating_sub(3));
        [front, &[product(rest), Dim::known(1), Dim::known(1)]].concat()
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Programs give the target as an operand, layers of older networks channels × height × width, with a sequence in front or not.
fn reshape(call: &mut Call<'_, '_>) -> Outcome {
    let attribute = call.node.ints("shape").map(<[i64]>::to_vec);
    match attribute {
        Some(target) if !call.has(1) => {
            let rank = call.rank(0).unwrap_or(5);
            let target = match (rank, target.as_slice()) {
                (5, [channels, height, width]) => vec![0, 0, *channels, *height, *width],
                (5, [sequence, channels, height, width]) => vec![*sequence, 0, *channels, *height, *width],
                (4, [channels, height, width]) => vec![0, *channels, *height, *width],
                _ => target,
            };
            to(call, target.into_iter().map(Dim::known).collect())
        }
        _ => match list(call, 1, "shape") {
            Some(target) => to(call, target),
            None => Ok(()),
        },
    }
}

fn reshape_to_attribute(call: &mut Call<'_, '_>) -> Outcome {
    match call.node.ints("shape").map(|target| target.iter().map(|dim| Dim::known(*dim)).collect()) {
        Some(target) => to(call, target),
        None => Ok(()),
    }
}

fn to(call: &mut Call<'_, '_>, target: Vec<Dim>) -> Outcome {
    stand_in::infer(call, "Reshape", &[Operand::Input(0), Operand::List(target)], Vec::new())
}

/// The shape stands in an attribute.
fn stated(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0).or(Some(DType::F32));
    let shape = call.node.ints("shape").map(|sizes| sizes.iter().map(|size| Dim::known(*size)).collect());
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn reduce(call: &mut Call<'_, '_>) -> Outcome {
    let Some(onnx) = same_in_onnx(&call.node.op) else { return Ok(()) };
    let all = call.flag("reduce_all", false);
    let axes = call.node.ints("axes").filter(|axes| !all && !axes.is_empty());
    let mut operands = vec![Operand::Input(0)];
    operands.extend(axes.map(|axes| Operand::List(axes.iter().map(|axis| Dim::known(*axis)).collect())));
    let keep = Attribute::Int(call.int_or("keep_dims", 0));
    stand_in::infer(call, onnx, &operands, vec![("keepdims", keep)])
}

/// Older networks: which of channels, height and width become 1.
fn reduce_layer(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let folded: &[usize] = match call.int_or("axis", 0) {
        0 => &[0, 1, 2],
        1 => &[0, 1],
        2 => &[2],
        3 => &[1],
        _ => &[0],
    };
    let shape = call.shape(0).map(|mut shape| {
        for (place, dim) in shape.iter_mut().rev().enumerate() {
            if folded.contains(&place) {
                *dim = Dim::known(1);
            }
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn arg(call: &mut Call<'_, '_>) -> Outcome {
    let keep = match call.node.int("keep_dims") {
        Some(keep) => keep,
        None => i64::from(!call.flag("remove_dim", false)),
    };
    let attributes = vec![("axis", Attribute::Int(call.int_or("axis", 0))), ("keepdims", Attribute::Int(keep))];
    stand_in::infer(call, "ArgMax", &[Operand::Input(0)], attributes)?;
    let shape = call.outputs.first().cloned().flatten().and_then(|of| of.as_tensor().and_then(|of| of.shape.clone()));
    call.set_tensor(0, Some(DType::I32), shape);
    Ok(())
}

fn gather(call: &mut Call<'_, '_>) -> Outcome {
    let op = if call.node.op.as_ref() == "gather" { "Gather" } else { "GatherElements" };
    if call.node.int("batch_dims").unwrap_or(0) != 0 {
        return Ok(());
    }
    let attributes = vec![("axis", Attribute::Int(call.int_or("axis", 0)))];
    stand_in::infer(call, op, &[0, 1].map(Operand::Input), attributes)
}

fn one_hot(call: &mut Call<'_, '_>) -> Outcome {
    let Some(mut shape) = call.shape(0) else { return Ok(()) };
    let place = axis(call.int_or("axis", -1), shape.len() + 1)?;
    shape.insert(place, Dim::known(call.int_or("one_hot_vector_size", 1)));
    call.set_tensor(0, None, Some(shape));
    Ok(())
}

fn top_k(call: &mut Call<'_, '_>) -> Outcome {
    let Some(mut shape) = call.shape(0) else { return Ok(()) };
    let place = axis(call.int_or("axis", -1), shape.len())?;
    let taken = match call.node.int("k") {
        Some(taken) => Dim::known(taken),
        None => call.integer(1),
    };
    if let Some(dim) = shape.get_mut(place) {
        *dim = taken;
    }
    let dtype = call.dtype(0);
    call.set_tensor(0, dtype, Some(shape.clone()));
    call.set_tensor(1, Some(DType::I32), Some(shape));
    Ok(())
}

fn tile(call: &mut Call<'_, '_>) -> Outcome {
    let Some(repeats) = list(call, 1, "reps") else { return Ok(()) };
    stand_in::infer(call, "Tile", &[Operand::Input(0), Operand::List(repeats)], Vec::new())
}

/// The pads of a program stand for the last axes, begin and end in turn.
fn pad(call: &mut Call<'_, '_>) -> Outcome {
    let (Some(mut shape), Some(pads)) = (call.shape(0), list(call, 1, "pad")) else { return Ok(()) };
    let dtype = call.dtype(0);
    let padded = pads.len() / 2;
    let from =
        shape.len().checked_sub(padded).ok_or_else(|| Mismatch(format!("{padded} pads for {}", show(&shape))))?;
    let to_size = call.flag("pad_to_size", false);
    for (dim, pair) in shape.iter_mut().skip(from).zip(pads.chunks(2)) {
        if let [begin, end] = pair {
            *dim = match to_size {
                // The size itself is given, in either place.
                true if end.value() > Some(0) => end.clone(),
                true if begin.value() > Some(0) => begin.clone(),
                true => dim.clone(),
                false => dim.add(begin).add(end),
            };
        }
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// Older networks pad and crop height and width.
fn borders(call: &mut Call<'_, '_>, sign: i64) -> Outcome {
    let dtype = call.dtype(0);
    let edges = call.node.ints("edges").unwrap_or_default();
    let like = if sign < 0 && call.has(1) { call.shape(1) } else { None };
    let shape = call.shape(0).map(|mut shape| {
        let from = shape.len().saturating_sub(2);
        for (place, dim) in shape.iter_mut().enumerate().skip(from) {
            let at = (place - from) * 2;
            let by = first(edges, at).saturating_add(first(edges, at + 1)).saturating_mul(sign);
            // A crop may take its size from another input.
            *dim = match like.as_ref().and_then(|like| like.get(place)) {
                Some(size) => size.clone(),
                None => dim.add(&Dim::known(by)),
            };
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Height and width as given.
fn resized(call: &mut Call<'_, '_>, name: &str) -> Outcome {
    let dtype = call.dtype(0);
    let target = call.node.ints(name).map(<[i64]>::to_vec);
    let shape = call.shape(0).zip(target).map(|(mut shape, target)| {
        let from = shape.len().saturating_sub(target.len());
        for (dim, size) in shape.iter_mut().skip(from).zip(target) {
            *dim = Dim::known(size);
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn resize(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let size = |name: &str| call.node.int(name).map(Dim::known);
    let shape = match (call.shape(0), size("target_size_height"), size("target_size_width")) {
        (Some(mut shape), Some(height), Some(width)) => {
            shape.truncate(shape.len().saturating_sub(2));
            shape.extend([height, width]);
            Some(shape)
        }
        (Some(shape), ..) => Some(open_shape(shape.len())),
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Regions stand in the first dimension.
fn crop_resize(call: &mut Call<'_, '_>) -> Outcome {
    resized(call, "target_size")?;
    let dtype = call.dtype(0);
    let regions = call.shape(1).and_then(|shape| shape.first().cloned()).unwrap_or_default();
    let made = call.outputs.first().cloned().flatten().and_then(|of| of.as_tensor().and_then(|of| of.shape.clone()));
    let shape = made.map(|mut shape| {
        if let Some(dim) = shape.first_mut() {
            *dim = regions;
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Height and width grow by whole factors, or by fractions.
fn upsample(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let factor = |place: usize, name: &str| -> Option<f64> {
        let node = call.node;
        let fraction = node.floats("fractional_scaling_factor").and_then(|list| list.get(place)).copied();
        let whole = node.ints("scaling_factor").and_then(|list| list.get(place)).map(|factor| *factor as f64);
        node.float(name).or(node.int(name).map(|factor| factor as f64)).or(fraction).or(whole)
    };
    let factors = [factor(0, "scale_factor_height").unwrap_or(1.0), factor(1, "scale_factor_width").unwrap_or(1.0)];
    let shape = call.shape(0).map(|mut shape| {
        let from = shape.len().saturating_sub(2);
        for (dim, factor) in shape.iter_mut().skip(from).zip(factors) {
            *dim = match dim.value() {
                _ if factor.fract() == 0.0 => dim.mul(&Dim::known(factor as i64)),
                Some(size) => Dim::known((size as f64 * factor + 1e-5).floor() as i64),
                None => Dim::UNKNOWN,
            };
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn reorganise(call: &mut Call<'_, '_>) -> Outcome {
    let node = call.node;
    let block = node.int("block_size").or(node.int("upscale_factor")).or(node.int("downscale_factor")).unwrap_or(1);
    let op = match (node.op.as_ref(), node.int("mode").unwrap_or(0)) {
        ("space_to_depth" | "pixel_unshuffle", _) | ("reorganizeData", 0) => "SpaceToDepth",
        _ => "DepthToSpace",
    };
    on_space(call, op, 2, &[], vec![("blocksize", Attribute::Int(block))])
}

fn repeat(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let times = Dim::known(call.int_or("repetitions", 1));
    let shape = call.shape(0).map(|mut shape| {
        if let Some(dim) = shape.first_mut() {
            *dim = dim.mul(&times);
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Older networks cut channels, height or width; an end of 0 or below counts from the back.
fn slice_layer(call: &mut Call<'_, '_>) -> Outcome {
    let along = call.int_or("axis", 0) - 3;
    let one = |value: i64| Operand::List(vec![Dim::known(value)]);
    let (start, end) = (call.int_or("start", 0), call.int_or("end", 0));
    let end = if end == 0 { i64::MAX / 2 } else { end };
    let step = call.int_or("stride", 1).max(1);
    stand_in::infer(call, "Slice", &[Operand::Input(0), one(start), one(end), one(along), one(step)], Vec::new())
}

/// Masks say which bounds are not heeded and which dimensions go.
fn slice(call: &mut Call<'_, '_>) -> Outcome {
    let Some(input) = call.shape(0) else { return Ok(()) };
    let (begin, end) = (list(call, 1, "begin"), list(call, 2, "end"));
    let (Some(begin), Some(end)) = (begin, end) else { return Ok(()) };
    let strides = call.node.ints("stride").or(call.node.ints("strides")).map(<[i64]>::to_vec);
    let strides = strides.or_else(|| call.ints(3)).unwrap_or_else(|| vec![1; input.len()]);
    let mask =
        |name: &str, place: usize| call.node.ints(name).and_then(|mask| mask.get(place)).is_some_and(|bit| *bit != 0);
    let (mut starts, mut ends, mut steps, mut gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, size) in input.iter().enumerate() {
        let step = strides.get(place).copied().unwrap_or(1);
        let from = begin.get(place).cloned().unwrap_or_else(|| Dim::known(0));
        if mask("squeeze_mask", place) {
            let behind = if from.is(-1) { Dim::known(i64::MAX / 2) } else { from.add(&Dim::known(1)) };
            starts.push(from);
            ends.push(behind);
            steps.push(Dim::known(1));
            gone.push(Dim::from_len(place));
            continue;
        }
        let (open_start, open_end) =
            if step > 0 { (Dim::known(0), size.clone()) } else { (size.clone(), Dim::known(i64::MIN / 2)) };
        starts.push(if mask("begin_mask", place) { open_start } else { from });
        ends.push(if mask("end_mask", place) { open_end } else { end.get(place).cloned().unwrap_or(open_end) });
        steps.push(Dim::known(step));
    }
    let axes = (0..input.len()).map(Dim::from_len).collect();
    let operands = [vec![Operand::Input(0)], [starts, ends, axes, steps].map(Operand::List).to_vec()].concat();
    stand_in::infer(call, "Slice", &operands, Vec::new())?;
    stand_in::again(call, "Squeeze", gone)
}

/// A size of -1 goes to the end.
fn slice_by_size(call: &mut Call<'_, '_>) -> Outcome {
    let (Some(input), Some(begin), Some(size)) = (call.shape(0), list(call, 1, "begin"), list(call, 2, "size")) else {
        return Ok(());
    };
    let begin_of = |place: usize| begin.get(place).cloned().unwrap_or_default();
    let dims = input.iter().zip(&size).enumerate().map(|(place, (dim, size))| match size.value() {
        Some(-1) => dim.sub(&begin_of(place)),
        _ => size.clone(),
    });
    let (dtype, shape) = (call.dtype(0), dims.collect());
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stand_in_is_an_operator_of_onnx() {
        for (own, onnx) in SAME.iter().chain(REDUCTIONS) {
            assert!(super::super::find("", onnx).is_some(), "{own} → {onnx}");
        }
    }
}
