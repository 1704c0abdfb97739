//! Models that read pictures or sound into the stream of a decoder: LLaVA and its kin, Gemma 3, PaliGemma, Mistral 3, Qwen-VL, SmolVLM, Llama 4.
//!
//! A pass sees one picture of the size that the encoder was made for; its tokens are among those of the text.

use super::pairs;
use super::vision::{patches, projection, sides};
use crate::transformers::config::Config;
use crate::transformers::description::Facts;
use crate::transformers::heads::Head;
use crate::transformers::parts::{Attention, Norm, Parts, Role, Span};

/// Adds the decoder that the configuration's text part describes, and gives its facts.
fn text(c: &Config<'_>, p: &mut Parts, name: &str, head: Head) -> Facts {
    // The input embedding is that of the text alone.
    (0..p.len()).for_each(|part| p.set_role(part, Role::Body));
    match super::find(c.model_type()) {
        Some(family) => {
            let mut facts = Facts::default();
            p.within(name, |p| facts = (family.build)(c, p, head));
            facts
        }
        None => {
            c.contradiction(format!("its decoder is of the type “{}”, which is not known here", c.model_type()));
            Facts::default()
        }
    }
}

/// Adds the head of a decoder.
fn lm_head(c: &Config<'_>, p: &mut Parts, head: Head, facts: &Facts) {
    if head != Head::Base {
        let tied = c.flag("tie_word_embeddings");
        p.head("lm_head", facts.hidden_size, facts.vocabulary, tied, false);
    }
}

/// The part of a configuration that describes the decoder: older ones have its fields at their top.
fn text_part<'a>(c: &Config<'a>, model_type: &str) -> Config<'a> {
    if c.has("text_config") { c.part("text_config", model_type) } else { c.as_type(model_type) }
}

/// Adds a picture encoder and gives its patches and their width.
fn tower(c: &Config<'_>, p: &mut Parts) -> (u64, u64) {
    let hidden = c.int("hidden_size");
    let places = match c.model_type() {
        "pixtral" => pixtral(c, p),
        kind if kind.starts_with("clip") || kind.starts_with("siglip") => pairs::picture(c, p),
        other => {
            c.contradiction(format!("its picture encoder is of the type “{other}”, which is not known here"));
            1
        }
    };
    (places, hidden)
}

/// Pixtral's encoder: a small Llama over patches.
fn pixtral(c: &Config<'_>, p: &mut Parts) -> u64 {
    let (hidden, inner, heads) = (c.int("hidden_size"), c.int("intermediate_size"), c.int("num_attention_heads"));
    let width = c.maybe("head_dim").unwrap_or_else(|| c.divided(hidden, heads));
    let places = patches(c);
    projection(c, p, "patch_conv", places, hidden, false);
    p.over(Span::Fixed(places), |p| {
        p.norm("ln_pre", hidden, Norm::Rms);
        p.each("transformer.layers", 0..c.layers("num_hidden_layers"), |p| {
            p.norm("attention_norm", hidden, Norm::Rms);
            crate::transformers::blocks::gated(p, "feed_forward", hidden, inner, false);
            p.within("attention", |p| {
                for name in ["k_proj", "v_proj", "q_proj"] {
                    p.linear(name, hidden, heads * width, false);
                }
                let keys = Span::Fixed(places);
                p.attention(Attention { heads, key: width, value: width, keys, window: None, cache: 0 });
                p.linear("o_proj", heads * width, hidden, false);
            });
            p.norm("ffn_norm", hidden, Norm::Rms);
        });
    });
    places
}

/// How many of the encoder's layers the projector takes.
fn layers_taken(c: &Config<'_>) -> u64 {
    match c.raw("vision_feature_layer") {
        Some(serde_json::Value::Array(items)) => (items.len() as u64).clamp(1, crate::transformers::MOST_LAYERS),
        _ => 1,
    }
}

/// Says what a picture of this size takes of the decoder's stream.
fn with_picture(mut facts: Facts, vision: &Config<'_>, tokens: u64) -> Facts {
    let (height, width) = sides(vision, "image_size");
    facts.tied_embeddings = facts.tied_embeddings.or(Some(false));
    with_input(facts, &format!("one picture of {height} × {width}"), tokens)
}

fn with_input(facts: Facts, what: &str, tokens: u64) -> Facts {
    let input = format!("{what}, whose {tokens} tokens are among those of the pass");
    Facts { input, input_tokens: Some(tokens), ..facts }
}

/// LLaVA 1.5, LLaVA-NeXT and LLaVA-OneVision, PaliGemma, Gemma 3, Mistral 3, Idefics 3 and SmolVLM.
pub fn llava(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let kind = c.model_type().to_owned();
    let clip: [(&str, serde_json::Value); 8] = [
        ("intermediate_size", 4096.into()),
        ("hidden_size", 1024.into()),
        ("patch_size", 14.into()),
        ("image_size", 336.into()),
        ("num_hidden_layers", 24.into()),
        ("num_attention_heads", 16.into()),
        ("vocab_size", 32000.into()),
        ("projection_dim", 768.into()),
    ];
    let siglip: [(&str, serde_json::Value); 7] = [
        ("intermediate_size", 4304.into()),
        ("hidden_size", 1152.into()),
        ("patch_size", 14.into()),
        ("image_size", if kind == "llava_onevision" { 384.into() } else { 224.into() }),
        ("num_hidden_layers", if kind == "llava_onevision" { 26.into() } else { 27.into() }),
        ("num_attention_heads", if kind == "llava_onevision" { 14.into() } else { 16.into() }),
        ("vision_use_head", false.into()),
    ];
    let mistral: [(&str, serde_json::Value); 8] = [
        ("intermediate_size", 4096.into()),
        ("hidden_size", 1024.into()),
        ("patch_size", 14.into()),
        ("image_size", 1540.into()),
        ("num_hidden_layers", 24.into()),
        ("num_attention_heads", 16.into()),
        ("head_dim", 64.into()),
        ("num_channels", 3.into()),
    ];
    let vision = match kind.as_str() {
        "llava" | "llava_next" => c.part_with("vision_config", "clip_vision_model", &clip),
        "llava_onevision" | "paligemma" => c.part_with("vision_config", "siglip_vision_model", &siglip),
        "mistral3" => c.part_with("vision_config", "pixtral", &mistral),
        _ => c.part("vision_config", "siglip_vision_model"),
    };
    let words = match kind.as_str() {
        "llava_onevision" => c.part("text_config", "qwen2"),
        "paligemma" => c.part("text_config", "gemma"),
        "mistral3" => c.part("text_config", "mistral"),
        _ => c.part("text_config", "llama"),
    };
    let mut facts = Facts::default();
    let (mut places, mut tokens) = (0, 0);
    p.within(if head == Head::Base { "" } else { "model" }, |p| {
        let to = words.int("hidden_size");
        if ["llava_next", "llava_onevision"].contains(&kind.as_str()) {
            p.tensor("image_newline", &[to]);
        }
        let mut from = 0;
        p.within("vision_tower", |p| (places, from) = tower(&vision, p));
        tokens = places;
        p.within("multi_modal_projector", |p| match kind.as_str() {
            "gemma3" => {
                tokens = c.int_or("mm_tokens_per_image", 256);
                p.over(Span::Fixed(tokens), |p| {
                    p.multiplied("mm_input_projection_weight", &[from, to], &[from, to]);
                    p.norm("mm_soft_emb_norm", from, Norm::Rms);
                });
            }
            "paligemma" => {
                let width = c.int_or("projection_dim", to);
                p.over(Span::Fixed(places), |p| _ = p.linear("linear", from, width, true));
            }
            "mistral3" => {
                let merge = c.factor("spatial_merge_size", 2);
                let bias = c.flag("multimodal_projector_bias");
                p.over(Span::Fixed(places), |p| p.norm("norm", from, Norm::Rms));
                tokens = places / (merge * merge);
                p.over(Span::Fixed(tokens), |p| {
                    p.linear("patch_merger.merging_layer", from * merge * merge, from, false);
                    p.linear("linear_1", from * layers_taken(c), to, bias);
                    p.linear("linear_2", to, to, bias);
                });
            }
            _ => {
                let bias = c.flag_or("multimodal_projector_bias", true);
                p.over(Span::Fixed(places), |p| {
                    p.linear("linear_1", from * layers_taken(c), to, bias);
                    p.linear("linear_2", to, to, bias);
                });
            }
        });
        facts = text(&words, p, "language_model", Head::Base);
    });
    lm_head(&words, p, head, &facts);
    with_picture(facts, &vision, tokens)
}

/// Idefics 3 and SmolVLM: several patches become one token.
pub fn idefics(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let kind = if c.model_type() == "smolvlm" { "smolvlm_vision" } else { "idefics3_vision" };
    let (vision, words) = (c.part("vision_config", kind), c.part("text_config", "llama"));
    let scale = c.factor("scale_factor", 2);
    let mut facts = Facts::default();
    let mut places = 0;
    p.within(if head == Head::Base { "" } else { "model" }, |p| {
        places = pairs::picture(&vision, p);
        let (from, to) = (vision.int("hidden_size"), words.int("hidden_size"));
        p.over(Span::Fixed(places / (scale * scale)), |p| {
            p.linear("connector.modality_projection.proj", from * scale * scale, to, false);
        });
        facts = text(&words, p, "text_model", Head::Base);
    });
    lm_head(&words, p, head, &facts);
    with_picture(facts, &vision, places / (scale * scale))
}

/// Side of the picture that a model without a fixed size is taken to see.
const SIDE: u64 = 448;

/// Qwen2-VL, Qwen2.5-VL and Qwen3-VL: pictures of any size, two frames in a patch, four patches in a token.
pub fn qwen_vl(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let kind = c.model_type().to_owned();
    let (first, third) = (kind == "qwen2_vl", kind.starts_with("qwen3_vl"));
    let v = c.part("vision_config", &format!("{kind}.vision"));
    let words = text_part(c, &format!("{kind}_text"));
    let hidden = if first { v.int("embed_dim") } else { v.int("hidden_size") };
    let out = if first { v.int("hidden_size") } else { v.int("out_hidden_size") };
    let inner = if first { v.scaled(hidden, "mlp_ratio", 4.0) } else { v.int("intermediate_size") };
    let heads = v.int("num_heads");
    let width = v.divided(hidden, heads);
    let (patch, merge) = (v.int("patch_size"), v.factor("spatial_merge_size", 2));
    let side = v.floored(SIDE, patch);
    let places = side * side;
    let joined = hidden * merge * merge;
    let tokens = Span::Fixed((places / (merge * merge)).max(1));
    let norm = if kind == "qwen2_5_vl" { Norm::Rms } else { Norm::Layer };
    let layers = v.layers("depth");
    // Only the second version bounds attention to windows, but for a few layers.
    let whole = v.list("fullatt_block_indexes");
    let window = v.int_or("window_size", 112) / patch.max(1);
    let (far, near): (Vec<u64>, Vec<u64>) =
        (0..layers).partition(|layer| kind != "qwen2_5_vl" || whole.contains(layer));
    let mut facts = Facts::default();
    p.within(if head == Head::Base { "" } else { "model" }, |p| {
        p.within("visual", |p| {
            p.over(Span::Fixed(places), |p| {
                let kernel = [v.int("temporal_patch_size"), patch, patch];
                let channels = v.int_or("in_channels", 3);
                p.conv("patch_embed.proj", &kernel, channels, hidden, 1, third).role = Role::Body;
                if third {
                    p.embedding("pos_embed", v.int("num_position_embeddings"), hidden);
                }
                for (numbers, window) in [(far, None), (near, Some(window * window))] {
                    p.each("blocks", numbers, |p| {
                        p.norm("norm1", hidden, norm);
                        p.norm("norm2", hidden, norm);
                        p.within("attn", |p| {
                            p.linear("qkv", hidden, 3 * hidden, true);
                            let keys = Span::Fixed(places);
                            p.attention(Attention { heads, key: width, value: width, keys, window, cache: 0 });
                            p.linear("proj", hidden, hidden, true);
                        });
                        p.within("mlp", |p| match kind.as_str() {
                            "qwen2_5_vl" => {
                                p.linear("gate_proj", hidden, inner, true);
                                p.linear("up_proj", hidden, inner, true);
                                p.linear("down_proj", inner, hidden, true);
                            }
                            _ => {
                                let [up, down] = if first { ["fc1", "fc2"] } else { ["linear_fc1", "linear_fc2"] };
                                p.linear(up, hidden, inner, true);
                                p.linear(down, inner, hidden, true);
                            }
                        });
                    });
                }
            });
            p.over(tokens, |p| {
                p.within("merger", |p| {
                    p.norm(if third { "norm" } else { "ln_q" }, hidden, norm);
                    let [up, down] = if third { ["linear_fc1", "linear_fc2"] } else { ["mlp.0", "mlp.2"] };
                    p.linear(up, joined, joined, true);
                    p.linear(down, joined, out, true);
                });
                if third {
                    let mergers = v.list("deepstack_visual_indexes").len() as u64;
                    p.each("deepstack_merger_list", 0..mergers, |p| {
                        p.layer_norm("norm", joined);
                        p.linear("linear_fc1", joined, joined, true);
                        p.linear("linear_fc2", joined, out, true);
                    });
                }
            });
        });
        facts = text(&words, p, "language_model", Head::Base);
    });
    lm_head(&words, p, head, &facts);
    with_input(facts, &format!("one picture of {SIDE} × {SIDE}"), (places / (merge * merge)).max(1))
}

/// Llama 4 with its picture encoder.
pub fn llama4(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (v, words) = (c.part("vision_config", "llama4_vision_model"), c.part("text_config", "llama4_text"));
    let (hidden, inner, heads) = (v.int("hidden_size"), v.int("intermediate_size"), v.int("num_attention_heads"));
    let width = v.divided(hidden, heads);
    let places = patches(&v);
    let all = Span::Fixed(places + 1);
    let patch = v.int("patch_size");
    let ratio = v.real("pixel_shuffle_ratio").unwrap_or(0.5).clamp(0.0, 1.0);
    let shuffled = Span::Fixed((places as f64 * ratio * ratio) as u64);
    p.within("vision_model", |p| {
        p.over(all, |p| {
            p.tensor("class_embedding", &[hidden]);
            p.tensor("positional_embedding_vlm", &[places + 1, hidden]);
            p.over(Span::Fixed(places), |p| {
                p.linear("patch_embedding.linear", v.int_or("num_channels", 3) * patch * patch, hidden, false);
            });
            p.layer_norm("layernorm_pre", hidden);
            p.layer_norm("layernorm_post", hidden);
            p.each("model.layers", 0..v.layers("num_hidden_layers"), |p| {
                p.within("self_attn", |p| {
                    for name in ["q_proj", "k_proj", "v_proj"] {
                        p.linear(name, hidden, hidden, true);
                    }
                    p.attention(Attention { heads, key: width, value: width, keys: all, window: None, cache: 0 });
                    p.linear("o_proj", hidden, hidden, true);
                });
                p.linear("mlp.fc1", hidden, inner, true);
                p.linear("mlp.fc2", inner, hidden, true);
                p.layer_norm("input_layernorm", hidden);
                p.layer_norm("post_attention_layernorm", hidden);
            });
        });
        p.over(shuffled, |p| {
            p.linear("vision_adapter.mlp.fc1", inner, v.int("projector_input_dim"), false);
            p.linear("vision_adapter.mlp.fc2", v.int("projector_input_dim"), v.int("projector_output_dim"), false);
        });
    });
    p.over(shuffled, |p| {
        p.linear("multi_modal_projector.linear_1", v.int("vision_output_dim"), words.int("hidden_size"), false);
    });
    let decoder = if head == Head::Base { Head::Base } else { Head::CausalLm };
    let facts = text(&words, p, "language_model", decoder);
    with_picture(facts, &v, (places as f64 * ratio * ratio) as u64)
}

/// Qwen2-Audio: Whisper's encoder before a Qwen 2.
pub fn qwen2_audio(c: &Config<'_>, p: &mut Parts, _: Head) -> Facts {
    let (a, words) = (c.part("audio_config", "qwen2_audio_encoder"), c.part("text_config", "qwen2"));
    let (hidden, heads) = (a.int("d_model"), a.int("encoder_attention_heads"));
    let frames = a.int("max_source_positions");
    p.within("audio_tower", |p| super::seq2seq::sound_encoder(&a, p, hidden, heads, frames));
    // Pairs of frames are averaged first.
    p.over(Span::Fixed(frames / 2), |p| {
        p.linear("multi_modal_projector.linear", hidden, words.int("hidden_size"), true);
    });
    let facts = text(&words, p, "language_model", Head::CausalLm);
    with_input(facts, &format!("{} s of sound", 2 * frames / 100), frames / 2)
}
