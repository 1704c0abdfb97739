//! A stack of equal layers: norms, grouped attention, a feed-forward network, with the few ways in which layers differ.

use super::attention::{Biases, Grouped, HeadNorm, grouped};
use super::decoder::{Frame, decoder, heads_of, windows};
use super::feed_forward::gated;
use crate::transformers::config::Config;
use crate::transformers::description::{Facts, Kind};
use crate::transformers::heads::Head;
use crate::transformers::parts::{Norm, Parts};

/// What a stack's layers have.
pub(in crate::transformers) struct Stack<'f> {
    /// What stands around the layers.
    pub frame: Frame,
    /// The attention, without its window.
    pub attention: Grouped,
    /// The window of the layers for which `is_windowed` holds or `layer_types` says so.
    pub window: Option<u64>,
    /// Which layers have the window.
    pub is_windowed: Box<dyn Fn(u64) -> bool + 'f>,
    /// Names of a layer's norms.
    pub norms: &'f [&'f str],
    /// Their kind.
    pub norm: Norm,
    /// Which layers have experts.
    pub is_sparse: Box<dyn Fn(u64) -> bool + 'f>,
    /// Adds the feed-forward network of a layer, with experts or without.
    pub feed: &'f dyn Fn(&mut Parts, bool),
    /// Routed experts of a layer and how many a token uses.
    pub experts: Option<(u64, u64)>,
}

/// What most families of today have, with the fields under their common names.
pub(in crate::transformers) fn common<'f>(c: &Config<'_>, feed: &'f dyn Fn(&mut Parts, bool)) -> Stack<'f> {
    let (heads, kv_heads, head) = heads_of(c);
    let frame = Frame::common(c);
    Stack {
        attention: Grouped {
            hidden: frame.hidden,
            heads,
            kv_heads,
            head,
            biases: Biases::NONE,
            names: Grouped::NAMES,
            norm: None,
            window: None,
        },
        frame,
        window: None,
        is_windowed: Box::new(|_| true),
        norms: &["input_layernorm", "post_attention_layernorm"],
        norm: Norm::Rms,
        is_sparse: Box::new(|_| false),
        feed,
        experts: None,
    }
}

/// Adds a stack with its frame and says what it has.
pub(in crate::transformers) fn stack(c: &Config<'_>, p: &mut Parts, head: Head, s: &Stack<'_>) -> Facts {
    let layers = c.layers("num_hidden_layers");
    decoder(c, p, head, &s.frame, |p| {
        for (numbers, window) in windows(c, layers, s.window, &s.is_windowed) {
            let (sparse, dense): (Vec<u64>, Vec<u64>) = numbers.into_iter().partition(|layer| (s.is_sparse)(*layer));
            for (numbers, is_sparse) in [(dense, false), (sparse, true)] {
                p.each("layers", numbers, |p| {
                    grouped(p, "self_attn", &Grouped { window, ..s.attention });
                    (s.feed)(p, is_sparse);
                    for name in s.norms {
                        p.norm(name, s.frame.hidden, s.norm);
                    }
                });
            }
        }
    });
    facts(c, layers, &s.frame, &s.attention, s.experts)
}

/// The facts of a decoder with grouped attention.
pub(in crate::transformers) fn facts(
    c: &Config<'_>,
    layers: u64,
    frame: &Frame,
    attention: &Grouped,
    experts: Option<(u64, u64)>,
) -> Facts {
    Facts {
        kind: Kind::Decoder,
        layers,
        hidden_size: frame.hidden,
        heads: attention.heads,
        kv_heads: attention.kv_heads,
        head_dim: attention.head,
        vocabulary: frame.vocabulary,
        experts: experts.map(|(experts, _)| experts),
        experts_per_token: experts.map(|(_, per_token)| per_token),
        context_length: c.maybe("max_position_embeddings"),
        tied_embeddings: Some(frame.tied),
        input: String::new(),
        input_tokens: None,
        extra_parameters: None,
    }
}

/// A stack with a gated network called `mlp` in every layer.
pub(in crate::transformers) fn gated_stack(
    c: &Config<'_>,
    p: &mut Parts,
    head: Head,
    mlp_bias: bool,
    change: impl FnOnce(&mut Stack<'_>),
) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let feed = |p: &mut Parts, _: bool| gated(p, "mlp", hidden, inner, mlp_bias);
    let mut s = common(c, &feed);
    change(&mut s);
    stack(c, p, head, &s)
}

/// A norm of queries and keys called `q_norm` and `k_norm`, one scale for every head.
pub(in crate::transformers) const NORM_OF_HEAD: HeadNorm = HeadNorm::Shared("q_norm", "k_norm", Norm::Rms);
/// The same over all heads together.
pub(in crate::transformers) const NORM_OF_ALL: HeadNorm = HeadNorm::Joint("q_norm", "k_norm", Norm::Rms);
