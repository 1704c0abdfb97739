//! What a configuration class takes for a field that is left out: the table `architectures.jsonl`.
//!
//! A line of it holds a model type, the class's other names for its fields, the types of the configurations inside it, and the fields' defaults.

use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::LazyLock;

/// What is known of a configuration class.
#[derive(Debug, Default)]
pub(super) struct Class {
    /// Common names of fields, each with the name that this class gives it.
    pub names: HashMap<String, String>,
    /// The model types of the configurations inside, by field.
    pub parts: HashMap<String, String>,
    /// Defaults of fields.
    pub fields: Map<String, Value>,
}

static TEXT: &str = include_str!("../../data/architectures.jsonl");

static CLASSES: LazyLock<HashMap<String, Class>> = LazyLock::new(|| TEXT.lines().filter_map(parse).collect());

fn parse(line: &str) -> Option<(String, Class)> {
    let mut line: Map<String, Value> = serde_json::from_str(line).ok()?;
    let texts = |of: Option<Value>| -> HashMap<String, String> {
        let Some(Value::Object(map)) = of else { return HashMap::new() };
        map.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect()
    };
    let names = texts(line.remove("names"));
    let parts = texts(line.remove("parts"));
    let Some(Value::Object(fields)) = line.remove("fields") else { return None };
    let name = line.get("model_type")?.as_str()?.to_owned();
    Some((name, Class { names, parts, fields }))
}

/// The class of a model type, where the table has it.
pub(super) fn class(model_type: &str) -> Option<&'static Class> {
    CLASSES.get(model_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        assert_eq!(CLASSES.len(), TEXT.lines().count());
        assert_eq!(class("gpt2").unwrap().names["hidden_size"], "n_embd");
        assert_eq!(class("gemma3").unwrap().parts["text_config"], "gemma3_text");
        assert_eq!(class("bert").unwrap().fields["hidden_size"], 768);
    }
}
