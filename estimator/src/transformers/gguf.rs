//! The metadata of a GGUF file, put into the words of the class that the architecture has in `transformers`.

use serde_json::{Map, Value};

/// Architectures of GGUF with the model type and the class that they are.
const ARCHITECTURES: &[(&str, &str)] = &[
    ("llama", "llama"),
    ("mistral3", "mistral"),
    ("llama4", "llama4_text"),
    ("qwen", "qwen"),
    ("qwen2", "qwen2"),
    ("qwen2vl", "qwen2"),
    ("qwen2moe", "qwen2_moe"),
    ("qwen3", "qwen3"),
    ("qwen3vl", "qwen3"),
    ("qwen3moe", "qwen3_moe"),
    ("qwen3vlmoe", "qwen3_moe"),
    ("gemma", "gemma"),
    ("gemma2", "gemma2"),
    ("gemma3", "gemma3_text"),
    ("phi2", "phi"),
    ("phi3", "phi3"),
    ("phimoe", "phimoe"),
    ("falcon", "falcon"),
    ("falcon-h1", "falcon_h1"),
    ("gpt2", "gpt2"),
    ("gptj", "gptj"),
    ("gptneox", "gpt_neox"),
    ("mpt", "mpt"),
    ("starcoder", "gpt_bigcode"),
    ("starcoder2", "starcoder2"),
    ("bloom", "bloom"),
    ("bert", "bert"),
    ("t5", "t5"),
    ("t5encoder", "t5"),
    ("command-r", "cohere"),
    ("cohere2", "cohere2"),
    ("dbrx", "dbrx"),
    ("deepseek2", "deepseek_v2"),
    ("granite", "granite"),
    ("granitemoe", "granitemoe"),
    ("granitehybrid", "granitemoehybrid"),
    ("olmo", "olmo"),
    ("olmo2", "olmo2"),
    ("olmoe", "olmoe"),
    ("stablelm", "stablelm"),
    ("mamba", "mamba"),
    ("mamba2", "mamba2"),
    ("jamba", "jamba"),
    ("gpt-oss", "gpt_oss"),
    ("chatglm", "chatglm"),
    ("glm4", "glm4"),
    ("glm4moe", "glm4_moe"),
    ("smollm3", "smollm3"),
    ("nemotron", "nemotron"),
    ("exaone4", "exaone4"),
    ("persimmon", "persimmon"),
    ("internlm2", "internlm2"),
    ("baichuan", "baichuan"),
    ("bitnet", "bitnet"),
    ("seed_oss", "seed_oss"),
    ("hunyuan-dense", "hunyuan_v1_dense"),
    ("ernie4_5", "ernie4_5"),
    ("arcee", "arcee"),
    ("apertus", "apertus"),
    ("lfm2", "lfm2"),
    ("lfm2moe", "lfm2_moe"),
    ("nemotron_h", "nemotron_h"),
    ("dots1", "dots1"),
    ("minimax-m2", "minimax_m2"),
    ("hunyuan-moe", "hunyuan_v1_moe"),
];

/// Fields under `<architecture>.` with their common names.
const FIELDS: &[(&str, &str)] = &[
    ("block_count", "num_hidden_layers"),
    ("embedding_length", "hidden_size"),
    ("context_length", "max_position_embeddings"),
    ("vocab_size", "vocab_size"),
    ("feed_forward_length", "intermediate_size"),
    ("attention.head_count", "num_attention_heads"),
    ("attention.head_count_kv", "num_key_value_heads"),
    ("attention.key_length", "head_dim"),
    ("attention.sliding_window", "sliding_window"),
    ("attention.q_lora_rank", "q_lora_rank"),
    ("attention.kv_lora_rank", "kv_lora_rank"),
    ("rope.dimension_count", "qk_rope_head_dim"),
    ("attention.value_length", "v_head_dim"),
    ("expert_used_count", "num_experts_per_tok"),
    ("expert_feed_forward_length", "moe_intermediate_size"),
    ("expert_shared_feed_forward_length", "shared_expert_intermediate_size"),
    ("expert_shared_count", "n_shared_experts"),
    ("leading_dense_block_count", "first_k_dense_replace"),
    ("interleave_moe_layer_step", "interleave_moe_layer_step"),
    ("decoder_block_count", "num_decoder_layers"),
    ("attention.relative_buckets_count", "relative_attention_num_buckets"),
];

/// The model type and the configuration that the metadata amounts to; `None` where it names no architecture that is known.
///
/// `has_head` says whether the file holds an output head of its own; where that is not known, the family's habit counts.
pub(super) fn config(
    metadata: &Map<String, Value>,
    has_head: Option<bool>,
) -> Result<Map<String, Value>, Option<String>> {
    let name = metadata.get("general.architecture").and_then(Value::as_str).ok_or(None)?;
    let at = |field: &str| metadata.get(&format!("{name}.{field}")).filter(|value| !value.is_null());
    let number = |field: &str| at(field).and_then(Value::as_u64);
    let known = ARCHITECTURES.iter().find(|(own, _)| *own == name);
    let mut model_type = known.map(|(_, model_type)| *model_type).ok_or_else(|| Some(name.to_owned()))?;
    let mut config = Map::new();
    let mut put = |field: &str, value: Value| _ = config.insert(field.to_owned(), value);
    for (own, common) in FIELDS {
        if let Some(value) = at(own) {
            // Some write one number for each layer; where all are the same it is one number.
            let value = match value.as_array().map(Vec::as_slice) {
                Some([first, rest @ ..]) if rest.iter().all(|other| other == first) => first.clone(),
                _ => value.clone(),
            };
            put(common, value);
        }
    }
    if at("vocab_size").is_none() {
        let tokens = metadata.get("tokenizer.ggml.tokens");
        let length = tokens.and_then(|tokens| match tokens {
            Value::Array(tokens) => Some(tokens.len() as u64),
            other => other.get("length").and_then(Value::as_u64),
        });
        if let Some(length) = length {
            put("vocab_size", length.into());
        }
    }
    let experts = number("expert_count").filter(|count| *count > 0);
    if let Some(count) = experts {
        for name in ["num_experts", "num_local_experts", "n_routed_experts"] {
            put(name, count.into());
        }
        if model_type == "llama" {
            model_type = "mixtral";
        }
    }
    // Hybrids say layer by layer how many keys there are: none where something else mixes the tokens.
    let counts = |field: &str| -> Vec<u64> {
        let items = at(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        items.iter().map(|item| item.as_u64().unwrap_or(0)).collect()
    };
    let kept = counts("attention.head_count_kv");
    if kept.contains(&0) && kept.iter().any(|count| *count > 0) {
        put("num_key_value_heads", kept.iter().copied().max().unwrap_or(1).into());
        let [attentive, other] = match model_type {
            "lfm2" | "lfm2_moe" => ["full_attention", "conv"],
            _ => ["attention", "mamba"],
        };
        put("layer_types", kept.iter().map(|count| if *count > 0 { attentive } else { other }).collect());
    }
    if let Some(most @ 1..) = counts("attention.head_count").into_iter().max() {
        put("num_attention_heads", most.into());
    }
    let heads = number("attention.head_count");
    let kv_heads = number("attention.head_count_kv");
    match model_type {
        "falcon" => {
            put("new_decoder_architecture", (kv_heads.is_some_and(|count| count > 1) && kv_heads != heads).into());
            put("multi_query", (kv_heads == Some(1)).into());
            if let Some(count) = kv_heads {
                put("num_kv_heads", count.into());
            }
        }
        "gpt_bigcode" => put("multi_query", (kv_heads == Some(1)).into()),
        "chatglm" => {
            put("multi_query_attention", true.into());
            put("multi_query_group_num", kv_heads.unwrap_or(1).into());
            put("ffn_hidden_size", at("feed_forward_length").cloned().unwrap_or(Value::Null));
        }
        "deepseek_v2" => {
            // Newer files give the lengths of the latent form, and those of the plain one beside it.
            let key = number("attention.key_length_mla").or(number("attention.key_length"));
            let rope = number("rope.dimension_count").unwrap_or(64);
            if let Some(key) = key {
                put("qk_nope_head_dim", key.saturating_sub(rope).into());
            }
            if let Some(value) = number("attention.value_length_mla").or(number("attention.value_length")) {
                put("v_head_dim", value.into());
            }
            if at("attention.q_lora_rank").is_none() {
                put("q_lora_rank", Value::Null);
            }
            put("head_dim", Value::Null);
        }
        "t5" => {
            put("d_ff", at("feed_forward_length").cloned().unwrap_or(Value::Null));
            put("d_kv", at("attention.key_length").cloned().unwrap_or(Value::Null));
            // All that is published in this format is gated, but for the first T5.
            put("feed_forward_proj", "gated-gelu".into());
        }
        "mamba" | "mamba2" => {
            let ssm =
                [("ssm.state_size", "state_size"), ("ssm.conv_kernel", "conv_kernel"), ("ssm.group_count", "n_groups")];
            for (own, common) in ssm {
                if let Some(value) = number(own) {
                    put(common, value.into());
                }
            }
            if let (Some(inner), Some(hidden @ 1..)) = (number("ssm.inner_size"), number("embedding_length")) {
                put("expand", (inner as f64 / hidden as f64).into());
                put("intermediate_size", if model_type == "mamba" { inner.into() } else { Value::Null });
            }
            if let Some(rank) = number("ssm.time_step_rank") {
                // In the second version this field holds the number of heads.
                put(if model_type == "mamba" { "time_step_rank" } else { "num_heads" }, rank.into());
            }
        }
        "jamba" | "falcon_h1" | "granitemoehybrid" => {
            let heads = if model_type == "jamba" { "mamba_dt_rank" } else { "mamba_n_heads" };
            for (own, common) in [
                ("ssm.state_size", "mamba_d_state"),
                ("ssm.conv_kernel", "mamba_d_conv"),
                ("ssm.group_count", "mamba_n_groups"),
                ("ssm.time_step_rank", heads),
                ("ssm.inner_size", "mamba_d_ssm"),
                ("expert_shared_feed_forward_length", "shared_intermediate_size"),
            ] {
                if let Some(value) = number(own) {
                    put(common, value.into());
                }
            }
            if let (Some(inner), Some(hidden @ 1..)) = (number("ssm.inner_size"), number("embedding_length")) {
                put("mamba_expand", (inner as f64 / hidden as f64).into());
            }
            match (model_type, experts) {
                ("jamba", None) => put("num_experts", 1.into()),
                ("granitemoehybrid", None) => {
                    put("num_local_experts", 0.into());
                    put("shared_intermediate_size", at("feed_forward_length").cloned().unwrap_or(Value::Null));
                }
                _ => {}
            }
        }
        "nemotron_h" => {
            for (own, common) in [
                ("ssm.state_size", "ssm_state_size"),
                ("ssm.conv_kernel", "conv_kernel"),
                ("ssm.group_count", "n_groups"),
                ("ssm.time_step_rank", "mamba_num_heads"),
                ("expert_shared_feed_forward_length", "moe_shared_expert_intermediate_size"),
            ] {
                if let Some(value) = number(own) {
                    put(common, value.into());
                }
            }
            if let (Some(inner), Some(heads @ 1..)) = (number("ssm.inner_size"), number("ssm.time_step_rank")) {
                put("mamba_head_dim", (inner / heads).into());
            }
            let widths = counts("feed_forward_length");
            put("intermediate_size", widths.iter().copied().max().unwrap_or(1).max(1).into());
            let network = if experts.is_some() { "moe" } else { "mlp" };
            let kind = |(layer, keys): (usize, &u64)| match (keys, widths.get(layer)) {
                (1.., _) => "attention",
                (0, Some(1..)) => network,
                _ => "mamba",
            };
            put("layers_block_type", kept.iter().enumerate().map(kind).collect());
        }
        "lfm2" | "lfm2_moe" => {
            // The width is the network's own, already adjusted.
            put("block_auto_adjust_ff_dim", false.into());
            for (own, common) in
                [("shortconv.l_cache", "conv_L_cache"), ("leading_dense_block_count", "num_dense_layers")]
            {
                if let Some(value) = number(own) {
                    put(common, value.into());
                }
            }
            put("use_expert_bias", true.into());
        }
        "hunyuan_v1_moe" => {
            put("moe_topk", at("expert_used_count").cloned().unwrap_or(Value::Null));
            put(
                "intermediate_size",
                at("expert_feed_forward_length").or(at("feed_forward_length")).cloned().unwrap_or(Value::Null),
            );
        }
        "minimax_m2" => put(
            "intermediate_size",
            at("expert_feed_forward_length").or(at("feed_forward_length")).cloned().unwrap_or(Value::Null),
        ),
        "glm4_moe" => {
            // The layers that predict further tokens are among those of the file.
            if let (Some(extra @ 1..), Some(all)) = (number("nextn_predict_layers"), number("block_count")) {
                put("num_hidden_layers", all.saturating_sub(extra).into());
                put("num_nextn_predict_layers", extra.into());
            }
        }
        "granitemoe" => {
            if let Some(shared) = number("expert_shared_feed_forward_length") {
                put("shared_intermediate_size", shared.into());
            }
        }
        "llama4_text" => {
            if let Some(dense) = number("feed_forward_length") {
                put("intermediate_size_mlp", dense.into());
            }
            if let Some(inner) = number("expert_feed_forward_length") {
                put("intermediate_size", inner.into());
            }
        }
        "qwen2_moe" if at("expert_shared_feed_forward_length").is_none() => {
            // Older files leave both lengths out; the shared expert is as wide as all that a token uses.
            let (used, inner) = (number("expert_used_count"), number("expert_feed_forward_length"));
            if let (Some(used), Some(inner)) = (used, inner) {
                put("shared_expert_intermediate_size", used.saturating_mul(inner).into());
            }
        }
        "qwen" => {
            // Its configuration counts both halves of the network.
            if let Some(inner) = number("feed_forward_length") {
                put("intermediate_size", inner.into());
            }
        }
        "bert" => put("architectures", Value::from(vec!["BertModel"])),
        _ => {}
    }
    if let Some(has_head) = has_head {
        put("tie_word_embeddings", (!has_head).into());
    }
    put("model_type", model_type.into());
    Ok(config)
}
