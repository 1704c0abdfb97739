//! Quantised arithmetic: the MACs of integer products are MACs; scaling and rounding around them are other operations.

use super::Rule;
use super::convolution::convolved;
use super::linear::matmul;
use crate::cost::count::{Seen, Work, sum, times};
use crate::cost::weights::Use;

/// Operations per element of `DequantizeLinear`: − zero point, ·scale.
pub(super) const DEQUANTISE: u64 = 2;
/// Operations per element of `QuantizeLinear`: /scale, rounding, + zero point, two comparisons to stay in range.
/// Bringing an accumulator to the output's scale takes the same with a product in place of the division.
pub(super) const QUANTISE: u64 = 5;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "DequantizeLinear" => |seen| Work::other(times(seen.out_elements(), DEQUANTISE)),
        "QuantizeLinear" => |seen| Work::other(times(seen.out_elements(), QUANTISE)),
        // Smallest and largest element, then as above.
        "DynamicQuantizeLinear" => |seen| Work::other(times(seen.elements(0), QUANTISE + 2)),
        "MatMulInteger" => |seen| Work { macs: matmul(seen), other: without_zero(seen, [(0, 2), (1, 3)]) },
        "ConvInteger" => |seen| Work { macs: convolved(seen, 1), other: without_zero(seen, [(0, 2), (1, 3)]) },
        "QLinearMatMul" => |seen| Work { macs: matmul(seen), other: requantised(seen, false) },
        "QLinearConv" => |seen| Work { macs: convolved(seen, 3), other: requantised(seen, seen.has(8)) },
        _ => return None,
    })
}

/// One subtraction per element of each operand that has a zero point; pairs of operand and zero point.
pub(super) fn without_zero(seen: &Seen<'_>, operands: [(usize, usize); 2]) -> Option<u64> {
    let with_zero = operands.into_iter().filter(|(_, zero)| seen.has(*zero));
    sum(with_zero.map(|(operand, _)| seen.elements(operand)))
}

/// For `QLinearConv` and `QLinearMatMul`: zero points off both operands, the bias, the result brought to its scale.
fn requantised(seen: &Seen<'_>, bias: bool) -> Option<u64> {
    let results = times(seen.out_elements(), QUANTISE + u64::from(bias));
    sum([without_zero(seen, [(0, 2), (3, 5)]), results])
}

/// The inputs of quantised operators that hold weights, and those that hold scales and zero points.
pub(super) fn use_of(op: &str, index: usize) -> Option<Use> {
    Some(match (op, index) {
        ("DequantizeLinear", 0) => Use::Dequantised,
        ("QuantizeLinear", 0) => Use::Through,
        ("DequantizeLinear" | "QuantizeLinear", _) => Use::Buffer,
        ("ConvInteger" | "MatMulInteger", 0 | 1) => Use::Weight,
        ("ConvInteger" | "MatMulInteger", _) => Use::Buffer,
        ("QLinearConv", 0 | 3 | 8) | ("QLinearMatMul", 0 | 3) => Use::Weight,
        ("QLinearConv" | "QLinearMatMul", _) => Use::Buffer,
        // Products of integers without scales.
        ("Conv" | "Gemm" | "MatMul", 1 | 2) => Use::Weight,
        _ => return None,
    })
}
