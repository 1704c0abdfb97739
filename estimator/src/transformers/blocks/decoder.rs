//! The frame of a decoder: input table, layers, last norm, and the head that its class carries.

use crate::transformers::config::Config;
use crate::transformers::heads::Head;
use crate::transformers::parts::{Norm, Parts};

/// Types whose question-answering class calls the stack `transformer`, whatever the others call it.
const TRANSFORMER: [&str; 11] = [
    "llama",
    "ministral",
    "qwen2",
    "qwen3",
    "qwen3_moe",
    "smollm3",
    "nemotron",
    "arcee",
    "seed_oss",
    "exaone4",
    "qwen3_next",
];

/// What stands around a decoder's layers.
#[derive(Debug, Clone, Copy)]
pub(in crate::transformers) struct Frame {
    /// The module that holds the stack in a class with a head.
    pub base: &'static str,
    /// The input table.
    pub table: &'static str,
    /// The norm behind the last layer.
    pub norm: (&'static str, Norm),
    /// Width of a token's vector.
    pub hidden: u64,
    /// Tokens that the model knows.
    pub vocabulary: u64,
    /// Whether the head is the input table.
    pub tied: bool,
    /// The head's name.
    pub head: &'static str,
    /// Whether the head has a bias.
    pub head_bias: bool,
}

impl Frame {
    /// What most families of today have: `model.embed_tokens`, `model.norm` with a scale alone, `lm_head`.
    pub fn common(c: &Config<'_>) -> Self {
        Self {
            base: "model",
            table: "embed_tokens",
            norm: ("norm", Norm::Rms),
            hidden: c.int("hidden_size"),
            vocabulary: c.int("vocab_size"),
            tied: c.flag("tie_word_embeddings"),
            head: "lm_head",
            head_bias: false,
        }
    }

    /// What GPT-2 and its kin have: `transformer.wte`, `transformer.ln_f`, `lm_head`.
    pub fn transformer(c: &Config<'_>) -> Self {
        Self { base: "transformer", table: "wte", norm: ("ln_f", Norm::Layer), ..Self::common(c) }
    }
}

/// Adds a decoder: `layers` adds what lies between the input table and the last norm.
pub(in crate::transformers) fn decoder(
    c: &Config<'_>,
    p: &mut Parts,
    head: Head,
    frame: &Frame,
    layers: impl FnOnce(&mut Parts),
) {
    let generic = frame.base == "model";
    let base = match head {
        Head::Base => "",
        Head::Question if TRANSFORMER.contains(&c.model_type()) => "transformer",
        _ => frame.base,
    };
    p.within(base, |p| {
        p.input_embedding(frame.table, frame.vocabulary, frame.hidden);
        layers(p);
        let (name, norm) = frame.norm;
        p.norm(name, frame.hidden, norm);
    });
    match head {
        Head::CausalLm | Head::Conditional => {
            p.head(frame.head, frame.hidden, frame.vocabulary, frame.tied, frame.head_bias);
        }
        Head::Sequence => _ = p.linear("score", frame.hidden, c.labels(), false),
        Head::Token => _ = p.linear(if generic { "score" } else { "classifier" }, frame.hidden, c.labels(), true),
        Head::Question => _ = p.linear("qa_outputs", frame.hidden, 2, true),
        _ => {}
    }
}

/// Heads, KV heads and the width of a head, where the configuration names them in the common way.
pub(in crate::transformers) fn heads_of(c: &Config<'_>) -> (u64, u64, u64) {
    let heads = c.int("num_attention_heads");
    let kv_heads = c.int_or("num_key_value_heads", heads);
    let head = c.maybe("head_dim").unwrap_or_else(|| c.floored(c.int("hidden_size"), heads));
    if !heads.is_multiple_of(kv_heads.max(1)) {
        c.contradiction(format!("{heads} query heads cannot share {kv_heads} key and value heads evenly"));
    }
    (heads, kv_heads, head)
}

/// Layers in groups by the window of their attention: those without one, then those with.
///
/// `layer_types` of the configuration decides where it is given, else `is_windowed`.
pub(in crate::transformers) fn windows(
    c: &Config<'_>,
    layers: u64,
    window: Option<u64>,
    is_windowed: impl Fn(u64) -> bool,
) -> Vec<(Vec<u64>, Option<u64>)> {
    let types = c.texts("layer_types");
    if !types.is_empty() && types.len() as u64 != layers {
        c.contradiction(format!("“layer_types” has {} items for {layers} layers", types.len()));
    }
    let local = |layer: u64| match usize::try_from(layer).ok().and_then(|layer| types.get(layer)) {
        Some(name) => name == "sliding_attention" || name == "chunked_attention",
        None => is_windowed(layer),
    };
    let (with, without): (Vec<u64>, Vec<u64>) = (0..layers).partition(|layer| window.is_some() && local(*layer));
    [(without, None), (with, window)].into_iter().filter(|(numbers, _)| !numbers.is_empty()).collect()
}
