//! TensorFlow's operators. Most cost what ONNX's of another name do; those whose weights lie in another order have their own
//! formula. TensorFlow Lite's operators that mean the same are counted by these rules too.

use super::Rule;
use super::elementwise::{GELU, GELU_TANH, per_element};
use super::linear::matmul;
use crate::cost::count::{Seen, Work, product, sum, times, volume};
use crate::cost::weights::Use;

/// Operators that cost what an ONNX operator does.
const ALIASES: &[(&str, &str)] = &[
    ("Abs", "Abs"),
    ("AccumulateNV2", "Sum"),
    ("Acos", "Acos"),
    ("Acosh", "Acosh"),
    ("Add", "Add"),
    ("AddN", "Sum"),
    ("AddV2", "Add"),
    ("All", "ReduceMin"),
    ("Any", "ReduceMax"),
    ("ArgMax", "ArgMax"),
    ("ArgMin", "ArgMin"),
    ("Asin", "Asin"),
    ("Asinh", "Asinh"),
    ("Atan", "Atan"),
    ("Atan2", "Atan"),
    ("Atanh", "Atanh"),
    ("BiasAdd", "Add"),
    ("BiasAddV1", "Add"),
    ("BitwiseAnd", "BitwiseAnd"),
    ("BitwiseOr", "BitwiseOr"),
    ("BitwiseXor", "BitwiseXor"),
    ("Ceil", "Ceil"),
    ("ClipByValue", "Clip"),
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
    ("Erfc", "Erf"),
    ("EuclideanNorm", "ReduceL2"),
    ("Exp", "Exp"),
    ("Floor", "Floor"),
    ("FloorDiv", "Div"),
    ("FloorMod", "Mod"),
    ("Greater", "Greater"),
    ("GreaterEqual", "GreaterOrEqual"),
    ("Inv", "Reciprocal"),
    ("Invert", "BitwiseNot"),
    ("IsInf", "IsInf"),
    ("IsNan", "IsNaN"),
    ("IsFinite", "IsInf"),
    ("L2Loss", "ReduceSumSquare"),
    ("LeakyRelu", "LeakyRelu"),
    ("LeftShift", "BitShift"),
    ("Less", "Less"),
    ("LessEqual", "LessOrEqual"),
    ("Log", "Log"),
    ("LogSoftmax", "LogSoftmax"),
    ("LogicalAnd", "And"),
    ("LogicalNot", "Not"),
    ("LogicalOr", "Or"),
    ("Max", "ReduceMax"),
    ("Maximum", "Max"),
    ("Mean", "ReduceMean"),
    ("Min", "ReduceMin"),
    ("Minimum", "Min"),
    ("Mod", "Mod"),
    ("Mul", "Mul"),
    ("MulNoNan", "Mul"),
    ("Neg", "Neg"),
    ("NotEqual", "Equal"),
    ("Pow", "Pow"),
    ("Prelu", "PRelu"),
    ("Prod", "ReduceProd"),
    ("RandomStandardNormal", "RandomNormal"),
    ("RandomUniform", "RandomUniform"),
    ("RandomUniformInt", "RandomUniform"),
    ("Range", "Range"),
    ("RealDiv", "Div"),
    ("Reciprocal", "Reciprocal"),
    ("Relu", "Relu"),
    ("Relu6", "Clip"),
    ("RightShift", "BitShift"),
    ("Rint", "Round"),
    ("Round", "Round"),
    ("Select", "Where"),
    ("SelectV2", "Where"),
    ("Selu", "Selu"),
    ("Sigmoid", "Sigmoid"),
    ("Sign", "Sign"),
    ("Sin", "Sin"),
    ("Sinh", "Sinh"),
    ("Softmax", "Softmax"),
    ("Softplus", "Softplus"),
    ("Softsign", "Softsign"),
    ("Sqrt", "Sqrt"),
    ("Square", "Mul"),
    ("StatelessRandomNormalV2", "RandomNormal"),
    ("StatelessRandomUniformV2", "RandomUniform"),
    ("Sub", "Sub"),
    ("Sum", "ReduceSum"),
    ("Tan", "Tan"),
    ("Tanh", "Tanh"),
    ("TopK", "TopK"),
    ("TopKV2", "TopK"),
    ("TruncateDiv", "Div"),
    ("TruncateMod", "Mod"),
    ("TruncatedNormal", "RandomNormal"),
    ("Unique", "Unique"),
    ("Where", "NonZero"),
];

/// Operators that take several operations per element of the result.
const PER_ELEMENT: &[(&str, u64)] = &[
    // exp, −1
    ("Expm1", 2),
    // +1, log
    ("Log1p", 2),
    // √, 1/
    ("Rsqrt", 2),
    // −, ·
    ("SquaredDifference", 2),
    // log or ÷, ·
    ("Xdivy", 2),
    ("Xlogy", 2),
];

/// Operators that only move, name, measure or convert data, keep state, or hold other nodes.
const FREE: &[&str] = &[
    "Assert",
    "AssignVariableOp",
    "BatchToSpaceND",
    "Bitcast",
    "BroadcastArgs",
    "BroadcastTo",
    "Cast",
    "CheckNumerics",
    "Concat",
    "ConcatV2",
    "Const",
    "ControlTrigger",
    "DepthToSpace",
    "EmptyTensorList",
    "EnsureShape",
    "Enter",
    "Exit",
    "ExpandDims",
    "Fill",
    "Gather",
    "GatherNd",
    "GatherV2",
    "HashTableV2",
    "Identity",
    "IdentityN",
    "If",
    "LoopCond",
    "MatrixBandPart",
    "MatrixDiag",
    "MatrixDiagV3",
    "MatrixSetDiag",
    "MatrixSetDiagV3",
    "Merge",
    "MirrorPad",
    "NextIteration",
    "NoOp",
    "OneHot",
    "OnesLike",
    "Pack",
    "Pad",
    "PadV2",
    "Placeholder",
    "PlaceholderWithDefault",
    "PreventGradient",
    "Rank",
    "ReadVariableOp",
    "RefEnter",
    "RefExit",
    "RefMerge",
    "RefSwitch",
    "Reshape",
    "ResizeNearestNeighbor",
    "ResourceGather",
    "Reverse",
    "ReverseSequence",
    "ReverseV2",
    "Roll",
    "ScatterNd",
    "Shape",
    "ShapeN",
    "Size",
    "Slice",
    "Snapshot",
    "SpaceToBatchND",
    "SpaceToDepth",
    "Split",
    "SplitV",
    "Squeeze",
    "StatelessIf",
    "StatelessWhile",
    "StopGradient",
    "StridedSlice",
    "Switch",
    "TensorArrayCloseV3",
    "TensorArrayGatherV3",
    "TensorArrayReadV3",
    "TensorArrayScatterV3",
    "TensorArraySizeV3",
    "TensorArrayV3",
    "TensorArrayWriteV3",
    "TensorListFromTensor",
    "TensorListGetItem",
    "TensorListLength",
    "TensorListPushBack",
    "TensorListReserve",
    "TensorListSetItem",
    "TensorListStack",
    "TensorScatterUpdate",
    "Tile",
    "Transpose",
    "Unpack",
    "VarHandleOp",
    "VarIsInitializedOp",
    "Variable",
    "VariableV2",
    "While",
    "ZerosLike",
];

/// Operations of interpolating one value from four neighbours: four products and three additions.
const BILINEAR: u64 = 7;
/// From sixteen neighbours.
const BICUBIC: u64 = 31;

/// The rules of this domain.
pub(super) fn find(op: &str) -> Option<Rule> {
    if is_aliased(op) {
        return Some(|seen| aliased(&seen.node.op, seen));
    }
    if FREE.contains(&op) {
        return Some(|_| Work::NONE);
    }
    Some(match op {
        "Conv2D" | "Conv3D" => |seen| Work::macs(convolved(seen, 1)),
        "DepthwiseConv2dNative" => |seen| Work::macs(convolved(seen, 2)),
        "_FusedConv2D" => |seen| fused(seen, convolved(seen, 1)),
        "_FusedDepthwiseConv2dNative" | "FusedDepthwiseConv2dNative" => |seen| fused(seen, convolved(seen, 2)),
        "Conv2DBackpropInput" | "Conv3DBackpropInputV2" => |seen| Work::macs(spread(seen)),
        // A softmax, and the difference to the label for the gradient that comes with it.
        "SoftmaxCrossEntropyWithLogits" | "SparseSoftmaxCrossEntropyWithLogits" => {
            |seen| Work::other(times(seen.elements(0), super::normalisation::SOFTMAX + 1))
        }
        "MatMul" => |seen| Work::macs(product_of(seen, "transpose_a")),
        "_FusedMatMul" => |seen| fused(seen, product_of(seen, "transpose_a")),
        "BatchMatMul" | "BatchMatMulV2" | "BatchMatMulV3" => |seen| Work::macs(product_of(seen, "adj_x")),
        "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" => batch_norm,
        "_FusedBatchNormEx" => |seen| {
            let activation = u64::from(seen.node.text("activation_mode").is_some_and(|mode| mode != "Identity"));
            let norm = batch_norm(seen);
            Work { other: sum([norm.other, times(seen.elements(0), activation)]), ..norm }
        },
        "MaxPool" | "MaxPool3D" | "MaxPoolWithArgmax" => |seen| {
            let each = window(seen).map(|of| of.saturating_sub(1));
            Work::other(product([seen.out_elements(), each]))
        },
        "AvgPool" | "AvgPool3D" => |seen| Work::other(product([seen.out_elements(), window(seen)])),
        "ResizeBilinear" | "CropAndResize" => |seen| Work::other(times(seen.out_elements(), BILINEAR)),
        "ResizeBicubic" => |seen| Work::other(times(seen.out_elements(), BICUBIC)),
        // Every element of the input falls into one sum.
        "ResizeArea" => |seen| Work::other(seen.elements(0)),
        "Gelu" => |seen| {
            let each = if seen.node.int("approximate") == Some(1) { GELU_TANH } else { GELU };
            Work::other(times(seen.out_elements(), each))
        },
        // Square, a sum over the neighbouring channels, ·alpha, +bias, power, division.
        "LRN" => |seen| {
            let radius = seen.node.int("depth_radius").or(seen.node.int("radius"));
            let neighbours = radius.and_then(|radius| u64::try_from(radius).ok()?.checked_mul(2)?.checked_add(1));
            Work::other(product([seen.elements(0), neighbours.and_then(|of| of.checked_add(4))]))
        },
        // ÷ scale, round, clamp (two comparisons), · scale
        "FakeQuantWithMinMaxVars"
        | "FakeQuantWithMinMaxArgs"
        | "FakeQuantWithMinMaxVarsPerChannel"
        | "QuantizeAndDequantizeV2"
        | "QuantizeAndDequantizeV3"
        | "QuantizeAndDequantizeV4" => |seen| Work::other(times(seen.out_elements(), 5)),
        "TensorScatterAdd" => |seen| Work::other(seen.elements(2)),
        // Four gates of products with the input and the state, whose weights are stacked.
        "BlockLSTM" | "BlockLSTMV2" => |seen| {
            let steps = product([seen.size(1, 0), seen.size(1, 1)]);
            let units = seen.size_from_back(4, 0).map(|gates| gates / 4);
            Work { macs: product([steps, seen.elements(4)]), other: times(product([steps, units]), LSTM_CELL) }
        },
        "LSTMBlockCell" => |seen| {
            let units = seen.size_from_back(3, 0).map(|gates| gates / 4);
            let batch = seen.size(0, 0);
            Work { macs: product([batch, seen.elements(3)]), other: times(product([batch, units]), LSTM_CELL) }
        },
        _ => return None,
    })
}

/// Operations of one LSTM unit at one step, besides the products: in four gates the sum of both products and of the bias,
/// three gate activations, one cell activation, `c = f·c + i·g`, one hidden activation, `h = o·h(c)`.
pub(super) const LSTM_CELL: u64 = 8 + 3 * 4 + 1 + 3 + 1 + 1;

/// Whether an operator is looked up in the tables by its name.
pub(super) fn is_aliased(op: &str) -> bool {
    ALIASES.iter().any(|(name, _)| *name == op) || PER_ELEMENT.iter().any(|(name, _)| *name == op)
}

/// The work of the operator that one of the tables names.
pub(super) fn aliased(op: &str, seen: &Seen<'_>) -> Work {
    if let Some((_, each)) = PER_ELEMENT.iter().find(|(name, _)| *name == op) {
        return Work::other(times(seen.out_elements(), *each));
    }
    let Some((_, onnx)) = ALIASES.iter().find(|(name, _)| *name == op) else { return Work::UNKNOWN };
    match per_element(onnx) {
        Some(each) => Work::other(times(seen.out_elements(), each)),
        None => super::find("", onnx).map_or(Work::UNKNOWN, |rule| rule(seen)),
    }
}

/// Weights lie as window × inputs of a group × outputs: every result is a sum over all but the last `own` axes.
fn convolved(seen: &Seen<'_>, own: usize) -> Option<u64> {
    let filters = seen.sizes(1)?;
    product([seen.out_elements(), volume(filters.get(..filters.len().checked_sub(own)?)?)])
}

/// Every element of the data is spread over a window and all outputs: the weights lie as window × outputs × inputs.
fn spread(seen: &Seen<'_>) -> Option<u64> {
    let filters = seen.sizes(1)?;
    product([seen.elements(2), volume(filters.get(..filters.len().checked_sub(1)?)?)])
}

/// Elements of the product × the length of the contracted axis.
pub(super) fn product_of(seen: &Seen<'_>, transposed: &str) -> Option<u64> {
    match seen.node.int(transposed) {
        Some(1) => product([seen.out_elements(), seen.size_from_back(0, 1)]),
        _ => matmul(seen),
    }
}

/// A product with what was fused into it: a bias, a norm, an activation.
fn fused(seen: &Seen<'_>, macs: Option<u64>) -> Work {
    let ops = match seen.node.attributes.get("fused_ops") {
        Some(crate::model::Attribute::Texts(ops)) => ops.as_slice(),
        _ => &[],
    };
    let each = ops.iter().map(|op| match op.as_ref() {
        "FusedBatchNorm" => 2,
        "Relu6" => 2,
        op => ALIASES.iter().find(|(name, _)| *name == op).and_then(|(_, onnx)| per_element(onnx)).unwrap_or(1),
    });
    Work { macs, other: times(seen.out_elements(), each.fold(0, u64::saturating_add)) }
}

/// One product and one sum per element; while training also the moments.
fn batch_norm(seen: &Seen<'_>) -> Work {
    let training = seen.node.int("is_training") == Some(1);
    Work::other(times(seen.elements(0), if training { 6 } else { 2 }))
}

/// Elements of a pooling window.
fn window(seen: &Seen<'_>) -> Option<u64> {
    product(seen.node.ints("ksize")?.iter().map(|side| u64::try_from(*side).ok()))
}

/// How a node uses the constant in one of its inputs.
pub(super) fn use_of(op: &str, index: usize) -> Option<Use> {
    Some(match (op, index) {
        ("FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" | "_FusedBatchNormEx", 3 | 4) => Use::Buffer,
        (
            "FakeQuantWithMinMaxVars"
            | "FakeQuantWithMinMaxVarsPerChannel"
            | "QuantizeAndDequantizeV2"
            | "QuantizeAndDequantizeV3"
            | "QuantizeAndDequantizeV4",
            1..,
        ) => Use::Buffer,
        (
            "Enter"
            | "Identity"
            | "ReadVariableOp"
            | "RefEnter"
            | "StopGradient"
            | "Cast"
            | "ExpandDims"
            | "Reshape"
            | "Squeeze"
            | "Transpose"
            | "Slice"
            | "StridedSlice"
            | "Gather"
            | "GatherV2"
            | "ResourceGather"
            | "GatherNd"
            | "Tile"
            | "BroadcastTo"
            | "Pad"
            | "Snapshot"
            | "FakeQuantWithMinMaxVars"
            | "FakeQuantWithMinMaxVarsPerChannel",
            0,
        )
        | ("Concat" | "ConcatV2" | "IdentityN" | "Pack", _) => Use::Through,
        ("Dequantize", 0) => Use::Dequantised,
        ("Dequantize", _) => Use::Buffer,
        ("CropAndResize" | "ResizeBilinear" | "ResizeNearestNeighbor" | "ResizeBicubic", 1..) => Use::Setting,
        ("NonMaxSuppressionV3" | "NonMaxSuppressionV4" | "NonMaxSuppressionV5", 2..) => Use::Setting,
        _ => return None,
    })
}

/// Whether the first output is the first input under a new name or shape.
pub(super) fn is_view(op: &str) -> bool {
    matches!(
        op,
        "CheckNumerics"
            | "EnsureShape"
            | "Enter"
            | "Exit"
            | "ExpandDims"
            | "Identity"
            | "LoopCond"
            | "NextIteration"
            | "PlaceholderWithDefault"
            | "PreventGradient"
            | "ReadVariableOp"
            | "RefEnter"
            | "Reshape"
            | "Squeeze"
            | "StopGradient"
    )
}

/// Whether only as much of the first input is touched as comes out.
pub(super) fn reads_as_output(op: &str) -> bool {
    matches!(op, "Gather" | "GatherNd" | "GatherV2" | "ResourceGather" | "Slice" | "StridedSlice" | "Unpack")
}
