//! Names to values: resolves scopes, inlines model-local functions, puts nodes in order, and notes what is odd.

use super::messages::{
    AttributeProto, AttributeValue, FunctionProto, GraphProto, ModelProto, NodeProto, Stored, TensorProto,
};
use crate::formats::budget::{Budget, MOST_DEPTH};
use crate::formats::error::{Problem, ReadError};
use crate::formats::files::base_name;
use crate::formats::source::Source;
use crate::model::{Attribute, DType, DeclaredType, Graph, Model, Node, Storage, Value, ValueId, Weight};
use crate::notes::Notes;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

type Result<T> = std::result::Result<T, ReadError>;

/// Newest operator set of the standard domain whose rules were written from its specification.
const NEWEST_OPSET: i64 = 28;
/// Oldest one.
const OLDEST_OPSET: i64 = 7;
/// What a value and a node of an inlined function cost in memory, roughly.
const INLINED_NODE_BYTES: u64 = 512;

/// The element type behind a number of `TensorProto.DataType`.
pub fn dtype(number: i64) -> Option<DType> {
    Some(match number {
        1 => DType::F32,
        2 => DType::U8,
        3 => DType::I8,
        4 => DType::U16,
        5 => DType::I16,
        6 => DType::I32,
        7 => DType::I64,
        8 => DType::Text,
        9 => DType::Bool,
        10 => DType::F16,
        11 => DType::F64,
        12 => DType::U32,
        13 => DType::U64,
        14 => DType::C64,
        15 => DType::C128,
        16 => DType::Bf16,
        17 => DType::F8E4M3,
        18 => DType::F8E4M3Fnuz,
        19 => DType::F8E5M2,
        20 => DType::F8E5M2Fnuz,
        21 => DType::U4,
        22 => DType::I4,
        23 => DType::F4E2M1,
        24 => DType::F8E8M0,
        25 => DType::U2,
        26 => DType::I2,
        _ => return None,
    })
}

/// The model that a file's messages describe.
pub fn model(source: Source<'_>, budget: Budget, proto: ModelProto, companions: &[String]) -> Result<Model> {
    let Some(graph) = proto.graph else {
        return Err(source.error(None, "", Problem::Corrupt("it has no graph".to_owned())));
    };
    let mut notes = Notes::new();
    let opsets: BTreeMap<String, i64> =
        proto.opsets.into_iter().map(|(domain, version)| (standard(&domain).to_owned(), version)).collect();
    match opsets.get("") {
        Some(version) if *version > NEWEST_OPSET => notes.info(
            "",
            format!("operator set {version} is newer than the newest known here ({NEWEST_OPSET}); changed operators may be counted by their older definition"),
        ),
        Some(version) if *version < OLDEST_OPSET => notes.warn(
            "",
            format!("operator set {version} is older than {OLDEST_OPSET}; operators that changed since are read by the later definition"),
        ),
        _ => {}
    }
    if proto.has_training_info {
        notes.info("", "the file also holds a training graph, which is not counted");
    }
    let mut functions = HashMap::new();
    for function in proto.functions {
        let key = (standard(&function.domain).to_owned(), function.name.clone(), function.overload.clone());
        functions.insert(key, Arc::new(function));
    }
    let mut builder = Builder {
        source,
        budget,
        companions: companions.iter().map(|name| base_name(name).to_owned()).collect(),
        functions,
        opsets,
        values: Vec::new(),
        texts: HashSet::new(),
        scopes: Vec::new(),
        notes,
        external: BTreeMap::new(),
        unnamed: 0,
    };
    let graph = builder.graph(graph, &Inlining::default(), 0)?;
    if graph.nodes.is_empty() {
        builder.notes.warn("", "the graph has no nodes, so there is nothing to compute");
    }
    builder.note_external();
    Ok(Model {
        format: "onnx".to_owned(),
        producer: format!("{} {}", proto.producer_name, proto.producer_version).trim().to_owned(),
        format_version: proto.ir_version,
        opsets: builder.opsets,
        values: builder.values,
        graph,
        file_bytes: builder.source.size(),
        notes: builder.notes,
        ..Model::default()
    })
}

/// A tensor that stands alone in a file.
pub fn lone_weight(source: &Source<'_>, tensor: TensorProto) -> Result<Weight> {
    let (weight, _) = weight(source, &tensor, &HashSet::new())?;
    Ok(weight)
}

/// The standard domain has two names.
fn standard(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

/// A tensor as a weight, and what is odd about it.
fn weight(source: &Source<'_>, tensor: &TensorProto, companions: &HashSet<String>) -> Result<(Weight, Option<String>)> {
    let place = format!("tensor {}", tensor.name);
    let corrupt = |why: String| source.error(Some(tensor.offset), &place, Problem::Corrupt(why));
    let Some(dtype) = dtype(tensor.data_type) else {
        return Err(corrupt(format!("its element type {} does not exist", tensor.data_type)));
    };
    let mut shape = Vec::with_capacity(tensor.dims.len());
    for dim in &tensor.dims {
        shape.push(u64::try_from(*dim).map_err(|_| corrupt(format!("it has the dimension {dim}")))?);
    }
    let storage = match &tensor.external {
        None => Storage::Inside { offset: tensor.offset },
        Some(external) => Storage::Outside {
            file: external.location.as_str().into(),
            offset: external.offset,
            present: companions.contains(base_name(&external.location)),
        },
    };
    let weight = Weight {
        contents: tensor.contents.clone(),
        stored_elements: tensor.sparse_elements,
        ..Weight::new(dtype, shape, storage)
    };
    let Some(elements) = weight.elements() else {
        return Err(corrupt("its dimensions multiply to more than 2^64 elements".to_owned()));
    };
    let expected = weight.bytes();
    let odd = match (tensor.stored, expected, tensor.external.as_ref().and_then(|external| external.length)) {
        (Some(Stored::Bytes(bytes)), Some(expected), _) if bytes != expected && dtype != DType::Text => {
            Some(format!("its shape asks for {expected} bytes and the file holds {bytes}; the shape is counted"))
        }
        (Some(Stored::Numbers(0)), _, _) if elements > 0 => {
            Some("the file holds no contents for it; its shape is counted".to_owned())
        }
        (None, Some(expected), Some(length)) if length != expected => Some(format!(
            "its shape asks for {expected} bytes and its place outside the file has {length}; the shape is counted"
        )),
        _ => None,
    };
    Ok((weight, odd))
}

struct Builder<'a> {
    source: Source<'a>,
    budget: Budget,
    companions: HashSet<String>,
    functions: HashMap<(String, String, String), Arc<FunctionProto>>,
    opsets: BTreeMap<String, i64>,
    values: Vec<Value>,
    /// Texts that occur often (operators, domains, attribute names), each kept once.
    texts: HashSet<Arc<str>>,
    /// Names in reach, innermost scope last. A function's body starts a list of its own.
    scopes: Vec<HashMap<String, Option<ValueId>>>,
    notes: Notes,
    /// Files in which weights lie, with how many tensors and whether the file is there.
    external: BTreeMap<Arc<str>, (usize, bool)>,
    unnamed: usize,
}

/// Where an inlined node comes from.
#[derive(Clone, Default)]
struct Inlining {
    path: Arc<str>,
    /// The node that calls the function; inner nodes are named after it.
    caller: Arc<str>,
    /// The values of the function's attributes at this call.
    attributes: BTreeMap<String, AttributeValue>,
    /// The operator sets of the function; empty at the top, where the model's count.
    opsets: BTreeMap<String, i64>,
    depth: u32,
    /// The functions that are being inlined, outermost first: one that calls itself would never end.
    functions: Vec<Arc<FunctionProto>>,
}

impl Builder<'_> {
    fn intern(&mut self, text: &str) -> Arc<str> {
        match self.texts.get(text) {
            Some(kept) => kept.clone(),
            None => {
                let kept: Arc<str> = text.into();
                self.texts.insert(kept.clone());
                kept
            }
        }
    }

    fn new_value(&mut self, name: &str, declared: Option<DeclaredType>) -> Result<ValueId> {
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(Value { name: name.into(), declared, weight: None });
        Ok(id)
    }

    fn define(&mut self, name: &str, id: Option<ValueId>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), id);
        }
    }

    fn resolve(&self, name: &str) -> Option<Option<ValueId>> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name).copied())
    }

    fn graph(&mut self, proto: GraphProto, inlining: &Inlining, depth: u32) -> Result<Graph> {
        if depth > MOST_DEPTH {
            let what = format!("graphs are nested more than {MOST_DEPTH} deep");
            return Err(self.source.error(None, &inlining.caller, Problem::OverLimit(what)));
        }
        self.scopes.push(HashMap::new());
        let declared: HashMap<String, DeclaredType> = (proto.values.into_iter())
            .chain(proto.outputs.iter().cloned())
            .filter_map(|info| Some((info.name, info.declared?)))
            .collect();
        let mut weights = Vec::new();
        for tensor in &proto.tensors {
            if !tensor.name.is_empty() && self.scopes.last().is_some_and(|scope| scope.contains_key(&tensor.name)) {
                self.notes.warn(&tensor.name, "two weights have this name; the later one is used");
            }
            let id = self.add_weight(&tensor.name, tensor)?;
            self.define(&tensor.name, Some(id));
            weights.push(id);
        }
        let weight_names: HashSet<&str> = proto.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        let mut inputs = Vec::new();
        for info in proto.inputs {
            // Before IR version 4 every weight had to be listed among the inputs too.
            if weight_names.contains(info.name.as_str()) {
                continue;
            }
            let id = self.new_value(&info.name, info.declared)?;
            self.define(&info.name, Some(id));
            inputs.push(id);
        }
        let nodes = self.nodes(proto.nodes, &declared, inlining, depth)?;
        let mut outputs = Vec::new();
        for info in proto.outputs {
            match self.resolve(&info.name).flatten() {
                Some(id) => outputs.push(id),
                None => {
                    self.notes.warn(&info.name, "an output that nothing produces");
                    outputs.push(self.new_value(&info.name, info.declared)?);
                }
            }
        }
        self.scopes.pop();
        Ok(Graph { name: proto.name.as_str().into(), inputs, outputs, weights, nodes })
    }

    /// Defines what the nodes produce, then builds each, in an order in which every value comes before its use.
    fn nodes(
        &mut self,
        protos: Vec<NodeProto>,
        declared: &HashMap<String, DeclaredType>,
        inlining: &Inlining,
        depth: u32,
    ) -> Result<Vec<Node>> {
        let mut producer: HashMap<String, usize> = HashMap::new();
        for (place, proto) in protos.iter().enumerate() {
            for output in proto.outputs.iter().filter(|name| !name.is_empty()) {
                let taken = self.scopes.last().is_some_and(|scope| scope.get(output).is_some_and(Option::is_some));
                if producer.insert(output.clone(), place).is_some() || (taken && inlining.depth == 0) {
                    let why = format!("the value {output} is produced twice");
                    return Err(self.source.error(Some(proto.offset), &proto.name, Problem::Corrupt(why)));
                }
                if !taken {
                    let id = self.new_value(output, declared.get(output).cloned())?;
                    self.define(output, Some(id));
                }
            }
        }
        let order = self.order(&protos, &producer)?;
        let mut protos: Vec<Option<NodeProto>> = protos.into_iter().map(Some).collect();
        let mut nodes = Vec::with_capacity(protos.len());
        for place in order {
            if let Some(proto) = protos.get_mut(place).and_then(Option::take) {
                self.node(proto, inlining, depth, &mut nodes)?;
            }
        }
        Ok(nodes)
    }

    /// The file's own order where it is sound, as the standard demands; else a sorted one.
    fn order(&mut self, protos: &[NodeProto], producer: &HashMap<String, usize>) -> Result<Vec<usize>> {
        let needs: Vec<Vec<usize>> = protos
            .iter()
            .map(|proto| {
                let mut names = Vec::new();
                names_used(proto, &mut names);
                names.into_iter().filter_map(|name| producer.get(name).copied()).collect()
            })
            .collect();
        if needs.iter().enumerate().all(|(place, needs)| needs.iter().all(|need| *need < place)) {
            return Ok((0..protos.len()).collect());
        }
        self.notes.info("", "the nodes are not in an order in which they can run; they were sorted");
        let mut users = vec![Vec::new(); protos.len()];
        let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
        for (place, needs) in needs.iter().enumerate() {
            for need in needs {
                if let Some(users) = users.get_mut(*need) {
                    users.push(place);
                }
            }
        }
        let is_free = |waiting: &[usize], place: usize| waiting.get(place) == Some(&0);
        let mut free: std::collections::BTreeSet<usize> =
            (0..protos.len()).filter(|place| is_free(&waiting, *place)).collect();
        let mut order = Vec::with_capacity(protos.len());
        while let Some(place) = free.pop_first() {
            order.push(place);
            for user in users.get(place).map(Vec::as_slice).unwrap_or_default() {
                if let Some(left) = waiting.get_mut(*user) {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        free.insert(*user);
                    }
                }
            }
        }
        if order.len() == protos.len() {
            return Ok(order);
        }
        let stuck = waiting.iter().position(|left| *left > 0).and_then(|place| protos.get(place));
        let (offset, name) = stuck.map_or((None, ""), |proto| (Some(proto.offset), proto.name.as_str()));
        let why = "its nodes depend on each other in a circle".to_owned();
        Err(self.source.error(offset, name, Problem::Corrupt(why)))
    }

    fn node(&mut self, proto: NodeProto, inlining: &Inlining, depth: u32, into: &mut Vec<Node>) -> Result<()> {
        let domain = standard(&proto.domain).to_owned();
        let mut inputs = Vec::with_capacity(proto.inputs.len());
        for name in &proto.inputs {
            inputs.push(self.input(name)?);
        }
        let mut outputs = Vec::with_capacity(proto.outputs.len());
        for name in &proto.outputs {
            outputs.push(if name.is_empty() { None } else { self.resolve(name).flatten() });
        }
        self.unnamed += 1;
        let own_name = match proto.name.as_str() {
            "" => format!("{}_{}", proto.op, self.unnamed),
            name => name.to_owned(),
        };
        let name: Arc<str> = match inlining.caller.as_ref() {
            "" => own_name.into(),
            caller => format!("{caller}/{own_name}").into(),
        };
        let mut attributes = BTreeMap::new();
        for attribute in proto.attributes {
            let Some((key, value)) = settled(attribute, inlining) else { continue };
            attributes.insert(key, value);
        }
        let key = (domain, proto.op, proto.overload);
        if let Some(function) = self.functions.get(&key).cloned() {
            return self.inline(&function, name, inputs, outputs, attributes, inlining, into);
        }
        let (domain, op, _) = key;
        let opsets = if inlining.opsets.is_empty() { &self.opsets } else { &inlining.opsets };
        let opset = opsets.get(&domain).or_else(|| self.opsets.get(&domain)).copied();
        if opset.is_none() && domain.is_empty() {
            self.notes.warn("", "the file does not say which operator set it follows; the newest known is taken");
        }
        let opset = opset.unwrap_or(if domain.is_empty() { NEWEST_OPSET } else { 1 });
        let mut kept = BTreeMap::new();
        for (key, value) in attributes {
            let value = self.attribute(value, &name, inlining, depth)?;
            let key = self.intern(&key);
            kept.insert(key, value);
        }
        let node = Node {
            domain: self.intern(&domain),
            op: self.intern(&op),
            name,
            opset,
            inputs,
            outputs,
            attributes: kept,
            path: match (inlining.path.as_ref(), proto.module.as_str()) {
                (_, "") => inlining.path.clone(),
                ("", module) => module.into(),
                (path, module) => format!("{path}/{module}").into(),
            },
        };
        self.constant(&node);
        into.push(node);
        Ok(())
    }

    /// A constant's tensor is a weight like any other; it also stands at the value it produces.
    fn constant(&mut self, node: &Node) {
        if !node.is("Constant") {
            return;
        }
        let tensor = node.tensor("value").or(node.tensor("sparse_value"));
        let (Some(tensor), Some(Some(output))) = (tensor, node.outputs.first()) else { return };
        if let Some(value) = self.values.get_mut(output.0 as usize) {
            value.weight = Some(tensor.clone());
        }
    }

    fn input(&mut self, name: &str) -> Result<Option<ValueId>> {
        if name.is_empty() {
            return Ok(None);
        }
        match self.resolve(name) {
            Some(id) => Ok(id),
            None => {
                self.notes.warn(name, "an input that nothing produces; what depends on it may stay unknown");
                let id = self.new_value(name, None)?;
                self.define(name, Some(id));
                Ok(Some(id))
            }
        }
    }

    fn add_weight(&mut self, name: &str, tensor: &TensorProto) -> Result<ValueId> {
        let id = self.new_value(name, None)?;
        let weight = self.weight(tensor)?;
        if let Some(value) = self.values.get_mut(id.0 as usize) {
            value.weight = Some(weight);
        }
        Ok(id)
    }

    fn weight(&mut self, tensor: &TensorProto) -> Result<Weight> {
        let (weight, odd) = weight(&self.source, tensor, &self.companions)?;
        if let Some(odd) = odd {
            self.notes.warn(&tensor.name, odd);
        }
        if let Storage::Outside { file, present, .. } = &weight.storage {
            let entry = self.external.entry(file.clone()).or_insert((0, *present));
            entry.0 += 1;
        }
        Ok(weight)
    }

    fn note_external(&mut self) {
        for (file, (tensors, present)) in &self.external {
            let leads_out = file.starts_with(['/', '\\']) || file.contains("..") || file.contains(':');
            let text = match present {
                _ if leads_out => format!(
                    "{tensors} tensors are said to lie at this path outside the model's folder, where nothing is looked for; \
                     their shapes are in the model, so every count stands"
                ),
                true => format!("{tensors} tensors lie in this file; only their shapes are needed, so it was not read"),
                false => format!(
                    "{tensors} tensors lie in this file, which is not here; their shapes are in the model, so every count stands"
                ),
            };
            self.notes.info(file, text);
        }
    }

    fn attribute(
        &mut self,
        value: AttributeValue,
        node: &Arc<str>,
        inlining: &Inlining,
        depth: u32,
    ) -> Result<Attribute> {
        Ok(match value {
            AttributeValue::Int(value) => Attribute::Int(value),
            AttributeValue::Float(value) => Attribute::Float(value),
            AttributeValue::Text(value) => Attribute::Text(value.into()),
            AttributeValue::Ints(values) => Attribute::Ints(values),
            AttributeValue::Floats(values) => Attribute::Floats(values),
            AttributeValue::Texts(values) => Attribute::Texts(values.into_iter().map(Arc::from).collect()),
            AttributeValue::Tensor(tensor) => {
                let mut tensor = *tensor;
                if tensor.name.is_empty() {
                    tensor.name = node.to_string();
                }
                Attribute::Tensor(Box::new(self.weight(&tensor)?))
            }
            AttributeValue::Graphs(protos) => {
                let mut graphs = Vec::with_capacity(protos.len());
                for proto in protos {
                    graphs.push(self.graph(proto, inlining, depth + 1)?);
                }
                Attribute::Graphs(graphs)
            }
            AttributeValue::Type(declared) => Attribute::Type(Box::new(declared)),
        })
    }

    /// Puts a function's nodes in the place of its call.
    #[allow(clippy::too_many_arguments, reason = "a call has these parts, and they are used once")]
    fn inline(
        &mut self,
        function: &Arc<FunctionProto>,
        caller: Arc<str>,
        inputs: Vec<Option<ValueId>>,
        outputs: Vec<Option<ValueId>>,
        given: BTreeMap<String, AttributeValue>,
        outer: &Inlining,
        into: &mut Vec<Node>,
    ) -> Result<()> {
        if outer.functions.iter().any(|running| Arc::ptr_eq(running, function)) {
            let why = format!("its function {} calls itself, directly or through others", function.name);
            return Err(self.source.error(None, &caller, Problem::Corrupt(why)));
        }
        if outer.depth >= MOST_DEPTH {
            let what = format!("functions call each other more than {MOST_DEPTH} deep");
            return Err(self.source.error(None, &caller, Problem::OverLimit(what)));
        }
        self.budget.charge(&self.source, INLINED_NODE_BYTES * function.nodes.len() as u64)?;
        let mut attributes: BTreeMap<String, AttributeValue> = BTreeMap::new();
        for default in &function.defaults {
            if let Some(value) = &default.value {
                attributes.insert(default.name.clone(), value.clone());
            }
        }
        attributes.extend(given);
        let path = match outer.path.as_ref() {
            "" => function.name.as_str().into(),
            path => format!("{path}/{}", function.name).into(),
        };
        let opsets = function.opsets.iter().map(|(domain, version)| (standard(domain).to_owned(), *version)).collect();
        let functions = outer.functions.iter().chain([function]).cloned().collect();
        let inlining = Inlining { path, caller, attributes, opsets, depth: outer.depth + 1, functions };
        // A function sees its own names only.
        let outside = std::mem::take(&mut self.scopes);
        let mut scope = HashMap::new();
        for (place, name) in function.inputs.iter().enumerate() {
            scope.insert(name.clone(), inputs.get(place).copied().flatten());
        }
        let mut passed_through = Vec::new();
        for (name, id) in function.outputs.iter().zip(&outputs) {
            match (scope.contains_key(name), id) {
                (false, Some(id)) => drop(scope.insert(name.clone(), Some(*id))),
                (true, Some(id)) => passed_through.push((name.clone(), *id)),
                (_, None) => {}
            }
        }
        let same = passed_through.iter().map(|(name, id)| Node {
            name: inlining.caller.clone(),
            op: "Identity".into(),
            opset: NEWEST_OPSET,
            inputs: vec![scope.get(name).copied().flatten()],
            outputs: vec![Some(*id)],
            path: inlining.path.clone(),
            ..Node::default()
        });
        into.extend(same);
        self.scopes.push(scope);
        let nodes = self.nodes(function.nodes.clone(), &HashMap::new(), &inlining, 1);
        self.scopes = outside;
        into.extend(nodes?);
        Ok(())
    }
}

/// The attribute with a reference to the function's own attribute replaced; `None` where that was not given.
fn settled(attribute: AttributeProto, inlining: &Inlining) -> Option<(String, AttributeValue)> {
    let value = match attribute.reference.as_str() {
        "" => attribute.value?,
        reference => inlining.attributes.get(reference)?.clone(),
    };
    Some((attribute.name, value))
}

/// Every name that a node uses from outside, those of its subgraphs included.
fn names_used<'p>(proto: &'p NodeProto, into: &mut Vec<&'p str>) {
    into.extend(proto.inputs.iter().map(String::as_str));
    for attribute in &proto.attributes {
        let Some(AttributeValue::Graphs(graphs)) = &attribute.value else { continue };
        for graph in graphs {
            let mut inner = Vec::new();
            graph.nodes.iter().for_each(|node| names_used(node, &mut inner));
            inner.extend(graph.outputs.iter().map(|output| output.name.as_str()));
            let own: HashSet<&str> = graph.nodes.iter().flat_map(|node| &node.outputs).map(String::as_str).collect();
            into.extend(inner.into_iter().filter(|name| !own.contains(name)));
        }
    }
}
