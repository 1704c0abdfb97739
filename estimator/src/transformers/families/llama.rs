//! Decoders of Llama's shape: pre-norm, rotary positions, gated networks; they differ in biases, norms and windows.

use crate::transformers::blocks::{
    Biases, Frame, Grouped, HeadNorm, NORM_OF_ALL, NORM_OF_HEAD, common, gated, gated_stack, plain, stack,
};
use crate::transformers::config::Config;
use crate::transformers::description::Facts;
use crate::transformers::heads::Head;
use crate::transformers::parts::{Norm, Parts};

/// Llama 1 to 3 and everything published in its format.
pub fn llama(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    gated_stack(c, p, head, c.flag("mlp_bias"), |s| s.attention.biases = Biases::all(c.flag("attention_bias")))
}

/// Mistral: a window in every layer, where the configuration has one.
pub fn mistral(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    gated_stack(c, p, head, false, |s| s.window = c.maybe("sliding_window"))
}

/// Qwen 1.5 to 2.5: biases on queries, keys and values; windows in the upper layers, where they are switched on.
pub fn qwen2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let first = c.count("max_window_layers");
    gated_stack(c, p, head, false, |s| {
        s.attention.biases = Biases::QKV;
        s.window = c.maybe("sliding_window").filter(|_| c.flag("use_sliding_window"));
        s.is_windowed = Box::new(move |layer| layer >= first);
    })
}

/// Qwen 3.
pub fn qwen3(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let first = c.count("max_window_layers");
    gated_stack(c, p, head, false, |s| {
        s.attention.biases = Biases::all(c.flag("attention_bias"));
        s.attention.norm = Some(NORM_OF_HEAD);
        s.window = c.maybe("sliding_window").filter(|_| c.flag("use_sliding_window"));
        s.is_windowed = Box::new(move |layer| layer >= first);
    })
}

/// Gemma 1.
pub fn gemma(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    gated_stack(c, p, head, false, |s| s.attention.biases = Biases::all(c.flag("attention_bias")))
}

const FOUR_NORMS: [&str; 4] =
    ["input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"];

/// Gemma 2: a window in every other layer, norms before and after.
pub fn gemma2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    gated_stack(c, p, head, false, |s| {
        s.attention.biases = Biases::all(c.flag("attention_bias"));
        s.norms = &FOUR_NORMS;
        s.window = c.maybe("sliding_window");
        s.is_windowed = Box::new(move |layer| (layer + 1) % 2 != 0);
    })
}

/// Gemma 3's decoder: a window in five of six layers.
pub fn gemma3_text(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let every = c.int_or("sliding_window_pattern", 6);
    gated_stack(c, p, head, false, |s| {
        s.attention.biases = Biases::all(c.flag("attention_bias"));
        s.attention.norm = Some(NORM_OF_HEAD);
        s.norms = &FOUR_NORMS;
        s.window = c.maybe("sliding_window");
        s.is_windowed = Box::new(move |layer| (layer + 1) % every != 0);
    })
}

/// OLMo 1: norms without weights.
pub fn olmo(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    gated_stack(c, p, head, false, |s| {
        s.attention.biases = Biases::all(c.flag("attention_bias"));
        s.norm = Norm::Plain;
        s.frame.norm.1 = Norm::Plain;
    })
}

/// OLMo 2 and 3: norms after each block; OLMo 3 has windows in three of four layers.
pub fn olmo2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    gated_stack(c, p, head, false, |s| {
        s.attention.biases = Biases::all(c.flag("attention_bias"));
        s.attention.norm = Some(NORM_OF_ALL);
        s.norms = &["post_attention_layernorm", "post_feedforward_layernorm"];
        if c.model_type() == "olmo3" {
            s.window = c.maybe("sliding_window");
            s.is_windowed = Box::new(move |layer| (layer + 1) % 4 != 0);
        }
    })
}

/// EXAONE 4: norms after each block and of each head; windows where a pattern is given.
pub fn exaone4(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let every = c.count("sliding_window_pattern");
    let layers = c.layers("num_hidden_layers");
    gated_stack(c, p, head, false, |s| {
        s.attention.norm = Some(NORM_OF_HEAD);
        s.norms = &["post_attention_layernorm", "post_feedforward_layernorm"];
        s.window = c.maybe("sliding_window").filter(|_| every > 0);
        s.is_windowed = Box::new(move |layer| (layer + 1) % every.max(1) != 0 && layer + 1 < layers);
    })
}

/// SmolLM 3.
pub fn smollm3(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    gated_stack(c, p, head, c.flag("mlp_bias"), |s| {
        s.attention.biases = Biases::all(c.flag("attention_bias"));
        s.window = c.maybe("sliding_window").filter(|_| c.flag("use_sliding_window"));
    })
}

/// Seed-OSS: its output has a bias of its own switch.
pub fn seed_oss(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    gated_stack(c, p, head, c.flag("mlp_bias"), |s| {
        s.attention.biases = Biases { o: c.flag("attention_out_bias"), ..Biases::qkv(c.flag("attention_bias")) };
    })
}

/// Hunyuan's dense models.
pub fn hunyuan(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    gated_stack(c, p, head, false, |s| {
        s.attention.biases = Biases::all(c.flag("attention_bias"));
        s.attention.norm = Some(HeadNorm::Shared("query_layernorm", "key_layernorm", Norm::Rms));
    })
}

/// ERNIE 4.5: one switch for all biases.
pub fn ernie45(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let bias = c.flag("use_bias");
    gated_stack(c, p, head, bias, |s| s.attention.biases = Biases::all(bias))
}

/// Command-R: attention and network side by side behind one norm, tied head.
pub fn cohere(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    gated_stack(c, p, head, false, |s| {
        s.attention.biases = Biases::all(c.flag("attention_bias"));
        s.attention.norm = c.flag("use_qk_norm").then_some(HeadNorm::Own("q_norm", "k_norm"));
        s.norms = &["input_layernorm"];
        s.norm = Norm::LayerWithoutBias;
        s.frame.norm.1 = Norm::LayerWithoutBias;
    })
}

/// Command-R7B and Command A: windows in three of four layers.
pub fn cohere2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let every = c.int_or("sliding_window_pattern", 4);
    gated_stack(c, p, head, false, |s| {
        s.attention.biases = Biases::all(c.flag("attention_bias"));
        s.norms = &["input_layernorm"];
        s.norm = Norm::LayerWithoutBias;
        s.frame.norm.1 = Norm::LayerWithoutBias;
        s.window = c.maybe("sliding_window");
        s.is_windowed = Box::new(move |layer| (layer + 1) % every != 0);
    })
}

/// BitNet b1.58: two more norms inside the blocks.
pub fn bitnet(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let feed = |p: &mut Parts, _: bool| {
        p.within("self_attn", |p| p.norm("attn_sub_norm", hidden, Norm::Rms));
        gated(p, "mlp", hidden, inner, false);
        p.within("mlp", |p| p.norm("ffn_sub_norm", inner, Norm::Rms));
    };
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    stack(c, p, head, &s)
}

/// Starcoder 2: layer norms, a plain network, one switch for all biases.
pub fn starcoder2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner, bias) = (c.int("hidden_size"), c.int("intermediate_size"), c.flag("use_bias"));
    let feed = |p: &mut Parts, _: bool| plain(p, "mlp", ["c_fc", "c_proj"], hidden, inner, bias);
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(bias);
    s.norm = Norm::Layer;
    s.frame.norm.1 = Norm::Layer;
    s.window = c.maybe("sliding_window");
    stack(c, p, head, &s)
}

/// Nemotron and Arcee: one projection up, one down.
pub fn nemotron(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner, bias) = (c.int("hidden_size"), c.int("intermediate_size"), c.flag("mlp_bias"));
    let feed = |p: &mut Parts, _: bool| plain(p, "mlp", ["up_proj", "down_proj"], hidden, inner, bias);
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    if c.model_type() == "nemotron" {
        s.norm = Norm::Layer;
        s.frame.norm.1 = Norm::Layer;
    }
    stack(c, p, head, &s)
}

/// Apertus: norms of each head, and an activation with two learned numbers.
pub fn apertus(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let feed = |p: &mut Parts, _: bool| {
        plain(p, "mlp", ["up_proj", "down_proj"], hidden, inner, false);
        p.within("mlp.act_fn", |p| {
            p.tensor("alpha_p", &[1]);
            p.tensor("alpha_n", &[1]);
        });
    };
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    s.attention.norm = Some(NORM_OF_HEAD);
    s.norms = &["attention_layernorm", "feedforward_layernorm"];
    stack(c, p, head, &s)
}

/// StableLM: layer norms, and norms of each head with weights of its own.
pub fn stablelm(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let (heads, kv_heads) = (c.int("num_attention_heads"), c.int("num_key_value_heads"));
    let width = c.floored(hidden, heads);
    let norms = c.flag("qk_layernorm");
    let feed = |p: &mut Parts, _: bool| {
        if norms {
            p.within("self_attn", |p| {
                for (name, heads) in [("q_layernorm", heads), ("k_layernorm", kv_heads)] {
                    p.within(name, |p| p.each("norms", 0..heads, |p| p.norm("", width, Norm::LayerWithoutBias)));
                }
            });
        }
        gated(p, "mlp", hidden, inner, false);
    };
    let mut s = common(c, &feed);
    s.attention.biases = Biases::qkv(c.flag("use_qkv_bias"));
    s.norm = Norm::Layer;
    s.frame.norm.1 = Norm::Layer;
    if c.flag("use_parallel_residual") {
        s.norms = &["input_layernorm"];
    }
    stack(c, p, head, &s)
}

/// Phi 1 to 2: attention and network side by side, biases everywhere.
pub fn phi(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let feed = |p: &mut Parts, _: bool| plain(p, "mlp", ["fc1", "fc2"], hidden, inner, true);
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(true);
    s.attention.names = ["q_proj", "k_proj", "v_proj", "dense"];
    s.attention.norm = c.flag("qk_layernorm").then_some(HeadNorm::Shared("q_layernorm", "k_layernorm", Norm::Layer));
    s.norms = &["input_layernorm"];
    s.norm = Norm::Layer;
    s.frame = Frame { norm: ("final_layernorm", Norm::Layer), head_bias: true, ..s.frame };
    stack(c, p, head, &s)
}

/// Adds attention whose queries, keys and values are one product, and a network whose gate and projection up are one.
fn fused(p: &mut Parts, a: &Grouped, inner: u64) {
    let all = a.heads * a.head;
    p.within("self_attn", |p| {
        p.linear("qkv_proj", a.hidden, all + 2 * a.kv_heads * a.head, false);
        p.attention(a.products(p.span()));
        p.linear("o_proj", all, a.hidden, false);
    });
    fused_network(p, a.hidden, inner);
}

fn fused_network(p: &mut Parts, hidden: u64, inner: u64) {
    plain_fused(p, "mlp", hidden, inner);
}

fn plain_fused(p: &mut Parts, name: &str, hidden: u64, inner: u64) {
    p.within(name, |p| {
        p.linear("gate_up_proj", hidden, 2 * inner, false);
        p.linear("down_proj", inner, hidden, false);
    });
}

/// Phi 3 and 4 (dense): fused projections.
pub fn phi3(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    use crate::transformers::blocks::{decoder, facts};
    let inner = c.int("intermediate_size");
    let s = common(c, &|_, _| {});
    let layers = c.layers("num_hidden_layers");
    let attention = Grouped { window: c.maybe("sliding_window"), ..s.attention };
    decoder(c, p, head, &s.frame, |p| {
        p.each("layers", 0..layers, |p| {
            fused(p, &attention, inner);
            s.norms.iter().for_each(|name| p.norm(name, s.frame.hidden, Norm::Rms));
        });
    });
    facts(c, layers, &s.frame, &attention, None)
}

/// GLM 4 in the library's own format: biases on queries, keys and values, a fused network; the later one has four norms.
pub fn glm(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let feed = |p: &mut Parts, _: bool| fused_network(p, hidden, inner);
    let mut s = common(c, &feed);
    s.attention.biases = Biases::qkv(c.flag("attention_bias"));
    if c.model_type() == "glm4" {
        s.norms = &["input_layernorm", "post_attention_layernorm", "post_self_attn_layernorm", "post_mlp_layernorm"];
    }
    stack(c, p, head, &s)
}
