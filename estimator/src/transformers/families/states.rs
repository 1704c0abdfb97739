//! Decoders with a state instead of (or beside) attention: Mamba 1 and 2, RWKV, and hybrids: Jamba, Zamba, Granite 4, Qwen3-Next and Qwen 3.5,
//! RecurrentGemma, MiniMax 01, Nemotron-H.
//!
//! A state's update is element-wise and no product; its reading is one: for each channel as many MACs as it has states.

use super::experts::granite_experts;
use crate::transformers::blocks::{
    Biases, Frame, Grouped, HeadNorm, common, decoder, experts, facts, gated, grouped, plain,
};
use crate::transformers::config::Config;
use crate::transformers::description::Facts;
use crate::transformers::heads::Head;
use crate::transformers::parts::{Norm, Parts, Span};

/// Sizes of a block of Mamba 1.
struct First {
    hidden: u64,
    inner: u64,
    state: u64,
    kernel: u64,
    rank: u64,
    bias: bool,
    conv_bias: bool,
}

impl First {
    fn block(&self, p: &mut Parts, norms: &[(&str, u64)]) {
        let s = self;
        p.tensor("A_log", &[s.inner, s.state]);
        p.tensor("D", &[s.inner]);
        p.conv("conv1d", &[s.kernel], s.inner, s.inner, s.inner, s.conv_bias);
        p.linear("in_proj", s.hidden, 2 * s.inner, s.bias);
        p.linear("x_proj", s.inner, s.rank + 2 * s.state, false);
        p.linear("dt_proj", s.rank, s.inner, true);
        norms.iter().for_each(|(name, width)| p.norm(name, *width, Norm::Rms));
        p.recurrence("StateSpace", s.inner * s.state, s.inner * (s.state + s.kernel));
        p.linear("out_proj", s.inner, s.hidden, s.bias);
    }
}

/// The facts of a stack without attention.
fn attention_free(c: &Config<'_>, layers: u64, frame: &Frame) -> Facts {
    let none = Grouped {
        hidden: frame.hidden,
        heads: 0,
        kv_heads: 0,
        head: 0,
        biases: Biases::NONE,
        names: Grouped::NAMES,
        norm: None,
        window: None,
    };
    facts(c, layers, frame, &none, None)
}

/// The rank of the time step: a number, or "auto" for a sixteenth of the width, rounded up.
fn rank(c: &Config<'_>, field: &str, hidden: u64) -> u64 {
    match c.raw(field) {
        Some(value) if value.is_number() => c.int(field),
        _ => hidden.div_ceil(16),
    }
}

/// Mamba and Falcon-Mamba.
pub fn mamba(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { base: "backbone", table: "embeddings", norm: ("norm_f", Norm::Rms), ..Frame::common(c) };
    let hidden = frame.hidden;
    let layers = c.layers("num_hidden_layers");
    let block = First {
        hidden,
        inner: c.maybe("intermediate_size").unwrap_or_else(|| c.scaled(hidden, "expand", 2.0)),
        state: c.int("state_size"),
        kernel: c.int("conv_kernel"),
        rank: rank(c, "time_step_rank", hidden),
        bias: c.flag("use_bias"),
        conv_bias: c.flag_or("use_conv_bias", true),
    };
    decoder(c, p, head, &frame, |p| {
        p.each("layers", 0..layers, |p| {
            p.norm("norm", hidden, Norm::Rms);
            p.within("mixer", |p| block.block(p, &[]));
        });
    });
    attention_free(c, layers, &frame)
}

/// Sizes of a block of Mamba 2.
struct Second {
    hidden: u64,
    inner: u64,
    heads: u64,
    state: u64,
    groups: u64,
    kernel: u64,
    bias: bool,
    out_bias: bool,
    conv_bias: bool,
    has_norm: bool,
}

impl Second {
    fn block(&self, p: &mut Parts) {
        let s = self;
        let convolved = s.inner + 2 * s.groups * s.state;
        p.tensor("dt_bias", &[s.heads]);
        p.tensor("A_log", &[s.heads]);
        p.tensor("D", &[s.heads]);
        p.conv("conv1d", &[s.kernel], convolved, convolved, convolved, s.conv_bias);
        p.linear("in_proj", s.hidden, s.inner + convolved + s.heads, s.bias);
        p.recurrence("StateSpace", s.inner * s.state, s.inner * s.state + convolved * s.kernel);
        if s.has_norm {
            p.norm("norm", s.inner, Norm::Rms);
        }
        p.linear("out_proj", s.inner, s.hidden, s.out_bias);
    }

    /// The block of Bamba's kin: Granite 4, Falcon-H1.
    fn bamba(c: &Config<'_>, hidden: u64) -> Self {
        Self {
            hidden,
            inner: c.maybe("mamba_d_ssm").unwrap_or_else(|| c.scaled(hidden, "mamba_expand", 2.0)),
            heads: c.int("mamba_n_heads"),
            state: c.int("mamba_d_state"),
            groups: c.int_or("mamba_n_groups", 1),
            kernel: c.int("mamba_d_conv"),
            bias: c.flag("mamba_proj_bias"),
            out_bias: c.flag("mamba_proj_bias"),
            conv_bias: c.flag_or("mamba_conv_bias", true),
            has_norm: true,
        }
    }
}

/// Mamba 2.
pub fn mamba2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { base: "backbone", table: "embeddings", norm: ("norm_f", Norm::Rms), ..Frame::common(c) };
    let hidden = frame.hidden;
    let layers = c.layers("num_hidden_layers");
    let block = Second {
        hidden,
        inner: c.scaled(hidden, "expand", 2.0),
        heads: c.int("num_heads"),
        state: c.int("state_size"),
        groups: c.int_or("n_groups", 8),
        kernel: c.int("conv_kernel"),
        bias: c.flag("use_bias"),
        out_bias: c.flag("use_bias"),
        conv_bias: c.flag_or("use_conv_bias", true),
        has_norm: true,
    };
    decoder(c, p, head, &frame, |p| {
        p.each("layers", 0..layers, |p| {
            p.norm("norm", hidden, Norm::Rms);
            p.within("mixer", |p| block.block(p));
        });
    });
    attention_free(c, layers, &frame)
}

/// Splits layers in two by a test.
fn split(layers: u64, test: impl Fn(u64) -> bool) -> (Vec<u64>, Vec<u64>) {
    (0..layers).partition(|layer| test(*layer))
}

/// Jamba: attention in one of eight layers, experts in every other.
pub fn jamba(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = common(c, &|_, _| {});
    let frame = Frame { norm: ("final_layernorm", Norm::Rms), ..s.frame };
    let (hidden, inner) = (frame.hidden, c.int("intermediate_size"));
    let layers = c.layers("num_hidden_layers");
    let among = (c.layers("num_experts"), c.int("num_experts_per_tok"));
    let block = First {
        hidden,
        inner: c.scaled(hidden, "mamba_expand", 2.0),
        state: c.int("mamba_d_state"),
        kernel: c.int("mamba_d_conv"),
        rank: rank(c, "mamba_dt_rank", hidden),
        bias: c.flag("mamba_proj_bias"),
        conv_bias: c.flag_or("mamba_conv_bias", true),
    };
    let (period, offset) = (c.int("attn_layer_period"), c.count("attn_layer_offset"));
    let (expert_period, expert_offset) = (c.int("expert_layer_period"), c.count("expert_layer_offset"));
    let types = c.texts("layer_types");
    let (attentive, mixing) = split(layers, |layer| match types.get(layer as usize) {
        Some(kind) => kind == "attention",
        None => layer % period == offset,
    });
    let (sparse, dense) = split(layers, |layer| among.0 > 1 && layer % expert_period == expert_offset);
    let norms = [("dt_layernorm", block.rank), ("b_layernorm", block.state), ("c_layernorm", block.state)];
    decoder(c, p, head, &frame, |p| {
        p.each("layers", mixing, |p| p.within("mamba", |p| block.block(p, &norms)));
        p.each("layers", attentive, |p| grouped(p, "self_attn", &s.attention));
        p.each("layers", dense, |p| gated(p, "feed_forward", hidden, inner, false));
        p.each("layers", sparse, |p| {
            p.within("feed_forward", |p| {
                p.linear("router", hidden, among.0, false);
                experts(p, ["gate_proj", "up_proj", "down_proj"], among, hidden, inner);
            });
        });
        p.each("layers", 0..layers, |p| {
            p.norm("input_layernorm", hidden, Norm::Rms);
            p.norm("pre_ff_layernorm", hidden, Norm::Rms);
        });
    });
    facts(c, layers, &frame, &s.attention, (among.0 > 1).then_some(among))
}

/// Which layers of Zamba also run a shared block.
fn hybrids(c: &Config<'_>, layers: u64, otherwise: impl Fn(u64) -> bool) -> Vec<u64> {
    let types = c.texts("layers_block_type");
    if types.is_empty() {
        return (0..layers).filter(|layer| otherwise(*layer)).collect();
    }
    if types.len() as u64 != layers {
        c.contradiction(format!("“layers_block_type” has {} items for {layers} layers", types.len()));
    }
    (0u64..).zip(&types).filter(|(_, kind)| *kind == "hybrid").map(|(layer, _)| layer).collect()
}

/// Zamba: Mamba in heads, and one shared block of attention over two vectors side by side.
pub fn zamba(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { norm: ("final_layernorm", Norm::Rms), ..Frame::common(c) };
    let (hidden, inner) = (frame.hidden, c.int("intermediate_size"));
    let layers = c.layers("num_hidden_layers");
    let (heads, wide) = (c.int("num_attention_heads"), 2 * hidden);
    let kv_heads = c.int_or("num_key_value_heads", heads);
    let width = c.maybe("attention_head_dim").unwrap_or_else(|| c.floored(wide, heads));
    let (period, offset) = (c.int("attn_layer_period"), c.count("attn_layer_offset"));
    let shared = hybrids(c, layers, |layer| layer == 2 || layer > 2 && (layer - 3) % period == offset);
    let plain_layers: Vec<u64> = (0..layers).filter(|layer| !shared.contains(layer)).collect();
    let channels = c.scaled(hidden, "mamba_expand", 2.0);
    let (parts, state, kernel) = (c.int("n_mamba_heads"), c.int("mamba_d_state"), c.int("mamba_d_conv"));
    let per_head = c.divided(channels, parts);
    let rank = rank(c, "mamba_dt_rank", hidden);
    let (bias, conv_bias) = (c.flag("mamba_proj_bias"), c.flag_or("mamba_conv_bias", true));
    let a = Grouped {
        hidden: wide,
        heads,
        kv_heads,
        head: width,
        biases: Biases::NONE,
        names: Grouped::NAMES,
        norm: None,
        window: None,
    };
    let block = |p: &mut Parts| {
        p.within("mamba", |p| {
            let projected = rank + 2 * state;
            p.multiplied("x_proj_weight", &[parts, projected, per_head], &[parts, projected, per_head]);
            p.multiplied("dt_proj_weight", &[parts, per_head, rank], &[parts, per_head, rank]);
            p.tensor("dt_proj_bias", &[parts, per_head]);
            p.tensor("A_log", &[parts, per_head, state]);
            p.tensor("D", &[parts, per_head]);
            p.conv("conv1d", &[kernel], channels, channels, channels, conv_bias);
            p.linear("in_proj", hidden, 2 * channels, bias);
            p.recurrence("StateSpace", channels * state, channels * (state + kernel));
            p.linear("out_proj", channels, hidden, bias);
        });
        p.norm("input_layernorm", hidden, Norm::Rms);
    };
    decoder(c, p, head, &frame, |p| {
        p.each("layers", plain_layers, block);
        p.each("layers", shared.first().copied(), |p| {
            p.repeated(shared.len() as u64, |p| {
                p.within("shared_transf", |p| {
                    attention_to(p, &a, hidden);
                    gated(p, "feed_forward", hidden, inner, false);
                    p.norm("input_layernorm", wide, Norm::Rms);
                    p.norm("pre_ff_layernorm", hidden, Norm::Rms);
                });
            });
        });
        p.each("layers", shared.iter().copied(), |p| {
            p.linear("linear", hidden, hidden, false);
            p.within("mamba_decoder", block);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// Adds attention whose output is narrower than its input.
fn attention_to(p: &mut Parts, a: &Grouped, hidden: u64) {
    let (all, kv) = (a.heads * a.head, a.kv_heads * a.head);
    p.within("self_attn", |p| {
        p.linear("q_proj", a.hidden, all, false);
        p.linear("k_proj", a.hidden, kv, false);
        p.linear("v_proj", a.hidden, kv, false);
        p.attention(a.products(p.span()));
        p.linear("o_proj", all, hidden, false);
    });
}

/// Zamba 2: Mamba 2, and a few shared blocks that take turns, each use with small adapters of its own.
pub fn zamba2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { norm: ("final_layernorm", Norm::Rms), ..Frame::common(c) };
    let (hidden, inner) = (frame.hidden, c.int_or("intermediate_size", 4 * frame.hidden));
    let layers = c.layers("num_hidden_layers");
    let (heads, wide) = (c.int("num_attention_heads"), 2 * hidden);
    let kv_heads = c.int_or("num_key_value_heads", heads);
    let width = c.maybe("attention_head_dim").unwrap_or_else(|| c.floored(wide, heads));
    let ids = c.list("hybrid_layer_ids");
    let shared = hybrids(c, layers, |layer| match ids.is_empty() {
        false => ids.contains(&layer),
        true => (6..48).contains(&layer) && layer.is_multiple_of(6) || layer == 47 || layer == 51,
    });
    let plain_layers: Vec<u64> = (0..layers).filter(|layer| !shared.contains(layer)).collect();
    let blocks = c.layers("num_mem_blocks");
    let (rank, bias) = (c.int("adapter_rank"), c.flag("add_bias_linear"));
    let mixer = Second {
        hidden,
        inner: c.scaled(hidden, "mamba_expand", 2.0),
        heads: c.int("n_mamba_heads"),
        state: c.int("mamba_d_state"),
        groups: c.int_or("mamba_ngroups", 1),
        kernel: c.int("mamba_d_conv"),
        bias,
        out_bias: bias,
        conv_bias: true,
        has_norm: true,
    };
    let a = Grouped {
        hidden: wide,
        heads,
        kv_heads,
        head: width,
        biases: Biases::NONE,
        names: Grouped::NAMES,
        norm: None,
        window: None,
    };
    let adapters = c.flag("use_shared_attention_adapter");
    let block = |p: &mut Parts| {
        p.within("mamba", |p| mixer.block(p));
        p.norm("input_layernorm", hidden, Norm::Rms);
    };
    decoder(c, p, head, &frame, |p| {
        p.each("layers", plain_layers, block);
        for turn in 0..blocks.min(shared.len() as u64) {
            // The uses of this block, by number among all uses of shared blocks.
            let uses: Vec<u64> = (turn..shared.len() as u64).step_by(blocks as usize).collect();
            p.each("layers", shared.get(turn as usize).copied(), |p| {
                p.within("shared_transformer", |p| {
                    p.repeated(uses.len() as u64, |p| attention_to(p, &a, hidden));
                    let adapter = |p: &mut Parts, name: &str, from: u64, to: u64| {
                        p.each(name, uses.iter().copied(), |p| {
                            p.linear("0", from, rank, false);
                            p.linear("1", rank, to, false);
                        });
                    };
                    if adapters {
                        p.within("self_attn", |p| {
                            for name in ["linear_q_adapter_list", "linear_k_adapter_list", "linear_v_adapter_list"] {
                                adapter(p, name, wide, wide);
                            }
                        });
                    }
                    p.within("feed_forward", |p| {
                        p.repeated(uses.len() as u64, |p| {
                            p.linear("gate_up_proj", hidden, 2 * inner, bias);
                            p.linear("down_proj", inner, hidden, bias);
                        });
                        adapter(p, "gate_up_proj_adapter_list", hidden, 2 * inner);
                    });
                    p.norm("input_layernorm", wide, Norm::Rms);
                    p.norm("pre_ff_layernorm", hidden, Norm::Rms);
                });
            });
        }
        p.each("layers", shared.iter().copied(), |p| {
            p.linear("linear", hidden, hidden, false);
            p.within("mamba_decoder", block);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// RWKV 4.
pub fn rwkv(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let norm = ("ln_out", Norm::Layer);
    let frame = Frame { base: "rwkv", table: "embeddings", norm, head: "head", ..Frame::common(c) };
    let hidden = frame.hidden;
    let layers = c.layers("num_hidden_layers");
    let mixed = c.int_or("attention_hidden_size", hidden);
    let inner = c.int_or("intermediate_size", 4 * hidden);
    decoder(c, p, head, &frame, |p| {
        p.each("blocks", 0..1, |p| p.layer_norm("pre_ln", hidden));
        p.each("blocks", 0..layers, |p| {
            p.layer_norm("ln1", hidden);
            p.layer_norm("ln2", hidden);
            p.within("attention", |p| {
                p.tensor("time_decay", &[mixed]);
                p.tensor("time_first", &[mixed]);
                for name in ["time_mix_key", "time_mix_value", "time_mix_receptance"] {
                    p.tensor(name, &[1, 1, hidden]);
                }
                for name in ["key", "value", "receptance"] {
                    p.linear(name, hidden, mixed, false);
                }
                // All element-wise; the last two vectors of the blocks and three sums of the attention are kept.
                p.recurrence("TimeMix", 0, 2 * hidden + 3 * mixed);
                p.linear("output", mixed, hidden, false);
            });
            p.within("feed_forward", |p| {
                p.tensor("time_mix_key", &[1, 1, hidden]);
                p.tensor("time_mix_receptance", &[1, 1, hidden]);
                p.linear("key", hidden, inner, false);
                p.linear("receptance", hidden, hidden, false);
                p.linear("value", inner, hidden, false);
            });
        });
    });
    Facts { context_length: c.maybe("context_length"), ..attention_free(c, layers, &frame) }
}

/// Qwen3-Next and Qwen 3.5: gated attention in one of four layers, a gated delta rule in the others;
/// experts and a shared one, or a plain network in the dense ones of Qwen 3.5.
pub fn qwen3_next(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = common(c, &|_, _| {});
    let (hidden, a) = (s.frame.hidden, s.attention);
    let layers = c.layers("num_hidden_layers");
    let is_next = c.model_type() == "qwen3_next";
    let has_experts = c.model_type() != "qwen3_5_text";
    let among = if has_experts { (c.layers("num_experts"), c.int("num_experts_per_tok")) } else { (1, 1) };
    let (dense, never, every) =
        (c.int_or("intermediate_size", 1), c.list("mlp_only_layers"), c.int_or("decoder_sparse_step", 1));
    let (key, value) = (c.int("linear_key_head_dim"), c.int("linear_value_head_dim"));
    let (key_heads, value_heads) = (c.int("linear_num_key_heads"), c.int("linear_num_value_heads"));
    let (keys, values) = (key * key_heads, value * value_heads);
    let kernel = c.int("linear_conv_kernel_dim");
    let types = c.texts("layer_types");
    let interval = c.int_or("full_attention_interval", 4);
    let (full, linear) = split(layers, |layer| match types.get(layer as usize) {
        Some(kind) => kind == "full_attention",
        None => (layer + 1) % interval == 0,
    });
    let (sparse, plain_layers) =
        split(layers, |layer| has_experts && !never.contains(&layer) && (layer + 1) % every == 0);
    let bias = c.flag("attention_bias");
    decoder(c, p, head, &s.frame, |p| {
        p.each("layers", full, |p| {
            p.within("self_attn", |p| {
                let (all, kv) = (a.heads * a.head, a.kv_heads * a.head);
                p.linear("q_proj", hidden, 2 * all, bias);
                p.linear("k_proj", hidden, kv, bias);
                p.linear("v_proj", hidden, kv, bias);
                p.norm("q_norm", a.head, Norm::Rms);
                p.norm("k_norm", a.head, Norm::Rms);
                p.attention(a.products(Span::Tokens));
                p.linear("o_proj", all, hidden, bias);
            });
        });
        p.each("layers", linear, |p| {
            p.within("linear_attn", |p| {
                p.tensor("dt_bias", &[value_heads]);
                p.tensor("A_log", &[value_heads]);
                let convolved = 2 * keys + values;
                p.conv("conv1d", &[kernel], convolved, convolved, convolved, false);
                if is_next {
                    p.linear("in_proj_qkvz", hidden, 2 * keys + 2 * values, false);
                    p.linear("in_proj_ba", hidden, 2 * value_heads, false);
                } else {
                    p.linear("in_proj_qkv", hidden, convolved, false);
                    p.linear("in_proj_z", hidden, values, false);
                    p.linear("in_proj_b", hidden, value_heads, false);
                    p.linear("in_proj_a", hidden, value_heads, false);
                }
                p.norm("norm", value, Norm::Rms);
                // What the state holds for the key is read, and then what it holds for the query.
                p.recurrence("DeltaRule", 2 * values * key, values * key + convolved * kernel);
                p.linear("out_proj", values, hidden, false);
            });
        });
        p.each("layers", plain_layers, |p| gated(p, "mlp", hidden, dense, false));
        p.each("layers", sparse, |p| {
            let (inner, shared) = (c.int("moe_intermediate_size"), c.int("shared_expert_intermediate_size"));
            p.within("mlp", |p| {
                p.linear("gate", hidden, among.0, false);
                experts(p, ["gate_proj", "up_proj", "down_proj"], among, hidden, inner);
                gated(p, "shared_expert", hidden, shared, false);
                p.linear("shared_expert_gate", hidden, 1, false);
            });
        });
        p.each("layers", 0..layers, |p| {
            p.norm("input_layernorm", hidden, Norm::Rms);
            p.norm("post_attention_layernorm", hidden, Norm::Rms);
        });
    });
    facts(c, layers, &s.frame, &a, has_experts.then_some(among))
}

/// Granite 4: Mamba 2 in most layers, attention in some, experts and a shared network.
pub fn granite_hybrid(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = common(c, &|_, _| {});
    let hidden = s.frame.hidden;
    let layers = c.layers("num_hidden_layers");
    let among = (c.layers_or_none("num_local_experts"), c.int_or("num_experts_per_tok", 1));
    let (inner, shared) = (c.int("intermediate_size"), c.int("shared_intermediate_size"));
    let mut types = c.texts("layer_types");
    if types.is_empty() {
        types = c.texts("layers_block_type");
    }
    let (attentive, mixing) = split(layers, |layer| types.get(layer as usize).is_some_and(|kind| kind == "attention"));
    let a = Grouped { biases: Biases::all(c.flag("attention_bias")), ..s.attention };
    let mixer = Second::bamba(c, hidden);
    decoder(c, p, head, &s.frame, |p| {
        p.each("layers", mixing, |p| p.within("mamba", |p| mixer.block(p)));
        p.each("layers", attentive, |p| grouped(p, "self_attn", &a));
        p.each("layers", 0..layers, |p| {
            granite_experts(p, hidden, inner, among, shared);
            p.norm("input_layernorm", hidden, Norm::Rms);
            p.norm("post_attention_layernorm", hidden, Norm::Rms);
        });
    });
    facts(c, layers, &s.frame, &a, (among.0 > 0).then_some(among))
}

/// Falcon-H1: Mamba 2 and attention side by side in every layer.
pub fn falcon_h1(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = common(c, &|_, _| {});
    let frame = Frame { norm: ("final_layernorm", Norm::Rms), ..s.frame };
    let (hidden, inner) = (frame.hidden, c.int("intermediate_size"));
    let layers = c.layers("num_hidden_layers");
    let a = Grouped { biases: Biases::all(c.flag("attention_bias")), ..s.attention };
    let mixer =
        Second { out_bias: c.flag("projectors_bias"), has_norm: c.flag("mamba_rms_norm"), ..Second::bamba(c, hidden) };
    decoder(c, p, head, &frame, |p| {
        p.each("layers", 0..layers, |p| {
            gated(p, "feed_forward", hidden, inner, c.flag("mlp_bias"));
            p.within("mamba", |p| mixer.block(p));
            grouped(p, "self_attn", &a);
            p.norm("input_layernorm", hidden, Norm::Rms);
            p.norm("pre_ff_layernorm", hidden, Norm::Rms);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// RecurrentGemma: a gated linear recurrence in two of three layers, attention with a window in the third.
pub fn recurrent_gemma(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = common(c, &|_, _| {});
    let frame = Frame { norm: ("final_norm", Norm::Rms), ..s.frame };
    let hidden = frame.hidden;
    let inner = c.floored(c.int("intermediate_size"), 2);
    let layers = c.layers("num_hidden_layers");
    let wide = c.int_or("lru_width", hidden);
    let types = c.texts("block_types");
    let kernel = c.int("conv1d_width");
    let block = c.divided(wide, s.attention.heads);
    let window = c.maybe("attention_window_size");
    let biases = Biases { o: true, ..Biases::qkv(c.flag("attention_bias")) };
    let a = Grouped { biases, window, ..s.attention };
    let (attentive, recurrent) = split(layers, |layer| {
        let turn = (layer as usize).checked_rem(types.len()).and_then(|place| types.get(place));
        turn.map_or(layer % 3 == 2, |kind| kind == "attention")
    });
    decoder(c, p, head, &frame, |p| {
        p.each("layers", attentive, |p| grouped(p, "temporal_block", &a));
        p.each("layers", recurrent, |p| {
            p.within("temporal_block", |p| {
                p.linear("linear_y", hidden, wide, true);
                p.linear("linear_x", hidden, wide, true);
                p.linear("linear_out", wide, hidden, true);
                p.conv("conv_1d", &[kernel], wide, wide, wide, true);
                p.within("rg_lru", |p| {
                    p.tensor("recurrent_param", &[wide]);
                    for gate in ["input_gate", "recurrent_gate"] {
                        let shape = [a.heads, block, block];
                        p.multiplied(&format!("{gate}_weight"), &shape, &shape);
                        p.tensor(&format!("{gate}_bias"), &[a.heads, block]);
                    }
                    p.recurrence("LinearRecurrence", 0, wide + wide * (kernel - 1));
                });
            });
        });
        p.each("layers", 0..layers, |p| {
            p.norm("temporal_pre_norm", hidden, Norm::Rms);
            p.norm("channel_pre_norm", hidden, Norm::Rms);
            gated(p, "mlp_block", hidden, inner, true);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// LFM 2: short convolutions in most layers, attention in some, and in its larger versions experts behind the first layers.
pub fn lfm2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = common(c, &|_, _| {});
    let has_experts = c.model_type() == "lfm2_moe";
    // The larger versions call it “tie_embedding”, and tie it where they are silent.
    let tied =
        if has_experts { c.flag_or("tie_word_embeddings", c.flag_or("tie_embedding", true)) } else { s.frame.tied };
    let frame = Frame { norm: ("embedding_norm", Norm::Rms), tied, ..s.frame };
    let hidden = frame.hidden;
    let mut inner = c.int("intermediate_size");
    if !has_experts && c.flag_or("block_auto_adjust_ff_dim", true) {
        inner = c.scaled(2 * inner / 3, "block_ffn_dim_multiplier", 1.0);
        let multiple = c.int_or("block_multiple_of", 256);
        inner = inner.div_ceil(multiple) * multiple;
    }
    let layers = c.layers("num_hidden_layers");
    let (types, listed) = (c.texts("layer_types"), c.list("full_attn_idxs"));
    let (attentive, mixing) = split(layers, |layer| match types.get(layer as usize) {
        Some(kind) => kind == "full_attention",
        None => listed.is_empty() || listed.contains(&layer),
    });
    let names = ["q_proj", "k_proj", "v_proj", "out_proj"];
    let norm = Some(HeadNorm::Shared("q_layernorm", "k_layernorm", Norm::Rms));
    let a = Grouped { names, norm, ..s.attention };
    let (bias, kernel) = (c.flag("conv_bias"), c.int("conv_L_cache"));
    let among = if has_experts { (c.layers("num_experts"), c.int("num_experts_per_tok")) } else { (1, 1) };
    let dense = if has_experts { c.count("num_dense_layers").min(layers) } else { layers };
    decoder(c, p, head, &frame, |p| {
        p.each("layers", attentive, |p| grouped(p, "self_attn", &a));
        p.each("layers", mixing, |p| {
            p.within("conv", |p| {
                p.conv("conv", &[kernel], hidden, hidden, hidden, bias);
                p.linear("in_proj", hidden, 3 * hidden, bias);
                p.recurrence("ShortConvolution", 0, hidden * kernel);
                p.linear("out_proj", hidden, hidden, bias);
            });
        });
        p.each("layers", 0..dense, |p| {
            p.within("feed_forward", |p| {
                p.linear("w1", hidden, inner, false);
                p.linear("w3", hidden, inner, false);
                p.linear("w2", inner, hidden, false);
            });
        });
        p.each("layers", dense..layers, |p| {
            p.within("feed_forward", |p| {
                p.router("gate", hidden, among.0, false);
                if c.flag("use_expert_bias") {
                    p.buffer("expert_bias", among.0);
                }
                experts(p, ["w1", "w3", "w2"], among, hidden, c.int("moe_intermediate_size"));
            });
        });
        p.each("layers", 0..layers, |p| {
            p.norm("operator_norm", hidden, Norm::Rms);
            p.norm("ffn_norm", hidden, Norm::Rms);
        });
    });
    facts(c, layers, &frame, &a, has_experts.then_some(among))
}

/// MiniMax 01 and M1: linear attention in seven of eight layers, Mixtral's experts in all.
pub fn minimax(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = common(c, &|_, _| {});
    let (hidden, inner, a) = (s.frame.hidden, c.int("intermediate_size"), s.attention);
    let among = (c.layers("num_local_experts"), c.int("num_experts_per_tok"));
    let layers = c.layers("num_hidden_layers");
    // The first version writes 1 for attention and 0 for what is linear.
    let (types, codes) = (c.texts("layer_types"), c.list("attn_type_list"));
    let (full, linear) = split(layers, |layer| match (types.get(layer as usize), codes.get(layer as usize)) {
        (Some(kind), _) => kind == "full_attention",
        (None, Some(code)) => *code == 1,
        (None, None) => (layer + 1) % 2 == 0,
    });
    let all = a.heads * a.head;
    decoder(c, p, head, &s.frame, |p| {
        p.each("layers", full, |p| grouped(p, "self_attn", &a));
        p.each("layers", linear, |p| {
            p.within("self_attn", |p| {
                p.norm("norm", all, Norm::Rms);
                p.linear("qkv_proj", hidden, 3 * all, false);
                // A key's product with its value goes into the state, and a query reads it.
                p.recurrence("LinearAttention", 2 * all * a.head, all * a.head);
                p.linear("output_gate", hidden, all, false);
                p.linear("out_proj", all, hidden, false);
            });
        });
        p.each("layers", 0..layers, |p| {
            p.within("block_sparse_moe", |p| {
                p.linear("gate", hidden, among.0, false);
                experts(p, ["w1", "w3", "w2"], among, hidden, inner);
            });
            p.norm("input_layernorm", hidden, Norm::Rms);
            p.norm("post_attention_layernorm", hidden, Norm::Rms);
        });
    });
    facts(c, layers, &s.frame, &a, Some(among))
}

/// Nemotron-H: in each layer one thing alone, a Mamba 2 block, attention, a network or experts.
pub fn nemotron_h(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = common(c, &|_, _| {});
    let frame = Frame { base: "model", table: "embeddings", norm: ("norm_f", Norm::Rms), ..s.frame };
    let (hidden, a) = (frame.hidden, s.attention);
    // A letter for each layer in published configurations, a word in newer ones.
    let letters = c.text("hybrid_override_pattern").unwrap_or_default();
    let mut kinds = c.texts("layers_block_type");
    if kinds.is_empty() {
        kinds = c.texts("layer_types");
    }
    if kinds.is_empty() {
        let word = |letter: char| match letter {
            'M' => "mamba",
            '*' => "attention",
            'E' => "moe",
            _ => "mlp",
        };
        kinds = letters
            .chars()
            .take(crate::transformers::MOST_LAYERS as usize)
            .map(|letter| word(letter).to_owned())
            .collect();
    }
    let layers = c.maybe("num_hidden_layers").unwrap_or(kinds.len() as u64).min(crate::transformers::MOST_LAYERS);
    if kinds.len() as u64 != layers || kinds.is_empty() {
        c.contradiction(format!("“hybrid_override_pattern” tells {} layers of {layers}", kinds.len()));
    }
    let of = |wanted: &str| -> Vec<u64> {
        (0u64..).zip(&kinds).filter(|(_, kind)| *kind == wanted).map(|(layer, _)| layer).collect()
    };
    let heads = c.int("mamba_num_heads");
    let mixer = Second {
        hidden,
        inner: heads * c.int("mamba_head_dim"),
        heads,
        state: c.int("ssm_state_size"),
        groups: c.int("n_groups"),
        kernel: c.int("conv_kernel"),
        bias: c.flag("use_bias"),
        out_bias: c.flag("use_bias"),
        conv_bias: c.flag_or("use_conv_bias", true),
        has_norm: true,
    };
    let (inner, bias) = (c.int("intermediate_size"), c.flag("mlp_bias"));
    let sparse = of("moe");
    let among = if sparse.is_empty() { (1, 1) } else { (c.layers("n_routed_experts"), c.int("num_experts_per_tok")) };
    let has_experts = !sparse.is_empty();
    decoder(c, p, head, &frame, |p| {
        p.each("layers", of("mamba"), |p| p.within("mixer", |p| mixer.block(p)));
        p.each("layers", of("attention"), |p| grouped(p, "mixer", &a));
        p.each("layers", of("mlp"), |p| plain(p, "mixer", ["up_proj", "down_proj"], hidden, inner, bias));
        p.each("layers", sparse, |p| {
            let (each, shared) = (c.int("moe_intermediate_size"), c.int("moe_shared_expert_intermediate_size"));
            let narrow = c.maybe("moe_latent_size");
            let width = narrow.unwrap_or(hidden);
            p.within("mixer", |p| {
                p.routed(among.0, among.1, |p| {
                    p.each("experts", 0..among.0, |p| plain(p, "", ["up_proj", "down_proj"], width, each, bias));
                });
                p.router("gate", hidden, among.0, false);
                p.buffer("gate.e_score_correction_bias", among.0);
                plain(p, "shared_experts", ["up_proj", "down_proj"], hidden, shared, bias);
                if narrow.is_some() {
                    p.linear("fc1_latent_proj", hidden, width, bias);
                    p.linear("fc2_latent_proj", width, hidden, bias);
                }
            });
        });
        p.each("layers", 0..layers, |p| p.norm("norm", hidden, Norm::Rms));
    });
    facts(c, layers, &frame, &a, has_experts.then_some(among))
}
