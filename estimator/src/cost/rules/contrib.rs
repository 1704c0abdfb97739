//! ONNX Runtime's own operators (`com.microsoft` and its layouts), in the terms of the standard ones they fuse.
//! Definitions: <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>.
//!
//! Not counted, because their work depends on the data or on a mask that is data: `SparseAttention`,
//! `LongformerAttention`, `PagedAttention`, `DecoderAttention`, and the loops that generate text.

use super::Rule;
use super::attention::{Heads, rotary};
use super::convolution::{causal, convolved, minus, transposed, window, with_bias};
use super::elementwise::{GELU, GELU_TANH, per_element};
use super::linear::matmul;
use super::normalisation::{RMS, SOFTMAX, log2};
use super::quantised::{DEQUANTISE, QUANTISE, without_zero};
use super::recurrent::{linear_attention, lstm_cell, recurrent};
use super::signal::fast_fourier;
use crate::cost::count::{Seen, Work, product, size_attribute, sum, times};
use crate::cost::weights::{Amount, Packed, Use};
use crate::model::{Contents, DType, Model, Node};

/// Operations per element of a layer norm without its shift.
const LAYER_NORM: u64 = 6;
/// Operations per element of `x·sigmoid(x)`.
const SWISH: u64 = 5;

/// The rule of an operator of one of these domains, or of one that ONNX Runtime adds to the standard domain.
pub(super) fn find(domain: &str, op: &str) -> Option<Rule> {
    match domain {
        "" => (op == "SimplifiedLayerNormalization").then_some(simplified_norm as Rule),
        "com.microsoft" => fused(op)
            .or_else(|| attention(op))
            .or_else(|| quantised(op))
            .or_else(|| moved(op))
            .or_else(|| as_standard(op)),
        "com.microsoft.nchwc" => match op {
            "ReorderInput" | "ReorderOutput" => Some(|_| Work::NONE),
            "Conv" => Some(fused_convolution),
            "MaxPool" | "AveragePool" | "GlobalMaxPool" | "GlobalAveragePool" | "Upsample" => super::find("", op),
            _ => None,
        },
        "com.ms.internal.nhwc" => super::find("", op),
        _ => None,
    }
}

/// Operators that are standard ones in all but name.
fn as_standard(op: &str) -> Option<Rule> {
    match op {
        "DequantizeLinear" | "Gelu" | "GridSample" | "QuantizeLinear" | "Range" | "Unique" => super::find("", op),
        "MaxpoolWithMask" | "NhwcMaxPool" => super::find("", "MaxPool"),
        _ => None,
    }
}

/// Data movement.
fn moved(op: &str) -> Option<Rule> {
    const FREE: &[&str] = &[
        "BitmaskDropout",
        "ExpandDims",
        "GatherND",
        "Pad",
        "RemovePadding",
        "RestorePadding",
        "SampleOp",
        "TorchEmbedding",
        "Trilu",
        "UnfoldTensor",
    ];
    FREE.contains(&op).then_some((|_| Work::NONE) as Rule)
}

fn fused(op: &str) -> Option<Rule> {
    Some(match op {
        "SimplifiedLayerNormalization" => simplified_norm,
        "FastGelu" => |seen| each(seen, GELU_TANH + u64::from(seen.has(1))),
        "BiasGelu" => |seen| each(seen, GELU + 1),
        // ·alpha, sigmoid, ·x
        "QuickGelu" => |seen| each(seen, SWISH + 1),
        // The bias, and the product of one half with the activation of the other.
        "BiasSplitGelu" => |seen| Work::other(sum([seen.elements(0), times(seen.out_elements(), GELU + 1)])),
        "BiasAdd" | "GatedAdd" => |seen| each(seen, 2),
        "BiasSoftmax" => |seen| each(seen, SOFTMAX + 1),
        "BiasDropout" | "BitmaskBiasDropout" => |seen| each(seen, 1 + u64::from(seen.has(2))),
        // The norm, the gate's activation, and their product.
        "GatedRMSNorm" => |seen| each(seen, RMS + SWISH + 1),
        "GroupNorm" => |seen| each(seen, LAYER_NORM + 1 + activated(seen)),
        "SkipGroupNorm" => |seen| each(seen, 1 + u64::from(seen.has(4)) + LAYER_NORM + 1 + activated(seen)),
        "SkipLayerNormalization" => |seen| each(seen, 1 + u64::from(seen.has(4)) + LAYER_NORM + u64::from(seen.has(3))),
        "SkipSimplifiedLayerNormalization" => |seen| each(seen, 1 + u64::from(seen.has(3)) + RMS),
        // Two or three embeddings added.
        "EmbedLayerNormalization" => |seen| each(seen, 1 + u64::from(seen.has(4)) + LAYER_NORM + 1),
        "QEmbedLayerNormalization" => {
            |seen| each(seen, (2 + u64::from(seen.has(4))) * (DEQUANTISE + 1) - 1 + LAYER_NORM + 1)
        }
        // Two norms, the product of both and its sum, the gate's product.
        "EngramGate" => |seen| each(seen, 2 * RMS + 2 + 1),
        "LinearAttentionGate" => |seen| {
            // Bias, softplus, scale; a sigmoid for the rate.
            let rate = if seen.has(3) { times(seen.elements(3), 4) } else { Some(0) };
            Work::other(sum([times(seen.elements(0), 1 + 3 + 1), rate]))
        },
        "FusedMatMul" | "TransposeMatMul" | "FusedMatMulActivation" | "SparseToDenseMatMul" => fused_product,
        "GemmFastGelu" => {
            |seen| Work { macs: matmul(seen), other: times(seen.out_elements(), GELU_TANH + u64::from(seen.has(2))) }
        }
        "FusedGemm" | "GemmFloat8" => fused_gemm,
        "FusedConv" | "NhwcConv" | "NhwcFusedConv" => fused_convolution,
        "ConvTransposeWithDynamicPads" => |seen| with_bias(seen, transposed(seen, 0, 1), seen.has(3)),
        "CausalConvWithState" => causal,
        "VarlenCausalConvWithState" => |seen| {
            let silu = matches!(seen.node.text("activation"), Some("silu" | "swish"));
            let per = u64::from(seen.has(3)) + if silu { SWISH } else { 0 };
            Work { macs: convolved(seen, 1), other: times(seen.out_elements(), per) }
        },
        "WordConvEmbedding" => word_embedding,
        // Elimination with as many right sides: about n³ products with a difference each.
        "Inverse" => |seen| Work::other(times(product([seen.elements(0), seen.size_from_back(0, 0)]), 2)),
        "Rfft" => |seen| Work::other(real_fourier(seen.elements(0), seen.size_from_back(0, 0))),
        "Irfft" => |seen| {
            let length = seen.out_sizes(0).and_then(|sizes| sizes.last().copied());
            Work::other(real_fourier(seen.out_elements(), length))
        },
        // Four products and two sums for each pair.
        "ComplexMul" | "ComplexMulConj" => |seen| each(seen, 3),
        // A difference, a square and a sum for each coordinate.
        "CDist" => |seen| Work::other(times(product([seen.out_elements(), seen.size_from_back(0, 0)]), 3)),
        "CropAndResize" => |seen| {
            // Four products and three sums between four neighbours.
            each(seen, if seen.node.text("mode") == Some("nearest") { 0 } else { 7 })
        },
        "IsAllFinite" => |seen| Work::other(seen.elements(0)),
        // Two comparisons and a sum for each cell.
        "DynamicTimeWarping" => |seen| Work::other(times(seen.elements(0), 3)),
        "MoE" | "QMoE" => experts,
        _ => return None,
    })
}

fn attention(op: &str) -> Option<Rule> {
    Some(match op {
        "Attention" | "DecoderMaskedSelfAttention" => |seen| projected(seen, &[1], 2, 4, 5),
        "QAttention" => |seen| {
            let work = projected(seen, &[1], 2, 8, usize::MAX);
            let scaled = product([seen.size(0, 0), seen.size(0, 1), seen.size(1, 1)]);
            let other = sum([work.other, without_zero(seen, [(0, 6), (1, 7)]), scaled]);
            Work { other, ..work }
        },
        "QOrderedAttention" => |seen| projected(seen, &[5, 6, 7], 11, 18, 19),
        "PackedAttention" => packed_projected,
        "MultiHeadAttention" => |seen| multi_head(seen, 6, 8, 3, [4, 5]),
        "DecoderMaskedMultiHeadAttention" => |seen| multi_head(seen, 5, 7, 10, [3, 4]),
        "PackedMultiHeadAttention" => packed_multi_head,
        "GroupQueryAttention" => grouped,
        "RotaryEmbedding" | "MRotaryEmbedding" => {
            |seen| Work::other(rotary(seen, seen.node.int("rotary_embedding_dim").unwrap_or(0)))
        }
        // A sine and a cosine of each angle; two products and a sum of each element.
        "GemmaRotaryEmbedding" => |seen| {
            Work::other(sum([times(seen.elements(0), 2), times(seen.elements(1), 3), times(seen.elements(3), 3)]))
        },
        // Distance, its logarithm, scale, rounding and limit for each pair; the rest is looked up.
        "RelativePositionBias" => |seen| {
            let sizes = seen.out_sizes(0).unwrap_or_default();
            Work::other(times(product([sizes.get(2).copied(), sizes.get(3).copied()]), 5))
        },
        "GatedRelativePositionBias" => gated_bias,
        "LinearAttention" => linear_attention,
        "GatedDeltaNet" => gated_delta,
        _ => return None,
    })
}

fn quantised(op: &str) -> Option<Rule> {
    Some(match op {
        "MatMulNBits" => |seen| few_bits(seen, &["N"], seen.has(5)),
        "MatMulBnb4" => |seen| {
            let transposed = seen.node.int("transB").unwrap_or(1) != 0;
            let (inner, outer) = if transposed { ("K", "N") } else { ("N", "K") };
            // Looked up and scaled.
            let scaled = product([size_attribute(seen.node, inner, 0), size_attribute(seen.node, outer, 0)]);
            Work { macs: product([seen.elements(0), size_attribute(seen.node, outer, 0)]), other: scaled }
        },
        "MatMulFpQ4" => |seen| {
            let shape = seen.contents(2).and_then(elements_of);
            Work { macs: matmul(seen), other: times(shape, DEQUANTISE) }
        },
        "MatMulNBitsMlp" => |seen| {
            let work = few_bits(seen, &["N", "N"], false);
            let biases = u64::from(seen.has(5)) + u64::from(seen.has(8));
            let gate = times(seen.out_elements(), SWISH + 1 + biases);
            Work { other: sum([work.other, gate, shared_norm(seen)]), ..work }
        },
        "MatMulNBitsQkv" => |seen| {
            let work = few_bits(seen, &["Nq", "Nkv", "Nkv"], false);
            Work { other: sum([work.other, shared_norm(seen)]), ..work }
        },
        "MatMulBlockQuantizedFp4Weight" => |seen| {
            let weight = times(seen.elements(1), 2);
            block_scaled(seen, weight, 5)
        },
        "MatMulBlockQuantizedFp8Weight" => |seen| block_scaled(seen, seen.elements(1), 4),
        "MatMulInteger16" => |seen| Work::macs(matmul(seen)),
        "MatMulIntegerToFloat" => |seen| {
            let scaled = times(seen.out_elements(), 1 + u64::from(seen.has(6)));
            Work { macs: matmul(seen), other: sum([without_zero(seen, [(0, 4), (1, 5)]), scaled]) }
        },
        "DynamicQuantizeMatMul" => |seen| {
            // Smallest, largest and quantised left factor; scale and bias of the result.
            let left = times(seen.elements(0), QUANTISE + 2);
            let scaled = times(seen.out_elements(), 1 + u64::from(seen.has(4)));
            Work { macs: matmul(seen), other: sum([left, without_zero(seen, [(1, 3), (1, usize::MAX)]), scaled]) }
        },
        "QOrderedMatMul" => |seen| Work {
            macs: matmul(seen),
            other: times(seen.out_elements(), QUANTISE + u64::from(seen.has(5)) + u64::from(seen.has(6))),
        },
        "QGemm" => |seen| {
            let inner = seen.size(0, if seen.node.int("transA").unwrap_or(0) != 0 { 0 } else { 1 });
            let each = u64::from(seen.has(6)) + if seen.has(7) { QUANTISE } else { 1 };
            let results = times(seen.out_elements(), each);
            Work {
                macs: product([seen.out_elements(), inner]),
                other: sum([without_zero(seen, [(0, 2), (3, 5)]), results]),
            }
        },
        "QLinearAdd" => |seen| each(seen, 2 * DEQUANTISE + 1 + QUANTISE),
        // Two zero points, the product, the result's scale.
        "QLinearMul" => |seen| each(seen, 2 + 1 + QUANTISE),
        "QLinearWhere" => |seen| each(seen, 1 + DEQUANTISE + QUANTISE),
        "QLinearConcat" => |seen| each(seen, DEQUANTISE + QUANTISE),
        "MulInteger" => |seen| each(seen, 1 + u64::from(seen.has(1)) + u64::from(seen.has(3))),
        "QLinearSigmoid" => |seen| each(seen, DEQUANTISE + 4 + QUANTISE),
        "QLinearLeakyRelu" => |seen| each(seen, DEQUANTISE + 2 + QUANTISE),
        "QLinearSoftmax" => |seen| each(seen, DEQUANTISE + SOFTMAX + QUANTISE),
        "QOrderedGelu" => |seen| each(seen, DEQUANTISE + GELU + QUANTISE),
        "QOrderedLayerNormalization" => |seen| each(seen, DEQUANTISE + LAYER_NORM + u64::from(seen.has(3)) + QUANTISE),
        "QLinearConv" => super::find("", "QLinearConv")?,
        "QLinearConvTranspose" => |seen| {
            let results = times(seen.out_elements(), QUANTISE + u64::from(seen.has(8)));
            Work { macs: transposed(seen, 0, 3), other: sum([without_zero(seen, [(0, 2), (3, 5)]), results]) }
        },
        "QLinearAveragePool" => |seen| {
            let sides = window(seen).and_then(|window| window.checked_add(QUANTISE));
            Work::other(product([seen.out_elements(), sides]))
        },
        "QLinearGlobalAveragePool" | "QLinearReduceMean" => {
            |seen| Work::other(sum([seen.elements(0), times(seen.out_elements(), QUANTISE)]))
        }
        "ReduceSumInteger" => |seen| Work::other(minus(seen.elements(0), seen.out_elements())),
        "QuantizeWithOrder" => |seen| each(seen, QUANTISE),
        "DequantizeWithOrder" => |seen| each(seen, DEQUANTISE),
        "GatherBlockQuantized" => |seen| each(seen, DEQUANTISE),
        "DynamicQuantizeLSTM" => |seen| {
            // The recurrent weights are directions × hidden × gates·hidden.
            let work = recurrent(seen, 1, 2, 0);
            let units = product([seen.size(2, 0), seen.size(2, 1)]);
            let steps = product([seen.size(0, 0), seen.size(0, 1)]);
            // Input and hidden state are quantised at every step.
            let quantised = sum([times(seen.elements(0), QUANTISE + 2), times(product([steps, units]), QUANTISE + 2)]);
            Work { other: sum([times(product([steps, units]), lstm_cell(seen)), quantised]), ..work }
        },
        _ => return None,
    })
}

/// So many operations per element of the first output.
fn each(seen: &Seen<'_>, operations: u64) -> Work {
    Work::other(times(seen.out_elements(), operations))
}

fn simplified_norm(seen: &Seen<'_>) -> Work {
    each(seen, RMS)
}

/// Operations per element of a fused activation that an integer turns on.
fn activated(seen: &Seen<'_>) -> u64 {
    if seen.node.int("activation").unwrap_or(0) != 0 { SWISH } else { 0 }
}

/// Operations per element of a fused activation that is named; an unknown one counts as one.
fn named_activation(node: &Node) -> u64 {
    match node.text("activation").unwrap_or_default() {
        "" | "NONE" => 0,
        "RELU" => 1,
        "GELU" => GELU,
        "Softmax" | "LogSoftmax" => SOFTMAX,
        name => per_element(name).unwrap_or(1),
    }
}

/// As `MatMul`; the contracted axis of the left factor depends on how it is transposed.
fn fused_product(seen: &Seen<'_>) -> Work {
    let is_set = |name: &str| seen.node.int(name).unwrap_or(0) != 0;
    let inner = match (is_set("transA"), is_set("transBatchA"), seen.rank(0)) {
        (true, true, Some(3..)) => seen.size(0, 0),
        (true, _, Some(2..)) => seen.size_from_back(0, 1),
        _ => seen.size_from_back(0, 0),
    };
    let scaled = u64::from(seen.node.float("alpha").unwrap_or(1.0) != 1.0);
    let out = seen.out_elements();
    Work { macs: product([out, inner]), other: times(out, scaled + named_activation(seen.node)) }
}

fn fused_gemm(seen: &Seen<'_>) -> Work {
    let Some(gemm) = super::find("", "Gemm") else { return Work::UNKNOWN };
    let work = gemm(seen);
    Work { other: sum([work.other, times(seen.out_elements(), named_activation(seen.node))]), ..work }
}

/// A convolution with bias, a residual to add, and an activation.
fn fused_convolution(seen: &Seen<'_>) -> Work {
    let each = u64::from(seen.has(2)) + u64::from(seen.has(3)) + named_activation(seen.node);
    Work { macs: convolved(seen, 1), other: times(seen.out_elements(), each) }
}

/// Letters' embeddings under a convolution, and the largest over each word:
/// words as batch × words × letters, filters × 1 × window × width.
fn word_embedding(seen: &Seen<'_>) -> Work {
    let places = || {
        let (letters, window) = (seen.size_from_back(0, 0)?, seen.size(1, 2)?);
        let words = seen.elements(0)?.checked_div(letters)?;
        product([Some(words), letters.checked_add(1)?.checked_sub(window)])
    };
    let values = product([places(), seen.size(1, 0)]);
    Work { macs: product([places(), seen.elements(1)]), other: times(values, 2) }
}

fn real_fourier(elements: Option<u64>, length: Option<u64>) -> Option<u64> {
    let transforms = elements?.checked_div(length?)?;
    product([Some(transforms), fast_fourier(length?, true)])
}

/// Each token goes through its `k` experts, each of them a stack of two or three matrices.
///
/// Other operations: softmax over the experts, the search for the best, the activation, and the weighted sum of results.
fn experts(seen: &Seen<'_>) -> Work {
    let count = || {
        let quantised = seen.node.op.as_ref() == "QMoE";
        let (second, third) = if quantised { (5, 8) } else { (4, 6) };
        let chosen = size_attribute(seen.node, "k", 1)?;
        let (rows, all) = (seen.size(1, 0)?, seen.size(1, 1)?);
        let bits = size_attribute(seen.node, "expert_weight_bits", 4)?;
        let per_expert = |index: usize| {
            let packed = quantised && seen.input(index)?.dtype == Some(DType::U8);
            let factor = if packed { 8u64.checked_div(bits)? } else { 1 };
            product([seen.size(index, 1), seen.size(index, 2), Some(factor)])
        };
        let gate = if seen.has(third) { per_expert(third) } else { Some(0) };
        let runs = rows.checked_mul(chosen)?;
        let macs = product([Some(runs), sum([per_expert(2), per_expert(second), gate])]);
        let routing = times(product([Some(rows), Some(all)]), SOFTMAX + log2(all));
        let activation = match seen.node.text("activation_type").unwrap_or("relu") {
            "gelu" => GELU,
            "silu" => SWISH,
            "swiglu" => SWISH + 1,
            "identity" => 0,
            _ => 1,
        };
        let fused = if seen.node.int("swiglu_fusion").unwrap_or(0) != 0 { 2 } else { 1 };
        let inner = seen.size(2, 1)?.checked_div(fused);
        let activated = times(product([Some(runs), inner]), activation);
        let mixed = times(product([Some(runs), seen.size_from_back(0, 0)]), 2);
        let dequantised =
            if quantised { times(sum([per_expert(2), per_expert(second), gate]), DEQUANTISE) } else { Some(0) };
        // At most as many experts are dequantised as there are, and as are chosen.
        let touched = times(dequantised, runs.min(all));
        Some(Work { macs, other: sum([routing, activated, mixed, touched]) })
    };
    count().unwrap_or(Work::UNKNOWN)
}

/// Operations of turning queries and keys where the node does it itself.
fn turned(seen: &Seen<'_>, tokens: Option<u64>, width: Option<u64>) -> Option<u64> {
    match seen.node.int("do_rotary").unwrap_or(0) {
        0 => Some(0),
        _ => times(product([tokens, width]), 3),
    }
}

/// Self-attention with its projections. `weights` are merged (inputs × all outputs) or three;
/// `past` is the place of the caches (2 × batch × heads × tokens × size).
fn projected(seen: &Seen<'_>, weights: &[usize], bias: usize, past: usize, scores_bias: usize) -> Work {
    let count = || {
        let (batch, tokens) = (seen.size(0, 0)?, seen.size(0, 1)?);
        let heads = size_attribute(seen.node, "num_heads", 0)?;
        let widths: Vec<u64> = weights.iter().map(|index| seen.size(*index, 1)).collect::<Option<_>>()?;
        let (queries, values) = match (seen.node.ints("qkv_hidden_sizes"), widths.as_slice()) {
            (Some([queries, _, values]), _) => (u64::try_from(*queries).ok()?, u64::try_from(*values).ok()?),
            (_, [queries, _, values]) => (*queries, *values),
            (_, [all]) => (all / 3, all / 3),
            _ => return None,
        };
        let cached = if seen.has(past) { seen.size(past, 3)? } else { 0 };
        let heads = Heads {
            batch,
            heads,
            queries: tokens,
            keys: cached.checked_add(tokens)?,
            key_size: queries.checked_div(heads)?,
            value_size: values.checked_div(heads)?,
        };
        let all = batch.checked_mul(tokens);
        let projection = product([all, sum(weights.iter().map(|index| seen.elements(*index)))]);
        let biases =
            if seen.has(bias) { product([all, sum(widths.iter().map(|width| Some(*width)))]) } else { Some(0) };
        let masked = seen.has(3) || seen.node.int("unidirectional").unwrap_or(0) != 0;
        let work = heads.work(1 + u64::from(masked) + u64::from(seen.has(scores_bias)));
        let turned = turned(seen, all, queries.checked_mul(2));
        Some(Work { macs: sum([projection, work.macs]), other: sum([biases, work.other, turned]) })
    };
    count().unwrap_or(Work::UNKNOWN)
}

/// Without padding: the projections are of the tokens there are, the scores as if every sequence had the full length.
fn packed_projected(seen: &Seen<'_>) -> Work {
    let count = || {
        let tokens = seen.size(0, 0);
        let all = seen.size(1, 1)?;
        let (queries, values) = match seen.node.ints("qkv_hidden_sizes") {
            Some([queries, _, values]) => (u64::try_from(*queries).ok()?, u64::try_from(*values).ok()?),
            _ => (all / 3, all / 3),
        };
        let work = packed_heads(seen, 3, queries, values)?.work(1 + u64::from(seen.has(5)));
        let projection = product([tokens, seen.elements(1)]);
        Some(Work { macs: sum([projection, work.macs]), other: sum([product([tokens, Some(all)]), work.other]) })
    };
    count().unwrap_or(Work::UNKNOWN)
}

fn packed_multi_head(seen: &Seen<'_>) -> Work {
    let count = || {
        let (queries, values) = match seen.sizes(0)?.as_slice() {
            [_, heads, _, size] => (heads.checked_mul(*size)?, heads.checked_mul(*size)?),
            [_, queries] => (*queries, seen.size(2, 1)?),
            _ => return None,
        };
        Some(packed_heads(seen, 4, queries, values)?.work(1 + u64::from(seen.has(6))))
    };
    count().unwrap_or(Work::UNKNOWN)
}

/// The offsets of the tokens are batch × longest sequence.
fn packed_heads(seen: &Seen<'_>, offsets: usize, queries: u64, values: u64) -> Option<Heads> {
    let heads = size_attribute(seen.node, "num_heads", 0)?;
    let (batch, tokens) = (seen.size(offsets, 0)?, seen.size(offsets, 1)?);
    Some(Heads {
        batch,
        heads,
        queries: tokens,
        keys: tokens,
        key_size: queries.checked_div(heads)?,
        value_size: values.checked_div(heads)?,
    })
}

/// Queries, keys and values after their projections, apart or packed; the places of past keys, of how far the
/// cache is filled, of the projections' bias,
/// and of the mask and the bias of scores.
fn multi_head(seen: &Seen<'_>, past: usize, filled: usize, bias: usize, [mask, scores_bias]: [usize; 2]) -> Work {
    let count = || {
        let heads = size_attribute(seen.node, "num_heads", 0)?;
        let query = seen.sizes(0)?;
        let (batch, queries) = (*query.first()?, *query.get(1)?);
        let width = *query.get(2)?;
        let (key_size, value_size, tokens) = match (query.as_slice(), seen.has(1)) {
            ([_, _, _, _, size], _) => (*size, *size, queries),
            (_, false) => {
                let third = (width / 3).checked_div(heads)?;
                (third, third, queries)
            }
            (_, true) => match seen.sizes(1)?.as_slice() {
                [_, tokens, _, _, size] => (*size, *size, *tokens),
                [_, _, tokens, size] => (*size, seen.size_from_back(2, 0).unwrap_or(*size), *tokens),
                [_, tokens, keys] => (keys.checked_div(heads)?, seen.size(2, 2)?.checked_div(heads)?, *tokens),
                _ => return None,
            },
        };
        let cached = if seen.has(past) { seen.size(past, 2)? } else { 0 };
        // A cache that is a buffer may be full: how far it is filled comes at run time.
        let is_buffer = seen.has(filled) || seen.node.int("past_present_share_buffer").unwrap_or(0) != 0;
        let keys = if is_buffer && cached > 0 { cached } else { cached.checked_add(tokens)? };
        let sizes = Heads { batch, heads, queries, keys, key_size, value_size };
        let masked = seen.has(mask) || seen.node.int("unidirectional").unwrap_or(0) != 0;
        let work = sizes.work(1 + u64::from(masked) + u64::from(seen.has(scores_bias)));
        let biases = if seen.has(bias) { product([Some(batch), Some(queries), seen.elements(bias)]) } else { Some(0) };
        Some(Work { other: sum([work.other, biases]), ..work })
    };
    count().unwrap_or(Work::UNKNOWN)
}

/// Grouped queries with a cache. With a local window each query looks at no more tokens than the window holds.
fn grouped(seen: &Seen<'_>) -> Work {
    let count = || {
        let (heads, kv_heads) =
            (size_attribute(seen.node, "num_heads", 0)?, size_attribute(seen.node, "kv_num_heads", 0)?);
        let (batch, queries, width) = (seen.size(0, 0)?, seen.size(0, 1)?, seen.size(0, 2)?);
        let packed = !seen.has(1);
        let all_heads = if packed { heads.checked_add(kv_heads.checked_mul(2)?)? } else { heads };
        let size = width.checked_div(all_heads)?;
        let new = if packed { queries } else { seen.size(1, 1)? };
        let cached = if seen.has(3) { seen.size(3, 2)? } else { 0 };
        let stated = match seen.contents(6) {
            Some(Contents::Integers(items)) => items.first().and_then(|total| u64::try_from(*total).ok()),
            _ => None,
        };
        let keys = stated.or(cached.checked_add(new))?;
        let window =
            seen.node.int("local_window_size").and_then(|size| u64::try_from(size).ok()).filter(|size| *size > 0);
        let keys = window.map_or(keys, |window| keys.min(window));
        let sizes = Heads { batch, heads, queries, keys, key_size: size, value_size: size };
        let causal = seen.node.int("causal").unwrap_or(1) != 0;
        let capped = seen.node.float("softcap").unwrap_or(0.0) != 0.0;
        let each = 1 + u64::from(causal) + if capped { 3 } else { 0 } + u64::from(seen.has(10));
        let work = sizes.work(each);
        let tokens = batch.checked_mul(queries);
        let turning = turned(seen, tokens, heads.checked_add(kv_heads)?.checked_mul(size));
        let normed = match seen.has(14) {
            true => times(product([tokens, heads.checked_add(kv_heads), Some(size)]), RMS),
            false => Some(0),
        };
        Some(Work { other: sum([work.other, turning, normed]), ..work })
    };
    count().unwrap_or(Work::UNKNOWN)
}

/// The gate is a small product of each head's query; it then scales the table of positions.
fn gated_bias(seen: &Seen<'_>) -> Work {
    let count = || {
        let (tokens, gates) = (seen.elements(0)?, seen.size(3, 1)?);
        let rows = tokens.checked_div(seen.size(3, 0)?)?;
        // The query's bias; the gates' bias and sum, two sigmoids and three more operations for each row.
        let gating = sum([Some(tokens), times(product([Some(rows), Some(gates)]), 2), times(Some(rows), 2 * 4 + 3)]);
        Some(Work { macs: product([Some(tokens), Some(gates)]), other: sum([gating, seen.out_elements()]) })
    };
    count().unwrap_or(Work::UNKNOWN)
}

/// As `LinearAttention`, with as many states as there are heads of values: tokens × heads × size.
fn gated_delta(seen: &Seen<'_>) -> Work {
    let count = || {
        let (key_size, value_size, heads) =
            (seen.size_from_back(0, 0)?, seen.size_from_back(2, 0)?, seen.size_from_back(2, 1)?);
        let tokens = seen.elements(2)?.checked_div(value_size)?.checked_div(heads)?;
        let states = product([tokens, heads, key_size, value_size].map(Some));
        let rule = seen.node.text("update_rule").unwrap_or("gated_delta");
        let (gated, delta) = (rule.starts_with("gated"), rule.ends_with("delta"));
        let decay = if gated { states } else { Some(0) };
        let results = times(seen.elements(2), 1 + if delta { 2 } else { 0 });
        Some(Work { macs: times(states, 2 + u64::from(delta)), other: sum([decay, results]) })
    };
    count().unwrap_or(Work::UNKNOWN)
}

/// Products with weights of a few bits, K × each of the widths that these attributes name:
/// every weight is dequantised once, and a bias added to each result.
fn few_bits(seen: &Seen<'_>, widths: &[&str], bias: bool) -> Work {
    let width = sum(widths.iter().map(|name| size_attribute(seen.node, name, 0)));
    let weights = product([size_attribute(seen.node, "K", 0), width]);
    let biases = if bias { seen.out_elements() } else { Some(0) };
    Work { macs: product([seen.elements(0), width]), other: sum([times(weights, DEQUANTISE), biases]) }
}

/// The RMS norm (and the residual sum before it) that a fused product starts with.
fn shared_norm(seen: &Seen<'_>) -> Option<u64> {
    times(seen.elements(0), u64::from(seen.has(1)) + if seen.has(2) { RMS } else { 0 })
}

/// The weights are outputs × inputs, each scaled once.
fn block_scaled(seen: &Seen<'_>, weights: Option<u64>, bias: usize) -> Work {
    let biases = if seen.has(bias) { seen.out_elements() } else { Some(0) };
    Work { macs: product([seen.elements(0), seen.size(1, 0)]), other: sum([weights, biases]) }
}

/// The number of elements of a shape written down as a constant.
fn elements_of(contents: &Contents) -> Option<u64> {
    match contents {
        Contents::Integers(sizes) => product(sizes.iter().map(|size| u64::try_from(*size).ok())),
        _ => None,
    }
}

/// The inputs that hold weights of any type, and those that hold scales and zero points; the others are plain.
pub(super) fn use_of(node: &Node, index: usize) -> Option<Use> {
    let (weights, buffers): (&[usize], &[usize]) = match node.op.as_ref() {
        "DequantizeLinear" | "DequantizeWithOrder" | "QuantizeLinear" | "QuantizeWithOrder" => {
            return Some(match (node.op.as_ref(), index) {
                ("DequantizeLinear" | "DequantizeWithOrder", 0) => Use::Dequantised,
                (_, 0) => Use::Through,
                _ => Use::Buffer,
            });
        }
        "DynamicQuantizeLSTM" => (&[1, 2], &[8, 9, 10, 11]),
        "DynamicQuantizeMatMul" => (&[1], &[2, 3]),
        "GatherBlockQuantized" => (&[0], &[2, 3]),
        "GroupQueryAttention" => (&[], &[12, 13]),
        "MatMulBlockQuantizedFp4Weight" => (&[1], &[2, 3, 4]),
        "MatMulBlockQuantizedFp8Weight" => (&[1], &[2, 3]),
        "MatMulBnb4" => (&[1], &[2]),
        "MatMulFpQ4" => (&[1], &[]),
        "MatMulInteger16" => (&[0, 1], &[]),
        "MatMulIntegerToFloat" => (&[0, 1], &[2, 3, 4, 5]),
        "MatMulNBits" => (&[1], &[2, 3]),
        "MatMulNBitsMlp" => (&[3, 6], &[4, 7]),
        "MatMulNBitsQkv" => (&[3, 6, 9], &[4, 7, 10]),
        "MulInteger" => (&[0, 2], &[1, 3]),
        "QAttention" => (&[1], &[3, 4, 6, 7]),
        "QEmbedLayerNormalization" => (&[2, 3, 4, 5, 6], &[8, 9, 10, 11, 12, 13, 14, 15, 16, 17]),
        "QGemm" => (&[0, 3, 6], &[1, 2, 4, 5, 7, 8]),
        "QLinearAdd" | "QLinearMul" => (&[0, 3], &[1, 2, 4, 5, 6, 7]),
        "QLinearAveragePool"
        | "QLinearGlobalAveragePool"
        | "QLinearLeakyRelu"
        | "QLinearReduceMean"
        | "QLinearSigmoid"
        | "QLinearSoftmax" => (&[0], &[1, 2, 3, 4]),
        "QLinearConcat" => {
            let is_tensor = index >= 2 && (index - 2).is_multiple_of(3);
            return Some(if is_tensor { Use::Weight } else { Use::Buffer });
        }
        "QLinearConv" | "QLinearConvTranspose" => (&[0, 3, 8], &[1, 2, 4, 5, 6, 7]),
        "QLinearWhere" => (&[1, 4], &[2, 3, 5, 6, 7, 8]),
        "QMoE" => (&[2, 5, 8], &[3, 6, 9, 11, 12, 13, 15, 16, 17, 18, 19, 20]),
        "QOrderedAttention" => (&[5, 6, 7], &[1, 2, 3, 4, 8, 9, 10, 14, 15, 16]),
        "QOrderedGelu" => (&[0], &[1, 2]),
        "QOrderedLayerNormalization" => (&[0], &[1, 4]),
        "QOrderedMatMul" => (&[0, 2, 6], &[1, 3, 4, 7]),
        _ => return None,
    };
    match (weights.contains(&index), buffers.contains(&index)) {
        (true, _) => Some(Use::Weight),
        (_, true) => Some(Use::Buffer),
        _ => None,
    }
}

/// What the weights hold that some operators take packed into bytes.
pub(super) fn packed(model: &Model, node: &Node, index: usize) -> Option<Packed> {
    let matrix = |rows: &str, columns: &str| {
        Amount::Elements(product([size_attribute(node, rows, 0), size_attribute(node, columns, 0)]))
    };
    let bits = |default: i64, name: &str| node.int(name).unwrap_or(default);
    let (amount, dtype) = match (node.op.as_ref(), index) {
        ("MatMulNBits", 1) | ("MatMulNBitsMlp", 3 | 6) => (matrix("N", "K"), unsigned(bits(4, "bits"))),
        ("MatMulNBitsQkv", 3) => (matrix("Nq", "K"), unsigned(bits(4, "bits"))),
        ("MatMulNBitsQkv", 6 | 9) => (matrix("Nkv", "K"), unsigned(bits(4, "bits"))),
        ("MatMulBnb4", 1) => (matrix("N", "K"), if node.int("quant_type") == Some(1) { "nf4" } else { "fp4" }),
        ("MatMulFpQ4", 1) => {
            let shape = node.inputs.get(2).copied().flatten().and_then(|id| model.value(id)?.weight.as_ref());
            (Amount::Elements(shape.and_then(|weight| elements_of(weight.contents.as_ref()?))), "i4")
        }
        ("MatMulBlockQuantizedFp4Weight", 1) => (Amount::PerByte(2), "f4e2m1"),
        ("GatherBlockQuantized", 0) => {
            let bits = bits(4, "bits");
            (Amount::PerByte(u64::try_from(8i64.checked_div(bits)?).ok()?), unsigned(bits))
        }
        ("QMoE", 2 | 5 | 8) => {
            let bits = bits(4, "expert_weight_bits");
            let float = node.text("quant_type").is_some_and(|kind| kind.contains("fp4"));
            (
                Amount::PerByte(u64::try_from(8i64.checked_div(bits)?).ok()?),
                if float { "f4e2m1" } else { unsigned(bits) },
            )
        }
        _ => return None,
    };
    Some(Packed { amount, dtype })
}

/// The name of an unsigned integer of so many bits.
fn unsigned(bits: i64) -> &'static str {
    match bits {
        2 => "u2",
        3 => "u3",
        4 => "u4",
        5 => "u5",
        6 => "u6",
        7 => "u7",
        _ => "u8",
    }
}
