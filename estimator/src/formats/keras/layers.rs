//! The configuration's layers as a graph: functional models, sequences of layers, models in models, shared layers.
//!
//! Every call of a layer is a node of the domain `keras`, named by its class. Its inputs are the tensors that it is given
//! (how many, the attribute `data_inputs` says) and behind them the layer's weights.
//! Layers that wrap others are spelled out: `Bidirectional` as two layers and what joins them,
//! `TimeDistributed` as its layer between `MergeTime`, which takes the steps for more of the batch, and `SplitTime`.

use super::{Result, Tree, older};
use crate::formats::budget::{Budget, MOST_DEPTH};
use crate::formats::error::{Problem, ReadError};
use crate::formats::source::Source;
use crate::model::{
    Attribute, DType, DeclaredDim, DeclaredType, Model, Node, TensorRole, Value as ModelValue, ValueId,
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Most calls of layers, those in shared models counted at every call.
const MOST_NODES: usize = 100_000;
/// How often the layers of one model are gone through for those whose inputs are ready. Files list them in order.
const MOST_PASSES: usize = 64;
/// Longest list of integers among the attributes, and longest text.
const MOST_INTS: usize = 256;
const LONGEST_TEXT: usize = 200;
/// Deepest structure of arguments that is searched for tensors.
const MOST_STRUCTURE: u32 = 16;
/// Most outputs of one call.
const MOST_OUTPUTS: u64 = 256;

/// Whether a configuration says which layers there are.
pub(super) fn lists_layers(config: &Value) -> bool {
    layer_list(config).is_some_and(|layers| !layers.is_empty())
}

/// The layers of a model's configuration; Keras 1 listed those of a sequence without anything around.
fn layer_list(model: &Value) -> Option<&Vec<Value>> {
    let config = model.get("config")?;
    config.as_array().or_else(|| config.get("layers")?.as_array())
}

/// The element type that Keras calls so.
pub(super) fn dtype(name: &str) -> Option<DType> {
    Some(match name {
        "float64" => DType::F64,
        "float32" => DType::F32,
        "float16" | "mixed_float16" => DType::F16,
        "bfloat16" | "mixed_bfloat16" => DType::Bf16,
        "float8_e4m3fn" => DType::F8E4M3,
        "float8_e5m2" => DType::F8E5M2,
        "int64" => DType::I64,
        "int32" => DType::I32,
        "int16" => DType::I16,
        "int8" => DType::I8,
        "uint64" => DType::U64,
        "uint32" => DType::U32,
        "uint16" => DType::U16,
        "uint8" => DType::U8,
        "bool" => DType::Bool,
        "string" => DType::Text,
        _ => return None,
    })
}

/// Builds the graph of a model.
///
/// # Errors
/// The configuration contradicts itself or is over a limit.
pub(super) fn build(source: &Source<'_>, model: &mut Model, config: &Value, tree: &Tree) -> Result<()> {
    let name = config.pointer("/config/name").and_then(Value::as_str).unwrap_or("model");
    let mut builder = Builder { source, model, budget: Budget::default(), nodes: 0 };
    let scope = Scope { path: "", tree: Some(tree), depth: 0 };
    let outputs = builder.network(config, None, &scope)?;
    builder.model.graph.name = name.into();
    builder.model.graph.outputs = outputs;
    if builder.model.graph.nodes.is_empty() {
        builder.model.notes.warn("", "the model has no layers that compute");
    }
    Ok(())
}

/// One tensor that a layer is given: the layer that made it, at which of its calls, and which of its outputs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Reference<'c> {
    layer: &'c str,
    call: u64,
    output: u64,
}

/// What a reference of Keras 3 says of the tensor.
#[derive(Debug, Clone, Copy)]
struct Stated<'c> {
    shape: Option<&'c Value>,
    dtype: Option<&'c str>,
}

/// Where a model stands in the one that is read.
#[derive(Clone, Copy)]
struct Scope<'t> {
    /// The models around it, joined by `/`.
    path: &'t str,
    /// The weights of its layers, if they were found.
    tree: Option<&'t Tree>,
    depth: u32,
}

impl<'t> Scope<'t> {
    fn name(&self, layer: &str) -> String {
        if self.path.is_empty() { layer.to_owned() } else { format!("{}/{layer}", self.path) }
    }

    /// The weights of a layer. Files of Keras 3 call it after its class and count those of one class;
    /// older ones after its name.
    fn weights(&self, layer: &str, snake: &str) -> Option<&'t Tree> {
        let tree = self.tree?;
        for container in ["layers", "_layer_checkpoint_dependencies"] {
            if let Some(found) = tree.child(container).and_then(|layers| layers.child(snake)) {
                return Some(found);
            }
        }
        // Some files keep a model in a model under its name twice.
        tree.at(layer).or_else(|| tree.children.values().find_map(|child| child.at(layer)))
    }
}

struct Builder<'b, 'a> {
    source: &'b Source<'a>,
    model: &'b mut Model,
    budget: Budget,
    nodes: usize,
}

/// One layer of a configuration.
struct Layer<'c> {
    name: &'c str,
    class: &'c str,
    json: &'c Value,
    config: &'c Map<String, Value>,
    /// What it is called in files of Keras 3.
    snake: String,
}

impl Builder<'_, '_> {
    fn corrupt(&self, place: &str, why: &str) -> ReadError {
        self.source.error(None, place, Problem::Corrupt(why.to_owned()))
    }

    fn value(&mut self, name: &str, declared: Option<DeclaredType>) -> Result<ValueId> {
        self.budget.charge(self.source, 256)?;
        let id = ValueId(u32::try_from(self.model.values.len()).unwrap_or(u32::MAX));
        self.model.values.push(ModelValue { name: name.into(), declared, weight: None });
        Ok(id)
    }

    /// Adds the layers of a model that is given these tensors, or that takes its own inputs; gives its outputs.
    fn network(&mut self, model: &Value, given: Option<&[ValueId]>, scope: &Scope<'_>) -> Result<Vec<ValueId>> {
        if scope.depth > MOST_DEPTH {
            let what = format!("models are nested more than {MOST_DEPTH} deep");
            return Err(self.source.error(None, scope.path, Problem::OverLimit(what)));
        }
        let nothing = Map::new();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut layers = Vec::new();
        for json in layer_list(model).into_iter().flatten() {
            let class = json.get("class_name").and_then(Value::as_str).unwrap_or("Layer");
            let config = json.get("config").and_then(Value::as_object).unwrap_or(&nothing);
            let name = json.get("name").or_else(|| config.get("name")).and_then(Value::as_str).unwrap_or(class);
            let count = counts.entry(class).or_default();
            let snake = snake_case(class);
            let snake = if *count == 0 { snake } else { format!("{snake}_{count}") };
            *count += 1;
            self.budget.charge(self.source, 256)?;
            layers.push(Layer { name, class, json, config, snake });
        }
        let is_sequence = model.get("class_name").and_then(Value::as_str) == Some("Sequential")
            || model.get("config").is_some_and(Value::is_array)
            || model.pointer("/config/input_layers").is_none();
        match is_sequence {
            true => self.sequence(model, &layers, given, scope),
            false => self.functional(model, &layers, given, scope),
        }
    }

    /// Layers one behind the other.
    fn sequence(
        &mut self,
        model: &Value,
        layers: &[Layer<'_>],
        given: Option<&[ValueId]>,
        scope: &Scope<'_>,
    ) -> Result<Vec<ValueId>> {
        let mut current: Option<Vec<ValueId>> = given.map(<[ValueId]>::to_vec);
        for layer in layers {
            if layer.class == "InputLayer" {
                if current.is_none() {
                    current = Some(vec![self.input(layer, None)?]);
                }
                continue;
            }
            let inputs = match current.take() {
                Some(inputs) => inputs,
                None => {
                    let shape = model
                        .pointer("/config/build_input_shape")
                        .filter(|shape| shape.is_array())
                        .or_else(|| first_shape(layer));
                    vec![self.input(layer, shape)?]
                }
            };
            current = Some(self.call(layer, 0, &inputs, &[], scope, 1)?);
        }
        Ok(current.unwrap_or_default())
    }

    /// Layers that name the tensors which they are given.
    fn functional(
        &mut self,
        model: &Value,
        layers: &[Layer<'_>],
        given: Option<&[ValueId]>,
        scope: &Scope<'_>,
    ) -> Result<Vec<ValueId>> {
        // What every call is given, and how many outputs of each call are used.
        let mut calls: Vec<(usize, u64, Vec<Reference<'_>>, &Value)> = Vec::new();
        let mut stated: HashMap<Reference<'_>, Stated<'_>> = HashMap::new();
        let mut outputs_used: HashMap<(&str, u64), u64> = HashMap::new();
        let mut calls_used: HashMap<&str, (u64, u64)> = HashMap::new();
        let mut all_references = Vec::new();
        for (place, layer) in layers.iter().enumerate() {
            let nodes = layer.json.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            for (call, node) in nodes.iter().enumerate() {
                let mut found = Vec::new();
                references(node, 0, &mut found);
                self.budget.charge(self.source, 128 + 96 * found.len() as u64)?;
                all_references.extend(found.iter().cloned());
                calls.push((place, call as u64, found.into_iter().map(|(reference, _)| reference).collect(), node));
            }
        }
        let config = model.get("config").unwrap_or(model);
        let ends = |name: &str| {
            let mut found = Vec::new();
            if let Some(list) = config.get(name) {
                references(list, 0, &mut found);
            }
            found
        };
        let (starts, ends) = (ends("input_layers"), ends("output_layers"));
        all_references.extend(ends.iter().cloned());
        for (reference, of) in &all_references {
            let most = outputs_used.entry((reference.layer, reference.call)).or_default();
            *most = (*most).max(reference.output.min(MOST_OUTPUTS));
            let range = calls_used.entry(reference.layer).or_insert((reference.call, reference.call));
            *range = (range.0.min(reference.call), range.1.max(reference.call));
            if let Some(of) = of {
                stated.entry(reference.clone()).or_insert(*of);
            }
        }

        let mut made: HashMap<(&str, u64), Vec<ValueId>> = HashMap::new();
        for (place, (reference, _)) in starts.iter().enumerate() {
            let layer = layers.iter().find(|layer| layer.name == reference.layer);
            let id = match (given, layer) {
                (Some(given), _) => match given.get(place).or(given.first()) {
                    Some(id) => *id,
                    None => return Err(self.corrupt(scope.path, "a model is called without inputs")),
                },
                (None, Some(layer)) => self.input(layer, None)?,
                (None, None) => return Err(self.corrupt(reference.layer, "an input has no layer")),
            };
            made.insert((reference.layer, 0), vec![id]);
        }
        // Models in models count their calls from one: their own making was the first.
        let first_call = |layer: &Layer<'_>, calls: usize| match calls_used.get(layer.name) {
            Some((least, most)) if layer_list(layer.json).is_some() && (*least >= 1 || *most >= calls as u64) => 1,
            _ => 0,
        };
        let mut call_counts: HashMap<usize, usize> = HashMap::new();
        for (place, ..) in &calls {
            *call_counts.entry(*place).or_default() += 1;
        }
        let mut waiting: Vec<usize> = (0..calls.len()).collect();
        for _ in 0..MOST_PASSES {
            let mut later = Vec::new();
            let before = waiting.len();
            for index in waiting {
                let Some((place, call, inputs, arguments)) = calls.get(index) else { continue };
                let Some(layer) = layers.get(*place) else { continue };
                if layer.class == "InputLayer" {
                    continue;
                }
                let mut ids = Vec::new();
                for reference in inputs {
                    let outputs = made.get(&(reference.layer, reference.call));
                    let output = usize::try_from(reference.output).unwrap_or(usize::MAX);
                    ids.extend(outputs.and_then(|outputs| outputs.get(output).or(outputs.first())));
                }
                if ids.len() < inputs.len() {
                    later.push(index);
                    continue;
                }
                let offset = first_call(layer, call_counts.get(place).copied().unwrap_or(1));
                let key = (layer.name, call.saturating_add(offset));
                let outputs = outputs_used.get(&key).map_or(1, |most| most + 1);
                let extra = arguments_of(arguments);
                let ids = self.call(layer, *call, &ids, &extra, scope, outputs)?;
                for (output, id) in ids.iter().enumerate() {
                    let reference = Reference { layer: layer.name, call: key.1, output: output as u64 };
                    if let Some(of) = stated.get(&reference) {
                        self.declare(*id, of);
                    }
                }
                made.insert(key, ids);
            }
            waiting = later;
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
        }
        if let Some((place, ..)) = waiting.first().and_then(|index| calls.get(*index)) {
            let name = layers.get(*place).map_or("", |layer| layer.name);
            let text = format!("{} layers wait for tensors that nothing makes and are left out", waiting.len());
            self.model.notes.warn(name, text);
        }
        let mut outputs = Vec::new();
        for (reference, _) in &ends {
            let found = made.get(&(reference.layer, reference.call));
            let output = usize::try_from(reference.output).unwrap_or(usize::MAX);
            match found.and_then(|ids| ids.get(output)) {
                Some(id) => outputs.push(*id),
                None => self.model.notes.warn(reference.layer, "an output that nothing produces"),
            }
        }
        Ok(outputs)
    }

    /// A type that Keras 3 states beside a reference.
    fn declare(&mut self, id: ValueId, of: &Stated<'_>) {
        let Some(value) = usize::try_from(id.0).ok().and_then(|place| self.model.values.get_mut(place)) else { return };
        if value.declared.is_none() && value.weight.is_none() {
            let shape = of.shape.and_then(Value::as_array).map(|dims| {
                let dim = |(place, dim): (usize, &Value)| match dim.as_u64() {
                    Some(size) => DeclaredDim::Fixed(size),
                    None if place == 0 => DeclaredDim::Named("batch".into()),
                    None => DeclaredDim::Open,
                };
                dims.iter().take(MOST_INTS).enumerate().map(dim).collect()
            });
            value.declared = Some(DeclaredType::Tensor { dtype: of.dtype.and_then(dtype), shape });
        }
    }

    /// An input of the whole model. Open dimensions get the names that their places have in pictures and sequences.
    fn input(&mut self, layer: &Layer<'_>, shape: Option<&Value>) -> Result<ValueId> {
        let shape = shape.or_else(|| first_shape(layer));
        // Several inputs are lists of shapes; the first one counts then.
        let shape = shape.and_then(Value::as_array).map(|dims| match dims.first() {
            Some(Value::Array(first)) => first,
            _ => dims,
        });
        let channels_first = layer.config.get("data_format").and_then(Value::as_str) == Some("channels_first");
        let declared = shape.map(|dims| {
            let rank = dims.len();
            let name = |place: usize| {
                let last = if channels_first { 1 } else { rank.saturating_sub(1) };
                if place == 0 {
                    return Some("batch");
                }
                let place = if channels_first { place.checked_sub(1)? } else { place };
                Some(match (rank, place) {
                    (2 | 3, 1) => "sequence",
                    (4, 1) => "height",
                    (4, 2) => "width",
                    (5, 1) => "frames",
                    (5, 2) => "height",
                    (5, 3) => "width",
                    _ => return None,
                })
                .filter(|_| rank == 2 || place != last || channels_first)
            };
            let dim = |(place, dim): (usize, &Value)| match dim.as_u64() {
                Some(size) => DeclaredDim::Fixed(size),
                None => name(place).map_or(DeclaredDim::Open, |name| DeclaredDim::Named(name.into())),
            };
            dims.iter().take(MOST_INTS).enumerate().map(dim).collect()
        });
        let is_table = layer.class == "Embedding";
        let of_type = layer.config.get("dtype").and_then(type_name).and_then(dtype);
        let dtype = if is_table { Some(DType::I32) } else { of_type.or(Some(DType::F32)) };
        let name = if layer.class == "InputLayer" { layer.name.to_owned() } else { format!("{}_input", layer.name) };
        let id = self.value(&name, Some(DeclaredType::Tensor { dtype, shape: declared }))?;
        self.model.graph.inputs.push(id);
        Ok(id)
    }

    /// One call of a layer.
    fn call(
        &mut self,
        layer: &Layer<'_>,
        call: u64,
        inputs: &[ValueId],
        extra: &[(String, Attribute)],
        scope: &Scope<'_>,
        outputs: u64,
    ) -> Result<Vec<ValueId>> {
        let tree = scope.weights(layer.name, &layer.snake);
        let full = scope.name(layer.name);
        let name = if call == 0 { full.clone() } else { format!("{full}:{call}") };
        if layer_list(layer.json).is_some() {
            let inner = Scope { path: &name, tree, depth: scope.depth + 1 };
            return self.network(layer.json, Some(inputs), &inner);
        }
        let place = Place { name: &name, path: scope.path, depth: scope.depth };
        let weights = tree.map(|tree| tree.all(&|_| true)).unwrap_or_default();
        self.unit(layer.class, layer.config, inputs, extra, &weights, tree, &place, outputs)
    }

    /// One layer, with what it wraps spelled out.
    #[allow(clippy::too_many_arguments)]
    fn unit(
        &mut self,
        class: &str,
        config: &Map<String, Value>,
        inputs: &[ValueId],
        extra: &[(String, Attribute)],
        weights: &[ValueId],
        tree: Option<&Tree>,
        place: &Place<'_>,
        outputs: u64,
    ) -> Result<Vec<ValueId>> {
        if place.depth > MOST_DEPTH {
            let what = format!("layers are nested more than {MOST_DEPTH} deep");
            return Err(self.source.error(None, place.name, Problem::OverLimit(what)));
        }
        let deeper = |name: &'_ str| -> (String, u32) { (format!("{}/{name}", place.name), place.depth + 1) };
        let inner = |key: &str| {
            let json = config.get(key)?;
            let class = json.get("class_name")?.as_str()?;
            Some((class, json.get("config")?.as_object()?, json))
        };
        match (older::class(class), inner("layer"), inner("cell")) {
            ("TimeDistributed", Some((class, config, json)), _) => {
                let (name, depth) = deeper("merge");
                let at = Place { name: &name, path: place.path, depth };
                let merged = self.node("MergeTime", &Map::new(), inputs, &[], &[], &at, inputs.len() as u64)?;
                let (name, depth) = deeper("layer");
                let given = if merged.is_empty() { inputs } else { &merged };
                let within = match layer_list(json) {
                    Some(_) => {
                        let tree = tree.and_then(|tree| tree.child("layer")).or(tree);
                        self.network(json, Some(given), &Scope { path: &name, tree, depth })?
                    }
                    None => {
                        let at = Place { name: &name, path: place.path, depth };
                        self.unit(class, config, given, &[], weights, tree, &at, outputs)?
                    }
                };
                let (name, depth) = deeper("split");
                let at = Place { name: &name, path: place.path, depth };
                let mut split = Vec::new();
                for id in within {
                    // The first input tells how many steps there were.
                    let inputs = [Some(id), inputs.first().copied()].into_iter().flatten().collect::<Vec<_>>();
                    split.extend(self.node("SplitTime", &Map::new(), &inputs, &[], &[], &at, 1)?);
                }
                Ok(split)
            }
            ("Bidirectional", Some((class, forward, _)), _) => {
                let backward = inner("backward_layer").map_or(forward, |(_, config, _)| config);
                let of_half = |is_forward: bool| {
                    let other = if is_forward { "backward" } else { "forward" };
                    tree.map(|tree| tree.all(&|name| !name.starts_with(other))).unwrap_or_default()
                };
                let initial = inputs.get(1..).unwrap_or_default();
                let (mine, theirs) = initial.split_at(initial.len() / 2);
                let mut halves = Vec::new();
                for (label, config, states, is_forward) in
                    [("forward", forward, mine, true), ("backward", backward, theirs, false)]
                {
                    let (name, depth) = deeper(label);
                    let at = Place { name: &name, path: place.path, depth };
                    let given: Vec<ValueId> = inputs.iter().take(1).chain(states).copied().collect();
                    halves.push(self.unit(class, config, &given, &[], &of_half(is_forward), None, &at, 1)?);
                }
                let [forward, backward] = halves.as_slice() else { return Ok(Vec::new()) };
                let mode = match config.get("merge_mode") {
                    None => Some("concat"),
                    Some(mode) => mode.as_str(),
                };
                let states = forward.iter().skip(1).chain(backward.iter().skip(1)).copied();
                let firsts: Vec<ValueId> = forward.iter().take(1).chain(backward.iter().take(1)).copied().collect();
                let joined = match mode {
                    None => firsts,
                    Some(mode) => {
                        let op = older::merge(Some(mode));
                        let (name, depth) = deeper("merge");
                        let at = Place { name: &name, path: place.path, depth };
                        self.node(op, &Map::new(), &firsts, &[], &[], &at, 1)?
                    }
                };
                Ok(joined.into_iter().chain(states).collect())
            }
            // Weight normalisations are folded into the weights while inferring.
            ("SpectralNormalization" | "WeightNormalization", Some((class, config, _)), _) => {
                let (name, depth) = deeper("layer");
                let at = Place { name: &name, path: place.path, depth };
                self.unit(class, config, inputs, extra, weights, tree, &at, outputs)
            }
            ("RNN", _, Some((class, cell, _))) => {
                let cells: Vec<(&str, &Map<String, Value>)> = match cell.get("cells").and_then(Value::as_array) {
                    Some(cells) => cells
                        .iter()
                        .filter_map(|cell| Some((cell.get("class_name")?.as_str()?, cell.get("config")?.as_object()?)))
                        .collect(),
                    None => vec![(class, cell)],
                };
                let mut current = inputs.to_vec();
                let last = cells.len().saturating_sub(1);
                for (number, (class, cell)) in cells.iter().enumerate() {
                    let layer = class.strip_suffix("Cell").unwrap_or(class);
                    let mut settings = (*cell).clone();
                    for key in ["return_sequences", "return_state", "go_backwards", "stateful"] {
                        if let Some(value) = config.get(key).filter(|_| number == last) {
                            settings.insert(key.to_owned(), value.clone());
                        }
                    }
                    if number < last {
                        settings.insert("return_sequences".to_owned(), Value::Bool(true));
                    }
                    let (name, depth) = deeper(&format!("cell_{number}"));
                    let at = Place { name: &name, path: place.path, depth };
                    let own = if number == 0 { weights } else { &[] };
                    current = self.node(layer, &settings, &current, extra, own, &at, 1)?;
                }
                Ok(current)
            }
            (class, ..) => self.node(class, config, inputs, extra, weights, place, outputs),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn node(
        &mut self,
        class: &str,
        config: &Map<String, Value>,
        inputs: &[ValueId],
        extra: &[(String, Attribute)],
        weights: &[ValueId],
        place: &Place<'_>,
        outputs: u64,
    ) -> Result<Vec<ValueId>> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            let what = format!("the model has more than {MOST_NODES} calls of layers");
            return Err(self.source.error(None, place.name, Problem::OverLimit(what)));
        }
        self.budget.charge(self.source, 512 + 48 * config.len() as u64 + 8 * (inputs.len() + weights.len()) as u64)?;
        let class = older::class(class);
        let op = match class {
            "Merge" => older::merge(config.get("mode").and_then(Value::as_str)).to_owned(),
            "TFOpLambda" => match config.get("function").and_then(Value::as_str) {
                Some(function) => format!("tf.{}", clip(function)),
                None => class.to_owned(),
            },
            "TensorFlowOpLayer" => match node_def_op(config) {
                Some(op) => format!("tf.{}", clip(&op)),
                None => class.to_owned(),
            },
            other => clip(other).to_owned(),
        };
        let returns_state = config.get("return_state").and_then(Value::as_bool) == Some(true);
        let outputs = match op.as_str() {
            "LSTM" | "ConvLSTM1D" | "ConvLSTM2D" | "ConvLSTM3D" if returns_state => 3,
            "GRU" | "SimpleRNN" if returns_state => 2,
            _ => outputs.clamp(1, MOST_OUTPUTS),
        };
        let mut attributes: BTreeMap<Arc<str>, Attribute> = BTreeMap::new();
        for (key, value) in config.iter().take(MOST_INTS) {
            if let Some(attribute) = attribute(value) {
                attributes.insert(clip(key).into(), attribute);
            }
        }
        for (key, value) in older::settings(class, config) {
            if let Some(attribute) = attribute(&value) {
                attributes.insert(key.into(), attribute);
            }
        }
        for (key, value) in extra {
            attributes.entry(key.as_str().into()).or_insert_with(|| value.clone());
        }
        attributes.insert("data_inputs".into(), Attribute::Int(i64::try_from(inputs.len()).unwrap_or(i64::MAX)));
        self.statistics(&op, config, weights);
        let mut made = Vec::new();
        for output in 0..outputs {
            let name = if output == 0 { place.name.to_owned() } else { format!("{}.{output}", place.name) };
            made.push(self.value(&name, None)?);
        }
        self.model.graph.nodes.push(Node {
            name: place.name.into(),
            domain: "keras".into(),
            op: op.into(),
            opset: 1,
            inputs: inputs.iter().chain(weights).map(|id| Some(*id)).collect(),
            outputs: made.iter().map(|id| Some(*id)).collect(),
            attributes,
            path: place.path.into(),
        });
        Ok(made)
    }

    /// Files of Keras 3 number a layer's variables: the last two of a batch norm are its running statistics,
    /// and all of `Normalization` were counted from data.
    fn statistics(&mut self, op: &str, config: &Map<String, Value>, weights: &[ValueId]) {
        let flag = |name: &str| config.get(name).and_then(Value::as_bool).unwrap_or(true);
        let learned = match op {
            "BatchNormalization" => usize::from(flag("center")) + usize::from(flag("scale")),
            "Normalization" => 0,
            _ => return,
        };
        let model = &mut *self.model;
        let mut numbered: Vec<(u64, ValueId)> = Vec::new();
        for id in weights {
            let name = model.name(*id).rsplit('/').next().unwrap_or_default();
            match name.parse() {
                Ok(number) => numbered.push((number, *id)),
                Err(_) if op == "BatchNormalization" => {}
                Err(_) => numbered.push((0, *id)),
            }
        }
        numbered.sort_unstable();
        for (_, id) in numbered.into_iter().skip(learned) {
            let value = usize::try_from(id.0).ok().and_then(|place| model.values.get_mut(place));
            if let Some(weight) = value.and_then(|value| value.weight.as_mut()) {
                weight.role = Some(TensorRole::Buffer);
            }
        }
    }
}

/// Where a node stands.
struct Place<'p> {
    name: &'p str,
    path: &'p str,
    depth: u32,
}

/// The shape that a layer says its input has, the batch first.
fn first_shape<'c>(layer: &Layer<'c>) -> Option<&'c Value> {
    let shape = ["batch_shape", "batch_input_shape"].iter().find_map(|key| layer.config.get(*key));
    shape.filter(|shape| shape.is_array()).or_else(|| {
        let built = layer.json.get("build_config")?;
        built.get("input_shape").filter(|shape| shape.is_array())
    })
}

/// The name of an element type, which may stand in an object of its own.
fn type_name(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.pointer("/config/name")?.as_str())
}

/// The operation of a layer that wraps a node of TensorFlow's graph.
fn node_def_op(config: &Map<String, Value>) -> Option<String> {
    let text = config.get("node_def")?.as_str()?;
    match serde_json::from_str::<Value>(text) {
        Ok(node) => Some(node.get("op")?.as_str()?.to_owned()),
        // Older files hold the text form of protobuf: `op: "Relu6"`.
        Err(_) => {
            let rest = text.split_once("op: \"")?.1;
            Some(rest.split('"').next()?.to_owned())
        }
    }
}

fn clip(text: &str) -> &str {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}

/// A setting as an attribute, where it is a number, a text, a list of integers, or names a function.
fn attribute(value: &Value) -> Option<Attribute> {
    Some(match value {
        Value::Bool(flag) => Attribute::Int(i64::from(*flag)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Attribute::Int(whole),
            None => Attribute::Float(number.as_f64()?),
        },
        Value::String(text) => Attribute::Text(clip(text).into()),
        Value::Array(_) => {
            let mut ints = Vec::new();
            flatten(value, 0, &mut ints).then_some(Attribute::Ints(ints))?
        }
        Value::Object(object) => {
            let class = object.get("class_name")?.as_str()?;
            match object.get("config") {
                // A function by its name.
                Some(Value::String(name)) => Attribute::Text(clip(name).into()),
                _ if class == "__tuple__" => return None,
                _ => Attribute::Text(clip(class).into()),
            }
        }
        Value::Null => return None,
    })
}

/// Integers of lists in lists, in order; open ones are -1.
fn flatten(value: &Value, depth: u32, into: &mut Vec<i64>) -> bool {
    match value {
        Value::Array(items) if depth < 3 && items.len() <= MOST_INTS => {
            items.iter().all(|item| flatten(item, depth + 1, into))
        }
        Value::Number(number) if into.len() < MOST_INTS => number.as_i64().map(|whole| into.push(whole)).is_some(),
        Value::Null if into.len() < MOST_INTS => {
            into.push(-1);
            true
        }
        _ => false,
    }
}

/// What a call says beside its tensors: `axis=1`, `perm=[0, 2, 1]`; arguments without a name are numbered.
fn arguments_of(node: &Value) -> Vec<(String, Attribute)> {
    let mut found = Vec::new();
    let mut add = |key: String, value: &Value| {
        if let Some(attribute) = attribute(value).filter(|_| found.len() < 32) {
            found.push((key, attribute));
        }
    };
    match node {
        Value::Object(node) => {
            if let Some(args) = node.get("args").and_then(Value::as_array) {
                for (place, value) in args.iter().enumerate().filter(|(_, value)| !value.is_object()) {
                    add(format!("arg{place}"), value);
                }
            }
            if let Some(named) = node.get("kwargs").and_then(Value::as_object) {
                named.iter().filter(|(_, value)| !value.is_object()).for_each(|(key, value)| add(key.clone(), value));
            }
        }
        Value::Array(_) => {
            // `["layer", 0, 0, {…}]`, alone or as the first of a list.
            let mut tuple = node;
            while let Some(first) = tuple.get(0).filter(|first| first.is_array()) {
                tuple = first;
            }
            if let Some(named) = tuple.get(3).and_then(Value::as_object) {
                for (key, value) in named {
                    let mut tensors = Vec::new();
                    references(value, 0, &mut tensors);
                    if tensors.is_empty() {
                        add(key.clone(), value);
                    }
                }
            }
        }
        _ => {}
    }
    found
}

/// Every tensor that a structure of arguments names, in order.
fn references<'c>(value: &'c Value, depth: u32, found: &mut Vec<(Reference<'c>, Option<Stated<'c>>)>) {
    if depth > MOST_STRUCTURE {
        return;
    }
    match value {
        Value::Array(items) => {
            if let [Value::String(layer), call, output, rest @ ..] = items.as_slice()
                && let (Some(call), Some(output)) = (call.as_u64(), output.as_u64())
                && rest.len() <= 1
            {
                found.push((Reference { layer, call, output }, None));
                rest.iter().for_each(|named| references(named, depth + 1, found));
                return;
            }
            items.iter().for_each(|item| references(item, depth + 1, found));
        }
        Value::Object(object) => {
            if object.get("class_name").and_then(Value::as_str) == Some("__keras_tensor__") {
                let history = value.pointer("/config/keras_history").and_then(Value::as_array).map(Vec::as_slice);
                if let Some([Value::String(layer), call, output]) = history
                    && let (Some(call), Some(output)) = (call.as_u64(), output.as_u64())
                {
                    let stated = Stated {
                        shape: value.pointer("/config/shape"),
                        dtype: value.pointer("/config/dtype").and_then(Value::as_str),
                    };
                    found.push((Reference { layer, call, output }, Some(stated)));
                }
                return;
            }
            object.values().for_each(|item| references(item, depth + 1, found));
        }
        _ => {}
    }
}

/// `DepthwiseConv2D` as Keras 3 writes it among its files' groups: `depthwise_conv2d`.
fn snake_case(class: &str) -> String {
    // As Keras does it: an underscore before a capital that begins a word, and between small letters and capitals.
    let letters: Vec<char> = class.chars().take(LONGEST_TEXT).filter(|letter| !letter.is_whitespace()).collect();
    let mut first = String::new();
    for (place, letter) in letters.iter().enumerate() {
        let begins = letter.is_ascii_uppercase() && letters.get(place + 1).is_some_and(char::is_ascii_lowercase);
        if begins && place > 0 {
            first.push('_');
        }
        first.push(*letter);
    }
    let mut name = String::new();
    let mut before = ' ';
    for letter in first.chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
        before = letter;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_called_as_keras_calls_them() {
        for (class, snake) in [
            ("Conv2D", "conv2d"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("BatchNormalization", "batch_normalization"),
            ("MaxPooling2D", "max_pooling2d"),
            ("LSTM", "lstm"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("MultiHeadAttention", "multi_head_attention"),
            ("ConvLSTM2D", "conv_lstm2d"),
            ("InputLayer", "input_layer"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("ReLU", "re_lu"),
            ("PReLU", "p_re_lu"),
            ("LayerNormalization", "layer_normalization"),
        ] {
            assert_eq!(snake_case(class), snake);
        }
    }
}
