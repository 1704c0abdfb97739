//! Latent attention and many small experts, some of them shared: DeepSeek V2, V3 and R1, Kimi K2, GLM 4.7 Flash; LongCat-Flash.

use crate::transformers::blocks::{Frame, decoder, experts, gated};
use crate::transformers::config::Config;
use crate::transformers::description::{Facts, Kind};
use crate::transformers::heads::Head;
use crate::transformers::parts::{Attention, Norm, Parts};

/// Adds latent attention: keys and values of all heads from one narrow vector, which alone is kept, and a rotary part beside it.
fn latent(c: &Config<'_>, p: &mut Parts, hidden: u64) {
    let heads = c.int("num_attention_heads");
    let (rank, nope, rope, value) =
        (c.int("kv_lora_rank"), c.int("qk_nope_head_dim"), c.int("qk_rope_head_dim"), c.int("v_head_dim"));
    let bias = c.flag("attention_bias");
    let key = nope + rope;
    match c.maybe("q_lora_rank") {
        None => _ = p.linear("q_proj", hidden, heads * key, false),
        Some(q_rank) => {
            p.linear("q_a_proj", hidden, q_rank, bias);
            p.norm("q_a_layernorm", q_rank, Norm::Rms);
            p.linear("q_b_proj", q_rank, heads * key, false);
        }
    }
    p.linear("kv_a_proj_with_mqa", hidden, rank + rope, bias);
    p.norm("kv_a_layernorm", rank, Norm::Rms);
    p.linear("kv_b_proj", rank, heads * (nope + value), false);
    let keys = p.span();
    p.attention(Attention { heads, key, value, keys, window: None, cache: rank + rope });
    p.linear("o_proj", heads * value, hidden, bias);
}

/// LongCat-Flash: each layer has two blocks of latent attention and two dense networks, and one set of experts beside them,
/// some of which do nothing: a token uses fewer than it chooses, by the share of those that compute.
pub fn longcat(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame::common(c);
    let hidden = frame.hidden;
    let layers = c.layers("num_layers");
    let (dense, inner) = (c.int("ffn_hidden_size"), c.int("expert_ffn_hidden_size"));
    let (count, chosen) = (c.layers("n_routed_experts"), c.int("moe_topk"));
    let all = count + c.count("zero_expert_num");
    decoder(c, p, head, &frame, |p| {
        p.each("layers", 0..layers, |p| {
            p.within("mlp", |p| {
                p.routed(all, chosen, |p| {
                    p.each("experts", 0..count, |p| gated(p, "", hidden, inner, false));
                });
                p.router("router.classifier", hidden, all, c.flag("router_bias"));
                p.buffer("router.e_score_correction_bias", all);
            });
            p.each("self_attn", 0..2, |p| latent(c, p, hidden));
            p.each("mlps", 0..2, |p| gated(p, "", hidden, dense, false));
            for name in ["input_layernorm", "post_attention_layernorm"] {
                p.each(name, 0..2, |p| p.norm("", hidden, Norm::Rms));
            }
        });
    });
    let heads = c.int("num_attention_heads");
    Facts {
        kind: Kind::Decoder,
        layers,
        hidden_size: hidden,
        heads,
        kv_heads: heads,
        head_dim: c.int("qk_nope_head_dim") + c.int("qk_rope_head_dim"),
        vocabulary: frame.vocabulary,
        experts: Some(all),
        experts_per_token: Some(chosen),
        context_length: c.maybe("max_position_embeddings"),
        tied_embeddings: Some(frame.tied),
        ..Facts::default()
    }
}

/// V2, V3 and R1. The layers for predicting several tokens at once, which checkpoints hold beside the model, are left out.
pub fn deepseek(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame::common(c);
    let hidden = frame.hidden;
    let heads = c.int("num_attention_heads");
    let (dense, inner) = (c.int("intermediate_size"), c.int("moe_intermediate_size"));
    let among = (c.layers_or_none("n_routed_experts"), c.int_or("num_experts_per_tok", 1));
    let shared = inner * c.count("n_shared_experts");
    let first = c.count("first_k_dense_replace");
    // Newer configurations list the kinds of networks.
    let kinds = c.texts("mlp_layer_types");
    let every = c.int_or("moe_layer_freq", 1);
    let layers = c.layers("num_hidden_layers");
    let is_sparse = |layer: u64| match kinds.get(layer as usize) {
        Some(kind) => kind == "sparse",
        None => layer >= first && layer.is_multiple_of(every),
    };
    let (sparse, plain): (Vec<u64>, Vec<u64>) = (0..layers).partition(|layer| among.0 > 0 && is_sparse(*layer));
    decoder(c, p, head, &frame, |p| {
        for (numbers, is_sparse) in [(plain, false), (sparse, true)] {
            p.each("layers", numbers, |p| {
                p.within("self_attn", |p| latent(c, p, hidden));
                if is_sparse {
                    p.within("mlp", |p| {
                        experts(p, ["gate_proj", "up_proj", "down_proj"], among, hidden, inner);
                        p.router("gate", hidden, among.0, false);
                        if c.model_type() != "deepseek_v2" {
                            p.buffer("gate.e_score_correction_bias", among.0);
                        }
                        if shared > 0 {
                            gated(p, "shared_experts", hidden, shared, false);
                        }
                    });
                } else {
                    gated(p, "mlp", hidden, dense, false);
                }
                p.norm("input_layernorm", hidden, Norm::Rms);
                p.norm("post_attention_layernorm", hidden, Norm::Rms);
            });
        }
    });
    Facts {
        kind: Kind::Decoder,
        layers,
        hidden_size: hidden,
        heads,
        kv_heads: c.int_or("num_key_value_heads", heads),
        head_dim: c.int("qk_nope_head_dim") + c.int("qk_rope_head_dim"),
        vocabulary: frame.vocabulary,
        experts: (among.0 > 0).then_some(among.0),
        experts_per_token: (among.0 > 0).then_some(among.1),
        context_length: c.maybe("max_position_embeddings"),
        tied_embeddings: Some(frame.tied),
        ..Facts::default()
    }
}
