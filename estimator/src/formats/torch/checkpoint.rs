//! From what a pickle holds to the weights of a model: which of its dictionaries is the model, and what each tensor is.
//!
//! A file of PyTorch is whatever somebody saved: a module, a table of weights, or a table of such tables with an optimiser
//! beside them. The keys decide, by the lists here, and what was decided is said in a note.

use super::super::error::{Problem, ReadError};
use super::super::safetensors;
use super::calls;
use super::container::{Contents, Place};
use super::pickle::{Object, Tensor, Thing, Value};
use crate::model::{DType, Model, Packing, Storage, TensorRole, Weight};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

/// Most tensors, and bytes of their names.
const MOST_TENSORS: usize = 1_000_000;
const MOST_NAME_BYTES: usize = 32 << 20;
/// How deep containers and modules may nest.
const MOST_DEPTH: usize = 100;
/// Most facts that are shown of a checkpoint beside its weights.
const MOST_PROPERTIES: usize = 40;
/// Most things that are looked at, in all, to see in which parts of a checkpoint there are tensors.
const MOST_LOOKS: usize = 4_000_000;
/// Places past every file, for tensors whose own is not known.
const NOWHERE: u64 = 1 << 62;

/// Keys under which training programs keep the model, the surest first.
const MODEL_KEYS: &[&str] = &[
    "state_dict",
    "model_state_dict",
    "model_state",
    "model_dict",
    "model",
    "module",
    "net",
    "network",
    "net_state_dict",
    "params",
    "weights",
    "student",
];
/// What the names of an optimiser's tensors end in.
const OPTIMIZER_ENDS: &[&str] =
    &["exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "square_avg", "grad_avg"];

/// The role of each attribute of each class, where the file's code declares it (TorchScript).
pub(super) type Declared = HashMap<Rc<str>, HashMap<String, TensorRole>>;

/// In which part of a checkpoint a tensor was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Model,
    /// An averaged copy of the weights.
    Average,
    Optimizer,
    /// Neither: left out of every count.
    Aside,
}

/// A tensor and what it is called.
struct Found {
    name: String,
    index: u32,
    section: Section,
    role: Option<TensorRole>,
}

/// The model in a file whose shells are off.
///
/// # Errors
/// There is no tensor in it, or far too many.
pub(super) fn model(
    file: &str,
    file_bytes: u64,
    contents: &Contents,
    declared: Option<&Declared>,
) -> Result<Model, ReadError> {
    let mut model = Model {
        format: "torch".to_owned(),
        format_version: contents.version,
        file_bytes,
        weights_only: true,
        ..Model::default()
    };
    let fail = |problem| ReadError { file: file.to_owned(), offset: None, place: String::new(), problem };
    note_unknown(contents, declared.is_some(), &mut model);
    let mut walk = Walk {
        contents,
        declared,
        found: Vec::new(),
        visited: HashSet::new(),
        later: Vec::new(),
        name_bytes: 0,
        overflow: false,
    };
    for (name, value, section) in sections(contents, &mut model) {
        walk.value(&value, &name, section, None, 0);
    }
    for (name, value) in std::mem::take(&mut walk.later) {
        walk.value(&value, &name, Section::Aside, None, 0);
    }
    if walk.overflow {
        return Err(fail(Problem::OverLimit(format!("it names more than {MOST_TENSORS} tensors, or too long ones"))));
    }
    let found = walk.found;
    if found.is_empty() {
        let classes: Vec<&str> = contents.machine.unknown.keys().take(3).map(AsRef::as_ref).collect();
        let of = if classes.is_empty() { String::new() } else { format!(" (it holds {})", classes.join(", ")) };
        return Err(fail(Problem::NotAModel(format!("a Python pickle without tensors{of}"))));
    }
    model.properties.push(("container".to_owned(), contents.shell.to_owned()));
    add_properties(contents, &mut model);
    let names = buffer_names(contents);
    let mut adding = Adding::new(contents);
    for found in &found {
        let Some(Thing::Tensor(tensor)) = contents.machine.things.get(found.index as usize) else { continue };
        let role = match found.section {
            Section::Model if names.contains(found.name.as_str()) => Some(TensorRole::Buffer),
            Section::Model => found.role,
            Section::Optimizer => Some(TensorRole::OptimizerState),
            Section::Average | Section::Aside => Some(TensorRole::Setting),
        };
        adding.add(&mut model, found, tensor, role);
    }
    adding.finish(&mut model);
    note_prefixes(&found, &mut model);
    if !found.iter().any(|found| found.section == Section::Model) {
        let text = "the file holds no weights of a model, only what stands beside them in training; open the file of the model";
        model.notes.warn("", text);
    }
    Ok(model)
}

/// Says what the pickle asked for and did not get.
fn note_unknown(contents: &Contents, is_script: bool, model: &mut Model) {
    let unknown = &contents.machine.unknown;
    for name in unknown.keys().filter(|name| calls::is_dangerous(name)) {
        let text = "the file asks Python to call this when it is loaded; nothing of it is run here, \
                    but do not load the file in Python unless you trust where it comes from";
        model.notes.warn(name, text);
    }
    let own = |name: &str| is_script && name.starts_with("__torch__");
    let classes: Vec<&str> = unknown.keys().map(AsRef::as_ref).filter(|name| !own(name)).collect();
    if !classes.is_empty() {
        let shown = classes.iter().take(4).copied().collect::<Vec<_>>().join(", ");
        let more = if classes.len() > 4 { format!(" and {} more", classes.len() - 4) } else { String::new() };
        model.notes.info("", format!("holds Python objects of {shown}{more}, which are not run"));
    }
}

/// The parts of what was saved, with the name that their tensors begin with.
fn sections(contents: &Contents, model: &mut Model) -> Vec<(String, Value, Section)> {
    let machine = &contents.machine;
    let root = &contents.root;
    let entries = match machine.thing(root) {
        Some(Thing::Dict(entries)) => entries,
        _ => return vec![(String::new(), root.clone(), Section::Model)],
    };
    let named: Vec<(String, &Value)> = entries.iter().map(|(key, value)| (key_text(key), value)).collect();
    let is_tensor = |value: &Value| machine.tensor(value).is_some();
    let looks = Cell::new(MOST_LOOKS);
    let holds = |value: &Value| is_tensor(value) || holds_tensors(contents, value, &looks);
    let nested: Vec<&(String, &Value)> = named.iter().filter(|(_, value)| !is_tensor(value) && holds(value)).collect();
    if nested.is_empty() {
        return vec![(String::new(), root.clone(), Section::Model)];
    }
    let direct = named.len() - named.iter().filter(|(_, value)| !is_tensor(value)).count();
    let chosen = MODEL_KEYS.iter().find_map(|wanted| nested.iter().find(|(key, _)| key == wanted));
    // A table of weights may hold a small table among them; it is the model then, whatever that is called.
    let chosen = chosen.filter(|(_, value)| !matches!(machine.thing(value), Some(Thing::List(_))) || direct == 0);
    let averaged = nested.iter().find(|(key, _)| is_average(key) || (key == "teacher" && chosen.is_some()));
    let mut left_out = Vec::new();
    let mut parts = Vec::new();
    for (key, value) in &named {
        let is_chosen = chosen.is_some_and(|(chosen, _)| chosen == key);
        let is_averaged = averaged.is_some_and(|(average, _)| average == key);
        let section = match () {
            () if is_chosen => Section::Model,
            // Without the weights themselves their average is the model.
            () if is_averaged && chosen.is_none() && direct == 0 => Section::Model,
            () if is_average(key) || is_averaged => Section::Average,
            () if key.to_lowercase().contains("optim") => Section::Optimizer,
            // An optimiser's state dict by itself.
            () if key == "state" && named.iter().any(|(key, _)| key == "param_groups") => Section::Optimizer,
            () if chosen.is_some() || averaged.is_some() && direct == 0 || key.to_lowercase().contains("rng") => {
                Section::Aside
            }
            () => Section::Model,
        };
        if section == Section::Aside && holds(value) {
            left_out.push(key.as_str());
        }
        // The model's tensors are called as the model calls them.
        let name = if is_chosen || (is_averaged && section == Section::Model) { String::new() } else { key.clone() };
        parts.push((name, (*value).clone(), section));
    }
    match (chosen, averaged) {
        (Some((key, _)), _) => {
            model.notes.info("", format!("a training checkpoint: the model is what stands under '{key}'"));
        }
        (None, Some((key, _))) if direct == 0 => {
            model
                .notes
                .info("", format!("a checkpoint with averaged weights alone: the model is what stands under '{key}'"));
        }
        _ => {}
    }
    if !left_out.is_empty() {
        let keys = left_out.iter().take(5).map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ");
        model.notes.info("", format!("tensors under {keys} are no part of the model and are not counted"));
    }
    // The model first, whatever the order in the file: what it shares with others is the model's.
    parts.sort_by_key(|(_, _, section)| *section != Section::Model);
    parts
}

/// Whether a key is that of averaged weights.
fn is_average(key: &str) -> bool {
    let key = key.to_lowercase();
    key.split(['_', '.', '-']).any(|word| matches!(word, "ema" | "swa" | "averaged"))
}

/// Whether there is a tensor somewhere below.
fn holds_tensors(contents: &Contents, value: &Value, looks: &Cell<usize>) -> bool {
    let machine = &contents.machine;
    let mut seen = HashSet::new();
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        let Value::Thing(index) = value else { continue };
        looks.set(looks.get().saturating_sub(1));
        if looks.get() == 0 {
            return false;
        }
        if !seen.insert(*index) {
            continue;
        }
        match machine.things.get(*index as usize) {
            Some(Thing::Tensor(_)) => return true,
            Some(Thing::List(items)) => waiting.extend(items),
            Some(Thing::Dict(entries)) => waiting.extend(entries.iter().map(|(_, value)| value)),
            Some(Thing::Object(object)) => {
                waiting.extend(object.state.iter().chain(&object.arguments).chain(&object.items));
                waiting.extend(object.entries.iter().map(|(_, value)| value));
            }
            _ => {}
        }
    }
    false
}

/// A key as a part of a name.
fn key_text(key: &Value) -> String {
    match key {
        Value::Text(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => "?".to_owned(),
    }
}

/// What a checkpoint says beside its weights: epochs, steps, versions, settings.
fn add_properties(contents: &Contents, model: &mut Model) {
    let machine = &contents.machine;
    let Some(Thing::Dict(entries)) = machine.thing(&contents.root) else { return };
    let told = |value: &Value| match value {
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Text(text) => Some(crate::notes::clip(text)),
        _ => None,
    };
    for (key, value) in entries.iter().take(1000) {
        let key = key_text(key);
        if let Some(text) = told(value) {
            model.properties.push((crate::notes::clip(&key), text));
        } else if matches!(key.as_str(), "hyper_parameters" | "hparams" | "config" | "args" | "train_args" | "dims") {
            let inner = match machine.thing(value) {
                Some(Thing::Object(Object { state: Some(state), entries, .. })) if entries.is_empty() => {
                    machine.entries(state)
                }
                _ => machine.entries(value),
            };
            for (name, value) in inner.iter().take(MOST_PROPERTIES) {
                if let Some(text) = told(value) {
                    model.properties.push((crate::notes::clip(&format!("{key}.{}", key_text(name))), text));
                }
            }
        }
        if model.properties.len() >= MOST_PROPERTIES {
            break;
        }
    }
}

/// The names that DeepSpeed lists as buffers beside the module.
fn buffer_names(contents: &Contents) -> HashSet<&str> {
    let machine = &contents.machine;
    let names = machine.get(&contents.root, "buffer_names").map(|list| machine.items(list)).unwrap_or_default();
    names.iter().filter_map(|name| if let Value::Text(text) = name { Some(text.as_ref()) } else { None }).collect()
}

/// What a tensor of a table of weights is, by its name, type and shape.
///
/// Integers that stand beside the weights are buffers, as in the modules that they come from.
fn role_of(name: &str, tensor: &Tensor, weight: &Weight) -> TensorRole {
    let last = name.rsplit('.').next().unwrap_or(name);
    if OPTIMIZER_ENDS.contains(&last) {
        return TensorRole::OptimizerState;
    }
    if tensor.is_parameter || tensor.packed.is_some() {
        return TensorRole::Parameter;
    }
    match safetensors::role(name, weight) {
        TensorRole::Setting => TensorRole::Buffer,
        role => role,
    }
}

/// Says which wrappers left their name in front of every tensor's.
fn note_prefixes(found: &[Found], model: &mut Model) {
    let mut names = found.iter().filter(|found| found.section == Section::Model).peekable();
    for (prefix, wrapper) in [
        ("module.", "data-parallel training puts in front"),
        ("_orig_mod.", "torch.compile puts in front"),
        ("_fsdp_wrapped_module.", "fully sharded training puts in front"),
    ] {
        if names.peek().is_some() && names.clone().all(|found| found.name.starts_with(prefix)) {
            model
                .notes
                .info("", format!("every name begins with '{prefix}', which {wrapper}; names are kept as they are"));
        }
    }
}

/// The walk through containers and modules.
struct Walk<'a> {
    contents: &'a Contents,
    declared: Option<&'a Declared>,
    found: Vec<Found>,
    visited: HashSet<u32>,
    /// Attributes of modules that are neither parameters, buffers nor modules: looked at when those are done.
    later: Vec<(String, Value)>,
    name_bytes: usize,
    overflow: bool,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, name: &str, section: Section, role: Option<TensorRole>, depth: usize) {
        let Value::Thing(index) = value else { return };
        let contents = self.contents;
        let Some(thing) = contents.machine.things.get(*index as usize) else { return };
        if let Thing::Tensor(_) = thing {
            self.tensor(*index, name, section, role);
            return;
        }
        if depth > MOST_DEPTH || !self.visited.insert(*index) {
            return;
        }
        match thing {
            Thing::Dict(entries) => self.entries(entries, name, section, role, depth),
            Thing::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if matches!(item, Value::Thing(_)) {
                        self.value(item, &join(name, &index.to_string()), section, role, depth + 1);
                    }
                }
            }
            Thing::Object(object) => self.object(object, name, section, role, depth),
            _ => {}
        }
    }

    fn tensor(&mut self, index: u32, name: &str, section: Section, role: Option<TensorRole>) {
        // Latent diffusion keeps the averaged weights among the others.
        let section = match section {
            Section::Model if name.starts_with("model_ema.") || name.starts_with("ema_model.") => Section::Average,
            section => section,
        };
        let name = if name.is_empty() { "tensor" } else { name };
        self.name_bytes += name.len();
        if self.found.len() >= MOST_TENSORS || self.name_bytes > MOST_NAME_BYTES {
            self.overflow = true;
            return;
        }
        self.found.push(Found { name: name.to_owned(), index, section, role });
    }

    fn entries(
        &mut self,
        entries: &[(Value, Value)],
        name: &str,
        section: Section,
        role: Option<TensorRole>,
        depth: usize,
    ) {
        for (key, value) in entries {
            if self.overflow {
                return;
            }
            if matches!(value, Value::Thing(_)) {
                self.value(value, &join(name, &key_text(key)), section, role, depth + 1);
            }
        }
    }

    fn object(&mut self, object: &Object, name: &str, section: Section, role: Option<TensorRole>, depth: usize) {
        self.entries(&object.entries, name, section, role, depth);
        for (index, item) in object.items.iter().enumerate() {
            self.value(item, &join(name, &index.to_string()), section, role, depth + 1);
        }
        let machine = &self.contents.machine;
        let declared = self.declared.and_then(|declared| declared.get(&object.class));
        let Some(state) = &object.state else {
            if let Some(arguments) = &object.arguments {
                self.value(arguments, name, section, role, depth + 1);
            }
            return;
        };
        // A pair of dictionaries: attributes and slots.
        let states: Vec<Value> = match machine.thing(state) {
            Some(Thing::List(items)) if declared.is_none() && items.len() <= 2 => items.clone(),
            _ => vec![state.clone()],
        };
        let is_module = states
            .iter()
            .any(|state| machine.get(state, "_parameters").is_some() && machine.get(state, "_modules").is_some());
        let packed = object.class.starts_with("__torch__.torch.classes.");
        for state in &states {
            if packed || !matches!(machine.thing(state), Some(Thing::Dict(_))) {
                let role = if packed { Some(TensorRole::Parameter) } else { role };
                self.value(state, name, section, role, depth + 1);
                continue;
            }
            if !self.is_first(state) {
                continue;
            }
            for (key, value) in machine.entries(state) {
                let key = key_text(key);
                match key.as_str() {
                    "_parameters" if is_module => self.group(value, name, section, TensorRole::Parameter, depth),
                    "_buffers" if is_module => self.group(value, name, section, TensorRole::Buffer, depth),
                    "_modules" if is_module => {
                        if self.is_first(value) {
                            self.entries(machine.entries(value), name, section, None, depth);
                        }
                    }
                    _ if is_module => self.put_off(&join(name, &key), value),
                    _ => match declared {
                        Some(roles) if machine.tensor(value).is_some() => match roles.get(&key) {
                            Some(role) => self.value(value, &join(name, &key), section, Some(*role), depth + 1),
                            None => self.put_off(&join(name, &key), value),
                        },
                        Some(_) if matches!(machine.thing(value), Some(Thing::Object(_))) => {
                            self.value(value, &join(name, &key), section, None, depth + 1);
                        }
                        Some(_) => self.put_off(&join(name, &key), value),
                        None => self.value(value, &join(name, &key), section, role, depth + 1),
                    },
                }
            }
        }
    }

    /// The parameters or the buffers of a module.
    fn group(&mut self, group: &Value, name: &str, section: Section, role: TensorRole, depth: usize) {
        if self.is_first(group) {
            self.entries(self.contents.machine.entries(group), name, section, Some(role), depth);
        }
    }

    /// Whether a container is met for the first time: none is walked twice, so that a walk ends.
    fn is_first(&mut self, value: &Value) -> bool {
        match value {
            Value::Thing(index) => self.visited.insert(*index),
            _ => false,
        }
    }

    fn put_off(&mut self, name: &str, value: &Value) {
        if matches!(value, Value::Thing(_)) && self.later.len() < MOST_TENSORS && self.name_bytes < MOST_NAME_BYTES {
            self.name_bytes += name.len();
            self.later.push((name.to_owned(), value.clone()));
        }
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// Tensors becoming weights.
struct Adding<'a> {
    contents: &'a Contents,
    /// For each storage: its bytes, and the bytes of its tensors, each once.
    storages: BTreeMap<Rc<str>, (u64, u64)>,
    met: HashSet<(u64, u64)>,
    /// For each key of a storage, the first thing that mentions it.
    first_mentions: HashMap<&'a str, u32>,
    averages: (u64, u64),
    aside: (u64, u64),
    without_data: u64,
    missing: u64,
}

impl<'a> Adding<'a> {
    fn new(contents: &'a Contents) -> Self {
        let mut first_mentions = HashMap::new();
        for (index, thing) in (0u32..).zip(&contents.machine.things) {
            if let Thing::Storage(storage) = thing {
                first_mentions.entry(storage.key.as_ref()).or_insert(index);
            }
        }
        Self {
            contents,
            first_mentions,
            storages: BTreeMap::new(),
            met: HashSet::new(),
            averages: (0, 0),
            aside: (0, 0),
            without_data: 0,
            missing: 0,
        }
    }

    fn add(&mut self, model: &mut Model, found: &Found, tensor: &Tensor, role: Option<TensorRole>) {
        let dtype = match tensor.dtype {
            Some(dtype) => dtype,
            None => {
                model.notes.warn(&found.name, "its element type is not known; bytes are taken");
                DType::U8
            }
        };
        let offset = self.offset(found, tensor, dtype);
        let mut weight = Weight::new(dtype, tensor.shape.clone(), Storage::Inside { offset });
        weight.stored_elements = tensor.stored;
        weight.role = Some(role.unwrap_or_else(|| role_of(&found.name, tensor, &weight)));
        if let Some((class, inner)) = &tensor.packed {
            let bytes = inner.iter().filter_map(|index| self.inner_bytes(*index)).fold(0, u64::saturating_add);
            let name = class.rsplit('.').next().unwrap_or(class);
            weight.packing = Some(Packing { name: name.into(), bytes });
        }
        let Some(elements) = weight.elements() else {
            model.notes.warn(&found.name, "its number of elements does not fit 64 bits");
            model.add_weight(&found.name, weight);
            return;
        };
        let bytes = weight.bytes().unwrap_or(u64::MAX);
        let first = self.met.insert((offset, bytes));
        match found.section {
            Section::Average if first => {
                self.averages = (self.averages.0 + 1, self.averages.1.saturating_add(elements))
            }
            Section::Aside if first => self.aside = (self.aside.0 + 1, self.aside.1.saturating_add(elements)),
            _ => {}
        }
        // Those were counted for a note, and are no weights of the model.
        if matches!(found.section, Section::Average | Section::Aside) {
            return;
        }
        if let Some((index, start)) = tensor.storage {
            self.check_storage(model, found, tensor, index, start, dtype, if first { bytes } else { 0 });
        }
        model.add_weight(&found.name, weight);
    }

    /// Where the tensor begins, as far as it can be told: the same place is the same tensor.
    fn offset(&mut self, found: &Found, tensor: &Tensor, dtype: DType) -> u64 {
        match (tensor.storage, tensor.blob) {
            (Some((index, first)), _) => {
                let storage = self.contents.machine.storage(index);
                let place = storage.and_then(|storage| self.contents.places.get(&storage.key));
                let start = match place {
                    Some(Place { offset, .. }) => *offset,
                    None => NOWHERE + u64::from(self.first_of_key(index)) * (1 << 32),
                };
                start.saturating_add(first.saturating_mul(dtype.bits() / 8))
            }
            (None, Some(blob)) => self.contents.base.saturating_add(blob.at),
            (None, None) => {
                self.without_data += u64::from(tensor.packed.is_none() && !tensor.is_elsewhere);
                NOWHERE.saturating_mul(2).saturating_add(u64::from(found.index))
            }
        }
    }

    /// A storage without a place in the file is told by the first mention of its key.
    fn first_of_key(&self, index: u32) -> u32 {
        let key = self.contents.machine.storage(index).map(|storage| storage.key.as_ref());
        key.and_then(|key| self.first_mentions.get(key).copied()).unwrap_or(index)
    }

    fn inner_bytes(&self, index: u32) -> Option<u64> {
        let Some(Thing::Tensor(tensor)) = self.contents.machine.things.get(index as usize) else { return None };
        let elements = tensor.shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim))?;
        tensor.dtype?.bytes(elements)
    }

    #[allow(clippy::too_many_arguments)]
    fn check_storage(
        &mut self,
        model: &mut Model,
        found: &Found,
        tensor: &Tensor,
        index: u32,
        start: u64,
        dtype: DType,
        bytes: u64,
    ) {
        let Some(storage) = self.contents.machine.storage(index) else { return };
        let held = storage.dtype.map_or(Some(storage.elements), |dtype| dtype.bytes(storage.elements));
        let held = held.unwrap_or(u64::MAX);
        let place = self.contents.places.get(&storage.key);
        if !self.contents.places.is_empty() {
            match place {
                None => self.missing += 1,
                Some(Place { bytes: Some(in_file), .. }) if *in_file < held => {
                    let text = format!("its storage should have {held} bytes and has {in_file}");
                    model.notes.warn(&found.name, text);
                }
                _ => {}
            }
        }
        // The last element: sizes and strides say how far it is from the first.
        let steps = tensor.shape.iter().zip(&tensor.strides).try_fold(0u64, |sum, (dim, stride)| {
            sum.checked_add(dim.saturating_sub(1).checked_mul(u64::try_from(*stride).ok()?)?)
        });
        let is_empty = tensor.shape.contains(&0);
        let end = steps.and_then(|steps| steps.checked_add(start)?.checked_add(1)?.checked_mul(dtype.bits() / 8));
        if !is_empty && tensor.strides.len() == tensor.shape.len() && end.is_none_or(|end| end > held) {
            model.notes.warn(&found.name, "it reaches past the end of its storage");
        }
        let sums = self.storages.entry(Rc::clone(&storage.key)).or_insert((held, 0));
        sums.1 = sums.1.saturating_add(bytes);
    }

    fn finish(self, model: &mut Model) {
        let (held, used) = self.storages.values().fold((0u64, 0u64), |(held, used), (bytes, of)| {
            (held.saturating_add(*bytes), used.saturating_add((*of).min(*bytes)))
        });
        let unused = held.saturating_sub(used);
        // A tenth is more than alignment and odd ends.
        if unused > held / 10 && unused > 4096 {
            let text = format!(
                "{unused} bytes of the file belong to no tensor: views were saved with the whole of what they are views of"
            );
            model.notes.info("", text);
        }
        let overlapping = self.storages.values().filter(|(bytes, of)| of > bytes).count();
        if overlapping > 0 {
            let text = format!("tensors overlap in {overlapping} storages; each is counted in full");
            model.notes.warn("", text);
        }
        if self.averages.0 > 0 {
            let (tensors, elements) = self.averages;
            model.notes.info(
                "",
                format!("an averaged copy of the weights ({tensors} tensors, {elements} elements) is not counted"),
            );
        }
        if self.aside.0 > 0 {
            let (tensors, elements) = self.aside;
            let text = format!(
                "{tensors} tensors ({elements} elements) are neither parameters nor buffers and are not counted"
            );
            model.notes.info("", text);
        }
        if self.without_data > 0 {
            let text = format!("{} tensors stand in the file without their numbers", self.without_data);
            model.notes.warn("", text);
        }
        if self.missing > 0 {
            let text = format!("the numbers of {} tensors are not in the file", self.missing);
            model.notes.warn("", text);
        }
    }
}
