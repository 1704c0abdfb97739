//! Pairs of a text and a picture encoder that meet in one space: CLIP, SigLIP. Their halves serve other models.

use super::vision::{patches, projection, sides};
use crate::transformers::config::Config;
use crate::transformers::description::{Facts, Kind};
use crate::transformers::heads::Head;
use crate::transformers::parts::{Attention, Parts, Role, Span};

/// Adds layers as CLIP writes them.
fn layers(c: &Config<'_>, p: &mut Parts) {
    let (hidden, inner, heads) = (c.int("hidden_size"), c.int("intermediate_size"), c.int("num_attention_heads"));
    let width = c.divided(hidden, heads);
    let keys = p.span();
    p.within("encoder", |p| {
        p.each("layers", 0..c.layers("num_hidden_layers"), |p| {
            p.within("self_attn", |p| {
                for name in ["k_proj", "v_proj", "q_proj"] {
                    p.linear(name, hidden, hidden, true);
                }
                p.attention(Attention { heads, key: width, value: width, keys, window: None, cache: 0 });
                p.linear("out_proj", hidden, hidden, true);
            });
            p.layer_norm("layer_norm1", hidden);
            p.within("mlp", |p| {
                p.linear("fc1", hidden, inner, true);
                p.linear("fc2", inner, hidden, true);
            });
            p.layer_norm("layer_norm2", hidden);
        });
    });
}

fn is_siglip(c: &Config<'_>) -> bool {
    c.model_type().starts_with("siglip")
}

/// Adds a text encoder; all its texts are filled up to one length, so its positions are fixed.
fn text(c: &Config<'_>, p: &mut Parts) {
    let (hidden, length) = (c.int("hidden_size"), c.int("max_position_embeddings"));
    p.over(Span::Fixed(length), |p| {
        p.within("text_model", |p| {
            p.within("embeddings", |p| {
                p.input_embedding("token_embedding", c.int("vocab_size"), hidden);
                p.embedding("position_embedding", length, hidden);
            });
            layers(c, p);
            p.layer_norm("final_layer_norm", hidden);
            if is_siglip(c) {
                p.over(Span::Fixed(1), |p| _ = p.linear("head", hidden, c.int_or("projection_size", hidden), true));
            }
        });
    });
}

/// Adds a picture encoder and gives the number of its patches.
pub(super) fn picture(c: &Config<'_>, p: &mut Parts) -> u64 {
    let hidden = c.int("hidden_size");
    let is_second = c.model_type().starts_with("siglip2");
    let places = if is_second { c.int_or("num_patches", 256) } else { patches(c) };
    // The encoder of Idefics 3 is SigLIP's without the head.
    let headless = c.model_type().ends_with("_vision");
    let siglip = is_siglip(c) || headless;
    let all = if siglip { places } else { places + 1 };
    p.within("vision_model", |p| {
        p.over(Span::Fixed(all), |p| {
            p.within("embeddings", |p| {
                if !siglip {
                    p.tensor("class_embedding", &[hidden]);
                }
                if is_second {
                    let side = c.int("patch_size");
                    let pixels = c.int_or("num_channels", 3) * side * side;
                    p.linear("patch_embedding", pixels, hidden, true).role = Role::InputEmbedding;
                } else {
                    projection(c, p, "patch_embedding", places, hidden, siglip);
                }
                p.embedding("position_embedding", all, hidden);
            });
            if !siglip {
                p.layer_norm("pre_layrnorm", hidden);
            }
            layers(c, p);
            p.layer_norm("post_layernorm", hidden);
        });
        if siglip && !headless && c.flag_or("vision_use_head", true) {
            let (inner, heads) = (c.int("intermediate_size"), c.int("num_attention_heads"));
            let width = c.divided(hidden, heads);
            p.within("head", |p| {
                p.over(Span::Fixed(1), |p| {
                    p.tensor("probe", &[1, 1, hidden]);
                    p.within("attention", |p| {
                        // One query; keys and values of all patches.
                        p.multiplied("in_proj_weight", &[3 * hidden, hidden], &[hidden, hidden, 1 + 2 * all]);
                        p.tensor("in_proj_bias", &[3 * hidden]);
                        let keys = Span::Fixed(all);
                        p.attention(Attention { heads, key: width, value: width, keys, window: None, cache: 0 });
                        p.linear("out_proj", hidden, hidden, true);
                    });
                    p.layer_norm("layernorm", hidden);
                    p.within("mlp", |p| {
                        p.linear("fc1", hidden, inner, true);
                        p.linear("fc2", inner, hidden, true);
                    });
                });
            });
        }
    });
    places
}

fn facts(c: &Config<'_>, vision: Option<&Config<'_>>, text: Option<&Config<'_>>) -> Facts {
    let of = vision.or(text).unwrap_or(c);
    let (hidden, heads) = (of.int("hidden_size"), of.int("num_attention_heads"));
    let picture = vision.map(|vision| match vision.has("image_size") || vision.raw("image_size").is_some() {
        true => {
            let (height, width) = sides(vision, "image_size");
            format!("one picture of {height} × {width}")
        }
        false => "one picture".to_owned(),
    });
    let words = text.map(|text| format!("a text of {} tokens", text.int("max_position_embeddings")));
    let input = match (words, picture) {
        (Some(words), Some(picture)) => format!("{words} and {picture}"),
        (words, picture) => words.or(picture).unwrap_or_default(),
    };
    Facts {
        kind: if vision.is_some() { Kind::Vision } else { Kind::Encoder },
        layers: of.layers("num_hidden_layers"),
        hidden_size: hidden,
        heads,
        kv_heads: heads,
        head_dim: hidden / heads.max(1),
        vocabulary: text.map(|text| text.int("vocab_size")).unwrap_or(0),
        context_length: text.and_then(|text| text.maybe("max_position_embeddings")),
        input,
        ..Facts::default()
    }
}

/// CLIP and SigLIP, both halves, or the one that the class names.
pub fn pair(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let kind = c.model_type().to_owned();
    let is_half = kind.ends_with("_model");
    let clip = !is_siglip(c);
    let part = |field: &str, model_type: &str| if is_half { None } else { Some(c.part(field, model_type)) };
    let family = if clip {
        "clip"
    } else if kind.starts_with("siglip2") {
        "siglip2"
    } else {
        "siglip"
    };
    let text_part = part("text_config", &format!("{family}_text_model"));
    let vision_part = part("vision_config", &format!("{family}_vision_model"));
    let is_text = kind.ends_with("_text_model") || matches!(head, Head::Text | Head::TextProjection);
    let is_vision = kind.ends_with("_vision_model") || matches!(head, Head::Vision | Head::VisionProjection);
    let (t, v) = (text_part.as_ref().unwrap_or(c), vision_part.as_ref().unwrap_or(c));
    if is_text {
        text(t, p);
        if head == Head::TextProjection {
            let (hidden, to) = (t.int("hidden_size"), t.int("projection_dim"));
            p.over(Span::Fixed(1), |p| _ = p.linear("text_projection", hidden, to, false));
        }
        return facts(c, None, Some(t));
    }
    if is_vision || head == Head::Image {
        picture(v, p);
        let hidden = v.int("hidden_size");
        p.over(Span::Fixed(1), |p| match head {
            Head::VisionProjection => _ = p.linear("visual_projection", hidden, v.int("projection_dim"), false),
            Head::Image => _ = p.linear("classifier", hidden, c.labels(), true),
            _ => {}
        });
        return facts(c, Some(v), None);
    }
    // The score of the pair is the product of its two vectors.
    let width = if clip { c.int("projection_dim") } else { v.int("hidden_size") };
    p.over(Span::Fixed(1), |p| _ = p.multiplied("logit_scale", if clip { &[] } else { &[1] }, &[width]));
    text(t, p);
    picture(v, p);
    if clip {
        let to = c.int("projection_dim");
        p.over(Span::Fixed(1), |p| {
            p.linear("visual_projection", v.int("hidden_size"), to, false);
            p.linear("text_projection", t.int("hidden_size"), to, false);
        });
    } else {
        p.tensor("logit_bias", &[1]);
    }
    facts(c, Some(v), Some(t))
}
