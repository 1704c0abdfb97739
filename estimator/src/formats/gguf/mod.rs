//! GGUF: language models as llama.cpp and its kin keep them, with their quantised tensors and their metadata.
//!
//! `header` reads what stands before the data of one file, `types` knows how tensors are stored,
//! and this module makes a [`Model`] of one file or of all shards that are there. Tensor data is never read.
//! What an architecture computes is not known here: the metadata goes on as [`Hyperparameters`].

mod header;
#[cfg(test)]
mod tests;
mod types;

use super::budget::Budget;
use super::error::{Problem, ReadError};
use super::files::{Files, base_name};
use super::sniff::Look;
use super::source::Source;
use crate::model::{DType, Dialect, Hyperparameters, Model, Packing, Storage, TensorRole, Weight};
use header::Tensor;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;

type Result<T> = std::result::Result<T, ReadError>;

/// Most shards that are looked for. The largest models come in a few dozen.
const MOST_SHARDS: u32 = 1000;
/// Most missing shards that are named.
const MOST_NAMED: usize = 5;

/// Whether it is a GGUF file.
pub(super) fn recognises(look: &Look) -> bool {
    look.has(0, header::MAGIC)
}

/// Reads a model: one file, or all shards that lie beside it.
///
/// # Errors
/// A file is cut off, contradicts itself, is of a newer version, or is over a limit.
pub(super) fn read(files: &Files<'_>, mut source: Source<'_>) -> Result<Model> {
    let lead = source.name().to_owned();
    let mut budget = Budget::default();
    let mut building = Building::default();
    match Shard::of(&lead) {
        Some(shard) if shard.count > 1 => {
            let mut missing = Vec::new();
            let mut held = 0u32;
            for number in 1..=shard.count.min(MOST_SHARDS) {
                let name = shard.name(number);
                if number == shard.number {
                    held += 1;
                    building.file(&mut source, &mut budget, false)?;
                } else if let Some(mut other) = files.find(&name)? {
                    held += 1;
                    building.file(&mut other, &mut budget, true)?;
                } else {
                    missing.push(base_name(&name).to_owned());
                }
            }
            building.note_shards(shard.count, held, &missing);
        }
        _ => {
            building.file(&mut source, &mut budget, false)?;
            let parts = building.number("split.count").unwrap_or(1);
            if parts > 1 {
                let number = building.number("split.no").unwrap_or(0).saturating_add(1);
                let text = format!(
                    "this is part {number} of {parts}, and its name does not say what the others are called; \
                     only this part is counted"
                );
                building.model.notes.warn("", text);
            }
        }
    }
    if building.tensors == 0 && building.metadata.is_empty() {
        let what = "a GGUF header without tensors and without metadata".to_owned();
        return Err(ReadError { file: lead, offset: None, place: String::new(), problem: Problem::NotAModel(what) });
    }
    Ok(building.finish(&lead))
}

/// One of several files, as llama.cpp names them: `model-00001-of-00003.gguf`.
struct Shard {
    stem: String,
    number: u32,
    count: u32,
}

impl Shard {
    fn of(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".gguf")?;
        let (stem, count) = stem.rsplit_once("-of-")?;
        let (stem, number) = stem.rsplit_once('-')?;
        let five_digits = |text: &str| {
            let is_number = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u32>().ok()).flatten()
        };
        let (number, count) = (five_digits(number)?, five_digits(count)?);
        (1..=count).contains(&number).then(|| Self { stem: stem.to_owned(), number, count })
    }

    fn name(&self, number: u32) -> String {
        format!("{}-{number:05}-of-{:05}.gguf", self.stem, self.count)
    }
}

/// A model that grows by one file after the other.
#[derive(Default)]
struct Building {
    model: Model,
    metadata: Map<String, Value>,
    names: HashSet<Arc<str>>,
    /// Elements and bytes of all tensors, for the bits of each.
    elements: u128,
    bytes: u128,
    tensors: u64,
}

impl Building {
    /// Adds a file. Its tensors lie `elsewhere` when it is not the file that leads.
    fn file(&mut self, source: &mut Source<'_>, budget: &mut Budget, elsewhere: bool) -> Result<()> {
        let header = header::read(source, budget)?;
        self.model.file_bytes = self.model.file_bytes.saturating_add(source.size());
        self.model.format_version.get_or_insert(i64::from(header.version));
        for key in &header.repeated_keys {
            self.model.notes.warn(key, "this key is there twice; the later value is used");
        }
        if header.big_endian {
            self.model.notes.info("", "numbers are stored with their most significant byte first");
        }
        for (key, value) in header.metadata {
            self.metadata.entry(key).or_insert(value);
        }
        let place = Place { data: header.data, alignment: header.alignment, elsewhere };
        // Where the next tensor begins, for those of unknown width.
        let mut starts: Vec<u64> = header.tensors.iter().map(|tensor| tensor.offset).collect();
        starts.sort_unstable();
        let mut needs = 0;
        for tensor in header.tensors {
            let next = starts.partition_point(|start| *start <= tensor.offset);
            let room = match starts.get(next) {
                Some(next) => next.saturating_sub(tensor.offset),
                None => source.size().saturating_sub(header.data.saturating_add(tensor.offset)),
            };
            needs = needs.max(self.tensor(source, tensor, room, &place)?);
        }
        if needs > source.size() {
            return Err(source.truncated(needs));
        }
        Ok(())
    }

    /// Adds a tensor with `room` bytes up to the next; gives where in the file it ends.
    fn tensor(&mut self, source: &Source<'_>, tensor: Tensor, room: u64, place: &Place) -> Result<u64> {
        let corrupt =
            |why: String| source.error(Some(tensor.record), &format!("tensor {}", tensor.name), Problem::Corrupt(why));
        let too_large = || corrupt("its dimensions multiply to more than 2^64 elements or bytes".to_owned());
        let elements = tensor.shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim));
        let elements = elements.ok_or_else(too_large)?;
        let kind = types::tensor_type(tensor.kind);
        let bytes = match kind {
            Some(kind) if kind.block.is_some() => {
                let bytes = kind.bytes(&tensor.shape).map_err(|(row, block)| {
                    let name = kind.name.to_uppercase();
                    corrupt(format!("its rows of {row} elements are no multiple of {name}'s block of {block}"))
                })?;
                bytes.ok_or_else(too_large)?
            }
            // Rows of some types have headers; of others not even the name is known. The file tells their size.
            _ => {
                let text = match kind {
                    Some(_) => "the bytes up to the next tensor are taken for its size",
                    None => "its type is not known; the bytes up to the next tensor are taken for its size",
                };
                self.model.notes.info(&tensor.name, text);
                room
            }
        };
        if !tensor.offset.is_multiple_of(place.alignment) {
            let text = format!("it does not begin at a multiple of {} bytes", place.alignment);
            self.model.notes.warn(&tensor.name, text);
        }
        let start = place.data.checked_add(tensor.offset).ok_or_else(|| source.truncated(u64::MAX))?;
        let name: Arc<str> = tensor.name.as_str().into();
        if !self.names.insert(name.clone()) {
            self.model.notes.warn(&name, "two tensors have this name; both are counted");
        }
        let storage = match place.elsewhere {
            true => Storage::Outside { file: base_name(source.name()).into(), offset: start, present: true },
            false => Storage::Inside { offset: start },
        };
        let plain = kind.and_then(|kind| kind.plain);
        let role = self.role(&tensor, elements, plain);
        let mut weight = Weight::new(plain.unwrap_or(DType::F32), tensor.shape, storage);
        weight.role = Some(role);
        if plain.is_none() {
            let name = kind.map_or_else(|| format!("ggml type {}", tensor.kind), |kind| kind.name.clone());
            weight.packing = Some(Packing { name: name.into(), bytes });
        }
        self.elements += u128::from(elements);
        self.bytes += u128::from(bytes);
        self.tensors += 1;
        self.model.add_weight(&name, weight);
        Ok(start.saturating_add(bytes))
    }

    /// Tables of rotary frequencies are computed from the configuration, and scales belong to quantisation;
    /// the statistics of an importance matrix are no weights either.
    fn role(&self, tensor: &Tensor, elements: u64, plain: Option<DType>) -> TensorRole {
        let name = tensor.name.as_str();
        let is_scale = elements == 1 && (name.ends_with(".scale") || name.ends_with(".input_scale"));
        let is_rotary = name.ends_with("rope_freqs.weight") || name.contains("rope_factors_");
        match plain {
            Some(dtype) if !dtype.is_float() => TensorRole::Setting,
            _ if is_scale || is_rotary || self.text("general.type") == Some("imatrix") => TensorRole::Buffer,
            _ => TensorRole::Parameter,
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.metadata.get(key)?.as_str()
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.metadata.get(key)?.as_u64()
    }

    fn note_shards(&mut self, count: u32, held: u32, missing: &[String]) {
        let notes = &mut self.model.notes;
        if !missing.is_empty() {
            let named = missing.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = if missing.len() > MOST_NAMED { ", …" } else { "" };
            let text = format!(
                "{held} of {count} files are there and are counted; choose the missing ones with them: {named}{more}"
            );
            notes.warn("", text);
        }
        if count > MOST_SHARDS {
            notes.warn("", format!("of {count} files only the first {MOST_SHARDS} are read"));
        }
        let stated = self.number("split.tensors.count");
        if let Some(stated) = stated.filter(|stated| missing.is_empty() && *stated != self.tensors) {
            let text = format!("the files state {stated} tensors together and hold {}", self.tensors);
            self.model.notes.warn("", text);
        }
    }

    fn finish(mut self, origin: &str) -> Model {
        self.model.format = "gguf".to_owned();
        self.model.weights_only = true;
        if self.tensors == 0 {
            self.model.notes.warn("", "the file holds no tensors, only metadata (a vocabulary, for example)");
        }
        self.model.properties = self.properties();
        let origin = base_name(origin).to_owned();
        self.model.hyperparameters = Some(Hyperparameters { dialect: Dialect::Gguf, origin, values: self.metadata });
        self.model
    }

    /// What people want to know of the file, in their words.
    fn properties(&self) -> Vec<(String, String)> {
        let mut properties = Vec::new();
        let mut add = |name: &str, text: String| {
            if !text.is_empty() {
                properties.push((name.to_owned(), crate::notes::clip(&text)));
            }
        };
        for (name, key) in [
            ("Name", "general.name"),
            ("Architecture", "general.architecture"),
            ("Kind", "general.type"),
            ("Adapter", "adapter.type"),
            ("Version", "general.version"),
            ("Size", "general.size_label"),
            ("Fine-tune", "general.finetune"),
        ] {
            add(name, self.text(key).unwrap_or_default().to_owned());
        }
        if let Some(number) = self.number("general.file_type") {
            add("Quantisation", types::file_type(number).map_or_else(|| format!("type {number}"), str::to_owned));
        }
        if self.elements > 0 {
            add("Bits per weight", format!("{:.2}", self.bytes as f64 * 8.0 / self.elements as f64));
        }
        for (name, key) in [
            ("Quantised by", "general.quantized_by"),
            ("Author", "general.author"),
            ("Organisation", "general.organization"),
            ("Licence", "general.license"),
            ("Licence name", "general.license.name"),
            ("Made from", "general.base_model.0.name"),
            ("Repository", "general.repo_url"),
            ("Source", "general.source.url"),
            ("Address", "general.url"),
        ] {
            add(name, self.text(key).unwrap_or_default().to_owned());
        }
        properties
    }
}

/// Where a file's tensors lie.
struct Place {
    data: u64,
    alignment: u64,
    elsewhere: bool,
}
