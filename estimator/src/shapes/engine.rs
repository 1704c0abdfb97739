//! The walk: nodes in order, one rule each, with the declared types as cross-check and fallback.
//!
//! What an operator does stands in `rules`; what runs a body stands in `control`.

use super::call::{Call, Mismatch, show};
use super::known::Known;
use super::symbols::{Defaults, Origin, Symbols};
use super::{Choices, Step, Trace, control, fitting, rules};
use crate::model::{DType, DeclaredDim, DeclaredType, Dim, Model, Node, SequenceType, TensorType, ValueId, ValueType};
use crate::notes::Notes;
use std::sync::Arc;

/// Node visits that one inference may make, unrolled loops included, per node of the model and at least.
const VISITS_PER_NODE: usize = 64;
const LEAST_VISITS: usize = 200_000;
/// Deepest nesting of bodies within bodies. The file reader has a lower bound of its own.
const MOST_DEPTH: usize = 64;

/// An inference under way.
pub(super) struct Engine<'m, 'c> {
    pub model: &'m Model,
    choices: &'c Choices,
    types: Vec<Option<Arc<ValueType>>>,
    contents: Vec<Option<Arc<Known>>>,
    pub symbols: Symbols,
    pub notes: Notes,
    visits_left: usize,
    depth: usize,
    /// How many nodes contradict their inputs, of those that run.
    pub misfits: usize,
    /// The same in branches that were left aside because of it.
    pub aside: usize,
    /// How many bodies are being walked that may not run at all.
    pub alternatives: usize,
    contradictions: Vec<fitting::Contradiction>,
}

/// Tokens of a pass through a model without a graph when nothing else is said: a prompt of a page.
pub const PROMPT: u64 = 512;

impl<'m, 'c> Engine<'m, 'c> {
    /// `defaults` are for symbolic dimensions that the user left open.
    pub fn new(model: &'m Model, choices: &'c Choices, defaults: Defaults) -> Self {
        // Without a node nothing asks for them, and files of weights alone hold a hundred thousand.
        let has_nodes = !model.graph.nodes.is_empty();
        let of_weights = |value: &crate::model::Value| {
            let weight = value.weight.as_ref().filter(|_| has_nodes)?;
            let shape = weight.shape.iter().map(|dim| Dim::from(*dim)).collect();
            Some(Arc::new(ValueType::tensor(Some(weight.dtype), Some(shape))))
        };
        let contents =
            |value: &crate::model::Value| Known::of_weight(value.weight.as_ref().filter(|_| has_nodes)?).map(Arc::new);
        let visits = model.values.len().saturating_mul(VISITS_PER_NODE).max(LEAST_VISITS);
        Self {
            model,
            choices,
            types: model.values.iter().map(of_weights).collect(),
            contents: model.values.iter().map(contents).collect(),
            symbols: Symbols::new(choices.dims.clone(), defaults),
            notes: Notes::new(),
            visits_left: visits,
            depth: 0,
            misfits: 0,
            aside: 0,
            alternatives: 0,
            contradictions: Vec::new(),
        }
    }

    pub fn run(mut self) -> Trace<'m> {
        let model = self.model;
        // Inputs whose shape the user gave come first: they settle names that other inputs share.
        let given = |id: &&ValueId| self.choices.shapes.contains_key(model.name(**id));
        let (given, others): (Vec<&ValueId>, Vec<&ValueId>) = model.graph.inputs.iter().partition(given);
        for id in given.into_iter().chain(others) {
            self.bind_input(*id);
        }
        if model.weights_only && model.hyperparameters.is_some() {
            // What such a model computes depends on the length of a text alone.
            let tokens = self.symbols.named("tokens", Origin::Input, PROMPT).size().unwrap_or(PROMPT);
            self.symbols.named("context", Origin::Input, tokens);
        }
        let steps = self.walk(&model.graph.nodes);
        let names: Vec<String> = self.symbols.unused().map(str::to_owned).collect();
        for name in names {
            self.notes.warn(&name, "no dimension of this model has this name; the number was not used");
        }
        let choices = self.choices;
        for name in choices.shapes.keys().chain(choices.contents.keys()).chain(choices.items.keys()) {
            if !model.graph.inputs.iter().any(|id| model.name(*id) == name) {
                self.notes.warn(name, "this model has no input of this name; the choice was not used");
            }
        }
        self.symbols.note_defaults(&mut self.notes);
        Trace {
            types: self.types,
            steps,
            symbols: self.symbols.into_met(),
            notes: self.notes,
            misfits: self.misfits,
            aside: self.aside,
            contradictions: self.contradictions,
        }
    }

    fn bind_input(&mut self, id: ValueId) {
        let model = self.model;
        let Some(value) = model.value(id) else { return };
        let declared = value.declared.as_ref();
        let name: &str = &value.name;
        let mut value_type = match self.choices.shapes.get(name) {
            Some(sizes) => Some(self.chosen_type(name, declared, sizes)),
            None => declared.map(|declared| self.input_type(name, declared)),
        };
        if let Some(shapes) = self.choices.items.get(name) {
            value_type = value_type.map(|value_type| chosen_items(value_type, shapes));
        }
        if let Some((shape, contents)) = self.choices.contents.get(name) {
            let sizes = shape.iter().map(|dim| usize::try_from(*dim).ok()).collect::<Option<Vec<_>>>();
            let known = sizes.and_then(|sizes| Known::of_contents(sizes, contents));
            self.set_contents(id, known.map(Arc::new));
        }
        self.set_type(id, value_type.map(Arc::new));
    }

    /// The type of an input whose shape the user gave.
    fn chosen_type(&mut self, name: &str, declared: Option<&DeclaredType>, sizes: &[u64]) -> ValueType {
        match declared {
            Some(DeclaredType::Optional(inner)) => {
                ValueType::Optional(Box::new(self.chosen_type(name, Some(inner), sizes)))
            }
            Some(DeclaredType::Tensor { dtype, shape }) => {
                self.chosen_shape(name, shape.as_deref().unwrap_or_default(), *dtype, sizes)
            }
            _ => self.chosen_shape(name, &[], None, sizes),
        }
    }

    /// A shape typed by the user: names the symbols that it settles, so that everything else of that name follows.
    fn chosen_shape(&mut self, name: &str, declared: &[DeclaredDim], dtype: Option<DType>, sizes: &[u64]) -> ValueType {
        if !declared.is_empty() && declared.len() != sizes.len() {
            let text = format!(
                "declared with {} dimensions but given {}; the given shape is used",
                declared.len(),
                sizes.len()
            );
            self.notes.warn(name, text);
        }
        let mut shape = Vec::with_capacity(sizes.len());
        for (axis, size) in sizes.iter().enumerate() {
            let dim = match declared.get(axis) {
                Some(DeclaredDim::Named(symbol)) => {
                    self.symbols.settle(symbol, *size);
                    self.symbols.named(symbol, Origin::Input, *size)
                }
                Some(DeclaredDim::Fixed(fixed)) if self.model.states_all_shapes => {
                    if fixed != size {
                        let text =
                            format!("exported for exactly {fixed} here; {size} cannot be looked at in this file");
                        self.notes.warn(name, text);
                    }
                    Dim::from(*fixed)
                }
                _ => Dim::from(*size),
            };
            if self.model.states_all_shapes {
                shape.push(dim);
                continue;
            }
            shape.push(if dim.size() == Some(*size) { dim } else { Dim::from(*size) });
        }
        ValueType::tensor(dtype, Some(shape))
    }

    fn input_type(&mut self, name: &str, declared: &DeclaredType) -> ValueType {
        match declared {
            DeclaredType::Tensor { dtype, shape } => {
                let shape = shape.as_ref().map(|dims| {
                    let rank = dims.len();
                    dims.iter().enumerate().map(|(axis, dim)| self.symbols.of_input(name, axis, rank, dim)).collect()
                });
                ValueType::tensor(*dtype, shape)
            }
            DeclaredType::Sequence(element) => ValueType::Sequence(SequenceType {
                element: Some(Box::new(self.input_type(name, element))),
                items: None,
            }),
            DeclaredType::Optional(inner) => ValueType::Optional(Box::new(self.input_type(name, inner))),
            DeclaredType::Map => ValueType::Map,
        }
    }

    /// A declared type of an inner value, as far as the symbols met so far settle it.
    pub fn declared_type(&mut self, declared: &DeclaredType) -> ValueType {
        match declared {
            DeclaredType::Tensor { dtype, shape } => {
                let symbols = &mut self.symbols;
                let shape = shape.as_ref().map(|dims| dims.iter().map(|dim| symbols.declared(dim)).collect());
                ValueType::tensor(*dtype, shape)
            }
            DeclaredType::Sequence(element) => {
                ValueType::Sequence(SequenceType { element: Some(Box::new(self.declared_type(element))), items: None })
            }
            DeclaredType::Optional(inner) => ValueType::Optional(Box::new(self.declared_type(inner))),
            DeclaredType::Map => ValueType::Map,
        }
    }

    /// Runs nodes in order.
    pub fn walk(&mut self, nodes: &'m [Node]) -> Vec<Step<'m>> {
        nodes.iter().filter_map(|node| self.step(node)).collect()
    }

    /// Whether `visits` more node visits are within bounds.
    pub fn affords(&self, visits: usize) -> bool {
        visits <= self.visits_left
    }

    /// Goes one body deeper; `None` when that is too deep.
    pub fn deeper<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MOST_DEPTH {
            return None;
        }
        self.depth += 1;
        let result = body(self);
        self.depth -= 1;
        Some(result)
    }

    fn step(&mut self, node: &'m Node) -> Option<Step<'m>> {
        if self.visits_left == 0 {
            self.notes.warn(&node.name, "not looked at: the model unrolls to more nodes than are followed");
            return None;
        }
        self.visits_left -= 1;
        let inputs: Vec<_> = node.inputs.iter().map(|id| self.type_of((*id)?)).collect();
        let mut call = Call {
            node,
            contents: node.inputs.iter().map(|id| self.contents_of((*id)?)).collect(),
            inputs: inputs.clone(),
            symbols: &mut self.symbols,
            outputs: vec![None; node.outputs.len()],
            output_contents: vec![None; node.outputs.len()],
        };
        let (mut outputs, mut contents, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
        let outcome = match control::runs_bodies(node) {
            true => {
                let inner = control::run(self, node, &inputs);
                (outputs, contents, blocks) = (inner.outputs, inner.contents, inner.blocks);
                inner.outcome
            }
            false => match rules::find(&node.domain, &node.op) {
                Some(rule) => {
                    let outcome = rule(&mut call);
                    (outputs, contents) = (call.outputs, call.output_contents);
                    outcome
                }
                None => Ok(()),
            },
        };
        if self.alternatives == 0 && self.contradictions.len() < fitting::MOST_CONTRADICTIONS {
            let target = node.inputs.get(1).copied().flatten().and_then(|id| self.contents_of(id));
            self.contradictions.extend(fitting::contradiction(node, &inputs, target.as_deref()));
        }
        let negative = outputs.iter_mut().flatten().filter_map(forget_negative).next();
        let outcome = outcome.and(match negative {
            Some(size) => Err(Mismatch(format!("a size of its output would be negative, {size}"))),
            None => Ok(()),
        });
        if let Err(Mismatch(why)) = outcome {
            self.misfits += 1;
            self.notes.warn(&node.name, format!("{} does not fit its inputs: {why}", node.op_name()));
        }
        outputs.resize(node.outputs.len(), None);
        contents.resize(node.outputs.len(), None);
        let mut types = Vec::with_capacity(node.outputs.len());
        for ((id, inferred), contents) in node.outputs.iter().zip(outputs).zip(contents) {
            let Some(id) = id else {
                types.push(inferred.map(Arc::new));
                continue;
            };
            let agreed = self.agreed(*id, inferred).map(Arc::new);
            self.set_type(*id, agreed.clone());
            self.set_contents(*id, contents.map(Arc::new));
            types.push(agreed);
        }
        Some(Step { node, inputs, outputs: types, blocks })
    }

    /// The inferred type, completed from the declared one; what contradicts is noted and the inferred one kept.
    fn agreed(&mut self, id: ValueId, inferred: Option<ValueType>) -> Option<ValueType> {
        let model = self.model;
        let Some(declared) = model.value(id).and_then(|value| value.declared.as_ref()) else { return inferred };
        let declared = self.declared_type(declared);
        let Some(inferred) = inferred else { return Some(declared) };
        let (mut inferred, declared) = match (inferred, declared) {
            (ValueType::Tensor(inferred), ValueType::Tensor(declared)) => (inferred, declared),
            (inferred, _) => return Some(inferred),
        };
        self.cross_check(model.name(id), &inferred, &declared);
        inferred.dtype = inferred.dtype.or(declared.dtype);
        inferred.shape = match (inferred.shape, declared.shape) {
            (Some(inferred), Some(declared)) if inferred.len() == declared.len() => {
                let pairs = inferred.into_iter().zip(declared);
                Some(pairs.map(|(a, b)| if a.value().is_some() { a } else { b }).collect())
            }
            (inferred, declared) => inferred.or(declared),
        };
        Some(ValueType::Tensor(inferred))
    }

    fn cross_check(&mut self, name: &str, inferred: &TensorType, declared: &TensorType) {
        // A file exported for one size and looked at in another declares sizes that no longer hold.
        let resized = !self.choices.shapes.is_empty();
        let (Some(a), Some(b)) = (&inferred.shape, &declared.shape) else { return };
        let differs = |(a, b): (&Dim, &Dim)| matches!((a.value(), b.value()), (Some(a), Some(b)) if a != b);
        if !resized && (a.len() != b.len() || a.iter().zip(b).any(differs)) {
            self.notes.warn(
                name,
                format!("the file declares {}, its operators give {}; the latter is used", show(b), show(a)),
            );
        }
    }

    pub fn type_of(&self, id: ValueId) -> Option<Arc<ValueType>> {
        self.types.get(id.0 as usize)?.clone()
    }

    pub fn contents_of(&self, id: ValueId) -> Option<Arc<Known>> {
        self.contents.get(id.0 as usize)?.clone()
    }

    pub fn set_type(&mut self, id: ValueId, value_type: Option<Arc<ValueType>>) {
        if let Some(slot) = self.types.get_mut(id.0 as usize) {
            *slot = value_type;
        }
    }

    pub fn set_contents(&mut self, id: ValueId, contents: Option<Arc<Known>>) {
        if let Some(slot) = self.contents.get_mut(id.0 as usize) {
            *slot = contents;
        }
    }
}

/// A list whose items have these shapes, wherever it stands in the type.
fn chosen_items(value_type: ValueType, shapes: &[Vec<u64>]) -> ValueType {
    match value_type {
        ValueType::Optional(inner) => ValueType::Optional(Box::new(chosen_items(*inner, shapes))),
        ValueType::Sequence(list) => {
            let dtype = list.element.as_deref().and_then(ValueType::as_tensor).and_then(|tensor| tensor.dtype);
            let item =
                |shape: &Vec<u64>| ValueType::tensor(dtype, Some(shape.iter().map(|dim| Dim::from(*dim)).collect()));
            ValueType::Sequence(SequenceType { element: list.element, items: Some(shapes.iter().map(item).collect()) })
        }
        other => other,
    }
}

/// Makes negative sizes unknown, and gives one of them.
fn forget_negative(of: &mut ValueType) -> Option<i64> {
    let ValueType::Tensor(TensorType { shape: Some(shape), .. }) = of else { return None };
    let mut found = None;
    for dim in shape.iter_mut() {
        if let Some(size) = dim.value().filter(|size| *size < 0) {
            found = Some(size);
            *dim = Dim::UNKNOWN;
        }
    }
    found
}
