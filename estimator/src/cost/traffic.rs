//! What a node moves: the bytes it reads and writes, the weights among them, and whose parameters it is the first to use.
//!
//! A node that depends on weights alone is computed once by a runtime: what it makes is a weight from there on,
//! read as the bytes it came from, and its parameters go to the first node that really uses them.

use super::count::sum;
use super::memory::bytes;
use super::rules;
use super::weights::Weights;
use crate::model::{DType, ValueId, ValueType};
use crate::shapes::Step;
use std::collections::HashSet;
use std::sync::Arc;

/// What one run of a node moves.
pub(super) struct Traffic {
    /// Elements of the weights that it is the first to use.
    pub parameters: u64,
    /// Those of them in tensors with two or more dimensions.
    pub matrix_parameters: u64,
    /// Bytes of all weights that it uses, as stored.
    pub weights: u64,
    /// Bytes of new memory that its outputs take.
    pub made: Option<u64>,
    /// Bytes read and written.
    pub moved: Option<u64>,
    /// What it reads that is no weight, each value once with its bytes; empty where a size is unknown.
    pub reads: Vec<(ValueId, u64)>,
    /// What it writes; empty where a size is unknown.
    pub writes: Vec<(ValueId, u64)>,
    /// What kind of step it is, for a runtime that joins steps.
    pub kind: Motion,
}

/// Whether a step moves anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Motion {
    /// It follows from weights alone, and a runtime computes it once.
    Folds,
    /// Its output is its first input under another name.
    View,
    /// It runs bodies, whose steps are their own.
    Calls,
    /// It reads and writes.
    Moves,
}

impl Traffic {
    /// A step that moves nothing.
    fn still(parameters: u64, weights: u64, kind: Motion) -> Self {
        Self {
            parameters,
            matrix_parameters: 0,
            weights,
            made: Some(0),
            moved: Some(0),
            reads: Vec::new(),
            writes: Vec::new(),
            kind,
        }
    }
}

/// The traffic of one run; `first` says whether this is the node's first turn.
///
/// Steps must come in the order in which they run, because `weights` remembers what was used and what became constant.
pub(super) fn of(step: &Step<'_>, weights: &mut Weights, first: bool) -> Traffic {
    let node = step.node;
    let inputs = distinct_inputs(step);
    let held = |weights: &Weights, id: ValueId| weights.is_constant(id).then(|| at(&weights.bytes_of, id)).flatten();
    // What stands in attributes is read in every turn and counts in the first.
    let own = rules::own_parameters(node);
    let own_bytes = DType::F32.bytes(own).unwrap_or(u64::MAX);
    let used = inputs.iter().filter_map(|(id, _)| held(weights, *id)).fold(own_bytes, u64::saturating_add);
    let mut parameters = if first { own } else { 0 };
    let mut matrix_parameters: u64 = 0;
    for (id, of) in &inputs {
        if let Some(unclaimed) = weights.parameters_of.get_mut(id.0 as usize) {
            let claimed = std::mem::take(unclaimed);
            parameters = parameters.saturating_add(claimed);
            let sizes = of.as_deref().and_then(ValueType::as_tensor).and_then(|tensor| tensor.sizes());
            if sizes.is_some_and(|sizes| is_matrix(&sizes)) {
                matrix_parameters = matrix_parameters.saturating_add(claimed);
            }
        }
    }
    let folds = step.blocks.is_empty()
        && !rules::is_random(node)
        && (node.is("Constant") || !inputs.is_empty())
        && inputs.iter().all(|(id, _)| weights.is_constant(*id));
    if folds {
        pass_on(step, weights, parameters, used);
        return Traffic::still(0, 0, Motion::Folds);
    }
    // What a body moves is counted there, and a view moves nothing.
    if rules::is_view(node) || !step.blocks.is_empty() {
        let kind = if step.blocks.is_empty() { Motion::View } else { Motion::Calls };
        return Traffic::still(parameters, used, kind);
    }
    let size = |of: &Option<Arc<ValueType>>| of.as_deref().and_then(bytes);
    let outputs = node.outputs.iter().zip(&step.outputs).filter(|(id, _)| id.is_some());
    let made = sum(outputs.map(|(_, of)| size(of)));
    let read_of = |place: usize, id: ValueId, of: &Option<Arc<ValueType>>| {
        let all = held(weights, id).or_else(|| size(of));
        match place == 0 && rules::reads_as_output(node) {
            // As much as comes out, and no more than there is.
            true => all.zip(made).map(|(all, made)| all.min(made)).or(made),
            false => all,
        }
    };
    let each: Vec<(ValueId, Option<u64>)> = match rules::reads_shape_only(node) {
        true => Vec::new(),
        false => inputs.iter().enumerate().map(|(place, (id, of))| (*id, read_of(place, *id, of))).collect(),
    };
    let moved = sum([made, sum(each.iter().map(|(_, bytes)| *bytes)), Some(own_bytes)]);
    let known = |bytes: Option<u64>| bytes.filter(|_| moved.is_some());
    Traffic {
        parameters,
        matrix_parameters,
        weights: used,
        made,
        moved,
        reads: each
            .into_iter()
            .filter(|(id, _)| !weights.is_constant(*id))
            .filter_map(|(id, bytes)| Some((id, known(bytes)?)))
            .collect(),
        writes: node
            .outputs
            .iter()
            .zip(&step.outputs)
            .filter_map(|(id, of)| Some(((*id)?, known(size(of))?)))
            .collect(),
        kind: Motion::Moves,
    }
}

/// Whether a tensor of these sizes has two or more dimensions that are more than one element long.
pub(super) fn is_matrix(sizes: &[u64]) -> bool {
    sizes.iter().filter(|size| **size > 1).count() > 1
}

/// Each value that the node reads, once, with its type.
fn distinct_inputs<'s>(step: &'s Step<'_>) -> Vec<(ValueId, &'s Option<Arc<ValueType>>)> {
    let mut met = HashSet::new();
    let pairs = step.node.inputs.iter().zip(&step.inputs).filter_map(|(id, of)| Some(((*id)?, of)));
    pairs.filter(|(id, _)| met.insert(*id)).collect()
}

/// Makes the outputs of a node constants that carry its inputs' parameters and bytes.
fn pass_on(step: &Step<'_>, weights: &mut Weights, parameters: u64, used: u64) {
    for id in step.node.outputs.iter().flatten() {
        if let Some(known) = weights.is_constant.get_mut(id.0 as usize) {
            *known = true;
        }
    }
    // The constant itself was counted among the weights.
    if step.node.is("Constant") {
        return;
    }
    let Some(first) = step.node.outputs.first().copied().flatten() else { return };
    let made = step.outputs.first().and_then(|of| bytes(of.as_deref()?));
    let carried = if rules::reads_as_output(step.node) { used.min(made.unwrap_or(used)) } else { used };
    if let Some(slot) = weights.bytes_of.get_mut(first.0 as usize) {
        *slot = carried;
    }
    if let Some(slot) = weights.parameters_of.get_mut(first.0 as usize) {
        *slot = slot.saturating_add(parameters);
    }
}

fn at<T: Copy>(items: &[T], id: ValueId) -> Option<T> {
    items.get(id.0 as usize).copied()
}
