//! Networks of families that are not known: what can still be said, labelled as an approximation.
//!
//! Without weights the sizes are counted as if the network were built like Llama, with experts like Mixtral's where it has any.
//! With weights the parameters are what the tensors hold, and a token costs one MAC for each parameter outside of the tables.

use super::description::{Description, Facts, Totals};
use super::error::DescribeError;
use super::parts::Part;
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
        let Ok(mut found) = super::describe_or_approximate(inner, None) else { continue };
        found.notes.warn(
            "",
            format!(
                "“{name}” is not known here; what “{part}” says of its decoder is counted, and other parts are left out"
            ),
        );
        let facts = found.facts.clone();
        return Ok(finish(found, name, facts, held));
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
    let mut found = describe(&like)?;
    let how = if experts.is_some() { "Mixtral" } else { "Llama" };
    found
        .notes
        .warn("", format!("no family called “{name}” is known here; it is counted as if it were built like {how}"));
    let facts = found.facts.clone();
    Ok(finish(found, name, facts, held))
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
    let mut found = describe(&config).map_err(|_| DescribeError::UnknownFamily(name.to_owned()))?;
    found.notes.warn(
        "",
        format!("no architecture called “{name}” is known here; it is counted as if it were built like Llama"),
    );
    let facts = found.facts.clone();
    Ok(finish(found, name, facts, held))
}

/// Labels an approximation; where weights are held, their number replaces the guess.
fn finish(found: Description, name: &str, facts: Facts, held: Option<Held>) -> Description {
    let mut found =
        Description { family: name.to_owned(), model_type: name.to_owned(), is_approximate: true, facts, ..found };
    let Some(held) = held else { return found };
    let share = found.totals.active as f64 / (found.totals.parameters.max(1)) as f64;
    let tables = Totals {
        parameters: held.parameters,
        // What a token uses of them is known only as a share.
        active: if share < 1.0 { (held.parameters as f64 * share) as u64 } else { held.parameters },
        input: found.totals.input.min(held.parameters),
        head: if held.has_head { found.totals.head.min(held.parameters) } else { 0 },
    };
    found.totals = tables;
    // Attention and the cache follow from the fields; products with weights from the tensors, each parameter one MAC a token.
    found.parts.retain(|part: &Part| part.weights.is_empty());
    found.notes.info(
        "",
        "a token is taken to cost one MAC for each parameter that it uses outside of the tables of embeddings",
    );
    found
}
