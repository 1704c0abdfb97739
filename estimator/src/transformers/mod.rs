//! Models from their hyper-parameters alone: a `config.json`, the metadata of a GGUF file, or a sentence typed by hand.
//!
//! A family of networks is one small function that writes down its parts: modules with weights, and what one token costs in each.
//! From the parts everything else follows: parameters (all, active, embedding), MACs of a prefill and of a step of decoding,
//! the KV cache, the bytes that a step reads, and the names and shapes of the tensors that a file with weights holds.
//! This room stands between `model` and `cost`: it reads no file and knows no device.
//! A family that is not known is never guessed silently: it gives a labelled approximation or an error.

mod approximate;
mod blocks;
mod config;
mod defaults;
mod description;
mod error;
mod families;
mod gguf;
mod heads;
mod parts;
mod recipe;
mod storage;
#[cfg(test)]
mod tests;

pub use config::{MOST, MOST_LAYERS};
pub use description::{Description, Facts, Kind, Pass};
pub use error::DescribeError;
pub use parts::{Kept, Part, Role, Routed, Span, Weight, Work};
pub use recipe::{Recipe, RecipeError, recipe};
pub use storage::{Storage, Stored};

use crate::model::{Dialect, Hyperparameters};
use crate::notes::Notes;
use config::Config;
use description::Totals;
use families::Family;
use heads::Head;
use parts::Parts;
use serde_json::{Map, Value};

/// What the weights beside hyper-parameters tell, where there are weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Elements of all weights.
    pub parameters: u64,
    /// Whether there is an output head apart from the input embedding.
    pub has_head: bool,
}

/// Describes a model by the hyper-parameters that stand in or beside its file.
///
/// A family that is not known gives an approximation, and its notes say so.
///
/// # Errors
/// As [`describe`]; what is not known and does not look like a decoder either.
pub fn describe_file(of: &Hyperparameters, held: Option<Held>) -> Result<Description, DescribeError> {
    match of.dialect {
        Dialect::HuggingFace => describe_or_approximate(&of.values, held),
        Dialect::Gguf => from_gguf(&of.values, held),
    }
}

/// Describes a model by the metadata of a GGUF file, long lists of which may be replaced by `{"length": N}`.
///
/// # Errors
/// As [`describe_file`].
pub fn from_gguf(metadata: &Map<String, Value>, held: Option<Held>) -> Result<Description, DescribeError> {
    match gguf::config(metadata, held.map(|held| held.has_head)) {
        Ok(config) => describe(&config),
        Err(Some(name)) => approximate::of_gguf(metadata, &name, held),
        Err(None) => Err(DescribeError::NoFamily),
    }
}

/// Describes a model by its `config.json`, or approximates it where its family is not known.
///
/// # Errors
/// As [`describe_file`].
pub fn describe_or_approximate(config: &Map<String, Value>, held: Option<Held>) -> Result<Description, DescribeError> {
    match describe(config) {
        Err(DescribeError::UnknownFamily(name)) => approximate::of_config(config, &name, held),
        other => other,
    }
}

/// Describes a model by its `config.json` (of `transformers` or `diffusers`).
///
/// # Errors
/// A configuration of no known family, a missing field without a default,
/// a field of the wrong kind or beyond what networks have, fields that contradict each other.
pub fn describe(config: &Map<String, Value>) -> Result<Description, DescribeError> {
    let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
    let classes = config.get("architectures").and_then(Value::as_array);
    let class = classes.and_then(|all| all.first()).and_then(Value::as_str).unwrap_or_default();
    let own = [text("model_type"), text("_class_name")].into_iter().find(|name| !name.is_empty());
    let (named, family): (&str, Option<&Family>) = match own {
        Some(name) => (name, families::find(name)),
        None => by_class(class).map_or(("", None), |(name, family)| (name, Some(family))),
    };
    let Some(family) = family else {
        let name = if named.is_empty() { class } else { named };
        let error = || DescribeError::UnknownFamily(name.chars().take(100).collect());
        return Err(if name.is_empty() { DescribeError::NoFamily } else { error() });
    };
    describe_as(config, named, class, family)
}

/// The family of a class, where a configuration names no model type: `LlamaForCausalLM` is of the type `llama`.
fn by_class(class: &str) -> Option<(&'static str, &'static Family)> {
    let (_, stem) = Head::of(class)?;
    let plain = |name: &str| name.to_lowercase().replace(['_', '-'], "");
    let name = families::model_types().find(|name| plain(name) == plain(stem))?;
    Some((name, families::find(name)?))
}

fn describe_as(
    config: &Map<String, Value>,
    named: &str,
    class: &str,
    family: &Family,
) -> Result<Description, DescribeError> {
    let mut notes = Notes::new();
    let head = match Head::of(class) {
        Some((head, _)) => head,
        None => {
            if !class.is_empty() {
                notes.warn(class, "the head of this class is not known; the family's usual one is counted");
            }
            family.head
        }
    };
    let c = Config::new(config, named);
    let mut p = Parts::new();
    let mut facts = (family.build)(&c, &mut p, head);
    let several = c.layers_or_none("num_nextn_predict_layers");
    if let Some(fault) = c.fault() {
        return Err(fault);
    }
    let parts = p.finish()?;
    if let Some(extra) = predicting_layers(&parts, &facts, several).filter(|_| several > 0) {
        facts.extra_parameters = Some(extra);
        notes.info(
            "num_nextn_predict_layers",
            format!(
                "checkpoints of this network also hold {} for predicting several tokens at once, with {} parameters beside the shared tables; they are not counted, for a plain pass does not run them",
                if several == 1 { "one layer".to_owned() } else { format!("{several} layers") },
                crate::format::whole(extra)
            ),
        );
    }
    let totals = Totals::of(&parts).map_err(DescribeError::TooLarge)?;
    Ok(Description {
        family: family.name.to_owned(),
        model_type: named.to_owned(),
        class: class.to_owned(),
        is_approximate: false,
        facts,
        parts,
        notes,
        totals,
    })
}

/// Parameters of so many layers that predict further tokens: each is a layer like the last one, two norms and one behind it,
/// and a projection of two vectors to one (DeepSeek-AI and others 2024, “DeepSeek-V3 Technical Report”, section 2.2).
fn predicting_layers(parts: &[Part], facts: &Facts, layers: u64) -> Option<u64> {
    let last = facts.layers.checked_sub(1)?;
    let in_last =
        |part: &&Part| part.path.contains("layers.{}") && part.indices.first().is_some_and(|of| of.contains(&last));
    let of_layer = |part: &Part| Some(part.parameters()? / part.indices.first().map_or(1, |of| of.len() as u64).max(1));
    let layer = parts.iter().filter(in_last).try_fold(0u64, |sum, part| sum.checked_add(of_layer(part)?))?;
    let joined = facts.hidden_size.checked_mul(2 * facts.hidden_size)?.checked_add(3 * facts.hidden_size)?;
    layer.checked_add(joined)?.checked_mul(layers)
}

/// All model types that are described exactly.
pub fn model_types() -> impl Iterator<Item = &'static str> {
    families::model_types()
}
