//! Keras: `.keras` archives and HDF5 files of every generation, with their layers, and HDF5 files of weights alone,
//! one or several that a list names.
//!
//! `hdf5` reads the tree of an HDF5 file by its headers, `layers` makes a graph of the configuration's layers,
//! `older` says layers of Keras 1 in today's words, and this module brings weights and layers together.
//! What a layer gives out and what it costs is the business of `shapes` and `cost`.

mod hdf5;
mod layers;
mod older;
#[cfg(test)]
mod tests;

use super::archive::Archive;
use super::budget::MOST_DEPTH;
use super::error::{Problem, ReadError};
use super::files::{Files, base_name, beside};
use super::sniff::Look;
use super::source::Source;
use crate::model::{DType, Model, Storage, TensorRole, ValueId, Weight};
use hdf5::{Hdf5, Object};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

type Result<T> = std::result::Result<T, ReadError>;

/// What the weights are called in an archive.
const WEIGHTS: &str = "model.weights.h5";
/// Largest configuration of an archive, in bytes.
const LARGEST_CONFIG: u64 = 8 << 20;
/// Largest file of weights that is unpacked; Keras itself stores them as they are.
const LARGEST_PACKED: u64 = 48 << 20;
/// Most weights.
const MOST_WEIGHTS: usize = 200_000;

/// Whether it is an HDF5 file or a Keras archive.
pub(super) fn recognises(look: &Look) -> bool {
    let has = |name: &str| look.entries.iter().any(|entry| entry == name);
    is_shard_list(look)
        || look.has(0, hdf5::SIGNATURE)
        || has(WEIGHTS) && has("config.json")
        || has("metadata.json") && has("config.json")
}

/// Whether it is the list of the files that hold a model's weights.
fn is_shard_list(look: &Look) -> bool {
    let has = |text: &str| look.beginning.windows(text.len()).any(|window| window == text.as_bytes());
    look.first_letter() == Some(b'{') && has("\"weight_map\"") && has(".weights.h5\"")
}

/// Weights in several files, `…_00000.weights.h5` and so on, which a list names.
fn shards(files: &Files<'_>, mut source: Source<'_>) -> Result<Model> {
    let length = usize::try_from(source.size()).unwrap_or(usize::MAX);
    if source.size() > LARGEST_CONFIG {
        let what = format!("the list has {length} bytes, and at most {LARGEST_CONFIG} are read");
        return Err(source.error(None, "", Problem::OverLimit(what)));
    }
    let text = String::from_utf8_lossy(&source.stretch(0, length)?).into_owned();
    let list = parse(&source, "weight_map", &text)?;
    let Some(map) = list.get("weight_map").and_then(Value::as_object) else {
        return Err(source.error(None, "weight_map", Problem::Corrupt("it lists no weights".to_owned())));
    };
    let names = |value: &Value| -> Vec<String> {
        let texts = value.as_array().map_or_else(|| vec![value], |items| items.iter().collect());
        texts.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let shards: BTreeSet<String> = map.values().flat_map(names).take(MOST_SHARDS).collect();
    let mut model = Model { format: "keras".to_owned(), file_bytes: source.size(), ..Model::default() };
    let (mut tree, mut missing) = (Tree::default(), Vec::new());
    for shard in &shards {
        // A name that leads out of the folder is none of these files.
        let Some(mut part) = files.find(&beside(source.name(), base_name(shard)))? else {
            missing.push(shard.as_str());
            continue;
        };
        model.file_bytes = model.file_bytes.saturating_add(part.size());
        let (held, file) = (model.graph.weights.len(), Arc::from(part.name()));
        weights(&mut part, &mut model, &mut tree)?;
        let added: Vec<ValueId> = model.graph.weights.get(held..).unwrap_or_default().to_vec();
        for id in added {
            let weight = model.values.get_mut(id.0 as usize).and_then(|value| value.weight.as_mut());
            if let Some(Weight { storage, .. }) = weight
                && let Storage::Inside { offset } = *storage
            {
                *storage = Storage::Outside { file: Arc::clone(&file), offset, present: true };
            }
        }
    }
    if model.graph.weights.is_empty() {
        let names = crate::notes::clip(&missing.join(", "));
        let why = format!("none of the files that it lists is beside it ({names})");
        return Err(source.error(None, "weight_map", Problem::Unreadable(why)));
    }
    if !missing.is_empty() {
        let text = format!("{} of {} files are missing: {}", missing.len(), shards.len(), missing.join(", "));
        model.notes.warn("", text);
    }
    finish(&source, model, None, &tree)
}

/// Most files of one model's weights.
const MOST_SHARDS: usize = 10_000;

/// Reads a model.
///
/// # Errors
/// The file is cut off, contradicts itself, or is over a limit.
pub(super) fn read(files: &Files<'_>, mut source: Source<'_>) -> Result<Model> {
    if !matches!(source.byte(0)?, 0x89 | b'P') {
        return shards(files, source);
    }
    if source.stretch(0, 4)? == b"PK\x03\x04" {
        return archive(source);
    }
    let mut tree = Tree::default();
    let mut model = Model { format: "keras".to_owned(), file_bytes: source.size(), ..Model::default() };
    let facts = weights(&mut source, &mut model, &mut tree)?;
    if let Some(version) = &facts.keras_version {
        model.producer = format!("Keras {version}");
    }
    let config = match &facts.model_config {
        Some(text) => Some(parse(&source, "model_config", text)?),
        None => None,
    };
    if config.is_none() && facts.keras_version.is_none() && !facts.has_layer_names && tree.child("layers").is_none() {
        model.format = "hdf5".to_owned();
        model.notes.info("", "an HDF5 file without a Keras model: its datasets are taken for weights");
    }
    finish(&source, model, config.as_ref(), &tree)
}

/// A `.keras` archive: the configuration, the metadata and a file of weights.
fn archive(mut source: Source<'_>) -> Result<Model> {
    let file_bytes = source.size();
    let name = source.name().to_owned();
    let mut model = Model { format: "keras".to_owned(), file_bytes, ..Model::default() };
    let mut zip = Archive::open(source.again())?;
    let config = zip.bytes("config.json", LARGEST_CONFIG)?;
    let metadata = zip.bytes("metadata.json", LARGEST_CONFIG).ok();
    let entry = zip.entries().iter().find(|entry| entry.name == WEIGHTS).cloned();
    let sharded = zip.entries().iter().any(|entry| entry.name.starts_with("model.weights.json"));
    let mut packed = None;
    if let Some(entry) = entry.as_ref().filter(|entry| !entry.in_place) {
        packed = Some(zip.bytes(&entry.name, LARGEST_PACKED)?);
    }
    drop(zip);
    let config: Value = serde_json::from_slice(&config)
        .map_err(|error| source.error(None, "config.json", Problem::Corrupt(format!("it is no JSON: {error}"))))?;
    if let Some(metadata) = metadata.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()) {
        if let Some(version) = metadata.get("keras_version").and_then(Value::as_str) {
            model.producer = format!("Keras {}", crate::notes::clip(version));
        }
        if let Some(date) = metadata.get("date_saved").and_then(Value::as_str) {
            model.properties.push(("Saved".to_owned(), crate::notes::clip(date)));
        }
    }
    let mut tree = Tree::default();
    let mut part = match (&entry, packed) {
        (Some(_), Some(bytes)) => Source::new(&format!("{name}/{WEIGHTS}"), std::io::Cursor::new(bytes))?,
        (Some(entry), None) => Archive::open(source)?.into_part(entry)?,
        (None, _) => {
            let why =
                if sharded { "are in several files, which this archive only names" } else { "are not in the archive" };
            model.notes.warn("", format!("the weights {why}; only the layers are looked at"));
            return finish(&source, model, Some(&config), &tree);
        }
    };
    weights(&mut part, &mut model, &mut tree)?;
    finish(&part, model, Some(&config), &tree)
}

fn parse(source: &Source<'_>, place: &str, text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|error| source.error(None, place, Problem::Corrupt(format!("it is no JSON: {error}"))))
}

/// Builds the graph of a configuration that another format keeps beside its weights; these are named by their layer.
///
/// # Errors
/// As [`read`].
pub(super) fn with_layers(source: &Source<'_>, model: Model, config: &Value) -> Result<Model> {
    let mut tree = Tree::default();
    for id in &model.graph.weights {
        tree.add(model.name(*id), *id);
    }
    finish(source, model, Some(config), &tree)
}

/// Builds the graph, if the configuration lists layers.
fn finish(source: &Source<'_>, mut model: Model, config: Option<&Value>, tree: &Tree) -> Result<Model> {
    let class = config.and_then(|config| config.get("class_name")).and_then(Value::as_str);
    match config.filter(|config| layers::lists_layers(config)) {
        Some(config) => layers::build(source, &mut model, config, tree.child("model_weights").unwrap_or(tree))?,
        None => {
            model.weights_only = true;
            statistics(&mut model);
            if let Some(class) = class {
                let class = crate::notes::clip(class);
                model.properties.push(("Class".to_owned(), class.clone()));
                model.notes.info("", format!("the configuration names the class {class} and not its layers"));
            }
            if model.graph.weights.is_empty() {
                let what = "an HDF5 or Keras file without weights and without layers".to_owned();
                return Err(source.error(None, "", Problem::NotAModel(what)));
            }
        }
    }
    Ok(model)
}

/// Weights by the groups that they lie in.
#[derive(Debug, Default)]
pub(super) struct Tree {
    children: BTreeMap<String, Tree>,
    weights: Vec<ValueId>,
}

impl Tree {
    fn child(&self, name: &str) -> Option<&Tree> {
        self.children.get(name)
    }

    /// A group by its path; names of layers may hold slashes, which HDF5 takes for groups.
    fn at(&self, path: &str) -> Option<&Tree> {
        path.split('/').try_fold(self, |tree, name| tree.child(name))
    }

    fn add(&mut self, path: &str, id: ValueId) {
        // The last part is the weight's own name.
        let groups = path.rsplit_once('/').map_or("", |(groups, _)| groups);
        let mut tree = self;
        for name in groups.split('/').filter(|name| !name.is_empty()) {
            tree = tree.children.entry(name.to_owned()).or_default();
        }
        tree.weights.push(id);
    }

    /// All weights in it, those of groups whose names `keep` refuses left out.
    fn all(&self, keep: &dyn Fn(&str) -> bool) -> Vec<ValueId> {
        let mut found = Vec::new();
        self.collect(keep, &mut found);
        found
    }

    fn collect(&self, keep: &dyn Fn(&str) -> bool, found: &mut Vec<ValueId>) {
        found.extend(&self.weights);
        for (name, child) in &self.children {
            if keep(name) {
                child.collect(keep, found);
            }
        }
    }
}

/// What the file says of itself.
#[derive(Debug, Default)]
struct Facts {
    keras_version: Option<String>,
    model_config: Option<String>,
    has_layer_names: bool,
}

impl Facts {
    fn note(&mut self, object: &Object) {
        let text = |name: &str| object.text(name).map(str::to_owned);
        self.keras_version = self.keras_version.take().or_else(|| text("keras_version"));
        self.model_config = self.model_config.take().or_else(|| text("model_config"));
        self.has_layer_names |= object.texts("layer_names").is_some();
    }
}

/// Adds every dataset of an HDF5 file as a weight.
fn weights(source: &mut Source<'_>, model: &mut Model, tree: &mut Tree) -> Result<Facts> {
    let mut facts = Facts::default();
    let wanted = |name: &str| {
        name == "keras_version" || name == "model_config" || name == "dtype" || name.starts_with("layer_names")
    };
    let mut file = Hdf5::open(source)?;
    let root = file.object(file.root, &wanted)?;
    facts.note(&root);
    let mut open: Vec<(String, u64, u32)> = Vec::new();
    let mut met = HashSet::from([file.root]);
    let mut is_filtered = false;
    let push = |open: &mut Vec<(String, u64, u32)>, path: &str, object: &Object, depth: u32| {
        for (name, address) in object.links.iter().rev() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            open.push((path, *address, depth + 1));
        }
    };
    push(&mut open, "", &root, 0);
    while let Some((path, address, depth)) = open.pop() {
        let object = file.object(address, &wanted)?;
        match &object.dataset {
            Some(dataset) => {
                is_filtered |= dataset.is_filtered;
                if model.graph.weights.len() >= MOST_WEIGHTS {
                    return Err(too_many(source));
                }
                // Keras keeps bfloat16 as 16-bit integers and says so beside it.
                let stated = object.text("dtype").and_then(layers::dtype);
                let Some(dtype) = stated.or(dataset.dtype) else {
                    model.notes.info(&path, "its elements are no numbers; it is left out");
                    continue;
                };
                let mut weight = Weight::new(dtype, dataset.shape.clone(), Storage::Inside { offset: address });
                // Matrices of bytes are quantised weights.
                let is_quantised = matches!(dtype, DType::I8 | DType::U8) && dataset.shape.len() >= 2;
                weight.role = Some(match role(&path, dtype) {
                    TensorRole::Setting if is_quantised && path.contains("/vars/") => TensorRole::Parameter,
                    role => role,
                });
                let id = model.add_weight(path.strip_prefix("model_weights/").unwrap_or(&path), weight);
                tree.add(&path, id);
            }
            None => {
                if matches!(path.as_str(), "model_weights") {
                    facts.note(&object);
                }
                // A group may be linked twice, and even from within.
                if met.insert(address) && depth < MOST_DEPTH {
                    push(&mut open, &path, &object, depth);
                }
            }
        }
    }
    if is_filtered {
        model.notes.info("", "datasets are packed in the file; their sizes are those unpacked");
    }
    Ok(facts)
}

/// Without layers it takes the name of a group to tell a batch norm: `batch_normalization_3/vars/2`.
/// Keras numbers its variables, and the last two are the running mean and variance.
fn statistics(model: &mut Model) {
    let mut groups: BTreeMap<String, Vec<(u64, ValueId)>> = BTreeMap::new();
    for id in &model.graph.weights {
        let Some((group, number)) = model.name(*id).rsplit_once("/vars/") else { continue };
        let layer = group.rsplit('/').next().unwrap_or_default();
        let rest = layer.strip_prefix("batch_normalization");
        let is_norm = rest.is_some_and(|rest| rest.chars().all(|letter| letter == '_' || letter.is_ascii_digit()));
        if let Some(number) = number.parse().ok().filter(|_| is_norm) {
            groups.entry(group.to_owned()).or_default().push((number, *id));
        }
    }
    for mut variables in groups.into_values() {
        variables.sort_unstable();
        for (_, id) in variables.into_iter().rev().take(2) {
            let value = usize::try_from(id.0).ok().and_then(|place| model.values.get_mut(place));
            match value.and_then(|value| value.weight.as_mut()) {
                Some(weight) if weight.role == Some(TensorRole::Parameter) => weight.role = Some(TensorRole::Buffer),
                _ => {}
            }
        }
    }
}

fn too_many(source: &Source<'_>) -> ReadError {
    source.error(None, "", Problem::OverLimit(format!("it has more than {MOST_WEIGHTS} datasets")))
}

/// What a dataset is by the names of its groups and its own. Layers that keep statistics are told by `layers`.
fn role(path: &str, dtype: DType) -> TensorRole {
    let first = path.split('/').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let bare = name.split(':').next().unwrap_or_default();
    if matches!(first, "optimizer_weights" | "optimizer") {
        return TensorRole::OptimizerState;
    }
    if matches!(first, "_metrics" | "metrics") || path.contains("seed_generator") || path.contains("_random_generator")
    {
        return TensorRole::Setting;
    }
    match bare {
        "moving_mean" | "moving_variance" | "running_mean" | "running_std" | "moving_mean_and_variance" => {
            TensorRole::Buffer
        }
        _ if dtype.is_float() => TensorRole::Parameter,
        _ => TensorRole::Setting,
    }
}
