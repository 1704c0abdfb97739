//! OpenVINO's operators: products by their own layouts, all else by the ONNX operator that does the same.

use super::Rule;
use super::attention::Heads;
use super::convolution::{convolved, transposed, with_bias};
use super::elementwise::{GELU, GELU_TANH};
use super::recurrent;
use crate::cost::count::{Seen, Work, product, sum, times, volume};
use crate::cost::weights::Use;
use crate::formats::openvino_dtype;
use crate::model::Node;
use crate::shapes::openvino::{list, same_in_onnx};

/// Operators that only move, name, measure or convert data, or hold other nodes.
const FREE: &[&str] = &[
    "Assign",
    "BatchToSpace",
    "Broadcast",
    "Convert",
    "ConvertPromoteTypes",
    "Copy",
    "Crop",
    "ExtractImagePatches",
    "Flatten",
    "Gather",
    "GatherTree",
    "If",
    "Loop",
    "MemoryInput",
    "MemoryOutput",
    "OneHot",
    "Pad",
    "Permute",
    "ReadValue",
    "Reshape",
    "Reverse",
    "Roll",
    "ScatterUpdate",
    "ShuffleChannels",
    "Slice",
    "SpaceToBatch",
    "Split",
    "StridedSlice",
    "TensorIterator",
    "Transpose",
    "VariadicSplit",
];

/// Two comparisons, minus the lower bound, · scale, round, · scale, plus the lower bound.
const FAKE_QUANTIZE: u64 = 7;

/// The rules of OpenVINO's operators.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Convolution" | "BinaryConvolution" => |seen| with_bias(seen, convolved(seen, 1), seen.has(2)),
        // Filters are groups × outputs × inputs × window.
        "GroupConvolution" => |seen| {
            Work::macs(seen.sizes(1).and_then(|filters| product([seen.out_elements(), volume(filters.get(2..)?)])))
        },
        "ConvolutionBackpropData" => |seen| Work::macs(transposed(seen, 0, 1)),
        "Deconvolution" => |seen| with_bias(seen, transposed(seen, 0, 1), seen.has(2)),
        // Groups × inputs × outputs × window.
        "GroupConvolutionBackpropData" => {
            |seen| Work::macs(seen.sizes(1).and_then(|filters| product([seen.elements(0), volume(filters.get(2..)?)])))
        }
        // The third input holds the filters; the interpolation of its samples is left to `DeformConv`.
        "DeformableConvolution" => |seen| Work::macs(convolved(seen, 2)),
        "MatMul" => matmul,
        "FullyConnected" => {
            |seen| with_bias(seen, product([seen.out_elements(), seen.size_from_back(1, 0)]), seen.has(2))
        }
        "ScaledDotProductAttention" => |seen| attention(seen).unwrap_or(Work::UNKNOWN),
        "LSTMSequence" => |seen| recurrent::recurrent(seen, 4, 5, recurrent::lstm_cell(seen)),
        "GRUSequence" => |seen| recurrent::recurrent(seen, 3, 4, recurrent::gru_cell(seen)),
        "RNNSequence" => |seen| recurrent::recurrent(seen, 3, 4, recurrent::rnn_cell(seen)),
        "LSTMCell" => |seen| cell(seen, 3, recurrent::lstm_cell(seen)),
        "GRUCell" => |seen| cell(seen, 2, recurrent::gru_cell(seen)),
        "RNNCell" => |seen| cell(seen, 2, recurrent::rnn_cell(seen)),
        "MaxPool" | "AvgPool" | "Pooling" => pool,
        "AdaptiveAvgPool" | "AdaptiveMaxPool" => |seen| Work::other(seen.elements(0)),
        "Gelu" => |seen| {
            let tanh = seen.node.text("approximation_mode").is_some_and(|mode| mode.eq_ignore_ascii_case("tanh"));
            Work::other(times(seen.out_elements(), if tanh { GELU_TANH } else { GELU }))
        },
        "Clamp" | "BatchNormInference" | "BatchNormalization" | "ScaleShift" | "SquaredDifference" => {
            |seen| Work::other(times(seen.out_elements(), 2))
        }
        "FakeQuantize" => |seen| Work::other(times(seen.out_elements(), FAKE_QUANTIZE)),
        "IsFinite" | "Eltwise" => |seen| Work::other(seen.out_elements()),
        // Seven operations from four neighbours, as `Resize` has by default; the nearest one is only picked.
        "Interpolate" => |seen| match seen.node.text("mode") {
            Some("nearest") => Work::NONE,
            _ => Work::other(times(seen.out_elements(), 7)),
        },
        "GroupNormalization" => |seen| by(seen, "GroupNormalization"),
        _ if FREE.contains(&op) => |_| Work::NONE,
        _ if same_in_onnx(op).is_some() => |seen| by(seen, same_in_onnx(&seen.node.op).unwrap_or_default()),
        _ => return None,
    })
}

/// The work of ONNX's operator of this name at the same inputs and outputs.
pub(super) fn by(seen: &Seen<'_>, op: &str) -> Work {
    let Some(rule) = super::find("", op) else { return Work::UNKNOWN };
    let node = Node { domain: "".into(), op: op.into(), ..seen.node.clone() };
    rule(&seen.standing_for(&node))
}

/// Elements of the product × the length of the contracted axis.
fn matmul(seen: &Seen<'_>) -> Work {
    let turned = seen.node.int("transpose_a").unwrap_or(0) != 0 && seen.rank(0).is_some_and(|rank| rank >= 2);
    Work::macs(product([seen.out_elements(), seen.size_from_back(0, usize::from(turned))]))
}

/// Queries, keys and values are … × tokens × size. Per score: the scale, and the mask where there is one.
fn attention(seen: &Seen<'_>) -> Option<Work> {
    let (queries, key_size) = (seen.size_from_back(0, 1)?, seen.size_from_back(0, 0)?);
    let (keys, value_size) = (seen.size_from_back(1, 1)?, seen.size_from_back(2, 0)?);
    let row = product([Some(queries), Some(value_size)])?;
    let heads = Heads { batch: seen.out_elements()?.checked_div(row)?, heads: 1, queries, keys, key_size, value_size };
    let causal = seen.node.int("causal").unwrap_or(0) != 0;
    // A mask of one element stands for none.
    let masked = seen.has(3) && seen.elements(3) != Some(1);
    Some(heads.work(1 + u64::from(causal || masked)))
}

/// One step: both weights are gates·hidden × input and gates·hidden × hidden, the second behind the first.
fn cell(seen: &Seen<'_>, weights: usize, each: u64) -> Work {
    let batch = seen.size(0, 0);
    let products = sum([seen.elements(weights), seen.elements(weights + 1)]);
    Work { macs: product([batch, products]), other: times(product([batch, seen.size_from_back(weights + 1, 0)]), each) }
}

fn pool(seen: &Seen<'_>) -> Work {
    let sides = list(seen.node, "kernel");
    let window = sides.and_then(|sides| product(sides.iter().map(|side| u64::try_from(*side).ok())));
    let largest = seen.node.op.as_ref() == "MaxPool" || seen.node.text("pool-method") == Some("max");
    let each = if largest { window.map(|window| window.saturating_sub(1)) } else { window };
    Work::other(product([seen.out_elements(), each]))
}

/// How an operator uses the constant in one of its inputs.
pub(super) fn use_of(node: &Node, index: usize) -> Option<Use> {
    Some(match (node.op.as_ref(), index) {
        ("Convert", 0) => match node.text("destination_type").and_then(openvino_dtype) {
            Some(dtype) if dtype.is_float() => Use::Widened,
            _ => Use::Through,
        },
        ("ConvertLike", 0) | ("Concat", _) => Use::Through,
        (
            "Broadcast" | "DepthToSpace" | "Gather" | "GatherElements" | "GatherND" | "Pad" | "Reshape" | "Slice"
            | "SpaceToDepth" | "Split" | "Squeeze" | "StridedSlice" | "Tile" | "Transpose" | "Unsqueeze"
            | "VariadicSplit",
            0,
        ) => Use::Through,
        ("FakeQuantize", 0) => Use::Dequantised,
        ("FakeQuantize" | "FakeConvert", 1..) | ("BatchNormInference", 3 | 4) => Use::Buffer,
        // Constant states that a recurrence begins with are zeros, as a rule, and not learned.
        ("LSTMSequence" | "LSTMCell", 1 | 2) | ("GRUSequence" | "GRUCell" | "RNNSequence" | "RNNCell", 1) => {
            Use::Buffer
        }
        ("TensorIterator" | "Loop", _) => Use::Buffer,
        // Filters of single bits.
        ("BinaryConvolution", 1) => Use::Weight,
        (
            "ConvertLike" | "Interpolate" | "Pad" | "Range" | "OneHot" | "HardSigmoid" | "Swish" | "NonMaxSuppression"
            | "Selu" | "RandomUniform",
            1..,
        ) => Use::Setting,
        ("Range", 0) => Use::Setting,
        _ => return None,
    })
}

/// Whether the first output is the first input under a new shape.
pub(super) fn is_view(op: &str) -> bool {
    matches!(op, "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze")
}

/// Whether only as much of the first input is touched as comes out.
pub(super) fn reads_as_output(op: &str) -> bool {
    matches!(op, "Gather" | "GatherElements" | "GatherND" | "Slice" | "Split" | "StridedSlice" | "VariadicSplit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_data_only_has_no_other_rule() {
        assert!(FREE.iter().all(|op| same_in_onnx(op).is_none()));
    }
}
