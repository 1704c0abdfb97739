//! Norms with their residual sums, activations with their biases, products with their transposes,
//! layouts with channels last or in blocks, and the loops that generate text.

use super::super::Rule;
use super::super::elementwise::same_as_first;
use super::super::linear::matmul;
use super::quantised::{standard, standard_on};
use super::{broadcast_of, channels_last, dim, is_set};
use crate::model::{DType, Dim};
use crate::shapes::call::{Call, Outcome, axis};

/// The rules of `com.microsoft`.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "FastGelu" | "Gelu" | "QuickGelu" | "BiasGelu" | "BiasAdd" | "BiasSoftmax" | "GatedAdd" | "GatedRMSNorm"
        | "GroupNorm" | "Inverse" | "Trilu" | "SampleOp" => same_as_first,
        "SimplifiedLayerNormalization" => simplified_norm,
        "SkipLayerNormalization" | "SkipSimplifiedLayerNormalization" => skip_norm,
        "SkipGroupNorm" => |call| {
            call.pass_type(0, 1);
            same_as_first(call)
        },
        "EmbedLayerNormalization" | "QEmbedLayerNormalization" => embed_norm,
        "EngramGate" => |call| {
            call.pass_type(0, 1);
            same_as_first(call)
        },
        "BiasSplitGelu" => split_gelu,
        "BiasDropout" => |call| dropout(call, Some(DType::Bool)),
        "BitmaskDropout" | "BitmaskBiasDropout" => |call| dropout(call, None),
        "FusedMatMul" | "FusedMatMulActivation" | "TransposeMatMul" | "SparseToDenseMatMul" => fused_product,
        "GemmFastGelu" => |call| standard_on(call, &[0, 1], "MatMul"),
        "FusedGemm" => |call| standard(call, "Gemm"),
        "GemmFloat8" => |call| {
            standard(call, "Gemm")?;
            let (dtype, shape) = (call.dtype_attribute("dtype"), call.outputs.first().cloned().flatten());
            let shape = shape.and_then(|of| of.as_tensor().and_then(|tensor| tensor.shape.clone()));
            call.set_tensor(0, dtype.or(Some(DType::F32)), shape);
            Ok(())
        },
        "FusedConv" => |call| standard(call, "Conv"),
        "NhwcConv" | "NhwcFusedConv" => |call| channels_last(call, |call| standard(call, "Conv")),
        "ConvTransposeWithDynamicPads" => transposed_convolution,
        "MaxpoolWithMask" => |call| standard(call, "MaxPool"),
        "CausalConvWithState" => causal,
        "VarlenCausalConvWithState" => |call| {
            call.pass_type(4, 1);
            same_as_first(call)
        },
        "GridSample" | "GatherND" | "Pad" | "Range" => |call| standard(call, &call.node.op.clone()),
        "CropAndResize" => crop_and_resize,
        "ExpandDims" => expand_dims,
        "Rfft" => real_fourier,
        "Irfft" => inverse_real_fourier,
        "ComplexMul" | "ComplexMulConj" => |call| {
            let (dtype, shape) = (call.dtype(0), broadcast_of(call, &[0, 1])?);
            call.set_tensor(0, dtype, shape);
            Ok(())
        },
        "CDist" => |call| {
            let (dtype, rows, columns) = (call.dtype(0), at(call, 0, 0), at(call, 1, 0));
            call.set_tensor(0, dtype, Some(vec![rows, columns]));
            Ok(())
        },
        "TorchEmbedding" => |call| {
            let (dtype, width) = (call.dtype(0), at(call, 0, 1));
            let shape = call.shape(1).map(|indices| [indices, vec![width]].concat());
            call.set_tensor(0, dtype, shape);
            Ok(())
        },
        "WordConvEmbedding" => word_embedding,
        "UnfoldTensor" => unfold,
        "Unique" => unique,
        "NGramRepeatBlock" => |call| {
            call.pass_type(1, 0);
            Ok(())
        },
        "NGramHashMapping" | "VarlenNGramHashMapping" => hashes,
        "MurmurHash3" => |call| {
            let (unsigned, shape) = (call.int_or("positive", 1) != 0, call.shape(0));
            call.set_tensor(0, Some(if unsigned { DType::U32 } else { DType::I32 }), shape);
            Ok(())
        },
        "IsAllFinite" => |call| {
            call.set_tensor(0, Some(DType::Bool), Some(Vec::new()));
            Ok(())
        },
        "RemovePadding" => remove_padding,
        "RestorePadding" => |call| {
            let (dtype, width) = (call.dtype(0), at(call, 0, 1));
            let shape = call.shape(1).map(|offsets| [offsets, vec![width]].concat());
            call.set_tensor(0, dtype, shape);
            Ok(())
        },
        "DynamicTimeWarping" => time_warping,
        "AttnLSTM" => |call| standard(call, "LSTM"),
        "BeamSearch" | "WhisperBeamSearch" => beam_search,
        "GreedySearch" | "Sampling" => |call| {
            let (batch, length) = (at(call, 0, 0), call.integer(1));
            call.set_tensor(0, Some(DType::I32), Some(vec![batch, length]));
            Ok(())
        },
        _ => return None,
    })
}

/// What ONNX Runtime adds to the standard domain.
pub(super) fn find_standard(op: &str) -> Option<Rule> {
    (op == "SimplifiedLayerNormalization").then_some(simplified_norm as Rule)
}

/// Channels in blocks: shapes are those of the standard operator with channels rounded up to a block by the weights.
pub(super) fn find_blocked(op: &str) -> Option<Rule> {
    Some(match op {
        "Conv" | "MaxPool" | "AveragePool" | "GlobalMaxPool" | "GlobalAveragePool" => {
            |call| standard(call, &call.node.op.clone())
        }
        "ReorderInput" => |call| {
            same_as_first(call)?;
            if is_set(call, "channels_last") {
                to_channels_first(call);
            }
            Ok(())
        },
        "ReorderOutput" => reorder_output,
        "Upsample" => |call| {
            let scales = call.node.ints("scales").unwrap_or_default().to_vec();
            let dtype = call.dtype(0);
            let shape = call.shape(0).map(|shape| {
                let factor = |place: usize| Dim::known(scales.get(place).copied().unwrap_or(1));
                shape.iter().enumerate().map(|(place, dim)| dim.mul(&factor(place))).collect()
            });
            call.set_tensor(0, dtype, shape);
            Ok(())
        },
        _ => return None,
    })
}

/// The standard operators in the layout batch × space × channels.
pub(super) fn find_channels_last(op: &str) -> Option<Rule> {
    Some(match op {
        "Conv"
        | "ConvTranspose"
        | "MaxPool"
        | "AveragePool"
        | "GlobalAveragePool"
        | "GlobalMaxPool"
        | "GridSample"
        | "InstanceNormalization"
        | "BatchNormalization"
        | "LRN"
        | "DepthToSpace"
        | "SpaceToDepth"
        | "QLinearConv" => |call| channels_last(call, |call| standard(call, &call.node.op.clone())),
        _ => return None,
    })
}

fn at(call: &Call<'_, '_>, index: usize, axis: usize) -> Dim {
    call.shape(index).and_then(|shape| shape.get(axis).cloned()).unwrap_or_default()
}

/// The statistics of each row: the last dimension becomes 1.
fn statistics(call: &Call<'_, '_>) -> Option<Vec<Dim>> {
    call.shape(0).map(|mut shape| {
        if let Some(last) = shape.last_mut() {
            *last = Dim::known(1);
        }
        shape
    })
}

fn simplified_norm(call: &mut Call<'_, '_>) -> Outcome {
    let statistics = statistics(call);
    call.set_tensor(1, Some(DType::F32), statistics);
    // The result has the scale's element type where it differs from the input's.
    let (dtype, shape) = (call.dtype(1).or(call.dtype(0)), call.shape(0));
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Outputs: the norm, mean, inverse deviation, and the sum that was normalised.
fn skip_norm(call: &mut Call<'_, '_>) -> Outcome {
    let statistics = statistics(call);
    call.set_tensor(1, Some(DType::F32), statistics.clone());
    call.set_tensor(2, Some(DType::F32), statistics);
    call.pass_type(0, 3);
    same_as_first(call)
}

/// Outputs: the normalised sum of embeddings, the index of the mask, and the sum itself.
fn embed_norm(call: &mut Call<'_, '_>) -> Outcome {
    let quantised = call.node.op.starts_with('Q');
    let dtype = if quantised { Some(DType::F32) } else { call.dtype(2) };
    let width = at(call, 2, 1);
    let batch = at(call, 0, 0);
    let shape = call.shape(0).map(|tokens| [tokens, vec![width]].concat());
    call.set_tensor(0, dtype, shape.clone());
    call.set_tensor(1, Some(DType::I32), Some(vec![batch]));
    call.set_tensor(2, dtype, shape);
    Ok(())
}

fn split_gelu(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = call.shape(0).map(|mut shape| {
        if let Some(last) = shape.last_mut() {
            *last = last.floor_div(&Dim::known(2));
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// The mask is one truth value per element, or bits in words of 32.
fn dropout(call: &mut Call<'_, '_>, mask: Option<DType>) -> Outcome {
    same_as_first(call)?;
    let shape = call.shape(0);
    match mask {
        Some(dtype) => call.set_tensor(1, Some(dtype), shape),
        None => {
            let elements = shape.map(|shape| shape.iter().fold(Dim::known(1), |product, dim| product.mul(dim)));
            let words = elements.map(|elements| vec![elements.ceil_div(&Dim::known(32))]);
            call.set_tensor(1, Some(DType::U32), words);
        }
    }
    Ok(())
}

/// Each factor may first move its first dimension behind the batch, then swap its last two.
fn fused_product(call: &mut Call<'_, '_>) -> Outcome {
    let side = |index: usize, batch: &str, matrix: &str| {
        let mut shape = call.shape(index)?;
        let rank = shape.len();
        if is_set(call, batch) && rank > 2 {
            shape.get_mut(..rank - 1)?.rotate_left(1);
        }
        if is_set(call, matrix) && rank > 1 {
            shape.swap(rank - 2, rank - 1);
        }
        Some(shape)
    };
    let shape = match (side(0, "transBatchA", "transA"), side(1, "transBatchB", "transB")) {
        (Some(a), Some(b)) => Some(matmul(&a, &b)?),
        _ => None,
    };
    let dtype = call.dtype(1).or(call.dtype(0));
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Without padding unless the third input says otherwise.
fn transposed_convolution(call: &mut Call<'_, '_>) -> Outcome {
    standard(call, "ConvTranspose")?;
    if !call.has(2) {
        return Ok(());
    }
    let pads = call.ints(2).unwrap_or_default();
    let Some(Some(crate::model::ValueType::Tensor(tensor))) = call.outputs.first_mut() else { return Ok(()) };
    let Some(shape) = &mut tensor.shape else { return Ok(()) };
    let space = shape.len().saturating_sub(2);
    for (place, size) in shape.iter_mut().skip(2).enumerate() {
        *size = match (pads.get(place), pads.get(place + space)) {
            (Some(begin), Some(end)) => size.sub(&Dim::known(*begin)).sub(&Dim::known(*end)),
            _ => Dim::UNKNOWN,
        };
    }
    Ok(())
}

/// The state holds (kernel − 1) × dilation positions; batch × channels × time, or batch × time × channels….
fn causal(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let kernel = call.shape(1).and_then(|shape| shape.last().cloned()).unwrap_or_default();
    let length = kernel.sub(&Dim::known(1)).mul(&Dim::known(call.int_or("dilation", 1)));
    let last = is_set(call, "channels_last");
    let state = call.shape(0).map(|mut shape| {
        let place = if last { Some(1) } else { shape.len().checked_sub(1) };
        if let Some(time) = place.and_then(|place| shape.get_mut(place)) {
            *time = length;
        }
        let window = call.node.int("state_window").filter(|window| *window > 0).map(Dim::known);
        window.into_iter().chain(shape).collect()
    });
    same_as_first(call)?;
    call.set_tensor(1, dtype, state);
    Ok(())
}

/// Regions × channels × height × width, the last two from the fourth input.
fn crop_and_resize(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, channels, regions) = (call.dtype(0), at(call, 0, 1), at(call, 1, 0));
    let size = call.dims(3).unwrap_or_default();
    let side = |place: usize| size.get(place).cloned().unwrap_or_default();
    call.set_tensor(0, dtype, Some(vec![regions, channels, side(0), side(1)]));
    Ok(())
}

fn expand_dims(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let mut shape = None;
    if let (Some(mut input), Some(place)) = (call.shape(0), call.integer(1).value()) {
        let place = axis(place, input.len() + 1)?;
        input.insert(place, Dim::known(1));
        shape = Some(input);
    }
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// n real numbers become ⌊n/2⌋ + 1 complex ones.
fn real_fourier(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = call.shape(0).map(|mut shape| {
        if let Some(last) = shape.last_mut() {
            *last = last.floor_div(&Dim::known(2)).add(&Dim::known(1));
        }
        shape.push(Dim::known(2));
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// ⌊n/2⌋ + 1 complex numbers become n real ones; n is even.
fn inverse_real_fourier(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = call.shape(0).map(|mut shape| {
        shape.pop();
        if let Some(last) = shape.last_mut() {
            *last = last.sub(&Dim::known(1)).mul(&Dim::known(2));
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// Words as letters: batch × words × letters becomes batch × words × filters of the convolution.
fn word_embedding(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, filters) = (call.dtype(1), at(call, 1, 0));
    let shape = call.shape(0).map(|mut shape| {
        if let Some(last) = shape.last_mut() {
            *last = filters;
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

fn unfold(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let size = dim(call.node.int("size"));
    let step = Dim::known(call.int_or("step", 1));
    let mut shape = call.shape(0);
    if let Some(shape) = &mut shape {
        let along = axis(call.int_or("dim", -1), shape.len())?;
        if let Some(extent) = shape.get_mut(along) {
            *extent = extent.sub(&size).floor_div(&step).add(&Dim::known(1));
        }
        shape.push(size);
    }
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// The values, the place of each element among them, and how often each occurs.
fn unique(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, shape) = (call.dtype(0), call.shape(0));
    let most = at(call, 0, 0).size().unwrap_or(1);
    let distinct = call.data_dim("unique", most);
    call.set_tensor(0, dtype, Some(vec![distinct.clone()]));
    call.set_tensor(1, Some(DType::I64), shape);
    call.set_tensor(2, Some(DType::I64), Some(vec![distinct]));
    Ok(())
}

/// One number for each token, length of n-gram above one, and head; then the ids to go on with.
fn hashes(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let lengths = dim(call.node.int("max_ngram_size")).sub(&Dim::known(1));
    let heads = lengths.mul(&dim(call.node.int("n_head_per_ngram")));
    let shape = call.shape(0).map(|tokens| [tokens, vec![heads]].concat());
    call.set_tensor(0, dtype, shape);
    if call.node.op.as_ref() == "NGramHashMapping" {
        let batch = at(call, 0, 0);
        call.set_tensor(1, dtype, Some(vec![batch, lengths]));
    }
    Ok(())
}

fn remove_padding(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, batch, tokens, width) = (call.dtype(0), at(call, 0, 0), at(call, 0, 1), at(call, 0, 2));
    // Without padding at most all tokens stay.
    let most = batch.mul(&tokens).size().unwrap_or(1);
    let total = call.data_dim("tokens", most);
    call.set_tensor(0, dtype, Some(vec![total, width]));
    call.set_tensor(1, Some(DType::I32), Some(vec![batch.clone(), tokens]));
    call.set_tensor(2, Some(DType::I32), Some(vec![batch.add(&Dim::known(1))]));
    call.set_tensor(3, Some(DType::I32), Some(vec![Dim::known(1)]));
    Ok(())
}

/// A path through a table of M × N takes at most M + N − 1 steps.
fn time_warping(call: &mut Call<'_, '_>) -> Outcome {
    let sides = call.shape(0).unwrap_or_default();
    let most = match sides.as_slice() {
        [.., rows, columns] => rows.add(columns).sub(&Dim::known(1)).size(),
        _ => None,
    };
    let length = call.data_dim("path", most.unwrap_or(1));
    call.set_tensor(0, Some(DType::I32), Some(vec![Dim::known(2), length]));
    Ok(())
}

/// Blocks back to the number of channels that the attribute says.
fn reorder_output(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let channels = dim(call.node.int("channels"));
    let last = is_set(call, "channels_last");
    let shape = call.shape(0).map(|mut shape| {
        if shape.len() > 1 {
            shape.remove(1);
            let place = if last { shape.len() } else { 1 };
            shape.insert(place, channels);
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// The first output, which is batch × space × channels, as batch × channels × space.
fn to_channels_first(call: &mut Call<'_, '_>) {
    let Some(Some(crate::model::ValueType::Tensor(tensor))) = call.outputs.first_mut() else { return };
    let Some(shape) = &mut tensor.shape else { return };
    if let Some(channels) = shape.pop() {
        shape.insert(1.min(shape.len()), channels);
    }
}

/// Sequences, their scores, and the scores of every word at every step.
fn beam_search(call: &mut Call<'_, '_>) -> Outcome {
    let (batch, tokens) = (at(call, 0, 0), at(call, 0, 1));
    let (longest, beams, returned) = (call.integer(1), call.integer(3), call.integer(4));
    let dtype = call.dtype(5).or(Some(DType::F32));
    let words = dim(call.node.int("vocab_size").filter(|size| *size > 0));
    call.set_tensor(0, Some(DType::I32), Some(vec![batch.clone(), returned.clone(), longest.clone()]));
    call.set_tensor(1, dtype, Some(vec![batch.clone(), returned]));
    call.set_tensor(2, dtype, Some(vec![longest.sub(&tokens), batch, beams, words]));
    Ok(())
}
