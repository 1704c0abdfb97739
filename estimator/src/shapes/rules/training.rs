//! Optimizers and gradients as operators (`ai.onnx.preview.training`).

use super::Rule;
use crate::model::Attribute;
use crate::shapes::call::{Call, Outcome};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        // Behind learning rate and step count: weights, gradients, then the states; out come weights and states.
        "Adagrad" | "Momentum" => |call| updates(call, 3),
        "Adam" => |call| updates(call, 4),
        "Gradient" => gradient,
        _ => return None,
    })
}

/// `groups` lists of tensors follow the first two inputs; the outputs are all of them but the second.
fn updates(call: &mut Call<'_, '_>, groups: usize) -> Outcome {
    let each = call.node.inputs.len().saturating_sub(2) / groups;
    let inputs = (0..each * groups).filter(|place| each > 0 && place / each != 1);
    for (output, place) in inputs.enumerate() {
        call.pass_type(place + 2, output);
    }
    Ok(())
}

/// One gradient for each of the values named in `xs`, which are the first inputs.
fn gradient(call: &mut Call<'_, '_>) -> Outcome {
    let values = match call.node.attributes.get("xs") {
        Some(Attribute::Texts(names)) => names.len(),
        _ => 0,
    };
    for index in 0..values {
        call.pass_type(index, index);
    }
    Ok(())
}
