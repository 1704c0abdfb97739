//! Operators that fold dimensions: sums, means, extremes, where an extreme is, and losses.

use super::Rule;
use super::indexing::Comparable;
use crate::model::{DType, Dim};
use crate::shapes::call::{Call, Outcome, Unknown, axes, axis};
use crate::shapes::known::{Data, Known, coordinates, place, strides};

/// The rules of this family.
pub(super) fn find(op: &str) -> Option<Rule> {
    Some(match op {
        "ArgMax" => |call| extreme_index(call, true),
        "ArgMin" => |call| extreme_index(call, false),
        "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceSumSquare" => |call| reduce(call, None),
        "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum" => {
            |call| reduce(call, fold_of(&call.node.op))
        }
        "NegativeLogLikelihoodLoss" => loss,
        "SoftmaxCrossEntropyLoss" => loss,
        _ => return None,
    })
}

/// How a group of elements becomes one: integers with their formulas, and floats.
type Fold = (fn(&[Dim]) -> Option<Dim>, fn(&[f64]) -> Option<f64>);

fn sum(items: &[Dim]) -> Option<Dim> {
    Some(items.iter().fold(Dim::known(0), |sum, item| sum.add(item)))
}

fn times(items: &[Dim]) -> Option<Dim> {
    Some(items.iter().fold(Dim::known(1), |product, item| product.mul(item)))
}

fn mean(items: &[Dim]) -> Option<Dim> {
    Some(sum(items)?.truncating_div(&Dim::from_len(items.len())))
}

fn largest(items: &[Dim]) -> Option<Dim> {
    items.iter().cloned().reduce(|a, b| a.max(&b))
}

fn smallest(items: &[Dim]) -> Option<Dim> {
    items.iter().cloned().reduce(|a, b| a.min(&b))
}

/// The axes are an attribute before version 18 (13 for `ReduceSum`) and an input since; without them all are folded.
fn reduce(call: &mut Call<'_, '_>, fold: Option<Fold>) -> Outcome {
    let keep = call.flag("keepdims", true);
    reduce_keeping(call, keep, fold)
}

/// As the ONNX operator of that name, with the axes as the second input; a flag says whether folded axes stay.
pub(super) fn reduce_as(call: &mut Call<'_, '_>, op: &str, keep: bool) -> Outcome {
    reduce_keeping(call, keep, fold_of(op))
}

fn fold_of(op: &str) -> Option<Fold> {
    Some(match op {
        "ReduceMax" => (largest, |items| items.iter().copied().reduce(f64::max)),
        "ReduceMean" => (mean, |items| Some(items.iter().sum::<f64>() / items.len() as f64)),
        "ReduceMin" => (smallest, |items| items.iter().copied().reduce(f64::min)),
        "ReduceProd" => (times, |items| Some(items.iter().product())),
        "ReduceSum" => (sum, |items| Some(items.iter().sum())),
        _ => return None,
    })
}

fn reduce_keeping(call: &mut Call<'_, '_>, keep: bool, fold: Option<Fold>) -> Outcome {
    let dtype = call.dtype(0);
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, dtype, None);
        return Ok(());
    };
    let folded = match call.ints_or_attribute(1, "axes") {
        Ok(Some(list)) if !list.is_empty() => axes(&list, input.len())?,
        Ok(_) if call.flag("noop_with_empty_axes", false) => {
            // The operator still does its arithmetic on each element, which changes values but no shape.
            call.set_tensor(0, dtype, Some(input));
            return Ok(());
        }
        Ok(_) => (0..input.len()).collect(),
        Err(Unknown) => {
            let shape = keep.then(|| vec![Dim::UNKNOWN; input.len()]);
            call.set_tensor(0, dtype, shape);
            return Ok(());
        }
    };
    let known = call.known(0).zip(fold).and_then(|(known, fold)| reduced(&known, &folded, keep, fold));
    call.set_tensor(0, dtype, Some(without(&input, &folded, keep)));
    call.set_known(0, known);
    Ok(())
}

/// A shape with some axes folded: to 1, or away.
fn without(shape: &[Dim], folded: &[usize], keep: bool) -> Vec<Dim> {
    let dims = shape.iter().enumerate().filter(|(axis, _)| keep || !folded.contains(axis));
    dims.map(|(axis, dim)| if folded.contains(&axis) { Dim::known(1) } else { dim.clone() }).collect()
}

/// For each element of the folded tensor, the places of those that it is made of; and its shape with and without ones.
fn groups(shape: &[usize], folded: &[usize]) -> Option<(Vec<usize>, Vec<Vec<usize>>)> {
    let from = strides(shape);
    let outer: Vec<usize> =
        shape.iter().enumerate().map(|(a, size)| if folded.contains(&a) { 1 } else { *size }).collect();
    let inner: Vec<usize> =
        shape.iter().enumerate().map(|(a, size)| if folded.contains(&a) { *size } else { 1 }).collect();
    let inner: Vec<usize> = coordinates(&inner)?.iter().map(|at| place(at, &from)).collect();
    let bases = coordinates(&outer)?;
    let groups = bases.iter().map(|at| inner.iter().map(|offset| place(at, &from) + offset).collect()).collect();
    Some((outer, groups))
}

fn reduced(known: &Known, folded: &[usize], keep: bool, (integers, floats): Fold) -> Option<Known> {
    let (shape, groups) = groups(&known.shape, folded)?;
    fn pick<T: Clone>(items: &[T], places: &[usize]) -> Option<Vec<T>> {
        places.iter().map(|place| items.get(*place).cloned()).collect()
    }
    let data = match &known.data {
        Data::Integers(items) => {
            Data::Integers(groups.iter().map(|group| integers(&pick(items, group)?)).collect::<Option<_>>()?)
        }
        Data::Floats(items) => {
            Data::Floats(groups.iter().map(|group| floats(&pick(items, group)?)).collect::<Option<_>>()?)
        }
        Data::Texts(_) | Data::Items(_) => return None,
    };
    Known::checked(kept_sizes(shape, folded, keep), data)
}

fn kept_sizes(shape: Vec<usize>, folded: &[usize], keep: bool) -> Vec<usize> {
    shape.into_iter().enumerate().filter(|(axis, _)| keep || !folded.contains(axis)).map(|(_, size)| size).collect()
}

/// `ArgMax` and `ArgMin`: the index of the extreme along one axis.
fn extreme_index(call: &mut Call<'_, '_>, largest: bool) -> Outcome {
    let keep = call.flag("keepdims", true);
    let Some(input) = call.shape(0) else {
        call.set_tensor(0, Some(DType::I64), None);
        return Ok(());
    };
    let along = axis(call.int_or("axis", 0), input.len())?;
    let last = call.flag("select_last_index", false);
    let known = call.known(0).and_then(|known| {
        let numbers = Comparable::of(&known)?;
        let (shape, groups) = groups(&known.shape, &[along])?;
        let best = |group: &Vec<usize>| {
            let mut best = (0, *group.first()?);
            for (index, place) in group.iter().enumerate().skip(1) {
                let order = numbers.order(*place, best.1);
                let better = if largest { order.is_gt() } else { order.is_lt() };
                if better || (last && order.is_eq()) {
                    best = (index, *place);
                }
            }
            Some(Dim::from_len(best.0))
        };
        let items = groups.iter().map(best).collect::<Option<Vec<_>>>()?;
        Known::integers(kept_sizes(shape, &[along], keep), items)
    });
    call.set_tensor(0, Some(DType::I64), Some(without(&input, &[along], keep)));
    call.set_known(0, known);
    Ok(())
}

/// Losses of class scores against labels: one number, or one per label. The second output is as large as the scores.
fn loss(call: &mut Call<'_, '_>) -> Outcome {
    let dtype = call.dtype(0);
    let shape = match call.node.text("reduction") {
        Some("none") => call.shape(1),
        _ => Some(Vec::new()),
    };
    let scores = call.shape(0);
    call.set_tensor(0, dtype, shape);
    call.set_tensor(1, dtype, scores);
    Ok(())
}
