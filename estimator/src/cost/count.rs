//! What a counting rule sees and what it gives: one step with its types, and the work it does.

use crate::model::{Contents, Model, Node, TensorType, ValueType};
use crate::shapes::Step;
use std::sync::Arc;

/// The work of one run of a node. A part is `None` where a needed size is unknown or the count does not fit 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Work {
    /// Multiply-accumulates of convolutions, matrix and attention products.
    pub macs: Option<u64>,
    /// Operations of everything else.
    pub other: Option<u64>,
}

impl Work {
    /// Data is moved or only named anew: no arithmetic.
    pub const NONE: Work = Work { macs: Some(0), other: Some(0) };

    /// Nothing can be counted.
    pub const UNKNOWN: Work = Work { macs: None, other: None };

    /// A product without any other operation.
    pub fn macs(macs: Option<u64>) -> Self {
        Self { macs, other: Some(0) }
    }

    /// Operations of a kind that has no MACs.
    pub fn other(other: Option<u64>) -> Self {
        Self { macs: Some(0), other }
    }

    /// The same work so many times.
    pub fn times(self, times: u64) -> Self {
        let scale = |count: Option<u64>| count.and_then(|count| count.checked_mul(times));
        Self { macs: scale(self.macs), other: scale(self.other) }
    }
}

/// The product; `None` where a factor is unknown or it does not fit 64 bits. One zero makes it zero.
pub(super) fn product(factors: impl IntoIterator<Item = Option<u64>>) -> Option<u64> {
    let factors: Vec<u64> = factors.into_iter().collect::<Option<_>>()?;
    if factors.contains(&0) {
        return Some(0);
    }
    factors.iter().try_fold(1u64, |product, factor| product.checked_mul(*factor))
}

/// The product of sizes.
pub(super) fn volume(sizes: &[u64]) -> Option<u64> {
    product(sizes.iter().map(|size| Some(*size)))
}

/// The sum; `None` where a part is unknown or it does not fit 64 bits.
pub(super) fn sum(parts: impl IntoIterator<Item = Option<u64>>) -> Option<u64> {
    parts.into_iter().try_fold(0u64, |sum, part| sum.checked_add(part?))
}

/// `count × each`, for example elements times operations per element.
pub(super) fn times(count: Option<u64>, each: u64) -> Option<u64> {
    count?.checked_mul(each)
}

/// One step as a rule sees it.
pub(super) struct Seen<'a> {
    /// The node.
    pub node: &'a Node,
    inputs: &'a [Option<Arc<ValueType>>],
    outputs: &'a [Option<Arc<ValueType>>],
    model: &'a Model,
}

impl<'a> Seen<'a> {
    pub fn new(model: &'a Model, step: &'a Step<'_>) -> Self {
        Self { node: step.node, inputs: &step.inputs, outputs: &step.outputs, model }
    }

    /// The same step with another node in its place, whose inputs and outputs stand in the same order.
    pub fn standing_for<'b>(&self, node: &'b Node) -> Seen<'b>
    where
        'a: 'b,
    {
        Seen { node, inputs: self.inputs, outputs: self.outputs, model: self.model }
    }

    /// Whether the optional input is there.
    pub fn has(&self, index: usize) -> bool {
        self.node.inputs.get(index).is_some_and(Option::is_some)
    }

    /// Whether counts that are products of its sizes may be larger than 64 bits hold.
    pub fn may_overflow(&self) -> bool {
        let bits = |of: &Option<Arc<ValueType>>| {
            let sizes = of.as_deref().and_then(ValueType::as_tensor).and_then(TensorType::sizes);
            sizes.unwrap_or_default().iter().map(|size| libm::log2((*size).max(1) as f64)).sum::<f64>()
        };
        self.inputs.iter().chain(self.outputs).map(bits).sum::<f64>() >= f64::from(u64::BITS)
    }

    /// Number of inputs that are there.
    pub fn input_count(&self) -> u64 {
        self.node.inputs.iter().flatten().count() as u64
    }

    /// The tensor type of an input.
    pub fn input(&self, index: usize) -> Option<&TensorType> {
        self.inputs.get(index)?.as_deref()?.as_tensor()
    }

    /// The tensor type of an output.
    pub fn output(&self, index: usize) -> Option<&TensorType> {
        self.outputs.get(index)?.as_deref()?.as_tensor()
    }

    /// The sizes of an input, all known.
    pub fn sizes(&self, index: usize) -> Option<Vec<u64>> {
        self.input(index)?.sizes()
    }

    /// One size of an input, the axis counted from the front.
    pub fn size(&self, index: usize, axis: usize) -> Option<u64> {
        self.input(index)?.shape.as_ref()?.get(axis)?.size()
    }

    /// One size of an input, the axis counted from the back, 0 being the last.
    pub fn size_from_back(&self, index: usize, axis: usize) -> Option<u64> {
        self.input(index)?.shape.as_ref()?.iter().rev().nth(axis)?.size()
    }

    /// The sizes of an output, all known.
    pub fn out_sizes(&self, index: usize) -> Option<Vec<u64>> {
        self.output(index)?.sizes()
    }

    /// Elements of an input.
    pub fn elements(&self, index: usize) -> Option<u64> {
        self.input(index)?.elements()
    }

    /// Elements of the first output.
    pub fn out_elements(&self) -> Option<u64> {
        self.output(0)?.elements()
    }

    /// The rank of an input.
    pub fn rank(&self, index: usize) -> Option<usize> {
        Some(self.input(index)?.shape.as_ref()?.len())
    }

    /// The contents of an input that is a small weight.
    pub fn contents(&self, index: usize) -> Option<&Contents> {
        let id = self.node.inputs.get(index).copied().flatten()?;
        self.model.value(id)?.weight.as_ref()?.contents.as_ref()
    }

    /// Whether every type that the step sees is known in full, so that an unknown count can only be one too large.
    pub fn is_known(&self) -> bool {
        let known = |of: &Option<Arc<ValueType>>| match of.as_deref() {
            Some(ValueType::Tensor(tensor)) => tensor.sizes().is_some(),
            other => other.is_some(),
        };
        let wanted = self.node.inputs.iter().zip(self.inputs).filter(|(id, _)| id.is_some());
        wanted.map(|(_, of)| of).chain(self.outputs).all(known)
    }
}

/// An integer attribute as a size, with its default where it is absent; negative ones are no size.
pub(super) fn size_attribute(node: &Node, name: &str, default: u64) -> Option<u64> {
    match node.int(name) {
        Some(value) => u64::try_from(value).ok(),
        None => Some(default),
    }
}

/// An axis counted from the front.
pub(super) fn axis(axis: i64, rank: usize) -> Option<usize> {
    let rank_signed = i64::try_from(rank).ok()?;
    let place = usize::try_from(if axis < 0 { axis.checked_add(rank_signed)? } else { axis }).ok()?;
    (place < rank).then_some(place)
}
