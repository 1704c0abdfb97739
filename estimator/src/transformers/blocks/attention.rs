//! Attention with queries in groups that share keys and values: multi-head, grouped and multi-query attention.

use crate::transformers::parts::{Attention, Norm, Parts, Span};

/// Which of the four projections have a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::transformers) struct Biases {
    /// Queries.
    pub q: bool,
    /// Keys.
    pub k: bool,
    /// Values.
    pub v: bool,
    /// The output.
    pub o: bool,
}

impl Biases {
    /// None.
    pub const NONE: Self = Self::all(false);
    /// Queries, keys and values, but not the output.
    pub const QKV: Self = Self { q: true, k: true, v: true, o: false };

    /// All four or none.
    pub const fn all(bias: bool) -> Self {
        Self { q: bias, k: bias, v: bias, o: bias }
    }

    /// Queries, keys and values, or none; the output has none.
    pub const fn qkv(bias: bool) -> Self {
        Self { q: bias, k: bias, v: bias, o: false }
    }
}

/// A norm of queries and keys before their product.
#[derive(Debug, Clone, Copy)]
pub(in crate::transformers) enum HeadNorm {
    /// One scale for every head.
    Shared(&'static str, &'static str, Norm),
    /// Over all heads together.
    Joint(&'static str, &'static str, Norm),
    /// A scale of each head's own, as heads × width.
    Own(&'static str, &'static str),
}

/// Grouped attention.
#[derive(Debug, Clone, Copy)]
pub(in crate::transformers) struct Grouped {
    /// Width of a token's vector.
    pub hidden: u64,
    /// Query heads.
    pub heads: u64,
    /// Key and value heads.
    pub kv_heads: u64,
    /// Width of a head.
    pub head: u64,
    /// Biases of the projections.
    pub biases: Biases,
    /// Names of the projections of queries, keys, values and the output.
    pub names: [&'static str; 4],
    /// A norm of queries and keys.
    pub norm: Option<HeadNorm>,
    /// The most keys that a query sees.
    pub window: Option<u64>,
}

impl Grouped {
    /// Names that most families use.
    pub const NAMES: [&'static str; 4] = ["q_proj", "k_proj", "v_proj", "o_proj"];

    /// The products and the cache of this attention, over the present stream.
    pub fn products(&self, keys: Span) -> Attention {
        Attention {
            heads: self.heads,
            key: self.head,
            value: self.head,
            keys,
            window: self.window,
            cache: 2 * self.kv_heads * self.head,
        }
    }
}

/// Adds self-attention in a module of this name.
pub(in crate::transformers) fn grouped(p: &mut Parts, name: &str, a: &Grouped) {
    let (all, kv) = (a.heads * a.head, a.kv_heads * a.head);
    let [q, k, v, o] = a.names;
    p.within(name, |p| {
        p.linear(q, a.hidden, all, a.biases.q);
        p.linear(k, a.hidden, kv, a.biases.k);
        p.linear(v, a.hidden, kv, a.biases.v);
        match a.norm {
            Some(HeadNorm::Shared(q, k, norm)) => {
                p.norm(q, a.head, norm);
                p.norm(k, a.head, norm);
            }
            Some(HeadNorm::Joint(q, k, norm)) => {
                p.norm(q, all, norm);
                p.norm(k, kv, norm);
            }
            Some(HeadNorm::Own(q, k)) => {
                p.within(q, |p| _ = p.tensor("weight", &[a.heads, a.head]));
                p.within(k, |p| _ = p.tensor("weight", &[a.kv_heads, a.head]));
            }
            None => {}
        }
        p.attention(a.products(p.span()));
        p.linear(o, all, a.hidden, a.biases.o);
    });
}
