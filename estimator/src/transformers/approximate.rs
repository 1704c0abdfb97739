//! Networks of families that are not known: what can still be said, labelled as an approximation.
//!
//! With weights the parameters are what the tensors hold; without them they stay unknown, and a network of Llama's or Mixtral's shape
//! with the same sizes stands in for them. A token costs one MAC for each parameter outside of the tables.

use super::description::{Description, Totals};
use super::error::DescribeError;
use super::parts::{Part, Work};
use super::{Held, describe};
use serde_json::{Map, Value};

/// Approximates by a `config.json` of the family `name`.
///
/// # Errors
/// The configuration does not look like a language model's.
pub(super) fn of_config(
    config: &Map<String, Value>,
    name: &str,
    held: Option<Held>,
) -> Result<Description, DescribeError> {
    // A model of several senses: its decoder may be of a known family.
    for part in ["text_config", "language_config", "llm_config", "thinker_config"] {
        let Some(inner) = config.get(part).and_then(Value::as_object) else { continue };
        let Ok(mut found) = super::describe_or_approximate(inner, held) else { continue };
        found.notes.warn(
            "",
            format!(
                "“{name}” is not known here; what “{part}” says of its decoder is counted, and other parts are left out"
            ),
        );
        return Ok(Description {
            family: name.to_owned(),
            model_type: name.to_owned(),
            class: String::new(),
            is_approximate: true,
            ..found
        });
    }
    let layers = ["num_hidden_layers", "n_layer", "n_layers", "num_layers"];
    let widths = ["hidden_size", "n_embd", "d_model"];
    let has = |names: &[&str]| names.iter().any(|name| config.get(*name).is_some_and(Value::is_number));
    if !has(&layers) || !has(&widths) || !has(&["vocab_size", "padded_vocab_size"]) {
        return Err(DescribeError::UnknownFamily(name.to_owned()));
    }
    let mut like = config.clone();
    let experts = ["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"]
        .iter()
        .find_map(|name| config.get(*name).and_then(Value::as_u64))
        .filter(|count| *count > 1);
    let mut put = |field: &str, value: Value| _ = like.insert(field.to_owned(), value);
    put("model_type", if experts.is_some() { "mixtral" } else { "llama" }.into());
    put("architectures", Value::Null);
    if let Some(count) = experts {
        put("num_local_experts", count.into());
        let used = ["num_experts_per_tok", "num_experts_per_token", "moe_top_k", "experts_per_token"];
        let used = used.iter().find_map(|name| config.get(*name).and_then(Value::as_u64));
        put("num_experts_per_tok", used.unwrap_or(2).into());
        if let Some(inner) = config.get("moe_intermediate_size").and_then(Value::as_u64) {
            put("intermediate_size", inner.into());
        }
    }
    let hidden = widths.iter().find_map(|name| config.get(*name).and_then(Value::as_u64));
    let has_inner = ["intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "moe_intermediate_size"];
    if let (false, Some(hidden)) = (has(&has_inner), hidden) {
        put("intermediate_size", hidden.saturating_mul(4).into());
    }
    Ok(finish(describe(&like)?, name, held))
}

/// Approximates by the metadata of a GGUF file of the architecture `name`.
///
/// # Errors
/// The metadata lacks even the layers and the width.
pub(super) fn of_gguf(
    metadata: &Map<String, Value>,
    name: &str,
    held: Option<Held>,
) -> Result<Description, DescribeError> {
    let mut like = metadata.clone();
    let renamed: Vec<(String, Value)> = metadata
        .iter()
        .filter_map(|(key, value)| {
            let field = key.strip_prefix(name)?.strip_prefix('.')?;
            Some((format!("llama.{field}"), value.clone()))
        })
        .collect();
    like.extend(renamed);
    like.insert("general.architecture".to_owned(), "llama".into());
    let has_head = held.map(|held| held.has_head);
    let config = super::gguf::config(&like, has_head).map_err(|_| DescribeError::UnknownFamily(name.to_owned()))?;
    let found = describe(&config).map_err(|_| DescribeError::UnknownFamily(name.to_owned()))?;
    Ok(finish(found, name, held))
}

/// Labels an approximation. Parameters are those of the weights, where there are some, and else of the network that it was compared with;
/// a token costs one MAC for each of them outside of the tables, and only the cache follows from the fields.
fn finish(found: Description, name: &str, held: Option<Held>) -> Description {
    let mut found = Description { family: name.to_owned(), model_type: name.to_owned(), is_approximate: true, ..found };
    if let Some(held) = held {
        let share = found.totals.active as f64 / (found.totals.parameters.max(1)) as f64;
        found.totals = Totals {
            parameters: held.parameters,
            // What a token uses of them is known only as a share.
            active: if share < 1.0 { (held.parameters as f64 * share) as u64 } else { held.parameters },
            input: found.totals.input.min(held.parameters),
            head: if held.has_head { found.totals.head.min(held.parameters) } else { 0 },
        };
    }
    found.parts.retain(|part: &Part| part.weights.is_empty());
    found.parts.iter_mut().for_each(|part| part.work = Work::None);
    let source = if held.is_some() {
        "its parameters are those of its tensors"
    } else {
        "how many parameters it has is not known"
    };
    found.notes.warn(
        "",
        format!(
            "no family of networks called “{name}” is known here: {source}, a token is taken to cost 2 FLOPs (one MAC) for each parameter outside of the tables of embeddings, and the KV cache is that of plain attention with the heads that are stated. All of this is an approximation"
        ),
    );
    found
}
