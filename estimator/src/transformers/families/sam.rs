//! Segment Anything: a large picture encoder with windows, and a small decoder that answers prompts.

use super::vision::{patches, projection, sides};
use crate::transformers::config::Config;
use crate::transformers::description::{Facts, Kind};
use crate::transformers::heads::Head;
use crate::transformers::parts::{Attention, Parts, Span};

/// Tokens that the decoder turns over for a prompt of one point: the score's, the masks', the point and its padding.
const PROMPT: u64 = 2;

/// SAM.
pub fn sam(c: &Config<'_>, p: &mut Parts, _: Head) -> Facts {
    let v = c.part("vision_config", "sam_vision_model");
    let prompts = c.part("prompt_encoder_config", "sam_prompt_encoder");
    let d = c.part("mask_decoder_config", "sam_mask_decoder");
    let (hidden, heads, layers) = (v.int("hidden_size"), v.int("num_attention_heads"), v.layers("num_hidden_layers"));
    let width = v.divided(hidden, heads);
    let inner = v.maybe("mlp_dim").unwrap_or_else(|| v.scaled(hidden, "mlp_ratio", 4.0));
    let ((height, across), (patch, patch_across)) = (sides(&v, "image_size"), sides(&v, "patch_size"));
    let (rows, columns) = (v.floored(height, patch), v.floored(across, patch_across));
    let places = patches(&v);
    let all = Span::Fixed(places);
    let window = v.int("window_size").min(rows).min(columns);
    let whole = v.list("global_attn_indexes");
    let (far, near): (Vec<u64>, Vec<u64>) = (0..layers).partition(|layer| whole.contains(layer));
    let filled = rows.div_ceil(window) * window * (columns.div_ceil(window) * window);
    let (bias, relative) = (v.flag_or("qkv_bias", true), v.flag_or("use_rel_pos", true));
    let narrow = v.int("output_channels");
    p.within("vision_encoder", |p| {
        if v.flag_or("use_abs_pos", true) {
            p.tensor("pos_embed", &[1, rows, columns, hidden]);
        }
        projection(&v, p, "patch_embed.projection", places, hidden, true);
        for (numbers, (tall, wide), own) in [(far, (rows, columns), places), (near, (window, window), filled)] {
            p.each("layers", numbers, |p| {
                // Windows are filled up to their size; what follows attention is not.
                p.over(Span::Fixed(own), |p| {
                    p.within("attn", |p| {
                        if relative {
                            p.tensor("rel_pos_h", &[2 * tall - 1, width]);
                            p.tensor("rel_pos_w", &[2 * wide - 1, width]);
                        }
                        p.linear("qkv", hidden, 3 * hidden, bias);
                        let keys = Span::Fixed(tall * wide);
                        p.attention(Attention { heads, key: width, value: width, keys, window: None, cache: 0 });
                        if relative {
                            // Each query also meets the positions of its rows and of its columns.
                            let keys = Span::Fixed(tall + wide);
                            p.attention(Attention { heads, key: width, value: 0, keys, window: None, cache: 0 });
                        }
                        p.linear("proj", hidden, hidden, true);
                    });
                });
                p.over(all, |p| {
                    p.layer_norm("layer_norm1", hidden);
                    p.layer_norm("layer_norm2", hidden);
                    p.linear("mlp.lin1", hidden, inner, true);
                    p.linear("mlp.lin2", inner, hidden, true);
                });
            });
        }
        p.over(all, |p| {
            p.within("neck", |p| {
                p.conv("conv1", &[1, 1], hidden, narrow, 1, false);
                p.layer_norm("layer_norm1", narrow);
                p.conv("conv2", &[3, 3], narrow, narrow, 1, false);
                p.layer_norm("layer_norm2", narrow);
            });
        });
    });
    // A prompt of points brings no mask, so what reads masks does not run.
    let none = Span::Fixed(0);
    let (to, channels) = (prompts.int("hidden_size"), prompts.int("mask_input_channels"));
    p.over(none, |p| {
        p.within("prompt_encoder", |p| {
            p.within("mask_embed", |p| {
                let few = prompts.floored(channels, 4);
                p.conv("conv1", &[2, 2], 1, few, 1, true);
                p.conv("conv2", &[2, 2], few, channels, 1, true);
                p.conv("conv3", &[1, 1], channels, to, 1, true);
                p.layer_norm("layer_norm1", few);
                p.layer_norm("layer_norm2", channels);
            });
            p.embedding("no_mask_embed", 1, to);
            p.each("point_embed", 0..prompts.layers("num_point_embeddings"), |p| _ = p.embedding("", 1, to));
            p.embedding("not_a_point_embed", 1, to);
        });
    });
    decoder(&d, p, places);
    Facts {
        kind: Kind::Vision,
        layers,
        hidden_size: hidden,
        heads,
        kv_heads: heads,
        head_dim: width,
        input: format!("one picture of {height} × {across} and one point"),
        ..Facts::default()
    }
}

fn decoder(d: &Config<'_>, p: &mut Parts, places: u64) {
    let (hidden, heads, inner) = (d.int("hidden_size"), d.int("num_attention_heads"), d.int("mlp_dim"));
    let rate = d.int_or("attention_downsample_rate", 2);
    let masks = d.int("num_multimask_outputs") + 1;
    let tokens = 1 + masks + PROMPT;
    let attention = |p: &mut Parts, name: &str, rate: u64, queries: u64, keys: u64| {
        let all = d.floored(hidden, rate);
        let width = d.floored(all, heads);
        p.within(name, |p| {
            p.over(Span::Fixed(queries), |p| _ = p.linear("q_proj", hidden, all, true));
            p.over(Span::Fixed(keys), |p| {
                p.linear("k_proj", hidden, all, true);
                p.linear("v_proj", hidden, all, true);
            });
            p.over(Span::Fixed(queries), |p| {
                let keys = Span::Fixed(keys);
                p.attention(Attention { heads, key: width, value: width, keys, window: None, cache: 0 });
                p.linear("out_proj", all, hidden, true);
            });
        });
    };
    let network = |p: &mut Parts, name: &str, inner: u64, out: u64, depth: u64| {
        p.within(name, |p| {
            p.linear("proj_in", hidden, inner, true);
            p.linear("proj_out", inner, out, true);
            p.each("layers", 0..depth.saturating_sub(2), |p| _ = p.linear("", inner, inner, true));
        });
    };
    p.within("mask_decoder", |p| {
        p.over(Span::Fixed(1), |p| {
            p.embedding("iou_token", 1, hidden);
            p.embedding("mask_tokens", masks, hidden);
        });
        p.within("transformer", |p| {
            p.each("layers", 0..d.layers("num_hidden_layers"), |p| {
                attention(p, "self_attn", 1, tokens, tokens);
                attention(p, "cross_attn_token_to_image", rate, tokens, places);
                attention(p, "cross_attn_image_to_token", rate, places, tokens);
                p.over(Span::Fixed(tokens), |p| {
                    p.linear("mlp.lin1", hidden, inner, true);
                    p.linear("mlp.lin2", inner, hidden, true);
                    for name in ["layer_norm1", "layer_norm2", "layer_norm3", "layer_norm4"] {
                        p.layer_norm(name, hidden);
                    }
                });
            });
            attention(p, "final_attn_token_to_image", rate, tokens, places);
            p.over(Span::Fixed(tokens), |p| p.layer_norm("layer_norm_final_attn", hidden));
        });
        let (middle, thin) = (d.floored(hidden, 4), d.floored(hidden, 8));
        p.over(Span::Fixed(places), |p| p.transposed_conv("upscale_conv1", &[2, 2], hidden, middle));
        p.over(Span::Fixed(4 * places), |p| {
            p.transposed_conv("upscale_conv2", &[2, 2], middle, thin);
            p.layer_norm("upscale_layer_norm", middle);
        });
        p.over(Span::Fixed(1), |p| {
            p.each("output_hypernetworks_mlps", 0..masks, |p| network(p, "", hidden, thin, 3));
            let (wide, depth) = (d.int("iou_head_hidden_dim"), d.int_or("iou_head_depth", 3));
            network(p, "iou_prediction_head", wide, masks, depth.min(crate::transformers::MOST_LAYERS));
        });
        // Each mask is a product of its token with every pixel.
        p.over(Span::Fixed(16 * places), |p| p.recurrence("Masks", masks * thin, 0));
    });
}
