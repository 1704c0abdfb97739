//! Data movement: no arithmetic, so no operation. What it moves is in the traffic.

use super::Rule;
use crate::cost::count::{Seen, Work};
use crate::cost::weights::Use;
use crate::model::Node;

/// Operators that only move, name, measure or convert data, or hold other nodes.
const FREE: &[&str] = &[
    "BitCast",
    "Cast",
    "CastLike",
    "CenterCropPad",
    "Compress",
    "Concat",
    "ConcatFromSequence",
    "Constant",
    "ConstantOfShape",
    "DepthToSpace",
    "Dropout",
    "Expand",
    "EyeLike",
    "Flatten",
    "Gather",
    "GatherElements",
    "GatherND",
    "Identity",
    "If",
    "Loop",
    "MaxUnpool",
    "OneHot",
    "Optional",
    "OptionalGetElement",
    "OptionalHasElement",
    "Pad",
    "RegexFullMatch",
    "Reshape",
    "ReverseSequence",
    "Scan",
    "SequenceAt",
    "SequenceConstruct",
    "SequenceEmpty",
    "SequenceErase",
    "SequenceInsert",
    "SequenceLength",
    "SequenceMap",
    "Shape",
    "Size",
    "Slice",
    "SpaceToDepth",
    "Split",
    "SplitToSequence",
    "Squeeze",
    "StringConcat",
    "StringNormalizer",
    "StringSplit",
    "TensorScatter",
    "Tile",
    "Transpose",
    "Trilu",
    "Unsqueeze",
];

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "Scatter" | "ScatterElements" | "ScatterND" => scatter,
        _ if FREE.contains(&op) => |_| Work::NONE,
        _ => return None,
    })
}

/// Updates are moved, or taken into account by one operation each.
fn scatter(seen: &Seen<'_>) -> Work {
    match seen.node.text("reduction").unwrap_or("none") {
        "none" => Work::NONE,
        _ => Work::other(seen.elements(2)),
    }
}

/// Constants that are only passed on, and those that say how.
pub(super) fn use_of(node: &Node, index: usize) -> Option<Use> {
    Some(match (node.op.as_ref(), index) {
        ("Cast", 0) => match node.int("to").and_then(to_float) {
            Some(true) => Use::Widened,
            _ => Use::Through,
        },
        ("Concat" | "Identity" | "Transpose" | "Flatten", _) => Use::Through,
        (
            "CastLike" | "DepthToSpace" | "Expand" | "Gather" | "GatherElements" | "GatherND" | "Pad" | "Reshape"
            | "Slice" | "SpaceToDepth" | "Split" | "Squeeze" | "Tile" | "Unsqueeze",
            0,
        ) => Use::Through,
        // Scales and regions of interest, floats that describe a shape.
        ("Resize" | "Upsample", 1..) => Use::Setting,
        _ => return None,
    })
}

/// Whether an element type, by ONNX's number, is a float.
fn to_float(number: i64) -> Option<bool> {
    // TensorProto.DataType: FLOAT, FLOAT16, DOUBLE, BFLOAT16.
    Some(matches!(number, 1 | 10 | 11 | 16))
}

/// Whether the first output is the first input under a new name or shape.
pub(super) fn is_view(node: &Node) -> bool {
    match node.op.as_ref() {
        "Flatten" | "Identity" | "Optional" | "OptionalGetElement" | "Reshape" | "Squeeze" | "Unsqueeze" => true,
        // Without a mask and outside of training nothing is dropped.
        "Dropout" => node.outputs.iter().flatten().count() == 1,
        _ => false,
    }
}

/// Whether only as much of the first input is touched as comes out.
pub(super) fn reads_as_output(op: &str) -> bool {
    matches!(op, "Gather" | "GatherElements" | "GatherND" | "SequenceAt" | "Slice" | "Split" | "SplitToSequence")
}
