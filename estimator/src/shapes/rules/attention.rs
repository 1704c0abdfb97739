//! Attention of the standard domain: `Attention`, `FlexAttention`, `RotaryEmbedding`, and the key-value cache's scatter.

use super::Rule;
use super::elementwise::same_as_first;
use crate::model::Dim;
use crate::shapes::call::{Call, Mismatch, Outcome, show};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Attention" | "FlexAttention" => attention,
        "RotaryEmbedding" | "TensorScatter" => same_as_first,
        _ => return None,
    })
}

/// One of the operands, split into heads.
struct Heads {
    batch: Dim,
    heads: Dim,
    tokens: Dim,
    size: Dim,
}

impl Heads {
    /// From batch × heads × tokens × size, or batch × tokens × heads·size with the number of heads given.
    fn of(shape: &[Dim], heads: Option<i64>) -> Result<Self, Mismatch> {
        match (shape, heads) {
            ([batch, heads, tokens, size], _) => {
                Ok(Self { batch: batch.clone(), heads: heads.clone(), tokens: tokens.clone(), size: size.clone() })
            }
            ([batch, tokens, hidden], Some(heads)) => {
                let heads = Dim::known(heads);
                let size = hidden.floor_div(&heads);
                Ok(Self { batch: batch.clone(), heads, tokens: tokens.clone(), size })
            }
            _ => Err(Mismatch(format!("{} cannot be split into heads", show(shape)))),
        }
    }
}

/// Inputs: query, key, value, mask, past key, past value. Outputs: result, present key, present value, scores.
fn attention(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let (Some(query), Some(key), Some(value)) = (call.shape(0), call.shape(1), call.shape(2)) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let packed = query.len() == 3;
    let (q_heads, kv_heads) = (call.node.int("q_num_heads"), call.node.int("kv_num_heads"));
    let query = Heads::of(&query, q_heads)?;
    let key = Heads::of(&key, kv_heads)?;
    let value = Heads::of(&value, kv_heads)?;
    let past = match call.shape(4).as_deref() {
        Some([_, _, past, _]) => past.clone(),
        Some(_) => Dim::UNKNOWN,
        None if call.has(4) => Dim::UNKNOWN,
        None => Dim::known(0),
    };
    let total = past.add(&key.tokens);
    let output = match packed {
        true => vec![query.batch.clone(), query.tokens.clone(), query.heads.mul(&value.size)],
        false => vec![query.batch.clone(), query.heads.clone(), query.tokens.clone(), value.size.clone()],
    };
    call.set_tensor(0, dtype, Some(output));
    let (key_dtype, value_dtype) = (call.dtype(1), call.dtype(2));
    call.set_tensor(1, key_dtype, Some(vec![key.batch, key.heads, total.clone(), key.size]));
    call.set_tensor(2, value_dtype, Some(vec![value.batch, value.heads, total.clone(), value.size]));
    call.set_tensor(3, dtype, Some(vec![query.batch, query.heads, query.tokens, total]));
    Ok(())
}
