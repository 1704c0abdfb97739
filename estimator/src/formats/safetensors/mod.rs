//! Safetensors: headers of names, types, shapes and places become a [`Model`] of weights without a graph.
//!
//! `header` reads one file, `shards` finds which files belong together (shards by an index or by their numbers,
//! the parts of a diffusers pipeline), `layouts` puts quantised tensors together again, and `roles` tells what is learned.
//! The config beside the weights is the business of [`huggingface`](super::huggingface).

mod header;
mod layouts;
mod roles;
mod shards;

pub(in crate::formats) use layouts::unpack;
pub(in crate::formats) use roles::role;
pub(in crate::formats) use shards::{Family, of_file, of_index};

use super::error::{Problem, ReadError};
use super::files::{Files, base_name};
use super::huggingface::{self, Surroundings};
use super::sniff::Look;
use super::source::Source;
use crate::model::{Contents, DType, Model, Packing, Storage, Weight};
use header::{Allowance, Entry};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A tensor by its name.
pub(in crate::formats) type Named = (Arc<str>, Weight);

/// Most bytes read for the shapes that quantised layouts keep as small tensors.
const MOST_SHAPE_BYTES: u64 = 4 << 20;

/// Whether the file is one of weights, an index of shards, or the index of a diffusers pipeline.
pub(super) fn recognises(look: &Look, _: &mut Source<'_>) -> Result<bool, ReadError> {
    let begins = |text: &str| look.beginning.windows(text.len()).any(|window| window == text.as_bytes());
    let json = look.first_letter() == Some(b'{');
    let index = json && begins("\"weight_map\"") && begins(".safetensors\"");
    let pipeline = json && begins("\"_class_name\"") && begins("Pipeline\"");
    Ok(header::length(&look.beginning).is_some() || index || pipeline)
}

/// Reads the model that a file of weights or an index leads.
pub(super) fn read(files: &Files<'_>, mut source: Source<'_>) -> Result<Model, ReadError> {
    let mut reading = Reading {
        files,
        allowance: Allowance::default(),
        model: Model { format: "safetensors".to_owned(), weights_only: true, ..Model::default() },
        metadata: Vec::new(),
        found: 0,
    };
    let beginning = source.stretch(0, usize::try_from(source.size().min(9)).unwrap_or(0))?;
    if header::length(&beginning).is_some() {
        let family = shards::of_file(files, source.name(), &mut reading.model.notes)?;
        reading.part("", Some(source), &family)?;
    } else {
        let name = source.name().to_owned();
        let index = huggingface::object(source)?;
        if index.contains_key("weight_map") {
            let family = shards::of_index(&name, &index)?;
            reading.part("", None, &family)?;
        } else {
            reading.pipeline(&name, &index)?;
        }
    }
    Ok(reading.finish())
}

/// A model on its way from files.
struct Reading<'f, 'a> {
    files: &'f Files<'a>,
    allowance: Allowance,
    model: Model,
    /// The free-form metadata of all files.
    metadata: Vec<(String, String)>,
    /// Files of weights read.
    found: u64,
}

impl Reading<'_, '_> {
    /// Reads the files of one network. Its tensors' names begin with `prefix`.
    fn part(&mut self, prefix: &str, mut lead: Option<Source<'_>>, family: &Family) -> Result<Surroundings, ReadError> {
        let around = huggingface::around(self.files, &family.lead)?;
        let mut tensors = Vec::new();
        let alone = prefix.is_empty() && family.shards.len() == 1;
        let metadata_before = self.metadata.len();
        let mut bytes = 0u64;
        let mut missing = Vec::new();
        for shard in &family.shards {
            let before = tensors.len();
            let read = match lead.take_if(|lead| lead.name() == shard.name) {
                Some(source) => self.file(source, prefix, alone, &mut tensors)?,
                None => match self.files.find(&shard.name)? {
                    Some(source) => self.file(source, prefix, alone, &mut tensors)?,
                    None => {
                        missing.push(shard);
                        continue;
                    }
                },
            };
            bytes = bytes.saturating_add(read);
            let held = tensors.len() - before;
            if shard.tensors.is_some_and(|stated| stated != held) {
                let stated = shard.tensors.unwrap_or_default();
                let text = format!("the index lists {stated} tensors in this file, which holds {held}");
                self.model.notes.warn(&shard.name, text);
            }
        }
        family.check(&missing, bytes, &mut self.model.notes)?;
        let own_metadata = self.metadata.get(metadata_before..).unwrap_or_default();
        let mut tensors = unpack(tensors, prefix, &around.quantisation, own_metadata, &mut self.model.notes);
        tensors.sort_by(|(a, _), (b, _)| natural(a, b));
        if around.ties_embeddings() {
            note_ties(&tensors, &mut self.model);
        }
        self.model.values.reserve_exact(tensors.len());
        self.model.graph.weights.reserve_exact(tensors.len());
        for (name, weight) in tensors {
            self.model.add_weight(&name, weight);
        }
        if prefix.is_empty() {
            around.describe(&mut self.model);
            return Ok(Surroundings::default());
        }
        Ok(around)
    }

    /// Reads one file; gives the bytes of its tensors.
    fn file(
        &mut self,
        mut source: Source<'_>,
        prefix: &str,
        alone: bool,
        tensors: &mut Vec<Named>,
    ) -> Result<u64, ReadError> {
        shards::refuse_pointer(&mut source)?;
        let mut header = header::read(&mut source, &mut self.allowance, &mut self.model.notes)?;
        self.model.file_bytes = self.model.file_bytes.saturating_add(source.size());
        self.found += 1;
        self.metadata.append(&mut header.metadata);
        let file: Option<Arc<str>> = (!alone).then(|| source.name().into());
        let mut bytes = 0u64;
        let mut for_shapes = MOST_SHAPE_BYTES;
        for entry in header.entries {
            bytes = bytes.saturating_add(entry.end - entry.begin);
            let contents = small_shape(&mut source, &entry, &mut for_shapes)?;
            let Entry { name, dtype, shape, begin, end } = entry;
            let storage = match &file {
                None => Storage::Inside { offset: begin },
                Some(file) => Storage::Outside { file: file.clone(), offset: begin, present: true },
            };
            let mut weight = match dtype {
                Ok(dtype) => Weight::new(dtype, shape, storage),
                Err(named) => {
                    let text = format!("element type {named} is not known here; taken for a float");
                    self.model.notes.warn(&name, text);
                    let elements = shape.iter().fold(1u64, |product, dim| product.saturating_mul(*dim)).max(1);
                    let bits = (end - begin).saturating_mul(8) / elements;
                    let packing = Packing { name: named.to_lowercase().into(), bytes: end - begin };
                    let dtype = roles::nearest(bits);
                    Weight { packing: Some(packing), ..Weight::new(dtype, shape, storage) }
                }
            };
            weight.contents = contents.map(Contents::Integers);
            let name = if prefix.is_empty() { name } else { format!("{prefix}{name}").into() };
            tensors.push((name, weight));
        }
        Ok(bytes)
    }

    /// Reads the networks that a diffusers pipeline is made of: each has a folder named in the index.
    fn pipeline(&mut self, name: &str, index: &Map<String, Value>) -> Result<(), ReadError> {
        let mut configs = Map::new();
        let mut parts = Vec::new();
        let mut missing = Vec::new();
        for (part, made_of) in index.iter().take(shards::MOST_PARTS) {
            let Some([Value::String(library), Value::String(class)]) = made_of.as_array().map(Vec::as_slice) else {
                continue;
            };
            match shards::of_part(self.files, name, part, &mut self.model.notes)? {
                Some(family) => {
                    let around = self.part(&format!("{part}/"), None, &family)?;
                    if let Some((_, config)) = around.config {
                        configs.insert(part.clone(), Value::Object(config));
                    }
                    parts.push((part.clone(), class.clone()));
                }
                // Schedulers, tokenizers and the like have no weights.
                None if shards::has_weights(class) => missing.push(format!("{part} ({library}'s {class})")),
                None => {}
            }
        }
        if self.found == 0 {
            let why = "none of the networks that it names has a file of weights in safetensors".to_owned();
            return Err(ReadError {
                file: name.to_owned(),
                offset: None,
                place: String::new(),
                problem: Problem::Corrupt(why),
            });
        }
        if !missing.is_empty() {
            let text = format!("no weights were found for {}: they are not counted", missing.join(", "));
            self.model.notes.warn(base_name(name), text);
        }
        let class = index.get("_class_name").and_then(Value::as_str).unwrap_or("pipeline");
        let version = index.get("_diffusers_version").and_then(Value::as_str).unwrap_or_default();
        self.model.producer = format!("diffusers {version}").trim().to_owned();
        self.model.properties.push(("Pipeline".to_owned(), crate::notes::clip(class)));
        for (part, class) in parts {
            self.model.properties.push((crate::notes::clip(&part), crate::notes::clip(&class)));
        }
        let mut values = huggingface::shortened(index.clone());
        values.extend(configs);
        self.model.hyperparameters = Some(crate::model::Hyperparameters {
            dialect: crate::model::Dialect::HuggingFace,
            origin: name.to_owned(),
            values,
        });
        Ok(())
    }

    fn finish(mut self) -> Model {
        let format = self.metadata.iter().find(|(name, _)| name == "format").map(|(_, value)| value.as_str());
        if self.model.producer.is_empty() {
            self.model.producer = match format {
                Some("pt") => "PyTorch".to_owned(),
                Some("tf") => "TensorFlow".to_owned(),
                Some("flax") => "Flax".to_owned(),
                Some("mlx") => "MLX".to_owned(),
                Some(other) => crate::notes::clip(other),
                None => String::new(),
            };
        }
        self.metadata.sort();
        self.metadata.dedup();
        let told = self.metadata.iter().filter(|(name, value)| name != "format" && !value.starts_with(['{', '[']));
        let told =
            told.take(MOST_PROPERTIES).map(|(name, value)| (crate::notes::clip(name), crate::notes::clip(value)));
        self.model.properties.extend(told);
        if self.found > 1 {
            self.model.properties.push(("Files of weights".to_owned(), self.found.to_string()));
        }
        self.model
    }
}

/// Most entries of the free-form metadata that are shown.
const MOST_PROPERTIES: usize = 32;

/// The contents of a tensor that keeps the shape of a packed one (`weight_shape`, `shape`): a few integers.
/// Writers put all of them side by side, so that reading them takes one block.
fn small_shape(source: &mut Source<'_>, entry: &Entry, left: &mut u64) -> Result<Option<Vec<i64>>, ReadError> {
    let wanted = ["weight_shape", "shape"].contains(&entry.name.rsplit('.').next().unwrap_or_default());
    let length = entry.end - entry.begin;
    let width = match entry.dtype {
        Ok(DType::I64) => 8,
        Ok(DType::I32) => 4,
        _ => return Ok(None),
    };
    let few = (1..=8).contains(&(length / width));
    if !wanted || !few {
        return Ok(None);
    }
    let before = source.bytes_read();
    if *left == 0 {
        return Ok(None);
    }
    let bytes = source.stretch(entry.begin, usize::try_from(length).unwrap_or(0))?;
    *left = left.saturating_sub(source.bytes_read() - before);
    let integers = bytes.chunks(usize::try_from(width).unwrap_or(8)).map(|chunk| match *chunk {
        [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    });
    Ok(Some(integers.collect()))
}

/// Names of the tables that are looked up and of those that give the output, where libraries tie the two.
const OUTPUTS: &[&str] = &["lm_head.weight", "embed_out.weight", "output.weight", "cls.predictions.decoder.weight"];
const TABLES: &[&str] =
    &["embed_tokens.weight", "wte.weight", "word_embeddings.weight", "embed_in.weight", "shared.weight"];

/// Says when a table that the config calls tied is stored twice.
fn note_ties(tensors: &[Named], model: &mut Model) {
    let find = |endings: &[&str]| {
        let ends = |name: &str| endings.iter().any(|ending| name.ends_with(ending));
        tensors.iter().find(|(name, weight)| ends(name) && weight.shape.len() == 2)
    };
    if let (Some((output, one)), Some((table, other))) = (find(OUTPUTS), find(TABLES))
        && one.shape == other.shape
    {
        let fewer = one.elements().unwrap_or(0);
        let text = format!(
            "stored beside '{table}', with which the config ties it; \
             as one table they have {fewer} parameters fewer than counted"
        );
        model.notes.info(output, text);
    }
}

/// The order of names in which numbers count as numbers: layer 2 before layer 10.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a, b) {
            ([x, ..], [y, ..]) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (digits, rest) = number(a);
                let (other, rest_of_other) = number(b);
                let order = digits.len().cmp(&other.len()).then_with(|| digits.cmp(other));
                if order.is_ne() {
                    return order;
                }
                (a, b) = (rest, rest_of_other);
            }
            ([x, rest @ ..], [y, rest_of_other @ ..]) if x == y => (a, b) = (rest, rest_of_other),
            _ => return a.cmp(b),
        }
    }
}

/// The digits in front, without leading zeros, and what follows.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().position(|byte| *byte != b'0').unwrap_or(digits.len());
    (digits.get(zeros..).unwrap_or_default(), rest)
}

#[cfg(test)]
mod tests;
