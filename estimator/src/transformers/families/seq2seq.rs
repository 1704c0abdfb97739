//! Encoder-decoders for text: T5 and BART with their kin. An encoder reads the source once; the decoder attends to itself and to the source.

use crate::transformers::blocks::{Biases, Grouped};
use crate::transformers::config::Config;
use crate::transformers::description::{Facts, Kind};
use crate::transformers::heads::Head;
use crate::transformers::parts::{Norm, Parts, Role, Span};

fn multi_head(heads: u64, head: u64) -> Grouped {
    let (biases, names) = (Biases::NONE, Grouped::NAMES);
    Grouped { hidden: heads * head, heads, kv_heads: heads, head, biases, names, norm: None, window: None }
}

/// T5, mT5, UMT5: rotary-free attention with biases by relative position, scales instead of norms.
pub fn t5(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let (hidden, width, inner) = (c.int("d_model"), c.int("d_kv"), c.int("d_ff"));
    let heads = c.int("num_heads");
    let layers = c.layers("num_layers");
    let decoder_layers = if c.has("num_decoder_layers") { c.layers("num_decoder_layers") } else { layers };
    let (vocabulary, tied) = (c.int("vocab_size"), c.flag("tie_word_embeddings"));
    let is_gated = c.text("feed_forward_proj").is_some_and(|kind| kind.starts_with("gated-"));
    let buckets = c.int_or("relative_attention_num_buckets", 32);
    let biased_everywhere = c.model_type() == "umt5";
    let a = multi_head(heads, width);
    let all = heads * width;
    let attention = |p: &mut Parts, name: &str, keys: Span| {
        p.within(name, |p| {
            p.linear("q", hidden, all, false);
            p.over(keys, |p| {
                p.linear("k", hidden, all, false);
                p.linear("v", hidden, all, false);
            });
            p.attention(a.products(keys));
            p.linear("o", all, hidden, false);
        });
    };
    let stack = |p: &mut Parts, name: &str, layers: u64, is_decoder: bool| {
        let span = if is_decoder { Span::Tokens } else { Span::Source };
        p.over(span, |p| {
            p.within(name, |p| {
                p.each("block", 0..layers, |p| {
                    p.within("layer.0", |p| {
                        attention(p, "SelfAttention", span);
                        p.norm("layer_norm", hidden, Norm::Rms);
                    });
                    if is_decoder {
                        p.within("layer.1", |p| {
                            attention(p, "EncDecAttention", Span::Source);
                            p.norm("layer_norm", hidden, Norm::Rms);
                        });
                    }
                    p.within(if is_decoder { "layer.2" } else { "layer.1" }, |p| {
                        p.within("DenseReluDense", |p| {
                            let ups: &[&str] = if is_gated { &["wi_0", "wi_1"] } else { &["wi"] };
                            ups.iter().for_each(|name| _ = p.linear(name, hidden, inner, false));
                            p.linear("wo", inner, hidden, false);
                        });
                        p.norm("layer_norm", hidden, Norm::Rms);
                    });
                });
                p.each("block", 0..if biased_everywhere { layers } else { 1 }, |p| {
                    p.embedding("layer.0.SelfAttention.relative_attention_bias", buckets, heads);
                });
                p.norm("final_layer_norm", hidden, Norm::Rms);
            });
        });
    };
    let is_encoder = matches!(head, Head::Encoder | Head::Token);
    p.within(if matches!(head, Head::Sequence | Head::Token) { "transformer" } else { "" }, |p| {
        p.input_embedding("shared", vocabulary, hidden);
        stack(p, "encoder", layers, false);
        if !is_encoder {
            stack(p, "decoder", decoder_layers, true);
        }
    });
    match head {
        Head::Conditional => p.head("lm_head", hidden, vocabulary, tied, false),
        Head::Question => _ = p.linear("qa_outputs", hidden, c.labels(), true),
        Head::Sequence => p.over(Span::Fixed(1), |p| {
            p.within("classification_head", |p| {
                p.linear("dense", hidden, hidden, true);
                p.linear("out_proj", hidden, c.labels(), true);
            });
        }),
        Head::Token => p.over(Span::Source, |p| _ = p.linear("classifier", hidden, c.labels(), true)),
        _ => {}
    }
    Facts {
        kind: if is_encoder { Kind::Encoder } else { Kind::EncoderDecoder },
        layers: if is_encoder { layers } else { decoder_layers },
        hidden_size: hidden,
        heads,
        kv_heads: heads,
        head_dim: width,
        vocabulary,
        context_length: c.maybe("n_positions"),
        tied_embeddings: (head == Head::Conditional).then_some(tied),
        ..Facts::default()
    }
}

/// What tells BART's kin apart.
struct Kin {
    /// Rows of the table of positions beyond the longest text; `None` where positions are computed and not stored.
    offset: Option<u64>,
    /// A norm behind the tables.
    norm_of_tables: bool,
    /// A norm behind the last layer.
    last_norm: bool,
    /// Whether the class with a decoder alone keeps the vocabulary's own size for it.
    separate_tables: bool,
}

/// Adds one of BART's layers under names that BART, Whisper and others share.
pub(super) fn bart_attention(p: &mut Parts, name: &str, a: &Grouped, keys: Span, key_bias: bool) {
    p.within(name, |p| {
        p.over(keys, |p| {
            p.linear("k_proj", a.hidden, a.hidden, key_bias);
            p.linear("v_proj", a.hidden, a.hidden, true);
        });
        p.linear("q_proj", a.hidden, a.hidden, true);
        p.attention(a.products(keys));
        p.linear("out_proj", a.hidden, a.hidden, true);
    });
    p.layer_norm(&format!("{name}_layer_norm"), a.hidden);
}

/// Adds an encoder's or decoder's layers.
pub(super) fn bart_layers(p: &mut Parts, layers: u64, a: &Grouped, inner: u64, source: Option<Span>, key_bias: bool) {
    p.each("layers", 0..layers, |p| {
        let own = p.span();
        bart_attention(p, "self_attn", a, own, key_bias);
        if let Some(source) = source {
            bart_attention(p, "encoder_attn", a, source, key_bias);
        }
        p.linear("fc1", a.hidden, inner, true);
        p.linear("fc2", inner, a.hidden, true);
        p.layer_norm("final_layer_norm", a.hidden);
    });
}

/// BART, mBART, Pegasus, Marian, M2M-100 and NLLB, Blenderbot.
pub fn bart(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let kin = match c.model_type() {
        "mbart" => Kin { offset: Some(2), norm_of_tables: true, last_norm: true, separate_tables: false },
        "pegasus" => Kin { offset: Some(0), norm_of_tables: false, last_norm: true, separate_tables: false },
        "marian" => Kin { offset: Some(0), norm_of_tables: false, last_norm: false, separate_tables: true },
        "m2m_100" => Kin { offset: None, norm_of_tables: false, last_norm: true, separate_tables: false },
        "blenderbot" => Kin { offset: Some(0), norm_of_tables: false, last_norm: true, separate_tables: false },
        "blenderbot-small" => Kin { offset: Some(0), norm_of_tables: true, last_norm: false, separate_tables: false },
        _ => Kin { offset: Some(2), norm_of_tables: true, last_norm: false, separate_tables: false },
    };
    let hidden = c.int("d_model");
    let (encoder_heads, decoder_heads) = (c.int("encoder_attention_heads"), c.int("decoder_attention_heads"));
    let reading = multi_head(encoder_heads, c.divided(hidden, encoder_heads));
    let writing = multi_head(decoder_heads, c.divided(hidden, decoder_heads));
    let (vocabulary, tied) = (c.int("vocab_size"), c.flag_or("tie_word_embeddings", true));
    let apart = kin.separate_tables && !c.flag_or("share_encoder_decoder_embeddings", true);
    let decoder_vocabulary = if kin.separate_tables { c.int_or("decoder_vocab_size", vocabulary) } else { vocabulary };
    let decoder_alone = head == Head::CausalLm;
    let tables = |p: &mut Parts| {
        if let Some(offset) = kin.offset {
            p.embedding("embed_positions", c.int("max_position_embeddings") + offset, hidden);
        }
        if kin.norm_of_tables {
            p.layer_norm("layernorm_embedding", hidden);
        }
    };
    let base = match head {
        Head::Base => "",
        _ => "model",
    };
    p.within(base, |p| {
        if !decoder_alone {
            if !apart {
                p.input_embedding("shared", vocabulary, hidden);
            }
            p.over(Span::Source, |p| {
                p.within("encoder", |p| {
                    if apart {
                        p.input_embedding("embed_tokens", vocabulary, hidden);
                    }
                    tables(p);
                    bart_layers(p, c.layers("encoder_layers"), &reading, c.int("encoder_ffn_dim"), None, true);
                    if kin.last_norm {
                        p.layer_norm("layer_norm", hidden);
                    }
                });
            });
        }
        p.within("decoder", |p| {
            if decoder_alone {
                p.input_embedding("embed_tokens", decoder_vocabulary, hidden);
            } else if apart {
                // As long as the encoder's: only an untied head has the decoder's own length.
                p.embedding("embed_tokens", vocabulary, hidden);
            }
            tables(p);
            let layers = c.layers("decoder_layers");
            bart_layers(p, layers, &writing, c.int("decoder_ffn_dim"), Some(Span::Source), true);
            if kin.last_norm {
                p.layer_norm("layer_norm", hidden);
            }
        });
    });
    match head {
        Head::Conditional | Head::CausalLm => p.head("lm_head", hidden, decoder_vocabulary, tied, false),
        Head::Question => _ = p.linear("qa_outputs", hidden, 2, true),
        Head::Sequence => p.over(Span::Fixed(1), |p| {
            p.within("classification_head", |p| {
                p.linear("dense", hidden, hidden, true);
                p.linear("out_proj", hidden, c.labels(), true);
            });
        }),
        _ => {}
    }
    Facts {
        kind: Kind::EncoderDecoder,
        layers: c.layers("decoder_layers"),
        hidden_size: hidden,
        heads: decoder_heads,
        kv_heads: decoder_heads,
        head_dim: writing.head,
        vocabulary: decoder_vocabulary,
        context_length: c.maybe("max_position_embeddings"),
        tied_embeddings: matches!(head, Head::Conditional | Head::CausalLm).then_some(tied),
        ..Facts::default()
    }
}

/// Adds an encoder of spectrograms as Whisper has it.
pub(super) fn sound_encoder(c: &Config<'_>, p: &mut Parts, hidden: u64, heads: u64, frames: u64) {
    let reading = multi_head(heads, c.divided(hidden, heads));
    // The second convolution halves the frames.
    p.over(Span::Fixed(2 * frames), |p| _ = p.conv("conv1", &[3], c.int("num_mel_bins"), hidden, 1, true));
    p.over(Span::Fixed(frames), |p| {
        p.conv("conv2", &[3], hidden, hidden, 1, true);
        p.embedding("embed_positions", frames, hidden);
        bart_layers(p, c.layers("encoder_layers"), &reading, c.int("encoder_ffn_dim"), None, false);
        p.layer_norm("layer_norm", hidden);
    });
}

/// Whisper: two convolutions and 30 s of sound in the encoder, text in the decoder.
pub fn whisper(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let hidden = c.int("d_model");
    let (encoder_heads, decoder_heads) = (c.int("encoder_attention_heads"), c.int("decoder_attention_heads"));
    let writing = multi_head(decoder_heads, c.divided(hidden, decoder_heads));
    let frames = c.int("max_source_positions");
    let (vocabulary, tied) = (c.int("vocab_size"), c.flag_or("tie_word_embeddings", true));
    let encoder = |p: &mut Parts| {
        let before = p.len();
        p.within("encoder", |p| sound_encoder(c, p, hidden, encoder_heads, frames));
        if head == Head::Audio {
            p.set_role(before, Role::InputEmbedding);
        }
    };
    let decoder = |p: &mut Parts| {
        p.within("decoder", |p| {
            p.input_embedding("embed_tokens", vocabulary, hidden);
            p.embedding("embed_positions", c.int("max_target_positions"), hidden);
            let source = Some(Span::Fixed(frames));
            bart_layers(p, c.layers("decoder_layers"), &writing, c.int("decoder_ffn_dim"), source, false);
            p.layer_norm("layer_norm", hidden);
        });
    };
    let generates = matches!(head, Head::Conditional | Head::CausalLm | Head::Base);
    match head {
        Head::Audio => {
            encoder(p);
            if c.flag("use_weighted_layer_sum") {
                p.tensor("layer_weights", &[c.layers("encoder_layers") + 1]);
            }
            let width = c.int("classifier_proj_size");
            p.over(Span::Fixed(frames), |p| _ = p.linear("projector", hidden, width, true));
            p.over(Span::Fixed(1), |p| _ = p.linear("classifier", width, c.labels(), true));
        }
        Head::CausalLm => p.within("model", decoder),
        Head::Base => {
            encoder(p);
            decoder(p);
        }
        _ => p.within("model", |p| {
            encoder(p);
            decoder(p);
        }),
    }
    if matches!(head, Head::Conditional | Head::CausalLm) {
        p.head("proj_out", hidden, vocabulary, tied, false);
    }
    Facts {
        kind: if generates { Kind::EncoderDecoder } else { Kind::Speech },
        layers: if generates { c.layers("decoder_layers") } else { c.layers("encoder_layers") },
        hidden_size: hidden,
        heads: decoder_heads,
        kv_heads: decoder_heads,
        head_dim: writing.head,
        vocabulary,
        context_length: c.maybe("max_target_positions"),
        tied_embeddings: matches!(head, Head::Conditional | Head::CausalLm).then_some(tied),
        input: format!("{} s of sound", 2 * frames / 100),
        ..Facts::default()
    }
}
