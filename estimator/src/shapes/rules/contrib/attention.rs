//! Attention in all its forms, the caches of keys and values, and what prepares positions for it.

use super::super::elementwise::same_as_first;
use super::super::{Rule, recurrent};
use super::{dim, is_set};
use crate::model::{DType, Dim};
use crate::shapes::call::{Call, Mismatch, Outcome, show};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Attention" | "DecoderMaskedSelfAttention" => |call| projected(call, 4, 0),
        "QAttention" => |call| projected(call, 8, 3),
        "QOrderedAttention" => ordered,
        "LongformerAttention" | "QOrderedLongformerAttention" => same_as_first,
        "PackedAttention" => packed_projected,
        "MultiHeadAttention" => |call| multi_head(call, [6, 7], 8),
        "DecoderMaskedMultiHeadAttention" => |call| multi_head(call, [5, 6], 7),
        "PackedMultiHeadAttention" => packed_multi_head,
        "DecoderAttention" => decoder,
        "GroupQueryAttention" => |call| grouped(call, 6),
        "SparseAttention" => |call| grouped(call, usize::MAX),
        "PagedAttention" => paged,
        "RotaryEmbedding" | "MRotaryEmbedding" => same_as_first,
        "GemmaRotaryEmbedding" => |call| {
            call.pass_type(1, 0);
            call.pass_type(3, 1);
            Ok(())
        },
        "RelativePositionBias" => relative_bias,
        "GatedRelativePositionBias" => gated_bias,
        "LinearAttention" => linear_attention,
        "GatedDeltaNet" => gated_delta,
        "LinearAttentionGate" => |call| {
            call.pass_type(0, 0);
            call.pass_type(3, 1);
            Ok(())
        },
        _ => return None,
    })
}

/// Batch, tokens and width of an input; unknown ones where the input is.
fn three(call: &Call<'_, '_>, index: usize) -> Result<[Dim; 3], Mismatch> {
    match call.shape(index).as_deref() {
        Some([a, b, c]) => Ok([a.clone(), b.clone(), c.clone()]),
        Some(other) => Err(Mismatch(format!("input {index} is {}, which has not three dimensions", show(other)))),
        None => Ok([Dim::UNKNOWN, Dim::UNKNOWN, Dim::UNKNOWN]),
    }
}

/// One dimension of an input, from the front.
fn at(call: &Call<'_, '_>, index: usize, axis: usize) -> Dim {
    call.shape(index).and_then(|shape| shape.get(axis).cloned()).unwrap_or_default()
}

/// The width of the values: of three merged projections the last, a third of all unless `qkv_hidden_sizes` says otherwise.
fn value_width(call: &Call<'_, '_>, weights: usize) -> Dim {
    match call.node.ints("qkv_hidden_sizes") {
        Some([_, _, values]) => Dim::known(*values),
        _ => at(call, weights, 1).floor_div(&Dim::known(3)),
    }
}

/// Self-attention with its projections: `past` is the place of both caches in one tensor
/// 2 × batch × heads × tokens × size, `typed` that of an input of the output's element type.
fn projected(call: &mut Call<'_, '_>, past: usize, typed: usize) -> Outcome {
    let [batch, tokens, _] = three(call, 0)?;
    let dtype = call.dtype(typed);
    let width = value_width(call, 1);
    call.set_tensor(0, dtype, Some(vec![batch.clone(), tokens.clone(), width.clone()]));
    if call.has(past) && is_set(call, "past_present_share_buffer") {
        call.pass_type(past, 1);
        return Ok(());
    }
    let heads = dim(call.node.int("num_heads"));
    let cached = if call.has(past) { at(call, past, 3) } else { Dim::known(0) };
    let size = width.floor_div(&heads);
    call.set_tensor(1, dtype, Some(vec![Dim::known(2), batch, heads, cached.add(&tokens), size]));
    Ok(())
}

/// The projections are three inputs; the result has the width of the values'.
fn ordered(call: &mut Call<'_, '_>) -> Outcome {
    let [batch, tokens, _] = three(call, 0)?;
    let width = at(call, 7, 1);
    call.set_tensor(0, Some(DType::I8), Some(vec![batch, tokens, width]));
    Ok(())
}

/// Sequences one behind the other without padding: tokens × width.
fn packed_projected(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, tokens, width) = (call.dtype(0), at(call, 0, 0), value_width(call, 1));
    call.set_tensor(0, dtype, Some(vec![tokens, width]));
    Ok(())
}

fn packed_multi_head(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, tokens) = (call.dtype(0), at(call, 0, 0));
    let width = match call.shape(0).as_deref() {
        // Queries, keys and values together: tokens × heads × 3 × size.
        Some([_, heads, _, size]) => heads.mul(size),
        _ => at(call, 2, 1),
    };
    call.set_tensor(0, dtype, Some(vec![tokens, width]));
    Ok(())
}

/// Queries, keys and values after their projections, apart or packed; caches batch × heads × tokens × size.
/// Where the `shared` input is there, the caches are buffers that stay as they are.
fn multi_head(call: &mut Call<'_, '_>, [past_key, past_value]: [usize; 2], shared: usize) -> Outcome {
    let dtype = call.dtype(0);
    let heads = dim(call.node.int("num_heads"));
    let query = call.shape(0).unwrap_or_default();
    let (batch, tokens) = (at(call, 0, 0), at(call, 0, 1));
    let width = query.get(2).cloned().unwrap_or_default();
    // Width of all heads' keys and of all heads' values, and how many tokens they are for.
    let (key_width, value_width, kv_tokens) =
        match (query.as_slice(), call.shape(1).as_deref(), call.shape(2).as_deref()) {
            ([_, _, _, _, size], _, _) => (heads.mul(size), heads.mul(size), tokens.clone()),
            (_, Some([_, length, _, _, size]), _) => (heads.mul(size), heads.mul(size), length.clone()),
            (_, Some([_, _, length, size]), value) => {
                let values = value.and_then(|shape| shape.last().cloned()).unwrap_or_else(|| size.clone());
                (heads.mul(size), heads.mul(&values), length.clone())
            }
            (_, Some([_, length, keys]), Some([_, _, values])) => (keys.clone(), values.clone(), length.clone()),
            // Queries, keys and values one behind the other in the width.
            (_, None, _) if !call.has(1) => {
                let third = width.floor_div(&Dim::known(3));
                (third.clone(), third, tokens.clone())
            }
            _ => (Dim::UNKNOWN, Dim::UNKNOWN, Dim::UNKNOWN),
        };
    call.set_tensor(0, dtype, Some(vec![batch.clone(), tokens.clone(), value_width.clone()]));
    let buffers = call.has(past_key) && (call.has(shared) || is_set(call, "past_present_share_buffer"));
    let cached = if call.has(past_key) { at(call, past_key, 2) } else { Dim::known(0) };
    let total = if buffers { Dim::UNKNOWN } else { cached.add(&kv_tokens) };
    for (output, past, width) in [(1, past_key, key_width), (2, past_value, value_width)] {
        match buffers {
            true => call.pass_type(past, output),
            false => {
                let shape = vec![batch.clone(), heads.clone(), total.clone(), width.floor_div(&heads)];
                call.set_tensor(output, dtype, Some(shape));
            }
        }
    }
    call.set_tensor(3, dtype, Some(vec![batch, heads, tokens, total]));
    Ok(())
}

/// Tokens stand in front of the batch; the flags that decide what is cached come at run time.
fn decoder(call: &mut Call<'_, '_>) -> Outcome {
    let [_, batch, width] = three(call, 0)?;
    let dtype = call.dtype(0);
    let heads = dim(call.node.int("num_heads"));
    let cache = vec![batch, heads.clone(), Dim::UNKNOWN, width.floor_div(&heads)];
    same_as_first(call)?;
    call.set_tensor(1, dtype, Some(cache.clone()));
    call.set_tensor(2, dtype, Some(cache));
    Ok(())
}

/// Fewer heads for keys and values than for queries. `total` is the place of the number of tokens with the cached ones.
fn grouped(call: &mut Call<'_, '_>, total: usize) -> Outcome {
    let [batch, tokens, width] = three(call, 0)?;
    let dtype = call.dtype(0);
    let (heads, kv_heads) = (dim(call.node.int("num_heads")), dim(call.node.int("kv_num_heads")));
    let size = match call.has(1) {
        true => width.floor_div(&heads),
        false => width.floor_div(&heads.add(&kv_heads.mul(&Dim::known(2)))),
    };
    call.set_tensor(0, dtype, Some(vec![batch.clone(), tokens.clone(), heads.mul(&size)]));
    let new = if call.has(1) { at(call, 1, 1) } else { tokens.clone() };
    let cached = if call.has(3) { at(call, 3, 2) } else { Dim::known(0) };
    let all = match call.integer(total) {
        // A cache that is long enough is a buffer and keeps its length.
        stated if stated.value().is_some() => cached.max(&stated),
        _ => cached.add(&new),
    };
    let fixed = call.node.op.as_ref() == "SparseAttention" || is_set(call, "sliding_window_cache");
    for (output, past) in [(1, 3), (2, 4)] {
        if fixed && call.has(past) {
            call.pass_type(past, output);
            continue;
        }
        let (dtype, size) = match call.has(past) {
            true => (call.dtype(past), at(call, past, 3)),
            false => (dtype, size.clone()),
        };
        call.set_tensor(output, dtype, Some(vec![batch.clone(), kv_heads.clone(), all.clone(), size]));
    }
    call.set_tensor(3, dtype, Some(vec![batch, heads, tokens, all]));
    Ok(())
}

fn paged(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, tokens, width) = (call.dtype(0), at(call, 0, 0), at(call, 0, 1));
    let (heads, kv_heads) = (dim(call.node.int("num_heads")), dim(call.node.int("kv_num_heads")));
    let size = match call.has(1) {
        true => width.floor_div(&heads),
        false => width.floor_div(&heads.add(&kv_heads.mul(&Dim::known(2)))),
    };
    let values = call.node.int("v_head_size").filter(|size| *size > 0).map_or(size, Dim::known);
    call.set_tensor(0, dtype, Some(vec![tokens, heads.mul(&values)]));
    call.pass_type(3, 1);
    call.pass_type(4, 2);
    Ok(())
}

/// From the table of buckets × heads: 1 × heads × queries × keys.
fn relative_bias(call: &mut Call<'_, '_>) -> Outcome {
    let (dtype, heads) = (call.dtype(0), at(call, 0, 1));
    let (queries, keys) = (call.integer(1), call.integer(2));
    call.set_tensor(0, dtype, Some(vec![Dim::known(1), heads, queries, keys]));
    Ok(())
}

fn gated_bias(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    // Without padding the batch is only known from the tokens' offsets.
    let batch = if call.has(6) { at(call, 6, 0) } else { at(call, 0, 0) };
    let shape = call.shape(2).map(|positions| {
        let mut shape = positions;
        if let Some(first) = shape.first_mut() {
            *first = batch;
        }
        shape
    });
    call.set_tensor(0, dtype, shape);
    Ok(())
}

/// As the standard operator, but there may be more heads of keys than of queries, and a window of states in front.
fn linear_attention(call: &mut Call<'_, '_>) -> Outcome {
    let Some(rule) = recurrent::find("LinearAttention") else { return Ok(()) };
    rule(call)?;
    let (heads, kv_heads) = (dim(call.node.int("q_num_heads")), dim(call.node.int("kv_num_heads")));
    if heads.value() < kv_heads.value() {
        call.pass_type(2, 0);
    }
    if let Some(window) = call.node.int("state_window").filter(|window| *window > 0) {
        let [batch, _, keys] = three(call, 1)?;
        let values = at(call, 2, 2).floor_div(&kv_heads);
        let dtype = call.dtype(3).or(call.dtype(0));
        let state = vec![Dim::known(window), batch, kv_heads.clone(), keys.floor_div(&kv_heads), values];
        call.set_tensor(1, dtype, Some(state));
    }
    Ok(())
}

/// Tokens (in one or two dimensions) × heads × size; the result has the values' heads and size.
fn gated_delta(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = match (call.shape(0), call.shape(2)) {
        (Some(query), Some(mut value)) => {
            if let ([.., q_heads, _], [.., v_heads, _]) = (query.as_slice(), value.as_mut_slice()) {
                *v_heads = v_heads.max(q_heads);
            }
            Some(value)
        }
        _ => None,
    };
    call.set_tensor(0, dtype, shape);
    call.pass_type(6, 1);
    Ok(())
}
