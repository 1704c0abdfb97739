//! Matrix products: `MatMul`, `Gemm`, `Einsum`.

use super::Rule;
use crate::cost::count::{Seen, Work, product, sum, times};
use crate::shapes::{Label, contraction};
use std::collections::{BTreeMap, BTreeSet};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "MatMul" => |seen| Work::macs(matmul(seen)),
        "Gemm" => gemm,
        "Einsum" => einsum,
        _ => return None,
    })
}

/// Elements of the product × the length of the contracted axis, which is the last one of the left factor.
pub(super) fn matmul(seen: &Seen<'_>) -> Option<u64> {
    product([seen.out_elements(), seen.size_from_back(0, 0)])
}

/// `alpha·A·B + beta·C`: M·N·K MACs; scaling by a factor other than 1 and adding C are one operation per element each.
fn gemm(seen: &Seen<'_>) -> Work {
    let transposed = seen.node.int("transA").unwrap_or(0) != 0;
    let inner = seen.size(0, if transposed { 0 } else { 1 });
    let outer = seen.out_elements();
    let is_one = |name: &str| seen.node.float(name).unwrap_or(1.0) == 1.0;
    let per_element = u64::from(!is_one("alpha")) + u64::from(seen.has(2)) * (1 + u64::from(!is_one("beta")));
    Work { macs: product([outer, inner]), other: times(outer, per_element) }
}

/// Operands are multiplied pairwise from left to right.
///
/// A label that only one of the two has and that nothing later needs is summed beforehand (other operations).
/// The pair then costs the product of all labels it has, as MACs if it has a label that is summed,
/// else as plain multiplications.
pub(super) fn einsum(seen: &Seen<'_>) -> Work {
    contractions(seen).unwrap_or(Work::UNKNOWN)
}

fn contractions(seen: &Seen<'_>) -> Option<Work> {
    let shapes: Vec<_> =
        (0..seen.node.inputs.len()).map(|index| seen.input(index)?.shape.clone()).collect::<Option<_>>()?;
    let equation = contraction(seen.node.text("equation")?, &shapes).ok()?;
    let sizes: BTreeMap<Label, Option<u64>> =
        equation.sizes.iter().map(|(label, size)| (*label, size.size())).collect();
    let wanted: BTreeSet<Label> = equation.result.iter().copied().collect();
    let mut last_use: BTreeMap<Label, usize> = BTreeMap::new();
    for (index, labels) in equation.operands.iter().enumerate() {
        last_use.extend(labels.iter().map(|label| (*label, index)));
    }
    let operands = equation.operands.into_iter().map(|labels| labels.into_iter().collect::<BTreeSet<Label>>());
    let extent = |labels: &BTreeSet<Label>| product(labels.iter().map(|label| sizes.get(label).copied().flatten()));
    let (mut macs, mut other) = (Some(0), Some(0));
    let mut operands = operands.enumerate();
    let (_, mut current) = operands.next()?;
    for (index, next) in operands {
        let needed = |label: &Label| wanted.contains(label) || last_use.get(label).is_some_and(|last| *last > index);
        let (current_sum, left) = summed_alone(current, &next, needed);
        let (next_sum, right) = summed_alone(next, &left, needed);
        other = sum([other, current_sum.map_or(Some(0), |labels| extent(&labels))]);
        other = sum([other, next_sum.map_or(Some(0), |labels| extent(&labels))]);
        let union: BTreeSet<Label> = left.union(&right).copied().collect();
        match union.iter().all(needed) {
            true => other = sum([other, extent(&union)]),
            false => macs = sum([macs, extent(&union)]),
        }
        current = union.into_iter().filter(needed).collect();
    }
    if current.iter().any(|label| !wanted.contains(label)) {
        other = sum([other, extent(&current)]);
    }
    Some(Work { macs, other })
}

/// Splits off the labels of `own` that neither its partner has nor anything later needs.
/// Gives all labels over which that sum runs, if there is one, and the labels left.
fn summed_alone(
    own: BTreeSet<Label>,
    partner: &BTreeSet<Label>,
    needed: impl Fn(&Label) -> bool,
) -> (Option<BTreeSet<Label>>, BTreeSet<Label>) {
    let left: BTreeSet<Label> = own.iter().filter(|label| needed(label) || partner.contains(label)).copied().collect();
    if left.len() == own.len() { (None, left) } else { (Some(own), left) }
}
