//! Networks that remove noise: Stable Diffusion's UNet and autoencoder, and the diffusion transformer, in the words of `diffusers`.
//!
//! A pass is one step for one picture; how many steps make a picture is not the network's to say.

use crate::transformers::MOST_LAYERS;
use crate::transformers::config::Config;
use crate::transformers::description::{Facts, Kind};
use crate::transformers::heads::Head;
use crate::transformers::parts::{Attention, Parts, Role, Span};

/// Tokens of the text that steers Stable Diffusion.
const TEXT: u64 = 77;

/// A picture inside the network: its sides.
#[derive(Clone, Copy)]
struct Field {
    rows: u64,
    columns: u64,
}

impl Field {
    fn all(self) -> Span {
        Span::Fixed(self.rows.saturating_mul(self.columns))
    }

    fn halved(self) -> Self {
        Self { rows: self.rows.div_ceil(2), columns: self.columns.div_ceil(2) }
    }

    fn doubled(self) -> Self {
        Self { rows: self.rows.saturating_mul(2), columns: self.columns.saturating_mul(2) }
    }
}

/// Lists in place of defaults where a configuration has none.
fn list(c: &Config<'_>, field: &str, otherwise: &[u64]) -> Vec<u64> {
    let items = c.list(field);
    if items.is_empty() { otherwise.to_vec() } else { items }
}

fn names(c: &Config<'_>, field: &str, otherwise: &[&str]) -> Vec<String> {
    let items = c.texts(field);
    if items.is_empty() { otherwise.iter().map(|name| (*name).to_owned()).collect() } else { items }
}

/// Adds two convolutions around a residual; `time` is the width of the time's vector.
fn resnet(p: &mut Parts, from: u64, to: u64, time: Option<u64>, field: Field) {
    p.over(field.all(), |p| {
        p.other_norm("norm1", "GroupNorm", from);
        p.conv("conv1", &[3, 3], from, to, 1, true);
        if let Some(time) = time {
            p.over(Span::Fixed(1), |p| _ = p.linear("time_emb_proj", time, to, true));
        }
        p.other_norm("norm2", "GroupNorm", to);
        p.conv("conv2", &[3, 3], to, to, 1, true);
        if from != to {
            p.conv("conv_shortcut", &[1, 1], from, to, 1, true);
        }
    });
}

/// Adds a transformer over the places of a field, which also attends to the text.
fn attend(p: &mut Parts, width: u64, text: u64, depth: u64, linear: bool, field: Field) {
    let ways = |p: &mut Parts, name: &str| {
        if linear {
            p.linear(name, width, width, true);
        } else {
            p.conv(name, &[1, 1], width, width, 1, true);
        }
    };
    p.over(field.all(), |p| {
        p.other_norm("norm", "GroupNorm", width);
        ways(p, "proj_in");
        p.each("transformer_blocks", 0..depth.min(MOST_LAYERS), |p| {
            for (name, norm, source, keys) in
                [("attn1", "norm1", width, field.all()), ("attn2", "norm2", text, Span::Fixed(TEXT))]
            {
                p.layer_norm(norm, width);
                p.within(name, |p| {
                    p.linear("to_q", width, width, false);
                    p.over(keys, |p| {
                        p.linear("to_k", source, width, false);
                        p.linear("to_v", source, width, false);
                    });
                    // The number of heads does not change the number of products.
                    p.attention(Attention { heads: 1, key: width, value: width, keys, window: None, cache: 0 });
                    p.linear("to_out.0", width, width, true);
                });
            }
            p.layer_norm("norm3", width);
            p.linear("ff.net.0.proj", width, 8 * width, true);
            p.linear("ff.net.2", 4 * width, width, true);
        });
        ways(p, "proj_out");
    });
}

/// Stable Diffusion's UNet (1, 2 and XL).
pub fn unet(c: &Config<'_>, p: &mut Parts, _: Head) -> Facts {
    let widths = list(c, "block_out_channels", &[320, 640, 1280, 1280]);
    let crossed = "CrossAttnDownBlock2D";
    let downs = names(c, "down_block_types", &[crossed, crossed, crossed, "DownBlock2D"]);
    let crossed = "CrossAttnUpBlock2D";
    let ups = names(c, "up_block_types", &["UpBlock2D", crossed, crossed, crossed]);
    let blocks = widths.len() as u64;
    if blocks == 0 || blocks > 16 || downs.len() as u64 != blocks || ups.len() as u64 != blocks {
        c.contradiction("“block_out_channels”, “down_block_types” and “up_block_types” differ in length".to_owned());
        return Facts::default();
    }
    let known = ["CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"];
    if let Some(other) = downs.iter().chain(&ups).find(|name| !known.contains(&name.as_str())) {
        c.contradiction(format!("a block of the type “{other}” is not known here"));
    }
    let several = |field: &str, otherwise: u64| match c.raw(field) {
        Some(value) if !value.is_null() => c.each(field, blocks),
        _ => vec![otherwise; widths.len()],
    };
    let layers = several("layers_per_block", 2);
    let texts = several("cross_attention_dim", 1280);
    let depths = several("transformer_layers_per_block", 1);
    let linear = c.flag("use_linear_projection");
    let first = widths.first().copied().unwrap_or(1);
    let last = widths.last().copied().unwrap_or(1);
    let time = 4 * first;
    let side = c.int_or("sample_size", 64);
    let mut field = Field { rows: side, columns: side };
    let at = |list: &[u64], place: usize| list.get(place).copied().unwrap_or(1);
    p.over(field.all(), |p| {
        p.conv("conv_in", &[3, 3], c.int_or("in_channels", 4), first, 1, true).role = Role::InputEmbedding
    });
    p.over(Span::Fixed(1), |p| {
        p.linear("time_embedding.linear_1", first, time, true);
        p.linear("time_embedding.linear_2", time, time, true);
        if c.text("addition_embed_type").is_some_and(|kind| kind == "text_time") {
            p.linear("add_embedding.linear_1", c.int("projection_class_embeddings_input_dim"), time, true);
            p.linear("add_embedding.linear_2", time, time, true);
        }
    });
    let mut before = first;
    for (place, kind) in downs.iter().enumerate() {
        let width = at(&widths, place);
        p.each("down_blocks", [place as u64], |p| {
            for layer in 0..at(&layers, place).min(MOST_LAYERS) {
                p.each("resnets", [layer], |p| {
                    resnet(p, if layer == 0 { before } else { width }, width, Some(time), field)
                });
                if kind.starts_with("CrossAttn") {
                    p.each("attentions", [layer], |p| {
                        attend(p, width, at(&texts, place), at(&depths, place), linear, field);
                    });
                }
            }
            if place + 1 < widths.len() {
                field = field.halved();
                p.over(field.all(), |p| _ = p.conv("downsamplers.0.conv", &[3, 3], width, width, 1, true));
            }
        });
        before = width;
    }
    p.within("mid_block", |p| {
        p.each("resnets", 0..2, |p| resnet(p, last, last, Some(time), field));
        let end = widths.len() - 1;
        p.each("attentions", [0], |p| attend(p, last, at(&texts, end), at(&depths, end), linear, field));
    });
    for (place, kind) in ups.iter().enumerate() {
        // Blocks on the way up mirror those on the way down and take in what those gave out.
        let mirror = widths.len() - 1 - place;
        let width = at(&widths, mirror);
        let below = at(&widths, mirror.saturating_sub(1));
        let count = at(&layers, mirror).min(MOST_LAYERS) + 1;
        p.each("up_blocks", [place as u64], |p| {
            for layer in 0..count {
                let skip = if layer + 1 == count { below } else { width };
                let from = if layer == 0 { before } else { width };
                p.each("resnets", [layer], |p| resnet(p, from + skip, width, Some(time), field));
                if kind.starts_with("CrossAttn") {
                    p.each("attentions", [layer], |p| {
                        attend(p, width, at(&texts, mirror), at(&depths, mirror), linear, field);
                    });
                }
            }
            if mirror > 0 {
                field = field.doubled();
                p.over(field.all(), |p| _ = p.conv("upsamplers.0.conv", &[3, 3], width, width, 1, true));
            }
        });
        before = width;
    }
    p.over(field.all(), |p| {
        p.other_norm("conv_norm_out", "GroupNorm", first);
        p.conv("conv_out", &[3, 3], first, c.int_or("out_channels", 4), 1, true);
    });
    facts(blocks, last, format!("one picture as {side} × {side} latents, one step"))
}

fn facts(layers: u64, hidden: u64, input: String) -> Facts {
    Facts { kind: Kind::Diffusion, layers, hidden_size: hidden, input, ..Facts::default() }
}

/// The autoencoder between pictures and latents.
pub fn autoencoder(c: &Config<'_>, p: &mut Parts, _: Head) -> Facts {
    let widths = list(c, "block_out_channels", &[64]);
    if widths.len() > 16 {
        c.contradiction(format!("“block_out_channels” has {} blocks, expected at most 16", widths.len()));
        return Facts::default();
    }
    let layers = c.int_or("layers_per_block", 1).min(MOST_LAYERS);
    let latent = c.int_or("latent_channels", 4);
    let side = c.int_or("sample_size", 32);
    let mut field = Field { rows: side, columns: side };
    let (first, last) = (widths.first().copied().unwrap_or(1), widths.last().copied().unwrap_or(1));
    let middle = |p: &mut Parts, field: Field| {
        p.within("mid_block", |p| {
            p.each("resnets", 0..2, |p| resnet(p, last, last, None, field));
            p.over(field.all(), |p| {
                p.within("attentions.0", |p| {
                    p.other_norm("group_norm", "GroupNorm", last);
                    for name in ["to_q", "to_k", "to_v"] {
                        p.linear(name, last, last, true);
                    }
                    p.attention(Attention {
                        heads: 1,
                        key: last,
                        value: last,
                        keys: field.all(),
                        window: None,
                        cache: 0,
                    });
                    p.linear("to_out.0", last, last, true);
                });
            });
        });
    };
    p.within("encoder", |p| {
        p.over(field.all(), |p| {
            p.conv("conv_in", &[3, 3], c.int_or("in_channels", 3), first, 1, true).role = Role::InputEmbedding
        });
        let mut before = first;
        for (place, width) in widths.iter().enumerate() {
            p.each("down_blocks", [place as u64], |p| {
                for layer in 0..layers {
                    p.each("resnets", [layer], |p| {
                        resnet(p, if layer == 0 { before } else { *width }, *width, None, field)
                    });
                }
                if place + 1 < widths.len() {
                    field = field.halved();
                    p.over(field.all(), |p| _ = p.conv("downsamplers.0.conv", &[3, 3], *width, *width, 1, true));
                }
            });
            before = *width;
        }
        middle(p, field);
        p.over(field.all(), |p| {
            p.other_norm("conv_norm_out", "GroupNorm", last);
            p.conv("conv_out", &[3, 3], last, 2 * latent, 1, true);
        });
    });
    p.over(field.all(), |p| {
        if c.flag_or("use_quant_conv", true) {
            p.conv("quant_conv", &[1, 1], 2 * latent, 2 * latent, 1, true);
        }
        if c.flag_or("use_post_quant_conv", true) {
            p.conv("post_quant_conv", &[1, 1], latent, latent, 1, true);
        }
    });
    p.within("decoder", |p| {
        p.over(field.all(), |p| _ = p.conv("conv_in", &[3, 3], latent, last, 1, true));
        middle(p, field);
        let mut before = last;
        for (place, width) in widths.iter().rev().enumerate() {
            p.each("up_blocks", [place as u64], |p| {
                for layer in 0..layers + 1 {
                    p.each("resnets", [layer], |p| {
                        resnet(p, if layer == 0 { before } else { *width }, *width, None, field)
                    });
                }
                if place + 1 < widths.len() {
                    field = field.doubled();
                    p.over(field.all(), |p| _ = p.conv("upsamplers.0.conv", &[3, 3], *width, *width, 1, true));
                }
            });
            before = *width;
        }
        p.over(field.all(), |p| {
            p.other_norm("conv_norm_out", "GroupNorm", first);
            p.conv("conv_out", &[3, 3], first, c.int_or("out_channels", 3), 1, true);
        });
    });
    facts(widths.len() as u64, last, format!("one picture of {side} × {side}, there and back"))
}

/// The diffusion transformer, steered by a class.
pub fn dit(c: &Config<'_>, p: &mut Parts, _: Head) -> Facts {
    let (heads, width) = (c.int_or("num_attention_heads", 16), c.int_or("attention_head_dim", 72));
    let hidden = heads * width;
    let (patch, side, layers) =
        (c.int_or("patch_size", 2), c.int_or("sample_size", 32), c.int_or("num_layers", 28).min(MOST_LAYERS));
    let (channels, classes) = (c.int_or("in_channels", 4), c.int_or("num_embeds_ada_norm", 1000));
    let out = c.int_or("out_channels", channels);
    let across = c.floored(side, patch);
    let all = Span::Fixed(across * across);
    let bias = c.flag_or("attention_bias", true);
    p.over(all, |p| {
        p.conv("pos_embed.proj", &[patch, patch], channels, hidden, 1, true).role = Role::InputEmbedding;
        p.each("transformer_blocks", 0..layers, |p| {
            p.over(Span::Fixed(1), |p| {
                p.within("norm1", |p| {
                    p.linear("emb.timestep_embedder.linear_1", 256, hidden, true);
                    p.linear("emb.timestep_embedder.linear_2", hidden, hidden, true);
                    p.embedding("emb.class_embedder.embedding_table", classes + 1, hidden);
                    p.linear("linear", hidden, 6 * hidden, true);
                });
            });
            p.within("attn1", |p| {
                for name in ["to_q", "to_k", "to_v"] {
                    p.linear(name, hidden, hidden, bias);
                }
                p.attention(Attention { heads, key: width, value: width, keys: all, window: None, cache: 0 });
                p.linear("to_out.0", hidden, hidden, true);
            });
            p.linear("ff.net.0.proj", hidden, 4 * hidden, true);
            p.linear("ff.net.2", 4 * hidden, hidden, true);
        });
        p.over(Span::Fixed(1), |p| _ = p.linear("proj_out_1", hidden, 2 * hidden, true));
        p.linear("proj_out_2", hidden, patch * patch * out, true);
    });
    Facts {
        heads,
        kv_heads: heads,
        head_dim: width,
        ..facts(layers, hidden, format!("one picture as {side} × {side} latents, one step"))
    }
}
