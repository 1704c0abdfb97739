//! Recurrent layers: `LSTM`, `GRU`, `RNN`, and the linear recurrence of `LinearAttention`.
//!
//! Sequence lengths that cut a batch short are not subtracted: every step of the longest sequence counts.

use super::Rule;
use super::elementwise::per_element;
use crate::cost::count::{Seen, Work, product, size_attribute, sum, times};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "LSTM" => |seen| recurrent(seen, 1, 2, lstm_cell(seen)),
        "GRU" => |seen| recurrent(seen, 1, 2, gru_cell(seen)),
        "RNN" => |seen| recurrent(seen, 1, 2, rnn_cell(seen)),
        "LinearAttention" => linear_attention,
        _ => return None,
    })
}

/// At every step each gate takes a product with the input's weights and one with the recurrent weights,
/// whose shapes are directions × gates·hidden × input and directions × gates·hidden × hidden.
/// `cell` is the other operations of one hidden unit at one step.
pub(super) fn recurrent(seen: &Seen<'_>, weights: usize, recurrence: usize, cell: u64) -> Work {
    // Sequence × batch in either order.
    let steps = product([seen.size(0, 0), seen.size(0, 1)]);
    let products = sum([seen.elements(weights), seen.elements(recurrence)]);
    let units = product([seen.size(recurrence, 0), hidden(seen, recurrence)]);
    Work { macs: product([steps, products]), other: times(product([steps, units]), cell) }
}

fn hidden(seen: &Seen<'_>, recurrence: usize) -> Option<u64> {
    match seen.node.int("hidden_size") {
        Some(size) => u64::try_from(size).ok(),
        None => seen.size_from_back(recurrence, 0),
    }
}

/// Operations of one LSTM unit: in four gates the sum of both products (and of both biases),
/// three gate activations, one cell activation, `c = f·c + i·g`, one hidden activation, `h = o·h(c)`,
/// and a product and a sum for each of three peepholes.
pub(super) fn lstm_cell(seen: &Seen<'_>) -> u64 {
    let gates = 4 + bias(seen, 4);
    let peepholes = if seen.has(7) { 6 } else { 0 };
    let activations = 3 * activation(seen, 0, "Sigmoid") + activation(seen, 1, "Tanh") + activation(seen, 2, "Tanh");
    gates + activations + 3 + 1 + peepholes
}

/// Operations of one GRU unit: in three gates the sum of both products (and of both biases), two gate activations,
/// `r·h`, the hidden activation, and `(1 − z)·h̃ + z·h`.
pub(super) fn gru_cell(seen: &Seen<'_>) -> u64 {
    let gates = 3 + bias(seen, 3);
    gates + 2 * activation(seen, 0, "Sigmoid") + 1 + activation(seen, 1, "Tanh") + 4
}

/// Operations of one plain unit: the sum of both products (and of both biases) and the activation.
pub(super) fn rnn_cell(seen: &Seen<'_>) -> u64 {
    1 + bias(seen, 1) + activation(seen, 0, "Tanh")
}

/// The input's and the recurrence's bias: two sums in each gate.
fn bias(seen: &Seen<'_>, gates: u64) -> u64 {
    if seen.has(3) { 2 * gates } else { 0 }
}

/// Operations of the activation at this place of the first direction; the other direction is taken for the same.
fn activation(seen: &Seen<'_>, place: usize, default: &str) -> u64 {
    let named = match seen.node.attributes.get("activations") {
        Some(crate::model::Attribute::Texts(names)) => names.get(place).map(|name| name.as_ref()),
        _ => None,
    };
    match named.unwrap_or(default) {
        "Affine" => 2,
        "ScaledTanh" => 3,
        name => per_element(name).unwrap_or(1),
    }
}

/// The recurrence as it is defined, token by token: `k ⊗ v` into the state, `qᵀ·S` out of it, and for the delta rules
/// `Sᵀ·k` before. A chunked kernel does more arithmetic for the same result.
///
/// Other operations: the decay of the state, the difference and the rate of the delta rules, the output's scale.
pub(super) fn linear_attention(seen: &Seen<'_>) -> Work {
    let count = || {
        let (q_heads, kv_heads) =
            (size_attribute(seen.node, "q_num_heads", 1)?, size_attribute(seen.node, "kv_num_heads", 1)?);
        let tokens = product([seen.size(0, 0), seen.size(0, 1)])?;
        let key_size = seen.size(0, 2)?.checked_div(q_heads)?;
        let value_size = seen.size(2, 2)?.checked_div(kv_heads)?;
        let rule = seen.node.text("update_rule").unwrap_or("gated_delta");
        let (gated, delta) = (rule.starts_with("gated"), rule.ends_with("delta"));
        let products = q_heads.checked_add(kv_heads.checked_mul(1 + u64::from(delta))?)?;
        let macs = product([tokens, key_size, value_size, products].map(Some));
        let decay = if gated { product([tokens, kv_heads, key_size, value_size].map(Some)) } else { Some(0) };
        let update = if delta { times(product([tokens, kv_heads, value_size].map(Some)), 2) } else { Some(0) };
        let scale = product([tokens, q_heads, value_size].map(Some));
        Some(Work { macs, other: sum([decay, update, scale]) })
    };
    count().unwrap_or(Work::UNKNOWN)
}
