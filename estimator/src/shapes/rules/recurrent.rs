//! Recurrent layers: `RNN`, `GRU`, `LSTM`, and the linear recurrence of `LinearAttention`.

use super::Rule;
use crate::model::Dim;
use crate::shapes::call::{Call, Mismatch, Outcome, show};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "RNN" | "GRU" | "LSTM" => recurrent,
        "LinearAttention" => linear_attention,
        _ => return None,
    })
}

/// `X` is sequence × batch × input, or batch × sequence × input where `layout` is 1;
/// the outputs are all states and the last hidden (and cell) state.
fn recurrent(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let batch_first = call.node.int("layout").unwrap_or(0) == 1;
    let directions = Dim::known(if call.node.text("direction") == Some("bidirectional") { 2 } else { 1 });
    // The attribute is often left out; the recurrent weights are directions × gates·hidden × hidden.
    let hidden = match call.node.int("hidden_size") {
        Some(size) => Dim::known(size),
        None => call.shape(2).and_then(|shape| shape.last().cloned()).unwrap_or_default(),
    };
    let (sequence, batch) = match call.shape(0).as_deref() {
        Some([first, second, _]) if batch_first => (second.clone(), first.clone()),
        Some([first, second, _]) => (first.clone(), second.clone()),
        Some(other) => return Err(Mismatch(format!("the input {} does not have three dimensions", show(other)))),
        None => Default::default(),
    };
    let (all, last) = match batch_first {
        true => (vec![batch.clone(), sequence, directions.clone(), hidden.clone()], vec![batch, directions, hidden]),
        false => (vec![sequence, directions.clone(), batch.clone(), hidden.clone()], vec![directions, batch, hidden]),
    };
    call.set_tensor(0, dtype, Some(all));
    call.set_tensor(1, dtype, Some(last.clone()));
    call.set_tensor(2, dtype, Some(last));
    Ok(())
}

/// Heads are packed into the last dimension; the state is batch × KV heads × key size × value size.
fn linear_attention(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let heads = Dim::known(call.node.int("q_num_heads").unwrap_or(1));
    let kv_heads = Dim::known(call.node.int("kv_num_heads").unwrap_or(1));
    let (query, key, value) = (call.shape(0), call.shape(1), call.shape(2));
    let mut output = None;
    let mut state = call.shape(3);
    if let (Some([batch, tokens, _]), Some([_, _, values])) = (query.as_deref(), value.as_deref()) {
        let value_size = values.floor_div(&kv_heads);
        output = Some(vec![batch.clone(), tokens.clone(), heads.mul(&value_size)]);
        if let Some([_, _, keys]) = key.as_deref() {
            state = Some(vec![batch.clone(), kv_heads.clone(), keys.floor_div(&kv_heads), value_size]);
        }
    }
    call.set_tensor(0, dtype, output);
    let state_dtype = call.dtype(3).or(dtype);
    call.set_tensor(1, state_dtype, state);
    Ok(())
}
