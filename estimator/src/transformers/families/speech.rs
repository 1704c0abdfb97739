//! Encoders of raw sound: wav2vec 2.0, HuBERT, WavLM, data2vec; and the spectrogram transformer.

use crate::transformers::config::Config;
use crate::transformers::description::{Facts, Kind};
use crate::transformers::heads::Head;
use crate::transformers::parts::{Attention, Parts, Role, Span};

/// Sound that a pass hears when nothing else is said: 10 s at the 16 kHz that these networks were trained on.
const SAMPLES: u64 = 160_000;

/// wav2vec 2.0, HuBERT, WavLM, UniSpeech-SAT, data2vec's sound encoder.
pub fn wav2vec2(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let kind = c.model_type().to_owned();
    let base = match kind.as_str() {
        "unispeech-sat" => "unispeech_sat",
        "data2vec-audio" => "data2vec_audio",
        other => other,
    };
    let (hidden, inner, heads) = (c.int("hidden_size"), c.int("intermediate_size"), c.int("num_attention_heads"));
    let width = c.divided(hidden, heads);
    let layers = c.layers("num_hidden_layers");
    let channels = c.list("conv_dim");
    let (kernels, strides) = (c.list("conv_kernel"), c.list("conv_stride"));
    if channels.is_empty() || channels.len() != kernels.len() || channels.len() != strides.len() {
        c.contradiction("“conv_dim”, “conv_kernel” and “conv_stride” differ in length".to_owned());
    }
    let features = channels.last().copied().unwrap_or(1);
    let every_norm = c.text("feat_extract_norm").is_some_and(|norm| norm == "layer") || kind == "data2vec-audio";
    let bias = c.flag("conv_bias");
    let mut frames = SAMPLES;
    let masks = c.real("mask_time_prob").is_none_or(|share| share > 0.0)
        || c.real("mask_feature_prob").is_some_and(|share| share > 0.0);
    let (groups, reach) = (c.int("num_conv_pos_embedding_groups"), c.int("num_conv_pos_embeddings"));
    let out = if c.flag("add_adapter") { c.int_or("output_hidden_size", hidden) } else { hidden };
    p.within(if head == Head::Base { "" } else { base }, |p| {
        if masks {
            p.tensor("masked_spec_embed", &[hidden]);
        }
        p.within("feature_extractor", |p| {
            let mut before = 1;
            for (place, (channels, (kernel, stride))) in (0u64..).zip(channels.iter().zip(kernels.iter().zip(&strides)))
            {
                frames = frames.saturating_sub(*kernel) / (*stride).max(1) + 1;
                p.over(Span::Fixed(frames), |p| {
                    p.each("conv_layers", [place], |p| {
                        p.conv("conv", &[*kernel], before, *channels, 1, bias);
                        if every_norm || place == 0 {
                            p.layer_norm("layer_norm", *channels);
                        }
                    });
                });
                before = *channels;
            }
        });
        let all = Span::Fixed(frames);
        p.over(all, |p| {
            p.within("feature_projection", |p| {
                if c.flag_or("feat_proj_layer_norm", true) {
                    p.layer_norm("layer_norm", features);
                }
                p.linear("projection", features, hidden, true);
            });
            p.within("encoder", |p| {
                if kind == "data2vec-audio" {
                    let kernel = c.int("conv_pos_kernel_size");
                    p.each("pos_conv_embed.layers", 0..c.layers("num_conv_pos_embeddings"), |p| {
                        p.conv("conv", &[kernel], hidden, hidden, groups, true);
                    });
                } else if c.flag("conv_pos_batch_norm") {
                    p.conv("pos_conv_embed.conv", &[reach], hidden, hidden, groups, true);
                    p.layer_norm("pos_conv_embed.batch_norm", hidden);
                } else {
                    p.within("pos_conv_embed.conv", |p| {
                        // The weight is stored as its length and its direction.
                        let narrow = c.divided(hidden, groups);
                        p.tensor("parametrizations.weight.original0", &[1, 1, reach]);
                        let shape = [hidden, narrow, reach];
                        p.multiplied("parametrizations.weight.original1", &shape, &shape);
                        p.tensor("bias", &[hidden]);
                    });
                }
                p.layer_norm("layer_norm", hidden);
                p.each("layers", 0..layers, |p| {
                    p.within("attention", |p| {
                        if kind == "wavlm" {
                            p.tensor("gru_rel_pos_const", &[1, heads, 1, 1]);
                            // Once for every head.
                            let gate = p.linear("gru_rel_pos_linear", width, 8, true);
                            gate.work = crate::transformers::Work::Product(heads * width * 8);
                        }
                        for name in ["k_proj", "v_proj", "q_proj"] {
                            p.linear(name, hidden, hidden, true);
                        }
                        p.attention(Attention { heads, key: width, value: width, keys: all, window: None, cache: 0 });
                        p.linear("out_proj", hidden, hidden, true);
                    });
                    p.layer_norm("layer_norm", hidden);
                    p.within("feed_forward", |p| {
                        p.linear("intermediate_dense", hidden, inner, true);
                        p.linear("output_dense", inner, hidden, true);
                    });
                    p.layer_norm("final_layer_norm", hidden);
                });
                if kind == "wavlm" {
                    p.each("layers", [0], |p| {
                        p.embedding("attention.rel_attn_embed", c.int_or("num_buckets", 320), heads);
                    });
                }
            });
        });
        if c.flag("add_adapter") {
            p.within("adapter", |p| {
                if out != hidden {
                    p.over(all, |p| {
                        p.linear("proj", hidden, out, true);
                        p.layer_norm("proj_layer_norm", out);
                    });
                }
                let (kernel, stride) = (c.int_or("adapter_kernel_size", 3), c.int_or("adapter_stride", 2));
                for layer in 0..c.layers_or_none("num_adapter_layers") {
                    frames = (frames + 2).saturating_sub(kernel) / stride.max(1) + 1;
                    p.over(Span::Fixed(frames), |p| {
                        p.each("layers", [layer], |p| _ = p.conv("conv", &[kernel], out, 2 * out, 1, true));
                    });
                }
            });
        }
    });
    let all = Span::Fixed(frames);
    if c.flag("use_weighted_layer_sum") && matches!(head, Head::Sequence | Head::Frame | Head::XVector) {
        p.tensor("layer_weights", &[layers + 1]);
    }
    match head {
        Head::Ctc => p.over(all, |p| p.head("lm_head", out, c.int("vocab_size"), false, true)),
        Head::Sequence => {
            let narrow = c.int("classifier_proj_size");
            p.over(all, |p| _ = p.linear("projector", hidden, narrow, true));
            p.over(Span::Fixed(1), |p| _ = p.linear("classifier", narrow, c.labels(), true));
        }
        Head::Frame => p.over(all, |p| _ = p.linear("classifier", hidden, c.labels(), true)),
        Head::XVector => {
            let (widths, spans, gaps) = (c.list("tdnn_dim"), c.list("tdnn_kernel"), c.list("tdnn_dilation"));
            let mut before = widths.first().copied().unwrap_or(1);
            p.over(all, |p| _ = p.linear("projector", hidden, before, true));
            let mut left = frames;
            for (place, (to, kernel)) in (0u64..).zip(widths.iter().zip(&spans)) {
                let gap = gaps.get(place as usize).copied().unwrap_or(1);
                left = left.saturating_sub(gap * kernel.saturating_sub(1));
                p.over(Span::Fixed(left), |p| {
                    p.each("tdnn", [place], |p| _ = p.linear("kernel", before * kernel, *to, true));
                });
                before = *to;
            }
            let vector = c.int("xvector_output_dim");
            p.over(Span::Fixed(1), |p| {
                p.linear("feature_extractor", 2 * before, vector, true);
                p.linear("classifier", vector, vector, true);
                p.multiplied("objective.weight", &[vector, c.labels()], &[vector, c.labels()]);
            });
        }
        Head::PreTraining => {
            let (groups, entries) = (c.int("num_codevector_groups"), c.int("num_codevectors_per_group"));
            let (code, to) = (c.int("codevector_dim"), c.int("proj_codevector_dim"));
            p.over(all, |p| {
                p.within("quantizer", |p| {
                    p.tensor("codevectors", &[1, groups * entries, c.divided(code, groups)]);
                    p.linear(
                        "weight_proj",
                        if kind == "unispeech-sat" { hidden } else { features },
                        groups * entries,
                        true,
                    );
                });
                p.linear("project_hid", hidden, to, true);
                p.linear("project_q", code, to, true);
                if kind == "unispeech-sat" {
                    p.linear("speaker_proj", hidden, code, true);
                    p.tensor("label_embeddings_concat", &[c.int("num_clusters"), code]);
                    p.layer_norm("layer_norm_for_extract", hidden);
                }
            });
        }
        _ => {}
    }
    Facts {
        kind: Kind::Speech,
        layers,
        hidden_size: hidden,
        heads,
        kv_heads: heads,
        head_dim: width,
        vocabulary: c.count("vocab_size"),
        input: "10 s of sound at 16 kHz".to_owned(),
        ..Facts::default()
    }
}

/// The audio spectrogram transformer: a ViT over overlapping patches of a spectrogram.
pub fn spectrogram(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, inner, heads) = (c.int("hidden_size"), c.int("intermediate_size"), c.int("num_attention_heads"));
    let width = c.divided(hidden, heads);
    let layers = c.layers("num_hidden_layers");
    let patch = c.int("patch_size");
    let (bins, length) = (c.int("num_mel_bins"), c.int("max_length"));
    let across = |size: u64, stride: u64| size.saturating_sub(patch) / stride.max(1) + 1;
    let places = across(bins, c.int("frequency_stride")) * across(length, c.int("time_stride"));
    let all = Span::Fixed(places + 2);
    let bias = c.flag_or("qkv_bias", true);
    let base = if head == Head::Base { "" } else { "audio_spectrogram_transformer" };
    p.within(base, |p| {
        p.within("embeddings", |p| {
            p.tensor("cls_token", &[1, 1, hidden]);
            p.tensor("distillation_token", &[1, 1, hidden]);
            p.tensor("position_embeddings", &[1, places + 2, hidden]);
            p.over(Span::Fixed(places), |p| {
                let conv = p.conv("patch_embeddings.projection", &[patch, patch], 1, hidden, 1, true);
                conv.role = Role::InputEmbedding;
            });
        });
        p.over(all, |p| {
            p.within("encoder", |p| {
                p.each("layer", 0..layers, |p| {
                    p.within("attention.attention", |p| {
                        for name in ["query", "key", "value"] {
                            p.linear(name, hidden, hidden, bias);
                        }
                        p.attention(Attention { heads, key: width, value: width, keys: all, window: None, cache: 0 });
                    });
                    p.linear("attention.output.dense", hidden, hidden, true);
                    p.linear("intermediate.dense", hidden, inner, true);
                    p.linear("output.dense", inner, hidden, true);
                    p.layer_norm("layernorm_before", hidden);
                    p.layer_norm("layernorm_after", hidden);
                });
            });
            p.layer_norm("layernorm", hidden);
        });
    });
    if head == Head::Audio {
        p.over(Span::Fixed(1), |p| {
            p.within("classifier", |p| {
                p.layer_norm("layernorm", hidden);
                p.linear("dense", hidden, c.labels(), true);
            });
        });
    }
    Facts {
        kind: Kind::Speech,
        layers,
        hidden_size: hidden,
        heads,
        kv_heads: heads,
        head_dim: width,
        input: format!("a spectrogram of {length} frames"),
        ..Facts::default()
    }
}
