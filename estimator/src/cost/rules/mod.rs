//! One counting rule per operator, by family. [`find`] is the only register.
//!
//! A rule reads a [`Seen`] step and gives its [`Work`]; what it cannot know it leaves `None`, never 0.
//! An operator that has no rule here is listed as not counted.
//!
//! # The cost model of "other operations"
//! One addition, subtraction, multiplication, division, comparison, selection, rounding, logical operation, power, root,
//! or one call of an elementary function (exp, log, erf, tanh, sin …) is one operation.
//! Composite operators are spelled out in these, in the tables of [`elementwise`] and [`normalisation`].
//! Moving, naming and converting data (`Reshape`, `Transpose`, `Concat`, `Gather`, `Cast` …) is no operation.
//! Work on padding is counted like any other: a window at the edge counts its full size.

mod aten;
mod attention;
mod contrib;
mod convolution;
mod coreml;
mod elementwise;
mod keras;
mod linear;
mod ml;
mod movement;
mod normalisation;
mod openvino;
mod quantised;
mod recurrent;
mod signal;
mod tf;
mod tflite;

#[cfg(test)]
mod tensorflow_tests;
#[cfg(test)]
mod tests;

use super::count::{Seen, Work};
use super::weights::{Packed, Use};
use crate::formats::EVERY_FORMAT;
use crate::model::{Model, Node};

/// How the work of an operator follows from its types.
pub(super) type Rule = fn(&Seen<'_>) -> Work;

/// The rule of an operator; `None` for one that is not counted.
pub(super) fn find(domain: &str, op: &str) -> Option<Rule> {
    match domain {
        "" | "ai.onnx" => linear::find(op)
            .or_else(|| convolution::find(op))
            .or_else(|| elementwise::find(op))
            .or_else(|| movement::find(op))
            .or_else(|| normalisation::find(op))
            .or_else(|| recurrent::find(op))
            .or_else(|| attention::find(op))
            .or_else(|| quantised::find(op))
            .or_else(|| signal::find(op))
            .or_else(|| contrib::find("", op)),
        "aten" if EVERY_FORMAT => aten::find(op),
        "coreml" if EVERY_FORMAT => coreml::find(op),
        "keras" if EVERY_FORMAT => keras::find(op),
        "openvino" if EVERY_FORMAT => openvino::find(op),
        "ai.onnx.ml" => ml::find(op),
        "ai.onnx.preview" => attention::find(op),
        "tf" if EVERY_FORMAT => tf::find(op),
        "tflite" if EVERY_FORMAT => tflite::find(op),
        _ => contrib::find(domain, op),
    }
}

/// Whether an operator of this name, in small letters without underscores, treats each element alone.
pub(super) fn is_elementwise(plain: &str) -> bool {
    elementwise::is_elementwise(plain)
}

/// How a node uses the constant in one of its inputs.
pub(super) fn use_of(node: &Node, index: usize) -> Use {
    let special = match node.domain.as_ref() {
        "" | "ai.onnx" => {
            movement::use_of(node, index).or_else(|| quantised::use_of(&node.op, index)).or_else(|| {
                // The running mean and variance.
                (node.op.as_ref() == "BatchNormalization" && matches!(index, 3 | 4)).then_some(Use::Buffer)
            })
        }
        "com.microsoft" => contrib::use_of(node, index),
        "coreml" if EVERY_FORMAT => coreml::use_of(node, index),
        "openvino" if EVERY_FORMAT => openvino::use_of(node, index),
        "tf" if EVERY_FORMAT => tf::use_of(&node.op, index),
        "tflite" if EVERY_FORMAT => tflite::use_of(&node.op, index),
        _ => None,
    };
    special.unwrap_or(Use::Plain)
}

/// What a weight holds that this operator takes packed into a wider type.
pub(super) fn packed(model: &Model, node: &Node, index: usize) -> Option<Packed> {
    if node.domain.as_ref() == "com.microsoft" { contrib::packed(model, node, index) } else { None }
}

/// Parameters that stand in a node's attributes.
pub(super) fn own_parameters(node: &Node) -> u64 {
    if node.domain.as_ref() == "ai.onnx.ml" { ml::parameters(node) } else { 0 }
}

/// Whether the first output is the first input under a new name or shape, without a copy.
pub(super) fn is_view(node: &Node) -> bool {
    match node.domain.as_ref() {
        "" | "ai.onnx" => movement::is_view(node),
        "aten" if EVERY_FORMAT => aten::is_view(node),
        "coreml" if EVERY_FORMAT => coreml::is_view(&node.op),
        "keras" if EVERY_FORMAT => keras::is_view(node),
        "openvino" if EVERY_FORMAT => openvino::is_view(&node.op),
        "tf" if EVERY_FORMAT => tf::is_view(&node.op),
        "tflite" if EVERY_FORMAT => tflite::same_as_tf(&node.op).is_some_and(tf::is_view),
        _ => false,
    }
}

/// Whether the node touches only as much of its first input as it gives out, like a table look-up.
pub(super) fn reads_as_output(node: &Node) -> bool {
    match node.domain.as_ref() {
        "" | "ai.onnx" => movement::reads_as_output(&node.op),
        "aten" if EVERY_FORMAT => aten::reads_as_output(&node.op),
        "coreml" if EVERY_FORMAT => coreml::reads_as_output(&node.op),
        "keras" if EVERY_FORMAT => node.op.as_ref() == "Embedding",
        "openvino" if EVERY_FORMAT => openvino::reads_as_output(&node.op),
        "com.microsoft" => matches!(node.op.as_ref(), "GatherBlockQuantized" | "GatherND" | "TorchEmbedding"),
        "tf" if EVERY_FORMAT => tf::reads_as_output(&node.op),
        "tflite" if EVERY_FORMAT => tflite::same_as_tf(&node.op).is_some_and(tf::reads_as_output),
        _ => false,
    }
}

/// Whether the node reads nothing but the shape of its inputs.
pub(super) fn reads_shape_only(node: &Node) -> bool {
    match node.domain.as_ref() {
        "" | "ai.onnx" => matches!(node.op.as_ref(), "Shape" | "Size"),
        "coreml" if EVERY_FORMAT => matches!(node.op.as_ref(), "shape" | "getShape"),
        "openvino" if EVERY_FORMAT => node.op.as_ref() == "ShapeOf",
        "tf" if EVERY_FORMAT => matches!(node.op.as_ref(), "Rank" | "Shape" | "ShapeN" | "Size"),
        "tflite" if EVERY_FORMAT => matches!(node.op.as_ref(), "RANK" | "SHAPE"),
        _ => false,
    }
}

/// Whether the result differs from run to run, so that it is no constant even if all inputs are.
pub(super) fn is_random(node: &Node) -> bool {
    if node.domain.as_ref() == "aten" {
        return aten::is_random(&node.op);
    }
    ["Random", "Bernoulli", "Multinomial", "RANDOM_", "MULTINOMIAL", "StatelessRandom", "TruncatedNormal"]
        .iter()
        .any(|start| node.op.starts_with(start))
}
