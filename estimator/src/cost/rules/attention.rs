//! Attention: the product of queries and keys, softmax, the product of scores and values.
//!
//! Both products are counted in full: a causal mask halves neither, as it does not in torch's FLOP counter
//! nor in the formulas of the literature.

use super::Rule;
use super::normalisation::SOFTMAX;
use crate::cost::count::{Seen, Work, product, size_attribute, times};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Attention" => attention,
        "FlexAttention" => |seen| split_heads(seen).map_or(Work::UNKNOWN, |heads| heads.work(1)),
        "RotaryEmbedding" => |seen| Work::other(rotary(seen, seen.node.int("rotary_embedding_dim").unwrap_or(0))),
        _ => return None,
    })
}

/// The sizes of one attention.
pub(super) struct Heads {
    /// Batch.
    pub batch: u64,
    /// Query heads.
    pub heads: u64,
    /// Tokens that ask.
    pub queries: u64,
    /// Tokens that are looked at, the cached ones included.
    pub keys: u64,
    /// Width of one head's queries and keys.
    pub key_size: u64,
    /// Width of one head's values.
    pub value_size: u64,
}

impl Heads {
    /// MACs of both products.
    pub fn macs(&self) -> Option<u64> {
        product([self.scores(), self.key_size.checked_add(self.value_size)])
    }

    /// Number of scores.
    pub fn scores(&self) -> Option<u64> {
        product([self.batch, self.heads, self.queries, self.keys].map(Some))
    }

    /// MACs of both products; softmax and `each` more operations per score.
    pub fn work(&self, each: u64) -> Work {
        Work { macs: self.macs(), other: times(self.scores(), SOFTMAX + each) }
    }
}

/// Queries, keys and values, each batch × heads × tokens × size or batch × tokens × heads·size;
/// the fourth to sixth inputs are mask, past keys and past values.
fn split_heads(seen: &Seen<'_>) -> Option<Heads> {
    let of = |index: usize, heads: &str| match seen.sizes(index)?.as_slice() {
        [batch, heads, tokens, size] => Some((*batch, *heads, *tokens, *size)),
        [batch, tokens, hidden] => {
            let heads = size_attribute(seen.node, heads, 0)?;
            Some((*batch, heads, *tokens, hidden.checked_div(heads)?))
        }
        _ => None,
    };
    let (batch, heads, queries, key_size) = of(0, "q_num_heads")?;
    let (_, _, tokens, _) = of(1, "kv_num_heads")?;
    let (_, _, _, value_size) = of(2, "kv_num_heads")?;
    let past = if seen.has(4) { seen.size(4, 2)? } else { 0 };
    Some(Heads { batch, heads, queries, keys: past.checked_add(tokens)?, key_size, value_size })
}

/// Per score: the scale, the mask where there is one, and tanh with a product and a division for a soft cap.
fn attention(seen: &Seen<'_>) -> Work {
    let capped = seen.node.float("softcap").unwrap_or(0.0) != 0.0;
    let masked = seen.has(3) || seen.node.int("is_causal").unwrap_or(0) != 0;
    split_heads(seen).map_or(Work::UNKNOWN, |heads| heads.work(1 + u64::from(masked) + if capped { 3 } else { 0 }))
}

/// Two products and a sum for each element that is turned; 0 for `turned` means whole heads.
pub(super) fn rotary(seen: &Seen<'_>, turned: i64) -> Option<u64> {
    let elements = seen.elements(0)?;
    let turned = u64::try_from(turned).ok()?;
    if turned == 0 {
        return times(Some(elements), 3);
    }
    let head = match seen.rank(0)? {
        4 => seen.size_from_back(0, 0)?,
        _ => seen.size_from_back(0, 0)?.checked_div(size_attribute(seen.node, "num_heads", 0)?)?,
    };
    times(product([elements.checked_div(head), Some(turned.min(head))]), 3)
}
