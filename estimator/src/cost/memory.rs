//! Memory of activations: the most bytes alive at once when nodes run in the file's order.
//!
//! A value takes memory from the node that makes it until the last node that uses it; then its memory is used again.
//! Inputs of the model are alive until their last use, its outputs until the end.
//! Views (`Reshape`, `Squeeze` …) share the memory of what they name anew.
//! No node writes into its own input. Weights, and what follows from weights alone, are not activations.
//! While a body runs, everything that its caller still needs stays alive.

use super::rules;
use crate::model::{Graph, Model, ValueId, ValueType};
use crate::shapes::{Block, Step, Trace};
use std::collections::{HashMap, HashSet};

/// Why there is no figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoFigure {
    /// The size of this value is not known.
    UnknownSize(ValueId),
    /// It does not fit 64 bits.
    TooLarge,
}

/// Bytes of a value in memory; `None` where unknown. Texts and maps have no size of their own here.
pub(super) fn bytes(of: &ValueType) -> Option<u64> {
    match of {
        ValueType::Tensor(tensor) => tensor.bytes(),
        ValueType::Optional(inner) => bytes(inner),
        ValueType::Map => Some(0),
        ValueType::Sequence(list) => {
            let items = list.items.as_ref()?;
            items.iter().try_fold(0u64, |sum, item| sum.checked_add(bytes(item)?))
        }
    }
}

/// The most bytes of activations alive at once.
/// `is_constant` says for each value whether it is a weight or follows from weights alone.
pub(super) fn peak(model: &Model, trace: &Trace<'_>, is_constant: &[bool]) -> Result<u64, NoFigure> {
    let mut walk = Walk { is_constant, root: HashMap::new() };
    let inputs = model.graph.inputs.iter().map(|id| {
        let known = trace.value_type(*id).and_then(bytes);
        known.map(|bytes| (*id, bytes)).ok_or(NoFigure::UnknownSize(*id))
    });
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    walk.list(&trace.steps, &inputs, &model.graph.outputs)
}

struct Walk<'a> {
    is_constant: &'a [bool],
    /// For a view, the value whose memory it shares.
    root: HashMap<ValueId, ValueId>,
}

impl Walk<'_> {
    fn constant(&self, id: ValueId) -> bool {
        self.is_constant.get(id.0 as usize).copied().unwrap_or(false)
    }

    fn root(&self, id: ValueId) -> ValueId {
        self.root.get(&id).copied().unwrap_or(id)
    }

    /// The most bytes alive during these steps, on top of what is alive around them.
    fn list(&mut self, steps: &[Step<'_>], inputs: &[(ValueId, u64)], outputs: &[ValueId]) -> Result<u64, NoFigure> {
        let mut last_use: HashMap<ValueId, usize> = HashMap::new();
        for (place, step) in steps.iter().enumerate() {
            let mut used = HashSet::new();
            names_used(step, &mut used);
            for id in used {
                last_use.insert(self.root(id), place);
            }
            if let Some((output, input)) = view_of(step) {
                let root = self.root(input);
                self.root.insert(output, root);
                last_use.insert(root, place);
            }
        }
        for id in outputs {
            last_use.insert(self.root(*id), steps.len());
        }
        let mut ends: Vec<Vec<u64>> = vec![Vec::new(); steps.len()];
        let mut end_at = |place: usize, bytes: u64| {
            if let Some(list) = ends.get_mut(place) {
                list.push(bytes);
            }
        };
        let mut live = 0u64;
        for (id, bytes) in inputs {
            live = live.checked_add(*bytes).ok_or(NoFigure::TooLarge)?;
            end_at(last_use.get(id).copied().unwrap_or(0), *bytes);
        }
        let mut most = live;
        let mut made: Vec<u64> = vec![0; steps.len()];
        for (place, (step, made)) in steps.iter().zip(&mut made).enumerate() {
            for (id, of) in step.node.outputs.iter().zip(&step.outputs) {
                let Some(id) = *id else { continue };
                if self.constant(id) || self.root(id) != id {
                    continue;
                }
                let bytes = of.as_deref().and_then(bytes).ok_or(NoFigure::UnknownSize(id))?;
                *made = made.checked_add(bytes).ok_or(NoFigure::TooLarge)?;
                end_at(last_use.get(&id).copied().unwrap_or(place), bytes);
            }
        }
        for ((step, made), ends) in steps.iter().zip(made).zip(ends) {
            let mut inside = 0;
            for (turn, block) in step.blocks.iter().enumerate() {
                inside = inside.max(self.block(step, turn, block)?);
            }
            most = most.max(live.checked_add(inside).ok_or(NoFigure::TooLarge)?);
            live = live.checked_add(made).ok_or(NoFigure::TooLarge)?;
            most = most.max(live);
            live = ends.iter().fold(live, |live, bytes| live.saturating_sub(*bytes));
        }
        Ok(most)
    }

    /// A body. From its second turn on, what it carries is what the turn before made.
    fn block(&mut self, step: &Step<'_>, turn: usize, block: &Block<'_>) -> Result<u64, NoFigure> {
        static EMPTY: &[ValueId] = &[];
        let body: Option<&Graph> = step.node.graph(block.role);
        let outputs = body.map_or(EMPTY, |body| &body.outputs);
        let mut inputs = Vec::new();
        if turn > 0 || block.times > 1 {
            let carried: HashSet<ValueId> = body.into_iter().flat_map(|body| body.inputs.iter().copied()).collect();
            let mut met = HashSet::new();
            for inner in &block.steps {
                for (id, of) in inner.node.inputs.iter().zip(&inner.inputs) {
                    let Some(id) = id.filter(|id| carried.contains(id)) else { continue };
                    if met.insert(id) {
                        let bytes = of.as_deref().and_then(bytes).ok_or(NoFigure::UnknownSize(id))?;
                        inputs.push((id, bytes));
                    }
                }
            }
        }
        self.list(&block.steps, &inputs, outputs)
    }
}

/// All values that a step and its bodies use.
fn names_used(step: &Step<'_>, used: &mut HashSet<ValueId>) {
    used.extend(step.node.inputs.iter().flatten());
    for block in &step.blocks {
        block.steps.iter().for_each(|step| names_used(step, used));
        used.extend(step.node.graph(block.role).into_iter().flat_map(|body| body.outputs.iter()));
    }
}

/// The output of a view and the input that it names anew.
fn view_of(step: &Step<'_>) -> Option<(ValueId, ValueId)> {
    rules::is_view(step.node).then_some(())?;
    Some((step.node.outputs.first().copied().flatten()?, step.node.inputs.first().copied().flatten()?))
}
