//! ATen's operators, as PyTorch's exported programs name them.
//!
//! Most cost what the ONNX operator costs that torch's exporter writes for them: [`SAME`] says which.
//! Those whose arguments lie in another order have their own formula. In-place forms (`relu_`) cost what the others do.
//! A rule sees the tensors among an operator's arguments in the order of its signature; all else are attributes.

use super::Rule;
use super::attention::Heads;
use super::convolution::{convolved, minus, transposed, with_bias};
use super::elementwise::per_element;
use super::linear::{einsum, matmul};
use super::quantised::{DEQUANTISE, QUANTISE};
use crate::cost::count::{Seen, Work, product, size_attribute, sum, times, volume};
use crate::model::Node;

/// Operators that cost what an ONNX operator does.
const SAME: &[(&str, &str)] = &[
    ("__and__", "And"),
    ("__or__", "Or"),
    ("_log_softmax", "LogSoftmax"),
    ("_softmax", "Softmax"),
    ("abs", "Abs"),
    ("acos", "Acos"),
    ("acosh", "Acosh"),
    ("add", "Add"),
    ("amax", "ReduceMax"),
    ("amin", "ReduceMin"),
    ("arange", "Range"),
    ("argmax", "ArgMax"),
    ("argmin", "ArgMin"),
    ("asin", "Asin"),
    ("asinh", "Asinh"),
    ("atan", "Atan"),
    ("atan2", "Atan"),
    ("atanh", "Atanh"),
    ("bernoulli", "Bernoulli"),
    ("bitwise_and", "BitwiseAnd"),
    ("bitwise_left_shift", "BitShift"),
    ("bitwise_not", "BitwiseNot"),
    ("bitwise_or", "BitwiseOr"),
    ("bitwise_right_shift", "BitShift"),
    ("bitwise_xor", "BitwiseXor"),
    ("ceil", "Ceil"),
    ("celu", "Celu"),
    ("clamp", "Clip"),
    ("clamp_max", "Min of two"),
    ("clamp_min", "Min of two"),
    ("cos", "Cos"),
    ("cosh", "Cosh"),
    ("cumprod", "CumProd"),
    ("cumsum", "CumSum"),
    ("div", "Div"),
    ("divide", "Div"),
    ("elu", "Elu"),
    ("eq", "Equal"),
    ("erf", "Erf"),
    ("exp", "Exp"),
    ("exp2", "Exp"),
    ("expm1", "Exp"),
    ("floor", "Floor"),
    ("floor_divide", "Div"),
    ("fmod", "Mod"),
    ("ge", "GreaterOrEqual"),
    ("gelu", "Gelu"),
    ("greater", "Greater"),
    ("greater_equal", "GreaterOrEqual"),
    ("group_norm", "GroupNormalization"),
    ("gt", "Greater"),
    ("hardsigmoid", "HardSigmoid"),
    ("hardswish", "HardSwish"),
    ("hardtanh", "Clip"),
    ("instance_norm", "InstanceNormalization"),
    ("isinf", "IsInf"),
    ("isnan", "IsNaN"),
    ("layer_norm", "LayerNormalization"),
    ("le", "LessOrEqual"),
    ("leaky_relu", "LeakyRelu"),
    ("less", "Less"),
    ("less_equal", "LessOrEqual"),
    ("log", "Log"),
    ("log10", "Log"),
    ("log1p", "Log"),
    ("log2", "Log"),
    ("log_softmax", "LogSoftmax"),
    ("logical_and", "And"),
    ("logical_not", "Not"),
    ("logical_or", "Or"),
    ("logical_xor", "Xor"),
    ("logsumexp", "ReduceLogSumExp"),
    ("lt", "Less"),
    ("masked_fill", "Where"),
    ("maximum", "Min of two"),
    ("mean", "ReduceMean"),
    ("minimum", "Min of two"),
    ("mish", "Mish"),
    ("mul", "Mul"),
    ("multiply", "Mul"),
    ("native_group_norm", "GroupNormalization"),
    ("native_layer_norm", "LayerNormalization"),
    ("ne", "Equal"),
    ("neg", "Neg"),
    ("nonzero", "NonZero"),
    ("not_equal", "Equal"),
    ("pow", "Pow"),
    ("prelu", "PRelu"),
    ("prod", "ReduceProd"),
    ("rand", "RandomUniform"),
    ("rand_like", "RandomUniform"),
    ("randint", "RandomUniform"),
    ("randn", "RandomNormal"),
    ("randn_like", "RandomNormal"),
    ("reciprocal", "Reciprocal"),
    ("relu", "Relu"),
    ("relu6", "Clip"),
    ("remainder", "Mod"),
    ("rms_norm", "RMSNormalization"),
    ("round", "Round"),
    ("rsub", "Sub"),
    ("selu", "Selu"),
    ("sigmoid", "Sigmoid"),
    ("sign", "Sign"),
    ("silu", "Swish"),
    ("sin", "Sin"),
    ("sinh", "Sinh"),
    ("softmax", "Softmax"),
    ("softplus", "Softplus"),
    ("sqrt", "Sqrt"),
    ("square", "Mul"),
    ("sub", "Sub"),
    ("subtract", "Sub"),
    ("sum", "ReduceSum"),
    ("tan", "Tan"),
    ("tanh", "Tanh"),
    ("threshold", "ThresholdedRelu"),
    ("trunc", "Floor"),
    ("unique", "Unique"),
    ("where", "Where"),
];

/// Operators that only move, name or convert data, or fill it with one value.
const FREE: &[&str] = &[
    "_conj",
    "_reshape_alias",
    "_shape_as_tensor",
    "_to_copy",
    "_unsafe_index",
    "_unsafe_view",
    "alias",
    "alias_copy",
    "as_strided",
    "atleast_1d",
    "atleast_2d",
    "broadcast_to",
    "cat",
    "channel_shuffle",
    "chunk",
    "clone",
    "concat",
    "constant_pad_nd",
    "contiguous",
    "copy",
    "detach",
    "diagonal",
    "dropout",
    "embedding",
    "empty",
    "empty_like",
    "empty_permuted",
    "expand",
    "expand_as",
    "eye",
    "feature_dropout",
    "fill",
    "flatten",
    "flip",
    "full",
    "full_like",
    "gather",
    "hstack",
    "im2col",
    "index",
    "index_copy",
    "index_fill",
    "index_put",
    "index_select",
    "lift_fresh_copy",
    "masked_select",
    "meshgrid",
    "moveaxis",
    "movedim",
    "narrow",
    "native_dropout",
    "new_empty",
    "new_full",
    "new_ones",
    "new_zeros",
    "numpy_T",
    "one_hot",
    "ones",
    "ones_like",
    "pad",
    "permute",
    "pin_memory",
    "pixel_shuffle",
    "pixel_unshuffle",
    "ravel",
    "real",
    "reflection_pad1d",
    "reflection_pad2d",
    "reflection_pad3d",
    "repeat",
    "repeat_interleave",
    "replication_pad1d",
    "replication_pad2d",
    "replication_pad3d",
    "reshape",
    "resolve_conj",
    "resolve_neg",
    "roll",
    "rot90",
    "scalar_tensor",
    "scatter",
    "select",
    "select_copy",
    "select_scatter",
    "slice",
    "slice_copy",
    "slice_scatter",
    "split",
    "split_with_sizes",
    "squeeze",
    "squeeze_copy",
    "stack",
    "swapaxes",
    "t",
    "tensor_split",
    "tile",
    "to",
    "transpose",
    "tril",
    "triu",
    "type_as",
    "unbind",
    "unflatten",
    "unfold",
    "unsqueeze",
    "unsqueeze_copy",
    "upsample_nearest1d",
    "upsample_nearest2d",
    "upsample_nearest3d",
    "view",
    "view_as",
    "view_as_complex",
    "view_as_real",
    "view_copy",
    "vstack",
    "zeros",
    "zeros_like",
];

/// An operator's name without the mark of its in-place form.
fn plain(op: &str) -> &str {
    match op.strip_suffix('_') {
        Some(name) if !name.ends_with('_') && !name.is_empty() => name,
        _ => op,
    }
}

/// The rules of this domain.
pub(super) fn find(op: &str) -> Option<Rule> {
    let op = plain(op);
    if FREE.contains(&op) {
        return Some(|_| Work::NONE);
    }
    if let Some((_, same)) = SAME.iter().find(|(own, _)| *own == op) {
        return match *same {
            // One comparison with a scalar or another tensor.
            "Min of two" => Some(|seen| each(seen, 1)),
            same if per_element(same).is_some() => Some(of_table),
            same => super::find("", same),
        };
    }
    Some(match op {
        "conv1d" | "conv2d" | "conv3d" | "convolution" | "_convolution" | "thnn_conv2d" | "mkldnn_convolution"
        | "cudnn_convolution" => convolution,
        "conv_transpose1d" | "conv_transpose2d" | "conv_transpose3d" => {
            |seen| with_bias(seen, transposed(seen, 0, 1), seen.has(2))
        }
        "torchvision.deform_conv2d" => |seen| with_bias(seen, convolved(seen, 1), seen.has(4)),
        "linear" => |seen| with_bias(seen, matmul(seen), seen.has(2)),
        "mm"
        | "bmm"
        | "matmul"
        | "mv"
        | "_scaled_mm"
        | "_weight_int8pack_mm"
        | "_weight_int4pack_mm"
        | "_int_mm"
        | "linalg_matmul" => |seen| Work::macs(matmul(seen)),
        "dot" | "vdot" | "inner" => |seen| Work::macs(matmul(seen)),
        "addmm" | "baddbmm" | "addmv" => {
            |seen| Work { macs: product([seen.out_elements(), seen.size_from_back(1, 0)]), other: seen.out_elements() }
        }
        // The products of a batch are added up.
        "addbmm" => {
            |seen| Work { macs: product([seen.elements(1), seen.size_from_back(2, 0)]), other: seen.out_elements() }
        }
        "outer" => |seen| each(seen, 1),
        "einsum" => einsum,
        "bilinear" => |seen| with_bias(seen, bilinear(seen), seen.has(3)),
        "scaled_dot_product_attention"
        | "_scaled_dot_product_attention_math"
        | "_scaled_dot_product_flash_attention"
        | "_scaled_dot_product_flash_attention_for_cpu"
        | "_scaled_dot_product_efficient_attention"
        | "_scaled_dot_product_cudnn_attention"
        | "_scaled_dot_product_fused_attention_overrideable" => attention,
        "_native_multi_head_attention" => |seen| multi_head(seen).unwrap_or(Work::UNKNOWN),
        "_transformer_encoder_layer_fwd" => |seen| encoder_layer(seen).unwrap_or(Work::UNKNOWN),
        "lstm" => |seen| recurrent(seen, 4, 17),
        "gru" => |seen| recurrent(seen, 3, 14),
        "rnn_tanh" | "rnn_relu" => |seen| recurrent(seen, 1, 2),
        "lstm_cell" => |seen| cell(seen, 4, 17),
        "gru_cell" => |seen| cell(seen, 3, 14),
        "rnn_tanh_cell" | "rnn_relu_cell" => |seen| cell(seen, 1, 2),
        "batch_norm"
        | "_native_batch_norm_legit"
        | "_native_batch_norm_legit_no_training"
        | "native_batch_norm"
        | "_batch_norm_impl_index"
        | "cudnn_batch_norm" => batch_norm,
        "max_pool1d"
        | "max_pool2d"
        | "max_pool3d"
        | "max_pool1d_with_indices"
        | "max_pool2d_with_indices"
        | "max_pool3d_with_indices" => {
            |seen| Work::other(product([seen.out_elements(), window(seen).map(|of| of.saturating_sub(1))]))
        }
        "avg_pool1d" | "avg_pool2d" | "avg_pool3d" => |seen| Work::other(product([seen.out_elements(), window(seen)])),
        "adaptive_avg_pool1d"
        | "adaptive_avg_pool2d"
        | "adaptive_avg_pool3d"
        | "_adaptive_avg_pool2d"
        | "_adaptive_avg_pool3d" => |seen| Work::other(adaptive(seen, 0)),
        "adaptive_max_pool1d" | "adaptive_max_pool2d" | "adaptive_max_pool3d" => |seen| Work::other(adaptive(seen, 1)),
        // 1 over the root.
        "rsqrt" => |seen| each(seen, 2),
        "addcmul" | "addcdiv" => |seen| each(seen, 3),
        "lerp" => |seen| each(seen, 3),
        "glu" => |seen| Work::other(times(seen.out_elements(), 1 + per_element("Sigmoid").unwrap_or(4))),
        "log_sigmoid" | "log_sigmoid_forward" => |seen| each(seen, 1 + per_element("Sigmoid").unwrap_or(4)),
        // Less than, equal, or a sum of squares on the way.
        "diff" => |seen| each(seen, 1),
        "isclose" => |seen| each(seen, 5),
        "max" | "min" | "any" | "all" => |seen| match seen.has(1) {
            true => each(seen, 1),
            false => Work::other(minus(seen.elements(0), seen.out_elements())),
        },
        // Sum, minus the mean, square, sum.
        "var" | "std" | "var_mean" | "std_mean" => |seen| Work::other(times(seen.elements(0), 4)),
        // |x| or square, and the sum.
        "linalg_vector_norm" | "norm" => |seen| Work::other(times(seen.elements(0), 2)),
        "scatter_add" | "index_add" | "scatter_reduce" => |seen| Work::other(seen.elements(2)),
        "bincount" | "histc" => |seen| Work::other(seen.elements(0)),
        "topk" | "sort" | "argsort" | "msort" => |seen| {
            Work::other(
                seen.elements(0).and_then(|count| product([Some(count), Some(log2(seen.size_from_back(0, 0)?))])),
            )
        },
        "embedding_bag" | "_embedding_bag" => {
            |seen| Work::other(product([seen.elements(1), seen.size_from_back(0, 0)]))
        }
        // Four products and three sums from four neighbours.
        "upsample_bilinear2d" | "_upsample_bilinear2d_aa" => |seen| each(seen, 7),
        "upsample_linear1d" => |seen| each(seen, 3),
        "upsample_trilinear3d" => |seen| each(seen, 15),
        // Sixteen neighbours: a product and a sum each.
        "upsample_bicubic2d" | "_upsample_bicubic2d_aa" => |seen| each(seen, 31),
        "grid_sampler" | "grid_sampler_2d" => |seen| each(seen, 7),
        "quantized_decomposed.quantize_per_tensor"
        | "quantized_decomposed.quantize_per_tensor.tensor"
        | "quantized_decomposed.quantize_per_channel"
        | "torchao.quantize_affine"
        | "quantize_per_tensor" => |seen| each(seen, QUANTISE),
        "quantized_decomposed.dequantize_per_tensor"
        | "quantized_decomposed.dequantize_per_tensor.tensor"
        | "quantized_decomposed.dequantize_per_channel"
        | "torchao.dequantize_affine"
        | "dequantize" => |seen| each(seen, DEQUANTISE),
        "quantized_decomposed.choose_qparams.tensor" => |seen| Work::other(times(seen.elements(0), 2)),
        _ => return None,
    })
}

/// So many operations for each element of the result.
fn each(seen: &Seen<'_>, operations: u64) -> Work {
    Work::other(times(seen.out_elements(), operations))
}

/// What the table of element-wise operators says of the ONNX operator.
fn of_table(seen: &Seen<'_>) -> Work {
    let op = plain(&seen.node.op);
    let same = SAME.iter().find(|(own, _)| *own == op);
    Work::other(same.and_then(|(_, same)| times(seen.out_elements(), per_element(same)?)))
}

/// The general form says by an argument that it is a transposed one.
fn convolution(seen: &Seen<'_>) -> Work {
    let macs = match seen.node.int("transposed").unwrap_or(0) {
        0 => convolved(seen, 1),
        _ => transposed(seen, 0, 1),
    };
    with_bias(seen, macs, seen.has(2))
}

/// `x₁·W·x₂` for each output: the product with the larger side first.
fn bilinear(seen: &Seen<'_>) -> Option<u64> {
    let rows = product([seen.out_elements(), Some(1)])?;
    let (left, right) = (seen.size_from_back(0, 0)?, seen.size_from_back(1, 0)?);
    product([Some(rows), Some(left), right.checked_add(1)])
}

/// Queries, keys and values, each … × tokens × size; with fewer key heads than query heads these are shared.
fn attention(seen: &Seen<'_>) -> Work {
    let heads = || {
        let queries = seen.sizes(0)?;
        let [rest @ .., tokens, key_size] = queries.as_slice() else { return None };
        Some(Heads {
            batch: volume(rest)?,
            heads: 1,
            queries: *tokens,
            keys: seen.size_from_back(1, 1)?,
            key_size: *key_size,
            value_size: seen.size_from_back(2, 0)?,
        })
    };
    let masked = seen.has(3) || seen.node.int("is_causal").unwrap_or(0) != 0;
    heads().map_or(Work::UNKNOWN, |heads| heads.work(1 + u64::from(masked)))
}

/// Both projections of an attention over itself, and the attention: `weights` and the input's place.
fn self_attention(seen: &Seen<'_>, qkv: usize, out: usize) -> Option<Work> {
    let [batch, tokens, width] = seen.sizes(0)?.try_into().ok()?;
    let rows = batch.checked_mul(tokens)?;
    let heads = size_attribute(seen.node, "num_head", 0).or(Some(0))?;
    let heads = if heads == 0 { size_attribute(seen.node, "num_heads", 1)? } else { heads };
    let size = width.checked_div(heads)?;
    let inner = Heads { batch, heads, queries: tokens, keys: tokens, key_size: size, value_size: size }.work(1);
    let projections = product([Some(rows), sum([seen.elements(qkv), seen.elements(out)])]);
    // A bias on all four projections.
    let biases = product([Some(rows), width.checked_mul(4)]);
    Some(Work { macs: sum([inner.macs, projections]), other: sum([inner.other, biases]) })
}

/// Query, key, value, then weights and bias of the first projections, weights and bias of the last.
fn multi_head(seen: &Seen<'_>) -> Option<Work> {
    self_attention(seen, 3, 5)
}

/// Input, four tensors of the attention, two norms, two layers of the feed-forward network.
fn encoder_layer(seen: &Seen<'_>) -> Option<Work> {
    let attention = self_attention(seen, 1, 3)?;
    let rows = product([seen.size(0, 0), seen.size(0, 1)]);
    let forward = product([rows, sum([seen.elements(9), seen.elements(11)])]);
    let gelu = seen.node.int("use_gelu").unwrap_or(0) != 0;
    let activation = if gelu { super::elementwise::GELU } else { 1 };
    // Biases of both layers, the activation; two norms of seven operations and two residual sums.
    let hidden = product([rows, times(seen.size(9, 0), 1 + activation)]);
    let rest = times(seen.elements(0), 1 + 2 * 7 + 2);
    Some(Work { macs: sum([attention.macs, forward]), other: sum([attention.other, hidden, rest]) })
}

/// Weights among the inputs from a place on: matrices, which every step multiplies with.
fn matrices(seen: &Seen<'_>, from: usize) -> impl Iterator<Item = (Option<u64>, Option<u64>)> {
    let is_matrix = |index: &usize| seen.rank(*index) == Some(2);
    (from..seen.node.inputs.len()).filter(is_matrix).map(|index| (seen.elements(index), seen.size(index, 0)))
}

/// A recurrent layer or a stack of them: `gates` rows of weights for each hidden unit, `unit` operations for each
/// (the sums of both products and biases in every gate, the activations, the new state).
fn recurrent(seen: &Seen<'_>, gates: u64, unit: u64) -> Work {
    // Where the list of weights begins; without it they follow the input and its states.
    let states = if gates == 4 { 2 } else { 1 };
    let from =
        seen.node.ints("params").and_then(|stretch| usize::try_from(*stretch.first()?).ok()).unwrap_or(1 + states);
    let steps = match seen.rank(0) {
        // Without a batch.
        Some(2) => seen.size(0, 0),
        _ => product([seen.size(0, 0), seen.size(0, 1)]),
    };
    run(seen, from, steps, gates, unit)
}

/// One step of a recurrent layer.
fn cell(seen: &Seen<'_>, gates: u64, unit: u64) -> Work {
    let batch = if seen.rank(0) == Some(1) { Some(1) } else { seen.size(0, 0) };
    let from = 1 + if gates == 4 { 2 } else { 1 };
    run(seen, from, batch, gates, unit)
}

fn run(seen: &Seen<'_>, from: usize, steps: Option<u64>, gates: u64, unit: u64) -> Work {
    let weights = sum(matrices(seen, from).map(|(elements, _)| elements));
    // Each unit has its gates' rows in the input's and in the recurrent weights.
    let rows = sum(matrices(seen, from).map(|(_, rows)| rows));
    let units = rows.map(|rows| rows / (2 * gates));
    let biases = if seen.node.int("has_biases").unwrap_or(1) != 0 { 2 * gates } else { 0 };
    Work { macs: product([steps, weights]), other: times(product([steps, units]), unit + gates + biases) }
}

/// Scale and shift of each element; while training the moments too.
fn batch_norm(seen: &Seen<'_>) -> Work {
    let training = seen.node.int("training").or_else(|| seen.node.int("train")).unwrap_or(0) != 0;
    Work::other(times(seen.elements(0), if training { 6 } else { 2 }))
}

/// Elements of a pooling window; a single number stands for every side.
fn window(seen: &Seen<'_>) -> Option<u64> {
    let sides = seen.node.ints("kernel_size")?;
    let spatial = match seen.node.op.as_ref() {
        op if op.contains("1d") => 1,
        op if op.contains("3d") => 3,
        _ => 2,
    };
    let side = |index: usize| u64::try_from(*sides.get(index).or(sides.first())?).ok();
    product((0..spatial).map(side))
}

/// A pool whose windows share out the input: each takes the part of it, rounded up.
fn adaptive(seen: &Seen<'_>, saved: u64) -> Option<u64> {
    let (input, output) = (seen.sizes(0)?, seen.out_sizes(0)?);
    let parts = input.iter().zip(&output).map(|(of, to)| if *to == 0 { Some(0) } else { Some(of.div_ceil(*to)) });
    product([seen.out_elements(), product(parts).map(|of| of.saturating_sub(saved))])
}

/// The logarithm to base 2, rounded up.
fn log2(count: u64) -> u64 {
    super::normalisation::log2(count)
}

/// Whether the first output is the first input under a new shape, order or extent.
pub(super) fn is_view(node: &Node) -> bool {
    matches!(
        plain(&node.op),
        "_unsafe_view"
            | "alias"
            | "contiguous"
            | "detach"
            | "dropout"
            | "flatten"
            | "reshape"
            | "squeeze"
            | "unflatten"
            | "unsqueeze"
            | "view"
            | "view_as"
            | "expand"
            | "expand_as"
            | "permute"
            | "transpose"
            | "t"
            | "numpy_T"
            | "movedim"
            | "select"
            | "slice"
            | "narrow"
            | "swapaxes"
            | "lift_fresh_copy"
            | "broadcast_to"
            | "diagonal"
            | "view_as_real"
            | "view_as_complex"
    )
}

/// Whether only as much of the first input is touched as comes out.
pub(super) fn reads_as_output(op: &str) -> bool {
    matches!(
        plain(op),
        "chunk"
            | "embedding"
            | "gather"
            | "index"
            | "index_select"
            | "split"
            | "split_with_sizes"
            | "tensor_split"
            | "unbind"
    )
}

/// Whether the result differs from run to run.
pub(super) fn is_random(op: &str) -> bool {
    matches!(
        plain(op),
        "bernoulli" | "multinomial" | "rand" | "rand_like" | "randint" | "randn" | "randn_like" | "randperm"
    )
}
