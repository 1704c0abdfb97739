//! Norms, softmax and reductions: what mixes elements without a matrix product.

use super::Rule;
use super::convolution::minus;
use crate::cost::count::{Seen, Work, product, sum, times};

/// Softmax per element: largest, minus it, exp, sum, division.
pub(super) const SOFTMAX: u64 = 5;
/// Mean and variance per element: sum, minus the mean, square, sum.
const MOMENTS: u64 = 4;

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        // The logarithm of the sum falls on each row once and is left out.
        "Softmax" | "LogSoftmax" => |seen| Work::other(times(seen.elements(0), SOFTMAX)),
        // A selection of the largest.
        "Hardmax" => |seen| Work::other(times(seen.elements(0), 1)),
        // Running statistics are constants: scale and shift are one product and one sum per element.
        // While training the moments are computed too.
        "BatchNormalization" => |seen| {
            let training = seen.node.int("training_mode").unwrap_or(0) != 0;
            Work::other(times(seen.elements(0), if training { MOMENTS + 2 } else { 2 }))
        },
        // Moments, · 1/√variance, ·scale, +shift
        "InstanceNormalization" | "GroupNormalization" => |seen| Work::other(times(seen.elements(0), MOMENTS + 3)),
        "LayerNormalization" => |seen| Work::other(times(seen.elements(0), MOMENTS + 2 + u64::from(seen.has(2)))),
        "MeanVarianceNormalization" => |seen| Work::other(times(seen.elements(0), MOMENTS + 1)),
        // Square, sum, · 1/√mean, ·scale
        "RMSNormalization" => |seen| Work::other(times(seen.elements(0), RMS)),
        // |x| or square, sum, division
        "LpNormalization" => |seen| Work::other(times(seen.elements(0), 3)),
        "LRN" => local_response,
        "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" => |seen| Work::other(reduced(seen)),
        "ArgMax" | "ArgMin" => |seen| Work::other(reduced(seen)),
        // One division for each result.
        "ReduceMean" => |seen| Work::other(sum([reduced(seen), seen.out_elements()])),
        // |x| or square before the sum.
        "ReduceL1" | "ReduceSumSquare" => |seen| Work::other(sum([reduced(seen), seen.elements(0)])),
        // Square before the sum, root after it; exp and log likewise.
        "ReduceL2" | "ReduceLogSumExp" => {
            |seen| Work::other(sum([reduced(seen), seen.elements(0), seen.out_elements()]))
        }
        "ReduceLogSum" => |seen| Work::other(sum([reduced(seen), seen.out_elements()])),
        "CumSum" | "CumProd" => |seen| Work::other(seen.elements(0)),
        // Sorting n numbers takes n·log₂ n comparisons.
        "TopK" => top_k,
        "Unique" => |seen| Work::other(seen.elements(0).and_then(|count| product([Some(count), Some(log2(count))]))),
        "NonZero" => |seen| Work::other(seen.elements(0)),
        _ => return None,
    })
}

/// RMS norm per element: square, sum, · 1/√mean, ·scale.
pub(super) const RMS: u64 = 4;

/// Additions (or comparisons) that bring the first input down to the first output.
fn reduced(seen: &Seen<'_>) -> Option<u64> {
    minus(seen.elements(0), seen.out_elements())
}

/// Square once, sum over the neighbouring channels, then ·alpha/size, +bias, power, division.
fn local_response(seen: &Seen<'_>) -> Work {
    let size = seen.node.int("size").and_then(|size| u64::try_from(size).ok());
    Work::other(product([seen.elements(0), size.and_then(|size| size.checked_add(4))]))
}

/// Each row is sorted.
fn top_k(seen: &Seen<'_>) -> Work {
    let count = || {
        let axis = crate::cost::count::axis(seen.node.int("axis").unwrap_or(-1), seen.rank(0)?)?;
        product([seen.elements(0), Some(log2(seen.size(0, axis)?))])
    };
    Work::other(count())
}

/// The logarithm to base 2, rounded up; 0 for nothing and for one.
pub(super) fn log2(count: u64) -> u64 {
    u64::from(u64::BITS - count.saturating_sub(1).leading_zeros())
}
