//! Decoders of GPT-2's generation: fused projections, layer norms, plain networks, learned positions or their first successors.

use crate::transformers::blocks::{Biases, Frame, Grouped, HeadNorm, common, decoder, facts, plain, stack};
use crate::transformers::config::Config;
use crate::transformers::description::Facts;
use crate::transformers::heads::Head;
use crate::transformers::parts::{Norm, Parts, Span};

/// Multi-head attention with `kv_heads` groups, for facts and products.
fn attention(hidden: u64, heads: u64, kv_heads: u64, head: u64) -> Grouped {
    let (biases, names) = (Biases::NONE, Grouped::NAMES);
    Grouped { hidden, heads, kv_heads, head, biases, names, norm: None, window: None }
}

/// GPT-2.
pub fn gpt2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame::transformer(c);
    let (hidden, heads, layers) = (frame.hidden, c.int("n_head"), c.layers("n_layer"));
    let inner = c.int_or("n_inner", 4 * hidden);
    let a = attention(hidden, heads, heads, c.divided(hidden, heads));
    let has_cross = c.flag("add_cross_attention");
    decoder(c, p, head, &frame, |p| {
        p.embedding("wpe", c.int("n_positions"), hidden);
        p.each("h", 0..layers, |p| {
            p.layer_norm("ln_1", hidden);
            p.within("attn", |p| {
                p.transposed("c_attn", hidden, 3 * hidden);
                p.attention(a.products(p.span()));
                p.transposed("c_proj", hidden, hidden);
            });
            p.layer_norm("ln_2", hidden);
            if has_cross {
                p.within("crossattention", |p| {
                    p.over(Span::Source, |p| _ = p.transposed("c_attn", hidden, 2 * hidden));
                    p.transposed("q_attn", hidden, hidden);
                    p.attention(a.products(Span::Source));
                    p.transposed("c_proj", hidden, hidden);
                });
                p.layer_norm("ln_cross_attn", hidden);
            }
            p.within("mlp", |p| {
                p.transposed("c_fc", hidden, inner);
                p.transposed("c_proj", inner, hidden);
            });
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// The first GPT: norms behind each block, none at the end.
pub fn openai_gpt(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { table: "tokens_embed", norm: ("", Norm::Plain), ..Frame::transformer(c) };
    let (hidden, heads, layers) = (frame.hidden, c.int("n_head"), c.layers("n_layer"));
    let a = attention(hidden, heads, heads, c.divided(hidden, heads));
    decoder(c, p, head, &frame, |p| {
        p.embedding("positions_embed", c.int("n_positions"), hidden);
        p.each("h", 0..layers, |p| {
            p.within("attn", |p| {
                p.transposed("c_attn", hidden, 3 * hidden);
                p.attention(a.products(p.span()));
                p.transposed("c_proj", hidden, hidden);
            });
            p.layer_norm("ln_1", hidden);
            p.within("mlp", |p| {
                p.transposed("c_fc", hidden, 4 * hidden);
                p.transposed("c_proj", 4 * hidden, hidden);
            });
            p.layer_norm("ln_2", hidden);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// GPT-BigCode (SantaCoder, StarCoder): one head of keys and values for all.
pub fn gpt_bigcode(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame::transformer(c);
    let (hidden, heads, layers) = (frame.hidden, c.int("n_head"), c.layers("n_layer"));
    let inner = c.int_or("n_inner", 4 * hidden);
    let width = c.divided(hidden, heads);
    let kv_heads = if c.flag_or("multi_query", true) { 1 } else { heads };
    let a = attention(hidden, heads, kv_heads, width);
    decoder(c, p, head, &frame, |p| {
        p.embedding("wpe", c.int("n_positions"), hidden);
        p.each("h", 0..layers, |p| {
            p.layer_norm("ln_1", hidden);
            p.within("attn", |p| {
                p.linear("c_attn", hidden, hidden + 2 * kv_heads * width, true);
                p.attention(a.products(p.span()));
                p.linear("c_proj", hidden, hidden, true);
            });
            p.layer_norm("ln_2", hidden);
            plain(p, "mlp", ["c_fc", "c_proj"], hidden, inner, true);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// GPT-J: attention and network side by side, rotary positions, a head with a bias.
pub fn gptj(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { head_bias: true, ..Frame::transformer(c) };
    let (hidden, heads, layers) = (frame.hidden, c.int("n_head"), c.layers("n_layer"));
    let inner = c.int_or("n_inner", 4 * hidden);
    let a = attention(hidden, heads, heads, c.divided(hidden, heads));
    let is_codegen = c.model_type() == "codegen";
    decoder(c, p, head, &frame, |p| {
        p.each("h", 0..layers, |p| {
            p.layer_norm("ln_1", hidden);
            p.within("attn", |p| {
                if is_codegen {
                    p.linear("qkv_proj", hidden, 3 * hidden, false);
                } else {
                    for name in ["k_proj", "v_proj", "q_proj"] {
                        p.linear(name, hidden, hidden, false);
                    }
                }
                p.attention(a.products(p.span()));
                p.linear("out_proj", hidden, hidden, false);
            });
            plain(p, "mlp", ["fc_in", "fc_out"], hidden, inner, true);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// GPT-Neo: windows in every other layer.
pub fn gpt_neo(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame::transformer(c);
    let (hidden, heads, layers) = (frame.hidden, c.int("num_heads"), c.layers("num_layers"));
    let inner = c.int_or("intermediate_size", 4 * hidden);
    let a = attention(hidden, heads, heads, c.divided(hidden, heads));
    let types = attention_types(c);
    if types.len() as u64 != layers {
        c.contradiction(format!("“attention_types” describes {} layers, expected {layers}", types.len()));
    }
    let (local, global): (Vec<u64>, Vec<u64>) =
        (0..layers).partition(|layer| types.get(*layer as usize).is_some_and(|is_local| *is_local));
    let window = c.maybe("window_size");
    decoder(c, p, head, &frame, |p| {
        p.embedding("wpe", c.int("max_position_embeddings"), hidden);
        for (numbers, window) in [(global, None), (local, window)] {
            p.each("h", numbers, |p| {
                p.layer_norm("ln_1", hidden);
                p.within("attn.attention", |p| {
                    for name in ["k_proj", "v_proj", "q_proj"] {
                        p.linear(name, hidden, hidden, false);
                    }
                    p.attention(Grouped { window, ..a }.products(p.span()));
                    p.linear("out_proj", hidden, hidden, true);
                });
                p.layer_norm("ln_2", hidden);
                plain(p, "mlp", ["c_fc", "c_proj"], hidden, inner, true);
            });
        }
    });
    facts(c, layers, &frame, &a, None)
}

/// For each layer whether its attention is local, from lists like `[[["global", "local"], 12]]`.
fn attention_types(c: &Config<'_>) -> Vec<bool> {
    let mut types = Vec::new();
    let groups = c.raw("attention_types");
    for group in groups.iter().flat_map(|groups| groups.as_array().into_iter().flatten()) {
        let Some([names, times]) = group.as_array().map(Vec::as_slice) else { continue };
        let times = times.as_u64().unwrap_or(0).min(crate::transformers::config::MOST_LAYERS);
        for _ in 0..times {
            types.extend(names.as_array().into_iter().flatten().take(64).map(|name| name.as_str() == Some("local")));
            if types.len() as u64 > crate::transformers::config::MOST_LAYERS {
                return types;
            }
        }
    }
    types
}

/// GPT-NeoX and Pythia.
pub fn gpt_neox(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let norm = ("final_layer_norm", Norm::Layer);
    let frame = Frame { base: "gpt_neox", table: "embed_in", norm, head: "embed_out", ..Frame::common(c) };
    let (hidden, inner) = (frame.hidden, c.int("intermediate_size"));
    let (heads, layers) = (c.int("num_attention_heads"), c.layers("num_hidden_layers"));
    let bias = c.flag_or("attention_bias", true);
    let a = attention(hidden, heads, heads, c.divided(hidden, heads));
    decoder(c, p, head, &frame, |p| {
        p.each("layers", 0..layers, |p| {
            p.layer_norm("input_layernorm", hidden);
            p.layer_norm("post_attention_layernorm", hidden);
            p.within("attention", |p| {
                p.linear("query_key_value", hidden, 3 * hidden, bias);
                p.attention(a.products(p.span()));
                p.linear("dense", hidden, hidden, bias);
            });
            plain(p, "mlp", ["dense_h_to_4h", "dense_4h_to_h"], hidden, inner, true);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// Persimmon and Fuyu's decoder.
pub fn persimmon(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { norm: ("final_layernorm", Norm::Layer), ..Frame::common(c) };
    let (hidden, inner) = (frame.hidden, c.int("intermediate_size"));
    let (heads, layers) = (c.int("num_attention_heads"), c.layers("num_hidden_layers"));
    let a = attention(hidden, heads, heads, c.divided(hidden, heads));
    let norms = c.flag_or("qk_layernorm", true);
    decoder(c, p, head, &frame, |p| {
        p.each("layers", 0..layers, |p| {
            p.within("self_attn", |p| {
                p.linear("query_key_value", hidden, 3 * hidden, true);
                p.attention(a.products(p.span()));
                p.linear("dense", hidden, hidden, true);
                if norms {
                    p.layer_norm("q_layernorm", a.head);
                    p.layer_norm("k_layernorm", a.head);
                }
            });
            plain(p, "mlp", ["dense_h_to_4h", "dense_4h_to_h"], hidden, inner, true);
            p.layer_norm("input_layernorm", hidden);
            p.layer_norm("post_attention_layernorm", hidden);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// BLOOM.
pub fn bloom(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { table: "word_embeddings", ..Frame::transformer(c) };
    let (hidden, heads, layers) = (frame.hidden, c.int("n_head"), c.layers("n_layer"));
    let a = attention(hidden, heads, heads, c.divided(hidden, heads));
    decoder(c, p, head, &frame, |p| {
        p.layer_norm("word_embeddings_layernorm", hidden);
        p.each("h", 0..layers, |p| {
            p.layer_norm("input_layernorm", hidden);
            p.within("self_attention", |p| {
                p.linear("query_key_value", hidden, 3 * hidden, true);
                p.attention(a.products(p.span()));
                p.linear("dense", hidden, hidden, true);
            });
            p.layer_norm("post_attention_layernorm", hidden);
            plain(p, "mlp", ["dense_h_to_4h", "dense_4h_to_h"], hidden, 4 * hidden, true);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// Falcon: one head of keys and values for all, or, in the newer architecture, as many as the configuration says.
pub fn falcon(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { table: "word_embeddings", ..Frame::transformer(c) };
    let (hidden, heads) = (frame.hidden, c.int("num_attention_heads"));
    let layers = c.layers("num_hidden_layers");
    let width = c.divided(hidden, heads);
    let is_new = c.flag("new_decoder_architecture");
    let kv_heads = match (is_new, c.flag("multi_query")) {
        (true, _) => c.int_or("num_kv_heads", heads),
        (false, true) => 1,
        (false, false) => heads,
    };
    let inner = c.int_or("ffn_hidden_size", 4 * hidden);
    let bias = c.flag("bias");
    let norms: &[&str] = match (is_new, c.maybe("num_ln_in_parallel_attn")) {
        (true, None | Some(2)) => &["ln_attn", "ln_mlp"],
        _ if is_new || c.flag_or("parallel_attn", true) => &["input_layernorm"],
        _ => &["input_layernorm", "post_attention_layernorm"],
    };
    let a = attention(hidden, heads, kv_heads, width);
    decoder(c, p, head, &frame, |p| {
        p.each("h", 0..layers, |p| {
            p.within("self_attention", |p| {
                p.linear("query_key_value", hidden, hidden + 2 * kv_heads * width, bias);
                p.attention(a.products(p.span()));
                p.linear("dense", hidden, hidden, bias);
            });
            plain(p, "mlp", ["dense_h_to_4h", "dense_4h_to_h"], hidden, inner, bias);
            norms.iter().for_each(|name| p.layer_norm(name, hidden));
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// MPT.
pub fn mpt(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { norm: ("norm_f", Norm::LayerWithoutBias), ..Frame::transformer(c) };
    let (hidden, heads, layers) = (frame.hidden, c.int("n_heads"), c.layers("n_layers"));
    let a = attention(hidden, heads, heads, c.divided(hidden, heads));
    let inner = c.int_or("expansion_ratio", 4) * hidden;
    decoder(c, p, head, &frame, |p| {
        p.each("blocks", 0..layers, |p| {
            p.norm("norm_1", hidden, Norm::LayerWithoutBias);
            p.within("attn", |p| {
                p.linear("Wqkv", hidden, 3 * hidden, false);
                p.attention(a.products(p.span()));
                p.linear("out_proj", hidden, hidden, false);
            });
            p.norm("norm_2", hidden, Norm::LayerWithoutBias);
            plain(p, "ffn", ["up_proj", "down_proj"], hidden, inner, false);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// OPT: learned positions with an offset of 2, a table that may be narrower than the model.
pub fn opt(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let hidden = c.int("hidden_size");
    let narrow = c.int_or("word_embed_proj_dim", hidden);
    let (heads, layers) = (c.int("num_attention_heads"), c.layers("num_hidden_layers"));
    let (inner, bias) = (c.int("ffn_dim"), c.flag_or("enable_bias", true));
    let norm = if c.flag_or("layer_norm_elementwise_affine", true) { Norm::Layer } else { Norm::Plain };
    let (vocabulary, tied) = (c.int("vocab_size"), c.flag("tie_word_embeddings"));
    let mut a = attention(hidden, heads, heads, c.divided(hidden, heads));
    a.biases = Biases::all(bias);
    a.names = ["q_proj", "k_proj", "v_proj", "out_proj"];
    let frame = Frame { hidden, vocabulary, tied, ..Frame::common(c) };
    p.within(if head == Head::Base { "" } else { "model" }, |p| {
        p.within("decoder", |p| {
            p.input_embedding("embed_tokens", vocabulary, narrow);
            p.embedding("embed_positions", c.int("max_position_embeddings") + 2, hidden);
            if narrow != hidden {
                p.linear("project_out", hidden, narrow, false);
                p.linear("project_in", narrow, hidden, false);
            }
            if c.flag_or("do_layer_norm_before", true) && !c.flag("_remove_final_layer_norm") {
                p.norm("final_layer_norm", hidden, norm);
            }
            p.each("layers", 0..layers, |p| {
                crate::transformers::blocks::grouped(p, "self_attn", &a);
                p.norm("self_attn_layer_norm", hidden, norm);
                plain(p, "", ["fc1", "fc2"], hidden, inner, bias);
                p.norm("final_layer_norm", hidden, norm);
            });
        });
    });
    match head {
        Head::CausalLm => p.head("lm_head", narrow, vocabulary, tied, false),
        Head::Sequence => _ = p.linear("score", narrow, c.labels(), false),
        Head::Question => _ = p.linear("qa_outputs", narrow, 2, true),
        _ => {}
    }
    facts(c, layers, &frame, &a, None)
}

/// XGLM and BioGPT: OPT's layers without its decoder's frame.
pub fn biogpt(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let is_xglm = c.model_type() == "xglm";
    let frame = Frame {
        base: if is_xglm { "model" } else { "biogpt" },
        norm: ("layer_norm", Norm::Layer),
        head: if is_xglm { "lm_head" } else { "output_projection" },
        ..Frame::common(c)
    };
    let hidden = frame.hidden;
    let heads = c.int(if is_xglm { "attention_heads" } else { "num_attention_heads" });
    let layers = c.layers(if is_xglm { "num_layers" } else { "num_hidden_layers" });
    let inner = c.int(if is_xglm { "ffn_dim" } else { "intermediate_size" });
    let mut a = attention(hidden, heads, heads, c.divided(hidden, heads));
    a.biases = Biases::all(true);
    a.names = ["k_proj", "v_proj", "q_proj", "out_proj"];
    decoder(c, p, head, &frame, |p| {
        if !is_xglm {
            p.embedding("embed_positions", c.int("max_position_embeddings") + 2, hidden);
        }
        p.each("layers", 0..layers, |p| {
            crate::transformers::blocks::grouped(p, "self_attn", &a);
            p.layer_norm("self_attn_layer_norm", hidden);
            plain(p, "", ["fc1", "fc2"], hidden, inner, true);
            p.layer_norm("final_layer_norm", hidden);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// ChatGLM 2 to 4 as published with their own code: fused projections, `multi_query_group_num` heads of keys and values.
pub fn chatglm(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, vocabulary) = (c.int("hidden_size"), c.int_or("padded_vocab_size", 65024));
    let (heads, layers) = (c.int("num_attention_heads"), c.layers("num_layers"));
    let width = c.maybe("kv_channels").unwrap_or_else(|| c.divided(hidden, heads));
    let kv_heads = if c.flag("multi_query_attention") { c.int_or("multi_query_group_num", 1) } else { heads };
    let inner = c.int("ffn_hidden_size");
    let all_bias = c.flag("add_bias_linear");
    let qkv_bias = all_bias || c.flag_or("add_qkv_bias", true);
    let norm = if c.flag_or("rmsnorm", true) { Norm::Rms } else { Norm::Layer };
    let a = attention(hidden, heads, kv_heads, width);
    let tied = c.flag_or("tie_word_embeddings", false);
    let frame = Frame { hidden, vocabulary, tied, ..Frame::transformer(c) };
    p.within("transformer", |p| {
        p.within("embedding", |p| p.input_embedding("word_embeddings", vocabulary, hidden));
        p.within("encoder", |p| {
            p.each("layers", 0..layers, |p| {
                p.norm("input_layernorm", hidden, norm);
                p.within("self_attention", |p| {
                    p.linear("query_key_value", hidden, (heads + 2 * kv_heads) * width, qkv_bias);
                    p.attention(a.products(p.span()));
                    p.linear("dense", heads * width, hidden, all_bias);
                });
                p.norm("post_attention_layernorm", hidden, norm);
                p.within("mlp", |p| {
                    p.linear("dense_h_to_4h", hidden, 2 * inner, all_bias);
                    p.linear("dense_4h_to_h", inner, hidden, all_bias);
                });
            });
            if c.flag_or("post_layer_norm", true) {
                p.norm("final_layernorm", hidden, norm);
            }
        });
        if head != Head::Base {
            p.head("output_layer", hidden, vocabulary, tied, all_bias);
        }
    });
    facts(c, layers, &frame, &a, None)
}

/// The first Qwen as published with its own code: one product for queries, keys and values, `intermediate_size` for both halves of the network.
pub fn qwen(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let frame = Frame { norm: ("ln_f", Norm::Rms), ..Frame::transformer(c) };
    let (hidden, heads) = (frame.hidden, c.int("num_attention_heads"));
    let layers = c.layers("num_hidden_layers");
    let width = c.int_or("kv_channels", 128);
    let all = heads * width;
    let bias = !c.flag_or("no_bias", true);
    let inner = c.floored(c.int("intermediate_size"), 2);
    let a = attention(hidden, heads, heads, width);
    decoder(c, p, head, &frame, |p| {
        p.each("h", 0..layers, |p| {
            p.norm("ln_1", hidden, Norm::Rms);
            p.within("attn", |p| {
                p.linear("c_attn", hidden, 3 * all, true);
                p.attention(a.products(p.span()));
                p.linear("c_proj", all, hidden, bias);
            });
            p.norm("ln_2", hidden, Norm::Rms);
            p.within("mlp", |p| {
                p.linear("w1", hidden, inner, bias);
                p.linear("w2", hidden, inner, bias);
                p.linear("c_proj", inner, hidden, bias);
            });
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// Baichuan as published with its own code: Llama with one product for queries, keys and values.
pub fn baichuan(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let feed = |p: &mut Parts, _: bool| crate::transformers::blocks::gated(p, "mlp", hidden, inner, false);
    let s = common(c, &feed);
    let layers = c.layers("num_hidden_layers");
    decoder(c, p, head, &s.frame, |p| {
        p.each("layers", 0..layers, |p| {
            p.within("self_attn", |p| {
                p.linear("W_pack", hidden, 3 * hidden, false);
                p.attention(s.attention.products(p.span()));
                p.linear("o_proj", hidden, hidden, false);
            });
            feed(p, false);
            s.norms.iter().for_each(|name| p.norm(name, hidden, Norm::Rms));
        });
    });
    facts(c, layers, &s.frame, &s.attention, None)
}

/// InternLM 2 as published with its own code: Llama under other names, with one product for queries, keys and values.
pub fn internlm2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner, bias) = (c.int("hidden_size"), c.int("intermediate_size"), c.flag("bias"));
    let s = common(c, &|_, _| {});
    let a = s.attention;
    let frame = Frame { table: "tok_embeddings", head: "output", ..s.frame };
    let layers = c.layers("num_hidden_layers");
    decoder(c, p, head, &frame, |p| {
        p.each("layers", 0..layers, |p| {
            p.within("attention", |p| {
                p.linear("wqkv", hidden, (a.heads + 2 * a.kv_heads) * a.head, bias);
                p.attention(a.products(p.span()));
                p.linear("wo", a.heads * a.head, hidden, bias);
            });
            p.within("feed_forward", |p| {
                p.linear("w1", hidden, inner, false);
                p.linear("w3", hidden, inner, false);
                p.linear("w2", inner, hidden, false);
            });
            p.norm("attention_norm", hidden, Norm::Rms);
            p.norm("ffn_norm", hidden, Norm::Rms);
        });
    });
    facts(c, layers, &frame, &a, None)
}

/// Helium and other stacks with nothing of their own.
pub fn plain_stack(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner) = (c.int("hidden_size"), c.int("intermediate_size"));
    let bias = c.flag("mlp_bias");
    let feed = |p: &mut Parts, _: bool| crate::transformers::blocks::gated(p, "mlp", hidden, inner, bias);
    let mut s = common(c, &feed);
    s.attention.biases = Biases::all(c.flag("attention_bias"));
    s.attention.norm = None::<HeadNorm>;
    if c.model_type() == "helium" {
        s.attention.biases.o = false;
    }
    stack(c, p, head, &s)
}
