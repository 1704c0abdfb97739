//! Keras's layers, which do several things at once: the product, the bias and the activation of a `Dense` are one node.
//!
//! MACs are those of the same network written as ONNX; biases and activations are other operations.
//! What a layer needs only while training (dropout, noise, augmentation) costs nothing.

use super::elementwise::{GELU, per_element};
use super::normalisation::SOFTMAX;
use super::{Rule, find as any};
use crate::cost::count::{Seen, Work, axis, product, size_attribute, sum, times, volume};
use crate::model::Node;
use crate::shapes::{KerasKind as Kind, keras_canonical as canonical, keras_kind as kind};

/// Layers and operations that move, name or measure data.
const FREE: &[&str] = &[
    "categoryencoding",
    "centercrop",
    "concat",
    "concatenate",
    "concatv2",
    "cropping1d",
    "cropping2d",
    "cropping3d",
    "discretization",
    "embedding",
    "expanddims",
    "flatten",
    "gather",
    "getitem",
    "hashing",
    "integerlookup",
    "mergetime",
    "onehot",
    "pad",
    "padv2",
    "permute",
    "randomcrop",
    "repeat",
    "repeatvector",
    "reshape",
    "shape",
    "slicingoplambda",
    "split",
    "splittime",
    "squeeze",
    "stack",
    "stringlookup",
    "stridedslice",
    "textvectorization",
    "tile",
    "transpose",
    "unstack",
    "zeropadding1d",
    "zeropadding2d",
    "zeropadding3d",
    "zeroslike",
    "oneslike",
    "broadcastto",
    "spacetodepth",
    "depthtospace",
    "arange",
    "range",
];

/// The rules of this domain.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Conv1D" | "Conv2D" | "Conv3D" => |seen| {
            let macs = product([seen.out_elements(), window(seen, "kernel_size"), grouped_channels(seen)]);
            activated(seen, macs)
        },
        "DepthwiseConv1D" | "DepthwiseConv2D" => |seen| {
            let macs = product([seen.out_elements(), window(seen, "kernel_size")]);
            activated(seen, macs)
        },
        "SeparableConv1D" | "SeparableConv2D" => separable,
        "Conv1DTranspose" | "Conv2DTranspose" | "Conv3DTranspose" => |seen| {
            // Every input element is spread over the filters.
            let filters = size_attribute(seen.node, "filters", 0).filter(|filters| *filters > 0);
            activated(seen, product([seen.elements(0), window(seen, "kernel_size"), filters]))
        },
        "Dense" => |seen| activated(seen, product([seen.out_elements(), seen.size_from_back(0, 0)])),
        "EinsumDense" => |seen| {
            let macs = product([seen.out_elements(), contracted(seen)]);
            let bias = if seen.node.attributes.contains_key("bias_axes") { seen.out_elements() } else { Some(0) };
            Work { macs, other: sum([bias, activation(seen, "activation", seen.out_elements(), "linear")]) }
        },
        "MaxPooling1D" | "MaxPooling2D" | "MaxPooling3D" => |seen| {
            let each = pool(seen).map(|of| of.saturating_sub(1));
            Work::other(product([seen.out_elements(), each]))
        },
        "AveragePooling1D" | "AveragePooling2D" | "AveragePooling3D" => {
            |seen| Work::other(product([seen.out_elements(), pool(seen)]))
        }
        "GlobalAveragePooling1D"
        | "GlobalAveragePooling2D"
        | "GlobalAveragePooling3D"
        | "AdaptiveAveragePooling1D"
        | "AdaptiveAveragePooling2D"
        | "AdaptiveAveragePooling3D" => |seen| Work::other(seen.elements(0)),
        "GlobalMaxPooling1D"
        | "GlobalMaxPooling2D"
        | "GlobalMaxPooling3D"
        | "AdaptiveMaxPooling1D"
        | "AdaptiveMaxPooling2D"
        | "AdaptiveMaxPooling3D" => {
            |seen| Work::other(seen.elements(0).zip(seen.out_elements()).map(|(all, out)| all.saturating_sub(out)))
        }
        "Activation" => |seen| Work::other(activation(seen, "activation", seen.out_elements(), "linear")),
        "UpSampling1D" | "UpSampling2D" | "UpSampling3D" | "Resizing" => |seen| interpolated(seen),
        "Dot" => |seen| Work::macs(product([seen.out_elements(), dotted(seen)])),
        // Per unit: the sums of both products and of the bias in every gate, the gates' activations, and the update.
        "LSTM" => |seen| recurrent(seen, 4, 3, 5),
        "GRU" => |seen| recurrent(seen, 3, 2, 5),
        "SimpleRNN" => |seen| recurrent(seen, 1, 0, 0),
        "ConvLSTM1D" | "ConvLSTM2D" | "ConvLSTM3D" => convolved_recurrent,
        "MultiHeadAttention" => |seen| attend(seen, None),
        "GroupedQueryAttention" | "GroupQueryAttention" => |seen| {
            let groups = size_attribute(seen.node, "num_key_value_heads", 0).filter(|groups| *groups > 0);
            match groups {
                Some(groups) => attend(seen, Some(groups)),
                None => Work::UNKNOWN,
            }
        },
        "Attention" => |seen| attention(seen, false),
        "AdditiveAttention" => |seen| attention(seen, true),
        // A sum, a product and two comparisons are all that preprocessing takes.
        _ if FREE.contains(&canonical(op).as_str()) => |_| Work::NONE,
        _ => return operation(op),
    })
}

/// Operations and layers of a common kind cost what ONNX's operator costs.
fn operation(op: &str) -> Option<Rule> {
    Some(match kind(op) {
        Some(Kind::Nothing) => |_| Work::NONE,
        Some(Kind::Each(_)) => |seen| match kind(&seen.node.op) {
            // Keras's own layer has a ceiling beside the floor.
            Some(Kind::Each(name)) => {
                let ceiling = seen.node.op.as_ref() == "ReLU" && seen.node.attributes.contains_key("max_value");
                let each = if ceiling { per_element("Clip") } else { cost_of(name) };
                Work::other(each.and_then(|each| times(seen.out_elements(), each)))
            }
            _ => Work::UNKNOWN,
        },
        // One operation for each tensor after the first; a constant beside one tensor is the second.
        Some(Kind::Several(_) | Kind::Comparison) => |seen| {
            let inputs = data_inputs(seen).max(2);
            // A mean divides, and a scaled sum multiplies.
            let more = matches!(kind(&seen.node.op), Some(Kind::Several("Mean" | "ScaledAdd")));
            Work::other(times(seen.out_elements(), inputs - 1 + u64::from(more)))
        },
        Some(Kind::Norm(_)) => |seen| match kind(&seen.node.op) {
            Some(Kind::Norm("BatchNormalization")) => Work::other(times(seen.elements(0), 2)),
            // Moments, ·1/√variance, ·scale, +shift.
            Some(Kind::Norm("LayerNormalization" | "GroupNormalization")) => Work::other(times(seen.elements(0), 7)),
            // Square, sum, ·1/√mean, ·scale.
            Some(Kind::Norm("RMSNormalization")) => Work::other(times(seen.elements(0), 4)),
            Some(Kind::Norm("LpNormalization")) => Work::other(times(seen.elements(0), 3)),
            _ => Work::other(times(seen.elements(0), SOFTMAX)),
        },
        Some(Kind::Reduction(_)) => |seen| match kind(&seen.node.op) {
            Some(Kind::Reduction(name)) => any("", name).map_or(Work::UNKNOWN, |rule| rule(seen)),
            _ => Work::UNKNOWN,
        },
        None => match canonical(op).as_str() {
            "matmul" | "batchmatmul" | "batchmatmulv2" => |seen| {
                let turned = ["transpose_a", "adj_x"].iter().any(|name| seen.node.int(name).unwrap_or(0) != 0);
                let inner = seen.size_from_back(0, usize::from(turned));
                Work::macs(product([seen.out_elements(), inner]))
            },
            "resize" | "resizebilinear" | "resizenearestneighbor" => |seen| interpolated(seen),
            _ => return None,
        },
    })
}

/// Whether the output is the input under a new name or shape.
pub(super) fn is_view(node: &Node) -> bool {
    matches!(canonical(&node.op).as_str(), "flatten" | "reshape" | "expanddims" | "squeeze" | "mergetime" | "splittime")
        || kind(&node.op) == Some(Kind::Nothing)
        || node.op.as_ref() == "Activation" && node.text("activation") == Some("linear")
}

fn data_inputs(seen: &Seen<'_>) -> u64 {
    seen.node.int("data_inputs").and_then(|count| u64::try_from(count).ok()).unwrap_or(seen.input_count())
}

fn is_channels_first(seen: &Seen<'_>) -> bool {
    seen.node.text("data_format") == Some("channels_first")
}

/// Channels of the input.
fn channels(seen: &Seen<'_>) -> Option<u64> {
    if is_channels_first(seen) { seen.size(0, 1) } else { seen.size_from_back(0, 0) }
}

fn grouped_channels(seen: &Seen<'_>) -> Option<u64> {
    channels(seen)?.checked_div(size_attribute(seen.node, "groups", 1)?)
}

/// Elements of a window whose sides may be one number for all dimensions.
fn window(seen: &Seen<'_>, name: &str) -> Option<u64> {
    sided(seen, name, seen.rank(0)?.checked_sub(2)?, None)
}

fn pool(seen: &Seen<'_>) -> Option<u64> {
    sided(seen, "pool_size", seen.rank(0)?.checked_sub(2)?, Some(2))
}

fn sided(seen: &Seen<'_>, name: &str, rank: usize, default: Option<u64>) -> Option<u64> {
    let size = |side: i64| u64::try_from(side).ok();
    match (seen.node.ints(name), seen.node.int(name)) {
        (Some([one]), _) => product((0..rank).map(|_| size(*one))),
        (Some(list), _) => product(list.iter().map(|side| size(*side))),
        (None, Some(one)) => product((0..rank).map(|_| size(one))),
        (None, None) => product((0..rank).map(|_| default)),
    }
}

/// MACs, a bias on every output element unless it is switched off, and the activation.
fn activated(seen: &Seen<'_>, macs: Option<u64>) -> Work {
    let bias = if seen.node.int("use_bias").unwrap_or(1) != 0 { seen.out_elements() } else { Some(0) };
    Work { macs, other: sum([bias, activation(seen, "activation", seen.out_elements(), "linear")]) }
}

/// Operations of the activation that an attribute names; one that is not known leaves the count open.
fn activation(seen: &Seen<'_>, attribute: &str, elements: Option<u64>, default: &str) -> Option<u64> {
    times(elements, each_of(seen.node.text(attribute).unwrap_or(default))?)
}

/// Operations per element of an activation by its name in Keras.
fn each_of(name: &str) -> Option<u64> {
    match kind(name) {
        _ if canonical(name) == "linear" => Some(0),
        Some(Kind::Each(of)) => cost_of(of),
        Some(Kind::Norm("Softmax")) => Some(SOFTMAX),
        Some(Kind::Nothing) => Some(0),
        _ => None,
    }
}

fn cost_of(name: &str) -> Option<u64> {
    if name == "Gelu" { Some(GELU) } else { per_element(name) }
}

/// A depthwise convolution, then one of single elements over all its channels.
fn separable(seen: &Seen<'_>) -> Work {
    let filters = size_attribute(seen.node, "filters", 0).filter(|filters| *filters > 0);
    let places = seen.out_elements().zip(filters).and_then(|(all, filters)| all.checked_div(filters));
    let between = product([channels(seen), size_attribute(seen.node, "depth_multiplier", 1)]);
    let depthwise = product([places, between, window(seen, "kernel_size")]);
    let pointwise = product([seen.out_elements(), between]);
    activated(seen, sum([depthwise, pointwise]))
}

/// The sizes that an `EinsumDense` sums over: letters of the input that the output does not have.
fn contracted(seen: &Seen<'_>) -> Option<u64> {
    let (left, right) = seen.node.text("equation")?.split_once("->")?;
    let (data, weights) = left.split_once(',')?;
    let (data, right) = (data.replace("...", ""), right.replace("...", ""));
    let labels: Vec<char> = data.chars().collect();
    let sizes =
        labels.iter().rev().enumerate().filter(|(_, label)| !right.contains(**label) && weights.contains(**label));
    product(sizes.map(|(from_back, _)| seen.size_from_back(0, from_back)))
}

/// Nearest neighbours are copied; otherwise each output mixes four values (seven operations).
fn interpolated(seen: &Seen<'_>) -> Work {
    match seen.node.text("interpolation") {
        None if seen.node.op.as_ref() != "Resizing" => Work::NONE,
        Some("nearest") => Work::NONE,
        None | Some("bilinear") => Work::other(times(seen.out_elements(), 7)),
        // Sixteen products and fifteen sums.
        Some("bicubic") => Work::other(times(seen.out_elements(), 31)),
        Some(_) => Work { macs: Some(0), other: None },
    }
}

/// The size that `Dot` sums over.
fn dotted(seen: &Seen<'_>) -> Option<u64> {
    let stated = match (seen.node.ints("axes"), seen.node.int("axes").or(seen.node.int("dot_axes"))) {
        (Some([first, ..]), _) => *first,
        (_, one) => one.unwrap_or(-1),
    };
    seen.size(0, axis(stated, seen.rank(0)?)?)
}

/// In every step each gate takes a product with the input and one with the state.
///
/// `recurrent_gates` have the recurrent activation, one more function is the activation (an LSTM has two),
/// and `update` are the operations of the new state.
fn recurrent(seen: &Seen<'_>, gates: u64, recurrent_gates: u64, update: u64) -> Work {
    let units = size_attribute(seen.node, "units", 0).filter(|units| *units > 0);
    let steps = product([seen.size(0, 0), seen.size(0, 1)]);
    let width = sum([seen.size(0, 2), units]);
    let macs = product([steps, Some(gates), units, width]);
    let bias = u64::from(seen.node.int("use_bias").unwrap_or(1) != 0);
    let activations = if gates == 4 { 2 } else { 1 };
    // An LSTM's new state: c = f·c + i·g, then h = o·f(c). A GRU's: r·h, then (1 − z)·h̃ + z·h.
    let update = if gates == 4 { update - 1 } else { update };
    let cell = (|| {
        let inner = each_of(seen.node.text("activation").unwrap_or("tanh"))?;
        let gate = each_of(seen.node.text("recurrent_activation").unwrap_or("sigmoid"))?;
        Some(gates * (1 + bias) + recurrent_gates * gate + activations * inner + update)
    })();
    Work { macs, other: product([steps, units, cell]) }
}

/// As an LSTM whose products are convolutions: the input's with the given strides and padding, the state's of its own size.
fn convolved_recurrent(seen: &Seen<'_>) -> Work {
    let filters = size_attribute(seen.node, "filters", 0).filter(|filters| *filters > 0);
    let inputs = if is_channels_first(seen) { seen.size(0, 2) } else { seen.size_from_back(0, 0) };
    let kernel = seen.rank(0).and_then(|rank| sided(seen, "kernel_size", rank.checked_sub(3)?, None));
    // Places of one step: the output's without batch, steps and channels.
    let places = (|| {
        let sizes = seen.out_sizes(0)?;
        let with_steps = seen.node.int("return_sequences").unwrap_or(0) != 0;
        let skipped = if with_steps { 2 } else { 1 };
        let inner = sizes.get(skipped..)?;
        let space = if is_channels_first(seen) { inner.get(1..)? } else { inner.split_last()?.1 };
        volume(space)
    })();
    let steps = product([seen.size(0, 0), seen.size(0, 1)]);
    let macs = product([steps, Some(4), filters, kernel, places, sum([inputs, filters])]);
    let bias = u64::from(seen.node.int("use_bias").unwrap_or(1) != 0);
    let cell = (|| {
        let inner = each_of(seen.node.text("activation").unwrap_or("tanh"))?;
        let gate = each_of(seen.node.text("recurrent_activation").unwrap_or("sigmoid"))?;
        Some(4 * (1 + bias) + 3 * gate + 2 * inner + 4)
    })();
    Work { macs, other: product([steps, places, filters, cell]) }
}

/// Projections of query, key and value, the products of queries with keys and of scores with values, the last projection.
///
/// The inputs are query, value and, where it is not the value, key.
fn attend(seen: &Seen<'_>, groups: Option<u64>) -> Work {
    let node = seen.node;
    let count = || {
        let heads = match groups {
            Some(_) => size_attribute(node, "num_query_heads", 0)?,
            None => size_attribute(node, "num_heads", 0)?,
        };
        let key_heads = groups.unwrap_or(heads);
        let key_size = match groups {
            Some(_) => size_attribute(node, "head_dim", 0)?,
            None => size_attribute(node, "key_dim", 0)?,
        };
        let value_size = size_attribute(node, "value_dim", key_size)?;
        if heads == 0 || key_size == 0 {
            return None;
        }
        let key_input = if data_inputs(seen) > 2 { 2 } else { 1 };
        let value_input = usize::from(data_inputs(seen) > 1);
        let key_input = key_input.min(value_input.max(key_input * usize::from(data_inputs(seen) > 1)));
        let tokens = |input: usize| {
            let sizes = seen.sizes(input)?;
            let (_, tokens) = sizes.split_last()?;
            volume(tokens.get(1..)?)
        };
        let batch = seen.size(0, 0)?;
        let (queries, keys) = (tokens(0)?, tokens(value_input)?);
        let width = |input: usize| seen.size_from_back(input, 0);
        let out = seen.output(0)?.shape.as_ref()?.last()?.size()?;
        let projections = sum([
            product([Some(batch), Some(queries), width(0), Some(heads), Some(key_size)]),
            product([Some(batch), Some(keys), width(key_input), Some(key_heads), Some(key_size)]),
            product([Some(batch), Some(keys), width(value_input), Some(key_heads), Some(value_size)]),
            product([batch, queries, heads, value_size, out].map(Some)),
        ]);
        let scores = product([batch, heads, queries, keys].map(Some));
        let products = product([scores, key_size.checked_add(value_size)]);
        let bias = match node.int("use_bias").unwrap_or(1) {
            0 => Some(0),
            _ => sum([
                product([batch, queries, heads, key_size].map(Some)),
                product([batch, keys, key_heads, key_size].map(Some)),
                product([batch, keys, key_heads, value_size].map(Some)),
                product([batch, queries, out].map(Some)),
            ]),
        };
        // The queries are scaled.
        let scaled = product([batch, queries, heads, key_size].map(Some));
        Some(Work { macs: sum([projections, products]), other: sum([bias, scaled, times(scores, SOFTMAX)]) })
    };
    count().unwrap_or(Work::UNKNOWN)
}

/// Attention without projections: the inputs are query, value and, where it is not the value, key.
/// The additive kind has no product of queries and keys: their sum, tanh, a scale, and a sum over the width.
fn attention(seen: &Seen<'_>, additive: bool) -> Work {
    let pairs = product([seen.size(0, 0), seen.size_from_back(0, 1), seen.size_from_back(1, 1)]);
    let width = seen.size_from_back(0, 0);
    let values = product([pairs, seen.size_from_back(1, 0)]);
    let scores = product([pairs, width]);
    let softmax = times(pairs, SOFTMAX);
    match additive {
        true => Work { macs: values, other: sum([times(scores, 4), softmax]) },
        false => Work { macs: sum([scores, values]), other: softmax },
    }
}
