//! Operators that treat each element alone, with the operations that one element takes.

use super::Rule;
use crate::cost::count::{Work, times};

/// Operations per element of the output, for operators of a fixed number of inputs.
/// Composite functions are spelled out in the comment.
const PER_ELEMENT: &[(&str, u64)] = &[
    ("Abs", 1),
    ("Acos", 1),
    ("Acosh", 1),
    ("Add", 1),
    ("And", 1),
    ("Asin", 1),
    ("Asinh", 1),
    ("Atan", 1),
    ("Atanh", 1),
    // One number drawn and compared.
    ("Bernoulli", 2),
    ("BitShift", 1),
    ("BitwiseAnd", 1),
    ("BitwiseNot", 1),
    ("BitwiseOr", 1),
    ("BitwiseXor", 1),
    ("Ceil", 1),
    // x/alpha, exp, −1, ·alpha, two comparisons, +
    ("Celu", 7),
    // Two comparisons.
    ("Clip", 2),
    ("Cos", 1),
    ("Cosh", 1),
    ("Div", 1),
    // exp, −1, ·alpha, comparison
    ("Elu", 4),
    ("Equal", 1),
    ("Erf", 1),
    ("Exp", 1),
    ("Floor", 1),
    ("Greater", 1),
    ("GreaterOrEqual", 1),
    // ·alpha, +beta, two comparisons
    ("HardSigmoid", 4),
    // The above and ·x
    ("HardSwish", 5),
    ("IsInf", 1),
    ("IsNaN", 1),
    // ·alpha, comparison
    ("LeakyRelu", 2),
    ("Less", 1),
    ("LessOrEqual", 1),
    ("Log", 1),
    // Softplus, tanh, ·x
    ("Mish", 5),
    ("Mod", 1),
    ("Mul", 1),
    ("Neg", 1),
    ("Not", 1),
    ("Or", 1),
    ("Pow", 1),
    ("PRelu", 2),
    ("RandomNormal", 1),
    ("RandomNormalLike", 1),
    ("RandomUniform", 1),
    ("RandomUniformLike", 1),
    ("Range", 1),
    ("Reciprocal", 1),
    ("Relu", 1),
    ("Round", 1),
    // exp, −1, ·alpha, comparison, ·gamma
    ("Selu", 5),
    // Two comparisons, two sums with the bias
    ("Shrink", 4),
    // −x, exp, +1, 1/
    ("Sigmoid", 4),
    ("Sign", 1),
    ("Sin", 1),
    ("Sinh", 1),
    // exp, +1, log
    ("Softplus", 3),
    // | |, +1, /
    ("Softsign", 3),
    ("Sqrt", 1),
    ("Sub", 1),
    // Swish, ·B
    ("SwiGLU", 6),
    // Sigmoid, ·x
    ("Swish", 5),
    ("Tan", 1),
    ("Tanh", 1),
    ("ThresholdedRelu", 1),
    // One selection.
    ("Where", 1),
    ("Xor", 1),
];

/// Operations of `x·½·(1 + erf(x/√2))`: two products, erf, sum, product.
pub(super) const GELU: u64 = 5;
/// Operations of `½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`: x³ takes two products; then ·, +, ·, tanh, +, ·, ·.
pub(super) const GELU_TANH: u64 = 9;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        // One operation less than there are inputs.
        "Sum" | "Max" | "Min" => |seen| Work::other(times(seen.out_elements(), seen.input_count().saturating_sub(1))),
        // The sum, and a division.
        "Mean" => |seen| Work::other(times(seen.out_elements(), seen.input_count())),
        "Gelu" => |seen| {
            let tanh = seen.node.text("approximate") == Some("tanh");
            Work::other(times(seen.out_elements(), if tanh { GELU_TANH } else { GELU }))
        },
        _ if per_element(op).is_some() => {
            |seen| Work::other(per_element(&seen.node.op).and_then(|each| times(seen.out_elements(), each)))
        }
        _ => return None,
    })
}

/// Whether the table has an operator of this name, in small letters.
pub(super) fn is_elementwise(plain: &str) -> bool {
    PER_ELEMENT.iter().any(|(name, _)| name.eq_ignore_ascii_case(plain))
}

/// Operations per element of an operator of the table.
pub(super) fn per_element(op: &str) -> Option<u64> {
    PER_ELEMENT.iter().find(|(name, _)| *name == op).map(|(_, each)| *each)
}
