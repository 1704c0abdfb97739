//! Networks for pictures: ViT and its kin, Swin, ConvNeXt.

use crate::transformers::config::Config;
use crate::transformers::description::{Facts, Kind};
use crate::transformers::heads::Head;
use crate::transformers::parts::{Attention, Norm, Parts, Role, Span};

/// Height and width of a picture, a patch or a window: one number for both, or a list of two.
pub(super) fn sides(c: &Config<'_>, field: &str) -> (u64, u64) {
    let is_list = c.raw(field).is_some_and(|value| value.is_array());
    match (is_list, c.list(field).as_slice()) {
        (true, [height, width]) if *height > 0 && *width > 0 => (*height, *width),
        (true, _) => {
            c.contradiction(format!("“{field}” is neither a number nor a list of two numbers above 0"));
            (1, 1)
        }
        _ => {
            let side = c.int(field);
            (side, side)
        }
    }
}

/// Patches of a picture.
pub(super) fn patches(c: &Config<'_>) -> u64 {
    let ((height, width), (patch_height, patch_width)) = (sides(c, "image_size"), sides(c, "patch_size"));
    c.floored(height, patch_height) * c.floored(width, patch_width)
}

/// Adds the projection of patches, which is a picture's input embedding.
pub(super) fn projection(c: &Config<'_>, p: &mut Parts, name: &str, patches: u64, width: u64, bias: bool) {
    let (height, across) = sides(c, "patch_size");
    p.over(Span::Fixed(patches), |p| {
        let conv = p.conv(name, &[height, across], c.int_or("num_channels", 3), width, 1, bias);
        conv.role = Role::InputEmbedding;
    });
}

pub(super) fn facts(c: &Config<'_>, layers: u64, hidden: u64, heads: u64) -> Facts {
    let (height, width) = sides(c, "image_size");
    Facts {
        kind: Kind::Vision,
        layers,
        hidden_size: hidden,
        heads,
        kv_heads: heads,
        head_dim: hidden / heads.max(1),
        input: format!("one picture of {height} × {width}"),
        ..Facts::default()
    }
}

fn one(p: &mut Parts, name: &str, from: u64, to: u64) {
    p.over(Span::Fixed(1), |p| _ = p.linear(name, from, to, true));
}

/// Adds the decoder of hidden patches: as many values for each patch as its pixels have.
fn pixels(c: &Config<'_>, p: &mut Parts, width: u64, places: u64) {
    let stride = c.int_or("encoder_stride", 32);
    let channels = c.int_or("num_channels", 3);
    p.over(Span::Fixed(places), |p| _ = p.conv("decoder.0", &[1, 1], width, stride * stride * channels, 1, true));
}

/// ViT, DeiT, ViT-MSN, I-JEPA.
pub fn vit(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let kind = c.model_type().to_owned();
    let base = match kind.as_str() {
        "deit" => "deit",
        "ijepa" => "ijepa",
        _ => "vit",
    };
    let (hidden, inner, heads) = (c.int("hidden_size"), c.int("intermediate_size"), c.int("num_attention_heads"));
    let width = c.divided(hidden, heads);
    let (layers, places) = (c.layers("num_hidden_layers"), patches(c));
    let tokens = match kind.as_str() {
        "deit" => 2,
        "ijepa" => 0,
        _ => 1,
    };
    let bias = c.flag_or("qkv_bias", true);
    let all = places + tokens;
    p.within(if head == Head::Base { "" } else { base }, |p| {
        p.within("embeddings", |p| {
            if tokens > 0 {
                p.tensor("cls_token", &[1, 1, hidden]);
            }
            if tokens > 1 {
                p.tensor("distillation_token", &[1, 1, hidden]);
            }
            if head == Head::MaskedImage {
                p.tensor("mask_token", &[1, 1, hidden]);
            }
            p.tensor("position_embeddings", &[1, all, hidden]);
            projection(c, p, "patch_embeddings.projection", places, hidden, true);
        });
        p.over(Span::Fixed(all), |p| {
            p.within("encoder", |p| {
                p.each("layer", 0..layers, |p| {
                    vit_attention(p, hidden, heads, width, [bias; 3], Span::Fixed(all));
                    p.within("intermediate", |p| _ = p.linear("dense", hidden, inner, true));
                    p.within("output", |p| _ = p.linear("dense", inner, hidden, true));
                    p.layer_norm("layernorm_before", hidden);
                    p.layer_norm("layernorm_after", hidden);
                });
            });
            p.layer_norm("layernorm", hidden);
        });
        if head == Head::Base && !["vit_msn", "ijepa"].contains(&kind.as_str()) {
            one(p, "pooler.dense", hidden, c.int_or("pooler_output_size", hidden));
        }
    });
    match head {
        Head::Image => one(p, "classifier", hidden, c.labels()),
        Head::ImageWithTeacher => {
            one(p, "cls_classifier", hidden, c.labels());
            one(p, "distillation_classifier", hidden, c.labels());
        }
        Head::MaskedImage => pixels(c, p, hidden, places),
        _ => {}
    }
    facts(c, layers, hidden, heads)
}

/// Adds attention as ViT writes it.
fn vit_attention(p: &mut Parts, hidden: u64, heads: u64, width: u64, [q, k, v]: [bool; 3], keys: Span) {
    p.within("attention", |p| {
        p.within("attention", |p| {
            p.linear("query", hidden, hidden, q);
            p.linear("key", hidden, hidden, k);
            p.linear("value", hidden, hidden, v);
            p.attention(Attention { heads, key: width, value: width, keys, window: None, cache: 0 });
        });
        p.within("output", |p| _ = p.linear("dense", hidden, hidden, true));
    });
}

/// BEiT and data2vec's picture encoder: biases by relative position, scales of each block.
pub fn beit(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    // The class `Data2VecVisionModel` ends like the picture half of a pair.
    let head = if matches!(head, Head::Vision | Head::Backbone) { Head::Base } else { head };
    let base = if c.model_type() == "beit" { "beit" } else { "data2vec_vision" };
    let (hidden, inner, heads) = (c.int("hidden_size"), c.int("intermediate_size"), c.int("num_attention_heads"));
    let width = c.divided(hidden, heads);
    let (layers, places) = (c.layers("num_hidden_layers"), patches(c));
    let ((height, across), (patch_height, patch_width)) = (sides(c, "image_size"), sides(c, "patch_size"));
    let distances = (2 * c.floored(height, patch_height) - 1) * (2 * c.floored(across, patch_width) - 1) + 3;
    let scales = c.real("layer_scale_init_value").is_some_and(|value| value > 0.0);
    let all = Span::Fixed(places + 1);
    let pools = c.flag_or("use_mean_pooling", true);
    let table = "relative_position_bias.relative_position_bias_table";
    p.within(if head == Head::Base { "" } else { base }, |p| {
        p.within("embeddings", |p| {
            p.tensor("cls_token", &[1, 1, hidden]);
            if c.flag("use_mask_token") {
                p.tensor("mask_token", &[1, 1, hidden]);
            }
            if c.flag("use_absolute_position_embeddings") {
                p.tensor("position_embeddings", &[1, places + 1, hidden]);
            }
            projection(c, p, "patch_embeddings.projection", places, hidden, true);
        });
        p.over(all, |p| {
            p.within("encoder", |p| {
                if c.flag("use_shared_relative_position_bias") {
                    p.tensor(table, &[distances, heads]);
                }
                p.each("layer", 0..layers, |p| {
                    if scales {
                        p.tensor("lambda_1", &[hidden]);
                        p.tensor("lambda_2", &[hidden]);
                    }
                    vit_attention(p, hidden, heads, width, [true, false, true], all);
                    if c.flag("use_relative_position_bias") {
                        p.within("attention.attention", |p| _ = p.tensor(table, &[distances, heads]));
                    }
                    p.within("intermediate", |p| _ = p.linear("dense", hidden, inner, true));
                    p.within("output", |p| _ = p.linear("dense", inner, hidden, true));
                    p.layer_norm("layernorm_before", hidden);
                    p.layer_norm("layernorm_after", hidden);
                });
            });
            if !pools {
                p.layer_norm("layernorm", hidden);
            }
        });
        if pools && (head == Head::Image || head == Head::Base && base == "beit") {
            p.over(Span::Fixed(1), |p| p.within("pooler", |p| p.layer_norm("layernorm", hidden)));
        }
    });
    match head {
        Head::Image => one(p, "classifier", hidden, c.labels()),
        Head::MaskedImage => {
            p.over(all, |p| p.layer_norm("layernorm", hidden));
            p.over(Span::Fixed(places), |p| _ = p.linear("lm_head", hidden, c.int("vocab_size"), true));
        }
        _ => {}
    }
    facts(c, layers, hidden, heads)
}

/// DINOv2, with registers or without.
pub fn dinov2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let registers = if c.model_type() == "dinov2" { 0 } else { c.count("num_register_tokens") };
    let base = if c.model_type() == "dinov2" { "dinov2" } else { "dinov2_with_registers" };
    let (hidden, heads) = (c.int("hidden_size"), c.int("num_attention_heads"));
    let width = c.divided(hidden, heads);
    let inner = c.scaled(hidden, "mlp_ratio", 4.0);
    let (layers, places) = (c.layers("num_hidden_layers"), patches(c));
    let all = Span::Fixed(places + 1 + registers);
    let bias = c.flag_or("qkv_bias", true);
    p.within(if matches!(head, Head::Base | Head::Backbone) { "" } else { base }, |p| {
        p.within("embeddings", |p| {
            p.tensor("cls_token", &[1, 1, hidden]);
            if c.flag_or("use_mask_token", true) {
                p.tensor("mask_token", &[1, hidden]);
            }
            if registers > 0 {
                p.tensor("register_tokens", &[1, registers, hidden]);
            }
            p.tensor("position_embeddings", &[1, places + 1, hidden]);
            projection(c, p, "patch_embeddings.projection", places, hidden, true);
        });
        p.over(all, |p| {
            p.within("encoder", |p| {
                p.each("layer", 0..layers, |p| {
                    p.layer_norm("norm1", hidden);
                    vit_attention(p, hidden, heads, width, [bias; 3], all);
                    p.tensor("layer_scale1.lambda1", &[hidden]);
                    p.layer_norm("norm2", hidden);
                    p.within("mlp", |p| {
                        if c.flag("use_swiglu_ffn") {
                            // Two thirds, rounded up to a multiple of 8.
                            let inner = (inner * 2 / 3).div_ceil(8) * 8;
                            p.linear("weights_in", hidden, 2 * inner, true);
                            p.linear("weights_out", inner, hidden, true);
                        } else {
                            p.linear("fc1", hidden, inner, true);
                            p.linear("fc2", inner, hidden, true);
                        }
                    });
                    p.tensor("layer_scale2.lambda1", &[hidden]);
                });
            });
            p.layer_norm("layernorm", hidden);
        });
    });
    if head == Head::Image {
        one(p, "classifier", 2 * hidden, c.labels());
    }
    facts(c, layers, hidden, heads)
}

/// DINOv3's ViTs.
pub fn dinov3(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, heads, inner) = (c.int("hidden_size"), c.int("num_attention_heads"), c.int("intermediate_size"));
    let width = c.divided(hidden, heads);
    let registers = c.count("num_register_tokens");
    let (layers, places) = (c.layers("num_hidden_layers"), patches(c));
    let all = Span::Fixed(places + 1 + registers);
    let mlp_bias = c.flag_or("mlp_bias", true);
    p.within("embeddings", |p| {
        p.tensor("cls_token", &[1, 1, hidden]);
        p.tensor("mask_token", &[1, 1, hidden]);
        p.tensor("register_tokens", &[1, registers, hidden]);
        projection(c, p, "patch_embeddings", places, hidden, true);
    });
    p.over(all, |p| {
        p.each("layer", 0..layers, |p| {
            p.layer_norm("norm1", hidden);
            p.within("attention", |p| {
                p.linear("q_proj", hidden, hidden, c.flag_or("query_bias", true));
                p.linear("k_proj", hidden, hidden, c.flag("key_bias"));
                p.linear("v_proj", hidden, hidden, c.flag_or("value_bias", true));
                p.attention(Attention { heads, key: width, value: width, keys: all, window: None, cache: 0 });
                p.linear("o_proj", hidden, hidden, c.flag_or("proj_bias", true));
            });
            p.tensor("layer_scale1.lambda1", &[hidden]);
            p.layer_norm("norm2", hidden);
            p.within("mlp", |p| {
                if c.flag("use_gated_mlp") {
                    p.linear("gate_proj", hidden, inner, mlp_bias);
                }
                p.linear("up_proj", hidden, inner, mlp_bias);
                p.linear("down_proj", inner, hidden, mlp_bias);
            });
            p.tensor("layer_scale2.lambda1", &[hidden]);
        });
        p.layer_norm("norm", hidden);
    });
    if head == Head::Image {
        one(p, "classifier", 2 * hidden, c.labels());
    }
    facts(c, layers, hidden, heads)
}

/// Swin, its second version, and Donut's encoder: attention within windows, four stages of halved resolution.
pub fn swin(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let kind = c.model_type().to_owned();
    let is_second = kind == "swinv2";
    let base = match kind.as_str() {
        "swinv2" => "swinv2",
        "donut-swin" => "donut",
        _ => "swin",
    };
    let depths = c.list("depths");
    let heads = c.each("num_heads", depths.len() as u64);
    let first = c.int("embed_dim");
    let stages = depths.len() as u32;
    if stages == 0 || stages > 16 {
        c.contradiction(format!("“depths” has {stages} stages, expected 1 to 16"));
        return Facts::default();
    }
    let last = first << (stages - 1);
    let window = c.int("window_size");
    let bias = c.flag_or("qkv_bias", true);
    let ((height, width), (patch_height, patch_width)) = (sides(c, "image_size"), sides(c, "patch_size"));
    // Pictures are filled up to whole patches, stages to even sides.
    let (mut rows, mut columns) = (height.div_ceil(patch_height), width.div_ceil(patch_width));
    let places = c.floored(height, patch_height) * c.floored(width, patch_width);
    p.within(if matches!(head, Head::Base | Head::Backbone) { "" } else { base }, |p| {
        p.within("embeddings", |p| {
            if head == Head::MaskedImage {
                p.tensor("mask_token", &[1, 1, first]);
            }
            if c.flag("use_absolute_embeddings") {
                p.tensor("position_embeddings", &[1, places + 1, first]);
            }
            projection(c, p, "patch_embeddings.projection", rows * columns, first, true);
            p.over(Span::Fixed(rows * columns), |p| p.layer_norm("norm", first));
        });
        p.within("encoder", |p| {
            for (stage, (depth, heads)) in depths.iter().zip(&heads).enumerate() {
                let dim = first << stage;
                let head_width = c.divided(dim, *heads);
                let inner = c.scaled(dim, "mlp_ratio", 4.0);
                // A window is no larger than the picture; the picture is filled up to whole windows.
                let size = window.min(rows.min(columns));
                let filled = rows.div_ceil(size) * size * (columns.div_ceil(size) * size);
                let all = Span::Fixed(rows * columns);
                p.each("layers", [stage as u64], |p| {
                    p.each("blocks", 0..(*depth).min(crate::transformers::MOST_LAYERS), |p| {
                        p.over(Span::Fixed(filled), |p| {
                            p.within("attention.self", |p| {
                                if is_second {
                                    p.tensor("logit_scale", &[*heads, 1, 1]);
                                    p.over(Span::Fixed((2 * size - 1) * (2 * size - 1)), |p| {
                                        p.within("continuous_position_bias_mlp", |p| {
                                            p.linear("0", 2, 512, true);
                                            p.linear("2", 512, *heads, false);
                                        });
                                    });
                                } else {
                                    let rows = (2 * window - 1) * (2 * window - 1);
                                    p.tensor("relative_position_bias_table", &[rows, *heads]);
                                }
                                p.linear("query", dim, dim, bias);
                                p.linear("key", dim, dim, bias && !is_second);
                                p.linear("value", dim, dim, bias);
                                p.attention(Attention {
                                    heads: *heads,
                                    key: head_width,
                                    value: head_width,
                                    keys: Span::Fixed(size * size),
                                    window: None,
                                    cache: 0,
                                });
                            });
                            p.linear("attention.output.dense", dim, dim, true);
                        });
                        p.over(all, |p| {
                            p.layer_norm("layernorm_before", dim);
                            p.layer_norm("layernorm_after", dim);
                            p.linear("intermediate.dense", dim, inner, true);
                            p.linear("output.dense", inner, dim, true);
                        });
                    });
                    if stage + 1 < depths.len() {
                        (rows, columns) = (rows.div_ceil(2), columns.div_ceil(2));
                        p.over(Span::Fixed(rows * columns), |p| {
                            p.within("downsample", |p| {
                                p.linear("reduction", 4 * dim, 2 * dim, false);
                                p.layer_norm("norm", if is_second { 2 * dim } else { 4 * dim });
                            });
                        });
                    }
                });
            }
        });
        if kind != "donut-swin" {
            p.over(Span::Fixed(rows * columns), |p| p.layer_norm("layernorm", last));
        }
    });
    match head {
        Head::Image => one(p, "classifier", last, c.labels()),
        Head::MaskedImage => pixels(c, p, last, rows * columns),
        _ => {}
    }
    let layers = depths.iter().sum();
    facts(c, layers, last, heads.last().copied().unwrap_or(1))
}

/// ConvNeXt and its second version: convolutions alone.
pub fn convnext(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let is_second = c.model_type() == "convnextv2";
    let base = if is_second { "convnextv2" } else { "convnext" };
    let list = |field: &str, otherwise: [u64; 4]| {
        let items = c.list(field);
        if items.is_empty() { otherwise.to_vec() } else { items }
    };
    let (widths, depths) = (list("hidden_sizes", [96, 192, 384, 768]), list("depths", [3, 3, 9, 3]));
    let scales = c.real("layer_scale_init_value").is_none_or(|value| value > 0.0);
    let ((height, across), patch) = (sides(c, "image_size"), c.int("patch_size"));
    let (mut rows, mut columns) = (c.floored(height, patch), c.floored(across, patch));
    let first = widths.first().copied().unwrap_or(1);
    let last = widths.last().copied().unwrap_or(1);
    p.within(if matches!(head, Head::Base | Head::Backbone) { "" } else { base }, |p| {
        p.within("embeddings", |p| {
            projection(c, p, "patch_embeddings", rows * columns, first, true);
            p.over(Span::Fixed(rows * columns), |p| p.layer_norm("layernorm", first));
        });
        p.within("encoder", |p| {
            let mut before = first;
            for (stage, (width, depth)) in widths.iter().zip(&depths).enumerate() {
                let width = *width;
                p.each("stages", [stage as u64], |p| {
                    if stage > 0 {
                        p.over(Span::Fixed(rows * columns), |p| p.layer_norm("downsampling_layer.0", before));
                        (rows, columns) = ((rows / 2).max(1), (columns / 2).max(1));
                        p.over(Span::Fixed(rows * columns), |p| {
                            p.conv("downsampling_layer.1", &[2, 2], before, width, 1, true);
                        });
                    }
                    p.over(Span::Fixed(rows * columns), |p| {
                        p.each("layers", 0..(*depth).min(crate::transformers::MOST_LAYERS), |p| {
                            if is_second {
                                p.tensor("grn.weight", &[1, 1, 1, 4 * width]);
                                p.tensor("grn.bias", &[1, 1, 1, 4 * width]);
                            } else if scales {
                                p.tensor("layer_scale_parameter", &[width]);
                            }
                            p.conv("dwconv", &[7, 7], width, width, width, true);
                            p.layer_norm("layernorm", width);
                            p.linear("pwconv1", width, 4 * width, true);
                            p.linear("pwconv2", 4 * width, width, true);
                        });
                    });
                });
                before = width;
            }
        });
        p.over(Span::Fixed(1), |p| p.norm("layernorm", last, Norm::Layer));
    });
    if head == Head::Image {
        one(p, "classifier", last, c.labels());
    }
    facts(c, depths.iter().sum(), last, 1)
}
