//! Names to values: finds what the results need, puts functions in place of their calls, gives loops and branches their
//! bodies, and orders the nodes.

use super::graph::{Attr, Function, FunctionDef, GraphDef, MOST_OUTPUTS, NodeDef, Shape, output_place};
use super::proto;
use crate::formats::budget::{Budget, MOST_DEPTH};
use crate::formats::error::{Problem, ReadError};
use crate::formats::open_dims;
use crate::formats::order;
use crate::formats::source::Source;
use crate::model::{
    Attribute, DType, DeclaredDim, DeclaredType, Graph, Model, Node, Storage, TensorRole, Value, ValueId, Weight,
};
use crate::notes::Notes;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

type Result<T> = std::result::Result<T, ReadError>;

/// What a value and a node of a function cost in memory each time that it is called, roughly.
const NODE_BYTES: u64 = 512;

/// Where a graph is entered and left: name for people, name of the tensor, shape and element type.
#[derive(Default)]
pub struct Ends {
    pub inputs: Vec<(String, String, Shape, Option<DType>)>,
    pub outputs: Vec<(String, String, Shape, Option<DType>)>,
}

/// Where variables are kept.
pub struct Variables {
    /// The file's name.
    pub file: Arc<str>,
    /// Whether it is among those opened.
    pub present: bool,
}

/// What a file says of a model.
#[derive(Default)]
pub struct Parts {
    pub graph: GraphDef,
    /// The signature to follow; without one everything that nothing uses is a result.
    pub ends: Option<Ends>,
    /// Whether the format has signatures, so that their absence says something.
    pub has_signatures: bool,
    pub variables: Option<Variables>,
    /// Constants that lie outside, by the name of their node.
    pub outside: HashMap<String, Weight>,
    pub producer: String,
    pub format: Option<&'static str>,
    pub facts: Vec<(String, String)>,
}

/// Operators whose results are the model's doing only while it is loaded, saved or trained.
const NO_RESULTS: &[&str] = &[
    "NoOp",
    "Assert",
    "Const",
    "Placeholder",
    "VarHandleOp",
    "SaveV2",
    "MergeV2Checkpoints",
    "AssignVariableOp",
    "Assign",
];

/// The model that the parts describe.
pub fn model(source: Source<'_>, budget: Budget, parts: Parts) -> Result<Model> {
    let Parts { graph, ends, has_signatures, variables, outside, producer, format, facts } = parts;
    let GraphDef { nodes, functions, producer: version } = graph;
    let file_bytes = source.size();
    let mut build = Build {
        source,
        budget,
        functions,
        values: Vec::new(),
        weights: Vec::new(),
        inputs: Vec::new(),
        variables,
        outside,
        known_variables: HashMap::new(),
        notes: Notes::new(),
    };
    let mut scope = Scope { is_function: false, ..Scope::default() };
    let mut inputs = Vec::new();
    if let Some(ends) = &ends {
        for (name, tensor, shape, dtype) in &ends.inputs {
            let (node, index) = reference(tensor, false, |_| None);
            let id = build.new_value(name, Some(input_type(shape, *dtype)))?;
            scope.values.insert((node.to_owned(), index), id);
            scope.given.insert(node.to_owned());
            inputs.push(id);
        }
    }
    let wanted: Vec<(String, String)> = match &ends {
        Some(ends) => ends.outputs.iter().map(|(name, tensor, ..)| (name.clone(), tensor.clone())).collect(),
        None if has_signatures => Vec::new(),
        None => loose_ends(&nodes),
    };
    let names: Vec<String> = wanted.iter().map(|(_, tensor)| tensor.clone()).collect();
    let placed = build.nodes(&mut scope, &nodes, &names, 0)?;
    let mut outputs = Vec::new();
    for (name, tensor) in &wanted {
        match build.resolve(&scope, &nodes_by_name(&nodes), tensor) {
            Some(id) => outputs.push(id),
            None => build.notes.warn(name, format!("its output {tensor} is made by no node")),
        }
    }
    inputs.append(&mut build.inputs);
    build.unused_variables(&nodes, !placed.is_empty())?;
    build.mark_statistics(&placed);
    if let Some(end) = placed.iter().find(|node| node.op.ends_with("NextIteration")) {
        build.notes.warn(&end.name, "a loop in the way of TensorFlow 1: what it repeats is counted once");
    }
    let weights_only = placed.is_empty() && !build.weights.is_empty();
    if has_signatures && ends.is_none() {
        build.notes.warn("", "it has no signature that says what to compute, so only its variables are read");
    }
    let mut opsets = BTreeMap::new();
    if let Some(version) = version {
        opsets.insert("tf".to_owned(), version);
    }
    Ok(Model {
        format: format.unwrap_or("tensorflow").to_owned(),
        producer: if producer.is_empty() { String::new() } else { format!("TensorFlow {producer}") },
        opsets,
        values: build.values,
        graph: Graph { name: "".into(), inputs, outputs, weights: build.weights, nodes: placed },
        file_bytes,
        weights_only,
        properties: facts,
        notes: build.notes,
        ..Model::default()
    })
}

/// An input's type, with names for its open dimensions.
fn input_type(shape: &Shape, dtype: Option<DType>) -> DeclaredType {
    DeclaredType::Tensor { dtype, shape: shape.as_ref().map(|shape| open_dims::named(shape, dtype)) }
}

fn plain_type(shape: &Shape, dtype: Option<DType>) -> Option<DeclaredType> {
    let dim = |size: &Option<u64>| size.map_or(DeclaredDim::Open, DeclaredDim::Fixed);
    let shape = shape.as_ref().map(|shape| shape.iter().map(dim).collect());
    (shape.is_some() || dtype.is_some()).then_some(DeclaredType::Tensor { dtype, shape })
}

/// The nodes whose results no other node uses: name and tensor.
fn loose_ends(nodes: &[NodeDef]) -> Vec<(String, String)> {
    let used: HashSet<&str> =
        nodes.iter().flat_map(|node| &node.inputs).map(|input| input.split(':').next().unwrap_or_default()).collect();
    let ends =
        nodes.iter().filter(|node| !used.contains(node.name.as_str()) && !NO_RESULTS.contains(&node.op.as_str()));
    ends.map(|node| (node.name.clone(), node.name.clone())).collect()
}

/// The node and the output that a reference names: `node`, `node:1`, and within functions `node:output:1`.
fn reference<'r, 'o>(text: &'r str, is_function: bool, op_of: impl Fn(&str) -> Option<&'o str>) -> (&'r str, usize) {
    let mut parts = text.split(':');
    let node = parts.next().unwrap_or_default();
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0).min(MOST_OUTPUTS);
    match (is_function, parts.next(), parts.next()) {
        (true, Some(name), last) if name.parse::<usize>().is_err() => {
            (node, output_place(op_of(node).unwrap_or_default(), name, number(last)).min(MOST_OUTPUTS))
        }
        (_, first, _) => (node, number(first)),
    }
}

fn nodes_by_name(nodes: &[NodeDef]) -> HashMap<&str, &NodeDef> {
    nodes.iter().map(|node| (node.name.as_str(), node)).collect()
}

/// The names of a graph or of a function being placed.
#[derive(Default)]
struct Scope {
    is_function: bool,
    values: HashMap<(String, usize), ValueId>,
    /// What the caller gave.
    given: HashSet<String>,
    /// Arguments that were left out.
    absent: HashSet<String>,
}

struct Build<'a> {
    source: Source<'a>,
    budget: Budget,
    functions: HashMap<String, Function>,
    values: Vec<Value>,
    weights: Vec<ValueId>,
    /// Placeholders met.
    inputs: Vec<ValueId>,
    variables: Option<Variables>,
    outside: HashMap<String, Weight>,
    known_variables: HashMap<String, ValueId>,
    notes: Notes,
}

impl Build<'_> {
    fn new_value(&mut self, name: &str, declared: Option<DeclaredType>) -> Result<ValueId> {
        self.budget.charge(&self.source, 160 + name.len() as u64)?;
        let id = ValueId(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push(Value { name: name.into(), declared, weight: None });
        Ok(id)
    }

    fn new_weight(&mut self, name: &str, weight: Weight) -> Result<ValueId> {
        let id = self.new_value(name, None)?;
        if let Some(value) = self.values.get_mut(id.0 as usize) {
            value.weight = Some(weight);
        }
        self.weights.push(id);
        Ok(id)
    }

    fn resolve(&self, scope: &Scope, nodes: &HashMap<&str, &NodeDef>, text: &str) -> Option<ValueId> {
        let (node, index) = reference(text, scope.is_function, |name| nodes.get(name).map(|node| node.op.as_str()));
        scope.values.get(&(node.to_owned(), index)).copied()
    }

    /// Places what the wanted tensors need of some nodes, in an order in which each can be computed.
    fn nodes(&mut self, scope: &mut Scope, nodes: &[NodeDef], wanted: &[String], depth: u32) -> Result<Vec<Node>> {
        let by_name: HashMap<&str, usize> =
            nodes.iter().enumerate().map(|(place, node)| (node.name.as_str(), place)).collect();
        let op_of = |name: &str| by_name.get(name).and_then(|place| nodes.get(*place)).map(|node| node.op.as_str());
        let is_function = scope.is_function;
        let source_of = |text: &str| {
            let (name, index) = reference(text, is_function, op_of);
            by_name.get(name).map(|place| (*place, index))
        };
        let mut outputs = vec![0usize; nodes.len()];
        let mut reached = vec![false; nodes.len()];
        let mut needs: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        let mut open: Vec<(usize, usize)> = wanted.iter().filter_map(|text| source_of(text)).collect();
        while let Some((place, index)) = open.pop() {
            let (Some(count), Some(met)) = (outputs.get_mut(place), reached.get_mut(place)) else { continue };
            *count = (*count).max(index + 1);
            if std::mem::replace(met, true) {
                continue;
            }
            let Some(node) = nodes.get(place) else { continue };
            // What a caller gave is not looked for behind it.
            if scope.given.contains(node.name.as_str()) {
                continue;
            }
            for input in &node.inputs {
                let Some((from, index)) = source_of(input) else { continue };
                open.push((from, index));
                // The end of a loop's turn is no need of its beginning.
                let back = nodes.get(from).is_some_and(|from| from.op.ends_with("NextIteration"));
                if let Some(needs) = needs.get_mut(place)
                    && !(back && node.op.ends_with("Merge"))
                {
                    needs.push(from);
                }
            }
        }
        let Some(order) = order::sorted(&needs) else {
            let why = "its nodes depend on each other in a circle".to_owned();
            let offset = nodes.first().map(|node| node.offset);
            return Err(self.source.error(offset, "", Problem::Corrupt(why)));
        };
        let nodes_by_name: HashMap<&str, &NodeDef> = nodes_by_name(nodes);
        let mut placed = Vec::new();
        for place in order {
            let (Some(node), Some(true)) = (nodes.get(place), reached.get(place)) else { continue };
            if scope.given.contains(node.name.as_str()) {
                continue;
            }
            let count = outputs.get(place).copied().unwrap_or(1).max(node.told_outputs());
            self.node(scope, &nodes_by_name, node, count, depth, &mut placed)?;
        }
        Ok(placed)
    }

    fn node(
        &mut self,
        scope: &mut Scope,
        nodes: &HashMap<&str, &NodeDef>,
        node: &NodeDef,
        count: usize,
        depth: u32,
        placed: &mut Vec<Node>,
    ) -> Result<()> {
        self.budget.charge(&self.source, NODE_BYTES)?;
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for text in &node.inputs {
            let id = match self.resolve(scope, nodes, text) {
                Some(id) => Some(id),
                None if scope.absent.contains(text.as_str()) => None,
                None => Some(self.later(scope, nodes, text)?),
            };
            inputs.push(id);
        }
        let result = match node.op.as_str() {
            "Const" => self.constant(node)?,
            "VarHandleOp" | "VariableV2" | "Variable" => self.variable(node)?,
            "Placeholder" => {
                let shape = node.shape("shape").or(node.output_shape(0));
                let id = self.new_value(&node.name, Some(input_type(&shape, node.dtype("dtype"))))?;
                self.inputs.push(id);
                Some(id)
            }
            _ => None,
        };
        if let Some(id) = result {
            scope.values.insert((node.name.clone(), 0), id);
            return Ok(());
        }
        match node.op.as_str() {
            "PartitionedCall" | "StatefulPartitionedCall" | "TPUPartitionedCall" => {
                if let Some(name) = node.function("f") {
                    return self.call(scope, node, name, &inputs, depth, placed);
                }
            }
            "If" | "StatelessIf" => return self.branch(scope, node, inputs, count, depth, placed),
            "While" | "StatelessWhile" => return self.repeat(scope, node, inputs, depth, placed),
            op if self.functions.contains_key(op) => return self.call(scope, node, op, &inputs, depth, placed),
            _ => {}
        }
        let mut outputs = Vec::with_capacity(count);
        for index in 0..count {
            outputs.push(Some(self.output(scope, node, index)?));
        }
        placed.push(Node {
            name: node.name.as_str().into(),
            domain: "tf".into(),
            op: node.op.as_str().into(),
            opset: 1,
            inputs,
            outputs,
            attributes: attributes(node),
            ..Node::default()
        });
        Ok(())
    }

    /// The value of a tensor that is made later, at the end of a loop's turn.
    fn later(&mut self, scope: &mut Scope, nodes: &HashMap<&str, &NodeDef>, text: &str) -> Result<ValueId> {
        let (name, index) = reference(text, scope.is_function, |name| nodes.get(name).map(|node| node.op.as_str()));
        if !nodes.contains_key(name) {
            self.notes.warn(name, "an input that nothing produces; what depends on it may stay unknown");
        }
        let id = self.new_value(text, None)?;
        scope.values.insert((name.to_owned(), index), id);
        Ok(id)
    }

    /// The value of a node's output, which may have been used already.
    fn output(&mut self, scope: &mut Scope, node: &NodeDef, index: usize) -> Result<ValueId> {
        let key = (node.name.clone(), index);
        if let Some(id) = scope.values.get(&key) {
            return Ok(*id);
        }
        let name = if index == 0 { node.name.clone() } else { format!("{}:{index}", node.name) };
        let id = self.new_value(&name, plain_type(&node.output_shape(index), None))?;
        scope.values.insert(key, id);
        Ok(id)
    }

    fn constant(&mut self, node: &NodeDef) -> Result<Option<ValueId>> {
        let weight = match (self.outside.get(&node.name), node.attributes.get("value")) {
            (Some(weight), _) => Some(weight.clone()),
            (None, Some(Attr::Tensor(weight))) => Some((**weight).clone()),
            _ => None,
        };
        match weight {
            Some(mut weight) => {
                // Single numbers in the graph are factors and limits, no weights.
                if weight.shape.is_empty() {
                    weight.role = weight.role.or(Some(TensorRole::Setting));
                }
                Ok(Some(self.new_weight(&node.name, weight)?))
            }
            None => Ok(None),
        }
    }

    /// A variable is a weight that is kept elsewhere.
    fn variable(&mut self, node: &NodeDef) -> Result<Option<ValueId>> {
        let name = variable_name(node);
        if let Some(id) = self.known_variables.get(&name) {
            return Ok(Some(*id));
        }
        let shape = node.shape("shape").and_then(|shape| shape.into_iter().collect::<Option<Vec<u64>>>());
        let (Some(dtype), Some(shape)) = (node.dtype("dtype"), shape) else {
            self.notes.warn(&name, "its shape is not stated, so its elements are not counted");
            return Ok(None);
        };
        let (file, present) = match &self.variables {
            Some(variables) => (variables.file.clone(), variables.present),
            None => ("variables".into(), false),
        };
        // Their places in the file stand in an index of its own; here only that no two share one matters.
        let offset = self.known_variables.len() as u64;
        let mut weight = Weight::new(dtype, shape, Storage::Outside { file, offset, present });
        weight.role = role_of(&name);
        let id = self.new_weight(&name, weight)?;
        self.known_variables.insert(name, id);
        Ok(Some(id))
    }

    /// Variables that the signature does not need: an optimiser's are kept as such. The others are metrics, other
    /// signatures' or copies that exporters make of all that a model tracks; where nothing is computed they are all there is.
    fn unused_variables(&mut self, nodes: &[NodeDef], computes: bool) -> Result<()> {
        let (mut others, mut elements) = (0u64, 0u64);
        for node in nodes.iter().filter(|node| matches!(node.op.as_str(), "VarHandleOp" | "VariableV2" | "Variable")) {
            let name = variable_name(node);
            if self.known_variables.contains_key(&name) {
                continue;
            }
            if !computes || role_of(&name) == Some(TensorRole::OptimizerState) {
                self.variable(node)?;
                continue;
            }
            others += 1;
            let shape = node.shape("shape").and_then(|shape| shape.into_iter().collect::<Option<Vec<u64>>>());
            let count = shape.and_then(|shape| shape.iter().try_fold(1u64, |all, size| all.checked_mul(*size)));
            elements = elements.saturating_add(count.unwrap_or(0));
        }
        if others > 0 {
            let text = "more variables are kept that the signature does not use; they are not counted";
            self.notes.info("", format!("{others} {text} ({elements} elements)"));
        }
        Ok(())
    }

    /// Batch norms that are spelled out, `x · (γ / √(σ² + ε)) + (β − μ · (γ / √(σ² + ε)))`: σ² and μ are running statistics.
    fn mark_statistics(&mut self, nodes: &[Node]) {
        let makers: HashMap<ValueId, &Node> =
            nodes.iter().flat_map(|node| node.outputs.iter().flatten().map(move |id| (*id, node))).collect();
        let is_read = |op: &str| matches!(op, "Identity" | "ReadVariableOp" | "Cast" | "Reshape" | "ExpandDims");
        let weight_of = |values: &[Value], mut id: ValueId| {
            for _ in 0..8 {
                if values.get(id.0 as usize).is_some_and(|value| value.weight.is_some()) {
                    return Some(id);
                }
                let maker = makers.get(&id).filter(|maker| is_read(&maker.op))?;
                id = maker.inputs.first().copied().flatten()?;
            }
            None
        };
        let is_add = |node: &Node| matches!(node.op.as_ref(), "Add" | "AddV2");
        // The scales that are made of a variance, with and without γ.
        let mut scales = HashSet::new();
        for node in nodes {
            let inputs: Vec<ValueId> = node.inputs.iter().flatten().copied().collect();
            if node.op.as_ref() == "Rsqrt" {
                let sum = inputs.first().and_then(|id| makers.get(id)).filter(|node| is_add(node));
                let parts: Vec<ValueId> =
                    sum.map(|sum| sum.inputs.iter().flatten().copied().collect()).unwrap_or_default();
                let variance =
                    parts.iter().filter_map(|id| weight_of(&self.values, *id)).find(|id| self.is_vector(*id));
                if let Some(variance) = variance {
                    self.set_role(variance, TensorRole::Buffer);
                    scales.extend(node.outputs.iter().flatten().copied());
                }
            }
            if matches!(node.op.as_ref(), "Mul" | "Cast") && inputs.iter().any(|id| scales.contains(id)) {
                let weights: Vec<ValueId> = inputs.iter().filter_map(|id| weight_of(&self.values, *id)).collect();
                if node.op.as_ref() == "Cast" || !weights.is_empty() {
                    scales.extend(node.outputs.iter().flatten().copied());
                }
            }
        }
        // The mean is what is multiplied with such a scale and then taken away.
        for node in nodes.iter().filter(|node| matches!(node.op.as_ref(), "Sub" | "Neg")) {
            let taken = if node.op.as_ref() == "Sub" { node.inputs.get(1) } else { node.inputs.first() };
            let product =
                taken.copied().flatten().and_then(|id| makers.get(&id)).filter(|node| node.op.as_ref() == "Mul");
            let factors: Vec<ValueId> =
                product.map(|product| product.inputs.iter().flatten().copied().collect()).unwrap_or_default();
            if factors.iter().any(|id| scales.contains(id)) {
                let means: Vec<ValueId> = factors.iter().filter_map(|id| weight_of(&self.values, *id)).collect();
                means.into_iter().filter(|id| self.is_vector(*id)).collect::<Vec<_>>().into_iter().for_each(|id| {
                    self.set_role(id, TensorRole::Buffer);
                });
            }
        }
    }

    /// Whether a value is a weight with at most one dimension other than 1, and more than one element.
    fn is_vector(&self, id: ValueId) -> bool {
        let weight = self.values.get(id.0 as usize).and_then(|value| value.weight.as_ref());
        weight.is_some_and(|weight| weight.shape.iter().filter(|size| **size != 1).count() == 1)
    }

    fn set_role(&mut self, id: ValueId, role: TensorRole) {
        if let Some(weight) = self.values.get_mut(id.0 as usize).and_then(|value| value.weight.as_mut()) {
            weight.role = Some(role);
        }
    }

    fn function(&mut self, name: &str) -> Result<Arc<FunctionDef>> {
        let span = match self.functions.get(name) {
            Some(Function::Read(function)) => return Ok(function.clone()),
            Some(Function::Unread(span)) => *span,
            None => {
                let why = format!("the function {name} is called and not in the library");
                return Err(self.source.error(None, name, Problem::Corrupt(why)));
            }
        };
        let function = Arc::new(proto::function(span, &mut self.source, &mut self.budget)?);
        self.functions.insert(name.to_owned(), Function::Read(function.clone()));
        Ok(function)
    }

    /// Places a function whose arguments are these values; gives its nodes and results.
    fn place(
        &mut self,
        name: &str,
        arguments: &[Option<ValueId>],
        depth: u32,
    ) -> Result<(Vec<Node>, Vec<Option<ValueId>>)> {
        let function = self.function(name)?;
        if depth >= MOST_DEPTH {
            let what = format!("functions call each other more than {MOST_DEPTH} deep");
            return Err(self.source.error(None, name, Problem::OverLimit(what)));
        }
        let mut scope = Scope { is_function: true, ..Scope::default() };
        for (place, argument) in function.inputs.iter().enumerate() {
            match arguments.get(place).copied().flatten() {
                Some(id) => {
                    scope.values.insert((argument.clone(), 0), id);
                    scope.given.insert(argument.clone());
                }
                None => drop(scope.absent.insert(argument.clone())),
            }
        }
        let nodes = self.nodes(&mut scope, &function.nodes, &function.outputs, depth + 1)?;
        let by_name = nodes_by_name(&function.nodes);
        let results = function.outputs.iter().map(|text| self.resolve(&scope, &by_name, text)).collect();
        Ok((nodes, results))
    }

    fn call(
        &mut self,
        scope: &mut Scope,
        node: &NodeDef,
        function: &str,
        inputs: &[Option<ValueId>],
        depth: u32,
        placed: &mut Vec<Node>,
    ) -> Result<()> {
        let (nodes, results) = self.place(function, inputs, depth)?;
        placed.extend(nodes);
        for (index, id) in results.into_iter().enumerate() {
            if let Some(id) = id {
                scope.values.insert((node.name.clone(), index), id);
            }
        }
        Ok(())
    }

    fn branch(
        &mut self,
        scope: &mut Scope,
        node: &NodeDef,
        inputs: Vec<Option<ValueId>>,
        count: usize,
        depth: u32,
        placed: &mut Vec<Node>,
    ) -> Result<()> {
        let arguments = inputs.get(1..).unwrap_or_default().to_vec();
        let mut bodies = BTreeMap::new();
        let mut results = 0;
        for role in ["then_branch", "else_branch"] {
            let Some(function) = node.function(role) else {
                let why = format!("{} does not say what to run as {role}", node.op);
                return Err(self.source.error(Some(node.offset), &node.name, Problem::Corrupt(why)));
            };
            let (nodes, outputs) = self.place(function, &arguments, depth)?;
            results = results.max(outputs.len());
            let outputs = self.all(outputs)?;
            let graph = Graph { name: function.into(), inputs: Vec::new(), outputs, weights: Vec::new(), nodes };
            bodies.insert(Arc::from(role), Attribute::Graphs(vec![graph]));
        }
        let mut outputs = Vec::new();
        for index in 0..count.max(results) {
            outputs.push(Some(self.output(scope, node, index)?));
        }
        placed.push(Node {
            name: node.name.as_str().into(),
            domain: "tf".into(),
            op: node.op.as_str().into(),
            opset: 1,
            inputs: inputs.into_iter().take(1).collect(),
            outputs,
            attributes: bodies,
            ..Node::default()
        });
        Ok(())
    }

    fn all(&mut self, ids: Vec<Option<ValueId>>) -> Result<Vec<ValueId>> {
        ids.into_iter().map(|id| id.map_or_else(|| self.new_value("", None), Ok)).collect()
    }

    /// A loop as inference knows it: whether to begin stands before it, whether to go on is the first result of its body.
    /// What every turn passes on as it came (weights above all) is named by its own value inside.
    fn repeat(
        &mut self,
        scope: &mut Scope,
        node: &NodeDef,
        inputs: Vec<Option<ValueId>>,
        depth: u32,
        placed: &mut Vec<Node>,
    ) -> Result<()> {
        let (Some(condition), Some(body)) = (node.function("cond"), node.function("body")) else {
            let why = format!("{} does not say what to run", node.op);
            return Err(self.source.error(Some(node.offset), &node.name, Problem::Corrupt(why)));
        };
        let function = self.function(body)?;
        let (first_nodes, first) = self.place(condition, &inputs, depth)?;
        placed.extend(first_nodes);
        let mut carried = Vec::new();
        let mut arguments = Vec::new();
        for (place, input) in inputs.iter().enumerate() {
            if passes_on(&function, place) {
                arguments.push(*input);
                if let Some(id) = input {
                    scope.values.insert((node.name.clone(), place), *id);
                }
                continue;
            }
            let name = function.inputs.get(place).map(String::as_str).unwrap_or_default();
            let id = self.new_value(name, None)?;
            arguments.push(Some(id));
            carried.push((place, *input, id));
        }
        let (mut nodes, next) = self.place(body, &arguments, depth)?;
        let next = self.all(next)?;
        // What is passed on is in the next turn what it was before.
        let again: Vec<Option<ValueId>> = (0..inputs.len())
            .map(|place| match carried.iter().any(|(at, ..)| *at == place) {
                true => next.get(place).copied(),
                false => arguments.get(place).copied().flatten(),
            })
            .collect();
        let (again_nodes, again) = self.place(condition, &again, depth)?;
        nodes.extend(again_nodes);
        let turn = self.new_value("turn", None)?;
        let going = self.new_value("going", None)?;
        let goes_on = match again.first().copied().flatten() {
            Some(id) => id,
            None => self.new_value("goes_on", None)?,
        };
        let mut body_outputs = vec![goes_on];
        let mut outputs = Vec::new();
        for (place, ..) in &carried {
            match next.get(*place) {
                Some(id) => body_outputs.push(*id),
                None => body_outputs.push(self.new_value("", None)?),
            }
            outputs.push(Some(self.output(scope, node, *place)?));
        }
        let body_inputs = [turn, going].into_iter().chain(carried.iter().map(|(.., id)| *id)).collect();
        let graph = Graph { name: body.into(), inputs: body_inputs, outputs: body_outputs, weights: Vec::new(), nodes };
        let begins = [None, first.first().copied().flatten()];
        placed.push(Node {
            name: node.name.as_str().into(),
            domain: "tf".into(),
            op: node.op.as_str().into(),
            opset: 1,
            inputs: begins.into_iter().chain(carried.iter().map(|(_, input, _)| *input)).collect(),
            outputs,
            attributes: [(Arc::from("body"), Attribute::Graphs(vec![graph]))].into(),
            ..Node::default()
        });
        Ok(())
    }
}

/// Whether a function gives an argument back as it came.
fn passes_on(function: &FunctionDef, place: usize) -> bool {
    let (Some(argument), Some(result)) = (function.inputs.get(place), function.outputs.get(place)) else {
        return false;
    };
    let mut name = result.split(':').next().unwrap_or_default();
    // Longer chains of identities are not met.
    for _ in 0..8 {
        if name == argument {
            return true;
        }
        let Some(node) = function.nodes.iter().find(|node| node.name == name && node.op == "Identity") else { break };
        name = node.inputs.first().and_then(|input| input.split(':').next()).unwrap_or_default();
    }
    false
}

/// The name under which a variable is kept.
fn variable_name(node: &NodeDef) -> String {
    match node.attributes.get("shared_name") {
        Some(Attr::Text(name)) if !name.is_empty() => name.clone(),
        _ => node.name.clone(),
    }
}

/// What a variable is by its name: Keras and TensorFlow name running statistics and an optimiser's variables so.
pub fn role_of(name: &str) -> Option<TensorRole> {
    let last = name.rsplit('/').next().unwrap_or(name);
    let first = name.split('/').next().unwrap_or(name);
    const OPTIMISERS: &[&str] =
        &["Adam", "AdamW", "Adamax", "Nadam", "RMSprop", "SGD", "Adagrad", "Adadelta", "Ftrl", "optimizer", "Lion"];
    const SLOTS: &[&str] =
        &["Momentum", "RMSProp", "RMSProp_1", "Adam", "Adam_1", "Adagrad", "beta1_power", "beta2_power"];
    // An optimiser also tracks the weights that it trains.
    if name.contains("/_trainable_variables/") {
        return None;
    }
    if name.contains(".OPTIMIZER_SLOT") || OPTIMISERS.contains(&first) && name.contains('/') || SLOTS.contains(&last) {
        return Some(TensorRole::OptimizerState);
    }
    let running = ["moving_mean", "moving_variance", "moving_avg"];
    running.contains(&last).then_some(TensorRole::Buffer)
}

/// Attributes as the model keeps them; what only the runtime needs is left out.
fn attributes(node: &NodeDef) -> BTreeMap<Arc<str>, Attribute> {
    let mut kept = BTreeMap::new();
    for (name, attr) in &node.attributes {
        if name.starts_with('_') {
            continue;
        }
        let value = match attr {
            Attr::Int(value) => Attribute::Int(*value),
            Attr::Float(value) => Attribute::Float(*value),
            Attr::Text(text) => Attribute::Text(text.as_str().into()),
            Attr::Type(Some(dtype)) => Attribute::Text(dtype.name().into()),
            Attr::Ints(values) => Attribute::Ints(values.clone()),
            Attr::Floats(values) => Attribute::Floats(values.clone()),
            Attr::Texts(texts) => Attribute::Texts(texts.iter().map(|text| text.as_str().into()).collect()),
            Attr::Tensor(weight) => Attribute::Tensor(weight.clone()),
            Attr::Type(None) | Attr::Shape(_) | Attr::Function(_) | Attr::Types(_) | Attr::Shapes(_) => continue,
        };
        kept.insert(name.as_str().into(), value);
    }
    kept
}
