//! What among a model's constants is a parameter, what a buffer, and what neither.
//!
//! A **parameter** is an element of a weight: every float that the file holds as a tensor,
//! and every integer that stands for a quantised weight, counted unpacked.
//! A **buffer** is an element of running statistics (mean and variance of a batch norm) or of quantisation constants
//! (scales and zero points).
//! **Neither** are settings: integers that describe shapes, axes and indices, the scales of `Resize`,
//! and single floats written into the graph as `Constant` nodes (`x · 0.5`).
//!
//! The role follows from the use, looked for through operators that only name, cut, convert or dequantise.
//! A tensor used by several nodes counts once, and so do tensors that share their place in an external file.

use super::rules;
use crate::model::{Contents, DType, Graph, Kind, Model, Node, Storage, TensorRole, ValueId, Weight};
use crate::notes::Notes;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Deepest nesting of bodies that is looked into; shape inference goes no deeper either.
const MOST_DEPTH: usize = 64;

/// What a constant is used for. Among several uses the last in this order decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Role {
    /// No use was found.
    #[default]
    Unused,
    /// It describes a shape, an axis, an index or a mode.
    Setting,
    /// An optimiser keeps it.
    Optimizer,
    /// Running statistics, scales and zero points.
    Buffer,
    /// It is computed with.
    Weight,
}

/// How one input of an operator uses a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Floats are computed with; integers are settings.
    Plain,
    /// A setting whatever its type.
    Setting,
    /// A buffer.
    Buffer,
    /// Computed with whatever its type.
    Weight,
    /// Passed on: what the first output is used for.
    Through,
    /// Passed on as floats: quantised weights come out as weights.
    Dequantised,
    /// Integers of up to 8 bits become floats, as some exporters spell dequantisation.
    Widened,
}

/// What a weight that is packed into a wider type holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed {
    /// How many elements there are.
    pub amount: Amount,
    /// What one element is called, for example `u4`.
    pub dtype: &'static str,
}

/// Elements of a packed weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    /// This many; `None` where unknown or past 64 bits.
    Elements(Option<u64>),
    /// This many in each byte, if it is stored as bytes.
    PerByte(u64),
}

/// A role for each kind of element.
#[derive(Debug, Clone, Copy, Default)]
struct Roles {
    float: Role,
    small: Role,
    wide: Role,
}

impl Roles {
    fn all(role: Role) -> Self {
        Self { float: role, small: role, wide: role }
    }

    fn join(self, other: Self) -> Self {
        Self { float: self.float.max(other.float), small: self.small.max(other.small), wide: self.wide.max(other.wide) }
    }

    fn of(self, dtype: DType) -> Role {
        match dtype.kind() {
            Kind::Float | Kind::Complex => self.float,
            Kind::Integer if dtype.bits() <= 8 => self.small,
            Kind::Integer => self.wide,
            Kind::Boolean | Kind::Text => Role::Setting,
        }
    }
}

/// The constants of a model, counted.
#[derive(Debug, Default)]
pub(super) struct Weights {
    /// Parameters in all, each tensor once; `None` where they do not fit 64 bits.
    pub parameters: Option<u64>,
    /// Elements of buffers.
    pub buffers: u64,
    /// Bytes of parameters and buffers as stored; `None` where they do not fit 64 bits.
    pub bytes: Option<u64>,
    /// Elements of what an optimiser keeps, and its bytes.
    pub optimizer: u64,
    pub optimizer_bytes: u64,
    /// Parameters by stored element type.
    pub dtypes: BTreeMap<String, u64>,
    /// For each value: its parameters, at the one value that counts them.
    pub parameters_of: Vec<u64>,
    /// For each value: its bytes as stored, if it is a parameter or a buffer.
    pub bytes_of: Vec<u64>,
    /// For each value: whether the file holds its contents.
    pub is_constant: Vec<bool>,
}

/// Counts the constants of a model.
pub(super) fn count(model: &Model, notes: &mut Notes) -> Weights {
    let mut search = Search {
        model,
        roles: vec![Roles::default(); model.values.len()],
        packed: BTreeMap::new(),
        found_scales: HashSet::new(),
        own: 0,
        tables: Vec::new(),
        factors: Vec::new(),
        constants: Vec::new(),
        filled: Vec::new(),
        learned: BTreeMap::new(),
    };
    search.graph(&model.graph, 0);
    let mut weights = Weights {
        parameters: Some(0),
        bytes: Some(0),
        parameters_of: vec![0; model.values.len()],
        bytes_of: vec![0; model.values.len()],
        is_constant: model.values.iter().map(|value| value.weight.is_some()).collect(),
        ..Weights::default()
    };
    let mut places = HashSet::new();
    for (id, node_weight) in std::mem::take(&mut search.constants) {
        let Some(weight) = node_weight.or_else(|| model.value(id)?.weight.as_ref()) else { continue };
        let Some(slot) = usize::try_from(id.0).ok() else { continue };
        let from_node = node_weight.is_some();
        if let Some(known) = weights.is_constant.get_mut(slot) {
            *known = true;
        }
        let role = search.role(id, weight, from_node);
        let packed = search.packed.get(&id);
        weights.add(model.name(id), slot, weight, role, packed, &mut places, notes);
    }
    weights.add_filled(model, &search, &mut places, notes);
    weights.add_own(search.own);
    search.note_ties(notes);
    note_folded_norms(model, notes);
    weights
}

/// The channels and the bias of a convolution into which an exporter folded a batch norm: its weight and its bias are
/// both named by the exporter, or the bias after the weight.
pub(super) fn folded_norm(model: &Model, node: &Node) -> Option<(u64, ValueId)> {
    let [_, Some(weight), Some(bias), ..] = node.inputs.as_slice() else { return None };
    let (name, bias_name) = (model.name(*weight), model.name(*bias));
    let renamed = name.starts_with("onnx::Conv_") && bias_name.starts_with("onnx::Conv_");
    let appended = bias_name.strip_suffix("_bias") == Some(name);
    let channels = *model.value(*weight)?.weight.as_ref()?.shape.first()?;
    (node.is("Conv") && (renamed || appended)).then_some((channels, *bias))
}

/// Exporters fold a batch norm into the convolution before it: its scale goes into the weights, its shift becomes a bias.
/// Torch's two exporters leave a trace of that in the names that they give to both.
///
/// The network has a scale and a shift for each channel, the file the biases, equal ones stored once.
fn note_folded_norms(model: &Model, notes: &mut Notes) {
    let (mut norms, mut of_network) = (0u64, 0u64);
    let mut biases = HashSet::new();
    for node in &model.graph.nodes {
        let Some((channels, bias)) = folded_norm(model, node) else { continue };
        norms += 1;
        of_network = of_network.saturating_add(channels.saturating_mul(2));
        biases.insert(bias);
    }
    let elements = |id: &ValueId| model.value(*id)?.weight.as_ref()?.elements();
    let of_file = biases.iter().filter_map(elements).fold(0, u64::saturating_add);
    if norms > 0 {
        let more = of_network.saturating_sub(of_file);
        let text = format!(
            "the exporter folded {norms} batch norms into convolutions: \
             the network has at least {more} parameters more than the file"
        );
        notes.info("", text);
    }
}

type Place = (Option<Arc<str>>, u64, Option<u64>);

impl Weights {
    /// Adds tensors of one repeated value that stand where a layer keeps its weights: graphs that are published for
    /// their structure alone are written so.
    fn add_filled(&mut self, model: &Model, search: &Search<'_>, places: &mut HashSet<Place>, notes: &mut Notes) {
        let mut tensors = 0u64;
        for (id, weight) in &search.filled {
            let (Some(role), Ok(slot)) = (search.learned.get(id), usize::try_from(id.0)) else { continue };
            if let Some(known) = self.is_constant.get_mut(slot) {
                *known = true;
            }
            self.add(model.name(*id), slot, weight, *role, None, places, notes);
            tensors += 1;
        }
        if tensors > 0 {
            let text = "tensors of one repeated value stand for weights (ConstantOfShape) and are counted as such";
            notes.info("", format!("{tensors} {text}"));
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn add(
        &mut self,
        name: &str,
        slot: usize,
        weight: &Weight,
        role: Role,
        packed: Option<&Packed>,
        places: &mut HashSet<Place>,
        notes: &mut Notes,
    ) {
        let bytes = weight.bytes();
        if role == Role::Optimizer && places.insert(place(weight)) {
            self.optimizer = self.optimizer.saturating_add(weight.elements().unwrap_or(u64::MAX));
            self.optimizer_bytes = self.optimizer_bytes.saturating_add(bytes.unwrap_or(u64::MAX));
        }
        if !matches!(role, Role::Weight | Role::Buffer) {
            return;
        }
        if let (Some(bytes), Some(held)) = (bytes, self.bytes_of.get_mut(slot)) {
            *held = bytes;
        }
        let place = place(weight);
        if places.contains(&place) {
            // Constants of a function are met once for each call, which needs no note.
            if place.0.is_some() {
                notes.info(name, "shares its place in the external file with another weight; counted once");
            }
            return;
        }
        places.insert(place);
        self.bytes = self.bytes.and_then(|sum| sum.checked_add(bytes?));
        let (elements, dtype) = match packed {
            None if weight.packing.is_some() => {
                (weight.elements(), weight.packing.as_ref().map_or("", |packing| packing.name.as_ref()))
            }
            Some(Packed { amount: Amount::Elements(elements), dtype }) => (*elements, *dtype),
            Some(Packed { amount: Amount::PerByte(each), dtype }) if weight.dtype == DType::U8 => {
                (weight.elements().and_then(|bytes| bytes.checked_mul(*each)), *dtype)
            }
            _ => (weight.elements(), weight.dtype.name()),
        };
        if role == Role::Buffer {
            self.buffers = self.buffers.saturating_add(elements.unwrap_or(0));
            return;
        }
        if let Some(stored) = weight.stored_elements {
            notes.info(
                name,
                format!("stored sparse, {stored} elements; counted as the dense tensor that it stands for"),
            );
        }
        self.parameters = self.parameters.and_then(|sum| sum.checked_add(elements?));
        let Some(elements) = elements else { return };
        let of_type = self.dtypes.entry(dtype.to_owned()).or_default();
        *of_type = of_type.saturating_add(elements);
        if let Some(own) = self.parameters_of.get_mut(slot) {
            *own = elements;
        }
    }
}

impl Weights {
    /// Whether a value follows from the file's contents alone.
    pub fn is_constant(&self, id: ValueId) -> bool {
        self.is_constant.get(id.0 as usize).copied().unwrap_or(false)
    }

    /// Adds 32-bit floats that stand in attributes.
    fn add_own(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        self.parameters = self.parameters.and_then(|sum| sum.checked_add(count));
        self.bytes = self.bytes.and_then(|sum| sum.checked_add(DType::F32.bytes(count)?));
        let of_type = self.dtypes.entry(DType::F32.name().to_owned()).or_default();
        *of_type = of_type.saturating_add(count);
    }
}

/// Where a weight lies; tensors of the same place and length are the same.
fn place(weight: &Weight) -> Place {
    match &weight.storage {
        Storage::Inside { offset } => (None, *offset, weight.bytes()),
        Storage::Outside { file, offset, .. } => (Some(file.clone()), *offset, weight.bytes()),
    }
}

/// The uses of every value, found from the last node to the first.
struct Search<'m> {
    model: &'m Model,
    roles: Vec<Roles>,
    packed: BTreeMap<ValueId, Packed>,
    /// The scales and zero points that `DynamicQuantizeLinear` finds: what is multiplied with them is a scale.
    found_scales: HashSet<ValueId>,
    /// Parameters that stand in nodes' attributes.
    own: u64,
    /// Tables that are looked up, and right factors of products.
    tables: Vec<ValueId>,
    factors: Vec<ValueId>,
    /// Every constant in file order; with its contents where a node holds them.
    constants: Vec<(ValueId, Option<&'m Weight>)>,
    /// Tensors of one repeated value, which `ConstantOfShape` makes of a shape in the file.
    filled: Vec<(ValueId, Weight)>,
    /// Values in the place of what a layer learns, or of its running statistics.
    learned: BTreeMap<ValueId, Role>,
}

/// What a layer of this operator keeps at this input.
fn learned(op: &str, index: usize) -> Option<Role> {
    match (op, index) {
        ("Conv" | "ConvTranspose" | "Gemm", 1 | 2) | ("MatMul", 1) => Some(Role::Weight),
        ("BatchNormalization" | "InstanceNormalization" | "LayerNormalization", 1 | 2) => Some(Role::Weight),
        ("BatchNormalization", 3 | 4) => Some(Role::Buffer),
        _ => None,
    }
}

/// The tensor that a `ConstantOfShape` makes, if the file holds its shape.
fn filled(model: &Model, node: &Node) -> Option<(ValueId, Weight)> {
    let (shape, output) = (node.inputs.first().copied().flatten()?, node.outputs.first().copied().flatten()?);
    let Contents::Integers(sizes) = model.value(shape)?.weight.as_ref()?.contents.as_ref()? else { return None };
    let shape = sizes.iter().map(|size| u64::try_from(*size).ok()).collect::<Option<Vec<_>>>()?;
    let dtype = node.tensor("value").map_or(DType::F32, |value| value.dtype);
    // No two of them share a place in the file: they have none.
    let storage = Storage::Inside { offset: u64::MAX - u64::from(output.0) };
    Some((output, Weight::new(dtype, shape, storage)))
}

impl<'m> Search<'m> {
    fn graph(&mut self, graph: &'m Graph, depth: usize) {
        if depth > MOST_DEPTH {
            return;
        }
        self.constants.extend(graph.weights.iter().map(|id| (*id, None)));
        for node in graph.nodes.iter().filter(|node| node.is("DynamicQuantizeLinear")) {
            self.found_scales.extend(node.outputs.iter().skip(1).flatten());
        }
        for node in graph.nodes.iter().filter(|node| node.is("Constant")) {
            let output = node.outputs.first().copied().flatten();
            if let (Some(id), Some(weight)) = (output, node.tensor("value").or_else(|| node.tensor("sparse_value"))) {
                self.constants.push((id, Some(weight)));
            }
        }
        let makers = graph.nodes.iter().filter(|node| node.is("ConstantOfShape"));
        self.filled.extend(makers.filter_map(|node| filled(self.model, node)));
        for node in graph.nodes.iter().rev() {
            self.own = self.own.saturating_add(rules::own_parameters(node));
            for (_, body) in node.graphs() {
                self.graph(body, depth + 1);
            }
            for (index, id) in node.inputs.iter().enumerate() {
                if let Some(id) = id {
                    self.used(node, index, *id);
                }
            }
        }
    }

    fn used(&mut self, node: &Node, index: usize, id: ValueId) {
        let onward = || {
            let output = node.outputs.first().copied().flatten();
            output.and_then(|id| self.roles.get(id.0 as usize)).copied().unwrap_or_default()
        };
        let scales = node.is("Mul") && node.inputs.iter().flatten().any(|id| self.found_scales.contains(id));
        let roles = match if scales { Use::Buffer } else { rules::use_of(node, index) } {
            Use::Plain => Roles { float: Role::Weight, small: Role::Setting, wide: Role::Setting },
            Use::Setting => Roles::all(Role::Setting),
            Use::Buffer => Roles::all(Role::Buffer),
            Use::Weight => Roles::all(Role::Weight),
            Use::Through => onward(),
            Use::Dequantised => Roles::all(onward().float),
            Use::Widened => Roles { wide: onward().wide.min(Role::Setting), small: onward().float, ..onward() },
        };
        match (node.op.as_ref(), index) {
            ("Gather", 0) => self.tables.push(id),
            ("MatMul" | "Gemm", 1) => self.factors.push(id),
            _ => {}
        }
        let kept = match rules::use_of(node, index) {
            Use::Through => node.outputs.first().copied().flatten().and_then(|id| self.learned.get(&id)).copied(),
            _ => learned(&node.op, index).filter(|_| node.domain.is_empty()),
        };
        if let Some(role) = kept {
            self.learned.insert(id, role);
        }
        if let Some(packed) = rules::packed(self.model, node, index) {
            self.packed.insert(id, packed);
        }
        if let Some(kept) = self.roles.get_mut(id.0 as usize) {
            *kept = kept.join(roles);
        }
    }

    /// Exporters store a tied table twice, as rows to look up and as the last product's weights.
    /// Whether they are one in the network cannot be seen, so both count, with a word about it.
    fn note_ties(&self, notes: &mut Notes) {
        let matrix = |id: &ValueId| match self.model.value(*id)?.weight.as_ref()?.shape.as_slice() {
            [rows, columns] if rows != columns => Some((*id, *rows, *columns)),
            _ => None,
        };
        let tables = self.tables.iter().filter_map(matrix);
        let Some((table, rows, columns)) = tables.max_by_key(|(_, rows, columns)| rows.saturating_mul(*columns)) else {
            return;
        };
        let same =
            |(id, a, b): &(ValueId, u64, u64)| *id != table && [(rows, columns), (columns, rows)].contains(&(*a, *b));
        if let Some((factor, ..)) = self.factors.iter().filter_map(matrix).find(same) {
            let name = self.model.name(factor);
            let fewer = rows.saturating_mul(columns);
            let text = format!(
                "looked up here, and as large as '{name}', which is multiplied with; \
                 if the network ties the two, it has {fewer} parameters fewer than counted"
            );
            notes.info(self.model.name(table), text);
        }
    }

    fn role(&self, id: ValueId, weight: &Weight, from_node: bool) -> Role {
        match weight.role {
            Some(TensorRole::Parameter) => return Role::Weight,
            Some(TensorRole::Buffer) => return Role::Buffer,
            Some(TensorRole::Setting) => return Role::Setting,
            Some(TensorRole::OptimizerState) => return Role::Optimizer,
            None => {}
        }
        let roles = self.roles.get(id.0 as usize).copied().unwrap_or_default();
        let role = roles.of(weight.dtype);
        let is_float = matches!(weight.dtype.kind(), Kind::Float | Kind::Complex);
        match role {
            Role::Weight if from_node && is_float && weight.elements() == Some(1) => Role::Setting,
            // A float that nothing uses is still a weight in the file.
            Role::Unused if is_float && !(from_node && weight.elements() == Some(1)) => Role::Weight,
            role => role,
        }
    }
}
