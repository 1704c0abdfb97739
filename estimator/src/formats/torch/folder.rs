//! What lies around a file of weights: its fellow shards, the index that lists them, and the config.

use super::super::error::{Problem, ReadError};
use super::super::files::Files;
use super::super::safetensors::{Family, of_file, of_index, unpack};
use super::super::source::Source;
use super::super::{huggingface, sniff::Look};
use crate::model::{Kind, Model, Storage, TensorRole, Weight};
use std::sync::Arc;

/// Whether it is the index of a model in several files of this format.
pub(super) fn is_index(look: &Look) -> bool {
    let has = |text: &str| look.beginning.windows(text.len()).any(|window| window == text.as_bytes());
    look.first_letter() == Some(b'{') && has("\"weight_map\"") && (has(".bin\"") || has(".pt\"") || has(".pth\""))
}

/// Reads all files that an index lists.
pub(super) fn index(files: &Files<'_>, source: Source<'_>) -> Result<Model, ReadError> {
    let name = source.name().to_owned();
    let family = of_index(&name, &huggingface::object(source)?)?;
    family_of(files, &family, None)
}

/// Reads a file of weights and those that belong to it.
pub(super) fn weights(files: &Files<'_>, source: Source<'_>) -> Result<Model, ReadError> {
    let mut model = Model::default();
    let family = of_file(files, source.name(), &mut model.notes)?;
    if family.shards.len() > 1 {
        return family_of(files, &family, Some(source));
    }
    let read = super::lone(source)?;
    // A program says everything itself.
    if !read.weights_only {
        return Ok(read);
    }
    model.notes.extend(&read.notes);
    surrounded(files, &family.lead, Model { notes: model.notes, ..read })
}

/// Reads several files as one model.
fn family_of(files: &Files<'_>, family: &Family, mut lead: Option<Source<'_>>) -> Result<Model, ReadError> {
    let mut whole: Option<Model> = None;
    let mut missing = Vec::new();
    let (mut bytes, mut parts) = (0u64, 0u64);
    for shard in &family.shards {
        let read = match lead.take_if(|lead| lead.name() == shard.name) {
            Some(source) => super::lone(source)?,
            None => match files.find(&shard.name)? {
                Some(source) => super::lone(source)?,
                None => {
                    missing.push(shard);
                    continue;
                }
            },
        };
        let file: Arc<str> = shard.name.as_str().into();
        let held = read.graph.weights.len();
        parts += 1;
        let whole = whole.get_or_insert_with(|| Model {
            file_bytes: 0,
            values: Vec::new(),
            graph: Default::default(),
            ..read.clone()
        });
        whole.file_bytes = whole.file_bytes.saturating_add(read.file_bytes);
        whole.notes.extend(&read.notes);
        for value in read.values {
            let Some(mut weight) = value.weight else { continue };
            bytes = bytes.saturating_add(weight.bytes().unwrap_or(0));
            if let Storage::Inside { offset } = weight.storage {
                weight.storage = Storage::Outside { file: file.clone(), offset, present: true };
            }
            whole.add_weight(&value.name, weight);
        }
        if shard.tensors.is_some_and(|stated| stated != held) {
            let stated = shard.tensors.unwrap_or_default();
            let text = format!("the index lists {stated} tensors in this file, which holds {held}");
            whole.notes.warn(&shard.name, text);
        }
    }
    let mut model = whole.unwrap_or_default();
    family.check(&missing, bytes, &mut model.notes)?;
    if parts == 0 {
        let problem = Problem::Corrupt("it lists no files".to_owned());
        return Err(ReadError { file: family.lead.clone(), offset: None, place: String::new(), problem });
    }
    model.properties.push(("Files of weights".to_owned(), parts.to_string()));
    surrounded(files, &family.lead, model)
}

/// A model with what the config beside it says of it, packed weights put together.
fn surrounded(files: &Files<'_>, lead: &str, mut model: Model) -> Result<Model, ReadError> {
    let around = huggingface::around(files, lead)?;
    if !around.quantisation.method.is_empty()
        || model.values.iter().filter_map(|value| value.weight.as_ref()).any(may_be_packed)
    {
        let before: Vec<Option<TensorRole>> = model.values.iter().map(|value| value.weight.as_ref()?.role).collect();
        let learned = |role: &Option<TensorRole>| matches!(role, Some(TensorRole::Parameter | TensorRole::Buffer));
        let (mut places, mut tensors) = (Vec::new(), Vec::new());
        for (place, value) in model.values.iter().enumerate() {
            if let Some(weight) = value.weight.clone().filter(|weight| learned(&weight.role)) {
                places.push(place);
                tensors.push((value.name.clone(), weight));
            }
        }
        let tensors = unpack(tensors, "", &around.quantisation, &[], &mut model.notes);
        for (place, (name, mut weight)) in places.into_iter().zip(tensors) {
            // Only what packing is about is taken over: what else a tensor is, this format tells better.
            if weight.packing.is_none() && weight.role != Some(TensorRole::Buffer) {
                weight.role = before.get(place).copied().flatten();
            }
            if let Some(value) = model.values.get_mut(place) {
                value.name = name;
                value.weight = Some(weight);
            }
        }
    }
    around.describe(&mut model);
    Ok(model)
}

/// Whether a tensor is a matrix of integers: a weight that a library packed, most probably.
fn may_be_packed(weight: &Weight) -> bool {
    weight.packing.is_none()
        && weight.dtype.kind() == Kind::Integer
        && weight.shape.len() >= 2
        && weight.dtype.bits() <= 32
}
