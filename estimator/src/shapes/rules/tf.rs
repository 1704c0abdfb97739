//! TensorFlow's operators: channels last unless said otherwise, axes and sizes mostly as inputs.
//!
//! TensorFlow Lite's operators that mean the same use these rules too (`tflite` says which).
//! Element-wise operators are ONNX's under another name.

use super::Rule;
use super::elementwise::{comparison, same_as_first, set_broadcast, set_cast};
use super::indexing::set_gathered;
use super::linear;
use super::movement::{
    Cut, cut, described_rank, reshaped, set_cut, set_joined, set_reshaped, set_squeezed, set_transposed, set_unsqueezed,
};
use super::reduction::reduce_as;
use crate::model::{Attribute, DType, Dim, elements};
use crate::shapes::call::{Call, Mismatch, Outcome, Unknown, axis, broadcast, open_shape, product, show};
use crate::shapes::known::{Known, sizes};

/// Operators that are one of ONNX's under another name, also in their inputs and in the attributes that matter here.
const ALIASES: &[(&str, &str)] = &[
    ("Abs", "Abs"),
    ("Acos", "Acos"),
    ("Acosh", "Acosh"),
    ("Add", "Add"),
    ("AddN", "Sum"),
    ("AddV2", "Add"),
    ("AccumulateNV2", "Sum"),
    ("Asin", "Asin"),
    ("Asinh", "Asinh"),
    ("Atan", "Atan"),
    ("Atanh", "Atanh"),
    ("BroadcastTo", "Expand"),
    ("Ceil", "Ceil"),
    ("Cos", "Cos"),
    ("Cosh", "Cosh"),
    ("Cumprod", "CumProd"),
    ("Cumsum", "CumSum"),
    ("Div", "Div"),
    ("DivNoNan", "Div"),
    ("Einsum", "Einsum"),
    ("Elu", "Elu"),
    ("Equal", "Equal"),
    ("Erf", "Erf"),
    ("Exp", "Exp"),
    ("Floor", "Floor"),
    ("FloorDiv", "Div"),
    ("FloorMod", "Mod"),
    ("GatherNd", "GatherND"),
    ("Gelu", "Gelu"),
    ("Greater", "Greater"),
    ("GreaterEqual", "GreaterOrEqual"),
    ("Inv", "Reciprocal"),
    ("LeakyRelu", "LeakyRelu"),
    ("Less", "Less"),
    ("LessEqual", "LessOrEqual"),
    ("Log", "Log"),
    ("LogicalAnd", "And"),
    ("LogicalNot", "Not"),
    ("LogicalOr", "Or"),
    ("Maximum", "Max"),
    ("Minimum", "Min"),
    ("Mod", "Mod"),
    ("Mul", "Mul"),
    ("MulNoNan", "Mul"),
    ("Neg", "Neg"),
    ("OneHot", "OneHot"),
    ("Pow", "Pow"),
    ("Range", "Range"),
    ("RealDiv", "Div"),
    ("Reciprocal", "Reciprocal"),
    ("Relu", "Relu"),
    ("Rint", "Round"),
    ("Round", "Round"),
    ("Selu", "Selu"),
    ("Sigmoid", "Sigmoid"),
    ("Sign", "Sign"),
    ("Sin", "Sin"),
    ("Sinh", "Sinh"),
    ("Size", "Size"),
    ("Softplus", "Softplus"),
    ("Softsign", "Softsign"),
    ("Sqrt", "Sqrt"),
    ("Sub", "Sub"),
    ("Tan", "Tan"),
    ("Tanh", "Tanh"),
    ("Tile", "Tile"),
    ("TruncateDiv", "Div"),
];

/// The rule of an operator of the standard domain by its name.
fn onnx(op: &str) -> Option<Rule> {
    super::find("", op)
}

/// The rules of this domain.
pub(super) fn find(op: &str) -> Option<Rule> {
    if let Some((_, onnx_name)) = ALIASES.iter().find(|(name, _)| *name == op) {
        return onnx(onnx_name);
    }
    Some(match op {
        "Identity"
        | "StopGradient"
        | "PreventGradient"
        | "CheckNumerics"
        | "Snapshot"
        | "EnsureShape"
        | "PlaceholderWithDefault"
        | "Enter"
        | "RefEnter"
        | "Exit"
        | "RefExit"
        | "NextIteration"
        | "LoopCond"
        | "ReadVariableOp"
        | "_ReadVariablesOp" => |call| {
            call.pass(0, 0);
            Ok(())
        },
        "IdentityN" => |call| {
            for index in 0..call.output_count() {
                call.pass(index, index);
            }
            Ok(())
        },
        "Relu6"
        | "Rsqrt"
        | "Square"
        | "Expm1"
        | "Log1p"
        | "Lgamma"
        | "Digamma"
        | "Softmax"
        | "LogSoftmax"
        | "ZerosLike"
        | "OnesLike"
        | "LRN"
        | "Reverse"
        | "ReverseV2"
        | "ReverseSequence"
        | "Roll"
        | "Erfc"
        | "Ndtri"
        | "FakeQuantWithMinMaxVars"
        | "FakeQuantWithMinMaxArgs"
        | "FakeQuantWithMinMaxVarsPerChannel"
        | "QuantizeAndDequantizeV2"
        | "QuantizeAndDequantizeV3"
        | "QuantizeAndDequantizeV4"
        | "L2Loss"
        | "TensorScatterUpdate"
        | "TensorScatterAdd"
        | "MatrixInverse"
        | "Cholesky"
        | "MatrixBandPart"
        | "ClipByValue"
        | "Invert"
        | "IsFinite"
        | "IsInf"
        | "IsNan"
        | "MatrixSetDiag"
        | "MatrixSetDiagV3"
        | "BiasAdd"
        | "BiasAddV1"
        | "Prelu"
        | "RandomShuffle"
        | "_FusedBiasAdd"
        | "ScatterUpdate" => first_or_truth,
        "SquaredDifference" | "Atan2" | "Xdivy" | "Xlogy" | "TruncateMod" | "BitwiseAnd" | "BitwiseOr"
        | "BitwiseXor" | "LeftShift" | "RightShift" => |call| {
            let dtype = call.dtype(0).or(call.dtype(1));
            set_broadcast(call, dtype)
        },
        "NotEqual" => |call| comparison(call, |order| !order.is_eq()),
        "Cast" => |call| {
            let to = dtype_of(call, "DstT");
            set_cast(call, to);
            Ok(())
        },
        "Select" => select,
        "SelectV2" => |call| run("Where", call),
        "All" | "Any" | "EuclideanNorm" | "Max" | "Mean" | "Min" | "Prod" | "Sum" => reduce,
        "ArgMax" | "ArgMin" => arg_extreme,
        "Const" => constant,
        "Placeholder" | "VarHandleOp" | "VariableV2" | "Variable" => |_| Ok(()),
        "Shape" => shape,
        "ShapeN" => shapes,
        "Rank" => |call| {
            let rank = call.rank(0);
            call.set_tensor(0, Some(DType::I32), Some(Vec::new()));
            call.set_known(0, rank.map(|rank| Known::scalar(Dim::from_len(rank))));
            Ok(())
        },
        "Reshape" => reshape,
        "Transpose" => |call| match call.has(1) {
            false => set_transposed(call, None),
            true => match call.ints(1) {
                Some(order) => set_transposed(call, Some(order)),
                None => {
                    let (dtype, rank) = (call.dtype(0), call.rank(0));
                    call.set_tensor(0, dtype, rank.map(open_shape));
                    Ok(())
                }
            },
        },
        "Squeeze" => |call| {
            let wanted = call.node.ints("squeeze_dims").filter(|list| !list.is_empty()).map(<[i64]>::to_vec);
            set_squeezed(call, Ok(wanted))
        },
        "ExpandDims" => |call| {
            let wanted = call.ints(1).map(Some).ok_or(Unknown);
            set_unsqueezed(call, wanted)
        },
        "ConcatV2" => |call| {
            let last = call.node.inputs.len().saturating_sub(1);
            joined(call, 0..last, last)
        },
        "Concat" => |call| {
            let all = call.node.inputs.len();
            joined(call, 1..all, 0)
        },
        "Pack" | "Stack" => pack,
        "Unpack" | "Unstack" => unpack,
        "Split" => |call| split(call, 1, 0, None),
        "SplitV" => |call| split(call, 0, 2, Some(1)),
        "Slice" => slice,
        "StridedSlice" => strided_slice,
        "Gather" | "GatherV2" | "ResourceGather" => gather,
        "ScatterNd" => |call| {
            let (dtype, shape) = (call.dtype(1), call.dims(2));
            call.set_tensor(0, dtype, shape);
            Ok(())
        },
        "Fill" => fill,
        "Pad" | "PadV2" | "MirrorPad" => pad,
        "ResizeBilinear" | "ResizeNearestNeighbor" | "ResizeBicubic" | "ResizeArea" => resize,
        "CropAndResize" => crop_and_resize,
        "SpaceToDepth" => |call| blocks(call, false),
        "DepthToSpace" => |call| blocks(call, true),
        "SpaceToBatchND" => |call| batch_blocks(call, true),
        "BatchToSpaceND" => |call| batch_blocks(call, false),
        // The loss of each row, and its gradient.
        "SoftmaxCrossEntropyWithLogits" | "SparseSoftmaxCrossEntropyWithLogits" => |call| {
            let (dtype, shape) = (call.dtype(0), call.shape(0));
            let rows = shape.as_ref().map(|shape| shape.iter().take(1).cloned().collect());
            call.set_tensor(0, dtype, rows);
            call.set_tensor(1, dtype, shape);
            Ok(())
        },
        "TopK" | "TopKV2" => |call| {
            run("TopK", call)?;
            let shape = call.outputs.get(1).cloned().flatten();
            if let Some(shape) = shape.as_ref().and_then(|of| of.as_tensor()).map(|tensor| tensor.shape.clone()) {
                call.set_tensor(1, Some(DType::I32), shape);
            }
            Ok(())
        },
        "Where" => found,
        "NonMaxSuppressionV2" | "NonMaxSuppressionV3" | "NonMaxSuppressionV4" | "NonMaxSuppressionV5" => suppress,
        "MatMul" => |call| matmul(call, "transpose_a", "transpose_b"),
        "BatchMatMul" | "BatchMatMulV2" | "BatchMatMulV3" => |call| matmul(call, "adj_x", "adj_y"),
        "_FusedMatMul" => |call| matmul(call, "transpose_a", "transpose_b"),
        "Conv2D" | "_FusedConv2D" | "Conv3D" => convolution,
        "DepthwiseConv2dNative" | "_FusedDepthwiseConv2dNative" | "FusedDepthwiseConv2dNative" => convolution,
        "Conv2DBackpropInput" | "Conv3DBackpropInputV2" => back_convolution,
        "MaxPool" | "AvgPool" | "MaxPool3D" | "AvgPool3D" | "MaxPoolWithArgmax" => pool,
        "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" | "_FusedBatchNormEx" => batch_norm,
        "RandomUniform"
        | "RandomStandardNormal"
        | "TruncatedNormal"
        | "StatelessRandomUniform"
        | "StatelessRandomNormal"
        | "StatelessRandomUniformV2"
        | "StatelessRandomNormalV2" => |call| {
            let (dtype, shape) = (dtype_of(call, "dtype").or(Some(DType::F32)), call.dims(0));
            call.set_tensor(0, dtype, shape);
            Ok(())
        },
        "BroadcastArgs" => |call| {
            let dtype = call.dtype(0);
            let joint = match (call.dims(0), call.dims(1)) {
                (Some(a), Some(b)) => Some(broadcast(&a, &b)?),
                _ => None,
            };
            let length = joint.as_ref().map_or(Dim::UNKNOWN, |dims| Dim::from_len(dims.len()));
            call.set_tensor(0, dtype, Some(vec![length]));
            call.set_known(0, joint.and_then(Known::list));
            Ok(())
        },
        "Switch" | "RefSwitch" => |call| {
            call.pass_type(0, 0);
            call.pass_type(0, 1);
            Ok(())
        },
        // Both of its inputs have the same type; the second of a loop comes from its end.
        "Merge" | "RefMerge" => |call| {
            let first = (0..call.node.inputs.len()).find(|index| call.rank(*index).is_some()).unwrap_or(0);
            call.pass_type(first, 0);
            call.set_tensor(1, Some(DType::I32), Some(Vec::new()));
            Ok(())
        },
        "TensorListFromTensor"
        | "TensorListReserve"
        | "EmptyTensorList"
        | "TensorListSetItem"
        | "TensorListGetItem"
        | "TensorListStack"
        | "TensorListPushBack"
        | "TensorListLength" => list,
        _ => return None,
    })
}

/// Runs the rule of an operator of the standard domain.
pub(super) fn run(op: &str, call: &mut Call<'_, '_>) -> Outcome {
    onnx(op).map_or(Ok(()), |rule| rule(call))
}

/// The element type that an attribute names.
pub(super) fn dtype_of(call: &Call<'_, '_>, name: &str) -> Option<DType> {
    match call.node.attributes.get(name)? {
        Attribute::Text(text) => DType::ALL.iter().copied().find(|dtype| dtype.name() == text.as_ref()),
        _ => None,
    }
}

/// As the first input; questions give truth values.
fn first_or_truth(call: &mut Call<'_, '_>) -> Outcome {
    if call.node.op.starts_with("Is") {
        let shape = call.shape(0);
        call.set_tensor(0, Some(DType::Bool), shape);
        return Ok(());
    }
    same_as_first(call)
}

/// The older selection takes a condition of one dimension for whole rows.
fn select(call: &mut Call<'_, '_>) -> Outcome {
    match (call.rank(0), call.rank(1)) {
        (Some(0..=1), Some(2..)) => {
            call.pass_type(1, 0);
            Ok(())
        }
        _ => run("Where", call),
    }
}

fn reduce(call: &mut Call<'_, '_>) -> Outcome {
    let op = match call.node.op.as_ref() {
        "Max" | "Any" | "REDUCE_MAX" | "REDUCE_ANY" => "ReduceMax",
        "Min" | "All" | "REDUCE_MIN" | "REDUCE_ALL" => "ReduceMin",
        "Mean" | "MEAN" => "ReduceMean",
        "Prod" | "REDUCE_PROD" => "ReduceProd",
        "Sum" | "SUM" => "ReduceSum",
        _ => "",
    };
    // Without axes nothing is folded.
    if call.has(1) && call.ints(1).is_some_and(|axes| axes.is_empty()) {
        call.pass(0, 0);
        return Ok(());
    }
    let keep = call.flag("keep_dims", false);
    reduce_as(call, op, keep)
}

/// The index of the extreme along an axis, which goes.
fn arg_extreme(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = dtype_of(call, "output_type").or((call.node.domain.as_ref() == "tf").then_some(DType::I64));
    let Some(mut shape) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let along = if call.has(1) { call.ints(1).and_then(|list| list.first().copied()) } else { Some(0) };
    match along {
        Some(along) => {
            shape.remove(axis(along, shape.len())?);
        }
        None => shape = open_shape(shape.len().saturating_sub(1)),
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

fn constant(call: &mut Call<'_, '_>) -> Outcome {
    if let Some(weight) = call.node.tensor("value") {
        let shape = weight.shape.iter().map(|size| Dim::from(*size)).collect();
        call.set_tensor(0, Some(weight.dtype), Some(shape));
        call.set_known(0, Known::of_weight(weight));
    }
    Ok(())
}

fn shape(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = shape_dtype(call);
    set_shape(call, 0, 0, dtype);
    Ok(())
}

fn shapes(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = shape_dtype(call);
    for index in 0..call.output_count() {
        set_shape(call, index, index, dtype);
    }
    Ok(())
}

fn shape_dtype(call: &Call<'_, '_>) -> Option<DType> {
    dtype_of(call, "out_type").or(Some(DType::I32))
}

fn set_shape(call: &mut Call<'_, '_>, input: usize, output: usize, dtype: Option<DType>) {
    let dims = call.shape(input);
    let length = dims.as_ref().map_or(Dim::UNKNOWN, |dims| Dim::from_len(dims.len()));
    call.set_tensor(output, dtype, Some(vec![length]));
    call.set_known(output, dims.and_then(Known::list));
}

fn reshape(call: &mut Call<'_, '_>) -> Outcome {
    let attribute = call.node.ints("new_shape").filter(|list| !list.is_empty());
    let target = match (call.has(1), attribute) {
        (false, Some(list)) => Some(list.iter().map(|dim| Dim::known(*dim)).collect::<Vec<_>>()),
        (false, None) => Some(Vec::new()),
        (true, _) => call.elements(1).and_then(|known| known.dims().map(<[Dim]>::to_vec)),
    };
    let shape = match target {
        Some(target) => Some(reshaped(call.shape(0).as_deref(), &target, true)?),
        None => described_rank(call, 1).map(open_shape),
    };
    set_reshaped(call, shape);
    Ok(())
}

/// Inputs one behind the other; the axis is an input of its own.
fn joined(call: &mut Call<'_, '_>, inputs: std::ops::Range<usize>, along: usize) -> Outcome {
    match call.integer(along).value() {
        Some(along) => set_joined(call, inputs, along),
        None => {
            let (dtype, rank) = (call.dtype(inputs.start), call.rank(inputs.start));
            call.set_tensor(0, dtype, rank.map(open_shape));
            Ok(())
        }
    }
}

/// Inputs of one shape, one behind the other along a new axis.
fn pack(call: &mut Call<'_, '_>) -> Outcome {
    let inputs = call.node.inputs.len();
    let dtype = (0..inputs).find_map(|index| call.dtype(index));
    let Some(mut shape) = (0..inputs).find_map(|index| call.shape(index)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let along = axis(call.int_or("axis", 0), shape.len() + 1)?;
    shape.insert(along, Dim::from_len(inputs));
    let parts = (0..inputs).map(|index| {
        let known = call.elements(index)?;
        let mut raised = known.shape.clone();
        raised.insert(along.min(raised.len()), 1);
        known.reshaped_to(raised)
    });
    let known = parts.collect::<Option<Vec<Known>>>();
    let known = known.and_then(|parts| Known::joined(&parts.iter().collect::<Vec<_>>(), along));
    call.set_tensor(0, dtype, Some(shape));
    call.set_known(0, known);
    Ok(())
}

/// One output for each slice along an axis, which goes.
fn unpack(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else { return Ok(()) };
    let along = axis(call.int_or("axis", 0), input.len())?;
    let mut shape = input.clone();
    shape.remove(along);
    let known = call.known(0);
    for index in 0..call.output_count() {
        let part = known.as_ref().and_then(|known| {
            let strides = crate::shapes::known::strides(&known.shape);
            let mut kept = strides.clone();
            let step = kept.remove(along);
            known.rearranged(sizes(&shape)?, |at| Some(crate::shapes::known::place(at, &kept) + index * step))
        });
        call.set_tensor(index, dtype, Some(shape.clone()));
        call.set_known(index, part);
    }
    Ok(())
}

/// Parts along an axis: equal, or of the lengths in another input, of which one may be -1 for what is left.
fn split(call: &mut Call<'_, '_>, data: usize, along: usize, lengths: Option<usize>) -> Outcome {
    let (dtype, outputs) = (call.dtype(data), call.output_count());
    let Some(input) = call.shape(data) else {
        (0..outputs).for_each(|index| call.set_tensor(index, dtype, None));
        return Ok(());
    };
    let Some(along) = call.integer(along).value() else {
        (0..outputs).for_each(|index| call.set_tensor(index, dtype, Some(open_shape(input.len()))));
        return Ok(());
    };
    let along = axis(along, input.len())?;
    let whole = input.get(along).cloned().unwrap_or_default();
    let parts: Vec<Dim> = match lengths {
        None => vec![whole.floor_div(&Dim::from_len(outputs.max(1))); outputs],
        Some(lengths) => {
            let given = call.dims(lengths).unwrap_or_else(|| open_shape(outputs));
            let fixed = given.iter().filter(|dim| !dim.is(-1)).fold(Dim::known(0), |sum, dim| sum.add(dim));
            given.iter().map(|dim| if dim.is(-1) { whole.sub(&fixed) } else { dim.clone() }).collect()
        }
    };
    for index in 0..outputs {
        let mut shape = input.clone();
        if let Some(slot) = shape.get_mut(along) {
            *slot = parts.get(index).cloned().unwrap_or_default();
        }
        call.set_tensor(index, dtype, Some(shape));
    }
    Ok(())
}

/// A begin and a size for each axis; -1 takes the rest.
fn slice(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        let shape = call.dims(2);
        call.set_tensor(0, dtype, shape);
        return Ok(());
    };
    let list = |call: &Call<'_, '_>, index: usize| {
        let known = call.elements(index).and_then(|known| known.dims().map(<[Dim]>::to_vec));
        known.filter(|dims| dims.len() == input.len()).unwrap_or_else(|| open_shape(input.len()))
    };
    let (begins, lengths) = (list(call, 1), list(call, 2));
    let cuts: Vec<Cut> = input
        .iter()
        .zip(begins.iter().zip(&lengths))
        .map(|(whole, (begin, length))| {
            let length = if length.is(-1) { whole.sub(begin) } else { length.clone() };
            Cut { start: begin.clone(), step: 1, length }
        })
        .collect();
    set_cut(call, 0, &cuts);
    Ok(())
}

/// What one entry of a `StridedSlice` does.
enum Entry {
    /// It cuts the next axis.
    Cut(usize),
    /// It takes one element of the next axis, which goes.
    One(usize),
    /// It adds an axis.
    New,
    /// It stands for all axes that the others leave.
    Rest,
}

/// NumPy's indexing: begin, end and step for each axis, with masks of bits that give an entry another meaning.
fn strided_slice(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let lists = [1, 2, 3].map(|index| call.elements(index).and_then(|known| known.dims().map(<[Dim]>::to_vec)));
    let (Some(input), [Some(begins), Some(ends), Some(steps)]) = (call.shape(0), lists) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let mask = |name: &str, place: usize| {
        u32::try_from(place).is_ok_and(|place| call.int_or(name, 0) >> place.min(63) & 1 == 1)
    };
    let entries: Vec<Entry> = (0..begins.len())
        .map(|place| match () {
            () if mask("ellipsis_mask", place) => Entry::Rest,
            () if mask("new_axis_mask", place) => Entry::New,
            () if mask("shrink_axis_mask", place) => Entry::One(place),
            () => Entry::Cut(place),
        })
        .collect();
    let used = entries.iter().filter(|entry| matches!(entry, Entry::Cut(_) | Entry::One(_))).count();
    let Some(rest) = input.len().checked_sub(used) else {
        return Err(Mismatch(format!("{used} indices for {}", show(&input))));
    };
    let whole = |size: &Dim| Cut { start: Dim::known(0), step: 1, length: size.clone() };
    let mut axes = input.iter();
    let (mut cuts, mut shape) = (Vec::new(), Vec::new());
    for entry in &entries {
        match entry {
            Entry::New => shape.push(Dim::known(1)),
            Entry::Rest => {
                for size in axes.by_ref().take(rest) {
                    cuts.push(whole(size));
                    shape.push(size.clone());
                }
            }
            Entry::One(place) => {
                let Some(size) = axes.next() else { continue };
                let begin = begins.get(*place).cloned().unwrap_or_default();
                let begin = if begin.value().is_some_and(|begin| begin < 0) { begin.add(size) } else { begin };
                cuts.push(Cut { start: begin, step: 1, length: Dim::known(1) });
            }
            Entry::Cut(place) => {
                let Some(size) = axes.next() else { continue };
                let step = steps.get(*place).and_then(Dim::value);
                let at = |list: &[Dim]| list.get(*place).cloned().unwrap_or_default();
                // With an offset the ends count from the begins.
                let begin = at(&begins);
                let end = if call.flag("offset", false) { begin.add(&at(&ends)) } else { at(&ends) };
                let cut = match step {
                    Some(step) => {
                        let (low, high) = match step > 0 {
                            true => (Dim::known(0), size.clone()),
                            false => (size.sub(&Dim::known(1)), Dim::known(i64::MIN / 2)),
                        };
                        let begin = if mask("begin_mask", *place) { low } else { begin };
                        let end = if mask("end_mask", *place) { high } else { end };
                        cut(&begin, &end, step, size)?
                    }
                    None => Cut { start: Dim::UNKNOWN, step: 1, length: Dim::UNKNOWN },
                };
                shape.push(cut.length.clone());
                cuts.push(cut);
            }
        }
    }
    for size in axes {
        cuts.push(whole(size));
        shape.push(size.clone());
    }
    set_cut(call, 0, &cuts);
    let known = call.output_contents.first_mut().and_then(Option::take);
    let known = known.zip(sizes(&shape)).and_then(|(known, shape)| known.reshaped_to(shape));
    call.set_tensor(0, dtype, Some(shape));
    call.set_known(0, known);
    Ok(())
}

/// The axis is an input of the newer operator; the first axes may be common to data and indices.
fn gather(call: &mut Call<'_, '_>) -> Outcome {
    let along = match (call.has(2), call.node.int("axis")) {
        (true, _) => call.integer(2).value(),
        (false, given) => Some(given.unwrap_or(0)),
    };
    let batch = usize::try_from(call.int_or("batch_dims", 0)).unwrap_or(0);
    let (dtype, data, indices) = (call.dtype(0), call.shape(0), call.shape(1));
    match along {
        Some(along) if batch == 0 => set_gathered(call, along),
        _ => {
            let shape = match (data, indices, along) {
                (Some(data), Some(indices), Some(along)) => {
                    let along = axis(along, data.len())?;
                    let parts = [data.get(..along), indices.get(batch.min(along)..), data.get(along + 1..)];
                    Some(parts.into_iter().flatten().flatten().cloned().collect())
                }
                _ => None,
            };
            call.set_tensor(0, dtype, shape);
            Ok(())
        }
    }
}

fn fill(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(1);
    let shape = call.elements(0).and_then(|known| known.dims().map(<[Dim]>::to_vec));
    let shape = shape.or_else(|| described_rank(call, 0).map(open_shape));
    let known = call.known(1).zip(shape.as_deref().and_then(sizes)).and_then(|(fill, shape)| {
        let one = fill.reshaped_to(vec![1; shape.len()])?;
        one.broadcast_to(&shape)
    });
    call.set_tensor(0, dtype, shape);
    call.set_known(0, known);
    Ok(())
}

/// A front and a back for each axis, as rows of a matrix.
fn pad(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = match (call.shape(0), call.dims(1)) {
        (Some(input), Some(pads)) => {
            if pads.len() != input.len() * 2 {
                return Err(Mismatch(format!("{} pads for {}", pads.len(), show(&input))));
            }
            let sum = |dim: &Dim, pair: &[Dim]| pair.iter().fold(dim.clone(), |sum, pad| sum.add(pad));
            Some(input.iter().zip(pads.chunks_exact(2)).map(|(dim, pair)| sum(dim, pair)).collect())
        }
        (Some(input), None) => Some(open_shape(input.len())),
        (None, _) => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Height and width become those of the second input.
fn resize(call: &mut Call<'_, '_>) -> Outcome {
    // Interpolation gives floats whatever the picture's type, except by the nearest neighbour.
    let nearest = ["ResizeNearestNeighbor", "RESIZE_NEAREST_NEIGHBOR"].contains(&call.node.op.as_ref());
    let floats = call.node.domain.as_ref() == "tf" && !nearest;
    let dtype = if floats { Some(DType::F32) } else { call.dtype(0) };
    let shape = match (call.shape(0).as_deref(), call.dims(1).as_deref()) {
        (Some([batch, _, _, channels]), Some([height, width])) => {
            Some(vec![batch.clone(), height.clone(), width.clone(), channels.clone()])
        }
        (Some([batch, _, _, channels]), None) => {
            Some(vec![batch.clone(), Dim::UNKNOWN, Dim::UNKNOWN, channels.clone()])
        }
        (Some(input), _) => {
            return Err(Mismatch(format!("{} instead of batch × height × width × channels", show(input))));
        }
        (None, _) => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Each box is cut out and resized.
fn crop_and_resize(call: &mut Call<'_, '_>) -> Outcome {
    let boxes = call.shape(1).and_then(|shape| shape.first().cloned()).unwrap_or_default();
    let channels = call.shape(0).and_then(|shape| shape.get(3).cloned()).unwrap_or_default();
    let size = call.dims(3).unwrap_or_else(|| open_shape(2));
    let shape = [vec![boxes], size, vec![channels]].concat();
    call.set_tensor(0, Some(DType::F32), Some(shape));
    Ok(())
}

fn blocks(call: &mut Call<'_, '_>, to_space: bool) -> Outcome {
    let dtype = call.dtype(0);
    let block = call.node.int("block_size").map_or(Dim::UNKNOWN, Dim::known);
    let area = block.mul(&block);
    let first = channels_first(call);
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let [batch, a, b, c] = input.as_slice() else {
        return Err(Mismatch(format!("{} instead of a batch of pictures", show(&input))));
    };
    let (height, width, channels) = if first { (b, c, a) } else { (a, b, c) };
    let (height, width, channels) = match to_space {
        true => (height.mul(&block), width.mul(&block), channels.floor_div(&area)),
        false => (height.floor_div(&block), width.floor_div(&block), channels.mul(&area)),
    };
    let shape = match first {
        true => vec![batch.clone(), channels, height, width],
        false => vec![batch.clone(), height, width, channels],
    };
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// Blocks of space become pictures of the batch, after padding; or back, with a crop.
fn batch_blocks(call: &mut Call<'_, '_>, to_batch: bool) -> Outcome {
    let dtype = call.dtype(0);
    let (Some(input), Some(block), Some(edges)) = (call.shape(0), call.dims(1), call.dims(2)) else {
        let rank = call.rank(0);
        call.set_tensor(0, dtype, rank.map(open_shape));
        return Ok(());
    };
    let Some((batch, rest)) = input.split_first() else { return Ok(()) };
    let area = product(&block);
    let mut shape = vec![if to_batch { batch.mul(&area) } else { batch.floor_div(&area) }];
    for (place, size) in rest.iter().enumerate() {
        let (Some(block), Some([front, back])) = (block.get(place), edges.chunks_exact(2).nth(place)) else {
            shape.push(size.clone());
            continue;
        };
        shape.push(match to_batch {
            true => size.add(front).add(back).floor_div(block),
            false => size.mul(block).sub(front).sub(back),
        });
    }
    call.set_tensor(0, dtype, Some(shape));
    Ok(())
}

/// One row per element that is not zero, one column per dimension.
fn found(call: &mut Call<'_, '_>) -> Outcome {
    let rank = call.rank(0).map_or(Dim::UNKNOWN, Dim::from_len);
    let bound = call.shape(0).and_then(|shape| elements(&shape)).unwrap_or(1);
    let count = call.data_dim("count", bound);
    call.set_tensor(0, Some(DType::I64), Some(vec![count, rank]));
    Ok(())
}

/// How many boxes remain depends on the data; at most the given number.
fn suppress(call: &mut Call<'_, '_>) -> Outcome {
    let boxes = call.shape(0).and_then(|shape| shape.first()?.size()).unwrap_or(1);
    let most = call.integer(2).size().unwrap_or(boxes).min(boxes);
    let count = call.data_dim("selected", most);
    call.set_tensor(0, Some(DType::I32), Some(vec![count.clone()]));
    if call.node.op.ends_with("V5") {
        let dtype = call.dtype(1);
        call.set_tensor(1, dtype, Some(vec![count]));
    }
    Ok(())
}

/// A matrix product whose factors may be transposed in their last two axes.
pub(super) fn matmul(call: &mut Call<'_, '_>, left: &str, right: &str) -> Outcome {
    let dtype = dtype_of(call, "Tout").or(call.dtype(0)).or(call.dtype(1));
    let turned = |shape: Option<Vec<Dim>>, transposed: bool| {
        let mut shape = shape?;
        let rank = shape.len();
        if transposed && rank >= 2 {
            shape.swap(rank - 1, rank - 2);
        }
        Some(shape)
    };
    let a = turned(call.shape(0), call.flag(left, false));
    let b = turned(call.shape(1), call.flag(right, false));
    let shape = match (a, b) {
        (Some(a), Some(b)) => Some(linear::matmul(&a, &b)?),
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Whether the channels stand in front of space.
fn channels_first(call: &Call<'_, '_>) -> bool {
    call.node.text("data_format").is_some_and(|format| format.starts_with("NC"))
}

/// Batch, space and channels of an input, wherever its channels stand.
struct Picture {
    batch: Dim,
    space: Vec<Dim>,
    channels: Dim,
    first: bool,
}

impl Picture {
    fn of(shape: &[Dim], first: bool) -> Result<Self, Mismatch> {
        match shape {
            [batch, channels, space @ ..] if first && !space.is_empty() => {
                Ok(Self { batch: batch.clone(), space: space.to_vec(), channels: channels.clone(), first })
            }
            [batch, space @ .., channels] if !first && !space.is_empty() => {
                Ok(Self { batch: batch.clone(), space: space.to_vec(), channels: channels.clone(), first })
            }
            _ => Err(Mismatch(format!("{} is no batch of pictures", show(shape)))),
        }
    }

    fn into_shape(self) -> Vec<Dim> {
        match self.first {
            true => [vec![self.batch, self.channels], self.space].concat(),
            false => [vec![self.batch], self.space, vec![self.channels]].concat(),
        }
    }

    /// The entries of an attribute that has one for each axis, for those of space.
    fn of_space<'l>(&self, list: &'l [i64]) -> &'l [i64] {
        let from = if self.first { 2 } else { 1 };
        list.get(from..from + self.space.len()).unwrap_or_default()
    }
}

/// Positions of a window along a dimension. `pads` are given where the padding is explicit.
pub(super) fn positions(
    size: &Dim,
    window: &Dim,
    stride: i64,
    dilation: i64,
    padding: Option<&str>,
    pads: (i64, i64),
) -> Result<Dim, Mismatch> {
    if stride <= 0 || dilation <= 0 {
        return Err(Mismatch("strides and dilations must be positive".to_owned()));
    }
    if padding == Some("SAME") {
        return Ok(size.ceil_div(&Dim::known(stride)));
    }
    let reach = window.sub(&Dim::known(1)).mul(&Dim::known(dilation)).add(&Dim::known(1));
    let padded = size.add(&Dim::known(pads.0)).add(&Dim::known(pads.1));
    let room = padded.sub(&reach);
    if room.value().is_some_and(|room| room < 0) {
        return Err(Mismatch(format!("a window of {reach} does not fit into {padded}")));
    }
    Ok(room.floor_div(&Dim::known(stride)).add(&Dim::known(1)))
}

/// The picture after a window slid over it.
fn slid(call: &Call<'_, '_>, picture: &mut Picture, window: &[Dim]) -> Outcome {
    if window.len() != picture.space.len() {
        return Err(Mismatch(format!("a window of {} dimensions over {}", window.len(), picture.space.len())));
    }
    let list = |name: &str| call.node.ints(name).unwrap_or_default();
    let (strides, dilations) = (picture.of_space(list("strides")), picture.of_space(list("dilations")));
    let padding = call.node.text("padding");
    let pads = list("explicit_paddings");
    let from = if picture.first { 2 } else { 1 };
    for (place, (size, window)) in picture.space.iter_mut().zip(window).enumerate() {
        let at = |list: &[i64]| list.get(place).copied().unwrap_or(1);
        let pad = |side: usize| pads.get((from + place) * 2 + side).copied().unwrap_or(0);
        *size = positions(size, window, at(strides), at(dilations), padding, (pad(0), pad(1)))?;
    }
    Ok(())
}

/// The weights have the window first, then input channels of a group, then output channels; a depthwise convolution's
/// channels are their product.
fn convolution(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let (Some(input), Some(weights)) = (call.shape(0), call.shape(1)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let mut picture = Picture::of(&input, channels_first(call))?;
    let [window @ .., inner, outer] = weights.as_slice() else {
        return Err(Mismatch(format!("weights of {}", show(&weights))));
    };
    let window = window.to_vec();
    slid(call, &mut picture, &window)?;
    let depthwise = call.node.op.contains("Depthwise");
    let divides = |channels: i64, inner: i64| inner > 0 && channels % inner == 0;
    if let (Some(channels), Some(inner)) = (picture.channels.value(), inner.value())
        && (if depthwise { channels != inner } else { !divides(channels, inner) })
    {
        return Err(Mismatch(format!("the weights want {inner} channels, the input has {channels}")));
    }
    picture.channels = if depthwise { inner.mul(outer) } else { outer.clone() };
    call.set_tensor(0, dtype, Some(picture.into_shape()));
    Ok(())
}

/// A transposed convolution: the first input is the shape of the result.
fn back_convolution(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(2);
    let given = call.elements(0).and_then(|known| known.dims().map(<[Dim]>::to_vec));
    let shape = given.filter(|dims| Some(dims.len()) == call.rank(2)).or_else(|| call.rank(2).map(open_shape));
    // Newer graphs may give space alone.
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn pool(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let mut picture = Picture::of(&input, channels_first(call))?;
    let window = picture.of_space(call.node.ints("ksize").unwrap_or_default());
    let window: Vec<Dim> = window.iter().map(|size| Dim::known(*size)).collect();
    slid(call, &mut picture, &window)?;
    let shape = picture.into_shape();
    call.set_tensor(0, dtype, Some(shape.clone()));
    if call.node.op.ends_with("Argmax") {
        call.set_tensor(1, Some(DType::I64), Some(shape));
    }
    Ok(())
}

/// The result, and batch statistics of one number for each channel.
fn batch_norm(call: &mut Call<'_, '_>) -> Outcome {
    same_as_first(call)?;
    let (dtype, channels) = (call.dtype(1), call.shape(1));
    for index in 1..call.output_count().min(5) {
        call.set_tensor(index, dtype, channels.clone());
    }
    Ok(())
}

/// Most items of a list that are kept one by one.
const MOST_ITEMS: u64 = 1024;

/// Lists of tensors, which loops over time write and read.
fn list(call: &mut Call<'_, '_>) -> Outcome {
    use crate::model::{SequenceType, ValueType};
    let of = |dtype: Option<DType>, shape: Option<Vec<Dim>>, length: Option<u64>| {
        let element = ValueType::tensor(dtype, shape);
        let length = length.filter(|length| *length <= MOST_ITEMS).and_then(|length| usize::try_from(length).ok());
        let items = length.map(|length| vec![element.clone(); length]);
        ValueType::Sequence(SequenceType { element: Some(Box::new(element)), items })
    };
    let length = |call: &Call<'_, '_>| match call.input(0) {
        Some(ValueType::Sequence(list)) => list.items.as_ref().map(|items| items.len() as u64),
        _ => None,
    };
    let element = |call: &Call<'_, '_>| match call.input(0) {
        Some(ValueType::Sequence(list)) => list.element.as_deref().cloned(),
        _ => None,
    };
    let dtype = dtype_of(call, "element_dtype");
    let sound = |dims: Option<Vec<Dim>>| dims.filter(|dims| dims.iter().all(|dim| dim.size().is_some()));
    match call.node.op.as_ref() {
        "TensorListFromTensor" => {
            let (dtype, shape) = (call.dtype(0), call.shape(0));
            let length = shape.as_ref().and_then(|shape| shape.first()?.size());
            let shape = shape.and_then(|shape| shape.get(1..).map(<[Dim]>::to_vec));
            call.set(0, of(dtype, shape, length));
        }
        "TensorListReserve" | "EmptyTensorList" => {
            let shape = sound(call.dims(0));
            let length = if call.node.op.starts_with("Empty") { Some(0) } else { call.integer(1).size() };
            call.set(0, of(dtype, shape, length));
        }
        "TensorListSetItem" | "TensorListPushBack" => {
            let item = if call.node.op.ends_with("Back") { 1 } else { 2 };
            let (dtype, shape) = (call.dtype(item).or(dtype), call.shape(item));
            let length = length(call).map(|length| length + u64::from(item == 1));
            call.set(0, of(dtype, shape, length));
        }
        "TensorListGetItem" => {
            let shape = sound(call.dims(2));
            let value = match (shape, element(call)) {
                (Some(shape), _) => ValueType::tensor(dtype, Some(shape)),
                (None, Some(element)) => element,
                (None, None) => ValueType::tensor(dtype, None),
            };
            call.set(0, value);
        }
        "TensorListStack" => {
            let stated = call.node.int("num_elements").filter(|length| *length >= 0).map(Dim::known);
            let length = stated.or_else(|| length(call).map(Dim::from));
            let shape = sound(call.dims(1)).or_else(|| element(call)?.as_tensor()?.shape.clone());
            let shape = shape.map(|shape| [vec![length.unwrap_or_default()], shape].concat());
            call.set_tensor(0, dtype, shape);
        }
        _ => call.set_tensor(0, Some(DType::I32), Some(Vec::new())),
    }
    Ok(())
}
