//! ONNX Runtime's own operators: `com.microsoft`, and the layouts that its optimiser saves (`com.microsoft.nchwc`,
//! `com.ms.internal.nhwc`). Definitions: <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md>.
//!
//! An operator that is a standard one in all but name uses the standard rule.
//! `attention` has what splits into heads, `quantised` what takes integers with scales, `fused` the rest.

mod attention;
mod fused;
mod quantised;
#[cfg(test)]
pub(super) mod tests;

use super::Rule;
use crate::model::{Dim, ValueType};
use crate::shapes::call::{Call, Mismatch, Outcome, broadcast};
use std::sync::Arc;

/// The rule of an operator of one of these domains, or of one that ONNX Runtime adds to the standard domain.
pub(super) fn find(domain: &str, op: &str) -> Option<Rule> {
    match domain {
        "" => fused::find_standard(op),
        "com.microsoft" => attention::find(op).or_else(|| quantised::find(op)).or_else(|| fused::find(op)),
        "com.microsoft.nchwc" => fused::find_blocked(op),
        "com.ms.internal.nhwc" => fused::find_channels_last(op),
        _ => None,
    }
}

/// The dimension of a product or quotient whose other side may be absent.
fn dim(value: Option<i64>) -> Dim {
    value.map_or(Dim::UNKNOWN, Dim::known)
}

/// Whether an integer attribute is there and not 0.
fn is_set(call: &Call<'_, '_>, name: &str) -> bool {
    call.node.int(name).unwrap_or(0) != 0
}

/// The shape to which these inputs broadcast; `None` where one is unknown.
fn broadcast_of(call: &Call<'_, '_>, inputs: &[usize]) -> Result<Option<Vec<Dim>>, Mismatch> {
    let mut shape = Vec::new();
    for index in inputs {
        match call.shape(*index) {
            Some(other) => shape = broadcast(&shape, &other)?,
            None => return Ok(None),
        }
    }
    Ok(Some(shape))
}

/// Runs a rule for inputs in another order: `places` names, for each input of the rule, the one of this node.
/// The rule must not ask which optional inputs are there.
fn with_inputs(call: &mut Call<'_, '_>, places: &[usize], rule: impl FnOnce(&mut Call<'_, '_>) -> Outcome) -> Outcome {
    let inputs = places.iter().map(|place| call.inputs.get(*place).cloned().flatten()).collect();
    let contents = places.iter().map(|place| call.contents.get(*place).cloned().flatten()).collect();
    let (inputs, contents) =
        (std::mem::replace(&mut call.inputs, inputs), std::mem::replace(&mut call.contents, contents));
    let outcome = rule(call);
    (call.inputs, call.contents) = (inputs, contents);
    outcome
}

/// Runs a rule for batch × channels × space on an input of batch × space × channels, and turns its outputs back.
fn channels_last(call: &mut Call<'_, '_>, rule: impl FnOnce(&mut Call<'_, '_>) -> Outcome) -> Outcome {
    let kept = call.inputs.first().cloned().flatten();
    let to_front = |shape: &mut Vec<Dim>| {
        if let Some(channels) = shape.pop() {
            shape.insert(1.min(shape.len()), channels);
        }
    };
    let to_back = |shape: &mut Vec<Dim>| {
        if shape.len() > 1 {
            let channels = shape.remove(1);
            shape.push(channels);
        }
    };
    if let Some(slot) = call.inputs.first_mut() {
        *slot = kept.as_deref().map(|input| Arc::new(permuted(input.clone(), to_front)));
    }
    let outcome = rule(call);
    if let Some(slot) = call.inputs.first_mut() {
        *slot = kept;
    }
    for output in &mut call.outputs {
        *output = output.take().map(|of| permuted(of, to_back));
    }
    outcome
}

fn permuted(mut of: ValueType, change: impl Fn(&mut Vec<Dim>)) -> ValueType {
    if let ValueType::Tensor(tensor) = &mut of
        && let Some(shape) = &mut tensor.shape
    {
        change(shape);
    }
    of
}
