//! Core ML's operators: products by their own layouts, all else by the ONNX operator that does the same.

use super::Rule;
use super::attention::Heads;
use super::convolution::{convolved, transposed, with_bias};
use super::elementwise::{GELU, GELU_TANH};
use super::openvino::by;
use crate::cost::count::{Seen, Work, product, sum, times, volume};
use crate::cost::weights::Use;
use crate::model::Node;
use crate::shapes::coreml::same_in_onnx;

/// Operators that only move, name, measure or convert data, or hold other nodes.
const FREE: &[&str] = &[
    "batch_to_space",
    "branch",
    "broadcastToDynamic",
    "broadcastToLike",
    "broadcastToStatic",
    "cast",
    "concat",
    "concatND",
    "cond",
    "const",
    "constantPad",
    "copy",
    "crop",
    "coreml_update_state",
    "depth_to_space",
    "embedding",
    "embeddingND",
    "expandDims",
    "expand_dims",
    "fill",
    "fillDynamic",
    "fillLike",
    "fillStatic",
    "flatten",
    "flatten2d",
    "flattenTo2D",
    "gather",
    "gatherAlongAxis",
    "gatherND",
    "gather_along_axis",
    "gather_nd",
    "getShape",
    "identity",
    "loadConstant",
    "loadConstantND",
    "loop",
    "oneHot",
    "one_hot",
    "pad",
    "padding",
    "permute",
    "pixel_shuffle",
    "pixel_unshuffle",
    "rankPreservingReshape",
    "read_state",
    "reorganizeData",
    "reshape",
    "reshapeDynamic",
    "reshapeLike",
    "reshapeStatic",
    "reverse",
    "reverseSeq",
    "reverse_sequence",
    "sequenceRepeat",
    "shape",
    "slice",
    "sliceBySize",
    "sliceDynamic",
    "sliceStatic",
    "slice_by_index",
    "slice_by_size",
    "slidingWindows",
    "sliding_windows",
    "space_to_batch",
    "space_to_depth",
    "split",
    "splitND",
    "squeeze",
    "stack",
    "tile",
    "transpose",
    "while_loop",
    "write_state",
];

/// Operations of interpolating one value from four neighbours: four products and three additions.
const BILINEAR: u64 = 7;

/// The rules of Core ML's operators.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "conv" | "conv_quantized" | "convolution" | "convolution3d" => |seen| {
            let macs = if turned(seen, "transposed") { transposed(seen, 0, 1) } else { convolved(seen, 1) };
            with_bias(seen, macs, seen.has(2))
        },
        "conv_transpose" => |seen| with_bias(seen, transposed(seen, 0, 1), seen.has(2)),
        // Weights are outputs × inputs.
        "linear" | "innerProduct" => {
            |seen| with_bias(seen, product([seen.out_elements(), seen.size_from_back(1, 0)]), seen.has(2))
        }
        "matmul" | "batchedMatmul" => |seen| {
            let along = usize::from(turned(seen, "transpose_x") && seen.rank(0).is_some_and(|rank| rank >= 2));
            with_bias(seen, product([seen.out_elements(), seen.size_from_back(0, along)]), seen.has(2))
        },
        // Every class has a weight for each feature; the weights stand last.
        "glmClassifier" | "glmRegressor" => |seen| Work::macs(seen.elements(seen.node.inputs.len().saturating_sub(1))),
        "scaler" => |seen| Work::other(times(seen.out_elements(), 2)),
        "dot" => |seen| Work::macs(seen.elements(0)),
        "scaled_dot_product_attention" => |seen| attention(seen).unwrap_or(Work::UNKNOWN),
        "lstm" | "gru" | "rnn" | "biDirectionalLSTM" | "simpleRecurrent" | "uniDirectionalLSTM" => |seen| {
            let work = if seen.node.int("hidden_size").is_some() { layer(seen) } else { in_program(seen) };
            work.unwrap_or(Work::UNKNOWN)
        },
        "avg_pool" | "max_pool" | "l2_pool" | "pooling" | "pooling3d" | "globalPooling3d" => pool,
        "batch_norm" => |seen| by(seen, "BatchNormalization"),
        // The moments of each instance are computed where the layer says so.
        "batchnorm" => |seen| match turned(seen, "instance") {
            true => by(seen, "InstanceNormalization"),
            false => by(seen, "BatchNormalization"),
        },
        "instance_norm" => |seen| by(seen, "InstanceNormalization"),
        "layer_norm" | "layerNormalization" => |seen| by(seen, "LayerNormalization"),
        "gelu" => |seen| {
            let mode = seen.node.text("mode").unwrap_or_default();
            let tanh = mode == "TANH_APPROXIMATION" || seen.node.int("mode") == Some(1);
            Work::other(times(seen.out_elements(), if tanh { GELU_TANH } else { GELU }))
        },
        "PReLU" | "prelu" => |seen| Work::other(times(seen.out_elements(), 2)),
        // ·alpha, +beta
        "linear_activation" | "linearActivation" => |seen| Work::other(times(seen.out_elements(), 2)),
        // ·beta, softplus, ·alpha
        "parametricSoftplus" | "softplus_parametric" => |seen| Work::other(times(seen.out_elements(), 5)),
        // Bounds and comparisons.
        "clip" | "relu6" | "clamped_relu" | "clampedReLU" | "rsqrt" => {
            |seen| Work::other(times(seen.out_elements(), 2))
        }
        "square" | "threshold" | "bias" | "fill_like" => |seen| Work::other(seen.out_elements()),
        "average" => |seen| Work::other(times(seen.out_elements(), seen.input_count())),
        // Several inputs are added one after the other, a single one to a number.
        "add" | "multiply" => {
            |seen| Work::other(times(seen.out_elements(), seen.input_count().saturating_sub(1).max(1)))
        }
        "scale" => |seen| Work::other(times(seen.out_elements(), 1 + u64::from(seen.has(2)))),
        "unary" => |seen| Work::other(times(seen.out_elements(), if seen.node.int("type") == Some(1) { 2 } else { 1 })),
        "reduce" => |seen| Work::other(seen.elements(0)),
        "argMax" | "argMin" | "reduce_argmax" | "reduce_argmin" => |seen| Work::other(seen.elements(0)),
        "topK" | "topk" => |seen| by(seen, "TopK"),
        "upsample" | "upsample_bilinear" | "resize_bilinear" | "resizeBilinear" | "cropResize" | "crop_resize"
        | "resample" => |seen| {
            let nearest = seen.node.op.as_ref() == "upsample" && seen.node.int("mode").unwrap_or(0) == 0;
            if nearest { Work::NONE } else { Work::other(times(seen.out_elements(), BILINEAR)) }
        },
        "upsample_nearest_neighbor" | "resize_nearest_neighbor" => |_| Work::NONE,
        "scatter" | "scatterAlongAxis" | "scatterND" | "scatter_along_axis" | "scatter_nd" => |_| Work::NONE,
        "range_1d" | "rangeStatic" | "rangeDynamic" => |seen| Work::other(seen.out_elements()),
        "lowerTriangular" | "upperTriangular" | "matrixBandPart" | "band_part" => |_| Work::NONE,
        "quantize" | "dequantize" => |seen| Work::other(times(seen.out_elements(), 2)),
        _ if FREE.contains(&op) => |_| Work::NONE,
        _ if same_in_onnx(op).is_some() => |seen| by(seen, same_in_onnx(&seen.node.op).unwrap_or_default()),
        _ => return None,
    })
}

fn turned(seen: &Seen<'_>, name: &str) -> bool {
    seen.node.int(name).unwrap_or(0) != 0
}

/// Queries, keys and values are … × tokens × size. Per score: the scale, and the mask where there is one.
fn attention(seen: &Seen<'_>) -> Option<Work> {
    let (queries, key_size) = (seen.size_from_back(0, 1)?, seen.size_from_back(0, 0)?);
    let (keys, value_size) = (seen.size_from_back(1, 1)?, seen.size_from_back(2, 0)?);
    let row = product([Some(queries), Some(value_size)])?;
    let heads = Heads { batch: seen.out_elements()?.checked_div(row)?, heads: 1, queries, keys, key_size, value_size };
    Some(heads.work(1 + u64::from(seen.has(3))))
}

/// Operations of one unit at one step: the sums of both products in each gate, its activation, and what joins them.
/// An LSTM has four gates, three more products and two sums, and an activation of the cell; a GRU has three and five.
fn unit(gates: u64, bias: bool) -> u64 {
    let sums = gates * (1 + u64::from(bias));
    match gates {
        4 => sums + 3 * SIGMOID + TANH + 3 + TANH + 1,
        3 => sums + 2 * SIGMOID + 1 + TANH + 4,
        _ => sums + TANH,
    }
}

/// −x, exp, +1, 1/
const SIGMOID: u64 = 4;
const TANH: u64 = 1;

/// Weights are operands: gates·hidden × input and gates·hidden × hidden, for each direction.
fn in_program(seen: &Seen<'_>) -> Option<Work> {
    let steps = product([seen.size(0, 0), seen.size(0, 1)])?;
    let (gates, first) = match seen.node.op.as_ref() {
        "lstm" => (4, 3),
        "gru" => (3, 2),
        _ => (1, 2),
    };
    let directions = if gates == 4 && seen.has(7) { 2 } else { 1 };
    let mut weights = vec![seen.elements(first), seen.elements(first + 1)];
    if directions == 2 {
        weights.extend([seen.elements(7), seen.elements(8)]);
    }
    let hidden = seen.size_from_back(first + 1, 0)?;
    let units = product([Some(steps), Some(hidden), Some(directions)]);
    let bias = seen.has(first + 2);
    Some(Work { macs: product([Some(steps), sum(weights)]), other: times(units, unit(gates, bias)) })
}

/// Weights follow from the layer's sizes: gates · hidden · (input + hidden) for each direction.
fn layer(seen: &Seen<'_>) -> Option<Work> {
    let size = |name: &str| seen.node.int(name).and_then(|size| u64::try_from(size).ok());
    let (input, hidden, directions) = (size("input_size")?, size("hidden_size")?, size("directions")?);
    let gates = match seen.node.op.as_ref() {
        "gru" => 3,
        "simpleRecurrent" => 1,
        _ => 4,
    };
    let steps = product([seen.size(0, 0), seen.size(0, 1)])?;
    let weights = volume(&[gates, directions, hidden, input.checked_add(hidden)?]);
    let peepholes = if turned(seen, "peepholes") { 6 } else { 0 };
    let each = unit(gates, turned(seen, "has_bias")) + peepholes;
    Some(Work { macs: product([Some(steps), weights]), other: times(volume(&[steps, hidden, directions]), each) })
}

fn pool(seen: &Seen<'_>) -> Work {
    let op = seen.node.op.as_ref();
    let largest =
        op == "max_pool" || (op.starts_with("pool") || op.starts_with("global")) && !turned(seen, "pool_type");
    if turned(seen, "global") {
        return by(seen, if largest { "GlobalMaxPool" } else { "GlobalAveragePool" });
    }
    let window = seen.node.ints("kernel_sizes");
    let window = window.and_then(|sides| product(sides.iter().map(|side| u64::try_from(*side).ok())));
    let each = match op {
        _ if largest => window.map(|window| window.saturating_sub(1)),
        "l2_pool" => times(window, 2),
        _ => window,
    };
    Work::other(product([seen.out_elements(), each]))
}

/// How an operator uses the constant in one of its inputs.
pub(super) fn use_of(node: &Node, index: usize) -> Option<Use> {
    Some(match (node.op.as_ref(), index) {
        ("batch_norm", 3 | 4) => Use::Buffer,
        // Constant states that a recurrence begins with are zeros, as a rule, and not learned.
        ("lstm", 1 | 2) | ("gru" | "rnn", 1) => Use::Buffer,
        // The weights of layers say themselves that they are.
        ("gru" | "simpleRecurrent" | "uniDirectionalLSTM" | "biDirectionalLSTM", 1..)
            if node.int("hidden_size").is_some() =>
        {
            Use::Buffer
        }
        ("while_loop" | "loop", _) => Use::Buffer,
        ("concat" | "concatND" | "stack", _) => Use::Through,
        (
            "cast" | "expandDims" | "expand_dims" | "gather" | "gatherAlongAxis" | "gather_along_axis" | "gather_nd"
            | "identity" | "loadConstant" | "loadConstantND" | "reshape" | "reshapeStatic" | "slice_by_index"
            | "sliceStatic" | "slice_by_size" | "split" | "splitND" | "squeeze" | "tile" | "transpose",
            0,
        ) => Use::Through,
        ("fill" | "range_1d" | "pad" | "clip", _) => Use::Setting,
        _ => return None,
    })
}

/// Whether the first output is the first input under a new shape.
pub(super) fn is_view(op: &str) -> bool {
    matches!(
        op,
        "copy"
            | "expandDims"
            | "expand_dims"
            | "flatten"
            | "flatten2d"
            | "flattenTo2D"
            | "identity"
            | "loadConstant"
            | "loadConstantND"
            | "read_state"
            | "reshape"
            | "reshapeStatic"
            | "rankPreservingReshape"
            | "squeeze"
    )
}

/// Whether only as much of the first input is touched as comes out.
pub(super) fn reads_as_output(op: &str) -> bool {
    matches!(
        op,
        "gather"
            | "gatherND"
            | "gather_nd"
            | "slice"
            | "sliceStatic"
            | "slice_by_index"
            | "slice_by_size"
            | "split"
            | "splitND"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_data_only_has_no_other_rule() {
        assert!(FREE.iter().all(|op| same_in_onnx(op).is_none()));
    }
}
