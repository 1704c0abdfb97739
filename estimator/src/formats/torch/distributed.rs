//! Checkpoints that several machines wrote together: what one file of them says of tensors that lie in the others.
//!
//! The `.metadata` of torch's distributed checkpoints lists every tensor with its type and size.
//! DeepSpeed's third stage leaves empty tensors in the module and lists their sizes beside it.
//! Both are turned into what a whole checkpoint would hold, tensors without numbers.

use super::calls::torch_dtype;
use super::container::Contents;
use super::pickle::{Machine, Tensor, Thing, Value};
use crate::model::DType;
use std::collections::HashMap;
use std::rc::Rc;

/// First words of names that tell the parts of a checkpoint apart.
const PARTS: &[&str] = &["model", "state_dict", "module", "optim", "optimizer", "optimizers", "optimizer_states"];
/// Most dimensions of a tensor.
const MOST_RANK: usize = 64;

/// Puts tensors in the place of their descriptions; says in a sentence what was done, if anything.
pub(super) fn resolve(contents: &mut Contents) -> Option<&'static str> {
    if let Some(root) = listed(&mut contents.machine, &contents.root) {
        contents.root = root;
        return Some("the list of a distributed checkpoint: the numbers lie in the .distcp files beside it");
    }
    fill_empty(&mut contents.machine, &contents.root).then_some(
        "the tensors were sharded over several files (ZeRO stage 3): their sizes are listed here, their numbers lie elsewhere",
    )
}

/// The attributes of an object of a class that is called so.
fn state_of<'m>(machine: &'m Machine, value: &Value, class: &str) -> Option<&'m Value> {
    match machine.thing(value)? {
        Thing::Object(object) if object.class.ends_with(class) => object.state.as_ref(),
        _ => None,
    }
}

fn shape(machine: &Machine, value: &Value) -> Option<Vec<u64>> {
    let items = match machine.thing(value)? {
        Thing::List(items) if items.len() <= MOST_RANK => items,
        _ => return None,
    };
    let size = |item: &Value| match item {
        Value::Int(size) => u64::try_from(*size).ok(),
        _ => None,
    };
    items.iter().map(size).collect()
}

/// The root of a distributed checkpoint as one dictionary, the parts that the first word of a name tells each on its own.
fn listed(machine: &mut Machine, root: &Value) -> Option<Value> {
    let state = state_of(machine, root, "checkpoint.metadata.Metadata")?;
    let list = machine.get(state, "state_dict_metadata")?;
    let mut found: Vec<(Rc<str>, Tensor)> = Vec::new();
    for (name, value) in machine.entries(list) {
        let Value::Text(name) = name else { continue };
        let Some(state) = state_of(machine, value, "TensorStorageMetadata") else { continue };
        let Some(shape) = machine.get(state, "size").and_then(|size| shape(machine, size)) else { continue };
        let properties =
            machine.get(state, "properties").and_then(|value| state_of(machine, value, "TensorProperties"));
        let dtype = properties.and_then(|properties| dtype(machine, properties));
        found.push((Rc::clone(name), Tensor { dtype, shape, is_elsewhere: true, ..Tensor::default() }));
    }
    let mut parts: Vec<(Value, Value)> = Vec::new();
    for (name, tensor) in found {
        let (part, rest) = match name.split_once('.') {
            Some((part, rest)) if PARTS.contains(&part) => (part, rest),
            _ => ("", name.as_ref()),
        };
        let tensor = push(machine, Thing::Tensor(tensor));
        let entry = (Value::Text(rest.into()), tensor);
        if part.is_empty() {
            parts.push(entry);
            continue;
        }
        let known = parts.iter().find(|(key, _)| matches!(key, Value::Text(key) if key.as_ref() == part));
        match known.map(|(_, dict)| dict.clone()) {
            Some(dict) => {
                if let Some(Thing::Dict(entries)) = machine.thing_mut(&dict) {
                    entries.push(entry);
                }
            }
            None => {
                let dict = push(machine, Thing::Dict(vec![entry]));
                parts.insert(0, (Value::Text(part.into()), dict));
            }
        }
    }
    Some(push(machine, Thing::Dict(parts)))
}

/// Adds a thing that replaces a larger one.
fn push(machine: &mut Machine, thing: Thing) -> Value {
    let index = u32::try_from(machine.things.len()).unwrap_or(u32::MAX);
    machine.things.push(thing);
    Value::Thing(index)
}

/// The element type among a tensor's properties, which are a tuple or a dictionary.
fn dtype(machine: &Machine, properties: &Value) -> Option<DType> {
    let named = machine.items(properties).first().or_else(|| machine.get(properties, "dtype"));
    match named {
        Some(Value::Name(name)) => torch_dtype(name.strip_prefix("torch.")?),
        _ => None,
    }
}

/// Gives empty tensors of the module the sizes that are listed beside it; says whether there were any.
fn fill_empty(machine: &mut Machine, root: &Value) -> bool {
    let Some(lists) = machine.get(root, "param_shapes").cloned() else { return false };
    let dicts = match machine.thing(&lists) {
        Some(Thing::List(items)) => items.clone(),
        _ => vec![lists],
    };
    let mut shapes: HashMap<Rc<str>, Vec<u64>> = HashMap::new();
    for (name, value) in dicts.iter().flat_map(|dict| machine.entries(dict)) {
        if let (Value::Text(name), Some(shape)) = (name, shape(machine, value)) {
            shapes.insert(Rc::clone(name), shape);
        }
    }
    let module = machine.get(root, "module").map(|module| machine.entries(module).to_vec()).unwrap_or_default();
    let mut any = false;
    for (name, value) in module {
        let Value::Text(name) = name else { continue };
        if let (Some(shape), Some(Thing::Tensor(tensor))) = (shapes.get(&name), machine.thing_mut(&value))
            && tensor.shape.contains(&0)
        {
            *tensor = Tensor {
                dtype: tensor.dtype,
                shape: shape.clone(),
                is_parameter: true,
                is_elsewhere: true,
                ..Tensor::default()
            };
            any = true;
        }
    }
    any
}
