//! Models from their hyper-parameters alone: a `config.json`, the metadata of a GGUF file, or a sentence typed by hand.
//!
//! A family of networks is one small function that writes down its parts: modules with weights, and what one token costs in each.
//! From the parts everything else follows: parameters (all, active, embedding), MACs of a prefill and of a step of decoding,
//! the KV cache, the bytes that a step reads, and the names and shapes of the tensors that a file with weights holds.
//! This room stands between `model` and `cost`: it reads no file and knows no device.
//! A family that is not known is never guessed silently: it gives a labelled approximation or an error.

mod blocks;
mod config;
mod defaults;
mod description;
mod error;
mod families;
mod heads;
mod parts;

pub use config::{MOST, MOST_LAYERS};
pub use description::{Description, Facts, Kind, Pass};
pub use error::DescribeError;
pub use parts::{Kept, Part, Role, Routed, Span, Weight, Work};

use crate::notes::Notes;
use config::Config;
use description::Totals;
use heads::Head;
use parts::Parts;
use serde_json::{Map, Value};

/// Describes a model by its `config.json` (of `transformers` or `diffusers`).
///
/// # Errors
/// A configuration of no known family that does not look like a decoder either, a missing field without a default,
/// a field of the wrong kind or beyond what networks have, fields that contradict each other.
pub fn describe(config: &Map<String, Value>) -> Result<Description, DescribeError> {
    let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
    let class = match config.get("architectures").and_then(Value::as_array).and_then(|all| all.first()) {
        Some(first) => first.as_str().unwrap_or_default(),
        None => "",
    };
    let named = if text("model_type").is_empty() { text("_class_name") } else { text("model_type") };
    if named.is_empty() && class.is_empty() {
        return Err(DescribeError::NoFamily);
    }
    let Some(family) = families::find(named) else {
        return Err(DescribeError::NoFamily);
    };
    let mut notes = Notes::new();
    let head = match Head::of(class) {
        Some((head, _)) => head,
        None => {
            if class.is_empty() && config.get("_class_name").is_none() {
                notes.info("", "the configuration names no class; the family's usual one is counted");
            } else if !class.is_empty() {
                notes.warn(class, "the head of this class is not known; the family's usual one is counted");
            }
            family.head
        }
    };
    let c = Config::new(config, named);
    let mut p = Parts::new();
    let facts = (family.build)(&c, &mut p, head);
    if let Some(fault) = c.fault() {
        return Err(fault);
    }
    let parts = p.finish()?;
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

/// All model types that are described exactly.
pub fn model_types() -> impl Iterator<Item = &'static str> {
    families::model_types()
}
