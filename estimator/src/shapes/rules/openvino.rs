//! OpenVINO's operators. Most are ONNX's under other names; windows, matrix products and slices write their settings
//! differently; grouped convolutions have a dimension more.

use super::Rule;
use super::elementwise::same_as_first;
use super::linear;
use super::stand_in::{self, Operand};
use crate::formats::openvino_dtype;
use crate::model::{Attribute, Dim, Node};
use crate::shapes::call::{Call, Mismatch, Outcome, axis, show};

/// Operators that are ONNX's: own name and ONNX's. Inputs stand in the same order, attributes that matter have the same
/// names or are renamed in [`RENAMED`].
const SAME: &[(&str, &str)] = &[
    ("Abs", "Abs"),
    ("Acos", "Acos"),
    ("Acosh", "Acosh"),
    ("Add", "Add"),
    ("Asin", "Asin"),
    ("Asinh", "Asinh"),
    ("Atan", "Atan"),
    ("Atanh", "Atanh"),
    ("BitwiseAnd", "BitwiseAnd"),
    ("BitwiseNot", "BitwiseNot"),
    ("BitwiseOr", "BitwiseOr"),
    ("BitwiseXor", "BitwiseXor"),
    ("Ceiling", "Ceil"),
    ("Concat", "Concat"),
    ("ConvertLike", "CastLike"),
    ("Cos", "Cos"),
    ("Cosh", "Cosh"),
    ("CumSum", "CumSum"),
    ("DepthToSpace", "DepthToSpace"),
    ("Divide", "Div"),
    ("Einsum", "Einsum"),
    ("Elu", "Elu"),
    ("Equal", "Equal"),
    ("Erf", "Erf"),
    ("Exp", "Exp"),
    ("Floor", "Floor"),
    ("FloorMod", "Mod"),
    ("GatherElements", "GatherElements"),
    ("GatherND", "GatherND"),
    ("Gelu", "Gelu"),
    ("Greater", "Greater"),
    ("GreaterEqual", "GreaterOrEqual"),
    ("HSigmoid", "HardSigmoid"),
    ("HSwish", "HardSwish"),
    ("HardSigmoid", "HardSigmoid"),
    ("IsInf", "IsInf"),
    ("IsNaN", "IsNaN"),
    ("LRN", "LRN"),
    ("Less", "Less"),
    ("LessEqual", "LessOrEqual"),
    ("Log", "Log"),
    ("LogSoftmax", "LogSoftmax"),
    ("LogicalAnd", "And"),
    ("LogicalNot", "Not"),
    ("LogicalOr", "Or"),
    ("LogicalXor", "Xor"),
    ("MVN", "MeanVarianceNormalization"),
    ("Maximum", "Max"),
    ("Minimum", "Min"),
    ("Mish", "Mish"),
    ("Mod", "Mod"),
    ("Multiply", "Mul"),
    ("Negative", "Neg"),
    ("NonZero", "NonZero"),
    ("NormalizeL2", "LpNormalization"),
    ("NotEqual", "Equal"),
    ("PReLU", "PRelu"),
    ("PRelu", "PRelu"),
    ("Power", "Pow"),
    ("RMS", "RMSNormalization"),
    ("Range", "Range"),
    ("ReLU", "Relu"),
    ("Relu", "Relu"),
    ("ReduceL1", "ReduceL1"),
    ("ReduceL2", "ReduceL2"),
    ("ReduceLogicalAnd", "ReduceMin"),
    ("ReduceLogicalOr", "ReduceMax"),
    ("ReduceMax", "ReduceMax"),
    ("ReduceMean", "ReduceMean"),
    ("ReduceMin", "ReduceMin"),
    ("ReduceProd", "ReduceProd"),
    ("ReduceSum", "ReduceSum"),
    ("ReverseSequence", "ReverseSequence"),
    ("Round", "Round"),
    ("ScatterElementsUpdate", "ScatterElements"),
    ("ScatterNDUpdate", "ScatterND"),
    ("Select", "Where"),
    ("Selu", "Selu"),
    ("ShapeOf", "Shape"),
    ("Sigmoid", "Sigmoid"),
    ("Sign", "Sign"),
    ("Sin", "Sin"),
    ("Sinh", "Sinh"),
    ("SoftMax", "Softmax"),
    ("SoftPlus", "Softplus"),
    ("SoftSign", "Softsign"),
    ("Softmax", "Softmax"),
    ("SpaceToDepth", "SpaceToDepth"),
    ("Sqrt", "Sqrt"),
    ("Squeeze", "Squeeze"),
    ("Subtract", "Sub"),
    ("Swish", "Swish"),
    ("Tan", "Tan"),
    ("Tanh", "Tanh"),
    ("Tile", "Tile"),
    ("TopK", "TopK"),
    ("Unsqueeze", "Unsqueeze"),
];

/// Attributes that ONNX calls differently.
const RENAMED: &[(&str, &str)] = &[
    ("axis", "axis"),
    ("alpha", "alpha"),
    ("keep_dims", "keepdims"),
    ("equation", "equation"),
    ("exclusive", "exclusive"),
    ("reverse", "reverse"),
    ("batch_dims", "batch_dims"),
    ("block_size", "blocksize"),
    ("size", "size"),
];

/// Operators whose first output has the type and shape of the first input, for which ONNX has no counterpart.
const LIKE_FIRST: &[&str] = &[
    "Assign",
    "BatchNormInference",
    "BatchNormalization",
    "Bucketize",
    "Clamp",
    "FakeConvert",
    "FakeQuantize",
    "GRN",
    "GroupNormalization",
    "IsFinite",
    "Normalize",
    "ReadValue",
    "Reverse",
    "RoPE",
    "Roll",
    "ScaleShift",
    "ScatterUpdate",
    "ShuffleChannels",
];

/// The name of ONNX's operator that does the same.
pub(crate) fn same_in_onnx(op: &str) -> Option<&'static str> {
    SAME.iter().find(|(own, _)| *own == op).map(|(_, onnx)| *onnx)
}

/// The rules of OpenVINO's operators.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "AdaptiveAvgPool" | "AdaptiveMaxPool" => adaptive_pool,
        "AvgPool" | "MaxPool" => pool,
        "BinaryConvolution" | "Convolution" => |call| convolution(call, false),
        "Broadcast" => broadcast,
        "Convert" => convert,
        "ConvolutionBackpropData" => |call| backprop(call, false),
        "DeformableConvolution" => deformable,
        "FullyConnected" => fully_connected,
        "GRUCell" | "LSTMCell" | "RNNCell" | "AUGRUCell" => cell,
        "GRUSequence" | "LSTMSequence" | "RNNSequence" | "AUGRUSequence" => recurrent,
        "Gather" => gather,
        "GroupConvolution" => |call| convolution(call, true),
        "GroupConvolutionBackpropData" => |call| backprop(call, true),
        "Interpolate" => interpolate,
        "MatMul" => matmul,
        "OneHot" => one_hot,
        "Pad" => pad,
        "Reshape" => reshape,
        "ScaledDotProductAttention" => attention,
        "Slice" => |call| stand_in::infer(call, "Slice", &[0, 1, 2, 4, 3].map(Operand::Input), Vec::new()),
        "Split" => split,
        "SquaredDifference" => |call| stand_in::infer(call, "Sub", &[0, 1].map(Operand::Input), Vec::new()),
        "StridedSlice" => strided_slice,
        "Transpose" => transpose,
        "VariadicSplit" => variadic_split,
        _ if LIKE_FIRST.contains(&op) => same_as_first,
        _ if same_in_onnx(op).is_some() => same,
        _ => return None,
    })
}

fn same(call: &mut Call<'_, '_>) -> Outcome {
    let Some(onnx) = same_in_onnx(&call.node.op) else { return Ok(()) };
    // ONNX's takes two operands that OpenVINO's does not: scatter's axis and the bounds of a hard sigmoid.
    let operands = match onnx {
        "HardSigmoid" | "Swish" => vec![Operand::Input(0)],
        "ScatterElements" => [0, 1, 2].map(Operand::Input).to_vec(),
        _ => stand_in::inputs(call),
    };
    let mut attributes = stand_in::renamed(call, RENAMED);
    // Left out it is false here and true there.
    if onnx.starts_with("Reduce") && call.node.int("keep_dims").is_none() {
        attributes.push(("keepdims", Attribute::Int(0)));
    }
    stand_in::infer(call, onnx, &operands, attributes)
}

/// A list among the attributes; one of a single entry is read as a number.
pub(crate) fn list(node: &Node, name: &str) -> Option<Vec<i64>> {
    node.ints(name).map(<[i64]>::to_vec).or_else(|| node.int(name).map(|value| vec![value]))
}

/// Strides, dilations and padding in ONNX's words.
fn window(node: &Node) -> Vec<(&'static str, Attribute)> {
    let mut attributes = Vec::new();
    for name in ["strides", "dilations"] {
        attributes.extend(list(node, name).map(|values| (name, Attribute::Ints(values))));
    }
    if let (Some(begin), Some(end)) = (list(node, "pads_begin"), list(node, "pads_end")) {
        attributes.push(("pads", Attribute::Ints([begin, end].concat())));
    }
    let auto = match node.text("auto_pad") {
        Some("same_upper") => Some("SAME_UPPER"),
        Some("same_lower") => Some("SAME_LOWER"),
        Some("valid") => Some("VALID"),
        _ => None,
    };
    attributes.extend(auto.map(|auto| ("auto_pad", Attribute::Text(auto.into()))));
    attributes
}

/// The filters of a convolution with their groups, in ONNX's layout: groups × outputs × inputs × window become
/// groups·outputs × inputs × window, or groups·inputs × outputs × window for a transposed one.
fn filters(call: &Call<'_, '_>, grouped: bool) -> (Operand, Option<i64>) {
    match (grouped, call.shape(1).as_deref()) {
        (false, _) => (Operand::Input(1), call.node.int("group")),
        (true, Some([groups, first, rest @ ..])) => {
            let shape = [&[groups.mul(first)], rest].concat();
            (Operand::Shaped(call.dtype(1), Some(shape)), groups.value())
        }
        (true, _) => (Operand::Shaped(call.dtype(1), None), None),
    }
}

fn convolution(call: &mut Call<'_, '_>, grouped: bool) -> Outcome {
    let (filters, group) = filters(call, grouped);
    let mut attributes = window(call.node);
    attributes.extend(group.map(|group| ("group", Attribute::Int(group))));
    stand_in::infer(call, "Conv", &[Operand::Input(0), filters], attributes)
}

/// Inputs: data, offsets, filters.
fn deformable(call: &mut Call<'_, '_>) -> Outcome {
    let mut attributes = window(call.node);
    attributes.extend(stand_in::renamed(call, &[("group", "group")]));
    stand_in::infer(call, "Conv", &[0, 2].map(Operand::Input), attributes)
}

/// A third input gives the sizes of space.
fn backprop(call: &mut Call<'_, '_>, grouped: bool) -> Outcome {
    let (filters, group) = filters(call, grouped);
    let mut attributes = window(call.node);
    attributes.extend(group.map(|group| ("group", Attribute::Int(group))));
    attributes.extend(list(call.node, "output_padding").map(|extra| ("output_padding", Attribute::Ints(extra))));
    attributes.extend(call.ints(2).map(|sizes| ("output_shape", Attribute::Ints(sizes))));
    stand_in::infer(call, "ConvTranspose", &[Operand::Input(0), filters], attributes)
}

fn pool(call: &mut Call<'_, '_>) -> Outcome {
    let mut attributes = window(call.node);
    attributes.extend(list(call.node, "kernel").map(|kernel| ("kernel_shape", Attribute::Ints(kernel))));
    let ceil = call.node.text("rounding_type").is_some_and(|kind| kind.starts_with("ceil"));
    attributes.push(("ceil_mode", Attribute::Int(i64::from(ceil))));
    stand_in::infer(call, "MaxPool", &[Operand::Input(0)], attributes)
}

/// The second input gives the sizes of space.
fn adaptive_pool(call: &mut Call<'_, '_>) -> Outcome {
    let shape = match (call.shape(0), call.dims(1)) {
        (Some(input), Some(sizes)) => Some([input.get(..2).unwrap_or_default(), &sizes].concat()),
        _ => None,
    };
    let dtype = call.dtype(0);
    call.set_tensor(0, dtype, shape.clone());
    call.set_tensor(1, None, shape);
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
    let shape = match (side(0, "transpose_a"), side(1, "transpose_b")) {
        (Some(a), Some(b)) => Some(linear::matmul(&a, &b)?),
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Version 7: everything behind the batch is folded into one row.
fn fully_connected(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let outputs = call.node.int("out-size").map_or(Dim::UNKNOWN, Dim::known);
    let shape = call.shape(0).and_then(|input| Some(vec![input.first()?.clone(), outputs]));
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn convert(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.node.text("destination_type").and_then(openvino_dtype);
    let shape = call.shape(0);
    call.set_tensor(0, dtype, shape);
    let known = call.known(0).zip(dtype).and_then(|(known, dtype)| known.cast(dtype));
    call.set_known(0, known);
    Ok(())
}

fn transpose(call: &mut Call<'_, '_>) -> Outcome {
    let order = call.ints(1).or_else(|| list(call.node, "order"));
    match order {
        Some(order) if !order.is_empty() => {
            stand_in::infer(call, "Transpose", &[Operand::Input(0)], vec![("perm", Attribute::Ints(order))])
        }
        // An empty order reverses.
        Some(_) => stand_in::infer(call, "Transpose", &[Operand::Input(0)], Vec::new()),
        None => Ok(()),
    }
}

/// Where the target is not known, the shape that the file declares is: what is open in it is what is left.
fn reshape(call: &mut Call<'_, '_>) -> Outcome {
    let known = call.elements(1).filter(|known| known.tells_anything());
    let declared = call.node.ints("declared_shape").map(|dims| dims.iter().map(|dim| Dim::known(*dim)).collect());
    let zero_copies = call.flag("special_zero", true) && known.is_some();
    let target: Option<Vec<Dim>> = match known.and_then(|known| known.dims().map(<[Dim]>::to_vec)) {
        Some(target) => Some(target),
        None => declared.filter(|dims: &Vec<Dim>| dims.iter().filter(|dim| dim.is(-1)).count() <= 1),
    };
    let Some(target) = target else { return Ok(()) };
    let attributes = vec![("allowzero", Attribute::Int(i64::from(!zero_copies)))];
    stand_in::infer(call, "Reshape", &[Operand::Input(0), Operand::List(target)], attributes)
}

fn gather(call: &mut Call<'_, '_>) -> Outcome {
    let axis_input = if call.has(2) { call.integer(2).value() } else { call.node.int("axis") };
    let Some(along) = axis_input else { return Ok(()) };
    let batch = call.node.int("batch_dims").unwrap_or(0);
    if batch == 0 {
        let attributes = vec![("axis", Attribute::Int(along))];
        return stand_in::infer(call, "Gather", &[0, 1].map(Operand::Input), attributes);
    }
    let (Some(data), Some(indices)) = (call.shape(0), call.shape(1)) else { return Ok(()) };
    let along = axis(along, data.len())?;
    let batch = usize::try_from(if batch < 0 { batch + indices.len() as i64 } else { batch }).unwrap_or(0);
    let parts = [data.get(..along), indices.get(batch..), data.get(along + 1..)];
    let shape = parts.into_iter().flatten().flatten().cloned().collect();
    let dtype = call.dtype(0);
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn split(call: &mut Call<'_, '_>) -> Outcome {
    let Some(along) = call.integer(1).value().or(call.node.int("axis")) else { return Ok(()) };
    let parts = call.node.int("num_splits").unwrap_or(0);
    let attributes = vec![("axis", Attribute::Int(along)), ("num_outputs", Attribute::Int(parts))];
    stand_in::infer(call, "Split", &[Operand::Input(0)], attributes)
}

/// One length may be -1, which is what the others leave.
fn variadic_split(call: &mut Call<'_, '_>) -> Outcome {
    let (Some(along), Some(lengths)) = (call.integer(1).value(), call.dims(2)) else { return Ok(()) };
    let lengths = lengths.into_iter().map(|length| if length.is(-1) { Dim::UNKNOWN } else { length }).collect();
    let attributes = vec![("axis", Attribute::Int(along))];
    stand_in::infer(call, "Split", &[Operand::Input(0), Operand::List(lengths)], attributes)
}

fn broadcast(call: &mut Call<'_, '_>) -> Outcome {
    match call.node.text("mode") {
        Some("bidirectional") | Some("numpy") | None => {
            stand_in::infer(call, "Expand", &[0, 1].map(Operand::Input), Vec::new())
        }
        _ => {
            let (dtype, shape) = (call.dtype(0), call.dims(1));
            call.set_tensor(0, dtype, shape);
            Ok(())
        }
    }
}

/// Inputs: data, pads in front, pads behind, fill.
fn pad(call: &mut Call<'_, '_>) -> Outcome {
    let (Some(begin), Some(end)) = (call.dims(1), call.dims(2)) else { return Ok(()) };
    let fill = if call.has(3) { Operand::Input(3) } else { Operand::Absent };
    let operands = [Operand::Input(0), Operand::List([begin, end].concat()), fill];
    stand_in::infer(call, "Pad", &operands, Vec::new())
}

/// Inputs: indices, depth, two values.
fn one_hot(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(2);
    let Some(mut shape) = call.shape(0) else { return Ok(()) };
    let place = axis(call.int_or("axis", -1), shape.len() + 1)?;
    shape.insert(place, call.integer(1));
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// Bounds with masks: an entry of a mask says that a bound is not heeded, that a dimension is new, goes, or stands for
/// all that are not named.
fn strided_slice(call: &mut Call<'_, '_>) -> Outcome {
    let (Some(input), Some(begin), Some(end)) = (call.shape(0), call.dims(1), call.dims(2)) else { return Ok(()) };
    let strides = match call.has(3) {
        true => call.ints(3),
        false => Some(vec![1; begin.len()]),
    };
    let Some(strides) = strides else { return Ok(()) };
    let mask = |name: &str, place: usize| {
        let list = list(call.node, name).unwrap_or_default();
        list.get(place).is_some_and(|bit| *bit != 0)
    };
    let named =
        (0..begin.len()).filter(|place| !mask("new_axis_mask", *place) && !mask("ellipsis_mask", *place)).count();
    let Some(unnamed) = input.len().checked_sub(named) else {
        return Err(Mismatch(format!("{named} bounds for {}", show(&input))));
    };
    let (mut starts, mut ends, mut steps, mut axes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    // What becomes of each dimension of the cut input, and where new ones stand.
    let (mut gone, mut new, mut at, mut out) = (Vec::new(), Vec::new(), 0usize, 0i64);
    for place in 0..begin.len() {
        if mask("ellipsis_mask", place) {
            at += unnamed;
            out += i64::try_from(unnamed).unwrap_or(0);
            continue;
        }
        if mask("new_axis_mask", place) {
            new.push(Dim::known(out));
            out += 1;
            continue;
        }
        let step = strides.get(place).copied().unwrap_or(1);
        let size = input.get(at).cloned().unwrap_or_default();
        let first = begin.get(place).cloned().unwrap_or_default();
        let (open_start, open_end) = if step > 0 { (Dim::known(0), size) } else { (size, Dim::known(i64::MIN / 2)) };
        if mask("shrink_axis_mask", place) {
            let behind = if first.is(-1) { Dim::known(i64::MAX / 2) } else { first.add(&Dim::known(1)) };
            starts.push(first);
            ends.push(behind);
            steps.push(Dim::known(1));
            gone.push(Dim::from_len(at));
        } else {
            starts.push(if mask("begin_mask", place) { first } else { open_start.clone() });
            ends.push(if mask("end_mask", place) { end.get(place).cloned().unwrap_or_default() } else { open_end });
            steps.push(Dim::known(step));
            out += 1;
        }
        axes.push(Dim::from_len(at));
        at += 1;
    }
    let operands = [vec![Operand::Input(0)], [starts, ends, axes, steps].map(Operand::List).to_vec()].concat();
    stand_in::infer(call, "Slice", &operands, Vec::new())?;
    stand_in::again(call, "Squeeze", gone)?;
    stand_in::again(call, "Unsqueeze", new)
}

/// Inputs: data, sizes, scales, axes; in the newest version sizes or scales, axes.
fn interpolate(call: &mut Call<'_, '_>) -> Outcome {
    let Some(mut shape) = call.shape(0) else { return Ok(()) };
    let by_scales = call.node.text("shape_calculation_mode").is_some_and(|mode| mode.eq_ignore_ascii_case("scales"));
    let newest = call.dtype(1).is_some_and(|dtype| dtype.is_float()) || !call.has(2) || call.node.inputs.len() == 3;
    let axes_at = if newest { 2 } else { 3 };
    let axes = match (call.has(axes_at), list(call.node, "axes")) {
        (true, _) => call.ints(axes_at),
        (false, Some(axes)) => Some(axes),
        (false, None) => Some((0..i64::try_from(shape.len()).unwrap_or(0)).collect()),
    };
    let Some(axes) = axes else { return Ok(()) };
    let sizes = if by_scales { None } else { call.dims(1) };
    let scales = match by_scales {
        true => call.known(if newest { 1 } else { 2 }).and_then(|known| known.numbers()),
        false => None,
    };
    for (place, along) in axes.into_iter().enumerate() {
        let along = axis(along, shape.len())?;
        let Some(dim) = shape.get_mut(along) else { continue };
        *dim = match (&sizes, &scales) {
            (Some(sizes), _) => sizes.get(place).cloned().unwrap_or_default(),
            (None, Some(scales)) => match (dim.value(), scales.get(place)) {
                // Whole factors keep the formula.
                (_, Some(scale)) if scale.fract() == 0.0 && *scale >= 1.0 => dim.mul(&Dim::known(*scale as i64)),
                (Some(size), Some(scale)) => Dim::known((size as f64 * scale + 1e-5).floor() as i64),
                _ => Dim::UNKNOWN,
            },
            _ => Dim::UNKNOWN,
        };
    }
    let dtype = call.dtype(0);
    call.set_tensor(0, dtype, Some(shape));
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

/// One step: every output is batch × hidden, like the state that goes in.
fn cell(call: &mut Call<'_, '_>) -> Outcome {
    for output in 0..call.output_count() {
        let (dtype, shape) = (call.dtype(1), call.shape(1));
        call.set_tensor(output, dtype, shape);
    }
    Ok(())
}

/// The data are batch × tokens × input, states batch × directions × hidden; all states are
/// batch × directions × tokens × hidden.
fn recurrent(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let (data, state) = (call.shape(0), call.shape(1));
    if let (Some([batch, tokens, _]), Some([_, directions, hidden])) = (data.as_deref(), state.as_deref()) {
        let all = [batch, directions, tokens, hidden].map(Dim::clone).to_vec();
        call.set_tensor(0, dtype, Some(all));
        for output in 1..call.output_count() {
            call.set_tensor(output, dtype, Some([batch, directions, hidden].map(Dim::clone).to_vec()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stand_in_is_an_operator_of_onnx() {
        for (own, onnx) in SAME {
            assert!(super::super::find("", onnx).is_some(), "{own} → {onnx}");
        }
    }
}
