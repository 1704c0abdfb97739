//! Feed-forward networks: plain, gated, and experts.

use crate::transformers::parts::Parts;

/// Adds a gated network: two projections up, their product, one down.
pub(in crate::transformers) fn gated(p: &mut Parts, name: &str, hidden: u64, inner: u64, bias: bool) {
    p.within(name, |p| {
        p.linear("gate_proj", hidden, inner, bias);
        p.linear("up_proj", hidden, inner, bias);
        p.linear("down_proj", inner, hidden, bias);
    });
}

/// Adds one projection up and one down, under these names.
pub(in crate::transformers) fn plain(
    p: &mut Parts,
    name: &str,
    [up, down]: [&str; 2],
    hidden: u64,
    inner: u64,
    bias: bool,
) {
    p.within(name, |p| {
        p.linear(up, hidden, inner, bias);
        p.linear(down, inner, hidden, bias);
    });
}

/// Adds gated experts with these names for the gate, the projection up and the one down.
pub(in crate::transformers) fn experts(
    p: &mut Parts,
    [gate, up, down]: [&str; 3],
    (experts, per_token): (u64, u64),
    hidden: u64,
    inner: u64,
) {
    p.routed(experts, per_token, |p| {
        p.each("experts", 0..experts, |p| {
            p.linear(gate, hidden, inner, false);
            p.linear(up, hidden, inner, false);
            p.linear(down, inner, hidden, false);
        });
    });
}
