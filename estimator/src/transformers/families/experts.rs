//! Decoders with experts in grouped attention's frame: Mixtral, Qwen MoE, Phi MoE, OLMoE, gpt-oss, Granite MoE, GLM 4.5, Llama 4, DBRX,
//! ERNIE 4.5, Hunyuan, dots.llm1, MiniMax M2.

use crate::transformers::blocks::{
    Biases, Frame, Grouped, HeadNorm, NORM_OF_ALL, NORM_OF_HEAD, Stack, common, decoder, experts, facts, gated, stack,
};
use crate::transformers::config::Config;
use crate::transformers::description::Facts;
use crate::transformers::heads::Head;
use crate::transformers::parts::{Norm, Parts};

const GATED: [&str; 3] = ["gate_proj", "up_proj", "down_proj"];

/// Adds a stack of which every layer has experts in `block_sparse_moe`, as Mixtral names them.
fn mixtral_like(c: &Config<'_>, p: &mut Parts, head: Head, change: impl FnOnce(&mut Stack<'_>)) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let among = (c.layers("num_local_experts"), c.int("num_experts_per_tok"));
    let feed = |p: &mut Parts, _: bool| {
        p.within("block_sparse_moe", |p| {
            p.linear("gate", hidden, among.0, false);
            experts(p, ["w1", "w3", "w2"], among, hidden, inner);
        });
    };
    let mut s = common(c, &feed);
    s.experts = Some(among);
    change(&mut s);
    stack(c, p, head, &s)
}

/// Mixtral.
pub fn mixtral(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    mixtral_like(c, p, head, |s| s.window = c.maybe("sliding_window"))
}

/// Phi 3.5 MoE: layer norms and biases.
pub fn phimoe(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    mixtral_like(c, p, head, |s| {
        s.attention.biases = Biases::all(c.flag("attention_bias"));
        s.norm = Norm::Layer;
        s.frame.norm.1 = Norm::Layer;
        s.frame.head_bias = c.flag("lm_head_bias");
        s.window = c.maybe("sliding_window");
    })
}

/// Qwen 2 MoE and Qwen 3 MoE: experts in some layers; the former also a shared one.
pub fn qwen_moe(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let is_qwen3 = c.model_type() == "qwen3_moe";
    let (hidden, dense) = (c.int("hidden_size"), c.int("intermediate_size"));
    let among = (c.layers("num_experts"), c.int("num_experts_per_tok"));
    let inner = c.int("moe_intermediate_size");
    let shared = if is_qwen3 { 0 } else { c.int("shared_expert_intermediate_size") };
    let feed = |p: &mut Parts, is_sparse: bool| {
        if !is_sparse {
            return gated(p, "mlp", hidden, dense, false);
        }
        p.within("mlp", |p| {
            p.linear("gate", hidden, among.0, false);
            experts(p, GATED, among, hidden, inner);
            if shared > 0 {
                gated(p, "shared_expert", hidden, shared, false);
                p.linear("shared_expert_gate", hidden, 1, false);
            }
        });
    };
    let (every, never, first) =
        (c.int_or("decoder_sparse_step", 1), c.list("mlp_only_layers"), c.count("max_window_layers"));
    let is_sparse = |layer: u64| (layer + 1).is_multiple_of(every) && !never.contains(&layer);
    let is_windowed = |layer: u64| layer >= first;
    let mut s = common(c, &feed);
    s.attention.biases =
        if is_qwen3 { Biases::all(c.flag("attention_bias")) } else { Biases::qkv(c.flag_or("qkv_bias", true)) };
    s.attention.norm = is_qwen3.then_some(NORM_OF_HEAD);
    s.window = c.maybe("sliding_window").filter(|_| c.flag("use_sliding_window"));
    if !is_qwen3 {
        s.is_windowed = Box::new(is_windowed);
    }
    s.is_sparse = Box::new(is_sparse);
    s.experts = Some(among);
    stack(c, p, head, &s)
}

/// OLMoE: norms over all heads of queries and keys.
pub fn olmoe(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let among = (c.layers("num_experts"), c.int("num_experts_per_tok"));
    let feed = |p: &mut Parts, _: bool| {
        p.within("mlp", |p| {
            p.linear("gate", hidden, among.0, false);
            experts(p, GATED, among, hidden, inner);
        });
    };
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    s.attention.norm = Some(NORM_OF_ALL);
    s.experts = Some(among);
    stack(c, p, head, &s)
}

/// gpt-oss: biases everywhere, a learned sink for each head, a window in every other layer, experts as stacked tensors.
pub fn gpt_oss(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let among = (c.layers("num_local_experts"), c.int_or("num_experts_per_tok", 4));
    let heads = c.int("num_attention_heads");
    let count = among.0;
    let feed = |p: &mut Parts, _: bool| {
        p.within("self_attn", |p| _ = p.tensor("sinks", &[heads]));
        p.within("mlp", |p| {
            p.router("router", hidden, count, true);
            p.routed(count, among.1, |p| {
                p.within("experts", |p| {
                    p.multiplied("gate_up_proj", &[count, hidden, 2 * inner], &[count, hidden, 2 * inner]);
                    p.tensor("gate_up_proj_bias", &[count, 2 * inner]);
                    p.multiplied("down_proj", &[count, inner, hidden], &[count, inner, hidden]);
                    p.tensor("down_proj_bias", &[count, hidden]);
                });
            });
        });
    };
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag_or("attention_bias", true));
    s.window = c.maybe("sliding_window");
    s.is_windowed = Box::new(move |layer| (layer + 1) % 2 != 0);
    s.experts = Some(among);
    stack(c, p, head, &s)
}

/// Granite, dense and with experts, with a shared one or without.
pub fn granite_moe(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let among = (c.layers("num_local_experts"), c.int("num_experts_per_tok"));
    let shared = c.count("shared_intermediate_size");
    let feed = |p: &mut Parts, _: bool| granite_experts(p, hidden, inner, among, shared);
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    s.experts = Some(among);
    stack(c, p, head, &s)
}

/// Adds Granite's experts: two stacked tensors and a router.
pub fn granite_experts(p: &mut Parts, hidden: u64, inner: u64, (count, per_token): (u64, u64), shared: u64) {
    if count > 0 {
        p.within("block_sparse_moe", |p| {
            p.routed(count, per_token, |p| {
                for (name, from, to) in [("input_linear", hidden, 2 * inner), ("output_linear", inner, hidden)] {
                    p.within(name, |p| _ = p.multiplied("weight", &[count, to, from], &[count, to, from]));
                }
            });
            p.within("router", |p| _ = p.linear("layer", hidden, count, false));
        });
    }
    if shared > 0 {
        p.within("shared_mlp", |p| {
            p.linear("input_linear", hidden, 2 * shared, false);
            p.linear("output_linear", shared, hidden, false);
        });
    }
}

/// GLM 4.5: the first layers dense, the others with experts and a shared one.
pub fn glm4_moe(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, dense) = (c.int("hidden_size"), c.int("intermediate_size"));
    let among = (c.layers("n_routed_experts"), c.int("num_experts_per_tok"));
    let inner = c.int("moe_intermediate_size");
    let shared = inner * c.count("n_shared_experts");
    let first = c.count("first_k_dense_replace");
    let feed = |p: &mut Parts, is_sparse: bool| {
        if !is_sparse {
            return gated(p, "mlp", hidden, dense, false);
        }
        p.within("mlp", |p| {
            experts(p, GATED, among, hidden, inner);
            p.router("gate", hidden, among.0, false);
            p.buffer("gate.e_score_correction_bias", among.0);
            if shared > 0 {
                gated(p, "shared_experts", hidden, shared, false);
            }
        });
    };
    let is_sparse = |layer: u64| layer >= first;
    let mut s = common(c, &feed);
    s.attention.biases = Biases::qkv(c.flag("attention_bias"));
    s.attention.norm = c.flag("use_qk_norm").then_some(NORM_OF_HEAD);
    s.is_sparse = Box::new(is_sparse);
    s.experts = Some(among);
    stack(c, p, head, &s)
}

/// Llama 4's decoder: stacked experts and a shared one in every layer or every other, attention in chunks in three of four.
pub fn llama4_text(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner, dense) = (c.int("hidden_size"), c.int("intermediate_size"), c.int("intermediate_size_mlp"));
    let (count, per_token) = (c.layers("num_local_experts"), c.int("num_experts_per_tok"));
    let every = c.int_or("interleave_moe_layer_step", 1);
    let listed = c.list("moe_layers");
    let feed = |p: &mut Parts, is_sparse: bool| {
        if !is_sparse {
            return gated(p, "feed_forward", hidden, dense, false);
        }
        p.within("feed_forward", |p| {
            p.routed(count, per_token, |p| {
                p.within("experts", |p| {
                    p.multiplied("gate_up_proj", &[count, hidden, 2 * inner], &[count, hidden, 2 * inner]);
                    p.multiplied("down_proj", &[count, inner, hidden], &[count, inner, hidden]);
                });
            });
            p.linear("router", hidden, count, false);
            gated(p, "shared_expert", hidden, inner, false);
        });
    };
    let is_sparse =
        |layer: u64| if listed.is_empty() { (layer + 1).is_multiple_of(every) } else { listed.contains(&layer) };
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    s.window = c.maybe("attention_chunk_size");
    s.is_windowed = Box::new(move |layer| (layer + 1) % 4 != 0);
    s.is_sparse = Box::new(is_sparse);
    s.experts = Some((count, per_token));
    stack(c, p, head, &s)
}

/// DBRX: fused queries, keys and values, experts as three stacked tensors.
pub fn dbrx(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (attn, ffn) = (c.part("attn_config", "dbrx.attn"), c.part("ffn_config", "dbrx.ffn"));
    let frame = Frame { norm: ("norm_f", Norm::LayerWithoutBias), ..Frame::transformer(c) };
    let hidden = frame.hidden;
    let heads = c.int("n_heads");
    let kv_heads = attn.int("kv_n_heads");
    let width = c.divided(hidden, heads);
    let (count, per_token) = (ffn.layers("moe_num_experts"), ffn.int("moe_top_k"));
    let inner = ffn.int("ffn_hidden_size");
    let layers = c.layers("n_layers");
    let attention = Grouped {
        hidden,
        heads,
        kv_heads,
        head: width,
        biases: Biases::NONE,
        names: Grouped::NAMES,
        norm: None,
        window: None,
    };
    decoder(c, p, head, &frame, |p| {
        p.each("blocks", 0..layers, |p| {
            p.within("norm_attn_norm", |p| {
                p.norm("norm_1", hidden, Norm::LayerWithoutBias);
                p.within("attn", |p| {
                    p.linear("Wqkv", hidden, hidden + 2 * kv_heads * width, false);
                    p.attention(attention.products(p.span()));
                    p.linear("out_proj", hidden, hidden, false);
                });
                p.norm("norm_2", hidden, Norm::LayerWithoutBias);
            });
            p.within("ffn", |p| {
                p.within("router", |p| _ = p.linear("layer", hidden, count, false));
                p.routed(count, per_token, |p| {
                    p.within("experts.mlp", |p| {
                        for name in ["w1", "v1", "w2"] {
                            p.multiplied(name, &[count * inner, hidden], &[count, inner, hidden]);
                        }
                    });
                });
            });
        });
    });
    facts(c, layers, &frame, &attention, Some((count, per_token)))
}

/// Adds a gated network beside routed experts with these names, and a router.
fn with_shared(
    p: &mut Parts,
    among: (u64, u64),
    (hidden, inner): (u64, u64),
    router: &str,
    (shared, width): (&str, u64),
) {
    p.within("mlp", |p| {
        p.linear(router, hidden, among.0, false);
        experts(p, GATED, among, hidden, inner);
        if width > 0 {
            gated(p, shared, hidden, width, false);
        }
    });
}

/// The first of a list of numbers for each layer, or the one number for all.
fn first_of(c: &Config<'_>, field: &str) -> u64 {
    match c.list(field).as_slice() {
        [first, rest @ ..] => {
            if rest.iter().any(|other| other != first) {
                c.contradiction(format!("“{field}” differs from layer to layer, which is not counted yet"));
            }
            *first
        }
        [] => c.int(field),
    }
}

/// ERNIE 4.5 with experts: one switch for all biases but the experts' router, a balance for each expert that checkpoints keep.
pub fn ernie45_moe(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, dense, inner) = (c.int("hidden_size"), c.int("intermediate_size"), c.int("moe_intermediate_size"));
    let among = (c.layers("moe_num_experts"), c.int("moe_k"));
    let shared = inner * c.count("moe_num_shared_experts");
    let bias = c.flag("use_bias");
    let (first, every) = (c.count("moe_layer_start_index"), c.int_or("moe_layer_interval", 1));
    let last = c.raw("moe_layer_end_index").and_then(|value| value.as_u64()).unwrap_or(u64::MAX);
    let feed = |p: &mut Parts, is_sparse: bool| {
        if !is_sparse {
            return gated(p, "mlp", hidden, dense, bias);
        }
        p.within("mlp", |p| {
            p.tensor("moe_statics.e_score_correction_bias", &[1, among.0]);
            p.router("gate", hidden, among.0, false);
            p.routed(among.0, among.1, |p| p.each("experts", 0..among.0, |p| gated(p, "", hidden, inner, bias)));
            if shared > 0 {
                gated(p, "shared_experts", hidden, shared, bias);
            }
        });
    };
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(bias);
    s.frame.head_bias = bias;
    s.is_sparse = Box::new(move |layer| (layer + 1).is_multiple_of(every) && (first..=last).contains(&layer));
    s.experts = Some(among);
    stack(c, p, head, &s)
}

/// Hunyuan with experts: a shared one as wide as each, norms of heads.
pub fn hunyuan_moe(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let among = (first_of(c, "num_experts"), first_of(c, "moe_topk"));
    let feed = |p: &mut Parts, _: bool| with_shared(p, among, (hidden, inner), "gate.wg", ("shared_mlp", inner));
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    s.attention.norm = Some(HeadNorm::Shared("query_layernorm", "key_layernorm", Norm::Rms));
    s.experts = Some(among);
    stack(c, p, head, &s)
}

/// dots.llm1: DeepSeek's experts behind plain attention with norms of heads.
pub fn dots1(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, dense, inner) = (c.int("hidden_size"), c.int("intermediate_size"), c.int("moe_intermediate_size"));
    let among = (c.layers("n_routed_experts"), c.int("num_experts_per_tok"));
    let shared = inner * c.count("n_shared_experts");
    let first = c.count("first_k_dense_replace");
    let feed = |p: &mut Parts, is_sparse: bool| {
        if !is_sparse {
            return gated(p, "mlp", hidden, dense, false);
        }
        p.within("mlp", |p| {
            experts(p, GATED, among, hidden, inner);
            p.router("gate", hidden, among.0, false);
            p.buffer("gate.e_score_correction_bias", among.0);
            gated(p, "shared_experts", hidden, shared, false);
        });
    };
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    s.attention.norm = Some(NORM_OF_HEAD);
    s.window = c.maybe("sliding_window");
    s.is_windowed = Box::new(|_| false);
    s.is_sparse = Box::new(move |layer| layer >= first);
    s.experts = Some(among);
    stack(c, p, head, &s)
}

/// FlexOLMo: OLMoE's experts behind OLMo 2's norms.
pub fn flex_olmo(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let among = (c.layers("num_experts"), c.int("num_experts_per_tok"));
    let feed = |p: &mut Parts, _: bool| with_shared(p, among, (hidden, inner), "gate", ("", 0));
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    s.attention.norm = Some(NORM_OF_ALL);
    s.norms = &["post_attention_layernorm", "post_feedforward_layernorm"];
    s.experts = Some(among);
    stack(c, p, head, &s)
}

/// MiniMax M2: Mixtral's experts with a balance for each, norms over all heads.
pub fn minimax_m2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let among = (c.layers("num_local_experts"), c.int("num_experts_per_tok"));
    let feed = |p: &mut Parts, _: bool| {
        p.within("block_sparse_moe", |p| {
            p.router("gate", hidden, among.0, false);
            p.buffer("e_score_correction_bias", among.0);
            experts(p, ["w1", "w3", "w2"], among, hidden, inner);
        });
    };
    let mut s = common(c, &feed);
    s.attention.norm = c.flag_or("use_qk_norm", true).then_some(NORM_OF_ALL);
    s.experts = Some(among);
    stack(c, p, head, &s)
}

/// The decoder of Qwen3-VL with experts, stacked in two tensors.
pub fn qwen3_vl_moe_text(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, dense, inner) = (c.int("hidden_size"), c.int("intermediate_size"), c.int("moe_intermediate_size"));
    let among = (c.layers("num_experts"), c.int("num_experts_per_tok"));
    let count = among.0;
    let feed = |p: &mut Parts, is_sparse: bool| {
        if !is_sparse {
            return gated(p, "mlp", hidden, dense, false);
        }
        p.within("mlp", |p| {
            p.linear("gate", hidden, count, false);
            p.routed(count, among.1, |p| {
                p.within("experts", |p| {
                    p.multiplied("gate_up_proj", &[count, hidden, 2 * inner], &[count, hidden, 2 * inner]);
                    p.multiplied("down_proj", &[count, inner, hidden], &[count, inner, hidden]);
                });
            });
        });
    };
    let (every, never) = (c.int_or("decoder_sparse_step", 1), c.list("mlp_only_layers"));
    let is_sparse = |layer: u64| (layer + 1).is_multiple_of(every) && !never.contains(&layer);
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    s.attention.norm = Some(NORM_OF_HEAD);
    s.is_sparse = Box::new(is_sparse);
    s.experts = Some(among);
    stack(c, p, head, &s)
}
