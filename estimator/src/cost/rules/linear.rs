//! Matrix products: `MatMul`, `Gemm`, `Einsum`.

use super::Rule;
use crate::cost::count::{Seen, Work, product, sum, times};
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

/// A label of an `Einsum` term: a letter, or an axis that the ellipsis stands for, counted from the back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Letter(char),
    Ellipsis(usize),
}

/// Operands are multiplied pairwise from left to right.
///
/// A label that only one of the two has and that nothing later needs is summed beforehand (other operations).
/// The pair then costs the product of all labels it has, as MACs if it has a label that is summed,
/// else as plain multiplications.
fn einsum(seen: &Seen<'_>) -> Work {
    contractions(seen).unwrap_or(Work { macs: None, other: None })
}

fn contractions(seen: &Seen<'_>) -> Option<Work> {
    let equation: String = seen.node.text("equation")?.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation.as_str(), None),
    };
    let mut sizes: BTreeMap<Label, u64> = BTreeMap::new();
    let mut occurrences: BTreeMap<Label, usize> = BTreeMap::new();
    let mut last_use: BTreeMap<Label, usize> = BTreeMap::new();
    let mut operands = Vec::new();
    for (index, term) in left.split(',').enumerate() {
        let shape = seen.sizes(index)?;
        let labels = labels_of(term, shape.len())?;
        for (label, size) in labels.iter().zip(&shape) {
            let kept = sizes.entry(*label).or_insert(*size);
            // A size of 1 broadcasts under an ellipsis.
            *kept = if *kept == 1 { *size } else { *kept };
            *occurrences.entry(*label).or_default() += 1;
            last_use.insert(*label, index);
        }
        operands.push(labels.into_iter().collect::<BTreeSet<Label>>());
    }
    let ellipsis = sizes.keys().filter(|label| matches!(label, Label::Ellipsis(_)));
    let wanted: BTreeSet<Label> = match right {
        Some(term) => {
            let letters = term.chars().filter(|letter| *letter != '.').map(Label::Letter);
            if term.contains('.') { letters.chain(ellipsis.copied()).collect() } else { letters.collect() }
        }
        // Without an arrow the result keeps what occurs once, and the ellipsis.
        None => {
            let once = occurrences.iter().filter(|(_, count)| **count == 1).map(|(label, _)| label);
            once.chain(ellipsis).copied().collect()
        }
    };
    let extent = |labels: &BTreeSet<Label>| product(labels.iter().map(|label| sizes.get(label).copied()));
    let (mut macs, mut other) = (Some(0), Some(0));
    let mut operands = operands.into_iter().enumerate();
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

/// The labels of one term; an ellipsis stands for as many axes as the rank leaves.
fn labels_of(term: &str, rank: usize) -> Option<Vec<Label>> {
    let letters = term.chars().filter(|letter| *letter != '.').count();
    let hidden = rank.checked_sub(letters)?;
    let mut labels = Vec::with_capacity(rank);
    let mut rest = term;
    while let Some(letter) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("...") {
            labels.extend((0..hidden).rev().map(Label::Ellipsis));
            rest = after;
        } else if letter == '.' {
            return None;
        } else {
            labels.push(Label::Letter(letter));
            rest = rest.get(letter.len_utf8()..)?;
        }
    }
    Some(labels)
}
