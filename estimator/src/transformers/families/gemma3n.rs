//! Gemma 3n's decoder: several streams of which one runs through each layer, a small input of each layer's own,
//! a low-rank path beside attention, and upper layers that share the keys and values of lower ones.

use crate::transformers::blocks::{Frame, decoder, gated, heads_of, windows};
use crate::transformers::config::Config;
use crate::transformers::description::{Facts, Kind};
use crate::transformers::heads::Head;
use crate::transformers::parts::{Attention, Norm, Parts, Span};

/// Every so many layers one sees the whole context, where the configuration does not list them.
const EVERY: u64 = 5;

/// Gemma 3n.
pub fn gemma3n(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame::common(c);
    let hidden = frame.hidden;
    let layers = c.layers("num_hidden_layers");
    let (heads, kv_heads, width) = heads_of(c);
    let inner = c.each("intermediate_size", layers);
    let (small, streams) = (c.int("hidden_size_per_layer_input"), c.factor("altup_num_inputs", 4));
    let rank = c.int("laurel_rank");
    let own = layers.saturating_sub(c.count("num_kv_shared_layers"));
    let grouped = windows(c, layers, c.maybe("sliding_window"), |layer| (layer + 1) % EVERY != 0);
    decoder(c, p, head, &frame, |p| {
        p.embedding("embed_tokens_per_layer", c.int("vocab_size_per_layer_input"), layers * small);
        p.linear("per_layer_model_projection", hidden, layers * small, false);
        p.norm("per_layer_projection_norm", small, Norm::Rms);
        for name in ["altup_projections", "altup_unembed_projections"] {
            p.each(name, 0..streams.saturating_sub(1), |p| _ = p.linear("", hidden, hidden, false));
        }
        for (numbers, window) in grouped {
            let (sharing, keeping): (Vec<u64>, Vec<u64>) = numbers.into_iter().partition(|layer| *layer >= own);
            for (numbers, keeps) in [(keeping, true), (sharing, false)] {
                p.each("layers", numbers, |p| {
                    p.within("self_attn", |p| {
                        p.linear("q_proj", hidden, heads * width, false);
                        // Layers that share keep projections in their files and do not run them.
                        p.over(if keeps { Span::Tokens } else { Span::Fixed(0) }, |p| {
                            p.linear("k_proj", hidden, kv_heads * width, false);
                            p.linear("v_proj", hidden, kv_heads * width, false);
                            p.norm("k_norm", width, Norm::Rms);
                        });
                        p.norm("q_norm", width, Norm::Rms);
                        let cache = if keeps { 2 * kv_heads * width } else { 0 };
                        let keys = Span::Tokens;
                        p.attention(Attention { heads, key: width, value: width, keys, window, cache });
                        p.linear("o_proj", heads * width, hidden, false);
                    });
                });
            }
        }
        for (layer, inner) in (0u64..).zip(&inner) {
            p.each("layers", [layer], |p| gated(p, "mlp", hidden, *inner, false));
        }
        p.each("layers", 0..layers, |p| {
            for name in [
                "input_layernorm",
                "post_attention_layernorm",
                "pre_feedforward_layernorm",
                "post_feedforward_layernorm",
                "post_per_layer_input_norm",
            ] {
                p.norm(name, hidden, Norm::Rms);
            }
            p.linear("per_layer_input_gate", hidden, small, false);
            p.linear("per_layer_projection", small, hidden, false);
            p.within("laurel", |p| {
                p.linear("linear_left", hidden, rank, false);
                p.linear("linear_right", rank, hidden, false);
                p.norm("post_laurel_norm", hidden, Norm::Rms);
            });
            p.within("altup", |p| {
                p.tensor("correct_output_scale", &[hidden]);
                p.linear("correction_coefs", streams, streams, false);
                p.linear("prediction_coefs", streams, streams * streams, false);
                // Once before the layer and once behind it.
                p.repeated(2, |p| _ = p.linear("modality_router", hidden, streams, false));
                p.norm("router_norm", hidden, Norm::Rms);
                p.recurrence("StreamMixing", hidden * streams * streams, 0);
            });
        });
    });
    Facts {
        kind: Kind::Decoder,
        layers,
        hidden_size: hidden,
        heads,
        kv_heads,
        head_dim: width,
        vocabulary: frame.vocabulary,
        context_length: c.maybe("max_position_embeddings"),
        tied_embeddings: Some(frame.tied),
        ..Facts::default()
    }
}
