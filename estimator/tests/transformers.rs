//! Descriptions from hyper-parameters against what the model classes of the library `transformers` count.
//!
//! `data/configs/make.py` says how the expected figures were made.

use estimator::transformers::{Description, Pass, describe};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

fn lines(text: &str) -> Vec<Map<String, Value>> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn name(config: &Map<String, Value>) -> String {
    let class = &config.get("architectures").and_then(|all| all.get(0)).or(config.get("_class_name")).unwrap();
    class.as_str().unwrap().to_owned()
}

/// A tensor's name without its numbers, and its shape.
fn pattern(name: &str, shape: &[u64]) -> String {
    let steps: Vec<&str> =
        name.split('.').map(|step| if step.bytes().all(|byte| byte.is_ascii_digit()) { "{}" } else { step }).collect();
    let sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
    format!("{} {}", steps.join("."), sizes.join("x"))
}

/// Tensors of which one of both has more than the other.
fn differences(description: &Description, expected: &Map<String, Value>) -> Vec<String> {
    let mut ours: BTreeMap<String, u64> = BTreeMap::new();
    for part in &description.parts {
        for (name, weight) in part.tensors().filter(|(_, weight)| !weight.is_shared) {
            *ours.entry(pattern(&name, &weight.shape)).or_default() += 1;
        }
    }
    let theirs = |name: &str| expected.get(name).and_then(Value::as_u64).unwrap_or(0);
    let mut found = Vec::new();
    for (name, times) in &ours {
        if theirs(name) != *times {
            found.push(format!("{times} times {name}, expected {}", theirs(name)));
        }
    }
    for (name, times) in expected.iter().filter(|(name, _)| !ours.contains_key(*name)) {
        found.push(format!("no {name}, expected {times}"));
    }
    found
}

#[test]
fn parameters_and_tensors_agree_with_the_model_classes() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let (mut agreed, mut unknown, mut wrong) = (0, BTreeMap::<String, u32>::new(), Vec::new());
    let text = match std::env::var("CONFIGS") {
        Ok(path) => std::fs::read_to_string(path).unwrap(),
        Err(_) => {
            concat!(include_str!("data/configs/parameters.jsonl"), include_str!("data/configs/parameters_newer.jsonl"))
                .to_owned()
        }
    };
    for line in lines(&text) {
        let config = line["config"].as_object().unwrap();
        let model_type = config.get("model_type").or(config.get("_class_name")).unwrap().as_str().unwrap();
        if !only.is_empty() && !only.split(',').any(|only| only == model_type) {
            continue;
        }
        let description = match describe(config) {
            Ok(description) => description,
            Err(error) => {
                let of = format!("{model_type}: {error}");
                *unknown.entry(of.chars().take(120).collect()).or_default() += 1;
                continue;
            }
        };
        let expected = line["parameters"].as_u64().unwrap();
        let tensors = line.get("tensors").and_then(Value::as_object);
        let differing = tensors.map(|tensors| differences(&description, tensors)).unwrap_or_default();
        let embedding = line.get("embedding").and_then(Value::as_u64);
        let embeds = embedding.is_none_or(|embedding| embedding == description.embedding_parameters());
        if description.parameters() != expected || !differing.is_empty() || !embeds {
            wrong.push(format!(
                "{} {}: {} parameters, expected {expected}; embedding {}, expected {embedding:?}; {:?}",
                name(config),
                serde_json::to_string(config)
                    .unwrap()
                    .chars()
                    .take(if only.is_empty() { 0 } else { 400 })
                    .collect::<String>(),
                description.parameters(),
                description.embedding_parameters(),
                differing.iter().take(if only.is_empty() { 6 } else { 40 }).collect::<Vec<_>>()
            ));
        } else {
            agreed += 1;
        }
    }
    println!("{agreed} agree, {} do not", wrong.len());
    for (of, times) in &unknown {
        println!("not described: {of} ({times})");
    }
    assert!(wrong.is_empty() && unknown.is_empty(), "{}", wrong.join("\n"));
}

/// Published models with the figures that their class has at their published sizes.
#[test]
fn published_models_have_their_published_sizes() {
    let mut wrong = Vec::new();
    let all = lines(include_str!("data/configs/published.jsonl"));
    for line in &all {
        let name = line["name"].as_str().unwrap();
        let description = match describe(line["config"].as_object().unwrap()) {
            Ok(description) => description,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let cache = description.generates().then(|| description.cache_bytes_per_token());
        for (what, ours, expected) in [
            ("parameters", Some(description.parameters()), line["parameters"].as_u64()),
            ("active parameters", Some(description.active_parameters()), line["active"].as_u64()),
            ("embedding", Some(description.embedding_parameters()), line["embedding"].as_u64()),
            ("head", Some(description.head_parameters()), line["head"].as_u64()),
            ("bytes of cache", cache.filter(|_| !line["kv_bytes"].is_null()), line["kv_bytes"].as_u64()),
        ] {
            if ours != expected {
                wrong.push(format!("{name}: {what} {ours:?}, expected {expected:?}"));
            }
        }
    }
    println!("{} models", all.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// MACs of a pass, against torch's own counter on models that were run.
#[test]
fn macs_agree_with_a_pass_that_was_run() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let (mut agreed, mut wrong) = (0, Vec::new());
    for line in lines(include_str!("data/configs/macs.jsonl")) {
        let config = line["config"].as_object().unwrap();
        if !only.is_empty() && config["model_type"] != only.as_str() {
            continue;
        }
        let Ok(description) = describe(config) else { continue };
        let numbers = |key: &str| line[key].as_array().unwrap().iter().map(|number| number.as_u64().unwrap());
        // The library writes the state of Mamba 2 element by element, so its counter does not see it being read.
        let unseen =
            ["mamba2", "zamba2", "falcon_h1", "granitemoehybrid"].iter().any(|kind| config["model_type"] == *kind);
        let macs = |pass: &Pass| {
            let read = description.fixed_macs_per_token().filter(|_| unseen).unwrap_or(0);
            description.macs(pass).unwrap() - read * pass.tokens
        };
        let ours: Vec<u64> = numbers("tokens").map(|tokens| macs(&Pass::prefill(tokens))).collect();
        let theirs: Vec<u64> = numbers("macs").collect();
        if ours == theirs {
            agreed += 1;
        } else {
            let off: Vec<i64> = ours.iter().zip(&theirs).map(|(a, b)| *a as i64 - *b as i64).collect();
            wrong.push(format!("{} {}: {ours:?}, run {theirs:?}, off {off:?}", config["model_type"], name(config)));
        }
    }
    println!("{agreed} agree, {} do not", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
