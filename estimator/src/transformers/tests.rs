//! Hyper-parameters that no published model has, and figures worked out by hand.

use super::*;
use serde_json::json;

fn config(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn a_step_and_a_prompt_of_llama_cost_what_the_shapes_say() {
    let llama = describe(&config(json!({"model_type": "llama", "hidden_size": 8, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 16, "vocab_size": 10})))
    .unwrap();
    // Queries and output 8 × 8, keys and values 8 × 4, three products of 8 × 16; the head is not tied.
    let weights = 3 * (2 * 64 + 2 * 32 + 3 * 128) + 80;
    assert_eq!(llama.weight_macs_per_token(), Some(weights));
    assert_eq!(llama.attention_macs_per_context_token(false), Some(3 * 4 * (2 + 2)));
    assert_eq!(llama.macs(&Pass::step(7)), Some(weights + 7 * 48));
    assert_eq!(llama.macs(&Pass::prefill(5)), Some(5 * weights + 25 * 48));
    assert_eq!(llama.cache_bytes_per_token(), 2 * 3 * 2 * 2 * 2);
    assert_eq!((llama.embedding_parameters(), llama.head_parameters()), (80, 80));
}

#[test]
fn a_window_bounds_what_a_step_sees_and_keeps() {
    let gemma = describe(&config(json!({"model_type": "gemma2", "hidden_size": 8, "num_hidden_layers": 4, "head_dim": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 16, "vocab_size": 10, "sliding_window": 6})))
    .unwrap();
    let weights = gemma.weight_macs_per_token().unwrap();
    assert_eq!(gemma.macs(&Pass::step(100)), Some(weights + 2 * 16 * 100 + 2 * 16 * 6));
    assert_eq!(gemma.cache_elements(100), Some(2 * 8 * 100 + 2 * 8 * 6));
    assert_eq!((gemma.cache_elements_per_token(), gemma.windowed_cache_elements_per_token()), (16, 16));
    assert_eq!(gemma.window(), Some(6));
}

#[test]
fn a_batch_reaches_more_experts_than_a_token() {
    let mixtral = describe(&config(json!({"model_type": "mixtral", "hidden_size": 8, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 16, "vocab_size": 10,
        "num_local_experts": 4, "num_experts_per_tok": 1})))
    .unwrap();
    let expert = 2 * 3 * 128;
    assert_eq!(mixtral.expert_parameters(), Some(expert));
    assert_eq!(mixtral.parameters() - mixtral.active_parameters(), 3 * expert);
    let (one, two) = (mixtral.weights_touched(1).unwrap(), mixtral.weights_touched(2).unwrap());
    // A second token adds its row of the table, and with three chances of four another expert.
    assert!((two - one - 8.0 - expert as f64 * 0.75).abs() < 1e-6, "{one} {two}");
}

#[test]
fn hostile_numbers_end_in_an_error_that_names_the_field() {
    for (field, value, named) in [
        ("hidden_size", json!(u64::MAX), "hidden_size"),
        ("hidden_size", json!(-4), "hidden_size"),
        ("hidden_size", json!(0), "hidden_size"),
        ("hidden_size", json!("big"), "hidden_size"),
        ("num_hidden_layers", json!(1_000_000), "num_hidden_layers"),
        ("num_attention_heads", json!(1e300), "num_attention_heads"),
        ("num_key_value_heads", json!(3), "share"),
        ("vocab_size", json!([1, 2]), "vocab_size"),
        ("intermediate_size", json!({"length": 4}), "intermediate_size"),
    ] {
        let mut config = config(json!({"model_type": "llama"}));
        config.insert(field.to_owned(), value);
        let error = describe(&config).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    let huge =
        config(json!({"model_type": "gpt_oss", "hidden_size": MOST, "intermediate_size": MOST, "vocab_size": MOST,
        "num_local_experts": MOST_LAYERS, "num_hidden_layers": MOST_LAYERS}));
    assert!(matches!(describe(&huge), Err(DescribeError::TooLarge(_))));
}

#[test]
fn every_family_survives_every_field_being_nonsense() {
    let values = [
        json!(0),
        json!(1),
        json!(3),
        json!(-1),
        json!(1e18),
        json!(null),
        json!([]),
        json!([0, 1]),
        json!({}),
        json!("x"),
        json!(true),
        json!(0.001),
        json!(MOST),
    ];
    let mut checked = 0;
    for name in model_types() {
        let Some(class) = defaults::class(name) else { continue };
        // The fields of the class, and those of the parts inside it.
        let mut fields: Vec<(Option<&str>, &str)> = class.fields.keys().map(|field| (None, field.as_str())).collect();
        fields.extend(
            ["layer_types", "head_dim", "architectures", "text_config", "vision_config"].map(|field| (None, field)),
        );
        for (part, kind) in &class.parts {
            let own = format!("{name}.{}", part.trim_end_matches("_config"));
            let Some(inner) = defaults::class(&own).or_else(|| defaults::class(kind)) else { continue };
            fields.extend(inner.fields.keys().map(|field| (Some(part.as_str()), field.as_str())));
        }
        for (part, field) in fields {
            for value in &values {
                let config = match part {
                    None => config(json!({"model_type": name, field: value})),
                    Some(part) => config(json!({"model_type": name, part: {field: value}})),
                };
                let figures = || {
                    let found = describe(&config).ok()?;
                    let (prompt, step) = (found.macs(&Pass::prefill(512)), found.macs(&Pass::step(u64::MAX)));
                    Some((prompt, step, found.cache_elements(1 << 40), found.weights_touched(u64::MAX)))
                };
                // The panic names its line; this says what led to it.
                assert!(std::panic::catch_unwind(figures).is_ok(), "{name} with {part:?} {field} = {value}");
                checked += 1;
            }
        }
    }
    assert!(checked > 10_000, "{checked}");
}

#[test]
fn a_class_stands_in_for_a_missing_model_type() {
    let found = describe(&config(json!({"architectures": ["GPTNeoXForCausalLM"], "hidden_size": 512,
        "num_hidden_layers": 6, "num_attention_heads": 8, "intermediate_size": 2048, "vocab_size": 50304})))
    .unwrap();
    assert_eq!(found.parameters(), 70_426_624);
    assert_eq!(describe(&config(json!({"hidden_size": 4}))), Err(DescribeError::NoFamily));
}

#[test]
fn an_unknown_family_is_an_approximation_that_says_so() {
    let unknown = config(json!({"model_type": "newmodel", "hidden_size": 8, "num_hidden_layers": 3,
        "num_attention_heads": 4, "intermediate_size": 16, "vocab_size": 10}));
    assert!(matches!(describe(&unknown), Err(DescribeError::UnknownFamily(name)) if name == "newmodel"));
    let found = describe_or_approximate(&unknown, None).unwrap();
    assert!(found.is_approximate && found.notes.iter().any(|note| note.text.contains("newmodel")));
    // With weights their number counts, and each one outside of the tables once a token.
    let held = Held { parameters: 5000, has_head: true };
    let found = describe_or_approximate(&unknown, Some(held)).unwrap();
    assert_eq!((found.parameters(), found.weight_macs_per_token()), (5000, Some(5000 - 160)));
    assert!(found.cache_elements_per_token() > 0);
    // Twice the parameters outside of the tables for each token, and nothing else.
    assert_eq!(found.macs(&Pass::prefill(7)), Some(7 * (5000 - 160)));
    assert_eq!(found.macs(&Pass::step(100)), Some(5000 - 160));
    // The decoder of a model of several senses may be known.
    let senses = config(json!({"model_type": "newmodel", "vision_config": {}, "text_config": {"model_type": "llama"}}));
    let found = describe_or_approximate(&senses, Some(held)).unwrap();
    assert!(found.is_approximate && found.parameters() == 6_738_415_616, "{}", found.parameters());
    assert!(found.notes.iter().any(|note| note.text.contains("other parts are left out")));
    let nothing = config(json!({"model_type": "newmodel"}));
    assert!(matches!(describe_or_approximate(&nothing, None), Err(DescribeError::UnknownFamily(_))));
}

#[test]
fn gguf_metadata_is_read_in_its_own_words() {
    let metadata =
        config(json!({"general.architecture": "llama", "llama.block_count": 22, "llama.embedding_length": 2048,
        "llama.feed_forward_length": 5632, "llama.attention.head_count": 32, "llama.attention.head_count_kv": 4,
        "llama.context_length": 2048, "tokenizer.ggml.tokens": {"length": 32000}}));
    let held = Held { parameters: 1_100_048_384, has_head: true };
    assert_eq!(from_gguf(&metadata, Some(held)).unwrap().parameters(), 1_100_048_384);
    let gemma = config(
        json!({"general.architecture": "gemma3", "gemma3.block_count": 18, "gemma3.embedding_length": 640,
        "gemma3.feed_forward_length": 2048, "gemma3.attention.head_count": 4, "gemma3.attention.head_count_kv": 1,
        "gemma3.attention.key_length": 256, "gemma3.attention.sliding_window": 512, "tokenizer.ggml.tokens": {"length": 262144}}),
    );
    let found = from_gguf(&gemma, None).unwrap();
    assert_eq!((found.parameters(), found.window()), (268_098_176, Some(512)));
}

#[test]
fn hybrids_in_gguf_say_layer_by_layer_what_they_are() {
    let common = |name: &str, more: serde_json::Value| {
        let mut all = config(json!({"general.architecture": name, "tokenizer.ggml.tokens": {"length": 100}}));
        for (field, value) in [("block_count", 3), ("embedding_length", 64), ("attention.head_count", 4)] {
            all.insert(format!("{name}.{field}"), value.into());
        }
        for (field, value) in more.as_object().unwrap() {
            all.insert(format!("{name}.{field}"), value.clone());
        }
        from_gguf(&all, None).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let kept = json!([0, 2, 0]);
    let ssm = |more: serde_json::Value| {
        let mut all = json!({"attention.head_count_kv": kept, "ssm.state_size": 16, "ssm.conv_kernel": 4,
            "ssm.inner_size": 128, "ssm.group_count": 1, "ssm.time_step_rank": 8, "feed_forward_length": 96});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    // One layer of attention of three: two heads of sixteen for keys, and as many for values.
    for (name, more) in [
        ("jamba", ssm(json!({}))),
        ("granitehybrid", ssm(json!({}))),
        ("nemotron_h", ssm(json!({"feed_forward_length": [0, 0, 96]}))),
        ("lfm2", json!({"attention.head_count_kv": kept, "feed_forward_length": 96, "shortconv.l_cache": 3})),
    ] {
        let found = common(name, more);
        assert_eq!(found.cache_elements_per_token(), 2 * 2 * 16, "{name}");
        let states =
            found.parts.iter().filter(|part| part.kept.state > 0).filter_map(|part| part.modules()).sum::<u64>();
        assert_eq!(states, if name == "nemotron_h" { 1 } else { 2 }, "{name}");
    }
    let side_by_side = common("falcon-h1", ssm(json!({"attention.head_count_kv": 2})));
    assert_eq!(side_by_side.cache_elements_per_token(), 3 * 2 * 2 * 16);
    assert!(side_by_side.state_elements() > 0);
}
