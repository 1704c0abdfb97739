//! Encoders of BERT's shape: a table of tokens, positions and kinds; layers with norms behind each block; a pooler; many heads.

use crate::transformers::config::Config;
use crate::transformers::description::{Facts, Kind};
use crate::transformers::heads::Head;
use crate::transformers::parts::{Attention, Norm, Parts, Span};

/// Sizes that all of BERT's kin have.
struct Sizes {
    hidden: u64,
    heads: u64,
    width: u64,
    layers: u64,
    inner: u64,
    vocabulary: u64,
    /// Width of the tables, where it differs from that of the layers.
    embedding: u64,
}

impl Sizes {
    fn of(c: &Config<'_>) -> Self {
        let (hidden, heads) = (c.int("hidden_size"), c.int("num_attention_heads"));
        Self {
            hidden,
            heads,
            width: c.divided(hidden, heads),
            layers: c.layers("num_hidden_layers"),
            inner: c.int("intermediate_size"),
            vocabulary: c.int("vocab_size"),
            embedding: hidden,
        }
    }

    fn facts(&self, c: &Config<'_>, head: Head) -> Facts {
        let has_head = matches!(head, Head::MaskedLm | Head::CausalLm | Head::PreTraining);
        Facts {
            kind: Kind::Encoder,
            layers: self.layers,
            hidden_size: self.hidden,
            heads: self.heads,
            kv_heads: self.heads,
            head_dim: self.width,
            vocabulary: self.vocabulary,
            context_length: c.maybe("max_position_embeddings"),
            tied_embeddings: has_head.then(|| c.flag_or("tie_word_embeddings", true)),
            ..Facts::default()
        }
    }

    fn products(&self, keys: Span) -> Attention {
        let (heads, key, value) = (self.heads, self.width, self.width);
        Attention { heads, key, value, keys, window: None, cache: 0 }
    }
}

/// Adds attention as BERT writes it, to keys from `keys`.
fn attention(p: &mut Parts, s: &Sizes, keys: Span, distances: Option<u64>) {
    let stream = p.span();
    p.within("self", |p| {
        p.linear("query", s.hidden, s.hidden, true);
        p.over(if keys == Span::Tokens { stream } else { keys }, |p| {
            p.linear("key", s.hidden, s.hidden, true);
            p.linear("value", s.hidden, s.hidden, true);
        });
        if let Some(rows) = distances {
            p.embedding("distance_embedding", rows, s.width);
        }
        p.attention(s.products(keys));
    });
    p.within("output", |p| _ = p.linear("dense", s.hidden, s.hidden, true));
}

/// Adds the two products of a layer's network.
fn network(p: &mut Parts, s: &Sizes) {
    p.within("intermediate", |p| _ = p.linear("dense", s.hidden, s.inner, true));
    p.within("output", |p| _ = p.linear("dense", s.inner, s.hidden, true));
}

/// Adds the tables of tokens, positions and kinds and their norm.
fn tables(c: &Config<'_>, p: &mut Parts, s: &Sizes, has_positions: bool, norm: Norm) {
    p.within("embeddings", |p| {
        p.input_embedding("word_embeddings", s.vocabulary, s.embedding);
        if has_positions {
            p.embedding("position_embeddings", c.int("max_position_embeddings"), s.embedding);
        }
        let kinds = c.count("type_vocab_size");
        if kinds > 0 {
            p.embedding("token_type_embeddings", kinds, s.embedding);
        }
        p.norm("LayerNorm", s.embedding, norm);
    });
}

fn pooler(p: &mut Parts, hidden: u64) {
    p.over(Span::Fixed(1), |p| p.within("pooler", |p| _ = p.linear("dense", hidden, hidden, true)));
}

/// Adds a score of the whole text.
fn verdict(p: &mut Parts, name: &str, hidden: u64, labels: u64) {
    p.over(Span::Fixed(1), |p| _ = p.linear(name, hidden, labels, true));
}

/// Adds the masked-language head of BERT, from `hidden` by way of `width` to the vocabulary.
fn predictions(c: &Config<'_>, p: &mut Parts, hidden: u64, width: u64, vocabulary: u64) {
    p.within("cls.predictions", |p| {
        p.tensor("bias", &[vocabulary]);
        p.within("transform", |p| {
            p.linear("dense", hidden, width, true);
            p.layer_norm("LayerNorm", width);
        });
        p.head("decoder", width, vocabulary, c.flag_or("tie_word_embeddings", true), false);
    });
}

/// Adds the masked-language head of RoBERTa.
fn lm_head(c: &Config<'_>, p: &mut Parts, hidden: u64, vocabulary: u64) {
    p.within("lm_head", |p| {
        p.tensor("bias", &[vocabulary]);
        p.linear("dense", hidden, hidden, true);
        p.layer_norm("layer_norm", hidden);
        p.head("decoder", hidden, vocabulary, c.flag_or("tie_word_embeddings", true), false);
    });
}

/// Adds the classifier of RoBERTa: one more layer before the scores.
fn deep_classifier(p: &mut Parts, hidden: u64, labels: u64) {
    p.over(Span::Fixed(1), |p| {
        p.within("classifier", |p| {
            p.linear("dense", hidden, hidden, true);
            p.linear("out_proj", hidden, labels, true);
        });
    });
}

/// Adds scores of each token or of where an answer begins and ends.
fn token_heads(c: &Config<'_>, p: &mut Parts, head: Head, hidden: u64) {
    match head {
        Head::Token => _ = p.linear("classifier", hidden, c.labels(), true),
        Head::Question => _ = p.linear("qa_outputs", hidden, c.labels(), true),
        _ => {}
    }
}

/// BERT, ERNIE, LayoutLM.
pub fn bert(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes::of(c);
    let base = c.model_type().to_owned();
    let relative = c.text("position_embedding_type").is_some_and(|kind| kind.starts_with("relative_key"));
    let distances = relative.then(|| 2 * c.int("max_position_embeddings") - 1);
    let has_cross = c.flag("add_cross_attention");
    p.within(if head == Head::Base { "" } else { &base }, |p| {
        tables(c, p, &s, true, Norm::Layer);
        p.within("embeddings", |p| {
            if c.flag("use_task_id") {
                p.embedding("task_type_embeddings", c.int("task_type_vocab_size"), s.hidden);
            }
            if base == "layoutlm" {
                for name in ["x", "y", "h", "w"] {
                    let rows = c.int_or("max_2d_position_embeddings", 1024);
                    p.embedding(&format!("{name}_position_embeddings"), rows, s.hidden);
                }
            }
        });
        p.within("encoder", |p| {
            p.each("layer", 0..s.layers, |p| {
                p.within("attention", |p| {
                    attention(p, &s, Span::Tokens, distances);
                    p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
                });
                if has_cross {
                    p.within("crossattention", |p| {
                        attention(p, &s, Span::Source, distances);
                        p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
                    });
                }
                network(p, &s);
                p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
            });
        });
        let unpooled = [Head::MaskedLm, Head::CausalLm, Head::Token, Head::Question].contains(&head);
        if !unpooled || base == "layoutlm" {
            pooler(p, s.hidden);
        }
    });
    match head {
        Head::MaskedLm | Head::CausalLm | Head::PreTraining => predictions(c, p, s.hidden, s.hidden, s.vocabulary),
        Head::Sequence => verdict(p, "classifier", s.hidden, c.labels()),
        Head::Choice => verdict(p, "classifier", s.hidden, 1),
        _ => token_heads(c, p, head, s.hidden),
    }
    if matches!(head, Head::PreTraining | Head::NextSentence) {
        verdict(p, "cls.seq_relationship", s.hidden, 2);
    }
    s.facts(c, head)
}

/// RoBERTa, XLM-R, CamemBERT, data2vec's text encoder.
pub fn roberta(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes::of(c);
    // The class `Data2VecTextModel` ends like the text half of a pair.
    let head = if head == Head::Text { Head::Base } else { head };
    let base = if c.model_type() == "data2vec-text" { "data2vec_text" } else { "roberta" };
    let relative = c.text("position_embedding_type").is_some_and(|kind| kind.starts_with("relative_key"));
    let distances = relative.then(|| 2 * c.int("max_position_embeddings") - 1);
    p.within(if head == Head::Base { "" } else { base }, |p| {
        tables(c, p, &s, true, Norm::Layer);
        p.within("encoder", |p| {
            p.each("layer", 0..s.layers, |p| {
                p.within("attention", |p| {
                    attention(p, &s, Span::Tokens, distances);
                    p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
                });
                network(p, &s);
                p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
            });
        });
        if matches!(head, Head::Base | Head::Choice) {
            pooler(p, s.hidden);
        }
    });
    roberta_heads(c, p, head, s.hidden, s.vocabulary);
    s.facts(c, head)
}

fn roberta_heads(c: &Config<'_>, p: &mut Parts, head: Head, hidden: u64, vocabulary: u64) {
    match head {
        Head::MaskedLm | Head::CausalLm => lm_head(c, p, hidden, vocabulary),
        Head::Sequence => deep_classifier(p, hidden, c.labels()),
        Head::Choice => verdict(p, "classifier", hidden, 1),
        _ => token_heads(c, p, head, hidden),
    }
}

/// Longformer: RoBERTa with attention within windows. Its projections for global tokens are counted where a text has such tokens: here it has none.
pub fn longformer(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes::of(c);
    let windows = c.each("attention_window", s.layers);
    p.within(if head == Head::Base { "" } else { "longformer" }, |p| {
        tables(c, p, &s, true, Norm::Layer);
        p.within("encoder", |p| {
            for window in distinct(&windows) {
                let numbers = (0u64..).zip(&windows).filter(|(_, own)| **own == window).map(|(layer, _)| layer);
                p.each("layer", numbers, |p| {
                    p.within("attention", |p| {
                        p.within("self", |p| {
                            for name in ["query", "key", "value"] {
                                p.linear(name, s.hidden, s.hidden, true);
                            }
                            p.over(Span::Fixed(0), |p| {
                                for name in ["query_global", "key_global", "value_global"] {
                                    p.linear(name, s.hidden, s.hidden, true);
                                }
                            });
                            p.attention(Attention { window: Some(window + 1), ..s.products(Span::Tokens) });
                        });
                        p.within("output", |p| {
                            p.linear("dense", s.hidden, s.hidden, true);
                            p.layer_norm("LayerNorm", s.hidden);
                        });
                    });
                    network(p, &s);
                    p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
                });
            }
        });
        if head == Head::Base || head == Head::Choice {
            pooler(p, s.hidden);
        }
    });
    roberta_heads(c, p, head, s.hidden, s.vocabulary);
    s.facts(c, head)
}

fn distinct(numbers: &[u64]) -> Vec<u64> {
    let mut all = numbers.to_vec();
    all.sort_unstable();
    all.dedup();
    all
}

/// BigBird: BERT whose tokens attend to blocks: the first and last ones, three near ones and some at random.
/// Tokens of the first and last block, which attend to all, are counted like the others.
pub fn big_bird(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes::of(c);
    let bias = c.flag_or("use_bias", true);
    let is_sparse = c.text("attention_type").is_none_or(|kind| kind == "block_sparse");
    // Two global blocks, three of the window, and the random ones.
    let blocks = 5 + c.count("num_random_blocks");
    let window = is_sparse.then(|| blocks.saturating_mul(c.int_or("block_size", 64)));
    p.within(if head == Head::Base { "" } else { "bert" }, |p| {
        tables(c, p, &s, true, Norm::Layer);
        p.within("encoder", |p| {
            p.each("layer", 0..s.layers, |p| {
                p.within("attention", |p| {
                    p.within("self", |p| {
                        for name in ["query", "key", "value"] {
                            p.linear(name, s.hidden, s.hidden, bias);
                        }
                        p.attention(Attention { window, ..s.products(Span::Tokens) });
                    });
                    p.within("output", |p| {
                        p.linear("dense", s.hidden, s.hidden, true);
                        p.layer_norm("LayerNorm", s.hidden);
                    });
                });
                network(p, &s);
                p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
            });
        });
        if head != Head::Question {
            p.over(Span::Fixed(1), |p| _ = p.linear("pooler", s.hidden, s.hidden, true));
        }
    });
    match head {
        Head::MaskedLm | Head::CausalLm | Head::PreTraining => predictions(c, p, s.hidden, s.hidden, s.vocabulary),
        Head::Sequence => deep_classifier(p, s.hidden, c.labels()),
        Head::Choice => verdict(p, "classifier", s.hidden, 1),
        Head::Question => p.within("qa_classifier", |p| {
            network(p, &s);
            p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
            p.linear("qa_outputs", s.hidden, c.labels(), true);
        }),
        _ => token_heads(c, p, head, s.hidden),
    }
    if head == Head::PreTraining {
        verdict(p, "cls.seq_relationship", s.hidden, 2);
    }
    s.facts(c, head)
}

/// XLM-R XL and Megatron-BERT: norms before each block, one more at the end, none behind the tables.
pub fn pre_norm(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes::of(c);
    let is_megatron = c.model_type() == "megatron-bert";
    let (base, [before, between, last]) = match is_megatron {
        true => ("bert", ["ln", "ln", "ln"]),
        false => ("roberta", ["self_attn_layer_norm", "LayerNorm", "LayerNorm"]),
    };
    p.within(if head == Head::Base { "" } else { base }, |p| {
        tables(c, p, &s, true, Norm::Plain);
        p.within("encoder", |p| {
            p.each("layer", 0..s.layers, |p| {
                p.within("attention", |p| {
                    p.layer_norm(before, s.hidden);
                    attention(p, &s, Span::Tokens, None);
                });
                p.layer_norm(between, s.hidden);
                network(p, &s);
            });
            p.layer_norm(last, s.hidden);
        });
        let pooled = match is_megatron {
            true => ![Head::MaskedLm, Head::CausalLm, Head::Token, Head::Question].contains(&head),
            false => matches!(head, Head::Base | Head::Choice),
        };
        if pooled {
            pooler(p, s.hidden);
        }
    });
    if !is_megatron {
        roberta_heads(c, p, head, s.hidden, s.vocabulary);
        return s.facts(c, head);
    }
    match head {
        Head::MaskedLm | Head::CausalLm | Head::PreTraining => predictions(c, p, s.hidden, s.hidden, s.vocabulary),
        Head::Sequence => verdict(p, "classifier", s.hidden, c.labels()),
        Head::Choice => verdict(p, "classifier", s.hidden, 1),
        _ => token_heads(c, p, head, s.hidden),
    }
    if matches!(head, Head::PreTraining | Head::NextSentence) {
        verdict(p, "cls.seq_relationship", s.hidden, 2);
    }
    s.facts(c, head)
}

/// ESM, a language model of proteins: norms before each block, rotary or learned positions.
pub fn esm(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes::of(c);
    p.within(if head == Head::Base { "" } else { "esm" }, |p| {
        p.within("embeddings", |p| {
            p.input_embedding("word_embeddings", s.vocabulary, s.hidden);
            if c.text("position_embedding_type").is_none_or(|kind| kind == "absolute") {
                p.embedding("position_embeddings", c.int("max_position_embeddings"), s.hidden);
            }
            if c.flag("emb_layer_norm_before") {
                p.layer_norm("layer_norm", s.hidden);
            }
        });
        p.within("encoder", |p| {
            p.each("layer", 0..s.layers, |p| {
                p.within("attention", |p| {
                    attention(p, &s, Span::Tokens, None);
                    p.layer_norm("LayerNorm", s.hidden);
                });
                network(p, &s);
                p.layer_norm("LayerNorm", s.hidden);
            });
            p.layer_norm("emb_layer_norm_after", s.hidden);
        });
        if matches!(head, Head::Base | Head::Choice) {
            pooler(p, s.hidden);
        }
        // It runs only for those who ask which residues touch.
        p.over(Span::Fixed(0), |p| _ = p.linear("contact_head.regression", s.layers * s.heads, 1, true));
    });
    roberta_heads(c, p, head, s.hidden, s.vocabulary);
    s.facts(c, head)
}

/// DistilBERT: no kinds, no pooler.
pub fn distilbert(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes { inner: c.int("hidden_dim"), ..sizes_without_inner(c) };
    p.within(if head == Head::Base { "" } else { "distilbert" }, |p| {
        p.within("embeddings", |p| {
            p.input_embedding("word_embeddings", s.vocabulary, s.hidden);
            p.embedding("position_embeddings", c.int("max_position_embeddings"), s.hidden);
            p.layer_norm("LayerNorm", s.hidden);
        });
        p.within("transformer", |p| {
            p.each("layer", 0..s.layers, |p| {
                p.within("attention", |p| {
                    for name in ["q_lin", "k_lin", "v_lin"] {
                        p.linear(name, s.hidden, s.hidden, true);
                    }
                    p.attention(s.products(Span::Tokens));
                    p.linear("out_lin", s.hidden, s.hidden, true);
                });
                p.layer_norm("sa_layer_norm", s.hidden);
                p.within("ffn", |p| {
                    p.linear("lin1", s.hidden, s.inner, true);
                    p.linear("lin2", s.inner, s.hidden, true);
                });
                p.layer_norm("output_layer_norm", s.hidden);
            });
        });
    });
    match head {
        Head::MaskedLm => {
            p.linear("vocab_transform", s.hidden, s.hidden, true);
            p.layer_norm("vocab_layer_norm", s.hidden);
            p.head("vocab_projector", s.hidden, s.vocabulary, c.flag_or("tie_word_embeddings", true), true);
        }
        Head::Sequence | Head::Choice => {
            verdict(p, "pre_classifier", s.hidden, s.hidden);
            verdict(p, "classifier", s.hidden, if head == Head::Choice { 1 } else { c.labels() });
        }
        _ => token_heads(c, p, head, s.hidden),
    }
    s.facts(c, head)
}

fn sizes_without_inner(c: &Config<'_>) -> Sizes {
    let (hidden, heads) = (c.int("hidden_size"), c.int("num_attention_heads"));
    Sizes {
        hidden,
        heads,
        width: c.divided(hidden, heads),
        layers: c.layers("num_hidden_layers"),
        inner: 0,
        vocabulary: c.int("vocab_size"),
        embedding: hidden,
    }
}

/// MobileBERT: narrow layers between bottlenecks, several small networks in each.
pub fn mobilebert(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes::of(c);
    let (hidden, table) = (s.hidden, c.int_or("embedding_size", s.hidden));
    let bottleneck = c.flag_or("use_bottleneck", true);
    let narrow = if bottleneck { c.int("intra_bottleneck_size") } else { hidden };
    let value_in = if c.flag("use_bottleneck_attention") { narrow } else { hidden };
    let networks = c.int_or("num_feedforward_networks", 4);
    let width = c.divided(narrow, s.heads);
    p.within(if head == Head::Base { "" } else { "mobilebert" }, |p| {
        p.within("embeddings", |p| {
            p.input_embedding("word_embeddings", s.vocabulary, table);
            p.embedding("position_embeddings", c.int("max_position_embeddings"), hidden);
            p.embedding("token_type_embeddings", c.int("type_vocab_size"), hidden);
            let wide = if c.flag_or("trigram_input", true) { 3 * table } else { table };
            p.linear("embedding_transformation", wide, hidden, true);
            p.layer_norm("LayerNorm", hidden);
        });
        p.within("encoder", |p| {
            p.each("layer", 0..s.layers, |p| {
                p.within("attention", |p| {
                    p.within("self", |p| {
                        p.linear("query", narrow, narrow, true);
                        p.linear("key", narrow, narrow, true);
                        p.linear("value", value_in, narrow, true);
                        p.attention(Attention { key: width, value: width, ..s.products(Span::Tokens) });
                    });
                    p.within("output", |p| {
                        p.linear("dense", narrow, narrow, true);
                        p.layer_norm("LayerNorm", narrow);
                    });
                });
                let network = |p: &mut Parts| {
                    p.within("intermediate", |p| _ = p.linear("dense", narrow, s.inner, true));
                    p.within("output", |p| {
                        p.linear("dense", s.inner, narrow, true);
                        p.layer_norm("LayerNorm", narrow);
                    });
                };
                network(p);
                let squeeze = |p: &mut Parts, name: &str, from: u64, to: u64| {
                    p.within(name, |p| {
                        p.linear("dense", from, to, true);
                        p.layer_norm("LayerNorm", to);
                    });
                };
                if bottleneck {
                    squeeze(p, "output.bottleneck", narrow, hidden);
                    squeeze(p, "bottleneck.input", hidden, narrow);
                    if c.flag_or("key_query_shared_bottleneck", true) {
                        // It is there, but does not run, where queries and keys take the same way as values.
                        let span = if value_in == narrow { Span::Fixed(0) } else { p.span() };
                        p.over(span, |p| squeeze(p, "bottleneck.attention", hidden, narrow));
                    }
                }
                p.each("ffn", 0..networks.min(crate::transformers::MOST_LAYERS) - 1, network);
            });
        });
        let unpooled = [Head::MaskedLm, Head::Token, Head::Question].contains(&head);
        if !unpooled && c.flag_or("classifier_activation", true) {
            pooler(p, hidden);
        }
    });
    match head {
        Head::MaskedLm | Head::PreTraining => {
            p.within("cls.predictions", |p| {
                p.tensor("bias", &[s.vocabulary]);
                p.within("transform", |p| {
                    p.linear("dense", hidden, hidden, true);
                    p.layer_norm("LayerNorm", hidden);
                });
                if hidden > table {
                    // Stored the other way round: it is appended to the table.
                    p.within("dense", |p| {
                        let rest = hidden - table;
                        p.multiplied("weight", &[rest, s.vocabulary], &[rest, s.vocabulary]);
                    });
                }
                p.head("decoder", table, s.vocabulary, c.flag_or("tie_word_embeddings", true), false);
            });
        }
        Head::Sequence => verdict(p, "classifier", hidden, c.labels()),
        Head::Choice => verdict(p, "classifier", hidden, 1),
        _ => token_heads(c, p, head, hidden),
    }
    match head {
        Head::PreTraining => verdict(p, "cls.seq_relationship", hidden, 2),
        Head::NextSentence => verdict(p, "cls.seq_relationship", hidden, 2),
        _ => {}
    }
    Facts { head_dim: width, ..s.facts(c, head) }
}

/// ALBERT: layers share the weights of their group, tables are narrower.
pub fn albert(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let table = c.int("embedding_size");
    let s = Sizes { embedding: table, ..Sizes::of(c) };
    let groups = c.int_or("num_hidden_groups", 1).min(s.layers);
    let inner = c.int_or("inner_group_num", 1).min(crate::transformers::MOST_LAYERS);
    p.within(if head == Head::Base { "" } else { "albert" }, |p| {
        tables(c, p, &s, true, Norm::Layer);
        p.within("encoder", |p| {
            p.linear("embedding_hidden_mapping_in", table, s.hidden, true);
            p.repeated(s.layers / groups.max(1), |p| {
                p.each("albert_layer_groups", 0..groups, |p| {
                    p.each("albert_layers", 0..inner, |p| {
                        p.layer_norm("full_layer_layer_norm", s.hidden);
                        p.within("attention", |p| {
                            for name in ["query", "key", "value"] {
                                p.linear(name, s.hidden, s.hidden, true);
                            }
                            p.attention(s.products(Span::Tokens));
                            p.linear("dense", s.hidden, s.hidden, true);
                            p.layer_norm("LayerNorm", s.hidden);
                        });
                        p.linear("ffn", s.hidden, s.inner, true);
                        p.linear("ffn_output", s.inner, s.hidden, true);
                    });
                });
            });
        });
        if ![Head::MaskedLm, Head::Token, Head::Question].contains(&head) {
            verdict(p, "pooler", s.hidden, s.hidden);
        }
    });
    match head {
        Head::MaskedLm | Head::PreTraining => {
            p.within("predictions", |p| {
                p.tensor("bias", &[s.vocabulary]);
                p.layer_norm("LayerNorm", table);
                p.linear("dense", s.hidden, table, true);
                p.head("decoder", table, s.vocabulary, c.flag_or("tie_word_embeddings", true), false);
            });
            if head == Head::PreTraining {
                verdict(p, "sop_classifier.classifier", s.hidden, c.labels());
            }
        }
        Head::Sequence => verdict(p, "classifier", s.hidden, c.labels()),
        Head::Choice => verdict(p, "classifier", s.hidden, 1),
        _ => token_heads(c, p, head, s.hidden),
    }
    s.facts(c, head)
}

/// DeBERTa 1 to 3: attention also to relative positions.
pub fn deberta(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let is_first = c.model_type() == "deberta";
    let s = Sizes { embedding: c.int_or("embedding_size", c.int("hidden_size")), ..Sizes::of(c) };
    let relative = c.flag("relative_attention");
    // A list, or one text with bars between its items.
    let mut kinds = c.texts("pos_att_type");
    if let Some(text) = c.text("pos_att_type") {
        kinds = text.to_lowercase().split('|').map(|kind| kind.trim().to_owned()).collect();
    }
    let (c2p, p2c) = (kinds.iter().any(|kind| kind == "c2p"), kinds.iter().any(|kind| kind == "p2c"));
    let most = c.real("max_relative_positions").filter(|most| *most >= 1.0);
    let most = if most.is_some() { c.int("max_relative_positions") } else { c.int("max_position_embeddings") };
    let buckets = c.real("position_buckets").filter(|buckets| *buckets > 0.0);
    let reach = if !is_first && buckets.is_some() { c.int("position_buckets") } else { most };
    let shares = !is_first && c.flag("share_att_key");
    p.within(if head == Head::Base { "" } else { "deberta" }, |p| {
        tables(
            c,
            p,
            &Sizes { embedding: s.embedding, ..Sizes::of(c) },
            c.flag_or("position_biased_input", true),
            Norm::Plain,
        );
        p.within("embeddings", |p| {
            if s.embedding != s.hidden {
                p.linear("embed_proj", s.embedding, s.hidden, false);
            }
            p.layer_norm("LayerNorm", s.hidden);
        });
        p.within("encoder", |p| {
            p.each("layer", 0..s.layers, |p| {
                p.within("attention", |p| {
                    p.within("self", |p| {
                        if is_first {
                            p.linear("in_proj", s.hidden, 3 * s.hidden, false);
                            p.tensor("q_bias", &[s.hidden]);
                            p.tensor("v_bias", &[s.hidden]);
                            if c.flag("talking_head") {
                                p.linear("head_logits_proj", s.heads, s.heads, false);
                                p.linear("head_weights_proj", s.heads, s.heads, false);
                            }
                        } else {
                            for name in ["query_proj", "key_proj", "value_proj"] {
                                p.linear(name, s.hidden, s.hidden, true);
                            }
                        }
                        p.attention(s.products(Span::Tokens));
                        if relative {
                            let positions = Span::Fixed(2 * reach);
                            let (to_key, to_query) =
                                if is_first { ("pos_proj", "pos_q_proj") } else { ("pos_key_proj", "pos_query_proj") };
                            for (name, used, bias) in [(to_key, c2p, !is_first), (to_query, p2c, true)] {
                                if used && shares {
                                    let shared = if name == to_key { "key_proj" } else { "query_proj" };
                                    p.over(positions, |p| {
                                        let part = p.linear(shared, s.hidden, s.hidden, true);
                                        part.weights.iter_mut().for_each(|weight| weight.is_shared = true);
                                    });
                                } else if used {
                                    p.over(positions, |p| _ = p.linear(name, s.hidden, s.hidden, bias));
                                }
                                if used {
                                    p.attention(Attention { value: 0, ..s.products(positions) });
                                }
                            }
                        }
                    });
                    p.within("output", |p| {
                        p.linear("dense", s.hidden, s.hidden, true);
                        p.layer_norm("LayerNorm", s.hidden);
                    });
                });
                network(p, &s);
                p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
            });
            if relative {
                p.embedding("rel_embeddings", 2 * reach, s.hidden);
            }
            if !is_first {
                if c.text("norm_rel_ebd").is_some_and(|norm| norm.to_lowercase().contains("layer_norm")) {
                    p.layer_norm("LayerNorm", s.hidden);
                }
                if let Some(kernel) = c.maybe("conv_kernel_size") {
                    p.within("conv", |p| {
                        p.conv("conv", &[kernel], s.hidden, s.hidden, c.int_or("conv_groups", 1), true);
                        p.layer_norm("LayerNorm", s.hidden);
                    });
                }
            }
        });
    });
    let pooled = |p: &mut Parts, labels: u64| {
        let width = c.int_or("pooler_hidden_size", s.hidden);
        pooler(p, width);
        verdict(p, "classifier", width, labels);
    };
    match head {
        Head::MaskedLm => predictions(c, p, s.hidden, s.embedding, s.vocabulary),
        Head::Sequence => pooled(p, c.labels()),
        Head::Choice => pooled(p, 1),
        Head::Question => _ = p.linear("qa_outputs", s.hidden, if is_first { 2 } else { c.labels() }, true),
        _ => token_heads(c, p, head, s.hidden),
    }
    s.facts(c, head)
}

/// ELECTRA: narrower tables, no pooler.
pub fn electra(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes { embedding: c.int("embedding_size"), ..Sizes::of(c) };
    p.within(if head == Head::Base { "" } else { "electra" }, |p| {
        tables(c, p, &s, true, Norm::Layer);
        if s.embedding != s.hidden {
            p.linear("embeddings_project", s.embedding, s.hidden, true);
        }
        p.within("encoder", |p| {
            p.each("layer", 0..s.layers, |p| {
                p.within("attention", |p| {
                    attention(p, &s, Span::Tokens, None);
                    p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
                });
                network(p, &s);
                p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
            });
        });
    });
    match head {
        Head::PreTraining => p.within("discriminator_predictions", |p| {
            p.linear("dense", s.hidden, s.hidden, true);
            p.linear("dense_prediction", s.hidden, 1, true);
        }),
        Head::MaskedLm | Head::CausalLm => {
            p.within("generator_predictions", |p| {
                p.layer_norm("LayerNorm", s.embedding);
                p.linear("dense", s.hidden, s.embedding, true);
            });
            p.head("generator_lm_head", s.embedding, s.vocabulary, c.flag_or("tie_word_embeddings", true), true);
        }
        Head::Sequence => deep_classifier(p, s.hidden, c.labels()),
        Head::Choice => {
            verdict(p, "sequence_summary.summary", s.hidden, s.hidden);
            verdict(p, "classifier", s.hidden, 1);
        }
        _ => token_heads(c, p, head, s.hidden),
    }
    s.facts(c, head)
}

/// MPNet: biases by relative position, one table for all layers.
pub fn mpnet(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes::of(c);
    p.within(if head == Head::Base { "" } else { "mpnet" }, |p| {
        p.within("embeddings", |p| {
            p.input_embedding("word_embeddings", s.vocabulary, s.hidden);
            p.embedding("position_embeddings", c.int("max_position_embeddings"), s.hidden);
            p.layer_norm("LayerNorm", s.hidden);
        });
        p.within("encoder", |p| {
            p.each("layer", 0..s.layers, |p| {
                p.within("attention", |p| {
                    p.within("attn", |p| {
                        for name in ["q", "k", "v"] {
                            p.linear(name, s.hidden, s.hidden, true);
                        }
                        p.attention(s.products(Span::Tokens));
                        p.linear("o", s.hidden, s.hidden, true);
                    });
                    p.layer_norm("LayerNorm", s.hidden);
                });
                network(p, &s);
                p.within("output", |p| p.layer_norm("LayerNorm", s.hidden));
            });
            p.embedding("relative_attention_bias", c.int_or("relative_attention_num_buckets", 32), s.heads);
        });
        if matches!(head, Head::Base | Head::Choice) {
            pooler(p, s.hidden);
        }
    });
    roberta_heads(c, p, head, s.hidden, s.vocabulary);
    s.facts(c, head)
}

/// ModernBERT: rotary positions, gated networks, windows in two of three layers.
pub fn modernbert(c: &Config<'_>, p: &mut Parts, head: Head) -> Facts {
    let s = Sizes::of(c);
    let norm = if c.flag("norm_bias") { Norm::Layer } else { Norm::LayerWithoutBias };
    let (attention_bias, mlp_bias) = (c.flag("attention_bias"), c.flag("mlp_bias"));
    let every = c.int_or("global_attn_every_n_layers", 3);
    // Half of it to each side, and the token itself.
    let window = c.int_or("local_attention", 128) / 2 * 2 + 1;
    let (global, local): (Vec<u64>, Vec<u64>) = (0..s.layers).partition(|layer| layer % every == 0);
    p.within(if head == Head::Base { "" } else { "model" }, |p| {
        p.within("embeddings", |p| {
            p.input_embedding("tok_embeddings", s.vocabulary, s.hidden);
            p.norm("norm", s.hidden, norm);
        });
        p.each("layers", 1..s.layers, |p| p.norm("attn_norm", s.hidden, norm));
        for (numbers, window) in [(global, None), (local, Some(window))] {
            p.each("layers", numbers, |p| {
                p.within("attn", |p| {
                    p.linear("Wqkv", s.hidden, 3 * s.hidden, attention_bias);
                    p.attention(Attention { window, ..s.products(Span::Tokens) });
                    p.linear("Wo", s.hidden, s.hidden, attention_bias);
                });
                p.norm("mlp_norm", s.hidden, norm);
                p.within("mlp", |p| {
                    p.linear("Wi", s.hidden, 2 * s.inner, mlp_bias);
                    p.linear("Wo", s.inner, s.hidden, mlp_bias);
                });
            });
        }
        p.norm("final_norm", s.hidden, norm);
    });
    if head != Head::Base {
        let one = matches!(head, Head::Sequence | Head::Choice);
        p.over(if one { Span::Fixed(1) } else { Span::Tokens }, |p| {
            p.within("head", |p| {
                p.linear("dense", s.hidden, s.hidden, c.flag("classifier_bias"));
                p.norm("norm", s.hidden, norm);
            });
        });
    }
    match head {
        Head::MaskedLm => {
            let (tied, bias) = (c.flag_or("tie_word_embeddings", true), c.flag_or("decoder_bias", true));
            p.head("decoder", s.hidden, s.vocabulary, tied, bias);
        }
        Head::Sequence => verdict(p, "classifier", s.hidden, c.labels()),
        Head::Choice => verdict(p, "classifier", s.hidden, 1),
        Head::Question => _ = p.linear("classifier", s.hidden, c.labels(), true),
        _ => token_heads(c, p, head, s.hidden),
    }
    s.facts(c, head)
}
